#include "prism/crypto/signature.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using testing_support::KnownRandom;
using testing_support::RepeatableRandom;

constexpr SignatureAlgorithm kAll[] = {SignatureAlgorithm::ml_dsa_65, SignatureAlgorithm::ml_dsa_87};

TEST(SignatureTest, VerifiesForItsMessageContextAndKeyAlone) {
  RepeatableRandom random(1);
  for (const auto algorithm : kAll) {
    const auto key = SigningKey::generate(algorithm, random), other = SigningKey::generate(algorithm, random);
    ASSERT_TRUE(key && other);
    for (const std::size_t size : {0u, 1u, 100u, 100'000u}) {
      Bytes message(size);
      ASSERT_TRUE(random.fill(message));
      const auto signature = key->sign(message, "prism/v1/test", random);
      ASSERT_TRUE(signature);
      EXPECT_EQ(signature->size(), sizes_of(algorithm).signature);
      EXPECT_TRUE(key->verify_key().verify(message, "prism/v1/test", *signature));
      Bytes longer = message;
      longer.push_back(0);
      const Status refusals[] = {key->verify_key().verify(longer, "prism/v1/test", *signature),
                                 key->verify_key().verify(message, "prism/v1/tesu", *signature),
                                 key->verify_key().verify(message, "", *signature),
                                 other->verify_key().verify(message, "prism/v1/test", *signature),
                                 key->verify_key().verify(message, "prism/v1/test", {}),
                                 key->verify_key().verify(message, "prism/v1/test", ByteView(*signature).first(100))};
      for (const Status& refusal : refusals) {
        ASSERT_FALSE(refusal);
        EXPECT_EQ(refusal.error().code, ErrorCode::integrity);
        EXPECT_EQ(refusal.error().message, refusals[0].error().message) << "the reason shows";
      }
    }
  }
}

TEST(SignatureTest, NoFlippedBitVerifies) {
  RepeatableRandom random(2);
  for (const auto algorithm : kAll) {
    const auto key = SigningKey::generate(algorithm, random);
    ASSERT_TRUE(key);
    auto signature = key->sign(as_bytes("m"), "c", random);
    ASSERT_TRUE(signature);
    for (int i = 0; i < 200; ++i) {
      const std::size_t at = random.below(signature->size());
      const auto bit = static_cast<std::uint8_t>(1 << random.below(8));
      (*signature)[at] ^= bit;
      EXPECT_FALSE(key->verify_key().verify(as_bytes("m"), "c", *signature)) << at << " " << int{bit};
      (*signature)[at] ^= bit;
    }
    EXPECT_TRUE(key->verify_key().verify(as_bytes("m"), "c", *signature));
  }
}

TEST(SignatureTest, IsHedgedByTheRandomnessPassedInAndByNothingElse) {
  for (const auto algorithm : kAll) {
    const auto key = SigningKey::from_seed(algorithm, Bytes(32, 5));
    ASSERT_TRUE(key);
    KnownRandom a(Bytes(32, 1)), again(Bytes(32, 1)), b(Bytes(32, 2)), none({});
    const auto first = key->sign(as_bytes("m"), "c", a), second = key->sign(as_bytes("m"), "c", again),
               third = key->sign(as_bytes("m"), "c", b);
    ASSERT_TRUE(first && second && third);
    EXPECT_EQ(*first, *second);
    EXPECT_NE(*first, *third);
    EXPECT_EQ(a.left(), 0u);
    EXPECT_FALSE(key->sign(as_bytes("m"), "c", none)) << "signed without randomness";
  }
}

TEST(SignatureTest, ContextsHaveAtMost255Bytes) {
  RepeatableRandom random(3);
  const auto key = SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random);
  ASSERT_TRUE(key);
  const std::string most(255, 'c'), more(256, 'c');
  const auto signature = key->sign(as_bytes("m"), most, random);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(key->verify_key().verify(as_bytes("m"), most, *signature));
  EXPECT_EQ(key->sign(as_bytes("m"), more, random).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(key->verify_key().verify(as_bytes("m"), more, *signature).error().code, ErrorCode::invalid_argument);
}

TEST(SignatureTest, KeysSurviveTheirEncodings) {
  RepeatableRandom random(4);
  for (const auto algorithm : kAll) {
    const auto key = SigningKey::generate(algorithm, random);
    ASSERT_TRUE(key);
    const VerifyKey& open = key->verify_key();
    const auto by_raw = VerifyKey::from_raw(algorithm, open.raw()), by_spki = VerifyKey::from_spki(open.spki());
    ASSERT_TRUE(by_raw && by_spki);
    EXPECT_EQ(*by_raw, open);
    EXPECT_EQ(*by_spki, open);
    EXPECT_EQ(by_spki->algorithm(), algorithm);
    const auto expanded = key->reveal_expanded(RevealKey{});
    ASSERT_TRUE(expanded);
    const auto again = SigningKey::from_expanded(algorithm, expanded->reveal(RevealKey{}));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->verify_key(), open);
    EXPECT_TRUE(again->reveal_seed(RevealKey{}).empty());
    EXPECT_EQ(SigningKey::from_seed(algorithm, key->reveal_seed(RevealKey{}))->verify_key(), open);
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{12}, std::size_t{20}}) {
      Bytes bad = open.spki();
      bad[at] ^= 1;
      EXPECT_EQ(VerifyKey::from_spki(bad).error().code, ErrorCode::malformed) << at;
    }
    EXPECT_FALSE(VerifyKey::from_spki(ByteView(open.raw())));
    EXPECT_FALSE(VerifyKey::from_raw(algorithm, open.raw().first(open.raw().size() - 1)));
  }
}

}  // namespace
}  // namespace prism::crypto
