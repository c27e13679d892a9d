// prism/ckks/release.h - results that others may see: flooded with noise that hides the error of CKKS, and counted.
//
// Why. A decrypted value is message plus error, and the error depends on the secret key: whoever knows ciphertexts,
// messages and exact decryptions solves a linear equation for the key (Li-Micciancio 2020/1533; the test of this room
// does). Releasing adds a discrete Gaussian so wide that what is shown could have been made without the key.
//
// What holds (docs/release.md has the proof; after Li-Micciancio-Schultz-Sorrell 2022/816, section 4). Let a ledger
// declare tau queries and s statistical bits. Each release adds to every number it shows a discrete Gaussian of
//     sigma >= sqrt(12 tau) * 2^(s/2) * t,   t >= the Euclidean distance of the numbers from those without error,
// t from the public worst-case bound of the ciphertext (never from its real error). Then the Kullback-Leibler
// divergence of everything shown from what a simulator without the key shows is at most 2^-s/24, whatever messages and
// circuits were chosen, adaptively: nobody distinguishes them with advantage above 2^(-s/2)/sqrt(48), which is s bits
// in the measure of Micciancio-Walter (2018/077) and sigma is the formula that OpenFHE's flooding uses, with a measured
// noise in place of the bound.
//
// What it asks of the caller: the ciphertext comes from a circuit that was evaluated honestly and `noise` in it was
// computed by somebody trusted (bounds in a file are the sender's claim: overwrite them, or refuse); one ledger per
// key, durable before anything is shown; nothing of decrypt_private's results is shown besides.
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "prism/ckks/decryptor.h"

namespace prism::ckks {

/// Declared once per key, before the first release.
struct ReleaseBudget {
  std::uint64_t queries = 1;       ///< releases in the life of the key; 1 .. 2^32
  unsigned statistical_bits = 40;  ///< 30 .. 128; each costs half a bit of precision
  bool operator==(const ReleaseBudget&) const = default;
};

/// Names a secret key in ledgers: SHA-256 over its parameters and coefficients. Public: it says nothing about a key
/// that is not guessed whole.
Digest release_identity(const rlwe::SecretKey& key);

/// The right to one release, charged to a ledger. Spent by a release that succeeds.
class ReleaseTicket {
 public:
  ReleaseTicket(ReleaseTicket&& other) noexcept
      : key_(other.key_), budget_(other.budget_), valid_(std::exchange(other.valid_, false)) {}
  ReleaseTicket& operator=(ReleaseTicket&& other) noexcept {
    key_ = other.key_;
    budget_ = other.budget_;
    valid_ = std::exchange(other.valid_, false);
    return *this;
  }
  const Digest& key() const { return key_; }
  const ReleaseBudget& budget() const { return budget_; }
  bool valid() const { return valid_; }

 private:
  friend class ReleaseLedger;
  friend class Releaser;
  ReleaseTicket(const Digest& key, ReleaseBudget budget) : key_(key), budget_(budget) {}
  Digest key_;
  ReleaseBudget budget_;
  bool valid_ = true;
};

/// How many releases of a key are left. A state machine: where it is kept is the caller's. The order that survives a
/// crash is charge(), encode() to durable storage, release, show. Copying a ledger, or going back to an older file,
/// gives releases away that were not declared.
class ReleaseLedger {
 public:
  /// invalid_argument for a budget out of range.
  static Result<ReleaseLedger> open(const Digest& key, const ReleaseBudget& budget);
  /// One query. refused when all declared ones are used up: the key must then never be used for a release again.
  Result<ReleaseTicket> charge();

  const Digest& key() const { return key_; }
  const ReleaseBudget& budget() const { return budget_; }
  std::uint64_t spent() const { return spent_; }
  std::uint64_t left() const { return budget_.queries - spent_; }

  /// 58 bytes: version, key, queries, statistical bits, spent.
  Bytes encode() const;
  /// malformed for anything that encode() did not write.
  static Result<ReleaseLedger> parse(ByteView bytes);
  bool operator==(const ReleaseLedger&) const = default;

 private:
  ReleaseLedger(const Digest& key, const ReleaseBudget& budget) : key_(key), budget_(budget) {}
  Digest key_;
  ReleaseBudget budget_;
  std::uint64_t spent_ = 0;
};

/// What to show.
struct ReleaseRequest {
  /// Which slots, in the order wanted; empty: all N/2. Every slot shown costs precision: sigma grows with the square
  /// root of their number.
  std::span<const std::uint32_t> slots{};
  /// Imaginary parts are not shown (and count for nothing).
  bool real = true;
  /// The error bound of what is shown must be at most 2^-precision_bits.
  int precision_bits = 0;
};

struct Released {
  std::vector<Complex> values;  ///< as many as slots were asked for; imaginary parts 0 for real requests
  math::Bound error;            ///< at most this far from the messages, except with probability 2^-128
  double sigma_log2 = 0;        ///< of the noise on each number, in units of the message
};

/// The error bound that release() would reach for a ciphertext of this noise: to plan, before anything is charged.
math::Bound release_error(const Parameters& parameters, const Noise& noise, const ReleaseRequest& request,
                          const ReleaseBudget& budget);

/// Keeps a reference to the key, which must outlive it. Immutable, thread-safe.
class Releaser {
 public:
  Releaser(const rlwe::SecretKey& key, Encoder encoder);
  /// Names the key in ledgers.
  const Digest& identity() const { return identity_; }
  /// Refuses (noise_exceeded) what would be less precise than asked, saying what is possible, (mismatch) a ticket of
  /// another key, (refused) one that is spent, (invalid_argument) slots that do not exist, and what decrypt_private
  /// refuses. A refusal depends on public bounds alone and leaves the ticket valid. `random` must be fit for keys.
  Result<Released> release(const Ciphertext& ciphertext, const ReleaseRequest& request, ReleaseTicket&& ticket,
                           Random& random) const;

 private:
  Decryptor decryptor_;
  Encoder encoder_;
  Digest identity_;
};

}  // namespace prism::ckks
