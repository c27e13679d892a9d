// Statistics against plain arithmetic, never further off than the bound, for vectors of every awkward length.
#include "prism/circuits/statistics.h"

#include <gtest/gtest.h>

#include "prism/circuits/internal/testing.h"

namespace prism::circuits {
namespace {

using testing::must;

struct Sample : testing::World<testing::Ckks> {
  explicit Sample(std::uint64_t seed_, testing::Shape shape = {.levels = 2, .base_primes = 2})
      : World(seed_, shape),
        statistics(evaluator, keys, {}, &spent),
        in_scale(evaluator, keys, {.quotient = Quotient::in_scale, .radix = 4}, &spent) {
    for (const Statistic s : {Statistic::sum, Statistic::weighted_sum, Statistic::variance})
      for (const unsigned radix : {2U, 4U}) make(statistic_keys(*parameters, s, top(), {.radix = radix}));
  }
  Cost spent;
  StatisticsEvaluator statistics, in_scale;
  static constexpr StatisticOptions kInScale{.quotient = Quotient::in_scale, .radix = 4};

  ckks::EncryptedVector encrypt_vector(const std::vector<double>& x, double largest) {
    return must(ckks::encrypt(encryptor, encoder, std::span<const double>(x), largest, random));
  }
  /// Every slot holds it.
  void expect(const ckks::Ciphertext& c, double wanted) const {
    EXPECT_LE(distance_log2(c, Slots(parameters->slots(), wanted)), testing::Ckks::tolerance_log2(c))
        << "seed " << seed;
    EXPECT_LE(testing::Ckks::tolerance_log2(c), -8) << "the bound says nothing";
    EXPECT_LE(std::log2(std::fabs(wanted)), c.noise.magnitude.log2());
  }
  std::vector<double> draw_in(std::size_t count, double low, double high) {
    std::uniform_real_distribution<double> uniform(low, high);
    std::vector<double> out(count);
    for (double& x : out) x = uniform(engine);
    return out;
  }
};

struct Plain {
  double sum = 0, mean = 0, variance = 0;
  explicit Plain(const std::vector<double>& x) {
    for (const double v : x) sum += v;
    mean = sum / static_cast<double>(x.size());
    for (const double v : x) variance += (v - mean) * (v - mean);
  }
};

const std::size_t kLengths[] = {1, 2, 31, 32, 33, 63, 64, 100};  // of 32 slots

TEST(StatisticsTest, SumsAndMeans) {
  Sample s(41);
  for (const std::size_t n : kLengths) {
    const auto x = s.draw(n);
    const auto c = s.encrypt_vector(x, 1);
    const std::size_t blocks = c.blocks.size();
    s.spent = {};
    const auto sum = must(s.statistics.sum(c));
    EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::sum, blocks));
    s.expect(sum, Plain(x).sum);
    EXPECT_EQ(sum.level, s.top());
    EXPECT_LE(sum.noise.magnitude.log2(), std::log2(static_cast<double>(n)) + 1e-6) << "padding counted";
    s.spent = {};
    const auto mean = must(s.statistics.mean(c));
    EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::mean, blocks));
    EXPECT_EQ(mean.scale, s.parameters->scale(mean.level));
    EXPECT_EQ(mean.level.value, s.top().value - 1);
    s.expect(mean, Plain(x).mean);
    s.spent = {};
    const auto exact = must(s.in_scale.mean(c));
    EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::mean, blocks, Sample::kInScale));
    EXPECT_EQ(exact.level, s.top());
    s.expect(exact, Plain(x).mean);
  }
}

TEST(StatisticsTest, VariancesAndCovariances) {
  Sample s(42);
  for (const std::size_t n : kLengths) {
    const auto x = s.draw(n), y = s.draw(n);
    const auto cx = s.encrypt_vector(x, 1), cy = s.encrypt_vector(y, 1);
    const double count = static_cast<double>(n);
    double products = 0;
    for (std::size_t i = 0; i < n; ++i) products += (x[i] - Plain(x).mean) * (y[i] - Plain(y).mean);
    for (const auto* statistics : {&s.statistics, &s.in_scale}) {
      const bool canonical = statistics == &s.statistics;
      const StatisticOptions options = canonical ? StatisticOptions{} : Sample::kInScale;
      s.spent = {};
      const auto variance = must(statistics->variance(cx, Variance::population));
      EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::variance, cx.blocks.size(), options));
      EXPECT_EQ(variance.level.value, s.top().value - s.spent.levels);
      EXPECT_EQ(variance.scale == s.parameters->scale(variance.level), canonical || n == 1);
      s.expect(variance, Plain(x).variance / count);
      s.spent = {};
      s.expect(must(statistics->covariance(cx, cy, Variance::population)), products / count);
      EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::covariance, cx.blocks.size(), options));
      if (n == 1) {
        EXPECT_EQ(statistics->variance(cx, Variance::sample).error().code, ErrorCode::invalid_argument);
      } else {
        s.expect(must(statistics->variance(cx, Variance::sample)), Plain(x).variance / (count - 1));
        s.expect(must(statistics->covariance(cx, cy, Variance::sample)), products / (count - 1));
      }
    }
  }
}

