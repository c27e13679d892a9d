#include "prism/circuits/key_list.h"

#include <algorithm>

namespace prism::circuits {

void KeyList::add(rlwe::KeyId id) {
  const auto before = [](const rlwe::KeyId& a, const rlwe::KeyId& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.g < b.g;
  };
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id, before);
  if (at != ids_.end() && at->kind == id.kind && at->g == id.g) {
    at->level = std::max(at->level, id.level);
  } else {
    ids_.insert(at, id);
  }
}

void KeyList::add(const KeyList& other) {
  for (const rlwe::KeyId& id : other.ids_) add(id);
}

void KeyList::add_rotation(int steps, std::size_t degree, rlwe::Level level) {
  const std::uint32_t g = rlwe::galois_element_for_rotation(steps, degree);
  if (g != 1) add({rlwe::KeyId::Kind::automorphism, g, level});
}

void KeyList::add_conjugation(std::size_t degree, rlwe::Level level) {
  add({rlwe::KeyId::Kind::automorphism, rlwe::galois_element_for_conjugation(degree), level});
}

Status make_keys(rlwe::EvaluationKeys& keys, const KeyList& list, const rlwe::SecretKey& secret,
                 std::uint64_t error_scale, Random& random) {
  for (const rlwe::KeyId& id : list.ids()) {
    if (keys.find(id.kind, id.g, id.level).has_value()) continue;
    PRISM_TRY(rlwe::SwitchKey key, rlwe::make_switch_key(secret, id, error_scale, random));
    keys.add(std::move(key));
  }
  return {};
}

Status check_keys(const rlwe::EvaluationKeys& keys, const KeyList& list) {
  for (const rlwe::KeyId& id : list.ids()) PRISM_CHECKED(keys.find(id.kind, id.g, id.level));
  return {};
}

}  // namespace prism::circuits
