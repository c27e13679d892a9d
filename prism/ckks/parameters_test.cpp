// Scales per level, primes that keep them, and parameters from an intent.
#include "prism/ckks/parameters.h"

#include <gtest/gtest.h>

#include "prism/ckks/internal/testing.h"

namespace prism::ckks {
namespace {

using testing::distance_log2;
using testing::make_parameters;
using testing::must;
using testing::World;

TEST(ParametersTest, CanonicalScalesFollowRescaledSquares) {
  for (const std::uint32_t per_level : {1U, 2U}) {
    const auto p = make_parameters(
        {.log_n = 10, .scale_bits = 40 * per_level, .depth = 5, .per_level = per_level, .digit_size = 2});
    EXPECT_EQ(p->scale(p->max_level()), Scale::power_of_two(40 * per_level));
    for (int l = p->max_level().value; l > 0; --l) {
      const Scale& upper = p->scale(rlwe::Level{l});
      const auto gone = p->dropped_primes(rlwe::Level{l});
      EXPECT_EQ(gone.size(), per_level);
      EXPECT_EQ(p->scale(rlwe::Level{l - 1}), (upper * upper).divided_by(gone));
    }
    EXPECT_EQ(p->slots(), 512U);
  }
}

TEST(ParametersTest, ScalesDoNotDriftWithDepth) {
  // Thirty levels: with the nearest primes taken in order, the drift would double at each.
  for (const unsigned bits : {30U, 40U, 49U}) {
    const auto p = make_parameters({.log_n = 13, .scale_bits = bits, .depth = 30, .digit_size = 1});
    for (int l = 0; l <= 30; ++l) EXPECT_NEAR(p->scale(rlwe::Level{l}).log2(), bits, bits < 40 ? 0.02 : 1e-4) << l;
  }
}

TEST(ParametersTest, DigestNamesRingAndScale) {
  const auto a = make_parameters({.log_n = 5}), b = make_parameters({.log_n = 5});
  const auto c = Parameters::make(a->rlwe().spec(), 39).value();
  EXPECT_EQ(a->digest(), b->digest());
  EXPECT_NE(a->digest(), c->digest());
  EXPECT_NE(a->digest(), a->rlwe().digest());
}

TEST(ParametersTest, RefusesScalesThatPrimesDoNotKeep) {
  rlwe::ParameterSpec spec = make_parameters({.log_n = 5})->rlwe().spec();
  EXPECT_TRUE(Parameters::make(spec, 40).has_value());
  EXPECT_EQ(Parameters::make(spec, 30).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Parameters::make(spec, 50).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Parameters::make(spec, 9).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Parameters::make(spec, 111).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(rescaling_primes(10, 50, 3, 1, {}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(rescaling_primes(10, 19, 3, 1, {}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(rescaling_primes(17, 20, 60, 1, {}).error().code, ErrorCode::invalid_argument);
  spec.security = rlwe::Security::bits128;
  EXPECT_EQ(Parameters::make(spec, 40).error().code, ErrorCode::insecure);
}

TEST(IntentTest, PromisesAreKeptByTheDeepestCircuit) {
  const Intent intents[] = {{.depth = 1, .precision_bits = 10},
                            {.depth = 2, .precision_bits = 20, .rotations = true},
                            {.depth = 2, .precision_bits = 12, .largest_magnitude = 8, .additions = 3},
                            {.depth = 0, .precision_bits = 25, .min_slots = 2048}};
  for (const Intent& intent : intents) {
    World w(1, must(parameters_for(intent)));
    EXPECT_EQ(w.parameters->rlwe().security(), rlwe::Security::bits128);
    EXPECT_GE(w.parameters->slots(), intent.min_slots);
    if (intent.depth > 0) w.add_relinearisation();
    if (intent.rotations) w.add_rotation(1);
    const auto key = std::make_shared<rlwe::PublicKey>(must(rlwe::make_public_key(w.key, 1, w.random)));
    const PublicEncryptor encryptor = must(PublicEncryptor::make(key, w.parameters));
    std::vector<Complex> slots = w.random_slots(intent.largest_magnitude);
    Ciphertext x = must(encryptor.encrypt(
        must(w.encoder.encode(std::span<const Complex>(slots), w.parameters->max_level(), intent.largest_magnitude)),
        w.random));
    const auto rotate = [&] {
      if (!intent.rotations) return;
      x = must(w.evaluator.rotate(x, 1, w.keys));
      std::rotate(slots.begin(), slots.begin() + 1, slots.end());
    };
    for (int d = 0; d < intent.depth; ++d) {
      rotate();
      x = must(w.evaluator.multiply_relinearise_rescale(x, x, w.keys));
      for (Complex& s : slots) s *= s;
    }
    rotate();
    Ciphertext sum = x.clone();
    for (std::size_t i = 1; i < intent.additions; ++i) must(w.evaluator.add_into(sum, x));
    for (Complex& s : slots) s *= static_cast<double>(intent.additions);
    const Plaintext p = must(w.decryptor.decrypt_private(sum, intent.precision_bits));
    EXPECT_LE(distance_log2(w.encoder.decode(p), slots), -intent.precision_bits);
    EXPECT_EQ(sum.level.value, 0);
  }
}

TEST(IntentTest, TakesTheSmallestRing) {
  EXPECT_EQ(must(parameters_for({.depth = 0, .precision_bits = 10}))->degree(), 2048U);
  EXPECT_EQ(must(parameters_for({.depth = 1, .precision_bits = 8}))->degree(), 4096U);
  EXPECT_EQ(must(parameters_for({.depth = 1, .precision_bits = 20}))->degree(), 8192U);
  EXPECT_EQ(must(parameters_for({.depth = 4, .precision_bits = 20}))->degree(), 16384U);
  EXPECT_EQ(must(parameters_for({.depth = 0, .precision_bits = 10, .min_slots = 5000}))->slots(), 8192U);
  EXPECT_EQ(must(parameters_for({.depth = 1, .precision_bits = 20, .security = rlwe::Security::bits256}))->degree(),
            16384U);
}

TEST(IntentTest, RefusalsNameWhatIsPossible) {
  EXPECT_EQ(parameters_for({.depth = -1}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(parameters_for({.largest_magnitude = 0}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(parameters_for({.security = rlwe::Security::none_for_tests}).error().code, ErrorCode::insecure);
  EXPECT_EQ(parameters_for({.min_slots = 40000}).error().code, ErrorCode::unsupported);
  const auto precise = parameters_for({.depth = 1, .precision_bits = 60});
  ASSERT_FALSE(precise.has_value());
  EXPECT_EQ(precise.error().code, ErrorCode::unsupported);
  EXPECT_NE(precise.error().message.find("bits of precision"), std::string::npos) << precise.error().message;
}

}  // namespace
}  // namespace prism::ckks
