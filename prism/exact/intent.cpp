// Parameters from what is to be computed: the noise model is run on the deepest circuit of the intent, on one ring
// after another.
#include <algorithm>
#include <optional>

#include "prism/exact/noise.h"
#include "prism/exact/parameters.h"
#include "prism/math/primes.h"

namespace prism::exact {
namespace {

constexpr unsigned kMinLogN = 11, kMaxLogN = 16;
constexpr std::uint64_t kPlainLimit = std::uint64_t{1} << 49;
constexpr int kMostDepth = 64;          ///< deeper than any ring of the table carries without bootstrapping
constexpr std::uint64_t kOperands = 4;  ///< ciphertexts that may be added up before each product

/// The smallest prime above `above` that is 1 mod 2N; 0 when none is below 2^49.
std::uint64_t plain_modulus(std::uint64_t above, unsigned log_n) {
  const std::uint64_t order = std::uint64_t{2} << log_n;
  for (std::uint64_t t = (above / order + 1) * order + 1; t < kPlainLimit; t += order) {
    if (math::is_prime(t)) return t;
  }
  return 0;
}

struct Plan {
  std::vector<std::uint32_t> level_sizes;
};

/// Runs the circuit on `count` of the primes (level i of `parameters` has i + 1): level sizes when it
/// decrypts.
std::optional<Plan> simulate(const Intent& intent, const NoiseModel& model, std::uint32_t count, double excess) {
  const auto level = [](std::uint32_t primes) { return rlwe::Level{static_cast<int>(primes) - 1}; };
  const bool bgv = intent.scheme == Scheme::bgv;
  Plan plan{{count}};
  Noise x = model.fresh_public(Ancestry::everything());
  if (intent.depth > 0 && bgv && intent.rotations) x = model.key_switch(x, level(count));
  for (int d = 0; d < intent.depth; ++d) {
    const bool last = d + 1 == intent.depth;
    const Noise operand = model.times(x, kOperands);
    Noise y = bgv ? model.multiply(operand, operand) : model.multiply_bfv(operand, operand, level(count));
    y = model.key_switch(y, level(count));
    if (intent.rotations) y = model.key_switch(model.automorphism(y), level(count));
    if (!bgv) {
      x = y;
      continue;
    }
    if (!model.decrypts(y, level(count))) return std::nullopt;
    // As few primes go as bring the noise within `excess` bits of what rounding leaves in any case.
    std::optional<std::uint32_t> rest;
    Noise lower;
    for (std::uint32_t gone = 1; gone < count && !rest; ++gone) {
      lower = model.switch_modulus(y, level(count), level(count - gone), 2, Ancestry::everything());
      const Noise floor = model.switch_modulus(model.multiply_scalar(y, 0), level(count), level(count - gone), 2,
                                               Ancestry::everything());
      if (lower.coefficient.log2() <= floor.coefficient.log2() + excess) rest = count - gone;
    }
    const bool stays = last && model.decrypts(model.times(y, intent.additions), level(count));
    if (rest && (!last || model.decrypts(model.times(lower, intent.additions), level(*rest)))) {
      x = lower;
      count = *rest;
      plan.level_sizes.insert(plan.level_sizes.begin(), count);
    } else if (stays) {
      x = y;
    } else {
      return std::nullopt;
    }
  }
  if (!model.decrypts(model.times(x, intent.additions), level(count))) return std::nullopt;
  if (!bgv) {
    plan.level_sizes.clear();
    for (std::uint32_t i = 1; i <= count; ++i) plan.level_sizes.push_back(i);
  }
  return plan;
}

/// The cheapest parameters of one ring and one size of primes.
Result<std::shared_ptr<const Parameters>> search(const Intent& intent, unsigned log_n, unsigned bits, std::uint64_t t) {
  const Error nothing = fail(ErrorCode::unsupported, "no parameters of this size");
  const auto budget = rlwe::max_log2_modulus(log_n, intent.security);
  const std::uint32_t most = std::min(60U, budget / bits);
  const bool switching = intent.depth > 0 || intent.rotations;
  std::shared_ptr<const Parameters> found;
  // More special primes make fewer, larger digits: faster switching for a larger modulus. At least two digits are kept.
  for (std::uint32_t digit = 1; digit <= 4; ++digit) {
    const std::uint32_t special = switching ? digit : 0;
    if (most <= special || (digit > 1 && !switching)) break;
    const std::uint32_t available = most - special;
    PRISM_TRY(const std::vector<std::uint64_t> primes, rlwe::choose_primes(bits, most, {t}));
    // Special primes are the largest, so that P exceeds every digit.
    rlwe::ParameterSpec spec;
    spec.log_n = log_n;
    spec.special_primes.assign(primes.begin(), primes.begin() + special);
    spec.primes.assign(primes.begin() + special, primes.end());
    spec.digit_size = digit;
    spec.security = rlwe::Security::none_for_tests;  // for the search alone; what is returned is checked
    PRISM_TRY(const std::shared_ptr<const rlwe::Parameters> trial, rlwe::Parameters::make(spec));
    const NoiseModel model(*trial, t, rlwe::ternary_norms(trial->degree()), NoiseModel::Mode::tails);
    std::optional<Plan> plan;
    for (std::uint32_t count = 1; count <= available && !plan; ++count) {
      // Dropping late keeps primes, dropping early keeps noise low: which is cheaper depends on t and the depth.
      for (const double excess : {1.0, 2.0, 4.0, 7.0, 11.0, 16.0, 24.0}) {
        std::optional<Plan> other = simulate(intent, model, count, excess);
        // Of equally many primes, the plan whose answers are smallest.
        if (other && (!plan || other->level_sizes.front() < plan->level_sizes.front())) plan = std::move(other);
      }
    }
    if (!plan) break;
    const std::uint32_t count = plan->level_sizes.back();
    if (found && count < 3 * digit) break;
    spec.primes.resize(count);
    spec.level_sizes = plan->level_sizes;
    spec.security = intent.security;
    PRISM_TRY(found, Parameters::make(spec, t, intent.scheme));
  }
  if (!found) return nothing;
  return found;
}

Result<std::shared_ptr<const Parameters>> smallest(const Intent& intent) {
  for (unsigned log_n = std::max(kMinLogN, intent.min_log_n); log_n <= kMaxLogN; ++log_n) {
    const std::uint64_t t =
        intent.plain_modulus != 0 ? intent.plain_modulus : plain_modulus(2 * intent.largest_sum, log_n);
    if (t == 0 || (t - 1) % (std::uint64_t{2} << log_n) != 0) continue;
    // Primes just below 2^50 are the fastest per bit; smaller ones waste less of a small ring's modulus.
    for (const unsigned bits : {50U, 45U, 40U, 36U, 32U}) {
      if (bits < 50 && log_n > 13) break;
      auto found = search(intent, log_n, bits, t);
      if (found) return found;
    }
  }
  return fail(ErrorCode::unsupported, "nothing fits");
}

}  // namespace

Result<std::shared_ptr<const Parameters>> parameters_for(const Intent& intent) {
  if (intent.depth < 0 || intent.additions == 0)
    return fail(ErrorCode::invalid_argument, "depth ", intent.depth, " and ", intent.additions, " additions");
  if (intent.security == rlwe::Security::none_for_tests)
    return fail(ErrorCode::insecure, "parameters by intent are secure; choose 128, 192 or 256 bits");
  if (intent.min_log_n > kMaxLogN)
    return fail(ErrorCode::unsupported, "N = 2^", intent.min_log_n, "; the largest is 2^", kMaxLogN);
  if (intent.plain_modulus == 0 && (intent.largest_sum == 0 || intent.largest_sum >= kPlainLimit / 2)) {
    return fail(ErrorCode::invalid_argument, "sums up to ", intent.largest_sum, "; 1 to ", kPlainLimit / 2 - 1,
                " fit one plaintext modulus, split larger ones into limbs");
  }
  if (intent.plain_modulus != 0) {
    const std::uint64_t order = std::uint64_t{2} << std::max(kMinLogN, intent.min_log_n);
    if (intent.plain_modulus >= kPlainLimit || intent.plain_modulus % order != 1 ||
        !math::is_prime(intent.plain_modulus)) {
      const std::uint64_t above = plain_modulus(std::min(intent.plain_modulus, kPlainLimit - 1), kMaxLogN);
      return fail(ErrorCode::invalid_argument, "plaintext modulus ", intent.plain_modulus,
                  ": a prime below 2^49 that is 1 mod ", order, " is needed",
                  above == 0 ? std::string() : "; " + std::to_string(above) + " serves every N");
    }
  }
  if (intent.depth < kMostDepth) {
    auto found = smallest(intent);
    if (found) return found;
  }
  // What fits at a depth fits at every smaller one.
  Intent less = intent;
  int fits = -1, fails = std::min(intent.depth, kMostDepth);
  while (fails - fits > 1) {
    less.depth = (fits + fails) / 2;
    (smallest(less) ? fits : fails) = less.depth;
  }
  if (fits >= 0) {
    return fail(ErrorCode::unsupported, "depth ", intent.depth, " at ", static_cast<int>(intent.security),
                " bits of security does not fit N = 2^", kMaxLogN, "; depth ", fits, " does");
  }
  return fail(ErrorCode::unsupported, "no ring up to 2^", kMaxLogN, " carries this plaintext modulus at ",
              static_cast<int>(intent.security), " bits of security; a smaller one, 1 mod ",
              std::uint64_t{2} << kMinLogN, ", may fit");
}

}  // namespace prism::exact
