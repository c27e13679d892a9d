#include "prism/circuits/polynomial_plan.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

namespace prism::circuits {
namespace {

// Relative costs; a relinearisation is by far the largest, whatever the parameters.
constexpr double kRelinearise = 1, kTensor = 0.12, kRescale = 0.25;
constexpr double kNever = std::numeric_limits<double>::infinity();

using Exponents = std::set<std::uint32_t>;
using Power = PolynomialPlan::Power;

/// How X_k is best made when some powers are there already: the fewest new ones, squares first.
Power made_of(std::uint32_t k, Basis basis, const Exponents& there) {
  const auto missing = [&](std::uint32_t e) { return e > 1 && !there.contains(e) ? 1 : 0; };
  Power best{k, 0, 0};
  int fewest = 4;
  const std::uint32_t largest = std::uint32_t{1} << (power_depth(k) - 1);
  for (std::uint32_t left = (k + 1) / 2; left <= std::min(largest, k - 1); ++left) {
    const std::uint32_t right = k - left;
    const int cost =
        missing(left) + (left == right ? 0 : missing(right)) + (basis == Basis::chebyshev ? missing(left - right) : 0);
    if (cost < fewest) {
      fewest = cost;
      best = {k, left, right};
    }
  }
  return best;
}

/// Adds what the wanted powers are made of.
void close(Exponents& exponents, Basis basis) {
  // From the top down: what is added is smaller than what asked for it, and is visited later.
  for (auto at = exponents.end(); at != exponents.begin();) {
    --at;
    const std::uint32_t k = *at;
    if (k < 2) continue;
    const Power p = made_of(k, basis, exponents);
    for (const std::uint32_t e : {p.left, p.right, basis == Basis::chebyshev ? p.left - p.right : 0}) {
      if (e > 1) exponents.insert(e);
    }
  }
}

}  // namespace

int power_depth(std::uint32_t k) { return static_cast<int>(std::bit_width(k - 1)); }

/// The cheapest tree over one set of powers.
class PolynomialPlan::Search {
 public:
  Search(const PolynomialShape& shape, const Exponents& powers, int depth)
      : shape_(shape), columns_(static_cast<std::size_t>(depth) + 1), leaf_(shape.degree + 1, true) {
    for (const std::uint32_t k : powers) {
      if (k < shape.degree) splits_.push_back(k);
    }
    // A linear combination of degree k needs what one of degree k - 1 (or k - 2, with a parity) needs, and X_k.
    const std::uint32_t step = shape.parity == Parity::any ? 1 : 2;
    for (std::uint32_t k = 2; k <= shape.degree; ++k) leaf_[k] = leaf_[k - step] && powers.contains(k);
    values_.resize(columns_ * (shape.degree + 1), Choice{-1, 0});
    sums_ = values_;
  }

  /// A relinearised and rescaled value; Choice::split is 0 for a leaf.
  double value(std::uint32_t degree, int depth) { return value_at(degree, depth).cost; }

  void build(PolynomialPlan& plan, Exponents& used, std::uint32_t degree, int depth, bool is_value) {
    const std::uint32_t split = (is_value ? value_at(degree, depth) : sum_at(degree, depth)).split;
    const std::size_t index = plan.nodes_.size();
    plan.nodes_.push_back({degree, depth, split, 0, 0});
    if (is_value) ++(split != 0 ? plan.relinearisations_ : plan.combinations_);
    if (split == 0) {
      for (std::uint32_t k = 2; k <= degree; ++k) {
        if (shape_.parity == Parity::any || k % 2 == degree % 2) used.insert(k);
      }
      return;
    }
    used.insert(split);
    ++plan.products_;
    plan.nodes_[index].quotient = static_cast<std::uint32_t>(plan.nodes_.size());
    build(plan, used, degree - split, depth - 1, true);
    plan.nodes_[index].remainder = static_cast<std::uint32_t>(plan.nodes_.size());
    build(plan, used, below(split, degree), depth, false);
  }

 private:
  struct Choice {
    double cost;  ///< negative: not known yet
    std::uint32_t split;
  };
  /// The degree of the remainder, which has the parity of the whole, if there is one.
  std::uint32_t below(std::uint32_t split, std::uint32_t degree) const {
    return shape_.parity != Parity::any && (split - 1) % 2 != degree % 2 ? split - 2 : split - 1;
  }
  /// A linear combination of small powers, of which the last is there at `depth`.
  bool leaf(std::uint32_t degree, int depth) const {
    return leaf_[degree] && depth >= (degree == 0 ? 0 : power_depth(degree));
  }
  Choice& slot(std::vector<Choice>& table, std::uint32_t degree, int depth) const {
    return table[degree * columns_ + static_cast<std::size_t>(depth)];
  }

