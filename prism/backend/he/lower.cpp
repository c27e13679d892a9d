#include "prism/backend/he/lower.h"

#include <algorithm>

#include "prism/backend/he/indicator.h"
#include "prism/backend/he/refusal.h"

namespace prism::backend::he {

using program::Builder;
using program::Node;
using sealed::Cell;

namespace {

// More groups than this make an answer that nobody reads and that takes minutes to pack.
constexpr std::uint64_t kMostGroups = 4096;

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

Int128 magnitude(const sealed::Column& c) {
  const Int128 low = c.low, high = c.high;
  return std::max(low < 0 ? -low : low, high < 0 ? -high : high);
}

/// What one primitive sums: nodes with a weight 2^(limb_bits*j) each, or "every row" when there is nothing to look at.
struct Value {
  std::vector<Node> limbs;  ///< empty: 1 in every row
  int limb_bits = 0;
  Int128 bound = 1;  ///< of |slot| in any limb
};

class Lowering {
 public:
  Lowering(const sql::Plan& plan, const sealed::Header& header, const Dictionaries& dictionaries, std::string_view sql)
      : plan_(plan),
        header_(header),
        dictionaries_(dictionaries),
        sql_(sql),
        builder_(header.parameters),
        cells_(header, builder_) {}

  Result<Lowered> run() {
    PRISM_CHECKED(check_parts());
    // Tests of a group column choose groups: no product, no depth.
    const sql::Predicate rest = split_conditions();
    PRISM_TRY(auto keys, groups());
    Lowered lowered;
    // A condition meets measures at level 1; with groups it meets the measures first and the groups at level 1.
    const int level = header_.parameters->max_level().value == 0 ? 0 : plan_.group_by.empty() ? 1 : 2;
    PRISM_TRY(const Condition condition, indicator(rest, level, cells_, dictionaries_, sql_));
    if (!condition.possible) {
      if (plan_.group_by.empty()) lowered.groups.push_back({{}, std::vector<PrimitiveSource>(plan_.primitives.size())});
      lowered.program = builder_.finish(program::Delivery::samples);
      return lowered;
    }
    const std::optional<Node> where = condition.node;
    selections_ = (where ? 1 : 0) + (plan_.group_by.empty() ? 0 : 1);
    // With groups every value meets the condition once, then each group: the other order would multiply per group.
    std::vector<Value> values;
    for (const sql::Primitive& primitive : plan_.primitives) {
      PRISM_TRY(Value value, value_of(primitive));
      values.push_back(std::move(value));
    }
    if (!plan_.group_by.empty() && where)
      for (Value& value : values) {
        if (value.limbs.empty()) {
          value.limbs.push_back(*where);
          continue;
        }
        for (Node& limb : value.limbs) {
          PRISM_TRY(limb, builder_.multiply(*where, limb));
          if (builder_.level(limb) < 1)
            return refusal(ErrorCode::level_exhausted, sql_, -1, "he/depth",
                           "a condition together with groups needs one more level than this table has; ask for one of "
                           "them, or seal with a filter column");
        }
      }
    for (auto& [codes, node] : keys) {
      Group group{codes, {}};
      const std::optional<Node> selector = plan_.group_by.empty() ? where : std::optional<Node>(node);
      for (std::size_t p = 0; p < values.size(); ++p) group.primitives.push_back(source(values[p], selector));
      lowered.groups.push_back(std::move(group));
    }
    const bool packs = std::any_of(header_.keys.begin(), header_.keys.end(),
                                   [](const auto& k) { return k.kind == rlwe::KeyId::Kind::automorphism; });
    // One or two samples are smaller than a packed ciphertext and need no further keys.
    const std::size_t outputs = outputs_;
    lowered.program = builder_.finish(packs && outputs > 2 ? program::Delivery::packed : program::Delivery::samples);
    return lowered;
  }

 private:
  using Key = std::pair<std::vector<std::optional<std::uint64_t>>, Node>;

