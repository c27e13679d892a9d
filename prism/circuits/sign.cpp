#include "prism/circuits/sign.h"

#include <cmath>

namespace prism::circuits {

using ckks::Ciphertext;

namespace {

struct StageData {
  double from;
  std::vector<double> odd;  // c_1, c_3, ..
};
struct Composition {
  int dead_zone_bits, precision_bits;
  std::vector<StageData> stages;
};

const std::vector<Composition>& compositions() {
  static const std::vector<Composition> data = {
#include "prism/circuits/sign_data.inc"
  };
  return data;
}

std::vector<double> spread(const std::vector<double>& odd, double factor) {
  std::vector<double> out(2 * odd.size(), 0);
  for (std::size_t k = 0; k < odd.size(); ++k) out[2 * k + 1] = odd[k] * factor;
  return out;
}

/// Levels and relinearisations, without searching for plans.
std::pair<int, std::size_t> rank(const Composition& c) {
  int depth = 0;
  std::size_t terms = 0;
  for (const StageData& stage : c.stages) {
    depth += power_depth(static_cast<std::uint32_t>(2 * stage.odd.size()));
    terms += stage.odd.size();
  }
  return {depth, terms};
}

}  // namespace

std::vector<std::pair<int, int>> sign_compositions() {
  std::vector<std::pair<int, int>> out;
  for (const Composition& c : compositions()) out.emplace_back(c.dead_zone_bits, c.precision_bits);
  return out;
}

Result<Sign> Sign::make(int dead_zone_bits, int precision_bits, double range) {
  if (!(range > 0) || !std::isfinite(range)) return fail(ErrorCode::invalid_argument, "a range of ", range);
  const Composition* best = nullptr;
  for (const Composition& c : compositions()) {
    if (c.dead_zone_bits < dead_zone_bits || c.precision_bits < precision_bits) continue;
    if (best == nullptr || rank(c) < rank(*best)) best = &c;
  }
  if (best == nullptr) {
    return fail(ErrorCode::unsupported, "a sign to 2^-", precision_bits, " outside a dead zone of 2^-", dead_zone_bits,
                " of the range; there are compositions for up to 20 bits of both");
  }
  Sign out;
  out.range_ = range;
  out.error_ = std::exp2(-best->precision_bits);
  for (const StageData& stage : best->stages) {
    const Interval interval = out.stages_.empty() ? Interval{-range, range} : Interval{};
    PRISM_TRY(Polynomial polynomial, Polynomial::chebyshev(spread(stage.odd, 1), interval));
    if (&stage == &best->stages.back()) {
      PRISM_TRY(Polynomial half, Polynomial::chebyshev(spread(stage.odd, 0.5), interval));
      out.halved_.push_back(std::move(half));
    }
    out.stages_.push_back({std::move(polynomial), stage.from});
  }
  return out;
}

Cost Sign::cost() const {
  Cost cost;
  for (const Stage& stage : stages_) cost += stage.polynomial.cost();
  return cost;
}

double Sign::operator()(double x) const {
  for (const Stage& stage : stages_) x = stage.polynomial(x);
  return x;
}

Result<Ciphertext> Sign::run(const ckks::Evaluator& evaluator, const Ciphertext& x, const rlwe::EvaluationKeys& keys,
                             bool step, Cost* count, math::Bound* stray) const {
  if (x.level.value < depth()) {
    return fail(ErrorCode::level_exhausted, "this sign takes ", depth(), " levels, and the ciphertext has ",
                x.level.value, "; choose parameters of more depth, a wider dead zone or less precision");
  }
  Ciphertext y = x.clone();
  math::Bound away = x.noise.error;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const bool last = i + 1 == stages_.size();
    const double unit = i == 0 ? range_ : 1, from = unit * stages_[i].from;
    PolynomialOptions options{.promised = {{-unit, -from}, {from, unit}}, .stray = &away, .count = count};
    if (last) options.approximation_error = step ? error_ / 2 : error_;
    PRISM_TRY(y, evaluate(evaluator, last && step ? halved_[0] : stages_[i].polynomial, y, keys, options));
  }
  if (step) {
    PRISM_TRY(const ckks::Constant half, ckks::Constant::ratio(1, 2));
    PRISM_CHECKED(evaluator.add_scalar_into(y, half));
  }
  // Polynomials go past 1 by their own error, too.
  if (stray != nullptr) *stray = away + math::Bound::from_double(error_);
  return y;
}

Result<Ciphertext> Sign::sign(const ckks::Evaluator& evaluator, const Ciphertext& x, const rlwe::EvaluationKeys& keys,
                              Cost* count, math::Bound* stray) const {
  return run(evaluator, x, keys, false, count, stray);
}

Result<Ciphertext> Sign::step(const ckks::Evaluator& evaluator, const Ciphertext& x, const rlwe::EvaluationKeys& keys,
                              Cost* count, math::Bound* stray) const {
  return run(evaluator, x, keys, true, count, stray);
}

}  // namespace prism::circuits
