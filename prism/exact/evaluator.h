// prism/exact/evaluator.h - arithmetic on ciphertexts of BGV and BFV. Immutable, thread-safe, no randomness: equal
// inputs give equal bytes.
//
// Operands must share parameters, level and (for sums) correction: otherwise Error mismatch with the way out. Every
// result carries the noise bound that docs/noise.md derives; results may be past what decrypts, which decryption then
// refuses. Costs are in transforms of one row; L is the number of primes of the level.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "prism/exact/ciphertext.h"
#include "prism/exact/plaintext.h"
#include "prism/rlwe/key_switch.h"

namespace prism::exact {

class Evaluator {
 public:
  explicit Evaluator(std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode = NoiseModel::Mode::tails);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;

  const Parameters& parameters() const { return *parameters_; }
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  const NoiseModel& noise_model() const { return noise_; }
  /// For circuits that add switched polynomials up before they divide.
  const rlwe::KeySwitcher& switcher() const;

  // -- linear: no transforms (plaintexts: L)
  Result<Ciphertext> add(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> subtract(const Ciphertext& a, const Ciphertext& b) const;
  Ciphertext negate(const Ciphertext& a) const;
  Result<Ciphertext> add_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> subtract_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> multiply_plain(const Ciphertext& a, const Plaintext& p) const;
  /// The scalar stands in every slot; it is taken modulo t and centred. Noise grows by its size.
  Result<Ciphertext> add_scalar(const Ciphertext& a, std::int64_t scalar) const;
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, std::int64_t scalar) const;
  Status add_into(Ciphertext& a, const Ciphertext& b) const;
  Status subtract_into(Ciphertext& a, const Ciphertext& b) const;
  void negate_into(Ciphertext& a) const;
  Status add_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status subtract_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status multiply_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status add_scalar_into(Ciphertext& a, std::int64_t scalar) const;
  Status multiply_scalar_into(Ciphertext& a, std::int64_t scalar) const;

  // -- products: two parts each in, three parts out. BGV: no transforms, correction multiplies. BFV: about 4(2L+1) +
  // 3(2L+1).
  Result<Ciphertext> multiply(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> square(const Ciphertext& a) const;
  /// accumulator += a*b; the accumulator has three parts (or none: then it becomes a*b). Relinearise once, later.
  Status tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const;
  /// Three parts to two; needs the relinearisation key of the level. Two parts pass through.
  Result<Ciphertext> relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// multiply and relinearise.
  Result<Ciphertext> multiply_relinearise(const Ciphertext& a, const Ciphertext& b,
                                          const rlwe::EvaluationKeys& keys) const;

  /// To a lower level (invalid_argument for a higher one). BGV: the modulus switch; the result has the canonical
  /// correction of the target: the input is first multiplied by the scalar that makes it so, which is 1 for a product
  /// of canonical ciphertexts that goes down one level. BFV: rounds.
  Result<Ciphertext> drop_to(const Ciphertext& a, rlwe::Level level) const;
  /// The scalar drop_to multiplies by, centred modulo t. Always 1 for BFV.
  std::int64_t drop_scalar(rlwe::Level from, std::uint64_t correction, rlwe::Level to) const;

  // -- automorphisms: one key switch each
  /// Each row of N/2 slots moves left by `steps` (negative: right).
  Result<Ciphertext> rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> swap_rows(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> automorphism(const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  /// What all rotations of one ciphertext share; rotations after it are cheaper.
  class Hoisted;
  Result<Hoisted> hoist(const Ciphertext& a) const;
  Result<Ciphertext> rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  /// Every slot holds the sum of all slots: log2(N) key switches.
  Result<Ciphertext> sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// The Galois elements sum_slots and pack ask keys for.
  std::vector<std::uint32_t> sum_slots_elements() const;
  std::vector<std::uint32_t> pack_elements() const;

  // -- getting one coefficient out
  /// L transforms.
  Result<LweSample> extract_constant(const Ciphertext& a) const;
  /// The constant coefficients of up to N ciphertexts (of one level and correction) at positions i * N/2^ceil(log2
  /// count) of one ciphertext; every other coefficient is zero (Chen-Dai-Kim-Song 2020/015 with 1/N folded in modulo Q,
  /// so kept noise does not grow by N; key-switching noise does: pack where a few primes are left, then drop).
  /// 2^ceil(log2 count) - 1 + log2(N) - ceil(log2 count) key switches.
  Result<Ciphertext> pack(std::span<const Ciphertext> ciphertexts, const rlwe::EvaluationKeys& keys) const;
  /// Distance between the positions pack uses.
  std::size_t pack_stride(std::size_t count) const;

 private:
  struct Tables;
  Status same_parameters(const Ciphertext& a) const;
  Status comparable(const Ciphertext& a, const Ciphertext& b, bool sums) const;
  Status parts_are(const Ciphertext& a, std::size_t low, std::size_t high) const;
  ring::Evaluations lift(const Plaintext& p, rlwe::Level level, std::uint64_t factor) const;
  ring::Evaluations plain_term(const Plaintext& p, const Ciphertext& a) const;
  void add_bfv_product(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> finish_automorphism(const Ciphertext& a, std::uint32_t g,
                                         std::pair<ring::Evaluations, ring::Evaluations> switched) const;

  std::shared_ptr<const Parameters> parameters_;
  NoiseModel noise_;
  std::unique_ptr<const Tables> tables_;
};

class Evaluator::Hoisted {
 public:
  const Ciphertext& ciphertext() const { return ciphertext_; }

 private:
  friend class Evaluator;
  Ciphertext ciphertext_;
  rlwe::Decomposition digits_;
};

}  // namespace prism::exact
