// Matrices times encrypted vectors against plain arithmetic, for every scheme and split; bounds, costs and keys as
// stated.
#include "prism/circuits/linear_map.h"

#include <gtest/gtest.h>

#include "prism/circuits/internal/testing.h"
#include "prism/circuits/window.h"

namespace prism::circuits {
namespace {

using testing::must;
using testing::World;

template <class Scheme>
class LinearMapTest : public ::testing::Test {};
using Schemes = ::testing::Types<testing::Ckks, testing::Bgv, testing::Bfv>;
struct Names {
  template <class Scheme>
  static std::string GetName(int) {
    return Scheme::kName;
  }
};
TYPED_TEST_SUITE(LinearMapTest, Schemes, Names);

template <class Scheme>
struct Maps {
  using Evaluator = typename Scheme::Evaluator;
  using Slots = typename World<Scheme>::Slots;
  using Weight = WeightOf<Evaluator>;
  using Map = SlotMap<Evaluator>;
  using Linear = LinearMap<Evaluator>;

  explicit Maps(std::uint64_t seed, testing::Shape shape = {}) : w(seed, shape) {}
  World<Scheme> w;

  Matrix<Weight> matrix(std::size_t rows, std::size_t columns, double density = 1) {
    Matrix<Weight> out{rows, columns, std::vector<Weight>(rows * columns)};
    for (Weight& x : out.values) {
      if (std::uniform_real_distribution<double>(0, 1)(w.engine) < density)
        x = Weight(Scheme::draw(w.engine, *w.parameters));
    }
    return out;
  }
  /// The same vector of `count` values in each row, every `period` slots.
  Slots vector(std::size_t count, std::size_t period) {
    const Slots values = w.draw(count);
    Slots out(w.parameters->slots());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i % period < count ? values[i % period] : 0;
    return out;
  }
  /// What the matrix makes of the first row's vector, by the definition of a product.
  std::vector<Weight> product(const Matrix<Weight>& m, const Slots& x) const {
    std::vector<Weight> out(m.rows);
    for (std::size_t i = 0; i < m.rows; ++i) {
      for (std::size_t j = 0; j < m.columns; ++j) {
        if constexpr (std::is_same_v<Scheme, testing::Ckks>) {
          out[i] += m.at(i, j) * x[j];
        } else {
          out[i] = Scheme::reduce(Int128{out[i]} + Int128{m.at(i, j)} * x[j], *w.parameters);
        }
      }
    }
    return out;
  }
  Slots laid_out(const std::vector<Weight>& values, std::size_t period) const {
    Slots out(w.parameters->slots());
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % period < values.size()) {
        if constexpr (std::is_same_v<Scheme, testing::Ckks>) {
          out[i] = values[i % period].real();
        } else {
          out[i] = values[i % period];
        }
      }
    }
    return out;
  }
  std::vector<Weight> weights(const Slots& x) const { return {x.begin(), x.end()}; }

  /// Runs the map on x; checks value, cost, keys, level and scale.
  void expect_maps(const Linear& map, const Slots& x, const Slots& wanted) {
    w.make(map.keys_needed());
    const auto c = w.encrypt(x, map.level());
    Cost spent;
    const auto out = must(map.apply(w.evaluator, c, w.keys, &spent));
    EXPECT_EQ(spent, map.cost());
    EXPECT_EQ(out.level.value, c.level.value - SchemeOf<Evaluator>::kPlainProductLevels);
    double gap = Scheme::gap(w.decryptor, out);
    if constexpr (std::is_same_v<Scheme, testing::Ckks>) {
      EXPECT_EQ(out.scale, w.parameters->scale(out.level));
      gap = Scheme::tolerance_log2(out) - w.distance_log2(out, wanted);
    }
    EXPECT_GE(gap, 0) << "seed " << w.seed;
    worst_gap = std::max(worst_gap, gap);
    EXPECT_LE(w.distance_log2(out, wanted), Scheme::tolerance_log2(out)) << "seed " << w.seed;
    EXPECT_LE(Scheme::tolerance_log2(out), -1) << "the bound says nothing";
  }
  double worst_gap = 0;  ///< bits between bound and error
};

TYPED_TEST(LinearMapTest, MatricesOfAnyShapeMultiply) {
  Maps<TypeParam> m(21);
  using Map = typename Maps<TypeParam>::Map;
  using Linear = typename Maps<TypeParam>::Linear;
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1},
                                      {1, 32},
                                      {32, 1},
                                      {3, 5},
                                      {7, 4},
                                      {8, 8},
                                      {16, 16},
                                      {17, 31},
                                      {32, 32}}) {
    const auto matrix = m.matrix(rows, columns);
    for (const Layout layout : {Layout::single, Layout::repeated}) {
      const auto map = must(Map::from_matrix(*m.w.parameters, matrix, layout));
      const auto x = m.vector(columns, map.period());
      const auto wanted = m.laid_out(m.product(matrix, x), map.period());
      m.expect_maps(must(Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top())), x, wanted);
      m.expect_maps(
          must(Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top(), {.zeros_beyond = layout == Layout::single})), x,
          wanted);
    }
  }
  EXPECT_LE(m.worst_gap, 16) << "bits between bound and noise";
  this->RecordProperty("worst_gap_bits", std::to_string(m.worst_gap));
}

