#include "prism/fhe/intent.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <set>

namespace prism::fhe {
namespace {

bool moves(const Movement& movement) { return movement.sums || movement.any_rotation || !movement.rotations.empty(); }

}  // namespace

namespace {

/// Far more than fits a machine, and additions times slots do not wrap (in a browser size_t has 32 bits).
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 40, kMostAdditions = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostSlots = std::uint64_t{1} << 16;

Status check_counts(std::uint64_t values, std::uint64_t additions) {
  if (values <= kMostValues && additions <= kMostAdditions &&
      additions * (values + kMostSlots) <= std::numeric_limits<std::size_t>::max())
    return {};
  return fail(ErrorCode::invalid_argument, "an intent for ", values, " values and ", additions,
              " additions; at most 2^40 and 2^20 can be asked for, and less where memory is addressed by 32 bits");
}

}  // namespace

Result<std::shared_ptr<const ckks::Parameters>> parameters_for(const ApproximateIntent& intent) {
  if (intent.values == 0) return fail(ErrorCode::invalid_argument, "an intent for vectors of 0 values");
  PRISM_CHECKED(check_counts(intent.values, intent.additions));
  ckks::Intent wanted;
  wanted.depth = intent.depth;
  wanted.precision_bits = intent.precision_bits;
  wanted.largest_magnitude = intent.largest_magnitude;
  wanted.rotations = moves(intent.movement);
  wanted.security = intent.security;
  wanted.additions = intent.additions;
  if (!intent.movement.sums) return ckks::parameters_for(wanted);
  // A sum adds up every slot, and with it the errors of those that no value stands in.
  std::size_t terms = intent.values;
  for (;;) {
    wanted.additions = intent.additions * terms;
    PRISM_TRY(auto made, ckks::parameters_for(wanted));
    const std::size_t blocks = (intent.values + made->slots() - 1) / made->slots();
    if (blocks * made->slots() <= terms) return made;
    terms = blocks * made->slots();
  }
}

Result<std::shared_ptr<const exact::Parameters>> parameters_for(const ExactIntent& intent) {
  if (intent.largest_value == 0) return fail(ErrorCode::invalid_argument, "an intent for values that are all 0");
  PRISM_CHECKED(check_counts(1, intent.additions));
  exact::Intent wanted;
  wanted.depth = intent.depth;
  wanted.largest_sum = intent.largest_value;
  wanted.rotations = moves(intent.movement);
  wanted.security = intent.security;
  wanted.scheme = intent.scheme;
  wanted.additions = intent.additions;
  if (!intent.movement.sums) return exact::parameters_for(wanted);
  // Each step of a sum doubles what came before it and adds a key switch: twice N covers both.
  std::size_t terms = std::size_t{1} << 12;
  for (;;) {
    wanted.additions = intent.additions * terms;
    PRISM_TRY(auto made, exact::parameters_for(wanted));
    if (2 * made->slots() <= terms) return made;
    terms = 2 * made->slots();
  }
}

Result<std::vector<rlwe::KeyId>> keys_for(const rlwe::Parameters& parameters, int depth, const Movement& movement) {
  using Kind = rlwe::KeyId::Kind;
  const std::size_t n = parameters.degree(), half = n / 2;
  const rlwe::Level top = parameters.max_level();
  std::set<rlwe::KeyId> ids;
  if (depth > 0) ids.insert({Kind::relinearise, 0, top});
  if (movement.sums || movement.any_rotation) {
    for (std::size_t step = 1; step < half; step *= 2)
      ids.insert({Kind::automorphism, rlwe::galois_element_for_rotation(static_cast<int>(step), n), top});
    ids.insert({Kind::automorphism, rlwe::galois_element_for_conjugation(n), top});
  }
  for (const int steps : movement.rotations) {
    if (static_cast<std::size_t>(std::abs(static_cast<long>(steps))) >= half) {
      return fail(ErrorCode::invalid_argument, "a rotation by ", steps, "; with N = ", n, " a row has ", half,
                  " slots; set any_rotation for vectors of several ciphertexts");
    }
    if (steps != 0) ids.insert({Kind::automorphism, rlwe::galois_element_for_rotation(steps, n), top});
  }
  return std::vector<rlwe::KeyId>(ids.begin(), ids.end());
}

}  // namespace prism::fhe
