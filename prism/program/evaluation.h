// prism/program/evaluation.h - evaluates a Computation on encrypted vectors. No randomness: equal inputs and keys give
// equal bytes, whatever the kernel set. (Vectors of public real numbers are encoded in double precision, whose last
// bits processors may differ in; single numbers, and all of exact computations, are the same everywhere.)
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "prism/fhe/vector.h"
#include "prism/program/computation.h"

namespace prism::program {

struct EvaluateOptions {
  /// Called after each operation with (done, all); returning false stops (interrupted).
  std::function<bool(std::uint64_t, std::uint64_t)> progress;
  /// Asked before each operation; true stops (interrupted).
  std::function<bool()> stop;
};

/// One vector for each of computation.carriers(). `inputs`: one for each of computation.inputs(), in that order, all of
/// one context. Sums and rotations happen at the lowest level that what follows leaves to them, where they are
/// cheapest. Errors: mismatch (number, sizes, contexts), level_exhausted and not_found as fhe::Vector says them,
/// interrupted.
Result<std::vector<fhe::Approximate::Vector>> evaluate(const Computation& computation,
                                                       std::span<const fhe::Approximate::Vector> inputs,
                                                       const EvaluateOptions& options = {});
Result<std::vector<fhe::Exact::Vector>> evaluate(const Computation& computation,
                                                 std::span<const fhe::Exact::Vector> inputs,
                                                 const EvaluateOptions& options = {});

}  // namespace prism::program
