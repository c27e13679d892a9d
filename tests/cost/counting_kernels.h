// tests/cost/counting_kernels.h - a kernel set that counts what it is asked for and lets another do it.
#pragma once
#include <string_view>

#include "prism/kernels/kernels.h"
#include "prism/program/work.h"

namespace prism::counting {

/// Puts the counting set in front of `name` ("" for the best here). Before any other use of kernels; false when that
/// set does not run here.
bool install(std::string_view name);
/// Rows of N = `degree` residues since the last reset.
program::Work counted(std::size_t degree);
void reset();

}  // namespace prism::counting
