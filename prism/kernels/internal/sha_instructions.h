// prism/kernels/internal/sha_instructions.h - SHA-256 for every set on processors that may have SHA instructions.
#pragma once
#include <cstddef>
#include <cstdint>

namespace prism::kernels::shani {

/// As Kernels::sha256; falls back to the portable loop where the processor has no SHA instructions.
void sha256(std::uint32_t state[8], const std::uint8_t* data, std::size_t blocks) noexcept;

}  // namespace prism::kernels::shani
