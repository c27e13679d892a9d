// The client against the service itself, over real sockets on loopback.
#include "prism/client/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "prism/client/hybrid_crypto.h"
#include "prism/client/token.h"
#include "prism/compute/result.h"
#include "prism/hash/sha256.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/http/handler.h"
#include "prism/http/server.h"
#include "prism/server/rest/handler.h"
#include "prism/wire/cbor.h"
#include "tests/support/test_directory.h"

namespace prism::client {
namespace {

compute::Request statistics() {
  return compute::Request::parse(R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})")
      .value();
}

HybridCrypto make_alice(Random& random) {
  return HybridCrypto::create_for(statistics(), {{"x", 4}}, 4, 10, random).value();
}

class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest() : alice(make_alice(random)) {
    service::Options options;
    options.data_dir = directory / "server";
    options.workers = 1;
    service = service::ComputeService::open(options, clock, random).value();
    handler = server::rest::make_handler(*service);
    listener = http::Server::start({}, *handler).value();
    url.tls = false;
    url.host = "127.0.0.1";
    url.port = listener->port();
  }
  ConnectionOptions options() {
    ConnectionOptions made;
    made.server = url;
    made.trust.pin = service->fingerprint();
    made.patience.unreachable = std::chrono::seconds(2);
    return made;
  }
  Result<Connection> connect() { return Connection::open(options(), alice.identity(), clock, random); }
  Bytes encrypt(const std::vector<double>& values) { return alice.numbers().encrypt_to_bytes(values).value(); }
  void expect_statistics(const Bytes& result) {
    const auto opened = compute::open_result(result, alice.numbers());
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_EQ(opened->outputs.size(), 3U);
    for (const auto& output : opened->outputs) {
      const double wanted = output.name == "mean" ? 2.5 : output.name == "variance" ? 1.25 : 10;
      ASSERT_EQ(output.values.size(), 1U);
      EXPECT_NEAR(output.values[0], wanted, 0.01) << output.name;
    }
  }

  const support::TestDirectory directory;
  host::SystemRandom random;
  host::SystemClock clock;
  HybridCrypto alice;
  std::unique_ptr<service::ComputeService> service;
  std::unique_ptr<http::Handler> handler;
  std::unique_ptr<http::Server> listener;
  ServerUrl url;
};

TEST_F(EvaluateTest, StatisticsOnCiphertextsAreThoseOfTheNumbers) {
  auto connection = connect();
  ASSERT_TRUE(connection) << connection.error().message;
  const Bytes data = encrypt({1, 2, 3, 4});
  const auto done = evaluate(*connection, alice.numbers(), {statistics(), {{"x", data}}});
  ASSERT_TRUE(done) << done.error().message;
  expect_statistics(done->result);
  EXPECT_EQ(done->claims.result, hash::sha256(done->result));
  EXPECT_EQ(done->claims.transport, channel::Transport::session);
  EXPECT_GT(done->context.sent, 0U);
  EXPECT_EQ(done->data.sent, data.size());
}

TEST_F(EvaluateTest, KeysAndDataTravelOnce) {
  const Bytes data = encrypt({1, 2, 3, 4});
  const Keys keys(alice.numbers(), ContextCache(directory / "sent"));
  std::uint64_t first_sequence = 0;
  for (int round = 0; round < 2; ++round) {
    auto connection = connect();
    ASSERT_TRUE(connection);
    bool kept = false;
    EvaluateOptions options;
    options.planned = [&](const Estimate& estimate) -> Result<bool> {
      kept = estimate.context_is_kept;
      return true;
    };
    const auto done = evaluate(*connection, keys, {statistics(), {{"x", data}}}, options);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(kept, round == 1);
    EXPECT_EQ(done->context.sent == 0, round == 1);
    EXPECT_EQ(done->data.sent == 0, round == 1);
    if (round == 0) first_sequence = done->claims.sequence;
    if (round == 1) {
      EXPECT_GT(done->claims.sequence, first_sequence);
    }
    expect_statistics(done->result);
  }
}

TEST_F(EvaluateTest, SmallEvaluationsRepeatWithoutUploads) {
  auto connection = connect();
  ASSERT_TRUE(connection);
  auto small = SmallEvaluation::prepare(*connection, alice.numbers(), statistics(), {{"x", 4}});
  ASSERT_TRUE(small) << small.error().message;
  const auto uploads = service->statistics().uploads;
  for (int i = 0; i < 3; ++i) {
    const Bytes data = encrypt({1, 2, 3, 4});
    const auto done = small->run({{"x", data}});
    ASSERT_TRUE(done) << done.error().message;
    expect_statistics(done->result);
  }
  EXPECT_EQ(service->statistics().uploads, uploads);
  const Bytes shorter = encrypt({1, 2, 3});
  EXPECT_FALSE(small->run({{"x", shorter}}));
}

