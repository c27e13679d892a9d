// prism/policy/internal/json.h - JSON as somebody wrote it: numbers keep their digits, members their order.
//
// The usual readers turn 0.1 into a binary fraction and let a second "high" quietly replace the first. Bounds and
// budgets are exact, and a file that says two things is refused.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prism/base/result.h"

namespace prism::policy::internal {

struct Json {
  enum class Kind : std::uint8_t { null, boolean, number, text, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::string text;                ///< of a text, or the digits of a number as written
  std::vector<Json> items;         ///< of an array, or the members of an object
  std::vector<std::string> names;  ///< of an object's members, one for each item
};

/// At most `max_bytes` bytes, 16 containers inside one another, 32 members of an object, 200,000 values. Errors:
/// malformed with line and column, exhausted when there is too much of it.
Result<Json> parse_json(std::string_view text, std::size_t max_bytes, std::string_view what);

/// A value and where it stands, for errors: "/tables/0/columns/3/low". The value must live longer.
class JsonPlace {
 public:
  explicit JsonPlace(const Json& value, std::string pointer = {}) : value_(&value), pointer_(std::move(pointer)) {}

  const Json& value() const { return *value_; }
  const std::string& pointer() const { return pointer_; }

  /// An object with these members at most. Errors: invalid_argument naming the member that is not wanted.
  Status object(std::initializer_list<std::string_view> allowed) const;
  bool has(std::string_view name) const;
  /// Errors: invalid_argument when it is absent.
  Result<JsonPlace> member(std::string_view name) const;
  Result<std::vector<JsonPlace>> array(std::size_t most) const;
  Result<std::string> text(std::size_t most_bytes) const;
  Result<bool> boolean() const;
  /// A whole number without fraction or exponent.
  Result<std::uint64_t> whole(std::uint64_t least, std::uint64_t most) const;
  /// A number, or a text that holds one: what stands there, for an exact reader.
  Result<std::string> number() const;

  template <class... Parts>
  Error wrong(const Parts&... parts) const {
    return fail(ErrorCode::invalid_argument, pointer_.empty() ? "/" : pointer_, ": ", parts...);
  }

 private:
  const Json* value_;
  std::string pointer_;
};

/// `text` as a JSON string with its quotes. It must be UTF-8.
std::string json_text(std::string_view text);

}  // namespace prism::policy::internal
