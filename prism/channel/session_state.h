// prism/channel/session_state.h - what SessionKeys holds: one sending epoch, the few epochs it still opens, and what a
// fresh key exchange needs.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "prism/channel/epoch_keys.h"
#include "prism/channel/key_schedule.h"
#include "prism/channel/replay_window.h"
#include "prism/channel/session_keys.h"
#include "prism/channel/suite.h"
#include "prism/crypto/kem.h"

namespace prism::channel {

struct SessionKeys::Sending {
  EpochKeys keys;
  std::uint64_t next = 0;      ///< sequence of the next record
  std::chrono::seconds since;  ///< when this epoch began
};

/// One epoch of the other side's.
struct SessionKeys::Receiver {
  EpochKeys keys;
  ReplayWindow window{};
  std::optional<std::chrono::seconds> until{};  ///< set when a later epoch has taken over: wiped afterwards
};

struct SessionKeys::Receiving {
  /// By epoch, rising. Never empty, and bounded: a forger cannot add to it, and the oldest goes first.
  std::vector<Receiver> epochs;
  static constexpr std::size_t kMaxEpochs = 8;
  /// How many updates a sender may be ahead: its records of an hour may all have been lost on the way.
  static constexpr unsigned kMaxSkipped = 8;
};

struct SessionKeys::Renewal {
  SuiteId suite;
  TrafficSecret secret;          ///< of the present generation
  std::uint16_t generation = 0;  ///< the present one
  std::chrono::seconds since;    ///< when it began
  /// Of the exchange for the next generation: the client's last begun, or the server's last answered.
  std::uint32_t attempt = 0;
  // The client's, between begin_rekey and finish_rekey:
  std::optional<crypto::KemSecretKey> kem{};
  Bytes first{};
  // The server's, between answer_rekey and the first record under the new keys:
  std::optional<EpochKeys> next_sending{};
  TrafficSecret next_secret{};
};

/// Where a record's keys are: in receiving_, or made for it and not yet kept.
struct SessionKeys::Candidate {
  Receiver* kept = nullptr;
  std::optional<Receiver> fresh{};

  Receiver& receiver() { return kept != nullptr ? *kept : *fresh; }
};

}  // namespace prism::channel
