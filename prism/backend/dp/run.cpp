#include <algorithm>
#include <map>
#include <mutex>

#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/backend/dp/refusal.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/dp/seed.h"

namespace prism::backend::dp {

using internal::NoisyGroup;
using internal::PlannedRelease;
using prism::dp::DrawStream;
using prism::dp::NoiseSeed;

class Engine::State {
 public:
  State(policy::Grant grant, DataSource& source, std::size_t threads)
      : grant_(std::move(grant)),
        digest_(policy::digest_of(grant_)),
        layout_(internal::layout_of(grant_)),
        source_(source),
        threads_(threads) {}

  const Digest& digest() const { return digest_; }

  /// The exact numbers of every group. Anything here depends on private data: errors must not be told.
  Result<std::vector<GroupNumbers>> numbers(const Prepared::State& query, const duck::Stop& stop) {
    const std::lock_guard lock(mutex_);
    for (const std::size_t table : internal::tables_of(query.plan)) PRISM_CHECKED(load(table, stop));
    return query.query->run(*database_, stop);
  }

 private:
  Status load(std::size_t table, const duck::Stop& stop) {
    if (!database_) {
      // Private groups and leaves can be many; what is returned is bounded by most_groups later.
      duck::Limits limits;
      limits.memory_bytes = grant_.memory_bytes;
      limits.threads = static_cast<int>(std::clamp<std::size_t>(threads_, 1, 256));
      limits.result_rows = 20'000'000;
      PRISM_TRY(duck::Database opened, duck::Database::open(limits));
      database_ = std::move(opened);
      loaded_.assign(grant_.tables.size(), false);
    }
    if (loaded_[table]) return {};
    Status status = read(table, stop);
    if (!status) {
      database_.reset();  // a part of the rows may be in it
      return status;
    }
    loaded_[table] = true;
    return {};
  }

  Status read(std::size_t table, const duck::Stop& stop) {
    PRISM_TRY(const table::Table data, source_.read(grant_.tables[table]));
    if (data.rows > grant_.most_rows) return fail(ErrorCode::exhausted, "a table has more rows than the grant allows");
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
};

Engine::Engine(policy::Grant grant, DataSource& source, std::size_t threads)
    : state_(std::make_unique<State>(std::move(grant), source, threads)) {}
Engine::~Engine() = default;

namespace {

/// One question's way from exact numbers to an answer. Every draw's stream is fixed by the seed, the draw's number and
/// the group's key, before anything is known about the data.
class Answering {
 public:
  Answering(const Prepared::State& query, const NoiseSeed& seed) : query_(query), plan_(query.releases), seed_(seed) {}

  Result<Answer> answer(const std::vector<GroupNumbers>& exact) const {
    std::vector<NoisyGroup> groups = query_.groups || query_.plan.group_by.empty() ? known(exact) : chosen(exact);
    Answer out;
    if (groups.size() > query_.grant.most_groups) {
      groups.resize(query_.grant.most_groups);
      out.notes.push_back(
          {{}, "only the first " + std::to_string(groups.size()) + " groups, in the order of their keys"});
    }
    std::vector<sql::GroupEstimates> estimates;
    for (const NoisyGroup& group : groups) estimates.push_back(estimates_of(group));
    PRISM_TRY(sql::Estimated finished, sql::finish_estimates(plan_.finishing, estimates));
    for (std::size_t row = 0; row < finished.table.rows.size(); ++row) {
      std::vector<std::optional<CellInterval>> intervals;
      for (std::size_t column = 0; column < plan_.finishing.outputs.size(); ++column)
        intervals.push_back(
            query_.bars->of(column, groups[finished.group_of_row[row]], finished.table.rows[row][column]));
      out.intervals.push_back(std::move(intervals));
    }
    out.table = std::move(finished.table);
    out.releases = internal::releases_of(plan_);
    out.contribution = plan_.contribution;
    out.epsilon = plan_.epsilon;
    out.delta = plan_.delta;
    out.public_groups = query_.plan.group_by.empty() || query_.groups;
    if (out.public_groups) out.suppressed_groups = 0;  // every one of them was finished; HAVING and LIMIT are asked for
    out.notes.insert(out.notes.begin(), query_.notes.begin(), query_.notes.end());
    return out;
  }

 private:
  using Found = std::map<Bytes, const GroupNumbers*>;

  static Found by_key(const std::vector<GroupNumbers>& exact) {
    Found out;
    for (const GroupNumbers& group : exact) out.emplace(internal::key_bytes(group.keys), &group);
    return out;
  }

  /// Public groups, or the one there is without GROUP BY: those without rows too.
  std::vector<NoisyGroup> known(const std::vector<GroupNumbers>& exact) const {
    const Found found = by_key(exact);
    std::vector<NoisyGroup> out;
    const auto add = [&](const internal::Keys& keys) {
      const Bytes key = internal::key_bytes(keys);
      const auto at = found.find(key);
      out.push_back(noisy(keys, key, at == found.end() ? nullptr : at->second));
    };
    if (query_.groups) {
      for (const internal::Keys& keys : *query_.groups) add(keys);
    } else {
      add({});
    }
    return out;
  }

