#include <pg_query.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "prism/sql/internal/syntax.h"
#include "prism/sql/internal/syntax_reader.h"
#include "prism/table/utf8.h"

namespace prism::sql::internal {
namespace {

constexpr std::size_t kLongestQuery = std::size_t{64} << 10;
constexpr int kDeepestBrackets = 200;
// Each word or operator can nest the parse tree by one level, and libpg_query prints the tree by recursion at up to
// 256 bytes of stack per level (measured): 2 MiB at most, which every usual thread has.
constexpr int kMostWords = 8000;

bool starts_word(char c) {
  const auto b = static_cast<unsigned char>(c);
  return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_' || b >= 0x80;
}
bool continues_word(char c) { return starts_word(c) || (c >= '0' && c <= '9') || c == '$'; }

/// Bounds what the grammar is given. Quotes are not understood here, so their contents count too.
Status check_text(const QueryText& query) {
  const std::string_view sql = query.text();
  if (sql.size() > kLongestQuery)
    return query.refuse(ErrorCode::malformed, -1, "sql/length",
                        "the query has " + std::to_string(sql.size()) + " bytes, 65536 are the most");
  table::Utf8Validator validator;
  if (const auto bad = validator.feed(sql))
    return query.refuse(ErrorCode::malformed, static_cast<Position>(*bad), "sql/encoding", "this is not UTF-8");
  if (!validator.complete())
    return query.refuse(ErrorCode::malformed, static_cast<Position>(sql.size()), "sql/encoding",
                        "the text ends in the middle of a UTF-8 character");
  int depth = 0;
  int words = 0;
  bool in_word = false;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    const auto at = static_cast<Position>(i);
    if (c == '\0') return query.refuse(ErrorCode::malformed, at, "sql/encoding", "a NUL byte is in the query");
    const bool word = in_word ? continues_word(c) : starts_word(c);
    const bool digit = c >= '0' && c <= '9';
    const bool counts =
        (word && !in_word) || std::string_view("([+-*/<>=~!@#%^&|`?:").find(c) != std::string_view::npos;
    if (counts && ++words > kMostWords)
      return query.refuse(ErrorCode::unsupported, at, "sql/size", "the query has more than 8000 words and operators");
    in_word = word || (in_word && digit);
    if ((c == '(' || c == '[') && ++depth > kDeepestBrackets)
      return query.refuse(ErrorCode::unsupported, at, "sql/depth", "brackets are nested more than 200 deep");
    if ((c == ')' || c == ']') && depth > 0) --depth;
  }
  return {};
}

/// The parse tree as JSON. One call at a time: libpg_query points the process's stderr at a pipe while it parses.
class Parse {
 public:
  explicit Parse(const std::string& sql) : lock_(only_one()), result_(pg_query_parse(sql.c_str())) {}
  Parse(const Parse&) = delete;
  Parse& operator=(const Parse&) = delete;
  ~Parse() { pg_query_free_parse_result(result_); }
  const PgQueryParseResult& result() const { return result_; }

 private:
  static std::mutex& only_one() {
    static std::mutex mutex;
    return mutex;
  }
  std::lock_guard<std::mutex> lock_;
  PgQueryParseResult result_;
};

/// The deepest nesting of objects and arrays. Reading JSON recurses nowhere, but freeing and walking it may.
int json_depth(std::string_view json) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (in_string) {
      if (json[i] == '\\')
        ++i;
      else if (json[i] == '"')
        in_string = false;
    } else if (json[i] == '"') {
      in_string = true;
    } else if (json[i] == '{' || json[i] == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (json[i] == '}' || json[i] == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Select> read_query(const QueryText& query) {
  PRISM_CHECKED(check_text(query));
  nlohmann::json tree;
  {
    const Parse parse{std::string(query.text())};
    if (const PgQueryError* error = parse.result().error) {
      const Position at = query.from_character(error->cursorpos);
      return query.refuse(ErrorCode::malformed, at, "sql/syntax",
                          error->message == nullptr ? "syntax error" : error->message);
    }
    // Four levels of JSON per level of expression at the most, and some around them.
    if (json_depth(parse.result().parse_tree) > 4 * kDeepestExpression + 20)
      return query.refuse(ErrorCode::unsupported, -1, "sql/depth", "the query is nested too deeply",
                          "use fewer operators in one expression");
    tree = nlohmann::json::parse(parse.result().parse_tree, nullptr, false);
  }
  if (tree.is_discarded())
    return query.refuse(ErrorCode::malformed, -1, "sql/syntax", "the parse tree of this query cannot be read");
  return SyntaxReader(query).read(tree);
}

}  // namespace prism::sql::internal
