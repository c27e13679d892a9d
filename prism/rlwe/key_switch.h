// prism/rlwe/key_switch.h - hybrid key switching (Han-Ki 2019/688): decompose by digits of primes, raise to Q*P,
// multiply with the key, divide by P. The division is a step of its own, so that sums of switched polynomials
// (Halevi-Shoup 2018/244 section 4; Bossuat et al. 2020/1203 section 4.2) and a modulus switch share one.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "prism/ring/conversion.h"
#include "prism/rlwe/keys.h"

namespace prism::rlwe {

/// The digits of a polynomial raised to Q*P: what all rotations of one ciphertext share (hoisting).
struct Decomposition {
  Level level{0};
  std::vector<ring::Evaluations> digits;  ///< each over primes(level) ∪ special
};

/// P times a pair (c0, c1), modulo Q*P: what key switching gives before it divides by P, over primes(level) ∪ special.
/// Sums of these are divided once.
struct Extended {
  Level level{0};
  ring::Evaluations u0, u1;
  bool empty = true;
  /// Stands for zero at any level from here on; keeps the memory.
  void clear() { empty = true; }
};

/// An Extended whose memory goes back to its Workspace at the end of the scope.
class BorrowedExtended {
 public:
  BorrowedExtended(ring::Workspace& workspace, const Parameters& parameters, Level level);
  ~BorrowedExtended();
  BorrowedExtended(const BorrowedExtended&) = delete;
  BorrowedExtended& operator=(const BorrowedExtended&) = delete;
  Extended& operator*() { return value_; }
  Extended* operator->() { return &value_; }

 private:
  ring::Workspace* workspace_;
  Extended value_;
};

/// Owns the tables of one parameter set and plaintext modulus (t: BGV, the division by P keeps the message; 1: BFV,
/// CKKS). Immutable, thread-safe. With L primes at the level, k special ones and n digits, decompose costs L + n*(L+k)
/// - L transforms and n base conversions, accumulate 2n multiplications per prime, divide 2(L+k) transforms.
/// Operations that take a Workspace allocate nothing once it and `out` have grown.
class KeySwitcher {
 public:
  /// t is coprime to P and below 2^50 (checked). Parameters without special primes are fine until something is
  /// switched.
  KeySwitcher(std::shared_ptr<const Parameters> parameters, std::uint64_t t);
  ~KeySwitcher();
  KeySwitcher(KeySwitcher&&) noexcept;
  KeySwitcher& operator=(KeySwitcher&&) noexcept;

  // -- in steps

  /// d must be over the primes of a level, and there must be special primes (broken invariants otherwise).
  void decompose(Decomposition& out, const ring::Evaluations& d, ring::Workspace& workspace) const;
  /// sum += digits(X^g) * key; g = 1 leaves the digits as they are. The digits are those of d, the key switches from
  /// s': with (c0, c1) = sum/P, c0 + c1*s grows by d(X^g)*s' + t*e. Errors (mismatch): a key that does not reach the
  /// level, whose error scale is not t, or of another ring; a sum of another level.
  Status accumulate(Extended& sum, const Decomposition& d, std::uint32_t g, const SwitchKey& key,
                    ring::Workspace& workspace) const;
  /// accumulate(sum, decompose(d), g, key) without holding the digits: what a single switch costs least with. Cheapest
  /// for the key's own g: nothing but the two sums is moved.
  Status accumulate(Extended& sum, const ring::Evaluations& d, std::uint32_t g, const SwitchKey& key,
                    ring::Workspace& workspace) const;
  Status accumulate(Extended& sum, const ring::Evaluations& d, const SwitchKey& key, ring::Workspace& workspace) const;
  /// Part `part` (0 or 1) of sum += P * c(X^g), c over the sum's level (or any level, which an empty sum takes).
  void add_lifted(Extended& sum, int part, const ring::Evaluations& c, std::uint32_t g,
                  ring::Workspace& workspace) const;
  /// (out0, out1) = sum divided by P and by the primes between its level and `lower` <= sum.level, with one rounding
  /// (t: each rounding term is a multiple of t, and the message is divided by those primes modulo t). The sum must not
  /// be empty, and the outputs not part of it. Costs 2(k + dropped + kept) transforms.
  void divide(ring::Evaluations& out0, ring::Evaluations& out1, const Extended& sum, Level lower,
              ring::Workspace& workspace) const;

