// The forms that write to what is there, and the laws of operations that are made of others.
#include <gtest/gtest.h>

#include <bit>
#include <functional>

#include "prism/ckks/internal/testing.h"

namespace prism::ckks {
namespace {

using testing::distance_log2;
using testing::make_parameters;
using testing::must;
using testing::World;
using Slots = std::vector<Complex>;

bool same(const Ciphertext& a, const Ciphertext& b) {
  if (a.parts.size() != b.parts.size()) return false;
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    if (!(a.parts[i] == b.parts[i])) return false;
  }
  return a.parameters == b.parameters && a.level == b.level && a.scale == b.scale &&
         a.noise.magnitude == b.noise.magnitude && a.noise.error == b.noise.error;
}

class OperationsTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  World w{GetParam(), make_parameters({.log_n = 6, .scale_bits = 45, .depth = 4, .digit_size = GetParam()})};
  const Evaluator& e = w.evaluator;
  ring::Workspace workspace;
  Slots a = w.random_slots(), b = w.random_slots();
  Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  std::span<const Complex> view(const Slots& slots) const { return slots; }

  void expect_holds(const Ciphertext& c, const std::function<Complex(std::size_t)>& slot) {
    Slots wanted(a.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      wanted[i] = slot(i);
      EXPECT_LE(std::log2(std::abs(wanted[i])), c.noise.magnitude.log2() + 0x1p-30);
    }
    const math::Bound decoding = w.encoder.transform_error(c.noise.magnitude + c.noise.error);
    EXPECT_LE(distance_log2(w.decrypt(c), wanted), (c.noise.error + decoding).log2()) << "seed " << w.seed;
    EXPECT_LE(c.noise.error.log2(), -12) << "the bound says nothing";
  }
};

TEST_P(OperationsTest, WritingToWhatIsThereGivesTheSameBytes) {
  w.add_relinearisation();
  w.add_rotation(3);
  w.add_automorphism(rlwe::galois_element_for_conjugation(w.parameters->degree()));
  const Plaintext p = must(w.encoder.encode(view(b), x.level, 1));
  const Multiplicand prepared = must(e.prepare(p, x.level));
  const Ciphertext low = must(e.drop_to(x, rlwe::Level{1})), three = must(e.multiply(x, y));
  const auto hoisted = must(e.hoist(x));
  const std::vector<std::pair<std::function<Status(Ciphertext&)>, Result<Ciphertext>>> cases = [&] {
    std::vector<std::pair<std::function<Status(Ciphertext&)>, Result<Ciphertext>>> c;
    c.emplace_back([&](Ciphertext& out) { return e.add(out, x, y); }, e.add(x, y));
    c.emplace_back([&](Ciphertext& out) { return e.add(out, low, x); }, e.add(low, x));
    c.emplace_back([&](Ciphertext& out) { return e.subtract(out, x, y); }, e.subtract(x, y));
    c.emplace_back([&](Ciphertext& out) { return e.negate(out, three); }, e.negate(three));
    c.emplace_back([&](Ciphertext& out) { return e.add_plain(out, x, p, workspace); }, e.add_plain(x, p));
    c.emplace_back([&](Ciphertext& out) { return e.subtract_plain(out, x, p, workspace); }, e.subtract_plain(x, p));
    c.emplace_back([&](Ciphertext& out) { return e.multiply_plain(out, x, p, workspace); }, e.multiply_plain(x, p));
    c.emplace_back([&](Ciphertext& out) { return e.multiply_plain(out, low, prepared); }, e.multiply_plain(low, p));
    c.emplace_back([&](Ciphertext& out) { return e.multiply(out, x, y); }, e.multiply(x, y));
    c.emplace_back([&](Ciphertext& out) { return e.square(out, x); }, e.multiply(x, x.clone()));
    c.emplace_back([&](Ciphertext& out) { return e.relinearise(out, three, w.keys, workspace); },
                   e.relinearise(three, w.keys));
    c.emplace_back([&](Ciphertext& out) { return e.relinearise_rescale(out, three, w.keys, workspace); },
                   e.multiply_relinearise_rescale(x, y, w.keys));
    c.emplace_back([&](Ciphertext& out) { return e.multiply_relinearise_rescale(out, x, y, w.keys, workspace); },
                   e.relinearise_rescale(three, w.keys));
    c.emplace_back([&](Ciphertext& out) { return e.rescale(out, three, workspace); }, e.rescale(three));
    c.emplace_back([&](Ciphertext& out) { return e.drop_to(out, x, rlwe::Level{2}); }, e.drop_to(x, rlwe::Level{2}));
    c.emplace_back([&](Ciphertext& out) { return e.rotate(out, x, 3, w.keys, workspace); }, e.rotate(x, 3, w.keys));
    c.emplace_back([&](Ciphertext& out) { return e.rotate(out, low, 3, w.keys, workspace); }, e.rotate(low, 3, w.keys));
    c.emplace_back([&](Ciphertext& out) { return e.conjugate(out, x, w.keys, workspace); }, e.conjugate(x, w.keys));
    c.emplace_back([&](Ciphertext& out) { return e.rotate(out, hoisted, 3, w.keys, workspace); },
                   e.rotate(hoisted, 3, w.keys));
    return c;
  }();
  // Whatever the result's memory held before: parts and levels of any other operation.
  for (const auto& [before, unused] : cases) {
    for (const auto& [into, value] : cases) {
      Ciphertext out;
      must(before(out));
      must(into(out));
      ASSERT_TRUE(value.has_value());
      EXPECT_TRUE(same(out, *value));
    }
  }
}

