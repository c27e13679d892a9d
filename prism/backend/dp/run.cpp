#include <algorithm>
#include <mutex>
#include <new>
#include <thread>

#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/answering.h"
#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/backend/dp/refusal.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/dp/seed.h"

namespace prism::backend::dp {

using prism::dp::NoiseSeed;

namespace {

constexpr std::uint64_t kBytesPerResultRow = 128;

}  // namespace

class Engine::State {
 public:
  State(policy::Grant grant, DataSource& source, std::size_t threads)
      : grant_(std::move(grant)),
        digest_(policy::digest_of(grant_)),
        layout_(internal::layout_of(grant_)),
        source_(source),
        threads_(threads != 0 ? threads : std::max<std::size_t>(1, std::thread::hardware_concurrency())) {}

  const Digest& digest() const { return digest_; }

  /// The exact numbers of every group. Anything here depends on private data: errors must not be told.
  Result<std::vector<GroupNumbers>> numbers(const Prepared::State& prepared, const AggregateQuery& query,
                                            const duck::Stop& stop) {
    const std::lock_guard lock(mutex_);
    for (const std::size_t table : internal::tables_of(prepared.plan)) PRISM_CHECKED(load(table, stop));
    // A query beside this one may have read a newer public table just now.
    for (const PublicTable& wanted : prepared.public_tables)
      if (digests_[wanted.table] != wanted.digest) return changed(wanted.table);
    return query.run(*database_, stop);
  }

  /// Makes sure that the public tables are those whose keys were counted: with more rows of a key, one unit would have
  /// more rows than the noise hides. Touches no private rows, so its errors may be told.
  Status check_public(const Prepared::State& prepared, const duck::Stop& stop) {
    if (prepared.public_tables.empty()) return {};
    const std::lock_guard lock(mutex_);
    for (const bool again : {true, false}) {
      std::optional<std::size_t> other;
      for (const PublicTable& wanted : prepared.public_tables) {
        PRISM_CHECKED(load(wanted.table, stop));
        if (digests_[wanted.table] != wanted.digest) other = wanted.table;
      }
      if (!other) return {};
      // What the engine keeps may be the older one.
      clear();
      if (!again) return changed(*other);
    }
    return {};
  }

  void forget() {
    const std::lock_guard lock(mutex_);
    clear();
  }

 private:
  Error changed(std::size_t table) const {
    return fail(ErrorCode::mismatch, "the public table ", grant_.tables[table].name,
                " has changed since the query was prepared; ask again");
  }

  void clear() {
    database_.reset();
    loaded_.clear();
    digests_.clear();
  }

  Status load(std::size_t table, const duck::Stop& stop) {
    if (!database_) {
      // Private groups and leaves can be many; what is returned is bounded by most_groups later. How many there are is
      // private, so nothing but memory bounds them here: one takes about so many bytes on its way.
      duck::Limits limits;
      limits.memory_bytes = grant_.memory_bytes;
      limits.threads = static_cast<int>(std::clamp<std::size_t>(threads_, 1, 256));
      limits.result_rows = std::max<std::uint64_t>(grant_.memory_bytes / kBytesPerResultRow, 1);
      PRISM_TRY(duck::Database opened, duck::Database::open(limits));
      database_ = std::move(opened);
      loaded_.assign(grant_.tables.size(), false);
      digests_.assign(grant_.tables.size(), Digest{});
    }
    if (loaded_[table]) return {};
    Status status = read(table, stop);
    if (!status) {
      clear();  // a part of the rows may be in it
      return status;
    }
    loaded_[table] = true;
    return {};
  }

  Status read(std::size_t table, const duck::Stop& stop) {
    const policy::TableRule& rule = grant_.tables[table];
    PRISM_TRY(const table::Table data, source_.read(rule));
    // A private table's rows are not compared with any limit: one unit could decide on which side of it they are.
    if (!rule.unit) {
      if (data.rows > grant_.most_rows)
        return fail(ErrorCode::exhausted, "the public table ", rule.name, " has ", data.rows,
                    " rows; the grant allows ", grant_.most_rows);
      digests_[table] = digest_of(data);
    }
    return load_table(*database_, layout_, table, data, internal::row_key_of(grant_), stop);
  }

