#include "prism/client/hybrid_crypto.h"

#include <gtest/gtest.h>

#include "prism/host/system.h"

namespace prism::client {
namespace {

constexpr double kNear = 1.0 / (1 << 12);  // the intent promises 2^-14

/// Making keys takes most of the time of these tests.
const HybridCrypto& alice() {
  static host::SystemRandom random;
  static const HybridCrypto made =
      HybridCrypto::create(
          {.numbers =
               {.depth = 1, .precision_bits = 14, .largest_magnitude = 8, .values = 8, .movement = {.sums = true}}},
          random)
          .value();
  return made;
}

void expect_near(const Result<std::vector<double>>& found, const std::vector<double>& wanted) {
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR((*found)[i], wanted[i], kNear) << i;
}

TEST(HybridCrypto, EveryVerbOnNumbersAgreesWithPlainNumbers) {
  const auto x = alice().encrypt({1, -2, 3, 0.5});
  const auto y = alice().encrypt({4, 0.25, -1, 8});
  const std::vector<double> w{2, 0.5, -1, 3};
  const auto& a = alice();
  expect_near(a.decrypt(x), {1, -2, 3, 0.5});
  expect_near(a.decrypt(a.add(x, y)), {5, -1.75, 2, 8.5});
  expect_near(a.decrypt(a.subtract(x, y)), {-3, -2.25, 4, -7.5});
  expect_near(a.decrypt(a.add_scalar(x, 0.5)), {1.5, -1.5, 3.5, 1});
  expect_near(a.decrypt(a.multiply_scalar(x, 2.5)), {2.5, -5, 7.5, 1.25});
  expect_near(a.decrypt(a.multiply(x, y)), {4, -0.5, -3, 4});
  expect_near(a.decrypt(a.multiply(x, w)), {2, -1, -3, 1.5});
  expect_near(a.decrypt(a.negate(x)), {-1, 2, -3, -0.5});
  expect_near(a.decrypt(a.square(x)), {1, 4, 9, 0.25});
  expect_near(a.decrypt(a.sum(x)), {2.5});
  expect_near(a.decrypt(a.mean(x)), {0.625});
  expect_near(a.decrypt(a.dot(x, w)), {-0.5});
}

TEST(HybridCrypto, TheFirstErrorOfANestedExpressionComesOut) {
  const auto short_one = alice().encrypt({1, 2});
  const auto long_one = alice().encrypt({1, 2, 3});
  const auto outcome = alice().decrypt(alice().sum(alice().multiply_scalar(alice().add(short_one, long_one), 2)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::mismatch);
  EXPECT_FALSE(alice().encrypt({1e6}));  // above the largest magnitude
}

TEST(HybridCrypto, ASignatureHoldsForItsMessageKeyAndUse) {
  const Bytes message{1, 2, 3};
  const auto signature = alice().sign(message);
  ASSERT_TRUE(signature) << signature.error().message;
  const crypto::VerifyKey& key = alice().identity().verify_key();
  EXPECT_TRUE(HybridCrypto::verify(key, message, *signature));
  EXPECT_FALSE(HybridCrypto::verify(key, Bytes{1, 2, 4}, *signature));
  for (const std::size_t at : {std::size_t{0}, signature->size() / 2, signature->size() - 1}) {
    Bytes changed = *signature;
    changed[at] ^= 1;
    EXPECT_FALSE(HybridCrypto::verify(key, message, changed)) << at;
  }
  EXPECT_FALSE(key.verify(message, "prism/v1/client-auth", *signature));
  host::SystemRandom random;
  const auto other = crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, random);
  EXPECT_FALSE(HybridCrypto::verify(other->verify_key(), message, *signature));
}

TEST(HybridCrypto, BothSidesOfAnEncapsulationHoldTheSameSecret) {
  host::SystemRandom random;
  const auto made = HybridCrypto::encapsulate(alice().kem(), alice().kem_public_key(), random);
  ASSERT_TRUE(made) << made.error().message;
  const auto secret = alice().decapsulate(made->ciphertext);
  ASSERT_TRUE(secret) << secret.error().message;
  const secret::RevealKey reveal;
  EXPECT_EQ(secret->reveal(reveal), made->secret.reveal(reveal));
  Bytes changed = made->ciphertext;
  changed[7] ^= 1;
  const auto other = alice().decapsulate(changed);
  ASSERT_TRUE(other) << "a damaged ciphertext must not be told apart";
  EXPECT_NE(other->reveal(reveal), made->secret.reveal(reveal));
  EXPECT_FALSE(alice().decapsulate(Bytes(3)));
}

}  // namespace
}  // namespace prism::client
