#include "prism/http/router.h"

#include <algorithm>
#include <string>
#include <utility>

#include "prism/base/check.h"
#include "prism/http/problem.h"

namespace prism::http {

struct Router::Entry {
  std::string_view method;
  std::string_view pattern;
  Route rules;
  Function function;
};

namespace {

/// Cuts the first segment off `rest`, which starts with '/'.
std::string_view next_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(end);
  return segment;
}

bool is_placeholder(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>* parameters) {
  if (parameters != nullptr) parameters->clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern);
    const std::string_view found = next_segment(path);
    if (is_placeholder(wanted)) {
      if (found.empty()) return false;
      if (parameters != nullptr) parameters->push_back(found);
    } else if (wanted != found) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

bool takes(std::string_view route_method, std::string_view method) {
  return route_method == method || (route_method == "GET" && method == "HEAD");
}

}  // namespace

Router::Router() = default;
Router::~Router() = default;

Router& Router::add(std::string_view method, std::string_view pattern, Route rules, Function function) {
  check(!pattern.empty() && pattern.front() == '/', "a route's pattern starts with '/'");
  for (const auto& entry : entries_)
    check(entry->method != method || entry->pattern != pattern, "two routes with the same method and pattern");
  rules.name = pattern;
  entries_.push_back(std::make_unique<Entry>(Entry{method, pattern, rules, std::move(function)}));
  return *this;
}

Router& Router::otherwise(Handler& next) {
  next_ = &next;
  return *this;
}

const Router::Entry* Router::match(const Request& request, std::vector<std::string_view>* parameters) const {
  for (const auto& entry : entries_)
    if (takes(entry->method, request.method) && fits(entry->pattern, request.path, parameters)) return entry.get();
  return nullptr;
}

Route Router::route(const Request& request) const {
  if (const Entry* const entry = match(request, nullptr)) return entry->rules;
  for (const auto& entry : entries_)
    if (fits(entry->pattern, request.path, nullptr)) return Route{entry->pattern, 0, true, true, 0};
  if (next_ != nullptr) return next_->route(request);
  return Route{"other", 0, true, true, 0};
}

Response Router::not_matched(const Request& request) const {
  std::string allow;
  for (const auto& entry : entries_) {
    if (!fits(entry->pattern, request.path, nullptr)) continue;
    allow += (allow.empty() ? "" : ", ") + std::string(entry->method);
    if (entry->method == "GET") allow += ", HEAD";
  }
  if (allow.empty()) return problem(404, "not-found", "There is nothing here", "no resource has this path", request.id);
  return problem(405, "method-not-allowed", "This resource does not take that method", "it takes " + allow, request.id)
      .header("Allow", allow);
}

Response Router::handle(Request& request) {
  if (const Entry* const entry = match(request, &request.parameters)) return entry->function(request);
  const bool known = std::any_of(entries_.begin(), entries_.end(),
                                 [&](const auto& entry) { return fits(entry->pattern, request.path, nullptr); });
  if (!known && next_ != nullptr) return next_->handle(request);
  return not_matched(request);
}

}  // namespace prism::http
