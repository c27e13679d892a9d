// Headers that parse and lie: each is refused before anything is made of it.
#include <gtest/gtest.h>

#include <functional>

#include "prism/sealed/layout.h"
#include "prism/sealed/propose.h"
#include "prism/table/read_csv.h"

namespace prism::sealed {
namespace {

Header honest() {
  const auto table = table::read_csv_text("t", "a,b,s\n1,100,x\n2,,y\n300,-700,\n");
  check(table.has_value(), "a table");
  SealOptions options;
  options.roles = {{"a", Role::filter}, {"a", Role::measure}, {"b", Role::measure}, {"s", Role::group}};
  auto proposal = propose(*table, options);
  check(proposal.has_value(), "a proposal");
  return std::move(proposal->header);
}

TEST(HostileHeaderTest, WhatNoSealerWritesIsRefused) {
  const Header header = honest();
  ASSERT_TRUE(decode_header(encode(header)));
  const std::vector<std::pair<const char*, std::function<void(Header&)>>> lies = {
      {"a column without any role",
       [](Header& h) {
         Column column;
         column.schema.name = "z";
         column.schema.nullable = true;
         h.columns.push_back(column);
       }},
      {"a key above the highest level", [](Header& h) { h.keys[0].level = rlwe::Level{200}; }},
      {"a relinearisation key with an exponent", [](Header& h) { h.keys[0].g = 5; }},
      {"an automorphism that is none", [](Header& h) { h.keys.back().g = 6; }},
      {"an automorphism beyond 2N", [](Header& h) { h.keys.back().g = 0x80000001; }},
      {"bounds wider than the limbs", [](Header& h) { h.columns[0].low = INT64_MIN; }},
      {"squares of no measure", [](Header& h) { h.columns[2].square = Limbs{4, 1}; }},
      {"limbs past 128 bits", [](Header& h) { h.columns[0].square = Limbs{12, 14}; }},
      {"a level that is not there", [](Header& h) { h.measure_level = 9; }},
      {"codes past the last integer", [](Header& h) { h.columns[0].code->low = INT64_MAX; }},
  };
  for (const auto& [what, lie] : lies) {
    Header liar = header;
    lie(liar);
    const auto got = decode_header(encode(liar));
    ASSERT_FALSE(got) << what;
    EXPECT_EQ(got.error().code, ErrorCode::malformed) << what << ": " << got.error().message;
  }
}

TEST(HostileHeaderTest, CellsAreCountedBeforeTheyAreListed) {
  Header header = honest();
  Code code;
  code.kind = Code::Kind::digits;
  code.size = 1000;
  code.bases.assign(64, 4096);
  // Listed, these would take 20 GB.
  for (int i = 0; i < 4000; ++i) {
    Column column;
    column.schema.name = "c" + std::to_string(i);
    column.filter = true;
    column.code = code;
    header.columns.push_back(column);
  }
  const auto got = decode_header(encode(header));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::malformed);
}

TEST(HostileHeaderTest, TablesOfRootsAreNoLargerThanTheFileAllows) {
  const Header header = honest();
  const Bytes bytes = encode(header);
  const auto got = decode_header(bytes, bytes.size());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::malformed);
  // One block of one cell of the highest level is enough.
  std::uint64_t most = 0;
  for (const Cell& cell : cells_of(header)) most = std::max(most, block_bytes(header, cell));
  EXPECT_TRUE(decode_header(bytes, most));
}

}  // namespace
}  // namespace prism::sealed
