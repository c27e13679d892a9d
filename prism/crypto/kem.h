// prism/crypto/kem.h - key encapsulation: two sides agree on 32 secret bytes through one public key and one ciphertext.
//
// ML-KEM is FIPS 203. The hybrids are secure as long as one of their halves is: X-Wing (draft-connolly-cfrg-xwing-kem,
// the same as MLKEM768-X25519 of draft-irtf-cfrg-concrete-hybrid-kems, id 0x647a) and MLKEM1024-P384 (same draft, id
// 0x0051). They are built here from their halves; OpenSSL's X25519MLKEM768 is for TLS only and combines differently.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

enum class Kem : std::uint8_t {
  ml_kem_768,
  ml_kem_1024,
  mlkem768_x25519,  ///< X-Wing
  mlkem1024_p384,
};
/// "ML-KEM-768", "ML-KEM-1024", "X-Wing", "MLKEM1024-P384".
std::string_view name_of(Kem kem);

/// In bytes. `seed` is the canonical secret key: d || z of FIPS 203, or the hybrid's 32 bytes. `randomness` is what one
/// encapsulation draws.
struct KemSizes {
  std::size_t public_key, ciphertext, seed, randomness;
};
KemSizes sizes_of(Kem kem);

using SharedSecret = secret::Secret<std::array<std::uint8_t, 32>>;

/// One secret key, ready for use. Several threads may decapsulate with it at once.
class KemSecretKey {
 public:
  /// Errors: those of `random`; exhausted when OpenSSL has no memory.
  static Result<KemSecretKey> generate(Kem kem, Random& random);
  /// The same seed, the same key. Errors: malformed for another length.
  static Result<KemSecretKey> from_seed(Kem kem, ByteView seed);
  /// ML-KEM only: a key whose seed was not kept (FIPS 203's dk, 2400 or 3168 bytes). Its parts must agree (section 7.3,
  /// the hash check). Errors: malformed, unsupported for a hybrid.
  static Result<KemSecretKey> from_expanded(Kem kem, ByteView dk);
  KemSecretKey(KemSecretKey&&) noexcept;
  KemSecretKey& operator=(KemSecretKey&&) noexcept;
  ~KemSecretKey();

  Kem kem() const;
  const Bytes& public_key() const;

  /// A ciphertext that was made for another key, or changed, gives another secret and no error (FIPS 203's implicit
  /// rejection): only a MAC over what follows tells. Errors: malformed for a wrong length, and in hybrids for a point
  /// that is not on the curve or of small order; these are public properties of the ciphertext.
  Result<SharedSecret> decapsulate(ByteView ciphertext) const;

  /// For key files. Empty when the key was made from_expanded.
  ByteView reveal_seed(secret::RevealKey) const;
  /// ML-KEM's dk; empty for a hybrid.
  Result<secret::SecretVector<std::uint8_t>> reveal_expanded(secret::RevealKey) const;

 private:
  struct Parts;
  explicit KemSecretKey(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Whether `public_key` is one: its length, ML-KEM's modulus check (FIPS 203, section 7.2), the curve equation.
/// Errors: malformed.
Status check_public_key(Kem kem, ByteView public_key);

struct Encapsulation {
  Bytes ciphertext;
  SharedSecret secret;
};
/// Errors: malformed for what is not a public key (check_public_key, and an X25519 point of small order); those of
/// `random`.
Result<Encapsulation> encapsulate(Kem kem, ByteView public_key, Random& random);

}  // namespace prism::crypto
