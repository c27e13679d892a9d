#include "prism/channel/session_keys.h"

#include <algorithm>
#include <utility>

#include "prism/base/check.h"
#include "prism/channel/handshake.h"
#include "prism/channel/record_aad.h"
#include "prism/channel/session_state.h"
#include "prism/channel/stream_state.h"

namespace prism::channel {
namespace {

Direction opposite(Direction direction) {
  return direction == Direction::to_server ? Direction::to_client : Direction::to_server;
}

/// Keys can only be missing when OpenSSL has no memory or the policy is broken; neither is the peer's doing.
EpochKeys first_epoch(TrafficSecret secret) {
  auto keys = EpochKeys::make({}, std::move(secret));
  check(keys.has_value(), "session keys: the key schedule failed");
  return std::move(*keys);
}

/// How long the body of a single record of `record` bytes is.
Result<std::size_t> single_body_bytes(const RecordHeader& header, std::size_t record) {
  if (header.form != RecordForm::single) return fail(ErrorCode::malformed, "a stream where a single record was wanted");
  const std::size_t around = header.bytes() + crypto::kTagBytes;
  if (record < around || record - around > kMaxSingleBytes)
    return fail(ErrorCode::malformed, "a single record of ", record, " bytes");
  return record - around;
}

}  // namespace

SessionKeys::SessionKeys(Role role, Established&& established, std::chrono::seconds now, const KeyPolicy& policy)
    : sends_(role == Role::client ? Direction::to_server : Direction::to_client),
      id_(established.id),
      peer_(established.peer),
      expires_at_(established.limits.expires_at),
      policy_(policy) {
  check(policy.records_per_epoch >= 1 && policy.records_per_epoch <= kRecordsPerEpoch,
        "session keys: records_per_epoch is out of its range");
  // What the server asked for counts where it is stricter.
  const Limits& limits = established.limits;
  if (limits.rekey_after_records != 0)
    policy_.records_per_epoch = std::min(policy_.records_per_epoch, limits.rekey_after_records);
  if (limits.rekey_after.count() > 0) policy_.update_after = std::min(policy_.update_after, limits.rekey_after);
  TrafficSecrets& secrets = established.secrets;
  const bool client = sends_ == Direction::to_server;
  sending_ =
      std::make_unique<Sending>(Sending{first_epoch(std::move(client ? secrets.client : secrets.server)), 0, now});
  receiving_ = std::make_unique<Receiving>();
  receiving_->epochs.push_back({first_epoch(std::move(client ? secrets.server : secrets.client))});
  renewal_ = std::make_unique<Renewal>(Renewal{established.suite, std::move(secrets.rekey), 0, now});
}

SessionKeys::SessionKeys(SessionKeys&& other) noexcept
    : sends_(other.sends_),
      dead_(std::exchange(other.dead_, true)),
      failures_(other.failures_),
      id_(other.id_),
      peer_(other.peer_),
      expires_at_(other.expires_at_),
      policy_(other.policy_),
      sending_(std::move(other.sending_)),
      receiving_(std::move(other.receiving_)),
      renewal_(std::move(other.renewal_)) {}

SessionKeys::~SessionKeys() = default;  // every secret below wipes itself

void SessionKeys::wipe() {
  dead_ = true;
  sending_.reset();
  receiving_.reset();
  renewal_.reset();
}

Status SessionKeys::check_alive(std::chrono::seconds now) const {
  if (dead_) return fail(ErrorCode::unauthorised, "the session is dead; run a handshake again");
  if (now >= expires_at_) return fail(ErrorCode::unauthorised, "the session has expired; run a handshake again");
  return {};
}

void SessionKeys::count_failure() {
  if (++failures_ >= policy_.failures) wipe();
}

Error SessionKeys::forged() {
  count_failure();
  return fail(ErrorCode::integrity,
              "a record does not verify: it was changed, or does not belong to this request and session");
}

// Sending.

Status SessionKeys::update(std::chrono::seconds now) {
  PRISM_CHECKED(check_alive(now));
  PRISM_TRY(EpochKeys next, sending_->keys.later());
  sending_ = std::make_unique<Sending>(Sending{std::move(next), 0, now});
  return {};
}

Epoch SessionKeys::send_epoch() const { return sending_ ? sending_->keys.epoch() : Epoch{}; }

Result<RecordHeader> SessionKeys::next_header(RecordForm form, const Binding& binding, std::chrono::seconds now) {
  PRISM_CHECKED(check_alive(now));
  PRISM_CHECKED(check_binding(binding, sends_));
  if (sending_->next >= policy_.records_per_epoch || now - sending_->since >= policy_.update_after)
    PRISM_CHECKED(update(now));
  return RecordHeader{form, sends_, id_, {sending_->keys.epoch(), sending_->next++}, std::string(binding.content_type)};
}

std::size_t SessionKeys::single_bytes(const Binding& binding, std::size_t body) {
  return kRecordFixedBytes + binding.content_type.size() + body + crypto::kTagBytes;
}

Result<RecordId> SessionKeys::seal_into(const Binding& binding, ByteView body, std::chrono::seconds now,
                                        MutableByteView out) {
  check(out.size() == single_bytes(binding, body.size()), "seal_into: the output has another size than the record");
  if (body.size() > kMaxSingleBytes)
    return fail(ErrorCode::invalid_argument, "a body of ", body.size(), " bytes; above ", kMaxSingleBytes,
                " it goes as a stream");
  PRISM_TRY(const RecordHeader header, next_header(RecordForm::single, binding, now));
  RecordAad aad;
  const ByteView encoded = out.first(write_record_header(header, out));
  PRISM_CHECKED(sending_->keys.aead().seal_into(sending_->keys.nonce(header.id.sequence), aad.view(encoded, binding),
                                                body, out.subspan(encoded.size())));
  return header.id;
}

Result<StreamSealer> SessionKeys::begin_seal(const Binding& binding, std::chrono::seconds now, Random& random) {
  PRISM_TRY(const RecordHeader header, next_header(RecordForm::stream, binding, now));
  Bytes head = encode_record_header(header);
  PRISM_TRY(const crypto::Key256 key, sending_->keys.body_key(header.id.sequence));
  PRISM_TRY(crypto::ChunkSealer chunks, crypto::ChunkSealer::start(key, record_aad(head, binding), random));
  head.insert(head.end(), chunks.head().begin(), chunks.head().end());
  return StreamSealer(
      std::make_unique<StreamSealer::State>(StreamSealer::State{header.id, std::move(head), std::move(chunks)}));
}

Result<Bytes> SessionKeys::seal(const Binding& binding, ByteView body, std::chrono::seconds now, Random& random) {
  if (body.size() <= kMaxSingleBytes) {
    Bytes record(single_bytes(binding, body.size()));
    PRISM_CHECKED(seal_into(binding, body, now, record));
    return record;
  }
  PRISM_TRY(StreamSealer sealer, begin_seal(binding, now, random));
  const std::size_t header = sealer.head().size() - kStreamPrefixBytes;
  Bytes record(static_cast<std::size_t>(sealed_stream_bytes(header, body.size())));
  std::copy(sealer.head().begin(), sealer.head().end(), record.begin());
  const MutableByteView rest = MutableByteView(record).subspan(sealer.head().size());
  PRISM_TRY(const std::size_t written, sealer.update(body, rest));
  PRISM_CHECKED(sealer.finish(rest.subspan(written)));
  return record;
}

// Receiving.

Status SessionKeys::check_record(const RecordHeader& header, const Binding& binding) const {
  if (header.session != id_) return fail(ErrorCode::mismatch, "a record of another session");
  if (header.direction == sends_) return fail(ErrorCode::mismatch, "a record that goes in the other direction");
  if (!binding.content_type.empty() && header.content_type != binding.content_type)
    return fail(ErrorCode::mismatch, "a record with another content type than ", binding.content_type);
  return check_binding(binding, opposite(sends_));
}

Result<SessionKeys::Candidate> SessionKeys::find(const RecordId& id, std::chrono::seconds now) {
  auto& epochs = receiving_->epochs;
  std::erase_if(epochs, [now](const Receiver& r) { return r.until && now >= *r.until; });
  const auto gone = [] {
    return fail(ErrorCode::refused, "a record of an epoch whose keys are gone, or were never agreed");
  };
  // The last one that is not later than the record's own.
  const auto after = std::upper_bound(epochs.begin(), epochs.end(), id.epoch,
                                      [](Epoch epoch, const Receiver& r) { return epoch < r.keys.epoch(); });
  if (after == epochs.begin()) return gone();
  Receiver& last = *(after - 1);
  if (last.keys.epoch() == id.epoch) {
    switch (last.window.check(id.sequence)) {
      case ReplayWindow::Verdict::fresh:
        return Candidate{&last};
      case ReplayWindow::Verdict::seen:
        return fail(ErrorCode::refused, "a record that was here before");
      case ReplayWindow::Verdict::too_old:
        return fail(ErrorCode::refused, "a record that is more than ", ReplayWindow::kWidth, " behind the last one");
    }
  }
  if (last.keys.epoch().generation != id.epoch.generation) return gone();
  const unsigned steps = unsigned{id.epoch.update} - last.keys.epoch().update;
  if (steps > Receiving::kMaxSkipped) return gone();
  PRISM_TRY(EpochKeys keys, last.keys.later(steps));
  Candidate candidate;
  candidate.fresh.emplace(Receiver{std::move(keys), {}, last.until});
  return candidate;
}

void SessionKeys::take_over(std::chrono::seconds now) {
  Renewal& renewal = *renewal_;
  check(renewal.next_sending.has_value(), "session keys: a generation without its exchange");
  sending_ = std::make_unique<Sending>(Sending{std::move(*renewal.next_sending), 0, now});
  renewal.next_sending.reset();
  renewal.secret = std::move(renewal.next_secret);
  renewal.generation = sending_->keys.epoch().generation;
  renewal.since = now;
  renewal.attempt = 0;
}

Status SessionKeys::commit(Candidate candidate, std::uint64_t sequence, std::chrono::seconds now) {
  const Epoch epoch = candidate.receiver().keys.epoch();
  // False only when the same record was opened twice at once and the other was faster.
  if (!candidate.receiver().window.accept(sequence)) return fail(ErrorCode::refused, "a record that was here before");
  auto& epochs = receiving_->epochs;
  if (candidate.fresh) {
    const auto at = std::upper_bound(epochs.begin(), epochs.end(), epoch,
                                     [](Epoch e, const Receiver& r) { return e < r.keys.epoch(); });
    epochs.insert(at, std::move(*candidate.fresh));
    if (epochs.size() > Receiving::kMaxEpochs) epochs.erase(epochs.begin());
  }
  // The sender has moved on: what lies before opens for a while longer, for requests that were under way.
  for (Receiver& r : epochs)
    if (r.keys.epoch() < epoch && !r.until) r.until = now + policy_.grace;
  if (epoch.generation > renewal_->generation) take_over(now);
  return {};
}

Status SessionKeys::open_single(const RecordHeader& header, const Binding& binding, ByteView record,
                                std::chrono::seconds now, MutableByteView body) {
  PRISM_CHECKED(check_alive(now));
  PRISM_CHECKED(check_record(header, binding));
  PRISM_TRY(Candidate candidate, find(header.id, now));
  EpochKeys& keys = candidate.receiver().keys;
  const ByteView encoded = record.first(header.bytes());
  RecordAad aad;
  const Status opened = keys.aead().open_into(keys.nonce(header.id.sequence), aad.view(encoded, binding),
                                              record.subspan(header.bytes()), body);
  if (!opened) return opened.error().code == ErrorCode::unauthorised ? forged() : opened.error();
  return commit(std::move(candidate), header.id.sequence, now);
}

Result<OpenedInPlace> SessionKeys::open_in_place(const Binding& binding, MutableByteView record,
                                                 std::chrono::seconds now) {
  PRISM_TRY(RecordHeader header, read_record_header(record));
  PRISM_TRY(const std::size_t size, single_body_bytes(header, record.size()));
  const MutableByteView body = record.subspan(header.bytes(), size);
  PRISM_CHECKED(open_single(header, binding, record, now, body));
  return OpenedInPlace{body, std::move(header.content_type), header.id};
}

Result<StreamOpener> SessionKeys::begin_open(const Binding& binding, ByteView head, std::chrono::seconds now) {
  PRISM_CHECKED(check_alive(now));
  PRISM_TRY(RecordHeader header, read_record_header(head));
  PRISM_CHECKED(check_record(header, binding));
  if (header.form != RecordForm::stream) return fail(ErrorCode::malformed, "a single record where a stream was wanted");
  if (head.size() != header.bytes() + kStreamPrefixBytes)
    return fail(ErrorCode::malformed, "a stream's head of ", head.size(), " bytes instead of ",
                header.bytes() + kStreamPrefixBytes);
  PRISM_TRY(Candidate candidate, find(header.id, now));
  PRISM_TRY(const crypto::Key256 key, candidate.receiver().keys.body_key(header.id.sequence));
  crypto::ChunkedHead chunked;
  std::copy_n(head.begin() + static_cast<std::ptrdiff_t>(header.bytes()), chunked.size(), chunked.begin());
  auto chunks = crypto::ChunkOpener::start(key, record_aad(head.first(header.bytes()), binding), chunked);
  if (!chunks) return chunks.error().code == ErrorCode::unauthorised ? forged() : chunks.error();
  PRISM_CHECKED(commit(std::move(candidate), header.id.sequence, now));
  return StreamOpener(
      std::make_unique<StreamOpener::State>(StreamOpener::State{std::move(header), std::move(*chunks)}));
}

Result<Opened> SessionKeys::open(const Binding& binding, ByteView record, std::chrono::seconds now) {
  PRISM_TRY(RecordHeader header, read_record_header(record));
  if (header.form == RecordForm::single) {
    PRISM_TRY(const std::size_t size, single_body_bytes(header, record.size()));
    Opened opened{Bytes(size), {}, header.id};
    PRISM_CHECKED(open_single(header, binding, record, now, opened.body));
    opened.content_type = std::move(header.content_type);
    return opened;
  }
  const std::size_t head = header.bytes() + kStreamPrefixBytes;
  PRISM_TRY(const std::uint64_t plain, plain_stream_bytes(header.bytes(), record.size()));
  PRISM_TRY(StreamOpener opener, begin_open(binding, record.first(head), now));
  Bytes body(static_cast<std::size_t>(plain));
  const auto all = [&]() -> Status {
    PRISM_TRY(const Provisional most, opener.update(record.subspan(head), body));
    PRISM_CHECKED(opener.finish(MutableByteView(body).subspan(most.bytes)));
    return {};
  }();
  if (!all) {
    if (all.error().code == ErrorCode::integrity) count_failure();
    return all.error();
  }
  return Opened{std::move(body), std::move(header.content_type), header.id};
}

// Fresh keys.

bool SessionKeys::rekey_due(std::chrono::seconds now) const {
  return renewal_ && now - renewal_->since >= policy_.fresh_after;
}

}  // namespace prism::channel
