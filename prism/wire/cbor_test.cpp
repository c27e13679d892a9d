// Deterministic CBOR: what is written is the one encoding, and nothing else is read.
#include "prism/wire/cbor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace prism::wire {
namespace {

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

template <class Write>
std::string written(Write write) {
  CborWriter writer;
  write(writer);
  return to_hex(std::move(writer).take());
}

/// RFC 8949, appendix A: those of its examples that are deterministic and that this subset has.
TEST(CborTest, WritesTheExamplesOfTheStandard) {
  const std::vector<std::pair<std::uint64_t, std::string>> numbers{{0, "00"},
                                                                   {1, "01"},
                                                                   {10, "0a"},
                                                                   {23, "17"},
                                                                   {24, "1818"},
                                                                   {25, "1819"},
                                                                   {100, "1864"},
                                                                   {1000, "1903e8"},
                                                                   {1000000, "1a000f4240"},
                                                                   {1000000000000, "1b000000e8d4a51000"},
                                                                   {18446744073709551615u, "1bffffffffffffffff"}};
  for (const auto& [value, hex] : numbers) {
    EXPECT_EQ(written([&, v = value](auto& w) { w.unsigned_integer(v); }), hex);
    const Bytes bytes = from_hex(hex);
    CborReader reader(bytes);
    EXPECT_EQ(*reader.unsigned_integer(), value);
    EXPECT_TRUE(reader.finish());
  }
  const std::vector<std::pair<std::int64_t, std::string>> signed_numbers{
      {-1, "20"}, {-10, "29"}, {-100, "3863"}, {-1000, "3903e7"}, {INT64_MIN, "3b7fffffffffffffff"}, {5, "05"}};
  for (const auto& [value, hex] : signed_numbers) {
    EXPECT_EQ(written([&, v = value](auto& w) { w.integer(v); }), hex);
    const Bytes bytes = from_hex(hex);
    CborReader reader(bytes);
    EXPECT_EQ(*reader.integer(), value);
  }
  EXPECT_EQ(written([](auto& w) { w.boolean(false); }), "f4");
  EXPECT_EQ(written([](auto& w) { w.boolean(true); }), "f5");
  EXPECT_EQ(written([](auto& w) { w.null(); }), "f6");
  EXPECT_EQ(written([](auto& w) { w.bytes(from_hex("01020304")); }), "4401020304");
  EXPECT_EQ(written([](auto& w) { w.text("IETF"); }), "6449455446");
  EXPECT_EQ(written([](auto& w) { w.text("\xc3\xbc"); }), "62c3bc");
  EXPECT_EQ(written([](auto& w) { w.tag(1), w.unsigned_integer(1363896240); }), "c11a514b67b0");
  EXPECT_EQ(written([](auto& w) { w.array(0); }), "80");
  EXPECT_EQ(written([](auto& w) { w.map(0); }), "a0");
  EXPECT_EQ(written([](auto& w) {
              w.array(3), w.unsigned_integer(1), w.array(2), w.unsigned_integer(2), w.unsigned_integer(3), w.array(2);
              w.unsigned_integer(4), w.unsigned_integer(5);
            }),
            "8301820203820405");
  EXPECT_EQ(written([](auto& w) {
              w.map(2), w.text("a"), w.unsigned_integer(1), w.text("b"), w.array(2);
              w.unsigned_integer(2), w.unsigned_integer(3);
            }),
            "a26161016162820203");
}

TEST(CborTest, WritesAndReadsEveryLengthAtTheEdgesOfItsForms) {
  for (const std::size_t size : {0u, 1u, 23u, 24u, 255u, 256u, 65535u, 65536u}) {
    const Bytes blob(size, 7);
    CborWriter writer;
    writer.bytes(blob);
    const Bytes bytes = std::move(writer).take();
    CborReader reader(bytes);
    const auto found = reader.bytes(size, size);
    ASSERT_TRUE(found) << size;
    EXPECT_TRUE(std::equal(found->begin(), found->end(), blob.begin(), blob.end()));
    EXPECT_TRUE(reader.finish());
    CborReader strict(bytes);
    EXPECT_FALSE(strict.bytes(size + 1, size + 9));
  }
}

TEST(CborTest, RefusesEveryOtherEncoding) {
  const std::vector<std::pair<std::string, std::string>> refused{
      {"1800", "23 or less in two bytes"},
      {"1817", "23 in two bytes"},
      {"1900ff", "255 in three bytes"},
      {"1a0000ffff", "65535 in five"},
      {"1b00000000ffffffff", "2^32 - 1 in nine"},
      {"580161", "a length in two bytes"},
      {"9800", "an array's length in two bytes"},
      {"b800", "a map's"},
      {"d801f6", "a tag's"},
      {"5f4101ff", "indefinite bytes"},
      {"7f6161ff", "indefinite text"},
      {"9fff", "an indefinite array"},
      {"bfff", "an indefinite map"},
      {"ff", "a break"},
      {"1c", "a reserved length"},
      {"f7", "undefined"},
      {"f0", "simple value 16"},
      {"f818", "simple value 24"},
      {"f90000", "half a float"},
      {"fa00000000", "a float"},
      {"fb0000000000000000", "a double"},
      {"61ff", "text that is not UTF-8"},
      {"62c080", "an overlong character"},
      {"a201000100", "a key twice"},
      {"a202000100", "keys out of order"},
      {"a261620061610000", "text keys out of order"},
      {"a2410000 0100", "a byte string before an integer"},
      {"a1800000", "an array as key"},
      {"a1a00000", "a map as key"},
      {"a1f500", "true as key"},
      {"a1c10100", "a tagged key"},
      {"0000", "two items"},
      {"81", "an array without its item"},
      {"a100", "a key without its value"},
      {"c1", "a tag of nothing"},
      {"9bffffffffffffffff", "a giant array"},
      {"bbffffffffffffffff00", "a giant map"},
      {"5bffffffffffffffff00", "giant bytes"},
      {"7b7fffffffffffffff00", "giant text"},
      {"818181818181818181 00", "nine arrays inside one another"},
      {"", "nothing"},
  };
  for (const auto& [hex, why] : refused) {
    std::string digits = hex;
    std::erase(digits, ' ');
    const Bytes bytes = from_hex(digits);
    CborReader reader(bytes);
    const bool accepted = reader.skip().has_value() && reader.finish().has_value();
    EXPECT_FALSE(accepted) << why;
  }
  const Bytes eight = from_hex("818181818181818100");
  CborReader reader(eight);
  EXPECT_TRUE(reader.skip());
  EXPECT_TRUE(reader.finish());
}

TEST(CborTest, KeysAreReadByNumberAndMissingOnesAreSeen) {
  CborWriter writer;
  writer.map(3);
  writer.field(1, 10u);
  writer.field(2, as_bytes("two"));
  writer.field(5, std::string_view("five"));
  const Bytes bytes = std::move(writer).take();
  CborReader reader(bytes);
  EXPECT_EQ(*reader.map(1, 5), 3u);
  EXPECT_FALSE(*reader.optional_key(0));
  EXPECT_TRUE(reader.key(1));
  EXPECT_FALSE(*reader.optional_key(10)) << "a value is not a key";
  EXPECT_EQ(*reader.unsigned_integer(), 10u);
  EXPECT_TRUE(*reader.optional_key(2));
  EXPECT_EQ(as_text(*reader.bytes(1, 3)), "two");
  EXPECT_FALSE(reader.key(4));
  EXPECT_FALSE(reader.key(5)) << "nothing is read after an error";
  EXPECT_FALSE(reader.finish());
}

TEST(CborTest, NothingUnreadOrTwiceReadPassesFinish) {
  const Bytes bytes = from_hex("820102");
  CborReader half(bytes);
  EXPECT_TRUE(half.array(2, 2));
  EXPECT_TRUE(half.unsigned_integer());
  EXPECT_FALSE(half.finish());
  CborReader whole(bytes);
  EXPECT_TRUE(whole.array(2, 2) && whole.unsigned_integer() && whole.unsigned_integer());
  EXPECT_FALSE(whole.unsigned_integer());
}

TEST(CborDeathTest, AWriterOutOfOrderIsABrokenInvariant) {
  const auto keys_out_of_order = [] {
    CborWriter w;
    w.map(2);
    w.field(2, 0u);
    w.field(1, 0u);
  };
  const auto half_an_array = [] {
    CborWriter w;
    w.array(2);
    w.null();
    const Bytes b = std::move(w).take();
  };
  const auto two_items = [] {
    CborWriter w;
    w.null();
    w.null();
  };
  EXPECT_DEATH(keys_out_of_order(), "in order");
  EXPECT_DEATH(half_an_array(), "not complete");
  EXPECT_DEATH(two_items(), "one item");
}

/// A random item, written.
void grow(CborWriter& writer, std::mt19937_64& random, int depth) {
  switch (random() % (depth > 0 ? 9 : 6)) {
    case 0:
      return writer.unsigned_integer(random() >> (random() % 64));
    case 1:
      return writer.integer(-static_cast<std::int64_t>(random() >> (1 + random() % 63)) - 1);
    case 2:
      return writer.bytes(Bytes(random() % 40, 1));
    case 3:
      return writer.text(std::string(random() % 40, 'x'));
    case 4:
      return writer.boolean(random() % 2 == 0);
    case 5:
      return writer.null();
    case 6:
      writer.tag(random() >> (random() % 64));
      return grow(writer, random, depth);
    case 7: {
      const std::size_t items = random() % 5;
      writer.array(items);
      for (std::size_t i = 0; i < items; ++i) grow(writer, random, depth - 1);
      return;
    }
    default: {
      const std::size_t pairs = random() % 5;
      writer.map(pairs);
      for (std::size_t i = 0; i < pairs; ++i) {
        writer.unsigned_integer(i * 300 + random() % 300);
        grow(writer, random, depth - 1);
      }
    }
  }
}

TEST(CborTest, WhatIsWrittenIsReadAndNoPrefixIs) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    CborWriter writer;
    grow(writer, random, static_cast<int>(kMaxCborDepth));
    const Bytes bytes = std::move(writer).take();
    CborReader reader(bytes);
    const auto whole = reader.skip();
    ASSERT_TRUE(whole) << whole.error().message << " in " << to_hex(bytes);
    EXPECT_EQ(whole->size(), bytes.size());
    EXPECT_TRUE(reader.finish());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CborReader cut(ByteView(bytes).first(size));
      EXPECT_FALSE(cut.skip().has_value() && cut.finish().has_value()) << to_hex(bytes) << " cut at " << size;
    }
  }
}

}  // namespace
}  // namespace prism::wire
