// prism/crypto/key_file.h - keys as text files that other programs read: PEM around PKCS#8 and SubjectPublicKeyInfo.
//
// Secret keys are PKCS#8 (RFC 5958) in the forms OpenSSL writes: for ML-KEM (RFC 9935) and ML-DSA (RFC 9881) seed and
// expanded key together; seed only and expanded only are read too. X25519 is RFC 8410. X-Wing has no form in OpenSSL;
// its keys use the same two structures with the draft's object identifier 1.3.6.1.4.1.62253.25722 and the bare 32-byte
// seed, as other libraries write it. With a passphrase: PBES2 (RFC 8018) with scrypt and AES-256-CBC, which `openssl
// pkey` opens; PBES2 with PBKDF2 is read too, older schemes are not.
//
// A fingerprint is SHA-256 over the public key's SPKI, whatever file it came from.
//
// Text here is bytes in memory; custody/key_files.h reads and writes files. Each encoding of a key has one length and
// one beginning, so what is read is compared with those, not parsed. Errors: malformed for what is no key file;
// unsupported for other algorithms, protections and costs; unauthorised for a missing or wrong passphrase; mismatch
// for a key of another kind than asked for; integrity when the parts of a key do not belong together.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/crypto/agreement.h"
#include "prism/crypto/kdf.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/signature.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

/// What a key file may hold.
enum class KeyAlgorithm : std::uint8_t { ml_kem_768, ml_kem_1024, x_wing, ml_dsa_65, ml_dsa_87, x25519 };
/// As `keygen --algorithm` takes it: "ML-KEM-768", ..., "X-Wing", "X25519".
std::string_view name_of(KeyAlgorithm algorithm);
/// Upper and lower case are the same. Errors: invalid_argument, with the names there are.
Result<KeyAlgorithm> key_algorithm_from(std::string_view name);

/// More than any key file has; longer ones are refused before they are read.
inline constexpr std::size_t kMaxKeyFileBytes = 64 * 1024;
/// What `openssl` itself still opens: it allows scrypt 32 MiB. As strong as 128 MiB once.
inline constexpr ScryptCost kKeyFileCost{14, 8, 5};

using SecretText = secret::SecretVector<std::uint8_t>;
/// Not normalised in any way.
using KeyPassphrase = std::optional<ByteView>;

/// The public half, "-----BEGIN PUBLIC KEY-----".
std::string public_key_file(const VerifyKey& key);
/// Errors: unsupported for MLKEM1024-P384, which has no object identifier yet and lives for one handshake only.
Result<std::string> public_key_file(Kem kem, ByteView public_key);
/// The secret half, "-----BEGIN PRIVATE KEY-----", or ENCRYPTED PRIVATE KEY under a passphrase, whose salt and
/// initialisation vector come from `random`. Errors: invalid_argument for an empty passphrase or above 1,024 bytes.
Result<SecretText> secret_key_file(const SigningKey& key, const KeyPassphrase& passphrase, Random& random,
                                   const ScryptCost& cost = kKeyFileCost);
Result<SecretText> secret_key_file(const KemSecretKey& key, const KeyPassphrase& passphrase, Random& random,
                                   const ScryptCost& cost = kKeyFileCost);

Result<VerifyKey> read_verify_key(ByteView file);
struct KemPublicKey {
  Kem kem;
  Bytes bytes;  ///< passes check_public_key
};
Result<KemPublicKey> read_kem_public_key(ByteView file);
/// A passphrase for a file that needs none is an error (invalid_argument): it protects nothing.
Result<SigningKey> read_signing_key(ByteView file, const KeyPassphrase& passphrase = std::nullopt);
Result<KemSecretKey> read_kem_key(ByteView file, const KeyPassphrase& passphrase = std::nullopt);
Result<AgreementKey> read_x25519_key(ByteView file, const KeyPassphrase& passphrase = std::nullopt);

/// Digest of an SPKI. X-Wing and ML-KEM too. Errors: unsupported for MLKEM1024-P384.
Result<Digest> fingerprint_of(Kem kem, ByteView public_key);
/// The one form fingerprints are shown in: "SHA256:" and 64 hexadecimal digits in eight groups, joined by dashes; one
/// word to a terminal and to a shell.
std::string fingerprint_text(const Digest& fingerprint);
/// Reads it back; "SHA256:" and dashes may be missing, and case does not matter. Errors: invalid_argument.
Result<Digest> fingerprint_from(std::string_view text);

/// What a key file says about itself, never the secret.
struct KeyFileInfo {
  enum class Kind : std::uint8_t { public_key, secret_key };
  enum class Protection : std::uint8_t { none, scrypt, pbkdf2 };
  enum class Form : std::uint8_t { plain, seed, expanded, seed_and_expanded };
  Kind kind;
  Protection protection = Protection::none;
  ScryptCost cost{};             ///< with scrypt
  std::uint64_t iterations = 0;  ///< with PBKDF2
  // Unknown for a protected file without its passphrase:
  std::optional<KeyAlgorithm> algorithm;
  std::optional<Form> form;
  std::optional<Digest> fingerprint;
  std::size_t public_key_bytes = 0;
};
/// Without the passphrase of a protected file only the outside is described. Errors: as above.
Result<KeyFileInfo> describe_key_file(ByteView file, const KeyPassphrase& passphrase = std::nullopt);
/// Whether this begins like a PEM file, so that somebody who looks at many kinds of files knows whom to ask.
bool looks_like_key_file(ByteView file);

}  // namespace prism::crypto
