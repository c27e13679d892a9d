#include <algorithm>
#include <cmath>

#include "prism/circuits/polynomial.h"
#include "prism/ckks/wire.h"
#include "prism/fhe/internal/scheme.h"

namespace prism::fhe {

using Approximations = Scheme<Approximate>;

Approximations::Scheme(std::shared_ptr<const ckks::Parameters> parameters, double largest_magnitude,
                       ckks::PublicEncryptor encryptor)
    : largest_magnitude_(largest_magnitude),
      encoder_(parameters),
      evaluator_(parameters),
      encryptor_(std::move(encryptor)) {}

Result<Approximations> Approximations::make(std::shared_ptr<const ckks::Parameters> parameters,
                                            double largest_magnitude, std::shared_ptr<const rlwe::PublicKey> key) {
  if (!(largest_magnitude > 0 && largest_magnitude < 0x1p60))
    return fail(ErrorCode::invalid_argument, "the largest magnitude must be above 0 and below 2^60");
  PRISM_TRY(auto encryptor, ckks::PublicEncryptor::make(std::move(key), parameters));
  return Approximations(std::move(parameters), largest_magnitude, std::move(encryptor));
}

bool Approximations::is_settled(const Ciphertext& a) const {
  return a.parts.size() == 2 && a.scale == parameters()->scale(a.level);
}

Result<ckks::Ciphertext> Approximations::settle(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return evaluator_.relinearise_rescale(a, keys);
}

Result<ckks::Ciphertext> Approximations::lower(const Ciphertext& a, rlwe::Level level) const {
  return evaluator_.align_to(a, level);
}

bool Approximations::decrypts(const Ciphertext& a) const {
  return ckks::decrypts(*parameters(), a.level, ckks::NoiseModel::phase(a.noise, a.scale));
}

double Approximations::budget_bits(const Ciphertext& a) const {
  return parameters()->rlwe().log2_q(a.level) - 1 - ckks::NoiseModel::phase(a.noise, a.scale).log2();
}

bool Approximations::can_add(const Ciphertext& a, const Ciphertext& b) const {
  return a.level == b.level && a.scale == b.scale;
}

Result<ckks::Ciphertext> Approximations::multiply(const Ciphertext& a, const Ciphertext& b) const {
  return &a == &b ? evaluator_.square(a) : evaluator_.multiply(a, b);
}

double Approximations::largest(Numbers values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

Result<ckks::Ciphertext> Approximations::add_plain(const Ciphertext& a, Numbers values) const {
  PRISM_TRY(const ckks::Plaintext plaintext, encoder_.encode(values, a.scale, largest(values)));
  return evaluator_.add_plain(a, plaintext);
}

Result<ckks::Ciphertext> Approximations::multiply_plain(const Ciphertext& a, Numbers values, double largest) const {
  PRISM_TRY(const ckks::Plaintext plaintext, encoder_.encode(values, a.level, largest));
  return evaluator_.multiply_plain(a, plaintext);
}

Status Approximations::check_number(double value) const {
  if (std::isfinite(value)) return {};
  return fail(ErrorCode::invalid_argument, "a public number that is not finite");
}

Result<ckks::Ciphertext> Approximations::add_number(const Ciphertext& a, double value) const {
  PRISM_TRY(const ckks::Constant constant, ckks::Constant::from_double(value));
  return evaluator_.add_scalar(a, constant);
}

bool Approximations::is_free(double value) const { return value == std::floor(value) && std::fabs(value) <= 0x1p31; }

Result<ckks::Ciphertext> Approximations::multiply_number(const Ciphertext& a, double value) const {
  if (is_free(value)) return evaluator_.multiply_integer(a, static_cast<std::int64_t>(value));
  PRISM_TRY(const ckks::Constant constant, ckks::Constant::from_double(value));
  return evaluator_.multiply_scalar(a, constant);
}

Result<ckks::Ciphertext> Approximations::sum_slots(const Ciphertext& a, std::size_t count,
                                                   const rlwe::EvaluationKeys& keys) const {
  PRISM_TRY(Ciphertext out, evaluator_.sum_slots(a, keys));
  out.noise.magnitude = min(out.noise.magnitude, a.noise.magnitude * math::Bound::from_integer(count));
  return out;
}

Result<ckks::Ciphertext> Approximations::evaluate(const circuits::Polynomial& p, const Ciphertext& a,
                                                  const rlwe::EvaluationKeys& keys) const {
  return circuits::evaluate(evaluator_, p, a, keys);
}

Result<ckks::Ciphertext> Approximations::blank() const {
  const std::vector<double> none(1, 0.0);
  PRISM_TRY(const ckks::Plaintext zero, encode(none));
  const rlwe::Parameters& rlwe = parameters()->rlwe();
  const rlwe::Level top = rlwe.max_level();
  Ciphertext out{parameters(),
                 {},
                 top,
                 parameters()->scale(top),
                 evaluator_.noise_model().fresh_symmetric(zero.noise(), zero.scale())};
  for (int part = 0; part < 2; ++part) out.parts.emplace_back(rlwe.ring(), rlwe.primes(top));
  return out;
}

Result<ckks::Plaintext> Approximations::encode(Numbers values) const {
  return encoder_.encode(values, parameters()->max_level(), largest_magnitude_);
}

Result<ckks::Ciphertext> Approximations::encrypt(Numbers values, Random& random) const {
  PRISM_TRY(const ckks::Plaintext plaintext, encode(values));
  return encryptor_.encrypt(plaintext, random);
}

Result<ckks::Ciphertext> Approximations::encrypt(const ckks::SymmetricEncryptor& encryptor, Numbers values,
                                                 Random& random) const {
  PRISM_TRY(const ckks::Plaintext plaintext, encode(values));
  return encryptor.encrypt(plaintext, random);
}

Result<Bytes> Approximations::encrypt_to_bytes(const ckks::SymmetricEncryptor& encryptor, Numbers values,
                                               Random& random) const {
  PRISM_TRY(const ckks::Plaintext plaintext, encode(values));
  PRISM_TRY(const ring::Seed seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed errors, ring::fresh_secret_seed(random));
  PRISM_TRY(const auto half, encryptor.encrypt(plaintext, parameters()->max_level(), seed, 0, errors, 0));
  return ckks::encode(half);
}

Status Approximations::decrypt(std::vector<double>& out, const ckks::Decryptor& decryptor, const Ciphertext& a) const {
  PRISM_TRY(const ckks::Plaintext plaintext, decryptor.decrypt_private(a));
  const std::vector<double> slots = encoder_.decode_real(plaintext);
  out.insert(out.end(), slots.begin(), slots.end());
  return {};
}

Result<ckks::Ciphertext> Approximations::decode(ByteView bytes) const {
  if (!bytes.empty() && bytes[0] == 1) {
    PRISM_TRY(const auto half, ckks::decode_seeded_ciphertext(bytes, parameters()));
    Ciphertext whole = ckks::expand(half);
    if (is_settled(whole)) return whole;
  } else {
    PRISM_TRY(Ciphertext whole, ckks::decode_ciphertext(bytes, parameters()));
    if (is_settled(whole)) return whole;
  }
  return fail(ErrorCode::malformed, "a ciphertext that is not at the scale of its level");
}

}  // namespace prism::fhe
