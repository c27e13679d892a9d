// prism/ckks/evaluator.h - arithmetic on approximate numbers. Immutable, thread-safe, no randomness and no floating
// point on residues: equal inputs give equal bytes on every machine.
//
// Operands share parameters (mismatch otherwise). Operands of different levels meet at the lower one, which is free;
// scales are exact, and sums of different scales are refused (mismatch) with the call that brings them together.
// Products multiply scales, rescale divides by the dropped primes. Every result carries the bounds that noise.h
// describes; results may be past what decrypts, which decryption then refuses.
//
// Hot operations have two forms. `Result<Ciphertext> op(a, b, ...)` allocates its result. `Status op(out, a, b, ...,
// workspace)` writes to `out`, whose memory it uses again, and borrows the rest: once both have grown it allocates
// nothing. After an error `out` is unspecified. `out` is none of the operands, unless said otherwise.
//
// Costs are in transforms of one row. L is the number of primes of the level, k that of the special primes, n the
// number of digits, ceil(L / digit size). A switch costs L + n*k + (n - 1)*L transforms and 2*n*(L + k) row products; a
// division by P 2*(k + L) transforms.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "prism/ckks/ciphertext.h"
#include "prism/ckks/multiplicand.h"
#include "prism/ckks/plaintext.h"
#include "prism/rlwe/key_switch.h"

namespace prism::ckks {

class Evaluator {
 public:
  using Workspace = ring::Workspace;

  explicit Evaluator(std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode = NoiseModel::Mode::tails);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;

  const Parameters& parameters() const { return *parameters_; }
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  const NoiseModel& noise_model() const { return noise_; }
  /// For circuits that add switched polynomials up before they divide.
  const rlwe::KeySwitcher& switcher() const;

  // -- sums: no transforms. Operands of two or three parts. `out` may be an operand.
  Status add(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const;
  Status subtract(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const;
  Status negate(Ciphertext& out, const Ciphertext& a) const;
  Result<Ciphertext> add(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> subtract(const Ciphertext& a, const Ciphertext& b) const;
  Ciphertext negate(const Ciphertext& a) const;
  Status add_into(Ciphertext& a, const Ciphertext& b) const;
  Status subtract_into(Ciphertext& a, const Ciphertext& b) const;
  void negate_into(Ciphertext& a) const;
  /// sum over i of weights[i] * values[i], rescaled once: one level. Values share scale, and meet at the lowest level.
  /// Weights are rounded at the canonical scale of that level. invalid_argument for no values or another number of
  /// weights.
  Result<Ciphertext> linear_combination(std::span<const Ciphertext* const> values,
                                        std::span<const Constant> weights) const;

  // -- with plaintexts: L transforms, none with a Multiplicand. `out` may be the operand.
  Status add_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Workspace& workspace) const;
  Status subtract_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Workspace& workspace) const;
  Status multiply_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Workspace& workspace) const;
  Status multiply_plain(Ciphertext& out, const Ciphertext& a, const Multiplicand& p) const;
  Result<Ciphertext> add_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> subtract_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> multiply_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> multiply_plain(const Ciphertext& a, const Multiplicand& p) const;
  Status add_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status subtract_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status multiply_plain_into(Ciphertext& a, const Plaintext& p) const;
  /// L transforms (and k with special primes) once. invalid_argument for a level that does not exist, or for special
  /// primes where there are none.
  Result<Multiplicand> prepare(const Plaintext& p, rlwe::Level level, bool with_special = false) const;

