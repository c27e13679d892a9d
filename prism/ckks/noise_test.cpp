// The public bound against what really happens, for messages and circuits chosen to hurt.
#include "prism/ckks/noise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "prism/ckks/internal/testing.h"

namespace prism::ckks {
namespace {

using testing::distance_log2;
using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;
using Slots = std::vector<Complex>;

constexpr int kMessages = 5;

/// All largest, one largest, alternating signs, turning by a right angle from slot to slot, random.
Slots message(World& w, int kind) {
  const std::size_t n = w.parameters->slots();
  Slots out(n);
  if (kind == 4) return w.random_slots();
  for (std::size_t i = 0; i < n; ++i) {
    const Complex turns[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    if (kind == 0) out[i] = 1;
    if (kind == 1) out[i] = i == n / 3 ? 1 : 0;
    if (kind == 2) out[i] = i % 2 == 0 ? 1 : -1;
    if (kind == 3) out[i] = turns[i % 4];
  }
  return out;
}

struct Value {
  Ciphertext c;
  Slots slots;
};

/// Bits between the bound and the largest error; fails when the bound is exceeded.
double gap(const World& w, const Value& v) {
  const double found = distance_log2(w.decrypt(v.c), v.slots);
  const math::Bound decoding = w.encoder.transform_error(v.c.noise.magnitude + v.c.noise.error);
  const double bound = (v.c.noise.error + decoding).log2();
  EXPECT_LE(found, bound) << "seed " << w.seed << ", level " << v.c.level.value;
  return bound - found;
}

/// A random circuit on few inputs, so that operands are correlated: sums, differences, products with oneself,
/// plaintexts, constants, rotations, down to level 0. Notes the gaps.
void random_circuit(World& w, int kind, double& smallest, double& largest) {
  const Evaluator& e = w.evaluator;
  std::vector<Value> pool;
  for (int i = 0; i < 2; ++i) {
    Slots slots = message(w, kind);
    pool.push_back({w.encrypt(slots), slots});
  }
  while (pool[0].c.level.value > 0) {
    std::vector<Value> next;
    for (int made = 0; made < 3; ++made) {
      const Value& a = pool[w.engine() % pool.size()];
      const Value& b = pool[w.engine() % pool.size()];
      const rlwe::Level below{a.c.level.value - 1};
      Value out{{}, Slots(a.slots.size())};
      const auto fill = [&](auto f) {
        for (std::size_t i = 0; i < out.slots.size(); ++i) out.slots[i] = f(i);
      };
      switch (w.engine() % 6) {
        case 0: {
          Ciphertext sum;
          must(e.tensor_add(sum, a.c, b.c));
          must(e.tensor_add(sum, b.c, b.c));
          out.c = must(e.rescale(must(e.relinearise(sum, w.keys))));
          fill([&](std::size_t i) { return a.slots[i] * b.slots[i] + b.slots[i] * b.slots[i]; });
          break;
        }
        case 1:
          out.c = must(e.multiply_relinearise_rescale(a.c, a.c, w.keys));
          fill([&](std::size_t i) { return a.slots[i] * a.slots[i]; });
          break;
        case 2: {
          const Ciphertext moved = must(e.rotate(must(e.subtract(a.c, b.c)), 1, w.keys));
          out.c = must(e.multiply_relinearise_rescale(moved, a.c, w.keys));
          const std::size_t n = out.slots.size();
          fill([&](std::size_t i) { return (a.slots[(i + 1) % n] - b.slots[(i + 1) % n]) * a.slots[i]; });
          break;
        }
        case 3: {
          const Slots p = message(w, kind);
          const Plaintext plain = must(w.encoder.encode(std::span<const Complex>(p), a.c.level, 1));
          out.c = must(e.rescale(must(e.multiply_plain(a.c, plain))));
          fill([&](std::size_t i) { return a.slots[i] * p[i]; });
          break;
        }
        case 4:
          out.c = must(e.rescale(must(e.multiply_scalar(must(e.add_scalar(a.c, -1)), *Constant::from_double(0.7)))));
          fill([&](std::size_t i) { return (a.slots[i] - 1.0) * 0.7; });
          break;
        default:
          out.c = must(e.align_to(must(e.conjugate(must(e.multiply_integer(a.c, -2)), w.keys)), below));
          fill([&](std::size_t i) { return -2.0 * std::conj(a.slots[i]); });
      }
      const double bits = gap(w, out);
      if (std::isfinite(bits)) largest = std::max(largest, bits);  // a difference of equals has no error at all
      smallest = std::min(smallest, bits);
      next.push_back(std::move(out));
    }
    pool = std::move(next);
  }
}

class NoiseTest : public ::testing::TestWithParam<int> {};

TEST_P(NoiseTest, BoundIsNeverExceededByCircuitsOfDepthFour) {
  const Shape shapes[] = {
      {.log_n = 6, .scale_bits = 45, .depth = 4, .base_primes = 3},
      {.log_n = 9, .scale_bits = 40, .depth = 3, .digit_size = 2, .base_primes = 3},
      {.log_n = 5, .scale_bits = 80, .depth = 4, .per_level = 2, .digit_size = 2, .base_primes = 4}};
  double smallest = 1e9, largest = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    World w(1000 * static_cast<std::uint64_t>(GetParam()) + seed, make_parameters(shapes[seed % 3]));
    w.add_relinearisation();
    w.add_rotation(1);
    w.add_automorphism(rlwe::galois_element_for_conjugation(w.parameters->degree()));
    for (int circuit = 0; circuit < 4; ++circuit) random_circuit(w, GetParam(), smallest, largest);
  }
  RecordProperty("smallest_gap_bits", std::to_string(smallest));
  RecordProperty("largest_gap_bits", std::to_string(largest));
}
INSTANTIATE_TEST_SUITE_P(Messages, NoiseTest, ::testing::Range(0, kMessages));

TEST(NoiseGapTest, EachOperationsBoundIsNearWhatHappens) {
  // Bits between bound and measured error; an upper limit keeps the bounds honest. Tail bounds at 2^-160 over all
  // roots cost about 4 bits each time, roundings of adversarial messages and worst-case transforms more.
  World w(5, make_parameters({.log_n = 12, .scale_bits = 40, .depth = 2}));
  w.add_relinearisation();
  w.add_rotation(1);
  const Evaluator& e = w.evaluator;
  const Slots a = w.random_slots();
  const Value fresh{w.encrypt(a), a};
  Slots square(a), moved(a);
  for (Complex& x : square) x *= x;
  std::rotate(moved.begin(), moved.begin() + 1, moved.end());
  const std::pair<const char*, double> gaps[] = {
      {"fresh", gap(w, fresh)},
      {"rotate", gap(w, {must(e.rotate(fresh.c, 1, w.keys)), moved})},
      {"multiply_relinearise_rescale",
       gap(w, {must(e.multiply_relinearise_rescale(fresh.c, fresh.c, w.keys)), square})},
      {"align", gap(w, {must(e.align_to(fresh.c, rlwe::Level{1})), a})}};
  for (const auto& [name, bits] : gaps) {
    RecordProperty(std::string("gap_bits_") + name, std::to_string(bits));
    EXPECT_LT(bits, 10) << name;
    EXPECT_GT(bits, 1) << name << ": too near to be a bound that holds with probability 1 - 2^-128";
  }
}

TEST(NoiseModelTest, StrictIsNeverBelowTails) {
  for (const unsigned log_n : {6U, 10U, 13U}) {
    const auto p = make_parameters({.log_n = log_n, .depth = 1});
    const auto secret = rlwe::ternary_norms(p->degree());
    const NoiseModel tails(p->rlwe(), secret, NoiseModel::Mode::tails),
        strict(p->rlwe(), secret, NoiseModel::Mode::strict);
    const Scale s = Scale::power_of_two(40);
    const Noise none;
    EXPECT_GE(strict.fresh_symmetric(none, s).error, tails.fresh_symmetric(none, s).error);
    EXPECT_GE(strict.fresh_public(none, s).error, tails.fresh_public(none, s).error);
    EXPECT_GE(strict.key_switch(none, s, rlwe::Level{0}).error, tails.key_switch(none, s, rlwe::Level{0}).error);
    for (const int parts : {2, 3}) EXPECT_GE(strict.rescale(none, s, parts).error, tails.rescale(none, s, parts).error);
  }
}

TEST(NoiseModelTest, FormulasAreThoseOfTheDocument) {
  const auto p = make_parameters({.log_n = 10, .depth = 1});
  const NoiseModel model(p->rlwe(), rlwe::ternary_norms(1024), NoiseModel::Mode::tails);
  const Scale unit;
  const double kappa =
      std::sqrt(2 * (std::log(128.0 * 1024) + 160 * std::numbers::ln2)) / std::cos(std::numbers::pi / 64);
  EXPECT_NEAR(model.fresh_symmetric({}, unit).error.log2(), std::log2(3.2 * std::sqrt(512.0) * kappa), 1e-6);
  const double s = rlwe::ternary_norms(1024).canonical.to_double();
  EXPECT_NEAR(model.rescale({}, unit, 2).error.log2(), std::log2((1 + s) * std::sqrt(1024 / 24.0) * kappa), 1e-5);
  EXPECT_NEAR(model.rescale({}, unit, 3).error.log2(), std::log2((1 + s + s * s) * std::sqrt(1024 / 24.0) * kappa),
              1e-5);
  EXPECT_NEAR(NoiseModel::root_sum(1024).log2(), std::log2(2048 / std::numbers::pi), 1e-5);
  const Noise a{math::Bound::from_integer(3), math::Bound::from_double(0.25)};
  const Noise b{math::Bound::from_integer(5), math::Bound::from_double(0.5)};
  EXPECT_NEAR(NoiseModel::multiply(a, b).error.to_double(), 3 * 0.5 + 5 * 0.25 + 0.125, 1e-9);
  EXPECT_NEAR(NoiseModel::multiply(a, b).magnitude.to_double(), 15, 1e-9);
  EXPECT_NEAR(NoiseModel::add(a, b).error.to_double(), 0.75, 1e-9);
  EXPECT_NEAR(NoiseModel::stretch(a, math::Bound::from_double(0.1)).error.to_double(), 0.25 + 0.325, 1e-9);
}

}  // namespace
}  // namespace prism::ckks
