// prism/ring/sampler.h - where random polynomials come from, to the byte.
//
// Uniform rows (public). The row of prime q of a polynomial is drawn from the ChaCha20 stream (RFC 8439, block counter
// from 0) with key = the 32-byte seed and nonce = le64(stream) || le32(index of the prime in the ring). The stream is
// read as little-endian 64-bit words; each is masked to the bit length of q; words that are then >= q are skipped.
// Residues are taken in transformed (evaluation) order.
//
// Ternary (secret). Key = the seed, nonce = le64(stream) || le32(0xffffffff). Every byte of the stream holds four
// fields of two bits, lowest first: 0, 1, 2 give -1, 0, 1; a field of 3 is skipped. Which fields are skipped says
// nothing about the others.
//
// Gaussian (secret). sigma = 3.2: x has weight exp(-x^2 / (2 sigma^2)), |x| <= 45 (mass beyond: below 2^-141). Key =
// the seed, nonce = le64(stream) || le32(0xfffffffe). Each sample takes two little-endian words v0, v1 of the stream:
// u = (v1 mod 2^63) * 2^63 + (v0 mod 2^63); |x| = how many thresholds (internal/gaussian_table.h) are <= u; x is
// negated when the top bit of v1 is set. The top bit of v0 is not used. Thresholds are rounded up to multiples of
// 2^-126, so |x| is never likelier to be large than in the exact distribution: subgaussian tail bounds hold for what is
// drawn, and it is within 2^-120 of the exact distribution. |x| = 41 is the largest value that 126 bits can reach.
//
// Every draw is compared with the whole table. Nothing branches on, or indexes by, what is drawn.
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
void uniform_row(std::span<std::uint64_t> row, const Ring& ring, std::uint32_t prime, const Seed& seed,
                 std::uint64_t stream);

/// n secret coefficients in {-1, 0, 1}; time depends on the skipped fields alone.
secret::SecretVector<std::int32_t> ternary(std::size_t n, const SecretSeed& seed, std::uint64_t stream);
/// n secret coefficients of the discrete Gaussian above, in constant time.
secret::SecretVector<std::int32_t> gaussian(std::size_t n, const SecretSeed& seed, std::uint64_t stream);

/// 32 fresh bytes.
Result<Seed> fresh_seed(Random& random);
Result<SecretSeed> fresh_secret_seed(Random& random);

}  // namespace prism::ring
