// Sums, scalars and weighted sums of ciphertexts.
#include <algorithm>
#include <array>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/output.h"
#include "prism/exact/internal/tables.h"
#include "prism/math/modular.h"

namespace prism::exact {
namespace {

constexpr std::size_t kMostTerms = 64;  // what an inner product takes; longer sums go in pieces

/// row += c, a constant below q.
void add_constant(std::span<std::uint64_t> row, std::uint64_t c, std::uint64_t q) {
  for (std::uint64_t& x : row) x = math::add_mod(x, c, q);
}

}  // namespace

Status Evaluator::sum(Ciphertext& out, const Ciphertext& a, const Ciphertext& b, bool subtract) const {
  PRISM_CHECKED(comparable(a, b, true));
  Noise noise = noise_.add(a.noise, b.noise);
  const std::size_t from_a = a.parts.size(), from_b = b.parts.size();
  out.parts.resize(std::max(from_a, from_b));  // `out` may be a or b
  for (std::size_t i = 0; i < out.parts.size(); ++i) {
    if (i >= from_a) {
      subtract ? ring::negate(out.parts[i], b.parts[i]) : ring::copy(out.parts[i], b.parts[i]);
    } else if (i >= from_b) {
      ring::copy(out.parts[i], a.parts[i]);
    } else if (subtract) {
      ring::subtract(out.parts[i], a.parts[i], b.parts[i]);
    } else {
      ring::add(out.parts[i], a.parts[i], b.parts[i]);
    }
  }
  out.parameters = parameters_;
  out.level = a.level;
  out.correction = a.correction;
  out.noise = noise;
  return {};
}

Status Evaluator::add(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const { return sum(out, a, b, false); }
Status Evaluator::subtract(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const {
  return sum(out, a, b, true);
}
Status Evaluator::add_into(Ciphertext& a, const Ciphertext& b) const { return sum(a, a, b, false); }
Status Evaluator::subtract_into(Ciphertext& a, const Ciphertext& b) const { return sum(a, a, b, true); }

void Evaluator::negate_into(Ciphertext& a) const {
  for (ring::Evaluations& part : a.parts) ring::negate_into(part);
}

Status Evaluator::add_scalar_into(Ciphertext& a, std::int64_t scalar) const {
  PRISM_CHECKED(same_parameters(a));
  const std::uint64_t t = parameters_->plain_modulus();
  const std::uint64_t product =
      math::multiply_mod(math::reduce_signed(scalar, t), tables_->message_factor(*parameters_, a), t);
  const std::int64_t value = math::centred(product, t);
  ring::Evaluations& part = a.parts[0];
  for (std::size_t i = 0; i < part.rows(); ++i) {
    const std::uint64_t q = part.modulus(i).q;
    std::uint64_t c = math::reduce_signed(value, q);
    if (parameters_->scheme() == Scheme::bfv) c = math::multiply_mod(c, tables_->minus_inverse_t[i].w, q);
    add_constant(part.row(i), c, q);
  }
  a.noise = noise_.add_scalar(a.noise, internal::magnitude(value));
  return {};
}

Status Evaluator::multiply_scalar_into(Ciphertext& a, std::int64_t scalar) const {
  PRISM_CHECKED(same_parameters(a));
  const std::uint64_t t = parameters_->plain_modulus();
  const std::int64_t value = math::centred(math::reduce_signed(scalar, t), t);
  if (value == 1) return {};
  for (ring::Evaluations& part : a.parts) ring::multiply_integer_into(part, value);
  a.noise = noise_.multiply_scalar(a.noise, internal::magnitude(value));
  return {};
}

Result<Ciphertext> Evaluator::add(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out;
  PRISM_CHECKED(add(out, a, b));
  return out;
}
Result<Ciphertext> Evaluator::subtract(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out;
  PRISM_CHECKED(subtract(out, a, b));
  return out;
}
Ciphertext Evaluator::negate(const Ciphertext& a) const {
  Ciphertext out = a.clone();
  negate_into(out);
  return out;
}
Result<Ciphertext> Evaluator::add_scalar(const Ciphertext& a, std::int64_t scalar) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(add_scalar_into(out, scalar));
  return out;
}
Result<Ciphertext> Evaluator::subtract_scalar(const Ciphertext& a, std::int64_t scalar) const {
  const std::uint64_t t = parameters_->plain_modulus();
  return add_scalar(a, -math::centred(math::reduce_signed(scalar, t), t));
}
Result<Ciphertext> Evaluator::multiply_scalar(const Ciphertext& a, std::int64_t scalar) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(multiply_scalar_into(out, scalar));
  return out;
}

// -- weighted sums

Status Evaluator::check_combination(std::span<const Ciphertext* const> inputs, std::size_t weights,
                                    const Ciphertext& out) const {
  if (inputs.empty() || inputs.size() != weights) {
    return fail(ErrorCode::invalid_argument, inputs.size(), " ciphertexts and ", weights,
                " weights; a weighted sum needs one weight each, and at least one");
  }
  for (const Ciphertext* input : inputs) {
    PRISM_CHECKED(internal::distinct(out, *input));
    PRISM_CHECKED(comparable(*inputs[0], *input, true));
    PRISM_CHECKED(parts_are(*input, 2, 3));
  }
  return {};
}

namespace {

/// Calls piece(to, first, last) for at most `most` terms at a time and adds the results up in `row`.
template <class Piece>
void in_pieces(std::uint64_t* row, std::uint64_t* spare, std::size_t terms, const ring::Evaluations& shape,
               std::size_t i, const Piece& piece) {
  for (std::size_t first = 0; first < terms; first += kMostTerms) {
    std::uint64_t* const to = first == 0 ? row : spare;
    piece(to, first, std::min(first + kMostTerms, terms));
    if (first != 0) shape.ring().kernels().add(row, row, spare, shape.degree(), shape.modulus(i));
  }
}

std::size_t most_parts(std::span<const Ciphertext* const> inputs) {
  std::size_t parts = 2;
  for (const Ciphertext* input : inputs) parts = std::max(parts, input->parts.size());
  return parts;
}

}  // namespace

Status Evaluator::linear_combination(Ciphertext& out, std::span<const Ciphertext* const> inputs,
                                     std::span<const std::int64_t> weights, ring::Workspace& workspace) const {
  PRISM_CHECKED(check_combination(inputs, weights.size(), out));
  const std::uint64_t t = parameters_->plain_modulus();
  const auto weight = [&](std::size_t j) { return math::centred(math::reduce_signed(weights[j], t), t); };
  shape(out, most_parts(inputs), inputs[0]->level);
  out.correction = inputs[0]->correction;
  out.noise = noise_.multiply_scalar(inputs[0]->noise, internal::magnitude(weight(0)));
  for (std::size_t j = 1; j < inputs.size(); ++j) {
    out.noise = noise_.add(out.noise, noise_.multiply_scalar(inputs[j]->noise, internal::magnitude(weight(j))));
  }
  const auto& k = parameters_->rlwe().ring().kernels();
  const std::size_t n = parameters_->degree();
  ring::BorrowedRows spare(workspace, 1, n);
  for (std::size_t part = 0; part < out.parts.size(); ++part) {
    ring::Evaluations& to = out.parts[part];
    for (std::size_t i = 0; i < to.rows(); ++i) {
      const kernels::Modulus& m = to.modulus(i);
      in_pieces(to.row(i).data(), spare.row(0), inputs.size(), to, i,
                [&](std::uint64_t* row, std::size_t first, std::size_t last) {
                  std::array<const std::uint64_t*, kMostTerms> rows{};
                  std::array<std::uint64_t, kMostTerms> scalars{};
                  std::size_t count = 0;
                  for (std::size_t j = first; j < last; ++j) {
                    if (part >= inputs[j]->parts.size()) continue;
                    rows[count] = inputs[j]->parts[part].row(i).data();
                    scalars[count++] = math::reduce_signed(weight(j), m.q);
                  }
                  k.inner_product_scalar(row, rows.data(), scalars.data(), count, n, m);
                });
    }
  }
  return {};
}

Status Evaluator::linear_combination(Ciphertext& out, std::span<const Ciphertext* const> inputs,
                                     std::span<const Multiplicand* const> weights, ring::Workspace& workspace) const {
  PRISM_CHECKED(check_combination(inputs, weights.size(), out));
  for (const Multiplicand* weight : weights) PRISM_CHECKED(usable(*weight, inputs[0]->level));
  shape(out, most_parts(inputs), inputs[0]->level);
  out.correction = inputs[0]->correction;
  out.noise = noise_.multiply_plain(inputs[0]->noise);
  for (std::size_t j = 1; j < inputs.size(); ++j) {
    out.noise = noise_.add(out.noise, noise_.multiply_plain(inputs[j]->noise));
  }
  const auto& k = parameters_->rlwe().ring().kernels();
  const std::size_t n = parameters_->degree();
  ring::BorrowedRows spare(workspace, 1, n);
  for (std::size_t part = 0; part < out.parts.size(); ++part) {
    ring::Evaluations& to = out.parts[part];
    for (std::size_t i = 0; i < to.rows(); ++i) {
      in_pieces(to.row(i).data(), spare.row(0), inputs.size(), to, i,
                [&](std::uint64_t* row, std::size_t first, std::size_t last) {
                  std::array<const std::uint64_t*, kMostTerms> rows{}, factors{};
                  std::size_t count = 0;
                  for (std::size_t j = first; j < last; ++j) {
                    if (part >= inputs[j]->parts.size()) continue;
                    rows[count] = inputs[j]->parts[part].row(i).data();
                    factors[count++] = weights[j]->factor.row(i).data();
                  }
                  k.inner_product(row, rows.data(), factors.data(), count, n, to.modulus(i));
                });
    }
  }
  return {};
}

Result<Ciphertext> Evaluator::linear_combination(std::span<const Ciphertext* const> inputs,
                                                 std::span<const std::int64_t> weights) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(linear_combination(out, inputs, weights, workspace));
  return out;
}
Result<Ciphertext> Evaluator::linear_combination(std::span<const Ciphertext* const> inputs,
                                                 std::span<const Multiplicand* const> weights) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(linear_combination(out, inputs, weights, workspace));
  return out;
}

}  // namespace prism::exact
