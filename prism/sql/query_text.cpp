#include "prism/sql/internal/query_text.h"

#include <algorithm>
#include <charconv>

#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool is_word(char c) {
  const auto b = static_cast<unsigned char>(c);
  return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_' || b == '$' ||
         b >= 0x80;
}

/// The token that starts at `at`, cut to a length that fits in a message.
std::string token_at(std::string_view sql, std::size_t at) {
  constexpr std::size_t kLongest = 40;
  std::size_t end = at;
  if (is_word(sql[at])) {
    while (end < sql.size() && (is_word(sql[end]) || sql[end] == '.')) ++end;
  } else if (sql[at] == '\'' || sql[at] == '"') {
    end = sql.find(sql[at], at + 1);
    end = end == std::string_view::npos ? sql.size() : end + 1;
  } else {
    while (end < sql.size() && std::string_view("+-*/<>=~!@#%^&|`?:").find(sql[end]) != std::string_view::npos) ++end;
    end = std::max(end, at + 1);
  }
  const bool cut = end - at > kLongest;
  if (cut) {
    end = at + kLongest;
    while (end > at && continues_character(sql[end])) --end;
  }
  std::string token(sql.substr(at, end - at));
  for (char& c : token) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return cut ? token + "..." : token;
}

/// "2:7" for a place in the text or at its end, else nothing.
std::string line_and_column(std::string_view sql, Position at) {
  if (at < 0 || static_cast<std::size_t>(at) > sql.size()) return {};
  std::size_t line = 1, column = 1;
  for (const char c : sql.substr(0, static_cast<std::size_t>(at))) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if (!continues_character(c)) {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

std::string detail_of(std::string_view rule, Position at) {
  return "rule=" + std::string(rule) + " position=" + std::to_string(at);
}

}  // namespace

namespace internal {

Error QueryText::refuse(ErrorCode code, Position at, std::string_view rule, std::string_view why,
                        std::string_view hint) const {
  std::string message = line_and_column(sql_, at);
  if (!message.empty()) {
    const auto end = static_cast<std::size_t>(at);
    message += ", ";
    message += end < sql_.size() ? "at \"" + token_at(sql_, end) + "\"" : std::string("at the end");
    message += ": ";
  }
  message.append(why).append(" [").append(rule).append("]");
  if (!hint.empty()) message.append("; ").append(hint);
  return {code, message, detail_of(rule, at)};
}

Position QueryText::from_character(int character) const {
  if (character <= 0) return -1;
  std::size_t at = 0;
  for (int passed = 1; passed < character && at < sql_.size(); ++passed) {
    ++at;
    while (at < sql_.size() && continues_character(sql_[at])) ++at;
  }
  return static_cast<Position>(at);
}

}  // namespace internal

Error refusal(ErrorCode code, std::string_view sql, Position position, std::string_view rule,
              std::string_view message) {
  std::string place = line_and_column(sql, position);
  if (!place.empty()) place += ": ";
  Error error = fail(code, place, message, " [", rule, "]");
  error.detail = detail_of(rule, position);
  return error;
}

std::string explain_position(std::string_view sql, Position position) {
  if (position < 0 || static_cast<std::size_t>(position) > sql.size()) return {};
  const auto at = static_cast<std::size_t>(position);
  std::size_t begin = at;
  while (begin > 0 && sql[begin - 1] != '\n') --begin;
  const std::size_t end = std::min(sql.find('\n', at), sql.size());
  std::string line(sql.substr(begin, end - begin));
  std::string below;
  for (std::size_t i = begin; i < at; ++i) {
    if (!continues_character(sql[i])) below += sql[i] == '\t' ? '\t' : ' ';
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line + "\n" + below + "^\n";
}

Position position_of(const Error& error) {
  constexpr std::string_view kField = "position=";
  const std::size_t at = error.detail.find(kField);
  if (at == std::string::npos) return -1;
  const char* first = error.detail.data() + at + kField.size();
  int position = -1;
  const auto [end, problem] = std::from_chars(first, error.detail.data() + error.detail.size(), position);
  return problem == std::errc() && end != first ? position : -1;
}

}  // namespace prism::sql
