#include "prism/hash/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace prism::hash {
namespace {

SipHash::Key counting_key() {
  SipHash::Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

std::string counting(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(i);
  return out;
}

// The paper's appendix A (15 bytes), and the first of the reference implementation's vectors.
TEST(SipHashTest, AgreesWithPublishedValues) {
  EXPECT_EQ(siphash(counting_key(), counting(15)), 0xa129ca6149be45e5U);
  EXPECT_EQ(siphash(counting_key(), ""), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(siphash(counting_key(), counting(1)), 0x74f839c593dc67fdU);
}

TEST(SipHashTest, WordsAreTheirBytes) {
  SipHash hash(counting_key());
  hash.update(0x0706050403020100U);
  hash.update(0x0f0e0d0c0b0a0908U);
  EXPECT_EQ(hash.finish(), siphash(counting_key(), counting(16)));
}

}  // namespace
}  // namespace prism::hash
