#include "apps/prism/budget_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "apps/prism/terminal.h"
#include "prism/table/result_table.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;

/// Three digits say enough of a delta; rounded up.
std::string delta_text(dp::Delta delta) { return fmt::format("{:.3g}", delta.value_up()); }

/// An exact decimal as the JSON number with the same digits: billionths up to 1000 come back from a double unchanged.
double json_number(dp::Epsilon epsilon) { return static_cast<double>(epsilon.nano()) / 1e9; }

std::string value_text(const policy::ColumnRule& rule, std::int64_t value) {
  table::Column column;
  column.schema = rule.schema;
  const table::Cell cell = table::cell_of(column, value);
  if (const auto* number = std::get_if<table::Number>(&cell)) return number->text;
  return std::get<std::string>(cell);
}

std::string column_text(const policy::ColumnRule& rule) {
  std::string text = table::type_text(rule.schema);
  if (rule.bounds) {
    const std::string low = value_text(rule, rule.bounds->low), high = value_text(rule, rule.bounds->high);
    text += rule.public_values ? fmt::format(", every value from {} to {} is public", low, high)
                               : fmt::format(", clamped to {} to {}", low, high);
  }
  if (!rule.values.empty()) {
    constexpr std::size_t kShown = 8;
    text += ", public values: ";
    for (std::size_t i = 0; i < std::min(kShown, rule.values.size()); ++i)
      text += (i == 0 ? "" : ", ") + printable(rule.values[i]);
    if (rule.values.size() > kShown) text += fmt::format(" and {} more", rule.values.size() - kShown);
  }
  if (rule.schema.nullable) text += ", may be empty";
  return text;
}

std::string accounting_text(dp::Method method) { return method == dp::Method::zcdp ? "zcdp" : "basic"; }

struct Counts {
  std::size_t computed = 0, open = 0, given_back = 0;
};

Counts count(const policy::Ledger& ledger) {
  Counts counts;
  for (const auto& reservation : ledger.reservations()) {
    if (reservation.state == policy::ReservationState::committed) ++counts.computed;
    if (reservation.state == policy::ReservationState::reserved) ++counts.open;
    if (reservation.state == policy::ReservationState::rolled_back) ++counts.given_back;
  }
  return counts;
}

/// name, limit, spent, left; the dataset's epsilon and delta first.
std::vector<std::array<std::string, 4>> balance_rows(const policy::Ledger& ledger) {
  const policy::Balance all = ledger.balance();
  const auto row = [](std::string name, const policy::Account& account) {
    return std::array<std::string, 4>{std::move(name), account.limit.text(), account.spent.text(), account.left.text()};
  };
  std::vector<std::array<std::string, 4>> rows = {
      row("epsilon", all.dataset),
      {"delta", delta_text(all.delta_limit), delta_text(all.delta_spent), delta_text(all.delta_left)}};
  for (const auto& limit : ledger.grant().analysts) {
    if (const auto account = ledger.balance(limit.name).analyst) rows.push_back(row("analyst " + limit.name, *account));
  }
  for (const auto& limit : ledger.grant().rooms) {
    if (const auto account = ledger.balance({}, limit.name).room) rows.push_back(row("room " + limit.name, *account));
  }
  return rows;
}

Json account_json(const policy::Account& account) {
  return {{"limit", json_number(account.limit)},
          {"spent", json_number(account.spent)},
          {"left", json_number(account.left)}};
}

}  // namespace

std::string grant_text(const policy::Grant& grant) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<14} {}\n", name, value);
  };
  const policy::TableRule& data = grant.tables.front();
  line("privacy unit", fmt::format("{}; {} of one {}", printable(*data.unit),
                                   data.rows_per_unit == 1 ? "1 row" : count_text(data.rows_per_unit) + " rows",
                                   data.rows_per_unit == 1 ? "counts" : "count"));
  // Who has one row is in one group. Joins may multiply rows.
  if (grant.groups_per_unit && (*grant.groups_per_unit < data.rows_per_unit || grant.tables.size() > 1))
    line("groups", fmt::format("one {} counts in {} of an answer's groups at most", printable(*data.unit),
                               *grant.groups_per_unit));
  line("budget", fmt::format("epsilon {}, delta {}, {} accounting", grant.epsilon.text(), delta_text(grant.delta),
                             accounting_text(grant.accounting)));
  line("one question", fmt::format("epsilon {} to {}; answers leave every {} ms", grant.query_least.text(),
                                   grant.query_most.text(), grant.bucket.count()));
  for (const auto& limit : grant.analysts) line("analyst", printable(limit.name) + ": epsilon " + limit.epsilon.text());
  for (const auto& limit : grant.rooms) line("room", printable(limit.name) + ": epsilon " + limit.epsilon.text());
  for (const auto& table : grant.tables) {
    std::string what;
    if (!table.unit)
      what = ", public: it has no privacy unit, and its rows are anybody's to know";
    else if (&table != &data)  // whose line is the first of all
      what = fmt::format("; {} of one {} {}",
                         table.rows_per_unit == 1 ? "1 row" : count_text(table.rows_per_unit) + " rows",
                         printable(*table.unit), table.rows_per_unit == 1 ? "counts" : "count");
    line("table", printable(table.name) + what);
    for (const auto& column : table.columns)
      text += fmt::format("    {:<18} {}\n", printable(column.schema.name), column_text(column));
  }
  return text;
}

