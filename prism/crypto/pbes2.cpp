#include "prism/crypto/internal/pbes2.h"

#include <openssl/asn1.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <array>
#include <bit>

#include "prism/crypto/internal/openssl.h"

namespace prism::crypto::internal {
namespace {

using secret::RevealKey;
using secret::SecretVector;

using Protected = std::unique_ptr<X509_SIG, Free<X509_SIG_free>>;
using SecretInfo = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;
using Pbes2 = std::unique_ptr<PBE2PARAM, Free<PBE2PARAM_free>>;
using Scrypt = std::unique_ptr<SCRYPT_PARAMS, Free<SCRYPT_PARAMS_free>>;
using Pbkdf2 = std::unique_ptr<PBKDF2PARAM, Free<PBKDF2PARAM_free>>;

constexpr std::size_t kMaxPassphraseBytes = 1024;
constexpr std::size_t kSaltBytes = 16;
/// OpenSSL gives scrypt for PBES2 32 MiB and no more; a file above it opens nowhere.
constexpr std::uint64_t kMaxMemory = std::uint64_t{32} << 20;
constexpr std::uint64_t kMaxRounds = 16;
/// About a second. OpenSSL itself writes 2,048.
constexpr std::uint64_t kMaxIterations = 2'000'000;

Error not_a_key() {
  forget_errors();
  return fail(ErrorCode::malformed, "a protected key that does not parse");
}
Error other_scheme(std::string_view what) {
  forget_errors();
  return fail(ErrorCode::unsupported, "a key protected by ", what,
              "; PBES2 with scrypt or PBKDF2 and AES-CBC is read (openssl pkcs8 -topk8 -scrypt writes it)");
}

Status check_file_cost(const ScryptCost& cost) {
  if (cost.log2_n < 1 || cost.log2_n > 20 || cost.r < 1 || cost.p < 1 || cost.p > kMaxRounds ||
      scrypt_bytes(cost) > kMaxMemory)
    return fail(ErrorCode::unsupported, "scrypt cost N=2^", static_cast<int>(cost.log2_n),
                " r=", static_cast<int>(cost.r), " p=", static_cast<int>(cost.p), " of a key file: it may take 32 MiB ",
                kMaxRounds, " times");
  return {};
}

template <class Owner>
Owner unpack(const ASN1_ITEM* item, const X509_ALGOR* algorithm) {
  using T = typename Owner::element_type;
  return Owner(static_cast<T*>(ASN1_TYPE_unpack_sequence(item, algorithm->parameter)));
}

Result<PassphraseCost> cost_of(const X509_ALGOR* scheme) {
  if (OBJ_obj2nid(scheme->algorithm) != NID_pbes2) return other_scheme("an older scheme than PBES2");
  const auto pbes2 = unpack<Pbes2>(ASN1_ITEM_rptr(PBE2PARAM), scheme);
  if (!pbes2) return not_a_key();
  const int cipher = OBJ_obj2nid(pbes2->encryption->algorithm);
  if (cipher != NID_aes_256_cbc && cipher != NID_aes_192_cbc && cipher != NID_aes_128_cbc)
    return other_scheme("another cipher than AES-CBC");
  const int kdf = OBJ_obj2nid(pbes2->keyfunc->algorithm);
  PassphraseCost out{KeyFileInfo::Protection::pbkdf2, {}, 0};
  if (kdf == NID_id_pbkdf2) {
    const auto params = unpack<Pbkdf2>(ASN1_ITEM_rptr(PBKDF2PARAM), pbes2->keyfunc);
    if (!params || ASN1_INTEGER_get_uint64(&out.iterations, params->iter) != 1) return not_a_key();
    if (out.iterations == 0 || out.iterations > kMaxIterations)
      return fail(ErrorCode::unsupported, "PBKDF2 with ", out.iterations, " iterations; at most ", kMaxIterations,
                  " are taken");
    return out;
  }
  if (kdf != NID_id_scrypt) return other_scheme("another key derivation than scrypt and PBKDF2");
  const auto params = unpack<Scrypt>(ASN1_ITEM_rptr(SCRYPT_PARAMS), pbes2->keyfunc);
  std::uint64_t n = 0, r = 0, p = 0;
  if (!params || ASN1_INTEGER_get_uint64(&n, params->costParameter) != 1 ||
      ASN1_INTEGER_get_uint64(&r, params->blockSize) != 1 ||
      ASN1_INTEGER_get_uint64(&p, params->parallelizationParameter) != 1 || !std::has_single_bit(n))
    return not_a_key();
  out.protection = KeyFileInfo::Protection::scrypt;
  if (r > 255 || p > 255) return fail(ErrorCode::unsupported, "scrypt with r=", r, " p=", p, " is beyond every use");
  out.scrypt = {static_cast<std::uint8_t>(std::countr_zero(n)), static_cast<std::uint8_t>(r),
                static_cast<std::uint8_t>(p)};
  PRISM_CHECKED(check_file_cost(out.scrypt));
  return out;
}

Result<Protected> parse(ByteView der) {
  const std::uint8_t* at = der.data();
  Protected out(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!out || at != der.data() + der.size()) return not_a_key();
  return out;
}

Status check_passphrase(ByteView passphrase) {
  if (passphrase.empty()) return fail(ErrorCode::invalid_argument, "the passphrase is empty");
  if (passphrase.size() > kMaxPassphraseBytes)
    return fail(ErrorCode::invalid_argument, "a passphrase of ", passphrase.size(), " bytes is longer than ",
                kMaxPassphraseBytes);
  return {};
}

/// DER in memory that is wiped.
Result<SecretVector<std::uint8_t>> der_of(const PKCS8_PRIV_KEY_INFO* info) {
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info, nullptr);
  if (size <= 0) return not_a_key();
  SecretVector<std::uint8_t> out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.reveal(RevealKey{}).data();
  if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != size) return not_a_key();
  return out;
}

}  // namespace

