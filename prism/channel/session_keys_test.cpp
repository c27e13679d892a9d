#include "prism/channel/session_keys.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "prism/channel/internal/session_fixture.h"

namespace prism::channel {
namespace {

using namespace testing_support;

/// What a call ended with; invalid_argument never comes from a peer's bytes, so it can stand for "opened".
constexpr ErrorCode kNone = ErrorCode::invalid_argument;
template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result ? kNone : result.error().code;
}

class SessionKeysTest : public testing::Test {
 protected:
  Bytes sealed(SessionKeys& keys, const Binding& binding, ByteView body, seconds now = kStart) {
    auto record = keys.seal(binding, body, now, random_);
    EXPECT_TRUE(record) << record.error().message;
    return record ? std::move(*record) : Bytes();
  }
  StreamRandom random_{42};
};

TEST_F(SessionKeysTest, RequestsAndAnswersOpen) {
  Pair pair;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kMaxSingleBytes,
                                 kMaxSingleBytes + 1, std::size_t{300'000}}) {
    const Bytes body = body_of(size);
    const Bytes request = sealed(pair.client, request_binding(), body);
    EXPECT_EQ(read_record_header(request)->form == RecordForm::single, size <= kMaxSingleBytes);
    const auto opened = pair.server.open(request_binding(""), request, kStart);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->body, body);
    EXPECT_EQ(opened->content_type, "application/json");
    EXPECT_EQ(opened->id, record_id(request));
    const Bytes answer = sealed(pair.server, answer_binding(opened->id), body);
    const auto back = pair.client.open(answer_binding(record_id(request)), answer, kStart);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->body, body);
  }
}

TEST_F(SessionKeysTest, OpensInPlace) {
  Pair pair;
  const Bytes body = body_of(777);
  Bytes record = sealed(pair.client, request_binding(), body);
  const auto opened = pair.server.open_in_place(request_binding(), record, kStart);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(std::equal(opened->body.begin(), opened->body.end(), body.begin(), body.end()));
  EXPECT_EQ(opened->body.data(), record.data() + record.size() - body.size() - 16);
}

TEST_F(SessionKeysTest, EveryFlippedBitIsNoticed) {
  Pair pair(patient());
  const Bytes body = body_of(24);
  const Bytes record = sealed(pair.client, request_binding(), body);
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    Bytes changed = record;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
    ASSERT_NE(code_of(pair.server.open(request_binding(""), changed, kStart)), kNone) << "bit " << bit;
  }
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), kNone) << "the window did not move";
}

TEST_F(SessionKeysTest, EveryFlippedByteOfAStreamIsNoticed) {
  Pair pair(patient());
  const Bytes record = sealed(pair.client, request_binding(), body_of(kMaxSingleBytes + 100));
  const std::size_t head = read_record_header(record)->bytes() + kStreamPrefixBytes;
  std::mt19937_64 random(3);
  for (std::size_t at = 0; at < record.size(); at += at < head + 20 ? 1 : 1 + random() % 997) {
    Bytes changed = record;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << random() % 8));
    // A head that verifies uses its number up, so each try is a receiver of its own.
    Pair fresh(patient());
    ASSERT_NE(code_of(fresh.server.open(request_binding(""), changed, kStart)), kNone) << "byte " << at;
  }
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), kNone);
}

TEST_F(SessionKeysTest, EveryCutOrLongerRecordIsRefused) {
  Pair pair(patient());
  const Bytes record = sealed(pair.client, request_binding(), body_of(40));
  for (std::size_t size = 0; size < record.size(); ++size)
    ASSERT_NE(code_of(pair.server.open(request_binding(), ByteView(record).first(size), kStart)), kNone) << size;
  Bytes longer = record;
  longer.push_back(0);
  EXPECT_NE(code_of(pair.server.open(request_binding(), longer, kStart)), kNone);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), kNone);
}

