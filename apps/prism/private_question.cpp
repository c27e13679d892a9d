#include "apps/prism/private_question.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <thread>

#include "apps/prism/budget_files.h"
#include "apps/prism/output_guard.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/backend/dp/dp.h"
#include "prism/host/atomic_file.h"
#include "prism/host/interrupt.h"
#include "prism/host/system.h"

namespace prism::app {
namespace {

namespace privately = backend::dp;

/// Sleeps in short pieces, so that Ctrl-C need not wait for the end of a bucket.
class BucketSleeper final : public privately::Sleeper {
 public:
  void sleep_until(std::chrono::nanoseconds time) override {
    constexpr std::chrono::nanoseconds kPiece = std::chrono::milliseconds(20);
    for (;;) {
      const auto left = time - clock_.monotonic();
      if (left <= std::chrono::nanoseconds(0) || host::interrupted()) return;
      std::this_thread::sleep_for(std::min(left, kPiece));
    }
  }

 private:
  host::SystemClock clock_;
};

/// Whether nothing was written. What else goes wrong may do so after the charge was.
bool is_refusal(ErrorCode code) {
  return code == ErrorCode::quota || code == ErrorCode::refused || code == ErrorCode::mismatch ||
         code == ErrorCode::invalid_argument;
}

/// The ledger, and what this process has done to it.
class WatchedBook final : public policy::Book {
 public:
  enum class Charge {
    none,
    unsure,
    kept,  ///< though the data was not touched
    stands
  };
  explicit WatchedBook(policy::Book& book) : book_(book) {}
  Result<policy::Ledger> read() override { return book_.read(); }
  Result<policy::ReservationId> reserve(const policy::Charge& charge, std::chrono::seconds now) override {
    auto made = book_.reserve(charge, now);
    if (made)
      charge_ = Charge::stands;
    else if (made.error().detail == "charge=stands")
      charge_ = Charge::kept;
    else if (is_refusal(made.error().code) || made.error().detail == "charge=none")
      charge_ = Charge::none;
    else
      charge_ = Charge::unsure;
    return made;
  }
  Status commit(policy::ReservationId id, std::chrono::seconds now) override { return book_.commit(id, now); }
  Status rollback(policy::ReservationId id, std::chrono::seconds now) override {
    auto undone = book_.rollback(id, now);
    charge_ = undone ? Charge::none : Charge::kept;
    return undone;
  }
  Charge charge() const { return charge_; }