TEST_P(OperationsTest, ResultsMayBeOperandsWhereTheHeaderSaysSo) {
  w.add_relinearisation();
  const Ciphertext low = must(e.drop_to(y, rlwe::Level{1})), three = must(e.multiply(x, y));
  const Plaintext p = must(w.encoder.encode(view(b), x.level, 1));
  const auto check_in_place = [&](const Ciphertext& start, const Result<Ciphertext>& wanted, auto operation) {
    Ciphertext out = start.clone();
    must(operation(out));
    ASSERT_TRUE(wanted.has_value());
    EXPECT_TRUE(same(out, *wanted));
  };
  check_in_place(x, e.add(x, y), [&](Ciphertext& out) { return e.add(out, out, y); });
  check_in_place(x, e.add(x, x), [&](Ciphertext& out) { return e.add(out, out, out); });
  check_in_place(x, e.add(x, low), [&](Ciphertext& out) { return e.add(out, out, low); });
  check_in_place(x, e.add(low, x), [&](Ciphertext& out) { return e.add(out, low, out); });
  check_in_place(low, e.subtract(low, x), [&](Ciphertext& out) { return e.subtract(out, out, x); });
  check_in_place(x, e.subtract(y, x), [&](Ciphertext& out) { return e.subtract(out, y, out); });
  const Ciphertext wide = must(e.multiply_scalar(x, Constant(1)));  // two parts at the scale of a product
  check_in_place(wide, e.subtract(wide, three), [&](Ciphertext& out) { return e.subtract(out, out, three); });
  check_in_place(three, e.subtract(wide, three), [&](Ciphertext& out) { return e.subtract(out, wide, out); });
  check_in_place(x, e.add_plain(x, p), [&](Ciphertext& out) { return e.add_plain(out, out, p, workspace); });
  check_in_place(x, e.multiply_plain(x, p), [&](Ciphertext& out) { return e.multiply_plain(out, out, p, workspace); });
  check_in_place(x, e.multiply_relinearise_rescale(x, y, w.keys),
                 [&](Ciphertext& out) { return e.multiply_relinearise_rescale(out, out, y, w.keys, workspace); });
}

