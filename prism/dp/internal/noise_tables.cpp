#include "prism/dp/internal/noise_tables.h"

#include <utility>

#include "prism/base/check.h"
#include "prism/dp/internal/big.h"

namespace prism::dp::internal {
namespace {

constexpr mp_bitcnt_t kThresholdBits = 126;
constexpr unsigned long kRadix = 16;

/// Thresholds from weights proportional to P(|T| = 0), P(|T| = 1), ...; `total` is the sum of all of them, in kPlaces.
/// Those that round to 1 are left out: no number is above them.
std::vector<std::array<std::uint64_t, 2>> thresholds_of(const std::vector<mpz_class>& weights, const mpz_class& total) {
  std::vector<std::array<std::uint64_t, 2>> out;
  mpz_class below = 0;
  for (std::size_t j = 0; j + 1 < weights.size(); ++j) {
    below += weights[j];
    const mpz_class nearest = ((below << (kThresholdBits + 1)) / total + 1) >> 1;
    if (mpz_sizeinbase(nearest.get_mpz_t(), 2) > kThresholdBits) break;
    const Uint128 threshold = to_uint128(nearest);
    out.push_back(
        {static_cast<std::uint64_t>(threshold >> 63), static_cast<std::uint64_t>(threshold) & ~std::uint64_t{0} >> 1});
  }
  return out;
}

/// What rounding takes: a threshold is off by at most 2^-127 and a bit, which moves that much probability.
Delta rounding(const std::vector<Noise::Component>& components) {
  std::size_t thresholds = 0;
  for (const Noise::Component& component : components) thresholds += component.thresholds.size();
  return Delta::from_units(thresholds / 64 + 1);
}

/// `value` in kPlaces, of an error below 2^-280, as a Delta not below.
Delta delta_up(const mpz_class& value) {
  return Delta::from_units(to_uint128(divide_up(value, mpz_class(1) << (kPlaces - Delta::kBits)))) +
         Delta::from_units(1);
}

// -- Gaussian

/// Variance of every component but the last, and the least of the last. With steps of at most 4 the smoothing below has
/// s^2 >= 1 / (16/72 + 1/64) = 4.2, so a step is off by less than 2^-118.
constexpr unsigned long kBaseVariance = 72, kLeastTop = 64;

/// P(|T| = x) for x = 0, 1, ... up to where less than 2^-116 lies beyond, not normalised, and their sum with all
/// beyond.
struct Weights {
  std::vector<mpz_class> weights;
  mpz_class total;
};

Weights gaussian_weights(const mpq_class& variance) {
  const mpz_class one = mpz_class(1) << kPlaces;
  // w(x) = exp(-x^2 / 2v): w(x + 1) = w(x) * r(x), r(x + 1) = r(x) * exp(-1/v). Errors add up: r(x) is off by x units
  // of exp_minus' error, w(x) by x^2 of them, and x stays below 2^9.
  const mpz_class ratio = exp_minus(1 / variance);
  mpz_class weight = one, step = exp_minus(1 / (2 * variance));
  Weights out;
  const mpz_class negligible = one >> 160;
  out.weights.push_back(one);
  while (true) {
    weight = multiply(weight, step);
    step = multiply(step, ratio);
    if (weight < negligible) break;
    out.weights.push_back(2 * weight);
    check(out.weights.size() < 512, "gaussian_weights: the variance is too large for one table");
  }
  out.total = 0;
  for (const mpz_class& w : out.weights) out.total += w;
  // Beyond the negligible the ratio is below 1/2 (variance below 400), so less than 2^-158 is missing from the total.
  mpz_class beyond = 0;
  while (out.weights.size() > 1 && beyond + out.weights.back() < one >> 116) {
    beyond += out.weights.back();
    out.weights.pop_back();
  }
  return out;
}

Noise::Component gaussian_component(Int128 multiplier, const mpq_class& variance) {
  Weights w = gaussian_weights(variance);
  w.weights.emplace_back(0);  // what lies beyond goes to the next magnitude
  return {multiplier, thresholds_of(w.weights, w.total)};
}

/// What one step x + k * T adds to the distance, for Gaussians of variances `low` and `high`: the weight of a sum z is
/// proportional to the Gaussian's times rho_s(Z - mu(z)), which Poisson summation holds within a factor 1 +- a,
/// a = 2 (e + e^4 + ...), e = exp(-2 pi^2 s^2), 1/s^2 = k^2 / low + 1 / high. Normalised that is a distance of a / (1 -
/// a).
Delta step_distance(const mpq_class& low, unsigned long k, const mpq_class& high) {
  const mpq_class s2 = 1 / (mpq_class(k * k) / low + 1 / high);
  const mpq_class two_pi_squared(19739, 1000);  // below 2 pi^2 = 19.7392...
  const mpz_class e = exp_minus(two_pi_squared * s2);
  return delta_up(2 * e + (e >> 10));
}

}  // namespace

NoiseTables laplace_tables(const Rational& scale) {
  const mpq_class t = to_big(scale);
  const mpz_class one = mpz_class(1) << kPlaces;
  NoiseTables out;
  // A geometric with P(g >= k) = q^k stays below 16^n but for q^(16^n) = exp(-16^n / t), and under that its digits are
  // independent, P(digit i = d) proportional to q^(16^i d).
  mpz_class weight = 1;
  while (out.components.empty() || mpq_class(weight) < 84 * t) {  // 2 exp(-84) < 2^-120
    const mpz_class r = exp_minus(weight / t);
    std::vector<mpz_class> powers(2 * kRadix - 1);  // r^0, r^1, ...
    powers[0] = one;
    for (std::size_t k = 1; k < powers.size(); ++k) powers[k] = multiply(powers[k - 1], r);
    std::vector<mpz_class> weights(kRadix);  // of the magnitude of a difference of two digits
    mpz_class total = 0;
    for (std::size_t m = 0; m < kRadix; ++m) {
      for (std::size_t d = 0; d + m < kRadix; ++d) weights[m] += powers[2 * d + m];
      if (m > 0) weights[m] *= 2;
      total += weights[m];
    }
    out.components.push_back({to_int128(weight), thresholds_of(weights, total)});
    weight *= kRadix;
  }
  out.truncation = delta_up(2 * exp_minus(weight / t)) + rounding(out.components);
  return out;
}

NoiseTables gaussian_tables(const Rational& variance) {
  const mpq_class v = to_big(variance);
  // Steps 4, 4, ..., 4 or 4, ..., 4, 2 from x_0 on: as many as leave the last component its least variance.
  std::vector<unsigned long> steps;
  mpq_class top = v;
  while (true) {
    // One step of 2 more, or one of 2 turned into one of 4. (Two steps of 2 in a row would need a second base table.)
    std::vector<unsigned long> longer = steps;
    if (!longer.empty() && longer.back() == 2) {
      longer.back() = 4;
    } else {
      longer.push_back(2);
    }
    mpq_class rest = v;
    for (const unsigned long k : longer) rest = (rest - kBaseVariance) / (k * k);
    if (rest < kLeastTop) break;
    steps = std::move(longer);
    top = rest;
  }
  NoiseTables out;
  Int128 multiplier = 1;
  for (const unsigned long k : steps) {
    if (out.components.empty()) {
      out.components.push_back(gaussian_component(1, kBaseVariance));
    } else {
      out.components.push_back({multiplier, out.components.front().thresholds});
    }
    multiplier *= static_cast<Int128>(k);
  }
  out.components.push_back(gaussian_component(multiplier, top));
  // Tails: less than 2^-116 + 2^-158 each.
  const Delta tail = Delta::from_units((Uint128{1} << (Delta::kBits - 116)) + 1);
  out.truncation = tail * out.components.size() + rounding(out.components);
  mpq_class high = top;
  for (std::size_t i = steps.size(); i-- > 0;) {
    out.truncation = out.truncation + step_distance(kBaseVariance, steps[i], high);
    high = kBaseVariance + high * (steps[i] * steps[i]);
  }
  check(high == v, "gaussian_tables: variances do not add up");
  return out;
}

}  // namespace prism::dp::internal