  /// What a plan may hold and no sealed table can answer.
  Status check_parts() const {
    if (plan_.from)
      return only_in_sandbox(sql_, plan_.from->position, "he/tables",
                             "a sealed table is asked alone, without joins and derived tables; join before sealing");
    if (plan_.group_by.size() > 2)
      return only_in_sandbox(sql_, place_of_key(2), "he/group-by-columns",
                             "groups of a sealed table are made by two columns at the most; ask once per value of the "
                             "third column, with WHERE");
    for (const sql::Primitive& primitive : plan_.primitives) {
      if (primitive.kind == sql::Primitive::Kind::count_distinct)
        return only_in_sandbox(sql_, primitive.position, "he/distinct",
                               "encrypted values are not compared with each other, so different ones are not counted; "
                               "write SELECT column ... GROUP BY column and count the rows of the answer");
      if (primitive.kind != sql::Primitive::Kind::count && primitive.kind != sql::Primitive::Kind::sum)
        return only_in_sandbox(sql_, primitive.position, "he/order",
                               "encrypted values are not compared with each other, so they have no minimum, maximum or "
                               "quantile; count the rows beyond a bound, as in SELECT COUNT(*) ... WHERE column > 100, "
                               "and move the bound");
    }
    return {};
  }

  /// Where the query shows a group key; -1 when it does not.
  int place_of_key(std::size_t index) const {
    for (const sql::OutputColumn& output : plan_.outputs)
      if (output.value.op == sql::Expression::Op::key && output.value.index == index) return output.value.position;
    return -1;
  }

  /// Moves tests of GROUP BY columns that every row must satisfy into group_tests_; returns the rest of the condition.
  sql::Predicate split_conditions() {
    using Kind = sql::Predicate::Kind;
    const auto of_group = [&](const sql::Predicate& p) {
      return p.kind == Kind::test &&
             std::find(plan_.group_by.begin(), plan_.group_by.end(), p.test.column) != plan_.group_by.end();
    };
    sql::Predicate rest = plan_.where;
    if (of_group(rest)) {
      group_tests_.push_back(rest.test);
      return {};
    }
    if (rest.kind != Kind::all) return rest;
    std::vector<sql::Predicate> others;
    for (sql::Predicate& child : rest.children) {
      if (of_group(child))
        group_tests_.push_back(child.test);
      else
        others.push_back(std::move(child));
    }
    if (others.empty()) return {};
    if (others.size() == 1) return std::move(others[0]);
    rest.children = std::move(others);
    return rest;
  }

  /// Whether a group's code (absent: NULL) satisfies the tests of its column.
  Result<bool> selected(std::size_t column, const std::optional<std::uint64_t>& code) const {
    for (const sql::ColumnTest& test : group_tests_) {
      if (test.column != column) continue;
      bool inside = !code && test.null_is_true;
      const bool any_value = header_.columns[column].schema.type == table::ColumnType::text && test.texts.size() == 1 &&
                             !test.texts[0].low && !test.texts[0].high;
      if (code && any_value) {
        inside = true;  // IS NOT NULL needs no dictionary
      } else if (code && (!test.texts.empty() || !test.intervals.empty())) {
        PRISM_TRY(const auto codes, codes_of(test, header_.columns[column], dictionaries_, sql_));
        inside = std::any_of(codes.begin(), codes.end(),
                             [&](const CodeInterval& i) { return i.first <= *code && *code <= i.last; });
      }
      if (!inside) return false;
    }
    return true;
  }

  /// The groups that the tests of their columns admit, each with a node that is 1 in its rows.
  Result<std::vector<Key>> groups() {
    if (plan_.group_by.empty()) return std::vector<Key>{{{}, 0}};
    std::vector<std::vector<Key>> columns;
    std::uint64_t product = 1;
    for (const std::size_t c : plan_.group_by) {
      const sealed::Column& column = header_.columns[c];
      if (!column.group)
        return refusal(ErrorCode::refused, sql_, -1, "he/role",
                       "column " + quoted(column.schema.name) + " was not sealed as a group; seal with --role " +
                           column.schema.name + "=group");
      const auto number = static_cast<std::uint32_t>(c);
      std::vector<Key> keys;
      for (std::uint64_t code = 0; code < column.code->size; ++code) {
        PRISM_TRY(const bool wanted, selected(c, code));
        if (wanted)
          keys.push_back({{code}, cells_.node(Cell::Kind::one_hot, number, static_cast<std::uint32_t>(code))});
      }
      PRISM_TRY(const bool nulls, selected(c, std::nullopt));
      if (column.schema.nullable && nulls)
        keys.push_back({{std::nullopt}, cells_.complement(cells_.one_hot_sum(number, 0, column.code->size - 1))});
      product *= keys.size();
      columns.push_back(std::move(keys));
    }
    if (product > kMostGroups)
      return refusal(ErrorCode::refused, sql_, -1, "he/groups",
                     std::to_string(product) + " groups are possible and at most " + std::to_string(kMostGroups) +
                         " can be answered; group by fewer columns");
    if (columns.size() == 1) return std::move(columns[0]);
    std::vector<Key> pairs;
    for (const Key& a : columns[0])
      for (const Key& b : columns[1]) {
        PRISM_TRY(const Node both, builder_.multiply(a.second, b.second));
        pairs.push_back({{a.first[0], b.first[0]}, both});
      }
    return pairs;
  }

