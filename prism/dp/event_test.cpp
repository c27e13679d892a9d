#include "prism/dp/event.h"

#include <gtest/gtest.h>

#include <random>

namespace prism::dp {
namespace {

Event random_event(std::mt19937_64& random) {
  const auto number = [&] { return static_cast<Int128>(random() >> (random() % 60)) + 1; };
  const Epsilon epsilon = Epsilon::from_nano(static_cast<std::int64_t>(random() >> 20));
  const Delta delta = Delta::from_units(static_cast<Uint128>(random()) << (random() % 50));
  const std::uint64_t count = random() % Event::kMostCount + 1;
  switch (random() % 5) {
    case 0:
      return Event::pure(epsilon).with_count(count);
    case 1:
      return Event::approximate(epsilon, delta).with_count(count);
    case 2:
      return Event::laplace({number(), number()}, number()).value().with_count(count);
    case 3:
      return Event::gaussian({number(), number()}, number() << 50).value().with_count(count);
    default:
      return Event::zcdp({number() % 1000 + 1, number()}, delta).value().with_count(count);
  }
}

TEST(Event, EncodingIsReadBackAndNoOtherBytesAre) {
  const std::uint64_t seed = 20;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200; ++i) {
    std::vector<Event> events;
    for (std::size_t n = random() % 6; n > 0; --n) events.push_back(random_event(random));
    const Bytes bytes = encode_events(events).value();
    EXPECT_EQ(decode_events(bytes).value(), events) << "seed " << seed << ", round " << i;
    // Every change is either refused or is another list, never another spelling of the same one.
    Bytes changed = bytes;
    changed[random() % changed.size()] ^= static_cast<std::uint8_t>(1U << (random() % 8));
    if (const auto other = decode_events(changed)) {
      EXPECT_NE(*other, events);
      EXPECT_EQ(encode_events(*other).value(), changed);
    }
    changed = bytes;
    changed.push_back(0);
    EXPECT_EQ(decode_events(changed).error().code, ErrorCode::malformed);
    changed.resize(bytes.size() - 1);
    EXPECT_FALSE(decode_events(changed));
  }
}

TEST(Event, EncodingIsFixed) {
  const std::vector<Event> events = {Event::pure(Epsilon::parse("0.5").value()),
                                     Event::laplace({10, 4}, 3).value().times(7).value()};
  EXPECT_EQ(to_hex(encode_events(events).value()),
            "01"                // version
            "0200000000000000"  // two events
            "01"
            "0100000000000000"
            "0065cd1d00000000"  // pure, once, 500000000 billionths
            "03"
            "0700000000000000"  // laplace, seven times
            "05000000000000000000000000000000"
            "02000000000000000000000000000000"    // 5 / 2
            "03000000000000000000000000000000");  // sensitivity
}

TEST(Event, BoundsAreChecked) {
  const Int128 large = Int128{1} << 120;
  EXPECT_EQ(Event::laplace({0, 1}, 1).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Event::laplace({-1, 1}, 1).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Event::laplace({1, 0}, 1).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Event::laplace({1, 1}, 0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Event::gaussian({large, 1}, 1).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Event::gaussian({1, 1}, large).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Event::zcdp({1'000'001, 1}, Delta()).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(Event::gaussian({large - 1, 1}, large - 1));
  EXPECT_TRUE(Event::zcdp({1'000'000, 1}, Delta()));
  const Event many = Event::pure(Epsilon()).times(Event::kMostCount).value();
  EXPECT_EQ(many.times(2).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(many.times(0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(encode_events(std::vector<Event>(kMostEvents + 1, many)).error().code, ErrorCode::invalid_argument);
}

TEST(Event, LaterVersionsAndLongListsAreRefused) {
  Bytes bytes = encode_events({}).value();
  bytes[0] = 2;
  EXPECT_EQ(decode_events(bytes).error().code, ErrorCode::unsupported);
  bytes[0] = 1;
  for (std::size_t i = 1; i < 9; ++i) bytes[i] = 0xff;
  EXPECT_EQ(decode_events(bytes).error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace prism::dp
