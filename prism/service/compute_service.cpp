#include "prism/service/compute_service.h"

#include <condition_variable>
#include <thread>
#include <utility>

#include "prism/crypto/key_file.h"
#include "prism/crypto/self_test.h"
#include "prism/host/file.h"
#include "prism/host/file_lock.h"
#include "prism/host/thread_pool.h"
#include "prism/service/audit.h"
#include "prism/service/blob_store.h"
#include "prism/service/clients.h"
#include "prism/service/computing.h"
#include "prism/service/cpu_accounts.h"
#include "prism/service/identities.h"
#include "prism/service/job_table.h"
#include "prism/service/receipt_numbers.h"
#include "prism/service/session_table.h"
#include "prism/service/tokens.h"

namespace prism::service {
namespace {

using namespace std::chrono_literals;

/// Computations estimated below this are answered on the caller's thread, without a job.
constexpr double kQuickCpuSeconds = 0.25;
/// The most that is computed while a connection waits: callers' threads are few.
constexpr double kMostInlineCpuSeconds = 10;
/// Callers that wait for their jobs at the same time; more are told the job at once.
constexpr int kMostWaiting = 4;
constexpr std::size_t kMostIdempotencyKeyBytes = 255;
constexpr std::chrono::milliseconds kSweepEvery = 1s;

std::string identity_directory(const std::string& data_dir) { return data_dir + "/identity"; }

}  // namespace

struct ComputeService::State {
  State(const Options& given, const Clock& the_clock, Random& the_random, host::FileLock&& held)
      : options(given), clock(the_clock), random(the_random), lock(std::move(held)), cpu(given.limits) {}

  const Options options;
  const Clock& clock;
  Random& random;
  const host::FileLock lock;
  // In the order of use: what stands below uses what stands above, and ends first.
  std::unique_ptr<Audit> audit;
  std::unique_ptr<Identities> identities;
  std::unique_ptr<Clients> clients;
  std::unique_ptr<SessionTable> sessions;
  std::unique_ptr<BlobStore> blobs;
  std::unique_ptr<ReceiptNumbers> numbers;
  CpuAccounts cpu;
  std::unique_ptr<Computing> computing;
  std::atomic<bool> stopping{false};
  std::atomic<int> waiting{0};
  std::unique_ptr<JobTable> jobs;

  std::mutex tokens_mutex;
  std::shared_ptr<const Tokens> tokens = std::make_shared<const Tokens>();

  std::mutex sweeper_mutex;
  std::condition_variable sweeper_wake;
  std::thread sweeper;

  Status load_tokens() {
    Tokens loaded;
    if (!options.tokens_file.empty()) {
      PRISM_TRY(loaded, Tokens::load(options.tokens_file));
    }
    const std::lock_guard guard(tokens_mutex);
    tokens = std::make_shared<const Tokens>(std::move(loaded));
    return {};
  }

  /// What a worker does with a job.
  Result<Answer> work(const JobRequest& job, JobTable::Progress& progress) {
    PRISM_TRY(const ComputeRequest request, parse_compute_json(job.body, options.limits));
    const Computing::Control control{[&](double fraction) { progress.done(fraction); }, [&] { return progress.stop(); },
                                     true};
    PRISM_TRY(const Computing::Prepared prepared, computing->prepare(job.caller, request, job.program, control));
    return computing->run(job.caller, request, prepared, control);
  }

  /// What a job computes with may not be removed or evicted before it ends.
  std::shared_ptr<const void> hold(const JobRequest& job) const {
    auto pins = std::make_shared<std::vector<BlobStore::Pin>>();
    const auto request = parse_compute_json(job.body, options.limits);
    if (!request) return pins;
    const auto pin = [&](BlobKind kind, const Digest& digest) {
      if (auto held = blobs->pin({job.caller.account, kind, digest})) pins->push_back(std::move(*held));
    };
    pin(BlobKind::context, request->context);
    for (const auto& [name, digest] : request->data) pin(BlobKind::data, digest);
    return pins;
  }