  /// Private groups: each decides by its own stream whether it is shown.
  std::vector<NoisyGroup> chosen(const std::vector<GroupNumbers>& exact) const {
    std::vector<NoisyGroup> out;
    for (const auto& [key, group] : by_key(exact)) {
      if (plan_.selection) {
        DrawStream stream = seed_.stream(0, key);
        const Int128 units = std::max<Int128>(group->numbers[*query_.raw.units][0], 0);
        if (plan_.selection->keep(static_cast<std::uint64_t>(units), stream))
          out.push_back(noisy(group->keys, key, group));
        continue;
      }
      NoisyGroup one = noisy(group->keys, key, group);
      if (plan_.threshold->selection.keep(internal::to_int128(one.numbers[plan_.threshold->number])))
        out.push_back(std::move(one));
    }
    return out;
  }

  NoisyGroup noisy(const internal::Keys& keys, const Bytes& key, const GroupNumbers* exact) const {
    NoisyGroup out{keys, internal::exact_numbers(plan_, query_.raw, exact), {}};
    std::vector<std::vector<prism::dp::QuantileEstimate>> quantiles(plan_.releases.size());
    for (std::size_t i = 0; i < plan_.releases.size(); ++i) {
      const PlannedRelease& r = plan_.releases[i];
      DrawStream stream = seed_.stream(i + 1, key);
      if (r.choice) {
        std::vector<prism::dp::LeafCount> leaves;
        if (exact != nullptr) {
          for (const LeafCount& leaf : exact->leaves[query_.raw.parts[i].histogram])
            leaves.push_back({leaf.leaf, leaf.count});
        }
        quantiles[i] = r.choice->estimate(leaves, stream);
        continue;
      }
      std::vector<Int128> draws(r.numbers);
      r.noise->draw(stream, draws);
      for (std::size_t k = 0; k < r.numbers; ++k) out.numbers[r.first + k] += internal::to_mpz(draws[k]);
    }
    for (const internal::Source& source : plan_.sources) {
      std::optional<internal::QuantileEstimate> estimate;
      if (source.quantile) {
        const auto& found = quantiles[source.quantile->release][source.quantile->fraction];
        estimate = internal::QuantileEstimate{found.value, found.low, found.high};
      }
      out.quantiles.push_back(estimate);
    }
    return out;
  }

  /// Post-processing: numbers that cannot be below zero are held there, so that averages stay within their bounds and
  /// variances are possible ones.
  sql::GroupEstimates estimates_of(const NoisyGroup& group) const {
    std::vector<mpz_class> numbers = group.numbers;
    for (const PlannedRelease& r : plan_.releases) {
      if (r.kind == PlannedRelease::Kind::sum) continue;
      for (std::size_t k = r.first; k < r.first + r.numbers; ++k) {
        if (numbers[k] < 0) numbers[k] = 0;
      }
    }
    sql::GroupEstimates out{group.keys, {}};
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
      const internal::Source& source = plan_.sources[i];
      if (source.form) {
        out.primitives.push_back(internal::to_ratio(source.form->of(numbers)));
      } else if (group.quantiles[i]) {
        out.primitives.push_back({group.quantiles[i]->value, 1});
      } else {
        out.primitives.push_back({});
      }
    }
    return out;
  }

  const Prepared::State& query_;
  const internal::ReleasePlan& plan_;
  const NoiseSeed& seed_;
};

Result<Answer> touch_and_answer(const Prepared::State& query, const NoiseSeed& seed, Engine::State& engine,
                                const duck::Stop& stop) {
  // Libraries may throw, memory may run out: whatever it is, it depends on the data and becomes the one error.
  try {
    PRISM_TRY(const std::vector<GroupNumbers> exact, engine.numbers(query, stop));
    if (stop()) return failed();
    return Answering(query, seed).answer(exact);
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

  PRISM_TRY(const policy::ReservationId reservation, around.book.reserve(query.charge, around.clock.wall()));
  auto seed = NoiseSeed::fresh(around.random);
  if (!seed || asked_to_stop()) {
    PRISM_CHECKED(around.book.rollback(reservation, around.clock.wall()));
    if (!seed) return std::move(seed).error();
    return fail(ErrorCode::interrupted, "stopped before the data was touched; nothing was spent");
  }

  Result<Answer> answer = touch_and_answer(query, *seed, engine.state(), stop);
  if (!answer) answer = failed();
  if (answer) {
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
  const std::chrono::nanoseconds bucket = query.grant.bucket;
  const std::chrono::nanoseconds spent = around.clock.monotonic() - start;
  const std::int64_t buckets = std::max<std::int64_t>(1, (spent.count() + bucket.count() - 1) / bucket.count());
  around.sleeper.sleep_until(start + buckets * bucket);
  return answer;
}

}  // namespace prism::backend::dp
