#include "prism/crypto/chunked.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using testing_support::RepeatableRandom;

constexpr std::size_t kSizes[] = {0, 1, kChunkBytes - 1, kChunkBytes, kChunkBytes + 1, 3 * kChunkBytes, 100'000};

Bytes random_bytes(RepeatableRandom& random, std::size_t size) {
  Bytes out(size);
  EXPECT_TRUE(random.fill(out));
  return out;
}
Key256 key_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return Key256(bytes);
}

TEST(ChunkedTest, LengthsAreMappedOneToOne) {
  for (std::uint64_t plain = 0; plain < 3 * kChunkBytes; ++plain)
    ASSERT_EQ(chunked_plain_bytes(chunked_sealed_bytes(plain)), plain);
  std::uint64_t hits = 0;
  for (std::uint64_t sealed = 0; sealed < 2 * kSealedChunkBytes + 200; ++sealed)
    if (const auto plain = chunked_plain_bytes(sealed)) {
      ++hits;
      ASSERT_EQ(chunked_sealed_bytes(*plain), sealed);
    }
  EXPECT_EQ(hits, 2 * kChunkBytes + (200 - kChunkedHeadBytes - kTagBytes));
  EXPECT_FALSE(chunked_plain_bytes(~std::uint64_t{0}));
  EXPECT_EQ(chunked_plain_bytes(chunked_sealed_bytes(kMaxChunks * kChunkBytes - 1)), kMaxChunks * kChunkBytes - 1);
  EXPECT_FALSE(chunked_plain_bytes(chunked_sealed_bytes(kMaxChunks * kChunkBytes)));
}

