#include "prism/backend/dp/refusal.h"

#include <algorithm>

#include "prism/sql/sql.h"

namespace prism::backend::dp {

Error placed(std::string_view sql, Error error, std::string_view otherwise) {
  std::string rule(otherwise);
  const std::string& detail = error.detail;
  if (const std::size_t at = detail.find("rule="); at != std::string::npos) {
    const std::size_t from = at + 5;
    rule = detail.substr(from, detail.find(' ', from) - from);
  }
  return refusal(error.code, sql, sql::position_of(error), rule, error.message);
}

int place_of(std::string_view sql, std::string_view keyword) {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
  };
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  int out = -1;
  for (std::size_t i = 0; i < sql.size();) {
    if (sql[i] == '\'' || sql[i] == '"') {
      const std::size_t end = sql.find(sql[i], i + 1);
      i = end == std::string_view::npos ? sql.size() : end + 1;
      continue;
    }
    std::size_t end = i;
    while (end < sql.size() && in_name(sql[end])) ++end;
    if (end - i == keyword.size() &&
        std::equal(keyword.begin(), keyword.end(), sql.begin() + static_cast<std::ptrdiff_t>(i),
                   [&](char a, char b) { return a == lower(b); }))
      out = static_cast<int>(i);
    i = end == i ? i + 1 : end;
  }
  return out;
}

Error failed() {
  Error error = fail(ErrorCode::refused, "the query could not be answered [dp/failed]");
  error.detail = "rule=dp/failed position=-1";
  return error;
}

}  // namespace prism::backend::dp
