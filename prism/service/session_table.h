// prism/service/session_table.h - handshakes that are half open and sessions that are established: bounded, found by
// random ids alone, wiped when they end.
//
// Sessions are never looked up by what a client calls itself. One mutex guards the two maps; one for each session
// guards its keys, for the time of one record at most (channel/session_keys.h). Thread-safe.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "prism/channel/cookie.h"
#include "prism/channel/handshake.h"
#include "prism/channel/session_keys.h"
#include "prism/service/audit.h"
#include "prism/service/clients.h"
#include "prism/service/identities.h"

namespace prism::service {

/// One established session. Shared by the table and by requests that are being answered when it ends.
struct Session {
  Session(channel::SessionKeys&& session_keys, const Digest& owner, std::vector<Digest> older)
      : keys(std::move(session_keys)), account(owner), fingerprint(keys.peer()), previous(std::move(older)) {}
  std::mutex mutex;
  channel::SessionKeys keys;  ///< under mutex
  const Digest account;
  const Digest fingerprint;
  const std::vector<Digest> previous;  ///< keys that handed over to this one
  std::atomic<std::int64_t> used{0};   ///< wall seconds
};

class SessionTable {
 public:
  struct Counters {
    std::uint64_t handshakes = 0, rejected = 0, records_rejected = 0;
    std::size_t sessions = 0, half_open = 0;
  };
  /// References must outlive the table.
  static Result<std::unique_ptr<SessionTable>> create(const Limits& limits, Identities& identities, Clients& clients,
                                                      Audit& audit, const Clock& clock, Random& random);

  Result<Initiated> initiate(ByteView first, std::string_view peer, const std::optional<Digest>& exporter);
  Result<Bytes> finish(const SessionId& id, ByteView third, std::string_view peer);
  Result<std::unique_ptr<SessionRequest>> open_request(const RequestBinding& binding, Source& record);
  Result<Bytes> rekey(const SessionId& id, ByteView message);
  void close(const SessionId& id);
  /// Ends the sessions of clients that the list no longer admits. Call it when the list has changed.
  void end_unlisted();
  void sweep();
  Counters counters() const;

 private:
  friend class OpenedRequest;
  struct IdHash {
    std::size_t operator()(const SessionId& id) const {
      std::size_t out = 0;  // ids are uniform
      for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | id[i];
      return out;
    }
  };
  struct HalfOpen {
    channel::ServerHandshake handshake;
    std::string peer;
    std::chrono::seconds until;
  };
  SessionTable(const Limits& limits, Identities& identities, Clients& clients, Audit& audit, const Clock& clock,
               Random& random, channel::CookieJar cookies)
      : limits_(limits),
        identities_(identities),
        clients_(clients),
        audit_(audit),
        clock_(clock),
        random_(random),
        cookies_(std::move(cookies)) {}

  Error rejected() const;
  Status admit_half_open_locked(const std::string& peer, std::chrono::seconds now);
  Status make_room_locked(const Digest& account, std::chrono::seconds now);
  void forget_half_open_locked(std::unordered_map<SessionId, HalfOpen, IdHash>::iterator entry);
  void sweep_half_open_locked(std::chrono::seconds now);
  std::shared_ptr<Session> find(const SessionId& id, std::chrono::seconds now);
  void erase_locked(const SessionId& id);
  /// The refusal of a record that did not open, audited; ends a session that has seen too many.
  Error refuse_record(Session& session, bool dead, const Error& why);

  const Limits limits_;
  Identities& identities_;
  Clients& clients_;
  Audit& audit_;
  const Clock& clock_;
  Random& random_;
  const channel::CookieJar cookies_;
  mutable std::mutex mutex_;  ///< over all below
  std::unordered_map<SessionId, HalfOpen, IdHash> half_open_;
  std::unordered_map<std::string, std::size_t> half_open_of_;
  std::unordered_map<SessionId, std::shared_ptr<Session>, IdHash> sessions_;
  std::unordered_map<Digest, std::size_t, DigestHash> sessions_of_;
  Counters counters_;
};

}  // namespace prism::service