TEST(StatisticsTest, CentringAvoidsCancellation) {
  Sample s(43);
  for (const std::size_t n : {2U, 33U, 64U}) {
    const auto x = s.draw_in(n, 99, 101);
    const auto c = s.encrypt_vector(x, 101);
    const auto far = must(s.in_scale.variance(c, Variance::population));
    const auto centred = must(centre(s.evaluator, s.encoder, c, 99, 101));
    const auto near = must(s.in_scale.variance(centred, Variance::population));
    s.expect(far, Plain(x).variance / static_cast<double>(n));
    s.expect(near, Plain(x).variance / static_cast<double>(n));
    EXPECT_LE(near.noise.error.log2(), far.noise.error.log2() - 6)
        << "a hundredth of the size, a hundredth of the error";
    // The slots after the last value were not shifted.
    s.expect(must(s.statistics.sum(centred)), Plain(x).sum - 100 * static_cast<double>(n));
  }
  EXPECT_EQ(centre(s.evaluator, s.encoder, {}, 1, 0).error().code, ErrorCode::invalid_argument);
}

TEST(StatisticsTest, WeightedSumsAndDotProducts) {
  Sample s(44);
  for (const std::size_t n : kLengths) {
    const auto x = s.draw(n), y = s.draw(n);
    const auto cx = s.encrypt_vector(x, 1), cy = s.encrypt_vector(y, 1);
    double wanted = 0;
    for (std::size_t i = 0; i < n; ++i) wanted += x[i] * y[i];
    s.spent = {};
    const auto weighted = must(s.statistics.weighted_sum(s.encoder, cx, y));
    EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::weighted_sum, cx.blocks.size()));
    EXPECT_EQ(weighted.scale, s.parameters->scale(weighted.level));
    s.expect(weighted, wanted);
    s.spent = {};
    s.expect(must(s.statistics.dot_product(cx, cy)), wanted);
    EXPECT_EQ(s.spent, statistic_cost(*s.parameters, Statistic::dot_product, cx.blocks.size()));
  }
}

TEST(StatisticsTest, SelectionsAreCountedUnderEncryption) {
  Sample s(45);
  const auto x = s.draw(50);
  std::vector<double> selection(50);
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    selection[i] = i % 3 == 0 ? 1 : 0;
    sum += selection[i] * x[i];
    count += selection[i];
  }
  const auto ratio = must(s.statistics.selected_mean(s.encrypt_vector(x, 1), s.encrypt_vector(selection, 1)));
  s.expect(ratio.numerator, sum);
  s.expect(ratio.denominator, count);
  EXPECT_EQ(ratio.numerator.level, ratio.denominator.level);
}

TEST(StatisticsTest, DivisionIsExact) {
  Sample s(46);
  const auto x = s.draw();
  const auto c = s.encrypt(x);
  for (const std::uint64_t n : {1ULL, 2ULL, 6ULL, 97ULL, 3600ULL, 1000003ULL, (1ULL << 40) - 1}) {
    const auto out = must(divide_by(c, n));
    Sample::Slots wanted(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) wanted[i] = x[i] / static_cast<double>(n);
    EXPECT_LE(s.distance_log2(out, wanted), testing::Ckks::tolerance_log2(out));
    EXPECT_EQ(must(divide_by(out, 15)).scale, must(divide_by(must(divide_by(out, 3)), 5)).scale);
  }
  EXPECT_EQ(divide_by(c, 1ULL << 40).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(divide_by(c, 0).error().code, ErrorCode::invalid_argument);
}

TEST(StatisticsTest, RefusalsSayTheWayOut) {
  Sample s(47, {.levels = 1, .base_primes = 1});
  const auto c = s.encrypt_vector(s.draw(64), 1);
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(s.statistics.sum({})), ErrorCode::invalid_argument);
  EXPECT_EQ(code(s.statistics.dot_product(c, s.encrypt_vector(s.draw(63), 1))), ErrorCode::mismatch);
  EXPECT_EQ(code(s.statistics.weighted_sum(s.encoder, c, s.draw(63))), ErrorCode::mismatch);
  // 64^2 times a scale of 2^40 is over a modulus of 2^50.
  EXPECT_EQ(code(s.in_scale.variance(c, Variance::population)), ErrorCode::level_exhausted);
  EXPECT_EQ(code(s.statistics.variance(c, Variance::population)), ErrorCode::level_exhausted) << "two levels";
  const rlwe::EvaluationKeys none(s.parameters->rlwe_ptr());
  EXPECT_EQ(code(StatisticsEvaluator(s.evaluator, none).sum(c)), ErrorCode::not_found);
}

}  // namespace
}  // namespace prism::circuits
