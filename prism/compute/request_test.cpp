#include "prism/compute/request.h"

#include <gtest/gtest.h>

#include <cmath>

namespace prism::compute {
namespace {

using program::Computation;
using program::Family;

const std::map<std::string, std::uint64_t> kSizes = {{"x", 4}, {"y", 4}, {"n", 1}};

Request parsed(std::string_view json) {
  auto made = Request::parse(json);
  EXPECT_TRUE(made) << json << ": " << made.error().message << " at " << made.error().detail;
  return *std::move(made);
}

Computation lowered(std::string_view json, Family family = Family::approximate) {
  auto made = parsed(json).lower(family, kSizes);
  EXPECT_TRUE(made) << json << ": " << made.error().message << " at " << made.error().detail;
  return *std::move(made);
}

constexpr const char* kRequests[] = {
    R"({"operation":"sum","inputs":["x"]})",
    R"({"version":1,"operation":"mean","inputs":["x","y"]})",
    R"({"operation":"mean","inputs":["x"],"count":"n"})",
    R"({"operation":"mean","inputs":["x"],"count":"y"})",
    R"({"operation":"variance","inputs":["x"],"divisor":"sample"})",
    R"({"operation":"statistics","compute":["mean","variance","sum","sum_of_squares"],"inputs":["x"]})",
    R"({"operation":"negate","inputs":["x"]})",
    R"({"operation":"square","inputs":["x"]})",
    R"({"operation":"add","inputs":["x","y"]})",
    R"({"operation":"add","inputs":["x"],"number":3})",
    R"({"operation":"multiply","inputs":["x"],"values":[1,2,3,4]})",
    R"({"operation":"multiply","inputs":["x","y"]})",
    R"({"operation":"subtract","inputs":["x","y"]})",
    R"({"operation":"dot","inputs":["x","y"]})",
    R"({"operation":"weighted_sum","inputs":["x"],"weights":[1,-2,3,5]})",
    R"({"operation":"weighted_sum","inputs":["x","y"],"weights":[2,-7]})",
    R"({"operation":"polynomial","inputs":["x"],"coefficients":[1,0,3]})",
    R"({"operation":"rotate","inputs":["x"],"steps":-1})",
    R"({"operation":"custom","inputs":["x","y"],"operations":[
        {"id":"z","op":"multiply","args":["d","d"]},{"id":"d","op":"subtract","args":["x","y"]},
        {"id":"p","op":"polynomial","args":["d"],"coefficients":[0,0,0,1]},
        {"id":"s","op":"sum","args":["z"]},{"id":"k","op":"multiply","args":["d"],"number":4},
        {"id":"w","op":"add","args":["k"],"values":[1,2,3,4]}],
        "outputs":["s","p",{"name":"ratio","value":"s","over":"s","factor":0.5},"w"]})",
    R"({"operation":"rotate","inputs":["x"],"steps":0})",
    R"({"operation":"custom","inputs":["x"],"operations":[{"id":"r","op":"rotate","args":["x"],"steps":0}],
        "outputs":["r"]})",
};

TEST(Request, ReadsBackWhatItWrites) {
  for (const char* const json : kRequests) {
    const Request request = parsed(json);
    const std::string text = request.to_json();
    EXPECT_EQ(parsed(text), request) << text;
    EXPECT_EQ(parsed(text).to_json(), text);
    for (const Family family : {Family::approximate, Family::exact})
      EXPECT_EQ(lowered(text, family).digest(), lowered(json, family).digest());
  }
  const Request series = parsed(
      R"({"operation":"polynomial","inputs":["x"],"coefficients":[1,0.25,3],"basis":"chebyshev","interval":[0,2.5]})");
  EXPECT_EQ(parsed(series.to_json()), series);
  EXPECT_TRUE(series.lower(Family::approximate, kSizes));
  EXPECT_FALSE(series.lower(Family::exact, kSizes));
}

// Digests are for ever: receipts name them. A change here is a new version of the format, or a mistake.
TEST(Request, MeansTheComputationThatItAlwaysMeant) {
  const std::pair<const char*, const char*> golden[] = {
      {kRequests[0], "ce83d3bd1920f87aa46179693a2fe01f28d309efbedfdb76638e19eac502bf30"},
      {kRequests[5], "aa445b3a6dd6e5d21efa11c527869ed3ea115f9f39b3cf5e56043b96550cd397"},
      {kRequests[14], "35109c59fbabcb3be74adcdbf91f72279c34db4dcce9e0e96e94626fd8a828d2"},
      {kRequests[18], "d5e1d18662c6210a2be22ccea17e8656bf2d3f653937efcbc9a2079f302d7f7f"}};
  for (const auto& [json, digest] : golden) EXPECT_EQ(to_hex(lowered(json).digest()), digest) << json;
}

