#include "prism/sealed/propose.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "prism/program/analysis.h"
#include "prism/sealed/parameters.h"
#include "prism/sealed/writer.h"
#include "prism/table/date.h"
#include "prism/table/decimal.h"

namespace prism::sealed {
namespace {

constexpr std::uint64_t kMostOneHot = 64;   // categories of a filter column before digit codes are smaller
constexpr std::uint64_t kMostGroups = 256;  // categories of a group column
constexpr std::uint64_t kMostProposedGroups = 64;
constexpr std::uint64_t kMostDigitsSize = std::uint64_t{1} << 62;

using table::ColumnType;

// 0001-01-01 and 9999-12-31: what format_date knows. Bounds rounded outwards may lie beyond.
constexpr std::int64_t kFirstDay = -719'162, kLastDay = 2'932'896;

std::string text_of(const table::ColumnSchema& schema, std::int64_t value) {
  if (schema.type == ColumnType::date)
    return value < kFirstDay || value > kLastDay ? std::to_string(value) + " days after 1970-01-01"
                                                 : table::format_date(value);
  return table::format_decimal(value, schema.scale);
}

/// Looks like a row number: whole numbers, all different, and either named so or counting up by one.
bool is_identifier(const table::Column& c, std::size_t rows) {
  if (c.schema.type != ColumnType::integer || c.nulls != 0 || rows < 2) return false;
  bool counts = true;
  for (std::size_t i = 1; i < c.values.size() && counts; ++i) counts = c.values[i] == c.values[i - 1] + 1;
  if (counts) return true;
  if (c.distinct_capped || c.distinct != rows) return false;
  const std::string& n = c.schema.name;
  const auto ends_with_id = n.size() >= 2 && (n.ends_with("id") || n.ends_with("Id") || n.ends_with("ID"));
  return ends_with_id || n == "rownames" || n == "";
}

struct Wanted {
  bool measure = false, filter = false, group = false;
  bool any() const { return measure || filter || group; }
};

std::uint64_t domain_of(const table::Column& c, const SealOptions& options) {
  if (c.schema.type == ColumnType::text) return std::max<std::uint64_t>(1, c.dictionary.size());
  auto [low, high] = rounded_outwards(c.min, c.max);
  for (const auto& [name, bounds] : options.bounds)
    if (table::equal_ignoring_case(name, c.schema.name)) std::tie(low, high) = bounds;
  return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
}

class Proposing {
 public:
  Proposing(const table::Table& table, const SealOptions& options) : table_(table), options_(options) {}

  Result<Proposal> run() {
    PRISM_CHECKED(choose_roles());
    Header& h = proposal_.header;
    h.name = table_.name;
    h.rows = table_.rows;
    if (options_.pad_rows_to) {
      if (*options_.pad_rows_to < table_.rows)
        return fail(ErrorCode::invalid_argument, "--pad-rows ", *options_.pad_rows_to, " is below the table's ",
                    table_.rows, " rows");
      h.rows = *options_.pad_rows_to;
      h.rows_padded = true;
    }
    PRISM_CHECKED(make_columns());
    PRISM_CHECKED(choose_digits());
    PRISM_CHECKED(choose_levels());
    PRISM_CHECKED(make_limbs(proposal_.header.parameters->plain_modulus()));
    plan_keys();
    describe();
    return std::move(proposal_);
  }

 private:
  Result<std::size_t> column(std::string_view name) const { return table::find_column(table_, name); }

  Status choose_roles() {
    wanted_.resize(table_.columns.size());
    if (!options_.roles.empty()) {
      for (const auto& [name, role] : options_.roles) {
        PRISM_TRY(const std::size_t c, column(name));
        (role == Role::measure  ? wanted_[c].measure
         : role == Role::filter ? wanted_[c].filter
                                : wanted_[c].group) = true;
      }
      return {};
    }
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const table::Column& c = table_.columns[i];
      const std::string& name = c.schema.name;
      if (c.nulls == table_.rows) {
        proposal_.left_out.push_back(name + ": has no values");
      } else if (is_identifier(c, table_.rows)) {
        proposal_.left_out.push_back(name + ": looks like a row number (--role " + name + "=filter seals it)");
      } else if (c.schema.type == ColumnType::text) {
        if (c.distinct <= kMostProposedGroups)
          wanted_[i].filter = wanted_[i].group = true;
        else
          proposal_.left_out.push_back(name + ": text with " + std::to_string(c.distinct) +
                                       " different values (--role " + name + "=filter seals it)");
      } else {
        wanted_[i].measure = c.schema.type != ColumnType::date;
        wanted_[i].filter = true;
        wanted_[i].group = domain_of(c, options_) <= 32;
      }
    }
    return {};
  }

