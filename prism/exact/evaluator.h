// prism/exact/evaluator.h - arithmetic on ciphertexts of BGV and BFV. Immutable, thread-safe, no randomness: equal
// inputs give equal bytes.
//
// Operands must share parameters, level and (for sums) correction: otherwise Error mismatch with the way out. Every
// result carries the noise bound that docs/noise.md derives; results may be past what decrypts, which decryption then
// refuses. Costs are in transforms of one row; L is the number of primes of the level, K of auxiliary ones.
//
// Hot operations come twice: `op(a, ..)` returns a new ciphertext; `op(out, a, .., workspace)` writes one that is kept,
// and allocates nothing once `out` and the workspace have grown. `out` is none of the operands (invalid_argument)
// unless said otherwise; after an error its contents are unspecified.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "prism/exact/ciphertext.h"
#include "prism/exact/multiplicand.h"
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

  // -- linear: no transforms (plaintexts: L). `out` may be an operand.
  Result<Ciphertext> add(const Ciphertext& a, const Ciphertext& b) const;
  Result<Ciphertext> subtract(const Ciphertext& a, const Ciphertext& b) const;
  Ciphertext negate(const Ciphertext& a) const;
  Result<Ciphertext> add_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> subtract_plain(const Ciphertext& a, const Plaintext& p) const;
  Result<Ciphertext> multiply_plain(const Ciphertext& a, const Plaintext& p) const;
  /// The scalar stands in every slot; it is taken modulo t and centred. Noise grows by its size.
  Result<Ciphertext> add_scalar(const Ciphertext& a, std::int64_t scalar) const;
  Result<Ciphertext> subtract_scalar(const Ciphertext& a, std::int64_t scalar) const;
  Result<Ciphertext> multiply_scalar(const Ciphertext& a, std::int64_t scalar) const;
  Status add(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const;
  Status subtract(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const;
  Status add_into(Ciphertext& a, const Ciphertext& b) const;
  Status subtract_into(Ciphertext& a, const Ciphertext& b) const;
  void negate_into(Ciphertext& a) const;
  Status add_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status subtract_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status multiply_plain_into(Ciphertext& a, const Plaintext& p) const;
  Status add_plain_into(Ciphertext& a, const Plaintext& p, ring::Workspace& workspace) const;
  Status subtract_plain_into(Ciphertext& a, const Plaintext& p, ring::Workspace& workspace) const;
  Status multiply_plain_into(Ciphertext& a, const Plaintext& p, ring::Workspace& workspace) const;
  Status add_scalar_into(Ciphertext& a, std::int64_t scalar) const;
  Status multiply_scalar_into(Ciphertext& a, std::int64_t scalar) const;

  // -- products with plaintexts that are used often
  /// L transforms once (L + k `with_special`, for extended products); products are pointwise from then on, at `level`
  /// and at every lower one.
  Result<Multiplicand> prepare(const Plaintext& p, rlwe::Level level, bool with_special = false) const;
  Status prepare(Multiplicand& out, const Plaintext& p, rlwe::Level level, bool with_special,
                 ring::Workspace& workspace) const;
  /// Errors (mismatch): a multiplicand of other parameters, or of a lower level than the ciphertext's.
  Result<Ciphertext> multiply_plain(const Ciphertext& a, const Multiplicand& p) const;
  Status multiply_plain(Ciphertext& out, const Ciphertext& a, const Multiplicand& p) const;
  Status multiply_plain_into(Ciphertext& a, const Multiplicand& p) const;

  // -- weighted sums in one pass: every residue of an input is read once and reduced once
  /// sum_i weights[i] * inputs[i]; weights are taken modulo t and centred. At least one input, as many weights; all of
  /// one level and correction. `out` is none of the inputs.
  Result<Ciphertext> linear_combination(std::span<const Ciphertext* const> inputs,
                                        std::span<const std::int64_t> weights) const;
  Status linear_combination(Ciphertext& out, std::span<const Ciphertext* const> inputs,
                            std::span<const std::int64_t> weights, ring::Workspace& workspace) const;
  /// sum_i weights[i] * inputs[i], slot by slot.
  Result<Ciphertext> linear_combination(std::span<const Ciphertext* const> inputs,
                                        std::span<const Multiplicand* const> weights) const;
  Status linear_combination(Ciphertext& out, std::span<const Ciphertext* const> inputs,
                            std::span<const Multiplicand* const> weights, ring::Workspace& workspace) const;

  // -- products: two parts each in, three parts out. BGV: no transforms, the correction multiplies. BFV: 10L + 7K (a
  // square: 8L + 5K), see internal/scaled_product.h.
  Result<Ciphertext> multiply(const Ciphertext& a, const Ciphertext& b) const;
  Status multiply(Ciphertext& out, const Ciphertext& a, const Ciphertext& b, ring::Workspace& workspace) const;
  Result<Ciphertext> square(const Ciphertext& a) const;
  Status square(Ciphertext& out, const Ciphertext& a, ring::Workspace& workspace) const;
  /// accumulator += a*b; the accumulator has three parts (or none: then it becomes a*b). Relinearise once, later.
  Status tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const;
  Status tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b,
                    ring::Workspace& workspace) const;
  /// Three parts to two; needs the relinearisation key of the level. Two parts pass through.
  Result<Ciphertext> relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  Status relinearise(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                     ring::Workspace& workspace) const;
  /// multiply and relinearise.
  Result<Ciphertext> multiply_relinearise(const Ciphertext& a, const Ciphertext& b,
                                          const rlwe::EvaluationKeys& keys) const;
  Status multiply_relinearise(Ciphertext& out, const Ciphertext& a, const Ciphertext& b,
                              const rlwe::EvaluationKeys& keys, ring::Workspace& workspace) const;
  /// multiply, relinearise and drop_to(level), with one division (by P and the primes that go) and one rounding instead
  /// of two. `level` is below the operands' (invalid_argument otherwise). Cheaper than multiply_relinearise alone.
  Result<Ciphertext> multiply_relinearise_drop(const Ciphertext& a, const Ciphertext& b, rlwe::Level level,
                                               const rlwe::EvaluationKeys& keys) const;
  Status multiply_relinearise_drop(Ciphertext& out, const Ciphertext& a, const Ciphertext& b, rlwe::Level level,
                                   const rlwe::EvaluationKeys& keys, ring::Workspace& workspace) const;
  /// The same of three parts, a sum of products.
  Result<Ciphertext> relinearise_drop(const Ciphertext& a, rlwe::Level level, const rlwe::EvaluationKeys& keys) const;
  Status relinearise_drop(Ciphertext& out, const Ciphertext& a, rlwe::Level level, const rlwe::EvaluationKeys& keys,
                          ring::Workspace& workspace) const;
  /// a^exponent in ceil(log2 exponent) products one after another, fewer than 2 log2(exponent) in all. BGV: every
  /// product goes one level down (level_exhausted when there are too few); BFV: the level stays. exponent >= 1.
  Result<Ciphertext> power(const Ciphertext& a, std::uint64_t exponent, const rlwe::EvaluationKeys& keys) const;

  /// To a lower level (invalid_argument for a higher one). BGV: the modulus switch; the result has the canonical
  /// correction of the target: the input is first multiplied by the scalar that makes it so, which is 1 for a product
  /// of canonical ciphertexts that goes down one level. BFV: rounds. 2L transforms.
  Result<Ciphertext> drop_to(const Ciphertext& a, rlwe::Level level) const;
  Status drop_to(Ciphertext& out, const Ciphertext& a, rlwe::Level level, ring::Workspace& workspace) const;
  /// The scalar drop_to multiplies by, centred modulo t. Always 1 for BFV.
  std::int64_t drop_scalar(rlwe::Level from, std::uint64_t correction, rlwe::Level to) const;

  // -- automorphisms: one key switch each
  /// Each row of N/2 slots moves left by `steps` (negative: right).
  Result<Ciphertext> rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Status rotate(Ciphertext& out, const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                ring::Workspace& workspace) const;
  Result<Ciphertext> swap_rows(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// For a rotation that has no key: made of those that have one (rlwe::plan_rotation), with the fewest switches, each
  /// of which costs and adds noise like a rotation of its own. not_found when it takes more than `most`.
  Result<Ciphertext> rotate_composed(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                                     std::size_t most) const;
  Result<Ciphertext> automorphism(const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  Status automorphism(Ciphertext& out, const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                      ring::Workspace& workspace) const;
  /// What all rotations of one ciphertext share; rotations after it are cheaper.
  class Hoisted;
  Result<Hoisted> hoist(const Ciphertext& a) const;
  Status hoist(Hoisted& out, const Ciphertext& a, ring::Workspace& workspace) const;
  Result<Ciphertext> rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const;
  Status rotate(Ciphertext& out, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                ring::Workspace& workspace) const;
  Result<Ciphertext> automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const;
  Status automorphism(Ciphertext& out, const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                      ring::Workspace& workspace) const;
  /// Every slot holds the sum of all slots: log2(N) key switches.
  Result<Ciphertext> sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const;
  /// The Galois elements sum_slots and pack ask keys for.
  std::vector<std::uint32_t> sum_slots_elements() const;
  std::vector<std::uint32_t> pack_elements() const;

  // -- double hoisting: rotations that are weighted and added up before one division by P (Bossuat et al. 2020/1203)
  /// out = P * rotation of a.
  Status rotate_extended(ExtendedCiphertext& out, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                         ring::Workspace& workspace) const;
  /// sum += a * p, for a multiplicand prepared with_special. An empty sum becomes a * p.
  Status multiply_plain_add(ExtendedCiphertext& sum, const ExtendedCiphertext& a, const Multiplicand& p) const;
  /// Divides by P and rounds, once. 2(L + k) transforms.
  Status finish(Ciphertext& out, const ExtendedCiphertext& a, ring::Workspace& workspace) const;

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
  Status switch_and_drop(Ciphertext& out, std::array<const ring::Evaluations*, 3> parts, rlwe::Level from,
                         rlwe::Level to, const rlwe::SwitchKey& key, ring::Workspace& workspace) const;
  Status same_parameters(const Ciphertext& a) const;
  Status comparable(const Ciphertext& a, const Ciphertext& b, bool sums) const;
  Status parts_are(const Ciphertext& a, std::size_t low, std::size_t high) const;
  Status same_plaintext(const Plaintext& p) const;
  Status usable(const Multiplicand& p, rlwe::Level level) const;
  Status can_switch(const rlwe::EvaluationKeys& keys) const;
  /// `parts` parts over the primes of the level, contents unspecified.
  void shape(Ciphertext& out, std::size_t parts, rlwe::Level level) const;
  /// out = the polynomial factor*p mod t, centred, over `primes`.
  void lift(ring::Evaluations& out, const Plaintext& p, const ring::PrimeSet& primes, std::uint64_t factor,
            ring::Workspace& workspace) const;
  /// What is added to the first part of a ciphertext like `a` to add p.
  void plain_term(ring::Evaluations& out, const Plaintext& p, const Ciphertext& a, ring::Workspace& workspace) const;
  Status sum(Ciphertext& out, const Ciphertext& a, const Ciphertext& b, bool subtract) const;
  Status check_combination(std::span<const Ciphertext* const> inputs, std::size_t weights, const Ciphertext& out) const;
  Status check_product(const Ciphertext& a, const Ciphertext& b) const;
  /// parts[0..2] = a*b, over the level's primes.
  void tensor(const std::array<ring::Evaluations*, 3>& parts, const Ciphertext& a, const Ciphertext& b,
              ring::Workspace& workspace) const;
  Noise product_noise(const Ciphertext& a, const Ciphertext& b) const;
  std::uint64_t product_correction(const Ciphertext& a, const Ciphertext& b) const;

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
