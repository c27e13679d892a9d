#include <algorithm>

#include "prism/policy/grant.h"
#include "prism/policy/internal/json.h"
#include "prism/table/date.h"
#include "prism/table/decimal.h"

namespace prism::policy {
namespace {

using internal::json_text;
using internal::JsonPlace;
using table::ColumnType;

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kAnyNumber = std::uint64_t{1} << 62;  // check_grant knows the real bounds

// --- reading -------------------------------------------------------------------------------------------------------

/// A bound as the column stores it: exactly, or not at all.
Result<std::int64_t> read_bound(const JsonPlace& place, const table::ColumnSchema& schema) {
  PRISM_TRY(const std::string text, place.number());
  if (schema.type == ColumnType::date) {
    const auto days = table::parse_date(text);
    if (!days) return place.wrong("a date such as \"2020-12-31\" is wanted");
    return std::int64_t{*days};
  }
  const auto decimal = table::parse_decimal(text);
  if (!decimal) return place.wrong(decimal.error().message);
  std::int64_t value = decimal->unscaled;
  if (decimal->scale > schema.scale)
    return place.wrong("a number with at most ", schema.scale, " digits after the point is wanted");
  for (int i = decimal->scale; i < schema.scale; ++i)
    if (__builtin_mul_overflow(value, std::int64_t{10}, &value))
      return place.wrong("the number is too large for ", schema.scale, " digits after the point");
  return value;
}

Status read_values(const JsonPlace& place, ColumnRule& column) {
  if (column.schema.type != ColumnType::text)
    return place.wrong("only text columns list values; give low, high and \"public\": true");
  PRISM_TRY(const auto items, place.array(kMostPublicValues));
  if (items.empty()) return place.wrong("list at least one value, or leave this out");
  for (const JsonPlace& item : items) {
    PRISM_TRY(std::string value, item.text(1'024));
    column.values.push_back(std::move(value));
  }
  std::sort(column.values.begin(), column.values.end());
  const auto twice = std::adjacent_find(column.values.begin(), column.values.end());
  if (twice != column.values.end()) return place.wrong(json_text(*twice), " stands twice");
  column.public_values = true;
  return {};
}

Result<ColumnRule> read_column(const JsonPlace& place) {
  PRISM_CHECKED(place.object({"name", "type", "scale", "nullable", "low", "high", "values", "public"}));
  ColumnRule column;
  PRISM_TRY(const JsonPlace name, place.member("name"));
  PRISM_TRY(column.schema.name, name.text(kMostNameBytes));
  PRISM_TRY(const JsonPlace type, place.member("type"));
  PRISM_TRY(const std::string type_name, type.text(16));
  auto known = table::column_type_from(type_name);
  if (!known) return type.wrong(known.error().message);
  column.schema.type = *known;
  if (column.schema.type == ColumnType::decimal) {
    PRISM_TRY(const JsonPlace scale, place.member("scale"));
    PRISM_TRY(const std::uint64_t digits, scale.whole(1, table::kMaxScale));
    column.schema.scale = static_cast<int>(digits);
  } else if (place.has("scale")) {
    PRISM_TRY(const JsonPlace scale, place.member("scale"));
    return scale.wrong("only decimals have a scale");
  }
  if (place.has("nullable")) {
    PRISM_TRY(const JsonPlace nullable, place.member("nullable"));
    PRISM_TRY(column.schema.nullable, nullable.boolean());
  }
  if (place.has("low") || place.has("high")) {
    PRISM_TRY(const JsonPlace low_place, place.member("low"));
    PRISM_TRY(const JsonPlace high_place, place.member("high"));
    if (column.schema.type == ColumnType::text)
      return low_place.wrong("text has no bounds; list its values when they are public");
    PRISM_TRY(const std::int64_t low, read_bound(low_place, column.schema));
    PRISM_TRY(const std::int64_t high, read_bound(high_place, column.schema));
    if (low >= high) return low_place.wrong("low must be below high");
    column.bounds = Bounds{low, high};
  }
  if (place.has("values")) {
    PRISM_TRY(const JsonPlace values, place.member("values"));
    PRISM_CHECKED(read_values(values, column));
  }
  if (place.has("public")) {
    PRISM_TRY(const JsonPlace is_public, place.member("public"));
    PRISM_TRY(const bool said, is_public.boolean());
    if (!said && !column.values.empty()) return is_public.wrong("listed values are public; leave out one of the two");
    column.public_values = said;
  }
  return column;
}

Status read_columns(const JsonPlace& place, TableRule& table) {
  PRISM_TRY(const JsonPlace member, place.member("columns"));
  PRISM_TRY(const auto columns, member.array(kMostColumns));
  for (const JsonPlace& item : columns) {
    PRISM_TRY(ColumnRule column, read_column(item));
    table.columns.push_back(std::move(column));
  }
  return {};
}

/// Unit and rows per unit, where they are said.
Status read_unit(const JsonPlace& place, TableRule& table) {
  if (place.has("unit")) {
    PRISM_TRY(const JsonPlace unit, place.member("unit"));
    PRISM_TRY(std::string column, unit.text(kMostNameBytes));
    table.unit = std::move(column);
  }
  if (place.has("rows_per_unit")) {
    PRISM_TRY(const JsonPlace rows, place.member("rows_per_unit"));
    PRISM_TRY(table.rows_per_unit, rows.whole(1, kMostRowsPerUnit));
  }
  return {};
}

Result<TableRule> read_table(const JsonPlace& place) {
  PRISM_CHECKED(place.object({"name", "path", "unit", "rows_per_unit", "columns"}));
  TableRule table;
  PRISM_TRY(const JsonPlace name, place.member("name"));
  PRISM_TRY(table.name, name.text(kMostNameBytes));
  PRISM_TRY(const JsonPlace path, place.member("path"));
  PRISM_TRY(table.path, path.text(4'096));
  PRISM_CHECKED(read_unit(place, table));
  PRISM_CHECKED(read_columns(place, table));
  return table;
}

Status read_tables(const JsonPlace& member, std::vector<TableRule>& tables, std::size_t most) {
  PRISM_TRY(const auto items, member.array(most));
  for (const JsonPlace& item : items) {
    PRISM_TRY(TableRule table, read_table(item));
    tables.push_back(std::move(table));
  }
  return {};
}

Result<dp::Epsilon> read_epsilon(const JsonPlace& place, std::string_view name) {
  PRISM_TRY(const JsonPlace member, place.member(name));
  PRISM_TRY(const std::string text, member.number());
  auto epsilon = dp::Epsilon::parse(text);
  if (!epsilon) return member.wrong(epsilon.error().message);
  return *epsilon;
}

Result<std::vector<SubLimit>> read_shares(const JsonPlace& place, std::string_view name) {
  PRISM_TRY(const JsonPlace member, place.member(name));
  PRISM_TRY(const auto items, member.array(kMostShares));
  std::vector<SubLimit> shares;
  for (const JsonPlace& item : items) {
    PRISM_CHECKED(item.object({"name", "epsilon"}));
    PRISM_TRY(const JsonPlace who, item.member("name"));
    PRISM_TRY(std::string text, who.text(kMostNameBytes));
    PRISM_TRY(const dp::Epsilon epsilon, read_epsilon(item, "epsilon"));
    shares.push_back({std::move(text), epsilon});
  }
  return shares;
}

Result<std::uint64_t> read_count(const JsonPlace& place, std::string_view name) {
  PRISM_TRY(const JsonPlace member, place.member(name));
  return member.whole(1, kAnyNumber);
}

Status read_limits(const JsonPlace& grant_place, Grant& grant) {
  PRISM_TRY(const JsonPlace place, grant_place.member("limits"));
  PRISM_CHECKED(place.object({"rows", "groups", "bucket_ms", "time_limit_ms", "memory_bytes"}));
  PRISM_TRY(grant.most_rows, read_count(place, "rows"));
  PRISM_TRY(grant.most_groups, read_count(place, "groups"));
  PRISM_TRY(const std::uint64_t bucket, read_count(place, "bucket_ms"));
  PRISM_TRY(const std::uint64_t time_limit, read_count(place, "time_limit_ms"));
  PRISM_TRY(grant.memory_bytes, read_count(place, "memory_bytes"));
  grant.bucket = std::chrono::milliseconds(static_cast<std::int64_t>(bucket));
  grant.time_limit = std::chrono::milliseconds(static_cast<std::int64_t>(time_limit));
  return {};
}

Status read_version(const JsonPlace& place) {
  PRISM_TRY(const JsonPlace version, place.member("version"));
  if (!version.whole(kVersion, kVersion)) return version.wrong("this program reads version ", kVersion);
  return {};
}

// --- writing -------------------------------------------------------------------------------------------------------

std::string bound_text(std::int64_t value, const table::ColumnSchema& schema) {
  if (schema.type == ColumnType::date) return json_text(table::format_date(value));
  return table::format_decimal(value, schema.scale);
}

std::string column_text(const ColumnRule& column) {
  std::string out =
      "{\"name\": " + json_text(column.schema.name) + ", \"type\": " + json_text(name_of(column.schema.type));
  if (column.schema.type == ColumnType::decimal) out += ", \"scale\": " + std::to_string(column.schema.scale);
  if (column.schema.nullable) out += ", \"nullable\": true";
  if (column.bounds) {
    out += ", \"low\": " + bound_text(column.bounds->low, column.schema);
    out += ", \"high\": " + bound_text(column.bounds->high, column.schema);
  }
  for (std::size_t i = 0; i < column.values.size(); ++i)
    out += (i == 0 ? ", \"values\": [" : ", ") + json_text(column.values[i]);
  if (!column.values.empty()) {
    out += "]";  // which says that they are public
  } else if (column.public_values) {
    out += ", \"public\": true";
  }
  return out + "}";
}

std::string unit_text(const TableRule& table, const std::string& indent) {
  std::string out;
  if (table.unit) out += indent + "\"unit\": " + json_text(*table.unit) + ",\n";
  if (table.unit) out += indent + "\"rows_per_unit\": " + std::to_string(table.rows_per_unit) + ",\n";
  return out;
}

std::string columns_text(const TableRule& table, const std::string& indent) {
  std::string out = indent + "\"columns\": [";
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    out += (i == 0 ? "\n" : ",\n") + indent + "  " + column_text(table.columns[i]);
  return out + "\n" + indent + "]";
}

std::string tables_text(std::span<const TableRule> tables) {
  std::string out = "  \"tables\": [";
  for (std::size_t i = 0; i < tables.size(); ++i) {
    out += i == 0 ? "\n    {\n" : ",\n    {\n";
    out += "      \"name\": " + json_text(tables[i].name) + ",\n";
    out += "      \"path\": " + json_text(tables[i].path) + ",\n";
    out += unit_text(tables[i], "      ") + columns_text(tables[i], "      ") + "\n    }";
  }
  return out + "\n  ]";
}

std::string shares_text(std::string_view name, const std::vector<SubLimit>& shares) {
  std::string out = "  " + json_text(name) + ": [";
  for (std::size_t i = 0; i < shares.size(); ++i)
    out += (i == 0 ? "\n    {\"name\": " : ",\n    {\"name\": ") + json_text(shares[i].name) +
           ", \"epsilon\": " + shares[i].epsilon.text() + "}";
  return out + (shares.empty() ? "]" : "\n  ]");
}

}  // namespace

std::string to_json(const Grant& grant) {
  std::string out = "{\n  \"version\": " + std::to_string(kVersion) + ",\n";
  out += "  \"epsilon\": " + grant.epsilon.text() + ",\n";
  out += "  \"delta\": " + grant.delta.text() + ",\n";
  out += "  \"accounting\": " + json_text(dp::name_of(grant.accounting)) + ",\n";
  out += "  \"query_epsilon\": {\"least\": " + grant.query_least.text() + ", \"most\": " + grant.query_most.text() +
         "},\n";
  if (grant.groups_per_unit) out += "  \"groups_per_unit\": " + std::to_string(*grant.groups_per_unit) + ",\n";
  out += shares_text("analysts", grant.analysts) + ",\n";
  out += shares_text("rooms", grant.rooms) + ",\n";
  out += "  \"limits\": {\"rows\": " + std::to_string(grant.most_rows) +
         ", \"groups\": " + std::to_string(grant.most_groups) +
         ", \"bucket_ms\": " + std::to_string(grant.bucket.count()) +
         ", \"time_limit_ms\": " + std::to_string(grant.time_limit.count()) +
         ", \"memory_bytes\": " + std::to_string(grant.memory_bytes) + "},\n";
  return out + tables_text(grant.tables) + "\n}\n";
}

Result<Grant> grant_from_json(std::string_view json) {
  PRISM_TRY(const internal::Json root, internal::parse_json(json, kMostGrantBytes, "the grant"));
  const JsonPlace place(root);
  PRISM_CHECKED(place.object({"version", "epsilon", "delta", "accounting", "query_epsilon", "groups_per_unit",
                              "analysts", "rooms", "limits", "tables"}));
  PRISM_CHECKED(read_version(place));
  Grant grant;
  PRISM_TRY(grant.epsilon, read_epsilon(place, "epsilon"));
  PRISM_TRY(const JsonPlace delta, place.member("delta"));
  PRISM_TRY(const std::string delta_text, delta.number());
  auto delta_value = dp::Delta::parse(delta_text);
  if (!delta_value) return delta.wrong(delta_value.error().message);
  grant.delta = *delta_value;
  PRISM_TRY(const JsonPlace accounting, place.member("accounting"));
  PRISM_TRY(const std::string method_name, accounting.text(16));
  auto method = dp::parse_method(method_name);
  if (!method) return accounting.wrong(method.error().message);
  grant.accounting = *method;
  PRISM_TRY(const JsonPlace query, place.member("query_epsilon"));
  PRISM_CHECKED(query.object({"least", "most"}));
  PRISM_TRY(grant.query_least, read_epsilon(query, "least"));
  PRISM_TRY(grant.query_most, read_epsilon(query, "most"));
  if (place.has("groups_per_unit")) {
    PRISM_TRY(const std::uint64_t groups, read_count(place, "groups_per_unit"));
    grant.groups_per_unit = groups;
  }
  PRISM_TRY(grant.analysts, read_shares(place, "analysts"));
  PRISM_TRY(grant.rooms, read_shares(place, "rooms"));
  PRISM_CHECKED(read_limits(place, grant));
  PRISM_TRY(const JsonPlace tables, place.member("tables"));
  PRISM_CHECKED(read_tables(tables, grant.tables, kMostTables));
  PRISM_CHECKED(check_grant(grant));
  return grant;
}

Result<std::vector<TableRule>> schema_from_json(std::string_view json) {
  PRISM_TRY(const internal::Json root, internal::parse_json(json, kMostGrantBytes, "the schema"));
  const JsonPlace place(root);
  PRISM_CHECKED(place.object({"version", "name", "unit", "rows_per_unit", "columns", "tables"}));
  PRISM_CHECKED(read_version(place));
  std::vector<TableRule> tables(1);
  if (place.has("name")) {
    PRISM_TRY(const JsonPlace name, place.member("name"));
    PRISM_TRY(tables[0].name, name.text(kMostNameBytes));
  }
  PRISM_CHECKED(read_unit(place, tables[0]));
  PRISM_CHECKED(read_columns(place, tables[0]));
  if (place.has("tables")) {
    PRISM_TRY(const JsonPlace more, place.member("tables"));
    PRISM_CHECKED(read_tables(more, tables, kMostTables - 1));
  }
  return tables;
}

std::string schema_to_json(std::span<const TableRule> tables) {
  std::string out = "{\n  \"version\": " + std::to_string(kVersion) + ",\n";
  if (tables.empty()) return out + "  \"columns\": []\n}\n";
  if (!tables[0].name.empty()) out += "  \"name\": " + json_text(tables[0].name) + ",\n";
  out += unit_text(tables[0], "  ") + columns_text(tables[0], "  ");
  if (tables.size() > 1) out += ",\n" + tables_text(tables.subspan(1));
  return out + "\n}\n";
}

}  // namespace prism::policy
