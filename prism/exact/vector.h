// prism/exact/vector.h - values of any count: as many ciphertexts as it takes, behind one name.
#pragma once
#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"

namespace prism::exact {

/// `size` values, N per block; the slots past the end are zero and stay zero under every operation below.
struct EncryptedVector {
  std::size_t size = 0;
  std::vector<Ciphertext> blocks;
  EncryptedVector clone() const;
};

/// |values| <= (t-1)/2. No values give no blocks.
Result<EncryptedVector> encrypt(const SymmetricEncryptor& encryptor, const Encoder& encoder,
                                std::span<const std::int64_t> values, Random& random);
Result<EncryptedVector> encrypt(const PublicEncryptor& encryptor, const Encoder& encoder,
                                std::span<const std::int64_t> values, Random& random);
/// Exactly `size` values, centred.
Result<std::vector<std::int64_t>> decrypt(const Decryptor& decryptor, const Encoder& encoder,
                                          const EncryptedVector& vector);

// Element by element; both of one size (mismatch otherwise).
Result<EncryptedVector> add(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b);
Result<EncryptedVector> subtract(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b);
Result<EncryptedVector> multiply(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                 const rlwe::EvaluationKeys& keys);
/// With public values, of the same size; and with one public value.
Result<EncryptedVector> add_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                  std::span<const std::int64_t> b);
Result<EncryptedVector> multiply_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                       std::span<const std::int64_t> b);
Result<EncryptedVector> multiply_scalar(const Evaluator& evaluator, const EncryptedVector& a, std::int64_t scalar);
Result<EncryptedVector> drop_to(const Evaluator& evaluator, const EncryptedVector& a, rlwe::Level level);
/// One sample whose message, times N modulo t, is the sum of all values: decrypt_sum does both. No keys, no rotations.
Result<LweSample> sum(const Evaluator& evaluator, const EncryptedVector& a);
/// The sum, centred modulo t.
Result<std::int64_t> decrypt_sum(const Decryptor& decryptor, const LweSample& sample);
/// sum over i of a_i*b_i: tensor products are added before anything is relinearised. Relinearises once.
Result<LweSample> inner_product(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                const rlwe::EvaluationKeys& keys);

}  // namespace prism::exact
