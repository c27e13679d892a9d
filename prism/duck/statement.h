// prism/duck/statement.h - what is asked of the engine, and what comes back: text of ours, bound values, typed columns.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "prism/base/int128.h"

namespace prism::duck {

/// NULL, BIGINT, HUGEINT or VARCHAR. Text is UTF-8 without NUL.
using Value = std::variant<std::monostate, std::int64_t, Int128, std::string>;

/// One statement. Its text is written by this program from names of its own (t0, c3); whatever a user wrote is a
/// parameter: $1 is parameters[0].
struct Statement {
  std::string text;
  std::vector<Value> parameters;
};

/// One column of an answer. Exactly one of `numbers` and `texts` is in use, as long as `valid`.
struct RowsColumn {
  bool text = false;
  std::vector<std::uint8_t> valid;  ///< 1 for a value, 0 for NULL
  std::vector<Int128> numbers;      ///< whole numbers of any width; 0 where NULL
  std::vector<std::string> texts;   ///< empty where NULL
};

/// An answer in columns, its rows in no particular order.
struct Rows {
  std::size_t count = 0;
  std::vector<RowsColumn> columns;
};

}  // namespace prism::duck
