#include "prism/crypto/signature.h"

#include <algorithm>
#include <array>

#include "prism/crypto/internal/ml_kem.h"
#include "prism/crypto/internal/openssl.h"
#include "prism/crypto/internal/spki.h"

namespace prism::crypto {
namespace {

using internal::Pkey;
using internal::PkeyContext;
using secret::RevealKey;
using secret::SecretVector;

struct Algorithm {
  const char* name;
  SignatureSizes sizes;
  std::size_t expanded;
  KeyAlgorithm key;
};
const Algorithm& details_of(SignatureAlgorithm algorithm) {
  static constexpr Algorithm k65{"ML-DSA-65", {1952, 3309}, 4032, KeyAlgorithm::ml_dsa_65};  // FIPS 204, table 2
  static constexpr Algorithm k87{"ML-DSA-87", {2592, 4627}, 4896, KeyAlgorithm::ml_dsa_87};
  return algorithm == SignatureAlgorithm::ml_dsa_65 ? k65 : k87;
}

/// Looked up once; never freed, because OpenSSL may be gone before static objects are.
EVP_SIGNATURE* scheme_of(SignatureAlgorithm algorithm) {
  static EVP_SIGNATURE* const k65 = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-65", nullptr);
  static EVP_SIGNATURE* const k87 = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-87", nullptr);
  return algorithm == SignatureAlgorithm::ml_dsa_65 ? k65 : k87;
}

Status check_context(std::string_view context) {
  if (context.size() > kMaxContextBytes)
    return fail(ErrorCode::invalid_argument, "a signature's context of ", context.size(), " bytes is longer than ",
                kMaxContextBytes);
  return {};
}

Error wrong_length(std::string_view what, const Algorithm& details, std::size_t found, std::size_t wanted) {
  return fail(ErrorCode::malformed, "a ", what, " of ", details.name, " has ", wanted, " bytes, not ", found);
}

}  // namespace

std::string_view name_of(SignatureAlgorithm algorithm) { return details_of(algorithm).name; }
SignatureSizes sizes_of(SignatureAlgorithm algorithm) { return details_of(algorithm).sizes; }

struct VerifyKey::Parts {
  SignatureAlgorithm algorithm;
  Bytes spki;
  Digest fingerprint;
  Pkey key;
};

Result<VerifyKey> VerifyKey::from_raw(SignatureAlgorithm algorithm, ByteView raw) {
  const Algorithm& details = details_of(algorithm);
  if (raw.size() != details.sizes.public_key)
    return wrong_length("public key", details, raw.size(), details.sizes.public_key);
  Pkey key(EVP_PKEY_new_raw_public_key_ex(nullptr, details.name, nullptr, raw.data(), raw.size()));
  if (!key) return internal::no_openssl(details.name);
  Bytes spki = internal::spki_of(details.key, raw);
  const Digest fingerprint = internal::sha256(spki);
  return VerifyKey(std::make_shared<const Parts>(Parts{algorithm, std::move(spki), fingerprint, std::move(key)}));
}

Result<VerifyKey> VerifyKey::from_spki(ByteView der) {
  for (const auto algorithm : {SignatureAlgorithm::ml_dsa_65, SignatureAlgorithm::ml_dsa_87})
    if (const auto raw = internal::raw_of_spki(details_of(algorithm).key, der)) return from_raw(algorithm, *raw);
  return fail(ErrorCode::malformed, der.size(), " bytes that are no public key of ML-DSA-65 or ML-DSA-87");
}

SignatureAlgorithm VerifyKey::algorithm() const { return parts_->algorithm; }
ByteView VerifyKey::raw() const { return ByteView(parts_->spki).last(details_of(parts_->algorithm).sizes.public_key); }
Bytes VerifyKey::spki() const { return parts_->spki; }
const Digest& VerifyKey::fingerprint() const { return parts_->fingerprint; }

Status VerifyKey::verify(ByteView message, std::string_view context, ByteView signature) const {
  PRISM_CHECKED(check_context(context));
  const Algorithm& details = details_of(parts_->algorithm);
  const Error refusal{ErrorCode::integrity, "the signature does not verify"};
  if (signature.size() != details.sizes.signature) return refusal;
  const PkeyContext verifying(EVP_PKEY_CTX_new_from_pkey(nullptr, parts_->key.get(), nullptr));
  const OSSL_PARAM params[] = {internal::octets(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, as_bytes(context)),
                               OSSL_PARAM_construct_end()};
  if (!verifying || EVP_PKEY_verify_message_init(verifying.get(), scheme_of(parts_->algorithm), params) != 1)
    return internal::no_openssl(details.name);
  if (EVP_PKEY_verify(verifying.get(), signature.data(), signature.size(), internal::pointer(message),
                      message.size()) == 1)
    return {};
  internal::forget_errors();
  return refusal;
}

struct SigningKey::Parts {
  SecretVector<std::uint8_t> seed;
  Pkey key;
  VerifyKey verify_key;
};

SigningKey::SigningKey(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

const VerifyKey& SigningKey::verify_key() const { return parts_->verify_key; }
ByteView SigningKey::reveal_seed(RevealKey key) const { return std::as_const(parts_->seed).reveal(key); }

namespace {

Result<VerifyKey> public_half(SignatureAlgorithm algorithm, EVP_PKEY* key) {
  const Algorithm& details = details_of(algorithm);
  Bytes raw(details.sizes.public_key);
  std::size_t written = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw.data(), raw.size(), &written) != 1)
    return internal::no_openssl(details.name);
  return VerifyKey::from_raw(algorithm, ByteView(raw).first(written));
}

}  // namespace

