// prism/service/internal/strict_json.h - JSON from strangers: bounded nesting, no repeated keys, no unknown ones. Only
// for .cpp files of this room and of tests: it names the JSON library.
#pragma once
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "prism/service/problem.h"

namespace prism::service {

/// Errors: invalid_request, with what was wrong and where. `what` names the text in messages.
inline Result<nlohmann::json> parse_json(std::string_view text, std::string_view what, int most_depth = 32) {
  using nlohmann::json;
  std::vector<std::set<std::string>> keys;
  std::string wrong;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > most_depth) wrong = "nested more than " + std::to_string(most_depth) + " deep";
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) wrong = "a key that stands twice: " + key.substr(0, 40);
    }
    return true;
  };
  // The library recurses nowhere while parsing, so depth costs memory alone, which the text's length bounds.
  json out = json::parse(text, watch, /*allow_exceptions=*/false);
  if (out.is_discarded()) return refuse(Problem::invalid_request, what, " is not JSON");
  if (!wrong.empty()) return refuse(Problem::invalid_request, what, " holds ", wrong);
  return out;
}

/// Every key of an object is one of these.
inline Status only_keys(const nlohmann::json& object, std::initializer_list<std::string_view> known,
                        std::string_view what) {
  if (!object.is_object()) return refuse(Problem::invalid_request, what, " is not an object");
  for (const auto& [key, value] : object.items()) {
    bool found = false;
    for (const std::string_view name : known) found = found || name == key;
    if (!found) return refuse(Problem::invalid_request, what, " holds a key that is not known: ", key.substr(0, 40));
  }
  return {};
}

}  // namespace prism::service
