// prism/exact/internal/output.h - small things that several files of operations share.
#pragma once
#include "prism/exact/ciphertext.h"

namespace prism::exact::internal {

inline std::uint64_t magnitude(std::int64_t x) {
  return x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
}

/// Operations that write `out` while they still read an operand.
inline Status distinct(const Ciphertext& out, const Ciphertext& operand) {
  if (&out != &operand) return {};
  return fail(ErrorCode::invalid_argument, "the output is one of the operands; give another ciphertext");
}

}  // namespace prism::exact::internal
