#include "prism/service/job_table.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <utility>

#include "prism/hash/sha256.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/growing_file.h"
#include "prism/service/names.h"

namespace prism::service {
namespace {

using std::chrono::seconds;
using Access = host::AtomicFile::Access;

constexpr std::string_view kJob = ".job", kDone = ".done", kBad = ".bad";
/// One for each time that a process may end while it runs a job.
constexpr std::array<std::string_view, 2> kTries{".try1", ".try2"};
/// Progress that changed by less than this wakes nobody.
constexpr double kVisibleProgress = 0.01;

bool ended(JobState state) { return state != JobState::queued && state != JobState::running; }

/// What is read back may be from a time with wider limits: an operator who narrows them loses nothing.
Limits limits_of_files(Limits limits) {
  limits.request_bytes = std::max(limits.request_bytes, std::uint64_t{1} << 26);
  limits.answer_bytes = std::max(limits.answer_bytes, std::uint64_t{1} << 30);
  return limits;
}

std::uint64_t most_end_bytes(const Limits& limits) {
  return limits_of_files(limits).answer_bytes + (std::uint64_t{2} << 20);
}

}  // namespace

std::string_view name_of(JobState state) {
  constexpr std::array<std::string_view, 5> names{"queued", "running", "done", "failed", "cancelled"};
  return names.at(static_cast<std::size_t>(state));
}

struct JobTable::Job {
  JobId id{};
  JobRequest request;
  Digest request_digest{};  ///< of the body, which is dropped at the end
  seconds created{}, finished{};
  JobState state = JobState::queued;
  double progress = 0;
  std::optional<Error> error;
  std::uint64_t answer_bytes = 0;
  std::atomic<bool> cancelled{false};
  std::shared_ptr<const void> held;  ///< owned with nobody: dropping it lets go
};

Result<std::unique_ptr<JobTable>> JobTable::open(const std::string& directory, const Limits& limits, const Clock& clock,
                                                 Random& random, Hold hold) {
  PRISM_CHECKED(host::create_private_directory(directory));
  std::unique_ptr<JobTable> table(new JobTable(directory, limits, clock, random, std::move(hold)));
  PRISM_CHECKED(table->take_up());
  return table;
}

Status JobTable::take_up() {
  PRISM_TRY(const auto names, host::list_directory(directory_));
  for (const std::string& name : names) {
    const std::string_view view(name);
    if (view.ends_with(".tmp")) {
      PRISM_CHECKED(host::remove_file(directory_ + "/" + name));  // a crash in the middle of writing one
      continue;
    }
    // The rest of a job that was forgotten: its request goes first.
    if (view.ends_with(kDone) &&
        !host::exists(directory_ + "/" + name.substr(0, name.size() - kDone.size()) + std::string(kJob))) {
      PRISM_CHECKED(host::remove_file(directory_ + "/" + name));
      continue;
    }
    for (const std::string_view tried : kTries)
      if (view.ends_with(tried) &&
          !host::exists(directory_ + "/" + name.substr(0, name.size() - tried.size()) + std::string(kJob)))
        PRISM_CHECKED(host::remove_file(directory_ + "/" + name));
    if (!view.ends_with(kJob)) continue;
    if (const auto id = from_hex<16>(view.substr(0, view.size() - kJob.size()))) PRISM_CHECKED(take_up_job(*id));
  }
  return {};
}

Status JobTable::take_up_job(const JobId& id) {
  const Limits wide = limits_of_files(limits_);
  const auto stored = host::read_file(path(id, kJob), wide.request_bytes + 65'536);
  if (!stored && stored.error().code == ErrorCode::io) return stored.error();  // the disk's fault, not the file's
  auto job = stored ? decode_job(*stored, wide) : Result<StoredJob>(stored.error());
  if (!job) return set_aside(id, kJob);
  const auto made = std::make_shared<Job>();
  made->id = id;
  made->request = std::move(job->request);
  made->request_digest = hash::sha256(made->request.body);
  made->created = job->created;
  std::optional<JobEnd> end;
  if (host::exists(path(id, kDone))) {
    const auto bytes = host::read_file(path(id, kDone), most_end_bytes(limits_));
    if (!bytes && bytes.error().code == ErrorCode::io) return bytes.error();
    auto decoded = bytes ? decode_job_end(*bytes, wide) : Result<JobEnd>(bytes.error());
    if (decoded) {
      end = *std::move(decoded);
    } else {
      PRISM_CHECKED(set_aside(id, kDone));  // it is computed again
    }
  }
  if (!end && std::all_of(kTries.begin(), kTries.end(), [&](auto one) { return host::exists(path(id, one)); })) {
    end = JobEnd{
        JobState::failed,
        clock_.wall(),
        {},
        refuse(Problem::computation_refused, "the server ended twice while it computed this; it is not tried again")};
    PRISM_CHECKED(host::write_file(path(id, kDone), encode_job_end(*end), Access::owner_only));
  }
  if (end)
    for (const std::string_view tried : kTries)
      if (host::exists(path(id, tried))) PRISM_CHECKED(host::remove_file(path(id, tried)));
  const std::lock_guard lock(mutex_);
  jobs_.emplace(id, made);
  if (!made->request.idempotency_key.empty())
    by_key_[{made->request.caller.account, made->request.idempotency_key}] = id;
  ++accounts_[made->request.caller.account].live;
  if (!end) {
    if (hold_) made->held = hold_(made->request);
    enqueue_locked(made);
    return {};
  }
  made->state = end->state;
  made->finished = end->finished;
  made->error = end->error;
  made->progress = end->state == JobState::done ? 1 : 0;
  account_end_locked(*made, end->answer.result.size());
  return {};
}

Status JobTable::set_aside(const JobId& id, std::string_view end) {
  const std::string from = path(id, end), to = from + std::string(kBad);
  if (std::rename(from.c_str(), to.c_str()) != 0) return fail(ErrorCode::io, "cannot set ", from, " aside");
  set_aside_.push_back(to);
  return {};
}

void JobTable::start(std::size_t workers, Work work) {
  work_ = std::move(work);
  for (std::size_t i = 0; i < workers; ++i) workers_.emplace_back([this] { run(); });
}

void JobTable::stop() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);  // nobody is between looking at stopping_ and waiting
  }
  queued_.notify_all();
  changed_.notify_all();
}

