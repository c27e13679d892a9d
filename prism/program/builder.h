// prism/program/builder.h - writes programs: shares equal subterms, keeps levels and correction factors right.
#pragma once
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "prism/program/program.h"

namespace prism::program {

/// Values are nodes plus what the builder must know of them. A value is canonical (2 parts, its level's own correction
/// factor).
class Builder {
 public:
  explicit Builder(std::shared_ptr<const exact::Parameters> parameters) : parameters_(std::move(parameters)) {}

  /// A cell stored at `level`.
  Node input(std::uint32_t cell, int level);
  int level(Node value) const { return types_[value].level; }

  // Linear: operands at different levels are brought to the lower one first (free: only dropping spends noise, not
  // depth).
  Node add(Node a, Node b);
  Node subtract(Node a, Node b);
  Node scale(Node a, std::int64_t factor);
  Node add_rows(Node a, std::int64_t value);
  Node drop_to(Node a, int level);
  /// Sum of several, balanced and at the lowest of their levels.
  Node sum(std::vector<Node> values);

  struct Term {
    std::int64_t factor;
    Node a, b;
  };
  struct LinearTerm {
    std::int64_t factor;
    Node a;
  };
  /// sum factor*a*b + sum factor*a + rows, relinearised once and one level below the lowest operand. level_exhausted
  /// when they are at level 0.
  Result<Node> combine(const std::vector<Term>& products, const std::vector<LinearTerm>& linear, std::int64_t rows);
  /// a*b, relinearised and dropped.
  Result<Node> multiply(Node a, Node b);
  /// a*b left as it is, three parts, at the lower of their levels: only for output().
  Node product(Node a, Node b);

  /// Marks an output; returns its number.
  std::size_t output(Node node);
  /// The finished program: only what outputs need, in canonical order.
  Program finish(Delivery delivery) const;

 private:
  struct Type {
    int level = 0;
    int parts = 2;
    bool product = false;  // correction F^2 instead of F
  };
  Node emit(Instruction instruction, Type type);
  std::pair<Node, Node> levelled(Node a, Node b);

  std::shared_ptr<const exact::Parameters> parameters_;
  std::vector<Instruction> nodes_;
  std::vector<Type> types_;
  std::map<std::vector<std::int64_t>, Node> known_;
  std::vector<Node> outputs_;
};

}  // namespace prism::program
