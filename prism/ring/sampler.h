// prism/ring/sampler.h - where random polynomials come from, to the byte.
//
// Uniform rows (public). The row of prime q of a polynomial is drawn from the ChaCha20 stream (RFC 8439, block counter from 0) with
// key = the 32-byte seed and nonce = le64(stream) || le32(index of the prime in the ring). The stream is read as little-endian 64-bit words; each is
// masked to the bit length of q; words that are then >= q are skipped. Residues are taken in transformed (evaluation) order.
//
// Ternary secrets: uniform on {-1, 0, 1}. Errors: discrete Gaussian, sigma = 3.2, by cumulative-table comparison at 128 bits over the full
// table for every draw, tail cut at |x| <= 45 (mass beyond: below 2^-141). Neither branches on nor indexes by what it draws.
#pragma once
#include <array>
#include <cstdint>

#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/ring/poly.h"
#include "prism/secret/secret.h"

namespace prism::ring {

/// A public seed; whoever has it can expand what it stands for.
using Seed = std::array<std::uint8_t, 32>;
/// A seed of secret randomness.
using SecretSeed = secret::Secret<std::array<std::uint8_t, 32>>;

inline constexpr double kSigma = 3.2;
inline constexpr int kGaussianTail = 45;

/// Public, uniform, in the transformed domain. `stream` separates polynomials under one seed.
Evaluations uniform(const Ring& ring, const PrimeSet& primes, const Seed& seed, std::uint64_t stream);
/// The same for one prime, into a row of N residues.
void uniform_row(std::span<std::uint64_t> row, const Ring& ring, std::uint32_t prime, const Seed& seed, std::uint64_t stream);

/// N secret coefficients in {-1, 0, 1}, from (seed, stream): constant time in what is drawn (rejection looks only at discarded bytes).
secret::SecretVector<std::int32_t> ternary(std::size_t n, const SecretSeed& seed, std::uint64_t stream);
/// N secret coefficients of the discrete Gaussian above.
secret::SecretVector<std::int32_t> gaussian(std::size_t n, const SecretSeed& seed, std::uint64_t stream);

/// 32 fresh bytes.
Result<Seed> fresh_seed(Random& random);
Result<SecretSeed> fresh_secret_seed(Random& random);

}  // namespace prism::ring
