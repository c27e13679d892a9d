// All published vectors, counted: a file whose cases are not all run, in the numbers written here, fails.
#include "tests/support/vectors.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "prism/crypto/agreement.h"
#include "prism/crypto/chunked.h"
#include "prism/crypto/kdf.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/signature.h"
#include "tests/support/inflate.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using testing_support::KnownRandom;
using testing_support::unhex;
using Json = nlohmann::json;
using Counts = std::map<std::string, int>;

Bytes bytes_of(const Json& object, const char* name) {
  return object.contains(name) ? unhex(object.at(name).get<std::string>()) : Bytes();
}
bool has_flag(const Json& test, std::string_view flag) {
  for (const auto& f : test.value("flags", Json::array()))
    if (f.get<std::string>() == flag) return true;
  return false;
}

/// Runs every case of a Wycheproof file. `run` names what it did with a case; all names are counted and printed.
template <class Run>
void for_all(const std::string& name, const Counts& wanted, const Run& run) {
  const auto text = testing_support::read_vectors(name);
  if (!text) GTEST_SKIP() << name << " is not here; the self-test has a subset of it";
  const Json file = Json::parse(*text);
  Counts counts;
  int all = 0;
  for (const auto& group : file.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      SCOPED_TRACE(name + " case " + std::to_string(test.at("tcId").get<int>()));
      ++counts[run(group, test)];
      ++all;
    }
  std::string shown;
  for (const auto& [what, count] : counts) shown += " " + std::to_string(count) + " " + what + ";";
  std::printf("%s: %d cases:%s\n", name.c_str(), all, shown.c_str());
  EXPECT_EQ(all, file.at("numberOfTests").get<int>());
  EXPECT_EQ(counts, wanted);
}

Key256 key_of(ByteView bytes) {
  Key256 key;
  EXPECT_EQ(bytes.size(), 32u);
  std::copy_n(bytes.begin(), 32, key.reveal(RevealKey{}).begin());
  return key;
}

// --- AES-GCM -----------------------------------------------------------------------------------------------------

/// Key and nonce sizes that our interface does not have, with the same library: what it computes is right, too.
std::optional<Bytes> open_by_library(ByteView key, ByteView iv, ByteView aad, ByteView body, Bytes tag) {
  const char* name = key.size() == 16 ? "AES-128-GCM" : key.size() == 24 ? "AES-192-GCM" : "AES-256-GCM";
  const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(EVP_CIPHER_fetch(nullptr, name, nullptr),
                                                                       EVP_CIPHER_free);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  std::size_t iv_size = iv.size();
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_IVLEN, &iv_size),
                               OSSL_PARAM_construct_end()};
  Bytes out(body.size() + 16);
  int written = 0;
  if (EVP_DecryptInit_ex2(context.get(), cipher.get(), nullptr, nullptr, params) != 1 ||
      EVP_DecryptInit_ex2(context.get(), nullptr, key.data(), iv.data(), nullptr) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), out.data(), &written, body.data(), static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), out.data() + body.size(), &written) != 1)
    return std::nullopt;
  out.resize(body.size());
  return out;
}

TEST(WycheproofTest, AesGcm) {
  const Counts wanted = {{"opened and sealed again", 39},
                         {"refused", 27},
                         {"of other sizes, opened by the library", 187},
                         {"with a nonce longer than the library takes", 3},
                         {"of other sizes, refused by the library", 60}};
  for_all("wycheproof_aes_gcm_test.json", wanted, [](const Json&, const Json& test) -> std::string {
    const Bytes key = bytes_of(test, "key"), iv = bytes_of(test, "iv"), aad = bytes_of(test, "aad");
    const Bytes plain = bytes_of(test, "msg"), body = bytes_of(test, "ct"), tag = bytes_of(test, "tag");
    const bool valid = test.at("result") == "valid";
    if (iv.size() > 128) return "with a nonce longer than the library takes";
    if (key.size() != 32 || iv.size() != kNonceBytes) {
      const auto opened = open_by_library(key, iv, aad, body, tag);
      EXPECT_EQ(opened.has_value(), valid);
      if (opened) {
        EXPECT_EQ(*opened, plain);
      }
      return valid ? "of other sizes, opened by the library" : "of other sizes, refused by the library";
    }
    Nonce nonce;
    std::copy(iv.begin(), iv.end(), nonce.begin());
    Bytes sealed = body;
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    // In place and with one object for both directions, as records use it.
    Aead aead(key_of(key));
    Bytes work = sealed;
    const Status opened = aead.open_into(nonce, aad, work, MutableByteView(work).first(body.size()));
    EXPECT_EQ(opened.has_value(), valid);
    EXPECT_EQ(aead_open(key_of(key), nonce, aad, sealed).has_value(), valid);
    work.resize(body.size());
    if (!valid) {
      EXPECT_EQ(work, Bytes(body.size(), 0));
      return "refused";
    }
    EXPECT_EQ(work, plain);
    work.resize(sealed.size());
    EXPECT_TRUE(aead.seal_into(nonce, aad, ByteView(work).first(plain.size()), work));
    EXPECT_EQ(work, sealed);
    return "opened and sealed again";
  });
}

