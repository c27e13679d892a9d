#include "prism/service/job_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "prism/hash/sha256.h"
#include "tests/support/service.h"

namespace prism::service {
namespace {

using namespace std::chrono_literals;

class JobTableTest : public ::testing::Test {
 protected:
  std::unique_ptr<JobTable> open() {
    auto table = JobTable::open(directory_ / "jobs", limits_, clock_, random_, {});
    if (!table) ADD_FAILURE() << table.error().message;
    return table ? std::move(*table) : nullptr;
  }
  static JobRequest request(std::string_view text, std::uint8_t account = 1, std::string key = {}) {
    JobRequest out;
    out.caller.account = test::digest_of(account);
    out.body = Bytes(text.begin(), text.end());
    out.idempotency_key = std::move(key);
    return out;
  }
  /// The answer is the request, reversed; "fail" fails.
  static Result<Answer> reverse(const JobRequest& job, JobTable::Progress&) {
    if (as_text(job.body) == "fail") return fail(ErrorCode::level_exhausted, "too deep");
    return Answer{Bytes(job.body.rbegin(), job.body.rend()), Bytes{1}};
  }
  static JobView wait_for_end(JobTable& table, const JobId& id, std::uint8_t account = 1) {
    auto view = table.view(test::digest_of(account), id);
    for (int i = 0; view && i < 200 && (view->state == JobState::queued || view->state == JobState::running); ++i)
      view = table.wait(test::digest_of(account), id, *view, 50ms);
    return view ? *view : JobView{};
  }
  support::TestDirectory directory_;
  test::ManualClock clock_;
  host::SystemRandom random_;
  Limits limits_;
  const Digest me_ = test::digest_of(1);
};

TEST_F(JobTableTest, FilesReadBackAsWritten) {
  JobRequest job = request("body", 3, "key");
  job.caller.session = SessionId{1, 2, 3};
  job.caller.transport = Transport::token_over_tls;
  job.program = test::digest_of(9);
  const Bytes bytes = encode_job(job, 77s);
  const auto back = decode_job(bytes, limits_);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_job(back->request, back->created), bytes);
  EXPECT_EQ(back->request.caller.session, job.caller.session);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_job(ByteView(bytes).first(size), limits_));
  const Bytes end = encode_job_end({JobState::failed, 5s, {}, refuse(Problem::conflict, "why")});
  const auto end_back = decode_job_end(end, limits_);
  ASSERT_TRUE(end_back);
  EXPECT_EQ(encode_job_end(*end_back), end);
  for (std::size_t size = 0; size < end.size(); ++size)
    EXPECT_FALSE(decode_job_end(ByteView(end).first(size), limits_));
}

TEST_F(JobTableTest, JobsEndWithTheirAnswerOrTheirError) {
  const auto table = open();
  table->start(2, reverse);
  const auto good = table->submit(request("abc")), bad = table->submit(request("fail"));
  ASSERT_TRUE(good && bad);
  EXPECT_EQ(wait_for_end(*table, good->id).state, JobState::done);
  EXPECT_EQ(as_text(table->answer(me_, good->id)->result), "cba");
  const JobView failed = wait_for_end(*table, bad->id);
  EXPECT_EQ(failed.state, JobState::failed);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(problem_of(*failed.error), Problem::computation_refused);
  EXPECT_EQ(problem_of(table->answer(me_, bad->id).error()), Problem::computation_refused);
}

TEST_F(JobTableTest, OthersJobsDoNotExist) {
  const auto table = open();
  table->start(1, reverse);
  const auto job = table->submit(request("abc"));
  wait_for_end(*table, job->id);
  const Digest other = test::digest_of(2);
  const Error absent = table->view(other, JobId{}).error();
  for (const Error& error : {table->view(other, job->id).error(), table->answer(other, job->id).error(),
                             table->cancel(other, job->id).error(), table->wait(other, job->id, *job, 1ms).error()}) {
    EXPECT_EQ(error.message, absent.message);
    EXPECT_EQ(error.detail, absent.detail);
  }
}

