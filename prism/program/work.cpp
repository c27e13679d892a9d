#include "prism/program/work.h"

#include <algorithm>

#include "prism/ring/conversion.h"

namespace prism::program {

Work& Work::operator+=(const Work& other) {
  forward += other.forward;
  inverse += other.inverse;
  products += other.products;
  light += other.light;
  key_rows += other.key_rows;
  return *this;
}

Work operator*(std::uint64_t times, const Work& work) {
  return {times * work.forward, times * work.inverse, times * work.products, times * work.light, times * work.key_rows};
}

Chain chain_of(const rlwe::Parameters& parameters, rlwe::Level level) {
  return {.degree = parameters.degree(),
          .primes = parameters.primes(level).size(),
          .special = parameters.special_primes().size(),
          .digit_size = parameters.spec().digit_size};
}

Chain chain_of(const exact::Parameters& parameters, rlwe::Level level) {
  Chain out = chain_of(parameters.rlwe(), level);
  if (parameters.scheme() == exact::Scheme::bfv) {
    out.auxiliary = parameters.auxiliary_primes(level).size();
  } else {
    out.scaled = true;
  }
  return out;
}

namespace {

/// Each source row times a constant and into the quotient; each target row sums source rows and the quotient.
Work quotient_conversion(std::uint64_t from, std::uint64_t to) { return {.products = 2 * from + to * (from + 1)}; }

}  // namespace

Work base_conversion(std::uint64_t from, std::uint64_t to, bool scaled) {
  // One prime: its centred residue is the number itself.
  if (from == 1 && !scaled) return {.light = to};
  // Mixed radix: digit j sums j + 1 rows, each target row sums the digits.
  if (from <= ring::BaseConverter::kMixedRadix) return {.products = from * (from + 1) / 2 + to * from};
  return quotient_conversion(from, to);
}

Work decompose(const Chain& at) {
  Work out{.inverse = at.primes};
  for (std::uint64_t first = 0; first < at.primes; first += at.digit_size) {
    const std::uint64_t size = std::min(at.digit_size, at.primes - first);
    const std::uint64_t others = at.primes + at.special - size;  // modulo its own primes a digit is there already
    out += base_conversion(size, others, false);
    out.forward += others;
  }
  return out;
}

Work multiply_with_key(const Chain& at) {
  const std::uint64_t rows = 2 * at.digits() * (at.primes + at.special);
  return {.products = rows, .key_rows = rows};
}

Work divide(const Chain& at, std::uint64_t dropped) {
  const std::uint64_t gone = at.special + dropped, kept = at.primes - dropped;
  return 2 * (Work{.forward = kept, .inverse = gone, .products = kept} + base_conversion(gone, kept, at.scaled));
}

Work switch_key(const Chain& at) { return decompose(at) + multiply_with_key(at) + divide(at, 0); }

Work rescale(const Chain& at, std::uint64_t dropped) {
  Chain without = at;
  without.special = 0;
  return divide(without, dropped);
}

Work multiply(const Chain& at) {
  if (at.auxiliary == 0) return {.products = 4 * at.primes};
  const std::uint64_t both = at.primes + at.auxiliary;
  Work raise = at.primes == 1 ? Work{.light = at.auxiliary} : quotient_conversion(at.primes, at.auxiliary);
  raise.inverse += at.primes;
  raise.forward += at.auxiliary;
  // t/Q of each part modulo the auxiliary primes, from the rows of all; then back.
  const Work scale{.products =
                       2 * at.primes + at.auxiliary * (at.primes + 2) + at.auxiliary + at.primes * (at.auxiliary + 1)};
  return 4 * raise + Work{.products = 4 * both} + 3 * (Work{.forward = at.primes, .inverse = both} + scale);
}

Work relinearise(const Chain& at) { return switch_key(at) + Work{.light = 2 * at.primes}; }

Work multiply_relinearise(const Chain& at) { return multiply(at) + relinearise(at); }

Work multiply_relinearise_rescale(const Chain& at, std::uint64_t dropped) {
  const Work lifted{.products = 2 * at.primes};  // the other two parts times P
  return multiply(at) + decompose(at) + multiply_with_key(at) + lifted + divide(at, dropped);
}

Work rotate(const Chain& at, bool hoisted) {
  Work out = multiply_with_key(at) + divide(at, 0);
  out.light += 2 * (at.primes + at.special);  // the sums are moved, which spares moving every digit
  out.light += 2 * at.primes;                 // the first part is moved and added
  if (!hoisted) out += decompose(at);
  return out;
}

std::uint64_t ciphertext_bytes(const Chain& at, std::uint64_t parts) { return parts * at.primes * at.degree * 8; }
std::uint64_t key_bytes(const Chain& at) { return multiply_with_key(at).key_rows * at.degree * 8; }
std::uint64_t public_key_bytes(const Chain& at) { return 2 * at.primes * at.degree * 8; }
std::uint64_t hoisted_bytes(const Chain& at) { return key_bytes(at) / 2 + ciphertext_bytes(at); }

}  // namespace prism::program
