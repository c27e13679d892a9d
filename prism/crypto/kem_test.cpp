#include "prism/crypto/kem.h"

#include <gtest/gtest.h>

#include "prism/crypto/agreement.h"
#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using testing_support::KnownRandom;
using testing_support::RepeatableRandom;

constexpr Kem kAll[] = {Kem::ml_kem_768, Kem::ml_kem_1024, Kem::mlkem768_x25519, Kem::mlkem1024_p384};

std::string hex(const SharedSecret& secret) { return to_hex(secret.reveal(RevealKey{})); }

TEST(KemTest, BothSidesAgreeAndSizesAreAsDeclared) {
  RepeatableRandom random(1);
  for (const Kem kem : kAll)
    for (int i = 0; i < 5; ++i) {
      const auto key = KemSecretKey::generate(kem, random);
      ASSERT_TRUE(key);
      const auto made = encapsulate(kem, key->public_key(), random);
      ASSERT_TRUE(made) << made.error().message;
      const auto secret = key->decapsulate(made->ciphertext);
      ASSERT_TRUE(secret);
      EXPECT_EQ(hex(*secret), hex(made->secret));
      EXPECT_EQ(key->public_key().size(), sizes_of(kem).public_key);
      EXPECT_EQ(made->ciphertext.size(), sizes_of(kem).ciphertext);
      EXPECT_EQ(key->reveal_seed(RevealKey{}).size(), sizes_of(kem).seed);
      EXPECT_TRUE(check_public_key(kem, key->public_key()));
    }
}

TEST(KemTest, AllRandomnessComesFromTheOnePassedIn) {
  RepeatableRandom random(2);
  for (const Kem kem : kAll) {
    Bytes seed(sizes_of(kem).seed), randomness(sizes_of(kem).randomness);
    ASSERT_TRUE(random.fill(seed) && random.fill(randomness));
    std::string first;
    for (int i = 0; i < 2; ++i) {
      KnownRandom for_key(seed), for_encapsulation(randomness);
      const auto key = KemSecretKey::generate(kem, for_key);
      ASSERT_TRUE(key);
      const auto made = encapsulate(kem, key->public_key(), for_encapsulation);
      ASSERT_TRUE(made);
      EXPECT_EQ(for_key.left() + for_encapsulation.left(), 0u) << name_of(kem);
      const std::string all = to_hex(key->public_key()) + to_hex(made->ciphertext) + hex(made->secret);
      if (i == 0) first = all;
      EXPECT_EQ(all, first) << name_of(kem);
    }
    KnownRandom empty({}), short_one(Bytes(sizes_of(kem).randomness - 1, 7));
    EXPECT_FALSE(KemSecretKey::generate(kem, empty));
    const auto key = KemSecretKey::from_seed(kem, seed);
    ASSERT_TRUE(key);
    EXPECT_FALSE(encapsulate(kem, key->public_key(), short_one));
  }
}

TEST(KemTest, ChangedCiphertextsGiveOtherSecretsAndNoError) {
  RepeatableRandom random(3);
  for (const Kem kem : kAll) {
    const auto key = KemSecretKey::generate(kem, random);
    ASSERT_TRUE(key);
    const auto made = encapsulate(kem, key->public_key(), random);
    ASSERT_TRUE(made);
    const std::size_t lattice = kem == Kem::ml_kem_768 || kem == Kem::mlkem768_x25519 ? 1088 : 1568;
    for (int i = 0; i < 20; ++i) {
      Bytes changed = made->ciphertext;
      changed[random.below(lattice)] ^= static_cast<std::uint8_t>(1 << random.below(8));
      const auto secret = key->decapsulate(changed);
      ASSERT_TRUE(secret) << name_of(kem);
      EXPECT_NE(hex(*secret), hex(made->secret));
      // Implicit rejection is a function of key and ciphertext: asking twice gives away nothing.
      EXPECT_EQ(hex(*key->decapsulate(changed)), hex(*secret));
    }
  }
}

