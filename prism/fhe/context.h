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
  const rlwe::EvaluationKeys& keys() const;
  /// Values in one ciphertext; longer vectors take several.
  std::size_t slots() const;
  /// SHA-256 of parameters and public key: vectors of equal identities may be computed with, all others may not.
  const Digest& identity() const;
  /// Ring, modulus, security, levels, and each kind of key with its bytes: a few lines for people.
  std::string describe() const;

  /// With the public key. Approximate: |v| <= the largest magnitude of the intent, which is public. Exact: |v| <=
  /// (t-1)/2. invalid_argument otherwise (which value is not said), and for no values at all.
  Result<Vector<Family>> encrypt(std::span<const Number> values, Random& random) const;
  Result<Vector<Family>> encrypt(std::initializer_list<Number> values, Random& random) const {
    return encrypt(std::span<const Number>(values.begin(), values.size()), random);
  }

  /// An artefact file (prism/wire/artefact.h) of kind context; most of it are the keys.
  Result<Bytes> encode() const;
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
  explicit Context(std::shared_ptr<const ContextState<Family>> state) : state_(std::move(state)) {}
  std::shared_ptr<const ContextState<Family>> state_;  // shared with copies, vectors and the key holder
};

extern template class Context<Approximate>;
extern template class Context<Exact>;

}  // namespace prism::fhe
