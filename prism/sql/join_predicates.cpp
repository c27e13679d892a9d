#include <algorithm>
#include <map>

#include "prism/sql/internal/encode.h"
#include "prism/sql/internal/predicate_binder.h"

namespace prism::sql::internal {
namespace {

using Kind = Predicate::Kind;

bool is_text(const ColumnTest& test, const Catalog& catalog) {
  return catalog.columns[test.column].type == table::ColumnType::text;
}

/// Many tests of one column: all of them, or any of them.
ColumnTest merged(const std::vector<ColumnTest>& tests, bool all, const Catalog& catalog) {
  ColumnTest out = tests[0];
  if (tests.size() == 1) return out;
  const auto merge = [&](const auto& set_of, auto assign) {
    auto set = set_of(tests[0]);
    if (all) {
      for (std::size_t i = 1; i < tests.size(); ++i) set = set.intersect(set_of(tests[i]));
    } else {
      using Set = decltype(set);
      std::vector<typename Set::Range> ranges;
      for (const ColumnTest& test : tests) {
        const auto one = set_of(test);
        ranges.insert(ranges.end(), one.ranges().begin(), one.ranges().end());
      }
      set = Set::of(std::move(ranges));
    }
    assign(set);
  };
  if (is_text(out, catalog))
    merge([](const ColumnTest& t) { return to_set(t.texts); }, [&](const TextSet& s) { out.texts = to_intervals(s); });
  else
    merge([](const ColumnTest& t) { return to_set(t.intervals); },
          [&](const NumberSet& s) { out.intervals = to_intervals(s); });
  for (const ColumnTest& test : tests) {
    out.null_is_true = all ? out.null_is_true && test.null_is_true : out.null_is_true || test.null_is_true;
    if (test.position >= 0 && (out.position < 0 || test.position < out.position)) out.position = test.position;
  }
  return out;
}

void flatten(Kind kind, std::vector<Predicate>&& from, std::vector<Predicate>& out) {
  for (Predicate& child : from) {
    if (child.kind == kind)
      flatten(kind, std::move(child.children), out);
    else
      out.push_back(std::move(child));
  }
}

}  // namespace

Predicate simplified(ColumnTest test, const Catalog& catalog) {
  const bool nullable = catalog.columns[test.column].nullable;
  test.null_is_true = test.null_is_true && nullable;
  const bool text = is_text(test, catalog);
  const bool empty = text ? test.texts.empty() : test.intervals.empty();
  if (empty && !test.null_is_true) return {Kind::never};
  const bool full = !empty && (text ? to_set(test.texts).is_full() : to_set(test.intervals).is_full());
  if (full && (test.null_is_true || !nullable)) return {Kind::always};
  return {Kind::test, std::move(test)};
}

Predicate join(Kind kind, std::vector<Predicate> children, const Catalog& catalog) {
  const Kind neutral = kind == Kind::all ? Kind::always : Kind::never;
  const Kind decisive = kind == Kind::all ? Kind::never : Kind::always;
  std::vector<Predicate> flat;
  flatten(kind, std::move(children), flat);
  std::map<std::size_t, std::vector<ColumnTest>> tests;
  std::vector<Predicate> rest;
  for (Predicate& child : flat) {
    if (child.kind == decisive) return {decisive};
    if (child.kind == neutral) continue;
    if (child.kind == Kind::test)
      tests[child.test.column].push_back(std::move(child.test));
    else
      rest.push_back(std::move(child));
  }
  std::vector<Predicate> out;
  for (const auto& [column, group] : tests) {
    Predicate one = simplified(merged(group, kind == Kind::all, catalog), catalog);
    if (one.kind == decisive) return {decisive};
    if (one.kind != neutral) out.push_back(std::move(one));
  }
  // A fixed order makes plans of the same question equal: tests by column, then the rest by their bytes, each once.
  std::map<Bytes, Predicate> ordered;
  for (Predicate& child : rest) {
    Bytes bytes = encode_predicate(child);
    ordered.try_emplace(std::move(bytes), std::move(child));
  }
  for (auto& [bytes, child] : ordered) out.push_back(std::move(child));
  if (out.empty()) return {neutral};
  if (out.size() == 1) return std::move(out[0]);
  Predicate joined{kind};
  joined.children = std::move(out);
  return joined;
}

}  // namespace prism::sql::internal
