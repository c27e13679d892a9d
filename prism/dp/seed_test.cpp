#include "prism/dp/seed.h"

#include <gtest/gtest.h>

#include <set>

namespace prism::dp {
namespace {

NoiseSeed some_seed() {
  NoiseSeed::Key key = {};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return NoiseSeed::from_bytes(key);
}

class FixedBytes : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = next_++;
    return {};
  }

 private:
  std::uint8_t next_ = 0;
};

class NoBytes : public Random {
 public:
  Status fill(MutableByteView) override { return fail(ErrorCode::io, "no randomness"); }
};

TEST(NoiseSeed, StreamIsChaCha20UnderAnHmacOfTagDrawAndGroup) {
  const std::uint64_t draw = 0x0102030405060708;
  const Bytes key_bytes = [] {
    Bytes out(32);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
    return out;
  }();
  Bytes message(as_bytes("prism dp noise v1").begin(), as_bytes("prism dp noise v1").end());
  for (const std::uint8_t byte : Bytes{8, 7, 6, 5, 4, 3, 2, 1, 1}) message.push_back(byte);
  for (const char c : std::string_view("Nantes")) message.push_back(static_cast<std::uint8_t>(c));
  const Digest key = hash::hmac_sha256(key_bytes, message);
  hash::ChaCha20Stream expected(key, hash::ChaCha20Nonce{});
  DrawStream stream = some_seed().stream(draw, as_bytes("Nantes"));
  for (int i = 0; i < 20; ++i) ASSERT_EQ(stream.next_word(), expected.next_word());
}

TEST(NoiseSeed, EveryDrawAndGroupHasItsOwnStream) {
  const NoiseSeed seed = some_seed();
  std::set<std::uint64_t> first;
  std::size_t streams = 0;
  for (const std::uint64_t draw : {0ULL, 1ULL, 256ULL, 1ULL << 63}) {
    first.insert(seed.stream(draw).next_word());
    ++streams;
    const std::uint8_t zero[] = {0}, zeros[] = {0, 0}, number[] = {0, 1, 0, 0, 0, 0, 0, 0, 0};
    for (const ByteView key : {ByteView(), ByteView(zero), ByteView(zeros), ByteView(number)}) {
      first.insert(seed.stream(draw, key).next_word());
      ++streams;
    }
  }
  EXPECT_EQ(first.size(), streams);
  NoiseSeed::Key other = {};
  EXPECT_NE(NoiseSeed::from_bytes(other).stream(0).next_word(), seed.stream(0).next_word());
}

TEST(NoiseSeed, OrderOfGroupsChangesNothing) {
  const NoiseSeed seed = some_seed();
  std::vector<std::uint64_t> forwards, backwards;
  for (std::uint8_t group = 0; group < 50; ++group) forwards.push_back(seed.stream(3, {&group, 1}).next_word());
  for (std::uint8_t group = 50; group-- > 0;) {
    DrawStream stream = seed.stream(3, {&group, 1});
    backwards.insert(backwards.begin(), stream.next_word());
    static_cast<void>(stream.next_word());  // nor does how much another group took
  }
  EXPECT_EQ(forwards, backwards);
}

TEST(NoiseSeed, FreshTakesThirtyTwoBytesFromTheSourceOrFails) {
  FixedBytes bytes;
  EXPECT_EQ(NoiseSeed::fresh(bytes).value().stream(9).next_word(), some_seed().stream(9).next_word());
  EXPECT_NE(NoiseSeed::fresh(bytes).value().stream(9).next_word(), some_seed().stream(9).next_word());
  NoBytes none;
  const auto failed = NoiseSeed::fresh(none);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::io);
}

}  // namespace
}  // namespace prism::dp
