#include "prism/policy/grant.h"

#include <algorithm>
#include <set>
#include <string>

#include "prism/hash/sha256.h"
#include "prism/policy/internal/names.h"
#include "prism/table/table.h"
#include "prism/wire/reader.h"

namespace prism::policy {
namespace {

template <class... Parts>
Error wrong(const std::string& pointer, const Parts&... parts) {
  return fail(ErrorCode::invalid_argument, pointer, ": ", parts...);
}

Status check_range(const std::string& pointer, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
  if (value < least || value > most) return wrong(pointer, value, " is not from ", least, " to ", most);
  return {};
}

Status check_values(const ColumnRule& column, const std::string& pointer) {
  if (column.values.empty()) return {};
  if (column.schema.type != table::ColumnType::text)
    return wrong(pointer + "/values", "only text columns list values; give low, high and \"public\": true");
  PRISM_CHECKED(check_range(pointer + "/values", column.values.size(), 1, kMostPublicValues));
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    const std::string at = pointer + "/values/" + std::to_string(i);
    if (column.values[i].size() > 1'024) return wrong(at, "a value of at most 1024 bytes is wanted");
    if (!wire::is_utf8(as_bytes(column.values[i]))) return wrong(at, "a value must be UTF-8");
    if (i > 0 && column.values[i - 1] >= column.values[i])
      return wrong(at, "values must be sorted by bytes and each stand once");
  }
  if (!column.public_values) return wrong(pointer + "/public", "listed values are public; say true");
  return {};
}

Status check_column(const ColumnRule& column, const std::string& pointer) {
  const table::ColumnSchema& schema = column.schema;
  const bool is_text = schema.type == table::ColumnType::text;
  const bool is_decimal = schema.type == table::ColumnType::decimal;
  PRISM_CHECKED(internal::check_name(schema.name, pointer + "/name"));
  if (is_decimal ? schema.scale < 1 || schema.scale > 18 : schema.scale != 0)
    return wrong(pointer + "/scale", is_decimal ? "decimals have 1 to 18 digits after the point"
                                                : "only decimals have digits after the point");
  if (column.bounds) {
    if (is_text) return wrong(pointer + "/low", "text has no bounds; list its values when they are public");
    if (column.bounds->low >= column.bounds->high) return wrong(pointer + "/low", "low must be below high");
  }
  PRISM_CHECKED(check_values(column, pointer));
  if (!column.public_values) return {};
  if (is_decimal) return wrong(pointer + "/public", "decimals have too many values to be groups");
  if (is_text && column.values.empty()) return wrong(pointer + "/public", "list the values, or leave this out");
  if (is_text) return {};
  if (!column.bounds) return wrong(pointer + "/public", "give low and high, or leave this out");
  if (public_value_count(column).value_or(0) > kMostPublicValues)
    return wrong(pointer + "/public", "low to high are more than ", kMostPublicValues,
                 " values; give nearer bounds or leave this out");
  return {};
}

Status check_table(const TableRule& table, const std::string& pointer) {
  PRISM_CHECKED(internal::check_name(table.name, pointer + "/name"));
  if (table.path.empty() || table.path.size() > 4'096 || table.path.find('\0') != std::string::npos ||
      !wire::is_utf8(as_bytes(table.path)))
    return wrong(pointer + "/path", "a path of 1 to 4096 bytes of UTF-8 is wanted");
  PRISM_CHECKED(check_range(pointer + "/rows_per_unit", table.rows_per_unit, 1, kMostRowsPerUnit));
  PRISM_CHECKED(check_range(pointer + "/columns", table.columns.size(), 1, kMostColumns));
  std::set<std::string_view> names;
  std::set<std::string> folded_names;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string at = pointer + "/columns/" + std::to_string(i);
    PRISM_CHECKED(check_column(table.columns[i], at));
    const std::string& name = table.columns[i].schema.name;
    std::string folded = name;
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!names.insert(name).second) return wrong(at + "/name", "this name stands twice");
    // A question would have to say which one it means.
    if (!folded_names.insert(std::move(folded)).second)
      return wrong(at + "/name", "this name and another one differ only in upper and lower case");
  }
  if (table.unit && !names.contains(*table.unit)) return wrong(pointer + "/unit", "there is no column of this name");
  if (!table.unit && table.rows_per_unit != 1)
    return wrong(pointer + "/rows_per_unit", "a public table has no unit; leave this out");
  return {};
}

Status check_shares(const std::vector<SubLimit>& shares, const Grant& grant, const std::string& pointer) {
  PRISM_CHECKED(check_range(pointer, shares.size(), 0, kMostShares));
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string at = pointer + "/" + std::to_string(i);
    PRISM_CHECKED(internal::check_name(shares[i].name, at + "/name"));
    if (!names.insert(shares[i].name).second) return wrong(at + "/name", "this name stands twice");
    if (shares[i].epsilon.nano() == 0 || shares[i].epsilon > grant.epsilon)
      return wrong(at + "/epsilon", "a limit above 0 and at most the dataset's ", grant.epsilon.text(), " is wanted");
  }
  return {};
}

