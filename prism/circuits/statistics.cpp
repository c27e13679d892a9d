#include "prism/circuits/statistics.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "prism/circuits/window.h"

namespace prism::circuits {
namespace {

Status check_vectors(const ckks::EncryptedVector& x, const ckks::EncryptedVector& y) {
  if (x.size == 0 || x.blocks.empty())
    return fail(ErrorCode::invalid_argument, "a statistic of a vector without values");
  if (x.size == y.size && x.blocks.size() == y.blocks.size()) return {};
  return fail(ErrorCode::mismatch, "vectors of ", x.size, " and ", y.size, " values; both must have the same number");
}

math::Bound magnitude_of(const ckks::EncryptedVector& x) {
  math::Bound largest;
  for (const ckks::Ciphertext& block : x.blocks) largest = max(largest, block.noise.magnitude);
  return largest;
}

/// Scale's factors are primes.
ckks::Scale scale_of(std::uint64_t n) {
  ckks::Scale scale;
  while (n % 2 == 0) {
    n /= 2;
    scale = scale * ckks::Scale::power_of_two(1);
  }
  for (std::uint64_t p = 3; p <= n / p; p += 2) {
    for (; n % p == 0; n /= p) scale = scale * ckks::Scale::power_of(p, 1);
  }
  return n > 1 ? scale * ckks::Scale::power_of(n, 1) : scale;
}

}  // namespace

Result<ckks::Ciphertext> divide_by(const ckks::Ciphertext& a, std::uint64_t n) {
  if (n == 0 || n >= std::uint64_t{1} << 40)
    return fail(ErrorCode::invalid_argument, "division by ", n, "; a divisor is from 1 to 2^40 - 1");
  const ckks::Scale divided_by = scale_of(n);
  ckks::Ciphertext out = a.clone();
  const bool fits = a.scale.factors().size() + divided_by.factors().size() <= ckks::Scale::kMostFactors;
  if (fits) out.scale = a.scale * divided_by;
  if (!fits || !out.scale.bounded()) return fail(ErrorCode::level_exhausted, "a scale out of range; rescale first");
  const math::Bound divisor = math::Bound::from_integer(n);
  out.noise = {a.noise.magnitude / divisor, a.noise.error / divisor};
  return out;
}

Result<ckks::EncryptedVector> centre(const ckks::Evaluator& evaluator, const ckks::Encoder& encoder,
                                     const ckks::EncryptedVector& x, double low, double high) {
  if (!(std::isfinite(low) && std::isfinite(high) && low <= high)) {
    return fail(
        ErrorCode::invalid_argument,
        "a range whose ends are not finite numbers in ascending order; give the smallest and the largest value");
  }
  const double middle = low / 2 + high / 2;
  const std::size_t slots = evaluator.parameters().slots();
  ckks::EncryptedVector out{x.size, {}};
  for (std::size_t i = 0; i < x.blocks.size(); ++i) {
    const std::size_t filled = std::min(slots, x.size - std::min(x.size, i * slots));
    const std::vector<double> shift(filled, middle);
    PRISM_TRY(const ckks::Plaintext plaintext,
              encoder.encode(std::span<const double>(shift), x.blocks[i].scale, std::fabs(middle)));
    PRISM_TRY(ckks::Ciphertext moved, evaluator.subtract_plain(x.blocks[i], plaintext));
    // Half the width, and what rounding may have made of the middle.
    moved.noise.magnitude =
        math::Bound::from_double(std::max(high - middle, middle - low)) * math::Bound::from_double(1 + 0x1p-50);
    out.blocks.push_back(std::move(moved));
  }
  return out;
}

// -- what they need

KeyList statistic_keys(const ckks::Parameters& parameters, Statistic statistic, rlwe::Level level,
                       const StatisticOptions& options) {
  const WindowPlan row(row_slots(parameters.rlwe()), 1, options.radix);
  const rlwe::Level lower{level.value - 1};
  KeyList list;
  if (statistic == Statistic::dot_product || statistic == Statistic::variance || statistic == Statistic::covariance)
    list.add_relinearisation(level);
  const bool below = statistic == Statistic::weighted_sum || statistic == Statistic::dot_product;
  list.add(row.keys_needed(parameters.rlwe(), below ? lower : level));
  return list;
}

Cost statistic_cost(const ckks::Parameters& parameters, Statistic statistic, std::size_t blocks,
                    const StatisticOptions& options) {
  const Cost row = WindowPlan(row_slots(parameters.rlwe()), 1, options.radix).cost(parameters.rlwe());
  const Cost product{.decompositions = 1, .switches = 1, .divisions = 2};
  const bool canonical = options.quotient == Quotient::canonical;
  Cost cost = row;
  switch (statistic) {
    case Statistic::sum:
      break;
    case Statistic::mean:
      cost.rescales += canonical ? 1 : 0;
      cost.levels = canonical ? 1 : 0;
      break;
    case Statistic::weighted_sum:
      cost += Cost{.levels = 1, .plain_products = blocks, .rescales = 1};
      break;
    case Statistic::dot_product:
      cost += product;
      cost.products = blocks;
      cost.levels = 1;
      break;
    case Statistic::variance:
    case Statistic::covariance:
      cost += row;
      if (statistic == Statistic::covariance) cost += row;
      cost += product;
      cost += product;
      cost.rescales += canonical ? 3 : 0;
      cost.products = blocks + 1;
      cost.levels = canonical ? 2 : 1;
      break;
  }
  return cost;
}

// -- the statistics

Result<ckks::Ciphertext> StatisticsEvaluator::added(const Vector& x) const {
  Ciphertext sums = x.blocks[0].clone();
  for (std::size_t i = 1; i < x.blocks.size(); ++i) PRISM_CHECKED(evaluator_->add_into(sums, x.blocks[i]));
  return sums;
}

Result<ckks::Ciphertext> StatisticsEvaluator::total(const Ciphertext& sums, std::size_t count,
                                                    math::Bound magnitude) const {
  const WindowPlan row(row_slots(evaluator_->parameters().rlwe()), 1, options_.radix);
  PRISM_TRY(Ciphertext out, row.apply(*evaluator_, sums, *keys_, spent_));
  // Slots without a value hold zero: only `count` of them are as large as `magnitude`.
  out.noise.magnitude = min(out.noise.magnitude, math::Bound::from_integer(count) * magnitude);
  return out;
}

Result<ckks::Ciphertext> StatisticsEvaluator::quotient(const Ciphertext& a, std::uint64_t n) const {
  PRISM_TRY(Ciphertext out, divide_by(a, n));
  if (options_.quotient == Quotient::in_scale) return out;
  if (a.level.value == 0) {
    return fail(ErrorCode::level_exhausted,
                "a quotient at level 0, and a canonical one takes a level; start at a higher level, or ask for "
                "Quotient::in_scale");
  }
  if (spent_ != nullptr) *spent_ += Cost{.levels = 1, .rescales = 1};
  return evaluator_->align_to(out, rlwe::Level{a.level.value - 1});
}

Result<ckks::Ciphertext> StatisticsEvaluator::sum(const Vector& x) const {
  PRISM_CHECKED(check_vectors(x, x));
  PRISM_TRY(const Ciphertext sums, added(x));
  return total(sums, x.size, magnitude_of(x));
}

Result<ckks::Ciphertext> StatisticsEvaluator::mean(const Vector& x) const {
  PRISM_TRY(const Ciphertext all, sum(x));
  return quotient(all, x.size);
}

Result<ckks::Ciphertext> StatisticsEvaluator::weighted_sum(const ckks::Encoder& encoder, const Vector& x,
                                                           std::span<const double> weights) const {
  PRISM_CHECKED(check_vectors(x, x));
  const std::size_t slots = evaluator_->parameters().slots();
  if (weights.size() != x.size || x.blocks.size() != (x.size + slots - 1) / slots) {
    return fail(ErrorCode::mismatch, weights.size(), " weights for ", x.size, " values in ", x.blocks.size(),
                " ciphertexts; there must be one weight for each value");
  }
  double largest = 0, size = 0;
  for (const double weight : weights) {
    largest = std::max(largest, std::fabs(weight));
    size += std::fabs(weight);
  }
  std::optional<Ciphertext> sums;
  for (std::size_t i = 0; i < x.blocks.size(); ++i) {
    const auto part = weights.subspan(i * slots, std::min(slots, x.size - i * slots));
    PRISM_TRY(const ckks::Plaintext plaintext, encoder.encode(part, x.blocks[i].level, largest));
    PRISM_TRY(Ciphertext product, evaluator_->multiply_plain(x.blocks[i], plaintext));
    if (!sums) {
      sums = std::move(product);
    } else {
      PRISM_CHECKED(evaluator_->add_into(*sums, product));
    }
  }
  PRISM_TRY(const Ciphertext lower, evaluator_->rescale(*sums));
  if (spent_ != nullptr) *spent_ += Cost{.levels = 1, .plain_products = x.blocks.size(), .rescales = 1};
  PRISM_TRY(Ciphertext out, total(lower, x.size, lower.noise.magnitude));
  out.noise.magnitude = min(out.noise.magnitude, magnitude_of(x) * math::Bound::from_double(size * (1 + 0x1p-20)));
  return out;
}

Result<ckks::Ciphertext> StatisticsEvaluator::dot_product(const Vector& x, const Vector& y) const {
  PRISM_CHECKED(check_vectors(x, y));
  Ciphertext products;
  for (std::size_t i = 0; i < x.blocks.size(); ++i)
    PRISM_CHECKED(evaluator_->tensor_add(products, x.blocks[i], y.blocks[i]));
  PRISM_TRY(const Ciphertext lower, evaluator_->relinearise_rescale(products, *keys_));
  if (spent_ != nullptr) {
    *spent_ += Cost{.levels = 1, .decompositions = 1, .switches = 1, .divisions = 2};
    spent_->products += x.blocks.size();
  }
  return total(lower, x.size, magnitude_of(x) * magnitude_of(y));
}

Result<ckks::Ciphertext> StatisticsEvaluator::variance(const Vector& x, Variance kind) const {
  return covariance(x, x, kind);
}

Result<ckks::Ciphertext> StatisticsEvaluator::covariance(const Vector& x, const Vector& y, Variance kind) const {
  PRISM_CHECKED(check_vectors(x, y));
  const std::uint64_t n = x.size, divisor = kind == Variance::population ? n : n - 1;
  if (divisor == 0)
    return fail(ErrorCode::invalid_argument,
                "the sample variance of one value; it takes two, or ask for the "
                "population's, which is zero");
  if (n >= std::uint64_t{1} << 24)
    return fail(ErrorCode::unsupported, n, " values; variances are of fewer than 2^24, so add partial sums up instead");
  const math::Bound magnitude = magnitude_of(x) * magnitude_of(y), count = math::Bound::from_integer(n);
  const int levels = spent_ != nullptr ? spent_->levels : 0;
  PRISM_TRY(const Ciphertext products, dot_product(x, y));
  PRISM_TRY(const Ciphertext sum_x, sum(x));
  std::optional<Ciphertext> other;
  if (&x != &y) {
    PRISM_TRY(other, sum(y));
  }
  const Ciphertext& sum_y = other ? *other : sum_x;
  std::optional<Ciphertext> out;
  if (options_.quotient == Quotient::canonical) {
    PRISM_TRY(const Ciphertext moment, quotient(products, divisor));
    PRISM_TRY(const Ciphertext mean_x, quotient(sum_x, n));
    PRISM_TRY(const Ciphertext mean_y, quotient(sum_y, divisor));
    PRISM_TRY(const Ciphertext square, evaluator_->multiply_relinearise_rescale(mean_x, mean_y, *keys_));
    PRISM_TRY(out, evaluator_->subtract(moment, square));
  } else {
    PRISM_TRY(const Ciphertext many, evaluator_->multiply_integer(products, static_cast<std::int64_t>(n)));
    PRISM_TRY(const Ciphertext square, evaluator_->multiply_relinearise_rescale(sum_x, sum_y, *keys_));
    PRISM_TRY(Ciphertext difference, evaluator_->subtract(many, square));
    // |n sum x y - sum x sum y| <= n^2 M_x M_y: a covariance is at most the product of two standard deviations.
    difference.noise.magnitude = min(difference.noise.magnitude, count * count * magnitude);
    if (!ckks::decrypts(evaluator_->parameters(), difference.level,
                        ckks::NoiseModel::phase(difference.noise, difference.scale))) {
      return fail(ErrorCode::level_exhausted, "the variance of ", n, " values at level ", difference.level.value,
                  ": its numerator may wrap modulo Q; start at a higher level, ask for Quotient::canonical, or centre "
                  "the values in their range first");
    }
    PRISM_TRY(const Ciphertext once, divide_by(difference, n));
    PRISM_TRY(out, divide_by(once, divisor));
  }
  if (spent_ != nullptr) {
    *spent_ += Cost{.decompositions = 1, .switches = 1, .divisions = 2, .products = 1};
    spent_->levels = levels + (options_.quotient == Quotient::canonical ? 2 : 1);
  }
  out->noise.magnitude = min(out->noise.magnitude, count * magnitude / math::Bound::from_integer(divisor));
  return *std::move(out);
}

Result<StatisticsEvaluator::Ratio> StatisticsEvaluator::selected_mean(const Vector& x, const Vector& selection) const {
  PRISM_TRY(Ciphertext numerator, dot_product(x, selection));
  PRISM_TRY(const Ciphertext chosen, sum(selection));
  PRISM_TRY(Ciphertext denominator, evaluator_->drop_to(chosen, numerator.level));
  return Ratio{std::move(numerator), std::move(denominator)};
}

}  // namespace prism::circuits