  policy::Grant grant_;
  Digest digest_;
  Layout layout_;
  DataSource& source_;
  std::size_t threads_;
  std::mutex mutex_;
  std::optional<duck::Database> database_;
  std::vector<bool> loaded_;
  std::vector<Digest> digests_;  // of the public ones among them
};

Engine::Engine(policy::Grant grant, DataSource& source, std::size_t threads)
    : state_(std::make_unique<State>(std::move(grant), source, threads)) {}
Engine::~Engine() = default;

namespace {

/// Draws of a search are numbered from here, far above those of releases.
constexpr std::uint64_t kSearchDraws = 1'000'000;

/// The bounds of columns that the grant has none for.
Result<internal::FoundBounds> find_bounds(const Prepared::State& query, const NoiseSeed& seed, Engine::State& engine,
                                          const duck::Stop& stop) {
  const internal::BoundsSearch& search = *query.search;
  PRISM_TRY(const std::vector<GroupNumbers> exact, engine.numbers(query, *search.query, stop));
  internal::FoundBounds out;
  for (std::size_t i = 0; i < search.columns.size(); ++i) {
    prism::dp::ApproximateBounds::Histogram bins{};
    for (const GroupNumbers& group : exact) {
      for (const LeafCount& leaf : group.leaves[i]) {
        const auto value =
            static_cast<std::int64_t>(leaf.leaf ^ (std::uint64_t{1} << 63));  // leaf 0 is the least value
        bins[prism::dp::ApproximateBounds::bin_of(value)] += leaf.count;
      }
    }
    prism::dp::DrawStream stream = seed.stream(kSearchDraws + i);
    out.push_back(search.columns[i].mechanism.find(bins, stream));
  }
  return out;
}

Result<Answer> answer_with_search(const Prepared::State& query, const NoiseSeed& seed, Engine::State& engine,
                                  const duck::Stop& stop) {
  PRISM_TRY(const internal::FoundBounds bounds, find_bounds(query, seed, engine, stop));
  std::vector<Note> notes;
  const std::unique_ptr<Prepared::State> found = internal::plan_found(query, bounds, notes);
  PRISM_TRY(const std::vector<GroupNumbers> exact, engine.numbers(*found, *found->query, stop));
  PRISM_TRY(Answer answer, internal::answer_from(*found, seed, exact));
  const auto searches = internal::releases_of(*query.search, query.plan, query.facts.rows_per_unit);
  answer.releases.insert(answer.releases.begin(), searches.begin(), searches.end());
  answer.notes.insert(answer.notes.begin(), notes.begin(), notes.end());
  return answer;
}

Result<Answer> touch_and_answer(const Prepared::State& query, const NoiseSeed& seed, Engine::State& engine,
                                const duck::Stop& stop) {
  // Libraries may throw, memory may run out: whatever it is, it depends on the data and becomes the one error.
  try {
    if (stop()) return failed();
    if (query.search) return answer_with_search(query, seed, engine, stop);
    PRISM_TRY(const std::vector<GroupNumbers> exact, engine.numbers(query, *query.query, stop));
    return internal::answer_from(query, seed, exact);
  } catch (...) {
    return failed();
  }
}

}  // namespace

Result<Answer> run(const Prepared& prepared, Engine& engine, const Surroundings& around) {
  const Prepared::State& query = prepared.state();
  const std::chrono::nanoseconds start = around.clock.monotonic();
  if (engine.state().digest() != query.charge.grant)
    return fail(ErrorCode::mismatch, "the query was prepared under another grant than the data's");
  const std::chrono::nanoseconds deadline = start + query.grant.time_limit;
  const auto asked_to_stop = [&] { return around.stop && around.stop(); };
  const duck::Stop stop = [&] { return asked_to_stop() || around.clock.monotonic() >= deadline; };

  try {
    PRISM_CHECKED(engine.state().check_public(query, stop));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::exhausted, "no memory for the public tables; nothing was spent");
  }
  PRISM_TRY(const policy::ReservationId reservation, around.book.reserve(query.charge, around.clock.wall()));
  auto seed = NoiseSeed::fresh(around.random);
  if (!seed || asked_to_stop()) {
    PRISM_CHECKED(around.book.rollback(reservation, around.clock.wall()));
    if (!seed) return std::move(seed).error();
    return fail(ErrorCode::interrupted, "stopped before the data was touched; nothing was spent");
  }

  Result<Answer> answer = touch_and_answer(query, *seed, engine.state(), stop);
  if (!answer || stop()) answer = failed();
  if (answer) {
    answer->epsilon = query.charge.epsilon;
    answer->delta = query.charge.delta;
    // Without a commit the charge stands all the same, so a ledger that cannot be written now takes nothing away.
    if (!around.book.commit(reservation, around.clock.wall()))
      answer->notes.push_back({{}, "the ledger could not note that this answer was given; its charge stands"});
    if (const auto ledger = around.book.read()) {
      const policy::Balance balance = ledger->balance(query.charge.analyst, query.charge.room);
      BudgetLeft left{balance.dataset.left.text(), internal::short_text(balance.delta_left), {}, {}};
      if (balance.analyst) left.analyst = balance.analyst->left.text();
      if (balance.room) left.room = balance.room->left.text();
      answer->left = std::move(left);
    }
  }
  if (!around.keep_data) engine.state().forget();
  const std::chrono::nanoseconds bucket = query.grant.bucket;
  const std::chrono::nanoseconds spent = around.clock.monotonic() - start;
  const std::int64_t buckets = std::max<std::int64_t>(1, (spent.count() + bucket.count() - 1) / bucket.count());
  around.sleeper.sleep_until(start + buckets * bucket);
  return answer;
}

}  // namespace prism::backend::dp