  Status check_bound(const ComputeCall& call, const ComputeRequest& request) const {
    if (call.idempotency_key.size() > kMostIdempotencyKeyBytes)
      return refuse(Problem::invalid_request, "an idempotency key of more than ", kMostIdempotencyKeyBytes, " bytes");
    if (call.context && *call.context != request.context)
      return refuse(Problem::conflict, "the request names another context than the one that was bound");
    return {};
  }
};

Result<std::unique_ptr<ComputeService>> ComputeService::open(const Options& options, const Clock& clock,
                                                             Random& random) {
  PRISM_CHECKED(host::create_private_directory(options.data_dir));
  auto lock = host::FileLock::acquire(options.data_dir + "/lock");
  if (!lock && lock.error().code == ErrorCode::exhausted)
    return fail(ErrorCode::refused, "another process serves from ", options.data_dir);
  if (!lock) return std::move(lock).error();
  auto state = std::make_unique<State>(options, clock, random, std::move(*lock));
  State& s = *state;
  const Limits& limits = s.options.limits;
  const std::string& directory = s.options.data_dir;
  const auto now = clock.wall();
  PRISM_TRY(s.audit, Audit::open(directory + "/audit.log", clock));
  PRISM_TRY(s.identities, Identities::open(identity_directory(directory), s.options, now, random));
  PRISM_TRY(s.clients, Clients::open(directory + "/accounts", s.options.admission, s.options.clients_file));
  PRISM_TRY(s.sessions, SessionTable::create(limits, *s.identities, *s.clients, *s.audit, clock, random));
  PRISM_TRY(s.blobs, BlobStore::open(directory + "/blobs", limits, clock));
  PRISM_TRY(s.numbers, ReceiptNumbers::open(directory + "/receipts"));
  s.computing =
      std::make_unique<Computing>(limits, *s.blobs, *s.identities, *s.audit, s.cpu, *s.numbers, clock, random);
  PRISM_TRY(s.jobs, JobTable::open(directory + "/jobs", limits, clock, random,
                                   [&s](const JobRequest& job) { return s.hold(job); }));
  s.clients->set_owns([&s](const Digest& account) { return s.blobs->has(account) || s.jobs->has(account); });
  for (const std::string& name : s.jobs->set_aside())
    s.audit->line("job",
                  {{"outcome", "failed"}, {"reason", "its file does not read and was set aside"}, {"file", name}});
  PRISM_CHECKED(s.load_tokens());
  if (s.options.check_only) return std::unique_ptr<ComputeService>(new ComputeService(std::move(state)));
  s.audit->line("start", {{"identity", crypto::fingerprint_text(s.identities->current()->fingerprint())},
                          {"version", PRISM_VERSION}});
  PRISM_CHECKED(s.audit->flush());

  const std::size_t workers = s.options.workers == 0 ? host::available_cores() : s.options.workers;
  s.jobs->start(workers, [&s](const JobRequest& job, JobTable::Progress& progress) { return s.work(job, progress); });
  std::unique_ptr<ComputeService> service(new ComputeService(std::move(state)));
  s.sweeper = std::thread([service = service.get(), &s] {
    std::unique_lock sweeping(s.sweeper_mutex);
    while (!s.sweeper_wake.wait_for(sweeping, kSweepEvery, [&] { return s.stopping.load(); })) service->sweep();
  });
  return service;
}

ComputeService::ComputeService(std::unique_ptr<State> state) : state_(std::move(state)) {}

void ComputeService::stop() {
  {
    const std::lock_guard guard(state_->sweeper_mutex);
    state_->stopping = true;
  }
  state_->sweeper_wake.notify_all();
  state_->jobs->stop();  // first: a job that then gets no turn was stopped, and has not failed
  state_->computing->stop();
}

ComputeService::~ComputeService() {
  stop();
  if (state_->sweeper.joinable()) state_->sweeper.join();
  state_->jobs.reset();
  if (!state_->options.check_only) state_->audit->line("stop", {});
}

Result<Bytes> ComputeService::public_keys() {
  PRISM_TRY(const auto signer, state_->identities->signed_bundle(state_->clock.wall(), state_->random));
  return *signer.bundle;
}

Digest ComputeService::fingerprint() const { return state_->identities->current()->fingerprint(); }

Result<Initiated> ComputeService::initiate(ByteView first, std::string_view peer,
                                           const std::optional<Digest>& exporter) {
  return state_->sessions->initiate(first, peer, exporter);
}

Result<Bytes> ComputeService::finish(const SessionId& id, ByteView third, std::string_view peer) {
  return state_->sessions->finish(id, third, peer);
}

Result<std::unique_ptr<SessionRequest>> ComputeService::open_request(const RequestBinding& binding, Source& record) {
  return state_->sessions->open_request(binding, record);
}

Result<Bytes> ComputeService::rekey(const Caller& caller, ByteView message) {
  if (!caller.session) return refuse(Problem::invalid_request, "only a session can be rekeyed");
  return state_->sessions->rekey(*caller.session, message);
}

void ComputeService::close_session(const SessionId& id) {
  state_->sessions->close(id);
  state_->audit->line("close", {{"session", to_hex(id)}});
}

Result<Caller> ComputeService::authenticate(std::string_view token) {
  std::shared_ptr<const Tokens> tokens;
  {
    const std::lock_guard guard(state_->tokens_mutex);
    tokens = state_->tokens;
  }
  if (auto caller = tokens->find(token, state_->clock.wall())) return *std::move(caller);
  state_->audit->refusal("token", {{"outcome", "refused"}});
  return refuse(Problem::unauthenticated, "the token is not known, has expired, or tokens are not accepted here");
}

Result<UploadState> ComputeService::announce(const Caller& caller, BlobKind kind, const Digest& digest,
                                             std::uint64_t size) {
  return state_->blobs->announce({caller.account, kind, digest}, size);
}

Result<UploadState> ComputeService::upload_state(const Caller& caller, BlobKind kind, const Digest& digest) {
  return state_->blobs->state({caller.account, kind, digest});
}

Result<UploadState> ComputeService::upload(const Caller& caller, BlobKind kind, const Digest& digest,
                                           std::uint64_t offset, std::uint64_t size, Source& body) {
  return state_->blobs->upload({caller.account, kind, digest}, offset, size, body);
}

Status ComputeService::remove(const Caller& caller, BlobKind kind, const Digest& digest) {
  const BlobKey key{caller.account, kind, digest};
  PRISM_CHECKED(state_->blobs->remove(key));
  state_->computing->forget(key);
  return {};
}

Result<std::string> ComputeService::plan(const Caller& caller, std::string_view json) {
  return state_->computing->plan(caller, json, {{}, [this] { return state_->stopping.load(); }});
}

Result<Outcome> ComputeService::compute(const Caller& caller, const ComputeCall& call) {
  PRISM_TRY(const ComputeRequest request, parse_compute_json(call.body, state_->options.limits));
  PRISM_CHECKED(state_->check_bound(call, request));
  // An answer that is there is given, whatever became of quotas and uploads since.
  PRISM_TRY(std::optional<JobView> known,
            state_->jobs->find(caller.account, call.idempotency_key, request.body, call.program));
  if (!known) {
    // Prepared here in any case: what cannot be computed is refused at once, not as a job that fails.
    const Computing::Control control{{}, [this] { return state_->stopping.load(); }};
    PRISM_TRY(const Computing::Prepared prepared, state_->computing->prepare(caller, request, call.program, control));
    if (call.idempotency_key.empty() && prepared.cpu_seconds <= kQuickCpuSeconds) {
      PRISM_TRY(Answer answer, state_->computing->run(caller, request, prepared, control));
      return Outcome{std::move(answer), {}};
    }
    PRISM_TRY(known, state_->jobs->submit({caller, Bytes(call.body.begin(), call.body.end()), call.program,
                                           std::string(call.idempotency_key), prepared.cpu_seconds}));
  }
  JobView view = *std::move(known);
  const JobId id = view.id;
  struct Waiting {
    explicit Waiting(std::atomic<int>& all) : count(all), place(++all) {}
    ~Waiting() { --count; }
    std::atomic<int>& count;
    const int place;
  } waiting(state_->waiting);
  const auto patience = waiting.place > kMostWaiting ? 0ms : state_->options.limits.quick_answer;
  const auto until = state_->clock.monotonic() + patience;
  while (view.state == JobState::queued || view.state == JobState::running) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - state_->clock.monotonic());
    if (left <= 0ms || state_->stopping) return Outcome{std::nullopt, view};
    PRISM_TRY(view, state_->jobs->wait(caller.account, id, view, left));
  }
  PRISM_TRY(Answer answer, state_->jobs->answer(caller.account, id));
  return Outcome{std::move(answer), view};
}

