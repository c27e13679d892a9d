// prism/channel/handshake.h - two machines that turn four messages into one session: both sides know each other's key,
// and nobody else knows the secrets.
//
//   client                                     server
//   M1 hello, KEM keys                  ->     accept
//      on_second                        <-     M2 KEM ciphertext, sealed {identity, signature, finished}
//   M3 sealed {identity, sig, finished} ->     finish
//      on_fourth                        <-     M4 sealed {limits}
//
// Pure: time and randomness come in, bytes go out. docs/protocol.md has every byte. A machine that failed or finished
// is spent and holds no secret. Nothing of the application may be sent before Established is there.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/bundle.h"
#include "prism/channel/identity.h"
#include "prism/channel/key_schedule.h"
#include "prism/channel/suite.h"

namespace prism::channel {

using SessionId = std::array<std::uint8_t, 16>;
/// The TLS connection's exporter value (RFC 9266, "EXPORTER-Channel-Binding").
using TlsExporter = std::array<std::uint8_t, 32>;

/// Bounds of the four messages, and of a Retry: longer ones are refused unread.
inline constexpr std::size_t kMaxFirstBytes = 8 * 1024;
inline constexpr std::size_t kMaxSecondBytes = 16 * 1024;
inline constexpr std::size_t kMaxThirdBytes = 72 * 1024;
inline constexpr std::size_t kMaxFourthBytes = 256;

inline constexpr std::chrono::seconds kMaxSessionLifetime{24 * 3600};
/// How long a server waits for M3.
inline constexpr std::chrono::seconds kHalfOpenLifetime{60};

/// How long a session's keys may be used; each side counts from its own clock.
struct Limits {
  std::chrono::seconds expires_at{};      ///< wall time of this side
  std::chrono::seconds rekey_after{};     ///< a duration: new keys at the latest then
  std::uint64_t rekey_after_records = 0;  ///< per direction and epoch
};

struct Established {
  SessionId id{};
  SuiteId suite{};
  Digest peer{};                        ///< fingerprint of the other side's key, which has signed
  std::string peer_name;                ///< what the other side calls itself: for people, never for decisions
  std::vector<Digest> peer_previous{};  ///< on the server: keys that handed over to the client's, oldest first
  std::uint64_t peer_epoch = 0;         ///< on the client: the server's epoch
  TrafficSecrets secrets;
  Limits limits;
  Bytes fourth{};  ///< on the server: M4, to be sent
};

struct ClientPolicy {
  /// Offered, by preference; empty: those of the key's algorithm that are not gated. A KEM key is made for each.
  std::vector<SuiteId> suites{};
  std::string name = "client";
  /// How this client's earlier keys led to the present one, oldest first.
  std::vector<RotationLink> rotations{};
  std::optional<TlsExporter> tls_exporter{};
  /// The epoch of the bundle that was seen: a server that answers with an older one is refused.
  std::uint64_t minimum_epoch = 0;
};

class ClientHandshake {
 public:
  /// Makes the KEM keys and M1. `identity` must outlive the handshake. Errors: mismatch for a suite that does not fit
  /// the key, invalid_argument, and those of the random source.
  static Result<ClientHandshake> start(const ClientPolicy& policy, const crypto::SigningKey& identity,
                                       const Digest& expected_server, std::chrono::seconds now, Random& random);
  ClientHandshake(ClientHandshake&&) noexcept;
  ClientHandshake& operator=(ClientHandshake&&) noexcept;
  ~ClientHandshake();

  /// M1. After a Retry: M1 with the cookie.
  const Bytes& first() const;
  /// Whether an answer to M1 is a Retry rather than M2.
  static bool is_retry(ByteView answer);
  /// Takes the cookie into first(), once. Errors: malformed, refused the second time.
  Status on_retry(ByteView answer);
  /// Checks all that the server says; M3. Errors: malformed; unauthorised, with both fingerprints, for another server
  /// than expected; integrity for everything that does not verify; refused for an older epoch.
  Result<Bytes> on_second(ByteView second, std::chrono::seconds now, Random& random);
  /// After on_second: the session that M3 is for. Nothing before.
  const std::optional<SessionId>& session() const;
  /// Errors: malformed, integrity.
  Result<Established> on_fourth(ByteView fourth);

 private:
  struct State;
  explicit ClientHandshake(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Who may come in. Called once per handshake, after the client has proved that it holds the key.
class ClientGate {
 public:
  virtual ~ClientGate() = default;
  /// `previous`: keys that handed over to `fingerprint` by valid cross-signatures, oldest first. Should take the same
  /// time for everybody.
  virtual bool admits(const Digest& fingerprint, std::span<const Digest> previous) const = 0;
};

struct ServerPolicy {
  /// Accepted, by preference; empty: the identity's.
  std::vector<SuiteId> suites{};
  std::chrono::seconds lifetime = kMaxSessionLifetime;
  std::chrono::seconds rekey_after{3600};
  std::uint64_t rekey_after_records = std::uint64_t{1} << 20;
  bool require_tls_exporter = false;
};

/// What the server knows about the connection that brought M1.
struct Arrival {
  ByteView address{};  ///< of the peer, any stable form
  std::optional<TlsExporter> tls_exporter{};
};

/// Why a handshake was rejected. For the audit log only: peers see one answer for all of them.
enum class Rejection : std::uint8_t {
  none,
  malformed,     ///< M3 is not what docs/protocol.md says
  late,          ///< M3 came after kHalfOpenLifetime
  spent,         ///< a second M3 for one M1
  bad_tag,       ///< the sealed part does not open
  bad_identity,  ///< what it holds is no client identity, or its chain does not verify
  bad_signature,
  bad_finished,
  unknown_client,  ///< all proofs good; the gate says no
};
std::string_view name_of(Rejection reason);

/// The one error of finish(): code unauthorised and this message, whatever was wrong.
inline constexpr std::string_view kSessionRejected = "session-rejected";

/// The server's half, from M1 to M3. Under 1 KiB when M2 has been dropped; a server keeps it for kHalfOpenLifetime at
/// most.
class ServerHandshake {
 public:
  /// Which of its identities a server should take for this M1: the fingerprint that the client expects. Errors:
  /// malformed.
  static Result<Digest> expected_server(ByteView first);

  /// Checks M1 and makes M2. Errors are public and cost no signature: malformed (also for KEM keys that FIPS 203
  /// refuses), unsupported for no common suite, mismatch when the client expects another server, refused for a clock
  /// more than kClockTolerance away or a TLS binding that does not hold.
  static Result<ServerHandshake> accept(const ServerPolicy& policy, const Identity& identity, ByteView first,
                                        std::chrono::seconds now, Random& random, const Arrival& arrival = {});
  ServerHandshake(ServerHandshake&&) noexcept;
  ServerHandshake& operator=(ServerHandshake&&) noexcept;
  ~ServerHandshake();

  const SessionId& id() const;
  /// M2, until drop_second().
  const Bytes& second() const;
  void drop_second();

  /// Checks M3, once. The only error is kSessionRejected (and exhausted, when memory is): same bytes, same work; why is
  /// in rejection().
  Result<Established> finish(ByteView third, std::chrono::seconds now, const ClientGate& gate);
  Rejection rejection() const;
  /// Bytes that this half-open handshake holds.
  std::size_t memory_bytes() const;
  /// For the audit log: the fingerprint that the client claimed, if M3 could be read.
  const std::optional<Digest>& claimed_peer() const;

 private:
  struct State;
  explicit ServerHandshake(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::channel
