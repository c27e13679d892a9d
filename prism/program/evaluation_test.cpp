#include "prism/program/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "prism/base/int128.h"
#include "prism/fhe/key_holder.h"
#include "prism/hash/sha256.h"
#include "prism/kernels/kernels.h"
#include "prism/program/internal/testing.h"
#include "prism/program/requirements.h"

namespace prism::program {
namespace {

using testing::in_the_clear;
using testing::must;
using testing::SeededRandom;

template <class F>
struct World;

/// A key holder and its parameters; keys are made for each computation alone.
template <>
struct World<fhe::Approximate> {
  static constexpr Family kFamily = Family::approximate;
  using Clear = long double;
  SeededRandom random{7};
  std::shared_ptr<const ckks::Parameters> parameters;
  fhe::Approximate::KeyHolder keys;
  explicit World(int depth)
      : parameters(must(ckks::parameters_for({.depth = depth,
                                              .precision_bits = 4,
                                              .largest_magnitude = 1,
                                              .additions = std::size_t{1} << 24,
                                              .rotations = true}))),
        keys(
            must(fhe::Approximate::KeyHolder::create(parameters, 1.5, must(ring::fresh_secret_seed(random)), random))) {
  }
  AnyParameters any() const { return ApproximateParameters{parameters, 1.5}; }
  std::vector<double> draw(std::mt19937_64& engine, std::size_t size) const {
    std::vector<double> out(size);
    for (double& x : out) x = std::uniform_real_distribution<double>(-1.5, 1.5)(engine);
    return out;
  }
};

template <>
struct World<fhe::Exact> {
  static constexpr Family kFamily = Family::exact;
  using Clear = Int128;
  SeededRandom random{9};
  std::shared_ptr<const exact::Parameters> parameters;
  fhe::Exact::KeyHolder keys;
  explicit World(int depth, exact::Scheme scheme = exact::Scheme::bgv)
      : parameters(must(fhe::parameters_for(fhe::ExactIntent{
            .depth = depth, .largest_value = std::uint64_t{1} << 30, .movement = {.sums = true}, .scheme = scheme}))),
        keys(must(fhe::Exact::KeyHolder::create(parameters, 0, must(ring::fresh_secret_seed(random)), random))) {}
  AnyParameters any() const { return ExactParameters{parameters}; }
  std::vector<std::int64_t> draw(std::mt19937_64& engine, std::size_t size) const {
    std::vector<std::int64_t> out(size);
    for (std::int64_t& x : out) x = std::uniform_int_distribution<std::int64_t>(-10, 10)(engine);
    return out;
  }
};

template <class F>
World<F>& world(int depth) {
  static std::map<int, std::unique_ptr<World<F>>> made;
  auto& one = made[depth];
  if (!one) one = std::make_unique<World<F>>(depth);
  return *one;
}

/// Evaluates with exactly the keys that requirements() names, and compares every carrier with the clear.
template <class F>
void expect_right(World<F>& w, const Computation& c, std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  const Requirements needs = must(requirements(c, w.any()));
  const auto context = must(w.keys.context_with(needs.keys));
  std::vector<fhe::Vector<F>> inputs;
  std::vector<std::vector<typename World<F>::Clear>> clear;
  for (const Input& input : c.inputs()) {
    const auto values = w.draw(engine, static_cast<std::size_t>(input.size));
    inputs.push_back(must(context.decode_vector(must(w.keys.encrypt_to_bytes(values)))));
    clear.emplace_back(values.begin(), values.end());
  }
  const auto all = in_the_clear(c, clear);
  const auto results = must(evaluate(c, std::span<const fhe::Vector<F>>(inputs)));
  const auto carriers = c.carriers();
  ASSERT_EQ(results.size(), carriers.size());
  for (std::size_t i = 0; i < carriers.size(); ++i) {
    const auto& wanted = all[carriers[i]];
    const auto mine = must(w.keys.public_part().decode_vector(must(results[i].encode())));
    const auto found = must(w.keys.decrypt_private(mine));
    ASSERT_EQ(found.size(), wanted.size());
    EXPECT_EQ(results[i].level().value, needs.carriers[i].level);
    const std::size_t bytes = must(results[i].encode()).size();
    const std::size_t slack = std::is_same_v<F, fhe::Exact> ? needs.carriers[i].ciphertexts * 514 : 0;
    EXPECT_LE(bytes, needs.carriers[i].bytes);
    EXPECT_GE(bytes + slack, needs.carriers[i].bytes);
    if constexpr (std::is_same_v<F, fhe::Approximate>) {
      // Bytes keep bounds in units of 2^-20, rounded up.
      EXPECT_NEAR(results[i].error_log2(), needs.carriers[i].error_log2, 1e-4) << "the rehearsal knows the bound";
      const double bound = std::exp2(results[i].error_log2()) + std::exp2(results[i].magnitude_log2() - 38);
      for (std::size_t k = 0; k < wanted.size(); ++k)
        EXPECT_LE(std::fabs(static_cast<double>(static_cast<long double>(found[k]) - wanted[k])), bound)
            << "value " << k;
      EXPECT_LE(bound, 0.1) << "a bound that says something";
    } else {
      const auto t = static_cast<Int128>(w.parameters->plain_modulus());
      for (std::size_t k = 0; k < wanted.size(); ++k) {
        const Int128 rest = ((wanted[k] % t) + t) % t;
        EXPECT_EQ(found[k], static_cast<std::int64_t>(rest > t / 2 ? rest - t : rest)) << "value " << k;
      }
    }
  }
}

using Write = void (*)(ComputationBuilder& b, Node x, Node y, std::size_t size);

void every_operation(ComputationBuilder& b, Node x, Node y, std::size_t size) {
  std::vector<double> weights(size);
  for (std::size_t i = 0; i < size; ++i) weights[i] = static_cast<double>(i % 5) - 2;
  weights[0] = 3;
  must(b.output("add", must(b.add(x, y))));
  must(b.output("subtract", must(b.subtract(x, y))));
  must(b.output("negate", must(b.negate(x))));
  must(b.output("multiply", must(b.multiply(x, y))));
  must(b.output("square", must(b.square(x))));
  must(b.output("add_number", must(b.add(x, 7.0))));
  must(b.output("multiply_number", must(b.multiply(x, -3.0))));
  must(b.output("add_values", must(b.add(x, weights))));
  must(b.output("multiply_values", must(b.multiply(x, weights))));
  must(b.output("sum", must(b.sum(x))));
  must(b.output("dot", must(b.dot(x, y))));
  must(b.output("weighted", must(b.sum(must(b.multiply(x, weights))))));
  must(b.mean("mean", y));
  must(b.output("centred", must(b.subtract(must(b.multiply(x, 4.0)), must(b.sum(y))))));
}

class Sizes : public ::testing::TestWithParam<std::size_t> {};

template <class F>
void every_operation_of(std::size_t size_or_blocks) {
  World<F>& w = world<F>(2);
  // 0 and 1 stand for a full ciphertext, and for two and a bit.
  const std::size_t slots = w.keys.public_part().slots();
  const std::size_t size = size_or_blocks == 0 ? slots : size_or_blocks == 2 ? 2 * slots + 3 : size_or_blocks;
  ComputationBuilder b(World<F>::kFamily);
  const Node x = must(b.input("x", size)), y = must(b.input("y", size));
  every_operation(b, x, y, size);
  must(b.variance("variance", x, Divisor::population));
  expect_right(w, must(b.finish()), 100 + size);
}

TEST_P(Sizes, EveryOperationOfApproximateNumbersIsRight) { every_operation_of<fhe::Approximate>(GetParam()); }
TEST_P(Sizes, EveryOperationOfExactNumbersIsRight) { every_operation_of<fhe::Exact>(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Evaluation, Sizes, ::testing::Values<std::size_t>(1, 7, 0, 2));

template <class F>
void rotations_of() {
  World<F>& w = world<F>(2);
  const std::size_t slots = w.keys.public_part().slots();
  for (const std::size_t size : {std::size_t{5}, slots, slots + 2}) {
    ComputationBuilder b(World<F>::kFamily);
    const Node x = must(b.input("x", size));
    must(b.output("left", must(b.rotate(x, 2))));
    must(b.output("right", must(b.rotate(x, -3))));
    must(b.output("sum", must(b.sum(must(b.multiply(must(b.rotate(x, 1)), x))))));
    expect_right(w, must(b.finish()), 200 + size);
  }
}
TEST(Evaluation, RotationsOfApproximateNumbersAreRight) { rotations_of<fhe::Approximate>(); }
TEST(Evaluation, RotationsOfExactNumbersAreRight) { rotations_of<fhe::Exact>(); }

TEST(Evaluation, ProductsOfBfvNeedNoLevels) {
  World<fhe::Exact> w(2, exact::Scheme::bfv);
  ComputationBuilder b(Family::exact);
  const Node x = must(b.input("x", 9)), y = must(b.input("y", 9));
  must(b.output("z", must(b.multiply(must(b.multiply(x, y)), x))));
  must(b.output("s", must(b.dot(x, y))));
  expect_right(w, must(b.finish()), 41);
}

TEST(Evaluation, DeepPolynomialsAreRight) {
  {
    World<fhe::Approximate>& w = world<fhe::Approximate>(6);
    ComputationBuilder b(Family::approximate);
    const Node x = must(b.input("x", 100));
    std::vector<double> monomial(32), series(48);
    for (std::size_t k = 0; k < monomial.size(); ++k)
      monomial[k] = std::ldexp(k % 3 == 0 ? 0.7 : -0.4, -static_cast<int>(k));
    for (std::size_t k = 0; k < series.size(); ++k) series[k] = 1.0 / static_cast<double>((k + 1) * (k + 1));
    must(b.output("monomial", must(b.polynomial(x, monomial))));
    must(b.output("series", must(b.chebyshev(must(b.multiply(x, 0.5)),
                                             std::vector<double>(series.begin(), series.begin() + 30), {}))));
    expect_right(w, must(b.finish()), 51);
  }
  {
    World<fhe::Exact>& w = world<fhe::Exact>(4);
    ComputationBuilder b(Family::exact);
    const Node x = must(b.input("x", 100));
    must(b.output("p", must(b.polynomial(x, {5, -3, 0, 2, 0, 0, 1, 0, 4, 0, 0, 1}))));
    expect_right(w, must(b.finish()), 52);
  }
}

template <class F>
void exactly_the_keys(const Computation& c) {
  World<F>& w = world<F>(2);
  const Requirements needs = must(requirements(c, w.any()));
  ASSERT_FALSE(needs.keys.empty());
  std::mt19937_64 engine(3);
  std::vector<Bytes> inputs;
  for (const Input& input : c.inputs())
    inputs.push_back(must(w.keys.encrypt_to_bytes(w.draw(engine, static_cast<std::size_t>(input.size)))));
  const auto run = [&](const std::vector<rlwe::KeyId>& keys) {
    const auto context = must(w.keys.context_with(keys));
    std::vector<fhe::Vector<F>> vectors;
    for (const Bytes& input : inputs) vectors.push_back(must(context.decode_vector(input)));
    return evaluate(c, std::span<const fhe::Vector<F>>(vectors));
  };
  EXPECT_TRUE(run(needs.keys));
  for (std::size_t missing = 0; missing < needs.keys.size(); ++missing) {
    auto fewer = needs.keys;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(missing));
    const auto refused = run(fewer);
    EXPECT_FALSE(refused) << "works without key " << missing << " of " << needs.keys.size();
    if (needs.keys[missing].level.value > 0) {
      auto lower = needs.keys;
      --lower[missing].level.value;
      EXPECT_FALSE(run(lower)) << "works with key " << missing << " one level lower";
    }
  }
}

TEST(Requirements, NameExactlyTheKeysThatAreUsed) {
  for (const Family family : {Family::approximate, Family::exact}) {
    // Apart, because the keys of sums can stand in for those of rotations.
    ComputationBuilder sums(family), turns(family);
    must(sums.variance("variance", must(sums.input("x", 50)), Divisor::population));
    const Node x = must(turns.input("x", 50));
    must(turns.output("turned", must(turns.square(must(turns.rotate(x, 3))))));
    for (const ComputationBuilder* b : {&sums, &turns}) {
      const Computation c = must(b->finish());
      family == Family::approximate ? exactly_the_keys<fhe::Approximate>(c) : exactly_the_keys<fhe::Exact>(c);
    }
  }
}

TEST(Requirements, SumsAloneNeedNoRelinearisationAndHappenAtTheLowestLevel) {
  ComputationBuilder b(Family::approximate);
  must(b.mean("mean", must(b.input("x", 50))));
  const Requirements needs = must(requirements(must(b.finish()), world<fhe::Approximate>(2).any()));
  for (const rlwe::KeyId& id : needs.keys) {
    EXPECT_EQ(id.kind, rlwe::KeyId::Kind::automorphism);
    EXPECT_EQ(id.level.value, 0);
  }
  EXPECT_EQ(needs.depth, 0);
}

TEST(Requirements, WhatIsTooDeepIsRefusedWithTheDepthItTakes) {
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 4));
  must(b.output("p", must(b.polynomial(x, std::vector<double>(20, 0.5)))));
  const auto refused = requirements(must(b.finish()), world<fhe::Approximate>(2).any());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::level_exhausted);
  EXPECT_NE(refused.error().message.find("depth of 5"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("have 2"), std::string::npos) << refused.error().message;
}

