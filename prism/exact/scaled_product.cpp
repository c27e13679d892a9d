#include "prism/exact/internal/scaled_product.h"

#include <algorithm>

#include "prism/math/modular.h"

namespace prism::exact {
namespace {

/// Coefficients treated at a time, so that what lies between two steps stays in the second-level cache.
constexpr std::size_t kTile = 512;
/// Kernels take 64 rows; scaling adds two to those of the level, the way back one to the auxiliary ones.
constexpr std::size_t kMostRows = 64;
constexpr std::uint32_t kNone = ~std::uint32_t{0};

std::uint64_t inverse(std::uint64_t a, std::uint64_t q) {
  const auto result = math::inverse_mod(a % q, q);
  check(result.has_value(), "distinct primes are coprime");
  return *result;
}

/// Product of the primes of `set` except `left_out`, modulo m.
std::uint64_t product_without(const ring::Ring& ring, const ring::PrimeSet& set, std::uint32_t left_out,
                              std::uint64_t m) {
  std::uint64_t product = 1 % m;
  for (const std::uint32_t index : set.indexes()) {
    if (index != left_out) product = math::multiply_mod(product, ring.prime(index) % m, m);
  }
  return product;
}

}  // namespace

ScaledProduct::ScaledProduct(const Parameters& parameters, rlwe::Level level)
    : ring_(&parameters.wide_ring()),
      degree_(parameters.degree()),
      base_(parameters.rlwe().primes(level)),
      auxiliary_(parameters.auxiliary_primes(level)) {
  check(base_.size() + 2 <= kMostRows && auxiliary_.size() + 1 <= kMostRows, "a BFV product over more than 62 primes");
  const ring::Ring& ring = *ring_;
  const std::uint64_t t = parameters.plain_modulus();
  for (const std::uint32_t i : base_.indexes()) {
    const kernels::Modulus& m = ring.modulus(i);
    base_moduli_.push_back(m);
    const std::uint64_t cofactor = inverse(product_without(ring, base_, i, m.q), m.q);
    raise_.push_back(kernels::make_multiplier(cofactor, m));
    scale_.push_back(kernels::make_multiplier(math::multiply_mod(cofactor, t % m.q, m.q), m));
    auto& back = back_to_.emplace_back();
    for (const std::uint32_t j : auxiliary_.indexes()) back.push_back(product_without(ring, auxiliary_, j, m.q));
    back.push_back(math::negate_mod(product_without(ring, auxiliary_, kNone, m.q), m.q));
  }
  for (const std::uint32_t j : auxiliary_.indexes()) {
    const kernels::Modulus& m = ring.modulus(j);
    auxiliary_moduli_.push_back(m);
    const std::uint64_t q = product_without(ring, base_, kNone, m.q);
    auto& raise = raise_to_.emplace_back();
    for (const std::uint32_t i : base_.indexes()) raise.push_back(product_without(ring, base_, i, m.q));
    raise.push_back(math::negate_mod(q, m.q));
    // w_j = (B/b_j)^-1 * (t/Q * x_j - sum z_i/q_i + v)
    const std::uint64_t factor = inverse(product_without(ring, auxiliary_, j, m.q), m.q);
    auto& scale = scale_to_.emplace_back();
    for (const std::uint32_t i : base_.indexes()) {
      scale.push_back(math::negate_mod(math::multiply_mod(factor, inverse(ring.prime(i), m.q), m.q), m.q));
    }
    scale.push_back(factor);
    scale.push_back(math::multiply_mod(factor, math::multiply_mod(t % m.q, inverse(q, m.q), m.q), m.q));
  }
}

std::size_t ScaledProduct::tile_words() const {
  return (base_.size() + auxiliary_.size() + 2) * std::min(kTile, degree_);
}

/// `rows`: K rows, the coefficients of x modulo the auxiliary primes. `coefficients`: L rows to work in.
void ScaledProduct::raise(std::uint64_t* rows, const ring::Evaluations& x, std::uint64_t* coefficients,
                          std::uint64_t* tile) const {
  const auto& k = ring_->kernels();
  const std::size_t count = base_.size(), size = std::min(kTile, degree_);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t* const row = coefficients + i * degree_;
    k.inverse_ntt_from(row, x.row(i).data(), ring_->tables(base_[i]));
  }
  if (count == 1) {
    for (std::size_t j = 0; j < auxiliary_.size(); ++j)
      k.recentre(rows + j * degree_, coefficients, base_moduli_[0], degree_, auxiliary_moduli_[j]);
    return;
  }
  std::array<const std::uint64_t*, kMostRows> digits{};
  for (std::size_t i = 0; i <= count; ++i) digits[i] = tile + i * size;
  for (std::size_t start = 0; start < degree_; start += size) {
    for (std::size_t i = 0; i < count; ++i)
      k.multiply_scalar(tile + i * size, coefficients + i * degree_ + start, raise_[i], size, base_moduli_[i]);
    k.fraction_round(tile + count * size, digits.data(), base_moduli_.data(), count, size);
    for (std::size_t j = 0; j < auxiliary_.size(); ++j) {
      k.inner_product_scalar(rows + j * degree_ + start, digits.data(), raise_to_[j].data(), count + 1, size,
                             auxiliary_moduli_[j]);
    }
  }
}

