// prism/crypto/aead.h - AES-256-GCM (NIST SP 800-38D): keeps bytes private and notices every change to them.
//
// A nonce must never be used twice under one key. Random 96-bit nonces are fine for up to 2^32 messages per key.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

/// A 256-bit symmetric key.
using Key256 = secret::Secret<std::array<std::uint8_t, 32>>;
inline constexpr std::size_t kNonceBytes = 12;
using Nonce = std::array<std::uint8_t, kNonceBytes>;
/// What sealing adds: the authentication tag.
inline constexpr std::size_t kTagBytes = 16;
/// The most one message may hold: 2^36 - 32 bytes (SP 800-38D, section 5.2.1.1).
inline constexpr std::uint64_t kMaxPlaintextBytes = (std::uint64_t{1} << 36) - 32;

/// Ciphertext, then tag: plaintext.size() + kTagBytes bytes. `aad` is authenticated and not stored.
/// Errors: invalid_argument for a message that is too long, exhausted when OpenSSL has no memory.
Result<Bytes> aead_seal(const Key256& key, const Nonce& nonce, ByteView aad, ByteView plaintext);

/// The plaintext, or one refusal: unauthorised, whatever of key, nonce, aad or ciphertext was not as sealed.
Result<Bytes> aead_open(const Key256& key, const Nonce& nonce, ByteView aad, ByteView sealed);

/// The same into memory of the caller's, for plaintexts that are secret: `plaintext` must have exactly
/// sealed.size() - kTagBytes bytes, and is all zeros after an error.
Status aead_open_into(const Key256& key, const Nonce& nonce, ByteView aad, ByteView sealed, MutableByteView plaintext);

/// One key, many messages: the key schedule is kept, and nothing is allocated per message. One thread at a time.
class Aead {
 public:
  /// A failure to get memory shows at the first use.
  explicit Aead(const Key256& key);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  /// Wipes the key schedule.
  ~Aead();

  /// `out` must have plaintext.size() + kTagBytes bytes. It may begin where the plaintext begins, or be apart from it.
  Status seal_into(const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out);
  /// `out` must have sealed.size() - kTagBytes bytes, is all zeros after an error, and may begin where `sealed` begins.
  /// Errors: unauthorised, in the same words whatever is wrong.
  Status open_into(const Nonce& nonce, ByteView aad, ByteView sealed, MutableByteView out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace prism::crypto
