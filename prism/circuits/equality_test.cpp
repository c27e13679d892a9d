// Equality and order of integers under BGV and BFV: exactly 0 or 1 for every pair, at the stated depth and cost.
#include "prism/circuits/equality.h"

#include <gtest/gtest.h>

#include "prism/circuits/integer_comparison.h"
#include "prism/circuits/internal/integer_world.h"

namespace prism::circuits {
namespace {

using exact::Ciphertext;
using exact::Scheme;
using testing::IntegerWorld;
using testing::must;
using Values = std::vector<std::int64_t>;

/// Every pair of [0, range) in turn, in as many slots as there are: x runs through all values, y is x moved by `shift`.
Values moved(const IntegerWorld& w, std::int64_t range, std::int64_t shift) {
  Values out;
  for (std::size_t i = 0; i < w.parameters->slots(); ++i) out.push_back((static_cast<std::int64_t>(i) + shift) % range);
  return out;
}
template <class F>
Values each(const Values& x, const Values& y, F f) {
  Values out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(f(x[i], y[i]));
  return out;
}
std::int64_t is_equal(std::int64_t a, std::int64_t b) { return a == b ? 1 : 0; }
std::int64_t is_less(std::int64_t a, std::int64_t b) { return a < b ? 1 : 0; }

class IntegerCircuitTest : public ::testing::TestWithParam<Scheme> {
 protected:
  int levels(const Ciphertext& from, const Ciphertext& to) const { return from.level.value - to.level.value; }
  int stated(int depth) const { return GetParam() == Scheme::bgv ? depth : 0; }
};

TEST_P(IntegerCircuitTest, EqualityIsExactForEveryPairOfTheRange) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 9);
  for (const std::int64_t range : {2, 3, 8, 16, 33}) {
    const Equality equality = must(Equality::make(257, static_cast<std::uint64_t>(range)));
    EXPECT_TRUE(equality.interpolates());
    const Values x = moved(w, range, 0);
    const Ciphertext cx = w.encrypt(x);
    for (std::int64_t shift = 0; shift < range; shift += range > 8 ? range / 5 : 1) {
      const Values y = moved(w, range, shift);
      Cost count;
      const Ciphertext c = must(equality.equal(w.evaluator, cx, w.encrypt(y), w.keys, &count));
      EXPECT_EQ(w.decrypt(c), each(x, y, is_equal)) << "range " << range << " shift " << shift;
      EXPECT_EQ(levels(cx, c), stated(equality.depth()));
      EXPECT_EQ(count.products, equality.cost().products);
      EXPECT_EQ(count.switches, equality.cost().switches);
    }
  }
}

TEST_P(IntegerCircuitTest, FermatComparesAnyResidues) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 9);
  const Equality equality = must(Equality::make(257));
  EXPECT_FALSE(equality.interpolates());
  EXPECT_EQ(equality.depth(), 8);
  EXPECT_EQ(equality.cost().products, 8U);
  const Values x = testing::every_value(w);
  for (const std::int64_t shift : {0, 1, 128}) {
    Values y;
    for (std::size_t i = 0; i < x.size(); ++i) y.push_back(w.centre(x[i] + (i % 2 == 0 ? shift : 0)));
    const Ciphertext cx = w.encrypt(x), c = must(equality.equal(w.evaluator, cx, w.encrypt(y), w.keys));
    EXPECT_EQ(w.decrypt(c), each(x, y, is_equal));
    EXPECT_EQ(levels(cx, c), stated(8));
  }
}

TEST_P(IntegerCircuitTest, EqualityToEveryConstant) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 9);
  const Values x = moved(w, 16, 0);
  const Ciphertext cx = w.encrypt(x);
  for (const std::uint64_t constant : {0U, 1U, 7U, 15U}) {
    const EqualityToConstant equality = must(EqualityToConstant::make(257, constant, 16));
    EXPECT_EQ(equality.depth(), 4);
    Cost count;
    const Ciphertext c = must(equality.equal(w.evaluator, cx, w.keys, &count));
    EXPECT_EQ(w.decrypt(c), each(x, Values(x.size(), static_cast<std::int64_t>(constant)), is_equal));
    EXPECT_EQ(levels(cx, c), stated(4));
    EXPECT_EQ(count.switches, equality.cost().switches);
    const EqualityToConstant any = must(EqualityToConstant::make(257, constant));
    EXPECT_EQ(w.decrypt(must(any.equal(w.evaluator, cx, w.keys))),
              each(x, Values(x.size(), static_cast<std::int64_t>(constant)), is_equal));
  }
}

