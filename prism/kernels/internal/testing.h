// prism/kernels/internal/testing.h - what the kernel tests and benchmarks share: primes, roots, rows.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "prism/base/int128.h"
#include "prism/kernels/kernels.h"

namespace prism::kernels::testing {

inline std::uint64_t multiply_mod(std::uint64_t a, std::uint64_t b, std::uint64_t q) {
  return static_cast<std::uint64_t>(Uint128{a} * b % q);
}

inline std::uint64_t power_mod(std::uint64_t a, std::uint64_t e, std::uint64_t q) {
  std::uint64_t r = 1 % q;
  for (; e != 0; e >>= 1, a = multiply_mod(a, a, q)) {
    if ((e & 1) != 0) r = multiply_mod(r, a, q);
  }
  return r;
}

/// Miller-Rabin with the first twelve primes, which decides every 64-bit number (Sorenson and Webster, 2015).
inline bool is_prime(std::uint64_t q) {
  constexpr std::uint64_t kBases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  if (q < 2) return false;
  for (const std::uint64_t p : kBases) {
    if (q % p == 0) return q == p;
  }
  std::uint64_t odd = q - 1;
  while (odd % 2 == 0) odd /= 2;
  for (const std::uint64_t base : kBases) {
    std::uint64_t e = odd, x = power_mod(base, odd, q);
    while (e != q - 1 && x != 1 && x != q - 1) {
      x = multiply_mod(x, x, q);
      e *= 2;
    }
    if (x != q - 1 && e % 2 == 0) return false;
  }
  return true;
}

/// The largest prime = 1 mod `step` below `bound`.
inline std::uint64_t prime_below(std::uint64_t bound, std::uint64_t step) {
  std::uint64_t q = (bound - 2) / step * step + 1;
  while (!is_prime(q)) q -= step;
  return q;
}

/// A primitive 2n-th root of unity.
inline std::uint64_t find_psi(std::uint64_t q, std::uint64_t n) {
  for (std::uint64_t g = 2;; ++g) {
    const std::uint64_t psi = power_mod(g, (q - 1) / (2 * n), q);
    if (power_mod(psi, n, q) == q - 1) return psi;
  }
}

/// Primes = 1 mod 2^18, good for every length up to 2^17: just below 2^50, just above 2^49 (the other end of a bit
/// length), of 30 bits, and 3 * 2^18 + 1.
inline std::vector<std::uint64_t> transform_primes() {
  std::uint64_t above = (std::uint64_t{1} << 49) + 1;
  while (!is_prime(above)) above += std::uint64_t{1} << 18;
  return {prime_below(std::uint64_t{1} << 50, std::uint64_t{1} << 18), above,
          prime_below(std::uint64_t{1} << 30, std::uint64_t{1} << 18), 786433};
}

inline std::vector<std::uint64_t> all_primes() {
  std::vector<std::uint64_t> primes = transform_primes();
  for (const std::uint64_t q : {3U, 5U, 7U, 17U, 257U, 12289U, 65537U}) primes.push_back(q);
  primes.push_back(prime_below(std::uint64_t{1} << 50, 2));  // as large as it gets
  primes.push_back(8588886017);
  return primes;
}

/// `n` values below `bound`: random ones with edges sprinkled in (0, 1, bound - 1, around bound/2).
inline Residues mixed_row(std::size_t n, std::uint64_t bound, std::mt19937_64& random) {
  const std::uint64_t edges[] = {0, 1 % bound, bound - 1, bound / 2, (bound + 1) / 2 % bound, bound - 2};
  Residues row(n);
  for (auto& x : row) x = random() % 4 == 0 ? edges[random() % 6] : random() % bound;
  return row;
}

}  // namespace prism::kernels::testing
