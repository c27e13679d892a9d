// A scripted server: each answer is written down before, and what was asked is compared afterwards.
#include "prism/client/connection.h"

#include <gtest/gtest.h>

#include <deque>

#include "prism/hash/sha256.h"
#include "prism/host/system.h"
#include "prism/wire/cbor.h"

namespace prism::client {
namespace {

/// Time passes only while somebody waits.
class StillClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override { return now; }
  std::chrono::seconds wall() const override { return std::chrono::duration_cast<std::chrono::seconds>(now); }
  std::chrono::nanoseconds now{0};
};

using Answer = std::function<Result<Reply>(const Call&)>;

struct Script {
  std::deque<Answer> answers;
  std::deque<std::vector<std::string>> streams;  ///< of events
  std::vector<std::string> asked;                ///< "PUT /data/..."
  std::vector<std::string> keys;                 ///< idempotency keys
  int resets = 0, disconnects = 0;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}
  Result<Reply> exchange(const Call& call) override {
    script_.asked.push_back(std::string(call.method) + " " + call.target);
    script_.keys.emplace_back(call.idempotency_key);
    if (script_.answers.empty()) return fail(ErrorCode::refused, "the script is at its end");
    const Answer next = std::move(script_.answers.front());
    script_.answers.pop_front();
    return next(call);
  }
  Result<Reply> events(const Call& call, const std::function<Result<bool>(std::string_view)>& sink) override {
    script_.asked.push_back("EVENTS " + call.target);
    if (script_.streams.empty()) return fail(ErrorCode::network, "the stream broke");
    const auto stream = std::move(script_.streams.front());
    script_.streams.pop_front();
    for (const auto& event : stream) {
      PRISM_TRY(const bool more, sink(event));
      if (!more) break;
    }
    return Reply{200, "text/event-stream", {}, true, {}};
  }
  void reset() override { ++script_.resets; }
  void disconnect() override { ++script_.disconnects; }
  const std::optional<Meeting>& meeting() const override { return meeting_; }
  bool in_session() const override { return true; }
  const std::string& server() const override { return name_; }

 private:
  Script& script_;
  std::optional<Meeting> meeting_;
  std::string name_ = "host:1";
};

Answer says(int status, std::string body) {
  return [status, body](const Call&) -> Result<Reply> {
    return Reply{status, "application/json", Bytes(body.begin(), body.end()), true, {}};
  };
}
Answer refuses(int status, std::string type, bool vouched, std::string retry_after = "") {
  return [=](const Call&) -> Result<Reply> {
    Reply reply{status, "application/problem+json", {}, vouched, {}};
    const std::string body = R"({"type":"/problems/)" + type + R"(","title":"no"})";
    reply.problem = read_problem(status, reply.content_type, as_bytes(body), retry_after);
    return reply;
  };
}
Answer breaks() {
  return [](const Call&) -> Result<Reply> { return fail(ErrorCode::network, "the connection broke"); };
}
std::string state(std::uint64_t offset, std::uint64_t size) {
  return R"({"complete":)" + std::string(offset == size ? "true" : "false") + R"(,"digest":"","offset":)" +
         std::to_string(offset) + R"(,"size":)" + std::to_string(size) + "}";
}

class ConnectionTest : public ::testing::Test {
 protected:
  Connection connect() {
    Patience patience;
    patience.unreachable = std::chrono::seconds(30);
    patience.wait = [this](std::chrono::milliseconds time) -> Status {
      if (stopped) return fail(ErrorCode::interrupted, "stopped");
      waits.push_back(time);
      clock.now += time;
      return {};
    };
    return Connection::over(std::make_unique<ScriptedTransport>(script), patience, clock, random);
  }
  Result<Reply> ask() {
    Connection connection = connect();
    return connection.ask(Call{.target = "/x"});
  }
  Script script;
  StillClock clock;
  host::SystemRandom random;
  std::vector<std::chrono::milliseconds> waits;
  bool stopped = false;
};

