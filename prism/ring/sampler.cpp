#include "prism/ring/sampler.h"

#include <algorithm>

#include "prism/hash/chacha20.h"
#include "prism/ring/gaussian_table.h"

namespace prism::ring {
namespace {

constexpr std::uint32_t kTernaryNonce = 0xffffffff;  // no ring has so many primes
constexpr std::uint32_t kGaussianNonce = 0xfffffffe;

hash::ChaCha20Nonce make_nonce(std::uint64_t stream, std::uint32_t last) {
  hash::ChaCha20Nonce nonce{};
  for (unsigned i = 0; i < 8; ++i) nonce[i] = static_cast<std::uint8_t>(stream >> (8 * i));
  for (unsigned i = 0; i < 4; ++i) nonce[8 + i] = static_cast<std::uint8_t>(last >> (8 * i));
  return nonce;
}

/// Samples compared with the table together: each threshold is loaded once, and the loop over them becomes vector code.
constexpr std::size_t kGaussianBlock = 64;
constexpr std::uint64_t kLow63 = ~std::uint64_t{0} >> 1;

/// `words` holds the two words of each sample; writes kGaussianBlock signed samples.
void gaussian_block(std::int32_t* out, const std::uint64_t* words) {
  alignas(64) std::uint64_t low[kGaussianBlock];
  alignas(64) std::uint64_t high[kGaussianBlock];
  alignas(64) std::uint64_t below[kGaussianBlock] = {};  // how many thresholds are above u
  for (std::size_t i = 0; i < kGaussianBlock; ++i) {
    low[i] = words[2 * i] & kLow63;
    high[i] = words[2 * i + 1] & kLow63;
  }
  for (const auto& [threshold_high, threshold_low] : kGaussianThresholds) {
    for (std::size_t i = 0; i < kGaussianBlock; ++i) {
      // Words of 63 bits: the borrow of a difference is its top bit.
      const std::uint64_t borrow = (low[i] - threshold_low) >> 63;
      below[i] += (high[i] - threshold_high - borrow) >> 63;
    }
  }
  for (std::size_t i = 0; i < kGaussianBlock; ++i) {
    const auto magnitude = static_cast<std::int32_t>(kGaussianThresholds.size() - below[i]);
    const auto sign = -static_cast<std::int32_t>(words[2 * i + 1] >> 63);  // 0 or -1
    out[i] = (magnitude ^ sign) - sign;
  }
  secret::wipe(low, sizeof low);
  secret::wipe(high, sizeof high);
  secret::wipe(below, sizeof below);
}

}  // namespace

void uniform_row(std::span<std::uint64_t> row, const Ring& ring, std::uint32_t prime, const Seed& seed,
                 std::uint64_t stream) {
  check(row.size() == ring.degree(), "uniform_row: a row has N residues");
  const auto& k = ring.kernels();
  const auto& m = ring.modulus(prime);
  hash::ChaCha20Stream key_stream(seed, make_nonce(stream, prime));
  constexpr std::size_t kWords = 1024;
  alignas(64) std::array<std::uint64_t, kWords> words;
  for (std::size_t kept = 0; kept < row.size();) {
    // Words that stay unused are only wasted work, so the last round asks for little more than is missing.
    const std::size_t wanted = row.size() - kept;
    const std::size_t count = std::min(kWords, (wanted + wanted / 8 + 8) / 8 * 8);
    key_stream.read(std::span<std::uint64_t>(words.data(), count));
    kept += k.take_uniform(row.data() + kept, wanted, words.data(), count, m).kept;
  }
}

Evaluations uniform(const Ring& ring, const PrimeSet& primes, const Seed& seed, std::uint64_t stream) {
  Evaluations result(ring, primes);
  for (std::size_t i = 0; i < result.rows(); ++i) uniform_row(result.row(i), ring, primes[i], seed, stream);
  return result;
}

secret::SecretVector<std::int32_t> ternary(std::size_t n, const SecretSeed& seed, std::uint64_t stream) {
  secret::SecretVector<std::int32_t> result(n);
  const auto out = result.reveal(secret::RevealKey{});
  hash::ChaCha20Stream key_stream(seed, make_nonce(stream, kTernaryNonce));
  std::array<std::uint8_t, 256> bytes;
  std::size_t kept = 0;
  while (kept < n) {
    key_stream.read(bytes);
    for (std::size_t i = 0; i < 4 * bytes.size() && kept < n; ++i) {
      const unsigned field = (bytes[i / 4] >> (2 * (i % 4))) & 3U;
      // Written in any case, kept unless it is 3: no branch looks at the value.
      out[kept] = static_cast<std::int32_t>(field) - 1;
      kept += 1 - ((field >> 1) & field & 1U);
    }
  }
  secret::wipe(bytes.data(), bytes.size());
  return result;
}

secret::SecretVector<std::int32_t> gaussian(std::size_t n, const SecretSeed& seed, std::uint64_t stream) {
  secret::SecretVector<std::int32_t> result(n);
  const auto out = result.reveal(secret::RevealKey{});
  hash::ChaCha20Stream key_stream(seed, make_nonce(stream, kGaussianNonce));
  alignas(64) std::array<std::uint64_t, 2 * kGaussianBlock> words;
  std::size_t done = 0;
  for (; n - done >= kGaussianBlock; done += kGaussianBlock) {
    key_stream.read(std::span<std::uint64_t>(words));
    gaussian_block(out.data() + done, words.data());
  }
  if (done < n) {
    std::array<std::int32_t, kGaussianBlock> last;
    key_stream.read(std::span<std::uint64_t>(words));
    gaussian_block(last.data(), words.data());
    std::copy_n(last.begin(), n - done, out.begin() + static_cast<std::ptrdiff_t>(done));
    secret::wipe(last.data(), sizeof last);
  }
  secret::wipe(words.data(), sizeof words);
  return result;
}

Result<Seed> fresh_seed(Random& random) {
  Seed seed{};
  PRISM_CHECKED(random.fill(seed));
  return seed;
}

Result<SecretSeed> fresh_secret_seed(Random& random) {
  SecretSeed seed;
  PRISM_CHECKED(random.fill(seed.reveal(secret::RevealKey{})));
  return seed;
}

}  // namespace prism::ring
