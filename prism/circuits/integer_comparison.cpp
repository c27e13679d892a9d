#include "prism/circuits/integer_comparison.h"

#include "prism/circuits/internal/alignment.h"
#include "prism/math/modular.h"

namespace prism::circuits {

using exact::Ciphertext;
using Order = IntegerComparison::Order;

Result<IntegerComparison> IntegerComparison::make(std::uint64_t t, std::uint64_t range) {
  constexpr std::uint64_t kMost = (PolynomialPlan::kLargestDegree + 3) / 2;
  if (range < 2 || range > kMost || 2 * range - 2 >= t) {
    return fail(ErrorCode::invalid_argument, "values in [0, ", range, ") modulo ", t, "; a range is 2 to ",
                std::min(kMost, (t + 1) / 2), ": give larger values as digits");
  }
  const std::uint64_t half = (t + 1) / 2;  // 1/2
  std::vector<std::uint64_t> points, halves, less;
  for (std::uint64_t i = 0; i < range; ++i) {
    points.push_back(i);
    halves.push_back(i == 0 ? 0 : half);
    less.push_back(0);
  }
  for (std::uint64_t i = 1; i < range; ++i) {
    points.push_back(t - i);
    halves.push_back(t - half);
    less.push_back(1);
  }
  IntegerComparison out;
  PRISM_TRY(out.half_, IntegerPolynomial::through(points, halves, t));
  PRISM_TRY(IntegerPolynomial direct, IntegerPolynomial::through(points, less, t));
  if (direct.depth() < out.order_depth()) out.direct_ = std::move(direct);
  return out;
}

Result<Order> IntegerComparison::order(const exact::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                       const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_TRY(const Ciphertext d, difference(evaluator, x, y));
  PRISM_TRY(const Ciphertext h, evaluate(evaluator, half_, d, keys, count));
  if (count != nullptr) ++count->levels;
  PRISM_TRY(Ciphertext square, multiply_down(evaluator, h, h, keys, count));
  Order out;
  PRISM_TRY(const Ciphertext twice, evaluator.multiply_scalar(square, 2));
  PRISM_TRY(out.less, difference(evaluator, twice, h));
  PRISM_TRY(out.equal, evaluator.multiply_scalar(square, -4));
  PRISM_CHECKED(evaluator.add_scalar_into(out.equal, 1));
  return out;
}

Result<Ciphertext> IntegerComparison::less(const exact::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                           const rlwe::EvaluationKeys& keys, Cost* count) const {
  if (direct_) {
    PRISM_TRY(const Ciphertext d, difference(evaluator, x, y));
    return evaluate(evaluator, *direct_, d, keys, count);
  }
  PRISM_TRY(Order both, order(evaluator, x, y, keys, count));
  return std::move(both.less);
}

namespace {

/// (l, e) o (l', e') over a row of digits, by halves; the last e is left out unless asked for.
Result<Order> combined(const exact::Evaluator& evaluator, std::span<Order> digits, bool equal,
                       const rlwe::EvaluationKeys& keys, Cost* count) {
  if (digits.size() == 1) return std::move(digits[0]);
  const std::size_t first = (digits.size() + 1) / 2;
  PRISM_TRY(Order high, combined(evaluator, digits.first(first), true, keys, count));
  PRISM_TRY(const Order low, combined(evaluator, digits.subspan(first), equal, keys, count));
  Order out;
  PRISM_TRY(const Ciphertext then_less, multiply_down(evaluator, high.equal, low.less, keys, count));
  PRISM_TRY(out.less, sum(evaluator, high.less, then_less));
  if (equal) {
    PRISM_TRY(out.equal, multiply_down(evaluator, high.equal, low.equal, keys, count));
  }
  return out;
}

}  // namespace

Result<Order> IntegerComparison::order(const exact::Evaluator& evaluator, std::span<const Ciphertext> x,
                                       std::span<const Ciphertext> y, const rlwe::EvaluationKeys& keys,
                                       Cost* count) const {
  if (x.empty() || x.size() != y.size())
    return fail(ErrorCode::mismatch, x.size(), " digits and ", y.size(), "; as many of both, at least one");
  std::vector<Order> digits;
  for (std::size_t i = 0; i < x.size(); ++i) {
    PRISM_TRY(Order digit, order(evaluator, x[i], y[i], keys, count));
    digits.push_back(std::move(digit));
  }
  return combined(evaluator, digits, true, keys, count);
}

Result<Ciphertext> IntegerComparison::less(const exact::Evaluator& evaluator, std::span<const Ciphertext> x,
                                           std::span<const Ciphertext> y, const rlwe::EvaluationKeys& keys,
                                           Cost* count) const {
  if (x.empty() || x.size() != y.size())
    return fail(ErrorCode::mismatch, x.size(), " digits and ", y.size(), "; as many of both, at least one");
  std::vector<Order> digits;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i + 1 == x.size()) {  // nobody asks whether the last digits are equal
      PRISM_TRY(Ciphertext last, less(evaluator, x[i], y[i], keys, count));
      digits.push_back({std::move(last), {}});
    } else {
      PRISM_TRY(Order digit, order(evaluator, x[i], y[i], keys, count));
      digits.push_back(std::move(digit));
    }
  }
  PRISM_TRY(Order all, combined(evaluator, digits, false, keys, count));
  return std::move(all.less);
}

Result<Ciphertext> IntegerComparison::pick(const exact::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                           bool smaller, const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_TRY(const Ciphertext is_less, less(evaluator, x, y, keys, count));
  PRISM_TRY(const Ciphertext d, difference(evaluator, x, y));
  PRISM_TRY(const Ciphertext step, multiply_down(evaluator, is_less, d, keys, count));
  if (count != nullptr) ++count->levels;
  return smaller ? sum(evaluator, y, step) : difference(evaluator, x, step);
}

Result<Ciphertext> IntegerComparison::minimum(const exact::Evaluator& evaluator, const Ciphertext& x,
                                              const Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                              Cost* count) const {
  return pick(evaluator, x, y, true, keys, count);
}

Result<Ciphertext> IntegerComparison::maximum(const exact::Evaluator& evaluator, const Ciphertext& x,
                                              const Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                              Cost* count) const {
  return pick(evaluator, x, y, false, keys, count);
}

namespace {

Cost with_products(Cost cost, std::size_t products, int levels) {
  cost.levels += levels;
  cost.products += products;
  cost.decompositions += products;
  cost.switches += products;
  cost.divisions += 2 * products;
  return cost;
}

}  // namespace

Cost IntegerComparison::order_cost(std::size_t digits) const {
  Cost cost;
  for (std::size_t i = 0; i < digits; ++i) cost += with_products(half_.cost(), 1, 0);
  cost.levels = order_depth(digits);
  return with_products(cost, 2 * (digits - 1), 0);
}

Cost IntegerComparison::cost() const { return direct_ ? direct_->cost() : order_cost(); }

}  // namespace prism::circuits
