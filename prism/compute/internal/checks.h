// prism/compute/internal/checks.h - limits, asked before memory is spent.
#pragma once
#include "prism/compute/limits.h"
#include "prism/program/requirements.h"

namespace prism::compute {

/// exhausted for a larger ring, or more primes.
Status check_ring(const rlwe::ParameterSpec& spec, const Limits& limits);
/// exhausted for more memory or time, by estimates from the graph.
Status check_work(const program::Computation& computation, const program::AnyParameters& parameters,
                  const Limits& limits);

}  // namespace prism::compute
