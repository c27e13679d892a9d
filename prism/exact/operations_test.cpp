// Operations built on the elementary ones, and the forms that write kept memory.
#include <algorithm>
#include <array>
#include <functional>

#include "prism/exact/internal/testing.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;
using Slots = std::vector<std::int64_t>;

struct Case {
  const char* name;
  Shape shape;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

bool same(const Ciphertext& a, const Ciphertext& b) {
  return a.parts == b.parts && a.level == b.level && a.correction == b.correction &&
         a.noise.coefficient == b.noise.coefficient && a.noise.spread == b.noise.spread;
}

class OperationTest : public ::testing::TestWithParam<Case> {
 protected:
  World w{11, make_parameters(GetParam().shape)};
  const Evaluator& e = w.evaluator;
  ring::Workspace workspace;

  Slots zip(const Slots& a, const Slots& b, const std::function<Int128(Int128, Int128)>& f) const {
    Slots out(a.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = w.centre(f(a[i], b[i]));
    return out;
  }
  Slots product(const Slots& a, const Slots& b) const {
    return zip(a, b, [](Int128 x, Int128 y) { return x * y; });
  }
  Slots sum(const Slots& a, const Slots& b) const {
    return zip(a, b, [](Int128 x, Int128 y) { return x + y; });
  }
  Slots rotated(const Slots& a, int steps) const {
    Slots out = a;
    const auto half = static_cast<std::ptrdiff_t>(a.size() / 2);
    std::rotate(out.begin(), out.begin() + steps, out.begin() + half);
    std::rotate(out.begin() + half, out.begin() + half + steps, out.end());
    return out;
  }
  void expect_holds(const Ciphertext& c, const Slots& slots) const {
    EXPECT_EQ(w.decrypt(c), slots) << "seed " << w.seed;
    EXPECT_LE(must(w.decryptor.measured_noise(c)), c.noise.coefficient.log2()) << "seed " << w.seed;
  }
};

TEST_P(OperationTest, AMergedDropIsTheDropOfTheProduct) {
  w.add_relinearisation();
  const Slots a = w.random_slots(), b = w.random_slots();
  const Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  for (int l = x.level.value - 1; l >= 0; --l) {
    const rlwe::Level level{l};
    const Ciphertext merged = must(e.multiply_relinearise_drop(x, y, level, w.keys));
    const Ciphertext apart = must(e.drop_to(must(e.multiply_relinearise(x, y, w.keys)), level));
    EXPECT_EQ(merged.level, level);
    EXPECT_EQ(merged.correction, w.parameters->correction(level));
    EXPECT_EQ(merged.noise.coefficient.log2(), apart.noise.coefficient.log2());
    if (decrypts(*w.parameters, level, merged.noise.coefficient)) expect_holds(merged, product(a, b));
  }
  // Operands whose correction is not the canonical one.
  const Ciphertext xx = must(e.multiply_relinearise(x, x, w.keys)), xy = must(e.multiply_relinearise(x, y, w.keys));
  const Ciphertext odd = must(e.multiply_relinearise_drop(xx, xy, rlwe::Level{x.level.value - 1}, w.keys));
  if (decrypts(*w.parameters, odd.level, odd.noise.coefficient)) {
    expect_holds(odd, product(product(a, a), product(a, b)));
  }
  EXPECT_EQ(e.multiply_relinearise_drop(x, y, x.level, w.keys).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.multiply_relinearise_drop(x, y, rlwe::Level{-1}, w.keys).error().code, ErrorCode::invalid_argument);
}

TEST_P(OperationTest, MultiplicandsServeTheirLevelAndEveryLowerOne) {
  const Slots a = w.random_slots(), b = w.random_slots();
  const Plaintext p = must(w.encoder.encode(b));
  const Ciphertext x = w.encrypt(a);
  for (const bool with_special : {false, true}) {
    const Multiplicand m = must(e.prepare(p, x.level, with_special));
    const Ciphertext by_multiplicand = must(e.multiply_plain(x, m));
    EXPECT_TRUE(same(by_multiplicand, must(e.multiply_plain(x, p))));
    expect_holds(by_multiplicand, product(a, b));
    const Ciphertext low = w.encrypt(a, x.level.value - 1);
    EXPECT_TRUE(same(must(e.multiply_plain(low, m)), must(e.multiply_plain(low, p))));
  }
  const Multiplicand low = must(e.prepare(p, rlwe::Level{0}));
  EXPECT_EQ(e.multiply_plain(x, low).error().code, ErrorCode::mismatch);
  EXPECT_EQ(e.prepare(p, rlwe::Level{x.level.value + 1}).error().code, ErrorCode::invalid_argument);
  const World other(12, make_parameters(GetParam().shape));
  EXPECT_EQ(other.evaluator.multiply_plain(x, low).error().code, ErrorCode::mismatch);
  EXPECT_EQ(e.multiply_plain(x, must(other.evaluator.prepare(other.encoder.constant(1), x.level))).error().code,
            ErrorCode::mismatch);
}

TEST_P(OperationTest, LinearCombinationsAreSumsOfProducts) {
  for (const std::size_t terms : {std::size_t{1}, std::size_t{3}, std::size_t{130}}) {
    std::vector<Ciphertext> inputs;
    std::vector<const Ciphertext*> views;
    std::vector<std::int64_t> weights;
    std::vector<Multiplicand> multiplicands;
    std::vector<const Multiplicand*> factors;
    Slots by_weight(w.parameters->slots()), by_plaintext(w.parameters->slots());
    for (std::size_t i = 0; i < terms; ++i) {
      const Slots a = w.random_slots(), b = w.random_slots();
      const auto t = static_cast<std::int64_t>(w.parameters->plain_modulus());
      weights.push_back(i % 3 == 0 ? -static_cast<std::int64_t>(i)
                                   : static_cast<std::int64_t>(i * i) + (i == 2 ? t : 0));
      inputs.push_back(w.encrypt(a));
      multiplicands.push_back(must(e.prepare(must(w.encoder.encode(b)), inputs.back().level)));
      by_weight = zip(by_weight, a, [&](Int128 s, Int128 x) { return s + x * weights.back(); });
      by_plaintext = sum(by_plaintext, product(a, b));
    }
    for (const Ciphertext& c : inputs) views.push_back(&c);
    for (const Multiplicand& m : multiplicands) factors.push_back(&m);
    expect_holds(must(e.linear_combination(views, weights)), by_weight);
    expect_holds(must(e.linear_combination(views, factors)), by_plaintext);
    EXPECT_EQ(e.linear_combination(views, std::span(weights).first(terms - 1)).error().code,
              ErrorCode::invalid_argument);
  }
  // Two and three parts together.
  const Slots a = w.random_slots(), b = w.random_slots();
  const Ciphertext x = w.encrypt(a), product_of_two = must(e.multiply(x, w.encrypt(b)));
  const std::array<const Ciphertext*, 2> mixed{&product_of_two, &x};
  const std::array<std::int64_t, 2> weights{2, 3};
  if (product_of_two.correction == x.correction) {
    expect_holds(must(e.linear_combination(mixed, weights)),
                 zip(product(a, b), a, [](Int128 u, Int128 v) { return 2 * u + 3 * v; }));
  }
  EXPECT_EQ(e.linear_combination(std::span<const Ciphertext* const>(), std::span<const std::int64_t>()).error().code,
            ErrorCode::invalid_argument);
  const Ciphertext low = w.encrypt(a, 0);
  const std::array<const Ciphertext*, 2> levels{&x, &low};
  EXPECT_EQ(e.linear_combination(levels, weights).error().code, ErrorCode::mismatch);
}

TEST_P(OperationTest, PowersTakeTheFewestLevels) {
  w.add_relinearisation();
  const Slots a = w.random_slots();
  const Ciphertext x = w.encrypt(a);
  Slots expected = a;
  for (std::uint64_t exponent = 1; exponent <= 16; ++exponent) {
    if (exponent > 1) expected = product(expected, a);
    const auto result = e.power(x, exponent, w.keys);
    int depth = 0;
    while (std::uint64_t{1} << depth < exponent) ++depth;
    if (w.parameters->scheme() == Scheme::bgv && depth > x.level.value) {
      EXPECT_EQ(result.error().code, ErrorCode::level_exhausted);
      continue;
    }
    const Ciphertext& y = *result;
    EXPECT_EQ(y.level.value, w.parameters->scheme() == Scheme::bgv ? x.level.value - depth : x.level.value);
    EXPECT_LE(must(w.decryptor.measured_noise(y)), y.noise.coefficient.log2());
    if (decrypts(*w.parameters, y.level, y.noise.coefficient)) expect_holds(y, expected);
  }
  EXPECT_EQ(e.power(x, 0, w.keys).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.power(must(e.multiply(x, x)), 2, w.keys).error().code, ErrorCode::mismatch);
}

TEST_P(OperationTest, ExtendedSumsAreRotationsWeightedAndAdded) {
  const Slots a = w.random_slots();
  const Ciphertext x = w.encrypt(a);
  const Evaluator::Hoisted hoisted = must(e.hoist(x));
  ExtendedCiphertext sum_of_terms, term;
  Slots expected(a.size());
  for (const int steps : {0, 1, 3}) {
    const std::uint32_t g = rlwe::galois_element_for_rotation(steps, w.parameters->degree());
    if (g != 1) w.add_automorphism(g);
    must(e.rotate_extended(term, hoisted, steps, w.keys, workspace));
    Ciphertext one;
    must(e.finish(one, term, workspace));
    expect_holds(one, rotated(a, steps));
    const Slots b = w.random_slots();
    must(e.multiply_plain_add(sum_of_terms, term, must(e.prepare(must(w.encoder.encode(b)), x.level, true))));
    expected = sum(expected, product(rotated(a, steps), b));
  }
  Ciphertext out;
  must(e.finish(out, sum_of_terms, workspace));
  expect_holds(out, expected);
  EXPECT_EQ(e.multiply_plain_add(sum_of_terms, term, must(e.prepare(w.encoder.constant(1), x.level))).error().code,
            ErrorCode::mismatch);
  ExtendedCiphertext empty;
  EXPECT_EQ(e.finish(out, empty, workspace).error().code, ErrorCode::mismatch);
}

TEST_P(OperationTest, RotationsAreComposedFromKeysThatAreThere) {
  for (const int steps : {1, 8}) w.add_automorphism(rlwe::galois_element_for_rotation(steps, w.parameters->degree()));
  const Slots a = w.random_slots();
  const Ciphertext x = w.encrypt(a);
  EXPECT_EQ(e.rotate(x, 10, w.keys).error().code, ErrorCode::not_found);
  const Ciphertext found = must(e.rotate_composed(x, 10, w.keys, 3));
  expect_holds(found, rotated(a, 10));
  EXPECT_GT(found.noise.coefficient.log2(), must(e.rotate(x, 8, w.keys)).noise.coefficient.log2());
  EXPECT_TRUE(same(must(e.rotate_composed(x, 8, w.keys, 1)), must(e.rotate(x, 8, w.keys))));
  EXPECT_TRUE(same(must(e.rotate_composed(x, 0, w.keys, 0)), x));
  EXPECT_EQ(e.rotate_composed(x, 10, w.keys, 2).error().code, ErrorCode::not_found);
}

TEST_P(OperationTest, KeptMemoryGetsTheSameBytes) {
  w.add_relinearisation();
  w.add_automorphism(rlwe::galois_element_for_rotation(1, w.parameters->degree()));
  const Ciphertext x = w.encrypt(w.random_slots()), y = w.encrypt(w.random_slots());
  const Ciphertext three = must(e.multiply(x, y));
  const rlwe::Level below{x.level.value - 1};
  // Whatever stood in the output, at whatever level and with however many parts.
  for (const Ciphertext* before : {&three, &x}) {
    Ciphertext out = before->clone();
    must(e.multiply(out, x, y, workspace));
    EXPECT_TRUE(same(out, three));
    must(e.square(out, x, workspace));
    EXPECT_TRUE(same(out, must(e.multiply(x, x.clone()))) || out.parts == must(e.square(x)).parts);
    must(e.relinearise(out, three, w.keys, workspace));
    EXPECT_TRUE(same(out, must(e.relinearise(three, w.keys))));
    must(e.multiply_relinearise(out, x, y, w.keys, workspace));
    EXPECT_TRUE(same(out, must(e.relinearise(three, w.keys))));
    must(e.drop_to(out, three, below, workspace));
    EXPECT_TRUE(same(out, must(e.drop_to(three, below))));
    must(e.rotate(out, x, 1, w.keys, workspace));
    EXPECT_TRUE(same(out, must(e.rotate(x, 1, w.keys))));
    must(e.add(out, x, three.correction == x.correction ? three : y));
    EXPECT_TRUE(same(out, must(e.add(x, three.correction == x.correction ? three : y))));
  }
}

TEST_P(OperationTest, AnOutputThatIsAnOperandIsRefusedOrRight) {
  w.add_relinearisation();
  const Slots a = w.random_slots(), b = w.random_slots();
  Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  EXPECT_EQ(e.multiply(x, x, y, workspace).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.multiply_relinearise(y, x, y, w.keys, workspace).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.drop_to(x, x, rlwe::Level{0}, workspace).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(e.rotate(x, x, 1, w.keys, workspace).error().code, ErrorCode::invalid_argument);
  const std::array<const Ciphertext*, 2> inputs{&x, &y};
  const std::array<std::int64_t, 2> weights{1, 1};
  EXPECT_EQ(e.linear_combination(y, inputs, weights, workspace).error().code, ErrorCode::invalid_argument);
  must(e.add(x, x, y));
  expect_holds(x, sum(a, b));
  must(e.subtract(y, x, y));
  expect_holds(y, a);
  expect_holds(must(e.subtract_scalar(y, 1000)), zip(a, a, [](Int128 u, Int128) { return u - 1000; }));
}

// Every pair of ciphertexts that differ in parameters, level, correction or parts is combined or refused with the way
// out, and nothing else.
TEST_P(OperationTest, EveryPairIsCombinedOrRefusedWithTheWayOut) {
  w.add_relinearisation();
  World other(13, make_parameters(GetParam().shape));
  const Slots a = w.random_slots();
  const rlwe::Level top = w.parameters->max_level();
  std::vector<Ciphertext> values;
  values.push_back(w.encrypt(a));
  values.push_back(must(e.multiply(values[0], values[0])));
  values.push_back(must(e.relinearise(values[1], w.keys)));
  values.push_back(must(e.drop_to(values[0], rlwe::Level{top.value - 1})));
  values.push_back(must(e.drop_to(values[1], rlwe::Level{top.value - 1})));
  values.push_back(other.encrypt(a));
  for (const Ciphertext& x : values) {
    for (const Ciphertext& y : values) {
      const bool family = x.parameters == w.parameters && y.parameters == w.parameters;
      const bool level = family && x.level == y.level;
      const auto total = e.add(x, y);
      EXPECT_EQ(total.has_value(), level && x.correction == y.correction);
      if (!total) {
        const std::string& message = total.error().message;
        EXPECT_EQ(total.error().code, ErrorCode::mismatch);
        EXPECT_NE(message.find(family ? "drop_to" : "one parameter set"), std::string::npos) << message;
      }
      EXPECT_EQ(e.subtract(x, y).has_value(), total.has_value());
      const auto times = e.multiply(x, y);
      EXPECT_EQ(times.has_value(), level && x.parts.size() == 2 && y.parts.size() == 2);
      if (!times && level) {
        EXPECT_NE(times.error().message.find("relinearise"), std::string::npos);
      }
      if (!times && family && !level) {
        EXPECT_NE(times.error().message.find("drop_to"), std::string::npos);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, OperationTest,
                         ::testing::Values(Case{"bgv_20", {Scheme::bgv, 6, 20, 5}},
                                           Case{"bgv_33_two_primes_a_digit", {Scheme::bgv, 6, 33, 4, 2, 2}},
                                           Case{"bfv_20", {Scheme::bfv, 6, 20, 5}},
                                           Case{"bfv_33_two_primes_a_digit", {Scheme::bfv, 6, 33, 4, 2, 2}}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace prism::exact