JobTable::~JobTable() {
  stop();
  for (std::thread& worker : workers_) worker.join();
}

std::string JobTable::path(const JobId& id, std::string_view end) const {
  return directory_ + "/" + to_hex(id) + std::string(end);
}

Result<JobTable::JobPointer> JobTable::find_locked(const Digest& account, const JobId& id) const {
  const auto found = jobs_.find(id);
  if (found == jobs_.end() || found->second->request.caller.account != account)
    return refuse(Problem::not_found, "there is no such job, or its answer is no longer kept");
  return found->second;
}

JobView JobTable::view_locked(const Job& job) const {
  return {job.id, job.state, job.progress, job.error, job.created, job.finished};
}

bool JobTable::failed_here(const Job& job) {
  if (job.state != JobState::failed || !job.error) return false;
  const Problem problem = problem_of(*job.error);
  return problem == Problem::capacity || problem == Problem::internal;
}

Status JobTable::check_quota_locked(const JobRequest& request) const {
  const auto found = accounts_.find(request.caller.account);
  if (found != accounts_.end()) {
    const Account& has = found->second;
    if (has.live >= limits_.jobs_per_client)
      return refuse(Problem::quota_exceeded, has.live, " jobs of this client wait or run, the most there may be");
    if (has.kept >= limits_.answers_per_client || has.kept_bytes >= limits_.answer_bytes_per_client)
      return refuse(Problem::quota_exceeded, has.kept,
                    " answers are kept for this client, the most there may be; delete jobs that you have read");
    const double most = limits_.windows_of_jobs * limits_.cpu_seconds_per_window;
    if (has.live > 0 && has.live_cpu_seconds + request.cpu_seconds > most)
      return refuse(Problem::quota_exceeded, "jobs of this client wait or run that need about ",
                    static_cast<std::int64_t>(has.live_cpu_seconds), " CPU-seconds; with this one it were more than ",
                    static_cast<std::int64_t>(most));
  }
  if (kept_bytes_ >= limits_.kept_answer_bytes)
    return refuse(Problem::capacity, "the server keeps as many answers as it can; try later");
  if (waiting_ + running_ >= limits_.jobs) return refuse(Problem::capacity, "the queue is full; try later");
  return {};
}

