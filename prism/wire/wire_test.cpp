// Reader and Writer.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::wire {
namespace {

TEST(WriterTest, IsLittleEndian) {
  Writer writer;
  writer.u16(0x0102);
  writer.u32(0x03040506);
  writer.u64(0x0708090a0b0c0d0e);
  writer.i64(-2);
  EXPECT_EQ(to_hex(writer.view()),
            "020106050403"
            "0e0d0c0b0a090807"
            "feffffffffffffff");
}

TEST(ReaderTest, ReadsBackWhatAWriterWrote) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t a = random();
    const auto signed_a = static_cast<std::int64_t>(random());
    const bool flag = (random() & 1) != 0;
    Bytes blob(random() % 50);
    for (auto& byte : blob) byte = static_cast<std::uint8_t>(random());
    Digest digest;
    for (auto& byte : digest) byte = static_cast<std::uint8_t>(random());

    Writer writer;
    writer.u8(static_cast<std::uint8_t>(a));
    writer.u16(static_cast<std::uint16_t>(a));
    writer.u32(static_cast<std::uint32_t>(a));
    writer.u64(a);
    writer.i64(signed_a);
    writer.boolean(flag);
    writer.bytes(blob);
    writer.string("naïve 😀");
    writer.digest(digest);
    writer.count(3);
    writer.raw(Bytes{1, 2, 3});
    const Bytes bytes = std::move(writer).take();

    Reader reader(bytes);
    EXPECT_EQ(*reader.u8(), static_cast<std::uint8_t>(a));
    EXPECT_EQ(*reader.u16(), static_cast<std::uint16_t>(a));
    EXPECT_EQ(*reader.u32(), static_cast<std::uint32_t>(a));
    EXPECT_EQ(*reader.u64(), a);
    EXPECT_EQ(*reader.i64(), signed_a);
    EXPECT_EQ(*reader.boolean(), flag);
    EXPECT_EQ(*reader.bytes(50), blob);
    EXPECT_EQ(*reader.string(100), "naïve 😀");
    EXPECT_EQ(*reader.digest(), digest);
    EXPECT_EQ(*reader.count(3, 1), 3u);
    EXPECT_EQ(reader.view(3)->size(), 3u);
    EXPECT_TRUE(reader.finish());
  }
}

TEST(ReaderTest, EveryTruncationIsRefusedAndMovesNothing) {
  Writer writer;
  writer.u32(1);
  writer.u64(2);
  writer.string("abc");
  const Bytes bytes = std::move(writer).take();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader reader(ByteView(bytes).first(size));
    const auto first = reader.u32();
    if (size < 4) {
      EXPECT_FALSE(first);
      EXPECT_EQ(reader.position(), 0u);
      continue;
    }
    const auto second = reader.u64();
    if (size < 12) {
      EXPECT_FALSE(second);
      EXPECT_EQ(reader.position(), 4u);
      continue;
    }
    EXPECT_FALSE(reader.string(100)) << size;
    EXPECT_EQ(reader.position(), 12u);
  }
}

TEST(ReaderTest, LengthsAreBoundedByWhatIsLeftAndByTheCaller) {
  for (const std::uint64_t length :
       {std::uint64_t{5}, std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max()}) {
    Writer writer;
    writer.u64(length);
    writer.raw(Bytes(4));
    const Bytes bytes = std::move(writer).take();
    Reader reader(bytes);
    EXPECT_FALSE(reader.bytes(std::numeric_limits<std::uint64_t>::max())) << length;
    EXPECT_EQ(reader.position(), 0u);
  }
  Writer writer;
  writer.bytes(Bytes(4));
  const Bytes bytes = std::move(writer).take();
  EXPECT_EQ(Reader(bytes).bytes(3).error().code, ErrorCode::malformed);
  EXPECT_TRUE(Reader(bytes).bytes(4));
}

