#include "prism/channel/rekey.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "prism/channel/internal/session_fixture.h"

namespace prism::channel {
namespace {

using namespace testing_support;

/// Whether a request and its answer get through now.
testing::AssertionResult round_trip(Pair& pair, seconds now) {
  StreamRandom random(9);
  const auto request = pair.client.seal(request_binding(), as_bytes("?"), now, random);
  if (!request) return testing::AssertionFailure() << "client seals: " << request.error().message;
  const auto opened = pair.server.open(request_binding(), *request, now);
  if (!opened) return testing::AssertionFailure() << "server opens: " << opened.error().message;
  const auto answer = pair.server.seal(answer_binding(opened->id), as_bytes("!"), now, random);
  if (!answer) return testing::AssertionFailure() << "server seals: " << answer.error().message;
  const auto back = pair.client.open(answer_binding(record_id(*request)), *answer, now);
  if (!back) return testing::AssertionFailure() << "client opens: " << back.error().message;
  return testing::AssertionSuccess();
}

void exchange(Pair& pair, seconds now, Random& random) {
  const auto first = pair.client.begin_rekey(random);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = pair.server.answer_rekey(*first, now, random);
  ASSERT_TRUE(second) << second.error().message;
  const Status finished = pair.client.finish_rekey(*second, now);
  ASSERT_TRUE(finished) << finished.error().message;
}

TEST(Rekey, EverySuiteMovesBothDirectionsOn) {
  for (const SuiteId suite : all_suites()) {
    Pair pair({}, 0, suite);
    StreamRandom random(1);
    for (std::uint16_t generation = 1; generation <= 3; ++generation) {
      exchange(pair, kStart, random);
      EXPECT_EQ(pair.client.send_epoch(), (Epoch{generation, 0}));
      EXPECT_EQ(pair.server.send_epoch().generation, generation - 1) << "not before the client's first record";
      EXPECT_TRUE(round_trip(pair, kStart));
      EXPECT_EQ(pair.server.send_epoch(), (Epoch{generation, 0}));
    }
  }
}

TEST(Rekey, ALostAnswerLosesNothing) {
  Pair pair;
  StreamRandom random(1);
  const auto lost = pair.client.begin_rekey(random);
  ASSERT_TRUE(pair.server.answer_rekey(*lost, kStart, random));
  EXPECT_TRUE(round_trip(pair, kStart));
  EXPECT_EQ(pair.client.send_epoch(), (Epoch{0, 0}));
  exchange(pair, kStart, random);
  EXPECT_TRUE(round_trip(pair, kStart));
  EXPECT_EQ(pair.server.send_epoch(), (Epoch{1, 0}));
}

TEST(Rekey, MessagesOutOfTurnAreRefused) {
  Pair pair;
  StreamRandom random(1);
  const Bytes first = pair.client.begin_rekey(random).value();
  const Bytes again = pair.client.begin_rekey(random).value();
  const Bytes second = pair.server.answer_rekey(again, kStart, random).value();
  EXPECT_EQ(pair.server.answer_rekey(first, kStart, random).error().code, ErrorCode::refused) << "overtaken";
  EXPECT_EQ(pair.server.answer_rekey(again, kStart, random).error().code, ErrorCode::refused) << "twice";
  ASSERT_TRUE(pair.client.finish_rekey(second, kStart));
  EXPECT_EQ(pair.client.finish_rekey(second, kStart).error().code, ErrorCode::refused) << "twice";
  EXPECT_TRUE(round_trip(pair, kStart));
  EXPECT_EQ(pair.server.answer_rekey(first, kStart, random).error().code, ErrorCode::refused) << "a generation late";

  Pair other;
  const Bytes one = other.client.begin_rekey(random).value();
  const Bytes answer = other.server.answer_rekey(one, kStart, random).value();
  ASSERT_TRUE(other.client.begin_rekey(random));
  EXPECT_EQ(other.client.finish_rekey(answer, kStart).error().code, ErrorCode::refused) << "of the try before";
  EXPECT_TRUE(round_trip(other, kStart));
}

TEST(Rekey, EveryCutOrChangedMessageIsRefusedOrHarmless) {
  StreamRandom random(1);
  Pair pair;
  const Bytes first = pair.client.begin_rekey(random).value();
  for (std::size_t size = 0; size < first.size(); ++size)
    ASSERT_FALSE(pair.server.answer_rekey(ByteView(first).first(size), kStart, random)) << size;
  Bytes longer = first;
  longer.push_back(0);
  EXPECT_FALSE(pair.server.answer_rekey(longer, kStart, random));
  const Bytes second = pair.server.answer_rekey(first, kStart, random).value();
  for (std::size_t size = 0; size < second.size(); ++size)
    ASSERT_FALSE(pair.client.finish_rekey(ByteView(second).first(size), kStart)) << size;
  ASSERT_TRUE(pair.client.finish_rekey(second, kStart)) << "none of them has spent the KEM key";
  EXPECT_TRUE(round_trip(pair, kStart));
}

TEST(Rekey, AnotherCiphertextGivesKeysThatDoNotFit) {
  StreamRandom random(1);
  Pair pair(patient());
  const Bytes first = pair.client.begin_rekey(random).value();
  Bytes second = pair.server.answer_rekey(first, kStart, random).value();
  second[100] ^= 1;  // inside ML-KEM's part: implicit rejection, no error
  ASSERT_TRUE(pair.client.finish_rekey(second, kStart));
  const Bytes record = pair.client.seal(request_binding(), {}, kStart, random).value();
  EXPECT_EQ(pair.server.open(request_binding(), record, kStart).error().code, ErrorCode::integrity);
}

TEST(Rekey, StolenTrafficKeysDoNotFollow) {
  // Somebody with all traffic secrets but not the rekey secret answers in the server's place.
  StreamRandom random(1);
  Pair pair(patient());
  Established stolen = established();
  stolen.secrets.rekey = counting_secret(0xaa);
  SessionKeys thief(Role::server, std::move(stolen), kStart, patient());
  const Bytes first = pair.client.begin_rekey(random).value();
  ASSERT_TRUE(pair.client.finish_rekey(thief.answer_rekey(first, kStart, random).value(), kStart));
  const Bytes record = pair.client.seal(request_binding(), {}, kStart, random).value();
  EXPECT_EQ(thief.open(request_binding(), record, kStart).error().code, ErrorCode::integrity);
}

TEST(Rekey, IsDueAfterAWhile) {
  Pair pair;
  StreamRandom random(1);
  EXPECT_FALSE(pair.client.rekey_due(kStart + seconds(4 * 3600 - 1)));
  EXPECT_TRUE(pair.client.rekey_due(kStart + seconds(4 * 3600)));
  exchange(pair, kStart + seconds(4 * 3600), random);
  EXPECT_FALSE(pair.client.rekey_due(kStart + seconds(4 * 3600)));
}

/// A network between the two sides of one session that delays, reorders, doubles and drops; exchanges of every kind run
/// over it. What arrives in time opens exactly once, whatever came between.
class Storm {
 public:
  explicit Storm(std::uint64_t seed) : random_(seed), bytes_(seed), pair_(policy()) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) step();
    settle();
  }
  int opened() const { return opened_; }
  int overtaken() const { return overtaken_; }
  int generations() const { return pair_.client.send_epoch().generation; }

