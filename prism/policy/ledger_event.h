// prism/policy/ledger_event.h - what happened to a privacy budget, one event after the other, chained by digests.
//
// A ledger is the list of its events and nothing else. Each event's chain digest covers the one before it, so an event
// that was changed, taken out or put in shows in every digest after it.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/base/strong.h"
#include "prism/dp/event.h"
#include "prism/dp/parameters.h"

namespace prism::policy {

/// Drawn at random when the ledger is made; names its high-water mark.
using LedgerId = std::array<std::uint8_t, 16>;
/// The sequence number of the event that reserved.
using ReservationId = Strong<std::uint64_t, struct ReservationTag>;

inline constexpr std::size_t kMostEventBytes = std::size_t{16} << 20;  ///< of one ledger event: a grant with margin
/// Of one ledger. Rollbacks cost no budget, so something else must bound the file.
inline constexpr std::size_t kMostLedgerEvents = std::size_t{1} << 20;

/// What a query costs.
struct Charge {
  Digest grant{};       ///< digest_of the grant that the query was prepared under
  Digest plan{};        ///< of the query's canonical plan
  dp::Epsilon epsilon;  ///< for all its mechanisms together
  dp::Delta delta;
  /// The mechanisms themselves, which accounting finer than a sum looks at; at least one. Together they must be
  /// (epsilon, delta)-private (dp::consistent).
  std::vector<dp::Event> events;
  std::string analyst;  ///< empty: nobody in particular
  std::string room;     ///< empty: in none
  bool operator==(const Charge&) const = default;
};

struct Granted {
  LedgerId ledger{};
  std::string grant;  ///< as JSON, byte for byte as it was fixed
  bool operator==(const Granted&) const = default;
};
struct Reserved {
  Charge charge;
  bool operator==(const Reserved&) const = default;
};
/// The answer was computed. It is handed over at the end of its time bucket, unless something stops it until then.
struct Committed {
  ReservationId reservation;
  bool operator==(const Committed&) const = default;
};
/// The data was never touched: the charge is given back.
struct RolledBack {
  ReservationId reservation;
  bool operator==(const RolledBack&) const = default;
};
/// Somebody went on with a ledger whose high-water mark was missing or ahead of it.
struct Acknowledged {
  enum class Kind : std::uint8_t {
    moved,     ///< the mark was missing, and the owner claims that the ledger was moved and nothing was spent since.
               ///< Costs nothing; the claim stands here for ever
    restored,  ///< the ledger was behind its mark: charges are lost. All that was left counts as spent
    unmarked,  ///< the mark was missing and nobody claims anything: charges may be lost. As `restored`
  } kind;
  bool operator==(const Acknowledged&) const = default;
};

struct LedgerEvent {
  /// 1, 2, ...; only `restored` skips numbers, past those of the events that were lost.
  std::uint64_t sequence = 0;
  std::chrono::seconds at{};  ///< since 1970, by the clock of whoever wrote it; decides nothing
  std::variant<Granted, Reserved, Committed, RolledBack, Acknowledged> what;
  bool operator==(const LedgerEvent&) const = default;
};

/// One event, one encoding; version 1.
Bytes encode(const LedgerEvent& event);
/// Bytes from anywhere. Errors: malformed; unsupported for a later version.
Result<LedgerEvent> decode_ledger_event(ByteView bytes);

/// The chain digest of an event with this encoding behind an event with chain digest `before` (zeros: the first).
Digest chain_digest(const Digest& before, ByteView encoded);

}  // namespace prism::policy
