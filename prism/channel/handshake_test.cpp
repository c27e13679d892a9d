// Honest peers: they agree on everything, whatever suite; and refuse what a policy, a clock or an identity forbids.
#include "prism/channel/handshake.h"

#include <gtest/gtest.h>

#include <string>

#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/test_peers.h"

namespace prism::channel {
namespace {

using namespace test;
using std::chrono::seconds;

class EverySuite : public testing::TestWithParam<SuiteId> {};
INSTANTIATE_TEST_SUITE_P(Handshake, EverySuite,
                         testing::Values(SuiteId::mlkem768_x25519, SuiteId::mlkem1024_p384, SuiteId::mlkem1024),
                         [](const auto& test) { return "Suite" + std::to_string(static_cast<int>(test.param)); });

TEST_P(EverySuite, HonestPeersAgreeOnEverything) {
  Peers peers(GetParam());
  peers.client_policy.name = "notebook";
  peers.server_policy.lifetime = seconds(7200);
  peers.server_policy.rekey_after = seconds(600);
  peers.server_policy.rekey_after_records = 1000;
  ClientHandshake client = peers.start("a");
  ServerHandshake server = peers.accept(client.first(), "a", kNow + seconds(300)).value();
  EXPECT_FALSE(client.session());
  const Bytes third = peers.answer(client, server.second(), kNow + seconds(1)).value();
  EXPECT_EQ(*client.session(), server.id());
  Established at_server = server.finish(third, kNow + seconds(302), peers.gate).value();
  const Established at_client = client.on_fourth(at_server.fourth).value();

  EXPECT_TRUE(agree(at_client, at_server));
  EXPECT_EQ(at_client.suite, GetParam());
  EXPECT_EQ(at_client.id, server.id());
  EXPECT_EQ(at_client.peer, peers.server.fingerprint());
  EXPECT_EQ(at_server.peer, peers.client_fingerprint());
  EXPECT_EQ(at_client.peer_name, "test.server");
  EXPECT_EQ(at_server.peer_name, "notebook");
  EXPECT_EQ(at_client.limits.expires_at, kNow + seconds(1 + 7200)) << "each side counts from its own clock";
  EXPECT_EQ(at_server.limits.expires_at, kNow + seconds(302 + 7200));
  EXPECT_EQ(at_client.limits.rekey_after, seconds(600));
  EXPECT_EQ(at_client.limits.rekey_after_records, 1000u);
  EXPECT_EQ(server.rejection(), Rejection::none);
  EXPECT_FALSE(same(at_client.secrets.client, at_client.secrets.server));
}

TEST_P(EverySuite, LengthsAreThoseOfTheAlgorithms) {
  const Suite& s = suite(GetParam());
  EXPECT_EQ(s.kem_public_key_bytes, crypto::sizes_of(s.kem).public_key);
  EXPECT_EQ(s.kem_ciphertext_bytes, crypto::sizes_of(s.kem).ciphertext);
  EXPECT_EQ(s.public_key_bytes, crypto::sizes_of(s.signature).public_key);
  EXPECT_EQ(s.signature_bytes, crypto::sizes_of(s.signature).signature);
  EXPECT_EQ(s.id, GetParam());
}

TEST(HandshakeTest, EverySessionIsNew) {
  const Peers peers;
  ClientHandshake one = peers.start("1"), two = peers.start("2");
  ServerHandshake first = peers.accept(one.first(), "1").value(), second = peers.accept(two.first(), "2").value();
  EXPECT_NE(first.id(), second.id());
  Established a = first.finish(*peers.answer(one, first.second()), kNow, peers.gate).value();
  Established b = second.finish(*peers.answer(two, second.second()), kNow, peers.gate).value();
  EXPECT_FALSE(same(a.secrets.client, b.secrets.client));
  EXPECT_EQ(a.peer, b.peer) << "one client may hold many sessions";
  EXPECT_TRUE(one.on_fourth(a.fourth).has_value());
  EXPECT_FALSE(two.on_fourth(a.fourth).has_value());
}

TEST(HandshakeTest, ARetriedM1GivesAnotherSession) {
  const Peers peers;
  const ClientHandshake client = peers.start("x");
  const ServerHandshake one = peers.accept(client.first(), "1").value();
  const ServerHandshake two = peers.accept(client.first(), "2").value();
  EXPECT_NE(one.id(), two.id());
}

TEST(HandshakeTest, ClocksMayBeFiveMinutesApartAndNoMore) {
  const Peers peers;
  const ClientHandshake client = peers.start("x");
  EXPECT_TRUE(peers.accept(client.first(), "x", kNow + seconds(300)));
  EXPECT_TRUE(peers.accept(client.first(), "x", kNow - seconds(300)));
  EXPECT_EQ(peers.accept(client.first(), "x", kNow + seconds(301)).error().code, ErrorCode::refused);
  EXPECT_EQ(peers.accept(client.first(), "x", kNow - seconds(301)).error().code, ErrorCode::refused);
}

TEST(HandshakeTest, AnotherServersFingerprintIsNamedAtOnce) {
  const Peers peers;
  NamedRandom random("x");
  Digest other = peers.server.fingerprint();
  other[31] ^= 1;
  const ClientHandshake client =
      ClientHandshake::start(peers.client_policy, peers.client_key, other, kNow, random).value();
  const auto refused = peers.accept(client.first(), "x");
  EXPECT_EQ(refused.error().code, ErrorCode::mismatch);
  EXPECT_EQ(*ServerHandshake::expected_server(client.first()), other);
}

/// The server in the middle has a good key of its own and is willing to be anybody.
TEST(HandshakeTest, AServerWithAnotherKeyIsFoundOutByTheClient) {
  const Peers peers;
  ClientHandshake client = peers.start("x");
  NamedRandom random("impostor");
  const Identity impostor = Identity::create(make_key("impostor"), {}, {}, random).value();
  // It changes the expectation in M1 to itself, as it can: M1 is not sealed.
  First first = *read_first(client.first());
  Hello hello = *read_hello(first.hello);
  hello.expected_server = impostor.fingerprint();
  const Bytes changed = encode_first(encode(hello), {});
  const ServerHandshake server = ServerHandshake::accept(peers.server_policy, impostor, changed, kNow, random).value();
  EXPECT_EQ(peers.answer(client, server.second()).error().code, ErrorCode::integrity);
}

TEST(HandshakeTest, NobodyUnknownComesIn) {
  const Peers peers;
  const ListGate nobody({});
  ClientHandshake client = peers.start("x");
  ServerHandshake server = peers.accept(client.first(), "x").value();
  const auto refused = server.finish(*peers.answer(client, server.second()), kNow, nobody);
  EXPECT_EQ(refused.error().code, ErrorCode::unauthorised);
  EXPECT_EQ(refused.error().message, kSessionRejected);
  EXPECT_EQ(server.rejection(), Rejection::unknown_client);
  EXPECT_EQ(*server.claimed_peer(), peers.client_fingerprint());
  EXPECT_EQ(nobody.asked, 1);
}

TEST(HandshakeTest, M3IsTakenOnceAndInTime) {
  const Peers peers;
  for (const bool late : {false, true}) {
    ClientHandshake client = peers.start("x");
    ServerHandshake server = peers.accept(client.first(), "x").value();
    const Bytes third = *peers.answer(client, server.second());
    const auto one = server.finish(third, kNow + kHalfOpenLifetime + seconds(late ? 1 : 0), peers.gate);
    EXPECT_EQ(one.has_value(), !late);
    EXPECT_EQ(server.rejection(), late ? Rejection::late : Rejection::none);
    const auto two = server.finish(third, kNow, peers.gate);
    EXPECT_EQ(two.error().message, kSessionRejected);
    EXPECT_EQ(server.rejection(), Rejection::spent);
  }
}

TEST(HandshakeTest, AClientMachineTakesEachMessageOnce) {
  const Peers peers;
  ClientHandshake client = peers.start("x");
  ServerHandshake server = peers.accept(client.first(), "x").value();
  EXPECT_FALSE(client.on_fourth(server.second()).has_value());
  const Bytes third = *peers.answer(client, server.second());
  EXPECT_FALSE(peers.answer(client, server.second()).has_value());
  const Established at_server = server.finish(third, kNow, peers.gate).value();
  EXPECT_TRUE(client.on_fourth(at_server.fourth).has_value());
  EXPECT_FALSE(client.on_fourth(at_server.fourth).has_value());
}

TEST(HandshakeTest, TheServerChoosesByItsOwnPreference) {
  const crypto::SigningKey key = make_key("client", crypto::SignatureAlgorithm::ml_dsa_87);
  NamedRandom random("x");
  IdentitySettings settings;
  settings.suites = {SuiteId::mlkem1024_p384, SuiteId::mlkem1024};
  const Identity identity =
      Identity::create(make_key("server", crypto::SignatureAlgorithm::ml_dsa_87), settings, {}, random).value();
  ClientPolicy policy;
  policy.suites = {SuiteId::mlkem1024, SuiteId::mlkem1024_p384};
  ClientHandshake client = ClientHandshake::start(policy, key, identity.fingerprint(), kNow, random).value();
  ServerHandshake server = ServerHandshake::accept({}, identity, client.first(), kNow, random).value();
  const ListGate gate({key.verify_key().fingerprint()});
  const Established at_server = server.finish(*client.on_second(server.second(), kNow, random), kNow, gate).value();
  EXPECT_EQ(at_server.suite, SuiteId::mlkem1024_p384);
  EXPECT_TRUE(agree(*client.on_fourth(at_server.fourth), at_server));
}

TEST(HandshakeTest, AStrippedOfferIsFoundOut) {
  const crypto::SigningKey key = make_key("client", crypto::SignatureAlgorithm::ml_dsa_87);
  NamedRandom random("x");
  IdentitySettings settings;
  settings.suites = {SuiteId::mlkem1024_p384, SuiteId::mlkem1024};
  const Identity identity =
      Identity::create(make_key("server", crypto::SignatureAlgorithm::ml_dsa_87), settings, {}, random).value();
  ClientPolicy policy;
  policy.suites = {SuiteId::mlkem1024_p384, SuiteId::mlkem1024};
  ClientHandshake client = ClientHandshake::start(policy, key, identity.fingerprint(), kNow, random).value();
  const First first = *read_first(client.first());
  Hello hello = *read_hello(first.hello);
  hello.offers.erase(hello.offers.begin());
  const Bytes stripped = encode_first(encode(hello), {});
  const ServerHandshake server = ServerHandshake::accept({}, identity, stripped, kNow, random).value();
  EXPECT_EQ(client.on_second(server.second(), kNow, random).error().code, ErrorCode::integrity);
}

TEST(HandshakeTest, NoCommonSuiteIsSaidAndLaterSuitesAreSkipped) {
  const Peers peers;
  ClientHandshake client = peers.start("x");
  const First first = *read_first(client.first());
  Hello hello = *read_hello(first.hello);
  const Bytes later(100, 1);
  hello.offers.insert(hello.offers.begin(), Offer{4711, later});
  EXPECT_TRUE(peers.accept(encode_first(encode(hello), {}), "x"));
  hello.offers.pop_back();
  EXPECT_EQ(peers.accept(encode_first(encode(hello), {}), "x").error().code, ErrorCode::unsupported);
}

TEST(HandshakeTest, GatedSuitesAreTakenOnlyByName) {
  const crypto::SigningKey key = make_key("client", crypto::SignatureAlgorithm::ml_dsa_87);
  NamedRandom random("x");
  const ClientHandshake client = ClientHandshake::start({}, key, {}, kNow, random).value();
  const Hello hello = *read_hello(read_first(client.first())->hello);
  ASSERT_EQ(hello.offers.size(), 1u);
  EXPECT_EQ(hello.offers[0].suite, 2u);
  const Identity identity =
      Identity::create(make_key("server", crypto::SignatureAlgorithm::ml_dsa_87), {}, {}, random).value();
  EXPECT_EQ(identity.settings().suites, std::vector{SuiteId::mlkem1024_p384});
}

TEST(HandshakeTest, SuitesAndKeysMustFit) {
  NamedRandom random("x");
  const crypto::SigningKey small = make_key("client");
  ClientPolicy policy;
  policy.suites = {SuiteId::mlkem1024_p384};
  EXPECT_EQ(ClientHandshake::start(policy, small, {}, kNow, random).error().code, ErrorCode::mismatch);
  policy.suites = {SuiteId::mlkem768_x25519, SuiteId::mlkem768_x25519};
  EXPECT_EQ(ClientHandshake::start(policy, small, {}, kNow, random).error().code, ErrorCode::invalid_argument);
  IdentitySettings settings;
  settings.suites = {SuiteId::mlkem1024};
  EXPECT_EQ(Identity::create(make_key("server"), settings, {}, random).error().code, ErrorCode::mismatch);
}

TEST(HandshakeTest, ABindingToTlsHoldsOrTheHandshakeEnds) {
  Peers peers;
  TlsExporter ours{}, theirs{};
  theirs[0] = 1;
  const ClientHandshake unbound = peers.start("x");
  peers.client_policy.tls_exporter = ours;
  const ClientHandshake bound = peers.start("x");
  const Arrival same_connection{.address = {}, .tls_exporter = ours}, other{.address = {}, .tls_exporter = theirs};
  EXPECT_TRUE(peers.accept(bound.first(), "x", kNow, same_connection));
  EXPECT_EQ(peers.accept(bound.first(), "x", kNow, other).error().code, ErrorCode::refused);
  EXPECT_EQ(peers.accept(bound.first(), "x", kNow, {}).error().code, ErrorCode::refused) << "a proxy is between";
  EXPECT_TRUE(peers.accept(unbound.first(), "x", kNow, same_connection));
  peers.server_policy.require_tls_exporter = true;
  EXPECT_EQ(peers.accept(unbound.first(), "x", kNow, same_connection).error().code, ErrorCode::refused);
}

TEST(HandshakeTest, AnOlderEpochThanWasSeenIsRefused) {
  Peers peers;
  peers.client_policy.minimum_epoch = 2;
  ClientHandshake client = peers.start("x");
  const ServerHandshake server = peers.accept(client.first(), "x").value();
  EXPECT_EQ(peers.answer(client, server.second()).error().code, ErrorCode::refused);
}

TEST(HandshakeTest, ARotatedClientIsLetInByItsOldKey) {
  Peers peers;
  const crypto::SigningKey next = make_key("next client");
  NamedRandom random("x");
  const RotationLink link = sign_rotation(KeyOwner::client, peers.client_key, next.verify_key(), kNow, random).value();
  ClientPolicy policy;
  policy.rotations = {link};
  for (const bool with_chain : {true, false}) {
    if (!with_chain) policy.rotations.clear();
    ClientHandshake client = ClientHandshake::start(policy, next, peers.server.fingerprint(), kNow, random).value();
    ServerHandshake server = peers.accept(client.first(), "x").value();
    const auto done = server.finish(*client.on_second(server.second(), kNow, random), kNow, peers.gate);
    ASSERT_EQ(done.has_value(), with_chain);
    if (!with_chain) continue;
    EXPECT_EQ(done->peer, next.verify_key().fingerprint());
    EXPECT_EQ(done->peer_previous, std::vector{peers.client_fingerprint()});
  }
  // A server's hand-over is none of a client's.
  policy.rotations = {sign_rotation(KeyOwner::server, peers.client_key, next.verify_key(), kNow, random).value()};
  EXPECT_FALSE(ClientHandshake::start(policy, next, peers.server.fingerprint(), kNow, random).has_value());
}

TEST(HandshakeTest, KemKeysThatAreNoneAreRefusedBeforeAnythingIsComputed) {
  const Peers peers;
  const ClientHandshake client = peers.start("x");
  const First first = *read_first(client.first());
  const Hello hello = *read_hello(first.hello);
  const auto with_key = [&](const Bytes& key) {
    Hello changed = hello;
    changed.offers[0].public_key = key;
    return peers.accept(encode_first(encode(changed), {}), "x");
  };
  Bytes key(hello.offers[0].public_key.begin(), hello.offers[0].public_key.end());
  EXPECT_TRUE(with_key(key));
  Bytes short_key = key;
  short_key.pop_back();
  EXPECT_EQ(with_key(short_key).error().code, ErrorCode::malformed);
  Bytes not_reduced = key;
  not_reduced[0] = not_reduced[1] = 0xff;  // a coefficient of 0xfff is above q
  EXPECT_EQ(with_key(not_reduced).error().code, ErrorCode::malformed);
  Bytes small_order = key;
  std::fill(small_order.end() - 32, small_order.end(), std::uint8_t{0});
  EXPECT_EQ(with_key(small_order).error().code, ErrorCode::malformed);
}

TEST(HandshakeTest, AHalfOpenHandshakeIsSmall) {
  const Peers peers;
  const ClientHandshake client = peers.start("x");
  ServerHandshake server = peers.accept(client.first(), "x").value();
  EXPECT_GT(server.memory_bytes(), server.second().size());
  server.drop_second();
  RecordProperty("bytes", static_cast<int>(server.memory_bytes()));
  EXPECT_LE(server.memory_bytes() + sizeof(ServerHandshake), 512u);
  EXPECT_LE(sizeof(Established), 512u);
}

TEST(HandshakeTest, LimitsOutsideTheirBoundsAreTheOperatorsMistake) {
  Peers peers;
  const ClientHandshake client = peers.start("x");
  peers.server_policy.lifetime = kMaxSessionLifetime + seconds(1);
  EXPECT_EQ(peers.accept(client.first(), "x").error().code, ErrorCode::invalid_argument);
  peers.server_policy = {};
  peers.server_policy.rekey_after_records = 0;
  EXPECT_EQ(peers.accept(client.first(), "x").error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace prism::channel
