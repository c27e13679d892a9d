// prism/circuits/internal/iteration.h - what iterations on a declared interval of positive numbers share.
#pragma once
#include <algorithm>
#include <cmath>

#include "prism/circuits/chebyshev.h"
#include "prism/circuits/cost.h"
#include "prism/ckks/evaluator.h"

namespace prism::circuits {

inline constexpr int kMostIterations = 40;

inline Status check_positive(Interval interval) {
  if (interval.low > 0 && interval.low < interval.high && std::isfinite(interval.high)) return {};
  return fail(ErrorCode::invalid_argument, "an interval from ", interval.low, " to ", interval.high,
              "; it must be of positive numbers, the first below the second");
}

inline Error too_wide(Interval interval, int precision_bits) {
  return fail(ErrorCode::unsupported, "from ", interval.low, " to ", interval.high, " to 2^-", precision_bits,
              " takes more than ", kMostIterations, " iterations; narrow the interval or ask for less precision");
}

/// The largest |1 - weight*x| in the interval, rounded up.
inline double relative_width(Interval interval, double weight) {
  return std::max(std::fabs(1 - weight * interval.low), std::fabs(1 - weight * interval.high)) + 0x1p-50;
}

inline Status check_argument(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x, int depth,
                             std::string_view what) {
  if (x.parameters != evaluator.parameters_ptr())
    return fail(ErrorCode::mismatch, "a ciphertext of other parameters than the evaluator's");
  if (x.parts.size() != 2)
    return fail(ErrorCode::mismatch, "a ciphertext of ", x.parts.size(), " parts; relinearise it first");
  if (x.level.value < depth) {
    return fail(ErrorCode::level_exhausted, what, " takes ", depth, " levels, and the ciphertext has ", x.level.value,
                "; choose parameters of more depth, a narrower interval or less precision");
  }
  return {};
}

inline Cost iteration_cost(int levels, std::size_t products) {
  Cost cost{.levels = levels, .products = products};
  cost.decompositions = cost.switches = products;
  cost.divisions = 2 * products;
  return cost;
}

}  // namespace prism::circuits
