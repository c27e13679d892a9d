#include "prism/circuits/polynomial.h"

#include <algorithm>
#include <cmath>

namespace prism::circuits {
namespace {

Parity parity_of(const std::vector<double>& coefficients) {
  bool even = true, odd = true;
  for (std::size_t k = 0; k < coefficients.size(); ++k) {
    if (coefficients[k] != 0) (k % 2 == 0 ? odd : even) = false;
  }
  return odd ? Parity::odd : even ? Parity::even : Parity::any;
}

}  // namespace

KeyList Polynomial::keys_needed(rlwe::Level argument) {
  KeyList keys;
  keys.add_relinearisation(argument);
  return keys;
}

Result<Polynomial> Polynomial::monomial(std::vector<double> coefficients) {
  return make(std::move(coefficients), Basis::monomial, {});
}

Result<Polynomial> Polynomial::chebyshev(std::vector<double> coefficients, Interval interval) {
  if (!(interval.low < interval.high) || !std::isfinite(interval.high - interval.low)) {
    return fail(ErrorCode::invalid_argument, "an interval from ", interval.low, " to ", interval.high,
                "; the first must be below the second, and both finite");
  }
  return make(std::move(coefficients), Basis::chebyshev, interval);
}

Result<Polynomial> Polynomial::make(std::vector<double> coefficients, Basis basis, Interval interval) {
  while (!coefficients.empty() && coefficients.back() == 0) coefficients.pop_back();
  if (coefficients.size() < 2)
    return fail(ErrorCode::invalid_argument, "a constant is no polynomial to evaluate; add_scalar adds one");
  for (const double c : coefficients) {
    // Larger ones fit no scale, and what bounds are made of must be finite.
    if (!(std::fabs(c) <= 0x1p200)) {
      return fail(ErrorCode::invalid_argument, "a coefficient that is not a finite number of at most 2^200");
    }
  }
  if (coefficients.size() > PolynomialPlan::kLargestDegree + 1) {
    return fail(ErrorCode::invalid_argument, "a polynomial of degree ", coefficients.size() - 1, "; at most ",
                PolynomialPlan::kLargestDegree);
  }
  Polynomial out;
  const auto degree = static_cast<std::uint32_t>(coefficients.size() - 1);
  PRISM_TRY(out.plan_, PolynomialPlan::make({degree, basis, parity_of(coefficients), true}));
  out.interval_ = interval;
  out.coefficients_ = coefficients;
  if (basis == Basis::chebyshev) {
    out.first_ = chebyshev_derivative(coefficients);
    out.second_ = chebyshev_derivative(out.first_);
    out.largest_ = chebyshev_largest(coefficients);
  }
  out.pieces_.resize(out.plan_.nodes().size());
  out.split(0, std::move(coefficients));
  return out;
}

void Polynomial::split(std::uint32_t node, std::vector<double> c) {
  const PolynomialPlan::Node& shape = plan_.nodes()[node];
  Piece& piece = pieces_[node];
  check(c.size() == shape.degree + 1, "a piece has the degree of its node");
  if (basis() == Basis::chebyshev) {
    piece.largest = chebyshev_largest(c);
    for (std::size_t k = 0; k < c.size(); ++k)
      piece.slope += std::fabs(c[k]) * static_cast<double>(k) * static_cast<double>(k);
  }
  if (shape.split == 0) {
    piece.coefficients = std::move(c);
    return;
  }
  const std::uint32_t s = shape.split;
  std::vector<double> quotient(shape.degree - s + 1, 0);
  // From the top: T_n = 2 T_{n-s} T_s - T_{|n-2s|} for n > s, and x^n = x^(n-s) x^s.
  for (std::uint32_t n = shape.degree; n >= s; --n) {
    quotient[n - s] = c[n];
    if (basis() == Basis::chebyshev && n > s) {
      quotient[n - s] *= 2;
      double& low = c[n > 2 * s ? n - 2 * s : 2 * s - n];
      low -= c[n];
      piece.rounding += std::fabs(low) * 0x1p-53;
    }
    c[n] = 0;
  }
  c.resize(plan_.nodes()[shape.remainder].degree + 1);
  split(shape.quotient, std::move(quotient));
  split(shape.remainder, std::move(c));
}

Cost Polynomial::cost() const {
  Cost cost = plan_.cost();
  if (mapped()) cost += {.levels = 1, .rescales = 1};
  return cost;
}

double Polynomial::operator()(double x) const {
  if (basis() == Basis::chebyshev) {
    return chebyshev_value(coefficients_, (2 * x - interval_.low - interval_.high) / (interval_.high - interval_.low));
  }
  double value = 0;
  for (std::size_t k = coefficients_.size(); k-- > 0;) value = value * x + coefficients_[k];
  return value;
}

}  // namespace prism::circuits
