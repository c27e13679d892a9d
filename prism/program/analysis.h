// prism/program/analysis.h - what a program needs and costs, and whether its answers decrypt: known before anything
// runs.
#pragma once
#include <optional>
#include <vector>

#include "prism/exact/noise.h"
#include "prism/program/program.h"

namespace prism::program {

/// Work per block and once at the end, counted in rows of N residues.
struct Cost {
  std::uint64_t transforms = 0;       ///< forward and inverse NTTs
  std::uint64_t multiplications = 0;  ///< rows multiplied (and added)
  std::uint64_t additions = 0;        ///< rows added, negated, scaled
  std::uint64_t expansions = 0;       ///< rows expanded from seeds and unpacked
  std::uint64_t input_bytes = 0;      ///< read from the table
  Cost& operator+=(const Cost& other);
};

struct Shape {
  int level = 0;
  int parts = 2;
  std::uint64_t correction = 1;  ///< modulo t
};

struct Analysis {
  std::vector<Shape> shapes;         ///< per node
  int depth = 0;                     ///< products on the longest path
  std::size_t multiplications = 0;   ///< products per block
  std::size_t relinearisations = 0;  ///< per block
  std::size_t inputs = 0;            ///< distinct cells read
  std::vector<rlwe::KeyId> keys;     ///< exactly the keys evaluation uses
  Cost per_block, at_end;
  math::Bound final_noise;  ///< of every output as it leaves, at level 0
  double budget_bits = 0;   ///< the smallest distance of any output's noise bound from what decrypts
  std::uint64_t answer_bytes = 0;
};

/// Types the program over `parameters`, for `blocks` blocks. Refuses ill-typed programs (malformed), circuits that are
/// too deep (level_exhausted) and outputs whose noise bound does not decrypt (noise_exceeded).
Result<Analysis> analyse(const Program& program, const exact::Parameters& parameters, std::uint64_t blocks,
                         exact::NoiseModel::Mode mode = exact::NoiseModel::Mode::tails);

/// The level at which outputs are packed.
inline constexpr int kPackLevel = 1;
/// The automorphisms that packing uses: 2^j + 1.
std::vector<std::uint32_t> packing_elements(std::size_t degree);

}  // namespace prism::program
