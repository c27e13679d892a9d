// Every operation of both schemes against arithmetic modulo t on slots.
#include "prism/exact/evaluator.h"

#include <algorithm>
#include <functional>

#include "prism/exact/internal/testing.h"
#include "prism/exact/vector.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;
using Slots = std::vector<std::int64_t>;

Slots combine(const World& w, const Slots& a, const Slots& b, const std::function<Int128(Int128, Int128)>& f) {
  Slots out(a.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = w.centre(f(a[i], b[i]));
  return out;
}
Slots sum_of(const World& w, const Slots& a, const Slots& b) {
  return combine(w, a, b, [](Int128 x, Int128 y) { return x + y; });
}
Slots product_of(const World& w, const Slots& a, const Slots& b) {
  return combine(w, a, b, [](Int128 x, Int128 y) { return x * y; });
}
Slots rotated(const Slots& a, int steps) {
  const auto half = static_cast<int>(a.size() / 2);
  Slots out(a.size());
  for (int i = 0; i < half; ++i) {
    const int from = (((i + steps) % half) + half) % half;
    out[static_cast<std::size_t>(i)] = a[static_cast<std::size_t>(from)];
    out[static_cast<std::size_t>(half + i)] = a[static_cast<std::size_t>(half + from)];
  }
  return out;
}
Slots swapped(Slots a) {
  std::rotate(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(a.size() / 2), a.end());
  return a;
}

/// Noise really is below the bound, and the value is what plain arithmetic says.
void expect_holds(const World& w, const Ciphertext& c, const Slots& slots) {
  EXPECT_EQ(w.decrypt(c), slots) << "seed " << w.seed;
  EXPECT_LE(must(w.decryptor.measured_noise(c)), c.noise.coefficient.log2()) << "seed " << w.seed;
}

struct Case {
  const char* name;
  Shape shape;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

class SchemeTest : public ::testing::TestWithParam<Case> {
 protected:
  World w{7, make_parameters(GetParam().shape)};
  Slots a = w.random_slots(), b = w.random_slots();
};

TEST_P(SchemeTest, DecryptionUndoesEncryption) {
  expect_holds(w, w.encrypt(a), a);
  for (int l = 0; l <= w.parameters->max_level().value; ++l) {
    const Ciphertext low = w.encrypt(a, l);
    if (decrypts(*w.parameters, rlwe::Level{l}, low.noise.coefficient)) expect_holds(w, low, a);
  }
  const auto pk = std::make_shared<const rlwe::PublicKey>(
      must(rlwe::make_public_key(w.key, w.parameters->error_scale(), w.random)));
  const auto encryptor = must(PublicEncryptor::make(pk, w.parameters));
  expect_holds(w, must(encryptor.encrypt(must(w.encoder.encode(a)), w.random)), a);
  expect_holds(
      w, must(encryptor.encrypt(must(w.encoder.encode(a)), rlwe::Level{w.parameters->max_level().value - 1}, w.random)),
      a);
}

TEST_P(SchemeTest, LinearOperationsAreThoseOfSlots) {
  const Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  const Evaluator& e = w.evaluator;
  const Plaintext p = must(w.encoder.encode(b));
  expect_holds(w, must(e.add(x, y)), sum_of(w, a, b));
  expect_holds(w, must(e.subtract(x, y)), combine(w, a, b, [](Int128 u, Int128 v) { return u - v; }));
  expect_holds(w, e.negate(x), combine(w, a, b, [](Int128 u, Int128) { return -u; }));
  expect_holds(w, must(e.add_plain(x, p)), sum_of(w, a, b));
  expect_holds(w, must(e.subtract_plain(x, p)), combine(w, a, b, [](Int128 u, Int128 v) { return u - v; }));
  expect_holds(w, must(e.multiply_plain(x, p)), product_of(w, a, b));
  for (const std::int64_t s : {0L, 1L, -1L, 12345L, -99999L}) {
    expect_holds(w, must(e.add_scalar(x, s)), combine(w, a, b, [&](Int128 u, Int128) { return u + s; }));
    expect_holds(w, must(e.multiply_scalar(x, s)), combine(w, a, b, [&](Int128 u, Int128) { return u * s; }));
  }
}

TEST_P(SchemeTest, ProductsAreThoseOfSlots) {
  w.add_relinearisation();
  const Evaluator& e = w.evaluator;
  const Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  const Slots ab = product_of(w, a, b);
  const Ciphertext three = must(e.multiply(x, y));
  EXPECT_EQ(three.parts.size(), 3U);
  expect_holds(w, three, ab);
  const Ciphertext two = must(e.relinearise(three, w.keys));
  EXPECT_EQ(two.parts.size(), 2U);
  expect_holds(w, two, ab);
  expect_holds(w, must(e.square(x)), product_of(w, a, a));

  Ciphertext sum;
  must(e.tensor_add(sum, x, y));
  must(e.tensor_add(sum, x, x));
  must(e.tensor_add(sum, y, y));
  const Slots expected = combine(w, a, b, [](Int128 u, Int128 v) { return u * v + u * u + v * v; });
  expect_holds(w, must(e.relinearise(sum, w.keys)), expected);
}

TEST_P(SchemeTest, EveryDropKeepsTheMessage) {
  w.add_relinearisation();
  const Evaluator& e = w.evaluator;
  const Ciphertext x = w.encrypt(a);
  const Ciphertext xx = must(e.multiply_relinearise(x, x, w.keys));
  for (int l = 0; l <= x.level.value; ++l) {
    for (const auto& [c, slots] : {std::pair{&x, a}, std::pair{&xx, product_of(w, a, a)}}) {
      const Ciphertext low = must(e.drop_to(*c, rlwe::Level{l}));
      EXPECT_EQ(low.correction, w.parameters->correction(rlwe::Level{l}));
      EXPECT_EQ(low.parts[0].primes(), w.parameters->rlwe().primes(rlwe::Level{l}));
      EXPECT_LE(must(w.decryptor.measured_noise(low)), low.noise.coefficient.log2());
      if (decrypts(*w.parameters, low.level, low.noise.coefficient)) expect_holds(w, low, slots);
    }
  }
  if (w.parameters->scheme() == Scheme::bgv) {
    EXPECT_EQ(e.drop_scalar(xx.level, xx.correction, rlwe::Level{xx.level.value - 1}), 1);
  }
}

TEST_P(SchemeTest, CircuitsMixFreshAndComputedCiphertextsOfEveryLevel) {
  w.add_relinearisation();
  const Evaluator& e = w.evaluator;
  Ciphertext x = w.encrypt(a);
  Slots slots = a;
  for (int l = w.parameters->max_level().value; l > 1; --l) {
    x = must(e.multiply_relinearise(x, w.encrypt(b, l), w.keys));
    x = must(e.drop_to(x, rlwe::Level{l - 1}));
    slots = product_of(w, slots, b);
    // A fresh ciphertext of the lower level and one that fell there combine without more ado.
    must(e.add_into(x, w.encrypt(a, l - 1)));
    must(e.subtract_into(x, must(e.drop_to(w.encrypt(b), rlwe::Level{l - 1}))));
    must(e.add_scalar_into(x, 5));
    slots = combine(w, sum_of(w, slots, a), b, [](Int128 u, Int128 v) { return u - v + 5; });
    expect_holds(w, x, slots);
  }
}

TEST_P(SchemeTest, AutomorphismsMoveSlots) {
  const Evaluator& e = w.evaluator;
  const Ciphertext x = w.encrypt(a);
  const auto n = static_cast<int>(w.parameters->slots());
  const auto hoisted = must(e.hoist(x));
  for (const int steps : {1, 3, -2, n / 2 - 1, 0}) {
    const std::uint32_t g = rlwe::galois_element_for_rotation(steps, w.parameters->degree());
    if (g != 1) w.add_automorphism(g);
    expect_holds(w, must(e.rotate(x, steps, w.keys)), rotated(a, steps));
    expect_holds(w, must(e.rotate(hoisted, steps, w.keys)), rotated(a, steps));
  }
  w.add_automorphism(rlwe::galois_element_for_conjugation(w.parameters->degree()));
  expect_holds(w, must(e.swap_rows(x, w.keys)), swapped(a));
}

TEST_P(SchemeTest, SumSlotsPutsTheSumEverywhere) {
  for (const std::uint32_t g : w.evaluator.sum_slots_elements()) w.add_automorphism(g);
  const Ciphertext s = must(w.evaluator.sum_slots(w.encrypt(a), w.keys));
  Int128 sum = 0;
  for (const std::int64_t x : a) sum += x;
  expect_holds(w, s, Slots(a.size(), w.centre(sum)));
  // The same from one coefficient and no keys.
  const LweSample sample = must(w.evaluator.extract_constant(w.encrypt(a)));
  EXPECT_EQ(must(decrypt_sum(w.decryptor, sample)), w.centre(sum));
}

TEST_P(SchemeTest, ExtractedConstantsAreTheConstants) {
  std::vector<LweSample> samples;
  std::vector<std::uint64_t> expected;
  for (int i = 0; i < 3; ++i) {
    const Plaintext p = must(w.encoder.encode(w.random_slots()));
    expected.push_back(p.coefficients()[0]);
    samples.push_back(must(w.evaluator.extract_constant(must(w.encryptor.encrypt(p, w.random)))));
  }
  EXPECT_EQ(must(w.decryptor.decrypt_lwe(samples)), expected);
  EXPECT_EQ(must(w.decryptor.decrypt_lwe(samples[1])), expected[1]);
}

TEST_P(SchemeTest, PackKeepsConstantsAndNothingElse) {
  for (const std::uint32_t g : w.evaluator.pack_elements()) w.add_automorphism(g);
  const std::size_t n = w.parameters->degree();
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5}, n > 64 ? 8 : n}) {
    std::vector<Ciphertext> inputs;
    std::vector<std::uint64_t> expected(n, 0);
    const std::size_t stride = w.evaluator.pack_stride(count);
    for (std::size_t i = 0; i < count; ++i) {
      const Plaintext p = must(w.encoder.encode(w.random_slots()));
      expected[i * stride] = p.coefficients()[0];
      inputs.push_back(must(w.encryptor.encrypt(p, w.random)));
    }
    const Ciphertext packed = must(w.evaluator.pack(inputs, w.keys));
    EXPECT_LE(must(w.decryptor.measured_noise(packed)), packed.noise.coefficient.log2());
    const Plaintext opened = must(w.decryptor.decrypt(packed));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), opened.coefficients().begin()))
        << "count " << count << " seed " << w.seed;
  }
}

