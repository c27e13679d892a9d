// prism/ring/internal/gaussian.h - the comparison at the heart of the Gaussian sampler, apart from where its words come
// from: a random stream never meets the boundaries that a test must see.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace prism::ring {

/// Samples drawn at a time.
inline constexpr std::size_t kGaussianBlock = 64;

/// Sample i from words 2i and 2i+1 by the rule in sampler.h. Constant time.
void gaussian_from_words(std::span<std::int32_t, kGaussianBlock> out,
                         std::span<const std::uint64_t, 2 * kGaussianBlock> words);

}  // namespace prism::ring
