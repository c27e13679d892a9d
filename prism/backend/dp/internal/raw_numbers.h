// prism/backend/dp/internal/raw_numbers.h - what has to be computed from the rows for a release plan, and the exact
// numbers of each release made of it. Exact numbers are private: they exist between the database and the noise alone.
#pragma once
#include <gmpxx.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "prism/backend/dp/internal/release_plan.h"
#include "prism/backend/dp/relational.h"

namespace prism::backend::dp::internal {

/// The request for a plan's releases, each thing once, and where the parts are.
struct RawRequest {
  AggregateRequest request;
  struct Parts {
    std::size_t rows = 0, values = 0, units = 0, sum = 0, bernstein = 0;  ///< aggregates, as far as they are needed
    std::size_t histogram = 0;
  };
  std::vector<Parts> parts;          ///< as ReleasePlan::releases
  std::optional<std::size_t> units;  ///< the aggregate that the choice of groups reads
};
RawRequest raw_request(const ReleasePlan& plan);

/// The exact numbers of a group, as ReleasePlan::numbers. `group` null: of a group without rows, all zero.
std::vector<mpz_class> exact_numbers(const ReleasePlan& plan, const RawRequest& raw, const GroupNumbers* group);

}  // namespace prism::backend::dp::internal
