#include "prism/client/server_url.h"

#include <gtest/gtest.h>

namespace prism::client {
namespace {

TEST(ServerUrl, ReadsWhatPeopleWrite) {
  const struct {
    const char *text, *name;
    bool tls;
  } cases[] = {
      {"https://example.org:8443", "example.org:8443", true},
      {"https://example.org", "example.org:8000", true},
      {"HTTPS://Example.ORG/", "example.org:8000", true},
      {"example.org", "example.org:8000", true},
      {"10.0.0.7:9000", "10.0.0.7:9000", true},
      {"http://127.0.0.1:8000", "127.0.0.1:8000", false},
      {"http://localhost", "localhost:8000", false},
      {"https://[2001:DB8::1]:1", "[2001:db8::1]:1", true},
      {"http://[::1]", "[::1]:8000", false},
  };
  for (const auto& c : cases) {
    const auto url = ServerUrl::parse(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().message;
    EXPECT_EQ(url->name(), c.name) << c.text;
    EXPECT_EQ(url->tls, c.tls) << c.text;
    // What it prints, it reads as the same.
    const auto again = ServerUrl::parse(url->text());
    ASSERT_TRUE(again) << url->text();
    EXPECT_EQ(again->text(), url->text());
  }
}

TEST(ServerUrl, RefusesEverythingElse) {
  for (const std::string text : {"",
                                 "https://",
                                 "ftp://a",
                                 "https://a:0",
                                 "https://a:65536",
                                 "https://a:80x",
                                 "https://a:",
                                 "https://a:-1",
                                 "https://a/b",
                                 "https://a?b",
                                 "https://a#b",
                                 "https://user@a",
                                 "https://a b",
                                 "https://a\r\nHost: b",
                                 "https://[::1",
                                 "https://[::1]x",
                                 "https://[zz::1]",
                                 "https://a..b",
                                 "https://.a",
                                 "https://-a",
                                 "https://[]",
                                 "a:b:c",
                                 "https://\xc3\xbc.org",
                                 "https://a%41"})
    EXPECT_FALSE(ServerUrl::parse(text)) << text;
  EXPECT_FALSE(ServerUrl::parse("https://" + std::string(254, 'a')));
  EXPECT_FALSE(ServerUrl::parse("https://" + std::string(64, 'a') + ".org"));
}

TEST(ServerUrl, PlainHttpStaysOnThisMachine) {
  for (const char* text :
       {"http://example.org", "http://10.0.0.1", "http://127.example.org", "http://127.0.0.1.org", "http://[::2]"})
    EXPECT_FALSE(ServerUrl::parse(text)) << text;
}

}  // namespace
}  // namespace prism::client
