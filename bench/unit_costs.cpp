#include "bench/unit_costs.h"

#include <algorithm>
#include <vector>

#include "bench/peers/driver.h"
#include "prism/ring/sampler.h"

namespace bench {

using prism::Residues;

double UnitCosts::predict(const prism::program::Work& work) const {
  return forward * static_cast<double>(work.forward) + inverse * static_cast<double>(work.inverse) +
         product * static_cast<double>(work.products - work.key_rows) + light * static_cast<double>(work.light) +
         key_row * static_cast<double>(work.key_rows);
}

UnitCosts measure_unit_costs(const prism::ring::Ring& ring, const prism::program::Chain& at) {
  constexpr double kBudget = 20e6;
  const auto& k = ring.kernels();
  const std::size_t n = ring.degree(), digits = at.digits();
  const auto& m = ring.modulus(0);
  const auto& tables = ring.tables(0);
  Residues row(n), other(n);
  prism::ring::uniform_row(row, ring, 0, {}, 0);
  prism::ring::uniform_row(other, ring, 0, {}, 1);
  const auto time = [](auto f) { return measure(f, kBudget).minimum; };

  UnitCosts out;
  out.forward = time([&] { k.forward_ntt(row.data(), tables); });
  out.inverse = time([&] { k.inverse_ntt(row.data(), tables); });
  out.light = time([&] { k.add(row.data(), row.data(), other.data(), n, m); });

  // A conversion's inner loop: a tile of each source row, over and over for every target.
  constexpr std::size_t kTile = 1024, kSources = 4;
  Residues tiles(kSources * kTile), result(kTile);
  std::vector<const std::uint64_t*> sources;
  for (std::size_t j = 0; j < kSources; ++j) sources.push_back(tiles.data() + j * kTile);
  const std::vector<std::uint64_t> scalars(kSources, 12345);
  out.product =
      time([&] { k.inner_product_scalar(result.data(), sources.data(), scalars.data(), kSources, kTile, m); }) /
      (kSources * kTile) * static_cast<double>(n);

  // A whole key, prime by prime, as key switching reads it: digits that were just made, key rows from memory.
  const std::size_t rows = digits * (at.primes + at.special);
  std::vector<Residues> b(rows, row), a(rows, row), raised(digits, row);
  Residues u0(n), u1(n);
  std::vector<const std::uint64_t*> b_at(digits), a_at(digits), d_at(digits);
  for (std::size_t j = 0; j < digits; ++j) d_at[j] = raised[j].data();
  out.key_row =
      time([&] {
        for (std::size_t i = 0; i < at.primes + at.special; ++i) {
          for (std::size_t j = 0; j < digits; ++j) {
            b_at[j] = b[i * digits + j].data();
            a_at[j] = a[i * digits + j].data();
          }
          k.inner_product_pair(u0.data(), u1.data(), d_at.data(), b_at.data(), a_at.data(), digits, nullptr, n, m);
        }
      }) /
      static_cast<double>(2 * rows);
  return out;
}

}  // namespace bench
