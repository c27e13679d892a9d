// The key schedule against RFC 8448 in form, and against itself in separation.
#include "prism/channel/key_schedule.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "prism/channel/internal/transcript.h"
#include "prism/crypto/hash.h"
#include "prism/crypto/kdf.h"

namespace prism::channel {
namespace {

constexpr secret::RevealKey kReveal{};

TranscriptHash filled(std::uint8_t value) {
  TranscriptHash out;
  out.fill(value);
  return out;
}

TEST(KeyScheduleTest, ExpandLabelIsTheStructureOfTheStandard) {
  TrafficSecret secret(filled(7));
  const Bytes context{1, 2, 3};
  std::array<std::uint8_t, 32> out{}, by_hand{};
  ASSERT_TRUE(expand_label(secret, "key", context, out));
  // uint16 32, a string of 10 bytes, a string of 3 bytes.
  Bytes info{0, 32, 10};
  for (const char c : std::string("prism1 key")) info.push_back(static_cast<std::uint8_t>(c));
  info.insert(info.end(), {3, 1, 2, 3});
  ASSERT_TRUE(crypto::hkdf_expand_sha384(secret, info, by_hand));
  EXPECT_EQ(out, by_hand);
}

TEST(KeyScheduleTest, TheEarlySecretIsThatOfTls13WithoutAPsk) {
  // RFC 8446's Early Secret for SHA-384 depends on no label: HKDF-Extract(0, 0).
  const TranscriptHash zeros{};
  EXPECT_EQ(to_hex(extract(zeros, zeros)->reveal(kReveal)),
            "7ee8206f5570023e6dc7519eb1073bc4e791ad37b5c382aa10ba18e2357e716971f9362f2c2fe2a76bfd78dfec4ea9b5");
  EXPECT_EQ(extract({}, zeros)->reveal(kReveal), extract(zeros, zeros)->reveal(kReveal));
}

TEST(KeyScheduleTest, EverySecretOfASessionIsAnother) {
  const std::array<std::uint8_t, 32> shared{1};
  const HandshakeSecrets secrets = HandshakeSecrets::derive(shared, filled(1)).value();
  const TrafficSecrets application = secrets.application(filled(2)).value();
  std::set<std::string> seen;
  const auto see = [&](ByteView bytes) { EXPECT_TRUE(seen.insert(to_hex(bytes)).second); };
  for (const TrafficSecret* s : {&application.client, &application.server, &application.exporter, &application.rekey})
    see(s->reveal(kReveal));
  for (const TrafficKey& key :
       {secrets.client_key().value(), secrets.server_key().value(), secrets.fourth_key(filled(2)).value(),
        traffic_key(application.client).value(), traffic_key(application.server).value()}) {
    see(key.key.reveal(kReveal));
    see(key.iv.reveal(kReveal));
  }
  see(secrets.client_finished(filled(2)).value());
  see(secrets.server_finished(filled(2)).value());
  EXPECT_EQ(seen.size(), 16u);
}

TEST(KeyScheduleTest, EveryInputCounts) {
  std::array<std::uint8_t, 32> shared{};
  const auto client = [&](std::uint8_t hello, std::uint8_t all) {
    return to_hex(HandshakeSecrets::derive(shared, filled(hello))->application(filled(all))->client.reveal(kReveal));
  };
  const std::string one = client(1, 2);
  EXPECT_EQ(one, client(1, 2));
  EXPECT_NE(one, client(1, 3));
  shared[31] = 1;
  EXPECT_NE(one, client(1, 2));
}

TEST(TranscriptTest, TagsAndLengthsKeepDifferentConversationsApart) {
  const Bytes ab{1, 2}, a{1}, b{2};
  std::set<std::string> seen;
  const auto see = [&](const std::vector<std::pair<Part, Bytes>>& parts) {
    Transcript transcript;
    for (const auto& [part, bytes] : parts) transcript.absorb(part, bytes);
    EXPECT_TRUE(seen.insert(to_hex(transcript.hash())).second);
  };
  see({});
  see({{Part::first, ab}});
  see({{Part::second_header, ab}});
  see({{Part::first, a}, {Part::first, b}});
  see({{Part::first, a}, {Part::second_header, b}});
  see({{Part::first, ab}, {Part::first, {}}});
  see({{Part::first, {}}, {Part::first, ab}});
}

TEST(TranscriptTest, IsTheFormulaOfTheDocument) {
  const Bytes part(300, 9);
  Transcript transcript;
  Bytes input(transcript.hash().begin(), transcript.hash().end());
  input.insert(input.end(), {3, 0, 0, 0, 0, 0, 0, 1, 44});
  input.insert(input.end(), part.begin(), part.end());
  EXPECT_EQ(transcript.absorb(Part::server_identity, part), crypto::sha384(input));
}

}  // namespace
}  // namespace prism::channel
