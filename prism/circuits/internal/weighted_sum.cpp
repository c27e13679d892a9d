#include "prism/circuits/internal/weighted_sum.h"

#include <algorithm>

#include "prism/math/modular.h"

namespace prism::circuits {
namespace {

constexpr std::size_t kMostRows = 64;  // what inner_product_scalar takes

std::uint64_t residue(Int128 value, std::uint64_t q) {
  const bool negative = value < 0;
  const auto size = static_cast<Uint128>(negative ? -value : value);
  const auto r = static_cast<std::uint64_t>(size % q);
  return negative ? math::negate_mod(r, q) : r;
}

}  // namespace

void add_weighted(std::vector<ring::Evaluations>& sum, std::span<const WeightedTerm> terms, const ring::Ring& ring,
                  const ring::PrimeSet& primes) {
  while (sum.size() < 2) sum.emplace_back(ring, primes);
  const std::size_t n = ring.degree();
  Residues out(n);
  std::vector<const std::uint64_t*> rows;
  std::vector<std::uint64_t> weights;
  for (std::size_t part = 0; part < 2; ++part) {
    for (std::size_t i = 0; i < primes.size(); ++i) {
      const kernels::Modulus& m = ring.modulus(primes[i]);
      std::span<std::uint64_t> row = sum[part].row(i);
      for (std::size_t done = 0; done < terms.size();) {
        rows.assign(1, row.data());
        weights.assign(1, 1);
        for (; done < terms.size() && rows.size() < kMostRows; ++done) {
          rows.push_back((*terms[done].parts)[part].row(i).data());
          weights.push_back(residue(terms[done].weight, m.q));
        }
        ring.kernels().inner_product_scalar(out.data(), rows.data(), weights.data(), rows.size(), n, m);
        std::copy(out.begin(), out.end(), row.begin());
      }
    }
  }
}

}  // namespace prism::circuits
