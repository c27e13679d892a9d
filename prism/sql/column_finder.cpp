#include <algorithm>

#include "prism/sql/internal/scope.h"

namespace prism::sql::internal {
namespace {

// NAMEDATALEN - 1; the cut falls between characters, so up to three bytes earlier.
constexpr std::size_t kLongestIdentifier = 63;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

/// `name` as the grammar hands it over when it is written in full.
std::string_view cut(std::string_view name, std::string_view written) {
  const bool was_cut = name.size() > kLongestIdentifier && written.size() + 3 >= kLongestIdentifier &&
                       written.size() <= kLongestIdentifier;
  return was_cut ? name.substr(0, written.size()) : name;
}

}  // namespace

bool same_identifier(std::string_view name, std::string_view written) {
  return lower(cut(name, written)) == lower(written);
}

std::string nearest_name(std::string_view wanted, const std::vector<std::string_view>& candidates) {
  const std::string small = lower(wanted);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, small.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > 200 || small.size() > 200) continue;
    const std::size_t distance = edit_distance(small, lower(candidate));
    if (distance < best_distance && distance < std::max(small.size(), candidate.size())) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string quoted_name(const std::string& name) {
  const bool plain =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (plain) return name;
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

void Scope::add(const std::string& name, const std::vector<table::ColumnSchema>& columns) {
  parts.push_back({name, names.size(), columns.size()});
  for (const table::ColumnSchema& column : columns) {
    names.push_back(column.name);
    hidden.push_back(false);
  }
}

std::size_t Scope::part_of(std::size_t column) const {
  std::size_t part = 0;
  while (part + 1 < parts.size() && column >= parts[part + 1].first) ++part;
  return part;
}

std::string ColumnFinder::written(std::size_t column) const {
  const std::string name = quoted_name(scope_.names[column]);
  if (scope_.parts.size() == 1) return name;
  return quoted_name(scope_.parts[scope_.part_of(column)].name) + "." + name;
}

Result<std::pair<std::size_t, std::size_t>> ColumnFinder::range(const Node& column) const {
  using Range = std::pair<std::size_t, std::size_t>;
  if (column.qualifier.empty()) return Range{first_, end()};
  for (std::size_t part = first_; part < end(); ++part)
    if (same_identifier(scope_.parts[part].name, column.qualifier)) return Range{part, part + 1};
  std::string names;
  for (std::size_t part = first_; part < end(); ++part)
    names.append(names.empty() ? "write " : " or ")
        .append(quoted_name(scope_.parts[part].name) + "." + (column.star ? "*" : quoted_name(column.text)));
  return query_.refuse(ErrorCode::not_found, column.position, "sql/unknown-table",
                       "\"" + column.qualifier + "\" is no table of this query" +
                           (first_ > 0 || end() < scope_.parts.size() ? " that can be named here" : ""),
                       end() - first_ == 1 ? names + ", or the column alone" : names);
}

bool ColumnFinder::knows(const Node& column) const {
  return std::any_of(scope_.names.begin(), scope_.names.end(),
                     [&](const std::string& name) { return same_identifier(name, column.text); });
}

Result<std::vector<std::size_t>> ColumnFinder::all(const Node& star) const {
  PRISM_TRY(const auto parts, range(star));
  std::vector<std::size_t> out;
  for (std::size_t part = parts.first; part < parts.second; ++part)
    for (std::size_t i = 0; i < scope_.parts[part].count; ++i) {
      const std::size_t column = scope_.parts[part].first + i;
      if (!scope_.hidden[column] || !star.qualifier.empty()) out.push_back(column);
    }
  return out;
}

Result<std::size_t> ColumnFinder::find(const Node& column) const {
  if (column.star)
    return query_.refuse(ErrorCode::unsupported, std::max(column.position, 0), "sql/star",
                         "rows are not shown, so * cannot be selected",
                         "select aggregates, as in COUNT(*), or columns named in GROUP BY");
  PRISM_TRY(const auto parts, range(column));
  std::vector<std::size_t> exact;
  std::vector<std::size_t> found;
  for (std::size_t part = parts.first; part < parts.second; ++part)
    for (std::size_t i = 0; i < scope_.parts[part].count; ++i) {
      const std::size_t at = scope_.parts[part].first + i;
      if (scope_.hidden[at] && column.qualifier.empty()) continue;
      if (scope_.names[at] == column.text) exact.push_back(at);
      if (same_identifier(scope_.names[at], column.text)) found.push_back(at);
    }
  const std::vector<std::size_t>& candidates = exact.empty() ? found : exact;
  if (candidates.size() == 1) return candidates[0];
  if (candidates.empty()) return unknown(column, parts.first, parts.second);
  const bool one_part = scope_.part_of(candidates.front()) == scope_.part_of(candidates.back());
  if (!exact.empty() && one_part)
    return query_.refuse(ErrorCode::invalid_argument, column.position, "sql/ambiguous-column",
                         "several columns are called \"" + column.text + "\"", "give them names of their own with AS");
  std::string names;
  for (const std::size_t at : candidates)
    names += (names.empty() ? "" : ", ") + (one_part ? "\"" + scope_.names[at] + "\"" : written(at));
  if (one_part)
    return query_.refuse(ErrorCode::invalid_argument, column.position, "sql/ambiguous-column",
                         "several columns are called \"" + column.text + "\" but for letter case",
                         "write one of " + names + " with the quotes");
  return query_.refuse(ErrorCode::invalid_argument, column.position, "sql/ambiguous-column",
                       "several tables have a column \"" + column.text + "\"", "write one of " + names);
}

Error ColumnFinder::unknown(const Node& column, std::size_t first, std::size_t end) const {
  std::vector<std::string_view> names;
  for (std::size_t part = first; part < end; ++part)
    for (std::size_t i = 0; i < scope_.parts[part].count; ++i)
      names.push_back(scope_.names[scope_.parts[part].first + i]);
  const std::string near = nearest_name(column.text, names);
  std::string hint;
  if (!near.empty()) {
    hint = "did you mean " + near + "?";
  } else {
    hint = "the columns are ";
    for (std::size_t i = 0; i < names.size() && i < 12; ++i) hint.append(i == 0 ? "" : ", ").append(names[i]);
    if (names.size() > 12) hint += ", ...";
  }
  const std::string where =
      end - first == 1 ? "the table \"" + scope_.parts[first].name + "\" has no" : std::string("no table here has a");
  return query_.refuse(ErrorCode::not_found, column.position, "sql/unknown-column",
                       where + " column \"" + column.text + "\"", hint);
}

}  // namespace prism::sql::internal
