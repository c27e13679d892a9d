// prism/circuits/key_list.h - which switching keys a circuit needs: made before anything runs, so that a key holder
// makes these and no others.
#pragma once
#include <vector>

#include "prism/base/random.h"
#include "prism/rlwe/keys.h"

namespace prism::circuits {

/// Keys by kind and Galois element, each at the highest level it is asked at (a key serves all lower levels). Sorted,
/// no duplicates; the identity is never listed.
class KeyList {
 public:
  void add(rlwe::KeyId id);
  void add(const KeyList& other);
  /// X -> X^g for the rotation by `steps` in a ring of this degree; nothing for a whole turn.
  void add_rotation(int steps, std::size_t degree, rlwe::Level level);
  void add_conjugation(std::size_t degree, rlwe::Level level);
  void add_relinearisation(rlwe::Level level) { add({rlwe::KeyId::Kind::relinearise, 0, level}); }
  const std::vector<rlwe::KeyId>& ids() const { return ids_; }
  std::size_t size() const { return ids_.size(); }
  bool operator==(const KeyList&) const = default;

 private:
  std::vector<rlwe::KeyId> ids_;
};

/// Makes the keys of the list that `keys` does not reach yet. `error_scale`: t for BGV, 1 for BFV and CKKS
/// (exact::Parameters::error_scale). Refuses what rlwe::make_switch_key refuses; keys made until then stay.
Status make_keys(rlwe::EvaluationKeys& keys, const KeyList& list, const rlwe::SecretKey& secret,
                 std::uint64_t error_scale, Random& random);

/// not_found, naming the first key of the list that is missing.
Status check_keys(const rlwe::EvaluationKeys& keys, const KeyList& list);

}  // namespace prism::circuits