  const Choice& value_at(std::uint32_t degree, int depth) {
    static constexpr Choice kImpossible{kNever, 0};
    if (depth < 0) return kImpossible;
    Choice& choice = slot(values_, degree, depth);
    if (choice.cost >= 0) return choice;
    if (leaf(degree, shape_.constants_cost_levels ? depth - 1 : depth)) {
      choice = {shape_.constants_cost_levels ? kRescale : 0, 0};
    } else {
      choice = best_split(degree, depth);
      choice.cost += kRelinearise + kRescale;
    }
    return choice;
  }
  const Choice& sum_at(std::uint32_t degree, int depth) {
    Choice& choice = slot(sums_, degree, depth);
    if (choice.cost < 0) choice = leaf(degree, depth - 1) ? Choice{0, 0} : best_split(degree, depth);
    return choice;
  }
  Choice best_split(std::uint32_t degree, int depth) {
    Choice best{kNever, 0};
    for (const std::uint32_t s : splits_) {
      if (s >= degree || power_depth(s) > depth - 1) break;  // the quotient is no constant
      const double quotient = value_at(degree - s, depth - 1).cost;
      if (quotient >= best.cost) continue;
      const double cost = kTensor + quotient + sum_at(below(s, degree), depth).cost;
      if (cost < best.cost) best = {cost, s};
    }
    return best;
  }

  const PolynomialShape& shape_;
  std::vector<std::uint32_t> splits_;
  std::size_t columns_;
  std::vector<bool> leaf_;
  std::vector<Choice> values_, sums_;
};

Result<PolynomialPlan> PolynomialPlan::make(const PolynomialShape& shape) {
  const std::uint32_t d = shape.degree;
  if (d < 1 || d > kLargestDegree) {
    return fail(ErrorCode::invalid_argument, "a polynomial of degree ", d, "; degrees are 1 to ", kLargestDegree);
  }
  if (shape.parity != Parity::any && (d % 2 == 1) != (shape.parity == Parity::odd))
    return fail(ErrorCode::invalid_argument, "degree ", d, " does not have the parity of the polynomial");
  const int depth = shape.constants_cost_levels ? power_depth(d + 1) : power_depth(d);

  PolynomialPlan best;
  double cheapest = kNever;
  const auto consider = [&](Exponents powers) {
    close(powers, shape.basis);
    Search search(shape, powers, depth);
    const double tree = search.value(d, depth);
    if (!(tree < cheapest)) return;
    PolynomialPlan plan;
    Exponents used;
    search.build(plan, used, d, depth, true);
    close(used, shape.basis);
    const double cost = tree + static_cast<double>(used.size()) * (kRelinearise + kTensor + kRescale);
    if (!(cost < cheapest)) return;
    cheapest = cost;
    best = std::move(plan);
    best.powers_.clear();
    for (const std::uint32_t k : used) best.powers_.push_back(made_of(k, shape.basis, used));
  };
  std::uint32_t most_small = 1;
  while (most_small * most_small < 4 * d) ++most_small;
  most_small = std::min(d, most_small + 1);
  // Coarser where nobody looks for the last product.
  for (std::uint32_t small = 1; small <= most_small; small += d > 256 && small > 4 ? small / 4 : 1) {
    for (std::uint32_t giant = std::max(small, 2U); giant <= small + 1; ++giant) {
      for (std::uint32_t multiples = 1; multiples <= 8 && (multiples == 1 || multiples * giant <= d); ++multiples) {
        for (const bool own_parity : {false, true}) {
          if (own_parity && shape.parity == Parity::any) continue;
          for (const bool twos : {false, true}) {
            Exponents powers;
            for (std::uint32_t k = 2; k <= small; ++k) {
              if (!own_parity || k % 2 == d % 2) powers.insert(k);
            }
            for (std::uint32_t m = 1; m < multiples; ++m) powers.insert(m * giant);
            for (std::uint32_t k = multiples * giant; k <= d; k *= 2) powers.insert(k);
            for (std::uint32_t k = 2; twos && k <= d; k *= 2) powers.insert(k);
            consider(std::move(powers));
          }
        }
      }
    }
  }
  check(cheapest < kNever, "powers of two split every polynomial");
  best.shape_ = shape;
  best.products_ += best.powers_.size();
  best.relinearisations_ += best.powers_.size();
  return best;
}

Cost PolynomialPlan::cost() const {
  Cost cost{.levels = depth(), .products = products_};
  cost.decompositions = cost.switches = relinearisations_;
  cost.divisions = 2 * relinearisations_;
  if (shape_.constants_cost_levels) cost.rescales = combinations_;
  return cost;
}

}  // namespace prism::circuits
