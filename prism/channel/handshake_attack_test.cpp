// Somebody between the peers drops, changes, cuts, repeats and mixes messages. In every case both sides agree on
// everything, or no side gets a session that the other does not have; and no failure tells more than the table in
// docs/protocol.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "prism/channel/handshake.h"
#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/test_peers.h"

namespace prism::channel {
namespace {

using namespace test;
using std::chrono::seconds;

using Change = std::function<void(Bytes&)>;

struct Outcome {
  std::optional<Established> client, server;
  bool second_sent = false, third_sent = false, fourth_sent = false;
};

/// One handshake in which each message is changed on its way. The names make it repeatable.
Outcome run(const Peers& peers, const Change& first, const Change& second, const Change& third, const Change& fourth) {
  Outcome out;
  ClientHandshake client = peers.start("a");
  Bytes m1 = client.first();
  first(m1);
  auto server = peers.accept(m1, "a");
  if (!server) return out;
  out.second_sent = true;
  Bytes m2 = server->second();
  second(m2);
  auto m3 = peers.answer(client, m2);
  if (!m3) return out;
  out.third_sent = true;
  third(*m3);
  auto established = server->finish(*m3, kNow, peers.gate);
  if (!established) {
    EXPECT_EQ(established.error().code, ErrorCode::unauthorised);
    EXPECT_EQ(established.error().message, kSessionRejected);
    EXPECT_NE(server->rejection(), Rejection::none);
    return out;
  }
  out.fourth_sent = true;
  Bytes m4 = established->fourth;
  out.server = std::move(*established);
  fourth(m4);
  if (auto at_client = client.on_fourth(m4)) out.client = std::move(*at_client);
  return out;
}

const Change kAsIs = [](Bytes&) {};
Change flip(std::size_t bit) {
  return [bit](Bytes& message) { message[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8)); };
}
Change cut(std::size_t size) {
  return [size](Bytes& message) { message.resize(size); };
}

struct Sizes {
  std::size_t first, second, third, fourth;
};
Sizes sizes(const Peers& peers) {
  Sizes out{};
  const auto measure = [](std::size_t& size) { return [&size](Bytes& message) { size = message.size(); }; };
  const Outcome honest = run(peers, measure(out.first), measure(out.second), measure(out.third), measure(out.fourth));
  EXPECT_TRUE(honest.client && honest.server && agree(*honest.client, *honest.server));
  return out;
}

TEST(HandshakeAttackTest, EveryFlippedByteOfM1EndsBeforeM3) {
  const Peers peers;
  const std::size_t size = sizes(peers).first;
  for (std::size_t i = 0; i < size; ++i) {
    const Outcome out = run(peers, flip(8 * i + i % 8), kAsIs, kAsIs, kAsIs);
    ASSERT_FALSE(out.third_sent) << "byte " << i;
  }
}

TEST(HandshakeAttackTest, EveryCutOfM1IsRefusedByTheServer) {
  const Peers peers;
  const ClientHandshake client = peers.start("a");
  for (std::size_t size = 0; size < client.first().size(); ++size) {
    const auto refused = peers.accept(ByteView(client.first()).first(size), "a");
    ASSERT_FALSE(refused.has_value()) << size;
    ASSERT_EQ(refused.error().code, ErrorCode::malformed) << size;
  }
  Bytes longer = client.first();
  longer.push_back(0);
  EXPECT_EQ(peers.accept(longer, "a").error().code, ErrorCode::malformed);
}

/// The client's machine for the same name is the same machine, so one M2 serves for all changes of it.
TEST(HandshakeAttackTest, EveryFlippedByteAndEveryCutOfM2EndsInTheClient) {
  const Peers peers;
  const Bytes second = peers.accept(peers.start("a").first(), "a")->second();
  for (std::size_t i = 0; i < second.size(); ++i) {
    ClientHandshake client = peers.start("a");
    Bytes changed = second;
    flip(8 * i + i % 8)(changed);
    const auto refused = peers.answer(client, changed);
    ASSERT_FALSE(refused.has_value()) << "byte " << i;
    ASSERT_FALSE(client.session());
    ASSERT_FALSE(peers.answer(client, second).has_value()) << "a machine that refused is spent";
  }
  for (std::size_t size = 0; size < second.size(); ++size) {
    if (size > 80 && size + 80 < second.size() && size % 16 != 0) continue;  // inside a string all cuts are alike
    ClientHandshake client = peers.start("a");
    ASSERT_FALSE(peers.answer(client, ByteView(second).first(size)).has_value()) << size;
  }
}

TEST(HandshakeAttackTest, EveryFlippedByteAndEveryCutOfM3IsOneRejection) {
  const Peers peers;
  ClientHandshake client = peers.start("a");
  const Bytes first = client.first();
  const Bytes third = *peers.answer(client, peers.accept(first, "a")->second());
  const auto rejected = [&](const Bytes& changed) {
    ServerHandshake server = *peers.accept(first, "a");
    const auto refused = server.finish(changed, kNow, peers.gate);
    return !refused && refused.error().code == ErrorCode::unauthorised && refused.error().detail.empty() &&
           refused.error().message == kSessionRejected && server.rejection() != Rejection::none;
  };
  // Making M2 costs the server a signature each time; inside the sealed part a byte is like the other.
  for (std::size_t i = 0; i < third.size(); ++i) {
    if (i > 48 && i + 48 < third.size() && i % 8 != 0) continue;
    Bytes changed = third;
    flip(8 * i + i / 8 % 8)(changed);
    ASSERT_TRUE(rejected(changed)) << "byte " << i;
  }
  for (std::size_t size = 0; size < third.size(); ++size) {
    if (size > 48 && size + 48 < third.size() && size % 64 != 0) continue;
    ASSERT_TRUE(rejected(Bytes(third.begin(), third.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
  ServerHandshake server = *peers.accept(first, "a");
  EXPECT_TRUE(server.finish(third, kNow, peers.gate)) << "and unchanged it is accepted";
}

TEST(HandshakeAttackTest, EveryFlippedBitAndEveryCutOfM4LeavesTheClientWithout) {
  const Peers peers;
  const std::size_t size = sizes(peers).fourth;
  for (std::size_t bit = 0; bit < 8 * size; ++bit) {
    const Outcome out = run(peers, kAsIs, kAsIs, kAsIs, flip(bit));
    ASSERT_TRUE(out.server && !out.client) << "bit " << bit;
  }
  for (std::size_t shorter = 0; shorter < size; ++shorter)
    ASSERT_FALSE(run(peers, kAsIs, kAsIs, kAsIs, cut(shorter)).client) << shorter;
}

TEST(HandshakeAttackTest, RandomChangesOfAnyMessageNeverDivideThePeers) {
  const Peers peers;
  const Sizes size = sizes(peers);
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 150; ++round) {
    std::array<Change, 4> changes{kAsIs, kAsIs, kAsIs, kAsIs};
    const std::array<std::size_t, 4> lengths{size.first, size.second, size.third, size.fourth};
    const std::size_t which = random() % 4;
    changes[which] = [&](Bytes& message) {
      switch (random() % 4) {
        case 0:
          return flip(random() % (8 * message.size()))(message);
        case 1:
          return message.resize(random() % message.size());
        case 2:
          return message.push_back(static_cast<std::uint8_t>(random()));
        default: {
          const std::size_t at = random() % message.size();
          const std::size_t end = at + 1 + random() % (message.size() - at);
          for (std::size_t i = at; i < end; ++i) message[i] ^= static_cast<std::uint8_t>(1 + random() % 255);
        }
      }
    };
    ASSERT_GT(lengths[which], 0u);
    const Outcome out = run(peers, changes[0], changes[1], changes[2], changes[3]);
    ASSERT_FALSE(out.client) << "message " << which + 1;
    ASSERT_EQ(out.server.has_value(), which == 3);
  }
}

/// Three sessions at once, one of another client: each message of one is given to the others at every step.
TEST(HandshakeAttackTest, MessagesOfOtherSessionsAreNeverTaken) {
  Peers peers, other;
  other.client_key = make_key("other client");
  peers.gate = ListGate({peers.client_fingerprint(), other.client_fingerprint()});
  struct Session {
    Bytes first, second, third, fourth;
  };
  const auto clients = [&](std::size_t i) { return (i == 2 ? other : peers).start(std::to_string(i)); };
  const auto servers = [&](const Bytes& first, std::size_t i) { return *peers.accept(first, std::to_string(i)); };
  std::vector<Session> sessions(3);
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    Session& s = sessions[i];
    ClientHandshake client = clients(i);
    s.first = client.first();
    ServerHandshake server = servers(s.first, i);
    s.second = server.second();
    s.third = *peers.answer(client, s.second);
    Established established = *server.finish(s.third, kNow, peers.gate);
    s.fourth = established.fourth;
    EXPECT_TRUE(agree(*client.on_fourth(s.fourth), established)) << i;
  }
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    for (std::size_t j = 0; j < sessions.size(); ++j) {
      const Session& theirs = sessions[j];
      // A client takes only its own M2, and no other kind of message.
      for (const Bytes* message : {&theirs.first, &theirs.second, &theirs.third, &theirs.fourth}) {
        ClientHandshake client = clients(i);
        EXPECT_EQ(peers.answer(client, *message).has_value(), i == j && message == &theirs.second) << i << j;
        ServerHandshake server = servers(sessions[i].first, i);
        EXPECT_EQ(server.finish(*message, kNow, peers.gate).has_value(), i == j && message == &theirs.third) << i << j;
        ClientHandshake waiting = clients(i);
        ASSERT_TRUE(peers.answer(waiting, sessions[i].second));
        EXPECT_EQ(waiting.on_fourth(*message).has_value(), i == j && message == &theirs.fourth) << i << j;
        EXPECT_EQ(peers.accept(*message, "again").has_value(), message == &theirs.first);
      }
      // The session id of one around the sealed part of another.
      if (i == j) continue;
      Third mixed = *read_third(theirs.third);
      mixed.session = read_third(sessions[i].third)->session;
      ServerHandshake server = servers(sessions[i].first, i);
      EXPECT_FALSE(server.finish(encode(mixed), kNow, peers.gate).has_value());
      // The session id of another around its own sealed part.
      Third misplaced = *read_third(sessions[i].third);
      misplaced.session = read_third(theirs.third)->session;
      ServerHandshake again = servers(sessions[i].first, i);
      EXPECT_FALSE(again.finish(encode(misplaced), kNow, peers.gate).has_value());
      EXPECT_EQ(again.rejection(), Rejection::malformed);
    }
  }
}

/// The same M1 a second time gets a half-open handshake that nobody but the client can finish, and it does not.
TEST(HandshakeAttackTest, AReplayedConversationGivesTheServerNoSession) {
  const Peers peers;
  ClientHandshake client = peers.start("a");
  ServerHandshake server = *peers.accept(client.first(), "a");
  const Bytes third = *peers.answer(client, server.second());
  ASSERT_TRUE(server.finish(third, kNow, peers.gate));
  ServerHandshake replayed = *peers.accept(client.first(), "b", kNow + seconds(10));
  EXPECT_FALSE(replayed.finish(third, kNow + seconds(10), peers.gate).has_value());
  EXPECT_EQ(peers.accept(client.first(), "c", kNow + seconds(301)).error().code, ErrorCode::refused);
}

}  // namespace
}  // namespace prism::channel