TEST(Requirements, WhatWouldWrapIsRefusedAlthoughItHasTheDepth) {
  World<fhe::Approximate>& w = world<fhe::Approximate>(2);
  ComputationBuilder b(Family::approximate);
  Node x = must(b.input("x", 4));
  for (int i = 0; i < 6; ++i) x = must(b.multiply(x, 1e9));
  must(b.output("z", must(b.add(must(b.multiply(x, 1e-50)), 1.0))));
  const auto refused = requirements(must(b.finish()), w.any());
  ASSERT_FALSE(refused) << "magnitudes of 2^180 are seen before the division hides them";
  EXPECT_EQ(refused.error().code, ErrorCode::level_exhausted);
}

TEST(Evaluation, TheSameInputsGiveTheSameBytesAndProgressIsTold) {
  World<fhe::Approximate>& w = world<fhe::Approximate>(2);
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 30));
  must(b.variance("variance", x, Divisor::sample));
  const Computation c = must(b.finish());
  const auto context = must(w.keys.context_with(must(requirements(c, w.any())).keys));
  const std::vector<double> values(30, 0.25);
  const Bytes data = must(w.keys.encrypt_to_bytes(values));
  const auto run = [&](const EvaluateOptions& options) {
    const std::vector<fhe::Approximate::Vector> inputs{must(context.decode_vector(data))};
    return evaluate(c, std::span<const fhe::Approximate::Vector>(inputs), options);
  };
  EXPECT_EQ(must(must(run({}))[0].encode()), must(must(run({}))[0].encode()));
  std::uint64_t last = 0, all = 0;
  EvaluateOptions watched;
  watched.progress = [&](std::uint64_t done, std::uint64_t of) {
    EXPECT_GE(done, last);
    last = done;
    all = of;
    return true;
  };
  EXPECT_TRUE(run(watched));
  EXPECT_EQ(last, all);
  int asked = 0;
  EvaluateOptions stopped;
  stopped.stop = [&] { return ++asked > 2; };
  EXPECT_EQ(run(stopped).error().code, ErrorCode::interrupted);
  EvaluateOptions refused;
  refused.progress = [](std::uint64_t, std::uint64_t) { return false; };
  EXPECT_EQ(run(refused).error().code, ErrorCode::interrupted);
}

