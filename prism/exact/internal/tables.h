// prism/exact/internal/tables.h - what an Evaluator computes once per parameter set.
#pragma once
#include <vector>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/scaled_product.h"
#include "prism/ring/conversion.h"

namespace prism::exact {

struct Evaluator::Tables {
  explicit Tables(const Parameters& parameters);
  /// What a message is multiplied by modulo t before it is lifted: BGV the correction; BFV Q, because round(Q*m/t) is
  /// (Q*m - r)/t with r = Q*m mod t, centred, and hence -r/t modulo every prime of Q.
  std::uint64_t message_factor(const Parameters& parameters, const Ciphertext& a) const {
    return parameters.scheme() == Scheme::bgv ? a.correction : q_modulo_t[static_cast<std::size_t>(a.level.value)];
  }

  rlwe::KeySwitcher switcher;
  std::vector<ring::Divider> down;                   ///< [l]: from level l + 1 to l
  std::vector<ScaledProduct> products;               ///< per level; BFV only
  std::vector<std::uint64_t> q_modulo_t;             ///< per level
  std::vector<kernels::Multiplier> minus_inverse_t;  ///< -1/t modulo each ciphertext prime
};

}  // namespace prism::exact
