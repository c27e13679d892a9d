#include "prism/crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "prism/crypto/internal/certified_key.h"

namespace prism::crypto {
namespace internal {

int no_passphrase(char*, int, int, void*) { return -1; }

CertificateKey kind_of(EVP_PKEY* key) {
  if (key == nullptr) return CertificateKey::other;
  if (EVP_PKEY_is_a(key, "ML-DSA-65") == 1) return CertificateKey::ml_dsa_65;
  if (EVP_PKEY_is_a(key, "ML-DSA-87") == 1) return CertificateKey::ml_dsa_87;
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 64> group{};
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1) return CertificateKey::other;
    const std::string_view name(group.data(), length);
    if (name == "prime256v1" || name == "P-256") return CertificateKey::ecdsa_p256;
    if (name == "secp384r1" || name == "P-384") return CertificateKey::ecdsa_p384;
  }
  return CertificateKey::other;
}

namespace {

Error no_memory() { return fail(ErrorCode::exhausted, "OpenSSL could not handle a certificate: no memory"); }

Result<Digest> sha256_of(ByteView bytes) {
  Digest digest;
  unsigned written = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &written, EVP_sha256(), nullptr) != 1) return no_memory();
  return digest;
}

template <class T, class Encode>
Result<Digest> sha256_of_der(T* object, Encode encode) {
  std::uint8_t* der = nullptr;
  const int length = encode(object, &der);
  if (length < 0) return no_memory();
  const auto digest = sha256_of({der, static_cast<std::size_t>(length)});
  OPENSSL_free(der);
  return digest;
}

Result<std::chrono::seconds> seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1)
    return fail(ErrorCode::malformed, "a certificate's validity is no date that can be read");
  return std::chrono::seconds(::timegm(&parts));
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* const list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) {
      const auto* const text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      names.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const std::uint8_t* const b = ASN1_STRING_get0_data(name->d.iPAddress);
      const int length = ASN1_STRING_length(name->d.iPAddress);
      std::string text;
      if (length == 4) {
        for (int k = 0; k < 4; ++k) text += (k == 0 ? "" : ".") + std::to_string(b[k]);
      } else if (length == 16) {
        for (int k = 0; k < 16; k += 2) text += (k == 0 ? "" : ":") + to_hex(ByteView(b + k, 2));
      }
      if (!text.empty()) names.push_back(text);
    }
  }
  GENERAL_NAMES_free(list);
  return names;
}

}  // namespace

Result<CertificateInfo> describe(X509* certificate) {
  CertificateInfo info;
  info.key = kind_of(X509_get0_pubkey(certificate));
  PRISM_TRY(info.fingerprints.certificate,
            sha256_of_der(certificate, [](X509* x, std::uint8_t** out) { return i2d_X509(x, out); }));
  PRISM_TRY(info.fingerprints.spki,
            sha256_of_der(X509_get_X509_PUBKEY(certificate),
                          [](X509_PUBKEY* x, std::uint8_t** out) { return i2d_X509_PUBKEY(x, out); }));
  PRISM_TRY(info.not_before, seconds_of(X509_get0_notBefore(certificate)));
  PRISM_TRY(info.not_after, seconds_of(X509_get0_notAfter(certificate)));
  info.names = names_of(certificate);
  return info;
}

Result<std::vector<X509Pointer>> parse_certificates(ByteView pem) {
  // More than any chain or CA bundle holds; the system's whole store is a fifth of it.
  constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;
  if (pem.size() > kMaxPemBytes) return fail(ErrorCode::quota, "a certificate file is longer than a mebibyte");
  const BioPointer bio(
      BIO_new_mem_buf(pem.empty() ? "" : static_cast<const void*>(pem.data()), static_cast<int>(pem.size())));
  if (!bio) return no_memory();
  std::vector<X509Pointer> chain;
  ERR_clear_error();
  for (;;) {
    X509Pointer one(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!one) break;
    chain.push_back(std::move(one));
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (chain.empty() || !ended)
    return fail(ErrorCode::malformed, "no certificate in PEM form (`-----BEGIN CERTIFICATE-----`), or a broken one");
  return chain;
}

}  // namespace internal

