#include "prism/backend/he/indicator.h"

#include <algorithm>
#include <string>

#include "prism/backend/he/refusal.h"

namespace prism::backend::he {

using program::Builder;
using program::Node;
using sealed::Cell;
using sealed::Code;
using sql::Predicate;

namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

// ---- one column
// -------------------------------------------------------------------------------------------------------

/// lt: the digits from here on are below the constant's; eq: they equal it. Absent lt is 0; eq is absent when nobody
/// asked for it.
struct Compared {
  std::optional<Node> lt, eq;
};

/// Digits [first, last) of a column against those of a constant, as a balanced tree: (lt, eq)(lt', eq') = (lt + eq lt',
/// eq eq').
class DigitComparison {
 public:
  DigitComparison(std::uint32_t column, const Code& code, std::uint64_t constant, Cells& cells)
      : column_(column), code_(code), cells_(cells), digits_(code.bases.size()) {
    for (std::size_t i = code.bases.size(); i-- > 0;) {
      digits_[i] = static_cast<std::uint32_t>(constant % code.bases[i]);
      constant /= code.bases[i];
    }
    check(constant == 0, "a constant beyond the code's digits");
  }

  Result<Node> less() {
    PRISM_TRY(const Compared c, tree(0, digits_.size(), true, false));
    check(c.lt.has_value(), "below zero is nobody");
    return *c.lt;
  }
  Result<Node> equal() {
    PRISM_TRY(const Compared c, tree(0, digits_.size(), false, true));
    return *c.eq;
  }

 private:
  Builder& builder() { return cells_.builder(); }
  Node threshold(std::size_t digit, std::uint32_t c) {
    return cells_.node(Cell::Kind::thermometer, column_, static_cast<std::uint32_t>(digit), c);
  }
  /// "1" at this digit: at the leading digit it is "not NULL", so that NULLs and empty slots are 0 in every product;
  /// below, anything that is 1 for real values.
  Node one_minus(std::size_t digit, Node x) {
    if (digit == 0)
      if (const auto valid = cells_.validity(column_)) return builder().subtract(*valid, x);
    return builder().add_rows(builder().scale(x, -1), 1);
  }

  Compared leaf(std::size_t i, bool want_lt, bool want_eq) {
    const std::uint32_t d = digits_[i], base = code_.bases[i];
    Compared out;
    if (want_lt && d > 0) out.lt = one_minus(i, threshold(i, d));
    if (want_eq) {
      if (d == 0)
        out.eq = one_minus(i, threshold(i, 1));
      else if (d + 1 == base)
        out.eq = threshold(i, d);
      else
        out.eq = builder().subtract(threshold(i, d), threshold(i, d + 1));
    }
    return out;
  }

  Result<Compared> tree(std::size_t first, std::size_t last, bool want_lt, bool want_eq) {
    if (last - first == 1) return leaf(first, want_lt, want_eq);
    // The larger power of two goes left, so that depth is ceil(log2 of the number of digits).
    std::size_t half = 1;
    while (half * 2 < last - first) half *= 2;
    PRISM_TRY(const Compared low, tree(first + half, last, want_lt, want_eq));
    PRISM_TRY(const Compared high, tree(first, first + half, want_lt, want_eq || low.lt.has_value()));
    Compared out;
    if (want_lt) {
      out.lt = high.lt;
      if (low.lt) {
        std::vector<Builder::LinearTerm> linear;
        if (high.lt) linear.push_back({1, *high.lt});
        PRISM_TRY(out.lt, builder().combine({{1, *high.eq, *low.lt}}, linear, 0));
      }
    }
    if (want_eq) {
      PRISM_TRY(out.eq, builder().multiply(*high.eq, *low.eq));
    }
    return out;
  }

