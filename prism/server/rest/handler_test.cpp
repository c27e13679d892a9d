#include "prism/server/rest/handler.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "prism/channel/record.h"
#include "prism/http/handler.h"
#include "prism/http/sse.h"
#include "prism/service/tokens.h"
#include "tests/support/compute_client.h"
#include "tests/support/service.h"
#include "tests/support/service_client.h"

namespace prism::server::rest {
namespace {

using nlohmann::json;
using service::test::must;
using namespace std::chrono_literals;

/// What came back, with its body as bytes.
struct Got {
  int status = 0;
  std::string type;
  Bytes body;
  http::Response response;
  json document() const { return json::parse(as_text(body), nullptr, false); }
  std::string problem() const {
    const json parsed = document();
    return parsed.is_object() && parsed.contains("type") ? parsed["type"].get<std::string>() : "none";
  }
};

struct Sent {
  std::string method, target;
  Bytes body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

class CollectingWriter final : public http::BodyWriter {
 public:
  Status write(ByteView bytes) override {
    text.append(as_text(bytes));
    return {};
  }
  bool stopping() const override { return false; }
  std::string text;
};

class HandlerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.data_dir = directory_ / "data";
    options_.tokens_file = directory_ / "tokens";
    options_.workers = 1;
    options_.limits.free_disk_bytes = 0;
    token_ = must(service::add_token(options_.tokens_file, "mine", std::nullopt, random_));
    other_token_ = must(service::add_token(options_.tokens_file, "other", std::nullopt, random_));
    open();
  }
  void open() {
    handler_.reset();
    service_.reset();
    service_ = must(service::ComputeService::open(options_, clock_, random_));
    handler_ = make_handler(*service_);
  }
  Got send(const Sent& sent, const std::string& address = "127.0.0.1") const {
    http::Request request;
    const http::Peer peer{address, 1, true, true, {}, {}, {}};
    request.method = sent.method;
    request.target = sent.target;
    const std::size_t question = sent.target.find('?');
    request.path = std::string_view(sent.target).substr(0, question);
    if (question != std::string::npos) request.query = std::string_view(sent.target).substr(question + 1);
    for (const auto& [name, value] : sent.headers) request.headers.add(name, value);
    request.peer = &peer;
    request.id = "0123456789abcdef0123456789abcdef";
    request.route = handler_->route(request);
    http::MemoryBody body(sent.body);
    request.body = &body;
    Got got;
    got.response = handler_->handle(request);
    got.status = got.response.status;
    got.type = std::string(got.response.find("Content-Type").value_or(""));
    if (const auto* bytes = std::get_if<Bytes>(&got.response.body)) got.body = *bytes;
    if (const auto* text = std::get_if<std::string>(&got.response.body)) got.body = Bytes(text->begin(), text->end());
    if (const auto* stream = std::get_if<http::StreamedBody>(&got.response.body)) {
      CollectingWriter out;
      EXPECT_TRUE(stream->produce(out));
      got.body = Bytes(out.text.begin(), out.text.end());
    }
    return got;
  }
  Got token(std::string method, std::string target, ByteView body = {}, std::string type = "application/json",
            std::vector<std::pair<std::string, std::string>> more = {}) const {
    more.emplace_back("Authorization", "Bearer " + token_);
    if (!body.empty()) more.emplace_back("Content-Type", std::move(type));
    return send({std::move(method), std::move(target), Bytes(body.begin(), body.end()), std::move(more)});
  }
  service::test::ComputeClient& client() {
    static host::SystemRandom random;
    static service::test::ComputeClient one(random);
    if (one.context.empty()) {
      const Got plan = token("POST", "/api/v1/plan", as_bytes(one.plan_question()));
      EXPECT_EQ(plan.status, 200);
      one.make_context(must(compute::Plan::parse(as_text(plan.body))));
    }
    return one;
  }
  void upload_all() {
    EXPECT_EQ(token("PUT", "/api/v1/contexts/" + to_hex(client().context_digest), client().context).status, 201);
    EXPECT_EQ(token("PUT", "/api/v1/data/" + to_hex(client().data_digest), client().data).status, 201);
  }
  static service::Answer read_answer(const Bytes& cbor) {
    wire::CborReader in(cbor);
    service::Answer out;
    EXPECT_EQ(must(in.map(2, 2)), 2U);
    EXPECT_EQ(must(in.text(1, 10)), "result");
    const ByteView result = must(in.bytes(1, 1 << 28));
    EXPECT_EQ(must(in.text(1, 10)), "receipt");
    const ByteView receipt = must(in.bytes(1, 1 << 20));
    EXPECT_TRUE(in.finish());
    out.result.assign(result.begin(), result.end());
    out.receipt.assign(receipt.begin(), receipt.end());
    return out;
  }

