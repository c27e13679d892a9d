#include <algorithm>
#include <map>
#include <optional>

#include "prism/circuits/integer_polynomial.h"
#include "prism/circuits/internal/weighted_sum.h"
#include "prism/math/modular.h"

namespace prism::circuits {

using exact::Ciphertext;

namespace {

bool switches(const exact::Evaluator& evaluator) { return evaluator.parameters().scheme() == exact::Scheme::bgv; }

/// Relinearised, and for BGV one level down in the same division.
Result<Ciphertext> finish(const exact::Evaluator& evaluator, const Ciphertext& product,
                          const rlwe::EvaluationKeys& keys, ring::Workspace& workspace, Cost& count) {
  count += {.decompositions = 1, .switches = 1, .divisions = 2};
  Ciphertext out;
  if (!switches(evaluator)) {
    PRISM_CHECKED(evaluator.relinearise(out, product, keys, workspace));
    return out;
  }
  if (product.level.value == 0) {
    return fail(ErrorCode::level_exhausted,
                "a product at level 0 has no level to go down to; choose parameters of more depth");
  }
  PRISM_CHECKED(evaluator.relinearise_drop(out, product, rlwe::Level{product.level.value - 1}, keys, workspace));
  return out;
}

}  // namespace

Result<Ciphertext> multiply_down(const exact::Evaluator& evaluator, const Ciphertext& a, const Ciphertext& b,
                                 const rlwe::EvaluationKeys& keys, Cost* count) {
  Cost uncounted;
  Cost& counted = count != nullptr ? *count : uncounted;
  ++counted.products;
  const rlwe::Level level = std::min(a.level, b.level);
  const auto product = [&]() -> Result<Ciphertext> {
    if (&a == &b) return evaluator.square(a);
    if (a.level == b.level) return evaluator.multiply(a, b);
    ++counted.rescales;
    PRISM_TRY(const Ciphertext lower, evaluator.drop_to(a.level == level ? b : a, level));
    return a.level == level ? evaluator.multiply(a, lower) : evaluator.multiply(lower, b);
  };
  PRISM_TRY(const Ciphertext made, product());
  ring::Workspace workspace;
  return finish(evaluator, made, keys, workspace, counted);
}

class IntegerPolynomialCircuit {
 public:
  IntegerPolynomialCircuit(const exact::Evaluator& evaluator, const IntegerPolynomial& polynomial,
                           const rlwe::EvaluationKeys& keys, Cost* count)
      : evaluator_(evaluator), polynomial_(polynomial), keys_(keys), count_(count != nullptr ? *count : uncounted_) {}

  Result<Ciphertext> run(const Ciphertext& x) {
    top_ = x.level.value;
    const PolynomialPlan& plan = polynomial_.plan_;
    if (switches(evaluator_) && top_ < plan.depth()) {
      return fail(ErrorCode::level_exhausted, "a polynomial of degree ", polynomial_.degree(), " takes ", plan.depth(),
                  " levels, and the ciphertext has ", top_, "; choose parameters of more depth, or a smaller range");
    }
    count_.levels += plan.depth();
    // The canonical correction, for what was computed otherwise.
    PRISM_TRY(Ciphertext first, evaluator_.drop_to(x, x.level));
    powers_.emplace(1, std::move(first));
    for (const PolynomialPlan::Power& power : plan.powers()) {
      const rlwe::Level level = level_at(power_depth(power.exponent) - 1);
      PRISM_TRY(const Ciphertext* left, at(power.left, level));
      PRISM_TRY(const Ciphertext* right, at(power.right, level));
      ++count_.products;
      PRISM_TRY(const Ciphertext product,
                left == right ? evaluator_.square(*left) : evaluator_.multiply(*left, *right));
      PRISM_TRY(Ciphertext made, finish(evaluator_, product, keys_, workspace_, count_));
      powers_.emplace(power.exponent, std::move(made));
    }
    return value(0);
  }

 private:
  rlwe::Level level_at(int depth) const { return rlwe::Level{switches(evaluator_) ? top_ - depth : top_}; }

  /// X_exponent at a level at or below its own; made once.
  Result<const Ciphertext*> at(std::uint32_t exponent, rlwe::Level level) {
    const Ciphertext& power = powers_.at(exponent);
    if (power.level == level) return &power;
    const auto found = lower_.find({exponent, level.value});
    if (found != lower_.end()) return &found->second;
    ++count_.rescales;
    PRISM_TRY(Ciphertext lower, evaluator_.drop_to(power, level));
    return &lower_.emplace(std::pair{exponent, level.value}, std::move(lower)).first->second;
  }

  Status add_constant(Ciphertext& a, std::uint64_t constant) const {
    if (constant == 0) return {};
    return evaluator_.add_scalar_into(a, static_cast<std::int64_t>(constant));
  }

