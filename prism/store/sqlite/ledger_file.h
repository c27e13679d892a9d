// prism/store/sqlite/ledger_file.h - a privacy-budget ledger in one SQLite file, with a high-water mark elsewhere.
//
// The ledger's events stand in DATA.csv.budget; a charge counts when SQLite has made it durable. Then the mark, a small
// file `<ledger id>.mark` in a folder outside of the dataset's, is raised to it, and only then does reserve() return.
// A ledger that was put back from a backup is behind its mark, or has another event where the mark points, and is
// refused: its charges are lost, the answers they paid for are not.
//
// Any number of threads and processes may use one ledger, each with a LedgerFile of its own.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/policy/book.h"

namespace prism::store::sqlite {

struct LedgerOptions {
  /// Where marks are: a folder of this user alone, made when absent (its parent must exist). Not beside the data: a
  /// backup that brings the ledger back must not bring the mark back.
  std::string marks;
  /// How long to wait for others that write.
  std::chrono::milliseconds patience{30'000};
  /// For tests that break things: the name of an SQLite VFS, and what is called before each step of raising the mark
  /// ("open", "write", "sync", "rename", "done"). An error from it stands for the death of the machine.
  std::string vfs = {};
  std::function<Status(std::string_view step)> on_mark_step = {};
};

/// Not for several threads at once; make one for each.
class LedgerFile final : public policy::Book {
 public:
  /// Makes the ledger, whole or not at all. Errors: refused when there is one (a grant is fixed once),
  /// invalid_argument for the grant, io.
  static Result<LedgerFile> create(const std::string& path, const policy::Grant& grant, LedgerOptions options,
                                   Random& random, std::chrono::seconds now);
  /// Errors: not_found; malformed when it is no ledger of ours; unsupported for a later version; integrity when its
  /// events do not follow from one another; insecure for a symbolic link, another user's file, or one that others may
  /// write; refused, with what to do, when it is behind its mark or the mark is missing.
  static Result<LedgerFile> open(const std::string& path, LedgerOptions options);
  /// What the owner says of a ledger without a mark. Nobody can check `moved`: it stands in the ledger for ever.
  enum class Claim {
    nothing,
    moved,  ///< from another machine or user, where nothing was spent since
  };
  /// Goes on with a ledger that open() refuses for its mark. A ledger behind its mark lost charges, and one without a
  /// mark may have: all that is left of its budget counts as spent, unless the mark is missing and the owner claims
  /// `moved`. Errors: invalid_argument when there is nothing to acknowledge; refused for a claim that the mark belies.
  static Result<policy::Acknowledged::Kind> acknowledge(const std::string& path, LedgerOptions options,
                                                        std::chrono::seconds now, Claim claim = Claim::nothing);

  LedgerFile(LedgerFile&& other) noexcept;
  LedgerFile& operator=(LedgerFile&& other) noexcept;
  ~LedgerFile() override;

  Result<policy::Ledger> read() override;
  /// Errors besides those of Ledger::reserve: exhausted when others kept it busy for all of the patience; io,
  /// integrity. Of an error that is none of those, the detail is `charge=none` where surely nothing was charged,
  /// `charge=stands` where surely something was, and empty where the disk alone knows.
  Result<policy::ReservationId> reserve(const policy::Charge& charge, std::chrono::seconds now) override;
  Status commit(policy::ReservationId reservation, std::chrono::seconds now) override;
  Status rollback(policy::ReservationId reservation, std::chrono::seconds now) override;

  const std::string& mark_path() const;

 private:
  class State;
  explicit LedgerFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::store::sqlite
