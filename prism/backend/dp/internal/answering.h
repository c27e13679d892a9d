// prism/backend/dp/internal/answering.h - from exact numbers to an answer: noise, choice of groups, finishing, error
// bars.
#pragma once
#include <vector>

#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/dp/seed.h"

namespace prism::backend::dp::internal {

/// Every draw's stream is fixed by the seed, the draw's number and the group's key, before anything is known about the
/// data; so the order of `exact` does not matter, and what happens in one group changes no other group's noise.
/// Errors: only for a plan and numbers that do not belong together.
Result<Answer> answer_from(const Prepared::State& query, const prism::dp::NoiseSeed& seed,
                           const std::vector<GroupNumbers>& exact);

/// The released numbers themselves, before they are finished; for tests of the mechanism.
std::vector<NoisyGroup> released(const Prepared::State& query, const prism::dp::NoiseSeed& seed,
                                 const std::vector<GroupNumbers>& exact);

}  // namespace prism::backend::dp::internal