  // -- with constants: no transforms.
  /// The constant stands in every slot; it is rounded at the ciphertext's scale.
  Result<Ciphertext> add_scalar(const Ciphertext& a, const Constant& scalar) const;
  Result<Ciphertext> add_scalar(const Ciphertext& a, const Constant& real, const Constant& imaginary) const;
  Status add_scalar_into(Ciphertext& a, const Constant& scalar) const;
  Status add_scalar_into(Ciphertext& a, const Constant& real, const Constant& imaginary) const;
  /// Rounded at the canonical scale of the level, which the result's scale is multiplied by: rescale afterwards.
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, const Constant& scalar) const;
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, const Constant& real, const Constant& imaginary) const;
  /// The same at a scale of the caller's choice.
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, const Constant& scalar, const Scale& scale) const;
  Status multiply_scalar_into(Ciphertext& a, const Constant& scalar, const Scale& scale) const;
  Status multiply_scalar_into(Ciphertext& a, const Constant& real, const Constant& imaginary, const Scale& scale) const;
  /// Exact, and the scale stays.
  Result<Ciphertext> multiply_integer(const Ciphertext& a, std::int64_t scalar) const;
  Status multiply_integer_into(Ciphertext& a, std::int64_t scalar) const;

  // -- products: two parts each in, three parts out; no transforms
  Status multiply(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const;
  Status square(Ciphertext& out, const Ciphertext& a) const;
  Result<Ciphertext> multiply(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> square(const Ciphertext& a) const;
  /// accumulator += a*b; the accumulator has three parts (or none: then it becomes a*b). Relinearise once, later.
  Status tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const;
  /// Three parts to two: a switch and a division by P. Needs the relinearisation key of the level. Two parts pass
  /// through.
  Status relinearise(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                     Workspace& workspace) const;
  Result<Ciphertext> relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// What follows nearly every product: one level down, at the canonical scale if both operands had it. `out` may be an
  /// operand. Divides by P and
  /// the dropped primes at once: a switch and 2*(k + L) transforms, where one after the other takes 2*(k + 2*L).
  Status multiply_relinearise_rescale(Ciphertext& out, const Ciphertext& a, const Ciphertext& b,
                                      const rlwe::EvaluationKeys& keys, Workspace& workspace) const;
  Result<Ciphertext> multiply_relinearise_rescale(const Ciphertext& a, const Ciphertext& b,
                                                  const rlwe::EvaluationKeys& keys) const;
  /// Of three parts (a sum of products) the same without the product; of two parts only rescale.
  Status relinearise_rescale(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                             Workspace& workspace) const;
  Result<Ciphertext> relinearise_rescale(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// a^exponent, exponent >= 1 (invalid_argument otherwise), in ceil(log2 exponent) levels, which is the least, and at
  /// most 2*floor(log2 exponent) products.
  Result<Ciphertext> power(const Ciphertext& a, std::uint32_t exponent, const rlwe::EvaluationKeys& keys) const;

  // -- levels
  /// One level down, divided by the primes that go; the scale is divided exactly. level_exhausted at level 0. Two or
  /// three parts; L transforms a part.
  Status rescale(Ciphertext& out, const Ciphertext& a, Workspace& workspace) const;
  Result<Ciphertext> rescale(const Ciphertext& a) const;
  /// To a lower level by leaving primes out: message, scale and error stay. invalid_argument for a higher level. `out`
  /// may be the operand.
  Status drop_to(Ciphertext& out, const Ciphertext& a, rlwe::Level level) const;
  Result<Ciphertext> drop_to(const Ciphertext& a, rlwe::Level level) const;
  /// To a lower level and exactly to `scale` (the level's canonical one by default), so that it adds to what was
  /// computed there: multiplies by an integer and rescales. What the integer is off is counted as error. Without a
  /// level to give up (a.level = level) only an equal scale will do: mismatch otherwise.
  Result<Ciphertext> align_to(const Ciphertext& a, rlwe::Level level) const;
  Result<Ciphertext> align_to(const Ciphertext& a, rlwe::Level level, const Scale& scale) const;

  // -- automorphisms: a switch and a division by P each. not_found names a key that is missing.
  /// The N/2 slots move left by `steps` (negative: right), the first to the end.
  Status rotate(Ciphertext& out, const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                Workspace& workspace) const;
  Status conjugate(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys, Workspace& workspace) const;
  Status automorphism(Ciphertext& out, const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                      Workspace& workspace) const;
  Result<Ciphertext> rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> conjugate(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> automorphism(const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;

  /// For a rotation that has no key: made of rotations that have (rlwe::plan_rotation), with the fewest switches, each
  /// of which costs and adds error like a rotation of its own. not_found when it takes more than `most`.
  Result<Ciphertext> rotate_composed(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                                     std::size_t most) const;

  /// What all rotations of one ciphertext share: the transforms of a switch. Rotations after it cost row products and a
  /// division.
  class Hoisted;
  Status hoist(Hoisted& out, const Ciphertext& a, Workspace& workspace) const;
  Status rotate(Ciphertext& out, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                Workspace& workspace) const;
  Status automorphism(Ciphertext& out, const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                      Workspace& workspace) const;
  Result<Hoisted> hoist(const Ciphertext& a) const;
  Result<Ciphertext> rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Result<Ciphertext> automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  /// Every slot holds the sum of all slots: log2(N/2) key switches.
  Result<Ciphertext> sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// The Galois elements sum_slots asks keys for.
  std::vector<std::uint32_t> sum_slots_elements() const;

  // -- before the division by P (see ExtendedCiphertext). Sums: of one level and scale (mismatch otherwise); an empty
  // accumulator takes those of the first term.
  /// accumulator += a rotated by `steps`: row products only.
  Status rotate_add(ExtendedCiphertext& accumulator, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                    Workspace& workspace) const;
  /// The same from a ciphertext: a switch. What giant steps are added up with.
  Status rotate_add(ExtendedCiphertext& accumulator, const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                    Workspace& workspace) const;
  Status automorphism_add(ExtendedCiphertext& accumulator, const Hoisted& a, std::uint32_t g,
                          const rlwe::EvaluationKeys& keys, Workspace& workspace) const;
  Status automorphism_add(ExtendedCiphertext& accumulator, const Ciphertext& a, std::uint32_t g,
                          const rlwe::EvaluationKeys& keys, Workspace& workspace) const;
  /// out = a rotated, alone.
  Status rotate_extended(ExtendedCiphertext& out, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                         Workspace& workspace) const;
  /// accumulator += a*p; p was prepared with special primes (mismatch otherwise), for a's level or a higher one.
  Status multiply_plain_add(ExtendedCiphertext& accumulator, const ExtendedCiphertext& a, const Multiplicand& p) const;
  Status add_into(ExtendedCiphertext& accumulator, const ExtendedCiphertext& a) const;
  /// Divides by P; `finish_rescale` by P and the dropped primes at once. invalid_argument for an empty sum.
  Status finish(Ciphertext& out, const ExtendedCiphertext& a, Workspace& workspace) const;
  Status finish_rescale(Ciphertext& out, const ExtendedCiphertext& a, Workspace& workspace) const;

 private:
  struct Tables;
  Status valid(const Ciphertext& a, std::size_t low, std::size_t high) const;
  Status same_scale(const Scale& a, const Scale& b) const;
  Status same_plaintext(const Parameters* parameters) const;
  Status can_switch(const rlwe::EvaluationKeys& keys) const;
  Result<const rlwe::SwitchKey*> automorphism_key(std::uint32_t g, const rlwe::EvaluationKeys& keys,
                                                  rlwe::Level level) const;
  Result<Scale> scale_below(const Scale& scale, rlwe::Level level) const;
  void shape(Ciphertext& out, std::size_t parts, rlwe::Level level) const;
  template <class Combine, class Take>
  Status combine(Ciphertext& out, const Ciphertext& a, const Ciphertext& b, Combine both, Take second) const;
  template <class Combine>
  Status with_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Combine both, Workspace& workspace) const;
  void tensor(ring::Evaluations* const (&c)[3], const Ciphertext& a, const Ciphertext& b) const;
  Status switch_down(Ciphertext& out, const ring::Evaluations* const (&c)[3], rlwe::Level level, const Scale& from,
                     const Noise& noise, const rlwe::EvaluationKeys& keys, Workspace& workspace) const;
  void multiply_wide(Ciphertext& a, Int128 real, Int128 imaginary) const;
  Status begin(ExtendedCiphertext& accumulator, rlwe::Level level, const Scale& scale, const Noise& noise) const;
  Status divide(Ciphertext& out, const ExtendedCiphertext& a, rlwe::Level lower, Workspace& workspace) const;
  void add_moved(ring::Evaluations& out, const ring::Evaluations& c, std::uint32_t g, Workspace& workspace) const;

  std::shared_ptr<const Parameters> parameters_;
  NoiseModel noise_;
  std::unique_ptr<const Tables> tables_;
};

class Evaluator::Hoisted {
 public:
  const Ciphertext& ciphertext() const { return ciphertext_; }
  const rlwe::Decomposition& digits() const { return digits_; }

 private:
  friend class Evaluator;
  Ciphertext ciphertext_;
  rlwe::Decomposition digits_;
};

}  // namespace prism::ckks
