// Random conditions, judged twice: by PostgreSQL's three-valued rules read straight off a random expression, and by the
// plan's tests.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

enum class Truth { no, yes, unknown };

Truth negated(Truth t) { return t == Truth::unknown ? t : t == Truth::yes ? Truth::no : Truth::yes; }
Truth both(Truth a, Truth b) {
  if (a == Truth::no || b == Truth::no) return Truth::no;
  return a == Truth::yes && b == Truth::yes ? Truth::yes : Truth::unknown;
}
Truth either(Truth a, Truth b) { return negated(both(negated(a), negated(b))); }
Truth known(bool b) { return b ? Truth::yes : Truth::no; }

/// One row: a, b integers (a may be NULL), s text (may be NULL), d a decimal of scale 1.
struct Row {
  std::optional<int> a;
  int b = 0;
  std::optional<std::string> s;
  int d_tenths = 0;
};

/// A condition as SQL and as a function of the row.
struct Condition {
  std::string sql;
  std::function<Truth(const Row&)> truth;
};

/// Values in twentieths, so that columns of both scales and constants like 1.5 or 0.05 compare as whole numbers.
using Twentieths = std::optional<int>;

struct Operand {
  std::string sql;
  std::function<Twentieths(const Row&)> value;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Condition condition(int depth) {
    if (depth == 0 || below(6) == 0) return leaf();
    switch (below(7)) {
      case 0: {
        Condition inner = condition(depth - 1);
        return {"NOT (" + inner.sql + ")", [t = inner.truth](const Row& r) { return negated(t(r)); }};
      }
      case 1: {
        Condition inner = condition(depth - 1);
        static const char* kTests[] = {"TRUE", "FALSE", "UNKNOWN"};
        const int which = below(3);
        const bool not_ = below(2) == 1;
        const Truth wanted = which == 0 ? Truth::yes : which == 1 ? Truth::no : Truth::unknown;
        return {"(" + inner.sql + ") IS " + (not_ ? "NOT " : "") + kTests[which],
                [t = inner.truth, wanted, not_](const Row& r) { return known((t(r) == wanted) != not_); }};
      }
      case 2:
      case 3:
      case 4: {
        Condition a = condition(depth - 1);
        Condition b = condition(depth - 1);
        return {"(" + a.sql + ") AND (" + b.sql + ")",
                [x = a.truth, y = b.truth](const Row& r) { return both(x(r), y(r)); }};
      }
      default: {
        Condition a = condition(depth - 1);
        Condition b = condition(depth - 1);
        return {"(" + a.sql + ") OR (" + b.sql + ")",
                [x = a.truth, y = b.truth](const Row& r) { return either(x(r), y(r)); }};
      }
    }
  }

 private:
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  Operand column() {
    switch (below(3)) {
      case 0:
        return {"a", [](const Row& r) { return r.a ? Twentieths(*r.a * 20) : std::nullopt; }};
      case 1:
        return {"b", [](const Row& r) { return Twentieths(r.b * 20); }};
      default:
        return {"d", [](const Row& r) { return Twentieths(r.d_tenths * 2); }};
    }
  }
  Operand constant() {
    static const std::pair<const char*, Twentieths> kConstants[] = {{"0", 0},
                                                                    {"1", 20},
                                                                    {"-1", -20},
                                                                    {"2", 40},
                                                                    {"- 2", -40},
                                                                    {"0.5", 10},
                                                                    {"1.05", 21},
                                                                    {"-0.1", -2},
                                                                    {"1.5", 30},
                                                                    {"NULL", std::nullopt},
                                                                    {"99999999999999999999", 1'000'000},
                                                                    {"-1e30", -1'000'000},
                                                                    {"1 + 1", 40},
                                                                    {"'1'", 20}};
    const auto& [sql, value] = kConstants[below(static_cast<int>(std::size(kConstants)))];
    return {sql, [v = value](const Row&) { return v; }};
  }

  static Truth compared(int op, const Twentieths& x, const Twentieths& y) {
    if (!x || !y) return Truth::unknown;
    const bool results[] = {*x == *y, *x != *y, *x<*y, *x <= *y, *x> * y, *x >= *y};
    return known(results[op]);
  }

