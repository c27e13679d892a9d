// The worked examples of docs/protocol.md. The values there were computed by another program, in another language.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "prism/channel/epoch_keys.h"
#include "prism/channel/internal/session_fixture.h"
#include "prism/channel/rekey.h"
#include "prism/hash/sha256.h"

namespace prism::channel {
namespace {

using namespace testing_support;
using secret::RevealKey;

class Constant final : public Random {
 public:
  explicit Constant(std::uint8_t value) : value_(value) {}
  Status fill(MutableByteView out) override {
    std::fill(out.begin(), out.end(), value_);
    return {};
  }

 private:
  std::uint8_t value_;
};

constexpr const char* kRequest =
    "0101001000112233445566778899aabbccddeeff0000000000000000000000006170706c69636174696f6e2f6a736f6e"
    "8614853da4abda420df357c9c0f1b8729c2ad1fa560277a07a0373e0b68d39a4049225";
constexpr const char* kAnswer =
    "0101011000112233445566778899aabbccddeeff0000000000000000000000006170706c69636174696f6e2f63626f72"
    "5d1a0f8287cf5eba881514ec0d2bf04022";

TEST(ProtocolExample, RequestAndAnswer) {
  Pair pair;
  Constant random(0x5a);
  const auto request = pair.client.seal(request_binding(), as_bytes(R"({"operation":"sum"})"), kStart, random);
  ASSERT_TRUE(request);
  EXPECT_EQ(to_hex(*request), kRequest);
  const auto opened = pair.server.open(request_binding(), *request, kStart);
  ASSERT_TRUE(opened);
  const auto answer = pair.server.seal(answer_binding(opened->id), Bytes{0xa0}, kStart, random);
  ASSERT_TRUE(answer);
  EXPECT_EQ(to_hex(*answer), kAnswer);
}

TEST(ProtocolExample, AdditionalData) {
  RecordHeader header;
  header.session = established().id;
  header.content_type = "application/json";
  EXPECT_EQ(to_hex(record_aad(encode_record_header(header), request_binding())),
            "707269736d2f76312f7265636f7264"
            "0101001000112233445566778899aabbccddeeff0000000000000000000000006170706c69636174696f6e2f6a736f6e"
            "00000004504f5354"
            "0000000f2f6170692f76312f636f6d70757465"
            "00000020c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
            "000000200000000000000000000000000000000000000000000000000000000000000000"
            "000000066d6f6e646179");
}

TEST(ProtocolExample, Stream) {
  Pair pair;
  Constant random(0x5a);
  ASSERT_TRUE(pair.client.seal({"GET", "/", ""}, {}, kStart, random));  // sequence 0
  std::string path = "/api/v1/data/";
  for (int i = 0; i < 32; ++i) path += "ab";
  path += "?offset=0&size=20000";
  Bytes body(20'000);
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(i % 251);
  auto sealer = pair.client.begin_seal({"PUT", path, "application/octet-stream"}, kStart, random);
  ASSERT_TRUE(sealer);
  Bytes record = sealer->head();
  EXPECT_EQ(to_hex(ByteView(record).last(32)), "15289f671435e7ac5b04a459ce74a25353c67f705a3bfc82559ef0d02ee8da14");
  Bytes out(StreamSealer::update_bound(body.size()));
  const auto most = sealer->update(body, out);
  ASSERT_TRUE(most);
  record.insert(record.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*most));
  const auto last = sealer->finish(out);
  ASSERT_TRUE(last);
  record.insert(record.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*last));
  EXPECT_EQ(record.size(), 20'144u);
  EXPECT_EQ(to_hex(hash::sha256(record)), "c89ef3f8ec2b4611094e2bb6edef90b9837a4ad779824fbb03704032c26c7a68");
}

TEST(ProtocolExample, Update) {
  Pair pair;
  Constant random(0);
  ASSERT_TRUE(pair.client.update(kStart));
  const auto record =
      pair.client.seal({"GET", "/api/v1/jobs/00000000000000000000000000000000", ""}, {}, kStart, random);
  ASSERT_TRUE(record);
  EXPECT_EQ(to_hex(*record),
            "0101000000112233445566778899aabbccddeeff000000010000000000000000fa57d1873a3379d5da55f9460ea02547");
  const auto key = traffic_key(expand_secret(counting_secret(0), "traffic upd", {}).value());
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->key.reveal(RevealKey{})), "47ca83e26a4313c0449acdc23a33ff552dfd5fed41711fb33d0b50be34227ace");
}

TEST(ProtocolExample, FreshKeys) {
  const Bytes first = encode_rekey({1, 1, Bytes(1216, 0x11)});
  const Bytes second = encode_rekey({1, 1, Bytes(1120, 0x22)});
  std::array<std::uint8_t, 32> shared;
  shared.fill(0x77);
  const auto next = next_secrets(counting_secret(0x60), crypto::SharedSecret(shared), first, second);
  ASSERT_TRUE(next);
  EXPECT_EQ(to_hex(next->client.reveal(RevealKey{})),
            "56dea4747609b20e34d3e9e5a1e39f399b768cd3fbd124b712e39719f655ea4e1566bda6b997df8c540c896b65c368e5");
  EXPECT_EQ(to_hex(next->server.reveal(RevealKey{})),
            "77e51800041e172cd11d088aef761e5a2bfa2c2036780f5c469e51d5deb770038ec6d1afb57baef4ce46a46b62a966d3");
  EXPECT_EQ(to_hex(next->rekey.reveal(RevealKey{})),
            "16d4cc273c05e46999a2f0a78eb4ac9ea95f5e8154517b944cd1decd57cd6cc63f5a1837b83c1c43632da90393973aa8");
}

}  // namespace
}  // namespace prism::channel