TEST_P(IntegerCircuitTest, OrderIsExactForEveryPairOfTheRange) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 9);
  for (const std::int64_t range : {2, 3, 8, 16, 33}) {
    const IntegerComparison comparison = must(IntegerComparison::make(257, static_cast<std::uint64_t>(range)));
    const Values x = moved(w, range, 0);
    const Ciphertext cx = w.encrypt(x);
    for (std::int64_t shift = 0; shift < range; shift += range > 8 ? range / 5 : 1) {
      const Values y = moved(w, range, shift);
      const Ciphertext cy = w.encrypt(y);
      Cost order_count, less_count;
      const auto order = must(comparison.order(w.evaluator, cx, cy, w.keys, &order_count));
      EXPECT_EQ(w.decrypt(order.less), each(x, y, is_less)) << "range " << range << " shift " << shift;
      EXPECT_EQ(w.decrypt(order.equal), each(x, y, is_equal));
      EXPECT_EQ(levels(cx, order.less), stated(comparison.order_depth()));
      EXPECT_EQ(levels(cx, order.equal), stated(comparison.order_depth()));
      const Ciphertext less = must(comparison.less(w.evaluator, cx, cy, w.keys, &less_count));
      EXPECT_EQ(w.decrypt(less), each(x, y, is_less));
      EXPECT_EQ(levels(cx, less), stated(comparison.depth()));
      EXPECT_EQ(order_count.switches, comparison.order_cost().switches);
      EXPECT_EQ(order_count.products, comparison.order_cost().products);
      EXPECT_EQ(less_count.switches, comparison.cost().switches);
    }
  }
}

TEST_P(IntegerCircuitTest, DigitsCompareAsNumbers) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 9);
  constexpr std::int64_t kBase = 4;
  const IntegerComparison comparison = must(IntegerComparison::make(257, kBase));
  std::mt19937_64 engine(2);
  for (const std::size_t digits : {1U, 2U, 3U, 5U}) {
    Values x(w.parameters->slots(), 0), y = x;
    std::vector<Ciphertext> cx, cy;
    for (std::size_t d = 0; d < digits; ++d) {
      Values xd, yd;
      for (std::size_t i = 0; i < x.size(); ++i) {
        xd.push_back(static_cast<std::int64_t>(engine() % kBase));
        // Often equal, so that later digits decide.
        yd.push_back(engine() % 3 == 0 ? static_cast<std::int64_t>(engine() % kBase) : xd.back());
        x[i] = x[i] * kBase + xd.back();
        y[i] = y[i] * kBase + yd.back();
      }
      cx.push_back(w.encrypt(xd));
      cy.push_back(w.encrypt(yd));
    }
    Cost count;
    const auto order = must(comparison.order(w.evaluator, cx, cy, w.keys, &count));
    EXPECT_EQ(w.decrypt(order.less), each(x, y, is_less)) << digits;
    EXPECT_EQ(w.decrypt(order.equal), each(x, y, is_equal)) << digits;
    EXPECT_EQ(levels(cx[0], order.less), stated(comparison.order_depth(digits)));
    EXPECT_EQ(count.switches, comparison.order_cost(digits).switches);
    EXPECT_EQ(w.decrypt(must(comparison.less(w.evaluator, cx, cy, w.keys))), each(x, y, is_less)) << digits;
  }
  EXPECT_FALSE(comparison.less(w.evaluator, std::span<const Ciphertext>(), {}, w.keys));
}

