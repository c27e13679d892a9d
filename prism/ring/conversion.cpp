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

/// Product of the primes at places [first, last) of `set`, modulo m.
std::uint64_t product_of(const Ring& ring, const PrimeSet& set, std::size_t first, std::size_t last, std::uint64_t m) {
  std::uint64_t product = 1 % m;
  for (std::size_t j = first; j < last; ++j) product = math::multiply_mod(product, ring.prime(set[j]) % m, m);
  return product;
}

/// (B-1)/2 modulo m for the product B of `set`: all its mixed-radix digits are (q_j-1)/2.
std::uint64_t half_modulo(const Ring& ring, const PrimeSet& set, std::uint64_t m) {
  std::uint64_t sum = 0;
  for (std::size_t j = 0; j < set.size(); ++j) {
    const std::uint64_t digit = (ring.prime(set[j]) - 1) / 2 % m;
    sum = math::add_mod(sum, math::multiply_mod(digit, product_of(ring, set, 0, j, m), m), m);
  }
  return sum;
}

}  // namespace

BaseConverter::BaseConverter(const Ring& ring, const PrimeSet& from, const PrimeSet& to, std::uint64_t t)
    : ring_(&ring), from_(from), to_(to), t_(t) {
  check(from_.size() >= 1 && from_.size() <= kMaxPrimes, "base conversion from 1 to 63 primes");
  check(t >= 1 && t < (std::uint64_t{1} << 50), "base conversion: t must be at least 1 and below 2^50");
  for (const std::uint32_t j : from_.indexes()) from_moduli_.push_back(ring.modulus(j));
  if (mixed()) {
    // h = (B-1)/2. With c = x/t + h mod B in [0, B) and its digits y, t*(c - h) is the answer. Digit j is what is left
    // of c modulo q_j after the digits before it, divided by their product:
    // y_j = (x/t + h) * (q_0 ... q_{j-1})^-1 - sum_{i<j} y_i * (q_i ... q_{j-1})^-1 modulo q_j.
    for (std::size_t j = 0; j < from_.size(); ++j) {
      const auto& m = from_moduli_[j];
      const std::uint64_t half = half_modulo(ring, from_, m.q);
      Combination& digit = digits_.emplace_back();
      for (std::size_t i = 0; i < j; ++i) {
        digit.factors.push_back(
            kernels::make_multiplier(math::negate_mod(inverse(product_of(ring, from_, i, j, m.q), m.q), m.q), m));
      }
      const std::uint64_t before = inverse(product_of(ring, from_, 0, j, m.q), m.q);
      digit.factors.push_back(kernels::make_multiplier(math::multiply_mod(before, inverse(t % m.q, m.q), m.q), m));
      digit.offset = math::multiply_mod(half, before, m.q);
    }
    for (const std::uint32_t i : to_.indexes()) {
      const auto& m = ring.modulus(i);
      Combination& target = targets_.emplace_back();
      for (std::size_t j = 0; j < from_.size(); ++j) {
        const std::uint64_t weight = math::multiply_mod(product_of(ring, from_, 0, j, m.q), t % m.q, m.q);
        target.factors.push_back(kernels::make_multiplier(weight, m));
      }
      target.offset = math::negate_mod(math::multiply_mod(half_modulo(ring, from_, m.q), t % m.q, m.q), m.q);
    }
    return;
  }
  for (const std::uint32_t j : from_.indexes()) {
    const auto& m = ring.modulus(j);
    const std::uint64_t others = math::multiply_mod(product_without(ring, from_, j, m.q), t % m.q, m.q);
    inverse_.push_back(kernels::make_multiplier(inverse(others, m.q), m));
  }
  for (const std::uint32_t i : to_.indexes()) {
    const auto& m = ring.modulus(i);
    const auto times_t = [&](std::uint64_t x) { return math::multiply_mod(x, t % m.q, m.q); };
    auto& row = cofactor_.emplace_back();
    for (const std::uint32_t j : from_.indexes()) row.push_back(times_t(product_without(ring, from_, j, m.q)));
    row.push_back(math::negate_mod(times_t(product_without(ring, from_, kNone, m.q)), m.q));
  }
}

