#include "prism/policy/internal/json.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace prism::policy::internal {
namespace {

constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostMembers = 32;
constexpr std::size_t kMostValues = 200'000;

std::string_view name_of(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::null:
      return "null";
    case Json::Kind::boolean:
      return "true or false";
    case Json::Kind::number:
      return "a number";
    case Json::Kind::text:
      return "a text";
    case Json::Kind::array:
      return "an array";
    case Json::Kind::object:
      return "an object";
  }
  return "something else";
}

/// Takes the library's events and builds the tree; stops at the first thing that is not allowed.
class Builder {
 public:
  Builder(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  bool null() { return put({}); }
  bool boolean(bool value) {
    Json json;
    json.kind = Json::Kind::boolean;
    json.boolean = value;
    return put(std::move(json));
  }
  bool number_integer(std::int64_t value) { return number(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) { return number(std::to_string(value)); }
  bool number_float(double, const std::string& digits) { return number(digits); }
  bool string(std::string& value) {
    Json json;
    json.kind = Json::Kind::text;
    json.text = std::move(value);
    return put(std::move(json));
  }
  bool binary(std::vector<std::uint8_t>&) { return false; }  // JSON has none
  bool start_object(std::size_t) { return open(Json::Kind::object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::Kind::array); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    std::vector<std::string>& names = stack_.back()->names;
    if (names.size() >= kMostMembers)
      return refuse(fail(ErrorCode::exhausted, what_, " has an object of more than ", kMostMembers, " members"));
    if (std::find(names.begin(), names.end(), name) != names.end())
      return refuse(fail(ErrorCode::malformed, what_, " says ", json_text(name), " twice in one object"));
    names.push_back(std::move(name));
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    // The library counts the byte after the one it stumbled over; its own message may quote the content.
    const std::size_t end = std::min(position == 0 ? 0 : position - 1, text_.size());
    std::size_t line = 1;
    std::size_t column = 1;
    for (const char c : text_.substr(0, end)) {
      column = c == '\n' ? 1 : column + 1;
      if (c == '\n') ++line;
    }
    return refuse(fail(ErrorCode::malformed, what_, " is no JSON at line ", line, ", column ", column));
  }

  Result<Json> take() && {
    if (error_) return *std::move(error_);
    return std::move(root_);
  }

 private:
  bool number(std::string digits) {
    Json json;
    json.kind = Json::Kind::number;
    json.text = std::move(digits);
    return put(std::move(json));
  }
  Json* place(Json json) {
    if (stack_.empty()) {
      root_ = std::move(json);
      return &root_;
    }
    return &stack_.back()->items.emplace_back(std::move(json));
  }
  bool put(Json json) {
    if (++values_ > kMostValues)
      return refuse(fail(ErrorCode::exhausted, what_, " holds more than the ", kMostValues, " values allowed"));
    place(std::move(json));
    return true;
  }
  bool open(Json::Kind kind) {
    if (stack_.size() >= kMostDepth)
      return refuse(fail(ErrorCode::exhausted, what_, " is nested more than ", kMostDepth, " deep"));
    if (++values_ > kMostValues)
      return refuse(fail(ErrorCode::exhausted, what_, " holds more than the ", kMostValues, " values allowed"));
    Json json;
    json.kind = kind;
    // The parent's vector does not grow while a child is open, so the pointer stays good.
    stack_.push_back(place(std::move(json)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }
  bool refuse(Error error) {
    if (!error_) error_ = std::move(error);
    return false;
  }

  std::string_view text_;
  std::string_view what_;
  Json root_;
  std::vector<Json*> stack_;
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t max_bytes, std::string_view what) {
  if (text.size() > max_bytes)
    return fail(ErrorCode::exhausted, what, " holds more than the ", max_bytes, " bytes allowed");
  Builder builder(text, what);
  (void)nlohmann::json::sax_parse(text.begin(), text.end(), &builder);  // the builder knows whether it went well
  return std::move(builder).take();
}

Status JsonPlace::object(std::initializer_list<std::string_view> allowed) const {
  if (value_->kind != Json::Kind::object) return wrong("an object is wanted, this is ", name_of(value_->kind));
  for (const std::string& name : value_->names) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    std::string list;
    for (const std::string_view one : allowed) list.append(list.empty() ? "" : ", ").append(one);
    return wrong("there is no member ", json_text(name), "; known are ", list);
  }
  return {};
}

bool JsonPlace::has(std::string_view name) const {
  return std::find(value_->names.begin(), value_->names.end(), name) != value_->names.end();
}

Result<JsonPlace> JsonPlace::member(std::string_view name) const {
  for (std::size_t i = 0; i < value_->names.size(); ++i)
    if (value_->names[i] == name) return JsonPlace(value_->items[i], pointer_ + "/" + value_->names[i]);
  return wrong("the member \"", name, "\" is missing");
}

Result<std::vector<JsonPlace>> JsonPlace::array(std::size_t most) const {
  if (value_->kind != Json::Kind::array) return wrong("an array is wanted, this is ", name_of(value_->kind));
  if (value_->items.size() > most) return wrong("at most ", most, " items are allowed, not ", value_->items.size());
  std::vector<JsonPlace> places;
  places.reserve(value_->items.size());
  for (const Json& item : value_->items) places.emplace_back(item, pointer_ + "/" + std::to_string(places.size()));
  return places;
}

Result<std::string> JsonPlace::text(std::size_t most_bytes) const {
  if (value_->kind != Json::Kind::text) return wrong("a text is wanted, this is ", name_of(value_->kind));
  if (value_->text.size() > most_bytes) return wrong("at most ", most_bytes, " bytes are allowed");
  return value_->text;
}

Result<bool> JsonPlace::boolean() const {
  if (value_->kind != Json::Kind::boolean) return wrong("true or false is wanted, this is ", name_of(value_->kind));
  return value_->boolean;
}

Result<std::uint64_t> JsonPlace::whole(std::uint64_t least, std::uint64_t most) const {
  const std::string& digits = value_->text;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (value_->kind != Json::Kind::number || error != std::errc{} || end != digits.data() + digits.size() ||
      number < least || number > most)
    return wrong("a whole number from ", least, " to ", most, " is wanted");
  return number;
}

Result<std::string> JsonPlace::number() const {
  if (value_->kind != Json::Kind::number && value_->kind != Json::Kind::text)
    return wrong("a number is wanted, this is ", name_of(value_->kind));
  if (value_->text.size() > 64) return wrong("a number of at most 64 characters is wanted");
  return value_->text;
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace prism::policy::internal
