// prism/program/internal/heights.h - levels that the steps of a computation use, and that what follows leaves to them.
#pragma once
#include <vector>

#include "prism/program/computation.h"

namespace prism::program {

/// `slots`: of one ciphertext, or 0 when it is not known: then masks are counted wherever there could be one.
struct Heights {
  std::vector<int> cost;   ///< levels from a node's operands to it
  std::vector<int> after;  ///< levels that what is made of a node uses
  int depth = 0;           ///< of the computation
};
Heights heights_of(const Computation& computation, std::uint64_t slots);

/// Whether a product with it takes no level (fhe::Vector).
bool is_free(Family family, double number);

}  // namespace prism::program
