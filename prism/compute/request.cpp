// Requests to JSON and back. What operations mean is in lower.cpp.
#include "prism/compute/request.h"

#include <algorithm>

#include "prism/compute/internal/json.h"
#include "prism/compute/internal/operations.h"

namespace prism::compute {
namespace {

constexpr std::int64_t kMostSteps = std::int64_t{1} << 31;

Result<std::optional<circuits::Interval>> read_interval(Members& m) {
  PRISM_TRY(const auto ends, m.numbers("interval", 2));
  if (ends.size() != 2 || !(ends[0] < ends[1]))
    return at_pointer(ErrorCode::malformed, "two numbers are wanted here, the first below the second",
                      m.pointer("interval"));
  return std::optional(circuits::Interval{ends[0], ends[1]});
}

/// The members that `op` takes beside its operands, into `out`.
template <class T>
Status read_arguments(T& out, const Takes& takes, Members& m, std::vector<double>& coefficients) {
  if (takes.number && m.has("number")) {
    PRISM_TRY(out.number, m.number("number"));
  } else if (takes.number && m.has("values")) {
    PRISM_TRY(out.values, m.numbers("values", program::kMostConstants));
  }
  if (takes.coefficients) {
    PRISM_TRY(coefficients, m.numbers("coefficients", program::kMostDegree + 1));
    if (m.has("basis")) {
      PRISM_TRY(out.basis, m.text("basis", 16));
    }
    if (m.has("interval")) {
      PRISM_TRY(out.interval, read_interval(m));
    }
  }
  if (takes.steps) {
    PRISM_TRY(out.steps, m.whole("steps", -kMostSteps, kMostSteps));
  }
  return {};
}

Status read_custom(Request& out, Members& m) {
  PRISM_TRY(const Json* const operations, m.list("operations", program::kMostOperations));
  for (std::size_t i = 0; i < operations->size(); ++i) {
    PRISM_TRY(Members one, Members::of((*operations)[i], m.pointer("operations", i)));
    CustomOperation op;
    PRISM_TRY(op.id, one.text("id", program::kMostNameBytes));
    PRISM_TRY(op.op, one.text("op", program::kMostNameBytes));
    PRISM_TRY(op.args, one.texts("args", 2, program::kMostNameBytes));
    const Takes* const takes = custom_takes(op.op);
    if (takes == nullptr)
      return at_pointer(ErrorCode::invalid_argument,
                        "no operation of this name; there are add, subtract, multiply, negate, square, sum, mean, dot, "
                        "polynomial and rotate",
                        one.pointer("op"));
    PRISM_CHECKED(read_arguments(op, *takes, one, op.values));
    PRISM_CHECKED(one.finish());
    out.operations.push_back(std::move(op));
  }
  PRISM_TRY(const Json* const outputs, m.list("outputs", program::kMostResults));
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    const Json& item = (*outputs)[i];
    CustomOutput made;
    if (item.is_string()) {
      made.value = item.get<std::string>();
      made.name = made.value;
    } else {
      PRISM_TRY(Members one, Members::of(item, m.pointer("outputs", i)));
      PRISM_TRY(made.value, one.text("value", program::kMostNameBytes));
      made.name = made.value;
      if (one.has("name")) {
        PRISM_TRY(made.name, one.text("name", program::kMostNameBytes));
      }
      if (one.has("over")) {
        PRISM_TRY(made.over, one.text("over", program::kMostNameBytes));
      }
      if (one.has("factor")) {
        PRISM_TRY(made.factor, one.number("factor"));
      }
      PRISM_CHECKED(one.finish());
    }
    out.outputs.push_back(std::move(made));
  }
  return {};
}

template <class T>
void write_arguments(Json& json, std::string_view name, const T& op, const std::vector<double>& values,
                     const std::vector<double>& coefficients) {
  const auto list = [](const std::vector<double>& numbers) {
    Json out = Json::array();
    for (const double number : numbers) out.push_back(number_json(number));
    return out;
  };
  if (op.number) json["number"] = number_json(*op.number);
  if (!values.empty()) json["values"] = list(values);
  if (!coefficients.empty()) json["coefficients"] = list(coefficients);
  if (!op.basis.empty()) json["basis"] = op.basis;
  if (op.interval) json["interval"] = {number_json(op.interval->low), number_json(op.interval->high)};
  if (name == "rotate") json["steps"] = op.steps;
}

}  // namespace

