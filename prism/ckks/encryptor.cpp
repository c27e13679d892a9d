#include "prism/ckks/encryptor.h"

#include <cmath>

#include "prism/ckks/internal/integer_rows.h"

namespace prism::ckks {
namespace {

using Row = secret::SecretVector<std::uint64_t>;
constexpr secret::RevealKey kReveal{};

/// Small signed values as residues.
void write_small(std::uint64_t* out, std::span<const std::int32_t> values, const kernels::Modulus& m) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto value = static_cast<std::uint64_t>(std::int64_t{values[k]});
    out[k] = value + (m.q & (0 - (value >> 63)));
  }
}

Status check_request(const Parameters& parameters, const Plaintext& plaintext, rlwe::Level level) {
  if (&plaintext.parameters() != &parameters) {
    return fail(ErrorCode::mismatch,
                "a plaintext of other parameters; encode it with an Encoder of the encryptor's parameters");
  }
  if (level.value < 0 || level > parameters.max_level()) {
    return fail(ErrorCode::invalid_argument, "level ", level.value, "; levels are 0 to ", parameters.max_level().value);
  }
  const math::Bound phase = NoiseModel::phase(plaintext.noise(), plaintext.scale());
  if (!decrypts(parameters, level, phase)) {
    return fail(ErrorCode::invalid_argument, "scale times the largest magnitude is 2^", std::lround(phase.log2()),
                " and level ", level.value, " has a modulus of 2^", std::lround(parameters.rlwe().log2_q(level)),
                "; encrypt at a higher level, or encode at a smaller scale");
  }
  return {};
}

}  // namespace

SymmetricEncryptor::SymmetricEncryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters,
                                       NoiseModel::Mode mode)
    : key_(&key),
      parameters_(std::move(parameters)),
      noise_(parameters_->rlwe(), rlwe::ternary_norms(parameters_->degree()), mode) {
  check(&key.parameters() == &parameters_->rlwe(), "a secret key of other parameters");
}

Result<SeededCiphertext> SymmetricEncryptor::encrypt(const Plaintext& plaintext, rlwe::Level level,
                                                     const ring::Seed& public_seed, std::uint64_t stream,
                                                     const ring::SecretSeed& error_seed,
                                                     std::uint64_t error_stream) const {
  PRISM_CHECKED(check_request(*parameters_, plaintext, level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const std::size_t n = ring.degree();
  SeededCiphertext out{
      parameters_,       ring::Evaluations(ring, parameters_->rlwe().primes(level)),  public_seed, stream, level,
      plaintext.scale(), noise_.fresh_symmetric(plaintext.noise(), plaintext.scale())};
  const auto errors = ring::gaussian(n, error_seed, error_stream);
  Row limbs(IntegerRows::rows(plaintext) * n), scratch(n);
  const IntegerRows message(plaintext, limbs.reveal(kReveal).data(), errors.reveal(kReveal));
  std::uint64_t* const spare = scratch.reveal(kReveal).data();
  const auto& k = ring.kernels();
  for (std::size_t i = 0; i < out.b.rows(); ++i) {
    const std::uint32_t prime = out.b.primes()[i];
    const kernels::Modulus& m = ring.modulus(prime);
    std::uint64_t* const row = out.b.row(i).data();
    message.write(row, m);
    k.forward_ntt(row, ring.tables(prime));
    ring::uniform_row({spare, n}, ring, prime, public_seed, stream);
    k.multiply(spare, spare, key_->evaluations(kReveal).row(prime).data(), n, m);
    k.subtract(row, row, spare, n, m);
  }
  return out;
}

Result<Ciphertext> SymmetricEncryptor::encrypt(const Plaintext& plaintext, Random& random) const {
  return encrypt(plaintext, parameters_->max_level(), random);
}

Result<Ciphertext> SymmetricEncryptor::encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const {
  PRISM_TRY(const ring::Seed seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed error_seed, ring::fresh_secret_seed(random));
  PRISM_TRY(SeededCiphertext seeded, encrypt(plaintext, level, seed, 0, error_seed, 0));
  Ciphertext out{seeded.parameters, {}, seeded.level, std::move(seeded.scale), seeded.noise};
  out.parts.push_back(std::move(seeded.b));
  out.parts.push_back(ring::uniform(parameters_->rlwe().ring(), parameters_->rlwe().primes(level), seed, 0));
  return out;
}

PublicEncryptor::PublicEncryptor(std::shared_ptr<const rlwe::PublicKey> key,
                                 std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode)
    : key_(std::move(key)),
      parameters_(std::move(parameters)),
      noise_(parameters_->rlwe(), rlwe::ternary_norms(parameters_->degree()), mode) {}

Result<PublicEncryptor> PublicEncryptor::make(std::shared_ptr<const rlwe::PublicKey> key,
                                              std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode) {
  if (&key->b.ring() != &parameters->rlwe().ring())
    return fail(ErrorCode::mismatch, "a public key of other parameters");
  if (key->error_scale != 1)
    return fail(ErrorCode::mismatch, "a public key with error scale ", key->error_scale, "; make it with 1 for CKKS");
  return PublicEncryptor(std::move(key), std::move(parameters), mode);
}

Result<Ciphertext> PublicEncryptor::encrypt(const Plaintext& plaintext, Random& random) const {
  return encrypt(plaintext, parameters_->max_level(), random);
}

Result<Ciphertext> PublicEncryptor::encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(encrypt(out, plaintext, level, random, workspace));
  return out;
}

Status PublicEncryptor::encrypt(Ciphertext& out, const Plaintext& plaintext, rlwe::Level level, Random& random,
                                ring::Workspace& workspace) const {
  PRISM_CHECKED(check_request(*parameters_, plaintext, level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  const std::size_t n = ring.degree();
  PRISM_TRY(const ring::SecretSeed seed, ring::fresh_secret_seed(random));
  const auto u = ring::ternary(n, seed, 0);
  const auto e0 = ring::gaussian(n, seed, 1), e1 = ring::gaussian(n, seed, 2);
  const std::size_t limbs = IntegerRows::rows(plaintext);
  ring::BorrowedRows rows(workspace, limbs + 1, n);
  const IntegerRows message(plaintext, rows.row(0), e0.reveal(kReveal));
  std::uint64_t* const mask = rows.row(limbs);
  out.parameters = parameters_;
  out.level = level;
  out.scale = plaintext.scale();
  out.noise = noise_.fresh_public(plaintext.noise(), plaintext.scale());
  out.parts.resize(2);
  for (ring::Evaluations& part : out.parts) part.reshape(ring, primes);
  const auto& k = ring.kernels();
  for (std::size_t i = 0; i < primes.size(); ++i) {
    const std::uint32_t prime = primes[i];
    const kernels::Modulus& m = ring.modulus(prime);
    write_small(mask, u.reveal(kReveal), m);
    k.forward_ntt(mask, ring.tables(prime));
    std::uint64_t* const c0 = out.parts[0].row(i).data();
    std::uint64_t* const c1 = out.parts[1].row(i).data();
    message.write(c0, m);
    k.forward_ntt(c0, ring.tables(prime));
    k.multiply_add(c0, mask, key_->b.row(key_->b.primes().position(prime)).data(), n, m);
    write_small(c1, e1.reveal(kReveal), m);
    k.forward_ntt(c1, ring.tables(prime));
    k.multiply_add(c1, mask, key_->a.row(key_->a.primes().position(prime)).data(), n, m);
  }
  // The message and the mask go back to the workspace as zeros.
  secret::wipe(rows.row(0), (limbs + 1) * n * sizeof(std::uint64_t));
  return {};
}

}  // namespace prism::ckks
