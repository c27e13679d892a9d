// prism/fhe/context.h - everything public about a key holder: parameters, public key, evaluation keys. What a server
// needs to encrypt and to compute, and nothing that decrypts.
#pragma once
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "prism/base/random.h"
#include "prism/fhe/family.h"
#include "prism/fhe/vector.h"
#include "prism/rlwe/keys.h"

namespace prism::fhe {

/// Immutable, thread-safe, and cheap to copy: copies share everything. Made by a KeyHolder, or from bytes.
template <class Family>
class Context {
 public:
  using Number = typename Family::Number;

  const typename Family::Parameters& parameters() const;
  const std::shared_ptr<const typename Family::Parameters>& parameters_ptr() const;
  const rlwe::EvaluationKeys& keys() const;
  /// Values in one ciphertext; longer vectors take several.
  std::size_t slots() const;
  /// SHA-256 of parameters and public key: vectors of equal identities may be computed with, all others may not.
  const Digest& identity() const;
  /// Ring, modulus, security, levels, and each kind of key with its bytes: a few lines for people.
  std::string describe() const;

  /// With the public key. Approximate: |v| <= the largest magnitude of the intent, which is public. Exact: |v| <=
  /// (t-1)/2 and what was declared. invalid_argument otherwise (which value is not said), and for no values at all.
  Result<Vector<Family>> encrypt(std::span<const Number> values, Random& random) const;
  Result<Vector<Family>> encrypt(std::initializer_list<Number> values, Random& random) const {
    return encrypt(std::span<const Number>(values.begin(), values.size()), random);
  }

  /// The largest |value| that was declared for inputs; Exact: 0 when nothing was.
  double largest_magnitude() const;
  /// The same with no evaluation keys, and with these and no others (mismatch for keys of other parameters). Shares all
  /// the rest, and has the same identity.
  Context without_keys() const;
  Result<Context> with_keys(rlwe::EvaluationKeys keys) const;

  /// An artefact file (prism/wire/artefact.h) of kind context; most of it are the keys.
  Result<Bytes> encode() const;
  /// The evaluation keys alone, as an artefact of kind evaluation_keys that names this context; half of each is a seed.
  Result<Bytes> encode_keys() const;
  /// with_keys from such bytes. Errors: mismatch (another context's), malformed.
  Result<Context> decode_keys(ByteView bytes) const;
  /// Hostile input is refused, not misread: everything is checked against the parameters, and the parameters against
  /// the security table. That the public key is that of a key holder one trusts is the caller's to know: compare
  /// identity(). It says nothing of evaluation keys: wrong ones give wrong results and bounds that do not hold, so a
  /// key holder that computes and releases takes them from nowhere but its own storage.
  static Result<Context> decode(ByteView bytes);
  /// A vector of this context from bytes. Errors: mismatch (another context's, another family's), malformed. Bounds of
  /// magnitude and error in it are claims of whoever wrote it.
  Result<Vector<Family>> decode_vector(ByteView bytes) const;

 private:
  friend class Vector<Family>;
  friend class KeyHolder<Family>;
  friend class Rehearsal<Family>;
  explicit Context(std::shared_ptr<const ContextState<Family>> state) : state_(std::move(state)) {}
  std::shared_ptr<const ContextState<Family>> state_;  // shared with copies, vectors and the key holder
};

/// Parameters alone, as an artefact of kind parameters: a few hundred bytes. `largest_magnitude`: of inputs; Exact:
/// a whole number, or 0 when none is declared.
template <class Family>
struct Declared {
  std::shared_ptr<const typename Family::Parameters> parameters;
  double largest_magnitude = 0;
};
template <class Family>
Result<Bytes> encode_parameters(const Declared<Family>& declared);
/// Errors: mismatch (the other family's), malformed, insecure.
template <class Family>
Result<Declared<Family>> decode_parameters(ByteView bytes);
/// Which family an artefact of kind parameters or context is of, by its first bytes. malformed for other kinds.
Result<bool> is_approximate(ByteView artefact);
/// The ring that such an artefact is for, read and checked against nothing yet: to refuse by size before anything is
/// made.
Result<rlwe::ParameterSpec> named_ring(ByteView artefact);
/// The identity that an artefact of kind ciphertext or evaluation_keys names: whose it says it is.
Result<Digest> named_identity(ByteView artefact);
/// What an artefact of kind ciphertext says of itself, without its context.
struct VectorSummary {
  Digest identity{};
  bool approximate = false;
  std::uint64_t size = 0;  ///< values
  std::uint64_t ciphertexts = 0;
};
Result<VectorSummary> summarise(ByteView vector);

extern template class Context<Approximate>;
extern template class Context<Exact>;

}  // namespace prism::fhe
