#include "prism/math/primes.h"

#include <algorithm>
#include <array>

#include "prism/math/modular.h"

namespace prism::math {
namespace {

constexpr std::array<std::uint64_t, 12> kBases = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};

/// Whether n = 2^twos * odd + 1 looks prime to `base`.
bool is_probable_prime(std::uint64_t n, std::uint64_t base, std::uint64_t odd, unsigned twos) {
  std::uint64_t x = power_mod(base, odd, n);
  if (x == 1 || x == n - 1) return true;
  for (unsigned i = 1; i < twos; ++i) {
    x = multiply_mod(x, x, n);
    if (x == n - 1) return true;
  }
  return false;
}

}  // namespace

bool is_prime(std::uint64_t n) {
  if (n < 2) return false;
  for (const std::uint64_t base : kBases) {
    if (n % base == 0) return n == base;
  }
  std::uint64_t odd = n - 1;
  unsigned twos = 0;
  for (; odd % 2 == 0; odd /= 2) ++twos;
  return std::all_of(kBases.begin(), kBases.end(),
                     [&](std::uint64_t base) { return is_probable_prime(n, base, odd, twos); });
}

Result<std::vector<std::uint64_t>> primes_below(unsigned limit_bits, std::uint64_t step, std::size_t count,
                                                const std::vector<std::uint64_t>& avoid) {
  if (limit_bits < 1 || limit_bits > 63 || step == 0) {
    return fail(ErrorCode::invalid_argument, "primes of ", limit_bits, " bits in steps of ", step,
                "; ask for 1 to 63 bits and a step of at least 1");
  }
  std::vector<std::uint64_t> primes;
  const std::uint64_t largest = (std::uint64_t{1} << limit_bits) - 1;
  if (largest >= 2) {
    // Candidates are k*step + 1; with step 1 this is every number.
    for (std::uint64_t k = (largest - 1) / step; k > 0 && primes.size() < count; --k) {
      const std::uint64_t candidate = k * step + 1;
      if (is_prime(candidate) && std::find(avoid.begin(), avoid.end(), candidate) == avoid.end()) {
        primes.push_back(candidate);
      }
    }
  }
  if (primes.size() < count) {
    return fail(ErrorCode::invalid_argument, "only ", primes.size(), " of ", count, " primes below 2^", limit_bits,
                " are 1 mod ", step, "; allow more bits or ask for fewer");
  }
  return primes;
}

Result<std::uint64_t> root_of_unity(std::uint64_t order, std::uint64_t q) {
  if (order == 0 || (order & (order - 1)) != 0 || q < 2 || (q >> 63) != 0 || (q - 1) % order != 0) {
    return fail(ErrorCode::invalid_argument, "no root of unity of order ", order, " modulo ", q,
                "; the order must be a power of two that divides the modulus less one");
  }
  if (order == 1) return std::uint64_t{1};
  if (order == 2) return q - 1;
  // For prime q half of all bases give an element of full order: g^((q-1)/order) has order `order` exactly when its
  // (order/2)-th power is -1.
  std::uint64_t root = 0;
  for (std::uint64_t base = 2; root == 0; ++base) {
    if (base == 1000) return fail(ErrorCode::invalid_argument, q, " is not a prime");
    const std::uint64_t candidate = power_mod(base, (q - 1) / order, q);
    if (power_mod(candidate, order / 2, q) == q - 1) root = candidate;
  }
  // All primitive roots are the odd powers; which one was found first depends on the base, so take the smallest.
  // Multiplying by the fixed square uses Shoup's precomputed quotient: floor(w * 2^64 / q), off by at most one.
  const std::uint64_t square = multiply_mod(root, root, q);
  const auto quotient = static_cast<std::uint64_t>((Uint128{square} << 64) / q);
  std::uint64_t smallest = root;
  std::uint64_t power = root;
  for (std::uint64_t i = 1; i < order / 2; ++i) {
    const auto estimate = static_cast<std::uint64_t>(Uint128{power} * quotient >> 64);
    power = power * square - estimate * q;
    if (power >= q) power -= q;
    smallest = std::min(smallest, power);
  }
  return smallest;
}

}  // namespace prism::math
