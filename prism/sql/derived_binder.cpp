#include <algorithm>

#include "prism/sql/internal/clauses.h"
#include "prism/sql/internal/from_binder.h"

namespace prism::sql::internal {
namespace {

using Kind = DerivedColumn::Kind;

constexpr std::size_t kMostOutputs = 256;

bool has_aggregate(const Select& select) {
  return std::any_of(select.targets.begin(), select.targets.end(),
                     [](const Select::Target& target) { return target.value.has_call; });
}

/// What the rows of a derived table hold in this column.
table::ColumnSchema schema_of(const DerivedColumn& column, const Catalog& inner, bool one_row) {
  table::ColumnSchema out;
  if (column.column) out = inner.columns[*column.column];
  if (column.kind == Kind::count) out = {{}, table::ColumnType::integer, 0, false};
  // The one group without keys may be empty.
  if (column.kind != Kind::count && column.kind != Kind::column) out.nullable = out.nullable || one_row;
  out.name = column.name;
  return out;
}

}  // namespace

Status FromBinder::check_derived(const Select& select) const {
  if (select.having)
    return query_.refuse(ErrorCode::unsupported, select.having->position, "sql/derived-table",
                         "HAVING inside a derived table is not answered",
                         "name the aggregate with AS, and put the condition into the outer WHERE");
  if (!select.order.empty())
    return query_.refuse(ErrorCode::unsupported, select.order[0].value.position, "sql/derived-table",
                         "the rows of a derived table have no order", "put ORDER BY at the end of the outer query");
  if (select.limit || select.offset)
    return query_.refuse(ErrorCode::unsupported, (select.limit ? select.limit : select.offset)->position,
                         "sql/derived-table", "LIMIT and OFFSET inside a derived table are not answered",
                         "choose rows with WHERE");
  return {};
}

Result<Relation> FromBinder::bind_derived(const FromPart& part) {
  const Select& select = part.query[0];
  PRISM_TRY(Source source, bind(select));
  PRISM_CHECKED(check_derived(select));
  Relation out;
  out.kind = Relation::Kind::derived;
  out.position = part.position;
  out.catalog.table = part.alias;
  PRISM_TRY(out.where, where(source));
  const ColumnFinder columns(query_, source.scope);
  PRISM_TRY(out.group_by, ClauseBinder(query_, select, columns).groups());
  std::sort(out.group_by.begin(), out.group_by.end());
  out.grouped = !out.group_by.empty() || has_aggregate(select);
  out.parts.push_back(std::move(source.relation));
  for (const Select::Target& target : select.targets) {
    if (target.value.kind == Node::Kind::column && target.value.star) {
      PRISM_TRY(const auto all, columns.all(target.value));
      if (out.outputs.size() + all.size() > kMostOutputs)
        return query_.refuse(ErrorCode::unsupported, target.value.position, "sql/size",
                             "a derived table has more than 256 columns", "name the columns that are needed");
      for (const std::size_t column : all) {
        PRISM_CHECKED(check_grouped(column, target.value, columns, out));
        out.outputs.push_back({Kind::column, column, source.scope.names[column], target.value.position});
      }
      continue;
    }
    PRISM_TRY(DerivedColumn column, bind_output(target, columns, out));
    out.outputs.push_back(std::move(column));
  }
  for (const DerivedColumn& column : out.outputs)
    out.catalog.columns.push_back(schema_of(column, out.parts[0].catalog, out.grouped && out.group_by.empty()));
  return out;
}

Status FromBinder::check_grouped(std::size_t column, const Node& node, const ColumnFinder& columns,
                                 const Relation& relation) const {
  if (!relation.grouped || std::binary_search(relation.group_by.begin(), relation.group_by.end(), column)) return {};
  return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/plain-column",
                       "\"" + columns.written(column) + "\" has several values per group of this derived table",
                       "add it to GROUP BY, or put it inside SUM, MIN or MAX");
}

Result<DerivedColumn> FromBinder::bind_output(const Select::Target& target, const ColumnFinder& columns,
                                              const Relation& relation) const {
  const Node& node = target.value;
  const auto refuse = [&](std::string_view why, std::string_view hint) {
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/derived-table", why, hint);
  };
  DerivedColumn out;
  out.name = target.name;
  out.position = node.position;
  if (node.kind == Node::Kind::column) {
    PRISM_TRY(out.column, columns.find(node));
    PRISM_CHECKED(check_grouped(*out.column, node, columns, relation));
    return out;
  }
  constexpr std::string_view kWanted = "a derived table selects columns, COUNT, SUM, MIN and MAX";
  if (node.kind != Node::Kind::call) return refuse(kWanted, "do the arithmetic in the outer query");
  if (node.text == "avg") return refuse(kWanted, "select SUM and COUNT, and take their quotient in the outer query");
  if (node.text != "count" && node.text != "sum" && node.text != "min" && node.text != "max")
    return refuse(kWanted, "aggregate in the outer query");
  if (node.distinct && node.text != "min" && node.text != "max")
    return refuse("DISTINCT inside a derived table is not answered",
                  "make the values different with a further derived table that has GROUP BY");
  const bool rows = node.star || (node.text == "count" && node.arguments.size() == 1 && !node.arguments[0].has_column &&
                                  !node.arguments[0].has_call && node.arguments[0].kind != Node::Kind::null);
  if (rows && node.text == "count") {
    out.kind = Kind::count;
    return out;
  }
  if (node.arguments.size() != 1 || node.arguments[0].kind != Node::Kind::column || node.within)
    return refuse("an aggregate of a derived table takes one plain column", "do the arithmetic in the outer query");
  const Node& argument = node.arguments[0];
  PRISM_TRY(const std::size_t column, columns.find(argument));
  const table::ColumnSchema& schema = relation.parts[0].catalog.columns[column];
  if (node.text == "count") {
    out.kind = Kind::count;
    if (schema.nullable) out.column = column;
    return out;
  }
  out.column = column;
  out.kind = node.text == "sum" ? Kind::sum : node.text == "min" ? Kind::minimum : Kind::maximum;
  const bool date = schema.type == table::ColumnType::date;
  if (schema.type == table::ColumnType::text || (date && out.kind == Kind::sum))
    return query_.refuse(
        ErrorCode::invalid_argument, argument.position, "sql/type",
        std::string(out.kind == Kind::sum ? "SUM wants numbers" : "MIN and MAX want numbers or dates") + ", and \"" +
            columns.written(column) + "\" holds " + (date ? "dates" : "text"),
        "write COUNT(" + argument.text + ")");
  return out;
}

}  // namespace prism::sql::internal
