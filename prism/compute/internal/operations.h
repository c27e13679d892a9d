// prism/compute/internal/operations.h - which members each operation takes.
#pragma once
#include <cstddef>
#include <string_view>

namespace prism::compute {

struct Takes {
  std::size_t least_inputs = 1, most_inputs = 1;
  bool number = false;  ///< or values
  bool coefficients = false, steps = false, weights = false, compute = false, divisor = false, count = false;
  bool custom = false;
};

/// Null for unknown operations. In requests, and inside a custom one.
const Takes* request_takes(std::string_view operation);
const Takes* custom_takes(std::string_view operation);

/// A letter, then letters, digits and _-. up to program::kMostNameBytes.
bool is_identifier(std::string_view name);

}  // namespace prism::compute