/// `base` and `auxiliary`: L and K rows of coefficients. `out`: L rows, transformed.
void ScaledProduct::scale(std::uint64_t* out, const std::uint64_t* base, const std::uint64_t* auxiliary,
                          std::uint64_t* tile) const {
  const auto& k = ring_->kernels();
  const std::size_t count = base_.size(), extra = auxiliary_.size(), size = std::min(kTile, degree_);
  std::uint64_t* const scaled = tile + (count + 1) * size;
  std::array<const std::uint64_t*, kMostRows> digits{}, lifted{};
  for (std::size_t i = 0; i <= count; ++i) digits[i] = tile + i * size;
  for (std::size_t j = 0; j <= extra; ++j) lifted[j] = scaled + j * size;
  for (std::size_t start = 0; start < degree_; start += size) {
    for (std::size_t i = 0; i < count; ++i)
      k.multiply_scalar(tile + i * size, base + i * degree_ + start, scale_[i], size, base_moduli_[i]);
    k.fraction_round(tile + count * size, digits.data(), base_moduli_.data(), count, size);
    for (std::size_t j = 0; j < extra; ++j) {
      digits[count + 1] = auxiliary + j * degree_ + start;
      k.inner_product_scalar(scaled + j * size, digits.data(), scale_to_[j].data(), count + 2, size,
                             auxiliary_moduli_[j]);
    }
    std::uint64_t* const rounding = tile;  // the digits are used up
    lifted[extra] = rounding;
    k.fraction_round(rounding, lifted.data(), auxiliary_moduli_.data(), extra, size);
    for (std::size_t i = 0; i < count; ++i) {
      k.inner_product_scalar(out + i * degree_ + start, lifted.data(), back_to_[i].data(), extra + 1, size,
                             base_moduli_[i]);
    }
  }
  for (std::size_t i = 0; i < count; ++i) k.forward_ntt(out + i * degree_, ring_->tables(base_[i]));
}

void ScaledProduct::multiply(const std::array<std::uint64_t*, 3>& out, const std::array<const ring::Evaluations*, 2>& a,
                             const std::array<const ring::Evaluations*, 2>& b, std::uint64_t* scratch) const {
  const auto& k = ring_->kernels();
  const std::size_t n = degree_, count = base_.size(), extra = auxiliary_.size(), size = std::min(kTile, n);
  const bool square = a == b;
  // Scratch: 4K rows of raised operands, of which the tensor takes three later; 3L rows for the rest of the tensor,
  // which serve the raising first; a tile.
  std::array<std::uint64_t*, 4> raised{};
  for (std::size_t i = 0; i < 4; ++i) raised[i] = scratch + i * extra * n;
  std::array<std::uint64_t*, 3> tensor{};
  for (std::size_t i = 0; i < 3; ++i) tensor[i] = scratch + (4 * extra + i * count) * n;
  std::uint64_t* const tile = scratch + (4 * extra + 3 * count) * n;

  for (std::size_t i = 0; i < 2; ++i) raise(raised[i], *a[i], tensor[0], tile);
  if (!square) {
    for (std::size_t i = 0; i < 2; ++i) raise(raised[2 + i], *b[i], tensor[0], tile);
  }
  const auto multiply_rows = [&](const std::array<std::uint64_t*, 3>& c, const std::array<const std::uint64_t*, 4>& x,
                                 std::size_t length, const kernels::Modulus& m) {
    if (square) {
      k.tensor_square(c[0], c[1], c[2], x[0], x[1], length, m);
    } else {
      k.tensor(c[0], c[1], c[2], x[0], x[1], x[2], x[3], length, m);
    }
  };
  // Prime by prime, so that one prime's twiddles and rows are read from memory once.
  for (std::size_t i = 0; i < count; ++i) {
    const kernels::NttTables& tables = ring_->tables(base_[i]);
    const std::array<std::uint64_t*, 3> c{tensor[0] + i * n, tensor[1] + i * n, tensor[2] + i * n};
    multiply_rows(c, {a[0]->row(i).data(), a[1]->row(i).data(), b[0]->row(i).data(), b[1]->row(i).data()}, n,
                  tables.modulus);
    for (std::uint64_t* const row : c) k.inverse_ntt(row, tables);
  }
  for (std::size_t j = 0; j < extra; ++j) {
    const kernels::NttTables& tables = ring_->tables(auxiliary_[j]);
    std::array<std::uint64_t*, 4> x{};
    for (std::size_t p = 0; p < 4; ++p) {
      x[p] = raised[p] + j * n;
      if (p < 2 || !square) k.forward_ntt(x[p], tables);
    }
    for (std::size_t start = 0; start < n; start += size) {
      multiply_rows({tile, tile + size, tile + 2 * size}, {x[0] + start, x[1] + start, x[2] + start, x[3] + start},
                    size, tables.modulus);
      for (std::size_t p = 0; p < 3; ++p) std::copy_n(tile + p * size, size, x[p] + start);
    }
    for (std::size_t p = 0; p < 3; ++p) k.inverse_ntt(x[p], tables);
  }
  for (std::size_t p = 0; p < 3; ++p) scale(out[p], tensor[p], raised[p], tile);
}

}  // namespace prism::exact
