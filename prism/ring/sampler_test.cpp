#include "prism/ring/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "prism/base/int128.h"
#include "prism/hash/sha256.h"
#include "prism/math/natural.h"
#include "prism/math/primes.h"
#include "prism/ring/internal/gaussian.h"
#include "prism/ring/internal/gaussian_table.h"

namespace prism::ring {
namespace {

using math::Natural;

Seed test_seed(std::uint8_t first) {
  Seed seed;
  std::iota(seed.begin(), seed.end(), first);
  return seed;
}
SecretSeed secret_seed(std::uint8_t first) { return SecretSeed(test_seed(first)); }

std::shared_ptr<const Ring> make_ring(unsigned log_n, const std::vector<std::uint64_t>& primes) {
  auto ring = Ring::make(log_n, primes);
  check(ring.has_value(), "test ring");
  return *ring;
}

/// The key stream block by block from the portable kernel: what the byte rules are read from.
class SlowStream {
 public:
  SlowStream(const Seed& seed, std::uint64_t stream, std::uint32_t last)
      : nonce_{static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32), last} {
    for (std::size_t i = 0; i < 32; ++i) key_[i / 4] |= std::uint32_t{seed[i]} << (8 * (i % 4));
  }
  std::uint8_t byte() {
    if (position_ == 64) {
      kernels::portable.chacha20(block_, 1, key_, counter_++, nonce_);
      position_ = 0;
    }
    return block_[position_++];
  }
  std::uint64_t word() {
    std::uint64_t x = 0;
    for (unsigned i = 0; i < 8; ++i) x |= std::uint64_t{byte()} << (8 * i);
    return x;
  }

 private:
  std::uint32_t key_[8] = {};
  std::uint32_t nonce_[3];
  std::uint32_t counter_ = 0;
  std::uint8_t block_[64];
  std::size_t position_ = 64;
};

template <class Span>
std::string digest_of(const Span& values) {
  hash::Sha256 hash;
  for (const auto v : values) hash.update_u64(static_cast<std::uint64_t>(v));
  return to_hex(hash.finish());
}

double chi_square(const std::vector<std::uint64_t>& counts, const std::vector<double>& probabilities) {
  const auto n = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = n * probabilities[i];
    sum += (static_cast<double>(counts[i]) - expected) * (static_cast<double>(counts[i]) - expected) / expected;
  }
  return sum;
}

/// Exceeded with probability below 10^-4 (Wilson and Hilferty 1931, at 3.72 standard deviations).
double critical(double degrees) {
  const double a = 2.0 / (9.0 * degrees);
  return degrees * std::pow(1 - a + 3.72 * std::sqrt(a), 3);
}

TEST(UniformTest, RowsFollowTheByteRule) {
  // 12289 rejects a quarter of all words, 65537 nearly half; 2^50 - 27*2^18 + 1 hardly any.
  const auto large = *math::primes_below(50, 1 << 18, 1);
  const auto ring = make_ring(11, {12289, 65537, 8588886017, large[0]});
  for (const std::uint64_t stream : {0ULL, 1ULL, 0x0123456789abcdefULL}) {
    const auto p = uniform(*ring, ring->all(), test_seed(3), stream);
    for (std::uint32_t prime = 0; prime < ring->prime_count(); ++prime) {
      const std::uint64_t q = ring->prime(prime);
      SlowStream slow(test_seed(3), stream, prime);
      for (const std::uint64_t residue : p.row(prime)) {
        std::uint64_t expected = q;
        while (expected >= q) expected = slow.word() & ((std::uint64_t{1} << ring->modulus(prime).bits) - 1);
        ASSERT_EQ(residue, expected) << "stream " << stream << " prime " << q;
      }
    }
  }
}

TEST(UniformTest, ARowDependsOnItsPrimeAndStreamAlone) {
  const auto ring = make_ring(10, {12289, 40961, 65537});
  const auto all = uniform(*ring, ring->all(), test_seed(3), 5);
  const PrimeSet subset({0, 2});
  EXPECT_EQ(uniform(*ring, subset, test_seed(3), 5), all.restricted(subset));
  EXPECT_FALSE(uniform(*ring, subset, test_seed(3), 6) == all.restricted(subset));
  EXPECT_FALSE(uniform(*ring, subset, test_seed(4), 5) == all.restricted(subset));
}