TEST(ReaderTest, CountsMustFitIntoWhatIsLeft) {
  Writer writer;
  writer.count(3);
  writer.raw(Bytes(12));
  const Bytes bytes = std::move(writer).take();
  EXPECT_EQ(*Reader(bytes).count(3, 4), 3u);
  EXPECT_FALSE(Reader(bytes).count(2, 4));
  EXPECT_FALSE(Reader(bytes).count(3, 5));
  // A product that wraps around 64 bits must not pass.
  Writer huge;
  huge.u64(std::uint64_t{1} << 62);
  huge.raw(Bytes(16));
  EXPECT_FALSE(Reader(huge.view()).count(std::numeric_limits<std::uint64_t>::max(), 4));
}

TEST(ReaderTest, BooleansAndChoicesHaveOneEncoding) {
  for (int value = 0; value < 256; ++value) {
    const Bytes bytes{static_cast<std::uint8_t>(value)};
    EXPECT_EQ(Reader(bytes).boolean().has_value(), value < 2) << value;
    EXPECT_EQ(Reader(bytes).choice(7).has_value(), value < 7) << value;
  }
}

TEST(ReaderTest, BytesAfterTheEndAreRefused) {
  const Bytes bytes(5);
  Reader reader(bytes, "an answer");
  ASSERT_TRUE(reader.u32());
  EXPECT_EQ(reader.finish().error().message, "an answer has 1 bytes too many, from byte 4 on");
}

TEST(ReaderTest, ErrorsNameTheThingAndThePlaceButNotTheContent) {
  Writer writer;
  writer.u64(7);
  writer.raw(as_bytes("top\xffsecret"));
  const Bytes bytes = std::move(writer).take();
  Reader reader(bytes, "the manifest");
  const Error error = reader.string(100).error();
  EXPECT_EQ(error.message, "the manifest has text that is not UTF-8 at byte 0");
}

TEST(Utf8Test, AcceptsShortestFormsAndNothingElse) {
  for (const std::string_view good :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbb\xbf"})
    EXPECT_TRUE(is_utf8(as_bytes(good))) << to_hex(as_bytes(good));
  for (const std::string_view bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf",
                                     "\xed\xa0\x80", "\xe1\x80", "\xe1\x80\x41", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                     "\xf5\x80\x80\x80", "\xf1\x80\x80", "\xf1\x80\x80\xc0", "\xff", "a\xfe"})
    EXPECT_FALSE(is_utf8(as_bytes(bad))) << to_hex(as_bytes(bad));
}

// Every code point through a second encoder, and its neighbours that are no code points.
TEST(Utf8Test, AcceptsEveryCodePoint) {
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    Bytes bytes;
    const auto push = [&](std::uint32_t b) { bytes.push_back(static_cast<std::uint8_t>(b)); };
    if (c < 0x80) {
      push(c);
    } else if (c < 0x800) {
      push(0xC0 | (c >> 6)), push(0x80 | (c & 63));
    } else if (c < 0x10000) {
      push(0xE0 | (c >> 12)), push(0x80 | ((c >> 6) & 63)), push(0x80 | (c & 63));
    } else {
      push(0xF0 | (c >> 18)), push(0x80 | ((c >> 12) & 63)), push(0x80 | ((c >> 6) & 63)), push(0x80 | (c & 63));
    }
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(is_utf8(bytes), !surrogate) << c;
  }
}

TEST(WriterTest, GrownBytesAreZeroAndWritable) {
  Writer writer;
  writer.u8(1);
  MutableByteView space = writer.grow(3);
  ASSERT_EQ(space.size(), 3u);
  space[2] = 9;
  EXPECT_EQ(to_hex(writer.view()), "01000009");
}

TEST(WriterDeathTest, TextMustBeUtf8) {
  Writer writer;
  EXPECT_DEATH(writer.string("\xff"), "UTF-8");
}

}  // namespace
}  // namespace prism::wire