TEST_F(ConnectionTest, ABrokenConnectionIsMadeAgain) {
  script.answers = {breaks(), breaks(), says(200, "{}")};
  EXPECT_TRUE(ask());
  EXPECT_EQ(script.asked.size(), 3U);
  EXPECT_EQ(script.disconnects, 2);
  EXPECT_EQ(script.resets, 0) << "a session outlives its connections";
}

TEST_F(ConnectionTest, AServerThatStaysAwayIsGivenUpInTime) {
  for (int i = 0; i < 1000; ++i) script.answers.push_back(breaks());
  const auto reply = ask();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::network);
  EXPECT_GE(clock.now, std::chrono::seconds(30));
  EXPECT_LE(clock.now, std::chrono::seconds(40));
  EXPECT_LT(script.asked.size(), 40U) << "waits must grow";
}

TEST_F(ConnectionTest, AnExpiredSessionIsReplacedAndTheRequestSentAgain) {
  script.answers = {refuses(401, "session-expired", false), says(200, "{}")};
  EXPECT_TRUE(ask());
  EXPECT_EQ(script.resets, 1);
}

TEST_F(ConnectionTest, AServerThatRefusesEverySessionIsNotAskedForEver) {
  for (int i = 0; i < 100; ++i) script.answers.push_back(refuses(401, "session-expired", false));
  const auto reply = ask();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unauthorised);
  EXPECT_LE(script.asked.size(), 5U);
}

TEST_F(ConnectionTest, WhatTheServerVouchesForIsNoReasonForANewSession) {
  script.answers = {refuses(401, "session-expired", true), says(200, "{}")};
  EXPECT_FALSE(ask());
  EXPECT_EQ(script.resets, 0);
}

TEST_F(ConnectionTest, LaterMeansLater) {
  script.answers = {refuses(503, "temporary-reduced-capacity", true, "3"), says(200, "{}")};
  EXPECT_TRUE(ask());
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits[0], std::chrono::seconds(3));
}

TEST_F(ConnectionTest, MuchLaterIsAnErrorThatSaysWhen) {
  script.answers = {refuses(429, "quota-exceeded", true, "600")};
  const auto reply = ask();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::quota);
  EXPECT_NE(reply.error().message.find("in 600 s"), std::string::npos) << reply.error().message;
  EXPECT_TRUE(waits.empty());
}

TEST_F(ConnectionTest, ARefusalIsNotAskedAgain) {
  script.answers = {refuses(422, "computation-refused", true), says(200, "{}")};
  const auto reply = ask();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(script.asked.size(), 1U);
}

TEST_F(ConnectionTest, ARefusalThatDidNotComeThroughTheSessionIsNoVerdict) {
  script.answers = {refuses(404, "not-found", false), refuses(422, "computation-refused", false), says(200, "{}")};
  EXPECT_TRUE(ask()) << "anybody on the way can write these";
  EXPECT_EQ(script.asked.size(), 3U);
  EXPECT_EQ(script.resets, 0);
  for (int i = 0; i < 1000; ++i) script.answers.push_back(refuses(403, "forbidden", false));
  const auto reply = ask();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::network);
  EXPECT_NE(reply.error().message.find("outside the session"), std::string::npos) << reply.error().message;
  EXPECT_LT(script.asked.size(), 50U) << "waits must grow";
}

TEST_F(ConnectionTest, AnUploadStopsBetweenPartsWhenSomebodyWantsAnEnd) {
  const Bytes bytes(10 << 20, 7);
  script.answers = {says(200, state(0, bytes.size())), [&](const Call& call) -> Result<Reply> {
                      stopped = true;
                      return says(200, state(call.body.size(), bytes.size()))(call);
                    }};
  Connection connection = connect();
  const auto sent = connection.upload(Blob::data, bytes);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::interrupted);
  EXPECT_EQ(script.asked.size(), 2U);
}

