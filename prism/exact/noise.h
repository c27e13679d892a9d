// prism/exact/noise.h - how large a ciphertext's noise can be: public, computed from the circuit alone.
//
// The noise polynomial v of a BGV ciphertext is what decrypts: c0 + c1 s (+ c2 s^2) = v mod Q, v = f*m mod t over the
// integers. Four norms of v are carried, each an upper bound that fails with probability below 2^-128 per ciphertext
// (every elementary event below is bounded at 2^-160, so a circuit may contain 2^32 of them), and v is thought of as w
// + r:
//   r  what the newest randomness contributed (fresh errors, rounding of a modulus switch): conditional on everything
//   older, its coefficients are
//      sub-Gaussian, and (r*y) for any y that is independent of r has sub-Gaussian coefficients of scale spread *
//      ||y||_2
//   w  all the rest, bounded without any assumption
// Products use a tail bound only where the two operands share no randomness (Ancestry); otherwise they are treated as
// fully correlated:
//   disjoint: |(x*y)_k| <= kappa*spread_x*E(y) + kappa*spread_y*E(w_x) + E(w_x)*E(w_y)          (E: Euclidean norm)
//   shared:   |(x*y)_k| <= E(x)*E(y)                                                            (Cauchy-Schwarz)
// and E(x*y) <= min(I(x)E(y), E(x)I(y), sqrt(N) B(x*y)), I(x*y) <= I(x) I(y)  (I: largest value at a complex root).
// Additions are linear always. Messages and plaintext constants are adversarial: only |m_k| <= t/2 is used. What is
// assumed: ciphertexts look uniform to whoever chose the circuit (that is RLWE), so the roundings of a modulus switch
// are uniform. docs/noise.md derives every formula. Strict mode assumes nothing: absolute bounds everywhere.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "prism/math/bound.h"
#include "prism/rlwe/key_switch.h"

namespace prism::exact {

/// Which elementary random events a ciphertext depends on: sorted 64-bit names, or `everything` when there are too many
/// to list.
class Ancestry {
 public:
  static Ancestry everything();
  static Ancestry event(std::uint64_t name);
  Ancestry() = default;  ///< nothing random: a constant
  Ancestry united(const Ancestry& other) const;
  bool disjoint(const Ancestry& other) const;
  bool is_everything() const { return everything_; }
  std::span<const std::uint64_t> events() const { return {events_.data(), count_}; }
  static constexpr std::size_t kMostEvents = 64;

 private:
  // Half a kilobyte beside a ciphertext's many: in return, tracking noise allocates nothing.
  std::array<std::uint64_t, kMostEvents> events_{};  // sorted; zero beyond count_
  std::size_t count_ = 0;
  bool everything_ = false;
};

struct Noise {
  math::Bound coefficient;     ///< B: every |v_k|
  math::Bound euclidean;       ///< E: ||v||_2
  math::Bound canonical;       ///< I: |v(zeta)| over the primitive 2N-th roots of unity
  math::Bound spread;          ///< of r
  math::Bound rest_euclidean;  ///< E(w)
  Ancestry ancestry;
};

/// What each operation does to Noise. Pure; used by the evaluators on real ciphertexts and by `program` on circuits
/// without any.
class NoiseModel {
 public:
  enum class Mode { tails, strict };
  /// Both schemes: the noise of a BFV ciphertext is measured on t*c(s), where it obeys BGV's formulas except for
  /// products.
  NoiseModel(const rlwe::Parameters& parameters, std::uint64_t t, rlwe::SecretNorms secret, Mode mode);

  Noise fresh_symmetric(const Ancestry& id) const;
  Noise fresh_public(const Ancestry& id) const;
  Noise add(const Noise& a, const Noise& b) const;
  /// The sum of `count` ciphertexts of this bound that may share ancestry.
  Noise times(const Noise& a, std::uint64_t count) const;
  Noise multiply(const Noise& a, const Noise& b) const;
  /// BFV's product at a level: divides by Q and rounds, three parts.
  Noise multiply_bfv(const Noise& a, const Noise& b, rlwe::Level level) const;
  Noise multiply_scalar(const Noise& a, std::uint64_t magnitude) const;
  Noise add_plain(const Noise& a) const;
  /// The same value, |value| <= magnitude as a centred residue, added to every slot.
  Noise add_scalar(const Noise& a, std::uint64_t magnitude) const;
  Noise multiply_plain(const Noise& a) const;
  /// Divides by the primes between the levels. `parts`: ciphertext parts, 2 or 3. `id` names the new rounding.
  Noise switch_modulus(const Noise& a, rlwe::Level from, rlwe::Level to, int parts, const Ancestry& id) const;
  Noise key_switch(const Noise& a, rlwe::Level level) const;
  /// What one rounding of two parts adds: the division by P of a sum of products (Evaluator::finish).
  Noise round(const Noise& a) const;
  Noise automorphism(const Noise& a) const;  ///< norms are unchanged; the spread becomes rest
  /// Packing `count` ciphertexts none of which is noisier than `a`: kept coefficients keep their noise, N - 1 key
  /// switches add theirs.
  Noise pack(const Noise& a, std::size_t count, rlwe::Level level) const;
  /// B < Q/2 at the level: what decryption asks.
  bool decrypts(const Noise& a, rlwe::Level level) const;
  /// log2(Q/2) - log2 B: bits left.
  double budget_bits(const Noise& a, rlwe::Level level) const;

  Mode mode() const { return mode_; }

 private:
  struct Size {
    math::Bound coefficient, euclidean, canonical, spread;
  };
  Size message() const;
  Size errors() const;
  Size rounding(int parts) const;
  Size absolute(math::Bound coefficient) const;

  math::Bound n_, t_, root_n_, kappa_, kappa_direction_, tail_;
  rlwe::SecretNorms secret_, ternary_;
  Mode mode_;
  double message_canonical_;    // largest |m(zeta)| for |m_k| <= 1
  std::vector<double> log2_q_;  // per level
  std::vector<Size> switch_;    // per level, times t; empty without special primes
};

}  // namespace prism::exact