  // -- at once

  Decomposition decompose(const ring::Evaluations& d) const;
  /// (u0, u1) over d's primes with u0 + u1*s = d*s' + t*e: see switch_noise(). Errors as for accumulate.
  Result<std::pair<ring::Evaluations, ring::Evaluations>> apply(const Decomposition& d, const SwitchKey& key) const;
  /// The same for digits first moved by X -> X^g (hoisted rotation): what apply gives for the decomposition of
  /// automorphism(d, g). Bit for bit with one prime per digit; with more, except when a coefficient is within 2^-43 of
  /// half a digit, where the two may round apart and both are within the bound.
  Result<std::pair<ring::Evaluations, ring::Evaluations>> apply_permuted(const Decomposition& d, std::uint32_t g,
                                                                         const SwitchKey& key) const;
  Result<std::pair<ring::Evaluations, ring::Evaluations>> switch_key(const ring::Evaluations& d,
                                                                     const SwitchKey& key) const;
  Status switch_key(ring::Evaluations& out0, ring::Evaluations& out1, const ring::Evaluations& d, const SwitchKey& key,
                    ring::Workspace& workspace) const;
  /// For d(X^g) instead of d: what a rotation does to its second part, cheapest for the key's own g.
  Status switch_key(ring::Evaluations& out0, ring::Evaluations& out1, const ring::Evaluations& d, std::uint32_t g,
                    const SwitchKey& key, ring::Workspace& workspace) const;

 private:
  struct Tables;
  class Raiser;
  class Product;
  const Tables& tables(Level level) const;
  const ring::Divider& divider(Level from, Level lower) const;
  Status check_key(Level level, const SwitchKey& key) const;
  Level level_of(const ring::Evaluations& d) const;
  /// Whether what is added comes first: then it is written, not added. Fails for a sum of another level.
  Result<bool> begin(Extended& sum, Level level) const;
  std::uint32_t before(std::uint32_t g, const SwitchKey& key) const;

  struct Dividers;
  std::shared_ptr<const Parameters> parameters_;
  std::uint64_t t_;
  std::vector<std::unique_ptr<const Tables>> levels_;  ///< empty without special primes
  std::unique_ptr<Dividers> dividers_;                 ///< made when first used, under a lock
};

/// What a key switch at `level` adds to the noise, in units of error_scale.
struct SwitchNoise {
  math::Bound infinity, euclidean, canonical;
};
/// Fails with probability <= 2^-158 over the key's errors and the rounding; assumes that the digits and the rounding do
/// not depend on the errors, which is what RLWE says of anyone without the secret key. Derived in switch_noise.cpp.
SwitchNoise switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret);
/// Assumes nothing about errors, digits or rounding but their largest values; of the secret only its norms.
SwitchNoise strict_switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret);
/// What `switches` accumulated switches at `level` and one division to `lower` add at `lower`: the keys' errors add up
/// and are divided by the dropped primes too, the rounding comes once. Lifted polynomials add nothing. The noise that
/// was there is divided by the dropped primes besides. Fails with probability <= (switches + 1) * 2^-158.
SwitchNoise sum_noise(const Parameters& parameters, Level level, Level lower, std::size_t switches,
                      const SecretNorms& secret);
SwitchNoise strict_sum_noise(const Parameters& parameters, Level level, Level lower, std::size_t switches,
                             const SecretNorms& secret);

}  // namespace prism::rlwe
