#include "prism/program/internal/heights.h"

#include <algorithm>
#include <cmath>

#include "prism/circuits/polynomial_plan.h"

namespace prism::program {
namespace {

/// What stands after a vector's last value, as fhe::Vector keeps it: sums and rotations must mask what is not zero.
enum class Rest : std::uint8_t { zero, copies, anything };

int ceil_log2(std::uint64_t value) {
  int bits = 0;
  while ((std::uint64_t{1} << bits) < value) ++bits;
  return bits;
}

Rest rest_of(const Computation& c, const Operation& op, const std::vector<Rest>& rest, Form form) {
  if (form.everywhere) return Rest::copies;
  const Rest a = op.step == Step::input ? Rest::zero : rest[op.a];
  switch (op.step) {
    case Step::input:
    case Step::multiply_values:
    case Step::rotate:
      return Rest::zero;
    case Step::add:
    case Step::subtract:
      return a == rest[op.b] ? a : Rest::anything;
    case Step::multiply:
      return a == Rest::zero || rest[op.b] == Rest::zero ? Rest::zero : Rest::anything;
    case Step::add_number:
    case Step::multiply_number:
    case Step::sum:
      return a;
    case Step::add_values:
      return a == Rest::copies ? Rest::anything : a;
    case Step::polynomial:
    case Step::chebyshev:
      return Rest::anything;
  }
  (void)c;
  return Rest::anything;
}

}  // namespace

bool is_free(Family family, double number) {
  return family == Family::exact || (number == std::floor(number) && std::fabs(number) <= 0x1p31);
}

Heights heights_of(const Computation& c, std::uint64_t slots) {
  const bool exact = c.family() == Family::exact;
  const std::size_t count = c.operations().size();
  Heights out;
  out.cost.assign(count, 0);
  out.after.assign(count, 0);
  std::vector<Rest> rest(count, Rest::zero);
  std::vector<int> depth(count, 0);
  const auto fills = [&](Node node) { return slots != 0 && c.form(node).size % slots == 0; };
  const auto two = [](Step step) { return step == Step::add || step == Step::subtract || step == Step::multiply; };
  for (Node i = 0; i < count; ++i) {
    const Operation& op = c.operations()[i];
    rest[i] = rest_of(c, op, rest, c.form(i));
    int cost = 0;
    switch (op.step) {
      case Step::multiply:
      case Step::multiply_values:
        cost = 1;
        break;
      case Step::multiply_number:
        cost = is_free(c.family(), op.numbers[0]) ? 0 : 1;
        break;
      case Step::sum:
        cost = rest[op.a] == Rest::anything && !fills(op.a) ? 1 : 0;
        break;
      case Step::rotate:
        cost = !exact && slots != 0 && c.form(op.a).size == slots ? 0 : 1;
        break;
      case Step::polynomial:
        cost = ceil_log2(op.numbers.size() - (exact ? 1 : 0));
        break;
      case Step::chebyshev:
        cost = ceil_log2(op.numbers.size()) + (op.interval == circuits::Interval{} ? 0 : 1) +
               (rest[op.a] == Rest::anything && !fills(op.a) ? 1 : 0);
        break;
      case Step::input:
      case Step::add:
      case Step::subtract:
      case Step::add_number:
      case Step::add_values:
        break;
    }
    out.cost[i] = cost;
    if (op.step != Step::input) depth[i] = cost + std::max(depth[op.a], two(op.step) ? depth[op.b] : 0);
  }
  for (Node i = static_cast<Node>(count); i-- > 0;) {
    const Operation& op = c.operations()[i];
    if (op.step == Step::input) continue;
    const int at = out.after[i] + out.cost[i];
    out.after[op.a] = std::max(out.after[op.a], at);
    if (two(op.step)) out.after[op.b] = std::max(out.after[op.b], at);
  }
  for (const Node carrier : c.carriers()) out.depth = std::max(out.depth, depth[carrier]);
  return out;
}

}  // namespace prism::program