TEST_P(SchemeTest, WhatDoesNotBelongTogetherIsRefused) {
  const Evaluator& e = w.evaluator;
  const Ciphertext x = w.encrypt(a);
  const Ciphertext low = must(e.drop_to(x, rlwe::Level{1}));
  EXPECT_EQ(e.add(x, low).error().code, ErrorCode::mismatch);
  EXPECT_EQ(e.multiply(x, low).error().code, ErrorCode::mismatch);
  EXPECT_NE(e.add(x, low).error().message.find("drop_to"), std::string::npos);
  EXPECT_EQ(e.drop_to(low, x.level).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.multiply_relinearise(x, x, w.keys).error().code, ErrorCode::not_found);
  EXPECT_EQ(e.rotate(x, 1, w.keys).error().code, ErrorCode::not_found);
  const Ciphertext three = must(e.multiply(x, x));
  EXPECT_EQ(e.multiply(three, x).error().code, ErrorCode::mismatch);
  EXPECT_EQ(e.extract_constant(three).error().code, ErrorCode::mismatch);
  Ciphertext broken = x.clone();
  broken.correction = 0;
  EXPECT_EQ(e.drop_to(broken, rlwe::Level{0}).error().code, ErrorCode::malformed);
  EXPECT_EQ(w.decryptor.decrypt(broken).error().code, ErrorCode::malformed);
  Shape other = GetParam().shape;
  other.plain_bits -= 1;
  World v(8, make_parameters(other));
  const Ciphertext foreign = v.encrypt(v.random_slots());
  EXPECT_EQ(e.add(x, foreign).error().code, ErrorCode::mismatch);
  EXPECT_EQ(w.decryptor.decrypt(foreign).error().code, ErrorCode::mismatch);
  EXPECT_EQ(e.add_plain(x, v.encoder.constant(1)).error().code, ErrorCode::mismatch);
  if (w.parameters->scheme() == Scheme::bgv) {
    const Ciphertext lower = w.encrypt(a, 1);
    Ciphertext product = must(e.multiply(lower, lower));
    Ciphertext sum = lower.clone();
    EXPECT_EQ(e.add_into(sum, product).error().code, ErrorCode::mismatch);
  }
}

