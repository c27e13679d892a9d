// prism/service/job_table.h - computations that take longer than a request: queued, run by workers, never lost once
// they were acknowledged.
//
//   DIR/ID.job   the request, durable before anybody hears of the job
//   DIR/ID.done  how it ended, with the answer; durable before anybody hears that it ended
//   DIR/ID.try1, DIR/ID.try2  a process runs it for the first, the second time; gone when the work has ended. Whoever
//                finds both at a start does not try again: the job has ended the process twice
//   DIR/*.bad    a file of the above that does not read, set aside for the operator
//
// A job without its .done is queued again at the next start: computing has no randomness, so it ends the same way
// (with a receipt of another time). Accounts take turns, so that a long queue of one delays another by a job for each
// worker at most. Thread-safe.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/service/compute_service.h"

namespace prism::service {

/// What a job keeps of its request.
struct JobRequest {
  Caller caller;
  Bytes body;
  std::optional<Digest> program;  ///< what the record bound
  std::string idempotency_key;
  double cpu_seconds = 0;  ///< an estimate, for the quota; not stored: 0 after a start
};

struct JobEnd;

class JobTable {
 public:
  /// Called by workers between operations.
  class Progress {
   public:
    virtual ~Progress() = default;
    virtual void done(double fraction) = 0;
    virtual bool stop() const = 0;
  };
  /// Computes; called from workers.
  using Work = std::function<Result<Answer>(const JobRequest&, Progress&)>;

  /// What must stay while a job waits or runs: called when it is made or taken up, dropped when it ends.
  using Hold = std::function<std::shared_ptr<const void>(const JobRequest&)>;

  /// Takes up what is in `directory`. Workers begin with start().
  static Result<std::unique_ptr<JobTable>> open(const std::string& directory, const Limits& limits, const Clock& clock,
                                                Random& random, Hold hold);
  void start(std::size_t workers, Work work);
  /// Stops workers between operations. What they were at is queued again at the next start.
  ~JobTable();
  /// Tells workers to stop and wakes whoever waits; the destructor waits for them.
  void stop();
  /// Files that did not read when the table was opened.
  const std::vector<std::string>& set_aside() const { return set_aside_; }

  /// Durable when it returns. The job of the same account and idempotency key if there is one
  /// (idempotency_key_reused unless the bytes are the same). Errors: quota_exceeded, capacity.
  Result<JobView> submit(JobRequest request);
  /// The job that submit would give again for the key, if there is one. Nothing when another program was bound.
  Result<std::optional<JobView>> find(const Digest& account, std::string_view idempotency_key, const Digest& body,
                                      const std::optional<Digest>& program) const;
  Result<JobView> view(const Digest& account, const JobId& id) const;
  Result<JobView> wait(const Digest& account, const JobId& id, const JobView& seen, std::chrono::milliseconds timeout);
  Result<Answer> answer(const Digest& account, const JobId& id) const;
  Result<JobView> cancel(const Digest& account, const JobId& id);
  /// Whether there is a job of this account.
  bool has(const Digest& account) const {
    const std::lock_guard lock(mutex_);
    const auto found = accounts_.find(account);
    return found != accounts_.end() && found->second.live + found->second.kept > 0;
  }
  /// Forgets answers past their time.
  void sweep();
  std::pair<std::size_t, std::size_t> waiting_and_running() const;

 private:
  struct Job;
  using JobPointer = std::shared_ptr<Job>;  // owned by the table and by the worker that runs it
  struct IdHash {
    std::size_t operator()(const JobId& id) const {
      std::size_t out = 0;  // ids are random
      for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | id[i];
      return out;
    }
  };
  struct Account {
    std::size_t live = 0, kept = 0;
    std::uint64_t kept_bytes = 0;
    double live_cpu_seconds = 0;
  };

  JobTable(std::string directory, const Limits& limits, const Clock& clock, Random& random, Hold hold)
      : directory_(std::move(directory)), limits_(limits), clock_(clock), random_(random), hold_(std::move(hold)) {}
  Status take_up();
  Status take_up_job(const JobId& id);
  std::string path(const JobId& id, std::string_view end) const;
  Result<JobPointer> find_locked(const Digest& account, const JobId& id) const;
  JobView view_locked(const Job& job) const;
  static bool failed_here(const Job& job);
  Result<JobPointer> known_locked(const Digest& account, const std::string& key, const Digest& body) const;
  Status check_quota_locked(const JobRequest& request) const;
  Status check_disk(std::uint64_t bytes) const;
  Status set_aside(const JobId& id, std::string_view end);
  Result<Answer> work(const Job& job, Progress& progress) const;
  void enqueue_locked(const JobPointer& job);
  JobPointer next_locked();
  void run();
  void end(const JobPointer& job, Result<Answer> outcome);
  Status store_end(const JobId& id, const JobEnd& end) const;
  void forget_locked(const Job& job);
  void remove_files(const std::vector<JobId>& ids) const;
  void account_end_locked(Job& job, std::uint64_t answer_bytes);

  const std::string directory_;
  const Limits limits_;
  const Clock& clock_;
  Random& random_;
  const Hold hold_;
  Work work_;
  mutable std::mutex mutex_;  ///< over all below, and over jobs
  std::condition_variable queued_, changed_;
  std::unordered_map<JobId, JobPointer, IdHash> jobs_;
  std::map<std::pair<Digest, std::string>, JobId> by_key_;  ///< account and idempotency key
  std::map<Digest, Account> accounts_;
  std::map<Digest, std::deque<JobPointer>> queues_;
  Digest served_{};  ///< the account whose job was taken last
  std::size_t waiting_ = 0, running_ = 0;
  std::uint64_t kept_bytes_ = 0;  ///< of all accounts' answers
  std::vector<std::string> set_aside_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

/// The two files of a job, for tests and for the table.
Bytes encode_job(const JobRequest& request, std::chrono::seconds created);
struct StoredJob {
  JobRequest request;
  std::chrono::seconds created{};
};
Result<StoredJob> decode_job(ByteView bytes, const Limits& limits);

struct JobEnd {
  JobState state = JobState::done;
  std::chrono::seconds finished{};
  Answer answer;               ///< of done
  std::optional<Error> error;  ///< of failed
};
Bytes encode_job_end(const JobEnd& end);
Result<JobEnd> decode_job_end(ByteView bytes, const Limits& limits);

}  // namespace prism::service
