#include "prism/backend/dp/relational_layout.h"

namespace prism::backend::dp {

std::vector<sql::Catalog> catalogs_of(std::span<const policy::TableRule> tables) {
  std::vector<sql::Catalog> catalogs;
  for (const policy::TableRule& table : tables) {
    catalogs.push_back({table.name, {}});
    for (const policy::ColumnRule& column : table.columns) catalogs.back().columns.push_back(column.schema);
  }
  return catalogs;
}

Layout layout_of(std::span<const policy::TableRule> tables) {
  Layout layout;
  for (const policy::TableRule& table : tables) {
    TableLayout out;
    out.rows_per_unit = table.rows_per_unit;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const policy::ColumnRule& column = table.columns[i];
      if (table.unit == column.schema.name) out.unit = i;
      out.columns.push_back(column.schema);
      out.bounds.emplace_back();
      if (column.bounds) out.bounds.back() = sql::Interval{column.bounds->low, column.bounds->high};
    }
    layout.tables.push_back(std::move(out));
  }
  return layout;
}

}  // namespace prism::backend::dp
