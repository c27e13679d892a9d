#include "prism/ckks/noise.h"

#include <cmath>
#include <numbers>

#include "prism/base/check.h"
#include "prism/ring/sampler.h"

namespace prism::ckks {
using math::Bound;

namespace {

const double kNats = 160 * std::numbers::ln2;  // every elementary event fails with probability at most 2^-160
constexpr double kDirections = 64;
/// Fixed-point base conversion may pick the second nearest multiple within 2^-40 of a tie.
constexpr double kSlack = 1.000001;

Bound number(double value) { return Bound::from_double(value); }

}  // namespace

Bound NoiseModel::root_sum(std::size_t degree) {
  // sum over k of |cos(pi k j/N + theta)| is largest when the angles sit symmetrically about a maximum.
  return number(1 / std::sin(std::numbers::pi / (2.0 * static_cast<double>(degree))));
}

Bound NoiseModel::transform_error(std::size_t degree, Bound magnitude) {
  // Higham, Accuracy and Stability of Numerical Algorithms (2002), Theorem 24.2: ||error||_2 <= log2(n) eta ||.||_2 for
  // n = N/2 values, eta = mu + gamma_4 (sqrt(2) + mu), gamma_4 = 4u + O(u^2), u = 2^-53. A root is off by mu <=
  // 3u: 1.6u from rounding an angle up to pi/4, sqrt(2)*u from sine and cosine correct to one unit in the last place.
  // So eta < 8.7u, and 10u leaves room. Four steps more for the twist, the conversions from and to integers, the
  // scale's fraction and 1/n. One slot is off by at most all of it, and ||.||_2 <= sqrt(n) times the largest.
  const double n = static_cast<double>(degree) / 2;
  return magnitude * number((std::log2(n) + 4) * 10 * 0x1p-53 * std::sqrt(n) * 1.001);
}

Bound NoiseModel::encoding(std::size_t degree, Bound magnitude, const Scale& scale) {
  return transform_error(degree, magnitude) + root_sum(degree) * number(0.5) / scale.bound();
}

NoiseModel::NoiseModel(const rlwe::Parameters& parameters, rlwe::SecretNorms secret, Mode mode) : mode_(mode) {
  const double n = static_cast<double>(parameters.degree());
  const rlwe::SecretNorms ternary = rlwe::ternary_norms(parameters.degree());
  // The largest of N/2 roots in 64 directions, as for rlwe::ternary_norms.
  const Bound kappa =
      number(std::sqrt(2 * (std::log(2 * kDirections * n) + kNats)) / std::cos(std::numbers::pi / kDirections));
  const Bound one = Bound::one(), sum = root_sum(parameters.degree());
  const Bound s = secret.canonical, s2 = s * s;
  errors_ = Bound::from_integer(ring::kGaussianTail) * sum;
  public_errors_ = errors_ * (Bound::from_integer(parameters.degree()) + one + s);
  Bound part = number(kSlack / 2) * sum;
  if (mode == Mode::tails) {  // in small rings the largest possible is the better bound
    errors_ = min(errors_, number(ring::kSigma * std::sqrt(n / 2)) * kappa);
    public_errors_ = min(public_errors_, errors_ * (ternary.canonical + one + s));
    part = min(part, number(kSlack * std::sqrt(n / 24)) * kappa);
  }
  rounding_[0] = part * (one + s);
  rounding_[1] = part * (one + s + s2);
  if (parameters.special_primes().size() == 0) return;
  for (int l = 0; l <= parameters.max_level().value; ++l) {
    switch_.push_back(mode == Mode::strict ? rlwe::strict_switch_noise(parameters, rlwe::Level{l}, secret).canonical
                                           : rlwe::switch_noise(parameters, rlwe::Level{l}, secret).canonical);
  }
}

Noise NoiseModel::fresh_symmetric(const Noise& message, const Scale& scale) const {
  return {message.magnitude, message.error + errors_ / scale.bound()};
}

Noise NoiseModel::fresh_public(const Noise& message, const Scale& scale) const {
  return {message.magnitude, message.error + public_errors_ / scale.bound()};
}

Noise NoiseModel::add(const Noise& a, const Noise& b) { return {a.magnitude + b.magnitude, a.error + b.error}; }

Noise NoiseModel::multiply(const Noise& a, const Noise& b) {
  return {a.magnitude * b.magnitude, a.magnitude * b.error + b.magnitude * a.error + a.error * b.error};
}

Noise NoiseModel::times(const Noise& a, Bound count) { return {count * a.magnitude, count * a.error}; }

Noise NoiseModel::rescale(const Noise& a, const Scale& scale, int parts) const {
  check(parts == 2 || parts == 3, "a ciphertext has two or three parts");
  return {a.magnitude, a.error + rounding_[parts - 2] / scale.bound()};
}

Noise NoiseModel::key_switch(const Noise& a, const Scale& scale, rlwe::Level level) const {
  check(static_cast<std::size_t>(level.value) < switch_.size(), "key switching without special primes");
  return {a.magnitude, a.error + switch_[static_cast<std::size_t>(level.value)] / scale.bound()};
}

Noise NoiseModel::stretch(const Noise& a, Bound relative) {
  return {a.magnitude, a.error + (a.magnitude + a.error) * relative};
}

Bound NoiseModel::phase(const Noise& a, const Scale& scale) { return scale.bound() * (a.magnitude + a.error); }

}  // namespace prism::ckks
