// Runs tests/sql/*.test; the format stands in tests/sql/README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

struct Case {
  std::string file;
  int line = 0;
  std::string sql;
  std::vector<std::string> spellings;
  std::vector<std::string> facts;  // lines of the plan
  bool refused = false;
  Position position = -1;
  std::string rule;
  std::string code;
  std::vector<std::string> fragments;
};

constexpr std::string_view kKinds[] = {"table", "from",   "where",    "group by", "compute",
                                       "show",  "having", "order by", "skip",     "keep"};

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

std::string_view kind_of(std::string_view fact) {
  for (const std::string_view kind : kKinds) {
    if (begins(fact, kind) && fact.size() > kind.size() && fact[kind.size()] == ' ') return kind;
  }
  return {};
}

std::optional<table::ColumnSchema> parse_column(const std::string& line) {
  std::istringstream in(line.substr(7));
  table::ColumnSchema column;
  std::string type;
  std::string null;
  if ((in >> std::ws).peek() == '"') {
    in.get();
    std::getline(in, column.name, '"');
  } else {
    in >> column.name;
  }
  in >> type >> null;
  if (begins(type, "decimal(")) {
    column.type = table::ColumnType::decimal;
    column.scale = std::stoi(type.substr(8));
  } else if (type == "integer") {
    column.type = table::ColumnType::integer;
  } else if (type == "date") {
    column.type = table::ColumnType::date;
  } else if (type != "text") {
    return std::nullopt;
  }
  if (null != "null" && null != "not") return std::nullopt;
  column.nullable = null == "null";
  return column;
}

/// The cases of one file; a line that cannot be read fails the test.
std::vector<Case> read_cases(const std::filesystem::path& path, std::vector<Catalog>& database) {
  std::vector<Case> cases;
  std::ifstream in(path);
  std::string line;
  Case current;
  std::string last_query_line;
  const auto finish_case = [&] {
    if (current.line > 0) cases.push_back(current);
    current = {};
  };
  for (int number = 1; std::getline(in, line); ++number) {
    const auto unreadable = [&] { ADD_FAILURE() << path << ":" << number << ": cannot read: " << line; };
    if (line.empty()) {
      finish_case();
    } else if (line[0] == '#') {
      continue;
    } else if (begins(line, "> ")) {
      if (current.line == 0) {
        current.file = path.filename();
        current.line = number;
      } else {
        current.sql += '\n';
      }
      last_query_line = line.substr(2);
      current.sql += last_query_line;
    } else if (begins(line, "table ") && current.line == 0) {
      database.push_back({line.substr(6), {}});
    } else if (begins(line, "column ") && current.line == 0 && !database.empty()) {
      const auto column = parse_column(line);
      if (column)
        database.back().columns.push_back(*column);
      else
        unreadable();
    } else if (current.line == 0) {
      unreadable();
    } else if (begins(line, "= ")) {
      current.spellings.push_back(line.substr(2));
    } else if (begins(line, "~ ")) {
      current.fragments.push_back(line.substr(2));
    } else if (line[0] == '!') {
      current.refused = true;
      const std::size_t caret = line.find('^');
      std::istringstream rest;
      if (begins(line, "!@")) {
        rest.str(line.substr(2));
        rest >> current.position;
      } else if (caret != std::string::npos && caret >= 2) {
        current.position = static_cast<Position>(current.sql.size() - last_query_line.size() + caret - 2);
        rest.str(line.substr(caret + 1));
      } else {
        unreadable();
      }
      rest >> current.rule >> current.code;
      if (current.code.empty()) unreadable();
    } else if (begins(line, "none ") || !kind_of(line).empty()) {
      current.facts.push_back(line);
    } else {
      unreadable();
    }
  }
  finish_case();
  return cases;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void check_case(const Case& c, const std::vector<Catalog>& database) {
  SCOPED_TRACE(c.file + ":" + std::to_string(c.line) + ": " + c.sql);
  const auto plan = plan_query(c.sql, database);
  if (c.refused) {
    ASSERT_FALSE(plan.has_value()) << describe(*plan);
    EXPECT_EQ(plan.error().detail, "rule=" + c.rule + " position=" + std::to_string(c.position))
        << plan.error().message;
    EXPECT_EQ(name_of(plan.error().code), c.code);
    EXPECT_NE(plan.error().message.find("[" + c.rule + "]"), std::string::npos) << plan.error().message;
    for (const std::string& fragment : c.fragments)
      EXPECT_NE(plan.error().message.find(fragment), std::string::npos) << plan.error().message;
    return;
  }
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  ASSERT_FALSE(c.facts.empty() && c.spellings.empty()) << "a case that expects nothing";
  const std::vector<std::string> described = lines_of(describe(*plan));
  for (const std::string_view kind : kKinds) {
    std::vector<std::string> wanted;
    bool mentioned = false;
    for (const std::string& fact : c.facts) {
      if (kind_of(fact) == kind) wanted.push_back(fact);
      mentioned = mentioned || kind_of(fact) == kind || fact == "none " + std::string(kind);
    }
    if (!mentioned) continue;
    std::vector<std::string> found;
    std::copy_if(described.begin(), described.end(), std::back_inserter(found),
                 [&](const std::string& l) { return kind_of(l) == kind; });
    EXPECT_EQ(found, wanted);
  }
  const Bytes bytes = encode(*plan);
  for (const std::string& spelling : c.spellings) {
    const auto other = plan_query(spelling, database);
    ASSERT_TRUE(other.has_value()) << spelling << ": " << other.error().message;
    EXPECT_EQ(encode(*other), bytes) << spelling << "\n" << describe(*other) << "instead of\n" << describe(*plan);
  }
}

TEST(SqlCasesTest, EveryQueryMeetsItsPlanOrItsRefusal) {
  const std::filesystem::path folder = std::filesystem::path(PRISM_SOURCE_DIR) / "tests" / "sql";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::size_t count = 0;
  for (const auto& file : files) {
    std::vector<Catalog> database;
    for (const Case& c : read_cases(file, database)) {
      check_case(c, database);
      ++count;
    }
  }
  EXPECT_GE(count, 250U) << "cases are missing from " << folder;
}

}  // namespace
}  // namespace prism::sql
