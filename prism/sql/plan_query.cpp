#include <algorithm>

#include "prism/sql/internal/clauses.h"
#include "prism/sql/internal/expression_binder.h"
#include "prism/sql/internal/from_binder.h"
#include "prism/sql/internal/literal.h"
#include "prism/sql/internal/syntax.h"
#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

using internal::ClauseBinder;
using internal::ColumnFinder;
using internal::ExpressionBinder;
using internal::FromBinder;
using internal::Node;
using internal::QueryText;
using internal::Select;
using internal::Source;

/// One SELECT on its way to a plan: FROM, GROUP BY, WHERE, then what is selected, kept and ordered.
class SelectBinder {
 public:
  SelectBinder(const QueryText& query, const Select& select, const Source& source)
      : query_(query),
        select_(select),
        source_(source),
        columns_(query, source.scope),
        clauses_(query, select, columns_),
        expressions_(query, columns_, plan_) {}
  SelectBinder(const SelectBinder&) = delete;
  SelectBinder& operator=(const SelectBinder&) = delete;

  Result<Plan> bind(const FromBinder& from) {
    bind_source();
    PRISM_TRY(plan_.group_by, clauses_.groups());
    if (!plan_.group_by.empty()) expressions_.primitive(Primitive::Kind::count, {}, -1);
    PRISM_TRY(plan_.where, from.where(source_));
    for (const Select::Target& target : select_.targets) {
      PRISM_TRY(Expression value, expressions_.bind(target.value));
      plan_.outputs.push_back({target.name, std::move(value)});
    }
    if (select_.having) {
      PRISM_TRY(plan_.having, expressions_.bind_condition(*select_.having, "HAVING"));
    }
    PRISM_CHECKED(bind_order());
    PRISM_TRY(plan_.limit, bind_count(select_.limit, "LIMIT"));
    PRISM_TRY(const auto offset, bind_count(select_.offset, "OFFSET"));
    plan_.offset = offset.value_or(0);
    if (plan_.primitives.empty()) {
      if (!select_.having)
        return query_.refuse(ErrorCode::unsupported, select_.targets[0].value.position, "sql/no-aggregate",
                             "this asks for one row per row of the table, and rows are not shown",
                             "select an aggregate such as COUNT(*)");
      expressions_.primitive(Primitive::Kind::count, {}, -1);
    }
    return std::move(plan_);
  }

 private:
  void bind_source() {
    const Relation& rows = source_.relation;
    plan_.catalog = rows.catalog;
    if (rows.kind == Relation::Kind::table) plan_.catalog.table = rows.name;  // an alias changes nothing here
    if (rows.kind == Relation::Kind::table && rows.table == 0) return;
    plan_.from = rows;
    plan_.from->catalog = plan_.catalog;
  }

  Status bind_order() {
    for (const Select::Sort& sort : select_.order) {
      OrderKey key{{Expression::Op::null, ValueType::text}, sort.descending, sort.nulls_first};
      bool ambiguous = false;
      if (sort.value.kind == Node::Kind::number) {
        PRISM_TRY(const std::size_t place, clauses_.ordinal(sort.value, "ORDER BY"));
        key.value = plan_.outputs[place].value;
      } else if (const auto output = clauses_.named_output(sort.value, false, ambiguous)) {
        if (ambiguous)
          return query_.refuse(ErrorCode::invalid_argument, sort.value.position, "sql/ambiguous-column",
                               "several selected columns are called \"" + sort.value.text + "\"",
                               "order by their place, as in ORDER BY 1, or give them names with AS");
        key.value = plan_.outputs[*output].value;
      } else {
        if (!sort.value.has_column && !sort.value.has_call)
          return query_.refuse(ErrorCode::invalid_argument, sort.value.position, "sql/order-by",
                               "a constant orders nothing", "name a selected column or an aggregate");
        PRISM_TRY(key.value, expressions_.bind(sort.value));
      }
      plan_.order.push_back(std::move(key));
    }
    return {};
  }

  Result<std::optional<std::uint64_t>> bind_count(const std::optional<Node>& node, std::string_view clause) const {
    using Count = std::optional<std::uint64_t>;
    if (!node || node->kind == Node::Kind::null) return Count{};
    bool too_long = false;
    const auto number = node->kind == Node::Kind::number ? internal::parse_number(node->text, too_long) : std::nullopt;
    if (!number || !number->whole || number->digits[0] == '-')
      return query_.refuse(ErrorCode::invalid_argument, node->position, "sql/limit",
                           std::string(clause) + " wants a whole number from 0 to 9223372036854775807",
                           "write " + std::string(clause) + " 10");
    return Count{std::stoull(number->digits)};
  }

  const QueryText& query_;
  const Select& select_;
  const Source& source_;
  Plan plan_;
  ColumnFinder columns_;
  ClauseBinder clauses_;
  ExpressionBinder expressions_;
};

}  // namespace

Result<Plan> plan_query(std::string_view sql, std::span<const Catalog> database) {
  const QueryText query(sql);
  PRISM_TRY(const Select select, internal::read_query(query));
  FromBinder from(query, database);
  PRISM_TRY(const Source source, from.bind(select));
  return SelectBinder(query, select, source).bind(from);
}

Result<Plan> plan_query(std::string_view sql, const Catalog& catalog) {
  return plan_query(sql, std::span(&catalog, 1));
}

}  // namespace prism::sql
