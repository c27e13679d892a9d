// prism/exact/parameters.h - a ring, its primes and a plaintext modulus t: what BGV and BFV need, and how to choose it
// from an intent.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "prism/rlwe/parameters.h"

namespace prism::exact {

/// BGV keeps the message in the low digits of the noise polynomial and tracks a correction factor; products are cheap.
/// BFV keeps it in the high digits; products cost base extensions, levels are optional.
enum class Scheme : std::uint8_t { bgv = 0, bfv = 1 };

class Parameters {
 public:
  /// t: a prime = 1 mod 2N (so that N slots exist) below 2^49, different from every prime of `spec`. Refuses
  /// (invalid_argument) anything else with the nearest t that works; and what rlwe::Parameters::make refuses.
  static Result<std::shared_ptr<const Parameters>> make(rlwe::ParameterSpec spec, std::uint64_t t, Scheme scheme);

  const rlwe::Parameters& rlwe() const { return *rlwe_; }
  const std::shared_ptr<const rlwe::Parameters>& rlwe_ptr() const { return rlwe_; }
  Scheme scheme() const { return scheme_; }
  std::uint64_t plain_modulus() const { return plain_.q; }
  const kernels::Modulus& plain() const { return plain_; }
  std::size_t degree() const { return rlwe_->degree(); }
  /// Values per plaintext: N.
  std::size_t slots() const { return degree(); }
  rlwe::Level max_level() const { return rlwe_->max_level(); }
  /// Errors of keys are multiplied by this: t for BGV, 1 for BFV.
  std::uint64_t error_scale() const { return scheme_ == Scheme::bgv ? plain_.q : 1; }
  /// Of the ring, t and the scheme.
  const Digest& digest() const { return digest_; }
  /// BGV's canonical correction factor of a level: 1 at the top, F_{l-1} = F_l^2 * (product of the primes that go)^-1
  /// mod t, so that products of canonical ciphertexts switch down for free. BFV: always 1.
  std::uint64_t correction(rlwe::Level level) const { return corrections_[static_cast<std::size_t>(level.value)]; }
  /// What a decrypted noise polynomial is multiplied by to give the message: BGV f^-1, BFV -Q^-1, modulo t.
  std::uint64_t decoding_factor(rlwe::Level level, std::uint64_t correction) const;

  /// The ciphertext primes at their usual indexes, then t, then (BFV) auxiliary primes for products.
  const ring::Ring& wide_ring() const { return *wide_; }
  std::uint32_t plain_index() const { return plain_index_; }
  /// BFV: auxiliary primes that hold every product of two ciphertexts of this level.
  ring::PrimeSet auxiliary_primes(rlwe::Level level) const;
  /// Position of slot i in a transformed row modulo t.
  const std::vector<std::uint32_t>& slot_index() const { return slot_index_; }

 private:
  Parameters() = default;
  std::shared_ptr<const rlwe::Parameters> rlwe_;
  Scheme scheme_ = Scheme::bgv;
  kernels::Modulus plain_;
  std::shared_ptr<const ring::Ring> wide_;
  std::uint32_t plain_index_ = 0;
  std::vector<std::uint64_t> corrections_;
  std::vector<std::uint64_t> bfv_factors_;  // -Q_l^-1 mod t
  std::vector<std::uint32_t> slot_index_;
  Digest digest_{};
};

/// What the caller wants to compute, instead of primes.
struct Intent {
  int depth = 1;                    ///< products one after another, each of sums of up to four ciphertexts
  std::uint64_t plain_modulus = 0;  ///< t, or 0: the smallest suitable prime above 2*largest_sum
  std::uint64_t largest_sum = 0;    ///< largest |value| that must not wrap; ignored when plain_modulus is given
  std::size_t additions = 1;        ///< ciphertexts added up after the last product
  bool rotations = false;           ///< rotations or automorphisms at any level (products need key switching anyway)
  rlwe::Security security = rlwe::Security::bits128;
  Scheme scheme = Scheme::bgv;
  unsigned min_log_n = 11;  ///< at least 11 (the security table has no smaller ring)
};
/// The smallest N in 2^min_log_n .. 2^16 and the fewest primes with which the noise model (tails, all ancestry shared)
/// accepts every circuit of the intent at the wanted security. Refuses (unsupported) what no N carries, naming the
/// deepest circuit that one does.
Result<std::shared_ptr<const Parameters>> parameters_for(const Intent& intent);

}  // namespace prism::exact
