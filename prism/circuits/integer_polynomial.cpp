#include "prism/circuits/integer_polynomial.h"

#include <algorithm>
#include <bit>

#include "prism/math/modular.h"

namespace prism::circuits {

Result<IntegerPolynomial> IntegerPolynomial::make(std::vector<std::uint64_t> coefficients, std::uint64_t t) {
  if (t < 2 || t >> 62 != 0) return fail(ErrorCode::invalid_argument, "a plaintext modulus of ", t);
  for (const std::uint64_t c : coefficients) {
    if (c >= t) return fail(ErrorCode::invalid_argument, "a coefficient of ", c, "; they are residues below ", t);
  }
  while (!coefficients.empty() && coefficients.back() == 0) coefficients.pop_back();
  if (coefficients.size() < 2)
    return fail(ErrorCode::invalid_argument, "a constant is no polynomial to evaluate; add_scalar adds one");
  if (coefficients.size() > PolynomialPlan::kLargestDegree + 1) {
    return fail(ErrorCode::invalid_argument, "a polynomial of degree ", coefficients.size() - 1, "; at most ",
                PolynomialPlan::kLargestDegree);
  }
  bool even = true, odd = true;
  for (std::size_t k = 0; k < coefficients.size(); ++k) {
    if (coefficients[k] != 0) (k % 2 == 0 ? odd : even) = false;
  }
  IntegerPolynomial out;
  const PolynomialShape shape{static_cast<std::uint32_t>(coefficients.size() - 1), Basis::monomial,
                              odd    ? Parity::odd
                              : even ? Parity::even
                                     : Parity::any,
                              false};
  PRISM_TRY(out.plan_, PolynomialPlan::make(shape));
  out.t_ = t;
  out.coefficients_ = coefficients;
  out.leaves_.resize(out.plan_.nodes().size());
  out.split(0, std::move(coefficients));
  return out;
}

Result<IntegerPolynomial> IntegerPolynomial::through(const std::vector<std::uint64_t>& points,
                                                     const std::vector<std::uint64_t>& values, std::uint64_t t) {
  const std::size_t n = points.size();
  if (n != values.size() || n < 2 || n > PolynomialPlan::kLargestDegree + 1) {
    return fail(ErrorCode::invalid_argument, n, " points and ", values.size(), " values; as many of both, 2 to ",
                PolynomialPlan::kLargestDegree + 1);
  }
  // Newton's divided differences, then Horner over the points.
  std::vector<std::uint64_t> x(n), difference(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = points[i] % t;
    difference[i] = values[i] % t;
  }
  for (std::size_t step = 1; step < n; ++step) {
    for (std::size_t i = n; i-- > step;) {
      const std::uint64_t gap = math::subtract_mod(x[i], x[i - step], t);
      if (gap == 0) return fail(ErrorCode::invalid_argument, "two points are equal modulo ", t);
      PRISM_TRY(const std::uint64_t inverse, math::inverse_mod(gap, t));
      difference[i] = math::multiply_mod(math::subtract_mod(difference[i], difference[i - 1], t), inverse, t);
    }
  }
  std::vector<std::uint64_t> coefficients{difference[n - 1]};
  for (std::size_t i = n - 1; i-- > 0;) {
    coefficients.insert(coefficients.begin(), 0);  // times (X - x_i), plus the difference
    for (std::size_t k = 0; k + 1 < coefficients.size(); ++k) {
      coefficients[k] = math::subtract_mod(coefficients[k], math::multiply_mod(coefficients[k + 1], x[i], t), t);
    }
    coefficients[0] = math::add_mod(coefficients[0], difference[i], t);
  }
  return make(std::move(coefficients), t);
}

void IntegerPolynomial::split(std::uint32_t node, std::vector<std::uint64_t> c) {
  const PolynomialPlan::Node& shape = plan_.nodes()[node];
  if (shape.split == 0) {
    leaves_[node] = std::move(c);
    return;
  }
  const auto at = c.begin() + static_cast<std::ptrdiff_t>(shape.split);
  split(shape.quotient, {at, c.end()});
  c.resize(plan_.nodes()[shape.remainder].degree + 1);
  split(shape.remainder, std::move(c));
}

std::uint64_t IntegerPolynomial::operator()(std::uint64_t x) const {
  std::uint64_t value = 0;
  for (std::size_t k = coefficients_.size(); k-- > 0;)
    value = math::add_mod(math::multiply_mod(value, x, t_), coefficients_[k], t_);
  return value;
}

Cost power_cost(std::uint64_t exponent) {
  Cost cost;
  cost.levels = exponent < 2 ? 0 : static_cast<int>(std::bit_width(exponent - 1));
  cost.products =
      static_cast<std::size_t>(std::bit_width(exponent)) + static_cast<std::size_t>(std::popcount(exponent)) - 2;
  cost.decompositions = cost.switches = cost.products;
  cost.divisions = 2 * cost.products;
  return cost;
}

}  // namespace prism::circuits
