#include "prism/dp/sparse_vector.h"

#include <algorithm>
#include <cmath>

#include "prism/dp/accumulator.h"
#include "prism/dp/rational.h"

namespace prism::dp {
namespace {

constexpr std::uint64_t kMostAbove = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 32;
constexpr Int128 kMostValue = Int128{1} << 120;  // plus and minus noise below 2^110 stays far from 2^127

/// factor / (epsilon * part / whole), rounded up: a larger scale is only more private.
Result<Rational> scale_of(const Rational& factor, Epsilon epsilon, std::int64_t part, std::int64_t whole) {
  PRISM_TRY(const Rational per_epsilon, divide_up(factor, epsilon.rational()));
  PRISM_TRY(const Rational share, make_rational(whole, part));
  return multiply_up(per_epsilon, share);
}

}  // namespace

Result<SparseVector> SparseVector::make(const Options& options) {
  if (options.epsilon.nano() == 0 || options.sensitivity < 1) {
    return fail(ErrorCode::invalid_argument, "sparse vector: epsilon ", options.epsilon.text(), " and sensitivity ",
                options.sensitivity, "; epsilon above 0 and a sensitivity of at least 1");
  }
  if (options.most_above < 1 || options.most_above > kMostAbove || options.most_values < 1 ||
      options.most_values > kMostValues) {
    return fail(ErrorCode::invalid_argument, "sparse vector: ", options.most_above, " positive answers among ",
                options.most_values, " values; 1 to 2^20 among 1 to 2^32");
  }
  // Lyu, Su, Li 2017, sections 4.2 and 4.3: epsilon_1 : epsilon_2 = 1 : (2 c)^(2/3), and c in place of 2 c when
  // monotonic.
  const std::int64_t moves = static_cast<std::int64_t>(options.most_above) * (options.monotonic ? 1 : 2);
  constexpr std::int64_t kThresholdPart = 1000;
  const double ratio = std::cbrt(static_cast<double>(moves));
  const auto value_part = static_cast<std::int64_t>(std::llround(static_cast<double>(kThresholdPart) * ratio * ratio));
  const std::int64_t whole = kThresholdPart + value_part;

  PRISM_TRY(const Rational threshold_scale, scale_of({options.sensitivity, 1}, options.epsilon, kThresholdPart, whole));
  PRISM_TRY(const Rational value_scale,
            scale_of({static_cast<Int128>(options.sensitivity) * moves, 1}, options.epsilon, value_part, whole));
  PRISM_TRY(Noise threshold_noise, Noise::laplace(threshold_scale));
  PRISM_TRY(Noise value_noise, Noise::laplace(value_scale));
  return SparseVector(options, std::move(threshold_noise), std::move(value_noise));
}

Delta SparseVector::delta_of_truncation() const {
  return threshold_noise_.delta_of_truncation(options_.epsilon) +
         value_noise_.delta_of_truncation(options_.epsilon) * options_.most_values;
}

SparseVector::Search::Search(const SparseVector& of, DrawStream& stream)
    : value_noise_(of.value_noise_),
      stream_(&stream),
      threshold_noise_(of.threshold_noise_.draw(stream)),
      above_left_(of.options_.most_above),
      values_left_(of.options_.most_values) {}

Result<bool> SparseVector::Search::above(Int128 value, Int128 threshold) {
  if (ended()) {
    return fail(ErrorCode::refused, "sparse vector: the search has ended after the agreed number of ",
                above_left_ == 0 ? "positive answers" : "values", "; begin another one, which costs its own epsilon");
  }
  --values_left_;
  const Int128 distance = clamp_to(value, -kMostValue, kMostValue) - clamp_to(threshold, -kMostValue, kMostValue);
  const bool answer = distance + value_noise_.draw(*stream_) - threshold_noise_ >= 0;
  above_left_ -= answer ? 1 : 0;
  return answer;
}

}  // namespace prism::dp
