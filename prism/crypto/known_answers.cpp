#include <openssl/crypto.h>

#include <algorithm>

#include "prism/crypto/aead.h"
#include "prism/crypto/agreement.h"
#include "prism/crypto/chunked.h"
#include "prism/crypto/hash.h"
#include "prism/crypto/internal/spki.h"
#include "prism/crypto/kdf.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/self_test.h"
#include "prism/crypto/signature.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;

Bytes unhex(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  Bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(16 * digit(hex[2 * i]) + digit(hex[2 * i + 1]));
  return out;
}

/// The randomness a published vector was made with.
class VectorRandom final : public Random {
 public:
  explicit VectorRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  Status fill(MutableByteView out) override {
    if (out.size() > bytes_.size() - at_) return fail(ErrorCode::exhausted, "the vector has no more randomness");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), out.size(), out.begin());
    at_ += out.size();
    return {};
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

Status expect(bool good, std::string_view what) {
  if (good) return {};
  return fail(ErrorCode::integrity, "the self-test of ", what, " failed; this machine's cryptography must not be used");
}
bool is(ByteView found, std::string_view hex) { return to_hex(found) == hex; }

/// Public keys and ciphertexts as their SHA-256.
struct KemCase {
  Kem kem;
  std::string_view seed, randomness, public_key, ciphertext, secret;
};
constexpr KemCase kKemCases[] = {
    // hpkewg/hpke-pq test-vectors.json, KEMs 0x0041, 0x0042, 0x0051; draft-connolly-cfrg-xwing-kem, appendix C, case 1.
    {Kem::ml_kem_768,
     "e3408aae322a3628a4d641c2690d4eb212fd66f369782f2dd22fa293476c69957716be20e83920cd26a7710110a34ac3d5da7d90efdc97598"
     "12f5cf1a47e85bf",
     "4b3d28ac17e3aadfe767671928e6c0d26c346d4c7dfcf1db0994d131fd76aaba",
     "cf9788b0adde41745ceb639c4a4ca6e58803207fd9861c3c662737b13184d413",
     "687a88e2affee63efc5ca550ea5498beb0f1b717572c5b498231f17e7b14e68b",
     "4f808592f5b6325b866e7d90e48bead8ec36ae17247cf3a1370d46c582dad42e"},
    {Kem::ml_kem_1024,
     "c58f733ea1245a7a54723c30dbf0837acdd7e93c188692523b53b132b993a25af933368a76bbcbf1212e1d34d7128e32c387dc9b04a7ceb0e"
     "2b40e1e5769c57d",
     "0152bf3799ed0803b9ac3e62695c51065fe2cd4a18ff655fb3efe7399c404e19",
     "121abb2e70d21f6bead6d5cdf57f9cbc3dc460081b36007054cb01963b6f6140",
     "9cf10683e968ebdf277b15e857d5805783cbb42d9b7cc89c97d5102764e80655",
     "a9f5e349635145bb8a06c0b50b027bef523c5868dd3477a8a92cb5deecc4113b"},
    {Kem::mlkem768_x25519, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
     "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d97491883"
     "5d25e6a435085b2",
     "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb",
     "17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33",
     "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384"},
    {Kem::mlkem1024_p384, "dbdae0423ba0e5db3d6322601b8dc302d3051d4677142079c7bdf441f4c448dd",
     "bd1207854ec0963347d5218f900783d6ca0ff62c5e2181ca5a932e2d6d8d96cc9b092a9d709468d10f7e8ec8d9eccd7e7a647d351133e2a2f"
     "4b438154d1dd70850af7f7841c1dbd0699feb9852d99c08",
     "5d0b42c6f1471a72045ec087a4c2e61875541f4550b513672f2d858eb1a133c3",
     "f2efb14c611a8637a214286298706af1433acb4f3bdc2f6a25c0d72dd3decf13",
     "cb959223131df11c3a3dc1da2ff8670249cb41be2d0b399a3706d3a23b158bc7"},
};

Status test_kem(const KemCase& c) {
  PRISM_TRY(const auto key, KemSecretKey::from_seed(c.kem, unhex(c.seed)));
  VectorRandom random(unhex(c.randomness));
  PRISM_TRY(auto made, encapsulate(c.kem, key.public_key(), random));
  PRISM_TRY(const auto secret, key.decapsulate(made.ciphertext));
  PRISM_CHECKED(expect(is(internal::sha256(key.public_key()), c.public_key) &&
                           is(internal::sha256(made.ciphertext), c.ciphertext) &&
                           is(made.secret.reveal(RevealKey{}), c.secret) && is(secret.reveal(RevealKey{}), c.secret),
                       name_of(c.kem)));
  made.ciphertext[0] ^= 1;
  PRISM_TRY(const auto rejected, key.decapsulate(made.ciphertext));
  return expect(!is(rejected.reveal(RevealKey{}), c.secret), name_of(c.kem));
}