std::string ledger_text(const policy::Ledger& ledger, const std::string& csv, const std::string& mark) {
  const policy::Grant& grant = ledger.grant();
  std::string text = printable(csv) + "\n" + grant_text(grant);
  text += fmt::format("  {:<14} {}\n\n", "mark", printable(mark));
  auto rows = balance_rows(ledger);
  rows.insert(rows.begin(), {"", "limit", "spent", "left"});
  std::array<std::size_t, 4> width{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  for (const auto& row : rows)
    text += fmt::format("  {:<{}}  {:>{}}  {:>{}}  {:>{}}\n", printable(row[0]), width[0], row[1], width[1], row[2],
                        width[2], row[3], width[3]);
  const Counts counts = count(ledger);
  text += fmt::format("\n  {} computed, {} charged and not computed, {} given back\n", counts.computed, counts.open,
                      counts.given_back);
  for (const auto& reservation : ledger.reservations()) {
    if (reservation.state != policy::ReservationState::reserved) continue;
    text += fmt::format("    {}  epsilon {}{}: running, failed or stopped; it stays charged\n",
                        utc_text(reservation.at), reservation.charge.epsilon.text(),
                        reservation.charge.analyst.empty() ? "" : " of " + printable(reservation.charge.analyst));
  }
  if (ledger.times_moved() > 0)
    text += fmt::format("  acknowledged as moved, on its owner's word: {} times\n", ledger.times_moved());
  if (ledger.forfeited())
    text += "  acknowledged when charges were lost, or could have been: what was left then counts as spent\n";
  else if (grant.analysts.empty() && grant.rooms.empty())  // else it depends on who asks, and where
    text += ledger.balance().fits > dp::Epsilon()
                ? fmt::format("  the next question can have epsilon up to {}\n", ledger.balance().fits.text())
                : "  no further question fits\n";
  return text;
}

std::string ledger_json(const policy::Ledger& ledger, const std::string& csv, const std::string& mark) {
  const policy::Grant& grant = ledger.grant();
  const policy::Balance all = ledger.balance();
  const Counts counts = count(ledger);
  Json analysts = Json::object(), rooms = Json::object(), charges = Json::array();
  for (const auto& limit : grant.analysts)
    if (const auto account = ledger.balance(limit.name).analyst) analysts[limit.name] = account_json(*account);
  for (const auto& limit : grant.rooms)
    if (const auto account = ledger.balance({}, limit.name).room) rooms[limit.name] = account_json(*account);
  for (const auto& reservation : ledger.reservations())
    charges.push_back({{"id", reservation.id.value},
                       {"at", utc_text(reservation.at)},
                       {"epsilon", json_number(reservation.charge.epsilon)},
                       {"delta", reservation.charge.delta.value_up()},
                       {"analyst", reservation.charge.analyst},
                       {"room", reservation.charge.room},
                       {"state", std::string(policy::name_of(reservation.state))}});
  const Json out = {
      {"version", 1},
      {"dataset", csv},
      {"ledger", {{"id", to_hex(ledger.id())}, {"events", ledger.events()}, {"mark", mark}}},
      {"accounting", accounting_text(grant.accounting)},
      {"epsilon", account_json(all.dataset)},
      {"delta",
       {{"limit", all.delta_limit.value_up()},
        {"spent", all.delta_spent.value_up()},
        {"left", all.delta_left.value_down()}}},
      {"analysts", analysts},
      {"rooms", rooms},
      {"fits", json_number(all.fits)},
      {"forfeited", ledger.forfeited()},
      {"moved", ledger.times_moved()},
      {"questions", {{"computed", counts.computed}, {"not_computed", counts.open}, {"given_back", counts.given_back}}},
      {"charges", charges},
      {"grant", Json::parse(policy::to_json(grant))}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ledger_csv(const policy::Ledger& ledger) {
  table::ResultTable out;
  out.columns = {{"what", table::ColumnType::text},
                 {"limit", table::ColumnType::decimal},
                 {"spent", table::ColumnType::decimal},
                 {"left", table::ColumnType::decimal}};
  for (const auto& row : balance_rows(ledger))
    out.rows.push_back({row[0], table::Number{row[1]}, table::Number{row[2]}, table::Number{row[3]}});
  return table::to_csv(out);
}

}  // namespace prism::app