TEST_P(OperationsTest, OperandsMeetAtTheLowerLevelWhereThatIsFree) {
  w.add_relinearisation();
  const Ciphertext low = must(e.drop_to(y, rlwe::Level{2}));
  expect_holds(must(e.add(x, low)), [&](std::size_t i) { return a[i] + b[i]; });
  EXPECT_EQ(must(e.subtract(low, x)).level, low.level);
  expect_holds(must(e.subtract(low, x)), [&](std::size_t i) { return b[i] - a[i]; });
  EXPECT_TRUE(same(must(e.multiply(x, low)), must(e.multiply(must(e.drop_to(x, low.level)), low))));
  expect_holds(must(e.multiply_relinearise_rescale(x, low, w.keys)), [&](std::size_t i) { return a[i] * b[i]; });
  Ciphertext sum;
  must(e.tensor_add(sum, x, y));
  must(e.tensor_add(sum, x, low));
  EXPECT_EQ(sum.level, low.level);
  must(e.tensor_add(sum, x, x));
  expect_holds(must(e.relinearise_rescale(sum, w.keys)), [&](std::size_t i) { return a[i] * (2.0 * b[i] + a[i]); });
}

TEST_P(OperationsTest, OneDivisionIsAsGoodAsTwo) {
  w.add_relinearisation();
  const Ciphertext merged = must(e.multiply_relinearise_rescale(x, y, w.keys));
  const Ciphertext apart = must(e.rescale(must(e.relinearise(must(e.multiply(x, y)), w.keys))));
  EXPECT_EQ(merged.level, apart.level);
  EXPECT_EQ(merged.scale, apart.scale);
  EXPECT_EQ(merged.noise.error, apart.noise.error);
  expect_holds(merged, [&](std::size_t i) { return a[i] * b[i]; });
  expect_holds(apart, [&](std::size_t i) { return a[i] * b[i]; });
  EXPECT_EQ(e.multiply_relinearise_rescale(must(e.drop_to(x, rlwe::Level{0})), y, w.keys).error().code,
            ErrorCode::level_exhausted);
}

TEST_P(OperationsTest, ComplexConstantsStandInEverySlot) {
  const Complex c(0.75, -1.5), i(0, 1);
  const Constant re = *Constant::from_double(c.real()), im = *Constant::from_double(c.imag());
  expect_holds(must(e.add_scalar(x, re, im)), [&](std::size_t k) { return a[k] + c; });
  expect_holds(must(e.rescale(must(e.multiply_scalar(x, re, im)))), [&](std::size_t k) { return a[k] * c; });
  // i exactly: four times is once around, and nothing is rounded.
  Ciphertext turned = x.clone();
  for (int turn = 0; turn < 4; ++turn) must(e.multiply_scalar_into(turned, Constant(0), Constant(1), Scale()));
  for (std::size_t part = 0; part < 2; ++part) EXPECT_TRUE(turned.parts[part] == x.parts[part]);
  must(e.multiply_scalar_into(turned, Constant(0), Constant(1), Scale()));
  expect_holds(turned, [&](std::size_t k) { return a[k] * i; });
  // What the encoder makes of the constant is the same polynomial.
  const Plaintext p = must(w.encoder.encode_constant(re, im, x.scale));
  const Ciphertext by_plain = must(e.multiply_plain(x, p)), by_scalar = must(e.multiply_scalar(x, re, im));
  for (std::size_t part = 0; part < 2; ++part) EXPECT_TRUE(by_plain.parts[part] == by_scalar.parts[part]);
}

TEST_P(OperationsTest, LinearCombinationsTakeOneLevel) {
  const Slots c = w.random_slots();
  const Ciphertext z = w.encrypt(c), low = must(e.drop_to(z, rlwe::Level{2}));
  const std::vector<double> weights = {0.25, -1.7, 3.1};
  std::vector<Constant> constants;
  for (const double weight : weights) constants.push_back(*Constant::from_double(weight));
  const Ciphertext* const values[] = {&x, &y, &low};
  const Ciphertext sum = must(e.linear_combination(values, constants));
  EXPECT_EQ(sum.level, rlwe::Level{1});
  expect_holds(sum, [&](std::size_t i) { return weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i]; });
  EXPECT_EQ(e.linear_combination({}, {}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.linear_combination(values, std::span(constants).first(2)).error().code, ErrorCode::invalid_argument);
  const Ciphertext product = must(e.multiply(x, y));
  const Ciphertext* const mixed[] = {&x, &product};
  EXPECT_EQ(e.linear_combination(mixed, std::span(constants).first(2)).error().code, ErrorCode::mismatch);
}

