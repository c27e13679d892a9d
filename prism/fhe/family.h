// prism/fhe/family.h - the two kinds of numbers, and the names of what computes on each.
#pragma once
#include "prism/ckks/ciphertext.h"
#include "prism/exact/ciphertext.h"
#include "prism/fhe/intent.h"

namespace prism::fhe {

template <class Family>
class Context;
template <class Family>
class KeyHolder;
template <class Family>
class Vector;
template <class Family>
class Rehearsal;

/// Real numbers: fhe::Approximate::KeyHolder, ::Context, ::Vector.
struct Approximate {
  using Number = double;
  using Intent = ApproximateIntent;
  using Parameters = ckks::Parameters;
  using Ciphertext = ckks::Ciphertext;
  using Context = fhe::Context<Approximate>;
  using KeyHolder = fhe::KeyHolder<Approximate>;
  using Vector = fhe::Vector<Approximate>;
};

/// Whole numbers: fhe::Exact::KeyHolder, ::Context, ::Vector.
struct Exact {
  using Number = std::int64_t;
  using Intent = ExactIntent;
  using Parameters = exact::Parameters;
  using Ciphertext = exact::Ciphertext;
  using Context = fhe::Context<Exact>;
  using KeyHolder = fhe::KeyHolder<Exact>;
  using Vector = fhe::Vector<Exact>;
};

}  // namespace prism::fhe
