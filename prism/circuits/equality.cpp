#include "prism/circuits/equality.h"

#include <algorithm>
#include <tuple>

#include "prism/circuits/internal/alignment.h"
#include "prism/math/modular.h"

namespace prism::circuits {
namespace {

constexpr std::uint64_t kLargestTerms = PolynomialPlan::kLargestDegree + 1;

Status check_range(std::uint64_t t, std::uint64_t range) {
  if (range == 0 || (range >= 2 && range <= t)) return {};
  return fail(ErrorCode::invalid_argument, "values in [0, ", range, ") modulo ", t,
              "; a range is 2 to t, or 0 for any residues");
}

/// Whether `a` is to be preferred.
bool cheaper(const Cost& a, const Cost& b, Save save) {
  const auto rank = [&](const Cost& c) {
    const auto levels = static_cast<std::size_t>(c.levels);
    return save == Save::levels ? std::tuple(levels, c.switches, c.products)
                                : std::tuple(c.switches, levels, c.products);
  };
  return rank(a) < rank(b);
}

/// 1 - d^(t-1).
Result<exact::Ciphertext> fermat(const exact::Evaluator& evaluator, const exact::Ciphertext& d, std::uint64_t t,
                                 const rlwe::EvaluationKeys& keys, Cost* count) {
  // At its canonical correction, whatever it came from.
  PRISM_TRY(const exact::Ciphertext canonical, evaluator.drop_to(d, d.level));
  PRISM_TRY(exact::Ciphertext one_unless_zero, evaluator.power(canonical, t - 1, keys));
  if (count != nullptr) *count += power_cost(t - 1);
  evaluator.negate_into(one_unless_zero);
  PRISM_CHECKED(evaluator.add_scalar_into(one_unless_zero, 1));
  return one_unless_zero;
}

Status same_modulus(const exact::Evaluator& evaluator, std::uint64_t t) {
  if (evaluator.parameters().plain_modulus() == t) return {};
  return fail(ErrorCode::mismatch, "a circuit modulo ", t, " and parameters modulo ",
              evaluator.parameters().plain_modulus());
}

}  // namespace

KeyList Equality::keys_needed(rlwe::Level argument) {
  KeyList keys;
  keys.add_relinearisation(argument);
  return keys;
}

Result<Equality> Equality::make(std::uint64_t t, std::uint64_t range, Save save) {
  if (t < 3) return fail(ErrorCode::invalid_argument, "a plaintext modulus of ", t);
  PRISM_CHECKED(check_range(t, range));
  Equality out;
  out.t_ = t;
  out.range_ = range;
  if (range == 0 || 2 * range - 1 > t || 2 * range - 1 > kLargestTerms) return out;
  // The product of (1 - z/i^2) over 0 < i < r, with z = d^2 put in afterwards.
  std::vector<std::uint64_t> in_z{1};
  for (std::uint64_t i = 1; i < range; ++i) {
    PRISM_TRY(const std::uint64_t inverse, math::inverse_mod(math::multiply_mod(i, i, t), t));
    in_z.push_back(0);
    for (std::size_t k = in_z.size() - 1; k >= 1; --k)
      in_z[k] = math::subtract_mod(in_z[k], math::multiply_mod(in_z[k - 1], inverse, t), t);
  }
  std::vector<std::uint64_t> coefficients(2 * in_z.size() - 1, 0);
  for (std::size_t k = 0; k < in_z.size(); ++k) coefficients[2 * k] = in_z[k];
  PRISM_TRY(IntegerPolynomial polynomial, IntegerPolynomial::make(std::move(coefficients), t));
  if (cheaper(polynomial.cost(), power_cost(t - 1), save)) out.polynomial_ = std::move(polynomial);
  return out;
}

Cost Equality::cost() const { return polynomial_ ? polynomial_->cost() : power_cost(t_ - 1); }

Result<exact::Ciphertext> Equality::is_zero(const exact::Evaluator& evaluator, const exact::Ciphertext& d,
                                            const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_CHECKED(same_modulus(evaluator, t_));
  return polynomial_ ? evaluate(evaluator, *polynomial_, d, keys, count) : fermat(evaluator, d, t_, keys, count);
}

Result<exact::Ciphertext> Equality::equal(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                          const exact::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                          Cost* count) const {
  PRISM_TRY(const exact::Ciphertext d, difference(evaluator, x, y));
  return is_zero(evaluator, d, keys, count);
}

Result<EqualityToConstant> EqualityToConstant::make(std::uint64_t t, std::uint64_t constant, std::uint64_t range,
                                                    Save save) {
  if (t < 3) return fail(ErrorCode::invalid_argument, "a plaintext modulus of ", t);
  PRISM_CHECKED(check_range(t, range));
  if (constant >= (range == 0 ? t : range)) {
    return fail(ErrorCode::invalid_argument, "the constant ", constant, " is not among the values, which are below ",
                range == 0 ? t : range);
  }
  EqualityToConstant out;
  out.t_ = t;
  out.constant_ = constant;
  if (range == 0 || range > kLargestTerms) return out;
  std::vector<std::uint64_t> points, values;
  for (std::uint64_t i = 0; i < range; ++i) {
    points.push_back(i);
    values.push_back(i == constant ? 1 : 0);
  }
  PRISM_TRY(IntegerPolynomial polynomial, IntegerPolynomial::through(points, values, t));
  if (cheaper(polynomial.cost(), power_cost(t - 1), save)) out.polynomial_ = std::move(polynomial);
  return out;
}

Cost EqualityToConstant::cost() const { return polynomial_ ? polynomial_->cost() : power_cost(t_ - 1); }

Result<exact::Ciphertext> EqualityToConstant::equal(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                                    const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_CHECKED(same_modulus(evaluator, t_));
  if (polynomial_) return evaluate(evaluator, *polynomial_, x, keys, count);
  PRISM_TRY(const exact::Ciphertext d, evaluator.add_scalar(x, -static_cast<std::int64_t>(constant_)));
  return fermat(evaluator, d, t_, keys, count);
}

}  // namespace prism::circuits
