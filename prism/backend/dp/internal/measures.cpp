#include "prism/backend/dp/internal/measures.h"

#include <algorithm>

namespace prism::backend::dp::internal {
namespace {

using sql::Expression;
using sql::Primitive;

void add_once(std::vector<std::size_t>& list, std::size_t value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

class Collector {
 public:
  explicit Collector(const sql::Plan& plan) : plan_(plan) {}

  void leaf(const Expression& e) {
    using Op = Expression::Op;
    switch (e.op) {
      case Op::count:
      case Op::sum:
        primitive(e.index);
        return;
      case Op::average:
        primitive(e.index);
        if (plan_.primitives[e.index].kind == Primitive::Kind::sum)
          measure(plan_.primitives[e.index]).count = true;
        else
          primitive(e.count);
        return;
      case Op::statistic:
        add_once(needs_.order_statistics, e.index);
        return;
      default: {  // variances and deviations
        Measure& spread = measure(plan_.primitives[e.index]);
        spread.count = spread.sum = spread.square = true;
        return;
      }
    }
  }

  Needs needs() && { return std::move(needs_); }

 private:
  void primitive(std::size_t index) {
    const Primitive& p = plan_.primitives[index];
    switch (p.kind) {
      case Primitive::Kind::count:
        if (p.columns.empty())
          needs_.rows = true;
        else
          measure(p).count = true;
        return;
      case Primitive::Kind::sum: {
        Measure& m = measure(p);
        (p.columns.size() == 2 && p.columns[0] == p.columns[1] ? m.square : m.sum) = true;
        return;
      }
      case Primitive::Kind::count_distinct:
        add_once(needs_.distinct, index);
        return;
      default:
        add_once(needs_.order_statistics, index);
    }
  }

  Measure& measure(const Primitive& p) {
    const std::vector<std::size_t> columns = measured(p);
    for (Measure& m : needs_.measures) {
      if (m.columns == columns) return m;
    }
    needs_.measures.push_back({columns, false, false, false, p.position});
    return needs_.measures.back();
  }

  const sql::Plan& plan_;
  Needs needs_;
};

}  // namespace

std::vector<std::size_t> measured(const sql::Primitive& primitive) {
  std::vector<std::size_t> out = primitive.columns;
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Needs needs_of(const sql::Plan& plan) {
  Collector collector(plan);
  each_leaf_of_plan(plan, [&](const Expression& e) { collector.leaf(e); });
  return std::move(collector).needs();
}

}  // namespace prism::backend::dp::internal
