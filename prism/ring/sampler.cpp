#include "prism/ring/sampler.h"

#include <algorithm>

#include "prism/hash/chacha20.h"
#include "prism/ring/internal/gaussian.h"

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
  std::array<std::int32_t, kGaussianBlock> samples;
  for (std::size_t done = 0; done < n; done += kGaussianBlock) {
    key_stream.read(std::span<std::uint64_t>(words));
    gaussian_from_words(samples, words);
    std::copy_n(samples.begin(), std::min(kGaussianBlock, n - done), out.begin() + static_cast<std::ptrdiff_t>(done));
  }
  secret::wipe(samples.data(), sizeof samples);
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
