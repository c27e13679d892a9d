#include "prism/crypto/kem.h"

#include <gtest/gtest.h>

#include <map>

#include "prism/crypto/agreement.h"
#include "prism/crypto/internal/spki.h"
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

/// hpkewg/hpke-pq, test-vectors.json: all of its cases of our four KEMs. Public keys and ciphertexts by their SHA-256.
struct HpkeCase {
  Kem kem;
  const char *seed, *randomness, *public_key, *ciphertext, *secret;
};
const HpkeCase kHpkeCases[] = {
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
    {Kem::mlkem768_x25519, "3ec47fa82dd5689d27c6190e724c74ec8f608df3331ce331929e37b829676630",
     "2a1c0a3745fe8a48fb62034d300f54dfe1974a5b2e169e580a8789cb1cf5fd190fc00f3fd899594e01a8b15334b9f3fa03d8de44da86e19f5"
     "776850fb689e6c8",
     "ad8aaf3f00d8a39bfeec2947a7d5dde68be08bba19bd301a348a45dc5fcc8341",
     "95c0a5fca31ea59f29bbc66255ad6637b5a476b3212886af11afdc8930aeb772",
     "58200ed1f137bd95a921bb47f6aaecf2395b26f7fd24efd3a5ffae4849e8dea3"},
    {Kem::mlkem1024_p384, "dbdae0423ba0e5db3d6322601b8dc302d3051d4677142079c7bdf441f4c448dd",
     "bd1207854ec0963347d5218f900783d6ca0ff62c5e2181ca5a932e2d6d8d96cc9b092a9d709468d10f7e8ec8d9eccd7e7a647d351133e2a2f"
     "4b438154d1dd70850af7f7841c1dbd0699feb9852d99c08",
     "5d0b42c6f1471a72045ec087a4c2e61875541f4550b513672f2d858eb1a133c3",
     "f2efb14c611a8637a214286298706af1433acb4f3bdc2f6a25c0d72dd3decf13",
     "cb959223131df11c3a3dc1da2ff8670249cb41be2d0b399a3706d3a23b158bc7"},
    {Kem::mlkem768_x25519, "8f908710ee25a3aa6fd3ed80eb5bf102963547bf4fe36d86f772432ac383e6e9",
     "67d925853f974ffeb36a867ba8b370c455c77fa386e0b667d6dea0fa0bcd9446a7a24daaf163ec2c0979a75f6b776a4e08ba8e89aa9fb4f60"
     "4e95a9acddc4091",
     "404a519065c5818eaf431ba78a961e2c59919cc8b2bce92c6b76e438dcc345bd",
     "c1b0e87dce9b87269e05f3b8fc7a745770f7c6906c5fbbd49192cf61fafa65c4",
     "d9994083f7879bfd2333bab88dad36c0473eb67daeabb4f7d4e4dca56c63ddb4"},
    {Kem::ml_kem_1024,
     "545f8a47869bbe8231bfa14de61aaa71aaafde79ab6281e3f42e0a28a8868f8fbd405f148b0137bbc46603919e5ac1e768d1e6bb9ac4a9abc"
     "05edc5b5a5be726",
     "ab765f59234788d2c785d7fc0cbb82873d73bfa6b8fc95cdefff6959a52bb9c1",
     "6bd2d52e56316e1c4ac01e408e759314dcd0fd18dbd62b174175b70de6c90f62",
     "074d23a33b9285b62f3dd9442bdb3cb58687a3b38bd9c839dcd8a5f7f46238eb",
     "6d3d3174abc633f10cc9ee967988926586d6174a53d4f83c4d1c1a1add2ffb04"},
};

TEST(KemTest, AgreesWithTheVectorsOfHpke) {
  std::map<Kem, int> count;
  for (const HpkeCase& c : kHpkeCases) {
    const auto key = KemSecretKey::from_seed(c.kem, testing_support::unhex(c.seed));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(internal::sha256(key->public_key())), c.public_key);
    KnownRandom randomness(testing_support::unhex(c.randomness));
    const auto made = encapsulate(c.kem, key->public_key(), randomness);
    ASSERT_TRUE(made);
    EXPECT_EQ(randomness.left(), 0u);
    EXPECT_EQ(to_hex(internal::sha256(made->ciphertext)), c.ciphertext);
    EXPECT_EQ(hex(made->secret), c.secret);
    EXPECT_EQ(hex(*key->decapsulate(made->ciphertext)), c.secret);
    ++count[c.kem];
  }
  EXPECT_EQ(count.size(), 4u);
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
