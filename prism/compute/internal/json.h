// prism/compute/internal/json.h - strict reading of JSON: no member twice, none left over, every refusal with its
// pointer (RFC 6901).
#pragma once
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/result.h"

namespace prism::compute {

using Json = nlohmann::ordered_json;

inline constexpr int kMostNesting = 16;

/// One value of at most `most` bytes. malformed with the byte where it ends being JSON.
Result<Json> parse_json(std::string_view text, std::size_t most, std::string_view what);

/// A refusal at a place of the document.
Error at_pointer(ErrorCode code, std::string message, std::string pointer);

/// Reads an object member by member; finish() refuses what nobody asked for.
class Members {
 public:
  /// malformed when `value` is no object.
  static Result<Members> of(const Json& value, std::string pointer);

  bool has(std::string_view name) const { return object_->contains(name); }
  /// malformed when it is not there.
  Result<const Json*> any(std::string_view name);
  Result<std::string> text(std::string_view name, std::size_t most);
  Result<double> number(std::string_view name);
  Result<std::int64_t> whole(std::string_view name, std::int64_t low, std::int64_t high);
  Result<std::vector<double>> numbers(std::string_view name, std::size_t most);
  Result<std::vector<std::string>> texts(std::string_view name, std::size_t most_items, std::size_t most_bytes);
  /// An array whose items are read by pointer(name, i).
  Result<const Json*> list(std::string_view name, std::size_t most);
  std::string pointer(std::string_view name) const;
  std::string pointer(std::string_view name, std::size_t item) const;
  Status finish() const;

 private:
  Members(const Json& object, std::string pointer) : object_(&object), pointer_(std::move(pointer)) {}
  const Json* object_;
  std::string pointer_;
  std::set<std::string, std::less<>> asked_;
};

/// 7 for 7.0: whole numbers without a point, others so that they read back the same.
Json number_json(double value);

}  // namespace prism::compute