// Beyond mixed radix: x = sum_j y_j * tB/q_j - v * tB with y_j = x_j * (tB/q_j)^-1 mod q_j and v = round(sum_j y_j /
// q_j).
void BaseConverter::prepare_part(const std::uint64_t* const* in, std::uint64_t* const* prepared, std::size_t start,
                                 std::size_t n) const {
  const auto& k = ring_->kernels();
  const std::size_t count = from_.size();
  if (plain()) {
    if (prepared[0] != in[0]) std::copy_n(in[0] + start, n, prepared[0] + start);
    return;
  }
  std::array<const std::uint64_t*, kMaxPrimes> rows{};
  for (std::size_t j = 0; j < count; ++j) {
    std::uint64_t* const row = prepared[j] + start;
    if (mixed()) {
      rows[j] = in[j] + start;
      k.combine(row, rows.data(), digits_[j].factors.data(), j + 1, from_moduli_[0].q, digits_[j].offset, n,
                from_moduli_[j]);
    } else {
      k.multiply_scalar(row, in[j] + start, inverse_[j], n, from_moduli_[j]);
    }
    rows[j] = row;
  }
  if (!mixed()) k.fraction_round(prepared[count] + start, rows.data(), from_moduli_.data(), count, n);
}

void BaseConverter::finish_part(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared,
                                std::size_t n) const {
  const auto& k = ring_->kernels();
  const auto& m = ring_->modulus(to_[i]);
  if (plain()) {
    k.recentre(out, prepared[0], from_moduli_[0], n, m);
  } else if (mixed()) {
    k.combine(out, prepared, targets_[i].factors.data(), from_.size(), from_moduli_[0].q, targets_[i].offset, n, m);
  } else {
    k.inner_product_scalar(out, prepared, cofactor_[i].data(), from_.size() + 1, n, m);
  }
}

void BaseConverter::prepare(const std::uint64_t* const* in, std::uint64_t* const* prepared) const {
  const std::size_t n = ring_->degree();
  const std::size_t tile = std::min(kTile, n);
  for (std::size_t start = 0; start < n; start += tile) prepare_part(in, prepared, start, tile);
}

void BaseConverter::finish_row(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared) const {
  const std::size_t n = ring_->degree();
  const std::size_t tile = std::min(kTile, n);
  std::array<const std::uint64_t*, kMaxPrimes + 1> part{};
  for (std::size_t start = 0; start < n; start += tile) {
    for (std::size_t j = 0; j < prepared_rows(); ++j) part[j] = prepared[j] + start;
    finish_part(out + start, i, part.data(), tile);
  }
}

void BaseConverter::finish_evaluations(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared) const {
  const auto& k = ring_->kernels();
  const auto& tables = ring_->tables(to_[i]);
  if (plain()) {
    k.recentre_forward_ntt(out, prepared[0], from_moduli_[0], tables);
  } else {
    finish_row(out, i, prepared);
    k.forward_ntt(out, tables);
  }
}

void BaseConverter::convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out,
                                 Workspace& workspace) const {
  const std::size_t n = ring_->degree();
  const std::size_t tile = std::min(kTile, n);
  BorrowedRows scratch(workspace, prepared_rows(), tile);
  std::array<std::uint64_t*, kMaxPrimes + 1> rows{};
  std::array<const std::uint64_t*, kMaxPrimes + 1> part{}, prepared{};
  for (std::size_t j = 0; j < prepared_rows(); ++j) prepared[j] = rows[j] = scratch.row(j);
  for (std::size_t start = 0; start < n; start += tile) {
    for (std::size_t j = 0; j < from_.size(); ++j) part[j] = in[j] + start;
    if (plain()) {
      prepared[0] = part[0];
    } else {
      prepare_part(part.data(), rows.data(), 0, tile);
    }
    for (std::size_t i = 0; i < to_.size(); ++i) finish_part(out[i] + start, i, prepared.data(), tile);
  }
}

void BaseConverter::convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out) const {
  Workspace workspace;
  convert_rows(in, out, workspace);
  workspace.wipe();  // decryption comes this way
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
  workspace.wipe();
  return result;
}

