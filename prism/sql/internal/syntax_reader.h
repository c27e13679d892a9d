// prism/sql/internal/syntax_reader.h - libpg_query's parse tree to ours; whatever the dialect lacks is refused here.
//
// Fail closed: a field or node this reader does not know is a refusal, never ignored.
#pragma once
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "prism/sql/internal/syntax.h"

namespace prism::sql::internal {

inline constexpr int kDeepestExpression = 200;
inline constexpr std::size_t kLongestList = 1000;
/// SELECTs inside each other, the outermost included.
inline constexpr int kDeepestSelect = 8;
inline constexpr std::size_t kMostParts = 8;
/// Tables named in a whole query: each brings all its columns into memory.
inline constexpr int kMostTables = 64;

class SyntaxReader {
 public:
  using Json = nlohmann::json;
  explicit SyntaxReader(const QueryText& query) : query_(query) {}
  Result<Select> read(const Json& tree);

 private:
  Result<Select> read_select(const Json& select, Position start);
  Result<Select> read_clauses(const Json& select, Position start);
  Status read_from_item(const Json& item, std::size_t first_visible, Select& out);
  Status read_join(const Json& join, std::size_t first_visible, Select& out);
  Status read_table(const Json& table, FromPart& out);
  Status read_derived(const Json& derived, FromPart& out);
  Status read_alias(const Json& body, FromPart& out) const;
  Result<Select::Target> read_target(const Json& target);
  Result<Select::Sort> read_sort(const Json& sort);

  // Expressions: each takes the body of one node, without its tag.
  Result<Node> read_expression(const Json& node);
  Result<Node> read_tagged(std::string_view tag, const Json& body);
  Result<Node> read_constant(const Json& body);
  Result<Node> read_column(const Json& body);
  Result<Node> read_operator(const Json& body);
  Result<Node> read_logic(const Json& body);
  Result<Node> read_boolean_test(const Json& body);
  Result<Node> read_call(const Json& body);
  Status read_within(const Json& body, Node& call);
  Result<Node> read_cast(const Json& body);
  Result<Node> refuse_expression(std::string_view tag, const Json& body);
  Status add_argument(Node& parent, const Json& child);
  Status only(const Json& body, std::initializer_list<std::string_view> known, Position at,
              std::string_view what) const;

  const QueryText& query_;
  int depth_ = 0;
  int selects_ = 0;  ///< around the place that is read
  int tables_ = 0;   ///< so far
};

/// The place a node says it stands at, else the first place below it; -1 when there is none.
Position place_of(const nlohmann::json& node);
/// The only member of a one-member object: its tag and body. Both empty otherwise.
std::pair<std::string_view, const nlohmann::json*> tagged(const nlohmann::json& node);
std::string_view string_field(const nlohmann::json& body, const char* name);

}  // namespace prism::sql::internal