Result<Answer> ComputeService::compute_inline(const Caller& caller, const ComputeCall& call) {
  PRISM_TRY(const ComputeRequest request, parse_compute_cbor(call.body, state_->options.limits));
  PRISM_CHECKED(state_->check_bound(call, request));
  PRISM_TRY(const Computing::Prepared prepared, state_->computing->prepare(caller, request, call.program));
  if (prepared.cpu_seconds > kMostInlineCpuSeconds)
    return refuse(Problem::computation_refused, "about ", static_cast<std::int64_t>(prepared.cpu_seconds),
                  " CPU-seconds; upload the data and POST /compute, which makes a job of it");
  return state_->computing->run(caller, request, prepared, {{}, [this] { return state_->stopping.load(); }});
}

Result<JobView> ComputeService::job(const Caller& caller, const JobId& id) {
  return state_->jobs->view(caller.account, id);
}

Result<JobView> ComputeService::wait_for_change(const Caller& caller, const JobId& id, const JobView& seen,
                                                std::chrono::milliseconds timeout) {
  return state_->jobs->wait(caller.account, id, seen, timeout);
}

Result<Answer> ComputeService::answer(const Caller& caller, const JobId& id) {
  return state_->jobs->answer(caller.account, id);
}

Result<JobView> ComputeService::cancel(const Caller& caller, const JobId& id) {
  return state_->jobs->cancel(caller.account, id);
}

