#include "prism/dp/filter.h"

#include <algorithm>
#include <cmath>

#include "prism/dp/internal/big.h"
#include "prism/dp/internal/curves.h"
#include "prism/dp/internal/exact_cost.h"

namespace prism::dp {

namespace {

/// Half of delta pays for the conversion of rho, rounded down.
Delta conversion_delta(Delta total) { return Delta::from_units(total.units() / 2); }

/// A rho in [0, 10^6] as units, rounded down.
Uint128 rho_units_down(double rho) {
  return static_cast<Uint128>(std::ldexp(std::min(internal::down(rho), 1e6), internal::kRhoBits));
}

double rho_up(Uint128 units) { return internal::up(std::ldexp(static_cast<double>(units), -internal::kRhoBits)); }

bool needs_delta(const Event& event) {
  return event.kind() == Event::Kind::gaussian || event.kind() == Event::Kind::zcdp;
}

}  // namespace

Status consistent(const Claim& claim) {
  const mpq_class pure = internal::pure_epsilon(claim.events);
  const mpq_class claimed = internal::to_big(claim.epsilon.rational());
  const Delta own = internal::own_delta(claim.events);
  const auto refuse = [&] {
    return fail(ErrorCode::mismatch, "the events cost more than the epsilon ", claim.epsilon.text(), " and delta ",
                claim.delta.text(), " that are claimed for them");
  };
  if (pure > claimed || own > claim.delta) return refuse();
  Accountant joint(Method::basic);
  bool any = false;
  for (const Event& event : claim.events) {
    if (!needs_delta(event)) continue;
    any = true;
    joint.compose(event);
  }
  if (!any) return {};
  // own_delta() counted the deltas of zCDP events already; the accountant counts them again, on the safe side.
  const mpq_class left = claimed - pure;
  if (joint.epsilon(claim.delta - own) > internal::down(left.get_d())) return refuse();
  return {};
}

Result<Filter> Filter::make(Method method, Epsilon total, Delta delta) {
  Filter out;
  out.method_ = method;
  out.total_ = total;
  out.total_delta_ = delta;
  switch (method) {
    case Method::basic:
      out.limit_ = {static_cast<Uint128>(total.nano()), delta.units()};
      return out;
    case Method::zcdp: {
      const Delta conversion = conversion_delta(delta);
      if (conversion == Delta() || total == Epsilon()) {
        return fail(ErrorCode::invalid_argument, "zcdp accounting of epsilon ", total.text(), " and delta ",
                    delta.text(), ": it wants both above 0; use basic");
      }
      const double rho = internal::zcdp_rho_down(total.value_down(), conversion.value_down());
      out.limit_ = {rho_units_down(rho), (delta - conversion).units()};
      return out;
    }
    case Method::advanced:
    case Method::rdp:
    case Method::pld:
      break;
  }
  return fail(ErrorCode::unsupported, "a budget by ", name_of(method),
              " accounting: it does not hold for queries chosen one by one; use basic or zcdp");
}

Filter::Cost Filter::cost(const Claim& claim) const {
  if (method_ == Method::basic) return {static_cast<Uint128>(claim.epsilon.nano()), claim.delta.units()};
  return {internal::rho_units(claim.events), internal::own_delta(claim.events).units()};
}

Status Filter::fits(const Claim& claim) const {
  // Under basic accounting the claim is what counts, so it has to be true; under zcdp the events alone are charged.
  if (method_ == Method::basic) PRISM_CHECKED(consistent(claim));
  const Cost asked = cost(claim);
  // Both differences stay at or above zero, as admit() goes past no limit.
  if (asked.epsilon <= limit_.epsilon - spent_.epsilon && asked.delta <= limit_.delta - spent_.delta) return {};
  return fail(ErrorCode::quota, "epsilon ", claim.epsilon.text(), " and delta ", claim.delta.text(),
              " do not fit: ", remaining());
}

Status Filter::admit(const Claim& claim) {
  PRISM_CHECKED(fits(claim));
  const Cost asked = cost(claim);
  spent_.epsilon += asked.epsilon;
  spent_.delta += asked.delta;
  return {};
}

Status Filter::refund(const Claim& claim) {
  const Cost asked = cost(claim);
  if (asked.epsilon > spent_.epsilon || asked.delta > spent_.delta) {
    return fail(ErrorCode::mismatch, "a refund of epsilon ", claim.epsilon.text(), " that was never charged");
  }
  spent_.epsilon -= asked.epsilon;
  spent_.delta -= asked.delta;
  return {};
}

Epsilon Filter::room() const {
  const Uint128 left = limit_.epsilon - spent_.epsilon;
  if (method_ == Method::basic) return Epsilon::from_nano(static_cast<std::int64_t>(left));
  // epsilon^2 / 2 <= left 2^-64, so nano <= sqrt(left 2 10^18 / 2^64).
  mpz_class square = internal::to_big(left) * 2 * mpz_class(Epsilon::kNanos) * mpz_class(Epsilon::kNanos);
  square >>= internal::kRhoBits;
  const mpz_class root = sqrt(square);
  return Epsilon::from_nano(static_cast<std::int64_t>(root.get_ui()));
}

Delta Filter::room_delta() const { return Delta::from_units(limit_.delta - spent_.delta); }

Epsilon Filter::spent() const {
  if (method_ == Method::basic) return Epsilon::from_nano(static_cast<std::int64_t>(spent_.epsilon));
  if (spent_.epsilon == 0) return {};
  const double epsilon = internal::zcdp_epsilon_up(rho_up(spent_.epsilon), conversion_delta(total_delta_).value_down());
  // The limit was rounded down, so that its last units may convert to a hair above the total.
  return Epsilon::from_nano(std::min(total_.nano(), static_cast<std::int64_t>(std::ceil(epsilon * 1e9))));
}

Delta Filter::spent_delta() const {
  if (method_ == Method::basic) return Delta::from_units(spent_.delta);
  const Delta conversion = spent_.epsilon == 0 ? Delta() : conversion_delta(total_delta_);
  return conversion + Delta::from_units(spent_.delta);
}

std::string Filter::remaining() const {
  if (method_ == Method::basic) return "epsilon " + room().text() + " and delta " + room_delta().text() + " are left";
  return "there is room for one query of epsilon " + room().text() + ", or several smaller ones, and delta " +
         room_delta().text();
}

}  // namespace prism::dp