Status JobTable::check_disk(std::uint64_t bytes) const {
  const auto free = host::free_disk_bytes(directory_);
  if (free && *free >= bytes && *free - bytes >= limits_.free_disk_bytes) return {};
  return refuse(Problem::capacity, "the server's disk is full; try later");
}

/// Nothing when there is none, or when it failed for reasons of ours: that is tried again, and the old job stays until
/// its time is over.
Result<JobTable::JobPointer> JobTable::known_locked(const Digest& account, const std::string& key,
                                                    const Digest& body) const {
  if (key.empty()) return JobPointer{};
  const auto known = by_key_.find({account, key});
  if (known == by_key_.end()) return JobPointer{};
  const auto job = jobs_.find(known->second);
  // The key is reserved before its job is durable; only then does the job exist.
  if (job == jobs_.end()) return refuse(Problem::conflict, "a request with this idempotency key is being accepted");
  if (job->second->request_digest != body)
    return refuse(Problem::idempotency_key_reused, "this idempotency key was used with another request");
  return failed_here(*job->second) ? JobPointer{} : job->second;
}

Result<std::optional<JobView>> JobTable::find(const Digest& account, std::string_view idempotency_key,
                                              const Digest& body, const std::optional<Digest>& program) const {
  const std::lock_guard lock(mutex_);
  PRISM_TRY(const JobPointer job, known_locked(account, std::string(idempotency_key), body));
  if (!job || job->request.program != program) return std::optional<JobView>{};
  return std::optional(view_locked(*job));
}

Result<JobView> JobTable::submit(JobRequest request) {
  const auto made = std::make_shared<Job>();
  made->request = std::move(request);
  made->request_digest = hash::sha256(made->request.body);
  made->created = clock_.wall();
  if (hold_) made->held = hold_(made->request);
  PRISM_CHECKED(random_.fill(made->id));
  const Digest account = made->request.caller.account;
  const std::string& key = made->request.idempotency_key;
  {
    const std::lock_guard lock(mutex_);
    PRISM_TRY(const JobPointer known, known_locked(account, key, made->request_digest));
    if (known) return view_locked(*known);
    PRISM_CHECKED(check_quota_locked(made->request));
    PRISM_CHECKED(check_disk(made->request.body.size()));
    Account& has = accounts_[account];
    ++has.live;
    has.live_cpu_seconds += made->request.cpu_seconds;
    if (!key.empty()) by_key_[{account, key}] = made->id;
  }
  const Status stored =
      host::write_file(path(made->id, kJob), encode_job(made->request, made->created), Access::owner_only);
  const std::lock_guard lock(mutex_);
  if (!stored) {
    Account& has = accounts_[account];
    --has.live;
    has.live_cpu_seconds -= made->request.cpu_seconds;
    if (!key.empty()) by_key_.erase({account, key});
    return refuse(Problem::capacity, "the server cannot store jobs now");
  }
  jobs_.emplace(made->id, made);
  enqueue_locked(made);
  return view_locked(*made);
}

void JobTable::enqueue_locked(const JobPointer& job) {
  queues_[job->request.caller.account].push_back(job);
  ++waiting_;
  queued_.notify_one();
}

JobTable::JobPointer JobTable::next_locked() {
  auto turn = queues_.upper_bound(served_);
  if (turn == queues_.end()) turn = queues_.begin();
  served_ = turn->first;
  const JobPointer job = turn->second.front();
  turn->second.pop_front();
  if (turn->second.empty()) queues_.erase(turn);
  --waiting_;
  return job;
}

namespace {

class RunProgress final : public JobTable::Progress {
 public:
  RunProgress(const std::atomic<bool>& stopping, const std::atomic<bool>& cancelled, std::function<void(double)> report)
      : stopping_(stopping), cancelled_(cancelled), report_(std::move(report)) {}
  void done(double fraction) override { report_(fraction); }
  bool stop() const override { return stopping_ || cancelled_; }