Status ComputeService::reload() {
  const Digest before = fingerprint();
  const auto now = state_->clock.wall();
  // All three are tried: an unreadable list must not keep a rotation from happening. The first error is told.
  const auto rotated = state_->identities->reload(now, state_->random);
  const Status clients = state_->clients->reload();
  state_->sessions->end_unlisted();
  const Status tokens = state_->load_tokens();
  if (rotated && *rotated)
    state_->audit->line("server-rotation", {{"previous", crypto::fingerprint_text(before)},
                                            {"identity", crypto::fingerprint_text(fingerprint())}});
  if (!rotated) return rotated.error();
  PRISM_CHECKED(clients);
  return tokens;
}

Status ComputeService::self_test() {
  PRISM_CHECKED(crypto::self_test());
  PRISM_CHECKED(state_->audit->flush());
  PRISM_TRY(const Bytes bundle, public_keys());
  PRISM_TRY(const auto opened, channel::IdentityBundle::open(bundle));
  PRISM_CHECKED(opened.valid_at(state_->clock.wall()));
  PRISM_TRY(const std::uint64_t free, host::free_disk_bytes(state_->options.data_dir));
  if (free < state_->options.limits.free_disk_bytes)
    return fail(ErrorCode::exhausted, free, " bytes are free on the disk of ", state_->options.data_dir,
                ", fewer than the ", state_->options.limits.free_disk_bytes, " that must stay free");
  return {};
}

void ComputeService::sweep() {
  state_->sessions->sweep();
  state_->blobs->sweep();
  state_->jobs->sweep();
  state_->cpu.sweep(state_->clock.monotonic());
}

Allowance ComputeService::allowance(const Caller& caller) const {
  return state_->cpu.allowance(caller.account, state_->clock.monotonic());
}

Statistics ComputeService::statistics() const {
  Statistics out;
  const auto sessions = state_->sessions->counters();
  out.sessions = sessions.sessions;
  out.half_open = sessions.half_open;
  out.handshakes = sessions.handshakes;
  out.handshakes_rejected = sessions.rejected;
  out.records_rejected = sessions.records_rejected;
  std::tie(out.jobs_waiting, out.jobs_running) = state_->jobs->waiting_and_running();
  const auto computing = state_->computing->totals();
  out.computations = computing.computations;
  out.computations_failed = computing.failed;
  out.cpu_seconds = computing.cpu_seconds;
  out.contexts_cached = computing.contexts;
  out.contexts_cached_bytes = computing.context_bytes;
  const auto blobs = state_->blobs->totals();
  out.stored_bytes = blobs.bytes;
  out.blobs = blobs.blobs;
  out.uploads = blobs.uploads;
  return out;
}

const Limits& ComputeService::limits() const { return state_->options.limits; }

Result<Digest> rotate_identity(const std::string& data_dir, std::chrono::seconds now, Random& random) {
  return Identities::rotate(identity_directory(data_dir), now, random);
}

}  // namespace prism::service
