// Polynomials on CKKS ciphertexts against plain evaluation: at the stated depth, with the stated number of products,
// exactly at the canonical scale, never further off than the bound.
#include "prism/circuits/polynomial.h"

#include <gtest/gtest.h>

#include <cmath>

#include "prism/circuits/internal/real_world.h"

namespace prism::circuits {
namespace {

using ckks::Ciphertext;
using ckks::Complex;
using testing::must;
using testing::RealWorld;

std::vector<double> spread_over(Interval interval, std::size_t count) {
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(count - 1);
    out[i] = interval.low + (interval.high - interval.low) * share;
  }
  out.back() = interval.high;
  return out;
}

struct Setting : RealWorld {
  explicit Setting(std::uint32_t depth, unsigned scale_bits = 45, unsigned log_n = 7, std::uint32_t per_level = 1)
      : RealWorld({.log_n = log_n, .scale_bits = scale_bits, .depth = depth, .per_level = per_level}) {}
  /// log2 of the largest distance to f(x), which the bound covers.
  double expect_near(const Ciphertext& c, const std::vector<double>& x, const std::function<double(double)>& f) {
    std::vector<Complex> wanted;
    for (const double v : x) {
      wanted.emplace_back(f(v));
      EXPECT_LE(std::log2(std::fabs(f(v))), (c.noise.magnitude + c.noise.error).log2());
    }
    double largest = 0;
    const std::vector<Complex> slots = decrypt_complex(c);
    for (std::size_t i = 0; i < slots.size(); ++i) largest = std::max(largest, std::abs(slots[i] - wanted[i]));
    const double found = std::log2(largest);
    EXPECT_LE(found, (c.noise.error + encoder.transform_error(c.noise.magnitude + c.noise.error)).log2());
    return found;
  }
};

std::vector<double> random_coefficients(std::uint32_t degree, Parity parity, std::mt19937_64& engine) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> out(degree + 1, 0);
  for (std::uint32_t k = 0; k <= degree; ++k) {
    if (parity == Parity::any || (k % 2 == 1) == (parity == Parity::odd)) out[k] = uniform(engine);
  }
  out[degree] = 0.75;
  return out;
}

TEST(PolynomialPlanTest, DepthIsOptimalAndPowersAreMadeInOrder) {
  for (const Basis basis : {Basis::monomial, Basis::chebyshev}) {
    for (const bool constants : {true, false}) {
      for (std::uint32_t degree = 1; degree <= 130; degree += degree < 20 ? 1 : 13) {
        const Parity own = degree % 2 == 1 ? Parity::odd : Parity::even;
        std::size_t all = 0;
        for (const Parity parity : {Parity::any, own}) {
          const PolynomialPlan plan = must(PolynomialPlan::make({degree, basis, parity, constants}));
          const double levels = std::ceil(std::log2(constants ? degree + 1 : degree));
          EXPECT_EQ(plan.depth(), static_cast<int>(levels)) << degree;
          std::vector<std::uint32_t> there{0, 1};
          for (const PolynomialPlan::Power& p : plan.powers()) {
            EXPECT_EQ(p.exponent, p.left + p.right);
            EXPECT_LT(std::max(power_depth(p.left), power_depth(p.right)), power_depth(p.exponent));
            const auto has = [&](std::uint32_t e) { return std::find(there.begin(), there.end(), e) != there.end(); };
            EXPECT_TRUE(has(p.left) && has(p.right));
            EXPECT_TRUE(basis == Basis::monomial || has(p.left - p.right));
            there.push_back(p.exponent);
          }
          EXPECT_LE(plan.relinearisations(), plan.products());
          if (parity == Parity::any) all = plan.relinearisations();
          EXPECT_LE(plan.relinearisations(), all + 1) << "parity saves products, degree " << degree;
        }
      }
    }
  }
  EXPECT_FALSE(PolynomialPlan::make({0}));
  EXPECT_FALSE(PolynomialPlan::make({4096}));
  EXPECT_FALSE(PolynomialPlan::make({4, Basis::monomial, Parity::odd}));
}

TEST(PolynomialPlanTest, ProductsAreFew) {
  // Within a few of 2 sqrt(degree), with what depth-optimality costs at the top.
  for (const std::uint32_t degree : {7U, 15U, 31U, 63U, 127U, 255U}) {
    const PolynomialPlan plan = must(PolynomialPlan::make({degree, Basis::chebyshev, Parity::any, true}));
    const double root = std::sqrt(2.0 * degree);
    EXPECT_LE(static_cast<double>(plan.relinearisations()), 2 * root + std::log2(degree)) << degree;
    EXPECT_LE(static_cast<double>(
                  must(PolynomialPlan::make({degree, Basis::chebyshev, Parity::odd, true})).relinearisations()),
              2 * std::sqrt(1.0 * degree) + std::log2(degree))
        << degree;
  }
}