TEST_F(SessionKeysTest, ARecordBelongsToItsRequestAlone) {
  for (const std::size_t size : {std::size_t{10}, kMaxSingleBytes + 1}) {
    Pair pair(patient());
    const Bytes record = sealed(pair.client, request_binding(), body_of(size));
    const std::vector<std::function<void(Binding&)>> changes{[](Binding& b) { b.method = "PUT"; },
                                                             [](Binding& b) { b.path = "/api/v1/compute/"; },
                                                             [](Binding& b) { b.path = "/api/v1/compute?x"; },
                                                             [](Binding& b) { b.context[5] ^= 1; },
                                                             [](Binding& b) { b.program[31] = 1; },
                                                             [](Binding& b) { b.idempotency_key = "tuesday"; },
                                                             [](Binding& b) { b.idempotency_key = ""; }};
    for (std::size_t i = 0; i < changes.size(); ++i) {
      Binding other = request_binding();
      changes[i](other);
      EXPECT_EQ(code_of(pair.server.open(other, record, kStart)), ErrorCode::integrity) << i;
    }
    EXPECT_EQ(code_of(pair.server.open(request_binding("text/plain"), record, kStart)), ErrorCode::mismatch);
    EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), kNone);
  }
}

TEST_F(SessionKeysTest, AnAnswerBelongsToItsRequestAndStatusAlone) {
  Pair pair(patient());
  const RecordId first = record_id(sealed(pair.client, request_binding(), {}));
  const RecordId second = record_id(sealed(pair.client, request_binding(), {}));
  const Bytes answer = sealed(pair.server, answer_binding(first), body_of(30));
  EXPECT_EQ(code_of(pair.client.open(answer_binding(second), answer, kStart)), ErrorCode::integrity);
  EXPECT_EQ(code_of(pair.client.open(answer_binding(first, 201), answer, kStart)), ErrorCode::integrity);
  RecordId later = first;
  later.epoch.update = 1;
  EXPECT_EQ(code_of(pair.client.open(answer_binding(later), answer, kStart)), ErrorCode::integrity);
  EXPECT_EQ(code_of(pair.client.open(answer_binding(first), answer, kStart)), kNone);
}

TEST_F(SessionKeysTest, OtherSessionsAndDirectionsAreRefused) {
  Pair one(patient()), other(patient(), 1);
  const Bytes record = sealed(one.client, request_binding(), body_of(30));
  EXPECT_EQ(code_of(other.server.open(request_binding(), record, kStart)), ErrorCode::mismatch);
  EXPECT_EQ(code_of(one.client.open(answer_binding({}), record, kStart)), ErrorCode::mismatch) << "reflected";
  Binding any_type = answer_binding({});
  any_type.content_type = "";
  EXPECT_EQ(code_of(one.client.open(any_type, record, kStart)), ErrorCode::mismatch) << "reflected, of any type";
  // With the names changed to fit, the keys do not.
  Bytes renamed = record;
  std::copy(other.server.id().begin(), other.server.id().end(), renamed.begin() + 4);
  EXPECT_EQ(code_of(other.server.open(request_binding(), renamed, kStart)), ErrorCode::integrity);
  Bytes turned = record;
  turned[2] = 1;
  EXPECT_EQ(code_of(one.client.open(answer_binding({}, 200), turned, kStart)), ErrorCode::mismatch) << "content type";
  EXPECT_EQ(code_of(one.client.open(any_type, turned, kStart)), ErrorCode::integrity);
}

TEST_F(SessionKeysTest, ASecondCopyIsAReplay) {
  Pair pair;
  for (const std::size_t size : {std::size_t{10}, kMaxSingleBytes + 1}) {
    const Bytes record = sealed(pair.client, request_binding(), body_of(size));
    EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), kNone);
    for (int i = 0; i < 40; ++i)  // and replays do not kill: the record was genuine once
      EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), ErrorCode::refused);
  }
  EXPECT_TRUE(pair.server.alive(kStart));
}

TEST_F(SessionKeysTest, ForgeriesMoveNothing) {
  Pair pair(patient());
  const Bytes record = sealed(pair.client, request_binding(), body_of(10));
  for (const std::uint32_t epoch : {0u, 1u, 8u}) {
    Bytes ahead = record;
    ahead[23] = static_cast<std::uint8_t>(epoch);
    ahead[29] = 0x0f;  // far ahead of everything
    EXPECT_EQ(code_of(pair.server.open(request_binding(), ahead, kStart)), ErrorCode::integrity) << epoch;
  }
  for (const std::uint32_t epoch : {9u, 255u}) {
    Bytes ahead = record;
    ahead[23] = static_cast<std::uint8_t>(epoch);
    EXPECT_EQ(code_of(pair.server.open(request_binding(), ahead, kStart)), ErrorCode::refused) << epoch;
  }
  Bytes generation = record;
  generation[21] = 1;
  EXPECT_EQ(code_of(pair.server.open(request_binding(), generation, kStart)), ErrorCode::refused);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), kNone);
}

