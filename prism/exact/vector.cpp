#include "prism/exact/vector.h"

#include <algorithm>

#include "prism/math/modular.h"

namespace prism::exact {
namespace {

Status same_size(std::size_t a, std::size_t b) {
  if (a == b) return {};
  return fail(ErrorCode::mismatch, "vectors of ", a, " and ", b, " values; both must have the same number");
}

template <class Encryptor>
Result<EncryptedVector> encrypt_blocks(const Encryptor& encryptor, const Encoder& encoder,
                                       std::span<const std::int64_t> values, Random& random) {
  EncryptedVector out{values.size(), {}};
  const std::size_t n = encoder.parameters_ptr()->slots();
  for (std::size_t start = 0; start < values.size(); start += n) {
    PRISM_TRY(const Plaintext plaintext, encoder.encode(values.subspan(start, std::min(n, values.size() - start))));
    PRISM_TRY(Ciphertext block, encryptor.encrypt(plaintext, random));
    out.blocks.push_back(std::move(block));
  }
  return out;
}

/// f(block of a, block of b) for all blocks.
template <class F>
Result<EncryptedVector> pairwise(const EncryptedVector& a, const EncryptedVector& b, F f) {
  PRISM_CHECKED(same_size(a.size, b.size));
  PRISM_CHECKED(same_size(a.blocks.size(), b.blocks.size()));
  EncryptedVector out{a.size, {}};
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    PRISM_TRY(Ciphertext block, f(a.blocks[i], b.blocks[i]));
    out.blocks.push_back(std::move(block));
  }
  return out;
}

/// f(block of a, plaintext of the same places of b) for all blocks.
template <class F>
Result<EncryptedVector> with_plain(const Encoder& encoder, const EncryptedVector& a, std::span<const std::int64_t> b,
                                   F f) {
  PRISM_CHECKED(same_size(a.size, b.size()));
  const std::size_t n = encoder.parameters_ptr()->slots();
  EncryptedVector out{a.size, {}};
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    PRISM_TRY(const Plaintext plaintext, encoder.encode(b.subspan(i * n, std::min(n, b.size() - i * n))));
    PRISM_TRY(Ciphertext block, f(a.blocks[i], plaintext));
    out.blocks.push_back(std::move(block));
  }
  return out;
}

}  // namespace

EncryptedVector EncryptedVector::clone() const {
  EncryptedVector copy{size, {}};
  for (const Ciphertext& block : blocks) copy.blocks.push_back(block.clone());
  return copy;
}

Result<EncryptedVector> encrypt(const SymmetricEncryptor& encryptor, const Encoder& encoder,
                                std::span<const std::int64_t> values, Random& random) {
  return encrypt_blocks(encryptor, encoder, values, random);
}

Result<EncryptedVector> encrypt(const PublicEncryptor& encryptor, const Encoder& encoder,
                                std::span<const std::int64_t> values, Random& random) {
  return encrypt_blocks(encryptor, encoder, values, random);
}

Result<std::vector<std::int64_t>> decrypt(const Decryptor& decryptor, const Encoder& encoder,
                                          const EncryptedVector& vector) {
  std::vector<std::int64_t> out;
  for (const Ciphertext& block : vector.blocks) {
    PRISM_TRY(const Plaintext plaintext, decryptor.decrypt(block));
    const std::vector<std::int64_t> slots = encoder.decode(plaintext);
    out.insert(out.end(), slots.begin(), slots.end());
  }
  if (out.size() < vector.size)
    return fail(ErrorCode::malformed, "a vector of ", vector.size, " values in ", vector.blocks.size(), " blocks");
  out.resize(vector.size);
  return out;
}

Result<EncryptedVector> add(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b) {
  return pairwise(a, b, [&](const Ciphertext& x, const Ciphertext& y) { return evaluator.add(x, y); });
}
Result<EncryptedVector> subtract(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b) {
  return pairwise(a, b, [&](const Ciphertext& x, const Ciphertext& y) { return evaluator.subtract(x, y); });
}
Result<EncryptedVector> multiply(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                 const rlwe::EvaluationKeys& keys) {
  return pairwise(a, b,
                  [&](const Ciphertext& x, const Ciphertext& y) { return evaluator.multiply_relinearise(x, y, keys); });
}
Result<EncryptedVector> add_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                  std::span<const std::int64_t> b) {
  return with_plain(encoder, a, b, [&](const Ciphertext& x, const Plaintext& y) { return evaluator.add_plain(x, y); });
}
Result<EncryptedVector> multiply_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                       std::span<const std::int64_t> b) {
  return with_plain(encoder, a, b,
                    [&](const Ciphertext& x, const Plaintext& y) { return evaluator.multiply_plain(x, y); });
}

Result<EncryptedVector> multiply_scalar(const Evaluator& evaluator, const EncryptedVector& a, std::int64_t scalar) {
  EncryptedVector out = a.clone();
  for (Ciphertext& block : out.blocks) PRISM_CHECKED(evaluator.multiply_scalar_into(block, scalar));
  return out;
}

Result<EncryptedVector> drop_to(const Evaluator& evaluator, const EncryptedVector& a, rlwe::Level level) {
  EncryptedVector out{a.size, {}};
  for (const Ciphertext& block : a.blocks) {
    PRISM_TRY(Ciphertext lower, evaluator.drop_to(block, level));
    out.blocks.push_back(std::move(lower));
  }
  return out;
}

Result<LweSample> sum(const Evaluator& evaluator, const EncryptedVector& a) {
  if (a.blocks.empty()) return fail(ErrorCode::invalid_argument, "the sum of a vector without values");
  Ciphertext total = a.blocks[0].clone();
  for (std::size_t i = 1; i < a.blocks.size(); ++i) PRISM_CHECKED(evaluator.add_into(total, a.blocks[i]));
  return evaluator.extract_constant(total);
}

Result<LweSample> inner_product(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                const rlwe::EvaluationKeys& keys) {
  PRISM_CHECKED(same_size(a.size, b.size));
  PRISM_CHECKED(same_size(a.blocks.size(), b.blocks.size()));
  if (a.blocks.empty()) return fail(ErrorCode::invalid_argument, "the inner product of vectors without values");
  Ciphertext total;
  for (std::size_t i = 0; i < a.blocks.size(); ++i)
    PRISM_CHECKED(evaluator.tensor_add(total, a.blocks[i], b.blocks[i]));
  PRISM_TRY(const Ciphertext relinearised, evaluator.relinearise(total, keys));
  return evaluator.extract_constant(relinearised);
}

Result<std::int64_t> decrypt_sum(const Decryptor& decryptor, const LweSample& sample) {
  PRISM_TRY(const std::uint64_t mean, decryptor.decrypt_lwe(sample));
  const std::uint64_t t = sample.parameters->plain_modulus();
  const std::uint64_t total = math::multiply_mod(mean, sample.parameters->degree() % t, t);
  const std::uint64_t half = (t - 1) / 2;
  return static_cast<std::int64_t>(total - (t & (0 - ((half - total) >> 63))));
}

}  // namespace prism::exact
