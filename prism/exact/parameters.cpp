#include "prism/exact/parameters.h"

#include <algorithm>
#include <cmath>

#include "prism/hash/sha256.h"
#include "prism/math/modular.h"
#include "prism/math/primes.h"

namespace prism::exact {
namespace {

constexpr std::uint64_t kPlainLimit = std::uint64_t{1} << 49;
constexpr unsigned kAuxiliaryBits = 50;

bool suits(std::uint64_t t, std::uint64_t order, const rlwe::ParameterSpec& spec) {
  const auto taken = [&](const std::vector<std::uint64_t>& primes) {
    return std::find(primes.begin(), primes.end(), t) != primes.end();
  };
  return t < kPlainLimit && t % order == 1 && math::is_prime(t) && !taken(spec.primes) && !taken(spec.special_primes);
}

/// The nearest t that suits, for a refusal's way out.
std::uint64_t nearest(std::uint64_t t, std::uint64_t order, const rlwe::ParameterSpec& spec) {
  const std::uint64_t start = std::min(t, kPlainLimit - 1) / order;
  for (std::uint64_t step = 0; step < (std::uint64_t{1} << 20); ++step) {
    const std::uint64_t above = (start + step) * order + 1;
    if (start + step > 0 && suits(above, order, spec)) return above;
    if (step < start && suits((start - step) * order + 1, order, spec)) return (start - step) * order + 1;
  }
  return 0;
}

std::uint64_t product_mod(const ring::Ring& ring, const ring::PrimeSet& set, std::uint64_t m) {
  std::uint64_t product = 1;
  for (const std::uint32_t index : set.indexes()) product = math::multiply_mod(product, ring.prime(index) % m, m);
  return product;
}

std::uint64_t inverse(std::uint64_t a, std::uint64_t t) {
  const auto result = math::inverse_mod(a, t);
  check(result.has_value(), "t is a prime different from all others");
  return *result;
}

/// What a product's sums take (scaled_product.h).
constexpr std::size_t kMostBfvPrimes = 62;

/// log2 of what an auxiliary base B must exceed: twice the scaled product, t*N*Q + 1, and 2^-7 bits more that keep base
/// conversion away from its edge (it asks for 64 * 2^-49).
double auxiliary_bits(const rlwe::Parameters& parameters, std::uint64_t t, rlwe::Level level) {
  return parameters.log2_q(level) + std::log2(static_cast<double>(t)) + static_cast<double>(parameters.ring().log_n()) +
         0x1p-7;
}

}  // namespace

Result<std::shared_ptr<const Parameters>> Parameters::make(rlwe::ParameterSpec spec, std::uint64_t t, Scheme scheme) {
  PRISM_TRY(std::shared_ptr<const rlwe::Parameters> rlwe, rlwe::Parameters::make(spec));
  const std::uint64_t order = 2 * static_cast<std::uint64_t>(rlwe->degree());
  if (!suits(t, order, spec)) {
    return fail(ErrorCode::invalid_argument, "plaintext modulus ", t, ": a prime below 2^49 that is 1 mod ", order,
                " and none of the ciphertext primes is needed; the nearest is ", nearest(t, order, spec));
  }
  std::shared_ptr<Parameters> p(new Parameters);
  p->rlwe_ = rlwe;
  p->scheme_ = scheme;
  p->plain_ = kernels::make_modulus(t);
  p->plain_index_ = static_cast<std::uint32_t>(spec.primes.size());

  std::vector<std::uint64_t> wide = spec.primes;
  wide.push_back(t);
  if (scheme == Scheme::bfv) {
    std::vector<std::uint64_t> avoid = wide;
    avoid.insert(avoid.end(), spec.special_primes.begin(), spec.special_primes.end());
    const double bits = auxiliary_bits(*rlwe, t, rlwe->max_level());
    // choose_primes gives primes above 2^(bits - 1/2).
    const auto count = static_cast<std::size_t>(std::ceil(bits / (kAuxiliaryBits - 0.5)));
    if (spec.primes.size() > kMostBfvPrimes || count > kMostBfvPrimes) {
      return fail(ErrorCode::invalid_argument, "BFV over ", spec.primes.size(), " primes and ", count,
                  " auxiliary ones; ", kMostBfvPrimes, " of each are the most: use fewer primes, or BGV");
    }
    PRISM_TRY(const std::vector<std::uint64_t> auxiliary, rlwe::choose_primes(kAuxiliaryBits, count, avoid));
    wide.insert(wide.end(), auxiliary.begin(), auxiliary.end());
  }
  PRISM_TRY(p->wide_, ring::Ring::make(rlwe->ring().log_n(), wide));

  const auto levels = static_cast<std::size_t>(rlwe->max_level().value) + 1;
  p->corrections_.assign(levels, 1);
  for (std::size_t l = 0; l < levels; ++l) {
    const std::uint64_t q = product_mod(rlwe->ring(), rlwe->primes(rlwe::Level{static_cast<int>(l)}), t);
    p->bfv_factors_.push_back(math::negate_mod(inverse(q, t), t));
  }
  if (scheme == Scheme::bgv) {
    for (std::size_t l = levels - 1; l > 0; --l) {
      const auto upper = rlwe->primes(rlwe::Level{static_cast<int>(l)}),
                 lower = rlwe->primes(rlwe::Level{static_cast<int>(l) - 1});
      const std::uint64_t d = product_mod(rlwe->ring(), upper.without(lower), t);
      p->corrections_[l - 1] =
          math::multiply_mod(math::multiply_mod(p->corrections_[l], p->corrections_[l], t), inverse(d, t), t);
    }
  }

  const unsigned log_n = rlwe->ring().log_n();
  const std::size_t n = rlwe->degree();
  p->slot_index_.resize(n);
  std::uint64_t power = 1;
  for (std::size_t i = 0; i < n / 2; ++i) {
    p->slot_index_[i] = math::reverse_bits(static_cast<std::uint32_t>((power - 1) / 2), log_n);
    p->slot_index_[n / 2 + i] = math::reverse_bits(static_cast<std::uint32_t>((order - power - 1) / 2), log_n);
    power = power * 5 % order;
  }

  hash::Sha256 h = hash::tagged_sha256("prism exact parameters v1");
  h.update(rlwe->digest()).update_u64(t).update_u64(static_cast<std::uint64_t>(scheme));
  p->digest_ = h.finish();
  return std::shared_ptr<const Parameters>(std::move(p));
}

std::uint64_t Parameters::decoding_factor(rlwe::Level level, std::uint64_t correction) const {
  if (scheme_ == Scheme::bfv) return bfv_factors_[static_cast<std::size_t>(level.value)];
  return inverse(correction, plain_.q);
}

ring::PrimeSet Parameters::auxiliary_primes(rlwe::Level level) const {
  check(scheme_ == Scheme::bfv, "auxiliary primes are BFV's");
  const double bits = auxiliary_bits(*rlwe_, plain_.q, level);
  double have = 0;
  std::uint32_t count = 0;
  while (have < bits) {
    const std::uint32_t index = plain_index_ + 1 + count++;
    check(index < wide_->prime_count(), "too few auxiliary primes");
    have += std::log2(static_cast<double>(wide_->prime(index)));
  }
  return ring::PrimeSet::range(plain_index_ + 1, count);
}

}  // namespace prism::exact
