// prism/circuits/step_plan.h - which baby steps and giant steps a set of diagonals is computed with.
#pragma once
#include <vector>

#include "prism/circuits/cost.h"

namespace prism::circuits {

/// Which rotations a set of diagonals is computed with.
class StepPlan {
 public:
  /// The split with the least work for these diagonals: each baby step costs a switch, each giant step a decomposition,
  /// a division and a switch, each diagonal a product, weighed as transforms and multiplications of rows
  /// (step_plan.cpp states the weights). `longest_baby` > 0 asks for babies below it (a power of two) instead; the
  /// least that the diagonals of a map with one giant step need is its period.
  StepPlan(const std::vector<std::size_t>& diagonals, std::size_t period, const rlwe::Parameters& parameters,
           rlwe::Level level, std::size_t longest_baby = 0);
  /// Ascending; 0 is the operand itself.
  const std::vector<std::size_t>& babies() const { return babies_; }
  const std::vector<std::size_t>& giants() const { return giants_; }
  /// Diagonals are giant + baby, baby < width.
  std::size_t width() const { return width_; }
  /// The weighed work, in transforms of one row.
  double work() const { return work_; }

 private:
  std::vector<std::size_t> babies_, giants_;
  std::size_t width_ = 1;
  double work_ = 0;
};

}  // namespace prism::circuits
