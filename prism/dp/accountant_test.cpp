#include "prism/dp/accountant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "prism/dp/internal/curves.h"
#include "prism/dp/internal/parts.h"
#include "prism/dp/pld.h"

namespace prism::dp {
namespace {

Epsilon epsilon_of(std::string_view text) { return Epsilon::parse(text).value(); }
Delta delta_of(std::string_view text) { return Delta::parse(text).value(); }

/// Discrete Laplace noise with this many steps to an epsilon of 1.
Event laplace(std::int64_t scale, std::int64_t sensitivity) { return Event::laplace({scale, 1}, sensitivity).value(); }
Event gaussian(std::int64_t variance, std::int64_t l2_squared = 1) {
  return Event::gaussian({variance, 1}, l2_squared).value();
}

Accountant composed(Method method, std::initializer_list<Event> events) {
  Accountant out(method);
  for (const Event& event : events) out.compose(event);
  return out;
}

/// The hockey-stick divergence of discrete Laplace noise between centres 0 and s, summed over every outcome.
double laplace_delta(double scale, int s, double epsilon) {
  const double r = std::exp(-1 / scale);
  double delta = 0;
  for (int x = -2000; x <= 2000; ++x) {
    const double p = (1 - r) / (1 + r) * std::pow(r, std::abs(x));
    const double q = (1 - r) / (1 + r) * std::pow(r, std::abs(x - s));
    delta += std::max(0.0, p - std::exp(epsilon) * q);
  }
  return delta;
}

/// The same for discrete Gaussian noise in any number of coordinates, shifted by `shift`.
double gaussian_delta(double variance, std::span<const int> shift, double epsilon) {
  // The loss depends on the inner product of the noise with the shift only: convolve its distribution.
  const int reach = static_cast<int>(std::ceil(12 * std::sqrt(variance)));
  std::vector<double> noise;
  double total = 0;
  for (int x = -reach; x <= reach; ++x) noise.push_back(std::exp(-x * x / (2 * variance)));
  for (const double p : noise) total += p;
  std::vector<double> product = {1.0};
  int lowest = 0, squares = 0;
  for (const int s : shift) {
    std::vector<double> next(product.size() + noise.size() * static_cast<std::size_t>(s), 0.0);
    for (std::size_t i = 0; i < product.size(); ++i) {
      for (std::size_t j = 0; j < noise.size(); ++j) {
        next[i + j * static_cast<std::size_t>(s)] += product[i] * noise[j] / total;
      }
    }
    product = std::move(next);
    lowest -= s * reach;
    squares += s * s;
  }
  double delta = 0;
  for (std::size_t i = 0; i < product.size(); ++i) {
    const double inner = lowest + static_cast<double>(i);
    const double loss = (squares - 2 * inner) / (2 * variance);
    if (loss > epsilon) delta += product[i] * -std::expm1(epsilon - loss);
  }
  return delta;
}

TEST(Accountant, BasicAddsEpsilonsAndDeltasExactly) {
  const Accountant sum =
      composed(Method::basic, {Event::pure(epsilon_of("0.25")), Event::approximate(epsilon_of("0.5"), delta_of("1e-6")),
                               laplace(4, 1).times(3).value()});
  EXPECT_NEAR(sum.epsilon(delta_of("1e-6")), 1.5, 1e-12);
  EXPECT_GE(sum.epsilon(delta_of("1e-6")), 1.5);
  EXPECT_EQ(sum.epsilon(delta_of("9e-7")), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(sum.delta(1.6), 1e-6, 1e-18);
  EXPECT_EQ(sum.delta(1.4), 1.0);
}

TEST(Accountant, OneLaplaceHasItsExactCurve) {
  for (const int s : {1, 2, 7}) {
    const double scale = 5;
    const Accountant one = composed(Method::pld, {laplace(5, s)});
    for (const double epsilon : {0.0, 0.03, 0.1, 0.15, 0.2, 0.8, 1.3}) {
      const double exact = laplace_delta(scale, s, epsilon);
      EXPECT_GE(one.delta(epsilon), exact * (1 - 1e-12)) << s << " " << epsilon;
      // The margin of 10^-4, and the grid's cost.
      EXPECT_LE(one.delta(epsilon), laplace_delta(scale, s, epsilon * (1 - 1.1e-4)) * (1 + 1e-5) + 1e-12)
          << s << " " << epsilon;
    }
  }
}

TEST(Accountant, OneGaussianHasTheCurveOfBalleAndWang) {
  // Values of theorem 8 by numerical integration of (p - e^epsilon q)+ with the midpoint rule.
  for (const double mu : {0.1, 0.5, 1.0, 2.0}) {
    for (const double epsilon : {0.0, 0.1, 1.0, 2.5}) {
      double exact = 0;
      const double step = 1e-3;
      for (double x = -14; x < 14; x += step) {
        const double t = x + step / 2;
        const double p = std::exp(-t * t / 2), q = std::exp(-(t + mu) * (t + mu) / 2);
        exact += std::max(0.0, p - std::exp(epsilon) * q) * step / std::sqrt(2 * std::acos(-1.0));
      }
      const double found = internal::gaussian_delta_up(mu, epsilon);
      EXPECT_NEAR(found, exact, 2e-7 * mu) << mu << " " << epsilon;
      if (found > 1e-12) {
        const double back = internal::gaussian_epsilon_up(mu, found);
        EXPECT_NEAR(back, epsilon, 1e-7);
        EXPECT_LE(internal::gaussian_delta_up(mu, back), found);
      }
    }
  }
}

TEST(Accountant, DiscreteGaussianNoiseInManyCoordinatesStaysBelowItsCurve) {
  const std::vector<std::vector<int>> shifts = {{1}, {3}, {1, 1}, {2, 1, 1}, {1, 1, 1, 1, 1}};
  for (const int variance : {4, 9, 30}) {
    for (const auto& shift : shifts) {
      int squares = 0;
      for (const int s : shift) squares += s * s;
      for (const Method method : {Method::basic, Method::zcdp, Method::rdp, Method::pld}) {
        const Accountant one = composed(method, {gaussian(variance, squares)});
        for (const double epsilon : {0.2, 0.5, 1.0, 2.0}) {
          const double exact = gaussian_delta(variance, shift, epsilon);
          EXPECT_GE(one.delta(epsilon), exact) << name_of(method) << " " << variance << " " << squares;
          if (method == Method::pld && variance == 30 && exact > 1e-9) {
            // A variance smaller by 1.25 or so, and the steps of the discrete curve.
            EXPECT_LE(one.delta(epsilon), exact * 2) << squares << " " << epsilon;
          }
        }
      }
    }
  }
}

TEST(Accountant, LaplaceNoiseInManyCoordinatesIsNoWorseThanInOne) {
  // README.md proves it; here, every way to split a shift of 6 at three scales.
  const auto curve = [](const std::vector<int>& shift, double scale, double epsilon) {
    // The loss of one coordinate, in units of 1 / scale, from -s to s in steps of 2.
    const double r = std::exp(-1 / scale);
    std::vector<double> loss(1, 1.0);  // index: (total shift - loss) / 2
    for (const int s : shift) {
      std::vector<double> next(loss.size() + static_cast<std::size_t>(s), 0.0);
      for (std::size_t i = 0; i < loss.size(); ++i) {
        for (int x = 0; x <= s; ++x) {
          const double p = x == 0   ? 1 / (1 + r)
                           : x == s ? std::pow(r, s) / (1 + r)
                                    : (1 - r) / (1 + r) * std::pow(r, x);
          next[i + static_cast<std::size_t>(x)] += loss[i] * p;
        }
      }
      loss = std::move(next);
    }
    double delta = 0;
    const double most = static_cast<double>(loss.size() - 1);
    for (std::size_t i = 0; i < loss.size(); ++i) {
      const double value = (most - 2 * static_cast<double>(i)) / scale;
      if (value > epsilon) delta += loss[i] * -std::expm1(epsilon - value);
    }
    return delta;
  };
  const std::vector<std::vector<int>> splits = {
      {5, 1}, {4, 2}, {3, 3}, {4, 1, 1}, {3, 2, 1}, {2, 2, 2}, {1, 1, 1, 1, 1, 1}};
  for (const double scale : {0.7, 3.0, 40.0}) {
    for (const auto& split : splits) {
      for (double epsilon = 0; epsilon < 6 / scale; epsilon += 0.31 / scale) {
        EXPECT_LE(curve(split, scale, epsilon), curve({6}, scale, epsilon) * (1 + 1e-12)) << scale << " " << epsilon;
      }
    }
  }
}

TEST(Accountant, RepeatedPureEventsHaveTheOptimalComposition) {
  for (const std::uint64_t count : {2U, 10U, 100U}) {
    const Event each = Event::pure(epsilon_of("0.1")).times(count).value();
    for (const char* text : {"1e-3", "1e-6", "1e-10"}) {
      const Delta delta = delta_of(text);
      const double advanced = composed(Method::advanced, {each}).epsilon(delta);
      const PrivacyLoss loss = PrivacyLoss::laplace(0.1 / 16, 0.1, 1).repeated(count);
      EXPECT_NEAR(loss.epsilon(delta.value_down()), advanced, 1e-6 * advanced) << count << " " << text;
      EXPECT_LE(advanced, 0.1 * static_cast<double>(count) * (1 + 1e-12));
      EXPECT_LE(composed(Method::pld, {each}).epsilon(delta), 1.0001 * advanced);
      // Never better than the exact curve allows at the epsilon found.
      EXPECT_LE(internal::optimal_delta_up(0.1, count, advanced), delta.value_up());
    }
  }
}

TEST(Accountant, TighterMethodsAreNeverWorse) {
  const std::initializer_list<Event> mixed = {laplace(40, 3).times(20).value(), gaussian(2500, 4).times(30).value(),
                                              Event::pure(epsilon_of("0.05")).times(5).value()};
  const Delta delta = delta_of("1e-6");
  const double pld = composed(Method::pld, mixed).epsilon(delta);
  for (const Method method : {Method::basic, Method::advanced, Method::zcdp, Method::rdp}) {
    EXPECT_LE(pld, 1.0001 * composed(method, mixed).epsilon(delta)) << name_of(method);
  }
  EXPECT_LE(composed(Method::rdp, mixed).epsilon(delta), 1.01 * composed(Method::zcdp, mixed).epsilon(delta));
}

TEST(Accountant, EpsilonAndDeltaAreInverse) {
  const std::initializer_list<Event> mixed = {laplace(10, 1).times(7).value(), gaussian(400, 9).times(2).value(),
                                              Event::approximate(epsilon_of("0.1"), delta_of("1e-9"))};
  for (const Method method : {Method::basic, Method::advanced, Method::zcdp, Method::rdp, Method::pld}) {
    const Accountant sum = composed(method, mixed);
    for (const double delta : {1e-3, 1e-5, 1e-8}) {
      const double epsilon = sum.epsilon(delta);
      ASSERT_TRUE(std::isfinite(epsilon)) << name_of(method);
      EXPECT_LE(sum.delta(epsilon * (1 + 1e-9)), delta * (1 + 1e-6)) << name_of(method) << " " << delta;
    }
    EXPECT_EQ(sum.epsilon(1e-10), std::numeric_limits<double>::infinity());
  }
}

TEST(Accountant, MoreEventsNeverCostLess) {
  for (const Method method : {Method::basic, Method::advanced, Method::zcdp, Method::rdp, Method::pld}) {
    Accountant sum(method);
    double last = 0;
    for (int i = 0; i < 6; ++i) {
      sum.compose(i % 2 == 0 ? laplace(20, 1) : gaussian(900));
      const double now = sum.epsilon(1e-6);
      EXPECT_GE(now, last) << name_of(method) << " " << i;
      last = now;
    }
  }
}

TEST(Accountant, ExtremesAreInTimeAndNeverTooGood) {
  const Event largest = Event::pure(Epsilon::from_nano(Epsilon::kMostParsed)).with_count(Event::kMostCount);
  const Event smallest = Event::pure(Epsilon::from_nano(1)).with_count(Event::kMostCount);
  const Event loud = Event::gaussian({1, 1'000'000}, 1).value().times(1000).value();
  const Event wide = Event::laplace({(Int128{1} << 100), 1}, Int128{1} << 99).value().times(1000).value();
  const Event thousand = Event::pure(epsilon_of("1000")).times(1000).value();
  for (const Method method : {Method::basic, Method::advanced, Method::zcdp, Method::rdp, Method::pld}) {
    EXPECT_GE(composed(method, {largest}).epsilon(1e-6), 4e12) << name_of(method);
    EXPECT_LE(composed(method, {smallest}).epsilon(1e-6), 4.3) << name_of(method);
    // The sum of 1000 losses that are each +1000 with probability 1 - e^-1000.
    EXPECT_GE(composed(method, {thousand}).epsilon(1e-6), 999'999) << name_of(method);
    EXPECT_GE(composed(method, {loud}).epsilon(1e-6), 1e8) << name_of(method);
    EXPECT_GT(composed(method, {wide}).epsilon(1e-6), 100) << name_of(method);
    EXPECT_EQ(composed(method, {thousand}).delta(1), 1) << name_of(method);
  }
  // 4294967296 times epsilon 10^-9 is worth far less than its sum.
  EXPECT_LE(composed(Method::pld, {smallest}).epsilon(1e-6), 4e-4);
}

TEST(Accountant, NothingCostsNothing) {
  for (const Method method : {Method::basic, Method::advanced, Method::zcdp, Method::rdp, Method::pld}) {
    const Accountant none(method);
    EXPECT_EQ(none.epsilon(0.0), 0);
    EXPECT_EQ(none.epsilon(1e-6), 0);
    EXPECT_EQ(none.delta(0), 0);
    EXPECT_EQ(parse_method(name_of(method)).value(), method);
  }
  EXPECT_EQ(parse_method("moments").error().code, ErrorCode::invalid_argument);
}

TEST(PrivacyLoss, MassIsKept) {
  const auto expect_one = [](const PrivacyLoss& loss) { EXPECT_NEAR(loss.total(), 1, 1e-11); };
  expect_one(PrivacyLoss::laplace(0.01, 0.5, 1));
  expect_one(PrivacyLoss::laplace(0.013, 1.7, 1e12));
  expect_one(PrivacyLoss::gaussian(0.02, 0.3));
  expect_one(PrivacyLoss::gaussian(0.3, 0.05));
  expect_one(PrivacyLoss::laplace(0.02, 0.5, 5).repeated(9).composed_with(PrivacyLoss::gaussian(0.02, 0.3)));
}

TEST(PrivacyLoss, WhatIsCutGoesToInfinity) {
  const PrivacyLoss one = PrivacyLoss::gaussian(0.01, 0.1);
  ASSERT_GT(one.infinite_mass(), 0);
  EXPECT_GE(one.repeated(1000).infinite_mass(), 999 * one.infinite_mass());
  EXPECT_GE(one.repeated(1000).delta(1e6), 999 * one.infinite_mass());
}

TEST(PrivacyLoss, CoarserGridsAreMorePessimistic) {
  for (const double epsilon : {0.1, 0.7, 1.5}) {
    double last = 0;
    for (const double step : {0.005, 0.02, 0.08, 0.32}) {
      const double delta = PrivacyLoss::gaussian(step, 0.8).delta(epsilon);
      EXPECT_GE(delta, last * (1 - 1e-9));
      last = delta;
    }
    EXPECT_NEAR(PrivacyLoss::gaussian(0.005, 0.8).delta(epsilon), internal::gaussian_delta_up(0.8, epsilon), 2e-6);
    EXPECT_GE(PrivacyLoss::gaussian(0.005, 0.8).delta(epsilon), internal::gaussian_delta_up(0.8, epsilon) * (1 - 1e-8));
  }
}

TEST(PrivacyLoss, GaussiansComposeToAGaussian) {
  const PrivacyLoss four = PrivacyLoss::gaussian(0.004, 0.25).repeated(4);
  for (const double epsilon : {0.2, 0.6, 1.2}) {
    const double exact = internal::gaussian_delta_up(0.5, epsilon);
    EXPECT_GE(four.delta(epsilon), exact * (1 - 1e-8));
    EXPECT_LE(four.delta(epsilon), exact * 1.001);
  }
}

TEST(Divergence, LaplaceAgreesWithTheSumOverOutcomes) {
  for (const double scale : {0.8, 4.0}) {
    for (const int s : {1, 2, 5}) {
      for (const double alpha : {1.1, 2.0, 7.5, 40.0}) {
        const double r = std::exp(-1 / scale);
        double sum = 0;
        for (int x = -300; x <= 300; ++x) {
          const double log_p = std::log((1 - r) / (1 + r)) - std::abs(x) / scale;
          const double log_q = std::log((1 - r) / (1 + r)) - std::abs(x - s) / scale;
          sum += std::exp(alpha * log_p + (1 - alpha) * log_q);
        }
        const double exact = std::log(sum) / (alpha - 1);
        const double found = internal::laplace_divergence_up(alpha, s / scale, s);
        EXPECT_GE(found, exact * (1 - 1e-12));
        EXPECT_LE(found, exact * (1 + 1e-9) + 1e-12) << scale << " " << s << " " << alpha;
      }
    }
  }
}

}  // namespace
}  // namespace prism::dp
