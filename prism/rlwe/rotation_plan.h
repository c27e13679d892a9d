// prism/rlwe/rotation_plan.h - a rotation for which there is no key, as rotations for which there are.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "prism/rlwe/keys.h"

namespace prism::rlwe {

/// The elements' product is the one that was asked for; applying their automorphisms in any order is it. Each costs a
/// whole key switch (there is nothing to hoist: every one has another input) and adds its noise.
struct RotationPlan {
  std::vector<std::uint32_t> elements;  ///< empty for the identity, one for a key that exists
  std::size_t switches() const { return elements.size(); }
};

/// Longest plan that is looked for.
inline constexpr std::size_t kMostSwitches = 32;

/// The fewest switches that make X -> X^g from automorphism keys that reach `level`: breadth first over the N elements,
/// so at most N times the number of keys steps, and N bytes times four. Among equally short plans the one that is
/// found does not depend on the order in which keys were added. Errors: not_found when the keys' elements do not
/// generate g within `most` switches; invalid_argument for an even g or one above 2N.
Result<RotationPlan> plan_automorphism(const EvaluationKeys& keys, std::uint32_t g, Level level,
                                       std::size_t most = kMostSwitches);
/// Rotation by `steps` slots (either sign).
Result<RotationPlan> plan_rotation(const EvaluationKeys& keys, int steps, Level level,
                                   std::size_t most = kMostSwitches);
/// The same from elements alone, for planning which keys to make.
Result<RotationPlan> plan_automorphism(std::span<const std::uint32_t> elements, std::uint32_t g, std::size_t degree,
                                       std::size_t most = kMostSwitches);

}  // namespace prism::rlwe
