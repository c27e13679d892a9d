#include "prism/rlwe/rotation_plan.h"

#include <algorithm>

namespace prism::rlwe {

Result<RotationPlan> plan_automorphism(std::span<const std::uint32_t> elements, std::uint32_t g, std::size_t degree,
                                       std::size_t most) {
  const std::uint64_t order = 2 * degree;
  if (g % 2 == 0 || g >= order)
    return fail(ErrorCode::invalid_argument, "X -> X^", g, " is no automorphism: g is odd and below 2N = ", order);
  std::vector<std::uint32_t> sorted(elements.begin(), elements.end());
  std::sort(sorted.begin(), sorted.end());
  for (const std::uint32_t element : sorted)
    check(element % 2 == 1 && element < order, "plan_automorphism: elements must be odd and below 2N");

  // came_by[x >> 1]: the element that first reached x from 1, or 0.
  std::vector<std::uint32_t> came_by(degree, 0);
  std::vector<std::uint32_t> frontier = {1}, next;
  came_by[0] = 1;
  for (std::size_t depth = 0; came_by[g >> 1] == 0 && depth < most && !frontier.empty(); ++depth) {
    next.clear();
    for (const std::uint32_t x : frontier) {
      for (const std::uint32_t element : sorted) {
        const auto y = static_cast<std::uint32_t>(std::uint64_t{x} * element & (order - 1));
        if (came_by[y >> 1] != 0) continue;
        came_by[y >> 1] = element;
        next.push_back(y);
      }
    }
    std::swap(frontier, next);
  }
  if (came_by[g >> 1] == 0)
    return fail(ErrorCode::not_found, "no product of at most ", most, " of the ", sorted.size(),
                " elements that have keys is X -> X^", g, "; make a key for it, or keys for powers of two steps");
  RotationPlan plan;
  for (std::uint32_t x = g; x != 1;) {
    const std::uint32_t element = came_by[x >> 1];
    plan.elements.push_back(element);
    x = static_cast<std::uint32_t>(std::uint64_t{x} * inverse_galois_element(element, degree) & (order - 1));
  }
  return plan;
}

Result<RotationPlan> plan_automorphism(const EvaluationKeys& keys, std::uint32_t g, Level level, std::size_t most) {
  std::vector<std::uint32_t> elements;
  for (const KeyId& id : keys.ids()) {
    if (id.kind != KeyId::Kind::automorphism || id.level < level) continue;
    if (elements.empty() || elements.back() != id.g) elements.push_back(id.g);  // ids are sorted by g
  }
  return plan_automorphism(elements, g, keys.parameters().degree(), most);
}

Result<RotationPlan> plan_rotation(const EvaluationKeys& keys, int steps, Level level, std::size_t most) {
  return plan_automorphism(keys, galois_element_for_rotation(steps, keys.parameters().degree()), level, most);
}

}  // namespace prism::rlwe