  Status make_columns() {
    Header& h = proposal_.header;
    std::set<std::size_t> published;
    for (const std::string& name : options_.publish) {
      PRISM_TRY(const std::size_t c, column(name));
      if (table_.columns[c].schema.type != ColumnType::text)
        return fail(ErrorCode::invalid_argument, "--publish ", name,
                    ": only text columns have a dictionary to publish; the bounds of other columns are public already");
      if (!wanted_[c].filter && !wanted_[c].group)
        return fail(ErrorCode::invalid_argument, "--publish ", name,
                    ": the column is not sealed as filter or group; add --role ", name, "=filter");
      published.insert(c);
    }
    for (const auto& [name, bounds] : options_.bounds) {
      PRISM_TRY(const std::size_t c, column(name));
      if (table_.columns[c].schema.type == ColumnType::text)
        return fail(ErrorCode::invalid_argument, "--bounds ", name, ": a text column has no bounds");
      if (bounds.first > bounds.second)
        return fail(ErrorCode::invalid_argument, "--bounds ", name, ": the lower bound is above the upper one");
    }
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (!wanted_[i].any()) continue;
      const table::Column& from = table_.columns[i];
      Column c;
      c.schema = from.schema;
      c.measure = wanted_[i].measure;
      c.filter = wanted_[i].filter;
      c.group = wanted_[i].group;
      const bool text = from.schema.type == ColumnType::text;
      if (c.measure && (text || from.schema.type == ColumnType::date))
        return fail(ErrorCode::invalid_argument, "column ", c.schema.name, " is ", table::type_text(c.schema),
                    " and cannot be a measure; measures are integers and decimals");
      if (!text) PRISM_CHECKED(set_bounds(from, c));
      if (c.filter || c.group) PRISM_CHECKED(set_code(from, c));
      c.published = published.contains(i);
      if (c.published) c.dictionary = from.dictionary;
      source_.push_back(i);
      h.columns.push_back(std::move(c));
    }
    if (h.columns.empty())
      return fail(ErrorCode::invalid_argument,
                  "nothing would be sealed; name columns with --role COLUMN=measure|filter|group");
    return {};
  }

  Status set_bounds(const table::Column& from, Column& c) {
    std::tie(c.low, c.high) = rounded_outwards(from.min, from.max);
    for (const auto& [name, bounds] : options_.bounds)
      if (table::equal_ignoring_case(name, c.schema.name)) std::tie(c.low, c.high) = bounds;
    for (std::size_t row = 0; row < from.values.size(); ++row)
      if (from.valid[row] != 0 && (from.values[row] < c.low || from.values[row] > c.high))
        return fail(ErrorCode::invalid_argument, "row ", row + 1, " of column ", c.schema.name,
                    " is outside the bounds ", text_of(c.schema, c.low), " to ", text_of(c.schema, c.high),
                    "; widen --bounds");
    if (c.low < -(std::int64_t{1} << 61) || c.high > (std::int64_t{1} << 61))
      return fail(ErrorCode::unsupported, "column ", c.schema.name,
                  " has values beyond 2^61; leave it out, or lower its --scale");
    return {};
  }

  Status set_code(const table::Column& from, Column& c) {
    Code code;
    code.low = from.schema.type == ColumnType::text ? 0 : c.low;
    code.size = from.schema.type == ColumnType::text
                    ? std::max<std::uint64_t>(1, from.dictionary.size())
                    : static_cast<std::uint64_t>(c.high) - static_cast<std::uint64_t>(c.low) + 1;
    if (c.group && code.size > kMostGroups)
      return fail(ErrorCode::invalid_argument, "column ", c.schema.name, " cannot be a group: it has ", code.size,
                  " possible values and at most ", kMostGroups,
                  " are sealed as groups; seal it as filter, or narrow it with --bounds");
    if (c.group || code.size <= kMostOneHot) {
      code.kind = Code::Kind::one_hot;
    } else {
      if (code.size > kMostDigitsSize)
        return fail(ErrorCode::unsupported, "column ", c.schema.name,
                    " spans more values than a filter can compare; narrow it with --bounds");
      code.kind = Code::Kind::digits;
    }
    c.code = code;
    return {};
  }

