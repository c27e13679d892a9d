// prism/sql/internal/syntax.h - the query as read: a small tree, before names and types mean anything.
//
// Constructs outside the dialect never become a Node; they are refused while reading.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "prism/base/result.h"
#include "prism/sql/internal/query_text.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

struct Node {
  enum class Kind {
    null,
    boolean,  // negated = the value is false
    number,   // text: as written, maybe with a sign
    string,   // text
    cast,     // text: integer, numeric, date, text or boolean; one literal below
    column,   // text, qualifier; star: all columns (of the qualifier, or of all), only in a SELECT list
    call,     // text: lower-case function name; star; distinct; within: its ORDER BY column is the last argument
    plus,
    negate,
    binary,  // text: + - * / = <> < <= > >=
    logical_and,
    logical_or,
    logical_not,
    is_null,       // negated: IS NOT NULL
    boolean_test,  // text: true, false, unknown; negated
    between,       // value, low, high; negated, symmetric
    in,            // value, then the list; negated
    like,          // value, pattern; negated
    distinct,      // negated: IS NOT DISTINCT FROM
  };
  Kind kind;
  Position position = -1;
  std::string text{};
  std::string qualifier{};
  bool negated = false;
  bool symmetric = false;
  bool star = false;
  bool distinct = false;
  bool within = false;
  bool has_column = false;  ///< somewhere below, or itself
  bool has_call = false;
  std::vector<Node> arguments{};
};

struct Select;

/// One table or derived table in FROM, and how it is joined to what stands before it.
struct FromPart {
  std::string table;          ///< empty: derived
  std::string alias;          ///< empty: none; a derived table has one
  std::vector<Select> query;  ///< derived: one
  Position position = -1;
  std::size_t first_visible = 0;  ///< the first part that its ON may name: a comma begins anew
  std::optional<Node> on;
  std::vector<Node> shared;  ///< USING: columns of this name here and before
};

struct Select {
  struct Target {
    std::string alias;  ///< empty: none
    std::string name;   ///< PostgreSQL's name for the unnamed
    Node value;
  };
  struct Sort {
    Node value;
    bool descending = false;
    bool nulls_first = false;
  };
  Position position = -1;
  std::vector<FromPart> from;
  std::vector<Target> targets;
  std::optional<Node> where;
  std::vector<Node> group;
  std::optional<Node> having;
  std::vector<Sort> order;
  std::optional<Node> limit;
  std::optional<Node> offset;
};

/// Text to tree. Enforces every limit on text, nesting and lists.
Result<Select> read_query(const QueryText& query);

}  // namespace prism::sql::internal