Result<Request> Request::parse(std::string_view json) {
  PRISM_TRY(const Json document, parse_json(json, kMostRequestBytes, "the request"));
  PRISM_TRY(Members m, Members::of(document, ""));
  if (m.has("version")) {
    PRISM_TRY(const std::int64_t version, m.whole("version", 0, INT64_MAX));
    if (version != 1)
      return at_pointer(ErrorCode::unsupported, "requests of another version than 1", m.pointer("version"));
  }
  Request out;
  PRISM_TRY(out.operation, m.text("operation", program::kMostNameBytes));
  const Takes* const takes = request_takes(out.operation);
  if (takes == nullptr)
    return at_pointer(ErrorCode::invalid_argument,
                      "no operation of this name; there are sum, mean, variance, statistics, negate, square, add, "
                      "subtract, multiply, dot, weighted_sum, polynomial, rotate and custom",
                      m.pointer("operation"));
  PRISM_TRY(out.inputs, m.texts("inputs", program::kMostInputs, program::kMostNameBytes));
  for (std::size_t i = 0; i < out.inputs.size(); ++i)
    if (!is_identifier(out.inputs[i]))
      return at_pointer(ErrorCode::invalid_argument, "a name: a letter, then letters, digits and _-.",
                        m.pointer("inputs", i));
  if (takes->compute) {
    PRISM_TRY(out.compute, m.texts("compute", program::kMostResults, program::kMostNameBytes));
  }
  if (takes->divisor && m.has("divisor")) {
    PRISM_TRY(out.divisor, m.text("divisor", 16));
  }
  if (takes->count && m.has("count")) {
    PRISM_TRY(out.count, m.text("count", program::kMostNameBytes));
  }
  if (takes->weights) {
    PRISM_TRY(out.weights, m.numbers("weights", program::kMostConstants));
  }
  PRISM_CHECKED(read_arguments(out, *takes, m, out.coefficients));
  if (takes->custom) PRISM_CHECKED(read_custom(out, m));
  PRISM_CHECKED(m.finish());
  return out;
}

std::string Request::to_json() const {
  Json out = {{"version", 1}, {"operation", operation}};
  if (!compute.empty()) out["compute"] = compute;
  out["inputs"] = inputs;
  if (!divisor.empty()) out["divisor"] = divisor;
  if (!count.empty()) out["count"] = count;
  if (!weights.empty()) {
    Json& list = out["weights"] = Json::array();
    for (const double weight : weights) list.push_back(number_json(weight));
  }
  write_arguments(out, operation, *this, values, coefficients);
  if (operation == "custom") {
    Json& list = out["operations"] = Json::array();
    for (const CustomOperation& op : operations) {
      Json one = {{"id", op.id}, {"op", op.op}, {"args", op.args}};
      const std::vector<double> none;
      const bool series = op.op == "polynomial";
      write_arguments(one, op.op, op, series ? none : op.values, series ? op.values : none);
      list.push_back(std::move(one));
    }
    Json& results = out["outputs"] = Json::array();
    for (const CustomOutput& output : outputs) {
      Json one = {{"name", output.name}, {"value", output.value}};
      if (!output.over.empty()) one["over"] = output.over;
      if (output.factor != 1) one["factor"] = number_json(output.factor);
      results.push_back(std::move(one));
    }
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> Request::needed_inputs() const {
  std::vector<std::string> out;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  for (const std::string& name : inputs) add(name);
  add(count);
  return out;
}

}  // namespace prism::compute
