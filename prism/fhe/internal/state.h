// prism/fhe/internal/state.h - what stands behind Context and Vector.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "prism/fhe/internal/scheme.h"
#include "prism/fhe/vector.h"

namespace prism::fhe {

template <class Family>
struct ContextState {
  static Result<std::shared_ptr<const ContextState>> make(std::shared_ptr<const typename Family::Parameters> parameters,
                                                          double largest_magnitude, rlwe::PublicKey public_key,
                                                          rlwe::EvaluationKeys keys);
  Scheme<Family> scheme;
  std::shared_ptr<const rlwe::PublicKey> public_key;  // shared with the scheme's encryptor
  rlwe::EvaluationKeys keys;
  Digest identity;
};

/// What stands in the slots after the last value.
enum class Padding : std::uint8_t {
  zero = 0,
  copies = 1,    ///< one value, in every slot
  anything = 2,  ///< a sum must mask it
};

template <class Family>
struct VectorState {
  using Ciphertext = typename Family::Ciphertext;
  VectorState(std::shared_ptr<const ContextState<Family>> of, std::size_t count, Padding rest,
              std::vector<Ciphertext> made, bool claimed)
      : context(std::move(of)), size(count), padding(rest), bounds_are_claimed(claimed), blocks(std::move(made)) {}
  VectorState(const VectorState&) = delete;
  VectorState& operator=(const VectorState&) = delete;
  ~VectorState() { delete settled_.load(); }

  /// The blocks with everything done that was put off. Computed at most once for each thread that asks at the same
  /// time; all of them compute the same bytes, and one is kept.
  Result<const std::vector<Ciphertext>*> settled() const;
  bool is_settled() const { return blocks.empty() || context->scheme.is_settled(blocks[0]); }

  std::shared_ptr<const ContextState<Family>> context;  // shared with every vector of the context
  std::size_t size;
  Padding padding;
  bool bounds_are_claimed;         ///< somewhere in its past stand bytes, whose writer said what the bounds are
  std::vector<Ciphertext> blocks;  ///< all of one level, and all products or none

 private:
  mutable std::atomic<const std::vector<Ciphertext>*> settled_{nullptr};
};

}  // namespace prism::fhe
