// bench/unit_costs.h - what one row of each kind of work takes here, for predicting operations from
// prism/program/work.h.
#pragma once
#include "prism/program/work.h"
#include "prism/ring/ring.h"

namespace bench {

/// Nanoseconds a row of N residues, each kind as operations meet it: transforms and light work on rows in the first
/// cache levels, products of conversions on tiles, products with keys on rows that come from wherever a key of that
/// size lies.
struct UnitCosts {
  double forward = 0, inverse = 0, product = 0, light = 0, key_row = 0;
  double predict(const prism::program::Work& work) const;
};
UnitCosts measure_unit_costs(const prism::ring::Ring& ring, const prism::program::Chain& at);

}  // namespace bench
