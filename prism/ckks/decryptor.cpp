#include "prism/ckks/decryptor.h"

#include <algorithm>
#include <cmath>

#include "prism/math/modular.h"
#include "prism/math/natural.h"

namespace prism::ckks {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr double kMostBits = 124;  // what a Plaintext's coefficients hold

/// Centred residues modulo a product below 2^124, by mixed radix (Garner): v = d0 + q0*(d1 + q1*(d2 + ...)).
void compose_small(const ring::Coefficients& v, std::span<Int128> out) {
  const ring::Ring& ring = v.ring();
  const std::size_t n = v.degree(), count = v.rows();
  const auto& k = ring.kernels();
  secret::SecretVector<std::uint64_t> storage((count + 1) * n);
  std::uint64_t* const digits = storage.reveal(kReveal).data();
  std::uint64_t* const spare = digits + count * n;
  Uint128 product = 1;
  for (std::size_t i = 0; i < count; ++i) {
    const kernels::Modulus& m = v.modulus(i);
    std::uint64_t* const digit = digits + i * n;
    std::copy_n(v.row(i).data(), n, digit);
    for (std::size_t j = 0; j < i; ++j) {
      const auto inverse = math::inverse_mod(v.modulus(j).q % m.q, m.q);
      check(inverse.has_value(), "primes are distinct");
      k.reduce(spare, digits + j * n, n, m);
      k.subtract_multiply_scalar(digit, digit, spare, kernels::make_multiplier(*inverse, m), n, m);
    }
    const auto weight = static_cast<Int128>(product);
    for (std::size_t c = 0; c < n; ++c) out[c] += weight * static_cast<Int128>(digit[c]);
    product *= m.q;
  }
  const auto whole = static_cast<Int128>(product), half = whole / 2;
  for (Int128& c : out) c -= whole & ((half - c) >> 127);
}

/// Any product: rounds away `shift` bits of the centred integers. Not constant time: math::Natural.
void compose_large(const ring::Coefficients& v, unsigned shift, std::span<Int128> out) {
  std::vector<std::uint64_t> primes, residues(v.rows());
  for (const std::uint32_t index : v.primes().indexes()) primes.push_back(v.ring().prime(index));
  const math::CrtBasis basis(primes);
  for (std::size_t k = 0; k < v.degree(); ++k) {
    for (std::size_t i = 0; i < v.rows(); ++i) residues[i] = v.row(i)[k];
    math::Integer x = basis.compose_centred(residues);
    if (shift > 0) x.magnitude += math::Natural::power_of_two(shift - 1);
    x.magnitude >>= shift;
    Uint128 size = 0;
    for (std::size_t i = x.magnitude.limbs().size(); i-- > 0;) size = size << 64 | x.magnitude.limbs()[i];
    out[k] = x.negative ? -static_cast<Int128>(size) : static_cast<Int128>(size);
  }
}

}  // namespace

Decryptor::Decryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters)
    : key_(&key), parameters_(std::move(parameters)) {
  check(&key.parameters() == &parameters_->rlwe(), "a secret key of other parameters");
}

Status Decryptor::check_sizes(const Ciphertext& c) const {
  if (c.parameters != parameters_) return fail(ErrorCode::mismatch, "a ciphertext of other parameters than the key's");
  if (c.level.value < 0 || c.level > parameters_->max_level() || c.parts.size() < 2 || c.parts.size() > 3)
    return fail(ErrorCode::malformed, "a ciphertext with ", c.parts.size(), " parts at level ", c.level.value);
  for (const ring::Evaluations& part : c.parts) {
    if (&part.ring() != &parameters_->rlwe().ring() || part.primes() != parameters_->rlwe().primes(c.level))
      return fail(ErrorCode::malformed, "a ciphertext over other primes than those of its level");
  }
  if (!c.scale.bounded()) return fail(ErrorCode::malformed, "a ciphertext whose scale is out of range");
  return {};
}

Result<Plaintext> Decryptor::decrypt_private(const Ciphertext& c) const {
  PRISM_CHECKED(check_sizes(c));
  const math::Bound bound = NoiseModel::phase(c.noise, c.scale);
  if (!decrypts(*parameters_, c.level, bound)) {
    return fail(ErrorCode::noise_exceeded, "scale times message and error may be as large as 2^",
                std::lround(bound.log2()), " and the modulus has 2^", std::lround(parameters_->rlwe().log2_q(c.level)),
                "; declare a smaller magnitude, or use parameters with a larger lowest level");
  }
  // A polynomial so small is known from its residues modulo the first few primes.
  const ring::Ring& ring = parameters_->rlwe().ring();
  std::uint32_t count = 0;
  double bits = 0;
  const auto all = static_cast<std::uint32_t>(c.parts[0].rows());
  while (count < all && !(bound.log2() < bits - 1 - 0x1p-20))
    bits += std::log2(static_cast<double>(ring.prime(count++)));
  if (count == 0) bits = std::log2(static_cast<double>(ring.prime(count++)));
  const ring::PrimeSet primes = ring::PrimeSet::range(0, count);

  const ring::Evaluations& s = key_->evaluations(kReveal);
  ring::Evaluations sum = c.parts.back().restricted(primes);
  for (std::size_t part = c.parts.size() - 1; part-- > 0;) {
    for (std::size_t i = 0; i < sum.rows(); ++i) {
      std::uint64_t* const row = sum.row(i).data();
      ring.kernels().multiply(row, row, s.row(primes[i]).data(), ring.degree(), sum.modulus(i));
      ring.kernels().add(row, row, c.parts[part].row(i).data(), ring.degree(), sum.modulus(i));
    }
  }
  ring::Coefficients phase = ring::to_coefficients(std::move(sum));
  // What does not fit a plaintext loses its lowest bits: far below its error, which is at least that of one rounding.
  const unsigned shift = bits < kMostBits ? 0 : static_cast<unsigned>(std::max(0.0, std::ceil(bound.log2()) - 120));
  Noise noise = c.noise;
  const Scale scale = shift == 0 ? c.scale : c.scale / Scale::power_of_two(shift);
  if (shift != 0) noise.error += NoiseModel::root_sum(ring.degree()) * math::Bound::from_double(0.5) / scale.bound();
  Plaintext plaintext(parameters_, scale, noise);
  if (bits < kMostBits) {
    compose_small(phase, plaintext.coefficients(kReveal));
  } else {
    compose_large(phase, shift, plaintext.coefficients(kReveal));
  }
  phase.wipe();
  return plaintext;
}

Result<Plaintext> Decryptor::decrypt_private(const Ciphertext& c, int precision_bits) const {
  if (!(c.noise.error.log2() <= -precision_bits)) {
    return fail(ErrorCode::noise_exceeded, "the error may be as large as 2^", std::ceil(c.noise.error.log2()),
                " and 2^", -precision_bits, " was asked for; use a larger scale or fewer operations");
  }
  return decrypt_private(c);
}

}  // namespace prism::ckks
