#include "prism/exact/decryptor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "prism/exact/noise.h"
#include "prism/ring/conversion.h"
#include "prism/secret/secret.h"

namespace prism::exact {
namespace {

constexpr secret::RevealKey kReveal{};
/// |v| < Q/2 by a margin within which fixed-point conversion is exact.
constexpr double kMarginBits = 1 + 0x1p-20;

Error past_bound(math::Bound bound, double log2_q) {
  return fail(ErrorCode::noise_exceeded, "the noise may be as large as 2^", std::lround(bound.log2()),
              " and the modulus has 2^", std::lround(log2_q),
              "; the circuit is too deep for the parameters, or modulus switches are missing");
}

/// c mod q for a sum below 2q.
std::uint64_t reduce_once(std::uint64_t x, std::uint64_t q) {
  return x - (q & (0 - static_cast<std::uint64_t>(x >= q)));
}

}  // namespace

bool decrypts(const Parameters& parameters, rlwe::Level level, math::Bound bound) {
  return bound.log2() < parameters.rlwe().log2_q(level) - kMarginBits;
}

Decryptor::Decryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters)
    : key_(&key), parameters_(std::move(parameters)) {
  check(&key.parameters() == &parameters_->rlwe(), "a secret key of other parameters");
}

Status Decryptor::check_sizes(const Ciphertext& c) const {
  if (c.parameters != parameters_) return fail(ErrorCode::mismatch, "a ciphertext of other parameters than the key's");
  if (c.level.value < 0 || c.level > parameters_->max_level() || c.parts.size() < 2 || c.parts.size() > 3) {
    return fail(ErrorCode::malformed, "a ciphertext with ", c.parts.size(), " parts at level ", c.level.value);
  }
  for (const ring::Evaluations& part : c.parts) {
    if (&part.ring() != &parameters_->rlwe().ring() || part.primes() != parameters_->rlwe().primes(c.level)) {
      return fail(ErrorCode::malformed, "a ciphertext over other primes than those of its level");
    }
  }
  return {};
}

/// The fewest primes of the level modulo which noise of this size is still itself: c(s) = v modulo Q implies the same
/// modulo every divisor of Q. The bound is public, so is what this returns.
ring::PrimeSet Decryptor::sufficient_primes(rlwe::Level level, math::Bound bound) const {
  const ring::PrimeSet all = parameters_->rlwe().primes(level);
  for (std::uint32_t count = 1; count < all.size(); ++count) {
    const ring::PrimeSet some = ring::PrimeSet::range(0, count);
    if (bound.log2() < parameters_->rlwe().ring().log2_product(some) - kMarginBits) return some;
  }
  return all;
}

ring::Coefficients Decryptor::raw_phase(const Ciphertext& c, const ring::PrimeSet& primes) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::Evaluations& s = key_->evaluations(kReveal);
  ring::Evaluations sum = c.parts.back().restricted(primes);
  for (std::size_t part = c.parts.size() - 1; part-- > 0;) {
    for (std::size_t i = 0; i < sum.rows(); ++i) {
      std::uint64_t* const row = sum.row(i).data();
      ring.kernels().multiply(row, row, s.row(primes[i]).data(), ring.degree(), sum.modulus(i));
      ring.kernels().add(row, row, c.parts[part].row(i).data(), ring.degree(), sum.modulus(i));
    }
  }
  if (parameters_->scheme() == Scheme::bfv) {
    ring::multiply_integer_into(sum, static_cast<std::int64_t>(parameters_->plain_modulus()));
  }
  return ring::to_coefficients(std::move(sum));
}

Plaintext Decryptor::to_plaintext(ring::Coefficients&& phase, rlwe::Level level, std::uint64_t correction) const {
  const ring::Ring& wide = parameters_->wide_ring();
  const ring::BaseConverter converter(wide, phase.primes(), ring::PrimeSet::range(parameters_->plain_index(), 1));
  std::vector<const std::uint64_t*> in(phase.rows());
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = phase.row(i).data();
  Plaintext plaintext(parameters_);
  std::uint64_t* const out = plaintext.coefficients().data();
  converter.convert_rows(in.data(), &out);
  const kernels::Modulus& t = parameters_->plain();
  wide.kernels().multiply_scalar(out, out, kernels::make_multiplier(parameters_->decoding_factor(level, correction), t),
                                 plaintext.coefficients().size(), t);
  phase.wipe();
  return plaintext;
}

