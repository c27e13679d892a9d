// prism/service/compute_service.h - the compute service: sessions, uploads, computations, jobs. One method per use
// case, no HTTP.
//
// Everything under one data directory (0700): the server's identity, uploaded contexts and data by digest, jobs that
// were acknowledged, the audit log. What was acknowledged survives a crash; what was not vanishes. Contexts, data and
// jobs belong to the account that made them: for all others they do not exist (not_found, the same answer).
//
// Thread-safe. Errors are refuse(Problem, ...) (problem.h): messages are for the caller; true reasons of failed
// handshakes and refused records go to the audit log alone.
#pragma once
#include <chrono>
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
#include "prism/crypto/signature.h"
#include "prism/service/caller.h"
#include "prism/service/limits.h"
#include "prism/service/problem.h"

namespace prism::service {

/// Which clients may open sessions.
enum class Admission : std::uint8_t {
  open,       ///< anybody who holds a key
  allow_list  ///< fingerprints in Options::clients_file
};

struct Options {
  std::string data_dir;  ///< made when absent (its parent must exist)
  /// What the server calls itself in bundles and receipts (channel::is_name).
  std::string server_name = "prism";
  /// Of the identity that is made at the first start: suites 1 and (ml_dsa_87) 2. ML-KEM alone, suite 3, must be asked
  /// for.
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::ml_dsa_65;
  bool allow_suite_3 = false;
  Admission admission = Admission::open;
  /// One fingerprint (64 hex digits) a line; `#` begins a comment. Read again by reload().
  std::string clients_file;
  /// API tokens (service/tokens.h); empty: none are accepted. Read again by reload().
  std::string tokens_file;
  std::size_t workers = 0;  ///< threads that compute; 0: one for each core
  Limits limits;
  /// Only looks: queued jobs stay queued, nothing is swept, and the audit log gets no line.
  bool check_only = false;
};

/// What is bound into a request's record besides its bytes: RFC 9110 method, path with query, inner content type,
/// and what the headers Prism-Context, Prism-Program and Idempotency-Key name (zeros and empty when absent).
struct RequestBinding {
  std::string_view method;
  std::string_view path;
  Digest context{};
  Digest program{};
  std::string_view idempotency_key;
};

/// Bytes that arrive in pieces.
class Source {
 public:
  virtual ~Source() = default;
  /// Fills some of `out`; 0 at the end. network when the other side broke off.
  virtual Result<std::size_t> read(MutableByteView out) = 0;
};

/// An authentic request. Whatever a stream yields is authentic piece by piece; that it is whole is known at its end.
class SessionRequest {
 public:
  virtual ~SessionRequest() = default;
  virtual const Caller& caller() const = 0;
  /// The inner content type.
  virtual std::string_view content_type() const = 0;
  /// The body. Errors: record_rejected for bytes that are not the client's, or a body that was cut.
  virtual Source& body() = 0;
  /// An answer as a record of the other direction, bound to this request and to the status. May be called again, from
  /// any thread: events of a stream are several answers to one request.
  virtual Result<Bytes> seal(int status, std::string_view content_type, ByteView body) = 0;
};

struct Initiated {
  SessionId id{};
  Bytes second;        ///< M2
  bool retry = false;  ///< `second` is instead a cookie: the client sends M1 again with it
};

enum class BlobKind : std::uint8_t { context, data };

struct UploadState {
  std::uint64_t offset = 0;  ///< bytes that are here for good
  std::uint64_t size = 0;
  bool complete = false;  ///< all there, and the digest holds
};

using JobId = std::array<std::uint8_t, 16>;
enum class JobState : std::uint8_t { queued, running, done, failed, cancelled };
std::string_view name_of(JobState state);

struct JobView {
  JobId id{};
  JobState state = JobState::queued;
  double progress = 0;         ///< 0 .. 1
  std::optional<Error> error;  ///< of failed
  std::chrono::seconds created{}, finished{};
};

/// A request for a computation.
struct ComputeCall {
  ByteView body;
  /// What the record bound, if it did: the body must agree (conflict).
  std::optional<Digest> context{}, program{};
  /// The same key and bytes give the same job again; the same key with other bytes is refused. At most 255 bytes.
  std::string_view idempotency_key{};
};

/// A signed answer.
struct Answer {
  Bytes result;   ///< the artefact (prism/compute)
  Bytes receipt;  ///< COSE_Sign1 (prism/channel/receipt.h)
};

/// Either an answer or the job that will have it.
struct Outcome {
  std::optional<Answer> answer;
  JobView job;
};

/// What one client has left, for RateLimit fields.
struct Allowance {
  double cpu_seconds_per_window = 0, cpu_seconds_left = 0;
  std::chrono::seconds window{}, resets_in{};
};

struct Statistics {
  std::size_t sessions = 0, half_open = 0, jobs_waiting = 0, jobs_running = 0;
  std::uint64_t handshakes = 0, handshakes_rejected = 0, records_rejected = 0;
  std::uint64_t computations = 0, computations_failed = 0;
  double cpu_seconds = 0;
  std::uint64_t stored_bytes = 0, blobs = 0, uploads = 0;
  std::uint64_t contexts_cached = 0, contexts_cached_bytes = 0;
};

class ComputeService {
 public:
  /// Opens or makes the data directory, takes up jobs that were acknowledged, starts workers. One process at a time: a
  /// second one is refused. `clock` and `random` must outlive the service and be thread-safe.
  static Result<std::unique_ptr<ComputeService>> open(const Options& options, const Clock& clock, Random& random);
  /// Stops workers between operations; jobs that were acknowledged go on at the next start. Wipes sessions.
  ~ComputeService();
  /// What computes or waits in other threads ends soon, as the destructor needs it; what comes later is refused. For
  /// when calls are still under way and must not hold up the end.
  void stop();
  ComputeService(const ComputeService&) = delete;
  ComputeService& operator=(const ComputeService&) = delete;