Result<SigningKey> SigningKey::generate(SignatureAlgorithm algorithm, Random& random) {
  secret::Secret<std::array<std::uint8_t, kSigningSeedBytes>> seed;
  PRISM_CHECKED(random.fill(seed.reveal(RevealKey{})));
  return from_seed(algorithm, seed.reveal(RevealKey{}));
}

Result<SigningKey> SigningKey::from_seed(SignatureAlgorithm algorithm, ByteView seed) {
  const Algorithm& details = details_of(algorithm);
  if (seed.size() != kSigningSeedBytes) return wrong_length("seed", details, seed.size(), kSigningSeedBytes);
  Pkey key = internal::pkey_from_seed(details.name, seed);
  if (!key) return internal::no_openssl(details.name);
  PRISM_TRY(auto verify_key, public_half(algorithm, key.get()));
  SecretVector<std::uint8_t> kept(seed.size());
  std::copy(seed.begin(), seed.end(), kept.reveal(RevealKey{}).begin());
  return SigningKey(std::make_unique<Parts>(Parts{std::move(kept), std::move(key), std::move(verify_key)}));
}

Result<SigningKey> SigningKey::from_expanded(SignatureAlgorithm algorithm, ByteView sk) {
  const Algorithm& details = details_of(algorithm);
  if (sk.size() != details.expanded) return wrong_length("secret key", details, sk.size(), details.expanded);
  Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, details.name, nullptr, sk.data(), sk.size()));
  if (!key) {
    internal::forget_errors();
    return fail(ErrorCode::malformed, "these ", sk.size(), " bytes are no secret key of ", details.name);
  }
  PRISM_TRY(auto verify_key, public_half(algorithm, key.get()));
  return SigningKey(
      std::make_unique<Parts>(Parts{SecretVector<std::uint8_t>(), std::move(key), std::move(verify_key)}));
}

Result<SecretVector<std::uint8_t>> SigningKey::reveal_expanded(RevealKey) const {
  return internal::expanded_key(parts_->key.get(), details_of(algorithm()).expanded);
}

Result<Bytes> SigningKey::sign(ByteView message, std::string_view context, Random& random) const {
  PRISM_CHECKED(check_context(context));
  const Algorithm& details = details_of(algorithm());
  secret::Secret<std::array<std::uint8_t, 32>> hedge;  // FIPS 204's rnd
  PRISM_CHECKED(random.fill(hedge.reveal(RevealKey{})));
  const PkeyContext signing(EVP_PKEY_CTX_new_from_pkey(nullptr, parts_->key.get(), nullptr));
  // OpenSSL calls it test entropy; it is rnd itself, and here it comes from where all randomness comes from.
  const OSSL_PARAM params[] = {internal::octets(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, as_bytes(context)),
                               internal::octets(OSSL_SIGNATURE_PARAM_TEST_ENTROPY, hedge.reveal(RevealKey{})),
                               OSSL_PARAM_construct_end()};
  Bytes out(details.sizes.signature);
  std::size_t written = out.size();
  if (!signing || EVP_PKEY_sign_message_init(signing.get(), scheme_of(algorithm()), params) != 1 ||
      EVP_PKEY_sign(signing.get(), out.data(), &written, internal::pointer(message), message.size()) != 1 ||
      written != out.size())
    return internal::no_openssl(details.name);
  return out;
}

}  // namespace prism::crypto
