// prism/kernels/internal/cpu.h - what the processor, and the operating system's register saving, allow.
// Compiled for baseline x86-64, because these questions are asked before anything else may run.
#pragma once

namespace prism::kernels::internal {

bool cpu_has_avx2() noexcept;
bool cpu_has_avx512ifma() noexcept;
bool cpu_has_sha() noexcept;

}  // namespace prism::kernels::internal