 private:
  const std::atomic<bool>& stopping_;
  const std::atomic<bool>& cancelled_;
  std::function<void(double)> report_;
};

}  // namespace

void JobTable::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    queued_.wait(lock, [this] { return stopping_ || waiting_ > 0; });
    if (stopping_) return;
    const JobPointer job = next_locked();
    if (job->cancelled) continue;
    job->state = JobState::running;
    ++running_;
    changed_.notify_all();
    lock.unlock();
    RunProgress progress(stopping_, job->cancelled, [&](double fraction) {
      const std::lock_guard report(mutex_);
      if (fraction - job->progress < kVisibleProgress) return;
      job->progress = std::min(fraction, 1.0);
      changed_.notify_all();
    });
    auto outcome = work(*job, progress);
    // What was only stopped, not cancelled, has no end: it is in the directory and runs at the next start.
    const bool goes_on = stopping_ && !outcome && outcome.error().code == ErrorCode::interrupted;
    if (!goes_on) end(job, std::move(outcome));
    lock.lock();
    --running_;
  }
}

Result<Answer> JobTable::work(const Job& job, Progress& progress) const {
  // Not synced: it must outlive the process, not the machine. Gone before the end is written: the work is on trial.
  const auto mark =
      std::find_if(kTries.begin(), kTries.end(), [&](auto one) { return !host::exists(path(job.id, one)); });
  if (mark != kTries.end()) (void)host::GrowingFile::open(path(job.id, *mark));
  const auto clear = [&] {
    for (const std::string_view tried : kTries)
      if (host::exists(path(job.id, tried))) (void)host::remove_file(path(job.id, tried));
  };
  // Memory that is not there ends one job, not the process.
  Result<Answer> outcome = Answer{};
  try {
    outcome = work_(job.request, progress);
  } catch (const std::bad_alloc&) {
    outcome = refuse(Problem::capacity, "the server has too little memory for this now");
  } catch (const std::exception&) {
    outcome = refuse(Problem::internal, "the computation failed");
  }
  clear();
  return outcome;
}

Status JobTable::store_end(const JobId& id, const JobEnd& end) const {
  if (!end.answer.result.empty()) PRISM_CHECKED(check_disk(end.answer.result.size()));
  try {
    return host::write_file(path(id, kDone), encode_job_end(end), Access::owner_only);
  } catch (const std::bad_alloc&) {
    return refuse(Problem::capacity, "the server has too little memory for this now");
  }
}

void JobTable::end(const JobPointer& job, Result<Answer> outcome) {
  JobEnd end;
  end.finished = clock_.wall();
  if (job->cancelled) {
    end.state = JobState::cancelled;
  } else if (outcome) {
    end.state = JobState::done;
    end.answer = std::move(*outcome);
  } else {
    end.state = JobState::failed;
    end.error = refuse(problem_of(outcome.error()), outcome.error().message);
  }
  if (end.answer.result.size() > limits_.answer_bytes) {
    end.state = JobState::failed;
    end.answer = {};
    end.error = refuse(Problem::too_large, "the answer is larger than this server gives");
  }
  const Status stored = store_end(job->id, end);
  if (!stored && end.state == JobState::done) {
    // The answer cannot be kept, but that it failed may still fit.
    end = {JobState::failed,
           end.finished,
           {},
           refuse(Problem::capacity, "the server could not store the answer; submit again")};
    (void)host::write_file(path(job->id, kDone), encode_job_end(end), Access::owner_only);
  }
  const std::lock_guard lock(mutex_);
  job->finished = end.finished;
  job->error = end.error;
  job->held.reset();
  if (end.state == JobState::done) job->progress = 1;
  job->state = end.state;
  account_end_locked(*job, end.answer.result.size());
  changed_.notify_all();
}

void JobTable::account_end_locked(Job& job, std::uint64_t answer_bytes) {
  Account& account = accounts_[job.request.caller.account];
  job.answer_bytes = answer_bytes;
  --account.live;
  account.live_cpu_seconds -= job.request.cpu_seconds;
  ++account.kept;
  account.kept_bytes += answer_bytes;
  kept_bytes_ += answer_bytes;
  job.request.body = Bytes();  // `{}` would keep its memory
}

