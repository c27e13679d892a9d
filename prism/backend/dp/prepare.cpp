#include <algorithm>
#include <functional>
#include <limits>

#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/measures.h"
#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/backend/dp/refusal.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/hash/sha256.h"
#include "prism/sql/sql.h"

namespace prism::backend::dp {
namespace internal {

std::vector<sql::Catalog> catalogs_of(const policy::Grant& grant) {
  std::vector<sql::Catalog> out;
  for (const policy::TableRule& rule : grant.tables) {
    sql::Catalog catalog{rule.name, {}};
    for (const policy::ColumnRule& column : rule.columns) {
      catalog.columns.push_back(column.schema);
      if (rule.unit == column.schema.name) catalog.columns.back().nullable = false;
    }
    out.push_back(std::move(catalog));
  }
  return out;
}

Layout layout_of(const policy::Grant& grant) {
  Layout out;
  const std::vector<sql::Catalog> catalogs = catalogs_of(grant);
  for (std::size_t i = 0; i < grant.tables.size(); ++i) {
    const policy::TableRule& rule = grant.tables[i];
    TableLayout table;
    table.columns = catalogs[i].columns;
    table.rows_per_unit = rule.rows_per_unit;
    for (std::size_t c = 0; c < rule.columns.size(); ++c) {
      const auto& bounds = rule.columns[c].bounds;
      table.bounds.push_back(bounds ? std::optional(sql::Interval{bounds->low, bounds->high}) : std::nullopt);
      if (rule.unit == rule.columns[c].schema.name) table.unit = c;
    }
    out.tables.push_back(std::move(table));
  }
  return out;
}

std::array<std::uint8_t, 16> row_key_of(const policy::Grant& grant) {
  const Digest digest = policy::digest_of(grant);
  std::array<std::uint8_t, 16> out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

namespace {

void collect_tables(const sql::Relation& relation, std::vector<std::size_t>& out) {
  if (relation.kind == sql::Relation::Kind::table && std::find(out.begin(), out.end(), relation.table) == out.end())
    out.push_back(relation.table);
  for (const sql::Relation& part : relation.parts) collect_tables(part, out);
}

}  // namespace

std::vector<std::size_t> tables_of(const sql::Plan& plan) {
  if (!plan.from) return {0};
  std::vector<std::size_t> out;
  collect_tables(*plan.from, out);
  return out;
}

}  // namespace internal

namespace {

/// How often keys occur in public tables, counted by the engine that will join them.
class PublicKeys {
 public:
  PublicKeys(const policy::Grant& grant, const Layout& layout, DataSource* source)
      : grant_(grant), layout_(layout), source_(source) {}

  Result<std::uint64_t> operator()(const sql::Relation& rows, const std::vector<std::size_t>& columns) {
    if (source_ == nullptr)
      return fail(ErrorCode::refused,
                  "how often a key occurs in a joined public table decides how much noise is needed, and that table is "
                  "not at hand");
    std::vector<std::size_t> tables;
    internal::collect_tables(rows, tables);
    if (!database_) {
      PRISM_TRY(duck::Database database, duck::Database::open({grant_.memory_bytes, 1, 1'000'000}));
      database_ = std::move(database);
    }
    for (const std::size_t table : tables) {
      if (std::any_of(loaded_.begin(), loaded_.end(), [&](const PublicTable& t) { return t.table == table; })) continue;
      check(!layout_.tables[table].unit, "a private table was asked for before its charge");
      PRISM_TRY(const table::Table data, source_->read(grant_.tables[table]));
      PRISM_CHECKED(load_table(*database_, layout_, table, data, internal::row_key_of(grant_)));
      loaded_.push_back({table, digest_of(data)});
    }
    PRISM_TRY(const duck::Statement statement, key_multiplicity_statement(rows, layout_, columns));
    PRISM_TRY(const duck::Rows answer, database_->query(statement));
    if (answer.count != 1 || answer.columns.size() != 1 || !answer.columns[0].valid[0]) return std::uint64_t{1};
    return static_cast<std::uint64_t>(std::max<Int128>(answer.columns[0].numbers[0], 1));
  }

  /// What was counted.
  const std::vector<PublicTable>& tables() const { return loaded_; }

