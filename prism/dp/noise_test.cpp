// What the tables draw, against the definitions: distances are computed in 400-bit arithmetic and compared with the
// truncation that Noise admits.
#include "prism/dp/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "prism/dp/internal/big.h"
#include "prism/kernels/kernels.h"

namespace prism::dp {
namespace {

constexpr unsigned kPrecision = 500;

NoiseSeed seed_of(std::uint8_t number) {
  NoiseSeed::Key key = {};
  key[0] = number;
  return NoiseSeed::from_bytes(key);
}

/// exp(-x), 0 <= x < 300, by the series of exp(x) itself: no way in common with what made the tables.
mpf_class exp_minus(const mpq_class& x) {
  mpf_class sum(1, kPrecision), term(1, kPrecision);
  const mpf_class step(x, kPrecision);
  for (unsigned k = 1; k < 1500; ++k) {
    term = term * step / k;
    sum += term;
  }
  return mpf_class(1, kPrecision) / sum;
}

mpf_class probability(const std::array<std::uint64_t, 2>& threshold) {
  mpf_class out(internal::to_big(Uint128{threshold[0]} << 63 | threshold[1]), kPrecision);
  mpf_div_2exp(out.get_mpf_t(), out.get_mpf_t(), 126);
  return out;
}

/// P(x) for x >= 0 of what the tables draw; negative values mirror it.
std::map<long, mpf_class> drawn_distribution(const Noise& noise) {
  std::map<long, mpf_class> sum;
  sum.emplace(0, mpf_class(1, kPrecision));
  for (const auto& component : noise.components()) {
    std::map<long, mpf_class> next;
    mpf_class below(0, kPrecision);
    for (std::size_t j = 0; j <= component.thresholds.size(); ++j) {
      const mpf_class upto =
          j == component.thresholds.size() ? mpf_class(1, kPrecision) : probability(component.thresholds[j]);
      const mpf_class here = (upto - below) / (j == 0 ? 1 : 2);
      below = upto;
      const auto step = static_cast<long>(component.multiplier) * static_cast<long>(j);
      for (const auto& [x, p] : sum) {
        next.try_emplace(x + step, mpf_class(0, kPrecision)).first->second += p * here;
        if (j > 0) next.try_emplace(x - step, mpf_class(0, kPrecision)).first->second += p * here;
      }
    }
    sum = std::move(next);
  }
  return sum;
}

/// The distance between what is drawn and P(x) proportional to weight(|x|), in units of 2^-120.
template <class Weight>
mpf_class distance_units(const Noise& noise, Weight weight, const mpf_class& total) {
  mpf_class distance(0, kPrecision), covered(0, kPrecision);
  for (const auto& [x, p] : drawn_distribution(noise)) {
    const mpf_class exact = weight(std::abs(x)) / total;
    distance += abs(p - exact);
    covered += exact;
  }
  mpf_class out = (distance + abs(1 - covered)) / 2;
  mpf_mul_2exp(out.get_mpf_t(), out.get_mpf_t(), Delta::kBits);
  return out;
}

void expect_within_truncation(const Noise& noise, const mpf_class& distance) {
  const mpf_class admitted(internal::to_big(noise.truncation().units()), kPrecision);
  EXPECT_LE(distance, admitted) << to_string(noise.parameter());
  EXPECT_LT(noise.truncation().value_up(), 0x1p-105);
}

TEST(Noise, LaplaceIsOffByNoMoreThanItAdmits) {
  for (const Rational scale : {Rational{1, 100}, {1, 7}, {1, 1}, {3, 2}, {2, 1}, {10, 1}, {40, 3}}) {
    const Noise noise = Noise::laplace(scale).value();
    const mpf_class q = exp_minus(mpq_class(internal::to_big(scale.denominator), internal::to_big(scale.numerator)));
    std::vector<mpf_class> weights = {mpf_class(1, kPrecision)};
    const auto weight = [&](long x) {
      while (weights.size() <= static_cast<std::size_t>(x)) weights.push_back(weights.back() * q);
      return weights[static_cast<std::size_t>(x)];
    };
    expect_within_truncation(noise, distance_units(noise, weight, (1 + q) / (1 - q)));
  }
}

TEST(Noise, GaussianIsOffByNoMoreThanItAdmits) {
  for (const Rational variance :
       {Rational{1, 100}, {1, 7}, {1, 1}, {100, 3}, {320, 1}, {330, 1}, {1100, 1}, {6001, 1}}) {
    const Noise noise = Noise::gaussian(variance).value();
    const mpq_class v = internal::to_big(variance);
    // The weights as in the definition, one product at a time: w(x + 1) = w(x) * r^(2x + 1).
    const mpf_class r = exp_minus(1 / (2 * v)), r2 = r * r;
    std::vector<mpf_class> weights = {mpf_class(1, kPrecision)};
    mpf_class step = r, total(1, kPrecision), least(1, kPrecision);
    mpf_div_2exp(least.get_mpf_t(), least.get_mpf_t(), 300);
    while (weights.back() > least) {
      weights.push_back(weights.back() * step);
      total += 2 * weights.back();
      step *= r2;
    }
    const auto weight = [&](long x) {
      return static_cast<std::size_t>(x) < weights.size() ? weights[static_cast<std::size_t>(x)]
                                                          : mpf_class(0, kPrecision);
    };
    expect_within_truncation(noise, distance_units(noise, weight, total));
  }
}

TEST(Noise, DigitsOfAGeometricAreIndependent) {
  // The law behind the Laplace tables, exactly, for q = 2/3: P(g) = prod P(digit) below 16^2.
  const mpq_class q(2, 3);
  std::vector<mpq_class> powers = {1};
  while (powers.size() <= 256) powers.push_back(powers.back() * q);
  for (std::size_t g = 0; g < 256; ++g) {
    const mpq_class whole = powers[g] * (1 - q) / (1 - powers[256]);
    const mpq_class low = powers[g % 16] * (1 - q) / (1 - powers[16]);
    const mpq_class high = powers[g / 16 * 16] * (1 - powers[16]) / (1 - powers[256]);
    ASSERT_EQ(whole, low * high);
  }
}

TEST(Noise, VariancesOfComponentsAddUpAtEverySize) {
  // Up to the largest: the deviation of what the tables draw is that of the definition.
  for (const unsigned bits : {0U, 9U, 10U, 13U, 20U, 21U, 22U, 23U, 60U, 99U, 100U}) {
    for (const bool laplace : {false, true}) {
      const Rational parameter{Int128{1} << bits, 1};
      const Noise noise = (laplace ? Noise::laplace(parameter) : Noise::gaussian(parameter)).value();
      long double variance = 0;
      for (const auto& component : noise.components()) {
        long double own = 0, below = 0;
        for (std::size_t j = 0; j <= component.thresholds.size(); ++j) {
          const long double upto = j == component.thresholds.size()
                                       ? 1
                                       : std::ldexp(static_cast<long double>(component.thresholds[j][0]), -63) +
                                             std::ldexp(static_cast<long double>(component.thresholds[j][1]), -126);
          own += static_cast<long double>(j * j) * (upto - below);
          below = upto;
        }
        const auto m = static_cast<long double>(component.multiplier);
        variance += m * m * own;
      }
      EXPECT_NEAR(static_cast<double>(std::sqrt(variance)) / noise.standard_deviation(), 1, 1e-9) << bits;
      EXPECT_LE(noise.truncation().value_up(), 0x1p-100);
      EXPECT_LT(noise.largest(), Int128{1} << 110);
    }
  }
}

TEST(Noise, RefusesWhatHasNoTables) {
  for (const Rational bad : {Rational{0, 1}, {-1, 2}, {1, 0}, {(Int128{1} << 100) + 1, 1}, {Int128{1} << 101, 1}}) {
    EXPECT_EQ(Noise::laplace(bad).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(Noise::gaussian(bad).error().code, ErrorCode::invalid_argument);
  }
}

TEST(Noise, TinyParametersDrawZeros) {
  for (const Noise& noise :
       {Noise::laplace({1, Int128{1} << 120}).value(), Noise::gaussian({1, Int128{1} << 120}).value()}) {
    DrawStream stream = seed_of(5).stream(0);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(noise.draw(stream), 0);
    EXPECT_EQ(noise.tail_up(-1), 1);
    EXPECT_LT(noise.tail_up(0), 1e-30);
  }
}

TEST(Noise, ManyDrawsAreSingleDrawsInARow) {
  for (const Noise& noise : {Noise::laplace({1000, 7}).value(), Noise::gaussian({1'000'000, 3}).value()}) {
    DrawStream one = seed_of(1).stream(3), many = seed_of(1).stream(3);
    std::vector<Int128> draws(200);
    noise.draw(many, std::span(draws).first(77));
    noise.draw(many, std::span(draws).subspan(77));
    for (const Int128 draw : draws) ASSERT_EQ(draw, noise.draw(one));
  }
}

TEST(Noise, ADrawTakesAFixedNumberOfWords) {
  for (const Noise& noise : {Noise::laplace({1000, 7}).value(), Noise::gaussian({1'000'000, 3}).value()}) {
    DrawStream stream = seed_of(2).stream(0), words = seed_of(2).stream(0);
    for (int i = 0; i < 50; ++i) {
      static_cast<void>(noise.draw(stream));
      for (std::size_t k = 0; k < noise.words_per_draw(); ++k) static_cast<void>(words.next_word());
    }
    EXPECT_EQ(stream.next_word(), words.next_word());
  }
}

TEST(Noise, EveryKernelSetDrawsTheSame) {
  const Noise noise = Noise::gaussian({1'000'000, 3}).value();
  DrawStream stream = seed_of(3).stream(0);
  std::vector<std::uint64_t> words(64);
  stream.read(words);
  words[0] = words[1] = 0;  // the least and the greatest number
  words[2] = words[3] = ~std::uint64_t{0};
  for (const auto& component : noise.components()) {
    std::vector<std::int32_t> expected(32), out(32);
    kernels::portable.draw_by_table(expected.data(), words.data(), 32, component.thresholds.data(),
                                    component.thresholds.size());
    EXPECT_EQ(expected[0], 0);
    EXPECT_EQ(expected[1], -static_cast<std::int32_t>(component.thresholds.size()));
    for (const kernels::Kernels* set : kernels::all()) {
      if (!set->runs_here()) continue;
      set->draw_by_table(out.data(), words.data(), 32, component.thresholds.data(), component.thresholds.size());
      EXPECT_EQ(out, expected) << set->name;
    }
  }
}

TEST(Noise, DrawsOfASeedStayWhatTheyAre) {
  // No promise to anyone: whoever changes streams or tables sees it here and says so.
  DrawStream laplace = seed_of(1).stream(1), gaussian = seed_of(1).stream(2);
  const Noise wide = Noise::laplace({1000, 1}).value(), bell = Noise::gaussian({1'000'000, 1}).value();
  std::vector<std::int64_t> drawn;
  for (int i = 0; i < 4; ++i) drawn.push_back(static_cast<std::int64_t>(wide.draw(laplace)));
  for (int i = 0; i < 4; ++i) drawn.push_back(static_cast<std::int64_t>(bell.draw(gaussian)));
  EXPECT_EQ(drawn, (std::vector<std::int64_t>{546, -2504, -172, 1226, 217, 380, 1424, 171}));
}

TEST(Noise, TruncationCostsMoreDeltaAtLargerEpsilon) {
  const Noise noise = Noise::gaussian({1'000'000, 3}).value();
  const double one = noise.delta_of_truncation(Epsilon::parse("1").value()).value_up();
  EXPECT_GE(one, noise.truncation().value_up() * (1 + std::exp(1.0)));
  EXPECT_LT(one, noise.truncation().value_up() * 4);
  EXPECT_EQ(noise.delta_of_truncation(Epsilon::parse("1000").value()).text(), "1");
}

}  // namespace
}  // namespace prism::dp
