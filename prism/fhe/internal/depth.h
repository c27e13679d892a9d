// prism/fhe/internal/depth.h - what is said when a circuit is too deep.
#pragma once
#include <string_view>

#include "prism/base/result.h"

namespace prism::fhe {

/// level_exhausted, with the way out; other errors unchanged.
inline Error too_deep(Error error) {
  if (error.code != ErrorCode::level_exhausted && error.code != ErrorCode::noise_exceeded) return error;
  return {
      ErrorCode::level_exhausted,
      "this computation is deeper than its parameters allow: more products (with ciphertexts, vectors or fractions), "
      "means or masked rotations one after another than the depth of the intent; make the key holder with a larger "
      "depth, or decrypt and encrypt again in between",
      std::move(error.message)};
}

}  // namespace prism::fhe
