// prism/program/executor.h - runs a program on ciphertexts: any number of workers, the same bytes.
#pragma once
#include <functional>
#include <vector>

#include "prism/base/parallel.h"
#include "prism/exact/evaluator.h"
#include "prism/program/program.h"

namespace prism::program {

/// Where cells come from. load() is called from several workers at once.
class Inputs {
 public:
  virtual ~Inputs() = default;
  virtual std::uint64_t blocks() const = 0;
  /// 1 .. N, and N in every block but the last.
  virtual std::uint64_t rows_in_block(std::uint64_t block) const = 0;
  /// A fresh ciphertext of the cell at `level`.
  virtual Result<exact::Ciphertext> load(std::uint32_t cell, std::uint64_t block, rlwe::Level level) const = 0;
};

struct RunOptions {
  /// Bytes all workers together may keep in sums. Programs with more outputs than fit go over the table several times.
  std::uint64_t most_sum_bytes = std::uint64_t{384} << 20;
  /// Called between blocks with (done, all); returning false stops the run (interrupted).
  std::function<bool(std::uint64_t, std::uint64_t)> progress;
  /// Asked by every worker between operations; true stops the run (interrupted). Must be thread-safe.
  std::function<bool()> stop;
};

/// What leaves: exactly the program's outputs. One or the other is filled, by the program's delivery.
struct Outcome {
  std::vector<exact::LweSample> samples;
  std::vector<exact::Ciphertext> packed;  ///< ceil(outputs / kPackedGroup), level 0, 2 parts
};

/// Errors: whatever loading returns, not_found for missing keys, malformed for an ill-typed program, interrupted.
Result<Outcome> run(const Program& program, const exact::Evaluator& evaluator, const rlwe::EvaluationKeys& keys,
                    const Inputs& inputs, Parallel& parallel, const RunOptions& options = {});

}  // namespace prism::program