struct SignatureCase {
  SignatureAlgorithm algorithm;
  std::string_view context, public_key, signature;
};
// Wycheproof mldsa_65_sign_seed (case 3) and mldsa_87_verify (case 1): seed 32 times 0x2a, "Hello world", rnd of zeros.
constexpr SignatureCase kSignatureCases[] = {
    {SignatureAlgorithm::ml_dsa_65, "Context", "b7acce2ddb11f8cc1aa46e2bafac6eacfa2b732ef192bd636ad8d3a56d649c66",
     "c32dd9c1fdb53c049ebb75d98604d27593e32f5da2b1201c9289692de6ebea2e"},
    {SignatureAlgorithm::ml_dsa_87, "", "d43128fa8a8c785c1d44c9e7db538dbf9dd88fe6c8ad911a344bcec1017c6d54",
     "1ad45bd0419e694375bd38ec11d8e0c228ab9ffac2fce4adbe6218d9c949e293"},
};

Status test_signature(const SignatureCase& c) {
  const ByteView message = as_bytes("Hello world");
  PRISM_TRY(const auto key, SigningKey::from_seed(c.algorithm, Bytes(kSigningSeedBytes, 0x2a)));
  VectorRandom zeros(Bytes(32, 0));
  PRISM_TRY(auto signature, key.sign(message, c.context, zeros));
  PRISM_CHECKED(expect(is(internal::sha256(key.verify_key().raw()), c.public_key) &&
                           is(internal::sha256(signature), c.signature) &&
                           key.verify_key().verify(message, c.context, signature),
                       name_of(c.algorithm)));
  const bool other_context = key.verify_key().verify(message, "another", signature).has_value();
  signature[7] ^= 1;
  const bool changed = key.verify_key().verify(message, c.context, signature).has_value();
  return expect(!other_context && !changed, name_of(c.algorithm));
}

Status test_symmetric() {
  // FIPS 180-4 and FIPS 202 examples for "abc".
  PRISM_CHECKED(
      expect(is(sha384(as_bytes("abc")),
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"),
             "SHA-384"));
  PRISM_CHECKED(expect(
      is(sha3_256(as_bytes("abc")), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"), "SHA3-256"));
  // RFC 4231, case 1.
  PRISM_CHECKED(
      expect(is(hmac_sha384(Bytes(20, 0x0b), as_bytes("Hi There")),
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"),
             "HMAC-SHA-384"));
  // Wycheproof hkdf_sha384, case 1.
  PRISM_TRY(const auto okm, hkdf_sha384(unhex("24aeff2645e3e0f5494a9a102778c43a"), {}, {}, 20));
  PRISM_CHECKED(expect(is(okm.reveal(RevealKey{}), "4b7045423d9156424b0b85d95a7d602fba3924b1"), "HKDF-SHA-384"));
  // "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, appendix B, case 14.
  Aead aead{Key256{}};
  Bytes block(16 + kTagBytes, 0);
  PRISM_CHECKED(aead.seal_into(Nonce{}, {}, ByteView(block).first(16), block));
  PRISM_CHECKED(expect(is(block, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"), "AES-256-GCM"));
  block[0] ^= 1;
  PRISM_CHECKED(expect(!aead.open_into(Nonce{}, {}, block, MutableByteView(block).first(16)), "AES-256-GCM"));
  return {};
}

Status test_x25519() {
  // Wycheproof x25519, case 1.
  PRISM_TRY(const auto key,
            AgreementKey::from_scalar(Group::x25519,
                                      unhex("c8a9d5a91091ad851c668b0736c1c9a02936c0d3ad62670858088047ba057475")));
  PRISM_TRY(const auto secret, key.agree(unhex("504a36999f489cd2fdbc08baff3d88fa00569ba986cba22548ffde80f9806829")));
  PRISM_CHECKED(expect(
      is(secret.reveal(RevealKey{}), "436a2c040cf45fea9b29a0cb81b1f41458f863d0d61b453d0a982720d6d61320"), "X25519"));
  return expect(!key.agree(Bytes(32, 0)), "X25519");
}

Status test_chunked() {
  // Wycheproof c2sp_chunked_encryption_aes_256_gcm, case 9.
  Key256 key;
  const Bytes bytes = unhex("59454c4c4f57205355424d4152494e452059454c4c4f57205355424d4152494e");
  std::copy(bytes.begin(), bytes.end(), key.reveal(RevealKey{}).begin());
  const Bytes sealed = unhex(
      "dbedaefc1c35dc6c0f22b743b03e488747166a51f33479e7ceb8b7e11cc0d2710f624a127501bc4aea7d0af6f83cfe359b9e69415aa537f3"
      "6adf86eb35b070475baa039bb7791432adbca49578bbd3");
  PRISM_TRY(const Bytes plain, chunked_open(key, as_bytes("test context"), sealed));
  VectorRandom salt(Bytes(sealed.begin(), sealed.begin() + kChunkSaltBytes));
  PRISM_TRY(const Bytes again, chunked_seal(key, as_bytes("test context"), plain, salt));
  return expect(again == sealed && !chunked_open(key, as_bytes("another"), sealed), "chunked encryption");
}

}  // namespace

Status self_test() {
  PRISM_CHECKED(test_symmetric());
  PRISM_CHECKED(test_x25519());
  PRISM_CHECKED(test_chunked());
  for (const KemCase& c : kKemCases) PRISM_CHECKED(test_kem(c));
  for (const SignatureCase& c : kSignatureCases) PRISM_CHECKED(test_signature(c));
  return {};
}

std::string_view library_version() { return OpenSSL_version(OPENSSL_VERSION); }

}  // namespace prism::crypto