TEST_F(EvaluateTest, TheSameKeyAndQuestionAreAnsweredOnce) {
  const Bytes data = encrypt({1, 2, 3, 4});
  const Keys keys(alice.numbers(), ContextCache(directory / "sent"));
  EvaluateOptions options;
  options.idempotency_key = "tuesday";
  auto connection = connect();
  ASSERT_TRUE(connection);
  const auto first = evaluate(*connection, keys, {statistics(), {{"x", data}}}, options);
  ASSERT_TRUE(first) << first.error().message;
  const auto again = evaluate(*connection, keys, {statistics(), {{"x", data}}}, options);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(first->receipt, again->receipt) << "computed twice";
  const Bytes other = encrypt({4, 3, 2, 1});
  const auto another = evaluate(*connection, keys, {statistics(), {{"x", other}}}, options);
  ASSERT_FALSE(another);
  EXPECT_NE(another.error().message.find("idempotency-key-reused"), std::string::npos) << another.error().message;
}

TEST_F(EvaluateTest, AnotherServerThanThePinnedOneIsNotTalkedTo) {
  ConnectionOptions wrong = options();
  (*wrong.trust.pin)[0] ^= 1;
  const auto connection = Connection::open(wrong, alice.identity(), clock, random);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, ErrorCode::unauthorised);
  EXPECT_EQ(service->statistics().handshakes, 0U);
}

TEST_F(EvaluateTest, ANewServerIsAskedAboutOnceAndThenKnown) {
  ConnectionOptions unknown = options();
  unknown.trust.pin.reset();
  unknown.trust.known = KnownServers(directory / "known_servers");
  const auto stranger = Connection::open(unknown, alice.identity(), clock, random);
  ASSERT_FALSE(stranger) << "trusted without a question";
  EXPECT_EQ(stranger.error().code, ErrorCode::unauthorised);
  int asked = 0;
  bool answer = false;
  unknown.trust.ask = [&](std::string_view, const Digest& fingerprint) -> Result<bool> {
    ++asked;
    EXPECT_EQ(fingerprint, service->fingerprint());
    return answer;
  };
  EXPECT_FALSE(Connection::open(unknown, alice.identity(), clock, random));
  answer = true;
  EXPECT_TRUE(Connection::open(unknown, alice.identity(), clock, random));
  EXPECT_TRUE(Connection::open(unknown, alice.identity(), clock, random));
  EXPECT_EQ(asked, 2);
}

