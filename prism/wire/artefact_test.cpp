#include "prism/wire/artefact.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace prism::wire {
namespace {

Status read_answer(ByteView bytes) {
  Reader reader(bytes, "a.prism");
  PRISM_CHECKED(read_header(reader, Kind::answer, {1, 2}));
  return {};
}

TEST(ArtefactTest, HeaderBytesAreFixed) {
  EXPECT_EQ(to_hex(encode_header({Kind::answer, 3, 0x0102})),
            "505249534d00"
            "0200"
            "0300"
            "0201000000000000");
  EXPECT_EQ(encode_header({Kind::answer, 3, 0}).size(), kHeaderBytes);
}

TEST(ArtefactTest, ReadsItsOwnAndStopsAtTheBody) {
  const Bytes bytes = encode_artefact(Kind::answer, 2, Bytes{7, 8, 9});
  Reader reader(bytes, "a.prism");
  const auto header = read_header(reader, Kind::answer, {1, 2});
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->version, 2);
  EXPECT_EQ(header->body_bytes, 3u);
  EXPECT_EQ(*reader.u8(), 7);
}

TEST(ArtefactTest, AnotherKindIsNamed) {
  const Error error = read_answer(encode_artefact(Kind::sealed_table, 1, {})).error();
  EXPECT_EQ(error.code, ErrorCode::mismatch);
  EXPECT_EQ(error.message, "a.prism is a sealed table; an answer was wanted");
}

TEST(ArtefactTest, AnotherVersionIsNamed) {
  const Error error = read_answer(encode_artefact(Kind::answer, 3, {})).error();
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_EQ(error.message, "a.prism is an answer of version 3; this program reads 1, 2");
}

TEST(ArtefactTest, EveryTruncationAndEveryExtraByteIsRefused) {
  Bytes bytes = encode_artefact(Kind::answer, 1, Bytes(20));
  ASSERT_TRUE(read_answer(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(read_answer(ByteView(bytes).first(size)).error().code, ErrorCode::malformed) << size;
  bytes.push_back(0);
  EXPECT_EQ(read_answer(bytes).error().message, "a.prism has 1 bytes after its end");
}

TEST(ArtefactTest, OtherFilesAreNotPrism) {
  EXPECT_EQ(read_answer(as_bytes("age,city\n41,Ulm and more")).error().message, "a.prism is not a Prism file");
  EXPECT_EQ(read_answer(as_bytes("PRISM!\2\0\1\0\0\0\0\0\0\0\0\0")).error().code, ErrorCode::malformed);
  EXPECT_FALSE(peek_header({}));
}

TEST(ArtefactTest, PeekTakesEveryKindAndVersion) {
  const auto header = peek_header(encode_header({static_cast<Kind>(999), 77, 5}));
  ASSERT_TRUE(header);
  EXPECT_EQ(name_of(header->kind), "an unknown kind of file");
  EXPECT_EQ(header->version, 77);
}

TEST(ArtefactTest, EveryKindHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::uint16_t kind = 0; kind <= 13; ++kind) names.insert(name_of(static_cast<Kind>(kind)));
  EXPECT_EQ(names.size(), 14u);
}

}  // namespace
}  // namespace prism::wire