TEST_F(ConnectionTest, WhatTheServerHasIsNotSent) {
  const Bytes bytes(1000, 7);
  script.answers = {says(200, state(1000, 1000))};
  Connection connection = connect();
  const auto sent = connection.upload(Blob::data, bytes);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->sent, 0U);
  EXPECT_EQ(sent->digest, hash::sha256(bytes));
  EXPECT_EQ(script.asked, std::vector<std::string>{"GET /data/" + to_hex(hash::sha256(bytes))});
}

TEST_F(ConnectionTest, ACutUploadGoesOnWhereTheServerIs) {
  const Bytes bytes = [] {
    Bytes b(10 << 20);
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::uint8_t>(i * 7 + (i >> 8));
    return b;
  }();
  Bytes there;
  const std::uint64_t all = bytes.size();
  const auto takes = [&](std::size_t most, bool then_breaks) -> Answer {
    return [&, most, then_breaks](const Call& call) -> Result<Reply> {
      // What arrives is appended only where it belongs, as docs/rest.md says.
      const std::string at = "?offset=" + std::to_string(there.size()) + "&size=" + std::to_string(all);
      if (call.target.find(at) == std::string::npos) return refuses(409, "offset-mismatch", true)(call);
      const auto part = call.body.first(std::min(most, call.body.size()));
      there.insert(there.end(), part.begin(), part.end());
      if (then_breaks) return fail(ErrorCode::network, "cut");
      return says(there.size() == all ? 201 : 200, state(there.size(), all))(call);
    };
  };
  const auto where = [&](const Call& call) { return says(200, state(there.size(), all))(call); };
  // The third PUT is the second one again: its first try arrived in part, so the server is elsewhere.
  script.answers = {refuses(404, "not-found", true),
                    takes(all, false),
                    takes(1 << 20, true),
                    takes(all, false),
                    where,
                    takes(all, false),
                    takes(all, false)};
  Connection connection = connect();
  const auto sent = connection.upload(Blob::data, bytes);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(there, bytes);
}

TEST_F(ConnectionTest, AServerThatHasEveryByteIsToldToLook) {
  const Bytes bytes(1000, 7);
  const std::string unfinished = R"({"complete":false,"digest":"","offset":1000,"size":1000})";
  script.answers = {says(200, unfinished), says(201, state(1000, 1000))};
  Connection connection = connect();
  const auto sent = connection.upload(Blob::data, bytes);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(script.asked.back(), "PUT /data/" + to_hex(sent->digest) + "?offset=1000&size=1000");
  for (int i = 0; i < 1000; ++i) script.answers.push_back(says(200, unfinished));
  EXPECT_FALSE(connection.upload(Blob::data, bytes));
}

TEST_F(ConnectionTest, AnUploadThatAnotherRequestStillWritesIsWaitedFor) {
  const Bytes bytes(1000, 7);
  script.answers = {says(200, state(0, 1000)), refuses(409, "conflict", true), says(200, state(600, 1000)),
                    says(201, state(1000, 1000))};
  Connection connection = connect();
  const auto sent = connection.upload(Blob::data, bytes);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->sent, 400U);
}

TEST_F(ConnectionTest, AServerWhoseUploadsNeverMoveIsGivenUp) {
  const Bytes bytes(1000, 7);
  script.answers.push_back(refuses(404, "not-found", true));
  for (int i = 0; i < 1000; ++i) {
    script.answers.push_back(refuses(409, "offset-mismatch", true));
    script.answers.push_back(says(200, state(3, 1000)));
  }
  Connection connection = connect();
  EXPECT_FALSE(connection.upload(Blob::data, bytes));
  EXPECT_LT(script.asked.size(), 100U);
}