  /// The linear combination of a leaf but for its constant, at the level of its deepest power; nothing when there are
  /// no terms, or for a quotient, which must be something to multiply, zero.
  Result<std::optional<Ciphertext>> combination(std::uint32_t node, bool must_be) {
    const std::vector<std::uint64_t>& leaf = polynomial_.leaves_[node];
    std::uint32_t last = 0;
    for (std::uint32_t k = 1; k < leaf.size(); ++k) {
      if (leaf[k] != 0) last = k;
    }
    if (last == 0 && !must_be) return std::optional<Ciphertext>();
    last = std::max(last, 1U);
    const rlwe::Level level = level_at(power_depth(last));
    Ciphertext sum{evaluator_.parameters_ptr(), {}, level, 1, {}};
    std::vector<WeightedTerm> terms;
    for (std::uint32_t k = 1; k <= last; ++k) {
      const std::uint64_t constant = k < leaf.size() ? leaf[k] : 0;
      if (constant == 0 && k < last) continue;
      PRISM_TRY(const Ciphertext* power, at(k, level));
      const std::int64_t weight = math::centred(constant, polynomial_.t_);
      terms.push_back({&power->parts, weight});
      const exact::Noise noise = evaluator_.noise_model().multiply_scalar(
          power->noise, static_cast<std::uint64_t>(weight < 0 ? -weight : weight));
      sum.noise = terms.size() == 1 ? noise : evaluator_.noise_model().add(sum.noise, noise);
      sum.correction = power->correction;
    }
    const rlwe::Parameters& rlwe = evaluator_.parameters().rlwe();
    add_weighted(sum.parts, terms, rlwe.ring(), rlwe.primes(level));
    return std::optional<Ciphertext>(std::move(sum));
  }

  Result<Ciphertext> dropped(Ciphertext a, rlwe::Level level) {
    if (a.level == level) return a;
    ++count_.rescales;
    return evaluator_.drop_to(a, level);
  }

  /// The polynomial of a node, `depth` levels below the argument.
  Result<Ciphertext> value(std::uint32_t index) {
    const PolynomialPlan& plan = polynomial_.plan_;
    const int depth = plan.nodes()[index].depth;
    const rlwe::Level result = level_at(depth);
    std::uint32_t node = index;
    Ciphertext sum{evaluator_.parameters_ptr(), {}, level_at(depth - 1), 1, {}};
    for (; plan.nodes()[node].split != 0; node = plan.nodes()[node].remainder) {
      PRISM_TRY(const Ciphertext quotient, value(plan.nodes()[node].quotient));
      PRISM_TRY(const Ciphertext* power, at(plan.nodes()[node].split, quotient.level));
      ++count_.products;
      PRISM_CHECKED(evaluator_.tensor_add(sum, quotient, *power, workspace_));
    }
    PRISM_TRY(std::optional<Ciphertext> linear, combination(node, sum.parts.empty()));
    const std::uint64_t constant = polynomial_.leaves_[node][0];
    if (sum.parts.empty()) {
      PRISM_CHECKED(add_constant(*linear, constant));
      return dropped(*std::move(linear), result);
    }
    PRISM_TRY(Ciphertext out, finish(evaluator_, sum, keys_, workspace_, count_));
    if (linear) {
      PRISM_TRY(const Ciphertext same_level, dropped(*std::move(linear), result));
      PRISM_CHECKED(evaluator_.add_into(out, same_level));
    }
    PRISM_CHECKED(add_constant(out, constant));
    return out;
  }

  const exact::Evaluator& evaluator_;
  const IntegerPolynomial& polynomial_;
  const rlwe::EvaluationKeys& keys_;
  Cost uncounted_;
  Cost& count_;
  int top_ = 0;
  ring::Workspace workspace_;
  std::map<std::uint32_t, Ciphertext> powers_;
  std::map<std::pair<std::uint32_t, int>, Ciphertext> lower_;
};

Result<Ciphertext> evaluate(const exact::Evaluator& evaluator, const IntegerPolynomial& polynomial, const Ciphertext& x,
                            const rlwe::EvaluationKeys& keys, Cost* count) {
  if (polynomial.plain_modulus() != evaluator.parameters().plain_modulus()) {
    return fail(ErrorCode::mismatch, "a polynomial modulo ", polynomial.plain_modulus(), " and parameters modulo ",
                evaluator.parameters().plain_modulus());
  }
  if (x.parts.size() != 2)
    return fail(ErrorCode::mismatch, "a ciphertext of ", x.parts.size(), " parts; relinearise it first");
  return IntegerPolynomialCircuit(evaluator, polynomial, keys, count).run(x);
}

}  // namespace prism::circuits
