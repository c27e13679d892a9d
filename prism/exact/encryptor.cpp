#include "prism/exact/encryptor.h"

#include <algorithm>

#include "prism/math/modular.h"
#include "prism/secret/secret.h"

namespace prism::exact {
namespace {

using Row = secret::SecretVector<std::uint64_t>;
constexpr secret::RevealKey kReveal{};

/// What is encrypted modulo each prime of a level. BGV: f*m, centred modulo t. BFV: round(Q*m/t) = (Q*m - r)/t with r =
/// Q*m mod t centred, which is -r/t modulo every prime of Q; so r is what is kept here and the prime's factor is
/// applied when it is written.
class MessageRows {
 public:
  MessageRows(const Plaintext& plaintext, rlwe::Level level) : p_(plaintext.parameters()), row_(p_.degree()) {
    const std::uint64_t t = p_.plain_modulus();
    std::uint64_t factor = p_.correction(level);
    if (p_.scheme() == Scheme::bfv) {
      factor = 1;
      const ring::PrimeSet level_primes = p_.rlwe().primes(level);
      for (const std::uint32_t i : level_primes.indexes())
        factor = math::multiply_mod(factor, p_.rlwe().ring().prime(i) % t, t);
    }
    p_.rlwe().ring().kernels().multiply_scalar(row_.reveal(kReveal).data(), plaintext.coefficients().data(),
                                               kernels::make_multiplier(factor, p_.plain()), p_.degree(), p_.plain());
  }
  void write(std::uint64_t* out, std::uint32_t prime) const {
    const ring::Ring& ring = p_.rlwe().ring();
    const kernels::Modulus& m = ring.modulus(prime);
    ring.kernels().recentre(out, row_.reveal(kReveal).data(), p_.plain(), p_.degree(), m);
    if (p_.scheme() == Scheme::bfv) {
      const auto inverse = math::inverse_mod(p_.plain_modulus() % m.q, m.q);
      check(inverse.has_value(), "t is coprime to every prime");
      ring.kernels().multiply_scalar(out, out, kernels::make_multiplier(math::negate_mod(*inverse, m.q), m),
                                     p_.degree(), m);
    }
  }

 private:
  const Parameters& p_;
  Row row_;
};

/// out += error_scale * e; `scratch` holds a row.
void add_errors(std::uint64_t* out, std::span<const std::int32_t> e, std::uint64_t* scratch, const Parameters& p,
                std::uint32_t prime) {
  const ring::Ring& ring = p.rlwe().ring();
  const kernels::Modulus& m = ring.modulus(prime);
  for (std::size_t k = 0; k < e.size(); ++k) {
    const auto value = static_cast<std::uint64_t>(std::int64_t{e[k]});
    scratch[k] = value + (m.q & (0 - (value >> 63)));
  }
  ring.kernels().multiply_scalar_add(out, scratch, kernels::make_multiplier(p.error_scale() % m.q, m), e.size(), m);
}

/// out = error_scale * e.
void write_errors(std::uint64_t* out, std::span<const std::int32_t> e, const Parameters& p, std::uint32_t prime) {
  const ring::Ring& ring = p.rlwe().ring();
  const kernels::Modulus& m = ring.modulus(prime);
  for (std::size_t k = 0; k < e.size(); ++k) {
    const auto value = static_cast<std::uint64_t>(std::int64_t{e[k]});
    out[k] = value + (m.q & (0 - (value >> 63)));
  }
  if (p.error_scale() == 1) return;
  ring.kernels().multiply_scalar(out, out, kernels::make_multiplier(p.error_scale() % m.q, m), e.size(), m);
}

Status check_request(const Parameters& parameters, const Plaintext& plaintext, rlwe::Level level) {
  if (&plaintext.parameters() != &parameters) {
    return fail(ErrorCode::mismatch,
                "a plaintext of other parameters; encode it with an Encoder of the encryptor's parameters");
  }
  if (level.value < 0 || level > parameters.max_level()) {
    return fail(ErrorCode::invalid_argument, "level ", level.value, "; levels are 0 to ", parameters.max_level().value);
  }
  return {};
}

}  // namespace

SymmetricEncryptor::SymmetricEncryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters,
                                       NoiseModel::Mode mode)
    : key_(&key),
      parameters_(std::move(parameters)),
      fresh_(NoiseModel(parameters_->rlwe(), parameters_->plain_modulus(), rlwe::ternary_norms(parameters_->degree()),
                        mode)
                 .fresh_symmetric(Ancestry{})) {
  check(&key.parameters() == &parameters_->rlwe(), "a secret key of other parameters");
}