TEST(PolynomialTest, EveryDegreeAtItsDepthWithItsProducts) {
  Setting s(6);
  std::mt19937_64 engine(5);
  const std::vector<double> x = spread_over({}, s.parameters->slots());
  const Ciphertext c = s.encrypt(x, 1);
  for (const Basis basis : {Basis::monomial, Basis::chebyshev}) {
    for (std::uint32_t degree = 1; degree <= 63; degree += degree < 20 ? 1 : 7) {
      for (const Parity parity : {Parity::any, degree % 2 == 1 ? Parity::odd : Parity::even}) {
        const auto coefficients = random_coefficients(degree, parity, engine);
        const Polynomial p =
            must(basis == Basis::monomial ? Polynomial::monomial(coefficients) : Polynomial::chebyshev(coefficients));
        Cost count;
        const Ciphertext y = must(evaluate(s.evaluator, p, c, s.keys, {.promised = {}, .count = &count}));
        EXPECT_EQ(y.level.value, 6 - p.depth());
        EXPECT_EQ(y.scale, s.parameters->scale(y.level));
        EXPECT_EQ(count, p.cost()) << degree;
        EXPECT_EQ(count.products, p.plan().products()) << degree;
        EXPECT_EQ(count.switches, p.plan().relinearisations()) << degree;
        const double found = s.expect_near(y, x, p);
        EXPECT_LE(y.noise.error.log2() - found, 16) << "the bound is loose at degree " << degree;
        EXPECT_LE(y.noise.error.log2(), -10) << degree;
      }
    }
  }
}

TEST(PolynomialTest, AnyIntervalForOneLevel) {
  Setting s(6);
  for (const Interval interval : {Interval{0, 1}, Interval{-8, 8}, Interval{2, 100}, Interval{-3, 0.5}}) {
    const auto f = [&](double x) { return std::exp(-x / interval.high / 4); };
    const auto approximation = must(chebyshev_interpolate(f, interval, 20));
    const Polynomial p = must(Polynomial::chebyshev(approximation));
    EXPECT_EQ(p.depth(), 6);
    const std::vector<double> x = spread_over(interval, s.parameters->slots());
    const double largest = std::max(std::fabs(interval.low), std::fabs(interval.high));
    const Ciphertext y = must(evaluate(s.evaluator, p, s.encrypt(x, largest), s.keys,
                                       {.promised = {}, .approximation_error = approximation.grid_error * 2}));
    EXPECT_EQ(y.level.value, 0);
    EXPECT_LE(s.expect_near(y, x, f), -15);
  }
}

TEST(PolynomialTest, FunctionsToTheStatedError) {
  Setting s(7, 45);
  const std::vector<double> x = spread_over({-4, 4}, s.parameters->slots());
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  // Poles at +-i pi: inside the ellipse with axes 4/2 (rho +- 1/rho), rho = 1.9 |f| stays below 2.
  const auto a = must(chebyshev_interpolate(sigmoid, {-4, 4}, 31, {.rho = 1.9, .reach = 2}));
  EXPECT_LE(a.grid_error, a.proven_error);
  EXPECT_LE(a.proven_error, 1e-7);
  const Ciphertext y = must(evaluate(s.evaluator, must(Polynomial::chebyshev(a)), s.encrypt(x, 4), s.keys,
                                     {.promised = {}, .approximation_error = a.proven_error}));
  EXPECT_EQ(y.level.value, 7 - 6);
  s.expect_near(y, x, sigmoid);
  EXPECT_LE(y.noise.error.log2(), -14);
}

TEST(PolynomialTest, WorksAtEveryScaleAndFromComputedArguments) {
  for (const auto& [bits, per_level] : {std::pair{40U, 1U}, std::pair{70U, 2U}, std::pair{90U, 2U}}) {
    Setting s(4, bits, 7, per_level);
    const std::vector<double> x = spread_over({}, s.parameters->slots());
    Ciphertext c = s.encrypt(x, 1);
    c = must(s.evaluator.multiply_relinearise_rescale(c, c, s.keys));  // x^2
    const Polynomial p = must(Polynomial::chebyshev({0.25, -0.5, 0, 0.125, 0.3, 0, 0, 0.0625}));
    const Ciphertext y = must(evaluate(s.evaluator, p, c, s.keys));
    EXPECT_EQ(y.level.value, 0);
    s.expect_near(y, x, [&](double v) { return p(v * v); });
  }
}

TEST(PolynomialTest, PromisesTightenTheBoundAndNothingWraps) {
  Setting s(6);
  // (3y - y^3)/2 is flat at 1 and steep at 0.
  const Polynomial p = must(Polynomial::chebyshev({0, 1.125, 0, -0.125}));
  std::vector<double> x = spread_over({0.95, 1}, s.parameters->slots());
  Ciphertext noisy = s.encrypt(x, 1);
  noisy.noise.error = math::Bound::from_double(0x1p-10);
  const Ciphertext anywhere = must(evaluate(s.evaluator, p, noisy, s.keys));
  const Ciphertext promised = must(evaluate(s.evaluator, p, noisy, s.keys, {.promised = {{0.95, 1}}}));
  s.expect_near(promised, x, p);
  EXPECT_LT(promised.noise.error.log2() + 2.5, anywhere.noise.error.log2());
  // The largest error that the argument may have: at 0.95 and 1 the polynomial moves less than the bound says.
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = (i % 2 == 0 ? 0.95 : 1) + 0x1p-10 * (i % 4 < 2 ? 1 : -1);
  for (const double v : x) {
    const double m = v < 0.97 ? 0.95 : 1;
    EXPECT_LE(std::fabs(p(v) - p(m)), promised.noise.error.to_double());
  }
}

