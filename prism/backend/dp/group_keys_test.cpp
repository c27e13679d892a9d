#include "prism/backend/dp/internal/group_keys.h"

#include <gtest/gtest.h>

#include <limits>

namespace prism::backend::dp::internal {
namespace {

/// Seeds of draws are derived from these bytes, so that a change would change every group's noise.
TEST(DpGroupKeys, BytesStayAsTheyAre) {
  const Bytes expected = {1, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,                 // -2
                          2, 0,    0,    0,    0,    0,    0,    0,    3,    'U', 'l', 'm',  //
                          3};
  EXPECT_EQ(key_bytes({std::int64_t{-2}, std::string("Ulm"), std::monostate{}}), expected);
  EXPECT_EQ(key_bytes({}), Bytes());
}

TEST(DpGroupKeys, BytesOrderAsNumbersDo) {
  using Limits = std::numeric_limits<std::int64_t>;
  std::optional<Bytes> before;
  for (const std::int64_t number : {Limits::min(), std::int64_t{-256}, std::int64_t{-1}, std::int64_t{0},
                                    std::int64_t{255}, std::int64_t{256}, Limits::max()}) {
    const Bytes bytes = key_bytes({number});
    if (before) {
      EXPECT_LT(*before, bytes) << number;
    }
    before = bytes;
  }
}

TEST(DpGroupKeys, TextsThatRunTogetherDiffer) {
  EXPECT_NE(key_bytes({std::string("a"), std::string("bc")}), key_bytes({std::string("ab"), std::string("c")}));
  EXPECT_NE(key_bytes({std::string()}), key_bytes({std::monostate{}}));
}

}  // namespace
}  // namespace prism::backend::dp::internal
