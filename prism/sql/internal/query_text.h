// prism/sql/internal/query_text.h - the query as text, and how an error about a place in it reads.
#pragma once
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

class QueryText {
 public:
  explicit QueryText(std::string_view sql) : sql_(sql) {}

  std::string_view text() const { return sql_; }
  /// `2:7, at "max": why [sql/aggregate]; hint` with detail `rule=sql/aggregate position=31`.
  Error refuse(ErrorCode code, Position at, std::string_view rule, std::string_view why,
               std::string_view hint = {}) const;
  /// PostgreSQL counts its error positions in characters from 1; ours are bytes from 0.
  Position from_character(int character) const;

 private:
  std::string_view sql_;
};

}  // namespace prism::sql::internal