Digest statistics_digest() {
  World<fhe::Approximate> w(2);
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 30));
  must(b.variance("variance", x, Divisor::sample));
  must(b.output("p", must(b.polynomial(must(b.sum(x)), {0, 0, 0.5}))));
  const Computation c = must(b.finish());
  const auto context = must(w.keys.context_with(must(requirements(c, w.any())).keys));
  const std::vector<double> values(30, 0.25);
  const std::vector<fhe::Approximate::Vector> inputs{
      must(context.decode_vector(must(w.keys.encrypt_to_bytes(values))))};
  hash::Sha256 digest;
  for (const auto& result : must(evaluate(c, std::span<const fhe::Approximate::Vector>(inputs))))
    digest.update(ByteView(must(result.encode())));
  return digest.finish();
}

// The set is chosen once per process, so each one gets a process of its own.
TEST(EvaluationDeathTest, EveryKernelSetGivesTheSameBytes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // These processes run the test from its start: what the first one found is handed on, because finding it chooses a
  // set.
  constexpr const char* kWanted = "PRISM_TEST_DIGEST";
  if (std::getenv(kWanted) == nullptr) ::setenv(kWanted, to_hex(statistics_digest()).c_str(), 1);
  const std::string wanted = std::getenv(kWanted);
  for (const kernels::Kernels* set : kernels::all()) {
    if (!set->runs_here()) continue;
    EXPECT_EXIT(
        {
          const bool chosen = kernels::choose(set->name);
          std::fprintf(stderr, "%s %s", chosen ? "chosen" : "not chosen", to_hex(statistics_digest()).c_str());
          std::_Exit(0);
        },
        ::testing::ExitedWithCode(0), "^chosen " + wanted)
        << set->name;
  }
}

