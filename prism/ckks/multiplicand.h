// prism/ckks/multiplicand.h - a plaintext made ready for products: lifted and transformed once, used often.
#pragma once
#include "prism/ckks/ciphertext.h"
#include "prism/ckks/plaintext.h"
#include "prism/rlwe/key_switch.h"

namespace prism::ckks {

/// A plaintext over the primes of a level, transformed, and over the special primes too when it is to multiply what key
/// switching has not divided yet (Evaluator::multiply_plain_add). Serves that level and all lower ones. Public values:
/// it is not wiped. 8*N bytes a prime. Made by Evaluator::prepare.
class Multiplicand {
 public:
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  rlwe::Level level() const { return level_; }
  const Scale& scale() const { return scale_; }
  const Noise& noise() const { return noise_; }
  bool with_special() const { return with_special_; }
  /// Rows of the level's primes, then those of the special primes if there are any.
  const ring::Evaluations& values() const { return values_; }
  std::size_t memory_bytes() const { return values_.memory_bytes(); }

 private:
  friend class Evaluator;
  std::shared_ptr<const Parameters> parameters_;  // shared with every other value of the parameter set
  rlwe::Level level_{0};
  bool with_special_ = false;
  Scale scale_;
  Noise noise_;
  ring::Evaluations values_;
};

/// A ciphertext times P, over Q*P: what key switching gives before it divides by P. Sums of rotations times plaintexts
/// are added up here and divided once (double hoisting: Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2020/1203, section
/// 4.2). `noise` is of the message and already counts every switch, each with the rounding of a division of its own;
/// the one division at the end is counted by Evaluator::finish.
struct ExtendedCiphertext {
  std::shared_ptr<const Parameters> parameters;  // shared with every other value of the parameter set
  rlwe::Extended sum;                            ///< empty: stands for no terms yet
  Scale scale;
  Noise noise;
  /// Starts again without giving the memory back.
  void clear() { sum.clear(); }
};

}  // namespace prism::ckks
