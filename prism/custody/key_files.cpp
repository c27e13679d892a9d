#include "prism/custody/key_files.h"

#include <optional>
#include <utility>

#include "prism/host/file.h"

namespace prism::custody {
namespace {

using crypto::KeyAlgorithm;
using host::AtomicFile;
using secret::RevealKey;

Error in_file(const std::string& path, Error error) {
  error.message = path + ": " + error.message;
  return error;
}

template <class T>
Result<T> named(const std::string& path, Result<T> result) {
  if (!result) return in_file(path, std::move(result).error());
  return result;
}

Result<crypto::SecretText> read_secret(const std::string& path) {
  PRISM_TRY(auto text, host::read_secret_file(path, crypto::kMaxKeyFileBytes));
  PRISM_CHECKED(host::check_private(path));
  return text;
}

/// Both halves as text.
struct Texts {
  std::string open;
  crypto::SecretText secret;
  Digest fingerprint;
};
Result<Texts> new_identity(crypto::SignatureAlgorithm algorithm, const Passphrase& passphrase, Random& random) {
  PRISM_TRY(const auto key, crypto::SigningKey::generate(algorithm, random));
  PRISM_TRY(auto secret, crypto::secret_key_file(key, passphrase, random));
  return Texts{crypto::public_key_file(key.verify_key()), std::move(secret), key.verify_key().fingerprint()};
}
Result<Texts> new_kem_key(crypto::Kem kem, const Passphrase& passphrase, Random& random) {
  PRISM_TRY(const auto key, crypto::KemSecretKey::generate(kem, random));
  PRISM_TRY(auto secret, crypto::secret_key_file(key, passphrase, random));
  PRISM_TRY(auto text, crypto::public_key_file(kem, key.public_key()));
  PRISM_TRY(const Digest fingerprint, crypto::fingerprint_of(kem, key.public_key()));
  return Texts{std::move(text), std::move(secret), fingerprint};
}
Result<Texts> new_pair(KeyAlgorithm algorithm, const Passphrase& passphrase, Random& random) {
  switch (algorithm) {
    case KeyAlgorithm::ml_dsa_65:
      return new_identity(crypto::SignatureAlgorithm::ml_dsa_65, passphrase, random);
    case KeyAlgorithm::ml_dsa_87:
      return new_identity(crypto::SignatureAlgorithm::ml_dsa_87, passphrase, random);
    case KeyAlgorithm::ml_kem_768:
      return new_kem_key(crypto::Kem::ml_kem_768, passphrase, random);
    case KeyAlgorithm::ml_kem_1024:
      return new_kem_key(crypto::Kem::ml_kem_1024, passphrase, random);
    case KeyAlgorithm::x_wing:
      return new_kem_key(crypto::Kem::mlkem768_x25519, passphrase, random);
    case KeyAlgorithm::x25519:
      break;
  }
  return fail(ErrorCode::unsupported,
              "keys of X25519 alone are read, not made: a quantum computer breaks them; X-Wing ", "has X25519 inside");
}

}  // namespace

Result<crypto::SigningKey> load_signing_key(const std::string& path, const Passphrase& passphrase) {
  PRISM_TRY(const auto text, read_secret(path));
  return named(path, crypto::read_signing_key(text.reveal(RevealKey{}), passphrase));
}

Result<crypto::KemSecretKey> load_kem_key(const std::string& path, const Passphrase& passphrase) {
  PRISM_TRY(const auto text, read_secret(path));
  return named(path, crypto::read_kem_key(text.reveal(RevealKey{}), passphrase));
}

Result<crypto::VerifyKey> load_verify_key(const std::string& path) {
  PRISM_TRY(const Bytes text, host::read_file(path, crypto::kMaxKeyFileBytes));
  return named(path, crypto::read_verify_key(text));
}

Result<crypto::KemPublicKey> load_kem_public_key(const std::string& path) {
  PRISM_TRY(const Bytes text, host::read_file(path, crypto::kMaxKeyFileBytes));
  return named(path, crypto::read_kem_public_key(text));
}

Result<crypto::KeyFileInfo> describe_key_file(const std::string& path, const Passphrase& passphrase) {
  PRISM_TRY(const auto text, host::read_secret_file(path, crypto::kMaxKeyFileBytes));
  return named(path, crypto::describe_key_file(text.reveal(RevealKey{}), passphrase));
}

std::string secret_path_beside(const std::string& public_path) {
  constexpr std::string_view kPublic = ".pub";
  const bool ends = public_path.size() > kPublic.size() && public_path.ends_with(kPublic);
  return public_path.substr(0, public_path.size() - (ends ? kPublic.size() : 0)) + ".key";
}

Result<Digest> make_key_files(KeyAlgorithm algorithm, const std::string& public_path, const std::string& secret_path,
                              const Passphrase& passphrase, Random& random, AtomicFile::IfExists policy) {
  if (public_path == secret_path)
    return fail(ErrorCode::refused, "both halves of the key would be written to ", public_path);
  // Asked before the work; commit() asks again, in case somebody was faster.
  if (policy == AtomicFile::IfExists::refuse)
    for (const std::string& path : {public_path, secret_path})
      if (host::exists(path) && host::file_size(path))
        return fail(ErrorCode::refused, path, " is there already, and a key that is overwritten is lost");
  PRISM_TRY(const Texts texts, new_pair(algorithm, passphrase, random));
  const bool new_file = !host::exists(secret_path);
  PRISM_CHECKED(
      host::write_file(secret_path, texts.secret.reveal(RevealKey{}), AtomicFile::Access::owner_only, policy));
  const Status written = host::write_file(public_path, as_bytes(texts.open), AtomicFile::Access::everybody, policy);
  if (written) return texts.fingerprint;
  if (new_file) static_cast<void>(host::remove_file(secret_path));  // the first error is the one to tell
  return written.error();
}

}  // namespace prism::custody