TEST(Parameters, AreFoundForComputationsAndCarryThem) {
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 300));
  must(b.mean("mean", x));
  must(b.variance("variance", x, Divisor::population));
  const Computation c = must(b.finish());
  const auto parameters = must(approximate_parameters_for(c, 500, 10, rlwe::Security::bits128));
  const Requirements needs = must(requirements(c, ApproximateParameters{parameters, 500}));
  EXPECT_LE(needs.carriers[0].error_log2 - std::log2(300.0), -10);
  EXPECT_LE(needs.carriers[1].error_log2 - 2 * std::log2(300.0), -10);
  EXPECT_LE(parameters->degree(), 8192u);

  ComputationBuilder e(Family::exact);
  must(e.variance("variance", must(e.input("x", 300)), Divisor::population));
  const Computation whole = must(e.finish());
  const auto exact = must(exact_parameters_for(whole, 500, rlwe::Security::bits128));
  EXPECT_GT(exact->plain_modulus(), std::uint64_t{2} * 300 * 300 * 500 * 500);
  EXPECT_TRUE(requirements(whole, ExactParameters{exact, 500}));
  EXPECT_EQ(exact_parameters_for(whole, std::uint64_t{1} << 40, rlwe::Security::bits128).error().code,
            ErrorCode::unsupported);
}

