// prism/program/requirements.h - what a computation needs of parameters that are given: known before any key exists,
// exactly, because it is rehearsed.
//
// requirements() evaluates the computation once with the evaluator that will evaluate it, on ciphertexts of zeros with
// keys of zeros (fhe::Rehearsal): levels, keys and bounds are public facts of the circuit, so they come out as they
// will, and cannot disagree with it. It costs as much time as evaluating; work_of() says how much that is, in
// microseconds.
#pragma once
#include <memory>
#include <variant>
#include <vector>

#include "prism/fhe/family.h"
#include "prism/program/computation.h"
#include "prism/program/evaluation.h"
#include "prism/program/work.h"

namespace prism::program {

/// Parameters of either family, as a Computation is of either. `largest_magnitude`: of every input; exact: a whole
/// number, or 0 when nothing was declared.
struct ApproximateParameters {
  std::shared_ptr<const ckks::Parameters> parameters;
  double largest_magnitude = 1;
};
struct ExactParameters {
  std::shared_ptr<const exact::Parameters> parameters;
  double largest_magnitude = 0;
};
using AnyParameters = std::variant<ApproximateParameters, ExactParameters>;

/// Of one output's ciphertexts, or of two for a quotient.
struct Delivered {
  std::uint64_t ciphertexts = 0;
  std::uint64_t bytes = 0;  ///< as an artefact; exact ones may have a few hundred less
  int level = 0;
  double error_log2 = 0;      ///< approximate: of value (times factor); minus infinity for exact
  double magnitude_log2 = 0;  ///< approximate: |value| is at most this
  double budget_bits = 0;     ///< how far from what no longer decrypts
};

struct Requirements {
  int depth = 0;      ///< levels from inputs to outputs
  int available = 0;  ///< levels that the parameters have
  /// The evaluation keys that are used, each for the highest level it is used at, and no others.
  std::vector<rlwe::KeyId> keys;
  std::uint64_t key_bytes = 0;      ///< of all of them, as they are sent
  std::vector<Delivered> carriers;  ///< as Computation::carriers()
  std::uint64_t answer_bytes = 0;   ///< of all carriers
  Work work;
};

/// Levels from inputs to outputs, by the graph alone. Exact: products one after another.
int depth_of(const Computation& computation);
/// An estimate from the graph, without running anything: products, key switches and sums at the levels they happen at.
Work work_of(const Computation& computation, const AnyParameters& parameters);
/// Bytes of the largest set of vectors that are alive at once, by the graph.
std::uint64_t memory_of(const Computation& computation, const AnyParameters& parameters);

/// Whether results are the whole numbers that they should be: arithmetic is modulo t, and what leaves +-(t-1)/2 comes
/// back as another number. Errors: unsupported, naming the largest value there may be, t, and what to do. By the graph
/// alone; ok for approximate computations, whose bounds say more, and where no largest input is declared.
Status check_range(const Computation& computation, const AnyParameters& parameters);

/// Errors: those of check_range; mismatch (other family); level_exhausted, naming the depth that is needed and the
/// depth there is; invalid numbers as the schemes refuse them. `stop`: as in EvaluateOptions.
Result<Requirements> requirements(const Computation& computation, const AnyParameters& parameters,
                                  const EvaluateOptions& options = {});

/// The smallest parameters that carry the computation: approximate, with errors of every output of at most
/// 2^-precision_bits; exact, with nothing that wraps for inputs up to `largest_value`.
Result<std::shared_ptr<const ckks::Parameters>> approximate_parameters_for(const Computation& computation,
                                                                           double largest_magnitude, int precision_bits,
                                                                           rlwe::Security security);
Result<std::shared_ptr<const exact::Parameters>> exact_parameters_for(const Computation& computation,
                                                                      std::uint64_t largest_value,
                                                                      rlwe::Security security,
                                                                      exact::Scheme scheme = exact::Scheme::bgv);

}  // namespace prism::program
