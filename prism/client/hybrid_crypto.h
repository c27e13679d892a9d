// prism/client/hybrid_crypto.h - one person's keys of all three kinds, and what is done with them, in a dozen verbs:
// numbers that a stranger computes with (CKKS), signatures that say who spoke (ML-DSA), secrets agreed with somebody
// whose public key is known (ML-KEM with X25519).
//
//   auto alice = client::HybridCrypto::create({.numbers = {.largest_magnitude = 1000}}, random).value();
//   const auto doubled = alice.multiply_scalar(alice.encrypt({1, 2, 3}), 2);
//   const auto values = alice.decrypt(doubled);  // about {2, 4, 6}
//
// A facade: every line of it calls fhe or crypto, and nothing here is cryptography of its own. Whoever wants other
// parameters, exact integers or long vectors over many keys uses those rooms. Operations on encrypted numbers take and
// give Result, as fhe::Vector does, so that they nest.
#pragma once
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/random.h"
#include "prism/compute/request.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/signature.h"
#include "prism/fhe/fhe.h"

namespace prism::client {

/// FIPS 204 context of HybridCrypto::sign, so that a signed message is never taken for a handshake or a receipt.
inline constexpr std::string_view kMessageContext = "prism/v1/message";

struct HybridOptions {
  /// Depth, precision and the largest input; keys for sums, means and dot products are made unless told otherwise.
  fhe::ApproximateIntent numbers{.movement = {.sums = true}};
  crypto::SignatureAlgorithm signatures = crypto::SignatureAlgorithm::ml_dsa_65;
  crypto::Kem kem = crypto::Kem::mlkem768_x25519;
};

class HybridCrypto {
 public:
  using Encrypted = fhe::Approximate::Vector;
  using Outcome = Result<Encrypted>;

  /// Fresh keys, in memory only. Keeps a reference to `random` (host::SystemRandom in programs), which must outlive it.
  /// Errors: those of fhe::parameters_for and of `random`.
  static Result<HybridCrypto> create(const HybridOptions& options, Random& random);
  /// Keys for one computation that a server does (evaluate.h): the smallest parameters that carry `request` on inputs
  /// of these `sizes` up to `largest_magnitude`, with results right to `precision_bits` after the point. Evaluation
  /// keys are made when the server has said which. Of `options.numbers` only the security is read. Errors also: those
  /// of compute::Request::lower.
  static Result<HybridCrypto> create_for(const compute::Request& request,
                                         const std::map<std::string, std::uint64_t>& sizes, double largest_magnitude,
                                         int precision_bits, Random& random, const HybridOptions& options = {});
  HybridCrypto(HybridCrypto&&) noexcept;
  HybridCrypto& operator=(HybridCrypto&&) noexcept;
  /// Wipes every secret key.
  ~HybridCrypto();

  // -- numbers. Results carry a public error bound; decrypt refuses what it does not cover.
  Outcome encrypt(std::span<const double> values) const;
  Outcome encrypt(std::initializer_list<double> values) const {
    return encrypt(std::span<const double>(values.begin(), values.size()));
  }
  /// For the key holder's eyes: the last bits of what comes out depend on the secret key (docs/release.md).
  Result<std::vector<double>> decrypt(const Outcome& a) const;
  Outcome add(const Outcome& a, const Outcome& b) const { return a + b; }
  Outcome subtract(const Outcome& a, const Outcome& b) const { return a - b; }
  Outcome add_scalar(const Outcome& a, double b) const { return a + b; }
  Outcome multiply_scalar(const Outcome& a, double b) const { return a * b; }
  Outcome multiply(const Outcome& a, const Outcome& b) const { return a * b; }
  Outcome multiply(const Outcome& a, std::span<const double> b) const { return a * b; }
  Outcome negate(const Outcome& a) const { return -a; }
  Outcome square(const Outcome& a) const { return a * a; }
  Outcome sum(const Outcome& a) const;
  Outcome mean(const Outcome& a) const;
  Outcome dot(const Outcome& a, std::span<const double> weights) const;
  const fhe::Approximate::KeyHolder& numbers() const;

  // -- identity
  const crypto::SigningKey& identity() const;
  Result<Bytes> sign(ByteView message) const;
  /// ok, or integrity: this message was not signed by that key as a message.
  static Status verify(const crypto::VerifyKey& signer, ByteView message, ByteView signature);

  // -- shared secrets of 32 bytes, for HKDF and an AEAD
  crypto::Kem kem() const;
  ByteView kem_public_key() const;
  /// Nothing in it depends on who encapsulates: the other side learns who it was from a signature, or not at all.
  static Result<crypto::Encapsulation> encapsulate(crypto::Kem kem, ByteView public_key, Random& random);
  /// A damaged ciphertext of the right size gives another secret, not an error (FIPS 203, algorithm 18).
  Result<crypto::SharedSecret> decapsulate(ByteView ciphertext) const;

 private:
  struct State;
  static Result<HybridCrypto> with(fhe::Approximate::KeyHolder numbers, const HybridOptions& options, Random& random);
  explicit HybridCrypto(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::client