TEST(UniformTest, ResiduesAreEquallyLikely) {
  const auto ring = make_ring(17, {786433});
  constexpr std::size_t kBins = 256;
  std::vector<std::uint64_t> counts(kBins);
  std::vector<double> probabilities(kBins);
  for (std::uint64_t x = 0; x < 786433; ++x) probabilities[x * kBins / 786433] += 1.0 / 786433;
  for (std::uint64_t stream = 0; stream < 8; ++stream) {
    const auto p = uniform(*ring, ring->all(), test_seed(1), stream);
    for (const std::uint64_t x : p.row(0)) ++counts[x * kBins / 786433];
  }
  EXPECT_LT(chi_square(counts, probabilities), critical(kBins - 1));
}

TEST(TernaryTest, CoefficientsFollowTheByteRule) {
  for (const std::size_t n : {1U, 8U, 1023U, 4096U}) {
    const auto s = ternary(n, secret_seed(9), 77);
    const auto values = s.reveal(secret::RevealKey{});
    ASSERT_EQ(values.size(), n);
    SlowStream slow(test_seed(9), 77, 0xffffffff);
    std::size_t i = 0;
    while (i < n) {
      const unsigned byte = slow.byte();
      for (unsigned field = 0; field < 4 && i < n; ++field) {
        const unsigned x = (byte >> (2 * field)) & 3;
        if (x == 3) continue;
        ASSERT_EQ(values[i++], static_cast<int>(x) - 1) << i;
      }
    }
  }
}

TEST(TernaryTest, ValuesAndNeighboursAreEquallyLikely) {
  constexpr std::size_t kDraws = 1 << 20;
  const auto s = ternary(kDraws, secret_seed(2), 0);
  std::vector<std::uint64_t> single(3);
  std::vector<std::uint64_t> pairs(9);
  const auto values = s.reveal(secret::RevealKey{});
  for (std::size_t i = 0; i < kDraws; ++i) {
    ASSERT_LE(std::abs(values[i]), 1);
    ++single[static_cast<std::size_t>(values[i] + 1)];
    if (i % 2 == 1) ++pairs[static_cast<std::size_t>(3 * values[i - 1] + values[i] + 4)];
  }
  EXPECT_LT(chi_square(single, std::vector<double>(3, 1.0 / 3)), critical(2));
  EXPECT_LT(chi_square(pairs, std::vector<double>(9, 1.0 / 9)), critical(8));
}

TEST(GaussianTest, TableIsTheDefinitionRoundedUp) {
  // weight(x) = exp(-25/512)^(x^2) in 320-bit fixed point; the Taylor series and 46^2 products lose far less than
  // 2^-290.
  constexpr unsigned kBits = 320;
  const Natural one = Natural::power_of_two(kBits);
  Natural plus;
  Natural minus;
  Natural term = one;
  for (std::uint64_t i = 1; !term.is_zero(); ++i) {
    (i % 2 == 1 ? plus : minus) += term;
    term *= 25;
    term.divide(512 * i);
  }
  const Natural step = plus - minus;
  std::vector<Natural> weights;
  for (int x = 0; x <= kGaussianTail; ++x) {
    Natural weight = one;
    for (int i = 0; i < x * x; ++i) weight = (weight * step) >> kBits;
    weights.push_back(weight);
  }
  Natural total = weights[0];
  for (std::size_t x = 1; x < weights.size(); ++x) total += weights[x] * Natural(2);
  Natural below;
  for (std::size_t k = 0; k + 1 < weights.size(); ++k) {
    below += weights[k] * Natural(k == 0 ? 1 : 2);
    const auto [quotient, remainder] = divmod(below << 126, total);
    const Natural threshold = remainder.is_zero() ? quotient : quotient + Natural(1);
    if (k < kGaussianThresholds.size()) {
      EXPECT_EQ(threshold, (Natural(kGaussianThresholds[k][0]) << 63) + Natural(kGaussianThresholds[k][1])) << k;
    } else {
      EXPECT_EQ(threshold, Natural::power_of_two(126)) << "the table ends too early at " << k;
    }
  }
  // The tail that is cut: 2 * sum beyond 45, bounded by its first two terms twice over, is below 2^-141 of the whole.
  Natural first_cut = one;
  for (int i = 0; i < 46 * 46; ++i) first_cut = (first_cut * step) >> kBits;
  EXPECT_LT(first_cut * Natural(4) << 141, total);
}

