#include "prism/ckks/internal/wide_gaussian.h"

#include <algorithm>
#include <cmath>

namespace prism::ckks {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr double kSmoothing = 2.13;          // eta of the header, rounded up
constexpr std::size_t kNarrowAtOnce = 4096;  // per stream

double growth(double z) {
  const double other = std::max(1.0, z - 1);
  return std::sqrt(z * z + other * other);
}

}  // namespace

WideGaussian::WideGaussian(double log2_sigma) : log2_sigma_(std::log2(ring::kSigma)) {
  check(log2_sigma <= kMostLog2, "the width of a wide Gaussian");
  while (log2_sigma_ < log2_sigma) {
    double z = std::floor(std::exp2(log2_sigma_) / (std::sqrt(2.0) * kSmoothing));
    const double missing = std::exp2(log2_sigma - log2_sigma_);
    if (growth(z) > missing) {
      // The last step: the smallest z that is enough.
      z = std::max(1.0, std::floor(missing / std::sqrt(2.0)));
      while (growth(z) < missing) ++z;
    }
    steps_.push_back(static_cast<std::uint64_t>(z));
    log2_sigma_ += std::log2(growth(z));
  }
}

void WideGaussian::fill(std::span<Int128> out, const ring::SecretSeed& seed) const {
  const std::size_t each = draws();
  const std::size_t at_once = std::max<std::size_t>(1, kNarrowAtOnce / each);
  secret::SecretVector<Int128> storage(at_once * each);
  const auto values = storage.reveal(kReveal);
  std::uint64_t stream = 0;
  for (std::size_t start = 0; start < out.size(); start += at_once) {
    const std::size_t now = std::min(at_once, out.size() - start);
    const auto narrow = ring::gaussian(now * each, seed, stream++);
    const auto drawn = narrow.reveal(kReveal);
    for (std::size_t i = 0; i < drawn.size(); ++i) values[i] = drawn[i];
    std::size_t left = drawn.size();
    for (const std::uint64_t step : steps_) {
      const auto z = static_cast<Int128>(step), other = std::max<Int128>(1, z - 1);
      left /= 2;
      for (std::size_t i = 0; i < left; ++i) values[i] = z * values[2 * i] + other * values[2 * i + 1];
    }
    std::copy_n(values.begin(), now, out.begin() + static_cast<std::ptrdiff_t>(start));
  }
}

}  // namespace prism::ckks
