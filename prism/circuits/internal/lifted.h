// prism/circuits/internal/lifted.h - encoded plaintexts over the primes of a level and the special ones, transformed:
// what multiplies polynomials before they are divided by P.
#pragma once
#include "prism/circuits/scheme.h"

namespace prism::circuits {

/// Costs one transform a prime.
ring::Evaluations lift_extended(const ckks::Plaintext& plaintext, rlwe::Level level);
ring::Evaluations lift_extended(const exact::Plaintext& plaintext, rlwe::Level level);

}  // namespace prism::circuits
