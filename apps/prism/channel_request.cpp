#include "apps/prism/channel_request.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "apps/prism/terminal.h"
#include "prism/host/file.h"

namespace prism::app {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostDataBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMostNumberBytes = std::uint64_t{64} << 20;

/// What compute::Request allows as a name.
bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= 64 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; });
}

/// "1,2.5" or "@FILE", whose numbers stand between commas, blanks or line ends.
Result<std::vector<double>> numbers_from(const std::string& text, std::string_view flag) {
  std::string content = text;
  if (text.starts_with('@')) {
    PRISM_TRY(const Bytes bytes, host::read_file(text.substr(1), kMostNumberBytes));
    content.assign(as_text(bytes));
  }
  std::vector<double> numbers;
  const auto between = [](char c) { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  for (const char *at = content.data(), *const end = at + content.size(); at != end;) {
    if (between(*at)) {
      ++at;
      continue;
    }
    if (*at == '+') ++at;
    double number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || (next != end && !between(*next)))
      return fail(ErrorCode::invalid_argument, flag, " takes numbers such as 1,2.5,-3 or @FILE; number ",
                  numbers.size() + 1, " is none");
    numbers.push_back(number);
    at = next;
  }
  if (numbers.empty()) return fail(ErrorCode::invalid_argument, flag, " names no number");
  return numbers;
}

/// Reads one input; its name is the one that was given, or the next of x, y, z, x4, x5, ...
Result<std::string> read_data(const std::string& argument, AskedRequest& asked) {
  auto& inputs = asked.inputs;
  static constexpr const char* kNames[] = {"x", "y", "z"};
  const std::size_t at = inputs.size();
  std::string name = at < 3 ? kNames[at] : "x" + std::to_string(at + 1), path = argument;
  if (const std::size_t equals = argument.find('='); equals != argument.npos && !host::exists(argument)) {
    name = argument.substr(0, equals);
    path = argument.substr(equals + 1);
    if (!is_name(name))
      return fail(ErrorCode::invalid_argument, "--data ", printable(argument),
                  ": a name has a letter first, then letters, digits and _-.");
  }
  PRISM_TRY(Bytes bytes, host::read_file(path, kMostDataBytes));
  asked.paths.push_back(path);
  if (!inputs.emplace(name, std::move(bytes)).second)
    return fail(ErrorCode::invalid_argument, "--data: two files are called ", name, "; write NAME=FILE");
  return name;
}

Result<json> operations_from(const std::string& path) {
  PRISM_TRY(const Bytes bytes, host::read_file(path, compute::kMostRequestBytes));
  json object = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!object.is_object() || !object.contains("operations") || !object.contains("outputs"))
    return fail(ErrorCode::invalid_argument, printable(path),
                " should hold {\"operations\": [{\"id\": .., \"op\": .., \"args\": [..]}, ..], \"outputs\": [..]}");
  return object;
}

/// A list in one word or in several, as fhe-encrypt takes them.
void add_numbers(CLI::App& command, const std::string& name, std::string& list, const std::string& description) {
  command
      .add_option_function<std::vector<std::string>>(
          name,
          [&list](const std::vector<std::string>& words) {
            list.clear();
            for (const std::string& word : words) list += (list.empty() ? "" : ",") + word;
          },
          description)
      ->expected(1, -1);
}

}  // namespace

void add_request_options(CLI::App& command, RequestOptions& o) {
  command
      .add_option("--data", o.data,
                  "Encrypted numbers of prism fhe-encrypt: FILE, or NAME=FILE; may be repeated. Files without a "
                  "name are called x, y, z, x4, ...")
      ->required()
      ->allow_extra_args(false);
  command
      .add_option("--operation", o.operation,
                  "sum, mean, variance, statistics, negate, square, add, subtract, multiply, dot, weighted_sum, "
                  "polynomial, rotate or custom")
      ->required();
  command
      .add_option("--compute", o.compute,
                  "Of statistics: any of sum, mean, variance, sum_of_squares, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_numbers(command, "--weights", o.weights, "Of weighted_sum: public numbers 1,2.5 or @FILE");
  add_numbers(command, "--coefficients", o.coefficients, "Of polynomial: from the constant on, 1,0,0.5 or @FILE");
  command.add_option("--basis", o.basis, "Of polynomial: monomial (default) or chebyshev");
  command.add_option("--interval", o.interval, "Of a Chebyshev polynomial: the values lie in LOW,HIGH");
  command.add_option("--number", o.number, "Of add and multiply with one vector: a public number");
  add_numbers(command, "--values", o.values, "Of add and multiply with one vector: a public vector, 1,2.5 or @FILE");
  command.add_option("--divisor", o.divisor, "Of variance and statistics: population (default) or sample");
  command.add_option("--count", o.count, "Of mean: the name of the data that holds an encrypted count");
  command.add_option("--steps", o.steps, "Of rotate: how far to the left");
  command.add_option("--operations", o.operations, "Of custom: a JSON file with \"operations\" and \"outputs\"");
}

Result<AskedRequest> request_from(const RequestOptions& o) {
  AskedRequest asked;
  json request = json::object(), names = json::array();
  for (const std::string& argument : o.data) {
    PRISM_TRY(const std::string name, read_data(argument, asked));
    if (name != o.count) names.push_back(name);
  }
  if (!o.count.empty() && names.size() == o.data.size())
    return fail(ErrorCode::invalid_argument, "--count ", printable(o.count), ": no --data has this name");
  if (!o.operations.empty()) {
    PRISM_TRY(request, operations_from(o.operations));
  }
  request["operation"] = o.operation;
  request["inputs"] = std::move(names);
  if (!o.compute.empty()) request["compute"] = o.compute;
  const std::pair<const char*, const std::string*> lists[] = {
      {"weights", &o.weights}, {"coefficients", &o.coefficients}, {"values", &o.values}, {"interval", &o.interval}};
  for (const auto& [key, text] : lists) {
    if (text->empty()) continue;
    PRISM_TRY(const auto numbers, numbers_from(*text, std::string("--") + key));
    request[key] = numbers;
  }
  const std::pair<const char*, const std::string*> words[] = {
      {"divisor", &o.divisor}, {"basis", &o.basis}, {"count", &o.count}};
  for (const auto& [key, text] : words)
    if (!text->empty()) request[key] = *text;
  if (o.number) request["number"] = *o.number;
  if (o.steps) request["steps"] = *o.steps;
  PRISM_TRY(asked.request, compute::Request::parse(request.dump()));
  return asked;
}

}  // namespace prism::app
