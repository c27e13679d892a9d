#include "prism/crypto/hash.h"

#include "prism/base/check.h"
#include "prism/crypto/internal/openssl.h"

namespace prism::crypto {
namespace {

/// Fetched once: looking an algorithm up by name takes longer than hashing a short message. Never freed, because
/// OpenSSL may have been torn down before static objects are.
const EVP_MD* sha384_algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-384", nullptr);
  check(md != nullptr, "OpenSSL has no SHA-384");
  return md;
}
const EVP_MD* sha3_256_algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA3-256", nullptr);
  check(md != nullptr, "OpenSSL has no SHA3-256");
  return md;
}

}  // namespace

struct Sha384::State {
  internal::DigestContext context{EVP_MD_CTX_new()};
};

// Hashing fails only without memory; a program that cannot hash a transcript must not go on.
Sha384::Sha384() : state_(std::make_unique<State>()) {
  check(state_->context && EVP_DigestInit_ex2(state_->context.get(), sha384_algorithm(), nullptr) == 1,
        "no memory for SHA-384");
}
Sha384::Sha384(const Sha384& other) : state_(std::make_unique<State>()) {
  check(state_->context && EVP_MD_CTX_copy_ex(state_->context.get(), other.state_->context.get()) == 1,
        "no memory for SHA-384");
}
Sha384& Sha384::operator=(const Sha384& other) {
  if (this != &other) *this = Sha384(other);
  return *this;
}
Sha384::Sha384(Sha384&&) noexcept = default;
Sha384& Sha384::operator=(Sha384&&) noexcept = default;
Sha384::~Sha384() = default;

Sha384& Sha384::update(ByteView data) {
  check(EVP_DigestUpdate(state_->context.get(), internal::pointer(data), data.size()) == 1, "SHA-384 failed");
  return *this;
}

Digest384 Sha384::finish() {
  Digest384 out;
  check(EVP_DigestFinal_ex(state_->context.get(), out.data(), nullptr) == 1 &&
            EVP_DigestInit_ex2(state_->context.get(), sha384_algorithm(), nullptr) == 1,
        "SHA-384 failed");
  return out;
}

Digest384 sha384(ByteView data) { return Sha384().update(data).finish(); }

void sha3_256_into(std::span<const ByteView> parts, MutableByteView out) {
  check(out.size() == sizeof(Digest), "SHA3-256 gives 32 bytes");
  const internal::DigestContext context(EVP_MD_CTX_new());
  check(context && EVP_DigestInit_ex2(context.get(), sha3_256_algorithm(), nullptr) == 1, "no memory for SHA3-256");
  for (const ByteView part : parts)
    check(EVP_DigestUpdate(context.get(), internal::pointer(part), part.size()) == 1, "SHA3-256 failed");
  check(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1, "SHA3-256 failed");
}

Digest sha3_256(std::span<const ByteView> parts) {
  Digest out;
  sha3_256_into(parts, out);
  return out;
}

Digest sha3_256(ByteView data) { return sha3_256(std::span<const ByteView>(&data, 1)); }

void hmac_sha384_into(ByteView key, ByteView message, MutableByteView out) {
  check(out.size() == sizeof(Digest384), "HMAC-SHA-384 gives 48 bytes");
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  check(mac != nullptr, "OpenSSL has no HMAC");
  const std::unique_ptr<EVP_MAC_CTX, internal::Free<EVP_MAC_CTX_free>> context(EVP_MAC_CTX_new(mac));
  char digest[] = "SHA2-384";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  std::size_t written = 0;
  check(context && EVP_MAC_init(context.get(), internal::pointer(key), key.size(), params) == 1 &&
            EVP_MAC_update(context.get(), internal::pointer(message), message.size()) == 1 &&
            EVP_MAC_final(context.get(), out.data(), &written, out.size()) == 1 && written == out.size(),
        "HMAC-SHA-384 failed");
}

Digest384 hmac_sha384(ByteView key, ByteView message) {
  Digest384 out;
  hmac_sha384_into(key, message, out);
  return out;
}

}  // namespace prism::crypto