Result<PassphraseCost> describe_protection(ByteView der) {
  PRISM_TRY(const auto parsed, parse(der));
  const X509_ALGOR* scheme = nullptr;
  X509_SIG_get0(parsed.get(), &scheme, nullptr);
  return cost_of(scheme);
}

Result<SecretVector<std::uint8_t>> open_protected(ByteView der, ByteView passphrase) {
  PRISM_CHECKED(check_passphrase(passphrase));
  PRISM_TRY(const auto parsed, parse(der));
  const X509_ALGOR* scheme = nullptr;
  X509_SIG_get0(parsed.get(), &scheme, nullptr);
  PRISM_TRY(const auto cost, cost_of(scheme));  // bounds before the work
  static_cast<void>(cost);
  const SecretInfo info(PKCS8_decrypt(parsed.get(), reinterpret_cast<const char*>(passphrase.data()),
                                      static_cast<int>(passphrase.size())));
  if (!info) {
    forget_errors();
    return fail(ErrorCode::unauthorised, "the passphrase does not open this key file");
  }
  return der_of(info.get());
}

Result<Bytes> protect(ByteView pkcs8, ByteView passphrase, const ScryptCost& cost, Random& random) {
  PRISM_CHECKED(check_passphrase(passphrase));
  PRISM_CHECKED(check_file_cost(cost));
  std::array<std::uint8_t, kSaltBytes> salt, iv;
  PRISM_CHECKED(random.fill(salt));
  PRISM_CHECKED(random.fill(iv));
  const std::uint8_t* at = pkcs8.data();
  const SecretInfo info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(pkcs8.size())));
  X509_ALGOR* const scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt.data(), static_cast<int>(salt.size()),
                                                   iv.data(), std::uint64_t{1} << cost.log2_n, cost.r, cost.p);
  if (!info || scheme == nullptr) {
    X509_ALGOR_free(scheme);
    return no_openssl("PBES2");
  }
  const Protected out(PKCS8_set0_pbe(reinterpret_cast<const char*>(passphrase.data()),
                                     static_cast<int>(passphrase.size()), info.get(), scheme));
  if (!out) {
    X509_ALGOR_free(scheme);  // taken only when it worked
    return no_openssl("PBES2");
  }
  const int size = i2d_X509_SIG(out.get(), nullptr);
  if (size <= 0) return no_openssl("PBES2");
  Bytes der(static_cast<std::size_t>(size));
  std::uint8_t* to = der.data();
  if (i2d_X509_SIG(out.get(), &to) != size) return no_openssl("PBES2");
  return der;
}

}  // namespace prism::crypto::internal