  std::uint32_t column_;
  const Code& code_;
  Cells& cells_;
  std::vector<std::uint32_t> digits_;
};

/// A column's codes inside some intervals: at least one interval, and not every code.
Result<Node> inside(std::uint32_t column, const Code& code, const std::vector<CodeInterval>& intervals, Cells& cells) {
  Builder& builder = cells.builder();
  std::optional<Node> total;
  const auto add = [&](Node x) { total = total ? builder.add(*total, x) : x; };
  for (const CodeInterval& i : intervals) {
    if (code.kind == Code::Kind::one_hot) {
      add(cells.one_hot_sum(column, i.first, i.last));
    } else if (i.first == i.last) {
      PRISM_TRY(const Node eq, DigitComparison(column, code, i.first, cells).equal());
      add(eq);
    } else if (i.last + 1 == code.size) {
      PRISM_TRY(const Node start, DigitComparison(column, code, i.first, cells).less());
      const auto valid = cells.validity(column);
      add(valid ? builder.subtract(*valid, start) : cells.complement(start));
    } else {
      PRISM_TRY(const Node end, DigitComparison(column, code, i.last + 1, cells).less());
      if (i.first == 0) {
        add(end);
        continue;
      }
      PRISM_TRY(const Node start, DigitComparison(column, code, i.first, cells).less());
      add(builder.subtract(end, start));
    }
  }
  return *total;
}

/// Indicator of a subformula: a constant, or a node.
struct Truth {
  bool constant = false;  ///< meaningful when node is absent
  std::optional<Node> node{};
};

Result<Truth> test_indicator(const sql::ColumnTest& test, Cells& cells, const Dictionaries& dictionaries,
                             std::string_view sql) {
  const sealed::Column& column = cells.header().columns[test.column];
  const auto number = static_cast<std::uint32_t>(test.column);
  Builder& builder = cells.builder();
  // IS [NOT] NULL needs to know only which values are there, whatever role the column has.
  bool every_value =
      column.schema.type == table::ColumnType::text
          ? test.texts.size() == 1 && !test.texts[0].low && !test.texts[0].high
          : test.intervals.size() == 1 && test.intervals[0].low == INT64_MIN && test.intervals[0].high == INT64_MAX;
  std::vector<CodeInterval> intervals;
  if (!every_value && (!test.intervals.empty() || !test.texts.empty())) {
    if (!column.code)
      return refusal(ErrorCode::refused, sql, test.position, "he/role",
                     "column " + quoted(column.schema.name) +
                         " was not sealed as a filter, so its values cannot be compared; seal with --role " +
                         column.schema.name + "=filter");
    PRISM_TRY(intervals, codes_of(test, column, dictionaries, sql));
    every_value = intervals.size() == 1 && intervals[0].first == 0 && intervals[0].last + 1 == column.code->size;
  }
  const bool nulls_too = test.null_is_true && column.schema.nullable;
  if (every_value) {
    const auto rows = nulls_too || !column.schema.nullable ? cells.existence() : cells.validity(number);
    return rows ? Truth{false, rows} : Truth{true, {}};
  }
  Truth truth;
  if (!intervals.empty()) {
    PRISM_TRY(truth.node, inside(number, *column.code, intervals, cells));
  }
  if (nulls_too) {
    const Node nulls = cells.complement(*cells.validity(number));
    truth.node = truth.node ? builder.add(*truth.node, nulls) : nulls;
  }
  return truth;
}

// ---- whole conditions
// ---------------------------------------------------------------------------------------------------

class Formula {
 public:
  Formula(Cells& cells, const Dictionaries& dictionaries, std::string_view sql)
      : cells_(cells), dictionaries_(dictionaries), sql_(sql) {}

  /// Evaluates with some tests (by address) already decided.
  Result<Truth> evaluate(const Predicate& p, const std::vector<std::pair<const Predicate*, bool>>& decided = {}) {
    switch (p.kind) {
      case Predicate::Kind::always:
        return Truth{true, {}};
      case Predicate::Kind::never:
        return Truth{false, {}};
      case Predicate::Kind::test: {
        for (const auto& [which, value] : decided)
          if (which == &p) return Truth{value, {}};
        return test_indicator(p.test, cells_, dictionaries_, sql_);
      }
      case Predicate::Kind::all:
      case Predicate::Kind::any: {
        const bool conjunction = p.kind == Predicate::Kind::all;
        std::vector<Node> nodes;
        for (const Predicate& child : p.children) {
          PRISM_TRY(const Truth truth, evaluate(child, decided));
          if (truth.node)
            nodes.push_back(*truth.node);
          else if (truth.constant != conjunction)
            return Truth{!conjunction, {}};
        }
        if (nodes.empty()) return Truth{conjunction, {}};
        PRISM_TRY(const Node joined, join(nodes, conjunction));
        return Truth{false, joined};
      }
    }
    check(false, "unknown Predicate::Kind");
    return Truth{};
  }

  /// AND or OR of several, shallowest (highest level) first: depth log2 of the sum of 2^depth.
  Result<Node> join(std::vector<Node> nodes, bool conjunction) {
    Builder& b = cells_.builder();
    while (nodes.size() > 1) {
      std::stable_sort(nodes.begin(), nodes.end(), [&](Node x, Node y) { return b.level(x) > b.level(y); });
      const Node x = nodes[0], y = nodes[1];
      nodes.erase(nodes.begin(), nodes.begin() + 2);
      if (conjunction) {
        PRISM_TRY(const Node both, b.multiply(x, y));
        nodes.push_back(both);
      } else {
        PRISM_TRY(const Node either, b.combine({{-1, x, y}}, {{1, x}, {1, y}}, 0));
        nodes.push_back(either);
      }
    }
    return nodes[0];
  }

