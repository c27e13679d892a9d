// prism/fhe/internal/scheme.h - what differs between the families, under the same names: one ciphertext at a time.
//
// A ciphertext is settled when it has two parts at the canonical scale (CKKS) or correction (BGV) of its level: such
// ciphertexts of a level add and multiply with one another. A product is not, until settle().
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/fhe/family.h"

namespace prism::circuits {
class Polynomial;
class IntegerPolynomial;
}  // namespace prism::circuits

namespace prism::fhe {

template <class Family>
class Scheme;

template <>
class Scheme<Approximate> {
 public:
  using Ciphertext = ckks::Ciphertext;
  using Numbers = std::span<const double>;
  static constexpr std::size_t kRows = 1;  ///< rows of N/2 slots

  static Result<Scheme> make(std::shared_ptr<const ckks::Parameters> parameters, double largest_magnitude,
                             std::shared_ptr<const rlwe::PublicKey> key);
  const std::shared_ptr<const ckks::Parameters>& parameters() const { return encoder_.parameters_ptr(); }
  double largest_magnitude() const { return largest_magnitude_; }
  std::size_t slots() const { return parameters()->slots(); }

  bool is_settled(const Ciphertext& a) const;
  /// Relinearises what has three parts, and rescales: one level.
  Result<Ciphertext> settle(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// Of a settled ciphertext.
  Result<Ciphertext> lower(const Ciphertext& a, rlwe::Level level) const;
  bool decrypts(const Ciphertext& a) const;
  double budget_bits(const Ciphertext& a) const;
  bool can_add(const Ciphertext& a, const Ciphertext& b) const;

  Status add_into(Ciphertext& a, const Ciphertext& b) const { return evaluator_.add_into(a, b); }
  Status subtract_into(Ciphertext& a, const Ciphertext& b) const { return evaluator_.subtract_into(a, b); }
  Result<Ciphertext> multiply(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> add_plain(const Ciphertext& a, Numbers values) const;
  /// The largest |value|, for multiply_plain; public.
  static double largest(Numbers values);
  /// `largest`: of a whole vector, so that its blocks are encoded alike. Not settled.
  Result<Ciphertext> multiply_plain(const Ciphertext& a, Numbers values, double largest) const;
  Status check_number(double value) const;
  Result<Ciphertext> add_number(const Ciphertext& a, double value) const;
  /// Settled when `a` is and the number is whole.
  Result<Ciphertext> multiply_number(const Ciphertext& a, double value) const;
  bool is_free(double value) const;
  Result<Ciphertext> automorphism(const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const {
    return evaluator_.automorphism(a, g, keys);
  }
  /// `count`: how many slots hold a value; the message is zero in all others, and so no sum is larger than count
  /// times the largest. (Errors are counted for every slot.)
  Result<Ciphertext> sum_slots(const Ciphertext& a, std::size_t count, const rlwe::EvaluationKeys& keys) const;
  std::vector<std::uint32_t> sum_elements() const { return evaluator_.sum_slots_elements(); }
  /// Of a settled ciphertext; settled again.
  Result<Ciphertext> evaluate(const circuits::Polynomial& p, const Ciphertext& a,
                              const rlwe::EvaluationKeys& keys) const;
  const ckks::Encoder& encoder() const { return encoder_; }
  /// Zeros where a fresh ciphertext of the key holder has residues, with the bounds that one has.
  Result<Ciphertext> blank() const;

  Result<Ciphertext> encrypt(Numbers values, Random& random) const;
  Result<Ciphertext> encrypt(const ckks::SymmetricEncryptor& encryptor, Numbers values, Random& random) const;
  Result<Bytes> encrypt_to_bytes(const ckks::SymmetricEncryptor& encryptor, Numbers values, Random& random) const;
  Status decrypt(std::vector<double>& out, const ckks::Decryptor& decryptor, const Ciphertext& a) const;
  /// A settled ciphertext, or a seeded one, expanded.
  Result<Ciphertext> decode(ByteView bytes) const;

 private:
  Scheme(std::shared_ptr<const ckks::Parameters> parameters, double largest_magnitude, ckks::PublicEncryptor encryptor);
  Result<ckks::Plaintext> encode(Numbers values) const;
  double largest_magnitude_;
  ckks::Encoder encoder_;
  ckks::Evaluator evaluator_;
  ckks::PublicEncryptor encryptor_;
};

template <>
class Scheme<Exact> {
 public:
  using Ciphertext = exact::Ciphertext;
  using Numbers = std::span<const std::int64_t>;
  static constexpr std::size_t kRows = 2;

  static Result<Scheme> make(std::shared_ptr<const exact::Parameters> parameters, double largest_magnitude,
                             std::shared_ptr<const rlwe::PublicKey> key);
  const std::shared_ptr<const exact::Parameters>& parameters() const { return encoder_.parameters_ptr(); }
  double largest_magnitude() const { return largest_magnitude_; }
  std::size_t slots() const { return parameters()->slots(); }

  bool is_settled(const Ciphertext& a) const;
  /// Relinearises what has three parts, and (BGV, above level 0) goes down one level.
  Result<Ciphertext> settle(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> lower(const Ciphertext& a, rlwe::Level level) const { return evaluator_.drop_to(a, level); }
  bool decrypts(const Ciphertext& a) const;
  double budget_bits(const Ciphertext& a) const;
  bool can_add(const Ciphertext& a, const Ciphertext& b) const;

  Status add_into(Ciphertext& a, const Ciphertext& b) const { return evaluator_.add_into(a, b); }
  Status subtract_into(Ciphertext& a, const Ciphertext& b) const { return evaluator_.subtract_into(a, b); }
  Result<Ciphertext> multiply(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> add_plain(const Ciphertext& a, Numbers values) const;
  static std::int64_t largest(Numbers) { return 0; }  // values are modulo t
  Result<Ciphertext> multiply_plain(const Ciphertext& a, Numbers values, std::int64_t) const;
  Status check_number(std::int64_t value) const;
  Result<Ciphertext> add_number(const Ciphertext& a, std::int64_t value) const {
    return evaluator_.add_scalar(a, value);
  }
  Result<Ciphertext> multiply_number(const Ciphertext& a, std::int64_t value) const {
    return evaluator_.multiply_scalar(a, value);
  }
  bool is_free(std::int64_t) const { return true; }
  Result<Ciphertext> automorphism(const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const {
    return evaluator_.automorphism(a, g, keys);
  }
  Result<Ciphertext> sum_slots(const Ciphertext& a, std::size_t, const rlwe::EvaluationKeys& keys) const {
    return evaluator_.sum_slots(a, keys);
  }
  std::vector<std::uint32_t> sum_elements() const { return evaluator_.sum_slots_elements(); }
  Result<Ciphertext> evaluate(const circuits::IntegerPolynomial& p, const Ciphertext& a,
                              const rlwe::EvaluationKeys& keys) const;
  /// As above; its noise is taken to share its randomness with everything.
  Result<Ciphertext> blank() const;

  Result<Ciphertext> encrypt(Numbers values, Random& random) const;
  Result<Ciphertext> encrypt(const exact::SymmetricEncryptor& encryptor, Numbers values, Random& random) const;
  Result<Bytes> encrypt_to_bytes(const exact::SymmetricEncryptor& encryptor, Numbers values, Random& random) const;
  Status decrypt(std::vector<std::int64_t>& out, const exact::Decryptor& decryptor, const Ciphertext& a) const;
  Result<Ciphertext> decode(ByteView bytes) const;

 private:
  Scheme(std::shared_ptr<const exact::Parameters> parameters, double largest_magnitude,
         exact::PublicEncryptor encryptor);
  Result<Ciphertext> descend(Ciphertext a) const;
  /// An input: within what was declared of all inputs, as their readers believe it.
  Result<exact::Plaintext> encode_input(Numbers values) const;
  double largest_magnitude_;  // 0: undeclared
  exact::Encoder encoder_;
  exact::Evaluator evaluator_;
  exact::PublicEncryptor encryptor_;
};

}  // namespace prism::fhe
