#include <algorithm>
#include <numeric>

#include "prism/base/bytes.h"
#include "prism/kernels/internal/each_set.h"

namespace prism::kernels {
namespace {

class SymmetricTest : public testing::EachSet {};
PRISM_EACH_SET(SymmetricTest);

/// Words 0x03020100, 0x07060504, ...: the bytes 0, 1, 2, ... read little-endian.
void counting_key(std::uint32_t (&key)[8]) {
  for (std::uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100 + 0x04040404 * i;
}

TEST_P(SymmetricTest, ChaCha20AgreesWithRfc8439) {
  // Section 2.3.2.
  std::uint32_t key[8];
  counting_key(key);
  const std::uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
  std::uint8_t block[64];
  set().chacha20(block, 1, key, 1, nonce);
  EXPECT_EQ(to_hex(block),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de"
            "164eb9cbd0"
            "83e8a2503c4e");
  // Appendix A.1, vectors 1 and 2: zero key and nonce, blocks 0 and 1.
  const std::uint32_t zero_key[8] = {}, zero_nonce[3] = {};
  std::uint8_t two[128];
  set().chacha20(two, 2, zero_key, 0, zero_nonce);
  EXPECT_EQ(to_hex(two),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f415"
            "18a11cc387"
            "b669b2ee65869f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839"
            "d531ed1f28"
            "510afb45ace10a1f4b794d6f");
}

TEST_P(SymmetricTest, ChaCha20AgreesWithPortableForEveryCount) {
  std::uint32_t key[8];
  counting_key(key);
  const std::uint32_t nonce[3] = {1, 2, 0xffffffff};
  for (std::size_t blocks = 0; blocks <= 50; ++blocks) {
    for (const std::uint32_t counter : {std::uint32_t{0}, std::uint32_t{77}, static_cast<std::uint32_t>(0 - blocks)}) {
      Bytes expected(64 * blocks), out(64 * blocks + 70, 0x5A);
      portable.chacha20(expected.data(), blocks, key, counter, nonce);
      set().chacha20(out.data() + 5, blocks, key, counter, nonce);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin() + 5)) << blocks << " from " << counter;
      ASSERT_TRUE(std::all_of(out.end() - 65, out.end(), [](auto b) { return b == 0x5A; })) << blocks;
    }
  }
}

TEST_P(SymmetricTest, Sha256AgreesWithFips180) {
  // "abc", padded by hand, in one block; then the two-block message of the standard.
  const std::uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::uint8_t abc[64] = {'a', 'b', 'c', 0x80};
  abc[63] = 24;
  std::uint32_t state[8];
  std::copy_n(initial, 8, state);
  set().sha256(state, abc, 1);
  const std::uint32_t abc_digest[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                       0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
  EXPECT_TRUE(std::equal(state, state + 8, abc_digest));

  const std::string_view text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  std::uint8_t two[128] = {};
  std::copy(text.begin(), text.end(), two);
  two[56] = 0x80;
  two[126] = 1, two[127] = 0xC0;  // 448 bits
  std::copy_n(initial, 8, state);
  set().sha256(state, two, 2);
  const std::uint32_t two_digest[8] = {0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039,
                                       0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1};
  EXPECT_TRUE(std::equal(state, state + 8, two_digest));
}

TEST_P(SymmetricTest, Sha256AgreesWithPortableOnAnyState) {
  std::uint32_t state[8], expected[8];
  std::iota(state, state + 8, 0xfffffffcU);
  std::copy_n(state, 8, expected);
  Bytes data(64 * 9 + 1);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * i + 3 * i);
  for (std::size_t blocks = 0; blocks < 9; ++blocks) {
    portable.sha256(expected, data.data() + 1, blocks);
    set().sha256(state, data.data() + 1, blocks);
    ASSERT_TRUE(std::equal(state, state + 8, expected)) << blocks;
  }
}

TEST(ChoiceTest, BestRunsHereAndIsFixed) {
  EXPECT_FALSE(choose("no such set"));
  ASSERT_TRUE(choose("portable"));
  EXPECT_EQ(best().name, "portable");
  for (const Kernels* set : all()) EXPECT_EQ(choose(set->name), set->name == "portable") << "the first best() fixed it";
  EXPECT_EQ(&best(), &portable);
  EXPECT_EQ(all().back(), &portable);
}

}  // namespace
}  // namespace prism::kernels
