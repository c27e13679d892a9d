// Key files from strangers: whatever the bytes are, reading ends in a key or in words, with bounded work.
//
// Scrypt and PBKDF2 are within bounds but slow, so files under a passphrase are only described.
#include <cstddef>
#include <cstdint>

#include "prism/base/check.h"
#include "prism/crypto/internal/pem.h"
#include "prism/crypto/key_file.h"

using namespace prism;
using namespace prism::crypto;

namespace {

struct NoRandom final : Random {
  Status fill(MutableByteView) override { return fail(ErrorCode::exhausted, "none"); }
};

void read_all(ByteView file) {
  static_cast<void>(looks_like_key_file(file));
  const auto info = describe_key_file(file);
  const auto verify_key = read_verify_key(file);
  const auto kem_public = read_kem_public_key(file);
  const auto signing_key = read_signing_key(file);
  const auto kem_key = read_kem_key(file);
  const auto x25519 = read_x25519_key(file);
  const int keys = verify_key.has_value() + kem_public.has_value() + signing_key.has_value() + kem_key.has_value() +
                   x25519.has_value();
  check(keys <= 1, "a file that is two kinds of key");
  check(keys == 0 || info.has_value(), "a key that cannot be described");
  // What was read is written again as it was understood.
  if (verify_key) {
    const auto again = read_verify_key(as_bytes(public_key_file(*verify_key)));
    check(again && *again == *verify_key, "a public key changed on its way through a file");
  }
  NoRandom none;  // without a passphrase none is drawn
  if (signing_key) {
    const auto text = secret_key_file(*signing_key, std::nullopt, none);
    check(text.has_value(), "a key that cannot be written");
    const auto again = read_signing_key(text->reveal(secret::RevealKey{}));
    check(again && again->verify_key() == signing_key->verify_key(), "a key changed on its way through a file");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  // The first byte chooses: the text itself, or DER that is put into one of the three kinds of blocks, so that the
  // fuzzer need not learn base64.
  constexpr const char* kLabels[] = {"PUBLIC KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"};
  if (data[0] % 4 == 3) {
    read_all(input);
  } else {
    const auto text = internal::write_pem(kLabels[data[0] % 4], input);
    read_all(text.reveal(secret::RevealKey{}));
  }
  static_cast<void>(VerifyKey::from_spki(input));
  static_cast<void>(fingerprint_from(as_text(input)));
  return 0;
}
