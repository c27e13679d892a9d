// prism/channel/session_keys.h - one side's keys of an established session: seals and opens records, and renews itself.
//
// Nothing here locks. Whoever shares a SessionKeys between threads holds one mutex per session around each call; no
// call takes longer than one AEAD message of 64 KiB (some 20 microseconds), because larger bodies are streams, which
// are sealed and opened outside (stream.h). The exceptions say so: open_in_place and open of a stream in memory.
//
// Keys renew in two ways. By themselves: the sender moves on to the next epoch after kRecordsPerEpoch records or
// KeyPolicy::update_after, and the receiver follows when the first record of it verifies. With a fresh KEM key, which
// also heals a session whose keys were stolen: begin_rekey, answer_rekey and finish_rekey, whose two messages travel as
// bodies of ordinary records. Records of the previous epochs open for KeyPolicy::grace, since requests run
// concurrently.
//
// Errors, all of them: malformed (no record), mismatch (another session, direction or content type), integrity (the tag
// or commitment does not verify: something was changed, or does not belong to this request), refused (a replay, too
// old, or of an epoch that is gone), unauthorised (the session is expired or dead), exhausted (no sequence left),
// invalid_argument.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/record.h"
#include "prism/channel/replay_window.h"
#include "prism/channel/stream.h"

namespace prism::channel {

struct Established;

/// Which side of the session this is.
enum class Role : std::uint8_t { client, server };

/// How long keys live. The defaults are the protocol's; tests use smaller ones. Both sides may differ in all but
/// records_per_epoch, of which neither may go above kRecordsPerEpoch.
struct KeyPolicy {
  std::uint64_t records_per_epoch = kRecordsPerEpoch;
  std::chrono::seconds update_after{3600};     ///< a sender's epoch is not older
  std::chrono::seconds fresh_after{4 * 3600};  ///< a fresh KEM is due
  std::chrono::seconds grace{60};              ///< how long a past epoch still opens
  unsigned failures = 16;                      ///< so many forged records kill the session
};

/// A body that verified.
struct Opened {
  Bytes body;
  std::string content_type;
  RecordId id;
};
/// The same, lying in the record's own memory.
struct OpenedInPlace {
  MutableByteView body;
  std::string content_type;
  RecordId id;
};

class SessionKeys {
 public:
  /// Takes the secrets of a finished handshake (handshake.h); the rest of it stays readable. `now` is wall time, UTC,
  /// here and below: the session ends at established.limits.expires_at.
  SessionKeys(Role role, Established&& established, std::chrono::seconds now, const KeyPolicy& policy = {});
  SessionKeys(SessionKeys&&) noexcept;
  SessionKeys& operator=(SessionKeys&&) = delete;
  ~SessionKeys();

  const SessionId& id() const { return id_; }
  /// The other side's fingerprint.
  const Digest& peer() const { return peer_; }
  std::chrono::seconds expires_at() const { return expires_at_; }
  bool alive(std::chrono::seconds now) const { return !dead_ && now < expires_at_; }

  /// A record around `body`: single up to kMaxSingleBytes, else a stream. Binding::answer is set on the server's side
  /// and only there. record_id() of the result is what the answer will bind.
  Result<Bytes> seal(const Binding& binding, ByteView body, std::chrono::seconds now, Random& random);
  /// A single record into the caller's memory, which must have single_bytes(binding, body.size()) bytes; returns the
  /// name.
  Result<RecordId> seal_into(const Binding& binding, ByteView body, std::chrono::seconds now, MutableByteView out);
  static std::size_t single_bytes(const Binding& binding, std::size_t body);
  /// A whole record of either form that is in memory already.
  Result<Opened> open(const Binding& binding, ByteView record, std::chrono::seconds now);
  /// A single record where it lies: the body overwrites the ciphertext.
  Result<OpenedInPlace> open_in_place(const Binding& binding, MutableByteView record, std::chrono::seconds now);

  /// A body that is not in memory, or too large to be copied.
  Result<StreamSealer> begin_seal(const Binding& binding, std::chrono::seconds now, Random& random);
  /// `head` is exactly the record header and kStreamPrefixBytes. When this succeeds, header and binding are authentic
  /// and the record's name is used up: a second copy is a replay.
  Result<StreamOpener> begin_open(const Binding& binding, ByteView head, std::chrono::seconds now);
  /// For streams that failed after begin_open: counts like a forged record.
  void count_failure();

  /// Moves the sending direction to its next epoch now.
  Status update(std::chrono::seconds now);
  Epoch send_epoch() const;

  /// Whether the client should run a fresh key exchange.
  bool rekey_due(std::chrono::seconds now) const;
  /// Client: the first message. Asking again replaces the KEM key that waits. The answer to any earlier one is refused.
  Result<Bytes> begin_rekey(Random& random);
  /// Server: the second message. The client's next record under the new keys switches this side; until then it goes on
  /// with the old ones, so that losing the answer loses nothing.
  Result<Bytes> answer_rekey(ByteView first, std::chrono::seconds now, Random& random);
  /// Client: from now on seals under the new keys.
  Status finish_rekey(ByteView second, std::chrono::seconds now);

  /// Ends the session: every key is overwritten, every later call is unauthorised. The destructor does it, too.
  void wipe();

 private:
  struct Sending;
  struct Receiver;
  struct Receiving;
  struct Renewal;
  struct Candidate;

  Status check_alive(std::chrono::seconds now) const;
  Status check_record(const RecordHeader& header, const Binding& binding) const;
  /// The next record's header, and its number taken: it is used up whatever happens afterwards.
  Result<RecordHeader> next_header(RecordForm form, const Binding& binding, std::chrono::seconds now);
  /// The keys for a record that claims this name, if they can be had; changes nothing that a forger could profit from.
  Result<Candidate> find(const RecordId& id, std::chrono::seconds now);
  Status open_single(const RecordHeader& header, const Binding& binding, ByteView record, std::chrono::seconds now,
                     MutableByteView body);
  /// After the tag: the number is used up, and newer keys take over.
  Status commit(Candidate candidate, std::uint64_t sequence, std::chrono::seconds now);
  void take_over(std::chrono::seconds now);
  Error forged();

  Direction sends_;  ///< which side this is
  bool dead_ = false;
  unsigned failures_ = 0;
  SessionId id_{};
  Digest peer_{};
  std::chrono::seconds expires_at_{};
  KeyPolicy policy_;
  std::unique_ptr<Sending> sending_;
  std::unique_ptr<Receiving> receiving_;
  std::unique_ptr<Renewal> renewal_;
};

}  // namespace prism::channel