  /// The formula as a polynomial in its range tests d_1..d_k: sum over subsets S of (product of S) * A_S, where A_S is
  /// a signed sum of the formula with the tests decided. Range tests are deep; everything else is folded into the A_S
  /// before it meets them.
  Result<Truth> multilinear(const Predicate& p, const std::vector<const Predicate*>& candidates) {
    Builder& b = cells_.builder();
    std::vector<const Predicate*> deep;
    std::vector<Node> deep_nodes;
    for (const Predicate* d : candidates) {
      PRISM_TRY(const Truth truth, evaluate(*d));
      if (!truth.node) continue;  // decided by the column's bounds alone
      deep.push_back(d);
      deep_nodes.push_back(*truth.node);
    }
    const std::size_t k = deep.size();
    std::vector<Truth> decided(std::size_t{1} << k);
    for (std::size_t subset = 0; subset < decided.size(); ++subset) {
      std::vector<std::pair<const Predicate*, bool>> values;
      for (std::size_t i = 0; i < k; ++i) values.emplace_back(deep[i], (subset >> i & 1) != 0);
      PRISM_TRY(decided[subset], evaluate(p, values));
    }
    std::vector<Builder::Term> products;
    std::vector<Builder::LinearTerm> linear;
    std::int64_t rows = 0;
    for (std::size_t subset = 0; subset < decided.size(); ++subset) {
      // A_S = sum over T in S of (-1)^|S \ T| F_T, by inclusion and exclusion.
      std::int64_t constant = 0;
      std::map<Node, std::int64_t> factors;
      for (std::size_t t = subset;; t = (t - 1) & subset) {
        const std::int64_t sign = __builtin_popcountll(subset ^ t) % 2 == 0 ? 1 : -1;
        if (decided[t].node)
          factors[*decided[t].node] += sign;
        else if (decided[t].constant)
          constant += sign;
        if (t == 0) break;
      }
      std::erase_if(factors, [](const auto& f) { return f.second == 0; });
      if (factors.empty() && constant == 0) continue;
      std::vector<Node> chosen;
      for (std::size_t i = 0; i < k; ++i)
        if ((subset >> i & 1) != 0) chosen.push_back(deep_nodes[i]);
      if (chosen.empty()) {
        for (const auto& [node, factor] : factors) linear.push_back({factor, node});
        rows += constant;
        continue;
      }
      if (factors.empty()) {
        PRISM_TRY(const Node all, join(chosen, true));
        linear.push_back({constant, all});
        continue;
      }
      std::vector<Node> terms;
      for (const auto& [node, factor] : factors) terms.push_back(b.scale(node, factor));
      const Node coefficient = b.add_rows(b.sum(terms), constant);
      // The coefficient joins the shallowest deep test first, then everything is multiplied as usual; the last product
      // stays open for the sum.
      chosen.push_back(coefficient);
      while (chosen.size() > 2) {
        std::stable_sort(chosen.begin(), chosen.end(), [&](Node x, Node y) { return b.level(x) > b.level(y); });
        PRISM_TRY(const Node pair, b.multiply(chosen[0], chosen[1]));
        chosen.erase(chosen.begin(), chosen.begin() + 2);
        chosen.push_back(pair);
      }
      products.push_back({1, chosen[0], chosen[1]});
    }
    if (products.empty()) {
      if (linear.empty()) return Truth{rows != 0, {}};
      std::vector<Node> terms;
      for (const auto& term : linear) terms.push_back(b.scale(term.a, term.factor));
      return Truth{false, with_rows(b.sum(terms), rows)};
    }
    PRISM_TRY(const Node total, b.combine(products, linear, 0));
    return Truth{false, with_rows(total, rows)};
  }

 private:
  Node with_rows(Node node, std::int64_t rows) {
    if (rows == 0) return node;
    if (const auto exist = cells_.existence()) return cells_.builder().add(node, cells_.builder().scale(*exist, rows));
    return cells_.builder().add_rows(node, rows);
  }

