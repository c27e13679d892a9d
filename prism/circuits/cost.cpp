#include "prism/circuits/cost.h"

namespace prism::circuits {

Cost& Cost::operator+=(const Cost& other) {
  levels += other.levels;
  decompositions += other.decompositions;
  switches += other.switches;
  divisions += other.divisions;
  plain_products += other.plain_products;
  rescales += other.rescales;
  products += other.products;
  return *this;
}

std::size_t Cost::transforms(const rlwe::Parameters& parameters, rlwe::Level level) const {
  const std::size_t primes = parameters.primes(level).size(), special = parameters.special_primes().size();
  const std::size_t digit_size = parameters.spec().digit_size, digits = (primes + digit_size - 1) / digit_size;
  return decompositions * digits * (primes + special) + divisions * (primes + special) + rescales * 2 * primes;
}

}  // namespace prism::circuits
