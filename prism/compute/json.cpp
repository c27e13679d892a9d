#include "prism/compute/internal/json.h"

#include <algorithm>
#include <cmath>

namespace prism::compute {
namespace {

/// Brackets outside strings: refused before anything is built of them.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostNesting) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Error at_pointer(ErrorCode code, std::string message, std::string pointer) {
  return {code, std::move(message), std::move(pointer)};
}

Result<Json> parse_json(std::string_view text, std::size_t most, std::string_view what) {
  if (text.size() > most)
    return fail(ErrorCode::exhausted, what, " of ", text.size(), " bytes; at most ", most, " are read");
  if (is_too_deep(text)) return fail(ErrorCode::malformed, what, " is nested more than ", kMostNesting, " levels deep");
  std::vector<std::set<std::string>> seen;
  bool twice = false;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end) seen.pop_back();
    if (event == Json::parse_event_t::key) twice = !seen.back().insert(parsed.get<std::string>()).second || twice;
    return true;
  };
  try {
    Json out = Json::parse(text, watch);
    if (twice) return fail(ErrorCode::malformed, what, " has a member twice in one object");
    return out;
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::malformed, what, " is no JSON at byte ", error.byte);
  } catch (const Json::exception&) {
    return fail(ErrorCode::malformed, what, " holds a number that no double can be");
  }
}

Result<Members> Members::of(const Json& value, std::string pointer) {
  if (!value.is_object()) return at_pointer(ErrorCode::malformed, "an object is wanted here", std::move(pointer));
  return Members(value, std::move(pointer));
}

std::string Members::pointer(std::string_view name) const {
  std::string out = pointer_ + "/";
  for (const char c : name) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}
std::string Members::pointer(std::string_view name, std::size_t item) const {
  return pointer(name) + "/" + std::to_string(item);
}

Result<const Json*> Members::any(std::string_view name) {
  asked_.emplace(name);
  const auto found = object_->find(name);
  if (found == object_->end())
    return at_pointer(ErrorCode::malformed, "the member \"" + std::string(name) + "\" is missing", pointer_);
  return &*found;
}

Result<std::string> Members::text(std::string_view name, std::size_t most) {
  PRISM_TRY(const Json* const value, any(name));
  if (!value->is_string() || value->get_ref<const std::string&>().size() > most)
    return at_pointer(ErrorCode::malformed, "a string of at most " + std::to_string(most) + " bytes is wanted here",
                      pointer(name));
  return value->get<std::string>();
}

Result<double> Members::number(std::string_view name) {
  PRISM_TRY(const Json* const value, any(name));
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    return at_pointer(ErrorCode::malformed, "a number is wanted here", pointer(name));
  return value->get<double>();
}

Result<std::int64_t> Members::whole(std::string_view name, std::int64_t low, std::int64_t high) {
  PRISM_TRY(const Json* const value, any(name));
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= std::uint64_t{INT64_MAX}) &&
                    value->get<std::int64_t>() >= low && value->get<std::int64_t>() <= high;
  if (!fits)
    return at_pointer(ErrorCode::malformed,
                      "a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " is wanted here",
                      pointer(name));
  return value->get<std::int64_t>();
}

Result<const Json*> Members::list(std::string_view name, std::size_t most) {
  PRISM_TRY(const Json* const value, any(name));
  if (!value->is_array() || value->size() > most)
    return at_pointer(ErrorCode::malformed, "an array of at most " + std::to_string(most) + " items is wanted here",
                      pointer(name));
  return value;
}

Result<std::vector<double>> Members::numbers(std::string_view name, std::size_t most) {
  PRISM_TRY(const Json* const value, list(name, most));
  std::vector<double> out;
  out.reserve(value->size());
  for (const Json& item : *value) {
    if (!item.is_number() || !std::isfinite(item.get<double>()))
      return at_pointer(ErrorCode::malformed, "a number is wanted here", pointer(name, out.size()));
    out.push_back(item.get<double>());
  }
  return out;
}

Result<std::vector<std::string>> Members::texts(std::string_view name, std::size_t most_items, std::size_t most_bytes) {
  PRISM_TRY(const Json* const value, list(name, most_items));
  std::vector<std::string> out;
  for (const Json& item : *value) {
    if (!item.is_string() || item.get_ref<const std::string&>().size() > most_bytes)
      return at_pointer(ErrorCode::malformed,
                        "a string of at most " + std::to_string(most_bytes) + " bytes is wanted here",
                        pointer(name, out.size()));
    out.push_back(item.get<std::string>());
  }
  return out;
}

Status Members::finish() const {
  for (const auto& [name, value] : object_->items())
    if (asked_.find(name) == asked_.end())
      return at_pointer(ErrorCode::malformed, "this member is unknown here, or not used with the others",
                        pointer(name));
  return {};
}

Json number_json(double value) {
  if (value == std::floor(value) && std::fabs(value) < 0x1p53) return static_cast<std::int64_t>(value);
  return value;
}

}  // namespace prism::compute
