#include "prism/policy/ledger_event.h"

#include <gtest/gtest.h>

#include <random>

#include "prism/policy/grant.h"

namespace prism::policy {
namespace {

constexpr std::chrono::seconds kNow{1'700'000'000};

Charge some_charge() {
  Charge charge;
  charge.grant.fill(1);
  charge.plan.fill(2);
  charge.epsilon = dp::Epsilon::parse("0.5").value();
  charge.delta = dp::Delta::parse("1e-6").value();
  charge.events = {dp::Event::laplace({40, 1}, 20).value(), dp::Event::approximate(charge.epsilon, charge.delta)};
  charge.analyst = "alice";
  charge.room = "blue";
  return charge;
}

std::vector<LedgerEvent> one_of_each() {
  return {
      {1, kNow, Granted{{9, 8, 7}, "{\"version\": 1}\n"}},
      {2, kNow, Reserved{some_charge()}},
      {3, kNow, Committed{ReservationId{2}}},
      {4, std::chrono::seconds(-1), RolledBack{ReservationId{2}}},
      {5, kNow, Acknowledged{Acknowledged::Kind::moved}},
      {UINT64_MAX, kNow, Acknowledged{Acknowledged::Kind::restored}},
      {6, kNow, Acknowledged{Acknowledged::Kind::unmarked}},
  };
}

TEST(LedgerEvent, ReadsBackAsItWasWritten) {
  for (const LedgerEvent& event : one_of_each()) {
    const auto read = decode_ledger_event(encode(event));
    ASSERT_TRUE(read) << event.sequence << ": " << read.error().message;
    EXPECT_EQ(*read, event) << event.sequence;
  }
}

// Version 1 for ever: ledgers are kept for years, and their chains are made of these bytes.
TEST(LedgerEvent, BytesOfVersionOneStay) {
  std::vector<Digest> chain{Digest{}};
  for (const LedgerEvent& event : one_of_each()) chain.push_back(chain_digest(chain.back(), encode(event)));
  EXPECT_EQ(to_hex(chain.at(chain.size() - 2)), "0dc6b5d9d4637e0b0c6fae773275c8d9c8459cfb4e8583d104e59c26deeaa7d9");
  EXPECT_EQ(to_hex(chain.back()), "1f7f25070758b0e57cd666289c2edb3ba55af6046bca3492b3f850156daff561");
  EXPECT_EQ(to_hex(encode(one_of_each()[2])), "0103030000000000000000f15365000000000200000000000000");
}

// One value, one encoding: changed bytes are refused, or are another event's.
TEST(LedgerEvent, ChangedBytesAreRefusedOrMeanSomethingElse) {
  const std::uint64_t seed = 4711;
  std::mt19937_64 random(seed);
  for (const LedgerEvent& event : one_of_each()) {
    const Bytes good = encode(event);
    for (int i = 0; i < 2'000; ++i) {
      Bytes bytes = good;
      const std::size_t at = random() % bytes.size();
      if (i % 3 == 0) {
        bytes.resize(at);
      } else if (i % 3 == 1) {
        bytes[at] ^= static_cast<std::uint8_t>(1 + random() % 255);
      } else {
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random()));
      }
      if (bytes == good) continue;
      if (const auto read = decode_ledger_event(bytes)) {
        ASSERT_EQ(encode(*read), bytes) << "seed " << seed;
        ASSERT_NE(*read, event) << "seed " << seed;
      }
    }
  }
}

TEST(LedgerEvent, ChargesNobodyCanHaveDoNotRead) {
  LedgerEvent event{2, kNow, Reserved{some_charge()}};
  auto& charge = std::get<Reserved>(event.what).charge;
  charge.epsilon = {};
  EXPECT_FALSE(decode_ledger_event(encode(event)));
  charge = some_charge();
  charge.delta = dp::Delta::from_units(kMostDeltaUnits);
  EXPECT_FALSE(decode_ledger_event(encode(event)));
  charge = some_charge();
  charge.analyst = "a\nb";
  EXPECT_FALSE(decode_ledger_event(encode(event)));
  EXPECT_EQ(decode_ledger_event(Bytes{2, 1}).error().code, ErrorCode::unsupported);
  EXPECT_EQ(decode_ledger_event(Bytes{}).error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace prism::policy
