// prism/channel/receipt.h - what a server signs about an answer: COSE_Sign1 (RFC 9052) with ML-DSA (RFC 9964) over
// deterministic CBOR.
//
// A receipt proves that the holder of the signing key said: this request, this computation, these inputs and this key
// context gave this result. It does not prove that the computation was right, nor when it was in truth made.
//
//   18([ << {1: alg, 3: "application/prism-receipt+cbor", 4: kid} >>, {"prism-bundle": bundle}, << claims >>,
//   signature ]) alg  -49 ML-DSA-65, -50 ML-DSA-87; kid = SHA-256 of the signer's SubjectPublicKeyInfo (32 bytes)
//   claims = {1: 1 (version), 2: server, 3: request, 4: program, 5: context, 6: [input, ...], 7: result, 8: engine,
//             9: build, 10: time, 11: sequence, 12: transport, ? 13: session}
// The signature is over Sig_structure ["Signature1", protected, h'', payload] with an empty context, as RFC 9964
// demands.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/record.h"

namespace prism::crypto {
class SigningKey;
class VerifyKey;
enum class SignatureAlgorithm : std::uint8_t;
}  // namespace prism::crypto

namespace prism::channel {

inline constexpr std::string_view kReceiptMediaType = "application/prism-receipt+cbor";
inline constexpr std::size_t kMaxReceiptBytes = std::size_t{128} << 10;
inline constexpr std::size_t kMaxReceiptInputs = 256, kMaxReceiptTextBytes = 255;

/// How the request reached the server.
enum class Transport : std::uint8_t {
  session = 0,  ///< inside a session of this protocol: the client's identity was verified
  token = 1,    ///< over plain TLS with an API token
};

/// Digests are SHA-256.
struct ReceiptClaims {
  std::string server;           ///< the server's id, as in its identity bundle
  Digest request{};             ///< of the request's body, as the client wrote it (inside the record)
  Digest program{};             ///< of the computation, canonically encoded
  Digest context{};             ///< of the uploaded key context
  std::vector<Digest> inputs;   ///< of the encrypted inputs, in the request's order
  Digest result{};              ///< of the encrypted result
  std::string engine;           ///< name and version
  Digest build{};               ///< of the program file that computed
  std::chrono::seconds time{};  ///< by the server's clock, since 1970-01-01
  std::uint64_t sequence = 0;   ///< of this signer's receipts: rises, so that a missing one shows
  Transport transport = Transport::session;
  std::optional<SessionId> session;  ///< exactly when transport is session
  bool operator==(const ReceiptClaims&) const = default;
};

/// What stands in a receipt, nothing of it verified.
struct Receipt {
  ReceiptClaims claims;
  crypto::SignatureAlgorithm algorithm{};
  Digest signer{};  ///< fingerprint of the key that is said to have signed
  Bytes bundle;     ///< the signer's identity bundle (bundle.h), perhaps empty
};

/// `bundle` is the server's identity bundle of this time (bundle.h): it lets somebody check the receipt who has pinned
/// this key or one that handed over to it. May be empty. Errors: invalid_argument for claims that are too large.
Result<Bytes> sign_receipt(const ReceiptClaims& claims, const crypto::SigningKey& key, ByteView bundle, Random& random);

/// Parses only. Errors: malformed, unsupported (algorithm or version).
Result<Receipt> read_receipt(ByteView bytes);

/// Errors: those of read_receipt; unauthorised when another key is named as the signer; integrity when the signature
/// does not verify.
Result<ReceiptClaims> verify_receipt(ByteView bytes, const crypto::VerifyKey& key);
/// By the fingerprint that somebody pinned: the embedded bundle must be the signer's, valid at the receipt's time, and
/// its rotations must lead from the pinned key to the signer's. Errors also: unauthorised when they do not (both
/// fingerprints are named) or there is no bundle; refused for a bundle of another time.
Result<ReceiptClaims> verify_receipt(ByteView bytes, const Digest& pinned);

}  // namespace prism::channel