Result<Plaintext> Decryptor::decrypt(const Ciphertext& c) const {
  PRISM_CHECKED(check_sizes(c));
  if (!decrypts(*parameters_, c.level, c.noise.coefficient))
    return past_bound(c.noise.coefficient, parameters_->rlwe().log2_q(c.level));
  if (c.correction % parameters_->plain_modulus() == 0)
    return fail(ErrorCode::malformed, "a correction factor of zero");
  return to_plaintext(raw_phase(c, sufficient_primes(c.level, c.noise.coefficient)), c.level, c.correction);
}

Result<std::uint64_t> Decryptor::decrypt_lwe(const LweSample& sample) const {
  PRISM_TRY(const std::vector<std::uint64_t> values, decrypt_lwe(std::span<const LweSample>(&sample, 1)));
  return values[0];
}

Result<std::vector<std::uint64_t>> Decryptor::decrypt_lwe(std::span<const LweSample> samples) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  const std::size_t n = ring.degree();
  if (samples.empty()) return std::vector<std::uint64_t>{};
  if (samples.size() > n) return fail(ErrorCode::invalid_argument, samples.size(), " samples; at most ", n, " at once");
  const LweSample& first = samples[0];
  if (first.level.value < 0 || first.level > parameters_->max_level())
    return fail(ErrorCode::malformed, "a sample at level ", first.level.value);
  if (first.correction % parameters_->plain_modulus() == 0)
    return fail(ErrorCode::malformed, "a correction factor of zero");
  const ring::PrimeSet primes = parameters_->rlwe().primes(first.level);
  for (const LweSample& sample : samples) {
    if (sample.parameters != parameters_)
      return fail(ErrorCode::mismatch, "a sample of other parameters than the key's");
    if (sample.level != first.level || sample.correction != first.correction) {
      return fail(ErrorCode::mismatch, "samples of different levels or correction factors; decrypt them apart");
    }
    bool fits = sample.a.size() == primes.size() && sample.b.size() == primes.size();
    for (std::size_t i = 0; fits && i < primes.size(); ++i) {
      const std::uint64_t q = ring.prime(primes[i]);
      fits = sample.a[i].size() == n && ring.kernels().all_below(sample.a[i].data(), n, q) && sample.b[i] < q;
    }
    if (!fits) return fail(ErrorCode::malformed, "a sample whose sizes or residues do not fit its level");
    if (!decrypts(*parameters_, sample.level, sample.noise))
      return past_bound(sample.noise, parameters_->rlwe().log2_q(sample.level));
  }

  // Sample i becomes coefficient i of one phase.
  math::Bound largest;
  for (const LweSample& sample : samples) largest = max(largest, sample.noise);
  ring::Coefficients phase(ring, sufficient_primes(first.level, largest));
  const auto s = key_->coefficients(kReveal);
  for (std::size_t i = 0; i < phase.rows(); ++i) {
    const std::uint64_t q = ring.prime(primes[i]);
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const Residues& a = samples[k].a[i];
      std::uint64_t sum = samples[k].b[i];
      for (std::size_t j = 0; j < n; ++j) {
        const auto value = static_cast<std::uint64_t>(std::int64_t{s[j]});
        const std::uint64_t negative = 0 - (value >> 63), used = 0 - (value & 1);  // s_j is -1, 0 or 1
        sum = reduce_once(sum + (secret::choose(negative, q - a[j], a[j]) & used), q);
      }
      phase.row(i)[k] = sum;
    }
  }
  if (parameters_->scheme() == Scheme::bfv)
    ring::multiply_integer_into(phase, static_cast<std::int64_t>(parameters_->plain_modulus()));
  const Plaintext plaintext = to_plaintext(std::move(phase), first.level, first.correction);
  const auto found = plaintext.coefficients().first(samples.size());
  return std::vector<std::uint64_t>(found.begin(), found.end());
}

Result<std::vector<math::Integer>> Decryptor::phase(const Ciphertext& c) const {
  PRISM_CHECKED(check_sizes(c));
  const ring::Coefficients v = raw_phase(c, parameters_->rlwe().primes(c.level));
  std::vector<std::uint64_t> primes, residues(v.rows());
  for (const std::uint32_t index : v.primes().indexes()) primes.push_back(v.ring().prime(index));
  const math::CrtBasis basis(primes);
  std::vector<math::Integer> out;
  out.reserve(v.degree());
  for (std::size_t k = 0; k < v.degree(); ++k) {
    for (std::size_t i = 0; i < v.rows(); ++i) residues[i] = v.row(i)[k];
    out.push_back(basis.compose_centred(residues));
  }
  return out;
}

Result<double> Decryptor::measured_noise(const Ciphertext& c) const {
  PRISM_TRY(const std::vector<math::Integer> v, phase(c));
  double largest = -std::numeric_limits<double>::infinity();
  for (const math::Integer& x : v) largest = std::max(largest, x.magnitude.log2());
  return largest;
}

}  // namespace prism::exact
