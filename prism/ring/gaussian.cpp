#include "prism/ring/internal/gaussian.h"

#include "prism/ring/internal/gaussian_table.h"
#include "prism/secret/secret.h"

namespace prism::ring {

void gaussian_from_words(std::span<std::int32_t, kGaussianBlock> out,
                         std::span<const std::uint64_t, 2 * kGaussianBlock> words) {
  constexpr std::uint64_t kLow63 = ~std::uint64_t{0} >> 1;
  alignas(64) std::uint64_t low[kGaussianBlock];
  alignas(64) std::uint64_t high[kGaussianBlock];
  alignas(64) std::uint64_t below[kGaussianBlock] = {};  // how many thresholds u is below
  for (std::size_t i = 0; i < kGaussianBlock; ++i) {
    low[i] = words[2 * i] & kLow63;
    high[i] = words[2 * i + 1] & kLow63;
  }
  for (const auto& [threshold_high, threshold_low] : kGaussianThresholds) {
    for (std::size_t i = 0; i < kGaussianBlock; ++i) {
      // Words of 63 bits: the borrow of a difference is its top bit.
      const std::uint64_t borrow = (low[i] - threshold_low) >> 63;
      below[i] += (high[i] - threshold_high - borrow) >> 63;
    }
  }
  for (std::size_t i = 0; i < kGaussianBlock; ++i) {
    const auto magnitude = static_cast<std::int32_t>(kGaussianThresholds.size() - below[i]);
    const auto sign = -static_cast<std::int32_t>(words[2 * i + 1] >> 63);  // 0 or -1
    out[i] = (magnitude ^ sign) - sign;
  }
  secret::wipe(low, sizeof low);
  secret::wipe(high, sizeof high);
  secret::wipe(below, sizeof below);
}

}  // namespace prism::ring
