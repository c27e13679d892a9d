#include "prism/dp/internal/exact_cost.h"

#include "prism/dp/internal/big.h"

namespace prism::dp::internal {

namespace {

/// What one repetition loses at most, as a pure epsilon; 0 for Gaussian and zCDP events.
mpq_class pure_epsilon(const Event& event) {
  switch (event.kind()) {
    case Event::Kind::pure:
    case Event::Kind::approximate:
      return to_big(event.epsilon().rational());
    case Event::Kind::laplace:
      return to_big(event.sensitivity()) / to_big(event.parameter());
    case Event::Kind::gaussian:
    case Event::Kind::zcdp:
      break;
  }
  return 0;
}

mpq_class rho(const Event& event) {
  switch (event.kind()) {
    case Event::Kind::gaussian:
      return to_big(event.sensitivity()) / (2 * to_big(event.parameter()));
    case Event::Kind::zcdp:
      return to_big(event.parameter());
    case Event::Kind::pure:
    case Event::Kind::approximate:
    case Event::Kind::laplace:
      break;
  }
  const mpq_class epsilon = pure_epsilon(event);
  return epsilon * epsilon / 2;
}

}  // namespace

Uint128 to_units(const mpz_class& value) {
  if (value >= to_big(kMostUnits)) return kMostUnits;
  return to_uint128(value);
}

mpq_class pure_epsilon(std::span<const Event> events) {
  mpq_class sum = 0;
  for (const Event& event : events) sum += pure_epsilon(event) * to_big(static_cast<Uint128>(event.count()));
  return sum;
}

Uint128 rho_units(std::span<const Event> events) {
  Uint128 sum = 0;
  for (const Event& event : events) {
    mpq_class scaled = rho(event) * to_big(static_cast<Uint128>(event.count()));
    scaled *= mpz_class(1) << kRhoBits;
    const Uint128 units = to_units(divide_up(scaled.get_num(), scaled.get_den()));
    sum = sum > kMostUnits - units ? kMostUnits : sum + units;
  }
  return sum;
}

Delta own_delta(std::span<const Event> events) {
  Delta sum;
  for (const Event& event : events) sum = sum + event.delta() * event.count();
  return sum;
}

}  // namespace prism::dp::internal