 private:
  policy::Book& book_;
  Charge charge_ = Charge::none;
};

struct Asked {
  store::sqlite::LedgerFile file;
  policy::Ledger ledger;
  privately::Options options;
};

Result<Asked> open_question(const PrivateQuestion& question, const std::string& epsilon) {
  PRISM_TRY(auto file, open_ledger(question.csv));
  PRISM_TRY(auto ledger, file.read());
  if (epsilon.empty()) {
    const auto balance = ledger.balance(question.analyst, question.room);
    return fail(ErrorCode::invalid_argument, "--epsilon is needed: what the question may spend, ",
                ledger.grant().query_least.text(), " to ", ledger.grant().query_most.text(), " here; ",
                balance.dataset.left.text(), " of ", ledger.grant().epsilon.text(),
                " are left. More is more exact, and leaves less for other questions (prism explain compares)");
  }
  privately::Options options;
  auto parsed = dp::Epsilon::parse(epsilon);
  if (!parsed) return fail(ErrorCode::invalid_argument, "--epsilon: ", parsed.error().message);
  options.epsilon = *parsed;
  if (!question.delta.empty()) {
    auto delta = dp::Delta::parse(question.delta);
    if (!delta) return fail(ErrorCode::invalid_argument, "--delta: ", delta.error().message);
    options.delta = *delta;
  }
  options.analyst = question.analyst;
  options.room = question.room;
  return Asked{std::move(file), std::move(ledger), std::move(options)};
}

void collect_tables(const sql::Relation& relation, std::set<std::size_t>& out) {
  if (relation.kind == sql::Relation::Kind::table) out.insert(relation.table);
  for (const sql::Relation& part : relation.parts) collect_tables(part, out);
}

/// Which tables of the grant the question reads.
std::set<std::size_t> tables_of(const sql::Plan& plan) {
  if (!plan.from) return {0};
  std::set<std::size_t> out;
  collect_tables(*plan.from, out);
  return out;
}

Result<privately::Prepared> prepare(const PrivateQuestion& question, const policy::Grant& grant,
                                    const privately::Options& options, privately::DataSource& source) {
  auto prepared = privately::prepare(grant, question.sql, options, &source);
  if (!prepared) return point_at(std::move(prepared).error(), question.sql);
  // The names of a file's columns are public; a file that no longer fits should not cost anything. What the question
  // does not use need not even be there.
  for (const std::size_t table : tables_of(prepared->plan())) {
    const policy::TableRule& rule = grant.tables[table];
    PRISM_CHECKED(check_header(path_of(grant, rule, question.csv), rule));
  }
  return prepared;
}

/// What is left for whoever asks.
std::string left_text(const policy::Ledger& ledger, const PrivateQuestion& question) {
  const policy::Balance balance = ledger.balance(question.analyst, question.room);
  std::string text = fmt::format("; left: {} of {}", balance.dataset.left.text(), balance.dataset.limit.text());
  if (balance.analyst)
    text += fmt::format(", {} of {} for {}", balance.analyst->left.text(), balance.analyst->limit.text(),
                        printable(question.analyst));
  if (balance.room)
    text += fmt::format(", {} of {} in {}", balance.room->left.text(), balance.room->limit.text(),
                        printable(question.room));
  return text;
}

/// For programs: each number is followed by the ends of its interval, all of them exact. No name comes twice because
/// of them: where the question has an n_low of its own, the ends of n are n_low_2 and n_high_2.
table::ResultTable with_intervals(const privately::Answer& answer) {
  table::ResultTable out;
  std::set<std::string> names;
  for (const table::ResultColumn& column : answer.table.columns) names.insert(column.name);
  std::vector<bool> has(answer.table.columns.size());
  for (const auto& row : answer.intervals)
    for (std::size_t i = 0; i < row.size(); ++i) has[i] = has[i] || row[i].has_value();
  for (std::size_t i = 0; i < has.size(); ++i) {
    const table::ResultColumn& column = answer.table.columns[i];
    out.columns.push_back(column);
    if (!has[i]) continue;
    std::string low = column.name + "_low", high = column.name + "_high";
    for (int n = 2; names.contains(low) || names.contains(high); ++n) {
      low = fmt::format("{}_low_{}", column.name, n);
      high = fmt::format("{}_high_{}", column.name, n);
    }
    names.insert({low, high});
    out.columns.push_back({low, column.type});
    out.columns.push_back({high, column.type});
  }
  for (std::size_t r = 0; r < answer.table.rows.size(); ++r) {
    auto& cells = out.rows.emplace_back();
    for (std::size_t i = 0; i < has.size(); ++i) {
      cells.push_back(answer.table.rows[r][i]);
      if (!has[i]) continue;
      const auto& interval = answer.intervals[r][i];
      cells.push_back(interval ? interval->low : table::Cell{});
      cells.push_back(interval ? interval->high : table::Cell{});
    }
  }
  return out;
}

Result<std::string> as_printed(const privately::Answer& answer, const std::string& format) {
  if (format == "json") {
    std::string text = privately::to_json(answer);
    if (!text.ends_with('\n')) text += '\n';
    return text;
  }
  return format == "csv" ? table::to_csv(with_intervals(answer)) : table::to_text_table(privately::readable(answer));
}

/// What each of some epsilons would buy: for who has not decided yet.
Status compare_prices(PrivateQuestion question) {
  PRISM_TRY(auto file, open_ledger(question.csv));
  PRISM_TRY(const policy::Ledger ledger, file.read());
  const policy::Grant& grant = ledger.grant();
  question.epsilon = grant.query_least.text();
  PRISM_TRY(Asked asked, open_question(question, question.epsilon));
  CsvSource source(grant, question.csv);
  const dp::Epsilon most = ledger.balance(question.analyst, question.room).fits;
  std::vector<dp::Epsilon> prices = {grant.query_least};
  if (grant.query_least < most) prices.push_back(most);
  for (const std::int64_t nano : {500'000'000, 1'000'000'000}) {
    const dp::Epsilon price = dp::Epsilon::from_nano(nano);
    if (grant.query_least < price && price < most) prices.push_back(price);
  }
  std::sort(prices.begin(), prices.end());
  prices.erase(std::unique(prices.begin(), prices.end()), prices.end());
  table::ResultTable out;
  out.columns = {{"epsilon", table::ColumnType::decimal}};
  std::string json = "[";
  for (const dp::Epsilon price : prices) {
    asked.options.epsilon = price;
    PRISM_TRY(const auto prepared, prepare(question, grant, asked.options, source));
    // What cannot be asked is not offered; when nothing can, the ledger says why.
    if (const auto may = ledger.reserve(prepared.charge(), {}); !may) {
      if (price == grant.query_least) return may.error();
      continue;
    }
    const privately::Preview preview = privately::preview(prepared);
    json += (out.rows.empty() ? "\n" : ",\n") + privately::to_json(preview);
    while (json.ends_with('\n')) json.pop_back();
    auto& row = out.rows.emplace_back();
    row.push_back(table::Number{price.text()});
    for (const auto& column : preview.columns) {
      if (out.rows.size() == 1) out.columns.push_back({column.name, table::ColumnType::text});
      row.push_back(column.text);
    }
  }
  if (question.format == "json") return print(json + "\n]\n");
  PRISM_CHECKED(print(table::to_text_table(out)));
  say("with --epsilon: everything about one of them. Nothing was spent" + left_text(ledger, question));
  return {};
}

}  // namespace

void add_private_options(CLI::App& command, PrivateQuestion& question) {
  command.add_option("--epsilon", question.epsilon, "What the question may spend of a CSV file's budget, such as 0.5");
  command.add_option("--delta", question.delta, "The delta it may spend (default: the share that goes with epsilon)");
  command.add_option("--analyst", question.analyst, "Who asks, when the grant limits analysts");
  command.add_option("--room", question.room, "In which data room, when the grant limits rooms");
}

Status refuse_private_options(const PrivateQuestion& question) {
  for (const auto& [flag, value] : {std::pair{"--epsilon", &question.epsilon}, std::pair{"--delta", &question.delta},
                                    std::pair{"--analyst", &question.analyst}, std::pair{"--room", &question.room}}) {
    if (!value->empty())
      return fail(ErrorCode::invalid_argument, flag, " is for dp_sandbox, and ", question.csv,
                  " is a sealed table: its answers are exact and spend no budget");
  }
  return {};
}

Status explain_private(const PrivateQuestion& question) {
  if (question.epsilon.empty()) return compare_prices(question);
  PRISM_TRY(const Asked asked, open_question(question, question.epsilon));
  CsvSource source(asked.ledger.grant(), question.csv);
  PRISM_TRY(const auto prepared, prepare(question, asked.ledger.grant(), asked.options, source));
  const privately::Preview preview = privately::preview(prepared);
  std::string text = question.format == "json" ? privately::to_json(preview) : privately::to_text(preview);
  if (!text.ends_with('\n')) text += '\n';
  PRISM_CHECKED(print(text));
  // The ledger decides; asking it changes nothing.
  if (const auto may = asked.ledger.reserve(prepared.charge(), {}); !may)
    say("warning: it would be refused: " + printable(may.error().message));
  say("nothing was spent" + left_text(asked.ledger, question));
  return {};
}

Status answer_private(const PrivateQuestion& question) {
  PRISM_TRY(Asked asked, open_question(question, question.epsilon));
  if (!question.output.empty()) {
    std::vector<std::string> inputs = {question.csv};
    for (const auto& rule : asked.ledger.grant().tables)
      inputs.push_back(path_of(asked.ledger.grant(), rule, question.csv));
    PRISM_CHECKED(check_output(question.output, inputs));
  }
  CsvSource source(asked.ledger.grant(), question.csv);
  PRISM_TRY(const auto prepared, prepare(question, asked.ledger.grant(), asked.options, source));
  // Before the budget is spent, not after it.
  std::optional<host::AtomicFile> file;
  if (!question.output.empty()) {
    PRISM_TRY(file, host::AtomicFile::create(question.output, host::AtomicFile::Access::owner_only));
  }
  PRISM_CHECKED(host::check_interrupted());
  WatchedBook book(asked.file);
  host::SystemRandom random;
  const host::SystemClock clock;
  BucketSleeper sleeper;
  privately::Engine engine(asked.ledger.grant(), source, question.threads);
  auto answer =
      privately::run(prepared, engine, {book, random, clock, sleeper, [] { return host::interrupted(); }, false});
  const auto now = book.read();
  const std::string spent =
      fmt::format("spent epsilon {}, delta {:.3g}{}", prepared.charge().epsilon.text(),
                  prepared.charge().delta.value_up(), now ? left_text(*now, question) : std::string());
  if (!answer || host::interrupted()) {
    // What is known, and no more.
    using Charge = WatchedBook::Charge;
    if (book.charge() == Charge::stands) say("the data could have been touched, so the charge stays; " + spent);
    if (book.charge() == Charge::kept)
      say("the data was not touched, but the charge could not be given back; " + spent);
    if (book.charge() == Charge::unsure) say("the charge may stand: prism budget show tells");
    // The answer is there, perhaps, but its time has not come.
    if (answer || book.charge() != Charge::none) PRISM_CHECKED(host::check_interrupted());
    return std::move(answer).error();
  }
  PRISM_TRY(const std::string text, as_printed(*answer, question.format));
  if (file) {
    PRISM_CHECKED(file->append(as_bytes(text)));
    PRISM_CHECKED(file->commit());
  } else {
    PRISM_CHECKED(print(text));
  }
  // Several columns may have the same to say.
  std::set<std::string_view> said;
  for (const auto& note : answer->notes)
    if (said.insert(note.text).second) say("note: " + printable(note.text));
  say(spent);
  return {};
}

}  // namespace prism::app
