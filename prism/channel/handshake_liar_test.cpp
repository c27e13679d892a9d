// Peers that hold good keys and lie about one thing; a machine without randomness; what a dead machine still holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "prism/channel/handshake.h"
#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/seal_once.h"
#include "prism/channel/internal/test_peers.h"
#include "prism/channel/internal/transcript.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/key_file.h"

namespace prism::channel {
namespace {

using namespace test;
using std::chrono::seconds;

/// A client written for this test, so that it can lie: every proof but one is good.
struct Liar {
  enum class Lie { none, signature, finished, key, context, server_transcript, name, form };

  static Bytes third(const Peers& peers, const ServerHandshake& server, const Bytes& first,
                     const crypto::KemSecretKey& kem, Lie lie) {
    const Second message = *read_second(server.second());
    const SecondHeader header = *read_second_header(message.header);
    const crypto::SharedSecret shared = *kem.decapsulate(header.ciphertext);
    Transcript transcript;
    transcript.absorb(Part::first, first);
    const TranscriptHash hello = transcript.absorb(Part::second_header, message.header);
    const HandshakeSecrets secrets = *HandshakeSecrets::derive(shared.reveal(secret::RevealKey{}), hello);
    const Bytes opened = *open_once(*secrets.server_key(), hello, message.sealed);
    const Proof theirs = *read_proof(opened, suite(header.suite).signature_bytes);
    const TranscriptHash server_signed = transcript.absorb(Part::server_identity, theirs.identity);
    transcript.absorb(Part::server_signature, theirs.signature);
    const TranscriptHash answered = transcript.absorb(Part::server_finished, theirs.finished);
    const crypto::SigningKey other = make_key("mallory");
    const crypto::SigningKey& signer = lie == Lie::key ? other : peers.client_key;
    const Bytes identity =
        encode_client_identity(lie == Lie::name ? "two words" : "liar", peers.client_key.verify_key().raw(), {});
    const TranscriptHash ours = transcript.absorb(Part::client_identity, identity);
    NamedRandom random("liar");
    Bytes signature = *signer.sign(lie == Lie::server_transcript ? server_signed : ours,
                                   lie == Lie::context ? kServerContext : kClientContext, random);
    if (lie == Lie::signature) signature[100] ^= 1;
    Finished finished = *secrets.client_finished(transcript.absorb(Part::client_signature, signature));
    if (lie == Lie::finished) finished[47] ^= 1;
    Bytes plain = encode(Proof{identity, signature, finished});
    if (lie == Lie::form) plain.push_back(0);
    return encode(Third{header.session, *seal_once(*secrets.client_key(), answered, plain)});
  }
};

TEST(HandshakeAttackTest, EachFalseProofIsNamedToTheAuditAndLooksTheSameOutside) {
  using Lie = Liar::Lie;
  const Peers peers;
  const std::vector<std::pair<Lie, Rejection>> lies{{Lie::none, Rejection::none},
                                                    {Lie::signature, Rejection::bad_signature},
                                                    {Lie::finished, Rejection::bad_finished},
                                                    {Lie::key, Rejection::bad_signature},
                                                    {Lie::context, Rejection::bad_signature},
                                                    {Lie::server_transcript, Rejection::bad_signature},
                                                    {Lie::name, Rejection::bad_identity},
                                                    {Lie::form, Rejection::bad_identity}};
  for (const auto& [lie, reason] : lies) {
    NamedRandom random("liar's KEM key");
    const auto kem = *crypto::KemSecretKey::generate(crypto::Kem::mlkem768_x25519, random);
    Hello hello{};
    hello.offers = {{1, kem.public_key()}};
    hello.expected_server = peers.server.fingerprint();
    hello.time = kNow;
    const Bytes first = encode_first(encode(hello), {});
    ServerHandshake server = *peers.accept(first, "x");
    const int asked_before = peers.gate.asked;
    const auto done = server.finish(Liar::third(peers, server, first, kem, lie), kNow, peers.gate);
    EXPECT_EQ(done.has_value(), lie == Lie::none);
    EXPECT_EQ(server.rejection(), reason) << name_of(server.rejection());
    EXPECT_EQ(peers.gate.asked, asked_before + 1) << "the work is the same, whatever is wrong";
    if (!done) {
      EXPECT_EQ(done.error().message, kSessionRejected);
    }
  }
}

/// A server written for this test, so that it can lie. Everything but one thing is as it should be.
struct LyingServer {
  enum class Lie { none, signature, finished, key, impostor, context, suite, form, limits };

