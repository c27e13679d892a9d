#include "prism/exact/noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "prism/base/check.h"
#include "prism/ring/sampler.h"

namespace prism::exact {
using math::Bound;

Ancestry Ancestry::everything() {
  Ancestry a;
  a.everything_ = true;
  return a;
}
Ancestry Ancestry::event(std::uint64_t name) {
  Ancestry a;
  a.events_[0] = name;
  a.count_ = 1;
  return a;
}
Ancestry Ancestry::united(const Ancestry& other) const {
  if (everything_ || other.everything_) return everything();
  const auto first = events(), second = other.events();
  Ancestry a;
  for (std::size_t i = 0, j = 0; i < first.size() || j < second.size();) {
    const bool from_first = j == second.size() || (i < first.size() && first[i] <= second[j]);
    const std::uint64_t name = from_first ? first[i] : second[j];
    if (a.count_ == kMostEvents) return everything();
    a.events_[a.count_++] = name;
    while (i < first.size() && first[i] == name) ++i;
    while (j < second.size() && second[j] == name) ++j;
  }
  return a;
}
bool Ancestry::disjoint(const Ancestry& other) const {
  const auto first = events(), second = other.events();
  const bool constant = !everything_ && first.empty();
  const bool other_constant = !other.everything_ && second.empty();
  if (constant || other_constant) return true;
  if (everything_ || other.everything_) return false;
  for (std::size_t i = 0, j = 0; i < first.size() && j < second.size();) {
    if (first[i] == second[j]) return false;
    if (first[i] < second[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return true;
}

namespace {

constexpr double kFailureBits = 160;  // every elementary event fails with probability at most 2^-160
const double kX = kFailureBits * std::numbers::ln2;
constexpr int kDirections = 64;

Bound number(double value) { return Bound::from_double(value); }
Bound squared(Bound a) { return a * a; }
/// Fixed-point base conversion may pick the second nearest multiple within 2^-40 of a tie: every rounding error is
/// below (1 + 2^-20)/2.
Bound slack() { return number(1.000001); }

/// Hsu-Kakade-Zhang (arXiv 1110.2842, Theorem 1) for A*x, x of independent sub-Gaussian entries of scale 1: the square
/// of the length is at most tr + 2 sqrt(tr(S^2) x) + 2 |S| x with S = A^T A; tr(S^2) <= tr * |S|.
Bound quadratic_form(Bound trace, Bound norm) {
  return sqrt(trace + number(2) * sqrt(trace * norm * number(kX)) + number(2 * kX) * norm);
}

}  // namespace

NoiseModel::NoiseModel(const rlwe::Parameters& parameters, std::uint64_t t, rlwe::SecretNorms secret, Mode mode)
    : secret_(secret), ternary_(rlwe::ternary_norms(parameters.degree())), mode_(mode) {
  const double n = static_cast<double>(parameters.degree());
  n_ = Bound::from_integer(parameters.degree());
  t_ = Bound::from_integer(t);
  root_n_ = sqrt(n_);
  kappa_ = number(std::sqrt(2 * (std::log(2 * n) + kX)));
  kappa_direction_ =
      number(std::sqrt(2 * (std::log(2.0 * kDirections * n) + kX)) / std::cos(std::numbers::pi / kDirections));
  tail_ = Bound::from_integer(ring::kGaussianTail);
  // sum over k of |cos(pi k j/N + theta)| is largest when the angles sit symmetrically about a maximum: 1/sin(pi/2N).
  message_canonical_ = 1 / std::sin(std::numbers::pi / (2 * n));
  const bool switches = parameters.special_primes().size() != 0;
  for (int l = 0; l <= parameters.max_level().value; ++l) {
    const rlwe::Level level{l};
    log2_q_.push_back(parameters.log2_q(level));
    if (!switches) continue;
    const rlwe::SwitchNoise s = mode_ == Mode::strict ? rlwe::strict_switch_noise(parameters, level, secret_)
                                                      : rlwe::switch_noise(parameters, level, secret_);
    switch_.push_back({t_ * s.infinity, t_ * s.euclidean, t_ * s.canonical, {}});
  }
}

NoiseModel::Size NoiseModel::absolute(Bound coefficient) const {
  return {coefficient, root_n_ * coefficient, n_ * coefficient, {}};
}

NoiseModel::Size NoiseModel::message() const {
  const Bound half = t_ / number(2);
  return {half, root_n_ * half, number(message_canonical_) * half, {}};
}

NoiseModel::Size NoiseModel::errors() const {
  if (mode_ == Mode::strict) return absolute(t_ * tail_);
  const Bound scale = t_ * number(ring::kSigma);
  return {min(kappa_ * scale, t_ * tail_), scale * quadratic_form(n_, Bound::one()),
          scale * sqrt(n_ / number(2)) * kappa_direction_, scale};
}

NoiseModel::Size NoiseModel::rounding(int parts) const {
  check(parts == 2 || parts == 3, "a ciphertext has two or three parts");
  if (mode_ == Mode::strict) {
    Bound ones = Bound::one() + n_ * secret_.infinity;
    if (parts == 3) ones += squared(n_ * secret_.infinity);
    return absolute(slack() * t_ / number(2) * ones);
  }
  // tau0 is a function of the others: delta0 + delta1 s + delta2 s^2 = v modulo D. Each of its coefficients is uniform
  // still, so scales of the two parts add up instead of their squares.
  const Bound i2 = squared(secret_.canonical), e2 = squared(secret_.euclidean);
  const Bound three = parts == 3 ? Bound::one() : Bound::zero();
  const Bound row = e2 + three * i2 * e2;   // squared length of one row of [s | s^2]
  const Bound norm = i2 + three * i2 * i2;  // its largest eigenvalue
  const Bound scale = slack() * t_ / number(std::sqrt(12.0));
  const Bound sum = Bound::one() + secret_.canonical + three * i2;
  return {kappa_ * scale * (Bound::one() + sqrt(row)),
          scale * (quadratic_form(n_, Bound::one()) + quadratic_form(n_ * row, norm)),
          sum * scale * sqrt(n_ / number(2)) * kappa_direction_, scale * (Bound::one() + sqrt(norm))};
}

Noise NoiseModel::fresh_symmetric(const Ancestry& id) const {
  const Size m = message(), e = errors();
  return {m.coefficient + e.coefficient,
          m.euclidean + e.euclidean,
          m.canonical + e.canonical,
          e.spread,
          mode_ == Mode::strict ? m.euclidean + e.euclidean : m.euclidean,
          id};
}

Noise NoiseModel::fresh_public(const Ancestry& id) const {
  const Size m = message();
  if (mode_ == Mode::strict) {
    const Size all = absolute(m.coefficient + t_ * tail_ * (n_ + Bound::one() + n_ * secret_.infinity));
    return {all.coefficient, all.euclidean, all.canonical, {}, all.euclidean, id};
  }
  const Size e = errors();
  const Bound scale = e.spread;
  const Bound coefficient =
      kappa_ * scale * sqrt(squared(ternary_.euclidean) + Bound::one() + squared(secret_.euclidean));
  return {m.coefficient + coefficient,
          m.euclidean + root_n_ * coefficient,
          m.canonical + e.canonical * (ternary_.canonical + Bound::one() + secret_.canonical),
          scale * sqrt(Bound::one() + squared(secret_.canonical)),
          m.euclidean + e.euclidean * ternary_.canonical,
          id};
}

Noise NoiseModel::add(const Noise& a, const Noise& b) const {
  const Bound spread =
      a.ancestry.disjoint(b.ancestry) ? sqrt(squared(a.spread) + squared(b.spread)) : a.spread + b.spread;
  return {a.coefficient + b.coefficient,       a.euclidean + b.euclidean,    a.canonical + b.canonical, spread,
          a.rest_euclidean + b.rest_euclidean, a.ancestry.united(b.ancestry)};
}

Noise NoiseModel::times(const Noise& a, std::uint64_t count) const { return multiply_scalar(a, count); }

Noise NoiseModel::multiply_scalar(const Noise& a, std::uint64_t magnitude) const {
  const Bound g = Bound::from_integer(magnitude);
  return {g * a.coefficient, g * a.euclidean, g * a.canonical, g * a.spread, g * a.rest_euclidean, a.ancestry};
}

Noise NoiseModel::multiply(const Noise& a, const Noise& b) const {
  Bound coefficient = a.euclidean * b.euclidean;
  if (a.ancestry.disjoint(b.ancestry)) {
    const Bound rest = a.rest_euclidean * b.rest_euclidean;
    const Bound a_first = kappa_ * (a.spread * b.euclidean + b.spread * a.rest_euclidean) + rest;
    const Bound b_first = kappa_ * (b.spread * a.euclidean + a.spread * b.rest_euclidean) + rest;
    coefficient = min(coefficient, min(a_first, b_first));
  }
  const Bound euclidean = min(min(a.canonical * b.euclidean, a.euclidean * b.canonical), root_n_ * coefficient);
  coefficient = min(coefficient, euclidean);
  const Bound canonical = min(a.canonical * b.canonical, n_ * coefficient);
  return {coefficient, euclidean, canonical, {}, euclidean, a.ancestry.united(b.ancestry)};
}

Noise NoiseModel::multiply_bfv(const Noise& a, const Noise& b, rlwe::Level level) const {
  // v = (t/Q)(v_a c_b(s) + v_b c_a(s)) - v_a v_b/Q + t*rounding, with u = t*c(s)/Q distributed like t times the
  // rounding of two parts.
  const Size u = rounding(2), last = rounding(3);
  const bool disjoint = a.ancestry.disjoint(b.ancestry) && mode_ == Mode::tails;
  const auto cross = [&](const Noise& v) {
    Bound coefficient = v.euclidean * u.euclidean;
    if (disjoint) coefficient = min(coefficient, kappa_ * u.spread * v.euclidean);
    const Bound euclidean = min(min(v.canonical * u.euclidean, v.euclidean * u.canonical), root_n_ * coefficient);
    coefficient = min(coefficient, euclidean);
    return Size{coefficient, euclidean, min(v.canonical * u.canonical, n_ * coefficient), {}};
  };
  const Size x = cross(a), y = cross(b);
  const Noise square = multiply(a, b);
  const Bound q = Bound::from_log2(log2_q_[static_cast<std::size_t>(level.value)]);
  const Bound euclidean = x.euclidean + y.euclidean + square.euclidean / q;
  return {x.coefficient + y.coefficient + square.coefficient / q + last.coefficient,
          euclidean + last.euclidean,
          x.canonical + y.canonical + square.canonical / q + last.canonical,
          last.spread,
          mode_ == Mode::strict ? euclidean + last.euclidean : euclidean,
          square.ancestry};
}

Noise NoiseModel::add_plain(const Noise& a) const {
  const Size m = message();
  return {a.coefficient + m.coefficient,  a.euclidean + m.euclidean,
          a.canonical + m.canonical,      a.spread,
          a.rest_euclidean + m.euclidean, a.ancestry};
}

Noise NoiseModel::multiply_plain(const Noise& a) const {
  const Size p = message();
  const Bound euclidean = min(p.canonical * a.euclidean, a.canonical * p.euclidean);
  Bound coefficient = min(kappa_ * a.spread * p.euclidean + a.rest_euclidean * p.euclidean, a.euclidean * p.euclidean);
  coefficient = min(min(coefficient, a.coefficient * n_ * p.coefficient), euclidean);
  return {coefficient, euclidean, p.canonical * a.canonical, a.spread * p.canonical, p.canonical * a.rest_euclidean,
          a.ancestry};
}

Noise NoiseModel::switch_modulus(const Noise& a, rlwe::Level from, rlwe::Level to, int parts,
                                 const Ancestry& id) const {
  check(to.value >= 0 && to <= from && static_cast<std::size_t>(from.value) < log2_q_.size(),
        "levels of a modulus switch");
  const Bound d =
      Bound::from_log2(log2_q_[static_cast<std::size_t>(from.value)] - log2_q_[static_cast<std::size_t>(to.value)]);
  const Size r = rounding(parts);
  const Bound rest = a.euclidean / d;
  return {a.coefficient / d + r.coefficient,
          rest + r.euclidean,
          a.canonical / d + r.canonical,
          r.spread,
          mode_ == Mode::strict ? rest + r.euclidean : rest,
          a.ancestry.united(id)};
}

Noise NoiseModel::key_switch(const Noise& a, rlwe::Level level) const {
  check(static_cast<std::size_t>(level.value) < switch_.size(), "key switching without special primes");
  const Size& k = switch_[static_cast<std::size_t>(level.value)];
  return {a.coefficient + k.coefficient,  a.euclidean + k.euclidean,
          a.canonical + k.canonical,      a.spread,
          a.rest_euclidean + k.euclidean, a.ancestry};
}

Noise NoiseModel::round(const Noise& a) const {
  const Size r = rounding(2);
  return {a.coefficient + r.coefficient,
          a.euclidean + r.euclidean,
          a.canonical + r.canonical,
          r.spread,
          mode_ == Mode::strict ? a.euclidean + r.euclidean : a.euclidean,
          a.ancestry};
}

Noise NoiseModel::automorphism(const Noise& a) const {
  Noise moved = a;
  moved.spread = {};
  moved.rest_euclidean = a.euclidean;
  return moved;
}

Noise NoiseModel::add_scalar(const Noise& a, std::uint64_t magnitude) const {
  const Bound c = min(Bound::from_integer(magnitude), t_ / number(2));
  return {a.coefficient + c, a.euclidean + c, a.canonical + c, a.spread, a.rest_euclidean + c, a.ancestry};
}

Noise NoiseModel::pack(const Noise& a, std::size_t count, rlwe::Level level) const {
  check(static_cast<std::size_t>(level.value) < switch_.size(), "packing without special primes");
  // Of the switches of step k, at most one reaches any given coefficient, doubled by each of the log N - k steps after
  // it.
  const Bound errors = n_ * switch_[static_cast<std::size_t>(level.value)].coefficient;
  const Bound kept = a.coefficient, packed = Bound::from_integer(count);
  const Bound euclidean = sqrt(packed) * kept + root_n_ * errors;
  return {kept + errors, euclidean, packed * kept + n_ * errors, {}, euclidean, a.ancestry};
}

bool NoiseModel::decrypts(const Noise& a, rlwe::Level level) const { return budget_bits(a, level) > 0; }

double NoiseModel::budget_bits(const Noise& a, rlwe::Level level) const {
  // Fixed-point conversion asks for a margin of a 2^-40 part; 2^-20 bits are more.
  return log2_q_[static_cast<std::size_t>(level.value)] - 1 - 0x1p-20 - a.coefficient.log2();
}

}  // namespace prism::exact
