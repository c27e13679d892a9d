// prism/fhe/key_holder.h - the one side that can decrypt: makes all keys, gives away the public part.
#pragma once
#include <functional>

#include "prism/ckks/release.h"
#include "prism/fhe/context.h"
#include "prism/ring/sampler.h"

namespace prism::fhe {

/// Who computed the public error bound of a vector that is to be released.
enum class Bounds {
  computed_here,  ///< refuse vectors that were, or were computed from, bytes: their bounds are claims
  as_claimed      ///< whoever sent the bytes is trusted to have computed honestly
};

/// Owns the secret key, wiped when it dies. Keeps a reference to `random` (host::SystemRandom in programs), which must
/// outlive it. Encryption here uses the secret key: less noise than the public one, and half the bytes when sent.
template <class Family>
class KeyHolder {
 public:
  using Number = typename Family::Number;

  /// Parameters, then a fresh secret key, then the keys that the intent asks for. Errors: those of parameters_for and
  /// of `random`.
  static Result<KeyHolder> create(const typename Family::Intent& intent, Random& random);
  /// The same for parameters of the caller's choice. `largest_magnitude`: of every input, public. Exact: a
  /// whole number, or 0 to declare nothing; then nobody can tell whether results of a computation wrap modulo t.
  static Result<KeyHolder> create(std::shared_ptr<const typename Family::Parameters> parameters, int depth,
                                  const Movement& movement, double largest_magnitude, Random& random);
  /// From a seed that is kept elsewhere (custody::Keyring::derive), with no evaluation keys: context_with() makes them
  /// once it is known which. The public key is fresh: keep public_part(), and restore() afterwards.
  static Result<KeyHolder> create(std::shared_ptr<const typename Family::Parameters> parameters,
                                  double largest_magnitude, const ring::SecretSeed& seed, Random& random);
  /// Again from what was stored: the public part and the seed. unauthorised when they do not belong together.
  static Result<KeyHolder> restore(const Context<Family>& context, const ring::SecretSeed& seed, Random& random);
  KeyHolder(KeyHolder&&) noexcept;
  KeyHolder& operator=(KeyHolder&&) noexcept;
  ~KeyHolder();

  /// What may be given to anybody: it encrypts and computes, and cannot decrypt.
  const Context<Family>& public_part() const;
  /// The public part with exactly these evaluation keys, freshly made (program::requirements says which a computation
  /// takes). Errors: those of rlwe::make_switch_key.
  Result<Context<Family>> context_with(std::span<const rlwe::KeyId> keys) const;
  /// The same, which takes seconds for many keys: `before_each` is called before each of them, and its error ends it.
  Result<Context<Family>> context_with(std::span<const rlwe::KeyId> keys,
                                       const std::function<Status()>& before_each) const;
  /// What the secret key is made from. Whoever has it can decrypt everything.
  const ring::SecretSeed& seed(secret::RevealKey) const;

  /// As Context::encrypt, with the secret key.
  Result<Vector<Family>> encrypt(std::span<const Number> values) const;
  Result<Vector<Family>> encrypt(std::initializer_list<Number> values) const {
    return encrypt(std::span<const Number>(values.begin(), values.size()));
  }
  /// Encrypted and encoded at half the size of encrypt().encode(): for sending to a server, which decodes it as any
  /// vector.
  Result<Bytes> encrypt_to_bytes(std::span<const Number> values) const;

  /// For the key holder's eyes. Refuses (noise_exceeded) what its public bound does not cover, (mismatch) vectors of
  /// other key holders. Approximate: what comes out contains the error of the computation, from which others could
  /// learn the secret key (Li-Micciancio 2020/1533); do not share it. A vector decoded from bytes claims its own bound:
  /// decrypt only what comes from those who may be believed about it, and show neither values nor refusals to whoever
  /// can choose ciphertexts.
  Result<std::vector<Number>> decrypt_private(const Result<Vector<Family>>& vector) const;

  /// What others may see (docs/release.md; Approximate alone): values with noise that hides what their errors say about
  /// the key, at most 2^-precision_bits from the truth. One query of the ledger for each ciphertext of the vector;
  /// store ledger.encode() before anything is shown. Refuses (noise_exceeded) what cannot be that precise, (refused) a
  /// ledger that is used up and claimed bounds, (mismatch) a ledger of another key; then nothing is charged.
  Result<std::vector<Number>> release(const Result<Vector<Family>>& vector, int precision_bits,
                                      ckks::ReleaseLedger& ledger, Bounds bounds = Bounds::computed_here) const
    requires std::is_floating_point_v<Number>
  {
    return released(vector, precision_bits, ledger, bounds);
  }
  /// The ledger of this key: opened once, kept for ever.
  Result<ckks::ReleaseLedger> open_ledger(const ckks::ReleaseBudget& budget) const
    requires std::is_floating_point_v<Number>
  {
    return ckks::ReleaseLedger::open(release_identity(), budget);
  }

 private:
  struct State;
  Result<std::vector<Number>> released(const Result<Vector<Family>>& vector, int precision_bits,
                                       ckks::ReleaseLedger& ledger, Bounds bounds) const;
  Digest release_identity() const;
  Status mine(const VectorState<Family>& vector) const;
  explicit KeyHolder(std::unique_ptr<State> state);
  static Result<KeyHolder> with_seed(std::shared_ptr<const typename Family::Parameters> parameters, int depth,
                                     const Movement& movement, double largest_magnitude, ring::SecretSeed seed,
                                     Random& random);
  std::unique_ptr<State> state_;
};

extern template class KeyHolder<Approximate>;
extern template class KeyHolder<Exact>;

}  // namespace prism::fhe