TEST_F(JobTableTest, IdempotencyKeysNameOneRequest) {
  const auto table = open();
  table->start(1, reverse);
  const auto first = table->submit(request("abc", 1, "k"));
  EXPECT_EQ(table->submit(request("abc", 1, "k"))->id, first->id);
  EXPECT_EQ(problem_of(table->submit(request("abd", 1, "k")).error()), Problem::idempotency_key_reused);
  EXPECT_NE(table->submit(request("abc", 2, "k"))->id, first->id) << "another account's";
  wait_for_end(*table, first->id);
  EXPECT_EQ(table->submit(request("abc", 1, "k"))->id, first->id);
  clock_.advance(limits_.answers_for + 1s);
  table->sweep();
  EXPECT_FALSE(table->view(me_, first->id));
  EXPECT_TRUE(table->submit(request("abd", 1, "k")));
}

TEST_F(JobTableTest, QuotasBoundJobsAndAnswers) {
  limits_.jobs_per_client = 2;
  limits_.jobs = 3;
  limits_.answers_per_client = 2;
  {
    const auto table = open();
    EXPECT_TRUE(table->submit(request("a")));
    EXPECT_TRUE(table->submit(request("b")));
    EXPECT_EQ(problem_of(table->submit(request("c")).error()), Problem::quota_exceeded);
    EXPECT_TRUE(table->submit(request("c", 2)));
    EXPECT_EQ(problem_of(table->submit(request("d", 3)).error()), Problem::capacity);
  }
  const auto table = open();  // counted again after a start
  EXPECT_EQ(problem_of(table->submit(request("c")).error()), Problem::quota_exceeded);
  table->start(1, reverse);
  for (int i = 0; i < 200 && table->waiting_and_running() != std::pair<std::size_t, std::size_t>{0, 0}; ++i)
    ::usleep(10'000);
  const auto refused = table->submit(request("e"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(problem_of(refused.error()), Problem::quota_exceeded) << "two answers are kept";
}

TEST_F(JobTableTest, AccountsTakeTurns) {
  std::vector<std::string> order;  // of the one worker, until the table ends
  auto table = open();
  for (const char* text : {"1a", "1b", "1c"}) EXPECT_TRUE(table->submit(request(text, 1)));
  const auto last = table->submit(request("2a", 2));
  table->start(1, [&](const JobRequest& job, JobTable::Progress&) -> Result<Answer> {
    order.emplace_back(as_text(job.body));
    return Answer{};
  });
  wait_for_end(*table, last->id, 2);
  table.reset();
  ASSERT_GE(order.size(), 2U);
  EXPECT_EQ(order[1], "2a");
}

TEST_F(JobTableTest, CancelledJobsStopAndEndedOnesAreForgotten) {
  const auto table = open();
  table->start(1, [](const JobRequest&, JobTable::Progress& progress) -> Result<Answer> {
    for (int i = 0; i < 1000 && !progress.stop(); ++i) ::usleep(1000);
    return fail(ErrorCode::interrupted, "stopped");
  });
  const auto running = table->submit(request("abc")), queued = table->submit(request("abd"));
  auto seen = table->wait(me_, running->id, *running, 5s);
  EXPECT_EQ(seen->state, JobState::running);
  EXPECT_EQ(table->cancel(me_, queued->id)->state, JobState::cancelled);
  EXPECT_EQ(table->cancel(me_, running->id)->state, JobState::cancelled);
  EXPECT_EQ(problem_of(table->answer(me_, running->id).error()), Problem::conflict);
  EXPECT_TRUE(table->cancel(me_, running->id));
  EXPECT_EQ(problem_of(table->view(me_, running->id).error()), Problem::not_found);
  EXPECT_EQ(std::filesystem::exists(directory_ / ("jobs/" + to_hex(running->id) + ".job")), false);
}

TEST_F(JobTableTest, WhatIsStoppedGoesOnAtTheNextStart) {
  JobId id{};
  {
    const auto table = open();
    table->start(1, [](const JobRequest&, JobTable::Progress& progress) -> Result<Answer> {
      while (!progress.stop()) ::usleep(1000);
      return fail(ErrorCode::interrupted, "stopped");
    });
    const auto job = table->submit(request("abc"));
    id = job->id;
    EXPECT_EQ(table->wait(me_, id, *job, 5s)->state, JobState::running);
  }
  const auto table = open();
  EXPECT_EQ(table->view(me_, id)->state, JobState::queued);
  table->start(1, reverse);
  EXPECT_EQ(wait_for_end(*table, id).state, JobState::done);
  EXPECT_EQ(as_text(table->answer(me_, id)->result), "cba");
}

TEST_F(JobTableTest, AJobThatCannotBeStoredWasNotAccepted) {
  const auto table = open();
  table->start(1, reverse);
  const std::string large(5000, 'a');
  {
    const test::FileSizeLimit limit(1000);
    EXPECT_EQ(problem_of(table->submit(request(large, 1, "key")).error()), Problem::capacity);
  }
  const auto job = table->submit(request(large, 1, "key"));
  ASSERT_TRUE(job) << "the key is free";
  EXPECT_EQ(wait_for_end(*table, job->id).state, JobState::done);
}

TEST_F(JobTableTest, AnAnswerThatCannotBeStoredIsAFailureThatCan) {
  const auto table = open();
  const auto job = table->submit(request(std::string(5000, 'a')));
  ASSERT_TRUE(job);
  const test::FileSizeLimit limit(1000);
  table->start(1, reverse);
  const JobView end = wait_for_end(*table, job->id);
  EXPECT_EQ(end.state, JobState::failed);
  EXPECT_EQ(problem_of(*end.error), Problem::capacity);
}

TEST_F(JobTableTest, WhatFailedForReasonsOfOursIsTriedAgainUnderTheSameKey) {
  const auto table = open();
  std::atomic<bool> broken{true};
  table->start(1, [&](const JobRequest& job, JobTable::Progress& progress) -> Result<Answer> {
    if (broken) return refuse(Problem::capacity, "not now");
    return reverse(job, progress);
  });
  const auto first = table->submit(request("abc", 1, "key"));
  EXPECT_EQ(wait_for_end(*table, first->id).state, JobState::failed);
  broken = false;
  const auto second = table->submit(request("abc", 1, "key"));
  ASSERT_TRUE(second);
  EXPECT_NE(second->id, first->id);
  EXPECT_EQ(wait_for_end(*table, second->id).state, JobState::done);
  EXPECT_EQ(table->submit(request("abc", 1, "key"))->id, second->id);
  // The old job's end does not take the new one's key along.
  EXPECT_TRUE(table->cancel(me_, first->id));
  EXPECT_EQ(table->submit(request("abc", 1, "key"))->id, second->id);
}

TEST_F(JobTableTest, WorkThatThrowsEndsItsJobAlone) {
  const auto table = open();
  table->start(1, [](const JobRequest& job, JobTable::Progress& progress) -> Result<Answer> {
    if (as_text(job.body) == "large") throw std::bad_alloc();
    if (as_text(job.body) == "odd") throw std::runtime_error("a reason");
    return reverse(job, progress);
  });
  const auto large = table->submit(request("large")), odd = table->submit(request("odd"));
  const auto good = table->submit(request("abc"));
  ASSERT_TRUE(large && odd && good);
  EXPECT_EQ(problem_of(*wait_for_end(*table, large->id).error), Problem::capacity);
  EXPECT_EQ(problem_of(*wait_for_end(*table, odd->id).error), Problem::internal);
  EXPECT_EQ(wait_for_end(*table, good->id).state, JobState::done);
}

TEST_F(JobTableTest, AJobThatEndedTheProcessTwiceIsNotTriedAgain) {
  JobId deadly{}, stopped{};
  {
    const auto table = open();
    deadly = table->submit(request("deadly"))->id;
    stopped = table->submit(request("abc", 2))->id;
  }
  const auto process_ends = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      auto table = open();
      if (!table) ::_exit(2);
      table->start(1, [](const JobRequest& job, JobTable::Progress&) -> Result<Answer> {
        if (as_text(job.body) == "deadly") ::_exit(7);
        return fail(ErrorCode::interrupted, "not now");
      });
      for (;;) ::pause();
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(process_ends(), 7);
  {
    const auto table = open();
    EXPECT_EQ(table->view(me_, deadly)->state, JobState::queued) << "once may be chance";
  }
  EXPECT_EQ(process_ends(), 7);
  for (int start = 0; start < 2; ++start) {
    const auto table = open();
    const auto view = table->view(me_, deadly);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->state, JobState::failed);
    ASSERT_TRUE(view->error);
    EXPECT_EQ(problem_of(*view->error), Problem::computation_refused);
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "jobs"))
    EXPECT_NE(entry.path().extension(), ".try1");
}

TEST_F(JobTableTest, StoppingIsNoTry) {
  JobId id{};
  for (int start = 0; start < 4; ++start) {
    const auto table = open();
    if (start == 0) id = table->submit(request("abc"))->id;
    const auto seen = table->view(me_, id);
    ASSERT_TRUE(seen);
    table->start(1, [](const JobRequest&, JobTable::Progress& progress) -> Result<Answer> {
      while (!progress.stop()) ::usleep(1000);
      return fail(ErrorCode::interrupted, "stopped");
    });
    EXPECT_EQ(table->wait(me_, id, *seen, 5s)->state, JobState::running);
  }
}

TEST_F(JobTableTest, FilesThatDoNotReadAreSetAsideAndTheRestGoesOn) {
  JobId good{}, bad{}, again{};
  {
    const auto table = open();
    table->start(1, reverse);
    good = table->submit(request(std::string(5000, 'a')))->id;
    bad = table->submit(request("bad"))->id;
    again = table->submit(request("abc"))->id;
    for (const JobId& id : {good, bad, again}) EXPECT_EQ(wait_for_end(*table, id).state, JobState::done);
  }
  std::filesystem::resize_file(directory_ / ("jobs/" + to_hex(bad) + ".job"), 20);
  std::filesystem::resize_file(directory_ / ("jobs/" + to_hex(again) + ".done"), 5);
  limits_.request_bytes = limits_.answer_bytes = 100;  // narrower than what is there
  const auto table = open();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->set_aside().size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(directory_ / ("jobs/" + to_hex(bad) + ".job.bad")));
  EXPECT_EQ(problem_of(table->view(me_, bad).error()), Problem::not_found);
  EXPECT_EQ(table->answer(me_, good)->result.size(), 5000U);
  table->start(1, reverse);
  EXPECT_EQ(wait_for_end(*table, again).state, JobState::done);
  EXPECT_EQ(as_text(table->answer(me_, again)->result), "cba");
  EXPECT_TRUE(open()->set_aside().empty());
}

