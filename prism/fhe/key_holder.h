// prism/fhe/key_holder.h - the one side that can decrypt: makes all keys, gives away the public part.
#pragma once
#include "prism/fhe/context.h"
#include "prism/ring/sampler.h"

namespace prism::fhe {

/// Owns the secret key, wiped when it dies. Keeps a reference to `random` (host::SystemRandom in programs), which must
/// outlive it. Encryption here uses the secret key: less noise than the public one, and half the bytes when sent.
template <class Family>
class KeyHolder {
 public:
  using Number = typename Family::Number;

  /// Parameters, then a fresh secret key, then the keys that the intent asks for. Errors: those of parameters_for and
  /// of `random`.
  static Result<KeyHolder> create(const typename Family::Intent& intent, Random& random);
  /// The same for parameters of the caller's choice. `largest_magnitude` is for Approximate alone.
  static Result<KeyHolder> create(std::shared_ptr<const typename Family::Parameters> parameters, int depth,
                                  const Movement& movement, double largest_magnitude, Random& random);
  /// Again from what was stored: the public part and the seed. unauthorised when they do not belong together.
  static Result<KeyHolder> restore(const Context<Family>& context, const ring::SecretSeed& seed, Random& random);
  KeyHolder(KeyHolder&&) noexcept;
  KeyHolder& operator=(KeyHolder&&) noexcept;
  ~KeyHolder();

  /// What may be given to anybody: it encrypts and computes, and cannot decrypt.
  const Context<Family>& public_part() const;
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

 private:
  struct State;
  explicit KeyHolder(std::unique_ptr<State> state);
  static Result<KeyHolder> with_seed(std::shared_ptr<const typename Family::Parameters> parameters, int depth,
                                     const Movement& movement, double largest_magnitude, ring::SecretSeed seed,
                                     Random& random);
  std::unique_ptr<State> state_;
};

extern template class KeyHolder<Approximate>;
extern template class KeyHolder<Exact>;

}  // namespace prism::fhe
