#include "prism/service/session_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "prism/crypto/key_file.h"

namespace prism::service {
namespace {

using std::chrono::seconds;

/// A session that was not used for so long makes room when the table is full.
constexpr seconds kIdle{600};

std::string shown(const Digest& fingerprint) { return crypto::fingerprint_text(fingerprint); }

}  // namespace

Result<std::unique_ptr<SessionTable>> SessionTable::create(const Limits& limits, Identities& identities,
                                                           Clients& clients, Audit& audit, const Clock& clock,
                                                           Random& random) {
  PRISM_TRY(channel::CookieJar cookies, channel::CookieJar::create(random));
  return std::unique_ptr<SessionTable>(
      new SessionTable(limits, identities, clients, audit, clock, random, std::move(cookies)));
}

/// The same error whatever was wrong.
Error SessionTable::rejected() const {
  return refuse(Problem::session_rejected, "the handshake was rejected; begin again with the server's present bundle");
}

Status SessionTable::admit_half_open_locked(const std::string& peer, seconds now) {
  if (half_open_.size() >= limits_.half_open) sweep_half_open_locked(now);
  if (half_open_.size() >= limits_.half_open)
    return refuse(Problem::capacity, "too many handshakes at once; try again in a minute");
  const auto of_peer = half_open_of_.find(peer);
  if (of_peer != half_open_of_.end() && of_peer->second >= limits_.half_open_per_peer)
    return refuse(Problem::quota_exceeded, of_peer->second,
                  " handshakes of this address wait for their third message; finish them or wait a minute");
  return {};
}

Result<Initiated> SessionTable::initiate(ByteView first, std::string_view peer, const std::optional<Digest>& exporter) {
  const seconds now = clock_.wall();
  const std::string address(peer);
  // What must be audited must not happen unseen.
  if (!audit_.healthy()) return refuse(Problem::capacity, "the server cannot write its audit log");
  bool busy = false;
  {
    const std::lock_guard lock(mutex_);
    PRISM_CHECKED(admit_half_open_locked(address, now));
    busy = half_open_.size() >= limits_.busy_from;
  }
  if (busy && !cookies_.admits(first, as_bytes(peer), now)) {
    PRISM_TRY(Bytes retry, cookies_.retry(first, as_bytes(peer), now));
    return Initiated{{}, std::move(retry), true};
  }
  // What anybody can see in M1 is said; what depends on this server, its clock or its policy is the one rejection.
  const auto refused = [&](const Error& why) -> Error {
    audit_.refusal("handshake", {{"outcome", "refused"}, {"step", "1"}, {"reason", why.message}, {"peer", peer}});
    {
      const std::lock_guard lock(mutex_);
      ++counters_.rejected;
    }
    return why.code == ErrorCode::malformed ? refuse(Problem::invalid_request, why.message) : rejected();
  };
  auto expected = channel::ServerHandshake::expected_server(first);
  if (!expected) return refused(expected.error());
  const auto identity = identities_.expected(*expected, now);
  channel::ServerPolicy policy;
  policy.lifetime = std::min(limits_.session_for, channel::kMaxSessionLifetime);
  auto handshake = channel::ServerHandshake::accept(policy, *identity, first, now, random_, {as_bytes(peer), exporter});
  if (!handshake) return refused(handshake.error());
  Initiated out{handshake->id(), handshake->second(), false};
  handshake->drop_second();
  const std::lock_guard lock(mutex_);
  PRISM_CHECKED(admit_half_open_locked(address, now));  // again: others came meanwhile
  half_open_.emplace(out.id, HalfOpen{std::move(*handshake), address, now + limits_.half_open_for});
  ++half_open_of_[address];
  return out;
}

Result<Bytes> SessionTable::finish(const SessionId& id, ByteView third, std::string_view peer) {
  const seconds now = clock_.wall();
  std::optional<HalfOpen> half;
  {
    const std::lock_guard lock(mutex_);
    const auto found = half_open_.find(id);
    if (found != half_open_.end()) {
      // The address is copied: forgetting the entry counts by it.
      half.emplace(HalfOpen{std::move(found->second.handshake), found->second.peer, found->second.until});
      forget_half_open_locked(found);
    }
  }
  if (!half) {
    audit_.refusal("handshake",
                   {{"outcome", "refused"}, {"step", "3"}, {"reason", "no such handshake"}, {"peer", peer}});
    const std::lock_guard lock(mutex_);
    ++counters_.rejected;
    return rejected();
  }
  auto established = half->handshake.finish(third, now, clients_);
  if (!established) {
    const auto& claimed = half->handshake.claimed_peer();
    audit_.refusal("handshake", {{"outcome", "refused"},
                                 {"step", "3"},
                                 {"reason", name_of(half->handshake.rejection())},
                                 {"claimed", claimed ? shown(*claimed) : "-"},
                                 {"peer", peer}});
    const std::lock_guard lock(mutex_);
    ++counters_.rejected;
    return rejected();
  }
  PRISM_TRY(const Digest account, clients_.account_of(established->peer, established->peer_previous));
  Bytes fourth = established->fourth;
  const std::vector<Digest> previous = established->peer_previous;
  const std::string suite = std::to_string(static_cast<int>(established->suite));
  auto session = std::make_shared<Session>(channel::SessionKeys(channel::Role::server, std::move(*established), now),
                                           account, previous);
  session->used = now.count();
  {
    const std::lock_guard lock(mutex_);
    // The list may have changed since the handshake looked; from here on end_unlisted() sees the session.
    if (!clients_.admits(session->fingerprint, previous)) {
      ++counters_.rejected;
      return rejected();
    }
    PRISM_CHECKED(make_room_locked(account, now));
    sessions_.emplace(id, session);
    ++sessions_of_[account];
    ++counters_.handshakes;
  }
  audit_.line("handshake", {{"outcome", "established"},
                            {"session", to_hex(id)},
                            {"suite", suite},
                            {"client", shown(session->fingerprint)},
                            {"account", shown(account)},
                            {"peer", peer}});
  if (account != session->fingerprint && !previous.empty())
    audit_.line(
        "client-rotation",
        {{"client", shown(session->fingerprint)}, {"previous", shown(previous.back())}, {"account", shown(account)}});
  return fourth;
}

Status SessionTable::make_room_locked(const Digest& account, seconds now) {
  const auto count = sessions_of_.find(account);
  const bool many = count != sessions_of_.end() && count->second >= limits_.sessions_per_client;
  if (!many && sessions_.size() < limits_.sessions) return {};
  // A client that has many loses its own least used one; a full table loses one that is idle.
  const std::pair<const SessionId, std::shared_ptr<Session>>* oldest = nullptr;
  for (const auto& entry : sessions_)
    if ((!many || entry.second->account == account) && (oldest == nullptr || entry.second->used < oldest->second->used))
      oldest = &entry;
  if (oldest == nullptr || (!many && now.count() - oldest->second->used < kIdle.count()))
    return refuse(Problem::capacity, "as many sessions as this server keeps are in use; try later");
  erase_locked(SessionId(oldest->first));
  return {};
}

void SessionTable::forget_half_open_locked(std::unordered_map<SessionId, HalfOpen, IdHash>::iterator entry) {
  const auto of_peer = half_open_of_.find(entry->second.peer);
  if (of_peer != half_open_of_.end() && --of_peer->second == 0) half_open_of_.erase(of_peer);
  half_open_.erase(entry);
}

void SessionTable::sweep_half_open_locked(seconds now) {
  for (auto entry = half_open_.begin(); entry != half_open_.end();) {
    const auto next = std::next(entry);
    if (now > entry->second.until) forget_half_open_locked(entry);
    entry = next;
  }
}

std::shared_ptr<Session> SessionTable::find(const SessionId& id, seconds now) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return nullptr;
  found->second->used = now.count();
  return found->second;
}

