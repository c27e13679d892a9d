#include "prism/program/computation.h"

#include <algorithm>

#include "prism/hash/sha256.h"

namespace prism::program {

std::string_view name_of(Family family) { return family == Family::exact ? "exact" : "approximate"; }

std::string_view name_of(Step step) {
  switch (step) {
    case Step::input:
      return "input";
    case Step::add:
      return "add";
    case Step::subtract:
      return "subtract";
    case Step::multiply:
      return "multiply";
    case Step::add_number:
      return "add_number";
    case Step::multiply_number:
      return "multiply_number";
    case Step::add_values:
      return "add_values";
    case Step::multiply_values:
      return "multiply_values";
    case Step::sum:
      return "sum";
    case Step::rotate:
      return "rotate";
    case Step::polynomial:
      return "polynomial";
    case Step::chebyshev:
      return "chebyshev";
  }
  return "?";
}

std::vector<Node> Computation::carriers() const {
  std::vector<Node> out;
  const auto add = [&](Node node) {
    if (std::find(out.begin(), out.end(), node) == out.end()) out.push_back(node);
  };
  for (const Output& output : outputs_) {
    add(output.value);
    if (output.over) add(*output.over);
  }
  return out;
}

Digest Computation::digest() const {
  return hash::tagged_sha256("prism computation v1").update(ByteView(encode())).finish();
}

}  // namespace prism::program