TEST_F(ConnectionTest, UploadStatesThatMakeNoSenseAreRefused) {
  for (const char* text :
       {R"({"complete":false,"offset":1001,"size":1000})", R"({"complete":true,"offset":1000,"size":1})",
        R"({"complete":0,"offset":0,"size":1000})", R"([])", "", R"({"complete":false,"offset":-1,"size":1000})",
        R"({"complete":false,"offset":1.5,"size":1000})"}) {
    script.answers = {says(200, text)};
    Connection connection = connect();
    EXPECT_FALSE(connection.upload(Blob::data, Bytes(1000, 7))) << text;
  }
}

constexpr const char* kId = "00112233445566778899aabbccddeeff";
std::string job(const std::string& job_state, double progress) {
  return std::string(R"({"created":1,"id":")") + kId + R"(","progress":)" + std::to_string(progress) + R"(,"state":")" +
         job_state + "\"}";
}
Answer answers() {
  wire::CborWriter out;
  out.map(2);
  out.text("result");
  out.bytes(Bytes{1, 2, 3});
  out.text("receipt");
  out.bytes(Bytes{4, 5});
  const Bytes body = std::move(out).take();
  return [body](const Call&) -> Result<Reply> { return Reply{200, "application/cbor", body, true, {}}; };
}

TEST_F(ConnectionTest, AJobIsWaitedForThroughBrokenStreams) {
  script.answers = {says(202, job("queued", 0)), answers()};
  script.streams = {{job("running", 0.25)}, {}, {job("running", 0.5), job("done", 1)}};
  Connection connection = connect();
  std::vector<double> seen;
  const auto answer =
      connection.compute("{}", "key", {}, {}, [&](const JobNews& news) { seen.push_back(news.progress); });
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->result, (Bytes{1, 2, 3}));
  EXPECT_EQ(answer->receipt, (Bytes{4, 5}));
  EXPECT_EQ(script.asked.back(), std::string("GET /jobs/") + kId + "/answer");
  EXPECT_EQ(script.keys.front(), "key");
  EXPECT_EQ(seen.back(), 1.0);
}

TEST_F(ConnectionTest, StreamsThatEndWithoutAnEventAreGivenUpInTime) {
  script.answers = {says(202, job("queued", 0))};
  script.streams.resize(1000);
  Connection connection = connect();
  const auto answer = connection.compute("{}", "key", {}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::network);
  EXPECT_GE(clock.now, std::chrono::seconds(30));
  EXPECT_LT(script.asked.size(), 50U) << "waits must grow";
}

TEST_F(ConnectionTest, AFailedJobIsItsOwnProblem) {
  script.answers = {says(202, job("queued", 0))};
  const std::string failed = std::string(R"({"created":1,"id":")") + kId +
                             R"(","progress":0.5,"state":"failed","problem":{"type":"/problems/quota-exceeded",)" +
                             R"("status":429,"title":"t","detail":"600 CPU-seconds are used up"}})";
  script.streams = {{failed}};
  Connection connection = connect();
  const auto answer = connection.compute("{}", "key", {}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::quota);
  EXPECT_NE(answer.error().message.find("600 CPU-seconds"), std::string::npos);
}

TEST_F(ConnectionTest, NewsOfAnotherJobIsRefused) {
  script.answers = {says(202, job("queued", 0))};
  std::string other = job("done", 1);
  other.replace(other.find("0011"), 4, "ffff");
  script.streams = {{other}};
  Connection connection = connect();
  EXPECT_FALSE(connection.compute("{}", "key", {}, {}));
}

TEST_F(ConnectionTest, AnswersThatAreNoneAreRefused) {
  const Bytes good = answers()(Call{})->body;
  for (std::size_t size = 0; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    script.answers = {[&](const Call&) -> Result<Reply> { return Reply{200, "application/cbor", cut, true, {}}; }};
    Connection connection = connect();
    EXPECT_FALSE(connection.compute("{}", "key", {}, {})) << size;
  }
}

}  // namespace
}  // namespace prism::client