TYPED_TEST(LinearMapTest, EverySplitGivesTheSame) {
  Maps<TypeParam> m(22);
  const auto matrix = m.matrix(32, 32, 0.3);
  const auto map = must(Maps<TypeParam>::Map::from_matrix(*m.w.parameters, matrix));
  const auto x = m.vector(32, 32);
  const auto wanted = m.laid_out(m.product(matrix, x), 32);
  std::size_t fewest = 1000;
  for (const std::size_t baby : {1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
    const auto linear =
        must(Maps<TypeParam>::Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top(), {.longest_baby = baby}));
    fewest = std::min(fewest, linear.cost().switches);
    m.expect_maps(linear, x, wanted);
  }
  EXPECT_LE(fewest, 12U) << "32 diagonals by 4 or 8 babies";
}

TYPED_TEST(LinearMapTest, InputBeyondTheColumnsCountsForNothing) {
  Maps<TypeParam> m(23);
  const auto matrix = m.matrix(5, 6);
  const auto map = must(Maps<TypeParam>::Map::from_matrix(*m.w.parameters, matrix));
  const auto x = m.vector(32, 32);
  m.expect_maps(must(Maps<TypeParam>::Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top())), x,
                m.laid_out(m.product(matrix, x), 32));
}

TYPED_TEST(LinearMapTest, BothRowsAreMappedAlike) {
  Maps<TypeParam> m(24);
  const auto map = must(Maps<TypeParam>::Map::from_matrix(*m.w.parameters, m.matrix(32, 32, 0.5)));
  const auto x = m.w.draw();
  const auto mapped = map.apply(m.weights(x));
  typename Maps<TypeParam>::Slots wanted(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) wanted[i] = m.laid_out({mapped[i]}, x.size())[0];
  m.expect_maps(must(Maps<TypeParam>::Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top())), x, wanted);
}

TYPED_TEST(LinearMapTest, RotationsAndPermutationsAreMaps) {
  Maps<TypeParam> m(25);
  using Map = typename Maps<TypeParam>::Map;
  using Linear = typename Maps<TypeParam>::Linear;
  const auto x = m.vector(32, 32);
  for (const int steps : {0, 1, -1, 7, 31, 33}) {
    const auto linear =
        must(Linear::make(m.w.evaluator, m.w.encoder, Map::rotation(*m.w.parameters, steps), m.w.top()));
    typename Maps<TypeParam>::Slots wanted(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      wanted[i] = x[static_cast<std::size_t>(static_cast<int>(i % 32) + 64 + steps) % 32];
    m.expect_maps(linear, x, wanted);
    EXPECT_EQ(linear.cost().switches, steps == 0 ? 0U : 1U);
  }
  std::vector<std::size_t> source(32);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = i;
  std::shuffle(source.begin(), source.end(), m.w.engine);
  source.resize(29);
  typename Maps<TypeParam>::Slots wanted(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) wanted[i] = i % 32 < 29 ? x[source[i % 32]] : 0;
  m.expect_maps(
      must(Linear::make(m.w.evaluator, m.w.encoder, must(Map::permutation(*m.w.parameters, source)), m.w.top())), x,
      wanted);
}

TYPED_TEST(LinearMapTest, AllOnesSums) {
  Maps<TypeParam> m(26);
  using Map = typename Maps<TypeParam>::Map;
  using Weight = typename Maps<TypeParam>::Weight;
  const auto c = m.w.encrypt(m.w.draw());
  const auto linear = must(Maps<TypeParam>::Linear::make(
      m.w.evaluator, m.w.encoder,
      must(Map::from_matrix(*m.w.parameters, {32, 32, std::vector<Weight>(32 * 32, Weight{1})})), c.level));
  const WindowPlan row(32);
  m.w.make(linear.keys_needed());
  m.w.make(row.keys_needed(m.w.parameters->rlwe(), c.level));
  const auto by_map = must(linear.apply(m.w.evaluator, c, m.w.keys));
  const auto by_sum = must(row.apply(m.w.evaluator, c, m.w.keys));
  const auto values = m.w.decrypt(by_sum);
  EXPECT_LE(m.w.distance_log2(by_map, values),
            std::max(TypeParam::tolerance_log2(by_map), TypeParam::tolerance_log2(by_sum)) + 1);
}

TYPED_TEST(LinearMapTest, MapsAreLinearAndCompose) {
  Maps<TypeParam> m(27);
  using Map = typename Maps<TypeParam>::Map;
  using Linear = typename Maps<TypeParam>::Linear;
  const auto f = must(Map::from_matrix(*m.w.parameters, m.matrix(32, 32, 0.4)));
  const auto g = must(Map::from_matrix(*m.w.parameters, m.matrix(20, 32, 0.4)));
  const auto gf = must(f.then(g));
  const auto x = m.w.draw(), y = m.w.draw();
  if constexpr (!std::is_same_v<TypeParam, testing::Ckks>) {
    EXPECT_EQ(gf.apply(m.weights(x)), g.apply(f.apply(m.weights(x))));
  }
  const auto top = m.w.top();
  const rlwe::Level next{top.value - SchemeOf<typename TypeParam::Evaluator>::kPlainProductLevels};
  const auto f1 = must(Linear::make(m.w.evaluator, m.w.encoder, f, top)),
             g1 = must(Linear::make(m.w.evaluator, m.w.encoder, g, next)),
             gf1 = must(Linear::make(m.w.evaluator, m.w.encoder, gf, top));
  for (const auto* map : {&f1, &g1, &gf1}) m.w.make(map->keys_needed());
  const auto cx = m.w.encrypt(x), cy = m.w.encrypt(y);
  const auto apply = [&](const Linear& map, const auto& c) { return must(map.apply(m.w.evaluator, c, m.w.keys)); };
  const auto close = [&](const auto& a, const auto& b) {
    EXPECT_LE(m.w.distance_log2(a, m.w.decrypt(b)),
              std::max(TypeParam::tolerance_log2(a), TypeParam::tolerance_log2(b)) + 1);
  };
  close(apply(g1, apply(f1, cx)), apply(gf1, cx));
  close(must(m.w.evaluator.add(apply(f1, cx), apply(f1, cy))), apply(f1, must(m.w.evaluator.add(cx, cy))));
}

TYPED_TEST(LinearMapTest, SeveralPrimesPerDigit) {
  Maps<TypeParam> m(28, {.log_n = 7, .levels = 4, .digit_size = 2});
  const auto matrix = m.matrix(64, 64);
  const auto map = must(Maps<TypeParam>::Map::from_matrix(*m.w.parameters, matrix));
  const auto x = m.vector(64, 64);
  m.expect_maps(must(Maps<TypeParam>::Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top())), x,
                m.laid_out(m.product(matrix, x), 64));
}

