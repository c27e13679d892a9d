#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "prism/circuits/internal/affine.h"
#include "prism/circuits/internal/weighted_sum.h"
#include "prism/circuits/polynomial.h"

namespace prism::circuits {

using ckks::Ciphertext;
using ckks::Constant;
using ckks::Scale;
using math::Bound;

/// One evaluation. Noise is tracked relative to v = m + e, what the argument decrypts to: see evaluate().
class PolynomialCircuit {
 public:
  PolynomialCircuit(const ckks::Evaluator& evaluator, const Polynomial& polynomial, const rlwe::EvaluationKeys& keys,
                    Cost* count)
      : evaluator_(evaluator), polynomial_(polynomial), keys_(keys), count_(count != nullptr ? *count : uncounted_) {}

  Result<Ciphertext> run(const Ciphertext& x, const PolynomialOptions& options) {
    top_ = x.level.value;
    if (top_ < polynomial_.depth()) {
      return fail(ErrorCode::level_exhausted, "a polynomial of degree ", polynomial_.degree(), " takes ",
                  polynomial_.depth(), " levels, and the ciphertext has ", top_,
                  "; choose parameters of more depth, or a lower degree");
    }
    PRISM_TRY(Ciphertext first, mapped(x));
    top_ = first.level.value;
    count_.levels += polynomial_.plan_.depth();
    const Bound error = first.noise.error;
    distance_ = error;
    if (options.stray != nullptr) {
      // Mapping an interval stretches both alike, and adds its own roundings to the error alone.
      const double width = polynomial_.interval_.high - polynomial_.interval_.low;
      distance_ = polynomial_.mapped() ? max(error, *options.stray * Bound::from_double(2 / width) + error)
                                       : max(error, *options.stray);
    }
    if (chebyshev()) {
      // Outside the interval high degrees grow past every number: what is claimed of the argument must not stop us.
      if (!(distance_.to_double() < 1 && growth(polynomial_.degree()) < 0x1p600)) {
        return fail(ErrorCode::noise_exceeded, "the argument's error bound, 2^", std::lround(distance_.log2()),
                    " of half the interval, leaves nothing of a polynomial of degree ", polynomial_.degree());
      }
      first.noise.magnitude = Bound::one();
    }
    const Bound size = first.noise.magnitude + distance_;
    const Bound spread = propagated(size, error, options.promised);
    first.noise = {size, Bound::zero()};
    powers_.emplace(1, std::move(first));
    for (const PolynomialPlan::Power& power : polynomial_.plan_.powers()) PRISM_CHECKED(make(power));

    const rlwe::Level level{top_ - polynomial_.plan_.depth()};
    PRISM_TRY(Ciphertext out, value(0, evaluator_.parameters().scale(level)));
    if (chebyshev()) {
      double rounding = 0;
      for (const Polynomial::Piece& piece : polynomial_.pieces_) rounding += piece.rounding;
      out.noise.error += Bound::from_double(rounding * growth(polynomial_.degree()));
    }
    if (options.stray != nullptr) *options.stray = propagated(size, distance_, {}) + out.noise.error;
    // The message is the function's value from here on, which may be larger than the polynomial's.
    const Bound apart = Bound::from_double(options.approximation_error);
    out.noise.magnitude += apart;
    out.noise.error += spread + apart;
    return out;
  }

 private:
  bool chebyshev() const { return polynomial_.basis() == Basis::chebyshev; }
  /// Largest |T_k| within `distance_` of [-1, 1].
  double growth(std::uint32_t k) const { return chebyshev_growth(k, distance_.to_double()); }

  /// y = (2x - low - high)/(high - low), exactly at the canonical scale of one level less.
  Result<Ciphertext> mapped(const Ciphertext& x) {
    if (!polynomial_.mapped()) return x.clone();
    count_ += {.levels = 1, .rescales = 1};
    const Interval interval = polynomial_.interval_;
    const double width = interval.high - interval.low;
    PRISM_TRY(Ciphertext y, affine(evaluator_, x, 2 / width, -(interval.low + interval.high) / width));
    // Both constants are rounded to doubles.
    const double ends = std::max(std::fabs(interval.low), std::fabs(interval.high));
    y.noise.error += Bound::from_double(0x1p-51 * (2 * ends / width + 1));
    return y;
  }

