#include "tests/privacy/mechanisms.h"

#include <algorithm>

#include "prism/base/check.h"

namespace prism::privacy {

dp::Noise laplace(std::int64_t numerator, std::int64_t denominator) {
  return dp::Noise::laplace({numerator, denominator}).value();
}
dp::Noise gaussian(std::int64_t numerator, std::int64_t denominator) {
  return dp::Noise::gaussian({numerator, denominator}).value();
}

std::int64_t count(const Dataset& data) { return static_cast<std::int64_t>(data.size()); }

std::int64_t clamped_sum(const Dataset& data, std::int64_t low, std::int64_t high) {
  std::int64_t sum = 0;
  for (const Row& row : data) sum += std::clamp(row.value, low, high);
  return sum;
}

std::int64_t drawn(const dp::Noise& noise, const dp::NoiseSeed& seed, std::uint64_t draw) {
  dp::DrawStream stream = seed.stream(draw);
  return static_cast<std::int64_t>(noise.draw(stream));
}

Neighbours one_or_none() { return {{{0, 0, 1}}, {}}; }

// epsilon is halved between the threshold and the values in all of them.
SparseVariant::SparseVariant(int variant, std::int64_t epsilon, std::int64_t most_above)
    : variant_(variant),
      most_above_(most_above),
      threshold_noise_(laplace(variant == 2 ? 2 * most_above : 2, epsilon)),
      value_noise_(laplace(variant == 3   ? 2 * most_above
                           : variant == 6 ? 2
                                          : 4 * most_above,
                           epsilon)) {}

SparseVariant::Answers SparseVariant::ask(const std::vector<std::int64_t>& queries, const dp::NoiseSeed& seed) const {
  dp::DrawStream stream = seed.stream(0);
  auto threshold = static_cast<std::int64_t>(threshold_noise_.draw(stream));
  Answers out;
  std::int64_t positive = 0;
  for (const std::int64_t query : queries) {
    const std::int64_t noisy = query + (variant_ == 5 ? 0 : static_cast<std::int64_t>(value_noise_.draw(stream)));
    const bool above = noisy >= threshold;
    out.above.push_back(above);
    if (!above) continue;
    if (variant_ == 2) threshold = static_cast<std::int64_t>(threshold_noise_.draw(stream));
    if (variant_ == 3) out.released = noisy;
    if (variant_ <= 3 && ++positive == most_above_) break;  // 5 and 6 go on for ever
  }
  return out;
}

}  // namespace prism::privacy
