#include "prism/dp/event.h"

#include "prism/base/check.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::dp {

namespace {

constexpr Int128 kBound = Int128{1} << 120;
constexpr std::uint8_t kVersion = 1;
/// A kind, a count, and the least that follows: an epsilon.
constexpr std::uint64_t kLeastEventBytes = 1 + 8 + 8;

/// In lowest terms, above zero and below 2^120 above and below the line.
Result<Rational> bounded(const Rational& value, std::string_view what) {
  PRISM_TRY(const Rational reduced, make_rational(value.numerator, value.denominator));
  if (reduced.numerator <= 0 || reduced.numerator >= kBound || reduced.denominator >= kBound) {
    return fail(ErrorCode::invalid_argument, what, " ", to_string(reduced),
                ": wanted above 0, with a numerator and a denominator below 2^120");
  }
  return reduced;
}

Status bounded(Int128 sensitivity) {
  if (sensitivity >= 1 && sensitivity < kBound) return {};
  return fail(ErrorCode::invalid_argument, "a sensitivity of ", prism::to_string(sensitivity),
              ": wanted at least 1 and below 2^120");
}

void write(wire::Writer& writer, Uint128 value) {
  writer.u64(static_cast<std::uint64_t>(value));
  writer.u64(static_cast<std::uint64_t>(value >> 64));
}

Result<Uint128> read_uint128(wire::Reader& reader) {
  PRISM_TRY(const std::uint64_t low, reader.u64());
  PRISM_TRY(const std::uint64_t high, reader.u64());
  return static_cast<Uint128>(high) << 64 | low;
}

/// Not negative: the factories check the rest of the bounds.
Result<Int128> read_int128(wire::Reader& reader) {
  PRISM_TRY(const Uint128 value, read_uint128(reader));
  if (value >> 127 != 0) return fail(ErrorCode::malformed, "a privacy event with a number of 2^127 or more");
  return static_cast<Int128>(value);
}

Result<Rational> read_rational(wire::Reader& reader) {
  PRISM_TRY(const Int128 numerator, read_int128(reader));
  PRISM_TRY(const Int128 denominator, read_int128(reader));
  const Result<Rational> reduced = make_rational(numerator, denominator);
  if (!reduced || *reduced != Rational{numerator, denominator}) {
    return fail(ErrorCode::malformed, "a privacy event with a fraction that is not in lowest terms");
  }
  return *reduced;
}

Result<Epsilon> read_epsilon(wire::Reader& reader) {
  PRISM_TRY(const std::int64_t nano, reader.i64());
  if (nano < 0) return fail(ErrorCode::malformed, "a privacy event with a negative epsilon");
  return Epsilon::from_nano(nano);
}

Result<Delta> read_delta(wire::Reader& reader) {
  PRISM_TRY(const Uint128 units, read_uint128(reader));
  if (units > Uint128{1} << Delta::kBits) return fail(ErrorCode::malformed, "a privacy event with a delta above 1");
  return Delta::from_units(units);
}

Result<Event> read_parameters(wire::Reader& reader, std::uint8_t kind) {
  switch (kind) {
    case static_cast<std::uint8_t>(Event::Kind::pure): {
      PRISM_TRY(const Epsilon epsilon, read_epsilon(reader));
      return Event::pure(epsilon);
    }
    case static_cast<std::uint8_t>(Event::Kind::approximate): {
      PRISM_TRY(const Epsilon epsilon, read_epsilon(reader));
      PRISM_TRY(const Delta delta, read_delta(reader));
      return Event::approximate(epsilon, delta);
    }
    case static_cast<std::uint8_t>(Event::Kind::laplace):
    case static_cast<std::uint8_t>(Event::Kind::gaussian): {
      PRISM_TRY(const Rational parameter, read_rational(reader));
      PRISM_TRY(const Int128 sensitivity, read_int128(reader));
      return kind == static_cast<std::uint8_t>(Event::Kind::laplace) ? Event::laplace(parameter, sensitivity)
                                                                     : Event::gaussian(parameter, sensitivity);
    }
    case static_cast<std::uint8_t>(Event::Kind::zcdp): {
      PRISM_TRY(const Rational rho, read_rational(reader));
      PRISM_TRY(const Delta delta, read_delta(reader));
      return Event::zcdp(rho, delta);
    }
    default:
      return fail(ErrorCode::malformed, "a privacy event of the unknown kind ", static_cast<int>(kind));
  }
}

}  // namespace