  /// Digit codes for all wide filter columns at once: deeper comparisons need fewer cells but one more level in every
  /// cell of every filter column, and more products per query. Bytes times a factor per level: compact trades 30 % more
  /// work for fewer bytes, fast hardly any.
  Status choose_digits() {
    std::vector<Column*> wide;
    std::uint64_t narrow_cells = 0;
    for (Column& c : proposal_.header.columns) {
      if (!c.code) continue;
      if (c.code->kind == Code::Kind::digits)
        wide.push_back(&c);
      else if (c.filter)
        narrow_cells += c.code->size;
    }
    if (wide.empty()) return {};
    const double weight = options_.style == SealOptions::Style::compact ? 1.3 : 2.2;
    double best = 0;
    for (int depth = 1; depth <= 5; ++depth) {
      std::uint64_t cells = narrow_cells;
      std::vector<std::vector<std::uint32_t>> bases;
      for (const Column* c : wide) {
        bases.push_back(balanced_bases(c->code->size, std::size_t{1} << depth));
        if (bases.back().empty()) break;
        for (const auto base : bases.back()) cells += base - 1;
      }
      if (bases.back().empty()) continue;
      double cost = static_cast<double>(cells) * (depth + 2);
      for (int d = 0; d < depth; ++d) cost *= weight;
      if (best != 0 && cost >= best) continue;
      best = cost;
      for (std::size_t i = 0; i < wide.size(); ++i) wide[i]->code->bases = bases[i];
    }
    if (best == 0)
      return fail(ErrorCode::unsupported,
                  "a filter column spans more values than digits can cover; narrow it with --bounds");
    return {};
  }

  Status choose_levels() {
    Header& h = proposal_.header;
    Demand d;
    d.rows = h.rows;
    d.security = options_.security;
    int filters = 0, groups = 0;
    for (const Column& c : h.columns) {
      filters += c.filter ? 1 : 0;
      groups += c.group ? 1 : 0;
      if (c.filter && c.code->kind == Code::Kind::digits)
        d.leaf_depth = std::max(d.leaf_depth, leaf_depth(c.code->bases.size()));
    }
    d.filters = filters > 0;
    d.groups = groups > 0;
    const int nesting = options_.nesting >= 0 ? options_.nesting : std::min(2, filters - 1);
    if (d.filters || d.groups) {
      h.measure_level = d.filters && d.groups ? 2 : 1;
      h.group_level = groups >= 2 ? 2 : 1;
      h.predicate_level = d.groups ? 2 : 1;
      h.filter_level = h.predicate_level + d.leaf_depth + (d.filters ? nesting : 0);
      if (!d.filters) h.filter_level = h.predicate_level = std::max(h.measure_level, h.group_level);
    }
    d.measure_level = h.measure_level;
    d.group_level = h.group_level;
    d.predicate_level = h.predicate_level;
    d.filter_level = h.filter_level;
    std::optional<Error> refused;
    auto parameters = choose_parameters(d, [&](std::uint64_t t) {
      if (auto limbs = make_limbs(t); !limbs) {
        refused = std::move(limbs).error();
        return std::numeric_limits<double>::infinity();
      }
      // Limbs count twice: with more of them every query over the measure takes longer, too.
      double rows = 0;
      for (const Cell& c : cells_of(h)) {
        const bool limb =
            c.kind == Cell::Kind::limb || c.kind == Cell::Kind::square_limb || c.kind == Cell::Kind::product_limb;
        rows += (c.level.value + 1) * (limb ? 2 : 1);
      }
      return rows;
    });
    if (!parameters && refused) return std::move(*refused);
    PRISM_TRY(h.parameters, std::move(parameters));
    return {};
  }

