#include "prism/backend/dp/refusal.h"

namespace prism::backend::dp {

Error refusal(ErrorCode code, std::string_view sql, int position, std::string_view rule, const std::string& message,
              std::string_view accepted_by) {
  std::string place;
  if (position >= 0 && static_cast<std::size_t>(position) <= sql.size()) {
    std::size_t line = 1, column = 1;
    for (const char c : sql.substr(0, static_cast<std::size_t>(position))) {
      if (c == '\n') {
        ++line;
        column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {  // continuation bytes are no characters of their own
        ++column;
      }
    }
    place = std::to_string(line) + ":" + std::to_string(column) + ": ";
  }
  Error error = fail(code, place, message, " [", rule, "]");
  error.detail = "rule=" + std::string(rule) + " position=" + std::to_string(position);
  if (!accepted_by.empty()) error.detail += " accepted_by=" + std::string(accepted_by);
  return error;
}

Error failed() {
  Error error = fail(ErrorCode::refused, "the query could not be answered [dp/failed]");
  error.detail = "rule=dp/failed position=-1";
  return error;
}

}  // namespace prism::backend::dp