void SessionTable::erase_locked(const SessionId& id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  {
    // Requests that still hold the session find it dead.
    const std::lock_guard lock(found->second->mutex);
    found->second->keys.wipe();
  }
  const auto count = sessions_of_.find(found->second->account);
  if (--count->second == 0) sessions_of_.erase(count);
  sessions_.erase(found);
}

void SessionTable::close(const SessionId& id) {
  const std::lock_guard lock(mutex_);
  erase_locked(id);
}

void SessionTable::end_unlisted() {
  std::vector<std::shared_ptr<Session>> past;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_)
      if (!clients_.admits(session->fingerprint, session->previous)) past.push_back(session);
    for (const auto& session : past) erase_locked(session->keys.id());
  }
  for (const auto& session : past)
    audit_.line(
        "session-ended",
        {{"reason", "unlisted"}, {"session", to_hex(session->keys.id())}, {"client", shown(session->fingerprint)}});
}

void SessionTable::sweep() {
  const seconds now = clock_.wall();
  const std::lock_guard lock(mutex_);
  sweep_half_open_locked(now);
  std::vector<SessionId> past;
  for (const auto& [id, session] : sessions_)
    if (now >= session->keys.expires_at()) past.push_back(id);
  for (const SessionId& id : past) erase_locked(id);
}

SessionTable::Counters SessionTable::counters() const {
  const std::lock_guard lock(mutex_);
  Counters out = counters_;
  out.sessions = sessions_.size();
  out.half_open = half_open_.size();
  return out;
}

Error SessionTable::refuse_record(Session& session, bool dead, const Error& why) {
  audit_.refusal("record", {{"outcome", "refused"},
                            {"reason", why.message},
                            {"session", to_hex(session.keys.id())},
                            {"client", shown(session.fingerprint)}});
  {
    const std::lock_guard lock(mutex_);
    ++counters_.records_rejected;
    if (dead) erase_locked(session.keys.id());
  }
  switch (why.code) {
    case ErrorCode::unauthorised:
      return refuse(Problem::session_expired, "the session has ended; make a new one");
    case ErrorCode::refused:
      return refuse(Problem::record_replayed, "this record was opened before, or is too old to tell");
    default:
      return refuse(Problem::record_rejected, "the record is not authentic, or not for this request");
  }
}

Result<Bytes> SessionTable::rekey(const SessionId& id, ByteView message) {
  const seconds now = clock_.wall();
  const auto session = find(id, now);
  if (!session) return refuse(Problem::session_expired, "the session has ended; make a new one");
  Result<Bytes> answer = [&] {
    const std::lock_guard lock(session->mutex);
    return session->keys.answer_rekey(message, now, random_);
  }();
  const auto fingerprint = shown(session->fingerprint);
  if (!answer) {
    audit_.refusal(
        "rekey",
        {{"outcome", "refused"}, {"reason", answer.error().message}, {"session", to_hex(id)}, {"client", fingerprint}});
    if (answer.error().code == ErrorCode::unauthorised)
      return refuse(Problem::session_expired, "the session has ended; make a new one");
    return refuse(Problem::invalid_request, "not a rekey request for this session's present keys");
  }
  audit_.line("rekey", {{"outcome", "answered"}, {"session", to_hex(id)}, {"client", fingerprint}});
  return answer;
}

}  // namespace prism::service