  Result<Limbs> limbs_for(Int128 magnitude, const std::string& what, std::uint64_t t) const {
    const int widest = widest_limb_bits(proposal_.header.rows, t);
    int bits = 1;  // smallest with magnitude <= 2^(bits-1)
    while ((Int128{1} << (bits - 1)) < magnitude) ++bits;
    if (bits > 126)
      return fail(ErrorCode::unsupported, "the values of ", what, " are too wide to sum exactly; lower the scale");
    const int count = (bits + widest - 1) / widest;
    if (count > 16)
      return fail(ErrorCode::unsupported, "the values of ", what, " need ", count,
                  " limbs and at most 16 are sealed; lower the scale");
    return Limbs{(bits + count - 1) / count, count};  // even limbs: less noise than one narrow and the rest full
  }

  static Int128 magnitude(const Column& c) {
    const Int128 low = c.low, high = c.high;
    return std::max(low < 0 ? -low : low, high < 0 ? -high : high);
  }

  Status make_limbs(std::uint64_t t) {
    Header& h = proposal_.header;
    h.products.clear();
    for (Column& c : h.columns) {
      if (!c.measure) continue;
      PRISM_TRY(c.value, limbs_for(magnitude(c), c.schema.name, t));
      if (options_.squares) {
        PRISM_TRY(c.square, limbs_for(magnitude(c) * magnitude(c), c.schema.name + "*" + c.schema.name, t));
      }
    }
    for (const auto& [first, second] : options_.products) {
      PRISM_TRY(const std::size_t ta, column(first));
      PRISM_TRY(const std::size_t tb, column(second));
      const auto place = [&](std::size_t table_column) {
        return static_cast<std::uint32_t>(std::find(source_.begin(), source_.end(), table_column) - source_.begin());
      };
      std::uint32_t a = place(ta), b = place(tb);
      for (const auto i : {a, b})
        if (i >= h.columns.size() || !h.columns[i].measure)
          return fail(ErrorCode::invalid_argument, "--product ", first, "*", second,
                      ": both columns must be sealed as measures; add --role for them");
      if (a == b)
        return fail(ErrorCode::invalid_argument, "--product ", first, "*", second,
                    ": squares are sealed with every measure; leave --no-squares out");
      if (a > b) std::swap(a, b);
      const bool there =
          std::any_of(h.products.begin(), h.products.end(), [&](const Product& p) { return p.a == a && p.b == b; });
      if (there) continue;
      PRISM_TRY(const Limbs limbs,
                limbs_for(magnitude(h.columns[a]) * magnitude(h.columns[b]), first + "*" + second, t));
      h.products.push_back({a, b, limbs});
    }
    return {};
  }

  void plan_keys() {
    Header& h = proposal_.header;
    if (h.parameters->rlwe().spec().special_primes.empty()) return;
    // One relinearisation key serves every lower level.
    int top = 1;
    for (const Cell& c : cells_of(h)) top = std::max(top, c.level.value);
    h.keys.push_back({rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{top}});
    const bool groups = std::any_of(h.columns.begin(), h.columns.end(), [](const Column& c) { return c.group; });
    if (!groups) return;
    for (const auto g : program::packing_elements(h.parameters->degree()))
      h.keys.push_back({rlwe::KeyId::Kind::automorphism, g, rlwe::Level{program::kPackLevel}});
  }