TEST(KemTest, HybridSecretsDependOnBothHalves) {
  RepeatableRandom random(4);
  for (const auto& [kem, lattice] : {std::pair{Kem::mlkem768_x25519, 1088u}, std::pair{Kem::mlkem1024_p384, 1568u}}) {
    const auto key = KemSecretKey::generate(kem, random);
    ASSERT_TRUE(key);
    const auto made = encapsulate(kem, key->public_key(), random);
    const auto other = encapsulate(kem, key->public_key(), random);
    ASSERT_TRUE(made && other);
    Bytes mixed(made->ciphertext.begin(), made->ciphertext.begin() + lattice);
    mixed.insert(mixed.end(), other->ciphertext.begin() + lattice, other->ciphertext.end());
    const auto secret = key->decapsulate(mixed);
    ASSERT_TRUE(secret);
    EXPECT_NE(hex(*secret), hex(made->secret));
    EXPECT_NE(hex(*secret), hex(other->secret));
  }
}

TEST(KemTest, WrongLengthsAreMalformedBeforeAnyWork) {
  RepeatableRandom random(5);
  for (const Kem kem : kAll) {
    const auto key = KemSecretKey::generate(kem, random);
    ASSERT_TRUE(key);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{31}, sizes_of(kem).ciphertext - 1, sizes_of(kem).ciphertext + 1}) {
      const auto secret = key->decapsulate(Bytes(size));
      ASSERT_FALSE(secret);
      EXPECT_EQ(secret.error().code, ErrorCode::malformed);
    }
    for (const std::size_t size : {std::size_t{0}, sizes_of(kem).public_key - 1, sizes_of(kem).public_key + 1}) {
      KnownRandom untouched({});
      const auto made = encapsulate(kem, Bytes(size), untouched);
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code, ErrorCode::malformed) << "randomness was drawn for a key that is none";
      EXPECT_FALSE(check_public_key(kem, Bytes(size)));
    }
    EXPECT_FALSE(KemSecretKey::from_seed(kem, Bytes(sizes_of(kem).seed + 1)));
  }
}

TEST(KemTest, CoefficientsOf3329AndMoreAreNoPublicKey) {
  RepeatableRandom random(6);
  for (const Kem kem : kAll) {
    const auto key = KemSecretKey::generate(kem, random);
    ASSERT_TRUE(key);
    Bytes changed = key->public_key();
    changed[0] = 0x01;  // the first coefficient, 12 bits little-endian: 3329
    changed[1] = static_cast<std::uint8_t>((changed[1] & 0xf0) | 0x0d);
    EXPECT_EQ(check_public_key(kem, changed).error().code, ErrorCode::malformed) << name_of(kem);
    EXPECT_EQ(encapsulate(kem, changed, random).error().code, ErrorCode::malformed) << name_of(kem);
    changed[0] = 0x00;
    EXPECT_TRUE(check_public_key(kem, changed)) << name_of(kem);
  }
}

TEST(KemTest, ExpandedKeysWhosePartsDisagreeAreRefused) {
  RepeatableRandom random(7);
  for (const auto& [kem, k] : {std::pair{Kem::ml_kem_768, 3u}, std::pair{Kem::ml_kem_1024, 4u}}) {
    const auto key = KemSecretKey::generate(kem, random);
    ASSERT_TRUE(key);
    const auto dk = key->reveal_expanded(RevealKey{});
    ASSERT_TRUE(dk);
    const Bytes good(dk->reveal(RevealKey{}).begin(), dk->reveal(RevealKey{}).end());
    EXPECT_TRUE(KemSecretKey::from_expanded(kem, good));
    // dk = dk_pke (384 k) | ek (384 k + 32) | H(ek) | z: a changed ek or hash fails the hash check of section 7.3.
    for (const std::size_t at : {std::size_t{384} * k + 800, std::size_t{768} * k + 32}) {
      Bytes bad = good;
      bad[at] ^= 1;
      const auto refused = KemSecretKey::from_expanded(kem, bad);
      ASSERT_FALSE(refused) << at;
      EXPECT_EQ(refused.error().code, ErrorCode::malformed);
    }
    EXPECT_FALSE(KemSecretKey::from_expanded(kem, ByteView(good).first(good.size() - 1)));
  }
  EXPECT_EQ(KemSecretKey::from_expanded(Kem::mlkem768_x25519, Bytes(2464)).error().code, ErrorCode::unsupported);
}

