// prism/program/work.h - what operations cost, as formulas: rows transformed and multiplied, key rows read, bytes that
// stay. For planning, which must know costs before there are keys or data. docs/cost-model.md explains and compares
// with measurement; tests/cost counts what operations really do and fails when it differs.
//
// A row is N residues modulo one prime, 8*N bytes. With L the primes of the level, k special primes, digits of s primes
// (the last may be smaller) and n = ceil(L/s) of them.
#pragma once
#include <cstdint>

#include "prism/exact/parameters.h"
#include "prism/rlwe/parameters.h"

namespace prism::program {

/// Rows of work.
struct Work {
  std::uint64_t forward = 0;   ///< transforms
  std::uint64_t inverse = 0;   ///< transforms back
  std::uint64_t products = 0;  ///< rows multiplied and added, by rows or by constants
  std::uint64_t light = 0;     ///< rows added, negated, reduced, recentred or permuted
  std::uint64_t key_rows = 0;  ///< rows of switching keys read
  std::uint64_t transforms() const { return forward + inverse; }
  Work& operator+=(const Work& other);
  friend Work operator+(Work a, const Work& b) { return a += b; }
  friend Work operator*(std::uint64_t times, const Work& work);
  bool operator==(const Work&) const = default;
};

/// A level of a parameter set, as far as costs go.
struct Chain {
  std::uint64_t degree = 0;      ///< N
  std::uint64_t primes = 0;      ///< L
  std::uint64_t special = 0;     ///< k
  std::uint64_t digit_size = 1;  ///< s
  std::uint64_t auxiliary = 0;   ///< BFV: K, the primes that products are raised to
  bool scaled = false;           ///< BGV: divisions keep the message modulo t
  std::uint64_t digits() const { return (primes + digit_size - 1) / digit_size; }
};
Chain chain_of(const rlwe::Parameters& parameters, rlwe::Level level);
Chain chain_of(const exact::Parameters& parameters, rlwe::Level level);

// -- parts (rlwe, ring)

/// From `from` primes to `to` others; `scaled` as in Chain.
Work base_conversion(std::uint64_t from, std::uint64_t to, bool scaled);
/// A polynomial to its digits modulo all primes: L inverse and n*(L + k) - L forward transforms. What hoisting pays
/// once.
Work decompose(const Chain& at);
/// Digits times a key: 2n(L + k) products, and as many key rows.
Work multiply_with_key(const Chain& at);
/// Two polynomials divided by P and by `dropped` primes of the level, with one rounding.
Work divide(const Chain& at, std::uint64_t dropped);
/// decompose, multiply_with_key and divide(0).
Work switch_key(const Chain& at);

// -- operations

/// One level down by `dropped` primes, two parts: ckks rescale, exact drop_to (of canonical ciphertexts).
Work rescale(const Chain& at, std::uint64_t dropped);
/// The product alone, three parts out. BFV (auxiliary > 0): raising, product and scaling.
Work multiply(const Chain& at);
/// ckks and exact, relinearise.
Work relinearise(const Chain& at);
/// exact::Evaluator::multiply_relinearise.
Work multiply_relinearise(const Chain& at);
/// ckks::Evaluator::multiply_relinearise_rescale, exact::Evaluator::multiply_relinearise_drop: divided by P and the
/// dropped primes at once.
Work multiply_relinearise_rescale(const Chain& at, std::uint64_t dropped);
/// Any automorphism; `hoisted`: the decomposition is there already.
Work rotate(const Chain& at, bool hoisted);

// -- bytes that stay in memory

/// Of `parts` polynomials: parts*L rows.
std::uint64_t ciphertext_bytes(const Chain& at, std::uint64_t parts = 2);
/// Of one switching key made at this level: 2n(L + k) rows.
std::uint64_t key_bytes(const Chain& at);
/// Of a public key: 2L rows.
std::uint64_t public_key_bytes(const Chain& at);
/// Of a hoisted ciphertext: its digits, n(L + k) rows, and itself.
std::uint64_t hoisted_bytes(const Chain& at);

}  // namespace prism::program