  void describe() {
    const Header& h = proposal_.header;
    const auto cells = cells_of(h);
    proposal_.file_bytes = sealed_file_bytes(h);
    std::vector<std::uint64_t> bytes(h.columns.size(), 0), count(h.columns.size(), 0);
    for (const Cell& cell : cells) {
      if (cell.kind == Cell::Kind::exists || cell.kind == Cell::Kind::product_limb ||
          cell.kind == Cell::Kind::product_valid)
        continue;
      bytes[cell.column] += block_bytes(h, cell) / h.parameters->slots();
      ++count[cell.column];
    }
    for (std::size_t i = 0; i < h.columns.size(); ++i) {
      const Column& c = h.columns[i];
      std::string roles;
      for (const auto& [on, name] : {std::pair{c.measure, "measure"}, {c.filter, "filter"}, {c.group, "group"}})
        if (on) roles += (roles.empty() ? "" : ", ") + std::string(name);
      std::string code;
      if (c.code)
        code = c.code->kind == Code::Kind::one_hot ? ", one-hot over " + std::to_string(c.code->size) + " values"
                                                   : ", " + std::to_string(c.code->bases.size()) + " digits over " +
                                                         std::to_string(c.code->size) + " values";
      std::string limbs;
      if (c.value && c.value->count > 1) limbs = ", " + std::to_string(c.value->count) + " limbs";
      proposal_.columns.push_back(c.schema.name + ": " + table::type_text(c.schema) + " as " + roles + code + limbs +
                                  "; " + std::to_string(count[i]) + " cells, " + std::to_string(bytes[i]) +
                                  " bytes a row");
    }
    auto& out = proposal_.becomes_public;
    out.push_back("the table's name: " + h.name);
    out.push_back(h.rows_padded ? "the padded row count: " + std::to_string(h.rows) + " (the true one stays private)"
                                : "the row count: " + std::to_string(h.rows));
    for (const Column& c : h.columns) {
      std::string line = "column " + c.schema.name + ": its name, type " + table::type_text(c.schema) +
                         (c.schema.nullable ? ", that it has NULLs" : ", that it has no NULLs");
      if (c.schema.type != ColumnType::text)
        line += ", bounds " + text_of(c.schema, c.low) + " to " + text_of(c.schema, c.high) + " (rounded outwards)";
      else if (c.published)
        line += ", and all " + std::to_string(c.dictionary.size()) + " different values (--publish)";
      else
        line += ", and how many different values it has: " + std::to_string(c.code->size);
      out.push_back(line);
    }
    for (const Product& p : h.products)
      out.push_back("that the product " + h.columns[p.a].schema.name + "*" + h.columns[p.b].schema.name + " is sealed");
    out.push_back("which keyring sealed it (a random name), roles, encodings, parameters and evaluation keys");
  }

  const table::Table& table_;
  const SealOptions& options_;
  std::vector<Wanted> wanted_;
  std::vector<std::size_t> source_;  // header column -> table column
  Proposal proposal_;
};

}  // namespace

Result<Proposal> propose(const table::Table& table, const SealOptions& options) {
  return Proposing(table, options).run();
}

Result<Role> role_from(std::string_view name) {
  if (name == "measure") return Role::measure;
  if (name == "filter") return Role::filter;
  if (name == "group") return Role::group;
  return fail(ErrorCode::invalid_argument, "'", name, "' is not a role; roles are measure, filter and group");
}

std::pair<std::int64_t, std::int64_t> rounded_outwards(std::int64_t low, std::int64_t high) {
  const Int128 span = std::max<Int128>(1, static_cast<Int128>(high) - low);
  Int128 grain = 1;
  while (grain * 10 <= span) grain *= 10;
  const auto down = [&](Int128 v) { return (v >= 0 ? v / grain : -((-v + grain - 1) / grain)) * grain; };
  const Int128 floor = down(low), ceiling = -down(-static_cast<Int128>(high));
  return {static_cast<std::int64_t>(std::max<Int128>(floor, INT64_MIN)),
          static_cast<std::int64_t>(std::min<Int128>(ceiling, INT64_MAX))};
}

std::vector<std::uint32_t> balanced_bases(std::uint64_t size, std::size_t digits) {
  const auto product_reaches = [&](const std::vector<std::uint32_t>& bases) {
    Uint128 product = 1;
    for (const auto base : bases) {
      product *= base;
      if (product >= size) return true;
    }
    return product >= size;
  };
  std::vector<std::uint32_t> bases(digits, 2);
  // Raising the smallest radix first keeps the sum of radices least for the product reached.
  for (std::size_t next = 0; !product_reaches(bases); next = (next + 1) % digits) {
    if (++bases[next] > 4096) return {};
  }
  // Radix 2 in every digit may be more than enough: fewer digits then.
  while (bases.size() > 1) {
    std::vector<std::uint32_t> fewer(bases.begin(), bases.end() - 1);
    if (!product_reaches(fewer)) break;
    bases = fewer;
  }
  return bases;
}

int leaf_depth(std::size_t digits) {
  int depth = 0;
  while ((std::size_t{1} << depth) < digits) ++depth;
  return depth;
}

}  // namespace prism::sealed
