// prism/rlwe/parameters.h - what ring, which primes, and how secure: immutable, checked when made, shared by
// everything.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/base/strong.h"
#include "prism/ring/ring.h"

namespace prism::rlwe {

/// Classical security in bits. `none_for_tests` cannot be written to or read from a file.
enum class Security { bits128 = 128, bits192 = 192, bits256 = 256, none_for_tests = 0 };

/// The largest log2 of a key's modulus for a uniform ternary secret: Security Guidelines for Implementing Homomorphic
/// Encryption (Bossuat et al., ePrint 2024/463), Table 5.2. Zero where the table has no row (log_n < 11 or > 17).
unsigned max_log2_modulus(unsigned log_n, Security security);

/// Refuses (insecure) a modulus below 2^bits for `what` when the table has less, naming the nearest secure
/// alternatives.
Status check_modulus_bits(unsigned log_n, Security security, unsigned bits, std::string_view what);

/// Levels count up: level 0 is the smallest modulus, max_level() the fresh one.
using Level = Strong<int, struct LevelTag>;

struct ParameterSpec {
  unsigned log_n = 0;
  std::vector<std::uint64_t> primes;          ///< ciphertext primes; primes[0] is the last to go
  std::vector<std::uint64_t> special_primes;  ///< the P of hybrid key switching; empty: no key switching
  /// How many of `primes` each level has, strictly increasing, last = primes.size(). Empty: level i has i+1 primes.
  std::vector<std::uint32_t> level_sizes;
  /// Primes per key-switching digit, >= 1.
  std::uint32_t digit_size = 1;
  Security security = Security::bits128;
};

class Parameters {
 public:
  /// Refuses (insecure) a modulus over the table with the smallest N that would take it and the bits that are too many,
  /// and (invalid_argument) primes that are not distinct primes = 1 mod 2N below 2^50, more than 64 of them, N below 8,
  /// and levels that do not increase. The full key modulus Q*P is what is checked here; each key is checked again at
  /// its own.
  static Result<std::shared_ptr<const Parameters>> make(const ParameterSpec& spec);

  const ring::Ring& ring() const { return *ring_; }
  std::size_t degree() const { return ring_->degree(); }
  const ParameterSpec& spec() const { return spec_; }
  Security security() const { return spec_.security; }
  Level max_level() const { return Level{static_cast<int>(spec_.level_sizes.size()) - 1}; }
  /// The ciphertext primes of a level: indexes 0 .. size-1 of the ring. Special primes follow all ciphertext primes.
  ring::PrimeSet primes(Level level) const;
  ring::PrimeSet special_primes() const;
  /// Smallest level whose primes are `set`; mismatch when there is none.
  Result<Level> level_of(const ring::PrimeSet& set) const;
  double log2_q(Level level) const { return ring_->log2_product(primes(level)); }
  /// log2 of Q*P at a level: what the security table is asked.
  double log2_key_modulus(Level level) const;
  /// SHA-256 of the canonical encoding: two machines that agree on it agree on everything above.
  const Digest& digest() const { return digest_; }

 private:
  Parameters() = default;
  ParameterSpec spec_;
  std::shared_ptr<const ring::Ring> ring_;
  Digest digest_{};
};

/// Refuses (insecure) a key over `set` whose modulus is above the table for these parameters' N and security.
Status check_key_modulus(const Parameters& parameters, const ring::PrimeSet& set);

/// Canonical, versioned bytes, and back (bounded: at most 64 primes, log_n <= 17; everything in make() checked again;
/// parameters that are for tests only are refused).
Bytes encode(const ParameterSpec& spec);
Result<ParameterSpec> decode_parameter_spec(ByteView bytes);

/// The `count` largest primes of exactly `bits` bits (19 .. 50) that are 1 mod 2^18, descending, skipping `avoid`: they
/// serve every N up to 2^17. invalid_argument when there are fewer.
Result<std::vector<std::uint64_t>> choose_primes(unsigned bits, std::size_t count,
                                                 const std::vector<std::uint64_t>& avoid = {});

}  // namespace prism::rlwe