 private:
  enum class Kind { plain, rekey_first, rekey_second };
  struct Flying {
    bool to_server;
    Kind kind;
    Bytes record;
    RecordId request;  ///< that an answer answers
    int copies = 0;    ///< delivered before
    seconds sent;
  };
  static KeyPolicy policy() {
    KeyPolicy policy;
    policy.records_per_epoch = 25;
    policy.update_after = seconds(100);
    return policy;
  }
  Binding binding(const Flying& f) const { return f.to_server ? request_binding("") : answer_binding(f.request); }

  void send(bool to_server, Kind kind, ByteView body, RecordId request = {}) {
    SessionKeys& keys = to_server ? pair_.client : pair_.server;
    const auto record = keys.seal(to_server ? request_binding() : answer_binding(request), body, now_, bytes_);
    ASSERT_TRUE(record) << record.error().message;
    flying_.push_back({to_server, kind, *record, request, 0, now_});
  }

  void step() {
    const auto dice = random_() % 100;
    if (dice < 40) {
      send(true, Kind::plain, as_bytes("request"));
    } else if (dice < 43) {
      const auto first = pair_.client.begin_rekey(bytes_);
      ASSERT_TRUE(first) << first.error().message;
      send(true, Kind::rekey_first, *first);
    } else if (dice < 45) {
      ASSERT_TRUE((random_() % 2 == 0 ? pair_.client : pair_.server).update(now_));
    } else if (dice < 47) {
      now_ += seconds(random_() % 20);
    } else if (!flying_.empty()) {
      deliver(random_() % std::min<std::size_t>(flying_.size(), 12));
    }
    // Nothing is under way for longer than the grace that protects it.
    while (!flying_.empty() && now_ - flying_.front().sent > seconds(40)) deliver(0);
    while (flying_.size() > 60) deliver(0);
  }