TEST(Request, EqualMeaningGivesEqualDigests) {
  EXPECT_EQ(lowered(R"({"operation":"add","inputs":["x","y"]})"), lowered(R"({"operation":"add","inputs":["y","x"]})"));
  EXPECT_NE(lowered(R"({"operation":"subtract","inputs":["x","y"]})").digest(),
            lowered(R"({"operation":"subtract","inputs":["y","x"]})").digest());
}

struct Refusal {
  const char* json;
  const char* pointer;
};

TEST(Request, RefusesByPointer) {
  const Refusal refusals[] = {
      {R"({"operation":"sum","inputs":["x"],"extra":1})", "/extra"},
      {R"({"operation":"sum","inputs":["x"],"number":1})", "/number"},
      {R"({"operation":"frobnicate","inputs":["x"]})", "/operation"},
      {R"({"operation":7,"inputs":["x"]})", "/operation"},
      {R"({"inputs":["x"]})", ""},
      {R"([1])", ""},
      {R"({"version":2,"operation":"sum","inputs":["x"]})", "/version"},
      {R"({"operation":"sum","inputs":["x",7]})", "/inputs/1"},
      {R"({"operation":"sum","inputs":["x y"]})", "/inputs/0"},
      {R"({"operation":"sum","inputs":[]})", "/inputs"},
      {R"({"operation":"sum","inputs":["nobody"]})", "/inputs/0"},
      {R"({"operation":"dot","inputs":["x"]})", "/inputs"},
      {R"({"operation":"statistics","compute":["mean","median"],"inputs":["x"]})", "/compute/1"},
      {R"({"operation":"statistics","compute":[],"inputs":["x"]})", "/compute"},
      {R"({"operation":"variance","inputs":["x"],"divisor":"n"})", "/divisor"},
      {R"({"operation":"weighted_sum","inputs":["x"],"weights":[1,2]})", "/weights"},
      {R"({"operation":"weighted_sum","inputs":["x"],"weights":[1,2,"3",4]})", "/weights/2"},
      {R"({"operation":"weighted_sum","inputs":["x","y"],"weights":[1,0]})", "/weights/1"},
      {R"({"operation":"weighted_sum","inputs":["x","y"],"weights":[0,0]})", "/weights/0"},
      {R"({"operation":"mean","inputs":["x"],"count":"nobody"})", "/count"},
      {R"({"operation":"polynomial","inputs":["x"],"coefficients":[1,2],"interval":[1,0]})", "/interval"},
      {R"({"operation":"polynomial","inputs":["x"],"coefficients":[5]})", "/coefficients"},
      {R"({"operation":"rotate","inputs":["x"],"steps":1.5})", "/steps"},
      {R"({"operation":"custom","inputs":["x"],"operations":[{"id":"a","op":"negate","args":["b"]}],"outputs":["a"]})",
       "/operations/0/args/0"},
      {R"({"operation":"custom","inputs":["x"],"operations":[{"id":"a","op":"add","args":["x","b"]},
          {"id":"b","op":"negate","args":["a"]}],"outputs":["a"]})",
       "/operations/1/args/0"},
      {R"({"operation":"custom","inputs":["x"],"operations":[{"id":"x","op":"negate","args":["x"]}],"outputs":["x"]})",
       "/operations/0/id"},
      {R"({"operation":"custom","inputs":["x"],"operations":[{"id":"a","op":"negate","args":["x"],"number":2}],
          "outputs":["a"]})",
       "/operations/0/number"},
      {R"({"operation":"custom","inputs":["x"],"operations":[],"outputs":["z"]})", "/outputs/0"},
  };
  for (const Refusal& refusal : refusals) {
    const auto request = Request::parse(refusal.json);
    const auto outcome = request ? request->lower(Family::approximate, kSizes) : request.error();
    ASSERT_FALSE(outcome) << refusal.json;
    EXPECT_EQ(outcome.error().detail, refusal.pointer) << refusal.json << ": " << outcome.error().message;
  }
}

TEST(Request, RefusesWhatIsNoDocument) {
  for (const char* const text : {"", "{", "nul", "{\"operation\":\"sum\"}}", "{\"operation\":1e999}"})
    EXPECT_EQ(Request::parse(text).error().code, ErrorCode::malformed) << text;
  const auto twice = Request::parse(R"({"operation":"sum","operation":"negate","inputs":["x"]})");
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("twice"), std::string::npos);
  std::string deep(100'000, '[');
  EXPECT_EQ(Request::parse(deep).error().code, ErrorCode::malformed);
  EXPECT_EQ(Request::parse(std::string(kMostRequestBytes + 1, ' ')).error().code, ErrorCode::exhausted);
}

TEST(Request, ExactComputationsTakeWholeNumbers) {
  EXPECT_FALSE(parsed(R"({"operation":"multiply","inputs":["x"],"number":0.5})").lower(Family::exact, kSizes));
  EXPECT_TRUE(parsed(R"({"operation":"multiply","inputs":["x"],"number":0.5})").lower(Family::approximate, kSizes));
}

}  // namespace
}  // namespace prism::compute
