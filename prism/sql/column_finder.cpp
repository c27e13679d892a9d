#include <algorithm>

#include "prism/sql/internal/expression_binder.h"

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

bool ColumnFinder::knows(const Node& column) const {
  return std::any_of(catalog_.columns.begin(), catalog_.columns.end(),
                     [&](const table::ColumnSchema& c) { return same_identifier(c.name, column.text); });
}

Result<std::size_t> ColumnFinder::find(const Node& column) const {
  if (!column.qualifier.empty()) {
    const std::string_view visible = alias_.empty() ? std::string_view(catalog_.table) : alias_;
    if (!same_identifier(visible, column.qualifier))
      return query_.refuse(ErrorCode::not_found, column.position, "sql/unknown-table",
                           "\"" + column.qualifier + "\" is not the table of this query",
                           "write " + std::string(visible) + "." + column.text + ", or the column alone");
  }
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < catalog_.columns.size(); ++i) {
    if (catalog_.columns[i].name == column.text) return i;
    if (same_identifier(catalog_.columns[i].name, column.text)) found.push_back(i);
  }
  if (found.size() == 1) return found[0];
  if (found.size() > 1) {
    std::string names;
    for (const std::size_t i : found) names += (names.empty() ? "\"" : ", \"") + catalog_.columns[i].name + "\"";
    return query_.refuse(ErrorCode::invalid_argument, column.position, "sql/ambiguous-column",
                         "several columns are called \"" + column.text + "\" but for letter case",
                         "write one of " + names + " with the quotes");
  }
  std::vector<std::string_view> names;
  for (const table::ColumnSchema& c : catalog_.columns) names.push_back(c.name);
  const std::string near = nearest_name(column.text, names);
  std::string hint;
  if (!near.empty()) {
    hint = "did you mean " + near + "?";
  } else {
    hint = "the columns are ";
    for (std::size_t i = 0; i < names.size() && i < 12; ++i) hint.append(i == 0 ? "" : ", ").append(names[i]);
    if (names.size() > 12) hint += ", ...";
  }
  return query_.refuse(ErrorCode::not_found, column.position, "sql/unknown-column",
                       "the table \"" + catalog_.table + "\" has no column \"" + column.text + "\"", hint);
}

}  // namespace prism::sql::internal