Status check_budget(const Grant& grant) {
  const dp::Epsilon most = dp::Epsilon::from_nano(dp::Epsilon::kMostParsed);
  if (grant.epsilon.nano() == 0 || grant.epsilon > most) return wrong("/epsilon", "above 0 and at most 1000 is wanted");
  if (grant.delta.units() >= kMostDeltaUnits) return wrong("/delta", "a delta below 0.1 is wanted");
  if (grant.query_least.nano() == 0 || grant.query_least > grant.query_most || grant.query_most > most)
    return wrong("/query_epsilon", "0 < least <= most <= 1000 is wanted");
  if (grant.query_least > grant.epsilon)
    return wrong("/query_epsilon/least", "no query fits: the least epsilon of one is above the whole budget of ",
                 grant.epsilon.text());
  if (grant.accounting != dp::Method::basic && grant.accounting != dp::Method::zcdp)
    return wrong("/accounting", "a ledger adds up by basic or zcdp, not ", dp::name_of(grant.accounting));
  if (grant.accounting == dp::Method::zcdp && grant.delta.units() == 0)
    return wrong("/delta", "zcdp needs a delta above 0; use basic for pure differential privacy");
  PRISM_CHECKED(check_shares(grant.analysts, grant, "/analysts"));
  return check_shares(grant.rooms, grant, "/rooms");
}

Status check_limits(const Grant& grant) {
  const auto ms = [](std::chrono::milliseconds time) { return static_cast<std::uint64_t>(time.count()); };
  constexpr std::uint64_t kDay = 86'400'000;
  PRISM_CHECKED(check_range("/limits/rows", grant.most_rows, 1, 10'000'000'000));
  PRISM_CHECKED(check_range("/limits/groups", grant.most_groups, 1, 1'000'000));
  PRISM_CHECKED(check_range("/limits/bucket_ms", ms(grant.bucket), 1, kDay));
  PRISM_CHECKED(check_range("/limits/time_limit_ms", ms(grant.time_limit), 1, kDay));
  PRISM_CHECKED(
      check_range("/limits/memory_bytes", grant.memory_bytes, std::uint64_t{16} << 20, std::uint64_t{1} << 46));
  if (grant.groups_per_unit)
    PRISM_CHECKED(check_range("/groups_per_unit", *grant.groups_per_unit, 1, kMostRowsPerUnit));
  return {};
}

}  // namespace

namespace internal {

Status check_name(std::string_view name, std::string_view pointer) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name.empty() || name.size() > kMostNameBytes || std::any_of(name.begin(), name.end(), is_control) ||
      !wire::is_utf8(as_bytes(name)))
    return fail(ErrorCode::invalid_argument, pointer, ": a name of 1 to ", kMostNameBytes,
                " bytes of UTF-8 without control characters is wanted");
  return {};
}

}  // namespace internal

Status check_grant(const Grant& grant) {
  PRISM_CHECKED(check_range("/tables", grant.tables.size(), 1, kMostTables));
  for (std::size_t i = 0; i < grant.tables.size(); ++i) {
    const std::string pointer = "/tables/" + std::to_string(i);
    PRISM_CHECKED(check_table(grant.tables[i], pointer));
    for (std::size_t j = 0; j < i; ++j)
      if (table::equal_ignoring_case(grant.tables[j].name, grant.tables[i].name))
        return wrong(pointer + "/name", "another table has this name");
  }
  if (!grant.tables.front().unit)
    return wrong("/tables/0/unit", "say which column tells whose row it is: that is what the budget protects");
  PRISM_CHECKED(check_budget(grant));
  return check_limits(grant);
}

Digest digest_of(const Grant& grant) { return internal::digest_of_grant_text(to_json(grant)); }

Digest internal::digest_of_grant_text(std::string_view json) {
  return hash::tagged_sha256("prism grant v1").update(json).finish();
}

dp::Delta default_delta(const Grant& grant, dp::Epsilon epsilon) {
  if (epsilon >= grant.epsilon) return grant.delta;
  // floor(delta * part / whole) without a product of 160 bits: with delta = q * whole + r, the terms below stay under
  // 2^120 and 2^80.
  const auto whole = static_cast<Uint128>(grant.epsilon.nano());
  const auto part = static_cast<Uint128>(epsilon.nano());
  const Uint128 units = grant.delta.units();
  return dp::Delta::from_units(units / whole * part + units % whole * part / whole);
}

std::optional<std::uint64_t> public_value_count(const ColumnRule& column) {
  if (!column.public_values) return {};
  if (!column.bounds) return column.values.size();
  const std::uint64_t width =
      static_cast<std::uint64_t>(column.bounds->high) - static_cast<std::uint64_t>(column.bounds->low);
  return width == UINT64_MAX ? width : width + 1;
}

}  // namespace prism::policy
