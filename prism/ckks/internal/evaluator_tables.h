// prism/ckks/internal/evaluator_tables.h - what the files of the evaluator share.
#pragma once
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include "prism/ckks/evaluator.h"
#include "prism/ring/conversion.h"

namespace prism::ckks {

struct Evaluator::Tables {
  explicit Tables(const Parameters& parameters);
  rlwe::KeySwitcher switcher;
  std::vector<ring::Divider> down;                  ///< [l]: from level l + 1 to l
  std::vector<std::vector<std::uint64_t>> dropped;  ///< [l]: the primes that go between l and l - 1
  std::vector<std::uint64_t> imaginary_unit;        ///< psi^(N/2) modulo each prime: the value of X^(N/2), up to sign
};

inline std::string shown(const Scale& scale) {
  char text[40];
  std::snprintf(text, sizeof text, "2^%.3f", scale.log2());
  return text;
}

inline Result<Scale> product_of(const Scale& a, const Scale& b) {
  Scale product = a * b;
  if (product.bounded()) return product;
  return fail(ErrorCode::level_exhausted, "the scale of the result, 2^", std::lround(product.log2()),
              ", is out of range; rescale after products");
}

/// What an operation writes to `out`, as a value. It may ask for a workspace.
template <class Operation>
Result<Ciphertext> made(Operation operation) {
  Ciphertext out;
  if constexpr (std::is_invocable_v<Operation, Ciphertext&, ring::Workspace&>) {
    ring::Workspace workspace;
    PRISM_CHECKED(operation(out, workspace));
  } else {
    PRISM_CHECKED(operation(out));
  }
  return out;
}

}  // namespace prism::ckks
