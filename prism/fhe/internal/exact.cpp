#include <cmath>

#include "prism/circuits/integer_polynomial.h"
#include "prism/exact/wire.h"
#include "prism/fhe/internal/scheme.h"

namespace prism::fhe {

using Integers = Scheme<Exact>;

Integers::Scheme(std::shared_ptr<const exact::Parameters> parameters, double largest_magnitude,
                 exact::PublicEncryptor encryptor)
    : largest_magnitude_(largest_magnitude),
      encoder_(parameters),
      evaluator_(parameters),
      encryptor_(std::move(encryptor)) {}

Result<Integers> Integers::make(std::shared_ptr<const exact::Parameters> parameters, double largest_magnitude,
                                std::shared_ptr<const rlwe::PublicKey> key) {
  const std::uint64_t half = (parameters->plain_modulus() - 1) / 2;
  if (!(largest_magnitude >= 0 && largest_magnitude <= static_cast<double>(half)) ||
      largest_magnitude != std::floor(largest_magnitude))
    return fail(ErrorCode::invalid_argument, "the largest value of inputs must be a whole number of at most ", half,
                ", or 0 when it is not declared");
  PRISM_TRY(auto encryptor, exact::PublicEncryptor::make(std::move(key), parameters));
  return Integers(std::move(parameters), largest_magnitude, std::move(encryptor));
}

bool Integers::is_settled(const Ciphertext& a) const {
  return a.parts.size() == 2 && a.correction == parameters()->correction(a.level);
}

Result<exact::Ciphertext> Integers::settle(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  PRISM_TRY(Ciphertext linear, evaluator_.relinearise(a, keys));
  return descend(std::move(linear));
}

Result<exact::Ciphertext> Integers::descend(Ciphertext a) const {
  if (parameters()->scheme() == exact::Scheme::bfv) return a;
  // At level 0 the same level gives the canonical correction; whether anything is left is decryption's to say.
  return evaluator_.drop_to(a, rlwe::Level{a.level.value - (a.level.value > 0 ? 1 : 0)});
}

bool Integers::decrypts(const Ciphertext& a) const { return evaluator_.noise_model().decrypts(a.noise, a.level); }

double Integers::budget_bits(const Ciphertext& a) const {
  return evaluator_.noise_model().budget_bits(a.noise, a.level);
}

bool Integers::can_add(const Ciphertext& a, const Ciphertext& b) const {
  return a.level == b.level && a.correction == b.correction;
}

Result<exact::Ciphertext> Integers::multiply(const Ciphertext& a, const Ciphertext& b) const {
  return &a == &b ? evaluator_.square(a) : evaluator_.multiply(a, b);
}

Result<exact::Ciphertext> Integers::add_plain(const Ciphertext& a, Numbers values) const {
  PRISM_TRY(const exact::Plaintext plaintext, encoder_.encode(values));
  return evaluator_.add_plain(a, plaintext);
}

Result<exact::Ciphertext> Integers::multiply_plain(const Ciphertext& a, Numbers values, std::int64_t) const {
  PRISM_TRY(const exact::Plaintext plaintext, encoder_.encode(values));
  PRISM_TRY(Ciphertext product, evaluator_.multiply_plain(a, plaintext));
  // As noisy as a product, so it goes down like one.
  return descend(std::move(product));
}

Status Integers::check_number(std::int64_t value) const {
  const auto half = static_cast<std::int64_t>((parameters()->plain_modulus() - 1) / 2);
  if (value >= -half && value <= half) return {};
  return fail(ErrorCode::invalid_argument, "the public number ", value, " is beyond (t-1)/2 = ", half,
              "; declare a larger largest_value");
}

Result<exact::Ciphertext> Integers::evaluate(const circuits::IntegerPolynomial& p, const Ciphertext& a,
                                             const rlwe::EvaluationKeys& keys) const {
  return circuits::evaluate(evaluator_, p, a, keys);
}

Result<exact::Ciphertext> Integers::blank() const {
  const rlwe::Parameters& rlwe = parameters()->rlwe();
  const rlwe::Level top = rlwe.max_level();
  Ciphertext out{parameters(),
                 {},
                 top,
                 parameters()->correction(top),
                 evaluator_.noise_model().fresh_symmetric(exact::Ancestry::everything())};
  for (int part = 0; part < 2; ++part) out.parts.emplace_back(rlwe.ring(), rlwe.primes(top));
  return out;
}

Result<exact::Plaintext> Integers::encode_input(Numbers values) const {
  bool within = true;  // of all values at once: which one is too large is nobody's business
  const auto most = static_cast<std::int64_t>(largest_magnitude_);
  if (most > 0)
    for (const std::int64_t value : values) within = within & (value >= -most) & (value <= most);
  if (!within)
    return fail(ErrorCode::invalid_argument, "a value is larger than the ", most,
                " that the keys declare; make keys for larger ones");
  return encoder_.encode(values);
}

Result<exact::Ciphertext> Integers::encrypt(Numbers values, Random& random) const {
  PRISM_TRY(const exact::Plaintext plaintext, encode_input(values));
  return encryptor_.encrypt(plaintext, random);
}

Result<exact::Ciphertext> Integers::encrypt(const exact::SymmetricEncryptor& encryptor, Numbers values,
                                            Random& random) const {
  PRISM_TRY(const exact::Plaintext plaintext, encode_input(values));
  return encryptor.encrypt(plaintext, random);
}

Result<Bytes> Integers::encrypt_to_bytes(const exact::SymmetricEncryptor& encryptor, Numbers values,
                                         Random& random) const {
  PRISM_TRY(const exact::Plaintext plaintext, encode_input(values));
  PRISM_TRY(const ring::Seed seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed errors, ring::fresh_secret_seed(random));
  PRISM_TRY(const auto half, encryptor.encrypt(plaintext, parameters()->max_level(), seed, 0, errors, 0));
  return exact::encode(half);
}

Status Integers::decrypt(std::vector<std::int64_t>& out, const exact::Decryptor& decryptor, const Ciphertext& a) const {
  PRISM_TRY(const exact::Plaintext plaintext, decryptor.decrypt(a));
  const std::vector<std::int64_t> slots = encoder_.decode(plaintext);
  out.insert(out.end(), slots.begin(), slots.end());
  return {};
}

Result<exact::Ciphertext> Integers::decode(ByteView bytes) const {
  if (!bytes.empty() && bytes[0] == 2) {
    PRISM_TRY(const auto half, exact::decode_seeded_ciphertext(bytes, parameters()));
    Ciphertext whole = exact::expand(half);
    if (is_settled(whole)) return whole;
  } else {
    PRISM_TRY(Ciphertext whole, exact::decode_ciphertext(bytes, parameters()));
    if (is_settled(whole)) return whole;
  }
  return fail(ErrorCode::malformed, "a ciphertext without the correction factor of its level");
}

}  // namespace prism::fhe
