#include "prism/crypto/aead.h"

#include <algorithm>
#include <memory>

#include "prism/crypto/internal/openssl.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;

using internal::CipherContext;

/// EVP counts in int, so long inputs go in pieces; a multiple of the block size, as GCM wants.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

Error no_cipher() { return internal::no_openssl("AES-256-GCM"); }

/// Feeds `in` to encryption or decryption; with `out` null, as additional data.
bool update(EVP_CIPHER_CTX* context, ByteView in, std::uint8_t* out) {
  for (std::size_t at = 0; at < in.size(); at += kPieceBytes) {
    const std::size_t piece = std::min(kPieceBytes, in.size() - at);
    int written = 0;
    if (EVP_CipherUpdate(context, out == nullptr ? nullptr : out + at, &written, in.data() + at,
                         static_cast<int>(piece)) != 1)
      return false;
  }
  return true;
}

/// An empty view may be null, which memset must not see.
void clear(MutableByteView bytes) {
  if (!bytes.empty()) secret::wipe(bytes.data(), bytes.size());
}

/// Looked up once; never freed, because OpenSSL may be gone before static objects are.
const EVP_CIPHER* algorithm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

/// EVP's default nonce length for GCM is 12 bytes, which is ours.
CipherContext keyed(const Key256& key) {
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!context ||
      EVP_EncryptInit_ex2(context.get(), algorithm(), key.reveal(RevealKey{}).data(), nullptr, nullptr) != 1)
    return nullptr;
  return context;
}

Status seal(EVP_CIPHER_CTX* context, const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out) {
  if (plaintext.size() > kMaxPlaintextBytes)
    return fail(ErrorCode::invalid_argument, "a message of ", plaintext.size(), " bytes is too long for AES-GCM");
  check(out.size() == plaintext.size() + kTagBytes, "Aead: the output has another size than message and tag");
  std::uint8_t* const tag = out.data() + plaintext.size();
  int written = 0;
  if (context == nullptr || EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), 1, nullptr) != 1 ||
      !update(context, aad, nullptr) || !update(context, plaintext, out.data()) ||
      EVP_CipherFinal_ex(context, tag, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagBytes), tag) != 1) {
    clear(out);
    return no_cipher();
  }
  return {};
}

Status open(EVP_CIPHER_CTX* context, const Nonce& nonce, ByteView aad, ByteView sealed, MutableByteView out) {
  const auto refuse = [&] {
    clear(out);
    internal::forget_errors();
    return fail(ErrorCode::unauthorised, "the sealed bytes do not open with this key");
  };
  if (sealed.size() < kTagBytes || sealed.size() - kTagBytes > kMaxPlaintextBytes) return refuse();
  check(out.size() == sealed.size() - kTagBytes, "Aead: the output has another size than the message");
  const ByteView body = sealed.first(out.size());
  std::array<std::uint8_t, kTagBytes> tag;
  std::copy(sealed.begin() + static_cast<std::ptrdiff_t>(body.size()), sealed.end(), tag.begin());
  std::array<std::uint8_t, kTagBytes> rest;  // GCM writes nothing at the end; EVP wants a place all the same
  int written = 0;
  if (context == nullptr || EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), 0, nullptr) != 1) {
    clear(out);
    return no_cipher();
  }
  if (!update(context, aad, nullptr) || !update(context, body, out.data()) ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagBytes), tag.data()) != 1 ||
      EVP_CipherFinal_ex(context, rest.data(), &written) != 1)
    return refuse();
  return {};
}

}  // namespace

struct Aead::State {
  CipherContext context;
};

Aead::Aead(const Key256& key) : state_(std::make_unique<State>(State{keyed(key)})) {}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

Status Aead::seal_into(const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out) {
  return seal(state_->context.get(), nonce, aad, plaintext, out);
}
Status Aead::open_into(const Nonce& nonce, ByteView aad, ByteView sealed, MutableByteView out) {
  return open(state_->context.get(), nonce, aad, sealed, out);
}

Result<Bytes> aead_seal(const Key256& key, const Nonce& nonce, ByteView aad, ByteView plaintext) {
  if (plaintext.size() > kMaxPlaintextBytes)  // before memory is spent on it
    return fail(ErrorCode::invalid_argument, "a message of ", plaintext.size(), " bytes is too long for AES-GCM");
  Bytes out(plaintext.size() + kTagBytes);
  PRISM_CHECKED(seal(keyed(key).get(), nonce, aad, plaintext, out));
  return out;
}

Status aead_open_into(const Key256& key, const Nonce& nonce, ByteView aad, ByteView sealed, MutableByteView plaintext) {
  return open(keyed(key).get(), nonce, aad, sealed, plaintext);
}

Result<Bytes> aead_open(const Key256& key, const Nonce& nonce, ByteView aad, ByteView sealed) {
  Bytes plaintext(sealed.size() < kTagBytes ? 0 : sealed.size() - kTagBytes);
  PRISM_CHECKED(aead_open_into(key, nonce, aad, sealed, plaintext));
  return plaintext;
}

}  // namespace prism::crypto