TEST(ChunkedTest, StreamsGiveTheSameBytesHoweverTheyAreCut) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RepeatableRandom random(seed);
    const Bytes plain = random_bytes(random, kSizes[seed % std::size(kSizes)]);
    const Key256 key = key_of(7);
    ChunkSalt salt;
    ASSERT_TRUE(random.fill(salt));
    testing_support::KnownRandom known(Bytes(salt.begin(), salt.end()));
    const auto whole = chunked_seal(key, as_bytes("context"), plain, known);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->size(), chunked_sealed_bytes(plain.size()));

    auto sealer = ChunkSealer::start(key, as_bytes("context"), salt);
    ASSERT_TRUE(sealer);
    Bytes sealed(sealer->head().begin(), sealer->head().end());
    for (ByteView rest = plain; !rest.empty();) {
      const ByteView piece = rest.first(std::min(rest.size(), 1 + random.below(40'000)));
      rest = rest.subspan(piece.size());
      Bytes out(sealer->update_bytes(piece.size()));
      const auto written = sealer->update(piece, out);
      ASSERT_TRUE(written);
      EXPECT_EQ(*written, out.size());
      sealed.insert(sealed.end(), out.begin(), out.end());
    }
    Bytes last(sealer->finish_bytes());
    ASSERT_TRUE(sealer->finish(last));
    sealed.insert(sealed.end(), last.begin(), last.end());
    EXPECT_EQ(sealed, *whole);

    ChunkedHead head;
    std::copy_n(sealed.begin(), head.size(), head.begin());
    auto opener = ChunkOpener::start(key, as_bytes("context"), head);
    ASSERT_TRUE(opener);
    Bytes opened;
    for (ByteView rest = ByteView(sealed).subspan(head.size()); !rest.empty();) {
      const ByteView piece = rest.first(std::min(rest.size(), 1 + random.below(40'000)));
      rest = rest.subspan(piece.size());
      Bytes out(opener->update_bytes(piece.size()));
      const auto written = opener->update(piece, out);
      ASSERT_TRUE(written);
      EXPECT_EQ(*written, out.size());
      opened.insert(opened.end(), out.begin(), out.end());
    }
    Bytes end(opener->finish_bytes());
    ASSERT_TRUE(opener->finish(end));
    opened.insert(opened.end(), end.begin(), end.end());
    EXPECT_EQ(opened, plain);
  }
}

TEST(ChunkedTest, EveryChangeIsNoticedInTheSameWords) {
  RepeatableRandom random(30);
  const Bytes plain = random_bytes(random, 3 * kChunkBytes + 100);
  const Key256 key = key_of(9);
  const auto sealed = chunked_seal(key, as_bytes("context"), plain, random);
  ASSERT_TRUE(sealed);
  std::string words;
  const auto refuses = [&](const Key256& with, std::string_view context, const Bytes& message) {
    const auto opened = chunked_open(with, as_bytes(context), message);
    if (opened || opened.error().code != ErrorCode::unauthorised) return false;
    if (words.empty()) words = opened.error().message;
    return words == opened.error().message;
  };
  const auto chunk = [&](std::size_t i) {
    const auto from = sealed->begin() + static_cast<std::ptrdiff_t>(kChunkedHeadBytes + i * kSealedChunkBytes);
    return Bytes(from, i < 3 ? from + kSealedChunkBytes : sealed->end());
  };
  const auto built = [&](std::initializer_list<std::size_t> chunks) {
    Bytes out(sealed->begin(), sealed->begin() + kChunkedHeadBytes);
    for (const std::size_t i : chunks) {
      const Bytes c = chunk(i);
      out.insert(out.end(), c.begin(), c.end());
    }
    return out;
  };
  ASSERT_EQ(built({0, 1, 2, 3}), *sealed);
  EXPECT_TRUE(refuses(key_of(8), "context", *sealed));
  EXPECT_TRUE(refuses(key, "contexu", *sealed));
  EXPECT_TRUE(refuses(key, "", *sealed));
  EXPECT_TRUE(refuses(key, "context", built({0, 1, 2}))) << "the last chunk is missing";
  EXPECT_TRUE(refuses(key, "context", built({0, 2, 1, 3})));
  EXPECT_TRUE(refuses(key, "context", built({0, 1, 1, 3})));
  EXPECT_TRUE(refuses(key, "context", built({0, 1, 2, 3, 3})));
  EXPECT_TRUE(refuses(key, "context", built({1, 2, 3})));
  EXPECT_TRUE(refuses(key, "context", built({3})));
  EXPECT_TRUE(refuses(key, "context", built({})));
  for (int i = 0; i < 300; ++i) {
    Bytes bad = *sealed;
    const std::size_t at = i < 60 ? static_cast<std::size_t>(i) : random.below(bad.size());
    bad[at] ^= static_cast<std::uint8_t>(1 << random.below(8));
    EXPECT_TRUE(refuses(key, "context", bad)) << "byte " << at;
    const std::size_t keep = random.below(sealed->size());
    EXPECT_TRUE(refuses(key, "context", Bytes(sealed->begin(), sealed->begin() + static_cast<std::ptrdiff_t>(keep))))
        << keep;
  }
}

TEST(ChunkedTest, AnOpenerThatFailedStaysFailedAndGivesNothingOfTheBadChunk) {
  RepeatableRandom random(31);
  const Key256 key = key_of(3);
  const Bytes plain = random_bytes(random, 3 * kChunkBytes);
  auto sealed = chunked_seal(key, {}, plain, random);
  ASSERT_TRUE(sealed);
  (*sealed)[kChunkedHeadBytes + kSealedChunkBytes + 5] ^= 1;  // in the second chunk
  ChunkedHead head;
  std::copy_n(sealed->begin(), head.size(), head.begin());
  auto opener = ChunkOpener::start(key, {}, head);
  ASSERT_TRUE(opener);
  const ByteView body = ByteView(*sealed).subspan(head.size());
  Bytes out(3 * kChunkBytes, 0xee);
  EXPECT_FALSE(opener->update(body, out));
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + kChunkBytes, plain.begin()));
  EXPECT_EQ(Bytes(out.begin() + kChunkBytes, out.begin() + 2 * kChunkBytes), Bytes(kChunkBytes, 0));
  EXPECT_FALSE(opener->update(body.subspan(2 * kSealedChunkBytes), out));
  EXPECT_FALSE(opener->finish(out));
}

TEST(ChunkedTest, ChunksWorkInPlaceAndInAnyOrder) {
  RepeatableRandom random(32);
  const Key256 key = key_of(4);
  ChunkSalt salt{};
  auto cipher = ChunkCipher::make(key, {}, salt);
  ASSERT_TRUE(cipher);
  const Bytes plain = random_bytes(random, kChunkBytes);
  for (const std::uint64_t number :
       {std::uint64_t{3}, std::uint64_t{0}, (std::uint64_t{1} << 32) + 1, kMaxChunks - 1}) {
    Bytes work = plain;
    work.resize(kSealedChunkBytes);
    ASSERT_TRUE(cipher->seal_chunk(number, ByteView(work).first(kChunkBytes), work));
    Bytes elsewhere = work;
    EXPECT_FALSE(cipher->open_chunk(number ^ 1, elsewhere, MutableByteView(elsewhere).first(kChunkBytes)));
    ASSERT_TRUE(cipher->open_chunk(number, work, MutableByteView(work).first(kChunkBytes)));
    work.resize(kChunkBytes);
    EXPECT_EQ(work, plain);
  }
  Bytes out(kSealedChunkBytes);
  EXPECT_EQ(cipher->seal_chunk(kMaxChunks, plain, out).error().code, ErrorCode::exhausted);
  EXPECT_EQ(ChunkSealer::start(key, Bytes(kMaxChunkedContextBytes + 1), salt).error().code,
            ErrorCode::invalid_argument);
  EXPECT_TRUE(ChunkSealer::start(key, Bytes(kMaxChunkedContextBytes), salt));
}

}  // namespace
}  // namespace prism::crypto