TEST(Range, ComputationsThatCouldWrapAreRefusedForWhatInputsDeclare) {
  const auto weighted = [](const std::vector<double>& weights) {
    ComputationBuilder b(Family::exact);
    const Node x = must(b.input("x", weights.size()));
    must(b.output("total", must(b.sum(must(b.multiply(x, weights))))));
    return must(b.finish());
  };
  const Computation small = weighted({1, 1, 1, 1, 1}), large = weighted({10'000, -10'000, 10'000, 10'000, 10'000});
  const auto parameters = must(exact_parameters_for(small, 8, rlwe::Security::bits128));
  const std::uint64_t half = (parameters->plain_modulus() - 1) / 2;
  ASSERT_LT(half, 400'000u);
  EXPECT_TRUE(requirements(small, ExactParameters{parameters, 8}));
  const auto refused = requirements(large, ExactParameters{parameters, 8});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  for (const std::string& part : {std::string("400000"), std::to_string(parameters->plain_modulus())})
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  EXPECT_TRUE(check_range(large, ExactParameters{parameters, 0})) << "nothing was declared";
  // To the unit: t/2 is the last that fits.
  const auto up_to = [&](double number) { return check_range(weighted({number}), ExactParameters{parameters, 1}); };
  EXPECT_TRUE(up_to(static_cast<double>(half)));
  EXPECT_FALSE(up_to(static_cast<double>(half + 1)));
  // Weights are added up one by one, not as if all were the largest.
  EXPECT_TRUE(check_range(weighted({static_cast<double>(half) - 4, 1, 1, 1, 1}), ExactParameters{parameters, 1}));
}

// Bounds of whole numbers are reached by some inputs, or are above what inputs reach: compared with the clear.
TEST(Range, NoResultIsLargerThanParametersAreFor) {
  ComputationBuilder b(Family::exact);
  const Node x = must(b.input("x", 6)), y = must(b.input("y", 6));
  const Node p = must(b.polynomial(x, {-3, 0, 2, -1}));
  const Node shifted =
      must(b.subtract(must(b.rotate(p, 2)), must(b.multiply(y, std::vector<double>{1, -2, 3, 0, 5, 6}))));
  must(b.output("all", must(b.dot(shifted, must(b.add(y, 7.0))))));
  const Computation c = must(b.finish());
  constexpr std::int64_t kLargest = 9;
  const auto parameters = must(exact_parameters_for(c, kLargest, rlwe::Security::bits128));
  ASSERT_TRUE(check_range(c, ExactParameters{parameters, kLargest}));
  std::mt19937_64 engine(3);
  Int128 most = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<Int128>> inputs(2, std::vector<Int128>(6));
    for (auto& input : inputs)
      for (Int128& value : input) value = engine() % 2 == 0 ? kLargest : -kLargest;
    const auto all = in_the_clear(c, inputs);
    for (const Int128 value : all[c.carriers()[0]]) most = std::max(most, value < 0 ? -value : value);
  }
  EXPECT_LE(most, static_cast<Int128>((parameters->plain_modulus() - 1) / 2));
  EXPECT_GT(most, 30'000) << "inputs that come near the bound";
}

}  // namespace
}  // namespace prism::program
