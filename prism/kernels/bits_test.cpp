#include <algorithm>

#include "prism/kernels/internal/each_set.h"
#include "prism/kernels/internal/testing.h"

namespace prism::kernels {
namespace {

class BitsTest : public testing::EachSet {
 protected:
  std::mt19937_64 random_{11};
};
PRISM_EACH_SET(BitsTest);

/// One bit at a time, straight from the contract.
std::vector<std::uint8_t> packed_by_definition(const Residues& values, unsigned bits) {
  std::vector<std::uint8_t> bytes((values.size() * bits + 7) / 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (unsigned b = 0; b < bits; ++b) {
      const std::size_t at = i * bits + b;
      bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] | (values[i] >> b & 1) << at % 8);
    }
  }
  return bytes;
}

TEST_P(BitsTest, PacksAndUnpacksEveryWidthWithinItsBytes) {
  constexpr std::uint8_t kGuard = 0xA5;
  for (unsigned bits = 1; bits <= 64; ++bits) {
    for (const std::size_t n : {0U, 1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 63U, 64U, 65U, 200U}) {
      SCOPED_TRACE(std::to_string(bits) + " bits, " + std::to_string(n) + " values, seed 11");
      Residues values(n);
      for (auto& x : values) x = (random_() % 5 == 0 ? ~std::uint64_t{0} : random_()) >> (64 - bits);
      const std::vector<std::uint8_t> expected = packed_by_definition(values, bits);
      // Misaligned on purpose, with guards on both sides.
      std::vector<std::uint8_t> out(expected.size() + 131, kGuard);
      set().pack_bits(out.data() + 3, values.data(), n, bits);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin() + 3));
      ASSERT_TRUE(std::all_of(out.begin(), out.begin() + 3, [](auto b) { return b == kGuard; }));
      ASSERT_TRUE(std::all_of(out.end() - 128, out.end(), [](auto b) { return b == kGuard; }));
      // A vector of exactly the size: address sanitizer sees reads beyond it.
      const std::vector<std::uint8_t> exact(expected);
      Residues back(n + 16, 99);
      set().unpack_bits(back.data(), exact.data(), n, bits);
      ASSERT_TRUE(std::equal(values.begin(), values.end(), back.begin()));
      ASSERT_TRUE(
          std::all_of(back.begin() + static_cast<std::ptrdiff_t>(n), back.end(), [](auto x) { return x == 99; }));
    }
  }
}

TEST_P(BitsTest, KnowsWhenAllAreBelow) {
  for (std::size_t n = 0; n < 40; ++n) {
    Residues row(n, 41);
    EXPECT_TRUE(set().all_below(row.data(), n, 42));
    for (std::size_t i = 0; i < n; ++i) {
      for (const std::uint64_t bad : {std::uint64_t{42}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        row[i] = bad;
        ASSERT_FALSE(set().all_below(row.data(), n, 42)) << n << " " << i;
      }
      row[i] = 41;
    }
  }
  const Residues huge(8, ~std::uint64_t{0} - 1);
  EXPECT_TRUE(set().all_below(huge.data(), 8, ~std::uint64_t{0}));
}

TEST_P(BitsTest, TakesUniformWordsInOrder) {
  for (const std::uint64_t q : testing::all_primes()) {
    const Modulus m = make_modulus(q);
    for (int trial = 0; trial < 50; ++trial) {
      SCOPED_TRACE("q " + std::to_string(q) + " trial " + std::to_string(trial) + " seed 11");
      const std::size_t count = random_() % 100, want = random_() % 100;
      Residues words(count);
      for (auto& w : words) w = random_();
      Residues expected, out(want + 16, 77);
      std::size_t read = 0;
      while (expected.size() < want && read < count) {
        const std::uint64_t candidate = words[read++] % (std::uint64_t{1} << m.bits);
        if (candidate < q) expected.push_back(candidate);
      }
      const Kernels::Taken taken = set().take_uniform(out.data(), want, words.data(), count, m);
      ASSERT_EQ(taken.read, read);
      ASSERT_EQ(taken.kept, expected.size());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()));
      for (std::size_t i = want; i < out.size(); ++i) ASSERT_EQ(out[i], 77U);
    }
  }
}

TEST_P(BitsTest, DrawsByTable) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63, kMost = kTop - 1;
  for (const std::size_t count : {0U, 1U, 7U, 41U}) {
    std::vector<std::array<std::uint64_t, 2>> table(count);
    for (auto& t : table) t = {random_() & kMost, random_() & kMost};
    if (count > 5) table[1] = {table[0][0], table[0][1] ^ 1}, table[2] = {0, 0}, table[3] = {kMost, kMost};
    const std::size_t n = 16 * 12;
    Residues words(2 * n);
    for (std::size_t i = 0; i < n; ++i) {
      words[2 * i] = random_(), words[2 * i + 1] = random_();
      if (count == 0 || i % 3 == 0) continue;
      // At a threshold, just below it, just above it; the top bits are the sign and nothing.
      const auto& [high, low] = table[random_() % count];
      const Uint128 u = (Uint128{high} << 63 | low) + (Uint128{1} << 126) + i % 4 - 1;
      words[2 * i] = (static_cast<std::uint64_t>(u) & kMost) | (random_() & kTop);
      words[2 * i + 1] = (static_cast<std::uint64_t>(u >> 63) & kMost) | (random_() & kTop);
    }
    std::vector<std::int32_t> out(n + 1, 77);
    set().draw_by_table(out.data(), words.data(), n, table.data(), count);
    for (std::size_t i = 0; i < n; ++i) {
      const Uint128 u = Uint128{words[2 * i + 1] & kMost} << 63 | (words[2 * i] & kMost);
      int magnitude = 0;
      for (const auto& [high, low] : table) magnitude += (Uint128{high} << 63 | low) <= u ? 1 : 0;
      ASSERT_EQ(out[i], words[2 * i + 1] >= kTop ? -magnitude : magnitude) << count << " " << i << " seed 11";
    }
    ASSERT_EQ(out[n], 77);
  }
}

}  // namespace
}  // namespace prism::kernels