TEST_F(JobTableTest, AnswersOfAllAndTheDiskBoundWhatIsAccepted) {
  limits_.kept_answer_bytes = 6;
  {
    const auto table = open();
    table->start(1, reverse);
    const auto first = table->submit(request("abc")), second = table->submit(request("abd", 2));
    ASSERT_TRUE(first && second);
    wait_for_end(*table, first->id);
    wait_for_end(*table, second->id, 2);
    EXPECT_EQ(problem_of(table->submit(request("e", 3)).error()), Problem::capacity);
    EXPECT_TRUE(table->cancel(me_, first->id));
    EXPECT_TRUE(table->submit(request("e", 3)));
  }
  limits_.kept_answer_bytes = 1000;
  limits_.free_disk_bytes = std::uint64_t{1} << 62;
  EXPECT_EQ(problem_of(open()->submit(request("e", 3)).error()), Problem::capacity);
}

TEST_F(JobTableTest, ProcessorTimeOfWaitingJobsIsBoundedButForTheFirst) {
  limits_.cpu_seconds_per_window = 10;
  limits_.windows_of_jobs = 2;
  const auto table = open();
  const auto of = [](double cpu_seconds, std::uint8_t account = 1) {
    JobRequest out = request("abc", account);
    out.cpu_seconds = cpu_seconds;
    return out;
  };
  const auto large = table->submit(of(50));
  ASSERT_TRUE(large) << "alone, it may take what one computation may";
  EXPECT_EQ(problem_of(table->submit(of(1)).error()), Problem::quota_exceeded);
  EXPECT_TRUE(table->submit(of(1, 2))) << "another's";
  EXPECT_TRUE(table->cancel(me_, large->id));
  EXPECT_TRUE(table->submit(of(15)));
  EXPECT_TRUE(table->submit(of(5)));
  EXPECT_EQ(problem_of(table->submit(of(1)).error()), Problem::quota_exceeded);
}