TEST_P(OperationsTest, PowersTakeTheFewestLevels) {
  w.add_relinearisation();
  for (std::uint32_t exponent = 1; exponent <= 16; ++exponent) {
    const Ciphertext power = must(e.power(x, exponent, w.keys));
    EXPECT_EQ(power.level.value, x.level.value - static_cast<int>(std::bit_width(exponent - 1))) << exponent;
    EXPECT_EQ(power.scale, w.parameters->scale(power.level)) << exponent;
    expect_holds(power, [&](std::size_t i) { return std::pow(a[i], static_cast<int>(exponent)); });
  }
  EXPECT_EQ(e.power(x, 17, w.keys).error().code, ErrorCode::level_exhausted);
  EXPECT_EQ(e.power(x, 0, w.keys).error().code, ErrorCode::invalid_argument);
}

TEST_P(OperationsTest, PowersOfAnyScale) {
  w.add_relinearisation();
  const Plaintext p = must(w.encoder.encode(view(a), Scale::power_of_two(43), 1));
  const Ciphertext other = must(w.encryptor.encrypt(p, x.level, w.random));
  for (const std::uint32_t exponent : {3U, 6U, 7U}) {  // seven: both factors of the last product are at one level
    const Ciphertext power = must(e.power(other, exponent, w.keys));
    EXPECT_EQ(power.level.value, x.level.value - static_cast<int>(std::bit_width(exponent - 1))) << exponent;
    expect_holds(power, [&](std::size_t i) { return std::pow(a[i], static_cast<int>(exponent)); });
  }
}

TEST_P(OperationsTest, MultiplicandsServeLowerLevelsOnly) {
  const Plaintext p = must(w.encoder.encode(view(b), x.level, 1));
  const Multiplicand all = must(e.prepare(p, x.level, true)), lower = must(e.prepare(p, rlwe::Level{2}));
  EXPECT_EQ(all.values().rows(), x.parts[0].rows() + GetParam());
  EXPECT_EQ(lower.memory_bytes(), lower.values().rows() * 64 * 8);
  for (int l = 0; l <= x.level.value; ++l) {
    const Ciphertext c = must(e.drop_to(x, rlwe::Level{l}));
    const Ciphertext wanted = must(e.multiply_plain(c, p));
    EXPECT_TRUE(same(must(e.multiply_plain(c, all)), wanted));
    const auto found = e.multiply_plain(c, lower);
    ASSERT_EQ(found.has_value(), l <= 2);
    EXPECT_TRUE(l > 2 ? found.error().code == ErrorCode::mismatch : same(*found, wanted));
  }
  EXPECT_EQ(e.prepare(p, rlwe::Level{5}).error().code, ErrorCode::invalid_argument);
}

