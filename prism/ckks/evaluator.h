// prism/ckks/evaluator.h - arithmetic on approximate numbers. Immutable, thread-safe, no randomness and no floating
// point on residues: equal inputs give equal bytes on every machine.
//
// Operands of sums must share parameters, level and scale, operands of products parameters and level: otherwise Error
// mismatch with the way out. Scales are exact: products multiply them, rescale divides by the dropped primes. Every
// result carries the bounds that noise.h describes; results may be past what decrypts, which decryption then refuses.
// Costs are in transforms of one row; L is the number of primes of the level.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "prism/ckks/ciphertext.h"
#include "prism/ckks/plaintext.h"
#include "prism/rlwe/key_switch.h"

namespace prism::ckks {

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
  /// The constant stands in every slot; it is rounded at the ciphertext's scale, and added without a transform.
  Result<Ciphertext> add_scalar(const Ciphertext& a, const Constant& scalar) const;
  /// Rounded at the canonical scale of the level, which the result's scale is multiplied by: rescale afterwards.
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, const Constant& scalar) const;
  /// The same at a scale of the caller's choice.
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, const Constant& scalar, const Scale& scale) const;
  /// Exact, and the scale stays.
  Result<Ciphertext> multiply_integer(const Ciphertext& a, std::int64_t scalar) const;
  Status add_into(Ciphertext& a, const Ciphertext& b) const;
  Status subtract_into(Ciphertext& a, const Ciphertext& b) const;
  void negate_into(Ciphertext& a) const;
  Status add_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status subtract_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status multiply_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status add_scalar_into(Ciphertext& a, const Constant& scalar) const;
  Status multiply_scalar_into(Ciphertext& a, const Constant& scalar, const Scale& scale) const;
  Status multiply_integer_into(Ciphertext& a, std::int64_t scalar) const;

  // -- products: two parts each in, three parts out; no transforms
  Result<Ciphertext> multiply(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> square(const Ciphertext& a) const;
  /// accumulator += a*b; the accumulator has three parts (or none: then it becomes a*b). Relinearise once, later.
  Status tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const;
  /// Three parts to two; needs the relinearisation key of the level. Two parts pass through.
  Result<Ciphertext> relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// What follows nearly every product: one level down, at the canonical scale if both operands had it.
  Result<Ciphertext> multiply_relinearise_rescale(const Ciphertext& a, const Ciphertext& b,
                                                  const rlwe::EvaluationKeys& keys) const;

  // -- levels
  /// One level down, divided by the primes that go; the scale is divided exactly. level_exhausted at level 0.
  Result<Ciphertext> rescale(const Ciphertext& a) const;
  /// To a lower level by leaving primes out: message, scale and error stay. invalid_argument for a higher level.
  Result<Ciphertext> drop_to(const Ciphertext& a, rlwe::Level level) const;
  /// To a lower level and exactly to `scale` (the level's canonical one by default), so that it adds to what was
  /// computed there: multiplies by an integer and rescales. What the integer is off is counted as error. Without a
  /// level to give up (a.level = level) only an equal scale will do: mismatch otherwise.
  Result<Ciphertext> align_to(const Ciphertext& a, rlwe::Level level) const;
  Result<Ciphertext> align_to(const Ciphertext& a, rlwe::Level level, const Scale& scale) const;

  // -- automorphisms: one key switch each
  /// The N/2 slots move left by `steps` (negative: right), the first to the end.
  Result<Ciphertext> rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> conjugate(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> automorphism(const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  /// What all rotations of one ciphertext share; rotations after it are cheaper.
  class Hoisted;
  Result<Hoisted> hoist(const Ciphertext& a) const;
  Result<Ciphertext> rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  /// Every slot holds the sum of all slots: log2(N/2) key switches.
  Result<Ciphertext> sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// The Galois elements sum_slots asks keys for.
  std::vector<std::uint32_t> sum_slots_elements() const;

 private:
  struct Tables;
  Status valid(const Ciphertext& a, std::size_t low, std::size_t high) const;
  Status same_level(const Ciphertext& a, const Ciphertext& b) const;
  Status same_scale(const Scale& a, const Scale& b) const;
  Status same_plaintext(const Plaintext& p) const;
  void multiply_wide(Ciphertext& a, Int128 factor) const;
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

}  // namespace prism::ckks
