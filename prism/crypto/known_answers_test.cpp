#include <gtest/gtest.h>

#include "prism/crypto/self_test.h"

namespace prism::crypto {
namespace {

TEST(SelfTest, PassesOnThisMachine) {
  const Status status = self_test();
  EXPECT_TRUE(status) << status.error().message;
}

TEST(SelfTest, NamesALibraryThatHasMlKem) {
  const std::string version(library_version());
  ASSERT_EQ(version.rfind("OpenSSL ", 0), 0u) << version;
  EXPECT_GE(std::stod(version.substr(8)), 3.5) << version;
}

}  // namespace
}  // namespace prism::crypto
