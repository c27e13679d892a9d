// Bundles and rotations: what is signed is what is read, and nothing else is.
#include "prism/channel/bundle.h"

#include <gtest/gtest.h>

#include <string>

#include "prism/channel/identity.h"
#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/test_peers.h"

namespace prism::channel {
namespace {

using namespace test;
using std::chrono::seconds;

Identity identity_of(const std::string& name, std::vector<RotationLink> rotations = {}) {
  NamedRandom random(name);
  IdentitySettings settings;
  settings.server_id = "bundles";
  settings.epoch = 3;
  settings.profiles[0] = 9;
  return Identity::create(make_key(name), settings, std::move(rotations), random).value();
}

IdentityBundle bundle_of(const Identity& identity) {
  NamedRandom random("bundle");
  return identity.bundle(kNow, random).value();
}

TEST(BundleTest, IsReadAsItWasSigned) {
  const Identity identity = identity_of("one");
  const IdentityBundle made = bundle_of(identity);
  const IdentityBundle read = IdentityBundle::open(made.bytes()).value();
  EXPECT_EQ(read.fingerprint(), identity.fingerprint());
  EXPECT_EQ(read.content().server_id, "bundles");
  EXPECT_EQ(read.content().epoch, 3u);
  EXPECT_EQ(read.content().suites, std::vector{SuiteId::mlkem768_x25519});
  EXPECT_EQ(read.content().profiles, identity.settings().profiles);
  EXPECT_EQ(read.content().not_before, kNow);
  EXPECT_EQ(read.content().not_after, kNow + kMaxBundleLifetime);
  EXPECT_EQ(read.bytes(), made.bytes());
  EXPECT_TRUE(read.previous().empty());
}

TEST(BundleTest, IsValidFromItsFirstToItsLastSecondAndForTheToleranceAround) {
  const IdentityBundle bundle = bundle_of(identity_of("one"));
  EXPECT_TRUE(bundle.valid_at(kNow));
  EXPECT_TRUE(bundle.valid_at(kNow - kClockTolerance));
  EXPECT_TRUE(bundle.valid_at(kNow + kMaxBundleLifetime + kClockTolerance));
  EXPECT_EQ(bundle.valid_at(kNow - kClockTolerance - seconds(1)).error().code, ErrorCode::refused);
  EXPECT_EQ(bundle.valid_at(kNow + kMaxBundleLifetime + kClockTolerance + seconds(1)).error().code, ErrorCode::refused);
}

TEST(BundleTest, EveryFlippedByteAndEveryCutIsRefused) {
  const crypto::SigningKey old_key = make_key("old");
  NamedRandom random("x");
  const IdentityBundle bundle = bundle_of(identity_of(
      "one", {sign_rotation(KeyOwner::server, old_key, make_key("one").verify_key(), kNow, random).value()}));
  ASSERT_TRUE(IdentityBundle::open(bundle.bytes()));
  for (std::size_t i = 0; i < bundle.bytes().size(); ++i) {
    Bytes changed = bundle.bytes();
    changed[i] ^= static_cast<std::uint8_t>(1u << (i % 8));
    ASSERT_FALSE(IdentityBundle::open(changed).has_value()) << "byte " << i;
  }
  for (std::size_t size = 0; size < bundle.bytes().size(); ++size)
    ASSERT_FALSE(IdentityBundle::open(ByteView(bundle.bytes()).first(size)).has_value()) << size;
  EXPECT_EQ(IdentityBundle::open(Bytes(kMaxBundleBytes + 1)).error().code, ErrorCode::malformed);
}

TEST(BundleTest, ContentOutsideItsBoundsIsNotSigned) {
  const crypto::SigningKey key = make_key("one");
  NamedRandom random("x");
  const auto sign = [&](auto change) {
    IdentityBundle::Content content;
    content.server_id = "s";
    content.suites = {SuiteId::mlkem768_x25519};
    content.not_before = kNow;
    content.not_after = kNow + kMaxBundleLifetime;
    change(content);
    const auto made = IdentityBundle::sign(key, content, random);
    return made ? std::string("signed") : std::string(name_of(made.error().code));
  };
  using Content = IdentityBundle::Content;
  EXPECT_EQ(sign([](Content&) {}), "signed");
  EXPECT_EQ(sign([](Content& c) { c.not_after += seconds(1); }), "invalid_argument") << "more than a day";
  EXPECT_EQ(sign([](Content& c) { c.not_after = kNow - seconds(1); }), "invalid_argument");
  EXPECT_EQ(sign([](Content& c) { c.not_before = seconds(-1); }), "invalid_argument");
  EXPECT_EQ(sign([](Content& c) { c.suites.clear(); }), "invalid_argument");
  EXPECT_EQ(sign([](Content& c) { c.suites.push_back(c.suites[0]); }), "invalid_argument");
  EXPECT_EQ(sign([](Content& c) { c.suites = {SuiteId::mlkem1024}; }), "invalid_argument") << "not of this key";
  EXPECT_EQ(sign([](Content& c) { c.server_id = "two words"; }), "invalid_argument");
  EXPECT_EQ(sign([](Content& c) { c.server_id = std::string(65, 'x'); }), "invalid_argument");
}

TEST(RotationTest, AChainLeadsFromEveryEarlierKeyToThePresentOne) {
  NamedRandom random("rotations");
  Identity identity = identity_of("key 0");
  std::vector<Digest> fingerprints{identity.fingerprint()};
  for (std::size_t i = 1; i <= kMaxRotations + 2; ++i) {
    identity = identity.rotate(make_key("key " + std::to_string(i)), kNow + seconds(i), random).value();
    EXPECT_EQ(identity.settings().epoch, 3 + i);
    const IdentityBundle bundle = IdentityBundle::open(bundle_of(identity).bytes()).value();
    EXPECT_LE(bundle.bytes().size(), kMaxBundleBytes);
    const std::size_t kept = std::min(i, kMaxRotations);
    ASSERT_EQ(bundle.previous().size(), kept);
    for (std::size_t k = 0; k < kept; ++k) EXPECT_EQ(bundle.previous()[k], fingerprints[i - kept + k]);
    fingerprints.push_back(identity.fingerprint());
  }
  const Bytes file = encode_rotations(identity.rotations());
  const auto read = decode_rotations(file).value();
  EXPECT_EQ(encode_rotations(read), file);
  EXPECT_TRUE(verify_rotations(KeyOwner::server, read, identity.key().verify_key()));
}

TEST(RotationTest, TheLargestChainFitsIntoABundleAndIntoM3) {
  NamedRandom random("rotations");
  const auto algorithm = crypto::SignatureAlgorithm::ml_dsa_87;
  crypto::SigningKey key = make_key("0", algorithm);
  std::vector<RotationLink> links;
  for (std::size_t i = 1; i <= kMaxRotations; ++i) {
    crypto::SigningKey next = make_key(std::to_string(i), algorithm);
    links.push_back(sign_rotation(KeyOwner::client, key, next.verify_key(), kNow, random).value());
    key = std::move(next);
  }
  const Bytes identity = encode_client_identity(std::string(kMaxNameBytes, 'n'), key.verify_key().raw(), links);
  const Bytes third = encode(Third{{}, encode(Proof{identity, Bytes(4627), {}})});
  EXPECT_LE(third.size() + 64, kMaxThirdBytes);
}

TEST(RotationTest, ForeignBrokenAndMisplacedLinksAreRefused) {
  NamedRandom random("x");
  const crypto::SigningKey a = make_key("a"), b = make_key("b"), c = make_key("c");
  const auto link = [&](const crypto::SigningKey& from, const crypto::SigningKey& to, KeyOwner owner) {
    return sign_rotation(owner, from, to.verify_key(), kNow, random).value();
  };
  const RotationLink ab = link(a, b, KeyOwner::server), bc = link(b, c, KeyOwner::server);
  const auto good = [&](std::vector<RotationLink> links, KeyOwner owner = KeyOwner::server) {
    return verify_rotations(owner, links, c.verify_key()).has_value();
  };
  EXPECT_TRUE(good({ab, bc}));
  EXPECT_TRUE(good({bc}));
  EXPECT_TRUE(good({}));
  EXPECT_FALSE(good({ab})) << "ends elsewhere";
  EXPECT_FALSE(good({bc, ab}));
  EXPECT_FALSE(good({ab, bc, bc}));
  EXPECT_FALSE(good({ab, bc}, KeyOwner::client)) << "signed for another purpose";
  RotationLink later = bc;
  later.issued += seconds(1);
  EXPECT_FALSE(good({ab, later})) << "the time is signed";
  RotationLink foreign = bc;
  foreign.previous = a.verify_key();
  EXPECT_FALSE(good({foreign})) << "the key before did not sign it";
  EXPECT_FALSE(good(std::vector<RotationLink>(kMaxRotations + 1, bc)));
  EXPECT_EQ(sign_rotation(KeyOwner::server, a, a.verify_key(), kNow, random).error().code, ErrorCode::invalid_argument);
}

TEST(RotationTest, ChainsInFilesAreBounded) {
  EXPECT_TRUE(decode_rotations(encode_rotations({})).value().empty());
  EXPECT_FALSE(decode_rotations({}).has_value());
  EXPECT_FALSE(decode_rotations(Bytes(kMaxBundleBytes + 1)).has_value());
  const Bytes nine{0x89, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0, 0xa0};
  EXPECT_EQ(decode_rotations(nine).error().code, ErrorCode::malformed);
}

TEST(IdentityTest, ARotationToALargerKeyBringsItsSuites) {
  NamedRandom random("x");
  const Identity next =
      identity_of("small").rotate(make_key("large", crypto::SignatureAlgorithm::ml_dsa_87), kNow, random).value();
  EXPECT_EQ(next.settings().suites, std::vector{SuiteId::mlkem1024_p384});
  const IdentityBundle bundle = IdentityBundle::open(bundle_of(next).bytes()).value();
  ASSERT_EQ(bundle.previous().size(), 1u);
  EXPECT_EQ(bundle.previous()[0], identity_of("small").fingerprint());
}

/// A client that still expects the old key is served by the old identity, another by the new one.
TEST(IdentityTest, HandshakesGoOnAcrossARotation) {
  const Peers peers;
  NamedRandom random("x");
  const Identity next = peers.server.rotate(make_key("next server"), kNow, random).value();
  for (const Identity* expected : {&peers.server, &next}) {
    ClientHandshake client =
        ClientHandshake::start({}, peers.client_key, expected->fingerprint(), kNow, random).value();
    const Digest wanted = ServerHandshake::expected_server(client.first()).value();
    const Identity& chosen = wanted == next.fingerprint() ? next : peers.server;
    ServerHandshake server = ServerHandshake::accept({}, chosen, client.first(), kNow, random).value();
    Established done = server.finish(*client.on_second(server.second(), kNow, random), kNow, peers.gate).value();
    EXPECT_EQ(client.on_fourth(done.fourth)->peer, expected->fingerprint());
  }
}

}  // namespace
}  // namespace prism::channel
