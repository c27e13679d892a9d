// prism/crypto/internal/spki.h - the two DER structures around a key, as shapes of fixed length. Private to crypto.
//
// DER has one encoding of each value, and every key here has one length. So a structure is known down to its last byte
// but for the key itself: it is written from its shape and read by comparing with it; nothing is parsed.
#pragma once
#include <optional>

#include "prism/base/bytes.h"
#include "prism/crypto/key_file.h"

namespace prism::crypto::internal {

/// SubjectPublicKeyInfo: algorithm identifier, then the raw key as a bit string. `raw` has the algorithm's size.
Bytes spki_of(KeyAlgorithm algorithm, ByteView raw);
/// The raw key inside, when this is an SPKI of that algorithm.
std::optional<ByteView> raw_of_spki(KeyAlgorithm algorithm, ByteView der);
std::size_t public_key_bytes(KeyAlgorithm algorithm);

Digest sha256(ByteView data);

/// PKCS#8 of one algorithm in one form: head | seed or key | middle | expanded key. What a form lacks has no bytes.
struct SecretShape {
  Bytes head;
  std::size_t first;
  Bytes middle;
  std::size_t second;
  std::size_t size() const { return head.size() + first + middle.size() + second; }
};
/// Nothing when the algorithm has no such form.
std::optional<SecretShape> shape_of(KeyAlgorithm algorithm, KeyFileInfo::Form form);

inline constexpr KeyAlgorithm kKeyAlgorithms[] = {KeyAlgorithm::ml_kem_768, KeyAlgorithm::ml_kem_1024,
                                                  KeyAlgorithm::x_wing,     KeyAlgorithm::ml_dsa_65,
                                                  KeyAlgorithm::ml_dsa_87,  KeyAlgorithm::x25519};

}  // namespace prism::crypto::internal
