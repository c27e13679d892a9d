#include "prism/dp/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "prism/dp/accountant.h"
#include "prism/dp/filter.h"
#include "prism/dp/internal/curves.h"

namespace prism::dp {
namespace {

Epsilon epsilon_of(std::string_view text) { return Epsilon::parse(text).value(); }
Delta delta_of(std::string_view text) { return Delta::parse(text).value(); }

std::vector<Event> events_of(const Calibration& made) {
  std::vector<Event> out;
  for (const CalibratedRelease& release : made.releases) out.push_back(release.event);
  return out;
}

TEST(Calibrate, OneCountIsLaplaceWithTheExactScale) {
  const Sensitivity count{1, 1, 1};
  const Calibration made = calibrate({&count, 1}, epsilon_of("0.3"), Delta()).value();
  EXPECT_EQ(made.releases[0].kind, Event::Kind::laplace);
  EXPECT_EQ(made.releases[0].parameter, (Rational{10, 3}));
  EXPECT_EQ(made.delta, Delta());
  const Sensitivity sum{12345, Int128{12345} * 12345, 1};
  EXPECT_EQ(calibrate({&sum, 1}, epsilon_of("0.5"), Delta()).value().releases[0].parameter, (Rational{24690, 1}));
}

TEST(Calibrate, SharesFollowTheWeights) {
  const std::vector<Sensitivity> releases = {{1, 1, 1}, {1, 1, 3}};
  const Calibration made = calibrate(releases, epsilon_of("1"), Delta()).value();
  EXPECT_EQ(made.releases[0].parameter, (Rational{4, 1}));
  EXPECT_EQ(made.releases[1].parameter, (Rational{4, 3}));
}

TEST(Calibrate, NeverAboveTheTargetAndNeverWorseThanTheSplit) {
  const std::uint64_t seed = 77;
  std::mt19937_64 random(seed);
  int gaussian = 0, mixed = 0;
  for (int i = 0; i < 150; ++i) {
    std::vector<Sensitivity> releases(random() % 12 + 1);
    for (Sensitivity& one : releases) {
      const int bits = static_cast<int>(random() % 50);
      const auto range = static_cast<Int128>(random() >> (63 - bits)) + 1;
      const auto groups = static_cast<Int128>(random() % 3 == 0 ? random() % 64 + 1 : 1);
      one = {range * groups, range * range * groups, static_cast<std::uint32_t>(random() % 3 + 1)};
      if (random() % 10 == 0 || *one.l2_squared >= Int128{1} << 100) one.l2_squared.reset();
    }
    const Epsilon epsilon = Epsilon::from_nano(static_cast<std::int64_t>(random() % 3'000'000'000) + 10'000'000);
    const Delta delta = random() % 4 == 0 ? Delta() : delta_of(random() % 2 == 0 ? "1e-5" : "1e-9");
    const Calibration made = calibrate(releases, epsilon, delta).value();
    const Calibration split = calibrate(releases, epsilon, delta, NoiseChoice::laplace).value();
    const std::vector<Event> events = events_of(made);
    // The filter's own proof, exact where events are pure.
    EXPECT_TRUE(consistent({events, made.epsilon, made.delta})) << "seed " << seed << ", round " << i;
    Accountant accountant(Method::basic);
    accountant.compose(events);
    EXPECT_LE(accountant.epsilon(made.delta), epsilon.value_up() * (1 + 1e-12)) << "seed " << seed << ", round " << i;
    int gaussians = 0;
    for (std::size_t n = 0; n < releases.size(); ++n) {
      const CalibratedRelease& release = made.releases[n];
      EXPECT_LE(release.half_width, split.releases[n].half_width * (1 + 1e-12));
      gaussians += release.kind == Event::Kind::gaussian ? 1 : 0;
      EXPECT_EQ(split.releases[n].kind, Event::Kind::laplace);
    }
    EXPECT_EQ(made.delta, gaussians > 0 ? delta : Delta());
    gaussian += gaussians > 0 ? 1 : 0;
    mixed += gaussians > 0 && gaussians < static_cast<int>(releases.size()) ? 1 : 0;
  }
  EXPECT_GT(gaussian, 20);
  EXPECT_GT(mixed, 5);
}

TEST(Calibrate, TightestAccountantAgreesThatTheTargetIsMet) {
  const std::vector<Sensitivity> releases = {{1, 1, 1}, {40, 200, 1}, {900, 30'000, 2}, {5, 25, 1}, {64, 64, 1}};
  const Calibration made = calibrate(releases, epsilon_of("0.7"), delta_of("1e-6")).value();
  Accountant accountant(Method::pld);
  accountant.compose(events_of(made));
  EXPECT_LE(accountant.epsilon(made.delta), 0.7 * 1.0001);
  EXPECT_GT(accountant.epsilon(made.delta), 0.2);
}

TEST(Calibrate, ManyGroupsAreGaussian) {
  // A unit in 100 groups: L1 is 100, L2 is 10.
  const Sensitivity histogram{100, 100, 1};
  const Calibration made = calibrate({&histogram, 1}, epsilon_of("1"), delta_of("1e-6")).value();
  ASSERT_EQ(made.releases[0].kind, Event::Kind::gaussian);
  const double sigma = std::sqrt(value_up(made.releases[0].parameter));
  EXPECT_NEAR(sigma, 10 / internal::gaussian_mu_down(1, 1e-6), 0.05);
  EXPECT_LT(made.releases[0].half_width, 0.35 * 2.9957 * 100);
}

TEST(Calibrate, GaussianNoiseIsTheLeastThatIsPrivate) {
  for (const double epsilon : {0.1, 1.0, 3.0}) {
    for (const double delta : {1e-5, 1e-9}) {
      const double sigma = 1 / internal::gaussian_mu_down(epsilon, delta);
      const auto with = [&](double factor) {
        const double variance = sigma * sigma * factor * factor * 1e12;
        Accountant one(Method::basic);
        one.compose(Event::gaussian({static_cast<Int128>(variance), 1}, 1'000'000'000'000).value());
        return one.epsilon(delta);
      };
      EXPECT_LE(with(1.000001), epsilon);
      EXPECT_GT(with(0.99999), epsilon);
    }
  }
}

TEST(Calibrate, LargeSensitivitiesFitOrAreRefused) {
  const Sensitivity large{(Int128{1} << 100) - 1, std::nullopt, 1};
  EXPECT_EQ(calibrate({&large, 1}, epsilon_of("0.1"), Delta()).error().code, ErrorCode::invalid_argument);
  const Sensitivity fits{Int128{1} << 96, std::nullopt, 1000};
  const Calibration made = calibrate({&fits, 1}, epsilon_of("0.1"), Delta()).value();
  EXPECT_TRUE(consistent({events_of(made), made.epsilon, made.delta}));
  EXPECT_LE(made.releases[0].parameter.numerator, Int128{1} << 100);
}

TEST(Calibrate, ArgumentsOutOfBoundsAreRefused) {
  const Sensitivity count{1, 1, 1};
  const auto code = [](const Result<Calibration>& result) { return result.error().code; };
  EXPECT_EQ(code(calibrate({}, epsilon_of("1"), Delta())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(calibrate({&count, 1}, Epsilon(), Delta())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(calibrate({&count, 1}, epsilon_of("1"), Delta(), NoiseChoice::gaussian)), ErrorCode::invalid_argument);
  const Sensitivity nothing{0, 1, 1}, no_l2{1, std::nullopt, 1}, weightless{1, 1, 0};
  EXPECT_EQ(code(calibrate({&nothing, 1}, epsilon_of("1"), Delta())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(calibrate({&weightless, 1}, epsilon_of("1"), Delta())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(calibrate({&no_l2, 1}, epsilon_of("1"), delta_of("1e-6"), NoiseChoice::gaussian)),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace prism::dp
