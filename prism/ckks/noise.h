// prism/ckks/noise.h - how far a slot can be from what was meant: public, computed from the circuit alone.
//
// A ciphertext of scale S decrypts to the polynomial v = c0 + c1 s (+ c2 s^2) mod Q. In a slot with complex root zeta,
// v(zeta) = S*(m + e). Two bounds over all slots are carried, in units of the message:
//   magnitude  |m|, from what was declared when it was encoded
//   error      |e|, which fails with probability below 2^-128 per ciphertext: every elementary event below is bounded
//              at 2^-160, so a circuit may contain 2^32 of them
// Slots add and multiply apart from each other, so |e1 + e2| <= |e1| + |e2| and |e of a product| <= |m1||e2| + |m2||e1|
// + |e1||e2| hold whatever the operands have in common: a circuit that squares, or was chosen with knowledge of the
// messages, gains nothing. What an operation adds:
//   fresh       Gaussian errors: sigma sqrt(N/2) kappa in each direction of the plane
//   encoding    rounding to integers: messages are adversarial, so N/pi in units of 1/S, never a tail bound;
//               and the floating-point transform (Encoder)
//   rescale     rounding, uniform to whoever chose the circuit without the secret key (that is RLWE):
//               (1 + |s(zeta)|) sqrt(N/24) kappa
//   key switch  rlwe::switch_noise, canonical
// docs/noise.md derives them. Strict mode assumes nothing but the largest values.
#pragma once
#include <vector>

#include "prism/ckks/scale.h"
#include "prism/rlwe/key_switch.h"

namespace prism::ckks {

/// Bounds over all slots, in units of the message.
struct Noise {
  math::Bound magnitude, error;
};

/// What each operation does to Noise. Pure; used by the evaluators on real ciphertexts and for choosing parameters
/// without any.
class NoiseModel {
 public:
  enum class Mode { tails, strict };
  NoiseModel(const rlwe::Parameters& parameters, rlwe::SecretNorms secret, Mode mode);

  /// `message`: magnitude, and the error of encoding.
  Noise fresh_symmetric(const Noise& message, const Scale& scale) const;
  Noise fresh_public(const Noise& message, const Scale& scale) const;
  static Noise add(const Noise& a, const Noise& b);
  static Noise multiply(const Noise& a, const Noise& b);
  /// The sum of `count` ciphertexts of this bound.
  static Noise times(const Noise& a, math::Bound count);
  /// Division by dropped primes; `scale` is the scale afterwards. `parts`: 2 or 3.
  Noise rescale(const Noise& a, const Scale& scale, int parts) const;
  Noise key_switch(const Noise& a, const Scale& scale, rlwe::Level level) const;
  /// Reads the message as f times itself, |f - 1| <= relative.
  static Noise stretch(const Noise& a, math::Bound relative);
  /// Every |v_k| <= scale*(magnitude + error): what must be below Q/2.
  static math::Bound phase(const Noise& a, const Scale& scale);
  Mode mode() const { return mode_; }

  /// |x(zeta)| for any real coefficients |x_k| <= 1: 1/sin(pi/(2N)), about 2N/pi.
  static math::Bound root_sum(std::size_t degree);
  /// What the encoder's floating-point transform adds in any slot, in either direction, for values up to `magnitude`.
  static math::Bound transform_error(std::size_t degree, math::Bound magnitude);
  /// The same and rounding to integers at a scale: the error of a plaintext.
  static math::Bound encoding(std::size_t degree, math::Bound magnitude, const Scale& scale);

 private:
  math::Bound errors_, public_errors_, rounding_[2];
  std::vector<math::Bound> switch_;  // per level; empty without special primes
  Mode mode_;
};

}  // namespace prism::ckks