TEST(GaussianTest, SamplesFollowTheByteRule) {
  for (const std::size_t n : {1U, 63U, 64U, 65U, 4096U}) {
    const auto e = gaussian(n, secret_seed(5), 0x100000002ULL);
    const auto values = e.reveal(secret::RevealKey{});
    ASSERT_EQ(values.size(), n);
    SlowStream slow(test_seed(5), 0x100000002ULL, 0xfffffffe);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t v0 = slow.word();
      const std::uint64_t v1 = slow.word();
      const Uint128 u = (Uint128{v1 & (~std::uint64_t{0} >> 1)} << 63) | (v0 & (~std::uint64_t{0} >> 1));
      int magnitude = 0;
      for (const auto& [high, low] : kGaussianThresholds) magnitude += u >= ((Uint128{high} << 63) | low);
      ASSERT_EQ(values[i], (v1 >> 63) != 0 ? -magnitude : magnitude) << i;
    }
  }
}

TEST(GaussianTest, EveryThresholdSeparatesExactly) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
  constexpr std::uint64_t kLow63 = kTop - 1;
  std::array<std::uint64_t, 2 * kGaussianBlock> words{};
  std::array<std::int32_t, kGaussianBlock> out{};
  for (std::size_t k = 0; k < kGaussianThresholds.size(); ++k) {
    const Uint128 threshold = (Uint128{kGaussianThresholds[k][0]} << 63) | kGaussianThresholds[k][1];
    const Uint128 rows = Uint128{1} << 63;  // one more or less in the high word
    const std::array<Uint128, 4> cases = {
        threshold - 1, threshold, threshold & ~Uint128{kLow63},  // same high word, low word zero
        (threshold & ~Uint128{kLow63}) - rows + kLow63};         // high word one less, low word full
    for (std::size_t i = 0; i < cases.size(); ++i) {
      for (const std::uint64_t sign : {std::uint64_t{0}, kTop}) {
        const std::size_t place = (7 * k + i) % kGaussianBlock;
        words = {};
        words[2 * place] = static_cast<std::uint64_t>(cases[i] & kLow63) | kTop;  // the top bit is not used
        words[2 * place + 1] = static_cast<std::uint64_t>(cases[i] >> 63) | sign;
        gaussian_from_words(out, words);
        // Far in the tail thresholds share their high word: count them from the definition.
        std::int32_t expected = 0;
        for (const auto& [high, low] : kGaussianThresholds) expected += cases[i] >= ((Uint128{high} << 63) | low);
        ASSERT_EQ(out[place], sign != 0 ? -expected : expected) << "threshold " << k << " case " << i;
        ASSERT_EQ(std::count(out.begin(), out.end(), 0), out[place] == 0 ? 64 : 63);
      }
    }
  }
  words.fill(~std::uint64_t{0});
  gaussian_from_words(out, words);
  EXPECT_EQ(out[0], -41) << "what 126 bits can reach";
}

