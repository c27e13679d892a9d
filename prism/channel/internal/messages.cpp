#include "prism/channel/internal/messages.h"

#include <algorithm>
#include <utility>

#include "prism/base/check.h"

namespace prism::channel {
namespace {

using wire::CborReader;
using wire::CborWriter;

constexpr std::uint64_t kVersion = 1;
enum class Type : std::uint8_t { first = 1, second = 2, third = 3, fourth = 4, retry = 5 };

std::uint64_t wire_time(std::chrono::seconds time) { return static_cast<std::uint64_t>(time.count()); }

/// {0: version, 1: type, ...}: every message starts so.
CborWriter message(Type type, std::size_t further) {
  CborWriter out;
  out.map(2 + further);
  out.field(0, kVersion);
  out.field(1, static_cast<std::uint64_t>(type));
  return out;
}

/// Reads that start; the number of further pairs.
Result<std::size_t> read_message(CborReader& in, Type type, std::size_t min_further, std::size_t max_further) {
  PRISM_TRY(const std::size_t pairs, in.map(2 + min_further, 2 + max_further));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(const std::uint64_t version, in.unsigned_integer());
  if (version != kVersion)
    return fail(ErrorCode::unsupported, "version ", version, " of the channel's protocol; this program speaks ",
                kVersion);
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(const std::uint64_t found, in.unsigned_integer());
  const auto wanted = static_cast<std::uint64_t>(type);
  if (found != wanted)
    return fail(ErrorCode::malformed, "a handshake message of type ", found, "; type ", wanted, " is due");
  return pairs - 2;
}

Error too_long(std::string_view what, std::size_t found, std::size_t max) {
  return fail(ErrorCode::malformed, what, " of ", found, " bytes; it has at most ", max);
}

/// Both sealed parts end in a tag, so they have 16 bytes at least.
Result<ByteView> sealed_field(CborReader& in, std::uint64_t key, std::size_t max) {
  PRISM_CHECKED(in.key(key));
  return in.bytes(crypto::kTagBytes, max);
}

}  // namespace

Bytes encode(const Hello& hello) {
  CborWriter out;
  out.map(hello.tls_exporter ? 5 : 4);
  out.unsigned_integer(0);
  out.array(hello.offers.size());
  for (const Offer& offer : hello.offers) {
    out.array(2);
    out.unsigned_integer(offer.suite);
    out.bytes(offer.public_key);
  }
  out.field(1, ByteView(hello.random));
  out.field(2, ByteView(hello.expected_server));
  out.field(3, wire_time(hello.time));
  if (hello.tls_exporter) out.field(4, ByteView(*hello.tls_exporter));
  return std::move(out).take();
}

Result<Hello> read_hello(ByteView bytes) {
  CborReader in(bytes, "the hello");
  Hello hello{};
  PRISM_TRY(const std::size_t pairs, in.map(4, 5));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(const std::size_t offers, in.array(1, kMaxOffers));
  for (std::size_t i = 0; i < offers; ++i) {
    PRISM_TRY([[maybe_unused]] const std::size_t two, in.array(2, 2));
    PRISM_TRY(const std::uint64_t number, in.unsigned_integer(UINT16_MAX));
    PRISM_TRY(const ByteView key, in.bytes(1, kMaxFirstBytes));
    for (const Offer& earlier : hello.offers)
      if (earlier.suite == number) return fail(ErrorCode::malformed, "the hello offers suite ", number, " twice");
    // Suites of later programs may be offered beside ours; their keys are theirs to check.
    if (const auto known = suite_numbered(number); known && key.size() != suite(*known).kem_public_key_bytes)
      return fail(ErrorCode::malformed, "the hello has a KEM key of ", key.size(), " bytes for suite ", number,
                  ", whose keys have ", suite(*known).kem_public_key_bytes);
    hello.offers.push_back({number, key});
  }
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(hello.random, in.bytes_of<32>());
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(hello.expected_server, in.bytes_of<32>());
  PRISM_CHECKED(in.key(3));
  PRISM_TRY(const std::uint64_t time, in.unsigned_integer(kMaxTime));
  hello.time = std::chrono::seconds(static_cast<std::int64_t>(time));
  if (pairs == 5) {
    PRISM_CHECKED(in.key(4));
    PRISM_TRY(hello.tls_exporter, in.bytes_of<32>());
  }
  PRISM_CHECKED(in.finish());
  return hello;
}

Bytes encode_first(ByteView hello, ByteView cookie) {
  CborWriter out = message(Type::first, cookie.empty() ? 1 : 2);
  out.field(2, hello);
  if (!cookie.empty()) out.field(3, cookie);
  return std::move(out).take();
}

Result<First> read_first(ByteView bytes) {
  if (bytes.size() > kMaxFirstBytes) return too_long("M1", bytes.size(), kMaxFirstBytes);
  CborReader in(bytes, "M1");
  PRISM_TRY(const std::size_t further, read_message(in, Type::first, 1, 2));
  First first{};
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(first.hello, in.bytes(1, kMaxFirstBytes));
  if (further == 2) {
    PRISM_CHECKED(in.key(3));
    PRISM_TRY(first.cookie, in.bytes(1, kMaxCookieBytes));
  }
  PRISM_CHECKED(in.finish());
  return first;
}

Bytes encode(const SecondHeader& header) {
  CborWriter out;
  out.map(4);
  out.field(0, static_cast<std::uint64_t>(header.suite));
  out.field(1, ByteView(header.random));
  out.field(2, ByteView(header.session));
  out.field(3, header.ciphertext);
  return std::move(out).take();
}

Result<SecondHeader> read_second_header(ByteView bytes) {
  CborReader in(bytes, "M2's header");
  SecondHeader header{};
  PRISM_TRY([[maybe_unused]] const std::size_t pairs, in.map(4, 4));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(const std::uint64_t number, in.unsigned_integer());
  PRISM_TRY(header.suite, suite_numbered(number));
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(header.random, in.bytes_of<32>());
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(header.session, in.bytes_of<16>());
  PRISM_CHECKED(in.key(3));
  const std::size_t size = suite(header.suite).kem_ciphertext_bytes;
  PRISM_TRY(header.ciphertext, in.bytes(size, size));
  PRISM_CHECKED(in.finish());
  return header;
}

Bytes encode(const Second& second) {
  CborWriter out = message(Type::second, 2);
  out.field(2, second.header);
  out.field(3, second.sealed);
  return std::move(out).take();
}

Result<Second> read_second(ByteView bytes) {
  if (bytes.size() > kMaxSecondBytes) return too_long("M2", bytes.size(), kMaxSecondBytes);
  CborReader in(bytes, "M2");
  Second second{};
  PRISM_TRY([[maybe_unused]] const std::size_t further, read_message(in, Type::second, 2, 2));
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(second.header, in.bytes(1, kMaxSecondBytes));
  PRISM_TRY(second.sealed, sealed_field(in, 3, kMaxSecondBytes));
  PRISM_CHECKED(in.finish());
  return second;
}

Bytes encode(const Third& third) {
  CborWriter out = message(Type::third, 2);
  out.field(2, ByteView(third.session));
  out.field(3, third.sealed);
  return std::move(out).take();
}

Result<Third> read_third(ByteView bytes) {
  if (bytes.size() > kMaxThirdBytes) return too_long("M3", bytes.size(), kMaxThirdBytes);
  CborReader in(bytes, "M3");
  Third third{};
  PRISM_TRY([[maybe_unused]] const std::size_t further, read_message(in, Type::third, 2, 2));
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(third.session, in.bytes_of<16>());
  PRISM_TRY(third.sealed, sealed_field(in, 3, kMaxThirdBytes));
  PRISM_CHECKED(in.finish());
  return third;
}

Bytes encode_fourth(ByteView sealed) {
  CborWriter out = message(Type::fourth, 1);
  out.field(2, sealed);
  return std::move(out).take();
}

Result<ByteView> read_fourth(ByteView bytes) {
  if (bytes.size() > kMaxFourthBytes) return too_long("M4", bytes.size(), kMaxFourthBytes);
  CborReader in(bytes, "M4");
  PRISM_TRY([[maybe_unused]] const std::size_t further, read_message(in, Type::fourth, 1, 1));
  PRISM_TRY(const ByteView sealed, sealed_field(in, 2, kMaxFourthBytes));
  PRISM_CHECKED(in.finish());
  return sealed;
}

Bytes encode_retry(ByteView cookie) {
  CborWriter out = message(Type::retry, 1);
  out.field(2, cookie);
  return std::move(out).take();
}

Result<ByteView> read_retry(ByteView bytes) {
  CborReader in(bytes, "a Retry");
  PRISM_TRY([[maybe_unused]] const std::size_t further, read_message(in, Type::retry, 1, 1));
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(const ByteView cookie, in.bytes(1, kMaxCookieBytes));
  PRISM_CHECKED(in.finish());
  return cookie;
}

bool is_retry(ByteView bytes) {
  CborReader in(bytes);
  return read_message(in, Type::retry, 1, 1).has_value();
}

Bytes encode(const Proof& proof) {
  CborWriter out;
  out.map(3);
  out.field(0, proof.identity);
  out.field(1, proof.signature);
  out.field(2, ByteView(proof.finished));
  return std::move(out).take();
}

Result<Proof> read_proof(ByteView bytes, std::size_t signature_bytes) {
  CborReader in(bytes, "a sealed proof");
  Proof proof{};
  PRISM_TRY([[maybe_unused]] const std::size_t pairs, in.map(3, 3));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(proof.identity, in.bytes(1, kMaxThirdBytes));
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(proof.signature, in.bytes(signature_bytes, signature_bytes));
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(proof.finished, in.bytes_of<kSecretBytes>());
  PRISM_CHECKED(in.finish());
  return proof;
}

Bytes encode(const ServerIdentity& identity) {
  CborWriter out;
  out.map(3);
  out.field(0, identity.name);
  out.field(1, identity.epoch);
  out.field(2, identity.public_key);
  return std::move(out).take();
}

Result<ServerIdentity> read_server_identity(ByteView bytes, std::size_t public_key_bytes) {
  CborReader in(bytes, "the server's identity");
  ServerIdentity identity{};
  PRISM_TRY([[maybe_unused]] const std::size_t pairs, in.map(3, 3));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(identity.name, in.text(1, kMaxNameBytes));
  if (!is_name(identity.name)) return fail(ErrorCode::malformed, "the server's identity has a name that is none");
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(identity.epoch, in.unsigned_integer());
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(identity.public_key, in.bytes(public_key_bytes, public_key_bytes));
  PRISM_CHECKED(in.finish());
  return identity;
}

Bytes encode_client_identity(std::string_view name, ByteView public_key, std::span<const RotationLink> rotations) {
  CborWriter out;
  out.map(rotations.empty() ? 2 : 3);
  out.field(0, name);
  out.field(1, public_key);
  if (!rotations.empty()) {
    out.unsigned_integer(2);
    write_rotations(out, rotations);
  }
  return std::move(out).take();
}

Result<ClientIdentity> read_client_identity(ByteView bytes, std::size_t public_key_bytes) {
  CborReader in(bytes, "the client's identity");
  ClientIdentity identity{};
  PRISM_TRY(const std::size_t pairs, in.map(2, 3));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(identity.name, in.text(1, kMaxNameBytes));
  if (!is_name(identity.name)) return fail(ErrorCode::malformed, "the client's identity has a name that is none");
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(identity.public_key, in.bytes(public_key_bytes, public_key_bytes));
  if (pairs == 3) {
    PRISM_CHECKED(in.key(2));
    PRISM_TRY(identity.rotations, read_rotations(in));
    // One value, one encoding: no rotations is no field.
    if (identity.rotations.empty()) return fail(ErrorCode::malformed, "the client's identity has an empty chain");
  }
  PRISM_CHECKED(in.finish());
  return identity;
}

bool in_bounds(const Grant& grant) {
  const auto duration = [](std::chrono::seconds d) { return d.count() >= 1 && d <= kMaxSessionLifetime; };
  return duration(grant.lifetime) && duration(grant.rekey_after) && grant.rekey_after_records >= 1 &&
         grant.rekey_after_records <= kMaxRekeyRecords;
}

Bytes encode(const Grant& grant) {
  CborWriter out;
  out.map(3);
  out.field(0, wire_time(grant.lifetime));
  out.field(1, wire_time(grant.rekey_after));
  out.field(2, grant.rekey_after_records);
  return std::move(out).take();
}

Result<Grant> read_grant(ByteView bytes) {
  CborReader in(bytes, "M4's limits");
  PRISM_TRY([[maybe_unused]] const std::size_t pairs, in.map(3, 3));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(const std::uint64_t lifetime, in.unsigned_integer(kMaxTime));
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(const std::uint64_t rekey_after, in.unsigned_integer(kMaxTime));
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(const std::uint64_t records, in.unsigned_integer());
  PRISM_CHECKED(in.finish());
  const Grant grant{std::chrono::seconds(static_cast<std::int64_t>(lifetime)),
                    std::chrono::seconds(static_cast<std::int64_t>(rekey_after)), records};
  if (!in_bounds(grant)) return fail(ErrorCode::malformed, "M4's limits are outside their bounds");
  return grant;
}

}  // namespace prism::channel
