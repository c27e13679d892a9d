#include "prism/crypto/aead.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace prism::crypto {
namespace {

using secret::RevealKey;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

/// EVP counts in int, so long inputs go in pieces; a multiple of the block size, as GCM wants.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

Error no_cipher() { return fail(ErrorCode::exhausted, "AES-256-GCM could not be set up: no memory, or no provider"); }

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

/// A context keyed for one message. EVP's default nonce length for GCM is 12 bytes, which is ours.
CipherContext start(const Key256& key, const Nonce& nonce, bool encrypt) {
  CipherContext context(EVP_CIPHER_CTX_new());
  if (!context || EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.reveal(RevealKey{}).data(),
                                    nonce.data(), encrypt ? 1 : 0) != 1)
    return nullptr;
  return context;
}

}  // namespace

Result<Bytes> aead_seal(const Key256& key, const Nonce& nonce, ByteView aad, ByteView plaintext) {
  if (plaintext.size() > kMaxPlaintextBytes)
    return fail(ErrorCode::invalid_argument, "a message of ", plaintext.size(), " bytes is too long for AES-GCM");
  const CipherContext context = start(key, nonce, true);
  if (!context) return no_cipher();
  Bytes out(plaintext.size() + kTagBytes);
  int written = 0;
  if (!update(context.get(), aad, nullptr) || !update(context.get(), plaintext, out.data()) ||
      EVP_CipherFinal_ex(context.get(), out.data() + plaintext.size(), &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagBytes),
                          out.data() + plaintext.size()) != 1)
    return no_cipher();
  return out;
}

Status aead_open_into(const Key256& key, const Nonce& nonce, ByteView aad, ByteView sealed, MutableByteView plaintext) {
  clear(plaintext);
  const Error refusal{ErrorCode::unauthorised, "the sealed bytes do not open with this key"};
  if (sealed.size() < kTagBytes || sealed.size() - kTagBytes > kMaxPlaintextBytes) return refusal;
  check(plaintext.size() == sealed.size() - kTagBytes, "aead_open_into: the output has another size than the message");
  const CipherContext context = start(key, nonce, false);
  if (!context) return no_cipher();
  const ByteView body = sealed.first(plaintext.size());
  std::array<std::uint8_t, kTagBytes> tag;
  std::copy(sealed.begin() + static_cast<std::ptrdiff_t>(body.size()), sealed.end(), tag.begin());
  std::array<std::uint8_t, kTagBytes> rest;  // GCM writes nothing at the end; EVP wants a place all the same
  int written = 0;
  if (!update(context.get(), aad, nullptr) || !update(context.get(), body, plaintext.data()) ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagBytes), tag.data()) != 1 ||
      EVP_CipherFinal_ex(context.get(), rest.data(), &written) != 1) {
    clear(plaintext);
    return refusal;
  }
  return {};
}

Result<Bytes> aead_open(const Key256& key, const Nonce& nonce, ByteView aad, ByteView sealed) {
  Bytes plaintext(sealed.size() < kTagBytes ? 0 : sealed.size() - kTagBytes);
  PRISM_CHECKED(aead_open_into(key, nonce, aad, sealed, plaintext));
  return plaintext;
}

}  // namespace prism::crypto
