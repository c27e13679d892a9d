// How much a key switch adds. With digits d_j of d (|coefficients| <= D_j/2, D_j the product of the digit's primes),
// errors e_j of the key, and tau0, tau1 the rounding of the division by P (|coefficients| <= 1/2),
//
//   u0 + u1*s = d*s' + error_scale * ( [sum_j d_j*e_j]/P - tau0 - tau1*s ).
//
// Base conversion and division estimate a quotient in fixed point and may choose the representative beyond the half by
// a relative 64 * 2^-49: kOver covers it.
//
// Errors are discrete Gaussians of parameter sigma: E exp(x e) <= exp(sigma^2 x^2/2) because shifting the lattice only
// lowers its Gaussian mass, and cutting symmetric tails only lowers the left side. Roundings are uniform on a symmetric
// set within [-1/2, 1/2], sub-Gaussian with variance 1/12. So, for given digits and secret,
//   a coefficient of the first part is sub-Gaussian of scale sigma sqrt(sum_j ||d_j||^2)/P, with ||d_j||^2 <= N
//   D_j^2/4, a coefficient of the second of scale (1 + ||s||)/sqrt(12): tau0 follows from tau1, because what is divided
//   is known modulo P given the first part and s, so the scales of its two terms add up,
// and each exceeds kappa = sqrt(2 ln(2N 2^160)) scales somewhere among N coefficients with probability at most 2^-160.
//
// At a complex root zeta, the projection of sum_j d_j(zeta) e_j(zeta) on a direction is sub-Gaussian of scale
// sigma sqrt(N/2) sqrt(sum_j |d_j(zeta)|^2), and that of tau0(zeta) + tau1(zeta) s(zeta) of scale sqrt(N/24) (1 +
// |s(zeta)|); 64 directions and N/2 roots as for ternary_norms. For any real coefficients of size D_j/2, |d_j(zeta)|
// <= D_j/2 * sum_k |cos(k phi - theta)| at worst, and since the k phi are equally spaced modulo pi, the sum is at most
// 1/sin(pi/(2N)), about 2N/pi.
//
// Sums: k switches divided once, by P*D with D the product of the primes that are dropped, give
//
//   u0 + u1*s = [sum_i d_i*s'_i]/D + error_scale * ( [sum_i sum_j d_ij*e_ij]/(P*D) - tau0 - tau1*s ).
//
// The k error terms are bounded one by one and added, whatever their digits and keys share (the same key may be used
// twice); tau0, tau1 are as above, with P*D for P.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "prism/math/natural.h"
#include "prism/ring/sampler.h"
#include "prism/rlwe/key_switch.h"

