// Cookies: good for the one who got them, for a minute.
#include "prism/channel/cookie.h"

#include <gtest/gtest.h>

#include <string>

#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/test_peers.h"

namespace prism::channel {
namespace {

using namespace test;
using std::chrono::seconds;

TEST(CookieTest, ABusyServerAnswersAfterARetry) {
  const Peers peers;
  NamedRandom random("jar");
  const CookieJar jar = CookieJar::create(random).value();
  const ByteView address = as_bytes("192.0.2.7");
  ClientHandshake client = peers.start("x");
  const Bytes plain = client.first();
  EXPECT_FALSE(jar.admits(plain, address, kNow));
  const Bytes retry = jar.retry(plain, address, kNow).value();
  ASSERT_TRUE(ClientHandshake::is_retry(retry));
  ASSERT_TRUE(client.on_retry(retry));
  EXPECT_NE(client.first(), plain);
  EXPECT_TRUE(jar.admits(client.first(), address, kNow + kCookieLifetime));
  EXPECT_EQ(client.on_retry(retry).error().code, ErrorCode::refused) << "once";

  ServerHandshake server = peers.accept(client.first(), "x").value();
  EXPECT_FALSE(ClientHandshake::is_retry(server.second()));
  Established done = server.finish(*peers.answer(client, server.second()), kNow, peers.gate).value();
  EXPECT_TRUE(agree(*client.on_fourth(done.fourth), done)) << "the cookie is part of the transcript";
}

TEST(CookieTest, IsForOneAddressOneHelloOneJarAndAMinute) {
  const Peers peers;
  NamedRandom random("jar");
  const CookieJar jar = CookieJar::create(random).value(), other_jar = CookieJar::create(random).value();
  const ByteView address = as_bytes("192.0.2.7");
  ClientHandshake client = peers.start("x"), other = peers.start("y");
  const Bytes retry = jar.retry(client.first(), address, kNow).value();
  ASSERT_TRUE(client.on_retry(retry));
  ASSERT_TRUE(other.on_retry(retry));
  EXPECT_TRUE(jar.admits(client.first(), address, kNow));
  EXPECT_FALSE(jar.admits(other.first(), address, kNow));
  EXPECT_FALSE(jar.admits(client.first(), as_bytes("192.0.2.8"), kNow));
  EXPECT_FALSE(jar.admits(client.first(), address, kNow + kCookieLifetime + seconds(1)));
  EXPECT_FALSE(jar.admits(client.first(), address, kNow - seconds(1)));
  EXPECT_FALSE(other_jar.admits(client.first(), address, kNow));
}

TEST(CookieTest, EveryFlippedBitSpoilsIt) {
  const Peers peers;
  NamedRandom random("jar");
  const CookieJar jar = CookieJar::create(random).value();
  const ClientHandshake client = peers.start("x");
  const Bytes retry = jar.retry(client.first(), {}, kNow).value();
  const ByteView cookie = read_retry(retry).value();
  const ByteView hello = read_first(client.first())->hello;
  ASSERT_TRUE(jar.admits(encode_first(hello, cookie), {}, kNow));
  for (std::size_t bit = 0; bit < 8 * cookie.size(); ++bit) {
    Bytes changed(cookie.begin(), cookie.end());
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(jar.admits(encode_first(hello, changed), {}, kNow)) << bit;
  }
}

TEST(CookieTest, NoM1NoRetry) {
  NamedRandom random("jar");
  const CookieJar jar = CookieJar::create(random).value();
  EXPECT_EQ(jar.retry({}, {}, kNow).error().code, ErrorCode::malformed);
  EXPECT_FALSE(jar.admits({}, {}, kNow));
  const Peers peers;
  ClientHandshake client = peers.start("x");
  EXPECT_FALSE(client.on_retry(client.first()).has_value());
}

}  // namespace
}  // namespace prism::channel