 private:
  const policy::Grant& grant_;
  const Layout& layout_;
  DataSource* source_;
  std::optional<duck::Database> database_;
  std::vector<PublicTable> loaded_;
};

/// Whether WHERE, or that of a subquery all rows come through, is false by its form.
bool holds_never(const sql::Relation& relation) {
  const bool one_row = relation.grouped && relation.group_by.empty();  // also when no row is left
  if (one_row) return false;
  return relation.where.kind == sql::Predicate::Kind::never ||
         std::any_of(relation.parts.begin(), relation.parts.end(), [](const auto& part) { return holds_never(part); });
}
bool holds_never(const sql::Plan& plan) {
  return plan.where.kind == sql::Predicate::Kind::never || (plan.from && holds_never(*plan.from));
}

/// Whether he_backend answers this, on a file sealed for it: one table, counts and sums.
bool he_answers(const sql::Plan& plan) {
  return !plan.from && plan.group_by.size() <= 2 &&
         std::all_of(plan.primitives.begin(), plan.primitives.end(), [](const sql::Primitive& p) {
           return p.kind == sql::Primitive::Kind::count || p.kind == sql::Primitive::Kind::sum;
         });
}

Error with_alternative(Error error, const sql::Plan& plan) {
  if (he_answers(plan)) error.detail += " accepted_by=he_backend";
  return error;
}

Status check_epsilon(const policy::Grant& grant, std::string_view sql, prism::dp::Epsilon epsilon) {
  if (epsilon >= grant.query_least && epsilon <= grant.query_most) return {};
  return refusal(ErrorCode::refused, sql, -1, "dp/epsilon",
                 "--epsilon " + epsilon.text() + " for one query; the grant allows " + grant.query_least.text() +
                     " to " + grant.query_most.text());
}

}  // namespace

namespace internal {

Status plan_numbers(Prepared::State& state, prism::dp::Epsilon epsilon, prism::dp::Delta delta) {
  const sql::Plan& plan = state.plan;
  const bool public_groups = plan.group_by.empty() || state.groups;
  auto releases = plan_releases({state.grant, plan, state.sql, state.facts, public_groups}, epsilon, delta);
  if (!releases) return with_alternative(std::move(releases).error(), plan);
  state.bars.reset();
  state.releases = *std::move(releases);
  state.raw = raw_request(state.releases);
  if (state.groups) state.raw.request.keep = within_public_values(state.grant, plan, state.facts);
  auto query = AggregateQuery::make(plan, state.layout, state.facts, state.raw.request);
  if (!query) return placed(state.sql, std::move(query).error(), "dp/range");
  state.query = *std::move(query);
  return {};
}

Status plan_answer(Prepared::State& state, prism::dp::Epsilon epsilon, prism::dp::Delta delta) {
  PRISM_CHECKED(plan_numbers(state, epsilon, delta));
  const bool public_groups = state.plan.group_by.empty() || state.groups;
  state.bars.emplace(state.releases);
  state.notes = notes_of(state.grant, state.plan, state.facts, state.releases, public_groups);
  return {};
}

}  // namespace internal

Prepared::Prepared(std::shared_ptr<const State> state) : state_(std::move(state)) {}
const sql::Plan& Prepared::plan() const { return state_->plan; }
const policy::Charge& Prepared::charge() const { return state_->charge; }

Result<Prepared> prepare(const policy::Grant& grant, std::string_view sql, const Options& options, DataSource* source) {
  PRISM_CHECKED(policy::check_grant(grant));
  PRISM_CHECKED(check_epsilon(grant, sql, options.epsilon));
  const auto state = std::make_shared<Prepared::State>();
  state->grant = grant;
  state->sql = std::string(sql);
  const std::vector<sql::Catalog> catalogs = internal::catalogs_of(grant);
  PRISM_TRY(state->plan, sql::plan_query(sql, catalogs));
  const sql::Plan& plan = state->plan;
  state->layout = internal::layout_of(grant);

  if (holds_never(plan))
    return refusal(
        ErrorCode::refused, sql, place_of(sql, "where"), "dp/never",
        "this condition holds for no row whatever the data, so the answer would be noise alone; compare with "
        "values that the column can have, with no more decimals than the column has");

  PublicKeys keys(grant, state->layout, source);
  auto facts = analyse(plan, state->layout, std::ref(keys));
  if (!facts) return placed(sql, std::move(facts).error(), "dp/join");
  state->facts = *std::move(facts);
  state->public_tables = keys.tables();
  if (!state->facts.is_private)
    return refusal(ErrorCode::refused, sql, plan.from ? plan.from->position : -1, "dp/public-only",
                   "no private table takes part, so there is nothing to protect and noise would be wasted; read the "
                   "public file itself");
  auto groups = internal::public_groups(grant, plan, state->facts, sql);
  if (!groups) return with_alternative(std::move(groups).error(), plan);
  state->groups = *std::move(groups);

  const prism::dp::Delta allowed = options.delta.value_or(policy::default_delta(grant, options.epsilon));
  state->epsilon_after_search = options.epsilon;
  state->delta_after_search = allowed;
  PRISM_CHECKED(internal::plan_search(*state));
  PRISM_CHECKED(internal::plan_answer(*state, state->epsilon_after_search, state->delta_after_search));
  internal::set_highest_level(*state);

  policy::Charge& charge = state->charge;
  charge.grant = policy::digest_of(grant);
  hash::Sha256 plan_digest;
  plan_digest.update(sql::encode(plan));
  charge.plan = plan_digest.finish();
  charge.epsilon = options.epsilon;
  if (state->search) {
    // What comes after the search depends on what it finds, but never costs more than what is left.
    charge.delta = allowed;
    for (const auto& column : state->search->columns) charge.events.push_back(prism::dp::Event::pure(column.epsilon));
    charge.events.push_back(prism::dp::Event::approximate(state->epsilon_after_search, allowed));
  } else {
    charge.delta = state->releases.delta;
    charge.events = state->releases.events;
  }
  charge.analyst = options.analyst;
  charge.room = options.room;
  return Prepared(std::shared_ptr<const Prepared::State>(state));
}

}  // namespace prism::backend::dp
