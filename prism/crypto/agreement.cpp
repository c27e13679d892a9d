#include "prism/crypto/agreement.h"

#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <utility>

#include "prism/crypto/internal/openssl.h"

namespace prism::crypto {
namespace {

using internal::Pkey;
using internal::PkeyContext;
using secret::RevealKey;
using secret::SecretVector;

// SP 800-186, section 3.2.1.4: the order of P-384's base point.
constexpr std::array<std::uint8_t, 48> kP384Order = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};

/// 0 < scalar < order, without a branch on the scalar: subtract with borrow, and look at the last borrow alone.
bool in_range(ByteView scalar) {
  std::uint64_t borrow = 0, any = 0;
  for (std::size_t i = kP384Order.size(); i-- > 0;) {
    const std::uint64_t difference = std::uint64_t{scalar[i]} - kP384Order[i] - borrow;
    borrow = difference >> 63;
    any |= scalar[i];
  }
  return (borrow & (secret::mask_if(any) & 1)) == 1;
}

/// The key pair of a scalar that is in range. A SEC 1 private key without its public half makes OpenSSL compute it.
Pkey import_p384(ByteView scalar) {
  constexpr std::array<std::uint8_t, 7> kHead = {0x30, 0x3e, 0x02, 0x01, 0x01, 0x04, 0x30};
  constexpr std::array<std::uint8_t, 9> kTail = {0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};  // secp384r1
  SecretVector<std::uint8_t> der(kHead.size() + scalar.size() + kTail.size());
  auto at = std::copy(kHead.begin(), kHead.end(), der.reveal(RevealKey{}).begin());
  at = std::copy(scalar.begin(), scalar.end(), at);
  std::copy(kTail.begin(), kTail.end(), at);
  const std::uint8_t* in = der.reveal(RevealKey{}).data();
  return Pkey(d2i_PrivateKey_ex(EVP_PKEY_EC, nullptr, &in, static_cast<long>(der.size()), nullptr, nullptr));
}

/// Null for what is not a point of the curve: OpenSSL evaluates the equation.
Pkey import_p384_point(ByteView point) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  char curve[] = "P-384";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
                         internal::octets(OSSL_PKEY_PARAM_PUB_KEY, point), OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
    return nullptr;
  return Pkey(key);
}

Result<Pkey> import_point(Group group, ByteView point) {
  constexpr std::uint8_t kUncompressed = 4;
  Pkey key;
  if (point.size() == sizes_of(group).point) {
    if (group == Group::x25519)
      key.reset(EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, point.data(), point.size()));
    else if (point[0] == kUncompressed)
      key = import_p384_point(point);
  }
  if (key) return key;
  internal::forget_errors();
  return fail(ErrorCode::malformed, point.size(), " bytes that are no point of ", name_of(group));
}

/// The public half as bytes.
Result<Bytes> point_of(EVP_PKEY* key, Group group) {
  Bytes out(sizes_of(group).point);
  std::size_t written = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(), &written) != 1 ||
      written != out.size())
    return internal::no_openssl(name_of(group));
  return out;
}

}  // namespace

struct AgreementKey::Parts {
  Group group;
  SecretVector<std::uint8_t> scalar;
  Pkey key;
  Bytes point;
};

std::string_view name_of(Group group) { return group == Group::x25519 ? "X25519" : "P-384"; }

GroupSizes sizes_of(Group group) { return group == Group::x25519 ? GroupSizes{32, 32, 32} : GroupSizes{48, 97, 48}; }

AgreementKey::AgreementKey(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
AgreementKey::AgreementKey(AgreementKey&&) noexcept = default;
AgreementKey& AgreementKey::operator=(AgreementKey&&) noexcept = default;
AgreementKey::~AgreementKey() = default;

Group AgreementKey::group() const { return parts_->group; }
const Bytes& AgreementKey::public_key() const { return parts_->point; }
ByteView AgreementKey::reveal_scalar(RevealKey key) const { return std::as_const(parts_->scalar).reveal(key); }

Result<AgreementKey> AgreementKey::from_scalar(Group group, ByteView scalar) {
  if (scalar.size() != sizes_of(group).scalar)
    return fail(ErrorCode::malformed, "a secret key of ", name_of(group), " has ", sizes_of(group).scalar,
                " bytes, not ", scalar.size());
  if (group == Group::p384 && !in_range(scalar))
    return fail(ErrorCode::malformed, "a secret key of P-384 is outside 1 .. order - 1");
  auto parts = std::make_unique<Parts>();
  parts->group = group;
  parts->scalar = SecretVector<std::uint8_t>(scalar.size());
  std::copy(scalar.begin(), scalar.end(), parts->scalar.reveal(RevealKey{}).begin());
  parts->key = group == Group::x25519
                   ? Pkey(EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, scalar.data(), scalar.size()))
                   : import_p384(scalar);
  if (!parts->key) return internal::no_openssl(name_of(group));
  PRISM_TRY(parts->point, point_of(parts->key.get(), group));
  return AgreementKey(std::move(parts));
}

Result<AgreementKey> AgreementKey::generate(Group group, Random& random) {
  SecretVector<std::uint8_t> scalar(sizes_of(group).scalar);
  // A uniform 384-bit number misses P-384's range once in 2^190 tries; the loop is there to be right, not to be taken.
  for (int tries = 0; tries < 4; ++tries) {
    PRISM_CHECKED(random.fill(scalar.reveal(RevealKey{})));
    if (group == Group::x25519 || in_range(scalar.reveal(RevealKey{})))
      return from_scalar(group, scalar.reveal(RevealKey{}));
  }
  return fail(ErrorCode::exhausted, "the randomness for a P-384 key is not random");
}

Result<SecretVector<std::uint8_t>> AgreementKey::agree(ByteView peer_public) const {
  PRISM_TRY(const Pkey peer, import_point(group(), peer_public));
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, parts_->key.get(), nullptr));
  SecretVector<std::uint8_t> out(sizes_of(group()).secret);
  std::size_t written = out.size();
  if (!context || EVP_PKEY_derive_init(context.get()) != 1) return internal::no_openssl(name_of(group()));
  // import_point has checked the curve equation. OpenSSL's own check would multiply by the order too, which doubles the
  // cost and finds nothing on a curve of prime order.
  constexpr int kValidate = 0;
  // X25519 with a point of small order gives zero, which OpenSSL refuses (RFC 7748, section 6.1).
  if (EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), kValidate) != 1 ||
      EVP_PKEY_derive(context.get(), out.reveal(RevealKey{}).data(), &written) != 1 || written != out.size()) {
    internal::forget_errors();
    return fail(ErrorCode::malformed, "a point of ", name_of(group()), " that gives no secret");
  }
  return out;
}

Status check_point(Group group, ByteView point) {
  PRISM_TRY(const Pkey key, import_point(group, point));
  return {};
}

}  // namespace prism::crypto