namespace prism::rlwe {
namespace {

using math::Bound;

const double kOver = 1.0 + 0x1p-40;
const double kNats = 160.0 * std::numbers::ln2;

/// What both kinds of bound start from.
struct Sizes {
  double n;
  Bound half_digits_euclidean;  ///< sqrt(sum_j (D_j/2)^2)
  Bound half_digits_sum;        ///< sum_j D_j/2
  Bound divisor;                ///< P, times the primes that are dropped
};

Bound of_product(const ring::Ring& ring, const ring::PrimeSet& set) {
  std::vector<std::uint64_t> primes;
  for (const std::uint32_t index : set.indexes()) primes.push_back(ring.prime(index));
  return Bound::from_log2(math::Natural::product(primes).log2());
}

Sizes sizes_of(const Parameters& parameters, Level level, Level lower) {
  check(lower <= level, "switch_noise: a division to a higher level");
  const ring::Ring& ring = parameters.ring();
  const auto size = static_cast<std::uint32_t>(parameters.primes(level).size());
  const std::uint32_t digit_size = parameters.spec().digit_size;
  check(parameters.special_primes().size() != 0, "switch_noise: parameters without special primes");
  Sizes sizes{
      static_cast<double>(ring.degree()),
      {},
      {},
      of_product(ring, parameters.primes(level).without(parameters.primes(lower)).united(parameters.special_primes()))};
  Bound squares;
  for (std::uint32_t first = 0; first < size; first += digit_size) {
    const Bound half = of_product(ring, ring::PrimeSet::range(first, std::min(digit_size, size - first))) *
                       Bound::from_double(0.5 * kOver);
    squares += half * half;
    sizes.half_digits_sum += half;
  }
  sizes.half_digits_euclidean = sqrt(squares);
  return sizes;
}

/// |d_j(zeta)| over D_j/2, at worst.
double worst_root_sum(double n) { return 1.0 / std::sin(std::numbers::pi / (2.0 * n)); }

}  // namespace

SwitchNoise strict_sum_noise(const Parameters& parameters, Level level, Level lower, std::size_t switches,
                             const SecretNorms& secret) {
  const Sizes sizes = sizes_of(parameters, level, lower);
  const Bound times = Bound::from_integer(switches);
  const Bound n = Bound::from_double(sizes.n);
  const Bound root_n = sqrt(n);
  const Bound half = Bound::from_double(0.5 * kOver);
  const Bound tail = Bound::from_integer(ring::kGaussianTail);
  SwitchNoise noise;
  // |(tau1 s)_k| <= ||tau1|| ||s|| by Cauchy-Schwarz.
  noise.infinity = times * n * sizes.half_digits_sum * tail / sizes.divisor +
                   half * (Bound::one() + root_n * min(secret.euclidean, root_n * secret.infinity));
  noise.euclidean = root_n * noise.infinity;
  const Bound root_sum = Bound::from_double(worst_root_sum(sizes.n));
  noise.canonical = times * sizes.half_digits_sum * root_sum * tail * root_sum / sizes.divisor +
                    half * root_sum * (Bound::one() + secret.canonical);
  return noise;
}

SwitchNoise sum_noise(const Parameters& parameters, Level level, Level lower, std::size_t switches,
                      const SecretNorms& secret) {
  const Sizes sizes = sizes_of(parameters, level, lower);
  const SwitchNoise strict = strict_sum_noise(parameters, level, lower, switches, secret);
  const Bound times = Bound::from_integer(switches);
  const Bound sigma = Bound::from_double(ring::kSigma);
  const Bound kappa = Bound::from_double(std::sqrt(2.0 * (std::log(2.0 * sizes.n) + kNats)));
  const Bound over = Bound::from_double(kOver);

  SwitchNoise noise;
  const Bound errors =
      times * sigma * Bound::from_double(std::sqrt(sizes.n)) * sizes.half_digits_euclidean / sizes.divisor;
  const Bound rounding = over * (Bound::one() + secret.euclidean) * Bound::from_double(std::sqrt(1.0 / 12.0));
  noise.infinity = min(kappa * (errors + rounding), strict.infinity);
  noise.euclidean = min(Bound::from_double(std::sqrt(sizes.n)) * noise.infinity, strict.euclidean);

  const Bound kappa_root =
      Bound::from_double(std::sqrt(2.0 * (std::log(128.0 * sizes.n) + kNats)) / std::cos(std::numbers::pi / 64.0));
  const Bound root_errors = times * sigma * Bound::from_double(std::sqrt(sizes.n / 2.0) * worst_root_sum(sizes.n)) *
                            sizes.half_digits_euclidean / sizes.divisor;
  const Bound root_rounding = over * Bound::from_double(std::sqrt(sizes.n / 24.0)) * (Bound::one() + secret.canonical);
  noise.canonical = min(kappa_root * (root_errors + root_rounding), strict.canonical);
  noise.canonical = min(noise.canonical, Bound::from_double(sizes.n) * noise.infinity);
  return noise;
}

SwitchNoise switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret) {
  return sum_noise(parameters, level, level, 1, secret);
}

SwitchNoise strict_switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret) {
  return strict_sum_noise(parameters, level, level, 1, secret);
}

}  // namespace prism::rlwe