TEST_F(SessionKeysTest, SixteenForgeriesKillTheSession) {
  Pair pair;
  const Bytes good = sealed(pair.client, request_binding(), body_of(10));
  Bytes forged = good;
  forged.back() ^= 1;
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(pair.server.alive(kStart));
    EXPECT_EQ(code_of(pair.server.open(request_binding(), forged, kStart)), ErrorCode::integrity);
  }
  EXPECT_FALSE(pair.server.alive(kStart));
  EXPECT_EQ(code_of(pair.server.open(request_binding(), good, kStart)), ErrorCode::unauthorised);
  EXPECT_EQ(code_of(pair.server.seal(answer_binding({}), {}, kStart, random_)), ErrorCode::unauthorised);
  EXPECT_EQ(code_of(pair.server.answer_rekey({}, kStart, random_)), ErrorCode::unauthorised);
  EXPECT_EQ(code_of(pair.server.update(kStart)), ErrorCode::unauthorised);
}

TEST_F(SessionKeysTest, ASessionEndsInTime) {
  Pair pair;
  const seconds last = kEnd - seconds(1);
  const Bytes record = sealed(pair.client, request_binding(), {}, last);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kEnd)), ErrorCode::unauthorised);
  EXPECT_EQ(code_of(pair.client.seal(request_binding(), {}, kEnd, random_)), ErrorCode::unauthorised);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, last)), kNone);
}

TEST_F(SessionKeysTest, AnyOrderOpensOnceEach) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Pair pair;
  std::vector<std::pair<Bytes, Bytes>> flying;  // record, body
  for (std::size_t i = 0; i < 1024; ++i) {
    const Bytes body = body_of(random() % 50, i);
    flying.emplace_back(sealed(pair.client, request_binding(), body), body);
  }
  auto copies = flying;
  flying.insert(flying.end(), copies.begin(), copies.end());
  std::shuffle(flying.begin(), flying.end(), random);
  std::map<std::uint64_t, int> opened;
  for (const auto& [record, body] : flying) {
    const auto result = pair.server.open(request_binding(), record, kStart);
    if (result) {
      EXPECT_EQ(result->body, body);
      ++opened[result->id.sequence];
    } else {
      EXPECT_EQ(result.error().code, ErrorCode::refused);
    }
  }
  EXPECT_EQ(opened.size(), 1024u);
  for (const auto& [sequence, times] : opened) EXPECT_EQ(times, 1) << sequence;
}

