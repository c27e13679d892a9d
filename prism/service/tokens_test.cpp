#include "prism/service/tokens.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "tests/support/service.h"

namespace prism::service {
namespace {

using namespace std::chrono_literals;

class TokensTest : public ::testing::Test {
 protected:
  void write(std::string_view text) {
    ASSERT_TRUE(host::write_file(path_, as_bytes(text), host::AtomicFile::Access::owner_only));
  }
  support::TestDirectory directory_;
  const std::string path_ = directory_ / "tokens.json";
  host::SystemRandom random_;
};

TEST_F(TokensTest, WhoHoldsATokenIsFoundUntilItExpires) {
  const auto ci = add_token(path_, "ci", std::nullopt, random_);
  const auto guest = add_token(path_, "guest", 1000s, random_);
  ASSERT_TRUE(ci && guest);
  EXPECT_EQ(ci->size(), 49U);
  const auto tokens = Tokens::load(path_);
  ASSERT_TRUE(tokens);
  const auto found = tokens->find(*ci, 2000s);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->transport, Transport::token_over_tls);
  EXPECT_NE(found->account, tokens->find(*guest, 999s)->account);
  EXPECT_FALSE(tokens->find(*guest, 1000s));
  std::string wrong = *ci;
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  for (const std::string& text : {wrong, std::string(), ci->substr(0, 48), *ci + "A"})
    EXPECT_FALSE(tokens->find(text, 0s)) << text;
}

TEST_F(TokensTest, TheFileHoldsNoToken) {
  const auto token = add_token(path_, "ci", std::nullopt, random_);
  ASSERT_TRUE(token);
  const auto bytes = host::read_file(path_, 10'000);
  EXPECT_EQ(as_text(*bytes).find(token->substr(6)), std::string_view::npos);
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(add_token(path_, "ci", std::nullopt, random_).error().code, ErrorCode::refused);
}

TEST_F(TokensTest, BadFilesAreRefused) {
  const std::string hex(64, 'a');
  for (const std::string& text :
       {std::string("{}"), std::string("[]"), std::string("{\"tokens\": 1}"), std::string("{\"tokens\": [], \"x\": 1}"),
        std::string("{\"tokens\": [], \"tokens\": []}"), std::string("{\"tokens\": [{\"name\": \"a\"}]}"),
        R"({"tokens": [{"name": "a", "sha256": ")" + hex + R"(a"}]})",
        R"({"tokens": [{"name": "a", "sha256": ")" + hex + R"(", "expires": "soon"}]})",
        R"({"tokens": [{"name": "a", "sha256": ")" + hex + R"(", "expires": -1}]})", std::string("{\"tokens\": [")}) {
    write(text);
    EXPECT_FALSE(Tokens::load(path_)) << text;
  }
  write(R"({"tokens": [{"name": "a", "sha256": ")" + hex + R"("}]})");
  EXPECT_TRUE(Tokens::load(path_));
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_EQ(Tokens::load(path_).error().code, ErrorCode::insecure);
}

}  // namespace
}  // namespace prism::service
