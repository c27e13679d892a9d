#include "prism/store/sqlite/ledger_file.h"

#include <set>
#include <utility>

#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/file_lock.h"
#include "prism/host/file_trust.h"
#include "prism/store/sqlite/internal/database.h"
#include "prism/store/sqlite/internal/ledger_schema.h"
#include "prism/store/sqlite/internal/mark.h"

namespace prism::store::sqlite {
namespace {

using internal::Database;
using internal::Mark;
using internal::Transaction;
using policy::Acknowledged;
using policy::Ledger;
using policy::LedgerEvent;
using policy::ReservationId;

enum class Standing { right, missing, behind };

/// SQLite names its journal after the ledger: under two names there would be two journals, and a crash under one of
/// them would not be undone under the other.
Status check_one_name(const std::string& resolved, const std::string& path) {
  PRISM_TRY(const std::uint64_t names, host::count_names(resolved));
  if (names == 1) return {};
  return fail(ErrorCode::insecure, path, " has ", names,
              " names (hard links); take the others away, or copy what you want to keep");
}

Standing standing_of(const Ledger& ledger, const Result<std::optional<Mark>>& mark) {
  if (!mark) return Standing::behind;  // damaged: how far the ledger had come is not known, so the worst is taken
  if (!*mark) return Standing::missing;
  const auto there = ledger.chain_at((*mark)->sequence);
  return there && *there == (*mark)->chain ? Standing::right : Standing::behind;
}

}  // namespace

class LedgerFile::State {
 public:
  State(std::string path, LedgerOptions options, Database database, Ledger ledger)
      : path_(std::move(path)),
        options_(std::move(options)),
        database_(std::move(database)),
        ledger_(std::move(ledger)),
        mark_path_(internal::mark_path(options_.marks, ledger_.id())) {}

  static Result<std::unique_ptr<State>> open(const std::string& path, LedgerOptions options) {
    PRISM_TRY(std::string resolved, host::resolve_folder(path));
    PRISM_CHECKED(host::check_own_file(resolved));
    PRISM_CHECKED(check_one_name(resolved, path));
    PRISM_CHECKED(host::create_private_directory(options.marks));
    PRISM_TRY(Database database, Database::open(resolved, options.vfs, options.patience));
    PRISM_CHECKED(internal::prepare_ledger(database, path));
    PRISM_TRY(Ledger ledger, internal::read_grant(database, path));
    return std::make_unique<State>(path, std::move(options), std::move(database), std::move(ledger));
  }

  /// The mark comes first: whoever raises it has written the ledger before.
  Result<Standing> refresh() {
    const auto mark = read_mark();
    if (!mark && mark.error().code != ErrorCode::integrity) return mark.error();
    PRISM_TRY(const Transaction transaction, Transaction::begin(database_, Transaction::Kind::read));
    PRISM_CHECKED(internal::catch_up(database_, path_, ledger_));
    return standing_of(ledger_, mark);
  }

  Status check_standing(Standing standing) const {
    if (standing == Standing::right) return {};
    if (standing == Standing::missing)
      return fail(ErrorCode::refused, "the high-water mark of ", path_, " is missing (", mark_path_,
                  "). If the ledger was moved here from another machine or user, bring its mark along. If it was "
                  "restored from a backup, or nobody knows, prism budget acknowledge goes on and gives up all that is "
                  "left of its budget; with --moved it keeps it, and your word that nothing was spent since stands in "
                  "the ledger for ever");
    return fail(ErrorCode::refused, path_, " is behind its high-water mark (", mark_path_,
                "): it was restored from a backup, and charges made since then are missing from it. Bring the newer "
                "ledger back; or run prism budget acknowledge, which gives up all that is left of its budget");
  }