Event Event::pure(Epsilon epsilon) {
  Event event;
  event.kind_ = Kind::pure;
  event.epsilon_ = epsilon;
  return event;
}

Event Event::approximate(Epsilon epsilon, Delta delta) {
  Event event;
  event.kind_ = Kind::approximate;
  event.epsilon_ = epsilon;
  event.delta_ = delta;
  return event;
}

Result<Event> Event::laplace(const Rational& scale, Int128 sensitivity) {
  Event event;
  event.kind_ = Kind::laplace;
  PRISM_TRY(event.parameter_, bounded(scale, "a Laplace scale of"));
  PRISM_CHECKED(bounded(sensitivity));
  event.sensitivity_ = sensitivity;
  return event;
}

Result<Event> Event::gaussian(const Rational& variance, Int128 l2_squared) {
  Event event;
  event.kind_ = Kind::gaussian;
  PRISM_TRY(event.parameter_, bounded(variance, "a Gaussian variance of"));
  PRISM_CHECKED(bounded(l2_squared));
  event.sensitivity_ = l2_squared;
  return event;
}

Result<Event> Event::zcdp(const Rational& rho, Delta delta) {
  Event event;
  event.kind_ = Kind::zcdp;
  PRISM_TRY(event.parameter_, bounded(rho, "a rho of"));
  if (compare(event.parameter_, Rational{kMostRho, 1}) > 0) {
    return fail(ErrorCode::invalid_argument, "a rho of ", to_string(rho), ": wanted at most ", kMostRho);
  }
  event.delta_ = delta;
  return event;
}

Result<Event> Event::times(std::uint64_t count) const {
  if (count == 0 || count > kMostCount / count_) {
    return fail(ErrorCode::invalid_argument, "a privacy event ", count_, " times ", count, ": wanted 1 to ", kMostCount,
                " in all");
  }
  return with_count(count_ * count);
}

Event Event::with_count(std::uint64_t count) const {
  check(count >= 1 && count <= kMostCount, "Event: a count out of bounds");
  Event event = *this;
  event.count_ = count;
  return event;
}

Result<Bytes> encode_events(std::span<const Event> events) {
  if (events.size() > kMostEvents) {
    return fail(ErrorCode::invalid_argument, events.size(), " privacy events in one charge; at most ", kMostEvents,
                ": merge equal ones with times()");
  }
  wire::Writer writer;
  writer.u8(kVersion);
  writer.count(events.size());
  for (const Event& event : events) {
    writer.u8(static_cast<std::uint8_t>(event.kind()));
    writer.u64(event.count());
    switch (event.kind()) {
      case Event::Kind::pure:
        writer.i64(event.epsilon().nano());
        break;
      case Event::Kind::approximate:
        writer.i64(event.epsilon().nano());
        write(writer, event.delta().units());
        break;
      case Event::Kind::laplace:
      case Event::Kind::gaussian:
        write(writer, static_cast<Uint128>(event.parameter().numerator));
        write(writer, static_cast<Uint128>(event.parameter().denominator));
        write(writer, static_cast<Uint128>(event.sensitivity()));
        break;
      case Event::Kind::zcdp:
        write(writer, static_cast<Uint128>(event.parameter().numerator));
        write(writer, static_cast<Uint128>(event.parameter().denominator));
        write(writer, event.delta().units());
        break;
    }
  }
  return std::move(writer).take();
}

Result<std::vector<Event>> decode_events(ByteView bytes) {
  wire::Reader reader(bytes, "the privacy events");
  PRISM_TRY(const std::uint8_t version, reader.u8());
  if (version != kVersion) {
    return fail(ErrorCode::unsupported, "privacy events of version ", static_cast<int>(version),
                "; this program reads ", static_cast<int>(kVersion));
  }
  PRISM_TRY(const std::size_t count, reader.count(kMostEvents, kLeastEventBytes));
  std::vector<Event> events;
  events.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(const std::uint8_t kind, reader.u8());
    PRISM_TRY(const std::uint64_t repeated, reader.u64());
    Result<Event> once = read_parameters(reader, kind);
    Result<Event> event = std::move(once).and_then([&](const Event& e) { return e.times(repeated); });
    // A number out of bounds is an argument to the factories, but here it is bytes that nobody wrote.
    if (!event) return fail(ErrorCode::malformed, event.error().message);
    events.push_back(*event);
  }
  PRISM_CHECKED(reader.finish());
  return events;
}

}  // namespace prism::dp
