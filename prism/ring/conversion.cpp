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

BaseConverter::BaseConverter(const Ring& ring, const PrimeSet& from, const PrimeSet& to)
    : ring_(&ring), from_(from), to_(to) {
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

// x = sum_j y_j * B/q_j - v * B with y_j = x_j * (B/q_j)^-1 mod q_j and v = round(sum_j y_j / q_j).
void BaseConverter::prepare_part(const std::uint64_t* const* in, std::uint64_t* const* prepared, std::size_t start,
                                 std::size_t n) const {
  const auto& k = ring_->kernels();
  const std::size_t count = from_.size();
  std::array<const std::uint64_t*, kMaxPrimes> rows{};
  for (std::size_t j = 0; j < count; ++j) {
    k.multiply_scalar(prepared[j] + start, in[j] + start, inverse_[j], n, from_moduli_[j]);
    rows[j] = prepared[j] + start;
  }
  k.fraction_round(prepared[count] + start, rows.data(), from_moduli_.data(), count, n);
}

void BaseConverter::prepare(const std::uint64_t* const* in, std::uint64_t* const* prepared) const {
  if (from_.size() == 1) return;
  const std::size_t n = ring_->degree();
  const std::size_t tile = std::min(kTile, n);
  for (std::size_t start = 0; start < n; start += tile) prepare_part(in, prepared, start, tile);
}

void BaseConverter::finish_row(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared) const {
  const auto& k = ring_->kernels();
  const auto& m = ring_->modulus(to_[i]);
  if (from_.size() == 1) {
    k.recentre(out, prepared[0], from_moduli_[0], ring_->degree(), m);
  } else {
    k.inner_product_scalar(out, prepared, cofactor_[i].data(), from_.size() + 1, ring_->degree(), m);
  }
}

void BaseConverter::convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out,
                                 Workspace& workspace) const {
  const auto& k = ring_->kernels();
  const std::size_t n = ring_->degree();
  if (from_.size() == 1) {
    for (std::size_t i = 0; i < to_.size(); ++i) finish_row(out[i], i, in);
    return;
  }
  const std::size_t count = from_.size();
  const std::size_t tile = std::min(kTile, n);
  BorrowedRows scratch(workspace, count + 1, tile);
  std::array<std::uint64_t*, kMaxPrimes + 1> rows{};
  std::array<const std::uint64_t*, kMaxPrimes + 1> part{};
  for (std::size_t j = 0; j <= count; ++j) rows[j] = scratch.row(j);
  for (std::size_t start = 0; start < n; start += tile) {
    for (std::size_t j = 0; j < count; ++j) part[j] = in[j] + start;
    prepare_part(part.data(), rows.data(), 0, tile);
    for (std::size_t i = 0; i < to_.size(); ++i) {
      k.inner_product_scalar(out[i] + start, rows.data(), cofactor_[i].data(), count + 1, tile, ring_->modulus(to_[i]));
    }
  }
}

void BaseConverter::convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out) const {
  Workspace workspace;
  convert_rows(in, out, workspace);
}

void BaseConverter::convert(Coefficients& out, const Coefficients& x, Workspace& workspace) const {
  check(&x.ring() == ring_ && x.primes() == from_, "base conversion of a polynomial over other primes");
  check(&out != &x, "base conversion into the polynomial itself");
  out.reshape(*ring_, to_);
  std::array<const std::uint64_t*, kMaxPrimes> in{};
  std::array<std::uint64_t*, PrimeSet::kMost> rows{};
  for (std::size_t j = 0; j < from_.size(); ++j) in[j] = x.row(j).data();
  for (std::size_t i = 0; i < to_.size(); ++i) rows[i] = out.row(i).data();
  convert_rows(in.data(), rows.data(), workspace);
}

Coefficients BaseConverter::convert(const Coefficients& x) const {
  Coefficients result;
  Workspace workspace;
  convert(result, x, workspace);
  return result;
}

Divider::Divider(const Ring& ring, const PrimeSet& keep, const PrimeSet& divisor, std::uint64_t t)
    : ring_(&ring), keep_(keep), divisor_(divisor), t_(t), converter_(ring, divisor_, keep_) {
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
void Divider::divide_by_rows(Poly<D>& out, const Poly<D>& x, Workspace& workspace) const {
  check(&x.ring() == ring_ && x.rows() == keep_.size() + divisor_.size() && x.primes().includes(keep_) &&
            x.primes().includes(divisor_),
        "division of a polynomial over other primes");
  check(&out != &x, "division into the polynomial itself");
  const auto& k = ring_->kernels();
  const std::size_t n = ring_->degree();
  BorrowedRows digits(workspace, divisor_.size() + 1, n);
  std::array<std::uint64_t*, kMaxPrimes + 1> prepared{};
  std::array<const std::uint64_t*, kMaxPrimes + 1> in{};
  for (std::size_t j = 0; j <= divisor_.size(); ++j) in[j] = prepared[j] = digits.row(j);
  for (std::size_t j = 0; j < divisor_.size(); ++j) {
    const std::uint64_t* const source = x.row(x.primes().position(divisor_[j])).data();
    std::copy_n(source, n, prepared[j]);
    if constexpr (D == Domain::evaluations) k.inverse_ntt(prepared[j], ring_->tables(divisor_[j]));
    if (t_ != 1) k.multiply_scalar(prepared[j], prepared[j], t_inverse_[j], n, ring_->modulus(divisor_[j]));
  }
  converter_.prepare(in.data(), prepared.data());
  out.reshape(*ring_, keep_);
  for (std::size_t i = 0; i < keep_.size(); ++i) {
    const auto& m = ring_->modulus(keep_[i]);
    std::uint64_t* const row = out.row(i).data();
    converter_.finish_row(row, i, in.data());
    if (t_ != 1) k.multiply_scalar(row, row, t_lift_[i], n, m);
    if constexpr (D == Domain::evaluations) k.forward_ntt(row, ring_->tables(keep_[i]));
    k.subtract_multiply_scalar(row, x.row(x.primes().position(keep_[i])).data(), row, d_inverse_[i], n, m);
  }
}

void Divider::divide(Evaluations& out, const Evaluations& x, Workspace& workspace) const {
  divide_by_rows(out, x, workspace);
}
void Divider::divide(Coefficients& out, const Coefficients& x, Workspace& workspace) const {
  divide_by_rows(out, x, workspace);
}

Evaluations Divider::divide(const Evaluations& x) const {
  Evaluations result;
  Workspace workspace;
  divide_by_rows(result, x, workspace);
  return result;
}

Coefficients Divider::divide(const Coefficients& x) const {
  Coefficients result;
  Workspace workspace;
  divide_by_rows(result, x, workspace);
  return result;
}

}  // namespace prism::ring