  Error too_wide(const sql::Primitive& primitive, const std::string& what, const std::string& advice) const {
    return refusal(ErrorCode::refused, sql_, primitive.position, "he/product", what + "; " + advice);
  }

  Result<Value> limbs(Cell::Kind kind, std::uint32_t column, const sealed::Limbs& encoding) {
    Value value;
    value.limb_bits = encoding.limb_bits;
    value.bound = Int128{1} << (encoding.limb_bits - 1);
    for (int j = 0; j < encoding.count; ++j)
      value.limbs.push_back(cells_.node(kind, column, static_cast<std::uint32_t>(j)));
    return value;
  }

  Result<Value> value_of(const sql::Primitive& primitive) {
    const auto& columns = primitive.columns;
    const bool square = columns.size() == 2 && columns[0] == columns[1];
    if (columns.empty()) {
      Value rows;
      count_rows(rows);
      return rows;
    }
    for (const std::size_t c : columns) {
      const sealed::Column& column = header_.columns[c];
      if (primitive.kind == sql::Primitive::Kind::sum && !column.measure)
        return refusal(ErrorCode::refused, sql_, primitive.position, "he/role",
                       "column " + quoted(column.schema.name) +
                           " was not sealed as a measure, so it cannot be summed; seal with --role " +
                           column.schema.name + "=measure");
    }
    const auto a = static_cast<std::uint32_t>(columns[0]);
    const auto b = static_cast<std::uint32_t>(columns.back());
    // Opened sums are 128-bit integers.
    if (primitive.kind == sql::Primitive::Kind::sum && columns.size() == 2 &&
        magnitude(header_.columns[a]) * magnitude(header_.columns[b]) >
            (Int128{1} << 126) / static_cast<Int128>(std::max<std::uint64_t>(header_.rows, 1)))
      return too_wide(primitive,
                      "the sum of " + header_.columns[a].schema.name + "*" + header_.columns[b].schema.name +
                          " could exceed 126 bits",
                      "seal with narrower --bounds or a lower --scale");
    if (primitive.kind == sql::Primitive::Kind::count) return count_of(primitive, a, b);
    if (columns.size() == 1) return limbs(Cell::Kind::limb, a, *header_.columns[a].value);
    if (square && header_.columns[a].square) return limbs(Cell::Kind::square_limb, a, *header_.columns[a].square);
    for (std::uint32_t p = 0; p < header_.products.size(); ++p)
      if (header_.products[p].a == a && header_.products[p].b == b)
        return limbs(Cell::Kind::product_limb, p, header_.products[p].limbs);
    return computed_product(primitive, a, b, square);
  }

  Result<Value> count_of(const sql::Primitive& primitive, std::uint32_t a, std::uint32_t b) {
    Value value;
    const auto va = header_.columns[a].schema.nullable ? cells_.validity(a) : std::nullopt;
    const auto vb = a != b && header_.columns[b].schema.nullable ? cells_.validity(b) : std::nullopt;
    if (va && vb) {
      for (std::uint32_t p = 0; p < header_.products.size(); ++p)
        if (header_.products[p].a == a && header_.products[p].b == b) {
          value.limbs.push_back(cells_.node(Cell::Kind::product_valid, p));
          return value;
        }
      const std::string name = header_.columns[a].schema.name + "*" + header_.columns[b].schema.name;
      if (std::min(builder_.level(*va), builder_.level(*vb)) < 1 + selections_)
        return too_wide(primitive, "counting " + name + " would need one more level than this table has",
                        "seal with --product " + name);
      PRISM_TRY(const Node both, builder_.multiply(*va, *vb));
      value.limbs.push_back(both);
    } else if (va || vb) {
      value.limbs.push_back(va ? *va : *vb);
    } else {
      count_rows(value);
    }
    return value;
  }

