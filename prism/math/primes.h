// prism/math/primes.h - primes and roots of unity, found by search and the same on every machine.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "prism/base/result.h"

namespace prism::math {

/// Exact for every 64-bit number: Miller-Rabin with the first twelve primes as bases (Sorenson-Webster, arXiv
/// 1509.00864).
bool is_prime(std::uint64_t n);

/// The `count` largest primes p < 2^limit_bits with p = 1 mod step, without those in `avoid`, descending.
/// invalid_argument when there are fewer, or when limit_bits > 63 or step = 0.
Result<std::vector<std::uint64_t>> primes_below(unsigned limit_bits, std::uint64_t step, std::size_t count,
                                                const std::vector<std::uint64_t>& avoid = {});

/// The smallest primitive order-th root of unity modulo the prime q, for `order` a power of two that divides q - 1
/// (invalid_argument otherwise); q < 2^63. Costs order/2 multiplications.
Result<std::uint64_t> root_of_unity(std::uint64_t order, std::uint64_t q);

}  // namespace prism::math