TEST_F(SessionKeysTest, ThreadsShareASessionUnderOneMutex) {
  Pair pair;
  std::mutex mutex;
  std::atomic<int> good{0};
  const auto work = [&](std::uint64_t seed) {
    StreamRandom random(seed);
    for (std::size_t i = 0; i < 40; ++i) {
      const Bytes body = body_of(i % 8 == 0 ? 100'000 : 100 * i, seed * 1000 + i);
      const bool streamed = body.size() > kMaxSingleBytes;
      Bytes record, back(body.size());
      if (streamed) {
        auto sealer = [&] {
          const std::scoped_lock lock(mutex);
          return pair.client.begin_seal(request_binding(), kStart, random);
        }();
        record = sealer->head();
        Bytes out(StreamSealer::update_bound(body.size()) + kSealedChunkBytes);
        const std::size_t most = sealer->update(body, out).value();
        const std::size_t all = most + sealer->finish(MutableByteView(out).subspan(most)).value();
        record.insert(record.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(all));
        const std::size_t head = sealer->head().size();
        auto opener = [&] {
          const std::scoped_lock lock(mutex);
          return pair.server.begin_open(request_binding(), ByteView(record).first(head), kStart);
        }();
        const auto first = opener->update(ByteView(record).subspan(head), back);
        const auto end = opener->finish(MutableByteView(back).subspan(first->bytes));
        if (end && end->body_bytes == body.size() && back == body) ++good;
      } else {
        const std::scoped_lock lock(mutex);
        record = pair.client.seal(request_binding(), body, kStart, random).value();
        if (pair.server.open(request_binding(), record, kStart)->body == body) ++good;
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t t = 1; t <= 4; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
}

// Updates.

TEST_F(SessionKeysTest, SendersMoveOnByCountAndByTime) {
  KeyPolicy policy;
  policy.records_per_epoch = 3;
  Pair pair(policy);
  for (std::uint16_t i = 0; i < 10; ++i) {
    const Bytes record = sealed(pair.client, request_binding(), {});
    EXPECT_EQ(record_id(record), (RecordId{Epoch{0, static_cast<std::uint16_t>(i / 3)}, i % 3u}));
    EXPECT_TRUE(pair.server.open(request_binding(), record, kStart));
  }
  Pair slow;
  EXPECT_EQ(record_id(sealed(slow.client, request_binding(), {}, kStart + seconds(3599))).epoch, (Epoch{0, 0}));
  EXPECT_EQ(record_id(sealed(slow.client, request_binding(), {}, kStart + seconds(3600))).epoch, (Epoch{0, 1}));
}

TEST_F(SessionKeysTest, TheServersLimitsCountWhereStricter) {
  Established e = established();
  e.limits.rekey_after = seconds(10);
  e.limits.rekey_after_records = 2;
  SessionKeys client(Role::client, std::move(e), kStart);
  static_cast<void>(sealed(client, request_binding(), {}));
  static_cast<void>(sealed(client, request_binding(), {}));
  EXPECT_EQ(record_id(sealed(client, request_binding(), {})).epoch, (Epoch{0, 1}));
  EXPECT_EQ(record_id(sealed(client, request_binding(), {}, kStart + seconds(10))).epoch, (Epoch{0, 2}));
}

TEST_F(SessionKeysTest, PastEpochsOpenForAWhile) {
  Pair pair;
  const Bytes early = sealed(pair.client, request_binding(), body_of(3));
  const Bytes late = sealed(pair.client, request_binding(), body_of(3));
  ASSERT_TRUE(pair.client.update(kStart));
  const Bytes next = sealed(pair.client, request_binding(), {});
  // However long the sender's old epoch has been over, only a record of the new one starts the clock.
  const seconds seen = kStart + seconds(5000);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), next, seen)), kNone);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), early, seen + seconds(59))), kNone);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), early, seen + seconds(59))), ErrorCode::refused);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), late, seen + seconds(60))), ErrorCode::refused);
}

TEST_F(SessionKeysTest, UpdatesMayBeSkippedAndComeLate) {
  Pair pair;
  std::vector<Bytes> records;
  for (int i = 0; i < 12; ++i) {
    records.push_back(sealed(pair.client, request_binding(), {}));
    ASSERT_TRUE(pair.client.update(kStart));
  }
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[9], kStart)), ErrorCode::refused) << "9 ahead";
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[8], kStart)), kNone);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[3], kStart)), kNone) << "between two that are held";
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[0], kStart)), kNone);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[3], kStart)), ErrorCode::refused);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[11], kStart)), kNone);
  EXPECT_EQ(code_of(pair.server.open(request_binding(), records[8], kStart)), ErrorCode::refused);
}

TEST_F(SessionKeysTest, AnEpochDoesNotOpenAnothersRecords) {
  Pair pair(patient());
  Bytes record = sealed(pair.client, request_binding(), {});
  record[23] = 1;
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), ErrorCode::integrity);
  ASSERT_TRUE(pair.client.update(kStart));
  record = sealed(pair.client, request_binding(), {});
  record[23] = 0;
  EXPECT_EQ(code_of(pair.server.open(request_binding(), record, kStart)), ErrorCode::integrity);
}

TEST_F(SessionKeysTest, NumbersThatAreUsedUpAreRefused) {
  KeyPolicy policy;
  policy.records_per_epoch = 1;
  Pair pair(policy);
  for (int i = 0; i < 65'535; ++i) ASSERT_TRUE(pair.client.update(kStart));
  EXPECT_EQ(record_id(sealed(pair.client, request_binding(), {})), (RecordId{Epoch{0, 65'535}, 0}));
  EXPECT_EQ(code_of(pair.client.seal(request_binding(), {}, kStart, random_)), ErrorCode::exhausted);
  EXPECT_EQ(code_of(pair.client.begin_seal(request_binding(), kStart, random_)), ErrorCode::exhausted);
  EXPECT_EQ(code_of(pair.client.update(kStart)), ErrorCode::exhausted);
}

}  // namespace
}  // namespace prism::channel
