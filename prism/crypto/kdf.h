// prism/crypto/kdf.h - keys from keys (HKDF, RFC 5869) and keys from passphrases (scrypt, RFC 7914).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/crypto/aead.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

/// 255 blocks of SHA-384 (RFC 5869, section 2.3).
inline constexpr std::size_t kMaxHkdfBytes = std::size_t{255} * 48;
/// OpenSSL's own bound on `info`.
inline constexpr std::size_t kMaxHkdfInfoBytes = 1024;

/// Extract, then expand. An empty salt means 48 zero bytes. Errors: invalid_argument when `length` is 0 or above
/// kMaxHkdfBytes, or `info` is longer than kMaxHkdfInfoBytes.
Result<secret::SecretVector<std::uint8_t>> hkdf_sha384(ByteView ikm, ByteView salt, ByteView info, std::size_t length);
/// The first 32 bytes of it.
Result<Key256> hkdf_sha384_key(ByteView ikm, ByteView salt, ByteView info);

/// The two halves, for a key schedule (RFC 5869, sections 2.2 and 2.3).
using Prk384 = secret::Secret<std::array<std::uint8_t, 48>>;
/// An empty salt means 48 zero bytes.
Prk384 hkdf_extract_sha384(ByteView salt, ByteView ikm);
/// Fills `out`. Errors: those of hkdf_sha384, with kMaxExpandInfoBytes.
Status hkdf_expand_sha384(const Prk384& prk, ByteView info, MutableByteView out);
/// The same with SHA-512, whose bound on `out` is 255 * 64 bytes. `prk` is any uniform key.
Status hkdf_expand_sha512(ByteView prk, ByteView info, MutableByteView out);
inline constexpr std::size_t kMaxExpandInfoBytes = 16 * 1024;

/// What guessing one passphrase costs: 128 * r * 2^log2_n bytes of memory, and p times r * 2^log2_n steps.
/// The default takes 128 MiB and a fraction of a second.
struct ScryptCost {
  std::uint8_t log2_n = 17;
  std::uint8_t r = 8;
  std::uint8_t p = 1;
  bool operator==(const ScryptCost&) const = default;
};
/// The most scrypt may take, whoever asks: 2^20 blocks of 128 * 8 bytes, and its own buffers.
inline constexpr std::uint64_t kMaxScryptBytes = (std::uint64_t{1} << 30) + (std::uint64_t{1} << 20);

/// Memory in bytes that scrypt takes at this cost, as OpenSSL counts it.
std::uint64_t scrypt_bytes(const ScryptCost& cost);
/// Costs that may come from a file: log2_n in 1..20, r in 1..16, p in 1..4, and at most kMaxScryptBytes of memory.
/// Errors: unsupported. Nothing is spent.
Status check_cost(const ScryptCost& cost);

/// The first 32 bytes of scrypt's output. Errors: those of check_cost; invalid_argument for an empty passphrase;
/// exhausted when there is not enough memory.
Result<Key256> scrypt(ByteView passphrase, ByteView salt, const ScryptCost& cost);

}  // namespace prism::crypto
