// The worked example of docs/protocol.md: one handshake whose every input is known. Its values stand in
// docs/handshake-example.json, from which other implementations check themselves.
//
// The values between the messages are computed here step by step, as the page says it; the machines must have arrived
// at the same session.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/seal_once.h"
#include "prism/channel/internal/test_peers.h"
#include "prism/channel/internal/transcript.h"
#include "prism/crypto/hash.h"
#include "prism/crypto/kem.h"
#include "prism/hash/sha256.h"

namespace prism::channel {
namespace {

using namespace test;

constexpr secret::RevealKey kReveal{};

class Json {
 public:
  void add(const std::string& name, ByteView bytes) { line(name, '"' + to_hex(bytes) + '"'); }
  void add(const std::string& name, const TrafficSecret& secret) { add(name, ByteView(secret.reveal(kReveal))); }
  void add(const std::string& name, const TrafficKey& key) {
    add(name + " key", ByteView(key.key.reveal(kReveal)));
    add(name + " iv", ByteView(key.iv.reveal(kReveal)));
  }
  void line(const std::string& name, const std::string& value) {
    text_ += (text_.empty() ? "{\n  \"" : ",\n  \"") + name + "\": " + value;
  }
  std::string take() const { return text_ + "\n}\n"; }

 private:
  std::string text_;
};

TEST(ProtocolExample, HandshakeIsAsDocumented) {
  NamedRandom key_random("prism example keys");
  const auto algorithm = crypto::SignatureAlgorithm::ml_dsa_65;
  crypto::SigningKey server_key = crypto::SigningKey::generate(algorithm, key_random).value();
  const crypto::SigningKey client_key = crypto::SigningKey::generate(algorithm, key_random).value();
  Json out;
  out.add("server signing seed", server_key.reveal_seed(kReveal));
  out.add("client signing seed", client_key.reveal_seed(kReveal));
  IdentitySettings settings;
  settings.server_id = "example";
  settings.epoch = 7;
  NamedRandom server_random("prism example server");
  const Identity identity = Identity::create(std::move(server_key), settings, {}, server_random).value();
  out.add("server fingerprint", identity.fingerprint());
  out.add("client fingerprint", client_key.verify_key().fingerprint());
  const IdentityBundle bundle = identity.bundle(kNow, server_random).value();
  out.add("bundle", bundle.bytes());

  ClientPolicy policy;
  policy.name = "notebook";
  NamedRandom client_random("prism example client");
  ClientHandshake client =
      ClientHandshake::start(policy, client_key, identity.fingerprint(), kNow, client_random).value();
  ServerHandshake server = ServerHandshake::accept({}, identity, client.first(), kNow, server_random).value();
  const Bytes second = server.second();
  const Bytes third = client.on_second(second, kNow, client_random).value();
  const ListGate gate({client_key.verify_key().fingerprint()});
  const Established at_server = server.finish(third, kNow, gate).value();
  const Established at_client = client.on_fourth(at_server.fourth).value();
  ASSERT_TRUE(agree(at_client, at_server));

  // The client's first 32 bytes of randomness are its KEM key's seed.
  NamedRandom again("prism example client");
  std::array<std::uint8_t, 32> kem_seed{};
  ASSERT_TRUE(again.fill(kem_seed));
  const auto kem_key = crypto::KemSecretKey::from_seed(crypto::Kem::mlkem768_x25519, kem_seed).value();
  const First first = read_first(client.first()).value();
  const Hello hello = read_hello(first.hello).value();
  out.add("client KEM seed", kem_seed);
  out.add("client random", hello.random);
  out.line("time", std::to_string(kNow.count()));
  out.add("M1", client.first());

  const Second message = read_second(second).value();
  const SecondHeader header = read_second_header(message.header).value();
  out.add("M2", second);
  out.add("session id", header.session);
  out.add("server random", header.random);
  const crypto::SharedSecret shared = kem_key.decapsulate(header.ciphertext).value();
  out.add("ss", ByteView(shared.reveal(kReveal)));

  Transcript transcript;
  out.add("T0", transcript.hash());
  out.add("T1", transcript.absorb(Part::first, client.first()));
  const TranscriptHash t2 = transcript.absorb(Part::second_header, message.header);
  out.add("T2", t2);
  const TrafficSecret zeros;
  const TrafficSecret early = extract(zeros.reveal(kReveal), zeros.reveal(kReveal)).value();
  const TrafficSecret early_salt = next_salt(early).value();
  const TrafficSecret hs = extract(early_salt.reveal(kReveal), shared.reveal(kReveal)).value();
  const TrafficSecret c_hs = expand_secret(hs, "c hs", t2).value();
  const TrafficSecret s_hs = expand_secret(hs, "s hs", t2).value();
  const TrafficSecret master_salt = next_salt(hs).value();
  const TrafficSecret master = extract(master_salt.reveal(kReveal), zeros.reveal(kReveal)).value();
  out.add("ES", early);
  out.add("HS", hs);
  out.add("c hs", c_hs);
  out.add("s hs", s_hs);
  out.add("MS", master);
  const TrafficKey server_traffic = traffic_key(s_hs).value();
  out.add("s hs", server_traffic);
  const Bytes server_proof = open_once(server_traffic, t2, message.sealed).value();
  out.add("M2 opened", server_proof);
  const Proof proof = read_proof(server_proof, 3309).value();
  const TranscriptHash t3 = transcript.absorb(Part::server_identity, proof.identity);
  EXPECT_TRUE(identity.key().verify_key().verify(t3, "prism/v1/server-auth", proof.signature));
  const TranscriptHash t4 = transcript.absorb(Part::server_signature, proof.signature);
  const TrafficSecret server_finished_key = expand_secret(s_hs, "finished", {}).value();
  EXPECT_EQ(crypto::hmac_sha384(server_finished_key.reveal(kReveal), t4), proof.finished);
  const TranscriptHash t5 = transcript.absorb(Part::server_finished, proof.finished);
  out.add("T3", t3);
  out.add("T4", t4);
  out.add("s finished key", server_finished_key);
  out.add("s finished", proof.finished);
  out.add("T5", t5);

  out.add("M3", third);
  const TrafficKey client_traffic = traffic_key(c_hs).value();
  out.add("c hs", client_traffic);
  const Third sealed_third = read_third(third).value();
  const Bytes client_proof = open_once(client_traffic, t5, sealed_third.sealed).value();
  out.add("M3 opened", client_proof);
  const Proof answer = read_proof(client_proof, 3309).value();
  const TranscriptHash t6 = transcript.absorb(Part::client_identity, answer.identity);
  EXPECT_TRUE(client_key.verify_key().verify(t6, "prism/v1/client-auth", answer.signature));
  const TranscriptHash t7 = transcript.absorb(Part::client_signature, answer.signature);
  const TrafficSecret client_finished_key = expand_secret(c_hs, "finished", {}).value();
  EXPECT_EQ(crypto::hmac_sha384(client_finished_key.reveal(kReveal), t7), answer.finished);
  const TranscriptHash t8 = transcript.absorb(Part::client_finished, answer.finished);
  out.add("T6", t6);
  out.add("T7", t7);
  out.add("c finished key", client_finished_key);
  out.add("c finished", answer.finished);
  out.add("T8", t8);

  const TrafficSecret done = expand_secret(master, "s done", t8).value();
  out.add("s done", done);
  out.add("s done", traffic_key(done).value());
  out.add("M4", at_server.fourth);
  out.add("M4 opened", open_once(traffic_key(done).value(), t8, read_fourth(at_server.fourth).value()).value());
  out.add("c ap", expand_secret(master, "c ap", t8).value());
  out.add("s ap", expand_secret(master, "s ap", t8).value());
  out.add("exp", expand_secret(master, "exp", t8).value());
  out.add("rekey", expand_secret(master, "rekey", t8).value());
  EXPECT_TRUE(same(at_client.secrets.client, expand_secret(master, "c ap", t8).value()));
  EXPECT_TRUE(same(at_client.secrets.server, expand_secret(master, "s ap", t8).value()));
  EXPECT_TRUE(same(at_client.secrets.exporter, expand_secret(master, "exp", t8).value()));
  EXPECT_TRUE(same(at_client.secrets.rekey, expand_secret(master, "rekey", t8).value()));

  const std::string path = PRISM_SOURCE_DIR "/docs/handshake-example.json";
  std::ostringstream documented;
  documented << std::ifstream(path).rdbuf();
  const std::string computed = out.take();
  if (documented.str() == computed) return;
  const std::string here = testing::TempDir() + "handshake-example.json";
  std::ofstream(here) << computed;
  FAIL() << path << " says otherwise than " << here << ", which was computed now";
}

/// Whoever changes a byte of any message or a secret of any suite sees it here.
TEST(ProtocolExample, EverySuiteKeepsItsBytes) {
  const std::vector<std::pair<SuiteId, std::string>> recorded{
      {SuiteId::mlkem768_x25519, "ebbc53a3974108ed8bed02b883b757e228f1f4ba649f4e129a0746b7d848741c"},
      {SuiteId::mlkem1024_p384, "4dfab99725573044d25004a8208c73e9f391396dcdb19e1f343d515717396697"},
      {SuiteId::mlkem1024, "9241e0eb11bf34ff92055926553f3294cf73a501a572e6e27da0b4e3f6c9dcbc"}};
  for (const auto& [id, digest] : recorded) {
    const Peers peers(id);
    ClientHandshake client = peers.start("recorded");
    ServerHandshake server = peers.accept(client.first(), "recorded").value();
    const Bytes third = peers.answer(client, server.second()).value();
    const Established done = server.finish(third, kNow, peers.gate).value();
    hash::Sha256 all;
    all.update(client.first()).update(server.second()).update(third).update(done.fourth);
    for (const TrafficSecret* secret :
         {&done.secrets.client, &done.secrets.server, &done.secrets.exporter, &done.secrets.rekey})
      all.update(ByteView(secret->reveal(kReveal)));
    EXPECT_EQ(to_hex(all.finish()), digest) << "suite " << static_cast<int>(id);
  }
}

}  // namespace
}  // namespace prism::channel