  /// |p(v) - p(m)| for |v - m| <= error.
  Bound propagated(Bound size, Bound error, const std::vector<Interval>& promised) const {
    double slope = 0;
    if (chebyshev()) {
      const double width = polynomial_.interval_.high - polynomial_.interval_.low;
      const auto place = [&](double x) {
        return std::clamp((2 * x - polynomial_.interval_.low - polynomial_.interval_.high) / width, -1.0, 1.0);
      };
      for (const Interval& part : promised) {
        const Interval y{place(part.low), place(part.high)};
        slope = std::max(slope, chebyshev_largest(polynomial_.first_, y));
      }
      if (promised.empty()) slope = chebyshev_largest(polynomial_.first_);
      slope += error.to_double() * chebyshev_reach(polynomial_.second_, error.to_double());
      return error * Bound::from_double(slope);
    }
    Bound sum;
    for (std::size_t k = 1; k < polynomial_.coefficients_.size(); ++k) {
      const double weight = static_cast<double>(k) * std::fabs(polynomial_.coefficients_[k]);
      if (weight > 0) sum += Bound::from_double(weight) * power(size, static_cast<double>(k - 1));
    }
    return error * sum;
  }

  rlwe::Level level_of(std::uint32_t exponent) const { return rlwe::Level{top_ - power_depth(exponent)}; }

  Status make(const PolynomialPlan::Power& power) {
    const rlwe::Level level{level_of(power.exponent).value + 1};
    PRISM_TRY(const Ciphertext left, evaluator_.drop_to(powers_.at(power.left), level));
    ++count_.products;
    Ciphertext product;
    if (power.left == power.right) {
      PRISM_TRY(product, evaluator_.square(left));
    } else {
      PRISM_TRY(const Ciphertext right, evaluator_.drop_to(powers_.at(power.right), level));
      PRISM_TRY(product, evaluator_.multiply(left, right));
    }
    const std::uint32_t back = power.left - power.right;
    if (chebyshev()) {
      PRISM_CHECKED(evaluator_.multiply_integer_into(product, 2));
      if (back > 0) {
        const Ciphertext& lower = powers_.at(back);
        const Constant minus(-1);
        PRISM_CHECKED(add_terms(product, {{&lower, minus}}, level, product.scale));
      }
    }
    PRISM_TRY(Ciphertext made, finish(product));
    if (chebyshev()) {
      if (back == 0) PRISM_CHECKED(evaluator_.add_scalar_into(made, Constant(-1)));
      made.noise.magnitude = min(made.noise.magnitude, Bound::from_double(growth(power.exponent)));
    }
    powers_.emplace(power.exponent, std::move(made));
    return {};
  }

  struct Term {
    const Ciphertext* power;
    Constant weight;
  };
  /// sum += weights * powers, each weight at the scale that gives `scale`. An empty sum becomes one.
  Status add_terms(Ciphertext& sum, const std::vector<Term>& terms, rlwe::Level level, const Scale& scale) const {
    if (sum.parts.empty()) {
      sum.parameters = evaluator_.parameters_ptr();
      sum.level = level;
      sum.scale = scale;
    }
    std::vector<WeightedTerm> weighted;
    for (const Term& term : terms) {
      const Scale at = scale / term.power->scale;
      PRISM_TRY(const Int128 weight, term.weight.times(at));
      weighted.push_back({&term.power->parts, weight});
      const ckks::Noise constant{term.weight.magnitude(), term.weight.rounding(at)};
      sum.noise = ckks::NoiseModel::add(sum.noise, ckks::NoiseModel::multiply(term.power->noise, constant));
    }
    const rlwe::Parameters& rlwe = evaluator_.parameters().rlwe();
    add_weighted(sum.parts, weighted, rlwe.ring(), rlwe.primes(level));
    return {};
  }

