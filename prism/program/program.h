// prism/program/program.h - an encrypted computation as data: a graph of operations on the cells of a table, with a
// digest.
//
// The graph is evaluated once per block of N rows. Each output is the sum of its node over all blocks and all slots:
// one whole number modulo t. Evaluation uses no randomness and adds residues exactly, so any machine with any number of
// threads returns the same bytes.
#pragma once
#include <cstdint>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/exact/parameters.h"
#include "prism/rlwe/keys.h"

namespace prism::program {

using Node = std::uint32_t;

/// What a node does. Numbers are part of the format.
enum class Op : std::uint8_t {
  input = 0,            ///< cell `cell`, stored at `level`; canonical, 2 parts
  add = 1,              ///< a + b: same level and correction; parts may differ
  subtract = 2,         ///< a - b
  multiply_scalar = 3,  ///< scalar * a, |scalar| < 2^31
  add_rows = 4,         ///< a + scalar in every slot that holds a row, 0 in the rest of the last block
  multiply = 5,         ///< the tensor product of two canonical 2-part values of one level: 3 parts, correction F^2
  as_product = 6,       ///< a canonical value with its correction raised to F^2, so that it can be added to products
  relinearise = 7,      ///< 3 parts to 2
  drop = 8,             ///< to `level`, canonical again
};
const char* name_of(Op op);

struct Instruction {
  Op op = Op::input;
  Node a = 0, b = 0;
  std::int64_t scalar = 0;
  std::uint32_t cell = 0;
  int level = 0;
  bool operator==(const Instruction&) const = default;
};

/// How outputs leave: one LWE sample each (no key needed beyond relinearisation), or many packed into ciphertexts by
/// the trace.
enum class Delivery : std::uint8_t { samples = 0, packed = 1 };
/// Outputs per packed ciphertext.
inline constexpr std::size_t kPackedGroup = 256;

/// Nodes refer only to earlier ones; every node is reachable from an output. Made by Builder, which also makes it
/// canonical.
struct Program {
  std::vector<Instruction> nodes;
  std::vector<Node> outputs;  ///< 2 or 3 parts, any level; several outputs may share a node
  Delivery delivery = Delivery::samples;
  bool operator==(const Program&) const = default;
};

/// Bounds on a program that arrives from outside.
inline constexpr std::size_t kMostNodes = 1u << 20;
inline constexpr std::size_t kMostOutputs = 1u << 18;

/// Canonical bytes (semantics version first), and back: refuses anything Builder could not have made.
Bytes encode(const Program& program);
Result<Program> decode(ByteView bytes);

/// What an answer is bound to: program, parameters, the input's root and which keys are used (analyse() names them).
/// Not threads, not kernels.
Digest digest(const Program& program, const exact::Parameters& parameters, const Digest& input_root,
              const std::vector<rlwe::KeyId>& keys);

}  // namespace prism::program