  Condition leaf() {
    switch (below(8)) {
      case 0:
        return text_leaf();
      case 1: {
        const bool not_ = below(2) == 1;
        const bool text = below(2) == 1;
        return {std::string(text ? "s" : "a") + " IS " + (not_ ? "NOT " : "") + "NULL",
                [not_, text](const Row& r) { return known((text ? !r.s : !r.a) != not_); }};
      }
      case 2: {
        static const std::pair<const char*, Truth> kLiterals[] = {{"TRUE", Truth::yes},
                                                                  {"FALSE", Truth::no},
                                                                  {"NULL", Truth::unknown},
                                                                  {"1 = 1", Truth::yes},
                                                                  {"1 < NULL", Truth::unknown}};
        const auto& [sql, truth] = kLiterals[below(5)];
        return {sql, [t = truth](const Row&) { return t; }};
      }
      case 3: {
        Operand x = column();
        std::vector<Operand> items;
        std::string list;
        for (int n = 1 + below(4); n > 0; --n) {
          items.push_back(constant());
          list += (list.empty() ? "" : ", ") + items.back().sql;
        }
        const bool not_ = below(2) == 1;
        return {x.sql + (not_ ? " NOT IN (" : " IN (") + list + ")", [x, items, not_](const Row& r) {
                  Truth any = Truth::no;
                  for (const Operand& item : items) any = either(any, compared(0, x.value(r), item.value(r)));
                  return not_ ? negated(any) : any;
                }};
      }
      case 4: {
        Operand x = column();
        Operand low = constant();
        Operand high = constant();
        const bool not_ = below(2) == 1;
        const bool symmetric = below(2) == 1;
        return {
            x.sql + (not_ ? " NOT" : "") + " BETWEEN " + (symmetric ? "SYMMETRIC " : "") + low.sql + " AND " + high.sql,
            [x, low, high, not_, symmetric](const Row& r) {
              const auto v = x.value(r), l = low.value(r), h = high.value(r);
              Truth in = both(compared(5, v, l), compared(3, v, h));
              if (symmetric) in = either(in, both(compared(5, v, h), compared(3, v, l)));
              return not_ ? negated(in) : in;
            }};
      }
      case 5: {
        Operand x = column();
        Operand y = constant();
        const bool not_ = below(2) == 1;
        const bool mirrored = below(2) == 1;
        const std::string op = not_ ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ";
        return {mirrored ? y.sql + op + x.sql : x.sql + op + y.sql,
                [x, y, not_](const Row& r) { return known((x.value(r) != y.value(r)) != not_); }};
      }
      default: {
        static const char* kOps[] = {"=", "<>", "<", "<=", ">", ">="};
        Operand x = column();
        Operand y = constant();
        if (below(2) == 1) std::swap(x, y);
        const int op = below(6);
        return {x.sql + " " + kOps[op] + " " + y.sql,
                [x, y, op](const Row& r) { return compared(op, x.value(r), y.value(r)); }};
      }
    }
  }

  Condition text_leaf() {
    static const char* kTexts[] = {"", "a", "ab", "b", "ba", "\xC3\xA9"};
    const std::string text = kTexts[below(6)];
    if (below(3) == 0) {
      const bool not_ = below(2) == 1;
      const bool open = below(2) == 1;
      return {std::string("s ") + (not_ ? "NOT " : "") + "LIKE '" + text + (open ? "%'" : "'"),
              [text, not_, open](const Row& r) {
                if (!r.s) return Truth::unknown;
                return known((open ? r.s->substr(0, text.size()) == text : *r.s == text) != not_);
              }};
    }
    static const char* kOps[] = {"=", "<>", "<", "<=", ">", ">="};
    const int op = below(6);
    return {std::string("s ") + kOps[op] + " '" + text + "'", [text, op](const Row& r) {
              if (!r.s) return Truth::unknown;
              const int order = r.s->compare(text);
              const bool results[] = {order == 0, order != 0, order < 0, order <= 0, order > 0, order >= 0};
              return known(results[op]);
            }};
  }

  std::mt19937 random_;
};

const Catalog& mini() {
  static const Catalog catalog{"t",
                               {{"a", table::ColumnType::integer, 0, true},
                                {"b", table::ColumnType::integer, 0, false},
                                {"s", table::ColumnType::text, 0, true},
                                {"d", table::ColumnType::decimal, 1, false}}};
  return catalog;
}

bool holds(const ColumnTest& test, const Row& row) {
  if (test.column == 2) {
    if (!row.s) return test.null_is_true;
    for (const TextInterval& i : test.texts) {
      const bool above = !i.low || (i.low_included ? *row.s >= *i.low : *row.s > *i.low);
      const bool under = !i.high || (i.high_included ? *row.s <= *i.high : *row.s < *i.high);
      if (above && under) return true;
    }
    return false;
  }
  if (test.column == 0 && !row.a) return test.null_is_true;
  const int value = test.column == 0 ? *row.a : test.column == 1 ? row.b : row.d_tenths;
  for (const Interval& i : test.intervals) {
    if (i.low <= value && value <= i.high) return true;
  }
  return false;
}