TYPED_TEST(LinearMapTest, SmallMapsInLargeRowsKeepEachWeightOnce) {
  Maps<TypeParam> m(29, {.log_n = 10});
  const auto matrix = m.matrix(13, 16);
  const auto map = must(Maps<TypeParam>::Map::from_matrix(*m.w.parameters, matrix, Layout::repeated));
  const auto x = m.vector(16, 16);
  const auto linear = must(Maps<TypeParam>::Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top()));
  EXPECT_EQ(linear.memory_bytes(), 16U * 6 * 32 * 8) << "16 diagonals, 5 primes and 1 special one, 2 x 16 words";
  m.expect_maps(linear, x, m.laid_out(m.product(matrix, x), 16));
}

TYPED_TEST(LinearMapTest, RefusalsSayTheWayOut) {
  Maps<TypeParam> m(30);
  using Map = typename Maps<TypeParam>::Map;
  using Linear = typename Maps<TypeParam>::Linear;
  using Weight = typename Maps<TypeParam>::Weight;
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(Map::from_matrix(*m.w.parameters, m.matrix(33, 2))), ErrorCode::invalid_argument);
  EXPECT_EQ(code(Map::from_matrix(*m.w.parameters, {2, 2, std::vector<Weight>(3)})), ErrorCode::invalid_argument);
  EXPECT_EQ(code(Map::from_diagonals(*m.w.parameters, 12, {})), ErrorCode::invalid_argument);
  const std::size_t outside[] = {32};
  EXPECT_EQ(code(Map::permutation(*m.w.parameters, outside)), ErrorCode::invalid_argument);
  const auto zero = must(Map::from_matrix(*m.w.parameters, {2, 2, std::vector<Weight>(4)}));
  EXPECT_EQ(code(Linear::make(m.w.evaluator, m.w.encoder, zero, m.w.top())), ErrorCode::invalid_argument);
  const auto map = must(Map::from_matrix(*m.w.parameters, m.matrix(8, 8)));
  EXPECT_EQ(code(map.then(must(Map::from_matrix(*m.w.parameters, m.matrix(8, 8), Layout::repeated)))),
            ErrorCode::mismatch);
  const auto linear = must(Linear::make(m.w.evaluator, m.w.encoder, map, m.w.top()));
  const auto c = m.w.encrypt(m.w.draw());
  const auto missing = linear.apply(m.w.evaluator, c, m.w.keys);
  ASSERT_FALSE(missing);
  EXPECT_EQ(code(missing), ErrorCode::not_found);
  m.w.make(linear.keys_needed());
  EXPECT_EQ(m.w.keys.ids(), linear.keys_needed().ids());
  EXPECT_EQ(code(linear.apply(m.w.evaluator, must(m.w.evaluator.drop_to(c, rlwe::Level{1})), m.w.keys)),
            ErrorCode::mismatch);
  if constexpr (std::is_same_v<TypeParam, testing::Ckks>) {
    EXPECT_EQ(code(Linear::make(m.w.evaluator, m.w.encoder, map, rlwe::Level{0})), ErrorCode::level_exhausted);
  }
}

}  // namespace
}  // namespace prism::circuits
