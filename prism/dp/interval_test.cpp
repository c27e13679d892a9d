#include "prism/dp/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

namespace prism::dp {
namespace {

NoiseSeed seed_of(std::uint32_t number) {
  NoiseSeed::Key key = {};
  for (unsigned i = 0; i < 4; ++i) key[i] = static_cast<std::uint8_t>(number >> 8 * i);
  key[31] = 77;
  return NoiseSeed::from_bytes(key);
}

/// P(|x| <= h), by summing the definition.
double inside(const Noise& noise, int h) {
  const double parameter =
      static_cast<double>(noise.parameter().numerator) / static_cast<double>(noise.parameter().denominator);
  const auto weight = [&](double x) {
    return noise.kind() == Noise::Kind::laplace ? std::exp(-std::abs(x) / parameter)
                                                : std::exp(-x * x / (2 * parameter));
  };
  double total = 0, in = 0;
  for (int x = -4000; x <= 4000; ++x) {
    total += weight(x);
    if (std::abs(x) <= h) in += weight(x);
  }
  return in / total;
}

TEST(Interval, OfOneTermIsTheSmallestInteger) {
  for (const Noise& noise :
       {Noise::laplace({1, 3}).value(), Noise::laplace({2, 1}).value(), Noise::laplace({55, 2}).value(),
        Noise::gaussian({1, 4}).value(), Noise::gaussian({100, 3}).value(), Noise::gaussian({4096, 1}).value(),
        Noise::gaussian({10000, 1}).value()}) {
    for (const double coverage : {0.5, 0.9, 0.95, 0.99, 0.9999}) {
      const NoiseTerm term{1, &noise};
      const Interval interval = smallest_interval({&term, 1}, coverage);
      const int h = static_cast<int>(interval.half_width);
      EXPECT_EQ(interval.half_width, h);
      EXPECT_NEAR(interval.coverage, inside(noise, h), 1e-5);
      EXPECT_LE(interval.coverage, inside(noise, h) + 1e-12);
      EXPECT_GE(interval.coverage, coverage);
      if (h > 0) {
        EXPECT_LT(inside(noise, h - 1), coverage) << h << " " << coverage;
      }
      EXPECT_EQ(smallest_half_width(noise, coverage), h);
    }
  }
}

TEST(Interval, ScalesWithTheWeight) {
  const Noise noise = Noise::laplace({40, 1}).value();
  const NoiseTerm one{1, &noise}, third{-1.0 / 3, &noise}, huge{1e9, &noise};
  const double h = smallest_interval({&one, 1}, 0.95).half_width;
  EXPECT_NEAR(smallest_interval({&third, 1}, 0.95).half_width, h / 3, 1e-12);
  EXPECT_NEAR(smallest_interval({&huge, 1}, 0.95).half_width, h * 1e9, 1);
  const NoiseTerm zero{0, &noise};
  EXPECT_EQ(smallest_interval({&zero, 1}, 0.95).half_width, 0);
  EXPECT_EQ(smallest_interval({}, 0.95).half_width, 0);
}

TEST(Interval, OfTheLargestScaleIsFinite) {
  for (const Noise& noise :
       {Noise::laplace({Int128{1} << 100, 1}).value(), Noise::gaussian({Int128{1} << 100, 1}).value()}) {
    const NoiseTerm term{1, &noise};
    const double per_deviation = smallest_interval({&term, 1}, 0.95).half_width / noise.standard_deviation();
    EXPECT_LT(noise.tail_up(static_cast<Int128>(~Uint128{0} >> 1)), 1e-30);
    EXPECT_NEAR(per_deviation, noise.kind() == Noise::Kind::laplace ? 3 / std::sqrt(2) : 1.96, 0.01);
  }
}

/// The tail of a sum with whole weights, by convolving the definitions.
std::map<long, double> convolved(const std::vector<std::pair<long, const Noise*>>& terms) {
  std::map<long, double> sum = {{0, 1}};
  for (const auto& [weight, noise] : terms) {
    std::map<long, double> next;
    double before = 0;
    for (int x = 0; x < 400; ++x) {
      const double in = inside(*noise, x), p = (in - before) / (x == 0 ? 1 : 2);
      before = in;
      if (p < 1e-9) break;
      for (const auto& [at, mass] : sum) {
        next[at + weight * x] += mass * p;
        if (x > 0) next[at - weight * x] += mass * p;
      }
    }
    sum = std::move(next);
  }
  return sum;
}

TEST(Interval, TailsOfSumsAreAboveTheTruthAndClose) {
  const Noise thin = Noise::laplace({2, 1}).value(), wide = Noise::laplace({8, 1}).value();
  const Noise bell = Noise::gaussian({30, 1}).value();
  const std::vector<std::vector<std::pair<long, const Noise*>>> lists = {{{1, &thin}, {1, &thin}},
                                                                         {{3, &thin}, {1, &wide}},
                                                                         {{1, &thin}, {-2, &bell}},
                                                                         {{1, &bell}, {1, &bell}},
                                                                         {{1, &thin}, {1, &thin}, {1, &thin}},
                                                                         {{1, &thin}, {2, &wide}, {1, &bell}}};
  for (const auto& list : lists) {
    std::vector<NoiseTerm> terms;
    for (const auto& [weight, noise] : list) terms.push_back({static_cast<double>(weight), noise});
    const auto truth = convolved(list);
    for (const double h : {0.0, 1.0, 5.0, 10.0, 20.0, 40.0}) {
      double beyond = 0, near = 0;  // near: one and a half units further in than h, what a grid may take for beyond
      for (const auto& [at, mass] : truth) {
        if (std::abs(static_cast<double>(at)) > h) beyond += mass;
        if (std::abs(static_cast<double>(at)) > h - 1.5) near += mass;
      }
      const double bound = tail_up(terms, h + 1e-6);  // sums on the edge would count as beyond it
      EXPECT_GE(bound, beyond - 1e-6) << terms.size() << " at " << h;
      EXPECT_LE(bound, (terms.size() == 2 ? beyond : near) + 1e-6) << terms.size() << " at " << h;
    }
  }
}

TEST(Interval, OfSumsReachesTheLargestCoverage) {
  const Noise thin = Noise::laplace({2, 1}).value(), wide = Noise::laplace({1000, 1}).value(),
              bell = Noise::gaussian({9, 1}).value();
  const std::vector<std::vector<NoiseTerm>> lists = {
      {{1, &thin}, {0.5, &wide}}, {{1, &thin}, {1, &wide}, {1, &bell}}, {{1, &wide}, {2, &wide}}};
  for (const auto& terms : lists) {
    const Interval interval = smallest_interval(terms, 1 - 1e-8);
    EXPECT_GE(interval.coverage, 1 - 1e-8);
    EXPECT_LT(interval.half_width, 25 * (terms.size() > 2 ? 1100.0 : 2100.0));
  }
}

TEST(Interval, CoverageIsWhatWasComputed) {
  // Fixed seeds; four standard errors of the frequency around the computed value. Sums may cover up to a little more.
  constexpr int kSeeds = 10'000;
  const Noise count = Noise::laplace({2, 1}).value(), sum = Noise::laplace({20001, 1}).value();
  const Noise other = Noise::laplace({9000, 1}).value(), bell = Noise::gaussian({12'345'678, 1}).value();
  const Noise small_bell = Noise::gaussian({50, 1}).value();
  const std::vector<std::vector<NoiseTerm>> lists = {{{1, &count}},
                                                     {{1, &sum}},
                                                     {{1, &bell}},
                                                     {{1, &small_bell}},
                                                     {{0.3, &sum}, {-0.7, &sum}},
                                                     {{1, &sum}, {1, &other}},
                                                     {{0.25, &count}, {0.75, &count}},
                                                     {{1000, &count}, {0.1, &sum}},
                                                     {{1, &bell}, {-0.5, &bell}},
                                                     {{1, &sum}, {1, &sum}, {1, &sum}}};
  std::uint64_t draw = 0;
  for (const auto& terms : lists) {
    for (const double coverage : {0.95, 0.8}) {
      const Interval interval = smallest_interval(terms, coverage);
      ++draw;
      int in = 0;
      for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
        DrawStream stream = seed_of(seed).stream(draw);
        double error = 0;
        for (const NoiseTerm& term : terms) error += term.weight * static_cast<double>(term.noise->draw(stream));
        in += std::abs(error) <= interval.half_width ? 1 : 0;
      }
      const double frequency = in / static_cast<double>(kSeeds);
      const double deviation = std::sqrt(interval.coverage * (1 - interval.coverage) / kSeeds);
      EXPECT_GE(frequency, interval.coverage - 4 * deviation) << "list " << draw;
      EXPECT_LE(frequency, interval.coverage + 4 * deviation + (terms.size() > 1 ? 0.01 : 0)) << "list " << draw;
      EXPECT_LT(interval.coverage, coverage + (terms.size() > 1 ? 0.02 : 0.1));
    }
  }
}

}  // namespace
}  // namespace prism::dp
