#include "prism/service/compute_service.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "prism/host/file.h"
#include "prism/service/tokens.h"
#include "tests/support/compute_client.h"
#include "tests/support/service.h"
#include "tests/support/service_client.h"

namespace prism::service {
namespace {

using test::MemorySource;
using test::must;
using namespace std::chrono_literals;

class ComputeServiceTest : public ::testing::Test {
 protected:
  ComputeServiceTest() {
    options_.data_dir = directory_ / "data";
    options_.tokens_file = directory_ / "tokens";
    must(add_token(options_.tokens_file, "first", std::nullopt, random_));
    options_.workers = 1;
    options_.limits.free_disk_bytes = 0;
    me_ = caller(1);
    other_ = caller(2);
  }
  void open() {
    service_.reset();
    // Tests wait: their clock is the system's.
    service_ = must(ComputeService::open(options_, clock_, random_));
  }
  static Caller caller(std::uint8_t fill) {
    Caller out;
    out.account = out.fingerprint = test::digest_of(fill);
    out.session = SessionId{fill};
    return out;
  }
  test::ComputeClient& client() {
    static host::SystemRandom random;
    static test::ComputeClient one(random);
    if (one.context.empty())
      one.make_context(must(compute::answer_plan(one.plan_question(), {})));  // whatever the service under test allows
    return one;
  }
  UploadState put(const Caller& who, BlobKind kind, const Bytes& bytes) {
    MemorySource source(bytes, 100'000);
    return must(service_->upload(who, kind, hash::sha256(bytes), 0, bytes.size(), source));
  }
  void upload_all(const Caller& who) {
    EXPECT_TRUE(put(who, BlobKind::context, client().context).complete);
    EXPECT_TRUE(put(who, BlobKind::data, client().data).complete);
  }
  static ByteView view(const std::string& text) { return as_bytes(text); }
  Answer wait_for_answer(const Caller& who, JobView job) {
    while (job.state == JobState::queued || job.state == JobState::running)
      job = must(service_->wait_for_change(who, job.id, job, 1s));
    return must(service_->answer(who, job.id));
  }
  void expect_statistics(const Answer& answer) {
    const auto found = client().open(answer.result);
    EXPECT_NEAR(found.at("mean"), 300, 0.5);
    EXPECT_NEAR(found.at("variance"), 20'000, 20);
    EXPECT_NEAR(found.at("sum"), 1500, 1);
  }

  support::TestDirectory directory_;
  host::SystemClock clock_;
  host::SystemRandom random_;
  Options options_;
  Caller me_, other_;
  std::unique_ptr<ComputeService> service_;
};

TEST_F(ComputeServiceTest, AnswersAreRightAndSignedForThisRequest) {
  open();
  upload_all(me_);
  const std::string body = client().body();
  const Outcome outcome = must(service_->compute(me_, {view(body)}));
  ASSERT_TRUE(outcome.answer);
  expect_statistics(*outcome.answer);
  const auto claims = must(channel::verify_receipt(outcome.answer->receipt, service_->fingerprint()));
  EXPECT_EQ(claims.request, hash::sha256(view(body)));
  EXPECT_EQ(claims.context, client().context_digest);
  EXPECT_EQ(claims.inputs, std::vector<Digest>{client().data_digest});
  EXPECT_EQ(claims.result, hash::sha256(outcome.answer->result));
  EXPECT_EQ(claims.program, must(client().request.lower(program::Family::approximate, {{"x", 5}})).digest());
  EXPECT_EQ(claims.transport, channel::Transport::session);
  EXPECT_EQ(claims.session, me_.session);
  EXPECT_NE(claims.build, Digest{});
  const auto later = must(service_->compute(me_, {view(body)}));
  EXPECT_GT(must(channel::verify_receipt(later.answer->receipt, service_->fingerprint())).sequence, claims.sequence);
  EXPECT_EQ(later.answer->result, outcome.answer->result);
  open();  // numbers rise across a start, and the same key signs
  const auto after = must(service_->compute(me_, {view(body)}));
  EXPECT_GT(must(channel::verify_receipt(after.answer->receipt, service_->fingerprint())).sequence,
            claims.sequence + 1);
}

TEST_F(ComputeServiceTest, InputsMayComeAlong) {
  open();
  put(me_, BlobKind::context, client().context);
  const Bytes body = client().inline_body(client().request.to_json());
  const Answer answer = must(service_->compute_inline(me_, {body}));
  expect_statistics(answer);
  const auto claims = must(channel::verify_receipt(answer.receipt, service_->fingerprint()));
  EXPECT_EQ(claims.request, hash::sha256(body));
  EXPECT_EQ(claims.inputs, std::vector<Digest>{client().data_digest});
  // Every prefix, and every byte of the head changed, is refused or means something else; none of them stops us.
  for (std::size_t size = 0; size < 200; ++size)
    EXPECT_FALSE(service_->compute_inline(me_, {ByteView(body).first(size)}));
  for (std::size_t i = 0; i < 40; ++i) {
    Bytes changed = body;
    changed[i] ^= 0xff;
    EXPECT_FALSE(service_->compute_inline(me_, {changed})) << i;
  }
}

TEST_F(ComputeServiceTest, TenantsCannotSeeEachOther) {
  open();
  upload_all(me_);
  const std::string body = client().body();
  const auto refused = service_->compute(other_, {view(body)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(problem_of(refused.error()), Problem::not_found);
  EXPECT_EQ(problem_of(service_->upload_state(other_, BlobKind::context, client().context_digest).error()),
            Problem::not_found);
  EXPECT_EQ(problem_of(service_->remove(other_, BlobKind::data, client().data_digest).error()), Problem::not_found);
  // With the context of their own, but another's data.
  put(other_, BlobKind::context, client().context);
  EXPECT_EQ(problem_of(service_->compute(other_, {view(body)}).error()), Problem::not_found);
  const Outcome mine = must(service_->compute(me_, {view(body), {}, {}, "key"}));
  EXPECT_EQ(problem_of(service_->job(other_, mine.job.id).error()), Problem::not_found);
  EXPECT_EQ(problem_of(service_->answer(other_, mine.job.id).error()), Problem::not_found);
  EXPECT_EQ(problem_of(service_->cancel(other_, mine.job.id).error()), Problem::not_found);
}

TEST_F(ComputeServiceTest, BadRequestsAreRefusedFieldByField) {
  open();
  upload_all(me_);
  const std::string good = client().body();
  const std::string context = to_hex(client().context_digest), data = to_hex(client().data_digest);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string out = good;
    const std::size_t at = out.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return out.replace(at, from.size(), to);
  };
  const std::string none(64, '0');
  const std::vector<std::pair<std::string, Problem>> cases = {
      {"", Problem::invalid_request},
      {"null", Problem::invalid_request},
      {"[]", Problem::invalid_request},
      {good + "x", Problem::invalid_request},
      {good.substr(0, good.size() - 1), Problem::invalid_request},
      {with("\"context\"", "\"contexts\""), Problem::invalid_request},
      {with(context, context.substr(1)), Problem::invalid_request},
      {with("\"" + context + "\"", "7"), Problem::invalid_request},
      {with(context, none), Problem::not_found},
      {with(data, none), Problem::not_found},
      {with(data, std::string(64, 'G')), Problem::invalid_request},
      {with(data, context), Problem::not_found},
      {with("{\"x\"", "{\"y\""), Problem::invalid_request},
      {with("{\"x\"", "{\"z\":\"" + data + "\",\"x\""), Problem::invalid_request},
      {with("{\"x\"", "{\"x\":\"" + data + "\",\"x\""), Problem::invalid_request},
      {with("{\"context\"", "{\"extra\":1,\"context\""), Problem::invalid_request},
      {with("\"statistics\"", "\"everything\""), Problem::invalid_request},
      {client().body(
           R"({"operation":"polynomial","inputs":["x"],"coefficients":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]})"),
       Problem::computation_refused},
      {client().body(std::string(100'000, '[')), Problem::invalid_request},
      {std::string(2 << 20, ' '), Problem::too_large},
      {std::string("{\"context\":\"\xff\xfe\"}"), Problem::invalid_request},
  };
  for (const auto& [text, problem] : cases) {
    const auto outcome = service_->compute(me_, {view(text)});
    ASSERT_FALSE(outcome) << text.substr(0, 200);
    EXPECT_EQ(name_of(problem_of(outcome.error())), name_of(problem)) << text.substr(0, 200) << "\n"
                                                                      << outcome.error().message;
  }
  EXPECT_TRUE(service_->compute(me_, {view(good)}));
}

TEST_F(ComputeServiceTest, WhatTheRecordBoundMustAgreeWithTheBody) {
  open();
  upload_all(me_);
  const std::string body = client().body();
  const Digest program = must(client().request.lower(program::Family::approximate, {{"x", 5}})).digest();
  EXPECT_TRUE(service_->compute(me_, {view(body), client().context_digest, program}));
  EXPECT_EQ(problem_of(service_->compute(me_, {view(body), test::digest_of(1)}).error()), Problem::conflict);
  EXPECT_EQ(problem_of(service_->compute(me_, {view(body), {}, test::digest_of(1)}).error()), Problem::conflict);
}

TEST_F(ComputeServiceTest, ArtefactsThatAreNoneAreRefusedWhenTheyAreUsed) {
  open();
  std::mt19937_64 random(test::test_seed());
  put(me_, BlobKind::data, client().data);
  for (int round = 0; round < 6; ++round) {
    Bytes bad = client().context;
    if (round == 0) bad = test::random_bytes(random, 1000);
    if (round == 1) bad.resize(bad.size() / 2);
    if (round > 1) bad[static_cast<std::size_t>(random() % 2000)] ^= static_cast<std::uint8_t>(1 + random() % 255);
    put(me_, BlobKind::context, bad);
    std::string body = client().body();
    body.replace(body.find(to_hex(client().context_digest)), 64, to_hex(hash::sha256(bad)));
    const auto outcome = service_->compute(me_, {view(body)});
    if (outcome) continue;  // a changed coefficient of the public key: another, valid key
    const Problem problem = problem_of(outcome.error());
    EXPECT_TRUE(problem == Problem::invalid_request || problem == Problem::computation_refused ||
                problem == Problem::too_large || problem == Problem::unsupported)
        << name_of(problem) << ": " << outcome.error().message;
  }
}

TEST_F(ComputeServiceTest, AMissingKeyIsNotAMissingPage) {
  open();
  const Bytes bare = must(must(client().keys.context_with({})).encode());
  put(me_, BlobKind::context, bare);
  put(me_, BlobKind::data, client().data);
  std::string body = client().body();
  body.replace(body.find(to_hex(client().context_digest)), 64, to_hex(hash::sha256(bare)));
  const auto outcome = service_->compute(me_, {view(body)});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(name_of(problem_of(outcome.error())), name_of(Problem::computation_refused)) << outcome.error().message;
}

TEST_F(ComputeServiceTest, IdempotentRequestsAreJobsThatAreAnsweredOnce) {
  open();
  upload_all(me_);
  const std::string body = client().body();
  const Outcome first = must(service_->compute(me_, {view(body), {}, {}, "key"}));
  const Outcome second = must(service_->compute(me_, {view(body), {}, {}, "key"}));
  ASSERT_TRUE(first.answer && second.answer);
  EXPECT_EQ(first.answer->receipt, second.answer->receipt);
  const std::string other = client().body(R"({"operation":"sum","inputs":["x"]})");
  EXPECT_EQ(problem_of(service_->compute(me_, {view(other), {}, {}, "key"}).error()), Problem::idempotency_key_reused);
  EXPECT_EQ(problem_of(service_->compute(me_, {view(other), {}, {}, std::string(256, 'k')}).error()),
            Problem::invalid_request);
  open();
  EXPECT_EQ(must(service_->compute(me_, {view(body), {}, {}, "key"})).answer->receipt, first.answer->receipt);
}

TEST_F(ComputeServiceTest, ARetryIsAnsweredThoughQuotaAndUploadsAreGone) {
  options_.limits.window = 24h;
  open();
  upload_all(me_);
  const std::string body = client().body();
  const Outcome first = must(service_->compute(me_, {view(body), {}, {}, "key"}));
  ASSERT_TRUE(first.answer);
  options_.limits.cpu_seconds_per_window = 1e-9;
  open();
  (void)service_->plan(me_, client().plan_question());  // uses it up
  EXPECT_EQ(problem_of(service_->compute(me_, {view(body), {}, {}, "new"}).error()), Problem::quota_exceeded);
  ASSERT_TRUE(service_->remove(me_, BlobKind::context, client().context_digest));
  EXPECT_EQ(must(service_->compute(me_, {view(body), {}, {}, "key"})).answer->receipt, first.answer->receipt);
}

TEST_F(ComputeServiceTest, PlansHaveABoundOfTheirOwn) {
  options_.limits.plan_cpu_seconds = 1e-7;
  open();
  const auto plan = service_->plan(me_, client().plan_question());
  ASSERT_FALSE(plan);
  EXPECT_EQ(problem_of(plan.error()), Problem::computation_refused) << plan.error().message;
}

TEST_F(ComputeServiceTest, NothingComputesAfterStopButJobsGoOnAtTheNextStart) {
  options_.limits.quick_answer = 0ms;
  open();
  upload_all(me_);
  const std::string body = client().body();
  const Outcome before = must(service_->compute(me_, {view(body), {}, {}, "key"}));
  service_->stop();
  EXPECT_EQ(problem_of(service_->plan(me_, client().plan_question()).error()), Problem::capacity);
  EXPECT_EQ(problem_of(service_->compute(me_, {view(body)}).error()), Problem::capacity);
  open();
  expect_statistics(wait_for_answer(me_, must(service_->job(me_, before.job.id))));
}

TEST_F(ComputeServiceTest, CpuSecondsOfAClientAreBounded) {
  options_.limits.cpu_seconds_per_window = 1e-6;
  options_.limits.window = 3600s;
  open();
  upload_all(me_);  // makes the plan: charged to this client
  const std::string body = client().body();
  EXPECT_TRUE(service_->compute_inline(me_, {client().inline_body(client().request.to_json())}) ||
              service_->allowance(me_).cpu_seconds_left == 0);
  const auto refused = service_->compute(me_, {view(body)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(problem_of(refused.error()), Problem::quota_exceeded);
  EXPECT_EQ(refused.error().code, ErrorCode::quota);
  EXPECT_EQ(service_->allowance(me_).cpu_seconds_left, 0);
  EXPECT_GT(service_->allowance(other_).cpu_seconds_left, 0);
}

TEST_F(ComputeServiceTest, ComputationsStopAtTheirCpuBound) {
  options_.limits.cpu_seconds_per_job = 1e-7;
  open();
  EXPECT_FALSE(service_->plan(me_, client().plan_question()));
  put(me_, BlobKind::context, client().context);
  const auto answer = service_->compute_inline(me_, {client().inline_body(client().request.to_json())});
  ASSERT_FALSE(answer);
  const Problem problem = problem_of(answer.error());
  EXPECT_TRUE(problem == Problem::quota_exceeded || problem == Problem::too_large ||
              problem == Problem::computation_refused)
      << name_of(problem) << ": " << answer.error().message;
}

TEST_F(ComputeServiceTest, TokensAreOneWayInWhenTheOperatorSaysSo) {
  open();
  const std::string token = must(add_token(options_.tokens_file, "ci", std::nullopt, random_));
  EXPECT_EQ(problem_of(service_->authenticate(token).error()), Problem::unauthenticated) << "not read yet";
  ASSERT_TRUE(service_->reload());
  const Caller caller = must(service_->authenticate(token));
  put(caller, BlobKind::context, client().context);
  const Answer answer = must(service_->compute_inline(caller, {client().inline_body(client().request.to_json())}));
  const auto claims = must(channel::verify_receipt(answer.receipt, service_->fingerprint()));
  EXPECT_EQ(claims.transport, channel::Transport::token);
  EXPECT_FALSE(claims.session);
}

TEST_F(ComputeServiceTest, WhoOnlyLooksStartsNothing) {
  open();
  service_.reset();
  const std::string path = options_.data_dir + "/audit.log";
  const Bytes before = must(host::read_file(path, 1 << 20));
  Options looking = options_;
  looking.check_only = true;
  {
    const auto service = must(ComputeService::open(looking, clock_, random_));
    EXPECT_TRUE(service->self_test());
  }
  EXPECT_EQ(must(host::read_file(path, 1 << 20)), before);
}

TEST_F(ComputeServiceTest, OneProcessServesADirectory) {
  open();
  const auto second = ComputeService::open(options_, clock_, random_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::refused);
}

TEST_F(ComputeServiceTest, ReceiptsOfARotatedServerVerifyUnderTheOldPin) {
  open();
  upload_all(me_);
  const Digest old = service_->fingerprint();
  const Digest next = must(rotate_identity(options_.data_dir, clock_.wall(), random_));
  ASSERT_TRUE(service_->reload());
  EXPECT_EQ(service_->fingerprint(), next);
  const std::string body = client().body();
  const auto outcome = must(service_->compute(me_, {view(body)}));
  EXPECT_TRUE(channel::verify_receipt(outcome.answer->receipt, next));
  EXPECT_TRUE(channel::verify_receipt(outcome.answer->receipt, old))
      << "the bundle in it leads from the old key to the new";
  EXPECT_FALSE(channel::verify_receipt(outcome.answer->receipt, test::digest_of(3)));
  EXPECT_TRUE(service_->self_test());
}

TEST_F(ComputeServiceTest, RequestsGoOnWhileTheServerRotates) {
  open();
  upload_all(me_);
  const std::string body = client().body();
  const auto key = test::client_key(random_);
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        // Whoever connects knows the bundle of a moment ago.
        const auto bundle = must(channel::IdentityBundle::open(must(service_->public_keys())));
        test::TestClient<ComputeService> one(*service_, bundle.fingerprint(), key, clock_, random_);
        const auto connected = one.connect();
        EXPECT_TRUE(connected) << connected.error().message;
        const auto outcome = service_->compute(me_, {view(body)});
        EXPECT_TRUE(outcome) << outcome.error().message;
        ++done;
      }
    });
  for (int rotation = 0; rotation < 4; ++rotation) {
    const int before = done;
    while (done < before + 3) std::this_thread::sleep_for(1ms);
    must(rotate_identity(options_.data_dir, clock_.wall(), random_));
    EXPECT_TRUE(service_->reload());
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(service_->statistics().handshakes_rejected, 0U);
}

/// A process that accepts jobs is killed; another answers them.
TEST_F(ComputeServiceTest, AcknowledgedJobsAreAnsweredAfterAKill) {
  options_.limits.quick_answer = 0ms;
  open();
  upload_all(me_);
  const std::string body = client().body();
  service_.reset();  // before fork: threads do not survive it
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto service = ComputeService::open(options_, clock_, random_);
    if (!service) ::_exit(2);
    for (int i = 0; i < 8; ++i) {
      const auto outcome = (*service)->compute(me_, {view(body), {}, {}, "key" + std::to_string(i)});
      if (!outcome) ::_exit(3);
      if (::write(pipe[1], outcome->job.id.data(), 16) != 16) ::_exit(4);
    }
    ::kill(::getpid(), SIGKILL);
  }
  ::close(pipe[1]);
  std::vector<JobId> jobs;
  JobId id{};
  while (::read(pipe[0], id.data(), 16) == 16) jobs.push_back(id);
  ::close(pipe[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  ASSERT_EQ(jobs.size(), 8U);
  open();
  for (const JobId& job : jobs) expect_statistics(wait_for_answer(me_, must(service_->job(me_, job))));
}

}  // namespace
}  // namespace prism::service
