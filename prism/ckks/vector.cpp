#include "prism/ckks/vector.h"

#include <algorithm>
#include <cmath>

namespace prism::ckks {
namespace {

Status same_size(std::size_t a, std::size_t b) {
  if (a == b) return {};
  return fail(ErrorCode::mismatch, "vectors of ", a, " and ", b, " values; both must have the same number");
}

template <class Encryptor, class T>
Result<EncryptedVector> encrypt_blocks(const Encryptor& encryptor, const Encoder& encoder, std::span<const T> values,
                                       double largest, Random& random) {
  EncryptedVector out{values.size(), {}};
  const Parameters& parameters = *encoder.parameters_ptr();
  const std::size_t n = parameters.slots();
  for (std::size_t start = 0; start < values.size(); start += n) {
    const auto part = values.subspan(start, std::min(n, values.size() - start));
    PRISM_TRY(const Plaintext plaintext, encoder.encode(part, parameters.max_level(), largest));
    PRISM_TRY(Ciphertext block, encryptor.encrypt(plaintext, random));
    out.blocks.push_back(std::move(block));
  }
  return out;
}

/// f(block) for all blocks.
template <class F>
Result<EncryptedVector> each(const EncryptedVector& a, F f) {
  EncryptedVector out{a.size, {}};
  for (const Ciphertext& block : a.blocks) {
    PRISM_TRY(Ciphertext made, f(block));
    out.blocks.push_back(std::move(made));
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

/// f(block of a, values of the same places of b, largest of all b) for all blocks.
template <class F>
Result<EncryptedVector> with_plain(const Encoder& encoder, const EncryptedVector& a, std::span<const double> b, F f) {
  PRISM_CHECKED(same_size(a.size, b.size()));
  const std::size_t n = encoder.parameters_ptr()->slots();
  PRISM_CHECKED(same_size((a.size + n - 1) / n, a.blocks.size()));
  double largest = 0;
  for (const double value : b) largest = std::max(largest, std::fabs(value));
  EncryptedVector out{a.size, {}};
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    PRISM_TRY(Ciphertext block, f(a.blocks[i], b.subspan(i * n, std::min(n, b.size() - i * n)), largest));
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
                                std::span<const double> values, double largest, Random& random) {
  return encrypt_blocks(encryptor, encoder, values, largest, random);
}
Result<EncryptedVector> encrypt(const SymmetricEncryptor& encryptor, const Encoder& encoder,
                                std::span<const Complex> values, double largest, Random& random) {
  return encrypt_blocks(encryptor, encoder, values, largest, random);
}
Result<EncryptedVector> encrypt(const PublicEncryptor& encryptor, const Encoder& encoder,
                                std::span<const double> values, double largest, Random& random) {
  return encrypt_blocks(encryptor, encoder, values, largest, random);
}
Result<EncryptedVector> encrypt(const PublicEncryptor& encryptor, const Encoder& encoder,
                                std::span<const Complex> values, double largest, Random& random) {
  return encrypt_blocks(encryptor, encoder, values, largest, random);
}

Result<std::vector<Complex>> decrypt_private(const Decryptor& decryptor, const Encoder& encoder,
                                             const EncryptedVector& vector) {
  std::vector<Complex> out;
  for (const Ciphertext& block : vector.blocks) {
    PRISM_TRY(const Plaintext plaintext, decryptor.decrypt_private(block));
    const std::vector<Complex> slots = encoder.decode(plaintext);
    out.insert(out.end(), slots.begin(), slots.end());
  }
  if (out.size() < vector.size)
    return fail(ErrorCode::malformed, "a vector of ", vector.size, " values in ", vector.blocks.size(), " blocks");
  out.resize(vector.size);
  return out;
}

Result<std::vector<double>> decrypt_private_real(const Decryptor& decryptor, const Encoder& encoder,
                                                 const EncryptedVector& vector) {
  PRISM_TRY(const std::vector<Complex> values, decrypt_private(decryptor, encoder, vector));
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = values[i].real();
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
  return pairwise(a, b, [&](const Ciphertext& x, const Ciphertext& y) {
    return evaluator.multiply_relinearise_rescale(x, y, keys);
  });
}

Result<EncryptedVector> add_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                  std::span<const double> b) {
  return with_plain(encoder, a, b,
                    [&](const Ciphertext& x, std::span<const double> y, double largest) -> Result<Ciphertext> {
                      PRISM_TRY(const Plaintext plaintext, encoder.encode(y, x.scale, largest));
                      return evaluator.add_plain(x, plaintext);
                    });
}
Result<EncryptedVector> multiply_plain(const Evaluator& evaluator, const Encoder& encoder, const EncryptedVector& a,
                                       std::span<const double> b) {
  return with_plain(encoder, a, b,
                    [&](const Ciphertext& x, std::span<const double> y, double largest) -> Result<Ciphertext> {
                      PRISM_TRY(const Plaintext plaintext, encoder.encode(y, x.level, largest));
                      PRISM_TRY(const Ciphertext product, evaluator.multiply_plain(x, plaintext));
                      return evaluator.rescale(product);
                    });
}

Result<EncryptedVector> multiply_scalar(const Evaluator& evaluator, const EncryptedVector& a, const Constant& scalar) {
  return each(a, [&](const Ciphertext& x) -> Result<Ciphertext> {
    PRISM_TRY(const Ciphertext product, evaluator.multiply_scalar(x, scalar));
    return evaluator.rescale(product);
  });
}
Result<EncryptedVector> multiply_integer(const Evaluator& evaluator, const EncryptedVector& a, std::int64_t scalar) {
  return each(a, [&](const Ciphertext& x) { return evaluator.multiply_integer(x, scalar); });
}
Result<EncryptedVector> drop_to(const Evaluator& evaluator, const EncryptedVector& a, rlwe::Level level) {
  return each(a, [&](const Ciphertext& x) { return evaluator.drop_to(x, level); });
}
Result<EncryptedVector> align_to(const Evaluator& evaluator, const EncryptedVector& a, rlwe::Level level) {
  return each(a, [&](const Ciphertext& x) { return evaluator.align_to(x, level); });
}

Result<Ciphertext> sum(const Evaluator& evaluator, const EncryptedVector& a, const rlwe::EvaluationKeys& keys) {
  if (a.blocks.empty()) return fail(ErrorCode::invalid_argument, "the sum of a vector without values");
  Ciphertext total = a.blocks[0].clone();
  for (std::size_t i = 1; i < a.blocks.size(); ++i) PRISM_CHECKED(evaluator.add_into(total, a.blocks[i]));
  return evaluator.sum_slots(total, keys);
}

Result<Ciphertext> inner_product(const Evaluator& evaluator, const EncryptedVector& a, const EncryptedVector& b,
                                 const rlwe::EvaluationKeys& keys) {
  PRISM_CHECKED(same_size(a.size, b.size));
  PRISM_CHECKED(same_size(a.blocks.size(), b.blocks.size()));
  if (a.blocks.empty()) return fail(ErrorCode::invalid_argument, "the inner product of vectors without values");
  Ciphertext total;
  for (std::size_t i = 0; i < a.blocks.size(); ++i)
    PRISM_CHECKED(evaluator.tensor_add(total, a.blocks[i], b.blocks[i]));
  PRISM_TRY(const Ciphertext linear, evaluator.relinearise(total, keys));
  PRISM_TRY(const Ciphertext lower, evaluator.rescale(linear));
  return evaluator.sum_slots(lower, keys);
}

}  // namespace prism::ckks
