#include "prism/policy/book.h"

namespace prism::policy {

Result<MemoryBook> MemoryBook::make(const Grant& grant, std::chrono::seconds now) {
  PRISM_TRY(const LedgerEvent first, Ledger::first_event(grant, LedgerId{}, now));
  PRISM_TRY(Ledger ledger, Ledger::begin(first));
  return MemoryBook(std::move(ledger));
}

Result<Ledger> MemoryBook::read() { return ledger_; }

Result<ReservationId> MemoryBook::reserve(const Charge& charge, std::chrono::seconds now) {
  PRISM_TRY(const LedgerEvent event, ledger_.reserve(charge, now));
  PRISM_CHECKED(ledger_.apply(event));
  mine_.insert(event.sequence);
  return ReservationId{event.sequence};
}

Status MemoryBook::commit(ReservationId reservation, std::chrono::seconds now) {
  PRISM_TRY(const LedgerEvent event, ledger_.commit(reservation, now));
  return ledger_.apply(event);
}

Status MemoryBook::rollback(ReservationId reservation, std::chrono::seconds now) {
  if (!mine_.contains(reservation.value))
    return fail(ErrorCode::refused, "reservation ", reservation.value,
                " was made elsewhere; whether its data was touched is not known here, so it stays charged");
  PRISM_TRY(const LedgerEvent event, ledger_.rollback(reservation, now));
  return ledger_.apply(event);
}

}  // namespace prism::policy