// --- HKDF --------------------------------------------------------------------------------------------------------

TEST(WycheproofTest, HkdfSha384) {
  for_all("wycheproof_hkdf_sha384_test.json", {{"derived in one step and in two", 80}, {"refused", 3}},
          [](const Json&, const Json& test) -> std::string {
            const Bytes ikm = bytes_of(test, "ikm"), salt = bytes_of(test, "salt"), info = bytes_of(test, "info");
            const auto size = test.at("size").get<std::size_t>();
            const auto okm = hkdf_sha384(ikm, salt, info, size);
            Bytes halves(size);
            const Status expanded = hkdf_expand_sha384(hkdf_extract_sha384(salt, ikm), info, halves);
            const bool valid = test.at("result") == "valid";
            EXPECT_EQ(okm.has_value(), valid);
            EXPECT_EQ(expanded.has_value(), valid);
            if (!valid) return "refused";
            EXPECT_EQ(to_hex(okm->reveal(RevealKey{})), test.at("okm").get<std::string>());
            EXPECT_EQ(to_hex(halves), test.at("okm").get<std::string>());
            return "derived in one step and in two";
          });
}

// --- X25519 ------------------------------------------------------------------------------------------------------

TEST(WycheproofTest, X25519) {
  // "Acceptable" cases are twists and odd encodings, which agree, and zero secrets, which we refuse.
  for_all("wycheproof_x25519_test.json", {{"agreed", 487}, {"refused as zero", 31}},
          [](const Json&, const Json& test) -> std::string {
            const auto key = AgreementKey::from_scalar(Group::x25519, bytes_of(test, "private"));
            EXPECT_TRUE(key);
            const auto secret = key->agree(bytes_of(test, "public"));
            if (has_flag(test, "ZeroSharedSecret")) {
              EXPECT_FALSE(secret);
              return "refused as zero";
            }
            EXPECT_TRUE(secret);
            EXPECT_EQ(to_hex(secret->reveal(RevealKey{})), test.at("shared").get<std::string>());
            return "agreed";
          });
}

// --- ML-KEM ------------------------------------------------------------------------------------------------------

void decapsulate_all(const std::string& file, Kem kem) {
  for_all(file, {{"decapsulated", 153}, {"refused as a seed", 20}, {"refused as a ciphertext", 20}},
          [kem](const Json&, const Json& test) -> std::string {
            const bool valid = test.at("result") == "valid";
            const auto key = KemSecretKey::from_seed(kem, bytes_of(test, "seed"));
            if (!key) {
              EXPECT_FALSE(valid);
              EXPECT_EQ(key.error().code, ErrorCode::malformed);
              return "refused as a seed";
            }
            EXPECT_EQ(to_hex(key->public_key()), test.at("ek").get<std::string>());
            const auto secret = key->decapsulate(bytes_of(test, "c"));
            EXPECT_EQ(secret.has_value(), valid);
            if (!secret) return "refused as a ciphertext";
            EXPECT_EQ(to_hex(secret->reveal(RevealKey{})), test.at("K").get<std::string>());
            return "decapsulated";
          });
}
TEST(WycheproofTest, MlKem768) { decapsulate_all("wycheproof_mlkem_768_test.json", Kem::ml_kem_768); }
TEST(WycheproofTest, MlKem1024) { decapsulate_all("wycheproof_mlkem_1024_test.json", Kem::ml_kem_1024); }

