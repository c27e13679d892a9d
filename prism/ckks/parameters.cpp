#include "prism/ckks/parameters.h"

#include <algorithm>
#include <cmath>

#include "prism/hash/sha256.h"
#include "prism/math/primes.h"

namespace prism::ckks {
namespace {

constexpr unsigned kLeastScale = 10, kMostScale = 110;

/// The prime = 1 mod `order` nearest to `target` (by logarithm), below 2^50 and not in `used`; 0 when there is none
/// within a factor of two.
std::uint64_t nearest_prime(double target, std::uint64_t order, const std::vector<std::uint64_t>& used) {
  const auto free = [&](std::uint64_t p) {
    return std::find(used.begin(), used.end(), p) == used.end() && math::is_prime(p);
  };
  const double limit = std::min(2 * target, 0x1p50);
  const auto start = static_cast<std::uint64_t>(std::min(target, 0x1p50 - 1)) / order;
  for (std::uint64_t step = 0;; ++step) {
    const std::uint64_t above = (start + 1 + step) * order + 1;
    const std::uint64_t below = step <= start ? (start - step) * order + 1 : 0;
    const bool high = static_cast<double>(above)<limit, deep = static_cast<double>(below)> target / 2 && below > order;
    if (!high && !deep) return 0;
    const bool above_first = static_cast<double>(above) - target < target - static_cast<double>(below);
    if (above_first && high && free(above)) return above;
    if (deep && free(below)) return below;
    if (!above_first && high && free(above)) return above;
  }
}

}  // namespace

Result<std::shared_ptr<const Parameters>> Parameters::make(rlwe::ParameterSpec spec, unsigned scale_bits) {
  if (scale_bits < kLeastScale || scale_bits > kMostScale) {
    return fail(ErrorCode::invalid_argument, "a scale of 2^", scale_bits, "; 2^", kLeastScale, " to 2^", kMostScale,
                " are possible");
  }
  PRISM_TRY(std::shared_ptr<const rlwe::Parameters> rlwe, rlwe::Parameters::make(spec));
  std::shared_ptr<Parameters> p(new Parameters);
  p->rlwe_ = std::move(rlwe);
  p->scale_bits_ = scale_bits;
  const int top = p->max_level().value;
  p->scales_.resize(static_cast<std::size_t>(top) + 1);
  Scale scale = Scale::power_of_two(scale_bits);
  for (int l = top; l >= 0; --l) {
    if (l < top) scale = (scale * scale).divided_by(p->dropped_primes(rlwe::Level{l + 1}));
    if (scale.log2() < kLeastScale || scale.log2() > p->rlwe_->log2_q(rlwe::Level{l})) {
      return fail(ErrorCode::invalid_argument, "the scale 2^", scale_bits, " becomes 2^", std::lround(scale.log2()),
                  " at level ", l, ", which has a modulus of 2^", std::lround(p->rlwe_->log2_q(rlwe::Level{l})),
                  "; primes dropped per level should multiply to about the scale (rescaling_primes finds such)");
    }
    p->scales_[static_cast<std::size_t>(l)] = scale;
  }
  hash::Sha256 h = hash::tagged_sha256("prism ckks parameters v1");
  p->digest_ = h.update(p->rlwe_->digest()).update_u64(scale_bits).finish();
  return std::shared_ptr<const Parameters>(std::move(p));
}

std::vector<std::uint64_t> Parameters::dropped_primes(rlwe::Level level) const {
  check(level.value >= 1 && level <= max_level(), "primes are dropped from level 1 or above");
  std::vector<std::uint64_t> out;
  const ring::PrimeSet gone = rlwe_->primes(level).without(rlwe_->primes(rlwe::Level{level.value - 1}));
  for (const std::uint32_t i : gone.indexes()) out.push_back(rlwe_->ring().prime(i));
  return out;
}

Result<std::vector<std::uint64_t>> rescaling_primes(unsigned log_n, unsigned scale_bits, std::size_t levels,
                                                    std::size_t per_level, const std::vector<std::uint64_t>& avoid) {
  if (log_n < 3 || log_n > 17 || per_level < 1 || scale_bits > 49 * per_level || scale_bits < 20 * per_level) {
    return fail(ErrorCode::invalid_argument, "a scale of 2^", scale_bits, " by ", per_level,
                " primes a level; 20 to 49 bits a prime are possible");
  }
  const std::uint64_t order = std::uint64_t{2} << log_n;
  const double share = std::exp2(static_cast<double>(scale_bits) / static_cast<double>(per_level));
  std::vector<std::uint64_t> used = avoid, out;
  double drift = 0;  // log2 of the canonical scale over 2^scale_bits
  for (std::size_t level = 0; level < levels; ++level) {
    double rest = 2 * drift + scale_bits;  // log2 of the product that brings the scale back
    std::vector<std::uint64_t> group;
    for (std::size_t i = 0; i < per_level; ++i) {
      const std::uint64_t p = nearest_prime(i + 1 < per_level ? share : std::exp2(rest), order, used);
      if (p == 0) {
        return fail(ErrorCode::invalid_argument, "too few primes near 2^", std::lround(std::log2(share)),
                    " that are 1 modulo ", order, "; take a larger scale");
      }
      rest -= std::log2(static_cast<double>(p));
      used.push_back(p);
      group.push_back(p);
    }
    drift = rest;
    out.insert(out.begin(), group.begin(), group.end());
  }
  return out;
}

}  // namespace prism::ckks
