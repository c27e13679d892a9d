// What requests mean: operations of a Computation.
#include <algorithm>
#include <map>
#include <utility>

#include "prism/compute/internal/json.h"
#include "prism/compute/internal/operations.h"
#include "prism/compute/request.h"

namespace prism::compute {

using program::ComputationBuilder;
using program::Node;

namespace {

constexpr std::size_t kMany = program::kMostInputs;

const std::map<std::string_view, Takes>& all_requests() {
  static const std::map<std::string_view, Takes> table = {
      {"sum", {1, kMany}},
      {"mean", {.most_inputs = kMany, .count = true}},
      {"variance", {.most_inputs = kMany, .divisor = true}},
      {"statistics", {.most_inputs = kMany, .compute = true, .divisor = true}},
      {"negate", {}},
      {"square", {}},
      {"add", {.most_inputs = 2, .number = true}},
      {"subtract", {2, 2}},
      {"multiply", {.most_inputs = 2, .number = true}},
      {"dot", {2, 2}},
      {"weighted_sum", {.most_inputs = kMany, .weights = true}},
      {"polynomial", {.coefficients = true}},
      {"rotate", {.steps = true}},
      {"custom", {.most_inputs = kMany, .custom = true}},
  };
  return table;
}

const std::map<std::string_view, Takes>& all_custom() {
  static const std::map<std::string_view, Takes> table = {
      {"add", {.most_inputs = 2, .number = true}},
      {"subtract", {2, 2}},
      {"multiply", {.most_inputs = 2, .number = true}},
      {"negate", {}},
      {"square", {}},
      {"sum", {}},
      {"mean", {}},
      {"dot", {2, 2}},
      {"polynomial", {.coefficients = true}},
      {"rotate", {.steps = true}},
  };
  return table;
}

const Takes* find(const std::map<std::string_view, Takes>& table, std::string_view name) {
  const auto found = table.find(name);
  return found == table.end() ? nullptr : &found->second;
}

/// A builder's refusal, with the place of the request that led to it.
template <class T>
Result<T> placed(Result<T> result, const std::string& pointer) {
  if (result || !result.error().detail.empty()) return result;
  return at_pointer(result.error().code, result.error().message, pointer);
}
Status placed(Status status, const std::string& pointer) {
  if (status || !status.error().detail.empty()) return status;
  return at_pointer(status.error().code, status.error().message, pointer);
}

/// Whatever request and custom operations have in common: operands and arguments to one node.
struct Arguments {
  const std::optional<double>& number;
  const std::vector<double>&values, &coefficients;
  const std::string& basis;
  const std::optional<circuits::Interval>& interval;
  std::int64_t steps;
};

Result<Node> apply(ComputationBuilder& b, std::string_view op, const std::vector<Node>& x, const Arguments& a) {
  if (op == "negate") return b.negate(x[0]);
  if (op == "square") return b.square(x[0]);
  if (op == "sum") return b.sum(x[0]);
  if (op == "subtract") return b.subtract(x[0], x[1]);
  if (op == "dot") return b.dot(x[0], x[1]);
  if (op == "rotate") return b.rotate(x[0], a.steps);
  if (op == "mean") {
    PRISM_TRY(const Node total, b.sum(x[0]));
    return b.multiply(total, 1 / static_cast<double>(b.form(x[0]).size));
  }
  if (op == "add" || op == "multiply") {
    const bool add = op == "add";
    const int given = (x.size() == 2 ? 1 : 0) + (a.number ? 1 : 0) + (a.values.empty() ? 0 : 1);
    if (given != 1)
      return fail(ErrorCode::invalid_argument, op, " takes two vectors, or one and \"number\" or \"values\"");
    if (x.size() == 2) return add ? b.add(x[0], x[1]) : b.multiply(x[0], x[1]);
    if (a.number) return add ? b.add(x[0], *a.number) : b.multiply(x[0], *a.number);
    return add ? b.add(x[0], a.values) : b.multiply(x[0], a.values);
  }
  if (op == "polynomial") {
    if (a.basis.empty() || a.basis == "monomial") {
      if (a.interval) return fail(ErrorCode::invalid_argument, "an interval is for the basis \"chebyshev\"");
      return b.polynomial(x[0], a.coefficients);
    }
    if (a.basis == "chebyshev") return b.chebyshev(x[0], a.coefficients, a.interval.value_or(circuits::Interval{}));
    return fail(ErrorCode::invalid_argument, "a basis is \"monomial\" or \"chebyshev\"");
  }
  return fail(ErrorCode::invalid_argument, "no operation of this name");
}

Status check_operands(const Takes& takes, std::size_t count, std::string_view op, const std::string& pointer) {
  if (count >= takes.least_inputs && count <= takes.most_inputs) return {};
  std::string wanted = std::to_string(takes.least_inputs);
  if (takes.most_inputs > takes.least_inputs)
    wanted += takes.most_inputs == 2 ? std::string(" or 2") : " to " + std::to_string(takes.most_inputs);
  return at_pointer(ErrorCode::invalid_argument,
                    std::string(op) + " takes " + wanted + " vectors, and here are " + std::to_string(count), pointer);
}

/// One request being lowered.
class Lowering {
 public:
  Lowering(const Request& request, program::Family family, const std::map<std::string, std::uint64_t>& sizes)
      : request_(request), sizes_(sizes), builder_(family) {}

