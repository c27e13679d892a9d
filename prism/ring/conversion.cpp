#include "prism/ring/conversion.h"

#include <algorithm>
#include <array>

#include "prism/math/modular.h"

namespace prism::ring {
namespace {

/// Coefficients treated at a time, so that what is between the two steps stays in the second-level cache.
constexpr std::size_t kTile = 1024;
constexpr std::size_t kMaxPrimes = 63;  // the kernels take 64 rows, one of which is the rounding term

std::uint64_t inverse(std::uint64_t a, std::uint64_t q) {
  auto result = math::inverse_mod(a, q);
  check(result.has_value(), "base conversion between moduli that are not coprime");
  return *result;
}

/// Product of the primes of `set` except `left_out`, modulo m.
std::uint64_t product_without(const Ring& ring, const PrimeSet& set, std::uint32_t left_out, std::uint64_t m) {
  std::uint64_t product = 1 % m;
  for (const std::uint32_t index : set.indexes()) {
    if (index != left_out) product = math::multiply_mod(product, ring.prime(index) % m, m);
  }
  return product;
}
constexpr std::uint32_t kNone = ~std::uint32_t{0};

}  // namespace

BaseConverter::BaseConverter(const Ring& ring, PrimeSet from, PrimeSet to)
    : ring_(&ring), from_(std::move(from)), to_(std::move(to)) {
  check(from_.size() >= 1 && from_.size() <= kMaxPrimes, "base conversion from 1 to 63 primes");
  for (const std::uint32_t j : from_.indexes()) {
    const auto& m = ring.modulus(j);
    from_moduli_.push_back(m);
    inverse_.push_back(kernels::make_multiplier(inverse(product_without(ring, from_, j, m.q), m.q), m));
  }
  for (const std::uint32_t i : to_.indexes()) {
    const std::uint64_t p = ring.prime(i);
    auto& row = cofactor_.emplace_back();
    for (const std::uint32_t j : from_.indexes()) row.push_back(product_without(ring, from_, j, p));
    row.push_back(math::negate_mod(product_without(ring, from_, kNone, p), p));
  }
}

void BaseConverter::convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out) const {
  const auto& k = ring_->kernels();
  const std::size_t n = ring_->degree();
  if (from_.size() == 1) {
    for (std::size_t i = 0; i < to_.size(); ++i) {
      k.recentre(out[i], in[0], from_moduli_[0], n, ring_->modulus(to_[i]));
    }
    return;
  }
  // x = sum_j y_j * B/q_j - v * B with y_j = x_j * (B/q_j)^-1 mod q_j and v = round(sum_j y_j / q_j).
  const std::size_t count = from_.size();
  const std::size_t tile = std::min(kTile, n);
  Residues scratch((count + 1) * tile);
  std::array<const std::uint64_t*, kMaxPrimes + 1> rows{};
  for (std::size_t j = 0; j <= count; ++j) rows[j] = scratch.data() + j * tile;
  std::uint64_t* const rounding = scratch.data() + count * tile;
  for (std::size_t start = 0; start < n; start += tile) {
    for (std::size_t j = 0; j < count; ++j) {
      k.multiply_scalar(scratch.data() + j * tile, in[j] + start, inverse_[j], tile, from_moduli_[j]);
    }
    k.fraction_round(rounding, rows.data(), from_moduli_.data(), count, tile);
    for (std::size_t i = 0; i < to_.size(); ++i) {
      k.inner_product_scalar(out[i] + start, rows.data(), cofactor_[i].data(), count + 1, tile, ring_->modulus(to_[i]));
    }
  }
}

Coefficients BaseConverter::convert(const Coefficients& x) const {
  check(&x.ring() == ring_ && x.primes() == from_, "base conversion of a polynomial over other primes");
  Coefficients result(*ring_, to_);
  std::vector<const std::uint64_t*> in(from_.size());
  std::vector<std::uint64_t*> out(to_.size());
  for (std::size_t j = 0; j < in.size(); ++j) in[j] = x.row(j).data();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = result.row(i).data();
  convert_rows(in.data(), out.data());
  return result;
}

Divider::Divider(const Ring& ring, PrimeSet keep, PrimeSet divisor, std::uint64_t t)
    : ring_(&ring), keep_(std::move(keep)), divisor_(std::move(divisor)), t_(t), converter_(ring, divisor_, keep_) {
  check(t >= 1 && t < (std::uint64_t{1} << 50), "Divider: t must be at least 1 and below 2^50");
  for (const std::uint32_t j : divisor_.indexes()) {
    check(!keep_.contains(j), "Divider: a prime that is both kept and divided by");
    const auto& m = ring.modulus(j);
    t_inverse_.push_back(kernels::make_multiplier(inverse(t % m.q, m.q), m));
  }
  for (const std::uint32_t i : keep_.indexes()) {
    const auto& m = ring.modulus(i);
    t_lift_.push_back(kernels::make_multiplier(t % m.q, m));
    d_inverse_.push_back(kernels::make_multiplier(inverse(product_without(ring, divisor_, kNone, m.q), m.q), m));
  }
}

// delta = t * c with c = x * t^-1 mod D, centred: then delta = x mod D, delta = 0 mod t, |delta| <= t*D/2.
template <Domain D>
Poly<D> Divider::divide_by_rows(const Poly<D>& x) const {
  check(&x.ring() == ring_ && x.primes() == keep_.united(divisor_), "division of a polynomial over other primes");
  const auto& k = ring_->kernels();
  const std::size_t n = ring_->degree();
  Residues digits(divisor_.size() * n);
  std::vector<const std::uint64_t*> in(divisor_.size());
  for (std::size_t j = 0; j < divisor_.size(); ++j) {
    std::uint64_t* const row = digits.data() + j * n;
    in[j] = row;
    const std::uint64_t* source = x.row(x.primes().position(divisor_[j])).data();
    if constexpr (D == Domain::evaluations) {
      std::copy_n(source, n, row);
      k.inverse_ntt(row, ring_->tables(divisor_[j]));
      source = row;
    }
    if (t_ != 1) {
      k.multiply_scalar(row, source, t_inverse_[j], n, ring_->modulus(divisor_[j]));
    } else if (source != row) {
      in[j] = source;
    }
  }
  Poly<D> result(*ring_, keep_);
  std::vector<std::uint64_t*> out(keep_.size());
  for (std::size_t i = 0; i < keep_.size(); ++i) out[i] = result.row(i).data();
  converter_.convert_rows(in.data(), out.data());
  for (std::size_t i = 0; i < keep_.size(); ++i) {
    const auto& m = ring_->modulus(keep_[i]);
    if (t_ != 1) k.multiply_scalar(out[i], out[i], t_lift_[i], n, m);
    if constexpr (D == Domain::evaluations) k.forward_ntt(out[i], ring_->tables(keep_[i]));
    k.subtract_multiply_scalar(out[i], x.row(x.primes().position(keep_[i])).data(), out[i], d_inverse_[i], n, m);
  }
  return result;
}

Evaluations Divider::divide(const Evaluations& x) const { return divide_by_rows(x); }
Coefficients Divider::divide(const Coefficients& x) const { return divide_by_rows(x); }

}  // namespace prism::ring
