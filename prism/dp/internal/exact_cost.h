// prism/dp/internal/exact_cost.h - what events cost in exact numbers, rounded up once: for ledgers and filters.
#pragma once
#include <gmpxx.h>

#include <span>

#include "prism/base/int128.h"
#include "prism/dp/event.h"

namespace prism::dp::internal {

/// Zcdp sums count rho in units of 2^-64.
inline constexpr int kRhoBits = 64;
/// Sums stop here, far above every limit.
inline constexpr Uint128 kMostUnits = Uint128{1} << 126;

/// kMostUnits for anything larger.
Uint128 to_units(const mpz_class& value);

/// The sum of the epsilons of pure, approximate and Laplace events; exact.
mpq_class pure_epsilon(std::span<const Event> events);
/// The sum of all events' rho, each event (with its count) rounded up to a unit (pure: epsilon^2 / 2).
Uint128 rho_units(std::span<const Event> events);
/// The sum of the events' own deltas.
Delta own_delta(std::span<const Event> events);

}  // namespace prism::dp::internal
