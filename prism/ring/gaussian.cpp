#include "prism/ring/internal/gaussian.h"

#include "prism/kernels/kernels.h"
#include "prism/ring/internal/gaussian_table.h"

namespace prism::ring {

void gaussian_from_words(std::span<std::int32_t, kGaussianBlock> out,
                         std::span<const std::uint64_t, 2 * kGaussianBlock> words) {
  kernels::best().draw_by_table(out.data(), words.data(), kGaussianBlock, kGaussianThresholds.data(),
                                kGaussianThresholds.size());
}

}  // namespace prism::ring