  LyingServer(const Peers& who, const Bytes& m1, Lie what) : peers(who), lie(what) {
    NamedRandom random("lying server");
    const Hello hello = *read_hello(read_first(m1)->hello);
    const auto sent = *crypto::encapsulate(crypto::Kem::mlkem768_x25519, hello.offers[0].public_key, random);
    SecondHeader header{};
    header.suite = SuiteId::mlkem768_x25519;
    header.ciphertext = sent.ciphertext;
    Bytes header_bytes = encode(header);
    // A suite that was not offered has another length of ciphertext, too.
    const Bytes longer(suite(SuiteId::mlkem1024).kem_ciphertext_bytes);
    if (lie == Lie::suite) header_bytes = encode(SecondHeader{SuiteId::mlkem1024, {}, {}, longer});
    transcript.absorb(Part::first, m1);
    const TranscriptHash hello_hash = transcript.absorb(Part::second_header, header_bytes);
    secrets = *HandshakeSecrets::derive(sent.secret.reveal(secret::RevealKey{}), hello_hash);
    const crypto::SigningKey other = make_key("mallory");
    const crypto::SigningKey& signer = lie == Lie::key || lie == Lie::impostor ? other : peers.server.key();
    // The impostor says who he is, and all that he says is true.
    const crypto::SigningKey& named = lie == Lie::impostor ? other : peers.server.key();
    const Bytes who_bytes = encode(ServerIdentity{"s", 1, named.verify_key().raw()});
    Bytes signature = *signer.sign(transcript.absorb(Part::server_identity, who_bytes),
                                   lie == Lie::context ? kClientContext : kServerContext, random);
    if (lie == Lie::signature) signature[3000] ^= 1;
    Finished finished = *secrets.server_finished(transcript.absorb(Part::server_signature, signature));
    if (lie == Lie::finished) finished[0] ^= 1;
    transcript.absorb(Part::server_finished, finished);
    Bytes plain = encode(Proof{who_bytes, signature, finished});
    if (lie == Lie::form) plain.push_back(0);
    second = encode(Second{header_bytes, *seal_once(*secrets.server_key(), hello_hash, plain)});
  }

  Bytes fourth(const Bytes& third) {
    const Bytes opened = *open_once(*secrets.client_key(), transcript.hash(), read_third(third)->sealed);
    const Proof proof = *read_proof(opened, suite(SuiteId::mlkem768_x25519).signature_bytes);
    transcript.absorb(Part::client_identity, proof.identity);
    transcript.absorb(Part::client_signature, proof.signature);
    const TranscriptHash all = transcript.absorb(Part::client_finished, proof.finished);
    const Grant grant{lie == Lie::limits ? kMaxSessionLifetime + seconds(1) : seconds(60), seconds(60), 1};
    return encode_fourth(*seal_once(*secrets.fourth_key(all), all, encode(grant)));
  }

