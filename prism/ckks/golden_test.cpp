// Fixed seeds, fixed bytes: keys, encryption and evaluation give the same residues on every kernel set, compiler and
// machine. The digests were recorded once; a change of them is a change of what files and workers agree on.
#include <gtest/gtest.h>

#include "prism/ckks/internal/testing.h"
#include "prism/hash/sha256.h"

namespace prism::ckks {
namespace {

using testing::make_parameters;
using testing::must;
using testing::World;
constexpr secret::RevealKey kReveal{};

std::string digest_of(const Ciphertext& c) {
  hash::Sha256 h = hash::tagged_sha256("prism ckks golden test");
  for (const ring::Evaluations& part : c.parts) {
    for (std::size_t i = 0; i < part.rows(); ++i) {
      h.update_u64(part.modulus(i).q);
      for (const std::uint64_t x : part.row(i)) h.update_u64(x);
    }
  }
  return to_hex(h.finish()).substr(0, 32);
}

/// Integers from a counter: the floating-point encoder is not in question.
Plaintext message(const World& w, std::uint64_t start) {
  Plaintext p(w.parameters, w.parameters->scale(w.parameters->max_level()), {math::Bound::one(), {}});
  std::uint64_t x = start;
  for (Int128& c : p.coefficients(kReveal)) {
    x = x * 6364136223846793005U + 1442695040888963407U;
    c = static_cast<Int128>(x >> 30) - (Int128{1} << 33);  // sums over N stay below the scale
  }
  return p;
}

struct Golden {
  std::uint32_t digit_size;
  const char *symmetric, *by_public_key, *product, *rotated, *summed;
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.digit_size; }

class GoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, EvaluationGivesTheRecordedBytes) {
  World w(2026, make_parameters({.log_n = 10, .scale_bits = 45, .depth = 4, .digit_size = GetParam().digit_size}));
  w.add_relinearisation();
  for (const int steps : {1, 5}) w.add_rotation(steps);
  const rlwe::Level top = w.parameters->max_level();
  const auto key = std::make_shared<rlwe::PublicKey>(must(rlwe::make_public_key(w.key, 1, w.random)));
  const PublicEncryptor by_public_key = must(PublicEncryptor::make(key, w.parameters));
  const Ciphertext x = must(w.encryptor.encrypt(message(w, 1), top, w.random));
  const Ciphertext y = must(by_public_key.encrypt(message(w, 2), top, w.random));
  EXPECT_EQ(digest_of(x), GetParam().symmetric);
  EXPECT_EQ(digest_of(y), GetParam().by_public_key);
  const Ciphertext product = must(w.evaluator.multiply_relinearise_rescale(x, y, w.keys));
  EXPECT_EQ(digest_of(product), GetParam().product);
  const Ciphertext rotated = must(w.evaluator.rotate(product, 5, w.keys));
  EXPECT_EQ(digest_of(rotated), GetParam().rotated);
  ring::Workspace workspace;
  ExtendedCiphertext rows, sum;
  const Multiplicand factor = must(w.evaluator.prepare(message(w, 3), top, true));
  for (const int steps : {0, 1, 5}) {
    must(w.evaluator.rotate_extended(rows, must(w.evaluator.hoist(y)), steps, w.keys, workspace));
    must(w.evaluator.multiply_plain_add(sum, rows, factor));
  }
  Ciphertext summed;
  must(w.evaluator.finish_rescale(summed, sum, workspace));
  EXPECT_EQ(digest_of(summed), GetParam().summed);
}

INSTANTIATE_TEST_SUITE_P(
    PrimesPerDigit, GoldenTest,
    ::testing::Values(Golden{1, "c345d6a7b7c8923bdabd95addc3d4bc9", "d328b810906d4b21a586452449d9f10f",
                             "d1de8130b5c9eb7d4ddd2f1320b021d4", "cc740d71bfdf9ecc18a008fee62c7b85",
                             "09399e97887963625310c29e2f7f1c2b"},
                      Golden{2, "2ce689d7b031e1ec8fb8f205de13e626", "db16534243f1e8983b32213bc64c3e82",
                             "159a9dd9e3f645aec4207588b3befbf1", "97fbf85391a3f281fc0093e03dd843d0",
                             "98e6afdae243c86d63c3f42eb754c51b"}));

}  // namespace
}  // namespace prism::ckks
