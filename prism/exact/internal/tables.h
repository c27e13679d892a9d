// prism/exact/internal/tables.h - what an Evaluator computes once per parameter set.
#pragma once
#include <vector>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/scaled_product.h"
#include "prism/ring/conversion.h"

namespace prism::exact {

struct Evaluator::Tables {
  explicit Tables(const Parameters& parameters);
  /// What a message is multiplied by modulo t before it is lifted: BGV the correction, BFV Q.
  static std::uint64_t message_factor(const Parameters& parameters, const Ciphertext& a);
  /// -1/t modulo each prime of the level: turns a lifted Q*m mod t into BFV's round(Q*m/t).
  static std::vector<std::uint64_t> minus_inverse_t(const Parameters& parameters, rlwe::Level level);

  rlwe::KeySwitcher switcher;
  std::vector<ring::Divider> down;      ///< [l]: from level l + 1 to l
  std::vector<ScaledProduct> products;  ///< per level; BFV only
};

}  // namespace prism::exact
