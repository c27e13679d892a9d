#include "prism/dp/approximate_bounds.h"

#include <bit>
#include <limits>
#include <vector>

#include "prism/dp/rational.h"

namespace prism::dp {
namespace {
constexpr std::size_t kZero = 64;  ///< the bin of 0
}

std::size_t ApproximateBounds::bin_of(std::int64_t value) {
  const std::uint64_t bits = static_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = value < 0 ? 0 - bits : bits;  // 2^63 for the least value
  const auto width = static_cast<std::size_t>(std::bit_width(magnitude));
  return value < 0 ? kZero - width : kZero + width;
}

ApproximateBounds::Bounds ApproximateBounds::edges(std::size_t bin) {
  check(bin < kBins, "approximate bounds: no such bin");
  if (bin == kZero) return {0, 0};
  if (bin == 0) return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min()};
  const std::size_t width = bin > kZero ? bin - kZero : kZero - bin;  // 1 to 63
  const std::int64_t least = std::int64_t{1} << (width - 1);
  const auto most = static_cast<std::int64_t>((std::uint64_t{1} << width) - 1);
  return bin > kZero ? Bounds{least, most} : Bounds{-most, -least};
}

Result<ApproximateBounds> ApproximateBounds::make(Epsilon epsilon, std::uint64_t rows_per_unit, double failure) {
  if (epsilon.nano() == 0 || rows_per_unit == 0 || !(failure > 0 && failure < 1)) {
    return fail(ErrorCode::invalid_argument, "approximate bounds: epsilon ", epsilon.text(), ", ", rows_per_unit,
                " rows per unit, failure ", failure, "; all above 0, failure below 1");
  }
  // One unit moves the counts by rows_per_unit in all.
  PRISM_TRY(const Rational scale, divide_up({static_cast<Int128>(rows_per_unit), 1}, epsilon.rational()));
  PRISM_TRY(Noise noise, Noise::laplace(scale));
  // The least h with kBins * P(noise >= h) <= failure.
  const double allowed = failure * 2 / static_cast<double>(kBins) * (1 - 1e-15);
  Int128 least = 0, enough = noise.largest() + 1;
  while (enough - least > 1) {
    const Int128 middle = least + (enough - least) / 2;
    (noise.tail_up(middle - 1) <= allowed ? enough : least) = middle;
  }
  return ApproximateBounds(epsilon, std::move(noise), enough);
}

std::optional<ApproximateBounds::Bounds> ApproximateBounds::find(const Histogram& counts, DrawStream& stream) const {
  std::array<Int128, kBins> noisy;
  noise_.draw(stream, noisy);
  std::size_t first = kBins, last = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const bool full = noisy[bin] + static_cast<Int128>(counts[bin]) >= threshold_;
    first = full && first == kBins ? bin : first;
    last = full ? bin : last;
  }
  if (first == kBins) return std::nullopt;
  return Bounds{edges(first).low, edges(last).high};
}

Delta ApproximateBounds::delta_of_truncation() const { return noise_.delta_of_truncation(epsilon_) * kBins; }

}  // namespace prism::dp
