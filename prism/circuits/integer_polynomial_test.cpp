// Polynomials modulo t on BGV and BFV ciphertexts: exactly the values in the clear, at the stated depth and cost.
#include "prism/circuits/integer_polynomial.h"

#include <gtest/gtest.h>

#include "prism/circuits/internal/integer_world.h"

namespace prism::circuits {
namespace {

using exact::Ciphertext;
using exact::Scheme;
using testing::IntegerWorld;
using testing::must;

class IntegerPolynomialTest : public ::testing::TestWithParam<Scheme> {};

TEST_P(IntegerPolynomialTest, EveryDegreeAtItsDepthWithItsProducts) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 7);
  const std::uint64_t t = w.parameters->plain_modulus();
  std::mt19937_64 engine(9);
  const std::vector<std::int64_t> x = testing::every_value(w);
  const Ciphertext c = w.encrypt(x);
  for (std::uint32_t degree = 1; degree <= 127; degree += degree < 18 ? 1 : 13) {
    for (const Parity parity : {Parity::any, degree % 2 == 1 ? Parity::odd : Parity::even}) {
      std::vector<std::uint64_t> coefficients(degree + 1, 0);
      for (std::uint32_t k = 0; k <= degree; ++k) {
        if (parity == Parity::any || (k % 2 == 1) == (parity == Parity::odd)) coefficients[k] = 1 + engine() % (t - 1);
      }
      const IntegerPolynomial p = must(IntegerPolynomial::make(coefficients, t));
      Cost count;
      const Ciphertext y = must(evaluate(w.evaluator, p, c, w.keys, &count));
      EXPECT_EQ(p.depth(), power_depth(degree));
      EXPECT_EQ(y.level.value, GetParam() == Scheme::bgv ? c.level.value - p.depth() : c.level.value);
      EXPECT_EQ(y.correction, w.parameters->correction(y.level));
      EXPECT_EQ(count.products, p.plan().products()) << degree;
      EXPECT_EQ(count.switches, p.plan().relinearisations()) << degree;
      EXPECT_EQ(count.levels, p.depth());
      EXPECT_LE(must(exact::Decryptor(w.key, w.parameters).measured_noise(y)), y.noise.coefficient.log2()) << degree;
      std::vector<std::int64_t> wanted;
      for (const std::int64_t v : x)
        wanted.push_back(w.centre(
            static_cast<Int128>(p(static_cast<std::uint64_t>(w.centre(v) + static_cast<std::int64_t>(t)) % t))));
      EXPECT_EQ(w.decrypt(y), wanted) << "degree " << degree;
    }
  }
}

TEST_P(IntegerPolynomialTest, SparseOnesToo) {
  IntegerWorld& w = testing::integer_world(GetParam(), 257, 7);
  const std::uint64_t t = w.parameters->plain_modulus();
  const std::vector<std::int64_t> x = testing::every_value(w);
  const Ciphertext c = w.encrypt(x);
  for (const std::vector<std::uint32_t>& exponents : {std::vector<std::uint32_t>{31}, {0, 17}, {1, 24}, {5, 6, 63}}) {
    std::vector<std::uint64_t> coefficients(exponents.back() + 1, 0);
    for (const std::uint32_t e : exponents) coefficients[e] = 3 + e;
    const IntegerPolynomial p = must(IntegerPolynomial::make(coefficients, t));
    std::vector<std::int64_t> wanted;
    for (const std::int64_t v : x)
      wanted.push_back(
          w.centre(static_cast<Int128>(p(static_cast<std::uint64_t>(v + static_cast<std::int64_t>(t)) % t))));
    EXPECT_EQ(w.decrypt(must(evaluate(w.evaluator, p, c, w.keys))), wanted);
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, IntegerPolynomialTest, ::testing::Values(Scheme::bgv, Scheme::bfv),
                         [](const auto& c) { return c.param == Scheme::bgv ? "bgv" : "bfv"; });

TEST(IntegerPolynomialValueTest, InterpolationGoesThroughItsPoints) {
  std::mt19937_64 engine(4);
  for (const std::uint64_t t : {17U, 257U, 65537U}) {
    for (const std::size_t n : {2U, 3U, 16U, 17U}) {
      std::vector<std::uint64_t> points(n), values(n);
      for (std::size_t i = 0; i < n; ++i) {
        points[i] = (3 + i * 5) % t;
        values[i] = engine() % t;
      }
      const IntegerPolynomial p = must(IntegerPolynomial::through(points, values, t));
      EXPECT_LT(p.degree(), n);
      for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(p(points[i]), values[i]);
    }
  }
  EXPECT_FALSE(IntegerPolynomial::through({1, 18}, {0, 1}, 17));
  EXPECT_FALSE(IntegerPolynomial::through({1, 2}, {5, 5}, 17)) << "a constant";
}

TEST(IntegerPolynomialValueTest, RefusesWithTheWayOut) {
  IntegerWorld& w = testing::integer_world(Scheme::bgv, 257, 7);
  const Ciphertext c = must(w.evaluator.drop_to(w.encrypt({1, 2, 3}), rlwe::Level{2}));
  const IntegerPolynomial p = must(IntegerPolynomial::make({0, 0, 0, 0, 0, 1}, w.parameters->plain_modulus()));
  const auto deep = evaluate(w.evaluator, p, c, w.keys);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::level_exhausted);
  EXPECT_NE(deep.error().message.find("takes 3 levels, and the ciphertext has 2"), std::string::npos);
  const IntegerPolynomial other = must(IntegerPolynomial::make({0, 1}, 17));
  EXPECT_EQ(evaluate(w.evaluator, other, c, w.keys).error().code, ErrorCode::mismatch);
  EXPECT_FALSE(IntegerPolynomial::make({0, 257}, 257));
  EXPECT_FALSE(IntegerPolynomial::make({3}, 257));
}

}  // namespace
}  // namespace prism::circuits