TEST_F(EvaluateTest, ASessionThatTheServerForgotIsReplaced) {
  auto connection = connect();
  ASSERT_TRUE(connection);
  const auto first = connection->session()->id;
  service->close_session(first);
  const Bytes data = encrypt({1, 2, 3, 4});
  const auto done = evaluate(*connection, alice.numbers(), {statistics(), {{"x", data}}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_NE(connection->session()->id, first);
  expect_statistics(done->result);
}

TEST_F(EvaluateTest, HandshakesThatWereFinishedDoNotKeepAnAddressOut) {
  const std::size_t most = service->limits().half_open_per_peer;
  for (std::size_t i = 0; i <= most; ++i) {
    const auto connection = connect();
    ASSERT_TRUE(connection) << i << ": " << connection.error().message;
  }
  EXPECT_EQ(service->statistics().half_open, 0U);
}

TEST_F(EvaluateTest, AServerThatRotatesIsFollowed) {
  auto connection = connect();
  ASSERT_TRUE(connection);
  const Digest before = service->fingerprint();
  ASSERT_TRUE(service::rotate_identity(directory / "server", clock.wall(), random));
  ASSERT_TRUE(service->reload());
  ASSERT_NE(service->fingerprint(), before);
  const Bytes data = encrypt({1, 2, 3, 4});
  const auto done = evaluate(*connection, alice.numbers(), {statistics(), {{"x", data}}});
  ASSERT_TRUE(done) << done.error().message;
  ConnectionOptions old_pin = options();
  old_pin.trust.pin = before;
  const auto follows = Connection::open(old_pin, alice.identity(), clock, random);
  ASSERT_TRUE(follows) << follows.error().message;
  EXPECT_EQ(follows->meeting().trusted_by, channel::PinAnswer::rotated);
}

TEST_F(EvaluateTest, DataOfOtherKeysIsRefusedBeforeAnythingIsSent) {
  const HybridCrypto bob = make_alice(random);
  const Bytes data = bob.numbers().encrypt_to_bytes(std::vector<double>{1, 2, 3, 4}).value();
  auto connection = connect();
  ASSERT_TRUE(connection);
  const auto done = evaluate(*connection, alice.numbers(), {statistics(), {{"x", data}}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::mismatch);
  EXPECT_EQ(service->statistics().uploads, 0U);
}

TEST_F(EvaluateTest, AComputationThatIsTooDeepIsRefusedBeforeKeysAreMade) {
  auto connection = connect();
  ASSERT_TRUE(connection);
  const Bytes data = encrypt({1, 2, 3, 4});
  const auto request =
      compute::Request::parse(R"({"operation":"polynomial","coefficients":[0,0,0,0,0,0,0,1],"inputs":["x"]})").value();
  const auto done = evaluate(*connection, alice.numbers(), {request, {{"x", data}}});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("depth"), std::string::npos) << done.error().message;
  EXPECT_EQ(service->statistics().uploads, 0U);
}

TEST_F(EvaluateTest, StoppingAfterThePlanSendsNothing) {
  auto connection = connect();
  ASSERT_TRUE(connection);
  const Bytes data = encrypt({1, 2, 3, 4});
  EvaluateOptions options;
  options.planned = [](const Estimate&) -> Result<bool> { return false; };
  const auto done = evaluate(*connection, alice.numbers(), {statistics(), {{"x", data}}}, options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::interrupted);
  EXPECT_EQ(service->statistics().uploads, 0U);
}

/// The real session, except that answers are changed on the way out of it, as a lying server would.
class LyingTransport final : public Transport {
 public:
  using Change = std::function<void(Bytes& result, Bytes& receipt)>;
  LyingTransport(std::unique_ptr<SessionTransport> honest, Change change)
      : honest_(std::move(honest)), change_(std::move(change)) {}
  Result<Reply> exchange(const Call& call) override {
    auto reply = honest_->exchange(call);
    if (!reply || reply->content_type != kCbor || reply->status != 200) return reply;
    wire::CborReader in(reply->body);
    EXPECT_TRUE(in.map(2, 2) && in.text(1, 9));
    const ByteView result_view = in.bytes(1, 1U << 30).value();
    EXPECT_TRUE(in.text(1, 9));
    const ByteView receipt_view = in.bytes(1, 1U << 20).value();
    Bytes result(result_view.begin(), result_view.end()), receipt(receipt_view.begin(), receipt_view.end());
    change_(result, receipt);
    wire::CborWriter out;
    out.map(2);
    out.text("result");
    out.bytes(result);
    out.text("receipt");
    out.bytes(receipt);
    reply->body = std::move(out).take();
    return reply;
  }
  Result<Reply> events(const Call& call, const std::function<Result<bool>(std::string_view)>& sink) override {
    return honest_->events(call, sink);
  }
  void reset() override { honest_->reset(); }
  void disconnect() override { honest_->disconnect(); }
  const std::optional<Meeting>& meeting() const override { return honest_->meeting(); }
  bool in_session() const override { return true; }
  const std::string& server() const override { return honest_->server(); }

 private:
  std::unique_ptr<SessionTransport> honest_;
  Change change_;
};

TEST_F(EvaluateTest, AnAnswerThatItsReceiptDoesNotCoverIsNotGivenOut) {
  const Bytes data = encrypt({1, 2, 3, 4});
  Bytes earlier_result, earlier_receipt;
  const auto lie = [&](const Bytes& input, const LyingTransport::Change& change) {
    auto http = http::Client::create({url.tls, url.host, url.port}, {}).value();
    auto session = std::make_unique<SessionTransport>(std::move(http), url.name(), options().trust,
                                                      channel::ClientPolicy(), alice.identity(), clock, random);
    EXPECT_TRUE(session->open());
    Connection connection =
        Connection::over(std::make_unique<LyingTransport>(std::move(session), change), {}, clock, random);
    return evaluate(connection, alice.numbers(), {statistics(), {{"x", input}}});
  };
  // First the truth, so that what fails below fails for the lie.
  const auto honest = lie(data, [&](Bytes& result, Bytes& receipt) {
    earlier_result = result;
    earlier_receipt = receipt;
  });
  ASSERT_TRUE(honest) << honest.error().message;
  const std::pair<const char*, LyingTransport::Change> lies[] = {
      {"a bit of the result", [](Bytes& result, Bytes&) { result[result.size() / 2] ^= 1; }},
      {"a bit of the signature", [](Bytes&, Bytes& receipt) { receipt.back() ^= 1; }},
      {"a bit of the claims", [](Bytes&, Bytes& receipt) { receipt[receipt.size() - 3400] ^= 1; }},
      {"an earlier receipt", [&](Bytes&, Bytes& receipt) { receipt = earlier_receipt; }},
      {"an earlier answer, receipt and all",
       [&](Bytes& result, Bytes& receipt) { result = earlier_result, receipt = earlier_receipt; }},
  };
  const Bytes other = encrypt({2, 2, 2, 2});
  for (const auto& [what, change] : lies) {
    const auto done = lie(other, change);
    ASSERT_FALSE(done) << what;
    EXPECT_TRUE(done.error().code == ErrorCode::integrity || done.error().code == ErrorCode::malformed)
        << what << ": " << done.error().message;
  }
}

/// Answers the plan with other keys than the computation takes, and with totals that are as small as ever.
class GreedyTransport final : public Transport {
 public:
  using Change = std::function<void(compute::Plan& plan)>;
  GreedyTransport(std::unique_ptr<SessionTransport> honest, Change change)
      : honest_(std::move(honest)), change_(std::move(change)) {}
  Result<Reply> exchange(const Call& call) override {
    auto reply = honest_->exchange(call);
    if (!reply || call.target != "/plan") return reply;
    PRISM_TRY(compute::Plan plan, compute::Plan::parse(as_text(reply->body)));
    change_(plan);
    const std::string text = plan.to_json();
    reply->body.assign(text.begin(), text.end());
    return reply;
  }
  Result<Reply> events(const Call& call, const std::function<Result<bool>(std::string_view)>& sink) override {
    return honest_->events(call, sink);
  }
  void reset() override { honest_->reset(); }
  void disconnect() override { honest_->disconnect(); }
  const std::optional<Meeting>& meeting() const override { return honest_->meeting(); }
  bool in_session() const override { return true; }
  const std::string& server() const override { return honest_->server(); }

 private:
  std::unique_ptr<SessionTransport> honest_;
  Change change_;
};

TEST_F(EvaluateTest, KeysAreCountedHereWhateverTheServerSaysOfThem) {
  const auto plan_with = [&](const GreedyTransport::Change& change) {
    auto http = http::Client::create({url.tls, url.host, url.port}, {}).value();
    auto session = std::make_unique<SessionTransport>(std::move(http), url.name(), options().trust,
                                                      channel::ClientPolicy(), alice.identity(), clock, random);
    EXPECT_TRUE(session->open());
    Connection connection =
        Connection::over(std::make_unique<GreedyTransport>(std::move(session), change), {}, clock, random);
    const Bytes data = encrypt({1, 2, 3, 4});
    EvaluateOptions greedy;
    greedy.planned = [](const Estimate&) -> Result<bool> { return false; };  // no key is made in this test
    greedy.most_key_bytes = std::uint64_t{32} << 20;
    const auto done = evaluate(connection, alice.numbers(), {statistics(), {{"x", data}}}, greedy);
    EXPECT_FALSE(done);
    return done ? ErrorCode{} : done.error().code;
  };
  EXPECT_EQ(plan_with([](compute::Plan&) {}), ErrorCode::interrupted) << "the honest plan is taken";
  EXPECT_EQ(plan_with([](compute::Plan& plan) {
              plan.keys.clear();
              for (std::uint32_t g = 3; g < 2051; g += 2)
                plan.keys.push_back({"k", {rlwe::KeyId::Kind::automorphism, g, rlwe::Level{0}}, 1});
              plan.key_bytes = 1024;
            }),
            ErrorCode::insecure);
  EXPECT_EQ(plan_with([](compute::Plan& plan) { plan.keys.push_back(plan.keys.front()); }), ErrorCode::malformed);
  EXPECT_EQ(plan_with([](compute::Plan& plan) { plan.keys.front().id.level = rlwe::Level{1000}; }),
            ErrorCode::malformed);
  EXPECT_EQ(plan_with([](compute::Plan& plan) {
              plan.keys.front().id = {rlwe::KeyId::Kind::automorphism, 4, rlwe::Level{0}};
            }),
            ErrorCode::malformed);
}

}  // namespace
}  // namespace prism::client
