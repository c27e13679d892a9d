#include "prism/client/problem.h"

#include <gtest/gtest.h>

namespace prism::client {
namespace {

constexpr const char* kProblemJson = "application/problem+json";

Problem read(int status, std::string_view body, std::string_view retry_after = "") {
  return read_problem(status, kProblemJson, as_bytes(body), retry_after);
}

TEST(Problem, StatusesBecomeTheExitCodesOfTheProgram) {
  EXPECT_EQ(read(401, "{}").error("s").code, ErrorCode::unauthorised);
  EXPECT_EQ(read(403, "{}").error("s").code, ErrorCode::unauthorised);
  EXPECT_EQ(read(429, "{}").error("s").code, ErrorCode::quota);
  EXPECT_EQ(read(502, "{}").error("s").code, ErrorCode::network);
  EXPECT_EQ(read(422, "{}").error("s").code, ErrorCode::invalid_argument);
  EXPECT_EQ(read(404, "{}").error("s").code, ErrorCode::not_found);
  EXPECT_EQ(read(500, "{}").error("s").code, ErrorCode::io);
  EXPECT_EQ(read(302, "{}").error("s").code, ErrorCode::refused);
}

TEST(Problem, TheServersWordsAreShownAndCut) {
  const std::string body = R"({"type":"/problems/depth","title":"t","detail":")" + std::string(5000, 'x') + R"("})";
  const Problem problem = read(400, body);
  EXPECT_EQ(problem.type, "depth");
  EXPECT_EQ(problem.detail.size(), kMaxProblemText + 3);
  EXPECT_NE(problem.error("host:1").message.find("host:1 answers 400 (depth): xxx"), std::string::npos);
}

TEST(Problem, OnlyAnExpiredSessionIsWorthANewHandshake) {
  EXPECT_TRUE(read(401, R"({"type":"/problems/session-expired"})").session_is_gone());
  EXPECT_FALSE(read(401, R"({"type":"/problems/session-rejected"})").session_is_gone());
  EXPECT_FALSE(read(400, R"({"type":"/problems/session-expired"})").session_is_gone());
  EXPECT_FALSE(read(401, "").session_is_gone());
}

TEST(Problem, WhatIsNoProblemDocumentKeepsItsStatus) {
  for (const char* body : {"", "[", "[]", "7", "null", R"({"type":7,"title":[],"detail":{}})", "\xff\xfe"}) {
    const Problem problem = read(500, body);
    EXPECT_EQ(problem.status, 500);
    EXPECT_TRUE(problem.type.empty() && problem.title.empty() && problem.detail.empty()) << body;
  }
  const Problem page = read_problem(502, "text/html", as_bytes(R"({"title":"t"})"), "");
  EXPECT_TRUE(page.title.empty());
  EXPECT_TRUE(read(400, R"({"title":")" + std::string(kMaxProblemBytes, 'x') + R"("})").title.empty());
}

TEST(Problem, RetryAfterIsANumberOfSecondsOrNoHint) {
  EXPECT_EQ(read(429, "{}", "7").retry_after, std::chrono::seconds(7));
  EXPECT_EQ(read(429, "{}", "99999999").retry_after, std::chrono::hours(24));
  for (const char* text : {"", "-1", "1.5", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999"})
    EXPECT_FALSE(read(429, "{}", text).retry_after) << text;
  EXPECT_NE(read(429, "{}", "7").error("s").message.find("in 7 s"), std::string::npos);
}

}  // namespace
}  // namespace prism::client
