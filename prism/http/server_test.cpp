#include "prism/http/server.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "prism/http/internal/test_server.h"
#include "prism/http/problem.h"
#include "prism/http/router.h"
#include "prism/http/sse.h"

namespace prism::http {
namespace {

using namespace std::chrono_literals;

class PlainServer : public ::testing::Test {
 protected:
  void start(ServerOptions options = plain_options()) {
    auto started = Server::start(std::move(options), handler);
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
  }
  std::string ask(std::string_view text) {
    RawConnection connection(server->port());
    connection.send(text);
    return connection.read_until();
  }
  FunctionHandler handler;
  std::unique_ptr<Server> server;
};

TEST_F(PlainServer, AnswersAndKeepsTheConnection) {
  handler.answer = [](Request& request) {
    return Response::text(
        200, std::string(request.method) + " " + std::string(request.path) + " " + std::string(request.query));
  };
  start();
  Client client = plain_client(*server);
  for (int i = 0; i < 20; ++i) {
    ClientRequest request;
    request.target = "/a/b?x=" + std::to_string(i);
    const auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(as_text(response->body), "GET /a/b x=" + std::to_string(i));
    EXPECT_EQ(response->find("content-length"), std::to_string(response->body.size()));
  }
  EXPECT_EQ(server->counters().connections_total, 1U);
}

TEST_F(PlainServer, AClientThatIsToldToStopDoesNotWaitForTheAnswer) {
  std::atomic<bool> asked{false}, ended{false};
  handler.answer = [&](Request&) {
    asked = true;
    while (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return Response::text(200, "late");
  };
  start();
  ClientOptions options;
  options.stop = [&] { return asked.load(); };
  auto client = Client::create({false, "127.0.0.1", server->port()}, std::move(options)).value();
  const auto response = client.send({});
  EXPECT_FALSE(client.connected());
  ended = true;
  server.reset();  // before what the handler looks at goes away
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::interrupted);
}

TEST_F(PlainServer, PipelinedRequestsAreAnsweredInOrder) {
  std::atomic<int> count{0};
  handler.rules = [](const Request& request) { return Route{"test", 100, request.path == "/quick", true, 0}; };
  handler.answer = [&](Request& request) {
    const Bytes body = request.read_body(100).value();
    return Response::text(200, "<" + std::to_string(count++) + std::string(as_text(body)) + ">");
  };
  start();
  RawConnection connection(server->port());
  std::string all;
  for (int i = 0; i < 12; ++i) {
    const std::string host = " HTTP/1.1\r\nHost: x\r\n";
    if (i % 3 == 0) all += "GET /quick" + host + "\r\n";
    if (i % 3 == 1) all += "POST /slow" + host + "Content-Length: 3\r\n\r\nabc";
    if (i % 3 == 2)
      all += "POST /quick" + host + "Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n1;e=1\r\nz\r\n0\r\nT: 1\r\n\r\n";
  }
  connection.send(all);
  const std::string answers = connection.read_until(">", 12);
  std::string bodies;
  for (std::size_t at = answers.find('<'); at != std::string::npos; at = answers.find('<', at + 1))
    bodies += answers.substr(at, answers.find('>', at) + 1 - at);
  EXPECT_EQ(bodies, "<0><1abc><2xyz><3><4abc><5xyz><6><7abc><8xyz><9><10abc><11xyz>");
}

/// Each of these would be read in two ways by two programs, or is not HTTP. The request that hides behind it must never
/// reach the handler.
TEST_F(PlainServer, RefusesWhatCouldSmuggleARequest) {
  std::atomic<int> hidden{0};
  handler.answer = [&](Request& request) {
    if (request.path == "/hidden") ++hidden;
    return Response::text(200, "taken");
  };
  start();
  const std::string after = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::vector<std::string> heads = {
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      std::string("POST / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 36),
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "get / HTTP/1.1\r\nHost: a\r\n\r\n",
      "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n",
      "\x16\x03\x01\x02\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const std::string& head : heads) {
    const std::string answer = ask(head + after);
    EXPECT_EQ(answer.find("200 OK"), std::string::npos) << head << "\n" << answer;
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5")) << head << "\n" << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << head;
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << head;
  }
  EXPECT_EQ(hidden, 0);
  // The same request, said in one way, is taken: the list above fails for its own reasons.
  EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(ask("GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(ask("\r\nGET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
}

TEST_F(PlainServer, BrokenChunksReachNoHandlerAsAWholeBody) {
  std::atomic<int> whole{0};
  handler.answer = [&](Request& request) {
    const auto body = request.read_body(1000);
    if (!body) return problem_of(body.error());
    ++whole;
    return Response::text(200, "taken");
  };
  start();
  for (const std::string chunks :
       {"2\r\nabc\r\n0\r\n\r\n", "2\nab\r\n0\r\n\r\n", "g\r\n\r\n", "2\r\nab0\r\n\r\n", "\r\n\r\n",
        "ffffffffffffffff1\r\n", "2 x\r\nab\r\n0\r\n\n", "-1\r\n\r\n", "0x2\r\nab\r\n0\r\n\r\n", "0\r\nT: 1\n\r\n"}) {
    const std::string answer =
        ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + "GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << chunks << "\n" << answer;
  }
  EXPECT_EQ(whole, 0);
}

TEST_F(PlainServer, LimitsOfHeadAndBodyAreKept) {
  ServerOptions options = plain_options();
  options.limits.max_header_bytes = 2000;
  handler.rules = [](const Request& request) { return Route{"test", 1000, request.path == "/quick", true, 0}; };
  std::atomic<int> called{0};
  handler.answer = [&](Request& request) {
    ++called;
    const auto body = request.read_body(1000);
    return body ? Response::text(200, std::to_string(body->size())) : problem_of(body.error());
  };
  start(std::move(options));
  EXPECT_TRUE(
      ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(3000, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(ask("GET /" + std::string(9000, 'a')).starts_with("HTTP/1.1 431"));
  EXPECT_EQ(called, 0);
  for (const std::string path : {"/quick", "/slow"}) {
    const std::string head = "POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    EXPECT_NE(ask(head + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'b')).find("\r\n\r\n1000"),
              std::string::npos);
    EXPECT_TRUE(ask(head + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'b')).starts_with("HTTP/1.1 413"));
    const std::string chunk = "1f4\r\n" + std::string(500, 'c') + "\r\n";
    EXPECT_NE(ask(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n").find("\r\n\r\n1000"),
              std::string::npos);
    const std::string more = ask(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "1\r\nc\r\n0\r\n\r\n");
    EXPECT_TRUE(more.starts_with("HTTP/1.1 413") || more.starts_with("HTTP/1.1 429")) << more;
  }
}

TEST_F(PlainServer, ContinueIsSentOnlyWhenTheBodyIsWanted) {
  handler.rules = [](const Request&) { return Route{"test", 100'000, false, true, 0}; };
  handler.answer = [](Request& request) {
    if (request.path == "/no") return Response::empty(403);
    return Response::text(200, std::to_string(request.read_body(100'000).value().size()));
  };
  start();
  const auto head = [](const std::string& path, int length) {
    return "PUT " + path + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  };
  RawConnection wanted(server->port());
  wanted.send(head("/yes", 70'000));
  EXPECT_EQ(wanted.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wanted.send(std::string(70'000, 'x'));
  EXPECT_NE(wanted.read_until("70000").find("\r\n\r\n70000"), std::string::npos);
  EXPECT_TRUE(ask(head("/no", 70'000)).starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(ask(head("/yes", 100'001)).starts_with("HTTP/1.1 413"));
}

TEST_F(PlainServer, SlowSendersAreCut) {
  ServerOptions options = plain_options();
  options.limits.header_timeout = 150ms;
  options.limits.body_timeout = 150ms;
  options.limits.idle_timeout = 150ms;
  std::atomic<int> refused{0};
  std::atomic<int> failed_bodies{0};
  options.observer.refused = [&](std::string_view why, const Peer&) { refused += why.starts_with("slow-") ? 1 : 0; };
  handler.rules = [](const Request&) { return Route{"test", 1'000'000, false, true, 0}; };
  handler.answer = [&](Request& request) {
    const auto body = request.read_body(1'000'000);
    if (!body) ++failed_bodies;
    return Response::text(200, "");
  };
  start(std::move(options));
  EXPECT_EQ(ask("GET / HT"), "");
  EXPECT_EQ(ask(""), "");
  EXPECT_EQ(ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), "");
  EXPECT_EQ(failed_bodies, 0);  // small bodies hold no worker
  EXPECT_EQ(ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\nabc"), "");
  server->drain(10s);
  EXPECT_EQ(failed_bodies, 1);
  EXPECT_EQ(refused, 3);
}

TEST_F(PlainServer, ABodyThatDripsIsCutThoughEachByteIsInTime) {
  ServerOptions options = plain_options();
  options.limits.body_timeout = 200ms;
  options.limits.min_body_bytes_per_second = 1'000'000;
  start(std::move(options));
  RawConnection connection(server->port());
  connection.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n");
  int sent = 0;
  while (sent < 200 && connection.send("x")) {
    ++sent;
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_LT(sent, 200);
}

TEST_F(PlainServer, ConnectionsAreCountedInAllAndForEachPeer) {
  ServerOptions options = plain_options();
  options.limits.max_connections = 5;
  options.limits.max_connections_per_peer = 3;
  std::atomic<int> peer_limit{0};
  options.observer.refused = [&](std::string_view why, const Peer&) { peer_limit += why == "peer-limit" ? 1 : 0; };
  start(std::move(options));
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  {
    RawConnection a(server->port()), b(server->port()), c(server->port());
    for (RawConnection* const one : {&a, &b, &c}) {
      one->send(request);
      EXPECT_NE(one->read_until("fine").find("fine"), std::string::npos);
    }
    EXPECT_EQ(ask(request), "");
    EXPECT_EQ(peer_limit, 1);
  }
  for (int i = 0; i < 500 && server->counters().connections_open > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server->counters().connections_open, 0U);
  EXPECT_NE(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("fine"), std::string::npos);
}

TEST_F(PlainServer, ThrowingHandlersBecomeProblemsAndTheServerGoesOn) {
  ServerOptions options = plain_options();
  std::atomic<int> failed{0};
  options.observer.failed = [&](std::string_view, std::string_view, std::string_view) { ++failed; };
  handler.rules = [](const Request& request) {
    if (request.path == "/rules") throw std::runtime_error("secret");
    return Route{"test", 0, request.path == "/quick", true, 0};
  };
  handler.answer = [](Request& request) -> Response {
    if (request.path == "/memory") throw std::bad_alloc();
    if (request.path == "/number") throw 7;
    if (request.path == "/header") return Response::empty(200).header("X", "a\r\nY: b");
    if (request.path == "/fine") return Response::text(200, "fine");
    throw std::runtime_error("secret");
  };
  start(std::move(options));
  Client client = plain_client(*server);
  for (const std::string path : {"/quick", "/memory", "/rules", "/number", "/header", "/other"}) {
    ClientRequest request;
    request.target = path;
    const auto response = client.send(request);
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response->status, 500) << path;
    EXPECT_EQ(response->find("content-type"), "application/problem+json");
    EXPECT_EQ(as_text(response->body).find("secret"), std::string_view::npos);
    EXPECT_FALSE(response->find("y"));
  }
  EXPECT_EQ(failed, 6);
  ClientRequest request;
  request.target = "/fine";
  EXPECT_EQ(client.send(request).value().status, 200);
}

TEST_F(PlainServer, LargeBodiesPassBothWaysWithoutCopiesOfTheWhole) {
  constexpr std::size_t kSize = 16 << 20;
  auto data = std::make_shared<Bytes>(kSize);
  SeededRandom(7).fill(*data).has_value();
  handler.rules = [](const Request&) { return Route{"test", 17 << 20, false, true, 0}; };
  handler.answer = [&](Request& request) -> Response {
    if (request.method == "GET") return Response::shared(200, "application/octet-stream", {data, ByteView(*data)});
    const auto body = request.read_body(17 << 20);
    if (!body) return problem_of(body.error());
    return Response::text(200, *body == *data ? "same" : "different");
  };
  start();
  Client client = plain_client(*server);
  ClientRequest get;
  const auto got = client.send(get, kSize);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, *data);
  ClientRequest put;
  put.method = "PUT";
  put.body = ByteView(*data);
  EXPECT_EQ(as_text(client.send(put).value().body), "same");
  // Only what shared a read or a record with a head was copied.
  EXPECT_LT(server->counters().bytes_copied, 64U * 1024);
  std::size_t at = 0;
  put.body = UploadBody{[&](MutableByteView out) -> Result<std::size_t> {
                          const std::size_t piece = std::min(out.size(), kSize - at);
                          std::copy_n(data->begin() + static_cast<std::ptrdiff_t>(at), piece, out.begin());
                          at += piece;
                          return piece;
                        },
                        std::nullopt};
  EXPECT_EQ(as_text(client.send(put).value().body), "same");
  std::size_t received = 0;
  bool same = true;
  const auto downloaded = client.download(get, kSize, [&](ByteView piece) -> Status {
    same = same && std::equal(piece.begin(), piece.end(), data->begin() + static_cast<std::ptrdiff_t>(received));
    received += piece.size();
    return {};
  });
  ASSERT_TRUE(downloaded);
  EXPECT_TRUE(same && received == kSize);
  EXPECT_EQ(client.send(get, kSize - 1).error().code, ErrorCode::malformed);
}

TEST_F(PlainServer, ARefusalReachesAClientThatIsStillSending) {
  std::atomic<int> handled{0};
  handler.rules = [](const Request& request) {
    return Route{"test", request.path == "/large" ? std::uint64_t{1} << 30 : 1000, false, true, 0};
  };
  handler.answer = [&](Request& request) {
    ++handled;
    Bytes some(1000);
    (void)request.body->read(some);
    return problem(409, "conflict", "No", "not this one");
  };
  start();
  const Bytes body(32 << 20, 'x');
  for (int round = 0; round < 5; ++round) {
    Client client = plain_client(*server);
    ClientRequest request;
    request.method = "PUT";
    request.body = ByteView(body);
    auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 413);
    request.target = "/large";
    response = client.send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 409);
  }
  EXPECT_EQ(handled, 5);
}

TEST_F(PlainServer, StreamsEndWholeOrNotAtAll) {
  handler.answer = [](Request& request) {
    const std::string path(request.path);
    StreamedBody body;
    if (path == "/short" || path == "/exact" || path == "/long") body.length = 10;
    body.produce = [path](BodyWriter& writer) -> Status {
      if (path == "/throws") throw std::runtime_error("no");
      for (int i = 0; i < (path == "/short" ? 1 : path == "/long" ? 3 : 2); ++i)
        PRISM_CHECKED(writer.write(as_bytes("12345")));
      if (path == "/fails") return fail(ErrorCode::io, "no");
      if (path == "/large") PRISM_CHECKED(writer.write(Bytes(100'000, 'x')));
      return {};
    };
    return Response::stream(200, "text/plain", body);
  };
  start();
  Client client = plain_client(*server);
  const auto get = [&](const char* path) {
    ClientRequest request;
    request.target = path;
    return client.send(request);
  };
  EXPECT_EQ(as_text(get("/chunked").value().body), "1234512345");
  EXPECT_EQ(get("/chunked").value().find("transfer-encoding"), "chunked");
  EXPECT_EQ(as_text(get("/exact").value().body), "1234512345");
  EXPECT_EQ(get("/large").value().body.size(), 100'010U);
  // What a producer writes past its length never leaves, and nothing can follow it.
  EXPECT_EQ(as_text(get("/long").value().body), "1234512345");
  for (const char* const path : {"/short", "/fails", "/throws"})
    EXPECT_EQ(get(path).error().code, ErrorCode::network) << path;
  EXPECT_EQ(as_text(get("/chunked").value().body), "1234512345");
  // HTTP/1.0 has no chunks.
  const std::string old = ask("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(old.ends_with("\r\n\r\n1234512345")) << old;
}

TEST_F(PlainServer, HeadHasTheLengthAndNoBody) {
  start();
  RawConnection connection(server->port());
  connection.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answers = connection.read_until();
  EXPECT_EQ(answers.find("Content-Length: 4"), answers.rfind("Content-Length: 4", answers.find("HTTP/1.1 200", 10)));
  EXPECT_EQ(answers.find("fine"), answers.size() - 4);
  EXPECT_NE(answers.find("HTTP/1.1 200", 10), std::string::npos);
}

TEST_F(PlainServer, EventsArriveOneByOne) {
  handler.answer = [](Request&) {
    return event_stream([](BodyWriter& writer) -> Status {
      for (int i = 0; i < 5; ++i) {
        PRISM_CHECKED(
            writer.write(as_bytes(encode_event({"progress", std::to_string(i) + "\nof 5", std::to_string(i)}))));
        PRISM_CHECKED(writer.write(as_bytes(kEventHeartbeat)));
      }
      return {};
    });
  };
  start();
  Client client = plain_client(*server);
  std::string seen;
  const auto response = client.events({}, [&](const Event& event) -> Status {
    seen += event.name + ":" + event.id + ":" + event.data + ";";
    return {};
  });
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(seen, "progress:0:0\nof 5;progress:1:1\nof 5;progress:2:2\nof 5;progress:3:3\nof 5;progress:4:4\nof 5;");
  EXPECT_EQ(
      client.events({}, [](const Event&) -> Status { return fail(ErrorCode::interrupted, "enough"); }).error().code,
      ErrorCode::interrupted);
}

TEST_F(PlainServer, DrainFinishesWhatIsInFlightAndTakesNothingNew) {
  std::latch running(1), go(1);
  handler.answer = [&](Request&) {
    running.count_down();
    go.wait();
    return Response::text(200, "finished");
  };
  start();
  RawConnection idle(server->port());
  std::string answer;
  std::thread asking([&] {
    ClientRequest request;
    const auto response = plain_client(*server).send(request);
    answer = response ? std::string(as_text(response->body)) + std::string(response->find("connection").value_or(""))
                      : response.error().message;
  });
  running.wait();
  std::size_t cut = 99;
  std::thread draining([&] { cut = server->drain(20s); });
  EXPECT_EQ(idle.read_until(), "");
  go.count_down();
  asking.join();
  draining.join();
  EXPECT_EQ(answer, "finishedclose");
  EXPECT_EQ(cut, 0U);
  EXPECT_FALSE(plain_client(*server).send({}));
}

TEST_F(PlainServer, DrainCutsWhatTakesTooLong) {
  std::latch running(1), go(1);
  handler.answer = [&](Request&) {
    running.count_down();
    go.wait();
    return Response::text(200, "late");
  };
  start();
  RawConnection connection(server->port());
  connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  running.wait();
  EXPECT_EQ(server->drain(50ms), 1U);
  EXPECT_EQ(connection.read_until(), "");
  go.count_down();
  server.reset();  // the handler has left the latches before they go
}

TEST_F(PlainServer, RequestRatesAreLimitedAndSaidInHeaders) {
  ServerOptions options = plain_options();
  options.rate = {3, 3600s, 10};
  handler.rules = [](const Request& request) { return Route{"test", 0, true, request.path != "/livez", 0}; };
  start(std::move(options));
  Client client = plain_client(*server);
  for (int i = 0; i < 5; ++i) {
    const auto response = client.send({}).value();
    EXPECT_EQ(response.status, i < 3 ? 200 : 429);
    EXPECT_EQ(response.find("ratelimit-policy"), "\"default\";q=3;w=3600");
    EXPECT_EQ(response.find("ratelimit").value().substr(0, 13), "\"default\";r=" + std::to_string(std::max(0, 2 - i)));
    EXPECT_EQ(response.find("retry-after").has_value(), i >= 3);
  }
  ClientRequest health;
  health.target = "/livez";
  EXPECT_EQ(client.send(health).value().status, 200);
}

TEST_F(PlainServer, AFullQueueIsAnsweredAndNotWaitedFor) {
  ServerOptions options = plain_options();
  options.workers = 1;
  options.limits.max_queued = 1;
  std::latch running(1), go(1);
  handler.rules = [](const Request& request) { return Route{"test", 0, request.path == "/quick", true, 0}; };
  handler.answer = [&](Request& request) {
    if (request.path == "/quick") return Response::text(200, "quick");
    if (request.path == "/first") running.count_down();
    go.wait();
    return Response::text(200, "slow");
  };
  start(std::move(options));
  const auto get = [](std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n"; };
  RawConnection first(server->port()), second(server->port());
  first.send(get("/first"));
  running.wait();
  second.send(get("/second"));
  while (server->counters().requests_active < 2) std::this_thread::yield();
  RawConnection third(server->port());
  third.send(get("/third"));
  EXPECT_NE(third.read_until("}").find("503"), std::string::npos);
  third.send(get("/quick"));
  EXPECT_NE(third.read_until("quick").find("quick"), std::string::npos);
  go.count_down();
  EXPECT_NE(first.read_until("slow").find("slow"), std::string::npos);
  EXPECT_NE(second.read_until("slow").find("slow"), std::string::npos);
}

TEST_F(PlainServer, ChunkedBodiesThatDripHoldNoWorker) {
  ServerOptions options = plain_options();
  options.workers = 2;
  std::atomic<int> called{0};
  handler.rules = [](const Request&) { return Route{"test", 1 << 20, false, true, 0}; };
  handler.answer = [&](Request& request) {
    ++called;
    return Response::text(200, "has " + std::to_string(request.read_body(1 << 20).value().size()));
  };
  start(std::move(options));
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < 6; ++i) {
    slow.push_back(std::make_unique<RawConnection>(server->port()));
    slow.back()->send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  }
  while (server->counters().requests_active < slow.size()) std::this_thread::yield();
  EXPECT_NE(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("has 0"), std::string::npos);
  EXPECT_EQ(called, 1);
  for (const auto& connection : slow) {
    connection->send("2\r\nde\r\n0\r\n\r\n");
    EXPECT_NE(connection->read_until("has 5").find("has 5"), std::string::npos);
  }
}

TEST_F(PlainServer, LongBodiesHoldHalfTheWorkersAtMostAndOfOnePeerFewer) {
  ServerOptions options = plain_options();
  options.workers = 8;
  handler.rules = [](const Request&) { return Route{"test", 1 << 20, false, true, 0}; };
  std::atomic<int> called{0};
  handler.answer = [&](Request& request) {
    ++called;
    const auto body = request.read_body(1 << 20);
    return body ? Response::text(200, "has " + std::to_string(body->size())) : problem_of(body.error());
  };
  start(std::move(options));
  // Sized and chunked ones; the second sends more than is taken in before a worker is.
  const std::string first(70'000, 'a'), rest(30'000, 'b');
  const std::string sized = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + first;
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + first + "\r\n";
  RawConnection one(server->port()), two(server->port());
  one.send(sized);
  two.send(chunked);
  while (called < 2) std::this_thread::yield();
  RawConnection third(server->port());
  third.send(sized);
  const std::string answer = third.read_until("}");
  EXPECT_NE(answer.find("temporary-reduced-capacity"), std::string::npos) << answer;
  EXPECT_NE(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("has 0"), std::string::npos);
  one.send(rest);
  EXPECT_NE(one.read_until("has 100000").find("has 100000"), std::string::npos);
  two.send("7530\r\n" + rest + "\r\n0\r\n\r\n");
  EXPECT_NE(two.read_until("has 100000").find("has 100000"), std::string::npos);
  // Their places are free again.
  one.send(sized + rest);
  EXPECT_NE(one.read_until("has 100000").find("has 100000"), std::string::npos);
}

TEST_F(PlainServer, EveryRequestIsRecordedWithItsTrace) {
  ServerOptions options = plain_options();
  std::mutex mutex;
  std::vector<std::string> records;
  options.observer.request = [&](const RequestRecord& record) {
    const std::lock_guard lock(mutex);
    records.push_back(std::string(record.method) + " " + std::string(record.route) + " " + std::string(record.id) +
                      " " + std::to_string(record.status) + " " + std::to_string(record.bytes_in) + " " +
                      record.peer->address);
  };
  start(std::move(options));
  Client client = plain_client(*server);
  ClientRequest request;
  request.method = "POST";
  const Bytes body(12, 'x');
  request.body = ByteView(body);
  request.headers = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  ASSERT_TRUE(client.send(request));
  request.headers = {{"traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}};
  ASSERT_TRUE(client.send(request));
  server->drain(10s);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0], "POST test 4bf92f3577b34da6a3ce929d0e0e4736 200 12 127.0.0.1");
  EXPECT_EQ(records[1].find("00000000000000000000000000000000"), std::string::npos);
}

TEST(ServerStart, PlainHttpStaysOnThisMachine) {
  FunctionHandler handler;
  ServerOptions options;
  options.host = "0.0.0.0";
  EXPECT_EQ(Server::start(options, handler).error().code, ErrorCode::refused);
  options.host = "no such host";
  EXPECT_EQ(Server::start(options, handler).error().code, ErrorCode::network);
  options.host = "127.0.0.1";
  auto first = Server::start(options, handler);
  ASSERT_TRUE(first);
  options.port = (*first)->port();
  EXPECT_EQ(Server::start(options, handler).error().code, ErrorCode::network);
}

}  // namespace
}  // namespace prism::http
