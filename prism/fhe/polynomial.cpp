#include "prism/circuits/polynomial.h"

#include <algorithm>

#include "prism/circuits/integer_polynomial.h"
#include "prism/fhe/internal/depth.h"
#include "prism/fhe/internal/state.h"

namespace prism::fhe {
namespace {

/// A series is only bounded inside its interval, and slots without a value would be outside: one of them far away would
/// spoil all. They are given the middle.
Status fill(std::vector<ckks::Ciphertext>& blocks, const VectorState<Approximate>& a, double middle) {
  const std::size_t n = a.context->scheme.slots(), used = a.size - (blocks.size() - 1) * n;
  std::vector<double> values(n, middle);
  std::fill_n(values.begin(), used, 0.0);
  PRISM_TRY(blocks.back(), a.context->scheme.add_plain(blocks.back(), values));
  return {};
}

}  // namespace

template <class Family>
Result<Vector<Family>> Vector<Family>::evaluated(const circuits::Polynomial& p, const Outcome& a) {
  if (!a) return a.error();
  if constexpr (!std::is_same_v<Family, Approximate>) {
    return fail(ErrorCode::unsupported, "a polynomial of real numbers for whole ones");
  } else {
    const VectorState<Approximate>& x = *a->state_;
    const auto& scheme = x.context->scheme;
    const bool series = p.basis() == circuits::Basis::chebyshev, full = x.size % scheme.slots() == 0;
    if (series && !full && x.padding == Padding::anything) {
      const std::vector<double> ones(x.size, 1.0);
      return evaluated(p, multiply(a, Numbers(ones)));
    }
    PRISM_TRY(const auto* settled, x.settled());
    std::vector<ckks::Ciphertext> blocks;
    for (const ckks::Ciphertext& block : *settled) blocks.push_back(block.clone());
    const circuits::Interval interval = p.interval();
    if (series && !full && x.padding == Padding::zero && (interval.low > 0 || interval.high < 0))
      PRISM_CHECKED(fill(blocks, x, interval.low / 2 + interval.high / 2));
    for (ckks::Ciphertext& block : blocks) {
      auto made = scheme.evaluate(p, block, x.context->keys);
      if (!made) return too_deep(std::move(made).error());
      block = *std::move(made);
    }
    const Padding padding = x.padding == Padding::copies ? Padding::copies : Padding::anything;
    return Vector(std::make_shared<VectorState<Approximate>>(x.context, x.size, padding, std::move(blocks),
                                                             x.bounds_are_claimed));
  }
}

template <class Family>
Result<Vector<Family>> Vector<Family>::evaluated(const circuits::IntegerPolynomial& p, const Outcome& a) {
  if (!a) return a.error();
  if constexpr (!std::is_same_v<Family, Exact>) {
    return fail(ErrorCode::unsupported, "a polynomial of whole numbers for real ones");
  } else {
    const VectorState<Exact>& x = *a->state_;
    const auto& scheme = x.context->scheme;
    if (p.plain_modulus() != scheme.parameters()->plain_modulus())
      return fail(ErrorCode::mismatch, "a polynomial modulo ", p.plain_modulus(), " for numbers modulo ",
                  scheme.parameters()->plain_modulus());
    PRISM_TRY(const auto* settled, x.settled());
    std::vector<exact::Ciphertext> blocks;
    for (const exact::Ciphertext& block : *settled) {
      auto made = scheme.evaluate(p, block, x.context->keys);
      if (!made) return too_deep(std::move(made).error());
      blocks.push_back(*std::move(made));
    }
    const Padding padding = x.padding == Padding::copies ? Padding::copies : Padding::anything;
    return Vector(
        std::make_shared<VectorState<Exact>>(x.context, x.size, padding, std::move(blocks), x.bounds_are_claimed));
  }
}

template Result<Vector<Approximate>> Vector<Approximate>::evaluated(const circuits::Polynomial&, const Outcome&);
template Result<Vector<Exact>> Vector<Exact>::evaluated(const circuits::Polynomial&, const Outcome&);
template Result<Vector<Approximate>> Vector<Approximate>::evaluated(const circuits::IntegerPolynomial&, const Outcome&);
template Result<Vector<Exact>> Vector<Exact>::evaluated(const circuits::IntegerPolynomial&, const Outcome&);

}  // namespace prism::fhe
