// Whoever talks to one of the machines says anything. The first byte picks machine and state:
//   0 M1 to a server         1 M3 to a server           2 M2 to a client        3 M4 to a client
//   4 a bundle               5 a chain of rotations     6 a file of pins        7 a Retry to a client
//   8 a good message, changed at places that the input names: nobody may take it
//   9 the input inside a well sealed M3                10 the input inside a well sealed M2
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "prism/channel/cookie.h"
#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/seal_once.h"
#include "prism/channel/internal/test_peers.h"
#include "prism/channel/internal/transcript.h"
#include "prism/channel/pin.h"
#include "prism/crypto/kem.h"

namespace {

using namespace prism;
using namespace prism::channel;
using namespace prism::channel::test;

void require(bool holds) {
  if (!holds) std::abort();
}

/// One handshake whose messages and keys are known.
struct World {
  Peers peers;
  Bytes first, second, third, fourth;
  HandshakeSecrets secrets;
  TranscriptHash hello_hash{}, answered{};
  Bytes bundle;

  World() {
    ClientHandshake client = peers.start("a");
    first = client.first();
    ServerHandshake server = peers.accept(first, "a").value();
    second = server.second();
    third = peers.answer(client, second).value();
    fourth = server.finish(third, kNow, peers.gate)->fourth;
    NamedRandom random("bundle");
    bundle = peers.server.bundle(kNow, random)->bytes();

    // The machine's first randomness is its KEM key's seed.
    NamedRandom again("client a");
    const auto kem = crypto::KemSecretKey::generate(crypto::Kem::mlkem768_x25519, again).value();
    const Second message = read_second(second).value();
    const auto shared = kem.decapsulate(read_second_header(message.header)->ciphertext).value();
    Transcript transcript;
    transcript.absorb(Part::first, first);
    hello_hash = transcript.absorb(Part::second_header, message.header);
    secrets = HandshakeSecrets::derive(shared.reveal(secret::RevealKey{}), hello_hash).value();
    const Bytes opened = open_once(*secrets.server_key(), hello_hash, message.sealed).value();
    const Proof proof = read_proof(opened, suite(SuiteId::mlkem768_x25519).signature_bytes).value();
    transcript.absorb(Part::server_identity, proof.identity);
    transcript.absorb(Part::server_signature, proof.signature);
    answered = transcript.absorb(Part::server_finished, proof.finished);
  }
  ServerHandshake server() const { return peers.accept(first, "a").value(); }
  ClientHandshake client() const { return peers.start("a"); }
};

const World& world() {
  static const World the_world;
  return the_world;
}

bool server_takes(ByteView third) {
  ServerHandshake server = world().server();
  const auto done = server.finish(third, kNow, world().peers.gate);
  if (!done) require(done.error().message == kSessionRejected && server.rejection() != Rejection::none);
  require(!server.finish(third, kNow, world().peers.gate).has_value());
  return done.has_value();
}

bool client_takes(ByteView second) {
  ClientHandshake client = world().client();
  const bool taken = world().peers.answer(client, second).has_value();
  require(client.session().has_value() == taken);
  require(!world().peers.answer(client, second).has_value());
  return taken;
}

bool client_ends(ByteView fourth) {
  ClientHandshake client = world().client();
  require(world().peers.answer(client, world().second).has_value());
  return client.on_fourth(fourth).has_value();
}

/// Pairs of a position (two bytes) and a value that changes what is there.
void change_and_try(ByteView input) {
  if (input.size() < 4) return;
  const Bytes* const originals[] = {&world().first, &world().second, &world().third, &world().fourth, &world().bundle};
  const std::size_t which = input[0] % 5;
  Bytes changed = *originals[which];
  for (std::size_t i = 1; i + 3 <= input.size(); i += 3)
    changed[(std::size_t{input[i]} << 8 | input[i + 1]) % changed.size()] ^= input[i + 2];
  const bool same = changed == *originals[which];
  switch (which) {
    case 0:
      // M1 is not sealed: a server may answer a changed one. The client does not take that answer.
      if (const auto server = world().peers.accept(changed, "a")) require(client_takes(server->second()) == same);
      return;
    case 1:
      return require(client_takes(changed) == same);
    case 2:
      return require(server_takes(changed) == same);
    case 3:
      return require(client_ends(changed) == same);
    default:
      return require(IdentityBundle::open(changed).has_value() == same);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  const Bytes bytes(input.begin(), input.end());
  switch (data[0]) {
    case 0: {
      const auto server = world().peers.accept(input, "a");
      const auto wanted = ServerHandshake::expected_server(input);
      if (server) require(*wanted == world().peers.server.fingerprint());
      break;
    }
    case 1:
      require(server_takes(input) == (bytes == world().third));
      break;
    case 2:
      require(client_takes(input) == (bytes == world().second));
      break;
    case 3:
      require(client_ends(input) == (bytes == world().fourth));
      break;
    case 4:
      if (const auto bundle = IdentityBundle::open(input)) require(bundle->bytes() == bytes);
      break;
    case 5:
      if (const auto links = decode_rotations(input)) require(encode_rotations(*links) == bytes);
      break;
    case 6:
      if (const auto pins = PinStore::decode(as_text(input))) {
        const std::string text = pins->encode();
        require(PinStore::decode(text)->encode() == text);
      }
      break;
    case 7: {
      ClientHandshake client = world().client();
      const Bytes before = client.first();
      if (!client.on_retry(input)) require(client.first() == before);
      require(read_first(client.first()).has_value());
      break;
    }
    case 8:
      change_and_try(input);
      break;
    case 9:
      if (input.size() + 100 < kMaxThirdBytes) {
        const Bytes sealed = seal_once(*world().secrets.client_key(), world().answered, input).value();
        // No input holds a signature over this handshake but the one that is known.
        server_takes(encode(Third{read_third(world().third)->session, sealed}));
      }
      break;
    case 10:
      if (input.size() + 2000 < kMaxSecondBytes) {
        const Bytes sealed = seal_once(*world().secrets.server_key(), world().hello_hash, input).value();
        client_takes(encode(Second{read_second(world().second)->header, sealed}));
      }
      break;
    default:
      break;
  }
  return 0;
}