  Cells& cells_;
  const Dictionaries& dictionaries_;
  std::string_view sql_;
};

/// A comparison of a column that is not a filter: its cells are sealed shallower than a filter's.
const sql::ColumnTest* shallow_test(const Predicate& p, const sealed::Header& header) {
  if (p.kind == Predicate::Kind::test && !header.columns[p.test.column].filter &&
      (!p.test.intervals.empty() || !p.test.texts.empty()))
    return &p.test;
  for (const Predicate& child : p.children)
    if (const sql::ColumnTest* found = shallow_test(child, header)) return found;
  return nullptr;
}

void collect_deep(const Predicate& p, const sealed::Header& header, std::vector<const Predicate*>& out) {
  if (p.kind == Predicate::Kind::test) {
    const auto& code = header.columns[p.test.column].code;
    const bool compares = !p.test.intervals.empty() || !p.test.texts.empty();
    if (compares && code && code->kind == Code::Kind::digits) out.push_back(&p);
  }
  for (const Predicate& child : p.children) collect_deep(child, header, out);
}

}  // namespace

Result<std::vector<CodeInterval>> codes_of(const sql::ColumnTest& test, const sealed::Column& column,
                                           const Dictionaries& dictionaries, std::string_view sql) {
  std::vector<CodeInterval> codes;
  const Code& code = *column.code;
  if (column.schema.type != table::ColumnType::text) {
    const auto highest = static_cast<std::int64_t>(static_cast<std::uint64_t>(code.low) + code.size - 1);
    for (const sql::Interval& i : test.intervals) {
      const std::int64_t low = std::max(i.low, code.low), high = std::min(i.high, highest);
      if (low > high) continue;
      codes.push_back({static_cast<std::uint64_t>(low) - static_cast<std::uint64_t>(code.low),
                       static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(code.low)});
    }
    return codes;
  }
  const auto entries = dictionaries.find(test.column);
  if (entries == dictionaries.end())
    return refusal(
        ErrorCode::refused, sql, test.position, "he/private-dictionary",
        "the values of column " + quoted(column.schema.name) +
            " are private, so a literal cannot be found among them; ask the owner for an exported dictionary (prism "
            "dictionary) and pass it with --dictionary, or have the column sealed with --publish " +
            column.schema.name);
  const std::vector<std::string>& words = entries->second;
  if (std::max<std::uint64_t>(1, words.size()) != code.size)
    return fail(ErrorCode::mismatch, "the dictionary of column ", quoted(column.schema.name), " has ", words.size(),
                " values where ", code.size, " were sealed; it belongs to another table");
  for (const sql::TextInterval& i : test.texts) {
    auto first = words.begin();
    auto last = words.end();
    if (i.low)
      first = i.low_included ? std::lower_bound(words.begin(), words.end(), *i.low)
                             : std::upper_bound(words.begin(), words.end(), *i.low);
    if (i.high)
      last = i.high_included ? std::upper_bound(words.begin(), words.end(), *i.high)
                             : std::lower_bound(words.begin(), words.end(), *i.high);
    if (first >= last) continue;
    const auto from = static_cast<std::uint64_t>(first - words.begin()),
               to = static_cast<std::uint64_t>(last - words.begin()) - 1;
    if (!codes.empty() && codes.back().last + 1 == from)
      codes.back().last = to;
    else
      codes.push_back({from, to});
  }
  return codes;
}

Result<Condition> indicator(const Predicate& predicate, int level, Cells& cells, const Dictionaries& dictionaries,
                            std::string_view sql) {
  if (predicate.kind == Predicate::Kind::never) return Condition{false, {}};
  if (predicate.kind == Predicate::Kind::always) return Condition{true, {}};
  Formula formula(cells, dictionaries, sql);
  const auto fits = [&](const Result<Truth>& truth) {
    return truth && (!truth->node || cells.builder().level(*truth->node) >= level);
  };
  auto truth = formula.evaluate(predicate);
  if (!truth && truth.error().code != ErrorCode::level_exhausted) return std::move(truth).error();
  if (!fits(truth)) {
    std::vector<const Predicate*> deep;
    collect_deep(predicate, cells.header(), deep);
    constexpr std::size_t kMostDeep = 4;  // 2^k cofactors
    if (!deep.empty() && deep.size() <= kMostDeep) {
      auto other = formula.multilinear(predicate, deep);
      if (fits(other)) truth = std::move(other);
    }
  }
  if (!fits(truth)) {
    if (const sql::ColumnTest* test = shallow_test(predicate, cells.header()))
      return refusal(
          ErrorCode::refused, sql, test->position, "he/role",
          "column " + quoted(cells.header().columns[test->column].schema.name) +
              " was not sealed as a filter, so this condition goes deeper than it is held; seal with --role " +
              cells.header().columns[test->column].schema.name + "=filter");
    return refusal(ErrorCode::level_exhausted, sql, predicate.test.position, "he/depth",
                   "the condition combines more columns than this table was sealed for; drop a comparison, or seal "
                   "again with a larger --nesting");
  }
  return Condition{truth->node.has_value() || truth->constant, truth->node};
}

}  // namespace prism::backend::he