  Result<program::Computation> run() {
    const Takes* const takes = request_takes(request_.operation);
    if (takes == nullptr) return at_pointer(ErrorCode::invalid_argument, "no operation of this name", "/operation");
    PRISM_CHECKED(check_operands(*takes, request_.inputs.size(), request_.operation, "/inputs"));
    std::vector<Node> x;
    for (std::size_t i = 0; i < request_.inputs.size(); ++i) {
      if (std::find(request_.inputs.begin(), request_.inputs.begin() + static_cast<std::ptrdiff_t>(i),
                    request_.inputs[i]) != request_.inputs.begin() + static_cast<std::ptrdiff_t>(i) &&
          takes->custom)
        return at_pointer(ErrorCode::invalid_argument, "an input twice", "/inputs/" + std::to_string(i));
      PRISM_TRY(const Node node, input(request_.inputs[i], "/inputs/" + std::to_string(i)));
      x.push_back(node);
    }
    PRISM_CHECKED(placed(operation(x), ""));
    return placed(builder_.finish(), "");
  }

 private:
  Result<Node> input(const std::string& name, const std::string& pointer) {
    const auto found = sizes_.find(name);
    if (found == sizes_.end())
      return at_pointer(ErrorCode::invalid_argument, "no data was given for the input \"" + name + "\"", pointer);
    return placed(builder_.input(name, found->second), pointer);
  }

  Status operation(const std::vector<Node>& x) {
    const std::string& op = request_.operation;
    if (op == "custom") return custom(x);
    if (op == "weighted_sum") return weighted_sum(x);
    if (op == "mean" && !request_.count.empty()) return counted_mean(x);
    if (op == "sum" || op == "mean" || op == "variance") return statistics(x, {op});
    if (op == "statistics") return statistics(x, request_.compute);
    PRISM_TRY(const Node made, placed(apply(builder_, op, x,
                                            {request_.number, request_.values, request_.coefficients, request_.basis,
                                             request_.interval, request_.steps}),
                                      "/" + std::string(op == "polynomial" ? "coefficients" : "operation")));
    return builder_.output(op, made);
  }

  Status statistics(const std::vector<Node>& x, const std::vector<std::string>& wanted) {
    program::Divisor divisor = program::Divisor::population;
    if (request_.divisor == "sample") {
      divisor = program::Divisor::sample;
    } else if (!request_.divisor.empty() && request_.divisor != "population") {
      return at_pointer(ErrorCode::invalid_argument, "a divisor is \"population\" or \"sample\"", "/divisor");
    }
    if (wanted.empty())
      return at_pointer(ErrorCode::invalid_argument, "nothing is to be computed; name sum, mean, variance, ...",
                        "/compute");
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t k = 0; k < wanted.size(); ++k) {
        const std::string name = x.size() == 1 ? wanted[k] : request_.inputs[i] + "." + wanted[k];
        PRISM_CHECKED(placed(statistic(wanted[k], name, x[i], divisor), "/compute/" + std::to_string(k)));
      }
    }
    return {};
  }

  Status statistic(const std::string& which, const std::string& name, Node x, program::Divisor divisor) {
    if (which == "mean") return builder_.mean(name, x);
    if (which == "variance") return builder_.variance(name, x, divisor);
    if (which != "sum" && which != "sum_of_squares")
      return fail(ErrorCode::invalid_argument,
                  "no statistic of this name; there are sum, mean, variance and "
                  "sum_of_squares");
    PRISM_TRY(const Node made, which == "sum" ? builder_.sum(x) : builder_.dot(x, x));
    return builder_.output(name, made);
  }

  Status counted_mean(const std::vector<Node>& x) {
    PRISM_TRY(const Node count, input(request_.count, "/count"));
    Node over = count;
    if (builder_.form(count).size > 1) {
      PRISM_TRY(over, builder_.sum(count));
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      PRISM_TRY(const Node total, builder_.sum(x[i]));
      PRISM_CHECKED(builder_.quotient(x.size() == 1 ? "mean" : request_.inputs[i] + ".mean", total, over));
    }
    return {};
  }