  /// Relinearised and rescaled in one division, or rescaled alone.
  Result<Ciphertext> finish(const Ciphertext& sum) {
    if (sum.parts.size() == 2) {
      ++count_.rescales;
    } else {
      count_ += {.decompositions = 1, .switches = 1, .divisions = 2};
    }
    Ciphertext out;
    PRISM_CHECKED(evaluator_.relinearise_rescale(out, sum, keys_, workspace_));
    return out;
  }

  /// The polynomial of a node, one level below where its sum is made, exactly at `scale`.
  Result<Ciphertext> value(std::uint32_t index, const Scale& scale) {
    const PolynomialPlan& plan = polynomial_.plan_;
    const int depth = plan.nodes()[index].depth;
    const rlwe::Level level{top_ - depth + 1};
    Scale wide = scale;
    for (const std::uint64_t prime : evaluator_.parameters().dropped_primes(level))
      wide = wide * Scale::power_of(prime, 1);

    Ciphertext sum;
    std::uint32_t at = index;
    for (; plan.nodes()[at].split != 0; at = plan.nodes()[at].remainder) {
      const PolynomialPlan::Node& node = plan.nodes()[at];
      PRISM_TRY(const Ciphertext power, evaluator_.drop_to(powers_.at(node.split), level));
      PRISM_TRY(const Ciphertext quotient, value(node.quotient, wide / power.scale));
      PRISM_TRY(const Ciphertext same_level, evaluator_.drop_to(quotient, level));
      ++count_.products;
      PRISM_CHECKED(evaluator_.tensor_add(sum, same_level, power));
    }
    const std::vector<double>& leaf = polynomial_.pieces_[at].coefficients;
    std::vector<Term> terms;
    for (std::uint32_t k = 1; k < leaf.size(); ++k) {
      if (leaf[k] == 0) continue;
      PRISM_TRY(const Constant weight, Constant::from_double(leaf[k]));
      terms.push_back({&powers_.at(k), weight});
    }
    if (!terms.empty() || sum.parts.empty()) PRISM_CHECKED(add_terms(sum, terms, level, wide));
    PRISM_TRY(Ciphertext out, finish(sum));
    if (leaf[0] != 0) {
      PRISM_TRY(const Constant constant, Constant::from_double(leaf[0]));
      PRISM_CHECKED(evaluator_.add_scalar_into(out, constant));
    }
    check(out.scale == scale, "sums are made at the scale that leads to the one asked for");
    if (chebyshev()) {
      const Polynomial::Piece& piece = polynomial_.pieces_[index];
      const double distance = distance_.to_double();
      out.noise.magnitude =
          min(out.noise.magnitude,
              Bound::from_double(piece.largest + distance * piece.slope * growth(plan.nodes()[index].degree)));
    }
    return out;
  }

  const ckks::Evaluator& evaluator_;
  const Polynomial& polynomial_;
  const rlwe::EvaluationKeys& keys_;
  Cost uncounted_;
  Cost& count_;
  int top_ = 0;
  ring::Workspace workspace_;
  Bound distance_;
  std::map<std::uint32_t, Ciphertext> powers_;
};

Result<Ciphertext> evaluate(const ckks::Evaluator& evaluator, const Polynomial& polynomial, const Ciphertext& x,
                            const rlwe::EvaluationKeys& keys, const PolynomialOptions& options) {
  if (x.parts.size() != 2)
    return fail(ErrorCode::mismatch, "a ciphertext of ", x.parts.size(), " parts; relinearise it first");
  if (!(options.approximation_error >= 0) || !std::isfinite(options.approximation_error))
    return fail(ErrorCode::invalid_argument, "an approximation error of ", options.approximation_error);
  return PolynomialCircuit(evaluator, polynomial, keys, options.count).run(x, options);
}

}  // namespace prism::circuits