Result<JobView> JobTable::view(const Digest& account, const JobId& id) const {
  const std::lock_guard lock(mutex_);
  PRISM_TRY(const JobPointer job, find_locked(account, id));
  return view_locked(*job);
}

Result<JobView> JobTable::wait(const Digest& account, const JobId& id, const JobView& seen,
                               std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  PRISM_TRY(const JobPointer job, find_locked(account, id));
  changed_.wait_for(lock, timeout, [&] {
    return stopping_ || job->state != seen.state || job->progress - seen.progress >= kVisibleProgress;
  });
  return view_locked(*job);
}

Result<Answer> JobTable::answer(const Digest& account, const JobId& id) const {
  {
    const std::lock_guard lock(mutex_);
    PRISM_TRY(const JobPointer job, find_locked(account, id));
    if (job->state == JobState::failed) return *job->error;
    if (job->state == JobState::cancelled) return refuse(Problem::conflict, "the job was cancelled");
    if (job->state != JobState::done)
      return refuse(Problem::conflict, "the job is ", name_of(job->state), "; there is no answer yet");
  }
  // Outside the lock; should it be forgotten now, it is as if it had been before.
  auto bytes = host::read_file(path(id, kDone), most_end_bytes(limits_));
  if (!bytes) return refuse(Problem::not_found, "there is no such job, or its answer is no longer kept");
  PRISM_TRY(JobEnd end, decode_job_end(*bytes, limits_of_files(limits_)));
  return std::move(end.answer);
}

Result<JobView> JobTable::cancel(const Digest& account, const JobId& id) {
  JobPointer job;
  bool was_queued = false;
  std::optional<JobView> forgotten;
  {
    const std::lock_guard lock(mutex_);
    PRISM_TRY(job, find_locked(account, id));
    if (ended(job->state)) {
      forgotten = view_locked(*job);
      forget_locked(*job);
    }
  }
  if (forgotten) {
    remove_files({id});
    return *forgotten;
  }
  {
    const std::lock_guard lock(mutex_);
    if (ended(job->state)) return view_locked(*job);
    job->cancelled = true;
    was_queued = job->state == JobState::queued;
    if (was_queued) {
      auto& queue = queues_[account];
      const auto place = std::find(queue.begin(), queue.end(), job);
      if (place != queue.end()) {
        queue.erase(place);
        --waiting_;
      }
      if (queue.empty()) queues_.erase(account);
      job->state = JobState::running;  // nobody else ends it now
    }
  }
  if (was_queued) {
    end(job, refuse(Problem::conflict, "the job was cancelled"));
  } else {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limits_.quick_answer, [&] { return stopping_ || ended(job->state); });
  }
  return view(account, id);
}

void JobTable::forget_locked(const Job& job) {
  const Digest account = job.request.caller.account;
  const auto key = by_key_.find({account, job.request.idempotency_key});
  if (key != by_key_.end() && key->second == job.id) by_key_.erase(key);
  const auto has = accounts_.find(account);
  --has->second.kept;
  has->second.kept_bytes -= job.answer_bytes;
  kept_bytes_ -= job.answer_bytes;
  if (has->second.kept == 0 && has->second.live == 0) accounts_.erase(has);
  jobs_.erase(JobId(job.id));  // may be the last owner of `job`
}

void JobTable::remove_files(const std::vector<JobId>& ids) const {
  if (ids.empty()) return;
  // Requests first: an end without its request is swept at the next start, a request without its end would run again.
  for (const JobId& id : ids) (void)host::remove_file(path(id, kJob));
  (void)host::sync_directory(directory_);
  for (const JobId& id : ids) (void)host::remove_file(path(id, kDone));
}

void JobTable::sweep() {
  std::vector<JobId> past;
  {
    const std::lock_guard lock(mutex_);
    const seconds now = clock_.wall();
    for (const auto& [id, job] : jobs_)
      if (ended(job->state) && now - job->finished > limits_.answers_for) past.push_back(id);
    for (const JobId& id : past) forget_locked(*jobs_.find(id)->second);
  }
  remove_files(past);
}

std::pair<std::size_t, std::size_t> JobTable::waiting_and_running() const {
  const std::lock_guard lock(mutex_);
  return {waiting_, running_};
}

}  // namespace prism::service
