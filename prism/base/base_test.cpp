// Bytes, checks, strong numbers, aligned memory and the serial worker.
#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>
#include <vector>

#include "prism/base/aligned.h"
#include "prism/base/bytes.h"
#include "prism/base/check.h"
#include "prism/base/parallel.h"
#include "prism/base/strong.h"

namespace prism {
namespace {

TEST(BytesTest, HexIsLowerCaseAndTwoDigitsPerByte) {
  const Bytes bytes{0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
}

TEST(BytesTest, TextAndBytesAreTwoViewsOfTheSameMemory) { EXPECT_EQ(as_text(as_bytes("h\xc3\xa9")), "h\xc3\xa9"); }

TEST(CheckDeathTest, NamesThePlaceAndTheMessage) {
  EXPECT_DEATH(check(false, "seven is not eight"), "base_test.cpp:[0-9]+: seven is not eight");
  check(true, "never printed");
}

TEST(AlignedTest, EveryVectorStartsOnACacheLine) {
  for (std::size_t n = 1; n < 200; n += 7) {
    const Residues row(n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(row.data()) % 64, 0u) << n;
  }
}

using Level = Strong<int, struct LevelTag>;
using Index = Strong<int, struct IndexTag>;

TEST(StrongTest, ComparesWithItsOwnKindOnly) {
  EXPECT_LT(Level{2}, Level{3});
  EXPECT_EQ(Level{2}, Level{2});
  EXPECT_EQ(to_string(Level{7}), "7");
  static_assert(!std::is_convertible_v<int, Level>);
  static_assert(!std::is_convertible_v<Level, Index>);
  static_assert(!std::is_constructible_v<Level, Index>);
}

TEST(SerialTest, RunsEveryPieceOnceInOrder) {
  std::vector<std::size_t> seen;
  Serial{}.for_each(5, [&](std::size_t piece, std::size_t worker) {
    EXPECT_EQ(worker, 0u);
    seen.push_back(piece);
  });
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace prism