  /// One command: `decide` sees the ledger as it is and says what to append.
  template <class Decide>
  Result<LedgerEvent> append(Decide&& decide) {
    committing_ = false;
    PRISM_TRY(const host::FileLock lock, this->lock());
    PRISM_TRY(Transaction transaction, Transaction::begin(database_, Transaction::Kind::write));
    PRISM_CHECKED(internal::catch_up(database_, path_, ledger_));
    const auto mark = read_mark();
    if (!mark && mark.error().code != ErrorCode::integrity) return mark.error();
    PRISM_TRY(LedgerEvent event, decide(standing_of(ledger_, mark), mark));
    PRISM_CHECKED(store(transaction, event));
    if (std::holds_alternative<policy::Committed>(event.what)) return event;   // changes no amount
    if (std::holds_alternative<policy::RolledBack>(event.what)) return event;  // losing it costs budget, gives none
    if (const Status raised = raise_mark(event.sequence); !raised) return abandon(event, raised.error());
    return event;
  }

  Result<std::optional<Mark>> read_mark() const { return internal::read_mark(mark_path_, ledger_.id()); }

  const Ledger& ledger() const { return ledger_; }
  const std::string& mark_path() const { return mark_path_; }
  std::set<std::uint64_t>& mine() { return mine_; }
  /// Whether the last append came so far that what it wrote may be there.
  bool committing() const { return committing_; }

 private:
  /// Marks only go up because whoever writes one holds this. It also makes a queue: SQLite's own waiting knows no order
  /// and slows down as it gets longer.
  Result<host::FileLock> lock() const { return host::FileLock::acquire(mark_path_ + ".lock", options_.patience); }

  Status store(Transaction& transaction, const LedgerEvent& event) {
    PRISM_CHECKED(internal::append(database_, ledger_, event));
    committing_ = true;
    PRISM_CHECKED(transaction.commit());
    check(ledger_.apply(event).has_value(), "a ledger's own event does not follow");
    return {};
  }

  Status raise_mark(std::uint64_t sequence) {
    return internal::write_mark(mark_path_, {ledger_.id(), sequence, *ledger_.chain_at(sequence)},
                                options_.on_mark_step);
  }

  /// The charge is in the ledger but its mark could not be raised, so the data will not be touched: it is given back,
  /// if the disk lets us.
  Error abandon(const LedgerEvent& event, const Error& cause) {
    Error error = cause;
    error.message = "the high-water mark could not be raised: " + cause.message;
    if (!std::holds_alternative<policy::Reserved>(event.what)) return error;
    const auto give_back = [&]() -> Status {
      PRISM_TRY(Transaction transaction, Transaction::begin(database_, Transaction::Kind::write));
      PRISM_TRY(const LedgerEvent rollback, ledger_.rollback(ReservationId{event.sequence}, event.at));
      return store(transaction, rollback);
    };
    const bool given_back = give_back().has_value();
    error.message += given_back ? "; the data was not touched and nothing was charged"
                                : "; the data was not touched, but the charge stays in the ledger";
    error.detail = given_back ? "charge=none" : "charge=stands";
    return error;
  }