TEST(KemTest, PointsOfSmallOrderAndOffTheCurveAreRefusedInEitherDirection) {
  RepeatableRandom random(8);
  for (const auto& [kem, point] :
       {std::pair{Kem::mlkem768_x25519, std::size_t{32}}, std::pair{Kem::mlkem1024_p384, std::size_t{97}}}) {
    const auto key = KemSecretKey::generate(kem, random);
    ASSERT_TRUE(key);
    const auto made = encapsulate(kem, key->public_key(), random);
    ASSERT_TRUE(made);
    Bytes ciphertext = made->ciphertext, public_key = key->public_key();
    std::fill(ciphertext.end() - static_cast<std::ptrdiff_t>(point), ciphertext.end(), std::uint8_t{0});
    std::fill(public_key.end() - static_cast<std::ptrdiff_t>(point), public_key.end(), std::uint8_t{0});
    EXPECT_EQ(key->decapsulate(ciphertext).error().code, ErrorCode::malformed);
    EXPECT_EQ(encapsulate(kem, public_key, random).error().code, ErrorCode::malformed);
  }
}

TEST(AgreementTest, P384SidesAgreeAndScalarsAreInRange) {
  RepeatableRandom random(9);
  for (int i = 0; i < 10; ++i) {
    const auto a = AgreementKey::generate(Group::p384, random), b = AgreementKey::generate(Group::p384, random);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->public_key().size(), 97u);
    const auto ab = a->agree(b->public_key()), ba = b->agree(a->public_key());
    ASSERT_TRUE(ab && ba);
    EXPECT_EQ(to_hex(ab->reveal(RevealKey{})), to_hex(ba->reveal(RevealKey{})));
    // The same scalar, the same key.
    EXPECT_EQ(AgreementKey::from_scalar(Group::p384, a->reveal_scalar(RevealKey{}))->public_key(), a->public_key());
  }
  const std::string order =
      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
  Bytes scalar = testing_support::unhex(order);
  EXPECT_FALSE(AgreementKey::from_scalar(Group::p384, scalar));
  scalar.back() -= 1;
  const auto last = AgreementKey::from_scalar(Group::p384, scalar);
  ASSERT_TRUE(last);
  scalar.back() += 2;
  EXPECT_FALSE(AgreementKey::from_scalar(Group::p384, scalar));
  EXPECT_FALSE(AgreementKey::from_scalar(Group::p384, Bytes(48, 0)));
  EXPECT_FALSE(AgreementKey::from_scalar(Group::p384, Bytes(48, 0xff)));
  Bytes one(48, 0);
  one.back() = 1;
  const auto base = AgreementKey::from_scalar(Group::p384, one);
  ASSERT_TRUE(base);
  // (order - 1) G is -G: the same x, the other y.
  EXPECT_TRUE(std::equal(base->public_key().begin(), base->public_key().begin() + 49, last->public_key().begin()));
  EXPECT_NE(base->public_key(), last->public_key());
  // SP 800-186, section 3.2.1.4: G's x coordinate.
  EXPECT_EQ(to_hex(ByteView(base->public_key()).subspan(1, 48)),
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7");
}

TEST(AgreementTest, OnlyUncompressedPointsOfTheCurveAreTaken) {
  RepeatableRandom random(10);
  const auto key = AgreementKey::generate(Group::p384, random), peer = AgreementKey::generate(Group::p384, random);
  ASSERT_TRUE(key && peer);
  const Bytes good = peer->public_key();
  for (const int first : {0, 2, 3, 5, 6, 7}) {
    Bytes bad = good;
    bad[0] = static_cast<std::uint8_t>(first);
    EXPECT_EQ(key->agree(bad).error().code, ErrorCode::malformed) << first;
  }
  for (std::size_t i = 1; i < good.size(); i += 7) {
    Bytes bad = good;
    bad[i] ^= 1;
    EXPECT_EQ(check_point(Group::p384, bad).error().code, ErrorCode::malformed) << i;
  }
  EXPECT_FALSE(key->agree({}));
  EXPECT_FALSE(key->agree(Bytes{0}));  // the point at infinity
  EXPECT_FALSE(key->agree(ByteView(good).first(49)));
}

}  // namespace
}  // namespace prism::crypto