  /// A condition or a group is 0 in rows that are not real; only a bare count has to ask.
  void count_rows(Value& value) {
    if (selections_ > 0) return;
    if (const auto exist = cells_.existence()) value.limbs.push_back(*exist);
  }

  /// a*b in the slots: only when both are one limb and the sum of products cannot wrap.
  Result<Value> computed_product(const sql::Primitive& primitive, std::uint32_t a, std::uint32_t b, bool square) {
    const sealed::Column &ca = header_.columns[a], &cb = header_.columns[b];
    const std::string name = ca.schema.name + "*" + cb.schema.name;
    const std::string advice = square ? "seal without --no-squares" : "seal with --product " + name;
    if (ca.value->count != 1 || cb.value->count != 1)
      return too_wide(primitive, "the values of " + name + " are too wide to multiply under encryption", advice);
    Value value;
    value.bound = magnitude(ca) * magnitude(cb);
    if (value.bound * static_cast<Int128>(header_.rows) >= static_cast<Int128>(header_.parameters->plain_modulus() / 2))
      return too_wide(primitive, "the sum of " + name + " could exceed what this table's numbers hold", advice);
    const Node left = cells_.node(Cell::Kind::limb, a), right = cells_.node(Cell::Kind::limb, b);
    if (header_.measure_level < 1 + selections_)
      return too_wide(primitive, name + " would need one more level than this table has", advice);
    if (selections_ == 0) {
      value.limbs.push_back(builder_.product(left, right));
      return value;
    }
    PRISM_TRY(const Node product, builder_.multiply(left, right));
    value.limbs.push_back(product);
    return value;
  }

  PrimitiveSource source(const Value& value, std::optional<Node> selector) {
    PrimitiveSource out;
    out.limb_bits = value.limb_bits;
    out.output_bound = value.bound * static_cast<Int128>(header_.rows);
    if (value.limbs.empty() && !selector) {
      out.constant = static_cast<Int128>(header_.rows);  // the row count is public
      return out;
    }
    if (value.limbs.empty()) {
      out.outputs.push_back(emit(*selector));
      return out;
    }
    const bool already_selected = value.limbs.size() == 1 && selector && value.limbs[0] == *selector;
    for (const Node limb : value.limbs)
      out.outputs.push_back(emit(selector && !already_selected ? builder_.product(*selector, limb) : limb));
    return out;
  }

  /// Equal nodes are one output, whoever asks.
  std::size_t emit(Node node) {
    const auto [at, fresh] = emitted_.try_emplace(node, outputs_);
    if (fresh) {
      builder_.output(node);
      ++outputs_;
    }
    return at->second;
  }

  const sql::Plan& plan_;
  const sealed::Header& header_;
  const Dictionaries& dictionaries_;
  std::string_view sql_;
  Builder builder_;
  Cells cells_;
  int selections_ = 0;  // products that choose rows, after a value is known: one for a condition, one for groups
  std::vector<sql::ColumnTest> group_tests_;
  std::map<Node, std::size_t> emitted_;
  std::size_t outputs_ = 0;
};

}  // namespace

Dictionaries published_dictionaries(const sealed::Header& header) {
  Dictionaries out;
  for (std::size_t c = 0; c < header.columns.size(); ++c)
    if (header.columns[c].published) out[c] = header.columns[c].dictionary;
  return out;
}

sql::Catalog catalog_of(const sealed::Header& header) {
  sql::Catalog catalog;
  catalog.table = header.name;
  for (const sealed::Column& column : header.columns) catalog.columns.push_back(column.schema);
  return catalog;
}

Result<Lowered> lower(const sql::Plan& plan, const sealed::Header& header, const Dictionaries& dictionaries,
                      std::string_view sql) {
  return Lowering(plan, header, dictionaries, sql).run();
}

}  // namespace prism::backend::he
