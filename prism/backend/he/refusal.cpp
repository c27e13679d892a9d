#include "prism/backend/he/refusal.h"

#include <string>

namespace prism::backend::he {

Error refusal(ErrorCode code, std::string_view sql, int position, std::string_view rule, const std::string& message) {
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
  return error;
}

Error only_in_sandbox(std::string_view sql, int position, std::string_view rule, const std::string& message) {
  Error error = refusal(ErrorCode::unsupported, sql, position, rule,
                        message + ", or ask the plain file with --backend dp_sandbox");
  error.detail += " accepted_by=dp_sandbox";
  return error;
}

}  // namespace prism::backend::he
