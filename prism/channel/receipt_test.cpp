#include "prism/channel/receipt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "prism/channel/identity.h"
#include "prism/channel/internal/session_fixture.h"
#include "prism/crypto/key_file.h"
#include "prism/crypto/signature.h"

namespace prism::channel {
namespace {

using namespace testing_support;
using crypto::SignatureAlgorithm;
using crypto::SigningKey;

Digest filled(std::uint8_t value) {
  Digest digest;
  digest.fill(value);
  return digest;
}

ReceiptClaims some_claims() {
  ReceiptClaims claims;
  claims.server = "compute.example";
  claims.request = filled(1);
  claims.program = filled(2);
  claims.context = filled(3);
  claims.inputs = {filled(4), filled(5)};
  claims.result = filled(6);
  claims.engine = "prism 0.1.0";
  claims.build = filled(7);
  claims.time = kStart;
  claims.sequence = 41;
  claims.session = established().id;
  return claims;
}

SigningKey key_of(SignatureAlgorithm algorithm, std::uint64_t seed) {
  StreamRandom random(seed);
  return SigningKey::generate(algorithm, random).value();
}

Bytes signed_by(const SigningKey& key, const ReceiptClaims& claims, ByteView bundle = {}) {
  StreamRandom random(77);
  return sign_receipt(claims, key, bundle, random).value();
}

Identity identity_of(std::uint64_t seed, std::string server = "compute.example") {
  StreamRandom random(seed);
  IdentitySettings settings;
  settings.server_id = std::move(server);
  return Identity::create(key_of(SignatureAlgorithm::ml_dsa_65, seed), settings, {}, random).value();
}

TEST(Receipt, SaysWhatWasSigned) {
  for (const auto algorithm : {SignatureAlgorithm::ml_dsa_65, SignatureAlgorithm::ml_dsa_87}) {
    const SigningKey key = key_of(algorithm, 1);
    ReceiptClaims token = some_claims();
    token.transport = Transport::token;
    token.session.reset();
    token.inputs.clear();
    token.sequence = UINT64_MAX;
    for (const ReceiptClaims& claims : {some_claims(), token}) {
      const Bytes bytes = signed_by(key, claims);
      const auto verified = verify_receipt(bytes, key.verify_key());
      ASSERT_TRUE(verified) << verified.error().message;
      EXPECT_EQ(*verified, claims);
      const auto read = read_receipt(bytes);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->claims, claims);
      EXPECT_EQ(read->algorithm, algorithm);
      EXPECT_EQ(read->signer, key.verify_key().fingerprint());
      EXPECT_TRUE(read->bundle.empty());
    }
  }
}

TEST(Receipt, IsTheCoseOfTheStandards) {
  const SigningKey key = key_of(SignatureAlgorithm::ml_dsa_65, 1);
  const Bytes bytes = signed_by(key, some_claims());
  // Tag 18, an array of four; the protected header's map begins with 1: -49 (RFC 9964).
  const std::string hex = to_hex(bytes);
  EXPECT_EQ(hex.substr(0, 4), "d284");
  const std::string type = to_hex(as_bytes("application/prism-receipt+cbor"));
  const std::string header =
      "a3013830"
      "03781e" +
      type + "045820" + to_hex(key.verify_key().fingerprint());
  EXPECT_EQ(hex.substr(4, 4 + header.size()), "5848" + header);
  EXPECT_EQ(hex.substr(8 + header.size(), 2), "a0") << "no bundle";
  EXPECT_EQ(header.size() / 2, 0x48u);
  // And the signature is over Sig_structure, with an empty context.
  const std::string payload_and_signature = hex.substr(10 + header.size());
  const std::size_t payload_bytes = payload_and_signature.size() / 2 - 3 - 3309;
  const Bytes payload(bytes.end() - 3309 - 3 - static_cast<std::ptrdiff_t>(payload_bytes), bytes.end() - 3309 - 3);
  const Bytes signature(bytes.end() - 3309, bytes.end());
  Bytes message{0x84, 0x6a};
  const auto add = [&message](ByteView part) { message.insert(message.end(), part.begin(), part.end()); };
  add(as_bytes("Signature1"));
  add(ByteView(bytes).subspan(2, 2 + 0x48));  // the protected header as a byte string
  message.push_back(0x40);
  add(payload);  // with its own head
  EXPECT_TRUE(key.verify_key().verify(message, "", signature));
}

TEST(Receipt, EveryChangedByteIsNoticed) {
  const SigningKey key = key_of(SignatureAlgorithm::ml_dsa_65, 1);
  const Bytes bytes = signed_by(key, some_claims());
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (std::size_t at = 0; at < bytes.size(); at += at < bytes.size() - 3309 ? 1 : 1 + random() % 30) {
    Bytes changed = bytes;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << random() % 8));
    ASSERT_FALSE(verify_receipt(changed, key.verify_key())) << at;
  }
}

TEST(Receipt, EveryCutOrLongerReceiptIsMalformed) {
  const SigningKey key = key_of(SignatureAlgorithm::ml_dsa_65, 1);
  const Identity identity = identity_of(1);
  StreamRandom random(3);
  Bytes bytes = signed_by(identity.key(), some_claims(), identity.bundle(kStart, random)->bytes());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = read_receipt(ByteView(bytes).first(size));
    ASSERT_FALSE(read) << size;
    ASSERT_EQ(read.error().code, ErrorCode::malformed) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(read_receipt(bytes));
  EXPECT_FALSE(read_receipt(Bytes(kMaxReceiptBytes + 1)));
}