TEST(GaussianTest, FrequenciesAreThoseOfTheDefinition) {
  constexpr std::size_t kDraws = 1 << 21;
  constexpr int kReach = 15;  // beyond it all values share one bin: fewer than 50 draws are expected there
  const auto e = gaussian(kDraws, secret_seed(6), 1);
  double total = 0;
  for (int x = -kGaussianTail; x <= kGaussianTail; ++x) total += std::exp(-x * x / (2 * kSigma * kSigma));
  std::vector<double> probabilities;
  double beyond = 1;
  for (int x = -kReach; x <= kReach; ++x) {
    probabilities.push_back(std::exp(-x * x / (2 * kSigma * kSigma)) / total);
    beyond -= probabilities.back();
  }
  probabilities.push_back(beyond);
  std::vector<std::uint64_t> counts(probabilities.size());
  double sum = 0;
  double squares = 0;
  double neighbours = 0;
  int largest = 0;
  int previous = 0;
  for (const std::int32_t x : e.reveal(secret::RevealKey{})) {
    ++counts[std::abs(x) <= kReach ? static_cast<std::size_t>(x + kReach) : counts.size() - 1];
    sum += x;
    squares += static_cast<double>(x) * x;
    neighbours += static_cast<double>(x) * previous;
    previous = x;
    largest = std::max(largest, std::abs(x));
  }
  EXPECT_LT(chi_square(counts, probabilities), critical(2 * kReach + 1));
  const double deviation = std::sqrt(static_cast<double>(kDraws));
  EXPECT_LT(std::abs(sum), 4 * kSigma * deviation);
  // The fourth moment of a Gaussian is 3 sigma^4, so x^2 has standard deviation sqrt(2) sigma^2.
  EXPECT_LT(std::abs(squares - kDraws * kSigma * kSigma), 4 * std::sqrt(2.0) * kSigma * kSigma * deviation);
  EXPECT_LT(std::abs(neighbours), 4 * kSigma * kSigma * deviation);
  EXPECT_GE(largest, kReach);
  EXPECT_LE(largest, 24);  // 7.5 sigma: expected less than once in 10^13 draws
}

TEST(SamplerTest, KnownAnswers) {
  // The same on every machine and kernel set; printed by tools/sampler_answers.py, which knows the byte rules alone.
  const auto ring = make_ring(12, *math::primes_below(50, 1 << 18, 2));
  const auto u = uniform(*ring, ring->all(), test_seed(0), 42);
  EXPECT_EQ(digest_of(u.row(0)), "5f9d9f16060bad871ea2ca2f4a2fd9e8a2ac069d3d7fa18db240500bf10218a3");
  EXPECT_EQ(digest_of(u.row(1)), "a8060bf8bdd4cdfc1500b77d34059aa609b7f691d2335da8105ac284945995d6");
  EXPECT_EQ(digest_of(ternary(4096, secret_seed(0), 42).reveal(secret::RevealKey{})),
            "c08c0429c0ae18e8d725a12849b5698070ba943d7877b806ebbba436ed2d93c4");
  EXPECT_EQ(digest_of(gaussian(4096, secret_seed(0), 42).reveal(secret::RevealKey{})),
            "a784d3ae7d0410d1c26898c25ee4cf46583ac58c441610435fd0b386e01c515e");
}

TEST(SamplerTest, KindsOfOneSeedAndStreamAreIndependent) {
  const auto a = ternary(4096, secret_seed(0), 0);
  const auto b = ternary(4096, secret_seed(0), 1);
  const auto e = gaussian(4096, secret_seed(0), 0);
  double same_kind = 0;
  double across = 0;
  for (std::size_t i = 0; i < 4096; ++i) {
    same_kind += a.reveal(secret::RevealKey{})[i] * b.reveal(secret::RevealKey{})[i];
    across += a.reveal(secret::RevealKey{})[i] * e.reveal(secret::RevealKey{})[i];
  }
  EXPECT_LT(std::abs(same_kind), 5 * 64 * 2.0 / 3);
  EXPECT_LT(std::abs(across), 5 * 64 * std::sqrt(2.0 / 3) * kSigma);
}

class Broken final : public Random {
 public:
  Status fill(MutableByteView) override { return fail(ErrorCode::io, "no entropy"); }
};
class Counting final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = next_++;
    return {};
  }

 private:
  std::uint8_t next_ = 0;
};

TEST(SamplerTest, FreshSeedsComeFromTheSourceOrNotAtAll) {
  Broken broken;
  EXPECT_FALSE(fresh_seed(broken).has_value());
  EXPECT_FALSE(fresh_secret_seed(broken).has_value());
  Counting counting;
  const auto first = fresh_seed(counting);
  const auto second = fresh_secret_seed(counting);
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(*first, test_seed(0));
  EXPECT_EQ(second->reveal(secret::RevealKey{}), test_seed(32));
}

}  // namespace
}  // namespace prism::ring