TEST(WycheproofTest, MlKem768Encapsulation) {
  for_all("wycheproof_mlkem_768_encaps_test.json", {{"encapsulated", 133}, {"refused", 132}},
          [](const Json&, const Json& test) -> std::string {
            const Bytes public_key = bytes_of(test, "ek");
            KnownRandom random(bytes_of(test, "m"));
            const auto made = encapsulate(Kem::ml_kem_768, public_key, random);
            const bool valid = test.at("result") == "valid";
            EXPECT_EQ(made.has_value(), valid);
            EXPECT_EQ(check_public_key(Kem::ml_kem_768, public_key).has_value(), valid);
            if (!made) {
              EXPECT_EQ(made.error().code, ErrorCode::malformed);
              return "refused";
            }
            EXPECT_EQ(to_hex(made->ciphertext), test.at("c").get<std::string>());
            EXPECT_EQ(to_hex(made->secret.reveal(RevealKey{})), test.at("K").get<std::string>());
            return "encapsulated";
          });
}

TEST(WycheproofTest, MlKem768KeyGeneration) {
  for_all("wycheproof_mlkem_768_keygen_seed_test.json", {{"generated", 100}},
          [](const Json&, const Json& test) -> std::string {
            KnownRandom random(bytes_of(test, "seed"));
            const auto key = KemSecretKey::generate(Kem::ml_kem_768, random);
            EXPECT_TRUE(key);
            EXPECT_EQ(random.left(), 0u);
            EXPECT_EQ(to_hex(key->public_key()), test.at("ek").get<std::string>());
            const auto dk = key->reveal_expanded(RevealKey{});
            EXPECT_TRUE(dk);
            EXPECT_EQ(to_hex(dk->reveal(RevealKey{})), test.at("dk").get<std::string>());
            const auto again = KemSecretKey::from_expanded(Kem::ml_kem_768, dk->reveal(RevealKey{}));
            EXPECT_TRUE(again);
            EXPECT_EQ(again->public_key(), key->public_key());
            return "generated";
          });
}

// --- ML-DSA ------------------------------------------------------------------------------------------------------

void verify_all(const std::string& file, SignatureAlgorithm algorithm, const Counts& wanted) {
  for_all(file, wanted, [algorithm](const Json& group, const Json& test) -> std::string {
    const bool valid = test.at("result") == "valid";
    const auto key = VerifyKey::from_raw(algorithm, bytes_of(group, "publicKey"));
    if (!key) {
      EXPECT_FALSE(valid);
      return "refused as a key";
    }
    const auto by_spki = VerifyKey::from_spki(bytes_of(group, "publicKeyDer"));
    EXPECT_TRUE(by_spki);
    EXPECT_EQ(*by_spki, *key);
    EXPECT_EQ(key->spki(), bytes_of(group, "publicKeyDer"));
    const Bytes context = bytes_of(test, "ctx");
    const Status verified = key->verify(bytes_of(test, "msg"), as_text(context), bytes_of(test, "sig"));
    EXPECT_EQ(verified.has_value(), valid);
    return valid ? "verified" : "refused";
  });
}
TEST(WycheproofTest, MlDsa65Verification) {
  verify_all("wycheproof_mldsa_65_verify_test.json", SignatureAlgorithm::ml_dsa_65,
             {{"verified", 79}, {"refused", 127}, {"refused as a key", 4}});
}
TEST(WycheproofTest, MlDsa87Verification) {
  verify_all("wycheproof_mldsa_87_verify_test.json", SignatureAlgorithm::ml_dsa_87,
             {{"verified", 71}, {"refused", 166}, {"refused as a key", 4}});
}