TEST(Receipt, AnotherKeyIsNamedBeforeItsSignatureIsLookedAt) {
  const SigningKey key = key_of(SignatureAlgorithm::ml_dsa_65, 1), other = key_of(SignatureAlgorithm::ml_dsa_65, 2);
  const auto verified = verify_receipt(signed_by(key, some_claims()), other.verify_key());
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::unauthorised);
  EXPECT_NE(verified.error().message.find(crypto::fingerprint_text(key.verify_key().fingerprint())), std::string::npos);
  EXPECT_NE(verified.error().message.find(crypto::fingerprint_text(other.verify_key().fingerprint())),
            std::string::npos);
}

TEST(Receipt, SignaturesForOtherPurposesAreNone) {
  const SigningKey key = key_of(SignatureAlgorithm::ml_dsa_65, 1);
  Bytes bytes = signed_by(key, some_claims());
  // The same key signs the same bytes, but in a context of the handshake.
  const Bytes header(bytes.begin() + 2, bytes.begin() + 4 + 0x48);
  const Bytes payload(bytes.begin() + 5 + 0x48, bytes.end() - 3309 - 3);
  const Bytes empty{0x40};
  Bytes message{0x84, 0x6a};
  for (const ByteView part : {as_bytes("Signature1"), ByteView(header), ByteView(empty), ByteView(payload)})
    message.insert(message.end(), part.begin(), part.end());
  StreamRandom random(1);
  const auto put = [&](std::string_view context) {
    const Bytes signature = key.sign(message, context, random).value();
    std::copy(signature.begin(), signature.end(), bytes.end() - 3309);
    return verify_receipt(bytes, key.verify_key()).has_value();
  };
  EXPECT_FALSE(put(kServerContext));
  EXPECT_FALSE(put(kBundleContext));
  EXPECT_TRUE(put("")) << "the message is the right one";
}

TEST(Receipt, APinLeadsToTheSignerThroughItsBundle) {
  StreamRandom random(5);
  const Identity first = identity_of(1);
  const Identity second = first.rotate(key_of(SignatureAlgorithm::ml_dsa_65, 2), kStart, random).value();
  const Bytes old_bundle = first.bundle(kStart, random)->bytes(), bundle = second.bundle(kStart, random)->bytes();
  const Bytes receipt = signed_by(second.key(), some_claims(), bundle);
  EXPECT_EQ(verify_receipt(receipt, second.fingerprint()).value(), some_claims());
  EXPECT_EQ(verify_receipt(receipt, first.fingerprint()).value(), some_claims()) << "by the cross-signature";
  const auto code = [](const auto& result) { return result ? ErrorCode::io : result.error().code; };
  EXPECT_EQ(code(verify_receipt(receipt, identity_of(3).fingerprint())), ErrorCode::unauthorised);
  // The old key's receipts are not the new one's.
  EXPECT_EQ(code(verify_receipt(signed_by(first.key(), some_claims(), old_bundle), second.fingerprint())),
            ErrorCode::unauthorised);
  EXPECT_EQ(code(verify_receipt(signed_by(first.key(), some_claims(), bundle), second.fingerprint())),
            ErrorCode::unauthorised)
      << "signed with another key than the bundle's";
  EXPECT_EQ(code(verify_receipt(signed_by(second.key(), some_claims()), second.fingerprint())), ErrorCode::unauthorised)
      << "no bundle";
}

TEST(Receipt, SpeaksForItsOwnServerAndTimeOnly) {
  StreamRandom random(5);
  const Identity identity = identity_of(1);
  const Bytes bundle = identity.bundle(kStart, random)->bytes();
  const auto code = [&](const ReceiptClaims& claims) {
    const auto verified = verify_receipt(signed_by(identity.key(), claims, bundle), identity.fingerprint());
    return verified ? ErrorCode::io : verified.error().code;
  };
  ReceiptClaims claims = some_claims();
  EXPECT_EQ(code(claims), ErrorCode::io);
  claims.server = "other.example";
  EXPECT_EQ(code(claims), ErrorCode::integrity);
  claims = some_claims();
  claims.time = kStart - kClockTolerance - seconds(1);
  EXPECT_EQ(code(claims), ErrorCode::refused);
  claims.time = kStart + kMaxBundleLifetime + kClockTolerance + seconds(1);
  EXPECT_EQ(code(claims), ErrorCode::refused);
  claims.time = kStart + kMaxBundleLifetime;
  EXPECT_EQ(code(claims), ErrorCode::io);
}

TEST(Receipt, ClaimsHaveBounds) {
  const SigningKey key = key_of(SignatureAlgorithm::ml_dsa_65, 1);
  const auto refused = [&](auto change) {
    ReceiptClaims claims = some_claims();
    change(claims);
    StreamRandom random(1);
    const auto made = sign_receipt(claims, key, {}, random);
    return !made && made.error().code == ErrorCode::invalid_argument;
  };
  EXPECT_FALSE(refused([](ReceiptClaims&) {}));
  EXPECT_FALSE(refused([](ReceiptClaims& c) { c.inputs.resize(kMaxReceiptInputs); }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.inputs.resize(kMaxReceiptInputs + 1); }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.server.clear(); }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.engine.assign(256, 'x'); }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.server = "a\nb"; }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.time = seconds(-1); }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.session.reset(); }));
  EXPECT_TRUE(refused([](ReceiptClaims& c) { c.transport = Transport::token; }));
}

}  // namespace
}  // namespace prism::channel