TEST(PolynomialTest, RefusesWithTheWayOut) {
  Setting s(2);
  const Ciphertext c = s.encrypt(std::vector<double>(s.parameters->slots(), 0.5), 1);
  const Polynomial cubic = must(Polynomial::monomial({0, 0, 0, 1})),
                   quartic = must(Polynomial::monomial({0, 0, 0, 0, 1}));
  EXPECT_TRUE(evaluate(s.evaluator, cubic, c, s.keys));
  const auto deep = evaluate(s.evaluator, quartic, c, s.keys);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::level_exhausted);
  EXPECT_NE(deep.error().message.find("takes 3 levels, and the ciphertext has 2"), std::string::npos);
  rlwe::EvaluationKeys none(s.parameters->rlwe_ptr());
  const auto keyless = evaluate(s.evaluator, cubic, c, none);
  ASSERT_FALSE(keyless);
  EXPECT_EQ(keyless.error().code, ErrorCode::not_found);
  EXPECT_FALSE(Polynomial::monomial({1}));
  EXPECT_FALSE(Polynomial::monomial({1, 0, 0}));
  EXPECT_FALSE(Polynomial::monomial({1, std::nan("")}));
  EXPECT_FALSE(Polynomial::monomial({1, 0, 1e308}));
  EXPECT_FALSE(Polynomial::chebyshev({1, 1}, {1, 1}));
  const Ciphertext three = must(s.evaluator.square(c));
  EXPECT_EQ(evaluate(s.evaluator, cubic, three, s.keys).error().code, ErrorCode::mismatch);
}

TEST(PolynomialTest, AnArgumentThatMayBeFarOutsideIsRefusedAtHighDegrees) {
  Setting s(10);
  Ciphertext c = s.encrypt(std::vector<double>(s.parameters->slots(), 0.5), 1);
  c.noise.error = math::Bound::from_double(0.9);
  std::vector<double> coefficients(601, 0);
  coefficients[600] = 1;
  const auto far = evaluate(s.evaluator, must(Polynomial::chebyshev(coefficients)), c, s.keys);
  ASSERT_FALSE(far) << "T_600(1.9) is more than 2^1000";
  EXPECT_EQ(far.error().code, ErrorCode::noise_exceeded);
}

TEST(ChebyshevTest, LargestIsABoundAndNearlyReached) {
  std::mt19937_64 engine(3);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> c(static_cast<std::size_t>(2 + round % 40));
    for (double& v : c) v = uniform(engine);
    double low = uniform(engine), high = uniform(engine);
    if (low > high) std::swap(low, high);
    const double bound = chebyshev_largest(c, {low, high});
    double largest = 0;
    for (int i = 0; i <= 4000; ++i)
      largest = std::max(largest, std::fabs(chebyshev_value(c, low + (high - low) * i / 4000)));
    EXPECT_LE(largest, bound);
    EXPECT_LE(bound, largest * 1.021 + 1e-9);
    for (int i = 0; i < 100; ++i) {
      const double y = uniform(engine), h = 1e-6;
      const double slope = (chebyshev_value(c, y + h) - chebyshev_value(c, y - h)) / (2 * h);
      EXPECT_NEAR(chebyshev_value(chebyshev_derivative(c), y), slope, 1e-3 * (1 + std::fabs(slope)));
    }
  }
}

TEST(ChebyshevTest, InterpolationIsExactForPolynomialsAndStatesItsError) {
  const auto cubic = [](double x) { return 1 - 2 * x + 0.5 * x * x * x; };
  const auto a = must(chebyshev_interpolate(cubic, {-1, 3}, 5, {.derivative = 0}));
  EXPECT_LE(a.grid_error, 1e-13);
  EXPECT_LE(a.grid_error, a.proven_error);
  EXPECT_LE(a.proven_error, 1e-12);
  const auto wave = must(chebyshev_interpolate([](double x) { return std::sin(x); }, {0, 2}, 9, {.derivative = 1}));
  EXPECT_LE(wave.grid_error, wave.proven_error);
  EXPECT_GE(wave.grid_error * 4, wave.proven_error) << "for a sine the bound is nearly reached";
  EXPECT_FALSE(chebyshev_interpolate([](double x) { return std::sqrt(x); }, {-1, 1}, 6));
  EXPECT_FALSE(chebyshev_interpolate(cubic, {2, 2}, 6));
  EXPECT_FALSE(chebyshev_interpolate(cubic, {}, 0));
}

}  // namespace
}  // namespace prism::circuits