TEST_F(JobTableTest, AJobIsFoundByItsKeyAndBytes) {
  const auto table = open();
  const auto job = table->submit(request("abc", 1, "k"));
  const auto found = [&](std::uint8_t account, std::string_view key, std::string_view body) {
    return table->find(test::digest_of(account), key, hash::sha256(as_bytes(body)), {});
  };
  ASSERT_TRUE(found(1, "k", "abc") && *found(1, "k", "abc"));
  EXPECT_EQ((*found(1, "k", "abc"))->id, job->id);
  EXPECT_FALSE(*found(2, "k", "abc"));
  EXPECT_FALSE(*found(1, "", "abc"));
  EXPECT_FALSE(*found(1, "l", "abc"));
  EXPECT_EQ(problem_of(found(1, "k", "abd").error()), Problem::idempotency_key_reused);
  EXPECT_FALSE(*table->find(me_, "k", hash::sha256(as_bytes(std::string_view("abc"))), test::digest_of(5)));
}

/// A process that takes and runs jobs is killed at random moments. Every job it named ends with its answer.
TEST_F(JobTableTest, NothingAcknowledgedIsLostWhenTheProcessIsKilled) {
  std::mt19937_64 random(test::test_seed());
  std::vector<std::pair<JobId, std::string>> acknowledged;
  int kills = 0;
  for (int round = 0; round < 20; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto table = JobTable::open(directory_ / "jobs", limits_, clock_, random_, {});
      if (!table) ::_exit(2);
      (*table)->start(2, reverse);
      for (int i = 0; i < 20; ++i) {
        const auto job = (*table)->submit(request(std::to_string(round * 100 + i)));
        if (!job) ::_exit(3);
        if (::write(pipe[1], job->id.data(), job->id.size()) != 16) ::_exit(4);
        const std::int32_t number = round * 100 + i;
        if (::write(pipe[1], &number, sizeof number) != sizeof number) ::_exit(4);
      }
      ::_exit(0);
    }
    ::close(pipe[1]);
    ::usleep(static_cast<useconds_t>(random() % 40'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    kills += WIFSIGNALED(status) ? 1 : 0;
    JobId id{};
    std::int32_t number = 0;
    while (::read(pipe[0], id.data(), id.size()) == 16 && ::read(pipe[0], &number, sizeof number) == sizeof number) {
      std::string text = std::to_string(number);
      std::reverse(text.begin(), text.end());
      acknowledged.emplace_back(id, text);
    }
    ::close(pipe[0]);
  }
  EXPECT_GT(kills, 0) << "nothing was ever interrupted";
  auto table = open();
  table->start(2, reverse);
  for (const auto& [id, text] : acknowledged) {
    EXPECT_EQ(wait_for_end(*table, id).state, JobState::done);
    const auto answer = table->answer(me_, id);
    ASSERT_TRUE(answer);
    EXPECT_EQ(as_text(answer->result), text);
  }
  table.reset();  // a job that nobody was told of may still be at its end
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "jobs"))
    EXPECT_NE(entry.path().extension(), ".tmp");
}

}  // namespace
}  // namespace prism::service