  std::string path_;
  LedgerOptions options_;
  Database database_;
  Ledger ledger_;
  std::string mark_path_;
  std::set<std::uint64_t> mine_;
  bool committing_ = false;
};

LedgerFile::LedgerFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
LedgerFile::LedgerFile(LedgerFile&& other) noexcept = default;
LedgerFile& LedgerFile::operator=(LedgerFile&& other) noexcept = default;
LedgerFile::~LedgerFile() = default;

Result<LedgerFile> LedgerFile::create(const std::string& path, const policy::Grant& grant, LedgerOptions options,
                                      Random& random, std::chrono::seconds now) {
  PRISM_TRY(const std::string resolved, host::resolve_folder(path));
  const Error exists = fail(ErrorCode::refused, path, " is there already; a grant is fixed once and cannot be changed");
  if (host::exists(resolved)) return exists;
  // SQLite would take it for the new ledger's and roll pages of the old one back into it.
  if (host::exists(resolved + "-journal"))
    return fail(ErrorCode::refused, path,
                "-journal is left from a ledger that is gone; bring that ledger back, or move ", "this file away");
  policy::LedgerId id;
  PRISM_CHECKED(random.fill(id));
  PRISM_TRY(const LedgerEvent granted, Ledger::first_event(grant, id, now));
  PRISM_TRY(const Ledger ledger, Ledger::begin(granted));
  PRISM_TRY(const Bytes file, internal::new_ledger(granted));
  PRISM_CHECKED(host::create_private_directory(options.marks));
  // The mark first: a mark without a ledger means nothing, a ledger without its mark is refused.
  const std::string mark = internal::mark_path(options.marks, id);
  PRISM_CHECKED(internal::write_mark(mark, {id, ledger.sequence(), ledger.head()}, options.on_mark_step));
  const Status written =
      host::write_file(resolved, file, host::AtomicFile::Access::owner_only, host::AtomicFile::IfExists::refuse);
  if (!written) {
    (void)host::remove_file(mark);
    return written.error().code == ErrorCode::refused ? exists : written.error();
  }
  return open(path, std::move(options));
}

Result<LedgerFile> LedgerFile::open(const std::string& path, LedgerOptions options) {
  PRISM_TRY(auto state, State::open(path, std::move(options)));
  PRISM_TRY(const Standing standing, state->refresh());
  PRISM_CHECKED(state->check_standing(standing));
  return LedgerFile(std::move(state));
}

Result<Acknowledged::Kind> LedgerFile::acknowledge(const std::string& path, LedgerOptions options,
                                                   std::chrono::seconds now, Claim claim) {
  PRISM_TRY(auto state, State::open(path, std::move(options)));
  PRISM_TRY(const LedgerEvent event, state->append([&](Standing standing, const auto& mark) -> Result<LedgerEvent> {
    if (standing == Standing::missing)
      return state->ledger().acknowledge(
          claim == Claim::moved ? Acknowledged::Kind::moved : Acknowledged::Kind::unmarked, 0, now);
    if (standing == Standing::behind && claim == Claim::moved)
      return fail(ErrorCode::refused, path, " was not only moved: its high-water mark is here (", state->mark_path(),
                  ") and knows of charges that are missing from it");
    if (standing == Standing::behind)
      return state->ledger().acknowledge(Acknowledged::Kind::restored, mark && *mark ? (*mark)->sequence : 0, now);
    return fail(ErrorCode::invalid_argument, path,
                " is where its high-water mark says; there is nothing to acknowledge");
  }));
  return std::get<Acknowledged>(event.what).kind;
}

Result<Ledger> LedgerFile::read() {
  PRISM_TRY(const Standing standing, state_->refresh());
  PRISM_CHECKED(state_->check_standing(standing));
  return state_->ledger();
}

Result<ReservationId> LedgerFile::reserve(const policy::Charge& charge, std::chrono::seconds now) {
  auto event = state_->append([&](Standing standing, const auto&) -> Result<LedgerEvent> {
    PRISM_CHECKED(state_->check_standing(standing));
    return state_->ledger().reserve(charge, now);
  });
  if (!event) {
    Error error = std::move(event).error();
    if (error.detail.empty() && !state_->committing()) error.detail = "charge=none";
    return error;
  }
  state_->mine().insert(event->sequence);
  return ReservationId{event->sequence};
}

Status LedgerFile::commit(ReservationId reservation, std::chrono::seconds now) {
  const auto committed = state_->append([&](Standing standing, const auto&) -> Result<LedgerEvent> {
    PRISM_CHECKED(state_->check_standing(standing));
    return state_->ledger().commit(reservation, now);
  });
  return committed ? Status{} : committed.error();
}

Status LedgerFile::rollback(ReservationId reservation, std::chrono::seconds now) {
  if (!state_->mine().contains(reservation.value))
    return fail(ErrorCode::refused, "reservation ", reservation.value,
                " was made elsewhere; whether its data was touched is not known here, so it stays charged");
  const auto rolled_back = state_->append([&](Standing standing, const auto&) -> Result<LedgerEvent> {
    PRISM_CHECKED(state_->check_standing(standing));
    return state_->ledger().rollback(reservation, now);
  });
  return rolled_back ? Status{} : rolled_back.error();
}

const std::string& LedgerFile::mark_path() const { return state_->mark_path(); }

}  // namespace prism::store::sqlite
