// Every operation against arithmetic on slots, never further off than the bound.
#include "prism/ckks/evaluator.h"

#include <gtest/gtest.h>

#include <functional>

#include "prism/ckks/internal/testing.h"
#include "prism/ckks/vector.h"
#include "prism/math/primes.h"

namespace prism::ckks {
namespace {

using testing::distance_log2;
using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;
using Slots = std::vector<Complex>;
constexpr secret::RevealKey kReveal{};

Slots combine(const Slots& a, const Slots& b, const std::function<Complex(Complex, Complex)>& f) {
  Slots out(a.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(a[i], b[i]);
  return out;
}
Slots sum_of(const Slots& a, const Slots& b) {
  return combine(a, b, [](Complex x, Complex y) { return x + y; });
}
Slots product_of(const Slots& a, const Slots& b) {
  return combine(a, b, [](Complex x, Complex y) { return x * y; });
}
Slots rotated(const Slots& a, int steps) {
  const auto n = static_cast<int>(a.size());
  Slots out(a.size());
  for (int i = 0; i < n; ++i)
    out[static_cast<std::size_t>(i)] = a[static_cast<std::size_t>((((i + steps) % n) + n) % n)];
  return out;
}
Slots conjugated(Slots a) {
  for (Complex& x : a) x = std::conj(x);
  return a;
}

/// The value is what plain arithmetic says, up to the bound and decoding; and the bound is not hollow.
void expect_holds(const World& w, const Ciphertext& c, const Slots& slots, double worth = 10) {
  const double found = distance_log2(w.decrypt(c), slots);
  const math::Bound decoding = w.encoder.transform_error(c.noise.magnitude + c.noise.error);
  EXPECT_LE(found, (c.noise.error + decoding).log2()) << "seed " << w.seed;
  EXPECT_LE(c.noise.error.log2(), -worth) << "the bound says nothing";
  for (const Complex& x : slots) EXPECT_LE(std::log2(std::abs(x)), c.noise.magnitude.log2());
}

struct Case {
  const char* name;
  Shape shape;
  NoiseModel::Mode mode = NoiseModel::Mode::tails;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

class ApproximateTest : public ::testing::TestWithParam<Case> {
 protected:
  World w{7, make_parameters(GetParam().shape), GetParam().mode};
  const Evaluator& e = w.evaluator;
  Slots a = w.random_slots(), b = w.random_slots();
};

TEST_P(ApproximateTest, DecryptionUndoesEncryption) {
  expect_holds(w, w.encrypt(a), a);
  for (int l = 0; l <= w.parameters->max_level().value; ++l) {
    const Ciphertext low = w.encrypt(a, l, 1);
    EXPECT_EQ(low.scale, w.parameters->scale(rlwe::Level{l}));
    expect_holds(w, low, a);
  }
  const auto key = std::make_shared<rlwe::PublicKey>(must(rlwe::make_public_key(w.key, 1, w.random)));
  const PublicEncryptor encryptor = must(PublicEncryptor::make(key, w.parameters, GetParam().mode));
  const Plaintext p = must(w.encoder.encode(std::span<const Complex>(a), w.parameters->max_level(), 1));
  expect_holds(w, must(encryptor.encrypt(p, w.random)), a);
  expect_holds(w, must(encryptor.encrypt(p, rlwe::Level{1}, w.random)), a);
}

TEST_P(ApproximateTest, LinearOperationsAreThoseOfSlots) {
  const Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  const Plaintext p = must(w.encoder.encode(std::span<const Complex>(b), x.level, 1));
  expect_holds(w, must(e.add(x, y)), sum_of(a, b));
  const Slots difference = combine(a, b, [](Complex u, Complex v) { return u - v; });
  expect_holds(w, must(e.subtract(x, y)), difference);
  expect_holds(w, e.negate(x), combine(a, b, [](Complex u, Complex) { return -u; }));
  expect_holds(w, must(e.add_plain(x, p)), sum_of(a, b));
  expect_holds(w, must(e.subtract_plain(x, p)), difference);
  const Ciphertext product = must(e.multiply_plain(x, p));
  expect_holds(w, product, product_of(a, b));
  expect_holds(w, must(e.rescale(product)), product_of(a, b));
  for (const std::int64_t s : {0L, 1L, -1L, 7L, -1000L})
    expect_holds(w, must(e.multiply_integer(x, s)), combine(a, b, [&](Complex u, Complex) { return u * double(s); }),
                 5);
  for (const double s : {0.0, 1.0, -1.0, 0.1, -3.75}) {
    const Constant c = *Constant::from_double(s);
    expect_holds(w, must(e.add_scalar(x, c)), combine(a, b, [&](Complex u, Complex) { return u + s; }));
    const Ciphertext scaled = must(e.rescale(must(e.multiply_scalar(x, c))));
    EXPECT_EQ(scaled.scale, w.parameters->scale(scaled.level));
    expect_holds(w, scaled, combine(a, b, [&](Complex u, Complex) { return u * s; }));
  }
}

TEST_P(ApproximateTest, ProductsAreThoseOfSlots) {
  w.add_relinearisation();
  const Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  const Slots ab = product_of(a, b);
  const Ciphertext three = must(e.multiply(x, y));
  EXPECT_EQ(three.parts.size(), 3U);
  expect_holds(w, three, ab);
  expect_holds(w, must(e.rescale(three)), ab);
  const Ciphertext two = must(e.relinearise(three, w.keys));
  EXPECT_EQ(two.parts.size(), 2U);
  expect_holds(w, two, ab);
  expect_holds(w, must(e.rescale(must(e.relinearise(must(e.square(x)), w.keys)))), product_of(a, a));
  const Ciphertext all = must(e.multiply_relinearise_rescale(x, y, w.keys));
  EXPECT_EQ(all.scale, w.parameters->scale(all.level));
  expect_holds(w, all, ab);

  Ciphertext sum;
  must(e.tensor_add(sum, x, y));
  must(e.tensor_add(sum, x, x));
  must(e.tensor_add(sum, y, y));
  expect_holds(w, must(e.rescale(must(e.relinearise(sum, w.keys)))),
               combine(a, b, [](Complex u, Complex v) { return u * v + u * u + v * v; }));
}

TEST_P(ApproximateTest, LevelsFallAndScalesStayExact) {
  w.add_relinearisation();
  const Ciphertext x = w.encrypt(a);
  for (int l = 0; l < x.level.value; ++l) {
    const Ciphertext low = must(e.drop_to(x, rlwe::Level{l}));
    EXPECT_EQ(low.scale, x.scale);
    EXPECT_EQ(low.noise.error, x.noise.error);
    expect_holds(w, low, a);
    const Ciphertext aligned = must(e.align_to(x, rlwe::Level{l}));
    EXPECT_EQ(aligned.scale, w.parameters->scale(rlwe::Level{l}));
    expect_holds(w, aligned, a);
    expect_holds(w, must(e.add(aligned, w.encrypt(b, l, 1))), sum_of(a, b));
  }
  Ciphertext power = x.clone();
  Slots slots = a;
  while (power.level.value > 0) {
    power = must(e.multiply_relinearise_rescale(power, power, w.keys));
    slots = product_of(slots, slots);
    ASSERT_EQ(power.scale, w.parameters->scale(power.level));
    expect_holds(w, power, slots);
    expect_holds(w, must(e.add(power, must(e.align_to(x, power.level)))), sum_of(slots, a));
  }
  EXPECT_EQ(e.rescale(power).error().code, ErrorCode::level_exhausted);
}

TEST_P(ApproximateTest, AutomorphismsMoveSlots) {
  const auto n = static_cast<int>(w.parameters->slots());
  for (const int steps : {1, 3, -2}) w.add_rotation(steps);
  w.add_automorphism(rlwe::galois_element_for_conjugation(w.parameters->degree()));
  const Ciphertext x = w.encrypt(a);
  const auto hoisted = must(e.hoist(x));
  for (const int steps : {1, 3, -2}) {
    expect_holds(w, must(e.rotate(x, steps, w.keys)), rotated(a, steps));
    expect_holds(w, must(e.rotate(hoisted, steps, w.keys)), rotated(a, steps));
  }
  expect_holds(w, must(e.rotate(x, 0, w.keys)), a);
  expect_holds(w, must(e.rotate(must(e.rotate(x, 3, w.keys)), -2, w.keys)), rotated(a, 1));
  expect_holds(w, must(e.rotate(x, 1 - n, w.keys)), rotated(a, 1));
  expect_holds(w, must(e.conjugate(x, w.keys)), conjugated(a));
  expect_holds(w, must(e.conjugate(must(e.drop_to(x, rlwe::Level{0})), w.keys)), conjugated(a));
  EXPECT_EQ(e.rotate(x, 2, w.keys).error().code, ErrorCode::not_found);
}

TEST_P(ApproximateTest, EverySlotHoldsTheSum) {
  for (const std::uint32_t g : e.sum_slots_elements()) w.add_automorphism(g);
  Complex total = 0;
  for (const Complex& x : a) total += x;
  expect_holds(w, must(e.sum_slots(w.encrypt(a), w.keys)), Slots(a.size(), total), 4);
}

TEST_P(ApproximateTest, LongVectorsSpanCiphertexts) {
  w.add_relinearisation();
  for (const std::uint32_t g : e.sum_slots_elements()) w.add_automorphism(g);
  const std::size_t size = 2 * w.parameters->slots() + 5;
  std::vector<double> u(size), v(size);
  std::vector<Complex> z(size);
  std::uniform_real_distribution<double> unit(-1, 1);
  double total = 0, inner = 0;
  for (std::size_t i = 0; i < size; ++i) {
    u[i] = unit(w.engine);
    v[i] = unit(w.engine);
    z[i] = {u[i] / 2, v[i] / 2};
    total += u[i];
    inner += u[i] * v[i];
  }
  const EncryptedVector x = must(encrypt(w.encryptor, w.encoder, std::span<const double>(u), 1, w.random));
  const EncryptedVector y = must(encrypt(w.encryptor, w.encoder, std::span<const double>(v), 1, w.random));
  EXPECT_EQ(x.blocks.size(), 3U);
  const auto check_all = [&](const EncryptedVector& found, const std::function<double(double, double)>& f) {
    const auto back = must(decrypt_private_real(w.decryptor, w.encoder, found));
    ASSERT_EQ(back.size(), size);
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(back[i], f(u[i], v[i]), 1e-5);
  };
  check_all(x, [](double s, double) { return s; });
  check_all(must(add(e, x, y)), [](double s, double t) { return s + t; });
  check_all(must(subtract(e, x, y)), [](double s, double t) { return s - t; });
  check_all(must(multiply(e, x, y, w.keys)), [](double s, double t) { return s * t; });
  check_all(must(add_plain(e, w.encoder, x, v)), [](double s, double t) { return s + t; });
  check_all(must(multiply_plain(e, w.encoder, x, v)), [](double s, double t) { return s * t; });
  check_all(must(multiply_scalar(e, x, *Constant::ratio(1, 3))), [](double s, double) { return s / 3; });
  check_all(must(multiply_integer(e, x, -3)), [](double s, double) { return -3 * s; });
  check_all(must(drop_to(e, x, rlwe::Level{0})), [](double s, double) { return s; });
  check_all(
      must(add(e, must(align_to(e, x, rlwe::Level{x.blocks[0].level.value - 1})), must(multiply(e, x, y, w.keys)))),
      [](double s, double t) { return s + s * t; });
  EXPECT_NEAR(w.decrypt(must(sum(e, x, w.keys)))[3].real(), total, 1e-4);
  EXPECT_NEAR(w.decrypt(must(inner_product(e, x, y, w.keys)))[2].real(), inner, 1e-4);
  const EncryptedVector c = must(encrypt(w.encryptor, w.encoder, std::span<const Complex>(z), 1, w.random));
  const auto back = must(decrypt_private(w.decryptor, w.encoder, c));
  for (std::size_t i = 0; i < size; ++i) EXPECT_LT(std::abs(back[i] - z[i]), 1e-5);
  EXPECT_EQ(add(e, x, EncryptedVector{}).error().code, ErrorCode::mismatch);
  EXPECT_EQ(sum(e, EncryptedVector{}, w.keys).error().code, ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ApproximateTest,
    ::testing::Values(
        Case{"one_prime", {.log_n = 6, .scale_bits = 40, .depth = 4}},
        Case{"one_prime_strict", {.log_n = 6, .scale_bits = 45, .depth = 3}, NoiseModel::Mode::strict},
        Case{"two_primes", {.log_n = 6, .scale_bits = 90, .depth = 3, .per_level = 2, .digit_size = 2}},
        Case{"two_primes_widest",
             {.log_n = 5, .scale_bits = 98, .depth = 2, .per_level = 2, .digit_size = 2, .base_primes = 3}},
        Case{"digits_of_three", {.log_n = 10, .scale_bits = 40, .depth = 4, .digit_size = 3}}),
    name_of);

TEST(EvaluatorTest, WhatDoesNotBelongTogetherIsRefusedWithAWayOut) {
  World w(1, make_parameters({.log_n = 5})), other(1, make_parameters({.log_n = 5}));
  w.add_relinearisation();
  const Evaluator& e = w.evaluator;
  const Slots a = w.random_slots();
  const Ciphertext x = w.encrypt(a), low = w.encrypt(a, 2, 1), strange = other.encrypt(a);
  const auto says = [](const auto& result, ErrorCode code, const char* text) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().message.find(text), std::string::npos) << result.error().message;
  };
  says(e.add(x, low), ErrorCode::mismatch, "align_to");
  const Ciphertext product = must(e.multiply(x, x));
  says(e.add(x, product), ErrorCode::mismatch, "rescale");
  says(e.multiply(product, x), ErrorCode::mismatch, "relinearise");
  says(e.rotate(product, 1, w.keys), ErrorCode::mismatch, "relinearise");
  says(e.add(x, strange), ErrorCode::mismatch, "parameters");
  says(e.relinearise(product, other.keys), ErrorCode::mismatch, "other parameters");
  says(e.drop_to(low, rlwe::Level{3}), ErrorCode::invalid_argument, "only fall");
  says(e.align_to(x, x.level, Scale::power_of_two(39)), ErrorCode::mismatch, "scales");
  says(e.align_to(product, rlwe::Level{0}, Scale::power_of_two(-20)), ErrorCode::invalid_argument, "rescale");
  const Plaintext p = must(w.encoder.encode(std::span<const Complex>(a), Scale::power_of_two(30), 1));
  says(e.add_plain(x, p), ErrorCode::mismatch, "encode");
  const Plaintext strange_plain = must(other.encoder.encode(std::span<const Complex>(a), x.level, 1));
  says(e.add_plain(x, strange_plain), ErrorCode::mismatch, "parameters");
  says(w.encryptor.encrypt(strange_plain, w.random), ErrorCode::mismatch, "parameters");
  says(w.decryptor.decrypt_private(strange), ErrorCode::mismatch, "parameters");
  says(e.automorphism(x, 2, w.keys), ErrorCode::invalid_argument, "odd");
  // Equal to the last bit of a double is not equal: three primes in a row, (p/2^49)^2 against (p-6)(p+6)/2^98.
  std::uint64_t p0 = (std::uint64_t{1} << 49) + 1;
  while (!math::is_prime(p0 - 6) || !math::is_prime(p0) || !math::is_prime(p0 + 6)) p0 += 2;
  Ciphertext nearly = x.clone();
  nearly.scale = x.scale * Scale::power_of(p0, 2) / Scale::power_of(p0 - 6, 1) / Scale::power_of(p0 + 6, 1);
  ASSERT_EQ(nearly.scale.log2(), x.scale.log2());
  says(e.add(x, nearly), ErrorCode::mismatch, "not equal");
  // A product of products of products, never rescaled.
  Ciphertext big = x.clone();
  for (int i = 0; i < 6; ++i) {
    const auto next = e.multiply(big, big);
    ASSERT_TRUE(next.has_value());
    big = must(e.relinearise(*next, w.keys));
  }
  says(e.multiply(big, big), ErrorCode::level_exhausted, "rescale");
}

TEST(EvaluatorTest, AligningByAFactorFarFromIntegersCountsAsError) {
  World w(4, make_parameters({.log_n = 5}));
  const Slots a(w.parameters->slots(), Complex(1, 0));
  const Plaintext p = must(w.encoder.encode(std::span<const Complex>(a), Scale::power_of_two(70), 1));
  const Ciphertext x = must(w.encryptor.encrypt(p, w.random));
  // 17*2^29 * (about 2^40) / 2^70 is about 8.5.
  const Scale target = Scale::power_of_two(29) * Scale::power_of(17, 1);
  const Ciphertext aligned = must(w.evaluator.align_to(x, rlwe::Level{3}, target));
  EXPECT_EQ(aligned.scale, target);
  const double found = distance_log2(w.decrypt(aligned), a);
  EXPECT_LE(found, aligned.noise.error.log2());
  EXPECT_GT(found, -6);
}

TEST(DecryptorTest, NothingIsDecryptedPastTheBound) {
  World w(2, make_parameters({.log_n = 6, .scale_bits = 40, .depth = 2, .base_primes = 1}));
  w.add_relinearisation();
  const Slots a(w.parameters->slots(), Complex(100, 0));
  const Ciphertext x = w.encrypt(a, 100);
  EXPECT_TRUE(w.decryptor.decrypt_private(x).has_value());
  // 2^40 * 100 against one prime of 50 bits: fits; 100^2 does not, and the message really would wrap.
  EXPECT_TRUE(w.decryptor.decrypt_private(must(w.evaluator.drop_to(x, rlwe::Level{0}))).has_value());
  const Ciphertext square = must(w.evaluator.multiply_relinearise_rescale(x, x, w.keys));
  EXPECT_TRUE(w.decryptor.decrypt_private(square).has_value());
  const Ciphertext wrapped = must(w.evaluator.drop_to(square, rlwe::Level{0}));
  EXPECT_EQ(w.decryptor.decrypt_private(wrapped).error().code, ErrorCode::noise_exceeded);
  Ciphertext lie = wrapped.clone();
  lie.noise.magnitude = math::Bound::from_integer(1);
  EXPECT_GT(distance_log2(w.decrypt(lie), product_of(a, a)), 10);
  // Nearly half of the modulus, on both sides of zero.
  for (const double value : {500.0, -500.0}) {
    const Slots edge(w.parameters->slots(), Complex(value, 0));
    EXPECT_LT(distance_log2(w.decrypt(must(w.evaluator.drop_to(w.encrypt(edge, 500), rlwe::Level{0}))), edge), -20);
  }
  // A precision that was asked for.
  const auto bits = static_cast<int>(std::floor(-square.noise.error.log2()));
  EXPECT_TRUE(w.decryptor.decrypt_private(square, bits).has_value());
  EXPECT_EQ(w.decryptor.decrypt_private(square, bits + 1).error().code, ErrorCode::noise_exceeded);
  // And what does not fit is not even encrypted.
  const Plaintext p = must(w.encoder.encode(std::span<const Complex>(a), Scale::power_of_two(45), 100));
  EXPECT_EQ(w.encryptor.encrypt(p, rlwe::Level{0}, w.random).error().code, ErrorCode::invalid_argument);
}

TEST(DecryptorTest, FewPrimesGiveWhatAllGive) {
  // The same phase at 1, 2, 3 and more primes, through both ways of composing it.
  World w(3, make_parameters({.log_n = 5, .scale_bits = 45, .depth = 5, .base_primes = 1}));
  const Slots a = w.random_slots();
  const Ciphertext x = w.encrypt(a);
  for (const double magnitude : {1.0, 0x1p40, 0x1p70, 0x1p74, 0x1p90, 0x1p200}) {
    Ciphertext wide = x.clone();
    wide.noise.magnitude = math::Bound::from_double(magnitude);
    const Plaintext p = must(w.decryptor.decrypt_private(wide));
    EXPECT_LE(distance_log2(w.encoder.decode(p), a), std::max(x.noise.error.log2(), p.noise().error.log2()) + 0.1)
        << magnitude;
    if (magnitude < 0x1p75) {
      const Plaintext narrow = must(w.decryptor.decrypt_private(x));
      for (std::size_t k = 0; k < 32; ++k)
        EXPECT_TRUE(p.coefficients(kReveal)[k] == narrow.coefficients(kReveal)[k]) << magnitude;
    }
  }
}

}  // namespace
}  // namespace prism::ckks