namespace {

using internal::no_passphrase;
using secret::RevealKey;
using secret::SecretVector;

Error failed(const char* what) {
  ERR_clear_error();
  return fail(ErrorCode::exhausted, "OpenSSL could not ", what, ": no memory, or no provider");
}

struct FreeContext {
  void operator()(EVP_PKEY_CTX* x) const { EVP_PKEY_CTX_free(x); }
  void operator()(EVP_MD_CTX* x) const { EVP_MD_CTX_free(x); }
  void operator()(BIGNUM* x) const { BN_free(x); }
  void operator()(GENERAL_NAMES* x) const { GENERAL_NAMES_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeContext>;

/// The key is a function of bytes from `random`: ML-DSA by its seed (FIPS 204, KeyGen_internal), ECDSA by RFC 9180's
/// DeriveKeyPair, which rejects as FIPS 186-5 asks.
Result<KeyPointer> generate(CertificateKey kind, Random& random) {
  const bool lattice = kind == CertificateKey::ml_dsa_65 || kind == CertificateKey::ml_dsa_87;
  check(kind != CertificateKey::other, "a certificate's key must be of a kind that can be made");
  secret::Secret<std::array<std::uint8_t, 48>> seed;
  auto& bytes = seed.reveal(RevealKey{});
  PRISM_CHECKED(random.fill(bytes));
  const std::size_t length = kind == CertificateKey::ecdsa_p384 ? 48 : 32;
  std::array<char, 6> group{'P',
                            '-',
                            kind == CertificateKey::ecdsa_p256 ? '2' : '3',
                            kind == CertificateKey::ecdsa_p256 ? '5' : '8',
                            kind == CertificateKey::ecdsa_p256 ? '6' : '4',
                            '\0'};
  const char* const name = kind == CertificateKey::ml_dsa_65   ? "ML-DSA-65"
                           : kind == CertificateKey::ml_dsa_87 ? "ML-DSA-87"
                                                               : "EC";
  const std::array<OSSL_PARAM, 2> lattice_parameters{
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, bytes.data(), length), OSSL_PARAM_construct_end()};
  const std::array<OSSL_PARAM, 3> curve_parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_DHKEM_IKM, bytes.data(), length), OSSL_PARAM_construct_end()};
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_params(context.get(), lattice ? lattice_parameters.data() : curve_parameters.data()) != 1 ||
      EVP_PKEY_generate(context.get(), &key) != 1)
    return failed("make a key");
  return KeyPointer(key);
}

/// A DNS name (a first label `*` included) as certificates may hold it.
bool is_dns_name(const std::string& name) {
  if (name.empty() || name.size() > 253) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '*';
  });
}

Result<Owned<GENERAL_NAMES>> alternative_names(const std::vector<std::string>& names) {
  if (names.empty()) return fail(ErrorCode::invalid_argument, "a certificate needs at least one name");
  Owned<GENERAL_NAMES> list(GENERAL_NAMES_new());
  if (!list) return failed("make a certificate");
  for (const std::string& text : names) {
    GENERAL_NAME* const name = GENERAL_NAME_new();
    if (name == nullptr || sk_GENERAL_NAME_push(list.get(), name) <= 0) {
      GENERAL_NAME_free(name);
      return failed("make a certificate");
    }
    if (ASN1_OCTET_STRING* const address = a2i_IPADDRESS(text.c_str())) {
      GENERAL_NAME_set0_value(name, GEN_IPADD, address);
      continue;
    }
    ERR_clear_error();
    if (!is_dns_name(text))
      return fail(ErrorCode::invalid_argument, "a certificate is for host names and addresses, not for \"", text, "\"");
    ASN1_IA5STRING* const dns = ASN1_IA5STRING_new();
    if (dns == nullptr || ASN1_STRING_set(dns, text.data(), static_cast<int>(text.size())) != 1) {
      ASN1_IA5STRING_free(dns);
      return failed("make a certificate");
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, dns);
  }
  return list;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// Signing without fresh randomness, since all of it comes from the caller's Random: ML-DSA's deterministic variant
/// (FIPS 204, section 3.4), and ECDSA with RFC 6979's nonce. One signature by a new key on public bytes.
Status self_sign(X509* certificate, EVP_PKEY* key, CertificateKey kind) {
  const bool lattice = kind == CertificateKey::ml_dsa_65 || kind == CertificateKey::ml_dsa_87;
  int deterministic = 1;
  unsigned nonce_type = 1;
  const std::array<OSSL_PARAM, 2> parameters{
      lattice ? OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &deterministic)
              : OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &nonce_type),
      OSSL_PARAM_construct_end()};
  const char* const hash = lattice ? nullptr : kind == CertificateKey::ecdsa_p384 ? "SHA384" : "SHA256";
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit_ex(context.get(), nullptr, hash, nullptr, nullptr, key, parameters.data()) != 1 ||
      X509_sign_ctx(certificate, context.get()) <= 0)
    return failed("sign a certificate");
  return {};
}

}  // namespace

std::string_view name_of(CertificateKey key) {
  switch (key) {
    case CertificateKey::ml_dsa_65:
      return "ML-DSA-65";
    case CertificateKey::ml_dsa_87:
      return "ML-DSA-87";
    case CertificateKey::ecdsa_p256:
      return "ECDSA-P256";
    case CertificateKey::ecdsa_p384:
      return "ECDSA-P384";
    case CertificateKey::other:
      break;
  }
  return "another kind";
}