/// Signing a message representative that was computed elsewhere: FIPS 204's external mu, which we have no use for.
Bytes sign_mu_by_library(ByteView expanded, Bytes mu) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key_ex(nullptr, "ML-DSA-65", nullptr, expanded.data(), expanded.size()), EVP_PKEY_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr), EVP_PKEY_CTX_free);
  const std::unique_ptr<EVP_SIGNATURE, decltype(&EVP_SIGNATURE_free)> scheme(
      EVP_SIGNATURE_fetch(nullptr, "ML-DSA-65", nullptr), EVP_SIGNATURE_free);
  int one = 1;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_MU, &one),
                               OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &one),
                               OSSL_PARAM_construct_end()};
  Bytes out(3309);
  std::size_t size = out.size();
  EXPECT_EQ(EVP_PKEY_sign_message_init(context.get(), scheme.get(), params), 1);
  EXPECT_EQ(EVP_PKEY_sign(context.get(), out.data(), &size, mu.data(), mu.size()), 1);
  return out;
}

TEST(WycheproofTest, MlDsa65Signing) {
  for_all("wycheproof_mldsa_65_sign_seed_test.json",
          {{"signed", 84},
           {"of a message representative, signed by the library", 17},
           {"refused as a seed", 3},
           {"refused as a context", 1}},
          [](const Json& group, const Json& test) -> std::string {
            const bool valid = test.at("result") == "valid";
            const auto key = SigningKey::from_seed(SignatureAlgorithm::ml_dsa_65, bytes_of(group, "privateSeed"));
            if (!key) {
              EXPECT_FALSE(valid);
              return "refused as a seed";
            }
            EXPECT_EQ(to_hex(key->verify_key().raw()), group.at("publicKey").get<std::string>());
            const std::string wanted = test.at("sig").get<std::string>();
            if (!test.contains("msg")) {
              const auto expanded = key->reveal_expanded(RevealKey{});
              EXPECT_TRUE(expanded);
              EXPECT_EQ(to_hex(sign_mu_by_library(expanded->reveal(RevealKey{}), bytes_of(test, "mu"))), wanted);
              return "of a message representative, signed by the library";
            }
            const Bytes context = bytes_of(test, "ctx");
            KnownRandom hedge(test.contains("rnd") ? bytes_of(test, "rnd") : Bytes(32, 0));
            const auto signature = key->sign(bytes_of(test, "msg"), as_text(context), hedge);
            EXPECT_EQ(signature.has_value(), valid);
            if (!signature) return "refused as a context";
            EXPECT_EQ(to_hex(*signature), wanted);
            EXPECT_TRUE(key->verify_key().verify(bytes_of(test, "msg"), as_text(context), *signature));
            return "signed";
          });
}

// --- X-Wing ------------------------------------------------------------------------------------------------------

TEST(XWingTest, AgreesWithItsDraft) {
  const auto text = testing_support::read_vectors("xwing.json");
  if (!text) GTEST_SKIP() << "xwing.json is not here; the self-test has the first case of it";
  int count = 0;
  for (const Json& test : Json::parse(*text)) {
    KnownRandom seed(bytes_of(test, "seed")), randomness(bytes_of(test, "eseed"));
    const auto key = KemSecretKey::generate(Kem::mlkem768_x25519, seed);
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->reveal_seed(RevealKey{})), test.at("sk").get<std::string>());
    EXPECT_EQ(to_hex(key->public_key()), test.at("pk").get<std::string>());
    const auto made = encapsulate(Kem::mlkem768_x25519, key->public_key(), randomness);
    ASSERT_TRUE(made);
    EXPECT_EQ(randomness.left(), 0u);
    EXPECT_EQ(to_hex(made->ciphertext), test.at("ct").get<std::string>());
    EXPECT_EQ(to_hex(made->secret.reveal(RevealKey{})), test.at("ss").get<std::string>());
    const auto secret = key->decapsulate(bytes_of(test, "ct"));
    ASSERT_TRUE(secret);
    EXPECT_EQ(to_hex(secret->reveal(RevealKey{})), test.at("ss").get<std::string>());
    ++count;
  }
  std::printf("xwing.json: %d cases\n", count);
  EXPECT_EQ(count, 3);
}

// --- chunked encryption ------------------------------------------------------------------------------------------

std::string sha512(ByteView data) {
  Bytes out(64);
  EXPECT_EQ(EVP_Digest(data.data(), data.size(), out.data(), nullptr, EVP_sha512(), nullptr), 1);
  return to_hex(out);
}

