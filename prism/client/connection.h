// prism/client/connection.h - a compute service as its clients use it: plan, upload, compute, wait. Sessions, retries
// and resumed uploads happen inside.
//
//   auto service = client::Connection::open({.server = url, .trust = {.pin = fingerprint}}, identity, clock, random);
//   const auto plan = service->plan(question);
//
// What is asked twice is done once: every request either changes nothing, or is content-addressed, or carries an
// idempotency key. So a request whose answer was lost is sent again, on a new connection or in a new session, until
// Patience ends. Not for several threads; make one for each.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/handshake.h"
#include "prism/client/meeting.h"
#include "prism/client/server_url.h"
#include "prism/client/session.h"
#include "prism/client/transport.h"
#include "prism/compute/plan.h"
#include "prism/crypto/tls.h"

namespace prism::client {

/// How long to try, and how to wait.
struct Patience {
  std::chrono::milliseconds connect{10'000};      ///< for a connection with its TLS handshake
  std::chrono::milliseconds silence{60'000};      ///< without one byte either way
  std::chrono::milliseconds first{500};           ///< before a server that was never reached is given up
  std::chrono::milliseconds unreachable{30'000};  ///< since anything last went well, before network errors are believed
  std::chrono::seconds longest_wait{10};          ///< a server that says "later" is waited for so long at most
  /// Sleeps. interrupted ends everything, so it is asked to sleep for 0 ms now and then. Without it the thread sleeps
  /// and looks for Ctrl-C (host/interrupt.h).
  std::function<Status(std::chrono::milliseconds)> wait{};
};

struct ConnectionOptions {
  ServerUrl server;
  Trust trust;
  /// For https. In the session form, without pins and CA, any certificate will do: the channel inside knows the server
  /// by its pinned identity. With a token TLS is all there is: pins, a CA, or the system's CAs decide.
  crypto::TlsClientOptions tls{};
  channel::ClientPolicy policy{};
  Patience patience{};
};

/// What a server keeps for a client, by the SHA-256 of its bytes.
enum class Blob : std::uint8_t { context, data };

/// The bytes that a server has of an upload, and of how many.
using UploadProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

struct Uploaded {
  Digest digest{};
  std::uint64_t sent = 0;  ///< bytes that had to travel: 0 when the server had it all
};

/// An answer as it came: nothing in it has been checked but that the session delivered it.
struct SignedAnswer {
  Bytes result;
  Bytes receipt;
};

/// What was said while waiting for a computation.
struct JobNews {
  std::string id, state;  ///< of the job: 32 digits; queued, running, done, failed or cancelled
  double progress = 0;    ///< 0 .. 1
};

class Connection {
 public:
  /// Opens a session: the server is known, and knows this client, when it returns. `identity`, `clock` and `random`
  /// must outlive the connection. Errors: network; unauthorised when the server is not the right one or lets nobody
  /// like us in; and those of Trust.
  static Result<Connection> open(ConnectionOptions options, const crypto::SigningKey& identity, const Clock& clock,
                                 Random& random);
  /// The token form: no session, and whoever ends TLS sees requests and could change answers.
  static Result<Connection> open_with_token(ConnectionOptions options, std::string token, const Clock& clock,
                                            Random& random);
  /// Over a transport of the caller's own: the rules of asking again, uploads and jobs are the same.
  static Connection over(std::unique_ptr<Transport> transport, Patience patience, const Clock& clock, Random& random);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  /// Ends the session on both sides if there is a connection; waits at most 2 seconds.
  ~Connection();

  const std::string& server() const;
  const Meeting& meeting() const;
  Random& random() const;
  /// The error of Patience::wait when somebody wants an end: for between long steps of one's own.
  Status check_stopped() const;
  /// Whether requests travel in records of a session rather than under a token.
  bool in_session() const;
  /// Of the session form: the last handshake.
  const std::optional<SessionFacts>& session() const;

  /// What a computation needs (compute::plan_question writes the question). Costs the server little and us nothing.
  Result<compute::Plan> plan(std::string_view question_json);
  /// Sends what the server lacks of `bytes`, in parts; a part that is cut off is continued where it broke.
  Result<Uploaded> upload(Blob kind, ByteView bytes, const UploadProgress& progress = {});
  /// POST /compute with `body` (docs/rest.md); waits until the job is done. `idempotency_key`: 1 to 64 characters; the
  /// same key and body later give the same job. Errors: the job's own problem when it failed.
  Result<SignedAnswer> compute(std::string_view body, std::string_view idempotency_key, const Digest& context,
                               const Digest& program, const std::function<void(const JobNews&)>& news = {});
  /// POST /compute/encrypted: inputs inside the request, no job. For small vectors.
  Result<SignedAnswer> compute_inline(ByteView body, const Digest& context, const Digest& program);

  /// One authenticated answer of status 2xx, tried again as Patience says. For what has no method above.
  Result<Reply> ask(const Call& call);

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  static Result<Connection> start(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::client