  const Peers& peers;
  Lie lie;
  Transcript transcript;
  HandshakeSecrets secrets;
  Bytes second;
};

TEST(HandshakeAttackTest, AServerThatLiesAboutOneThingGetsNoM3) {
  using Lie = LyingServer::Lie;
  const Peers peers;
  for (const Lie lie : {Lie::none, Lie::signature, Lie::finished, Lie::key, Lie::impostor, Lie::context, Lie::suite,
                        Lie::form, Lie::limits}) {
    SCOPED_TRACE(static_cast<int>(lie));
    ClientHandshake client = peers.start("x");
    LyingServer server(peers, client.first(), lie);
    const auto third = peers.answer(client, server.second);
    ASSERT_EQ(third.has_value(), lie == Lie::none || lie == Lie::limits);
    if (!third) {
      EXPECT_EQ(third.error().code, lie == Lie::form       ? ErrorCode::malformed
                                    : lie == Lie::impostor ? ErrorCode::unauthorised
                                                           : ErrorCode::integrity);
      for (const Digest& shown : {peers.server.fingerprint(), make_key("mallory").verify_key().fingerprint()})
        EXPECT_EQ(third.error().message.find(crypto::fingerprint_text(shown)) != std::string::npos,
                  lie == Lie::impostor);
      EXPECT_FALSE(client.session());
      continue;
    }
    const auto done = client.on_fourth(server.fourth(*third));
    EXPECT_EQ(done.has_value(), lie == Lie::none) << "limits outside their bounds are not taken";
  }
}

/// Gives out, as the operating system's may, at the n-th request.
struct EndingRandom : NamedRandom {
  explicit EndingRandom(int n) : NamedRandom("ending"), left(n) {}
  Status fill(MutableByteView out) override {
    if (left-- == 0) return fail(ErrorCode::io, "no randomness");
    return NamedRandom::fill(out);
  }
  int left;
};

TEST(HandshakeAttackTest, NoMessageIsMadeWithoutRandomness) {
  const Peers peers;
  const auto start = [&](Random& random) {
    return ClientHandshake::start(peers.client_policy, peers.client_key, peers.server.fingerprint(), kNow, random);
  };
  const Bytes first = peers.start("x").first();
  const Bytes second = peers.accept(first, "x")->second();
  const auto each = [](auto step) {
    for (int n = 0;; ++n) {
      EndingRandom random(n);
      const auto made = step(random);
      if (made) return n;
      EXPECT_EQ(made.error().code, ErrorCode::io);
    }
  };
  EXPECT_GE(each(start), 2) << "KEM key, random";
  EXPECT_GE(each([&](Random& random) { return ServerHandshake::accept({}, peers.server, first, kNow, random); }), 5)
      << "session, random, both halves of the KEM, signature";
  EXPECT_GE(each([&](Random& random) {
              ClientHandshake client = peers.start("x");
              return client.on_second(second, kNow, random);
            }),
            1)
      << "signature";
}

/// The machine holds one pointer, to a state of memory_bytes(): looks whether `secret` lies there.
bool holds(const ServerHandshake& server, ByteView secret) {
  const std::uint8_t* state = nullptr;
  static_assert(sizeof(server) == sizeof(state));
  std::memcpy(&state, &server, sizeof(state));
  const ByteView memory(state, server.memory_bytes());
  return std::search(memory.begin(), memory.end(), secret.begin(), secret.end()) != memory.end();
}

TEST(HandshakeAttackTest, AServersMachineForgetsItsSecretsWhateverTheOutcome) {
  const Peers peers;
  for (const int outcome : {0, 1, 2}) {
    ClientHandshake client = peers.start("a");
    ServerHandshake server = *peers.accept(client.first(), "a");
    NamedRandom again("client a");
    const auto kem = *crypto::KemSecretKey::generate(crypto::Kem::mlkem768_x25519, again);
    const Second message = *read_second(server.second());
    const auto shared = *kem.decapsulate(read_second_header(message.header)->ciphertext);
    Transcript transcript;
    transcript.absorb(Part::first, client.first());
    const TranscriptHash hello = transcript.absorb(Part::second_header, message.header);
    const TrafficSecret zeros;
    const auto reveal = [](const TrafficSecret& s) { return ByteView(s.reveal(secret::RevealKey{})); };
    const TrafficSecret salt = *next_salt(*extract(reveal(zeros), reveal(zeros)));
    const TrafficSecret hs = *extract(reveal(salt), shared.reveal(secret::RevealKey{}));
    const TrafficSecret client_secret = *expand_secret(hs, "c hs", hello);
    const TrafficSecret master_salt = *next_salt(hs);
    const TrafficSecret master = *extract(reveal(master_salt), reveal(zeros));
    Bytes third = *peers.answer(client, server.second());
    server.drop_second();
    ASSERT_TRUE(holds(server, reveal(client_secret)));
    ASSERT_TRUE(holds(server, reveal(master)));
    ASSERT_FALSE(holds(server, shared.reveal(secret::RevealKey{}))) << "the KEM's secret is gone as soon as it is used";
    if (outcome == 1) third.back() ^= 1;
    const seconds now = outcome == 2 ? kNow + seconds(61) : kNow;
    ASSERT_EQ(server.finish(third, now, peers.gate).has_value(), outcome == 0);
    EXPECT_FALSE(holds(server, reveal(client_secret)));
    EXPECT_FALSE(holds(server, reveal(master)));
  }
}

}  // namespace
}  // namespace prism::channel
