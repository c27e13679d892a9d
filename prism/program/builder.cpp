#include "prism/program/builder.h"

#include <algorithm>
#include <optional>

namespace prism::program {

Node Builder::emit(Instruction i, Type type) {
  const bool commutes = i.op == Op::add || i.op == Op::multiply;
  if (commutes && i.b < i.a) std::swap(i.a, i.b);  // one spelling for one sum
  const std::vector<std::int64_t> key{static_cast<std::int64_t>(i.op), i.a, i.b, i.scalar, i.cell, i.level};
  const auto [at, fresh] = known_.try_emplace(key, static_cast<Node>(nodes_.size()));
  if (fresh) {
    nodes_.push_back(i);
    types_.push_back(type);
  }
  return at->second;
}

Node Builder::input(std::uint32_t cell, int level) {
  return emit({.op = Op::input, .cell = cell, .level = level}, {.level = level});
}

Node Builder::drop_to(Node a, int level) {
  check(types_[a].level >= level, "a value cannot be raised to a higher level");
  if (types_[a].level == level && !types_[a].product) return a;
  check(types_[a].level > level, "a product is dropped at least one level");
  return emit({.op = Op::drop, .a = a, .level = level}, {.level = level, .parts = types_[a].parts});
}

std::pair<Node, Node> Builder::levelled(Node a, Node b) {
  const int level = std::min(types_[a].level, types_[b].level);
  return {drop_to(a, level), drop_to(b, level)};
}

Node Builder::add(Node a, Node b) {
  const auto [x, y] = levelled(a, b);
  return emit({.op = Op::add, .a = x, .b = y}, types_[x]);
}

Node Builder::subtract(Node a, Node b) {
  const auto [x, y] = levelled(a, b);
  return emit({.op = Op::subtract, .a = x, .b = y}, types_[x]);
}

Node Builder::scale(Node a, std::int64_t factor) {
  if (factor == 1) return a;
  return emit({.op = Op::multiply_scalar, .a = a, .scalar = factor}, types_[a]);
}

Node Builder::add_rows(Node a, std::int64_t value) {
  if (value == 0) return a;
  return emit({.op = Op::add_rows, .a = a, .scalar = value}, types_[a]);
}

Node Builder::sum(std::vector<Node> values) {
  check(!values.empty(), "a sum needs a term");
  int level = types_[values[0]].level;
  for (const Node v : values) level = std::min(level, types_[v].level);
  for (Node& v : values) v = drop_to(v, level);
  while (values.size() > 1) {
    std::vector<Node> halves;
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) halves.push_back(add(values[i], values[i + 1]));
    if (values.size() % 2 == 1) halves.push_back(values.back());
    values = std::move(halves);
  }
  return values[0];
}

Result<Node> Builder::combine(const std::vector<Term>& products, const std::vector<LinearTerm>& linear,
                              std::int64_t rows) {
  check(!products.empty(), "combine needs a product");
  int level = types_[products[0].a].level;
  for (const Term& t : products) level = std::min({level, types_[t.a].level, types_[t.b].level});
  for (const LinearTerm& t : linear) level = std::min(level, types_[t.a].level);
  if (level == 0)
    return fail(ErrorCode::level_exhausted,
                "a product needs a level to spend and none is left; seal with more levels (--nesting) or simplify the "
                "condition");
  const Type product_type{.level = level, .parts = 3, .product = true};
  std::optional<Node> total;
  const auto accumulate = [&](Node term, std::int64_t factor) {
    // A negative unit is a subtraction: cheaper and quieter than scaling.
    if (factor == -1 && total) {
      total = emit({.op = Op::subtract, .a = *total, .b = term}, product_type);
      return;
    }
    const Node scaled =
        factor == 1 ? term : emit({.op = Op::multiply_scalar, .a = term, .scalar = factor}, types_[term]);
    total = total ? emit({.op = Op::add, .a = *total, .b = scaled}, product_type) : scaled;
  };
  for (const Term& t : products)
    accumulate(emit({.op = Op::multiply, .a = drop_to(t.a, level), .b = drop_to(t.b, level)}, product_type), t.factor);
  for (const LinearTerm& t : linear)
    accumulate(emit({.op = Op::as_product, .a = drop_to(t.a, level)}, {.level = level, .parts = 2, .product = true}),
               t.factor);
  if (rows != 0) total = emit({.op = Op::add_rows, .a = *total, .scalar = rows}, product_type);
  const Node switched = emit({.op = Op::relinearise, .a = *total}, {.level = level, .parts = 2, .product = true});
  return emit({.op = Op::drop, .a = switched, .level = level - 1}, {.level = level - 1});
}

Result<Node> Builder::multiply(Node a, Node b) { return combine({{1, a, b}}, {}, 0); }

Node Builder::product(Node a, Node b) {
  const auto [x, y] = levelled(a, b);
  return emit({.op = Op::multiply, .a = x, .b = y}, {.level = types_[x].level, .parts = 3, .product = true});
}

std::size_t Builder::output(Node node) {
  outputs_.push_back(node);
  return outputs_.size() - 1;
}

Program Builder::finish(Delivery delivery) const {
  // Depth-first from the outputs, operands first: the order depends on the graph alone, not on how it was built.
  constexpr Node kUnseen = ~Node{0};
  std::vector<Node> place(nodes_.size(), kUnseen);
  Program program;
  program.delivery = delivery;
  const auto operands = [&](Node n) {
    const Op op = nodes_[n].op;
    if (op == Op::input) return 0;
    return op == Op::add || op == Op::subtract || op == Op::multiply ? 2 : 1;
  };
  for (const Node root : outputs_) {
    std::vector<std::pair<Node, int>> stack{{root, 0}};
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (place[node] != kUnseen) {
        stack.pop_back();
        continue;
      }
      if (next < operands(node)) {
        const Node child = next++ == 0 ? nodes_[node].a : nodes_[node].b;
        stack.emplace_back(child, 0);
        continue;
      }
      Instruction i = nodes_[node];
      if (operands(node) >= 1) i.a = place[i.a];
      if (operands(node) == 2) i.b = place[i.b];
      if ((i.op == Op::add || i.op == Op::multiply) && i.b < i.a) std::swap(i.a, i.b);
      place[node] = static_cast<Node>(program.nodes.size());
      program.nodes.push_back(i);
      stack.pop_back();
    }
    program.outputs.push_back(place[root]);
  }
  return program;
}

}  // namespace prism::program