TEST_P(IntegerCircuitTest, MinimumAndMaximum) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 9);
  const IntegerComparison comparison = must(IntegerComparison::make(257, 16));
  const Values x = moved(w, 16, 0), y = moved(w, 16, 5);
  const Ciphertext cx = w.encrypt(x), cy = w.encrypt(y);
  const Ciphertext smaller = must(comparison.minimum(w.evaluator, cx, cy, w.keys));
  EXPECT_EQ(w.decrypt(smaller), each(x, y, [](auto a, auto b) { return std::min(a, b); }));
  EXPECT_EQ(levels(cx, smaller), stated(comparison.depth() + 1));
  EXPECT_EQ(w.decrypt(must(comparison.maximum(w.evaluator, cx, cy, w.keys))),
            each(x, y, [](auto a, auto b) { return std::max(a, b); }));
}

INSTANTIATE_TEST_SUITE_P(Schemes, IntegerCircuitTest, ::testing::Values(Scheme::bgv, Scheme::bfv),
                         [](const auto& c) { return c.param == Scheme::bgv ? "bgv" : "bfv"; });

TEST(EqualityTest, SixteenBitsTakeSixteenSquares) {
  const Equality equality = must(Equality::make(65537));
  EXPECT_EQ(equality.depth(), 16);
  EXPECT_EQ(equality.cost().products, 16U);
  EXPECT_EQ(equality.cost().switches, 16U);
  IntegerWorld& w = testing::integer_world(Scheme::bgv, 65537, 17);
  const Values x = testing::every_value(w);
  Values y = x;
  for (std::size_t i = 0; i < y.size(); i += 3) y[i] = w.centre(y[i] + 1 + static_cast<std::int64_t>(i) * 977);
  const Ciphertext cx = w.encrypt(x), c = must(equality.equal(w.evaluator, cx, w.encrypt(y), w.keys));
  EXPECT_EQ(w.decrypt(c), each(x, y, is_equal));
  EXPECT_EQ(cx.level.value - c.level.value, 16);
}

TEST(EqualityTest, TheCheaperCircuitIsTaken) {
  // 8 bits modulo 65537: an even polynomial of degree 510 saves 7 levels, Fermat saves products.
  const Equality shallow = must(Equality::make(65537, 256, Save::levels));
  EXPECT_TRUE(shallow.interpolates());
  EXPECT_EQ(shallow.depth(), 9);
  const Equality quick = must(Equality::make(65537, 256, Save::products));
  EXPECT_LE(quick.cost().switches, shallow.cost().switches);
  EXPECT_FALSE(must(Equality::make(65537, 60000)).interpolates());
  EXPECT_FALSE(Equality::make(65537, 1));
  EXPECT_FALSE(Equality::make(257, 258));
  EXPECT_FALSE(EqualityToConstant::make(257, 16, 16));
  EXPECT_FALSE(IntegerComparison::make(257, 130));
  EXPECT_FALSE(IntegerComparison::make(65537, 4000));
  EXPECT_TRUE(IntegerComparison::make(257, 129));
}

TEST(EqualityTest, EightBitsCompareInTenLevels) {
  const IntegerComparison comparison = must(IntegerComparison::make(65537, 256));
  EXPECT_EQ(comparison.depth(), 9);
  EXPECT_EQ(comparison.order_depth(), 10);
  IntegerWorld& w = testing::integer_world(Scheme::bgv, 65537, 17);
  const Values x = moved(w, 256, 128);
  for (const std::int64_t shift : {127, 128, 129, 0, 200}) {
    const Values y = moved(w, 256, shift);
    const Ciphertext cx = w.encrypt(x), cy = w.encrypt(y);
    EXPECT_EQ(w.decrypt(must(comparison.less(w.evaluator, cx, cy, w.keys))), each(x, y, is_less));
    const auto order = must(comparison.order(w.evaluator, cx, cy, w.keys));
    EXPECT_EQ(w.decrypt(order.less), each(x, y, is_less));
    EXPECT_EQ(w.decrypt(order.equal), each(x, y, is_equal));
  }
}

}  // namespace
}  // namespace prism::circuits
