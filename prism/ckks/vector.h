// prism/ckks/vector.h - values of any count: as many ciphertexts as it takes, behind one name.
#pragma once
#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"

namespace prism::ckks {

/// `size` values, N/2 per block; the slots past the end are zero but for errors, and stay so under every operation
/// below.
struct EncryptedVector {
  std::size_t size = 0;
  std::vector<Ciphertext> blocks;
  EncryptedVector clone() const;
};

/// At the top level's canonical scale; |values| <= largest_magnitude, which is public. No values give no blocks.
Result<EncryptedVector> encrypt(const SymmetricEncryptor& encryptor, const Encoder& encoder,
                                std::span<const double> values, double largest_magnitude, Random& random);
Result<EncryptedVector> encrypt(const SymmetricEncryptor& encryptor, const Encoder& encoder,
                                std::span<const Complex> values, double largest_magnitude, Random& random);
Result<EncryptedVector> encrypt(const PublicEncryptor& encryptor, const Encoder& encoder,
                                std::span<const double> values, double largest_magnitude, Random& random);
Result<EncryptedVector> encrypt(const PublicEncryptor& encryptor, const Encoder& encoder,
                                std::span<const Complex> values, double largest_magnitude, Random& random);
/// Exactly `size` values; for the key holder alone (decryptor.h).
Result<std::vector<Complex>> decrypt_private(const Decryptor& decryptor, const Encoder& encoder,
                                             const EncryptedVector& vector);
/// Their real parts.
Result<std::vector<double>> decrypt_private_real(const Decryptor& decryptor, const Encoder& encoder,
                                                 const EncryptedVector& vector);

// Element by element; both of one size (mismatch otherwise).
Result<EncryptedVector> add(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b);
Result<EncryptedVector> subtract(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b);
/// Multiplies, relinearises and rescales: one level.
Result<EncryptedVector> multiply(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                 const rlwe::EvaluationKeys& keys);
/// With public values, of the same size; products are rescaled: one level.
Result<EncryptedVector> add_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                  std::span<const double> b);
Result<EncryptedVector> multiply_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                       std::span<const double> b);
/// With one public value; rescaled: one level.
Result<EncryptedVector> multiply_scalar(const Evaluator& evaluator, const EncryptedVector& a, const Constant& scalar);
Result<EncryptedVector> multiply_integer(const Evaluator& evaluator, const EncryptedVector& a, std::int64_t scalar);
Result<EncryptedVector> drop_to(const Evaluator& evaluator, const EncryptedVector& a, rlwe::Level level);
Result<EncryptedVector> align_to(const Evaluator& evaluator, const EncryptedVector& a, rlwe::Level level);
/// The sum of all values, in every slot. Needs the keys of sum_slots.
Result<Ciphertext> sum(const Evaluator& evaluator, const EncryptedVector& a, const rlwe::EvaluationKeys& keys);
/// sum over i of a_i*b_i, in every slot: tensor products are added before anything is relinearised. One level.
Result<Ciphertext> inner_product(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                 const rlwe::EvaluationKeys& keys);

}  // namespace prism::ckks
