#include "prism/circuits/step_plan.h"

#include <algorithm>
#include <limits>

namespace prism::circuits {
namespace {

/// A row of a key in transforms of a row: at N = 2^14 its 128 KiB come from memory in about 6 us (20 GB/s), which hides
/// the multiplication, and a transform takes about 23 us.
constexpr double kKeyRow = 0.25;

}  // namespace

StepPlan::StepPlan(const std::vector<std::size_t>& diagonals, std::size_t period, const rlwe::Parameters& parameters,
                   rlwe::Level level, std::size_t longest_baby) {
  Cost baby, giant;
  baby.switches = 1;
  giant.switches = giant.decompositions = giant.divisions = 1;
  const std::size_t rows = parameters.primes(level).size() + parameters.special_primes().size();
  const std::size_t digit_size = parameters.spec().digit_size;
  const std::size_t digits = (parameters.primes(level).size() + digit_size - 1) / digit_size;
  const double key = kKeyRow * static_cast<double>(2 * digits * rows);
  const double per_baby = key, per_giant = key + static_cast<double>(giant.transforms(parameters, level));
  work_ = std::numeric_limits<double>::infinity();
  for (std::size_t width = 1; width <= period; width *= 2) {
    if (longest_baby != 0 && width != std::min(longest_baby, period)) continue;
    std::vector<std::size_t> babies, giants;
    for (const std::size_t k : diagonals) {
      babies.push_back(k % width);
      giants.push_back(k - k % width);
    }
    for (auto* steps : {&babies, &giants}) {
      std::sort(steps->begin(), steps->end());
      steps->erase(std::unique(steps->begin(), steps->end()), steps->end());
    }
    const auto moving = [](const std::vector<std::size_t>& steps) {
      return static_cast<double>(steps.size()) - (steps.empty() || steps[0] != 0 ? 0 : 1);
    };
    const double work = moving(babies) * per_baby + moving(giants) * per_giant;
    if (work < work_) {
      babies_ = std::move(babies);
      giants_ = std::move(giants);
      width_ = width;
      work_ = work;
    }
  }
  // Every operand that moves is raised once.
  if (babies_.size() > 1 || (!babies_.empty() && babies_[0] != 0)) work_ += static_cast<double>(digits * rows);
}

}  // namespace prism::circuits