  void deliver(std::size_t at) {
    Flying& f = flying_[at];
    SessionKeys& keys = f.to_server ? pair_.server : pair_.client;
    Binding bound = binding(f);
    if (!f.to_server) bound.content_type = "";
    if (random_() % 20 == 0) {  // lost
      flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    }
    const auto opened = keys.open(bound, f.record, now_);
    if (f.copies > 0) {
      ASSERT_FALSE(opened);
      ASSERT_EQ(opened.error().code, ErrorCode::refused);
    } else {
      // A receiver holds eight epochs, one of them perhaps not begun: who is overtaken by six may come too late.
      const auto& seen = epochs_[f.to_server ? 0 : 1];
      const auto newer = std::distance(seen.upper_bound(record_id(f.record).epoch), seen.end());
      if (!opened && opened.error().code == ErrorCode::refused && newer >= 6) {
        ++overtaken_;
        flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(at));
        return;
      }
      ASSERT_TRUE(opened) << opened.error().message << " epoch " << record_id(f.record).epoch.number() << " sequence "
                          << record_id(f.record).sequence;
      ++opened_;
      epochs_[f.to_server ? 0 : 1].insert(opened->id.epoch);
    }
    const Flying done = f;
    if (random_() % 10 == 0 && f.copies < 2)
      ++f.copies;  // and comes again
    else
      flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(at));
    if (done.copies > 0) return;
    if (done.kind == Kind::rekey_first) {
      const auto second = pair_.server.answer_rekey(opened->body, now_, bytes_);
      if (second) return send(false, Kind::rekey_second, *second, opened->id);
      ASSERT_EQ(second.error().code, ErrorCode::refused);
    } else if (done.kind == Kind::rekey_second) {
      const Status finished = pair_.client.finish_rekey(opened->body, now_);
      if (!finished) {
        ASSERT_EQ(finished.error().code, ErrorCode::refused);
      }
    } else if (done.to_server) {
      send(false, Kind::plain, as_bytes("answer"), opened->id);
    }
  }

  void settle() {
    while (!flying_.empty() && !testing::Test::HasFatalFailure()) deliver(0);
    EXPECT_TRUE(round_trip(pair_, now_));
    EXPECT_EQ(pair_.client.send_epoch().generation, pair_.server.send_epoch().generation);
  }

  std::mt19937_64 random_;
  StreamRandom bytes_;
  Pair pair_;
  seconds now_ = kStart;
  std::deque<Flying> flying_;
  std::array<std::set<Epoch>, 2> epochs_;  ///< of which a record opened, by direction
  int opened_ = 0, overtaken_ = 0;
};

TEST(Rekey, BothSidesAgreeAfterAnyInterleaving) {
  const auto seed = std::random_device{}();
  int generations = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    SCOPED_TRACE(seed + i);
    Storm storm(seed + i);
    storm.run(600);
    if (HasFatalFailure()) return;
    EXPECT_GT(storm.opened(), 100);
    EXPECT_LT(storm.overtaken(), storm.opened() / 20);
    generations += storm.generations();
  }
  EXPECT_GT(generations, 40) << "the storms do renew";
}

}  // namespace
}  // namespace prism::channel
