#include "prism/service/audit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "prism/host/file.h"
#include "tests/support/service.h"

namespace prism::service {
namespace {

using namespace std::chrono_literals;

class AuditTest : public ::testing::Test {
 protected:
  std::vector<nlohmann::json> lines() const {
    const auto bytes = host::read_file(path_, 1 << 24);
    std::vector<nlohmann::json> out;
    std::string_view text = as_text(*bytes);
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      out.push_back(nlohmann::json::parse(text.substr(0, end), nullptr, false));
      text.remove_prefix(end + 1);
    }
    return out;
  }
  support::TestDirectory directory_;
  const std::string path_ = directory_ / "audit.log";
  test::ManualClock clock_;
};

TEST_F(AuditTest, LinesAreNumberedWithoutGapsAcrossStartsAndThreads) {
  {
    auto audit = Audit::open(path_, clock_);
    ASSERT_TRUE(audit);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 100; ++j) (*audit)->line("event", {{"who", "me"}});
      });
    for (auto& thread : threads) thread.join();
  }
  {
    auto audit = Audit::open(path_, clock_);
    ASSERT_TRUE(audit);
    (*audit)->line("again", {});
    EXPECT_TRUE((*audit)->flush());
  }
  const auto found = lines();
  ASSERT_EQ(found.size(), 401U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i]["seq"], i);
  EXPECT_EQ(found[400]["event"], "again");
  EXPECT_EQ(found[400]["time"], "2027-01-15T08:00:00Z");
}

TEST_F(AuditTest, TextOfPeersCannotForgeLines) {
  auto audit = Audit::open(path_, clock_);
  ASSERT_TRUE(audit);
  (*audit)->line("event", {{"peer", "x\"}\n{\"seq\":9}\xff"}, {"long", std::string(5000, 'a')}});
  ASSERT_TRUE((*audit)->flush());
  const auto found = lines();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]["seq"], 0);
  EXPECT_EQ(found[0]["long"].get<std::string>().size(), 200U);
}

TEST_F(AuditTest, ATornLineIsLeftBehind) {
  ASSERT_TRUE(host::GrowingFile::open(path_)->append(as_bytes("{\"seq\":6}\n{\"seq\":7,\"ev")));
  auto audit = Audit::open(path_, clock_);
  ASSERT_TRUE(audit);
  (*audit)->line("event", {});
  ASSERT_TRUE((*audit)->flush());
  const auto found = lines();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[1].is_discarded());
  EXPECT_EQ(found[2]["seq"], 7);
}

TEST_F(AuditTest, NumbersGoOnAfterSeveralCrashes) {
  const auto next = [&]() -> nlohmann::json {
    auto audit = Audit::open(path_, clock_);
    if (!audit) return nullptr;
    (*audit)->line("event", {});
    EXPECT_TRUE((*audit)->flush());
    return lines().back()["seq"];
  };
  // Two crashes in a row, each in the middle of a line.
  ASSERT_TRUE(host::GrowingFile::open(path_)->append(as_bytes("{\"seq\":6}\n{\"seq\":7,\"ev\n{\"seq\":7")));
  EXPECT_EQ(next(), 7);
  // One after the file was set aside, before anything stood in the new one.
  ASSERT_TRUE(host::GrowingFile::open(path_)->rename_to(path_ + ".1"));
  EXPECT_EQ(next(), 8);
  ASSERT_TRUE(host::GrowingFile::open(path_)->rename_to(path_ + ".3"));
  ASSERT_TRUE(host::GrowingFile::open(path_)->append(as_bytes("{\"se")));
  EXPECT_EQ(next(), 9);
}

TEST_F(AuditTest, FloodsOfRefusalsAreCounted) {
  auto audit = Audit::open(path_, clock_);
  ASSERT_TRUE(audit);
  for (int i = 0; i < 1000; ++i) (*audit)->refusal("handshake", {});
  clock_.advance(1s);
  (*audit)->refusal("handshake", {});
  ASSERT_TRUE((*audit)->flush());
  const auto found = lines();
  ASSERT_EQ(found.size(), static_cast<std::size_t>(Audit::kRefusalsPerSecond) + 2);
  EXPECT_EQ(found[found.size() - 2]["count"], std::to_string(1000 - Audit::kRefusalsPerSecond));
}

TEST_F(AuditTest, WhatCannotBeWrittenIsSaidAndWrittenLater) {
  auto audit = Audit::open(path_, clock_);
  ASSERT_TRUE(audit);
  {
    const test::FileSizeLimit limit(1000);
    for (int i = 0; i < 50; ++i) (*audit)->line("event", {});
    EXPECT_FALSE((*audit)->flush());
    EXPECT_FALSE((*audit)->healthy());
  }
  EXPECT_TRUE((*audit)->flush());
  EXPECT_TRUE((*audit)->healthy());
  const auto found = lines();
  ASSERT_EQ(found.size(), 50U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i]["seq"], i);
}

}  // namespace
}  // namespace prism::service
