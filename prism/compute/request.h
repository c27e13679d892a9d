// prism/compute/request.h - a request for an encrypted computation as people and programs write it: JSON, strict and
// bounded, lowered to a Computation once the sizes of its inputs are known.
//
//   {"operation": "statistics", "compute": ["mean", "variance", "sum"], "inputs": ["x"]}
//
//   operation      inputs  further members
//   sum            1..
//   mean           1..     "count": "c", an encrypted count, or as many zeros and ones: the reader divides
//   variance       1..     "divisor": "population" (default) or "sample"
//   statistics     1..     "compute": any of sum, mean, variance, sum_of_squares; "divisor"
//   negate, square 1
//   add, multiply  1 or 2  with one input: "number": 2.5, or "values": [..] as many as the input has
//   subtract, dot  2
//   weighted_sum   1..     one input: "weights" as many as it has values, one number comes out; several inputs: one
//                          weight for each, a vector comes out
//   polynomial     1       "coefficients": [c0, c1, ..]; "basis": "monomial" (default) or "chebyshev", then "interval"
//                          is [low, high]
//   rotate         1       "steps", to the left
//   custom         1..     "operations": [{"id": "d", "op": "subtract", "args": ["x", "y"]}, ..] in any order without
//                          cycles, with the members above; "outputs": ["d", {"name": "ratio", "value": "d", "over":
//                          "x", "factor": 0.5}]. A `mean` among them costs a level, as the quotient is made encrypted.
//
// All take "version": 1. Unknown members, those that an operation does not use, and members given twice are refused by
// their JSON pointer; names are a letter and up to 63 letters, digits and _-.; numbers are finite (exact: whole, below
// 2^49). A result is named after its operation or statistic; of several inputs, `x.mean`.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prism/base/result.h"
#include "prism/program/computation.h"

namespace prism::compute {

inline constexpr std::size_t kMostRequestBytes = std::size_t{16} << 20;

struct CustomOperation {
  std::string id, op;
  std::vector<std::string> args;
  std::optional<double> number{};
  std::vector<double> values{};  ///< values or coefficients
  std::string basis{};
  std::optional<circuits::Interval> interval{};
  std::int64_t steps = 0;
  bool operator==(const CustomOperation&) const = default;
};
struct CustomOutput {
  std::string name, value, over{};
  double factor = 1;
  bool operator==(const CustomOutput&) const = default;
};

/// What the members mean is above. Made by parse(), or filled in by a program and checked by lower().
struct Request {
  std::string operation;
  std::vector<std::string> inputs;
  std::vector<std::string> compute{};
  std::string divisor{};
  std::string count{};
  std::optional<double> number{};
  std::vector<double> values{}, weights{}, coefficients{};
  std::string basis{};
  std::optional<circuits::Interval> interval{};
  std::int64_t steps = 0;
  std::vector<CustomOperation> operations{};
  std::vector<CustomOutput> outputs{};
  bool operator==(const Request&) const = default;

  /// malformed for what is no JSON, invalid_argument for what is no request; `detail` is the JSON pointer.
  static Result<Request> parse(std::string_view json);
  /// Equal requests give equal text; parse(to_json()) is the request.
  std::string to_json() const;
  /// Names of all vectors that must be handed in, each once.
  std::vector<std::string> needed_inputs() const;
  /// `sizes`: values in each input, by name; others may be there. invalid_argument with the JSON pointer in `detail`.
  Result<program::Computation> lower(program::Family family, const std::map<std::string, std::uint64_t>& sizes) const;
};

}  // namespace prism::compute
