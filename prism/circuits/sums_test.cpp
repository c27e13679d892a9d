// Sums, masks and replication against plain arithmetic, for every scheme; and costs and keys as stated.
#include "prism/circuits/sums.h"

#include <gtest/gtest.h>

#include "prism/circuits/internal/testing.h"

namespace prism::circuits {
namespace {

using testing::must;
using testing::World;

template <class Scheme>
class SumsTest : public ::testing::Test {};
using Schemes = ::testing::Types<testing::Ckks, testing::Bgv, testing::Bfv>;
struct Names {
  template <class Scheme>
  static std::string GetName(int) {
    return Scheme::kName;
  }
};
TYPED_TEST_SUITE(SumsTest, Schemes, Names);

/// f(row, slot) for every slot, modulo t where there is one.
template <class Scheme, class F>
auto slots(const World<Scheme>& w, F f) {
  typename World<Scheme>::Slots out(w.parameters->slots());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = Scheme::reduce(f(i / w.row(), i % w.row()), *w.parameters);
  return out;
}
template <class Scheme>
auto at(const World<Scheme>& w, const typename World<Scheme>::Slots& x, std::size_t row, std::size_t slot) {
  return x[row * w.row() + slot % w.row()];
}

template <class Scheme>
void expect_slots(const World<Scheme>& w, const typename World<Scheme>::Ciphertext& c,
                  const typename World<Scheme>::Slots& wanted) {
  EXPECT_LE(w.distance_log2(c, wanted), Scheme::tolerance_log2(c)) << "seed " << w.seed;
  EXPECT_GE(Scheme::gap(w.decryptor, c), 0) << "seed " << w.seed;
  // A mask of few ones may be a small polynomial; the bound counts it like any other.
  EXPECT_LE(Scheme::gap(w.decryptor, c), 32) << "seed " << w.seed;
  EXPECT_LE(Scheme::tolerance_log2(c), -1) << "the bound says nothing";
}

TYPED_TEST(SumsTest, WindowsOfEverySizeAndRadixHoldTheirSlots) {
  World<TypeParam> w(11);
  const auto x = w.draw();
  const auto c = w.encrypt(x);
  for (const unsigned radix : {2U, 3U, 4U, 8U}) {
    for (const std::size_t n : {1U, 2U, 3U, 5U, 7U, 8U, 13U, 16U, 27U, 31U, 32U, 33U}) {
      for (const int step : {1, -1, 3}) {
        const WindowPlan plan(n, step, radix);
        w.make(plan.keys_needed(w.parameters->rlwe(), c.level));
        Cost spent;
        const auto out = must(plan.apply(w.evaluator, c, w.keys, &spent));
        EXPECT_EQ(spent, plan.cost(w.parameters->rlwe())) << n << " by " << step << " radix " << radix;
        const auto wanted = slots(w, [&](std::size_t r, std::size_t i) {
          std::conditional_t<std::is_same_v<TypeParam, testing::Ckks>, double, Int128> sum = 0;
          for (std::size_t j = 0; j < n; ++j)
            sum += at(w, x, r, i + 4 * w.row() + static_cast<std::size_t>(static_cast<long>(j) * step));
          return sum;
        });
        expect_slots(w, out, wanted);
      }
    }
  }
}

TYPED_TEST(SumsTest, PowersOfTwoCostTheirLogarithm) {
  World<TypeParam> w(12);
  for (std::size_t n = 1, log = 0; n <= w.row(); n *= 2, ++log) {
    const WindowPlan plan(n);
    EXPECT_EQ(plan.cost(w.parameters->rlwe()).switches, log);
    EXPECT_EQ(plan.keys_needed(w.parameters->rlwe(), w.top()).size(), log);
  }
  // Any n: at most two switches for each binary digit.
  for (std::size_t n = 2; n < w.row(); ++n)
    EXPECT_LE(WindowPlan(n).cost(w.parameters->rlwe()).switches, 2 * static_cast<std::size_t>(std::log2(n)));
}

TYPED_TEST(SumsTest, BlocksLeaveNothingButTheirSums) {
  World<TypeParam> w(13);
  const auto x = w.draw();
  const auto c = w.encrypt(x);
  for (const std::size_t block : {1U, 2U, 5U, 8U, 16U, 31U, 32U}) {
    const auto total = [&](std::size_t r, std::size_t b) {
      std::conditional_t<std::is_same_v<TypeParam, testing::Ckks>, double, Int128> sum = 0;
      for (std::size_t j = 0; j < block; ++j) sum += at(w, x, r, b * block + j);
      return sum;
    };
    for (const Others others : {Others::zero, Others::replicate}) {
      const auto circuit =
          must(BlockSum<typename TypeParam::Evaluator>::make(w.evaluator, w.encoder, block, c.level, others));
      w.make(circuit.keys_needed());
      Cost spent;
      const auto out = must(circuit.apply(w.evaluator, c, w.keys, &spent));
      EXPECT_EQ(spent, circuit.cost()) << block;
      EXPECT_EQ(out.level.value, c.level.value - circuit.cost().levels);
      const bool everywhere = others == Others::replicate || block == w.row();
      expect_slots(w, out, slots(w, [&](std::size_t r, std::size_t i) {
                     const bool whole = i / block < w.row() / block;
                     return whole && (everywhere || i % block == 0) ? total(r, i / block) : 0;
                   }));
    }
  }
}

TYPED_TEST(SumsTest, OneSlotSpreadsOverItsBlock) {
  World<TypeParam> w(14);
  const auto x = w.draw();
  const auto c = w.encrypt(x);
  for (const auto& [block, slot] :
       {std::pair<std::size_t, std::size_t>{1, 0}, {4, 0}, {4, 3}, {5, 2}, {16, 7}, {32, 0}, {32, 19}}) {
    const auto circuit =
        must(Replicate<typename TypeParam::Evaluator>::make(w.evaluator, w.encoder, block, slot, c.level));
    w.make(circuit.keys_needed());
    Cost spent;
    const auto out = must(circuit.apply(w.evaluator, c, w.keys, &spent));
    EXPECT_EQ(spent, circuit.cost());
    expect_slots(w, out, slots(w, [&](std::size_t r, std::size_t i) {
                   return i / block < w.row() / block ? at(w, x, r, i / block * block + slot) : 0;
                 }));
  }
}

TYPED_TEST(SumsTest, EverySlotOnItsOwn) {
  World<TypeParam> w(15);
  for (const std::size_t count : {1U, 3U, 4U, 31U, 32U}) {
    auto x = w.draw();
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % w.row() < count ? x[i] : 0;
    const auto c = w.encrypt(x);
    const auto circuit =
        must(ReplicateEach<typename TypeParam::Evaluator>::make(w.evaluator, w.encoder, count, c.level, 4));
    w.make(circuit.keys_needed());
    Cost spent;
    const auto out = must(circuit.apply(w.evaluator, c, w.keys, &spent));
    EXPECT_EQ(spent, circuit.cost());
    ASSERT_EQ(out.size(), count);
    for (std::size_t k = 0; k < count; ++k)
      expect_slots(w, out[k], slots(w, [&](std::size_t r, std::size_t) { return at(w, x, r, k); }));
  }
}

TYPED_TEST(SumsTest, WeightsMultiplyTheirSlots) {
  World<TypeParam> w(16);
  using Evaluator = typename TypeParam::Evaluator;
  const auto x = w.draw(), weights = w.draw(w.parameters->slots() - 3);
  const auto c = w.encrypt(x);
  const auto mask = must(Mask<Evaluator>::weights(w.evaluator, w.encoder, weights, c.level));
  const auto out = must(mask.apply(w.evaluator, c));
  typename World<TypeParam>::Slots wanted(x.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if constexpr (std::is_same_v<TypeParam, testing::Ckks>) {
      wanted[i] = x[i] * weights[i];
    } else {
      wanted[i] = TypeParam::reduce(Int128{x[i]} * weights[i], *w.parameters);
    }
  }
  expect_slots(w, out, wanted);
}

TYPED_TEST(SumsTest, RefusalsNameWhatIsMissing) {
  World<TypeParam> w(17);
  using Evaluator = typename TypeParam::Evaluator;
  const auto c = w.encrypt(w.draw());
  const auto circuit = must(BlockSum<Evaluator>::make(w.evaluator, w.encoder, 8, c.level));
  const auto missing = circuit.apply(w.evaluator, c, w.keys);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("5"), std::string::npos) << missing.error().message;
  EXPECT_FALSE(check_keys(w.keys, circuit.keys_needed()));
  w.make(circuit.keys_needed());
  EXPECT_TRUE(check_keys(w.keys, circuit.keys_needed()));
  EXPECT_EQ(w.keys.ids(), circuit.keys_needed().ids()) << "no key that is not asked for";
  const auto lower = must(w.evaluator.drop_to(c, rlwe::Level{1}));
  EXPECT_EQ(circuit.apply(w.evaluator, lower, w.keys).error().code, ErrorCode::mismatch);
  EXPECT_EQ(BlockSum<Evaluator>::make(w.evaluator, w.encoder, 0, c.level).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(BlockSum<Evaluator>::make(w.evaluator, w.encoder, 33, c.level).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Replicate<Evaluator>::make(w.evaluator, w.encoder, 8, 8, c.level).error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(Mask<Evaluator>::every(w.evaluator, w.encoder, 1, 8, 5, c.level).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(Mask<Evaluator>::every(w.evaluator, w.encoder, 7, 8, 4, c.level));
  const auto bottom = BlockSum<Evaluator>::make(w.evaluator, w.encoder, 8, rlwe::Level{0});
  if constexpr (std::is_same_v<TypeParam, testing::Ckks>) {
    EXPECT_EQ(bottom.error().code, ErrorCode::level_exhausted);
  } else {
    EXPECT_TRUE(bottom);
  }
}

TEST(KeyListTest, KeepsTheHighestLevelOfEachKey) {
  KeyList list;
  list.add_rotation(1, 64, rlwe::Level{2});
  list.add_rotation(33, 64, rlwe::Level{3});  // the same rotation of 32 slots
  list.add_rotation(32, 64, rlwe::Level{3});  // a whole turn
  list.add_relinearisation(rlwe::Level{1});
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list.ids()[0], (rlwe::KeyId{rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{1}}));
  EXPECT_EQ(list.ids()[1], (rlwe::KeyId{rlwe::KeyId::Kind::automorphism, 5, rlwe::Level{3}}));
}

}  // namespace
}  // namespace prism::circuits