/// Opens in pieces of `step` and returns what came out before the end or the first error.
std::pair<Bytes, bool> open_in_pieces(const Key256& key, ByteView context, ByteView sealed, std::size_t step) {
  Bytes out;
  if (sealed.size() < kChunkedHeadBytes) return {out, false};
  ChunkedHead head;
  std::copy_n(sealed.begin(), head.size(), head.begin());
  auto opener = ChunkOpener::start(key, context, head);
  if (!opener) return {out, false};
  bool good = true;
  for (ByteView rest = sealed.subspan(head.size()); !rest.empty() && good;) {
    const ByteView piece = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(piece.size());
    const std::size_t at = out.size();
    out.resize(at + opener->update_bytes(piece.size()));
    const auto written = opener->update(piece, MutableByteView(out).subspan(at));
    good = written.has_value();
    // What an update that failed wrote before its bad chunk is authentic; zeros follow.
    out.resize(good ? at + *written : at);
  }
  const std::size_t at = out.size();
  out.resize(at + opener->finish_bytes());
  const auto last = good ? opener->finish(MutableByteView(out).subspan(at)) : Result<std::size_t>(0);
  if (!good || !last) {
    out.resize(at);
    Bytes more(opener->finish_bytes());
    EXPECT_FALSE(opener->finish(more)) << "an error was forgotten";
    return {out, false};
  }
  out.resize(at + *last);
  return {out, true};
}

TEST(WycheproofTest, ChunkedEncryption) {
  const Counts wanted = {
      {"opened, by chunks too, and sealed again", 10}, {"refused", 23}, {"with a key of another size", 2}};
  for_all("wycheproof_c2sp_chunked_encryption_aes_256_gcm_test.json", wanted,
          [](const Json&, const Json& test) -> std::string {
            const bool valid = test.at("result") == "valid";
            const Bytes key_bytes = bytes_of(test, "key"), context = bytes_of(test, "ctx");
            if (key_bytes.size() != 32) {  // Key256 cannot even hold it
              EXPECT_TRUE(has_flag(test, "InvalidKeySize"));
              return "with a key of another size";
            }
            const Key256 key = key_of(key_bytes);
            const Bytes sealed = testing_support::inflate(bytes_of(test, "ct"));
            const auto opened = chunked_open(key, context, sealed);
            EXPECT_EQ(opened.has_value(), valid);
            for (const std::size_t step : {std::size_t{7919}, kSealedChunkBytes, std::size_t{1} << 20}) {
              const auto [plain, good] = open_in_pieces(key, context, sealed, step);
              EXPECT_EQ(good, valid);
              // Never a byte beyond the authentic prefix.
              const std::size_t most = test.value("msgLength", std::size_t{0});
              EXPECT_LE(plain.size(), most);
              if (plain.size() == most && test.contains("msgSha512")) {
                EXPECT_EQ(sha512(plain), test.at("msgSha512").get<std::string>());
              }
            }
            if (!valid) return "refused";
            EXPECT_EQ(opened->size(), test.at("msgLength").get<std::size_t>());
            EXPECT_EQ(sha512(*opened), test.at("msgSha512").get<std::string>());
            KnownRandom salt(Bytes(sealed.begin(), sealed.begin() + kChunkSaltBytes));
            const auto again = chunked_seal(key, context, *opened, salt);
            EXPECT_TRUE(again);
            EXPECT_EQ(*again, sealed);
            ChunkedHead head;
            std::copy_n(sealed.begin(), head.size(), head.begin());
            auto cipher = ChunkCipher::open(key, context, head);
            EXPECT_TRUE(cipher);
            for (std::uint64_t i = sealed.size() / kSealedChunkBytes; i-- > 0;) {  // backwards: any order will do
              const std::size_t from = kChunkedHeadBytes + static_cast<std::size_t>(i) * kSealedChunkBytes;
              if (from >= sealed.size()) continue;
              const ByteView chunk = ByteView(sealed).subspan(from, std::min(kSealedChunkBytes, sealed.size() - from));
              Bytes plain(chunk.size() - kTagBytes);
              EXPECT_TRUE(cipher->open_chunk(i, chunk, plain));
              EXPECT_TRUE(std::equal(plain.begin(), plain.end(),
                                     opened->begin() + static_cast<std::ptrdiff_t>(i * kChunkBytes)));
            }
            return "opened, by chunks too, and sealed again";
          });
}

}  // namespace
}  // namespace prism::crypto
