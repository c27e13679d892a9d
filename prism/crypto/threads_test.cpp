// One key, many threads: a server signs and verifies on all of its workers.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "prism/crypto/kem.h"
#include "prism/crypto/signature.h"
#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using testing_support::RepeatableRandom;

TEST(ThreadsTest, KeysAreSharedByThreadsThatEachHaveTheirOwnRandomness) {
  RepeatableRandom random(1);
  const auto signing = SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random);
  const auto kem = KemSecretKey::generate(Kem::mlkem768_x25519, random);
  ASSERT_TRUE(signing && kem);
  std::atomic<int> wrong{0}, done{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 10; seed < 14; ++seed)
    threads.emplace_back([&, seed] {
      RepeatableRandom own(seed);
      for (int i = 0; i < 20; ++i) {
        Bytes message(100);
        static_cast<void>(own.fill(message));
        const VerifyKey copy = signing->verify_key();  // copies share the parsed key
        const auto signature = signing->sign(message, "c", own);
        wrong += !signature || !copy.verify(message, "c", *signature);
        const auto made = encapsulate(Kem::mlkem768_x25519, kem->public_key(), own);
        const auto secret = made ? kem->decapsulate(made->ciphertext) : Result<SharedSecret>(made.error());
        wrong += !secret || !secret::equal(secret->reveal(RevealKey{}), made->secret.reveal(RevealKey{}));
        ++done;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 80);
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace prism::crypto
