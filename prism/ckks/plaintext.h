// prism/ckks/plaintext.h - an integer polynomial, and the slots it stands for.
#pragma once
#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "prism/ckks/noise.h"
#include "prism/ckks/parameters.h"
#include "prism/secret/secret.h"

namespace prism::ckks {

using Complex = std::complex<double>;

/// N integer coefficients below 2^124 in size: scale times the message. It belongs to no level. May hold secrets, so it
/// is wiped and copied only by clone(). 16*N bytes.
class Plaintext {
 public:
  /// Zero.
  Plaintext(std::shared_ptr<const Parameters> parameters, Scale scale, Noise noise);
  Plaintext(Plaintext&&) noexcept = default;
  Plaintext& operator=(Plaintext&&) noexcept = default;
  Plaintext clone() const;

  const Parameters& parameters() const { return *parameters_; }
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  const Scale& scale() const { return scale_; }
  /// Public: magnitude of the message over all slots, and how far this plaintext may be from it.
  const Noise& noise() const { return noise_; }
  std::span<Int128> coefficients(secret::RevealKey key) { return coefficients_.reveal(key); }
  std::span<const Int128> coefficients(secret::RevealKey key) const { return coefficients_.reveal(key); }

 private:
  std::shared_ptr<const Parameters> parameters_;  // shared with every other value of the parameter set
  Scale scale_;
  Noise noise_;
  secret::SecretVector<Int128> coefficients_;
};

/// Slots to coefficients and back: the canonical embedding. Slot i of N/2 is the value at zeta^(5^i), zeta =
/// exp(i*pi/N), so X -> X^(5^k) moves slots left by k and X -> X^-1 conjugates them. Sums and products of plaintexts
/// are sums and products of slots. Immutable, thread-safe. The loops do not branch on the values; the floating-point
/// instructions under them are what the processor makes of them.
///
/// The transform works in double precision, so two machines may differ in the last bits of its result. What must be
/// equal everywhere (the constants of a program) is a Constant, which is computed on integers; so is encode_constant().
/// Errors: transform_error() bounds what either direction adds in any slot for any values; it is about 2^-39 of the
/// largest magnitude at N = 2^14, typically 2^-48. A scale of 2^100 keeps noise below that, but not the transform.
class Encoder {
 public:
  explicit Encoder(std::shared_ptr<const Parameters> parameters);
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }

  /// At most N/2 values, the rest are zero. `largest_magnitude` is public and is promised for every value; refuses
  /// (invalid_argument; which value is not said) larger ones and what is not finite, and scales at which they reach
  /// 2^119. Without a scale: the canonical one of the level that the plaintext will meet.
  Result<Plaintext> encode(std::span<const Complex> slots, const Scale& scale, double largest_magnitude) const;
  Result<Plaintext> encode(std::span<const double> slots, const Scale& scale, double largest_magnitude) const;
  Result<Plaintext> encode(std::span<const Complex> slots, rlwe::Level level, double largest_magnitude) const;
  Result<Plaintext> encode(std::span<const double> slots, rlwe::Level level, double largest_magnitude) const;
  /// The same value in every slot: coefficients 0 and N/2 are round(real*scale) and round(imaginary*scale), the same
  /// bytes on every machine.
  Result<Plaintext> encode_constant(const Constant& real, const Scale& scale) const;
  Result<Plaintext> encode_constant(const Constant& real, const Constant& imaginary, const Scale& scale) const;

  /// All N/2 slots.
  std::vector<Complex> decode(const Plaintext& plaintext) const;
  /// Their real parts.
  std::vector<double> decode_real(const Plaintext& plaintext) const;
  math::Bound transform_error(math::Bound magnitude) const;

 private:
  class Embedding;
  template <class T>
  Result<Plaintext> encode_any(std::span<const T> slots, const Scale& scale, double largest_magnitude) const;
  Status check_level(rlwe::Level level) const;

  std::shared_ptr<const Parameters> parameters_;
  std::shared_ptr<const Embedding> embedding_;  // shared by copies of the encoder
};

}  // namespace prism::ckks
