// The parts that need no socket: routes, problems, events, chunks, rates, origins, metrics.
#include <gtest/gtest.h>

#include <random>

#include "prism/http/client.h"
#include "prism/http/internal/chunked.h"
#include "prism/http/metrics.h"
#include "prism/http/problem.h"
#include "prism/http/rate_limit.h"
#include "prism/http/router.h"
#include "prism/http/sse.h"

namespace prism::http {
namespace {

using namespace std::chrono_literals;

std::string body_of(const Response& response) { return std::get<std::string>(response.body); }

Request request_of(std::string_view method, std::string_view path) {
  Request request;
  request.method = method;
  request.path = path;
  return request;
}

TEST(Router, SendsEachRequestToItsRoute) {
  Router router;
  const auto say = [](std::string text) {
    return [text = std::move(text)](Request& request) {
      std::string all = text;
      for (const auto& one : request.parameters) all += "," + std::string(one);
      return Response::text(200, all);
    };
  };
  router.add("GET", "/jobs", {}, say("list")).add("GET", "/jobs/{id}", {}, say("job"));
  router.add("POST", "/jobs/{id}/parts/{part}", {}, say("part")).add("DELETE", "/jobs/{id}", {}, say("gone"));
  const auto ask = [&](std::string_view method, std::string_view path) {
    Request request = request_of(method, path);
    request.route = router.route(request);
    return router.handle(request);
  };
  EXPECT_EQ(body_of(ask("GET", "/jobs")), "list");
  EXPECT_EQ(body_of(ask("HEAD", "/jobs/7")), "job,7");
  EXPECT_EQ(body_of(ask("DELETE", "/jobs/7")), "gone,7");
  EXPECT_EQ(body_of(ask("POST", "/jobs/a/parts/b")), "part,a,b");
  for (const char* const path : {"/jobs/", "/jobs//parts/b", "/jobs/7/", "/", "/job", "/jobs/7/parts"})
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  const Response wrong = ask("PUT", "/jobs/7");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.find("allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(router.route(request_of("GET", "/jobs/7")).name, "/jobs/{id}");
  EXPECT_EQ(router.route(request_of("GET", "/nowhere")).name, "other");
}

TEST(Router, HandsOverWhatItDoesNotKnow) {
  Router inner, outer;
  inner.add("GET", "/inner", {"", 5, false, true, 3}, [](Request&) { return Response::text(200, "inner"); });
  outer.add("GET", "/outer", {}, [](Request&) { return Response::text(200, "outer"); }).otherwise(inner);
  Request request = request_of("GET", "/inner");
  EXPECT_EQ(outer.route(request).max_body_bytes, 5U);
  EXPECT_EQ(body_of(outer.handle(request)), "inner");
  request = request_of("POST", "/outer");
  EXPECT_EQ(outer.handle(request).status, 405);
}

TEST(Problem, IsJsonWhateverTheTextHolds) {
  EXPECT_EQ(json_string("a\"b\\c\n\x01\x7f"), "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"");
  EXPECT_EQ(json_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9d\"");
  // Overlong, surrogate, beyond Unicode, cut short, stray.
  for (const std::string bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
    const std::string text = json_string(bad);
    EXPECT_EQ(text.find(bad), std::string::npos);
    EXPECT_NE(text.find("\xef\xbf\xbd"), std::string::npos);
  }
  const Response response = problem(422, "x-y", "T", "d", "id");
  EXPECT_EQ(body_of(response),
            R"({"type":"/problems/x-y","title":"T","status":422,"detail":"d","instance":"urn:prism:request:id"})");
}

TEST(Problem, KeepsTheInsideInside) {
  const Response response = problem_of(fail(ErrorCode::io, "/var/lib/secret: disk full"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(body_of(response).find("secret"), std::string::npos);
}

TEST(Events, AnyTextSurvivesAnyCut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::vector<Event> sent;
  std::string text;
  for (int i = 0; i < 200; ++i) {
    Event event{i % 3 == 0 ? "message" : "e" + std::to_string(i), "", std::to_string(i)};
    for (std::uint64_t n = random() % 30; n > 0; --n) event.data += "ab: \n"[random() % 5];
    sent.push_back(event);
    text += encode_event(event);
    if (i % 7 == 0) text += kEventHeartbeat;
  }
  std::size_t at = 0;
  std::size_t seen = 0;
  EventParser parser([&](const Event& event) -> Status {
    EXPECT_EQ(event.name, sent[seen].name);
    EXPECT_EQ(event.data, sent[seen].data);
    EXPECT_EQ(event.id, sent[seen].id);
    ++seen;
    return {};
  });
  while (at < text.size()) {
    const std::size_t piece = std::min<std::size_t>(1 + random() % 9, text.size() - at);
    ASSERT_TRUE(parser.feed(as_bytes(std::string_view(text).substr(at, piece))));
    at += piece;
  }
  EXPECT_EQ(seen, sent.size());
}

TEST(Events, AllLineEndsCountAndLongLinesDoNot) {
  std::string seen;
  EventParser parser(
      [&](const Event& event) -> Status {
        seen += event.name + "=" + event.data + ";";
        return {};
      },
      100);
  ASSERT_TRUE(
      parser.feed(as_bytes("\xef\xbb\xbf"
                           "data:a\rdata: b\r\n\r\nevent: x\ndata\n\n: c\n\nid: 1\n\n")));
  EXPECT_EQ(seen, "message=a\nb;x=;");
  EXPECT_EQ(parser.feed(Bytes(101, 'x')).error().code, ErrorCode::malformed);
}

TEST(Chunks, AnyCutGivesTheSameBody) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string body, coded;
    for (std::uint64_t n = random() % 6; n > 0; --n) {
      std::string piece(1 + random() % 40, 'a');
      for (char& c : piece) c = static_cast<char>(random());
      body += piece;
      char size[16];
      std::snprintf(size, sizeof size, random() % 2 != 0 ? "%zx" : "%04zX", piece.size());
      coded += std::string(size) + (random() % 2 != 0 ? ";name=\"v\"" : "") + "\r\n" + piece + "\r\n";
    }
    coded += random() % 2 != 0 ? "0\r\n\r\n" : "000\r\nA: b\r\nC: d\r\n\r\n";
    const std::string after = "GET";
    coded += after;
    internal::ChunkDecoder decoder;
    std::string out;
    std::size_t at = 0;
    while (!decoder.done() && at < coded.size()) {
      const std::size_t give = std::min<std::size_t>(1 + random() % 20, coded.size() - at);
      Bytes room(1 + random() % 8);
      const auto step = decoder.decode(as_bytes(std::string_view(coded).substr(at, give)), room);
      ASSERT_TRUE(step);
      at += step->consumed;
      out += as_text(ByteView(room).first(step->produced));
    }
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(out, body);
    EXPECT_EQ(decoder.total(), body.size());
    EXPECT_EQ(coded.substr(at), after);
  }
}

TEST(Rates, ABucketEmptiesAndFillsEvenly) {
  RateLimiter limiter({4, 8s, 100});
  for (int i = 0; i < 4; ++i) {
    const auto decision = limiter.take("a", 100s);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, static_cast<std::uint32_t>(3 - i));
  }
  EXPECT_FALSE(limiter.take("a", 100s).allowed);
  EXPECT_EQ(limiter.take("a", 101s).reset, 1s);
  EXPECT_TRUE(limiter.take("b", 101s).allowed);
  EXPECT_TRUE(limiter.take("a", 102s).allowed);
  EXPECT_FALSE(limiter.take("a", 102s).allowed);
  EXPECT_EQ(limiter.take("a", 1000s).remaining, 3U);
  EXPECT_EQ(limiter.policy_field(), "\"default\";q=4;w=8");
  EXPECT_EQ(RateLimiter::limit_field({true, 2, 3s}), "\"default\";r=2;t=3");
  EXPECT_TRUE(RateLimiter({}).take("a", 0s).allowed);
}

TEST(Rates, MemoryIsBoundedAndStrangersShareABucket) {
  RateLimiter limiter({2, 1000s, 10});
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) allowed += limiter.take("peer" + std::to_string(i), 1s).allowed ? 1 : 0;
  EXPECT_EQ(allowed, 12);
  EXPECT_TRUE(limiter.take("peer3", 1s).allowed);
  EXPECT_FALSE(limiter.take("peer3", 1s).allowed);
  EXPECT_TRUE(limiter.take("late", 5000s).allowed);
}

TEST(Origin, IsSchemeHostAndPort) {
  EXPECT_EQ(Origin::parse("https://example.org").value().text(), "https://example.org:443");
  EXPECT_EQ(Origin::parse("https://example.org:8000/").value().text(), "https://example.org:8000");
  EXPECT_EQ(Origin::parse("https://[::1]:8000").value().host, "::1");
  EXPECT_EQ(Origin::parse("https://[::1]:8000").value().text(), "https://[::1]:8000");
  EXPECT_FALSE(Origin::parse("http://127.0.0.1:80").value().tls);
  EXPECT_FALSE(Origin::parse("http://localhost").value().tls);
  EXPECT_EQ(Origin::parse("http://example.org").error().code, ErrorCode::refused);
  for (const char* const bad : {"", "example.org", "ftp://a", "https://", "https://:80", "https://a:0",
                                "https://a:70000", "https://a:8x", "https://a/b", "https://u@a", "https://a?b",
                                "https://::1", "https://[::1", "https://[::1]x", "https://a b", "https://a\r\nb"})
    EXPECT_EQ(Origin::parse(bad).error().code, ErrorCode::invalid_argument) << bad;
}

TEST(Queries, AreDecodedAndBrokenEscapesRefused) {
  Request request;
  request.query = "a=1&b=x%20y+z&c&a=2&d=%41";
  EXPECT_EQ(request.query_value("a").value(), "1");
  EXPECT_EQ(request.query_value("b").value(), "x y z");
  EXPECT_EQ(request.query_value("c").value(), "");
  EXPECT_EQ(request.query_value("d").value(), "A");
  EXPECT_EQ(request.query_value("e").value(), std::nullopt);
  for (const char* const bad : {"a=%", "a=%4", "a=%4x", "%zz=1"}) {
    request.query = bad;
    EXPECT_EQ(request.query_value("a").error().code, ErrorCode::malformed) << bad;
  }
}

TEST(Metrics, AreTextForPrometheus) {
  Metrics metrics;
  metrics.count("prism_a_total", "A.", {{"route", "/x"}});
  metrics.count("prism_a_total", "A.", {{"route", "/x"}}, 2);
  metrics.observe("prism_b_seconds", "B.", {}, 0.002);
  metrics.collect([](Metrics& m) {
    m.set("prism_c", "C.", {}, 7);
    m.count_to("prism_d_total", "D.", {}, 5);
  });
  (void)metrics.text();
  const std::string text = metrics.text();
  for (const char* const line :
       {"# HELP prism_a_total A.", "# TYPE prism_a_total counter", "prism_a_total{route=\"/x\"} 3",
        "prism_b_seconds_bucket{le=\"0.0025\"} 1", "prism_b_seconds_bucket{le=\"0.001\"} 0", "prism_b_seconds_count 1",
        "prism_c 7", "prism_d_total 5"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

}  // namespace
}  // namespace prism::http
