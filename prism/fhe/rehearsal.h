// prism/fhe/rehearsal.h - a computation tried out before there are keys: on ciphertexts of zeros with keys of zeros, by
// the code that will run it. Levels, bounds and keys are facts of the circuit, so they come out exactly as they will.
#pragma once
#include <memory>
#include <vector>

#include "prism/circuits/key_list.h"
#include "prism/fhe/context.h"

namespace prism::fhe {

/// Everything it hands out shares it; used by one thread.
template <class Family>
class Rehearsal {
 public:
  /// A context that has every evaluation key there could be, each made of zeros when it is asked for. It is for
  /// computing: what it encrypts is worthless.
  static Result<Rehearsal> make(std::shared_ptr<const typename Family::Parameters> parameters,
                                double largest_magnitude);
  const Context<Family>& context() const { return context_; }
  /// As the key holder encrypts `size` values, with the bounds that it will have. (Exact: and noise as if all inputs
  /// shared their randomness, which is at least what it will be.)
  Result<Vector<Family>> input(std::size_t size) const;
  /// The keys that were used so far, each at the highest level it was used at; sorted.
  const std::vector<rlwe::KeyId>& keys_used() const { return used_->ids(); }

 private:
  Rehearsal(Context<Family> context, std::shared_ptr<const circuits::KeyList> used)
      : context_(std::move(context)), used_(std::move(used)) {}
  Context<Family> context_;
  std::shared_ptr<const circuits::KeyList>
      used_;  // shared with the source of keys inside the context, which adds to it
};

extern template class Rehearsal<Approximate>;
extern template class Rehearsal<Exact>;

}  // namespace prism::fhe