bool holds(const Predicate& predicate, const Row& row) {
  switch (predicate.kind) {
    case Predicate::Kind::always:
      return true;
    case Predicate::Kind::never:
      return false;
    case Predicate::Kind::test:
      return holds(predicate.test, row);
    case Predicate::Kind::all:
      for (const Predicate& child : predicate.children) {
        if (!holds(child, row)) return false;
      }
      return true;
    case Predicate::Kind::any:
      for (const Predicate& child : predicate.children) {
        if (holds(child, row)) return true;
      }
      return false;
  }
  return false;
}

/// What plan.h promises of every predicate; empty when it holds.
std::string broken_promise(const Predicate& predicate, bool outermost, std::optional<Predicate::Kind> parent) {
  if (predicate.kind == Predicate::Kind::always || predicate.kind == Predicate::Kind::never)
    return outermost ? "" : "always or never inside";
  if (predicate.kind == Predicate::Kind::test) {
    const ColumnTest& test = predicate.test;
    for (std::size_t i = 0; i < test.intervals.size(); ++i) {
      if (test.intervals[i].low > test.intervals[i].high) return "an empty interval";
      if (i > 0 && test.intervals[i].low <= test.intervals[i - 1].high + 1) return "intervals overlap or touch";
    }
    if (test.column == 2 ? !test.intervals.empty() : !test.texts.empty()) return "intervals of the wrong type";
    if (test.intervals.empty() && test.texts.empty() && !test.null_is_true) return "a test that never holds";
    if (test.null_is_true && !mini().columns[test.column].nullable) return "NULL of a column that has none";
    return "";
  }
  if (predicate.children.size() < 2) return "fewer than two children";
  if (predicate.kind == parent) return "a node below one of its kind";
  std::vector<std::size_t> seen;
  for (const Predicate& child : predicate.children) {
    if (child.kind == Predicate::Kind::test) {
      for (const std::size_t column : seen) {
        if (column == child.test.column) return "a column tested twice";
      }
      seen.push_back(child.test.column);
    }
    if (const std::string problem = broken_promise(child, false, predicate.kind); !problem.empty()) return problem;
  }
  return "";
}

TEST(ThreeValuedLogicTest, PlansHoldExactlyWhereSqlSaysTrue) {
  std::vector<Row> rows;
  for (const std::optional<int>& a :
       {std::optional<int>(), std::optional<int>(-3), std::optional<int>(-2), std::optional<int>(-1),
        std::optional<int>(0), std::optional<int>(1), std::optional<int>(2), std::optional<int>(3)}) {
    for (const int b : {-2, 0, 1, 2}) {
      for (const std::optional<std::string>& s :
           {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("a"),
            std::optional<std::string>("aa"), std::optional<std::string>("ab"), std::optional<std::string>("b"),
            std::optional<std::string>("bb"), std::optional<std::string>("\xC3\xA9x")}) {
        for (const int d : {-1, 0, 5, 10, 11, 15, 20}) rows.push_back({a, b, s, d});
      }
    }
  }
  const unsigned first_seed = std::random_device{}();
  int interesting = 0;
  for (unsigned n = 0; n < 600; ++n) {
    const unsigned seed = first_seed + n;
    const Condition condition = Generator(seed).condition(static_cast<int>(n % 6));
    const std::string sql = "SELECT COUNT(*) FROM t WHERE " + condition.sql;
    const auto plan = plan_query(sql, mini());
    ASSERT_TRUE(plan.has_value()) << "seed " << seed << ": " << sql << "\n" << plan.error().message;
    ASSERT_EQ(broken_promise(plan->where, true, std::nullopt), "") << "seed " << seed << ": " << sql << "\n"
                                                                   << describe(*plan);
    for (const Row& row : rows) {
      ASSERT_EQ(holds(plan->where, row), condition.truth(row) == Truth::yes)
          << "seed " << seed << ": " << sql << "\n"
          << describe(*plan) << "a " << (row.a ? std::to_string(*row.a) : "NULL") << " b " << row.b << " s "
          << row.s.value_or("NULL") << " d " << row.d_tenths;
    }
    interesting += plan->where.kind == Predicate::Kind::all || plan->where.kind == Predicate::Kind::any;
  }
  EXPECT_GT(interesting, 100);
}

}  // namespace
}  // namespace prism::sql
