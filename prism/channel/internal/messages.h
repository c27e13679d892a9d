// prism/channel/internal/messages.h - the handshake's messages as values, and how they are encoded: docs/protocol.md.
//
// Reading checks form and bounds alone; views point into the message. Errors: malformed, and unsupported for another
// version of the protocol.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/channel/bundle.h"
#include "prism/channel/handshake.h"
#include "prism/wire/cbor.h"

namespace prism::channel {

inline constexpr std::size_t kMaxOffers = 4;
inline constexpr std::size_t kMaxCookieBytes = 64;
using HandshakeRandom = std::array<std::uint8_t, 32>;
using Finished = std::array<std::uint8_t, kSecretBytes>;

/// Times on the wire: seconds since 1970-01-01 UTC, up to the end of the year 9999.
inline constexpr std::uint64_t kMaxTime = 253'402'300'799;

struct Offer {
  std::uint64_t suite;
  ByteView public_key;
};

struct Hello {
  std::vector<Offer> offers;  ///< distinct suites, by the client's preference; those that are known have their length
  HandshakeRandom random;
  Digest expected_server;
  std::chrono::seconds time;
  std::optional<TlsExporter> tls_exporter;
};
Bytes encode(const Hello& hello);
Result<Hello> read_hello(ByteView bytes);

struct First {
  ByteView hello;
  ByteView cookie;  ///< empty when there is none
};
Bytes encode_first(ByteView hello, ByteView cookie);
Result<First> read_first(ByteView bytes);

struct SecondHeader {
  SuiteId suite;
  HandshakeRandom random;
  SessionId session;
  ByteView ciphertext;  ///< of the suite's length
};
Bytes encode(const SecondHeader& header);
Result<SecondHeader> read_second_header(ByteView bytes);

struct Second {
  ByteView header;
  ByteView sealed;
};
Bytes encode(const Second& second);
Result<Second> read_second(ByteView bytes);

struct Third {
  SessionId session;
  ByteView sealed;
};
Bytes encode(const Third& third);
Result<Third> read_third(ByteView bytes);

Bytes encode_fourth(ByteView sealed);
Result<ByteView> read_fourth(ByteView bytes);

Bytes encode_retry(ByteView cookie);
Result<ByteView> read_retry(ByteView bytes);
/// Whether this begins as a Retry does.
bool is_retry(ByteView bytes);

/// What is inside M2 and M3 once opened: who speaks, and two proofs.
struct Proof {
  ByteView identity;
  ByteView signature;
  Finished finished;
};
Bytes encode(const Proof& proof);
Result<Proof> read_proof(ByteView bytes, std::size_t signature_bytes);

struct ServerIdentity {
  std::string_view name;
  std::uint64_t epoch;
  ByteView public_key;
};
Bytes encode(const ServerIdentity& identity);
Result<ServerIdentity> read_server_identity(ByteView bytes, std::size_t public_key_bytes);

struct ClientIdentity {
  std::string_view name;
  ByteView public_key;
  std::vector<RotationLink> rotations;
};
Bytes encode_client_identity(std::string_view name, ByteView public_key, std::span<const RotationLink> rotations);
Result<ClientIdentity> read_client_identity(ByteView bytes, std::size_t public_key_bytes);

/// What M4 says; durations, because clocks differ.
struct Grant {
  std::chrono::seconds lifetime;
  std::chrono::seconds rekey_after;
  std::uint64_t rekey_after_records;
};
inline constexpr std::uint64_t kMaxRekeyRecords = std::uint64_t{1} << 20;
/// All three at least 1, at most kMaxSessionLifetime, the same, kMaxRekeyRecords.
bool in_bounds(const Grant& grant);
Bytes encode(const Grant& grant);
Result<Grant> read_grant(ByteView bytes);

/// For messages that hold rotations: an array of 0 to kMaxRotations links.
void write_rotations(wire::CborWriter& writer, std::span<const RotationLink> links);
Result<std::vector<RotationLink>> read_rotations(wire::CborReader& reader);
/// The COSE numbers of RFC 9964, on the wire.
std::int64_t number_of(crypto::SignatureAlgorithm algorithm);
Result<crypto::SignatureAlgorithm> algorithm_numbered(std::int64_t number);

}  // namespace prism::channel
