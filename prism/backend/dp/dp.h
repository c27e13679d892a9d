// prism/backend/dp/dp.h - SQL in, noisy answers with error bars out: differential privacy over data this machine holds.
//
//   prepare   plans the query, proves its sensitivity, splits epsilon. Touches neither private data nor budget.
//   preview   says what it would cost and give.
//   run       reserves budget (durable), fixes the noise's seed, and only then reads data.
//
// The promise: two datasets that differ by all rows of one privacy unit give answers, errors and (up to time buckets)
// times that are (epsilon, delta)-indistinguishable. README.md says how each step keeps it, and what it does not cover.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "prism/backend/dp/answer.h"
#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/dp/parameters.h"
#include "prism/policy/book.h"
#include "prism/policy/grant.h"
#include "prism/sql/plan.h"
#include "prism/table/table.h"

namespace prism::backend::dp {

/// Where tables come from. A private table is read only after its query's charge is durable; a public one (without
/// unit column) may be read by prepare().
class DataSource {
 public:
  virtual ~DataSource() = default;
  /// The rows of a table of the grant. It may have more columns than the rule; those of the rule need its types and
  /// scales, and are found by name.
  virtual Result<table::Table> read(const policy::TableRule& rule) = 0;
};

/// Waits, so that answers leave at times that say nothing. Injected, so that tests need not wait.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  /// Returns when the clock's monotonic time is at least `time`.
  virtual void sleep_until(std::chrono::nanoseconds time) = 0;
};

struct Options {
  prism::dp::Epsilon epsilon;
  /// The most delta the query may use. Absent: the grant's delta times epsilon over the grant's epsilon, rounded down.
  std::optional<prism::dp::Delta> delta{};
  std::string analyst{};  ///< empty: nobody in particular
  std::string room{};
};

/// A query that may be run: planned, allowed, priced. Cheap to copy.
class Prepared {
 public:
  struct State;
  explicit Prepared(std::shared_ptr<const State> state);

  const sql::Plan& plan() const;
  const policy::Charge& charge() const;
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;  // shared by copies; never changes
};

/// Errors, all before any data: those of sql::plan_query, and refusals of this room: "1:27: message [dp/rule]" with the
/// detail `rule=dp/rule position=26`, and `accepted_by=he_backend` where that backend answers the query. A joined
/// public table is read from `source` to find out how often a key occurs in it; without a source such joins are
/// refused.
Result<Prepared> prepare(const policy::Grant& grant, std::string_view sql, const Options& options,
                         DataSource* source = nullptr);

/// Intervals' widths, cost and bounds.
Preview preview(const Prepared& prepared);

/// The data of one grant in an embedded database. Nothing is read before the first run; what was read is kept, so that
/// later queries start at once. Runs on one engine go one after another (a mutex inside).
class Engine {
 public:
  /// `source` must outlive the engine. `threads`: 0 for as many as the machine has.
  Engine(policy::Grant grant, DataSource& source, std::size_t threads = 0);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  class State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// What a run needs from outside. All must outlive it.
struct Surroundings {
  policy::Book& book;
  Random& random;
  const Clock& clock;
  Sleeper& sleeper;
  std::function<bool()> stop{};  ///< asked now and then; true ends the run. The charge stays
  /// Whether the engine keeps what it read for later queries. If not, it is freed before the end of the bucket, so that
  /// the time that takes, which depends on the data, is hidden, too.
  bool keep_data = true;
};

/// Reserves, answers, commits. The answer, or the one error there is for everything that went wrong once data could
/// have been touched ("the query could not be answered [dp/failed]", the same bytes for every cause, still charged),
/// leaves at the end of a time bucket counted from the call. Errors before that moment cost nothing and come at once:
/// ErrorCode::quota when the budget does not suffice, mismatch when `prepared` was made under another grant or a public
/// table has changed since, those of reading public tables, and those of the book.
Result<Answer> run(const Prepared& prepared, Engine& engine, const Surroundings& surroundings);

}  // namespace prism::backend::dp
