// Moments of encrypted integers against integers, for vectors of every awkward length.
#include "prism/circuits/moments.h"

#include <gtest/gtest.h>

#include "prism/circuits/internal/testing.h"

namespace prism::circuits {
namespace {

using testing::must;
using testing::World;

template <class Scheme>
class MomentsTest : public ::testing::Test {};
using Schemes = ::testing::Types<testing::Bgv, testing::Bfv>;
struct Names {
  template <class Scheme>
  static std::string GetName(int) {
    return Scheme::kName;
  }
};
TYPED_TEST_SUITE(MomentsTest, Schemes, Names);

constexpr testing::Shape kShape{.levels = 2, .base_primes = 3, .plain_bits = 30};

TYPED_TEST(MomentsTest, AreExactForEveryLength) {
  World<TypeParam> w(51, kShape);
  w.make(moment_keys(w.top()));
  const auto vector = [&](std::size_t n) {
    std::uniform_int_distribution<std::int64_t> uniform(-1000, 1000);
    std::vector<std::int64_t> x(n);
    for (std::int64_t& value : x) value = uniform(w.engine);
    return x;
  };
  const auto encrypt = [&](const std::vector<std::int64_t>& x) {
    return must(exact::encrypt(w.encryptor, w.encoder, x, w.random));
  };
  for (const std::size_t n : {1U, 2U, 63U, 64U, 65U, 128U, 200U}) {
    const auto x = vector(n), y = vector(n);
    std::int64_t sum_x = 0, sum_y = 0, squares = 0, products = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum_x += x[i];
      sum_y += y[i];
      squares += x[i] * x[i];
      products += x[i] * y[i];
    }
    const auto count = static_cast<std::int64_t>(n);
    const auto one = must(open(w.decryptor, must(moments(w.evaluator, encrypt(x), 1000, w.keys))));
    EXPECT_EQ(one.sum, sum_x) << "seed " << w.seed;
    EXPECT_EQ(one.squares, squares);
    EXPECT_EQ(one.mean().value(), static_cast<double>(sum_x) / static_cast<double>(n));
    const auto population = must(one.variance(Variance::population));
    EXPECT_TRUE(population.numerator == Int128{count} * squares - Int128{sum_x} * sum_x);
    EXPECT_TRUE(population.denominator == Int128{count} * count);
    const auto two = must(open(w.decryptor, must(moments(w.evaluator, encrypt(x), encrypt(y), 1000, w.keys))));
    EXPECT_EQ(two.sum_x, sum_x);
    EXPECT_EQ(two.sum_y, sum_y);
    EXPECT_EQ(two.products, products);
    const auto sample = two.covariance(Variance::sample);
    if (n == 1) {
      EXPECT_EQ(sample.error().code, ErrorCode::invalid_argument);
    } else {
      EXPECT_TRUE(sample->numerator == Int128{count} * products - Int128{sum_x} * sum_y);
      EXPECT_TRUE(sample->denominator == Int128{count} * (count - 1));
    }
  }
}

TYPED_TEST(MomentsTest, RefuseWhatWouldWrap) {
  World<TypeParam> w(52, kShape);
  w.make(moment_keys(w.top()));
  const auto half = static_cast<double>(w.parameters->plain_modulus() / 2);
  const auto largest = static_cast<std::uint64_t>(std::sqrt(half / 64));
  const std::vector<std::int64_t> x(64, static_cast<std::int64_t>(largest));
  const auto c = must(exact::encrypt(w.encryptor, w.encoder, x, w.random));
  EXPECT_EQ(must(open(w.decryptor, must(moments(w.evaluator, c, largest, w.keys)))).squares,
            static_cast<std::int64_t>(64 * largest * largest));
  EXPECT_EQ(moments(w.evaluator, c, largest + 1, w.keys).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(moments(w.evaluator, c, ~std::uint64_t{0}, w.keys).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(moments(w.evaluator, exact::EncryptedVector{}, 1, w.keys).error().code, ErrorCode::invalid_argument);
  const auto shorter = must(exact::encrypt(w.encryptor, w.encoder, std::vector<std::int64_t>(63), w.random));
  EXPECT_EQ(moments(w.evaluator, c, shorter, largest, w.keys).error().code, ErrorCode::mismatch);
  const rlwe::EvaluationKeys none(w.parameters->rlwe_ptr());
  EXPECT_EQ(moments(w.evaluator, c, largest, none).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace prism::circuits