TEST_P(SchemeTest, DecryptionPastTheBoundIsRefused) {
  w.add_relinearisation();
  Ciphertext x = w.encrypt(a);
  for (int i = 0; i < 40 && decrypts(*w.parameters, x.level, x.noise.coefficient); ++i)
    x = must(w.evaluator.multiply_relinearise(x, x, w.keys));
  EXPECT_EQ(w.decryptor.decrypt(x).error().code, ErrorCode::noise_exceeded);
  LweSample sample = must(w.evaluator.extract_constant(x));
  EXPECT_EQ(w.decryptor.decrypt_lwe(sample).error().code, ErrorCode::noise_exceeded);
}

TEST_P(SchemeTest, LongVectorsSpanBlocks) {
  w.add_relinearisation();
  const std::size_t size = 2 * w.parameters->slots() + 5;
  Slots u(size), v(size);
  Int128 dot = 0, total = 0;
  for (std::size_t i = 0; i < size; ++i) {
    u[i] = static_cast<std::int64_t>(i % 97) - 30;
    v[i] = static_cast<std::int64_t>(i % 13) * 7;
    dot += Int128{u[i]} * v[i];
    total += u[i];
  }
  const EncryptedVector x = must(encrypt(w.encryptor, w.encoder, u, w.random)),
                        y = must(encrypt(w.encryptor, w.encoder, v, w.random));
  EXPECT_EQ(x.blocks.size(), 3U);
  EXPECT_EQ(must(decrypt(w.decryptor, w.encoder, must(add(w.evaluator, x, y)))), sum_of(w, u, v));
  EXPECT_EQ(must(decrypt(w.decryptor, w.encoder, must(multiply(w.evaluator, x, y, w.keys)))), product_of(w, u, v));
  EXPECT_EQ(must(decrypt(w.decryptor, w.encoder, must(multiply_plain(w.evaluator, w.encoder, x, v)))),
            product_of(w, u, v));
  EXPECT_EQ(must(decrypt(w.decryptor, w.encoder, must(add_plain(w.evaluator, w.encoder, x, v)))), sum_of(w, u, v));
  EXPECT_EQ(must(decrypt_sum(w.decryptor, must(sum(w.evaluator, x)))), w.centre(total));
  EXPECT_EQ(must(decrypt_sum(w.decryptor, must(inner_product(w.evaluator, x, y, w.keys)))), w.centre(dot));
  EXPECT_EQ(add(w.evaluator, x, must(encrypt(w.encryptor, w.encoder, std::span(u).first(3), w.random))).error().code,
            ErrorCode::mismatch);
}

INSTANTIATE_TEST_SUITE_P(
    Exact, SchemeTest,
    ::testing::Values(Case{"bgv_20", {Scheme::bgv, 6, 20, 5}},
                      Case{"bgv_33_two_primes_a_digit", {Scheme::bgv, 6, 33, 3, 2, 2}},
                      Case{"bgv_45", {Scheme::bgv, 6, 45, 3, 3}}, Case{"bgv_49", {Scheme::bgv, 6, 49, 3, 3, 2}},
                      Case{"bgv_production", {Scheme::bgv, 13, 20, 3, 1, 1, rlwe::Security::bits128}},
                      Case{"bfv_20", {Scheme::bfv, 6, 20, 5}},
                      Case{"bfv_33_two_primes_a_digit", {Scheme::bfv, 6, 33, 3, 2, 2}},
                      Case{"bfv_45", {Scheme::bfv, 6, 45, 3, 3}}, Case{"bfv_49", {Scheme::bfv, 6, 49, 3, 3, 2}},
                      Case{"bfv_production", {Scheme::bfv, 13, 20, 3, 1, 1, rlwe::Security::bits128}}),
    name_of);

}  // namespace
}  // namespace prism::exact
