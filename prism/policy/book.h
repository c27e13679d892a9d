// prism/policy/book.h - a ledger that somebody keeps: what a backend charges before it touches data.
#pragma once
#include <chrono>
#include <set>

#include "prism/base/result.h"
#include "prism/policy/ledger.h"

namespace prism::policy {

/// Prepare, reserve, touch the data, release the answer, commit. When reserve returns a value, the charge is durable;
/// when it returns an error, nothing may be touched. Between reserve and commit everything that goes wrong stays
/// charged; rollback is for what goes wrong before the first touch.
class Book {
 public:
  virtual ~Book() = default;
  /// The ledger as it stands, for balances and the grant. Another's charge may come in at any time.
  virtual Result<Ledger> read() = 0;
  virtual Result<ReservationId> reserve(const Charge& charge, std::chrono::seconds now) = 0;
  virtual Status commit(ReservationId reservation, std::chrono::seconds now) = 0;
  /// Only of this book's own reservations: whose data others have touched it cannot know. Errors: refused for others.
  virtual Status rollback(ReservationId reservation, std::chrono::seconds now) = 0;
};

/// A book in memory: gone with the process, so for tests and simulations only. Not for several threads.
class MemoryBook final : public Book {
 public:
  /// Errors: those of check_grant.
  static Result<MemoryBook> make(const Grant& grant, std::chrono::seconds now = {});
  Result<Ledger> read() override;
  Result<ReservationId> reserve(const Charge& charge, std::chrono::seconds now) override;
  Status commit(ReservationId reservation, std::chrono::seconds now) override;
  Status rollback(ReservationId reservation, std::chrono::seconds now) override;

 private:
  explicit MemoryBook(Ledger ledger) : ledger_(std::move(ledger)) {}
  Ledger ledger_;
  std::set<std::uint64_t> mine_;
};

}  // namespace prism::policy