  support::TestDirectory directory_;
  host::SystemClock clock_;
  host::SystemRandom random_;
  service::Options options_;
  std::string token_, other_token_;
  std::unique_ptr<service::ComputeService> service_;
  std::unique_ptr<http::Handler> handler_;
};

/// A client that speaks to the handler in records.
class Session {
 public:
  using Sender = std::function<Got(const Sent&)>;
  struct Server {
    Sender send;
    Result<service::Initiated> initiate(ByteView first, std::string_view) const {
      const Got got = send({"POST",
                            "/api/v1/session/initiate",
                            Bytes(first.begin(), first.end()),
                            {{"Content-Type", "application/cbor"}}});
      if (got.status != 200) return fail(ErrorCode::refused, got.problem());
      service::Initiated out;
      out.second = got.body;
      return out;
    }
    Result<Bytes> finish(const service::SessionId& id, ByteView third, std::string_view) const {
      const Got got = send({"POST",
                            "/api/v1/session/" + to_hex(id) + "/finish",
                            Bytes(third.begin(), third.end()),
                            {{"Content-Type", "application/cbor"}}});
      if (got.status != 200) return fail(ErrorCode::refused, got.problem());
      return got.body;
    }
  };

  Session(Sender sender, const Digest& fingerprint, Random& random, const Clock& clock)
      : sender_(std::move(sender)), random_(random), clock_(clock), key_(service::test::client_key(random)) {
    auto machine = must(channel::ClientHandshake::start({}, key_, fingerprint, clock.wall(), random));
    const Server server{sender_};
    const auto begun = must(server.initiate(machine.first(), ""));
    const Bytes third = must(machine.on_second(begun.second, clock.wall(), random));
    id_ = machine.session().value();
    auto established = must(machine.on_fourth(must(server.finish(id_, third, ""))));
    keys_.emplace(channel::Role::client, std::move(established), clock.wall());
  }
  /// Sends as a record and opens the answer, which must be one.
  Got send(std::string method, std::string target, ByteView body = {}, std::string type = "application/octet-stream",
           Digest context = {}, std::string key = {}, std::vector<std::pair<std::string, std::string>> headers = {}) {
    const Bytes record = must(keys_->seal({method, target, type, context, {}, key, {}}, body, clock_.wall(), random_));
    if (context != Digest{}) headers.emplace_back("Prism-Context", to_hex(context));
    if (!key.empty()) headers.emplace_back("Idempotency-Key", "\"" + key + "\"");
    const bool in_field = method == "GET" || method == "DELETE";
    if (in_field)
      headers.emplace_back("Prism-Record", channel::to_base64url(record));
    else
      headers.emplace_back("Content-Type", "application/prism-record");
    last_ = {method, target, in_field ? Bytes() : record, headers};
    Got got = sender_(last_);
    if (got.type != "application/prism-record") return got;
    channel::Binding binding{method, target, {}, context, {}, key, {}};
    binding.answer = channel::Answer{channel::record_id(record), static_cast<std::uint16_t>(got.status)};
    auto opened = must(keys_->open(binding, got.body, clock_.wall()));
    got.type = opened.content_type;
    got.body = std::move(opened.body);
    return got;
  }
  /// The texts of events that came as records.
  std::vector<std::string> open_events(std::string_view text, const std::string& target, const std::string& field) {
    std::vector<std::string> out;
    const Bytes request = must(channel::from_base64url(field, 1000));
    http::EventParser parser([&](const http::Event& event) -> Status {
      channel::Binding binding{"GET", target, "application/json", {}, {}, {}, {}};
      binding.answer = channel::Answer{channel::record_id(request), 200};
      const auto opened = must(keys_->open(binding, must(channel::from_base64url(event.data, 10'000)), clock_.wall()));
      out.emplace_back(as_text(opened.body));
      return {};
    });
    EXPECT_TRUE(parser.feed(as_bytes(text)));
    return out;
  }
  const Sent& last() const { return last_; }
  channel::SessionKeys& keys() { return *keys_; }
  std::string id() const { return to_hex(id_); }

 private:
  Sender sender_;
  Random& random_;
  const Clock& clock_;
  crypto::SigningKey key_;
  service::SessionId id_{};
  std::optional<channel::SessionKeys> keys_;
  Sent last_;
};

TEST_F(HandlerTest, ASessionDoesEverythingInRecords) {
  const Got bundle = send({"GET", "/api/v1/keys/public"});
  ASSERT_EQ(bundle.status, 200);
  const Digest fingerprint = must(channel::IdentityBundle::open(bundle.body)).fingerprint();
  Session me([this](const Sent& sent) { return send(sent); }, fingerprint, random_, clock_);
  auto& c = client();
  const Got plan = me.send("POST", "/api/v1/plan", as_bytes(c.plan_question()), "application/json");
  EXPECT_EQ(plan.status, 200);
  const std::string context = "/api/v1/contexts/" + to_hex(c.context_digest);
  EXPECT_EQ(me.send("GET", context).problem(), "/problems/not-found");
  const std::string announcement = json{{"digest", to_hex(c.context_digest)}, {"size", c.context.size()}}.dump();
  EXPECT_EQ(me.send("POST", "/api/v1/contexts", as_bytes(announcement), "application/json").status, 201);
  EXPECT_EQ(me.send("POST", "/api/v1/contexts", as_bytes(announcement), "application/json").status, 200);
  // In two parts, each a stream of its own.
  const std::size_t half = c.context.size() / 2;
  const std::string size = "&size=" + std::to_string(c.context.size());
  Got part = me.send("PUT", context + "?offset=0" + size, ByteView(c.context).first(half));
  ASSERT_EQ(part.status, 200);
  EXPECT_EQ(part.document()["offset"], half);
  EXPECT_EQ(me.send("PUT", context + "?offset=0" + size, ByteView(c.context).first(half)).problem(),
            "/problems/offset-mismatch");
  part = me.send("PUT", context + "?offset=" + std::to_string(half) + size, ByteView(c.context).subspan(half));
  ASSERT_EQ(part.status, 201);
  EXPECT_EQ(part.document()["complete"], true);
  EXPECT_EQ(
      me.send("PUT", "/api/v1/data/" + to_hex(c.data_digest) + "?size=" + std::to_string(c.data.size()), c.data).status,
      201);

  const std::string body = c.body();
  const Got computed = me.send("POST", "/api/v1/compute", as_bytes(body), "application/json", c.context_digest);
  ASSERT_EQ(computed.status, 200) << as_text(computed.body);
  EXPECT_EQ(computed.type, "application/cbor");
  const auto answer = read_answer(computed.body);
  EXPECT_NEAR(c.open(answer.result).at("mean"), 300, 0.5);
  const auto claims = must(channel::verify_receipt(answer.receipt, fingerprint));
  EXPECT_EQ(claims.request, hash::sha256(as_bytes(body)));
  EXPECT_EQ(to_hex(*claims.session), me.id());

  const Got inlined =
      me.send("POST", "/api/v1/compute/encrypted", c.inline_body(c.request.to_json()), "application/cbor");
  ASSERT_EQ(inlined.status, 200) << as_text(inlined.body);
  EXPECT_EQ(read_answer(inlined.body).result, answer.result);

  // A rekey, after which the session goes on; then its end.
  const Bytes message = must(me.keys().begin_rekey(random_));
  const Got rekeyed = me.send("POST", "/api/v1/session/" + me.id() + "/rekey", message, "application/cbor");
  ASSERT_EQ(rekeyed.status, 200);
  ASSERT_TRUE(me.keys().finish_rekey(rekeyed.body, clock_.wall()));
  EXPECT_EQ(me.send("GET", context).status, 200);
  EXPECT_EQ(me.send("DELETE", "/api/v1/session/" + std::string(32, '0')).problem(), "/problems/not-found");
  EXPECT_EQ(me.send("DELETE", "/api/v1/session/" + me.id()).status, 200);
  EXPECT_EQ(me.send("GET", context).problem(), "/problems/session-expired");
}

TEST_F(HandlerTest, RecordsAreForTheirRequestAlone) {
  Session me([this](const Sent& sent) { return send(sent); }, service_->fingerprint(), random_, clock_);
  me.send("GET", "/api/v1/data/" + std::string(64, 'a'));
  const Sent original = me.last();
  EXPECT_EQ(send(original).problem(), "/problems/record-replayed");
  const auto changed = [&](const std::function<void(Sent&)>& change) {
    me.send("POST", "/api/v1/compute", as_bytes(std::string_view("{}")), "application/json", {}, "key");
    // A fresh record that the server has not seen: sealed, changed, then sent.
    Sent sent = me.last();
    const Bytes record = must(me.keys().seal({"POST", "/api/v1/compute", "application/json", {}, {}, "key", {}},
                                             as_bytes(std::string_view("{}")), clock_.wall(), random_));
    sent.body = record;
    change(sent);
    return send(sent).problem();
  };
  EXPECT_EQ(changed([](Sent&) {}), "none") << "opened; the answer is a record";
  EXPECT_EQ(changed([](Sent& s) { s.target = "/api/v1/plan"; }), "/problems/record-rejected");
  EXPECT_EQ(changed([](Sent& s) { s.target += "?x=1"; }), "/problems/record-rejected");
  EXPECT_EQ(changed([](Sent& s) { s.headers[0].second = "other"; }), "/problems/record-rejected");
  EXPECT_EQ(changed([](Sent& s) { s.headers.emplace_back("Prism-Context", std::string(64, 'a')); }),
            "/problems/record-rejected");
  EXPECT_EQ(changed([](Sent& s) { s.headers.emplace_back("Prism-Program", std::string(64, 'a')); }),
            "/problems/record-rejected");
  EXPECT_EQ(changed([](Sent& s) { s.headers.emplace_back("Prism-Program", "a"); }), "/problems/invalid-request");
  EXPECT_EQ(changed([](Sent& s) { s.headers.emplace_back("Idempotency-Key", "key"); }), "/problems/invalid-request");
  EXPECT_EQ(changed([](Sent& s) { s.headers.emplace_back("Authorization", "Bearer x"); }), "/problems/invalid-request");
  EXPECT_EQ(changed([](Sent& s) { s.body.resize(20); }), "/problems/record-rejected");
}

TEST_F(HandlerTest, RefusedHandshakesHaveOneBody) {
  const auto finish = [&](const std::string& id, Bytes body) {
    return send({"POST", "/api/v1/session/" + id + "/finish", std::move(body), {{"Content-Type", "application/cbor"}}});
  };
  std::mt19937_64 random(service::test::test_seed());
  const Got first = finish(std::string(32, 'a'), {});
  EXPECT_EQ(first.status, 401);
  EXPECT_EQ(first.problem(), "/problems/session-rejected");
  EXPECT_EQ(finish(std::string(32, 'b'), service::test::random_bytes(random, 5000)).body, first.body);
  // A real handshake with a wrong third message.
  const auto key = service::test::client_key(random_);
  auto machine = must(channel::ClientHandshake::start({}, key, service_->fingerprint(), clock_.wall(), random_));
  const Got second =
      send({"POST", "/api/v1/session/initiate", machine.first(), {{"Content-Type", "application/cbor"}}});
  ASSERT_EQ(second.status, 200);
  Bytes third = must(machine.on_second(second.body, clock_.wall(), random_));
  third.back() ^= 1;
  EXPECT_EQ(finish(to_hex(machine.session().value()), third).body, first.body);
  EXPECT_EQ(send({"POST", "/api/v1/session/initiate", Bytes(100, 1), {{"Content-Type", "application/cbor"}}}).problem(),
            "/problems/invalid-request");
  EXPECT_EQ(send({"POST", "/api/v1/session/initiate", machine.first(), {}}).problem(),
            "/problems/unsupported-media-type");
}

TEST_F(HandlerTest, TheHolderOfANetworkIsOneStranger) {
  options_.limits.half_open_per_peer = 1;
  open();
  const auto key = service::test::client_key(random_);
  const auto knock = [&](const std::string& address) {
    const auto machine =
        must(channel::ClientHandshake::start({}, key, service_->fingerprint(), clock_.wall(), random_));
    return send({"POST", "/api/v1/session/initiate", machine.first(), {{"Content-Type", "application/cbor"}}}, address)
        .status;
  };
  EXPECT_EQ(knock("2001:db8:0:1::7"), 200);
  EXPECT_EQ(knock("2001:db8:0:1:ffff::8"), 429);
  EXPECT_EQ(knock("2001:db8:0:2::7"), 200);
  EXPECT_EQ(knock("192.0.2.1"), 200);
  EXPECT_EQ(knock("192.0.2.2"), 200);
  EXPECT_EQ(knock("192.0.2.1"), 429);
}

TEST_F(HandlerTest, TokensDoTheSameInTheClear) {
  upload_all();
  auto& c = client();
  const Got state = token("HEAD", "/api/v1/contexts/" + to_hex(c.context_digest));
  EXPECT_EQ(state.response.find("Upload-Complete"), "?1");
  EXPECT_EQ(state.response.find("Upload-Length"), std::to_string(c.context.size()));
  const Got computed = token("POST", "/api/v1/compute", as_bytes(c.body()));
  ASSERT_EQ(computed.status, 200) << as_text(computed.body);
  EXPECT_EQ(must(channel::verify_receipt(read_answer(computed.body).receipt, service_->fingerprint())).transport,
            channel::Transport::token);
  EXPECT_TRUE(computed.response.find("RateLimit-Policy").value_or("").starts_with("\"cpu\";q="));
  EXPECT_EQ(computed.response.find("Cache-Control"), "no-store");
  EXPECT_EQ(token("DELETE", "/api/v1/data/" + to_hex(c.data_digest)).status, 200);
  EXPECT_EQ(token("POST", "/api/v1/compute", as_bytes(c.body())).problem(), "/problems/not-found");
}

TEST_F(HandlerTest, NobodyGetsInWithout) {
  for (const Route& route : routes()) {
    std::string target(route.pattern);
    if (const auto at = target.find("{id}"); at != std::string::npos) target.replace(at, 4, std::string(32, 'a'));
    if (const auto at = target.find("{digest}"); at != std::string::npos) target.replace(at, 8, std::string(64, 'a'));
    const bool open = target.ends_with("/keys/public") || target.ends_with("/initiate") ||
                      target.ends_with("/finish") || target.ends_with("/openapi.json");
    if (open) continue;
    for (const std::string& authorization :
         {std::string(), std::string("Bearer prism_wrong"), "Basic " + token_, token_}) {
      Sent sent{std::string(route.method), target, {}, {}};
      if (!authorization.empty()) sent.headers.emplace_back("Authorization", authorization);
      const Got got = send(sent);
      EXPECT_EQ(got.status, 401) << route.method << " " << target << " " << authorization;
      EXPECT_EQ(got.problem(), "/problems/unauthenticated");
      EXPECT_TRUE(got.response.find("WWW-Authenticate"));
    }
    Sent record{std::string(route.method), target, Bytes(200, 1), {{"Content-Type", "application/prism-record"}}};
    EXPECT_EQ(send(record).problem(), "/problems/record-rejected") << target;
  }
}

TEST_F(HandlerTest, OtherTenantsSeeNothing) {
  upload_all();
  auto& c = client();
  const Got job = token("POST", "/api/v1/compute", as_bytes(c.body()), "application/json", {{"Idempotency-Key", "k"}});
  ASSERT_EQ(job.status, 200);
  std::swap(token_, other_token_);
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/api/v1/contexts/" + to_hex(c.context_digest)},
                                                        {"GET", "/api/v1/data/" + to_hex(c.data_digest)},
                                                        {"DELETE", "/api/v1/contexts/" + to_hex(c.context_digest)},
                                                        {"DELETE", "/api/v1/data/" + to_hex(c.data_digest)}}) {
    const Got got = token(method, target);
    EXPECT_EQ(got.status, 404) << method << " " << target;
    EXPECT_EQ(got.body, token(method, "/api/v1/data/" + std::string(64, 'a')).body);
  }
  EXPECT_EQ(token("POST", "/api/v1/compute", as_bytes(c.body())).status, 404);
}

TEST_F(HandlerTest, BadUploadsAreRefused) {
  auto& c = client();
  const std::string path = "/api/v1/data/" + to_hex(c.data_digest);
  for (const char* query : {"?offset=-1", "?offset=1x", "?size=", "?size=07", "?offset=0&offset=0", "?other=1",
                            "?offset", "?size=99999999999999999999", "?size=0"})
    EXPECT_EQ(token("PUT", path + query, c.data).problem(), "/problems/invalid-request") << query;
  EXPECT_EQ(token("PUT", path + "?size=18446744073709551615", c.data).problem(), "/problems/too-large");
  EXPECT_EQ(token("PUT", path + "?offset=5", c.data).problem(), "/problems/offset-mismatch");
  EXPECT_EQ(token("DELETE", path).status, 200);
  EXPECT_EQ(token("PUT", path + "?size=10", c.data).problem(), "/problems/too-large");
  EXPECT_EQ(token("DELETE", path).status, 200);
  EXPECT_EQ(token("PUT", "/api/v1/data/" + std::string(64, 'b'), c.data).problem(), "/problems/digest-mismatch");
  EXPECT_EQ(token("GET", "/api/v1/data/" + std::string(64, 'B')).problem(), "/problems/not-found");
  EXPECT_EQ(token("GET", "/api/v1/data/../../x").status, 404);
  for (const char* body : {"{}", "[1]", "{\"digest\":1,\"size\":2}", "{\"digest\":\"a\",\"size\":2}", "nonsense"})
    EXPECT_EQ(token("POST", "/api/v1/contexts", as_bytes(std::string_view(body))).problem(),
              "/problems/invalid-request")
        << body;
  EXPECT_EQ(token("POST", "/api/v1/contexts", as_bytes(std::string_view("{}")), "text/plain").problem(),
            "/problems/unsupported-media-type");
}

TEST_F(HandlerTest, JobsAreFollowedByEvents) {
  options_.limits.quick_answer = 0ms;
  open();
  Session me([this](const Sent& sent) { return send(sent); }, service_->fingerprint(), random_, clock_);
  auto& c = client();
  EXPECT_EQ(me.send("PUT", "/api/v1/contexts/" + to_hex(c.context_digest) + "?size=" + std::to_string(c.context.size()),
                    c.context)
                .status,
            201);
  EXPECT_EQ(
      me.send("PUT", "/api/v1/data/" + to_hex(c.data_digest) + "?size=" + std::to_string(c.data.size()), c.data).status,
      201);
  const Got accepted = me.send("POST", "/api/v1/compute", as_bytes(c.body()), "application/json", {}, "a key");
  ASSERT_EQ(accepted.status, 202) << as_text(accepted.body);
  const std::string job = "/api/v1/jobs/" + accepted.document()["id"].get<std::string>();
  EXPECT_EQ(accepted.response.find("Location"), job);
  const Got events = me.send("GET", job, {}, "application/octet-stream", {}, {}, {{"Accept", "text/event-stream"}});
  EXPECT_EQ(events.status, 200);
  EXPECT_TRUE(events.type.starts_with("text/event-stream"));
  std::string field;
  for (const auto& [name, value] : me.last().headers)
    if (name == "Prism-Record") field = value;
  const auto texts = me.open_events(as_text(events.body), job, field);
  ASSERT_FALSE(texts.empty());
  EXPECT_EQ(json::parse(texts.back())["state"], "done");
  const Got answer = me.send("GET", job + "/answer");
  ASSERT_EQ(answer.status, 200);
  EXPECT_NEAR(c.open(read_answer(answer.body).result).at("sum"), 1500, 1);
  EXPECT_EQ(token("GET", job).status, 404) << "another account's";
  EXPECT_EQ(me.send("DELETE", job).status, 200);
  EXPECT_EQ(me.send("GET", job).status, 404);
}

TEST_F(HandlerTest, EveryRouteIsInTheDocumentAndTheOtherWayRound) {
  const json document = json::parse(openapi_json());
  EXPECT_EQ(document["openapi"], "3.1.0");
  std::set<std::string> described, served;
  std::set<std::string> ids;
  for (const auto& [path, item] : document["paths"].items())
    for (const auto& [method, operation] : item.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      described.insert(upper + " " + path);
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second);
      // Every {parameter} of the path is described.
      for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
        const std::string name = path.substr(at + 1, path.find('}', at) - at - 1);
        bool found = false;
        for (const auto& parameter : operation["parameters"])
          found = found || (parameter.value("name", "") == name && parameter.value("in", "") == "path");
        EXPECT_TRUE(found) << path << " " << name;
      }
    }
  for (const Route& route : routes()) served.insert(std::string(route.method) + " " + std::string(route.pattern));
  EXPECT_EQ(described, served);
  const Got got = send({"GET", "/api/v1/openapi.json"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(as_text(got.body), openapi_json());
}

TEST_F(HandlerTest, WhatIsNotThereIsAProblem) {
  EXPECT_EQ(send({"GET", "/api/v1/nothing"}).status, 404);
  EXPECT_EQ(send({"PUT", "/api/v1/keys/public"}).status, 405);
}

}  // namespace
}  // namespace prism::server::rest