  Status weighted_sum(const std::vector<Node>& x) {
    const std::vector<double>& weights = request_.weights;
    const std::size_t wanted = x.size() == 1 ? builder_.form(x[0]).size : x.size();
    if (weights.size() != wanted)
      return at_pointer(ErrorCode::invalid_argument,
                        std::to_string(weights.size()) + " weights for " + std::to_string(wanted) +
                            (x.size() == 1 ? " values" : " vectors"),
                        "/weights");
    if (x.size() == 1) {
      PRISM_TRY(const Node products, placed(builder_.multiply(x[0], weights), "/weights"));
      PRISM_TRY(const Node total, builder_.sum(products));
      return builder_.output("weighted_sum", total);
    }
    std::optional<Node> total;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (weights[i] == 0)
        return at_pointer(ErrorCode::invalid_argument, "weight 0: leave the vector out",
                          "/weights/" + std::to_string(i));
      PRISM_TRY(const Node term, placed(builder_.multiply(x[i], weights[i]), "/weights/" + std::to_string(i)));
      if (!total) {
        total = term;
      } else {
        PRISM_TRY(total, placed(builder_.add(*total, term), "/inputs/" + std::to_string(i)));
      }
    }
    return builder_.output("weighted_sum", *total);
  }

  Status custom(const std::vector<Node>& x) {
    std::map<std::string, std::size_t> ids;
    for (std::size_t i = 0; i < x.size(); ++i) nodes_[request_.inputs[i]] = x[i];
    for (std::size_t i = 0; i < request_.operations.size(); ++i) {
      const std::string& id = request_.operations[i].id;
      if (!is_identifier(id) || nodes_.count(id) != 0 || !ids.emplace(id, i).second)
        return at_pointer(ErrorCode::invalid_argument,
                          "ids are names as inputs are, and no two of inputs and operations have the same",
                          "/operations/" + std::to_string(i) + "/id");
    }
    for (std::size_t i = 0; i < request_.operations.size(); ++i) PRISM_CHECKED(resolve(i, ids));
    if (request_.outputs.empty())
      return at_pointer(ErrorCode::invalid_argument, "a computation without results", "/outputs");
    for (std::size_t i = 0; i < request_.outputs.size(); ++i) {
      const CustomOutput& output = request_.outputs[i];
      const std::string pointer = "/outputs/" + std::to_string(i);
      const auto value = nodes_.find(output.value), over = nodes_.find(output.over);
      if (value == nodes_.end() || (!output.over.empty() && over == nodes_.end()))
        return at_pointer(ErrorCode::invalid_argument, "no input or operation of this name", pointer);
      if (!is_identifier(output.name))
        return at_pointer(ErrorCode::invalid_argument, "a name: a letter, then letters, digits and _-.", pointer);
      PRISM_CHECKED(placed(output.over.empty()
                               ? builder_.output(output.name, value->second, output.factor)
                               : builder_.quotient(output.name, value->second, over->second, output.factor),
                           pointer));
    }
    return {};
  }

  /// Operations may stand in any order: whatever one needs is made first.
  Status resolve(std::size_t root, const std::map<std::string, std::size_t>& ids) {
    std::vector<std::size_t> pending{root};
    while (!pending.empty()) {
      const std::size_t at = pending.back();
      const CustomOperation& op = request_.operations[at];
      if (nodes_.count(op.id) != 0) {
        pending.pop_back();
        continue;
      }
      const std::string pointer = "/operations/" + std::to_string(at);
      open_.insert(at);
      bool ready = true;
      for (std::size_t i = 0; i < op.args.size(); ++i) {
        if (nodes_.count(op.args[i]) != 0) continue;
        const auto other = ids.find(op.args[i]);
        const std::string place = pointer + "/args/" + std::to_string(i);
        if (other == ids.end())
          return at_pointer(ErrorCode::invalid_argument, "no input or operation of this name", place);
        if (open_.count(other->second) != 0)
          return at_pointer(ErrorCode::invalid_argument, "an operation that needs its own result", place);
        pending.push_back(other->second);
        ready = false;
        break;
      }
      if (!ready) continue;
      const Takes* const takes = custom_takes(op.op);
      if (takes == nullptr)
        return at_pointer(ErrorCode::invalid_argument, "no operation of this name", pointer + "/op");
      PRISM_CHECKED(check_operands(*takes, op.args.size(), op.op, pointer + "/args"));
      std::vector<Node> x;
      for (const std::string& name : op.args) x.push_back(nodes_.at(name));
      PRISM_TRY(const Node made,
                placed(apply(builder_, op.op, x, {op.number, op.values, op.values, op.basis, op.interval, op.steps}),
                       pointer));
      nodes_[op.id] = made;
      open_.erase(at);
      pending.pop_back();
    }
    return {};
  }

  const Request& request_;
  const std::map<std::string, std::uint64_t>& sizes_;
  ComputationBuilder builder_;
  std::map<std::string, Node> nodes_;
  std::set<std::size_t> open_;
};

}  // namespace

const Takes* request_takes(std::string_view operation) { return find(all_requests(), operation); }
const Takes* custom_takes(std::string_view operation) { return find(all_custom(), operation); }

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (name.empty() || name.size() > program::kMostNameBytes || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; });
}

Result<program::Computation> Request::lower(program::Family family,
                                            const std::map<std::string, std::uint64_t>& sizes) const {
  return Lowering(*this, family, sizes).run();
}

}  // namespace prism::compute