  // -- identity and sessions
  /// The signed identity bundle, as bytes of docs/protocol.md; signed anew before it expires.
  Result<Bytes> public_keys();
  /// SHA-256 of the SPKI of the key that signs now.
  Digest fingerprint() const;
  /// M1 to M2. `peer` is what quotas of half-open handshakes go by: an address. `exporter`: of the TLS connection.
  Result<Initiated> initiate(ByteView first, std::string_view peer, const std::optional<Digest>& exporter = {});
  /// M3 to M4. Errors: session_rejected, the same whatever the reason.
  Result<Bytes> finish(const SessionId& id, ByteView third, std::string_view peer);
  /// A request that came as a record: the start of its bytes tells session, epoch and number. `record` yields the rest.
  Result<std::unique_ptr<SessionRequest>> open_request(const RequestBinding& binding, Source& record);
  /// A fresh KEM secret in a session that goes on (docs/protocol.md, "Rekeying").
  Result<Bytes> rekey(const Caller& caller, ByteView message);
  /// Ends a session and wipes its keys.
  void close_session(const SessionId& id);
  /// The caller of an API token. Errors: unauthenticated, whatever the reason.
  Result<Caller> authenticate(std::string_view token);

  // -- uploads: content-addressed by SHA-256, resumable, verified before they exist
  Result<UploadState> announce(const Caller& caller, BlobKind kind, const Digest& digest, std::uint64_t size);
  Result<UploadState> upload_state(const Caller& caller, BlobKind kind, const Digest& digest);
  /// Bytes from `offset` on, which must be where the upload stands (offset_mismatch otherwise). A body that breaks off
  /// leaves what came. digest_mismatch removes the upload.
  Result<UploadState> upload(const Caller& caller, BlobKind kind, const Digest& digest, std::uint64_t offset,
                             std::uint64_t size, Source& body);
  Status remove(const Caller& caller, BlobKind kind, const Digest& digest);

  // -- computing
  /// What a computation needs, before any key exists: JSON to JSON (prism/compute/plan.h).
  Result<std::string> plan(const Caller& caller, std::string_view json);
  /// {"request": {...}, "context": hex, "inputs": {name: hex}} on uploaded data; small ones are answered at once, for
  /// others a job is made, and waited for up to Limits::quick_answer.
  Result<Outcome> compute(const Caller& caller, const ComputeCall& call);
  /// CBOR {"context": digest, "inputs": {name: bytes}, "request": JSON text}: inputs come along. Answers at once, so an
  /// idempotency key changes nothing.
  Result<Answer> compute_inline(const Caller& caller, const ComputeCall& call);

  // -- jobs
  Result<JobView> job(const Caller& caller, const JobId& id);
  /// Returns when state or progress differ from `seen`, at the latest after `timeout`.
  Result<JobView> wait_for_change(const Caller& caller, const JobId& id, const JobView& seen,
                                  std::chrono::milliseconds timeout);
  /// conflict while the job is not done; its own error when it failed.
  Result<Answer> answer(const Caller& caller, const JobId& id);
  /// Stops it, or forgets its answer when it has ended.
  Result<JobView> cancel(const Caller& caller, const JobId& id);

  // -- operation
  /// Takes up a rotated identity, clients and tokens; on an error all stay as they were. Half-open handshakes and
  /// sessions of the previous identity go on; sessions of clients that are not listed any more end.
  Status reload();
  /// Known-answer tests, a valid bundle, a writable audit log, free disk: for readiness.
  Status self_test();
  /// Sessions and uploads past their time, answers past theirs, the audit log to disk. Workers call it each second.
  void sweep();
  Allowance allowance(const Caller& caller) const;
  Statistics statistics() const;
  const Limits& limits() const;

 private:
  struct State;
  explicit ComputeService(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// `prism channel rotate`: a new server key beside the present one, signed by it; reload() takes it up. Returns the new
/// fingerprint. Errors: not_found when there is no identity in `data_dir`.
Result<Digest> rotate_identity(const std::string& data_dir, std::chrono::seconds now, Random& random);

}  // namespace prism::service
