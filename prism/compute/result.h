// prism/compute/result.h - the answer of a computation as bytes, and its decryption by the key holder.
//
// An artefact of kind result, version 1: the identity of the context, the Computation (length first), the count of
// ciphertext vectors and each (length first) as an artefact of kind ciphertext, in the order of
// Computation::carriers().
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/compute/limits.h"
#include "prism/fhe/key_holder.h"
#include "prism/program/computation.h"
#include "prism/program/requirements.h"

namespace prism::compute {

/// Views into the bytes.
struct ResultView {
  Digest identity{};
  program::Computation computation;
  std::vector<ByteView> carriers;
};
Bytes encode_result(const Digest& identity, const program::Computation& computation, std::span<const Bytes> carriers);
/// Without any key. Errors: malformed, unsupported (version).
Result<ResultView> decode_result(ByteView artefact);

/// One named result. Approximate: every value is off by at most `error`; exact: 0, but for quotients of whole numbers,
/// which are rounded to doubles. Infinite where an encrypted count may be 0; 0/0 is not a number.
struct OpenedOutput {
  std::string name;
  std::vector<double> values;
  /// Exact, without quotient and with a factor of 1: the values as whole numbers.
  std::vector<std::int64_t> whole;
  double error = 0;
};
struct Opened {
  program::Computation computation;
  std::vector<OpenedOutput> outputs;
  bool bounds_recomputed = false;  ///< by rehearsal here; otherwise they are what the server claims
  /// Exact: the t that values are known modulo, and errors are of; 0 when inputs up to what the keys declare cannot
  /// give larger results than fit.
  std::uint64_t modulus = 0;
};

struct OpenOptions {
  /// Bounds and levels are computed again from the computation, which takes as long as the server took, instead of
  /// believed. A result whose ciphertexts are not where the computation leads from what the key holder encrypted is
  /// refused (integrity); turn this off for inputs that others encrypted with the public key.
  bool recompute_bounds = true;
  /// What recomputing may take: the computation in a result is the sender's word. exhausted beyond that.
  Limits limits{};
  /// The only computation that is accepted, if given: what was asked for (mismatch otherwise).
  std::optional<Digest> expected_program;
};

/// For the key holder alone: what comes out may show something of the key to others (fhe::KeyHolder::decrypt_private).
/// Errors: mismatch (another context's), noise_exceeded, malformed.
Result<Opened> open_result(ByteView artefact, const fhe::Approximate::KeyHolder& keys, const OpenOptions& options = {});
Result<Opened> open_result(ByteView artefact, const fhe::Exact::KeyHolder& keys, const OpenOptions& options = {});

}  // namespace prism::compute
