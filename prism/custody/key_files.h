// prism/custody/key_files.h - key files (crypto/key_file.h) on disk: ML-DSA identities and KEM keys, read and written.
//
// Secret files have mode 0600 and appear complete or not at all; nothing is overwritten unless asked. A secret file
// that others may touch is not used (insecure). Errors name the file: those of crypto/key_file.h, and not_found, io.
#pragma once
#include <string>

#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/crypto/key_file.h"
#include "prism/custody/keyring.h"
#include "prism/host/atomic_file.h"

namespace prism::custody {

Result<crypto::SigningKey> load_signing_key(const std::string& path, const Passphrase& passphrase = std::nullopt);
Result<crypto::KemSecretKey> load_kem_key(const std::string& path, const Passphrase& passphrase = std::nullopt);
Result<crypto::VerifyKey> load_verify_key(const std::string& path);
Result<crypto::KemPublicKey> load_kem_public_key(const std::string& path);
/// What the file says about itself; its mode does not matter here. Other kinds of files are malformed.
Result<crypto::KeyFileInfo> describe_key_file(const std::string& path, const Passphrase& passphrase = std::nullopt);

/// Where the secret half goes when only the public one is named: NAME.pub and NAME.key; else NAME and NAME.key.
std::string secret_path_beside(const std::string& public_path);

/// Makes a pair and returns its fingerprint, which is what peers pin. Writes the secret half first, and takes it back
/// when the public half cannot be written. Errors: refused when a file exists and `policy` says so, or when both paths
/// are one; unsupported for X25519, which is only read.
Result<Digest> make_key_files(crypto::KeyAlgorithm algorithm, const std::string& public_path,
                              const std::string& secret_path, const Passphrase& passphrase, Random& random,
                              host::AtomicFile::IfExists policy = host::AtomicFile::IfExists::refuse);

}  // namespace prism::custody