Divider::Divider(const Ring& ring, const PrimeSet& keep, const PrimeSet& divisor, std::uint64_t t)
    : ring_(&ring), keep_(keep), divisor_(divisor), converter_(ring, divisor_, keep_, t) {
  for (const std::uint32_t j : divisor_.indexes()) {
    check(!keep_.contains(j), "Divider: a prime that is both kept and divided by");
  }
  for (const std::uint32_t i : keep_.indexes()) {
    const auto& m = ring.modulus(i);
    d_inverse_.push_back(kernels::make_multiplier(inverse(product_without(ring, divisor_, kNone, m.q), m.q), m));
  }
}

// The converter gives delta = x mod D, delta = 0 mod t, |delta| <= t*D/2 modulo the kept primes.
template <Domain D, std::size_t kParts>
void Divider::divide_by_rows(const std::array<Part<D>, kParts>& parts, Workspace& workspace) const {
  const auto& k = ring_->kernels();
  const std::size_t n = ring_->degree();
  const std::size_t count = divisor_.size();
  const std::size_t rows = converter_.prepared_rows();
  BorrowedRows digits(workspace, kParts * rows, n);
  std::array<std::array<std::uint64_t*, kMaxPrimes + 1>, kParts> prepared{};
  std::array<std::array<const std::uint64_t*, kMaxPrimes + 1>, kParts> in{};
  for (std::size_t p = 0; p < kParts; ++p) {
    const auto& [out, x] = parts[p];
    check(&x->ring() == ring_ && x->rows() == keep_.size() + count && x->primes().includes(keep_) &&
              x->primes().includes(divisor_),
          "division of a polynomial over other primes");
    for (const auto& other : parts) check(out != other.x, "division into a polynomial that is divided");
    for (std::size_t j = 0; j < rows; ++j) in[p][j] = prepared[p][j] = digits.row(p * rows + j);
    out->reshape(*ring_, keep_);
  }
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t p = 0; p < kParts; ++p) {
      const std::uint64_t* const source = parts[p].x->row(parts[p].x->primes().position(divisor_[j])).data();
      if constexpr (D == Domain::evaluations) {
        k.inverse_ntt_from(prepared[p][j], source, ring_->tables(divisor_[j]));
      } else {
        in[p][j] = source;
      }
    }
  }
  for (std::size_t p = 0; p < kParts; ++p) {
    converter_.prepare(in[p].data(), prepared[p].data());
    for (std::size_t j = 0; j < count; ++j) in[p][j] = prepared[p][j];
  }
  for (std::size_t i = 0; i < keep_.size(); ++i) {
    for (std::size_t p = 0; p < kParts; ++p) {
      std::uint64_t* const row = parts[p].out->row(i).data();
      const std::uint64_t* const source = parts[p].x->row(parts[p].x->primes().position(keep_[i])).data();
      if constexpr (D == Domain::evaluations) {
        converter_.finish_evaluations(row, i, in[p].data());
      } else {
        converter_.finish_row(row, i, in[p].data());
      }
      k.subtract_multiply_scalar(row, source, row, d_inverse_[i], n, ring_->modulus(keep_[i]));
    }
  }
}

void Divider::divide(Evaluations& out, const Evaluations& x, Workspace& workspace) const {
  divide_by_rows<Domain::evaluations, 1>({{{&out, &x}}}, workspace);
}
void Divider::divide(Coefficients& out, const Coefficients& x, Workspace& workspace) const {
  divide_by_rows<Domain::coefficients, 1>({{{&out, &x}}}, workspace);
}
void Divider::divide(Evaluations& out0, Evaluations& out1, const Evaluations& x0, const Evaluations& x1,
                     Workspace& workspace) const {
  divide_by_rows<Domain::evaluations, 2>({{{&out0, &x0}, {&out1, &x1}}}, workspace);
}

Evaluations Divider::divide(const Evaluations& x) const {
  Evaluations result;
  Workspace workspace;
  divide(result, x, workspace);
  workspace.wipe();
  return result;
}

Coefficients Divider::divide(const Coefficients& x) const {
  Coefficients result;
  Workspace workspace;
  divide(result, x, workspace);
  workspace.wipe();
  return result;
}

}  // namespace prism::ring