Result<CertifiedKey> CertifiedKey::from_pem(ByteView chain, const SecretVector<std::uint8_t>& key) {
  auto state = std::make_shared<State>();
  PRISM_TRY(state->chain, internal::parse_certificates(chain));
  const auto bytes = key.reveal(RevealKey{});
  constexpr std::size_t kMaxKeyPemBytes = 64 * 1024;
  if (!bytes.empty() && bytes.size() <= kMaxKeyPemBytes) {
    const BioPointer bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!bio) return failed("read a key");
    state->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  }
  ERR_clear_error();
  if (!state->key)
    return fail(ErrorCode::malformed,
                "no private key in PEM form without a passphrase (`-----BEGIN PRIVATE KEY-----`) for the certificate");
  const bool belongs = X509_check_private_key(state->chain.front().get(), state->key.get()) == 1;
  ERR_clear_error();
  if (!belongs) return fail(ErrorCode::mismatch, "the private key is not that of the first certificate in the file");
  PRISM_TRY(state->info, internal::describe(state->chain.front().get()));
  return CertifiedKey(std::move(state));
}

Result<CertifiedKey> CertifiedKey::make_self_signed(CertificateKey kind, const std::vector<std::string>& names,
                                                    std::chrono::seconds now, std::chrono::seconds validity,
                                                    Random& random) {
  auto state = std::make_shared<State>();
  PRISM_TRY(state->key, generate(kind, random));
  return certify(std::move(state), kind, names, now, validity, random);
}

Result<CertifiedKey> CertifiedKey::renewed(const std::vector<std::string>& names, std::chrono::seconds now,
                                           std::chrono::seconds validity, Random& random) const {
  if (info().key == CertificateKey::other)
    return fail(ErrorCode::unsupported, "a certificate with this kind of key is not made here");
  auto state = std::make_shared<State>();
  state->key = KeyPointer(EVP_PKEY_dup(state_->key.get()));
  if (!state->key) return failed("copy a key");
  return certify(std::move(state), info().key, names, now, validity, random);
}

Result<CertifiedKey> CertifiedKey::certify(std::shared_ptr<State> state, CertificateKey kind,
                                           const std::vector<std::string>& names, std::chrono::seconds now,
                                           std::chrono::seconds validity, Random& random) {
  EVP_PKEY* const key = state->key.get();
  PRISM_TRY(const auto alternatives, alternative_names(names));
  // 159 bits that are never zero in front: positive, and within the 20 octets of RFC 5280, section 4.1.2.2.
  std::array<std::uint8_t, 20> serial;
  PRISM_CHECKED(random.fill(serial));
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);
  const Owned<BIGNUM> number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  X509Pointer certificate(X509_new());
  if (!certificate || !number) return failed("make a certificate");
  X509* const x = certificate.get();
  X509_NAME* const subject = X509_get_subject_name(x);
  // RFC 5280 bounds a common name to 64 characters; the names that count are in the extension.
  const std::string common = names.front().substr(0, 64);
  const auto text = reinterpret_cast<const unsigned char*>(common.data());
  const auto start = static_cast<std::time_t>((now - std::chrono::hours(1)).count());
  const auto end = static_cast<std::time_t>((now + validity).count());
  if (X509_set_version(x, X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x)) == nullptr ||
      ASN1_TIME_set(X509_getm_notBefore(x), start) == nullptr || ASN1_TIME_set(X509_getm_notAfter(x), end) == nullptr ||
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, text, static_cast<int>(common.size()), -1, 0) !=
          1 ||
      X509_set_issuer_name(x, subject) != 1 || X509_set_pubkey(x, key) != 1 ||
      X509_add1_ext_i2d(x, NID_subject_alt_name, alternatives.get(), 0, X509V3_ADD_DEFAULT) != 1 ||
      !add_extension(x, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(x, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(x, NID_subject_key_identifier, "hash"))
    return failed("make a certificate");
  PRISM_CHECKED(self_sign(x, key, kind));
  PRISM_TRY(state->info, internal::describe(x));
  state->chain.push_back(std::move(certificate));
  return CertifiedKey(std::move(state));
}

const CertificateInfo& CertifiedKey::info() const { return state_->info; }

std::string CertifiedKey::chain_pem() const {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  check(bio != nullptr, "no memory for a certificate's text");
  for (const X509Pointer& one : state_->chain)
    check(PEM_write_bio_X509(bio.get(), one.get()) == 1, "a certificate that was read cannot be written");
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

SecretVector<std::uint8_t> CertifiedKey::key_pem() const {
  // OpenSSL clears this kind of memory when it frees or grows it.
  const BioPointer bio(BIO_new(BIO_s_secmem()));
  check(bio != nullptr &&
            PEM_write_bio_PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "a private key that is in use cannot be written");
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  SecretVector<std::uint8_t> pem(static_cast<std::size_t>(length));
  std::copy(data, data + length, pem.reveal(RevealKey{}).begin());
  return pem;
}

Result<CertificateInfo> inspect_certificate(ByteView pem) {
  PRISM_TRY(const auto chain, internal::parse_certificates(pem));
  return internal::describe(chain.front().get());
}

}  // namespace prism::crypto
