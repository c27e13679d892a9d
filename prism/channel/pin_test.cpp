// Pins: what was met once is never taken for something else.
#include "prism/channel/pin.h"

#include <gtest/gtest.h>

#include <string>

#include "prism/channel/identity.h"
#include "prism/channel/internal/test_peers.h"
#include "prism/crypto/key_file.h"

namespace prism::channel {
namespace {

using namespace test;
using std::chrono::seconds;

struct Server {
  explicit Server(const std::string& name, std::uint64_t epoch = 5) : random(name), identity(make(name, epoch)) {}
  Identity make(const std::string& name, std::uint64_t epoch) {
    IdentitySettings settings;
    settings.epoch = epoch;
    return Identity::create(make_key(name), settings, {}, random).value();
  }
  IdentityBundle bundle() { return identity.bundle(kNow, random).value(); }
  void rotate(const std::string& name) { identity = identity.rotate(make_key(name), kNow, random).value(); }
  NamedRandom random;
  Identity identity;
};

constexpr std::string_view kHost = "compute.example:8000";

TEST(PinTest, FirstUseAsksAndLaterUseAccepts) {
  Server server("s");
  PinStore pins;
  EXPECT_EQ(pins.decide(kHost, server.bundle()).answer, PinAnswer::ask);
  EXPECT_EQ(pins.decide(kHost, server.bundle()).require_trusted(kHost).error().code, ErrorCode::unauthorised);
  ASSERT_TRUE(pins.remember(kHost, server.bundle(), kNow));
  EXPECT_EQ(pins.decide(kHost, server.bundle()).answer, PinAnswer::accept);
  EXPECT_TRUE(pins.decide(kHost, server.bundle()).require_trusted(kHost));
  EXPECT_EQ(pins.decide("another:8000", server.bundle()).answer, PinAnswer::ask) << "a pin is for one name";
}

TEST(PinTest, AChangeWithoutACrossSignatureIsFinalAndNamesBothKeys) {
  Server server("s"), other("o", 9);
  PinStore pins;
  ASSERT_TRUE(pins.remember(kHost, server.bundle(), kNow));
  const PinDecision decision = pins.decide(kHost, other.bundle());
  EXPECT_EQ(decision.answer, PinAnswer::changed);
  const Error error = decision.require_trusted(kHost).error();
  EXPECT_EQ(error.code, ErrorCode::unauthorised);
  EXPECT_NE(error.message.find(crypto::fingerprint_text(server.identity.fingerprint())), std::string::npos);
  EXPECT_NE(error.message.find(crypto::fingerprint_text(other.identity.fingerprint())), std::string::npos);
  EXPECT_EQ(pins.remember(kHost, other.bundle(), kNow).error().code, ErrorCode::unauthorised);
  EXPECT_EQ(pins.find(kHost)->fingerprint, server.identity.fingerprint()) << "asking again does not help";
  EXPECT_TRUE(pins.forget(kHost));
  EXPECT_FALSE(pins.forget(kHost));
  EXPECT_TRUE(pins.remember(kHost, other.bundle(), kNow));
}

TEST(PinTest, ACrossSignedChangeIsFollowedAcrossSeveralRotations) {
  Server server("s");
  PinStore pins;
  ASSERT_TRUE(pins.remember(kHost, server.bundle(), kNow));
  const IdentityBundle old = server.bundle();
  server.rotate("s2");
  server.rotate("s3");
  EXPECT_EQ(pins.decide(kHost, server.bundle()).answer, PinAnswer::rotated);
  ASSERT_TRUE(pins.remember(kHost, server.bundle(), kNow + seconds(9)));
  EXPECT_EQ(pins.find(kHost)->fingerprint, server.identity.fingerprint());
  EXPECT_EQ(pins.find(kHost)->epoch, 7u);
  EXPECT_EQ(pins.find(kHost)->since, kNow + seconds(9));
  // The key before has handed over: it is nobody any more, even with its own good signature.
  EXPECT_EQ(pins.decide(kHost, old).answer, PinAnswer::changed);
}

TEST(PinTest, AnOlderEpochOfTheSameKeyIsRefused) {
  Server now("s", 5), before("s", 4);
  ASSERT_EQ(now.identity.fingerprint(), before.identity.fingerprint());
  PinStore pins;
  ASSERT_TRUE(pins.remember(kHost, now.bundle(), kNow));
  EXPECT_EQ(pins.decide(kHost, before.bundle()).answer, PinAnswer::rollback);
  EXPECT_EQ(pins.remember(kHost, before.bundle(), kNow).error().code, ErrorCode::unauthorised);
  Server after("s", 6);
  EXPECT_TRUE(pins.remember(kHost, after.bundle(), kNow));
  EXPECT_EQ(pins.decide(kHost, now.bundle()).answer, PinAnswer::rollback) << "the highest epoch is what counts";
  EXPECT_EQ(pins.find(kHost)->since, kNow) << "the same key is known since it was first seen";
}

TEST(PinTest, APinGivenByHandIsJudgedTheSameWay) {
  Server server("s"), other("o");
  EXPECT_EQ(decide(Pin{server.identity.fingerprint()}, server.bundle()).answer, PinAnswer::accept);
  EXPECT_EQ(decide(Pin{other.identity.fingerprint()}, server.bundle()).answer, PinAnswer::changed);
  const Digest before = server.identity.fingerprint();
  server.rotate("s2");
  EXPECT_EQ(decide(Pin{before}, server.bundle()).answer, PinAnswer::rotated);
}

TEST(PinTest, AFileIsReadAsItWasWritten) {
  Server server("s"), other("o", UINT64_MAX);
  PinStore pins;
  ASSERT_TRUE(pins.remember(kHost, server.bundle(), kNow));
  ASSERT_TRUE(pins.remember("127.0.0.1:8000", other.bundle(), seconds(0)));
  const std::string text = pins.encode();
  const PinStore read = PinStore::decode(text).value();
  EXPECT_EQ(read.encode(), text);
  EXPECT_EQ(read.pins().size(), 2u);
  EXPECT_EQ(read.find("127.0.0.1:8000")->epoch, UINT64_MAX);
  EXPECT_TRUE(PinStore::decode("prism pins 1\n").value().pins().empty());
  EXPECT_EQ(PinStore::decode("prism pins 1\n\n# mine\n" + text.substr(text.find('\n') + 1)).value().encode(), text);
}

TEST(PinTest, FilesThatAreNoneAreRefusedWithTheirLine) {
  const std::string digest(64, 'a');
  const auto error = [](const std::string& text) {
    const auto read = PinStore::decode(text);
    return read ? std::string("read") : read.error().message;
  };
  const std::string head = "prism pins 1\n";
  EXPECT_EQ(error(head + "h " + digest + " 1 2\n"), "read");
  EXPECT_EQ(error(head + "h " + digest + " 1 2"), "read") << "the last line may lack its end";
  for (const std::string& bad : {std::string("h"), "h " + digest, "h " + digest + " 1", "h " + digest + " 1 2 3",
                                 "h " + digest + " x 2", "h " + digest + " 1 -2", "h " + digest.substr(1) + "g 1 2",
                                 "h " + digest.substr(1) + " 1 2", " " + digest + " 1 2", "h  " + digest + " 1 2",
                                 "h " + digest + " 18446744073709551616 2", "h " + digest + " 1 9223372036854775808"})
    EXPECT_NE(error(head + "\n" + bad + "\n").find("line 3"), std::string::npos) << bad;
  EXPECT_NE(error(head + "h " + digest + " 1 2\nh " + digest + " 1 2\n").find("line 3"), std::string::npos);
  EXPECT_NE(error("").find("line 1"), std::string::npos);
  EXPECT_NE(error("prism pins 2\n").find("line 1"), std::string::npos);
}

TEST(PinTest, NamesThatWouldNotBeReadBackAreNotRemembered) {
  Server server("s");
  PinStore pins;
  for (const std::string& name : {std::string(), std::string("two words"), std::string("#x"), std::string("a\nb"),
                                  std::string(PinStore::kMaxServerNameBytes + 1, 'x')})
    EXPECT_EQ(pins.remember(name, server.bundle(), kNow).error().code, ErrorCode::invalid_argument) << name;
}

}  // namespace
}  // namespace prism::channel