Status SymmetricEncryptor::encrypt_row_into(std::span<std::uint64_t> b, const Plaintext& plaintext, rlwe::Level level,
                                            const ring::Seed& public_seed, std::uint64_t stream,
                                            const ring::SecretSeed& error_seed, std::uint64_t error_stream) const {
  PRISM_CHECKED(check_request(*parameters_, plaintext, level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  const std::size_t n = ring.degree();
  check(b.size() == primes.size() * n, "encrypt_row_into: one row of N residues per prime of the level");
  const auto errors = ring::gaussian(n, error_seed, error_stream);
  const MessageRows message(plaintext, level);
  Row scratch(n);
  std::uint64_t* const spare = scratch.reveal(kReveal).data();
  const auto& k = ring.kernels();
  for (std::size_t i = 0; i < primes.size(); ++i) {
    std::uint64_t* const out = b.data() + i * n;
    const std::uint32_t prime = primes[i];
    message.write(out, prime);
    add_errors(out, errors.reveal(kReveal), spare, *parameters_, prime);
    k.forward_ntt(out, ring.tables(prime));
    ring::uniform_row({spare, n}, ring, prime, public_seed, stream);
    k.multiply(spare, spare, key_->evaluations(kReveal).row(prime).data(), n, ring.modulus(prime));
    k.subtract(out, out, spare, n, ring.modulus(prime));
  }
  return {};
}

Result<SeededCiphertext> SymmetricEncryptor::encrypt(const Plaintext& plaintext, rlwe::Level level,
                                                     const ring::Seed& public_seed, std::uint64_t stream,
                                                     const ring::SecretSeed& error_seed,
                                                     std::uint64_t error_stream) const {
  PRISM_CHECKED(check_request(*parameters_, plaintext, level));
  SeededCiphertext out{parameters_, ring::Evaluations(parameters_->rlwe().ring(), parameters_->rlwe().primes(level)),
                       public_seed, stream,
                       level,       parameters_->correction(level),
                       fresh_};
  out.noise.ancestry = ancestry_of(public_seed, stream);
  PRISM_CHECKED(encrypt_row_into({out.b.row(0).data(), out.b.rows() * out.b.degree()}, plaintext, level, public_seed,
                                 stream, error_seed, error_stream));
  return out;
}

Result<Ciphertext> SymmetricEncryptor::encrypt(const Plaintext& plaintext, Random& random) const {
  return encrypt(plaintext, parameters_->max_level(), random);
}

Result<Ciphertext> SymmetricEncryptor::encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const {
  PRISM_TRY(const ring::Seed seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed error_seed, ring::fresh_secret_seed(random));
  PRISM_TRY(SeededCiphertext seeded, encrypt(plaintext, level, seed, 0, error_seed, 0));
  Ciphertext out{seeded.parameters, {}, seeded.level, seeded.correction, std::move(seeded.noise)};
  out.parts.push_back(std::move(seeded.b));
  out.parts.push_back(ring::uniform(parameters_->rlwe().ring(), parameters_->rlwe().primes(level), seed, 0));
  return out;
}

Result<PublicEncryptor> PublicEncryptor::make(std::shared_ptr<const rlwe::PublicKey> key,
                                              std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode) {
  if (&key->b.ring() != &parameters->rlwe().ring())
    return fail(ErrorCode::mismatch, "a public key of other parameters");
  if (key->error_scale != parameters->error_scale()) {
    return fail(ErrorCode::mismatch, "a public key with error scale ", key->error_scale, " where ",
                parameters->error_scale(), " is needed; make it for this scheme");
  }
  PublicEncryptor out;
  out.key_ = std::move(key);
  out.parameters_ = std::move(parameters);
  out.fresh_ = NoiseModel(out.parameters_->rlwe(), out.parameters_->plain_modulus(),
                          rlwe::ternary_norms(out.parameters_->degree()), mode)
                   .fresh_public(Ancestry{});
  return out;
}

Result<Ciphertext> PublicEncryptor::encrypt(const Plaintext& plaintext, Random& random) const {
  return encrypt(plaintext, parameters_->max_level(), random);
}

Result<Ciphertext> PublicEncryptor::encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const {
  Ciphertext out;
  PRISM_CHECKED(encrypt(out, plaintext, level, random));
  return out;
}

Status PublicEncryptor::encrypt(Ciphertext& out, const Plaintext& plaintext, rlwe::Level level, Random& random) const {
  PRISM_CHECKED(check_request(*parameters_, plaintext, level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  const std::size_t n = ring.degree();
  PRISM_TRY(const ring::SecretSeed seed, ring::fresh_secret_seed(random));
  PRISM_TRY(const ring::Seed name, ring::fresh_seed(random));
  const auto u = ring::ternary(n, seed, 0);
  const auto e0 = ring::gaussian(n, seed, 1), e1 = ring::gaussian(n, seed, 2);
  const MessageRows message(plaintext, level);
  out.parameters = parameters_;
  out.level = level;
  out.correction = parameters_->correction(level);
  out.noise = fresh_;
  out.noise.ancestry = ancestry_of(name, 0);
  out.parts.resize(2);
  for (ring::Evaluations& part : out.parts) part.reshape(ring, primes);
  Row scratch(n), mask(n);
  std::uint64_t* const spare = scratch.reveal(kReveal).data();
  std::uint64_t* const transformed = mask.reveal(kReveal).data();
  const auto& k = ring.kernels();
  for (std::size_t i = 0; i < primes.size(); ++i) {
    const std::uint32_t prime = primes[i];
    const kernels::Modulus& m = ring.modulus(prime);
    for (std::size_t j = 0; j < n; ++j) {
      const auto value = static_cast<std::uint64_t>(std::int64_t{u.reveal(kReveal)[j]});
      transformed[j] = value + (m.q & (0 - (value >> 63)));
    }
    k.forward_ntt(transformed, ring.tables(prime));
    std::uint64_t* const c0 = out.parts[0].row(i).data();
    std::uint64_t* const c1 = out.parts[1].row(i).data();
    message.write(c0, prime);
    add_errors(c0, e0.reveal(kReveal), spare, *parameters_, prime);
    write_errors(c1, e1.reveal(kReveal), *parameters_, prime);
    k.forward_ntt(c0, ring.tables(prime));
    k.forward_ntt(c1, ring.tables(prime));
    k.multiply_add(c0, transformed, key_->b.row(key_->b.primes().position(prime)).data(), n, m);
    k.multiply_add(c1, transformed, key_->a.row(key_->a.primes().position(prime)).data(), n, m);
  }
  return {};
}

}  // namespace prism::exact