TEST_P(OperationsTest, SumsBeforeTheDivisionAreSumsOfRotations) {
  for (const int steps : {1, 3, -2}) w.add_rotation(steps);
  const int n = static_cast<int>(a.size());
  const auto at = [&](const Slots& s, std::size_t i, int steps) {
    return s[static_cast<std::size_t>((static_cast<int>(i) + steps + n) % n)];
  };
  const auto hoisted = must(e.hoist(x));
  ExtendedCiphertext sum;
  Ciphertext out;
  for (const int steps : {0, 1, 3}) must(e.rotate_add(sum, hoisted, steps, w.keys, workspace));
  must(e.rotate_add(sum, y, -2, w.keys, workspace));
  must(e.finish(out, sum, workspace));
  EXPECT_EQ(out.scale, x.scale);
  expect_holds(out, [&](std::size_t i) { return a[i] + at(a, i, 1) + at(a, i, 3) + at(b, i, -2); });
  // A matrix by diagonals: sum over steps of diagonal * rotation, divided once.
  ExtendedCiphertext total, rotated;
  std::vector<Slots> diagonals;
  for (const int steps : {0, 1, 3}) {
    diagonals.push_back(w.random_slots());
    const Plaintext p = must(w.encoder.encode(view(diagonals.back()), x.level, 1));
    must(e.rotate_extended(rotated, hoisted, steps, w.keys, workspace));
    must(e.multiply_plain_add(total, rotated, must(e.prepare(p, x.level, true))));
  }
  must(e.finish_rescale(out, total, workspace));
  EXPECT_EQ(out.scale, w.parameters->scale(out.level));
  expect_holds(out, [&](std::size_t i) {
    return diagonals[0][i] * a[i] + diagonals[1][i] * at(a, i, 1) + diagonals[2][i] * at(a, i, 3);
  });
  ExtendedCiphertext twice;
  must(e.add_into(twice, sum));
  must(e.add_into(twice, sum));
  must(e.finish(out, twice, workspace));
  expect_holds(out, [&](std::size_t i) { return 2.0 * (a[i] + at(a, i, 1) + at(a, i, 3) + at(b, i, -2)); });

  const Plaintext p = must(w.encoder.encode(view(b), x.level, 1));
  EXPECT_EQ(e.multiply_plain_add(total, rotated, must(e.prepare(p, x.level))).error().code, ErrorCode::mismatch);
  EXPECT_EQ(e.add_into(total, sum).error().code, ErrorCode::mismatch);  // scales
  const Ciphertext low = must(e.drop_to(x, rlwe::Level{1}));
  EXPECT_EQ(e.rotate_add(sum, low, 1, w.keys, workspace).error().code, ErrorCode::mismatch);
  sum.clear();
  EXPECT_EQ(e.finish(out, sum, workspace).error().code, ErrorCode::invalid_argument);
  must(e.rotate_add(sum, low, 1, w.keys, workspace));
  must(e.finish(out, sum, workspace));
  expect_holds(out, [&](std::size_t i) { return at(a, i, 1); });
}

TEST_P(OperationsTest, AutomorphismsFormTheirGroup) {
  for (const int steps : {1, 2, -3}) w.add_rotation(steps);
  w.add_automorphism(rlwe::galois_element_for_conjugation(w.parameters->degree()));
  const Slots start = w.decrypt(x);
  const double close = -25;
  const auto rotate = [&](const Ciphertext& c, int steps) { return must(e.rotate(c, steps, w.keys)); };
  const auto conjugate = [&](const Ciphertext& c) { return must(e.conjugate(c, w.keys)); };
  EXPECT_LT(distance_log2(w.decrypt(rotate(rotate(rotate(x, 1), 2), -3)), start), close);
  EXPECT_LT(distance_log2(w.decrypt(rotate(rotate(x, 1), 2)), w.decrypt(rotate(rotate(x, 2), 1))), close);
  EXPECT_LT(distance_log2(w.decrypt(conjugate(conjugate(x))), start), close);
  EXPECT_LT(distance_log2(w.decrypt(conjugate(rotate(x, 2))), w.decrypt(rotate(conjugate(x), 2))), close);
  // Linear: of sums, and of products with constants.
  EXPECT_LT(distance_log2(w.decrypt(rotate(must(e.add(x, y)), 1)), w.decrypt(must(e.add(rotate(x, 1), rotate(y, 1))))),
            close);
}

TEST_P(OperationsTest, RotationsAreComposedFromKeysThatAreThere) {
  for (const int steps : {1, 8}) w.add_rotation(steps);
  const auto n = a.size();
  EXPECT_EQ(e.rotate(x, 10, w.keys).error().code, ErrorCode::not_found);
  const Ciphertext found = must(e.rotate_composed(x, 10, w.keys, 3));
  expect_holds(found, [&](std::size_t i) { return a[(i + 10) % n]; });
  // Three switches, each with its error, and bytes of three rotations in some order.
  const Noise once = e.noise_model().key_switch(x.noise, x.scale, x.level);
  EXPECT_GT(found.noise.error, once.error);
  EXPECT_TRUE(same(must(e.rotate_composed(x, 8, w.keys, 1)), must(e.rotate(x, 8, w.keys))));
  EXPECT_TRUE(same(must(e.rotate_composed(x, 0, w.keys, 0)), x));
  EXPECT_EQ(e.rotate_composed(x, 10, w.keys, 2).error().code, ErrorCode::not_found);
}

INSTANTIATE_TEST_SUITE_P(PrimesPerDigit, OperationsTest, ::testing::Values(1U, 2U));

}  // namespace
}  // namespace prism::ckks
