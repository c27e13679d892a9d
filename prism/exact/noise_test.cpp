// Bounds are never exceeded: random circuits on adversarial plaintexts, all three norms, both schemes, both modes.
#include "prism/exact/noise.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "prism/exact/internal/testing.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;
using Slots = std::vector<std::int64_t>;

struct Measured {
  double coefficient, euclidean, canonical;  // log2
};

Measured measure(const World& w, const Ciphertext& c) {
  const auto v = must(w.decryptor.phase(c));
  const std::size_t n = v.size();
  std::vector<double> x(n);
  double largest = 0, squares = 0;
  for (std::size_t k = 0; k < n; ++k) {
    x[k] = v[k].to_double();
    largest = std::max(largest, std::abs(x[k]));
    squares += x[k] * x[k];
  }
  double canonical = 0;
  for (std::size_t root = 1; root < n; root += 2) {
    std::complex<double> sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const double angle = std::numbers::pi * static_cast<double>(root * k % (2 * n)) / static_cast<double>(n);
      sum += x[k] * std::complex<double>(std::cos(angle), std::sin(angle));
    }
    canonical = std::max(canonical, std::abs(sum));
  }
  return {std::log2(largest), std::log2(squares) / 2, std::log2(canonical)};
}

/// Plaintexts that make norms large: every coefficient t/2, alternating, one coefficient, slots all t/2, random.
Plaintext adversarial(World& w, std::uint64_t kind) {
  const std::uint64_t t = w.parameters->plain_modulus(), half = (t - 1) / 2;
  if (kind % 6 == 0) return must(w.encoder.encode(w.random_slots()));
  if (kind % 6 == 1) return must(w.encoder.encode(Slots(w.parameters->slots(), static_cast<std::int64_t>(half))));
  Plaintext p(w.parameters);
  for (std::size_t k = 0; k < p.coefficients().size(); ++k) {
    std::uint64_t& c = p.coefficients()[k];
    switch (kind % 6) {
      case 2:
        c = half;
        break;
      case 3:
        c = k % 2 == 0 ? half : half + 1;
        break;
      case 4:
        c = k == 3 ? half : 0;
        break;
      default:
        c = (k * k / 2) % 2 == 0 ? half : half + 1;
        break;
    }
  }
  return p;
}

struct Case {
  const char* name;
  Shape shape;
  NoiseModel::Mode mode;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class NoiseTest : public ::testing::TestWithParam<Case> {
 protected:
  void expect_bounded(const World& w, const Ciphertext& c, const Slots& slots) {
    const Measured m = measure(w, c);
    // Doubles measure to about 2^-40.
    EXPECT_LE(m.coefficient, c.noise.coefficient.log2() + 1e-9) << "seed " << w.seed;
    EXPECT_LE(m.euclidean, c.noise.euclidean.log2() + 1e-9) << "seed " << w.seed;
    EXPECT_LE(m.canonical, c.noise.canonical.log2() + 1e-9) << "seed " << w.seed;
    if (c.noise.coefficient.log2() < w.parameters->rlwe().log2_q(c.level) - 2) {
      EXPECT_EQ(w.decrypt(c), slots) << "seed " << w.seed;
      const double gap = c.noise.coefficient.log2() - m.coefficient;
      smallest_ = std::min(smallest_, gap);
      largest_ = std::max(largest_, gap);
      ++measured_;
    }
  }
  double smallest_ = 1e9, largest_ = 0;
  int measured_ = 0;
};

TEST_P(NoiseTest, RandomCircuitsStayWithinTheirBounds) {
  constexpr std::uint64_t kWorlds = 3, kSteps = 24;
  for (std::uint64_t world = 0; world < kWorlds; ++world) {
    const std::uint64_t seed = 1000 * world + 17;
    World w(seed, make_parameters(GetParam().shape), GetParam().mode);
    w.add_relinearisation();
    const std::uint32_t g = rlwe::galois_element_for_rotation(1, w.parameters->degree());
    w.add_automorphism(g);
    const auto public_key = std::make_shared<const rlwe::PublicKey>(
        must(rlwe::make_public_key(w.key, w.parameters->error_scale(), w.random)));
    const auto by_public_key = must(PublicEncryptor::make(public_key, w.parameters, GetParam().mode));
    std::mt19937_64 choose(seed);

    struct Value {
      Ciphertext c;
      Slots slots;
    };
    std::vector<Value> pool;
    const auto fresh = [&](std::uint64_t kind) {
      const Plaintext p = adversarial(w, kind);
      Ciphertext c = kind % 2 == 0 ? must(w.encryptor.encrypt(p, w.random)) : must(by_public_key.encrypt(p, w.random));
      return Value{std::move(c), w.encoder.decode(p)};
    };
    for (std::uint64_t kind = 0; kind < 12; ++kind) {
      pool.push_back(fresh(kind % 6 + 6 * (kind / 6)));
      expect_bounded(w, pool.back().c, pool.back().slots);
    }
    const auto zip = [&](const Slots& a, const Slots& b, auto f) {
      Slots out(a.size());
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = w.centre(f(Int128{a[i]}, Int128{b[i]}));
      return out;
    };
    const auto times = [](Int128 x, Int128 y) { return x * y; };
    const auto plus = [](Int128 x, Int128 y) { return x + y; };
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      const Value& a = pool[choose() % pool.size()];
      const Value& b = pool[choose() % pool.size()];
      const rlwe::Level both = std::min(a.c.level, b.c.level);
      const Ciphertext x = must(w.evaluator.drop_to(a.c, both)), y = must(w.evaluator.drop_to(b.c, both));
      switch (choose() % 5) {
        case 0: {
          const Ciphertext product = must(w.evaluator.multiply(x, y));
          const Slots slots = zip(a.slots, b.slots, times);
          expect_bounded(w, product, slots);
          Ciphertext two = must(w.evaluator.relinearise(product, w.keys));
          expect_bounded(w, two, slots);
          if (both.value > 0) two = must(w.evaluator.drop_to(two, rlwe::Level{both.value - 1}));
          expect_bounded(w, two, slots);
          pool.push_back({std::move(two), slots});
          break;
        }
        case 1: {
          const Ciphertext sum = must(w.evaluator.add(x, y));
          expect_bounded(w, sum, zip(a.slots, b.slots, plus));
          pool.push_back({sum.clone(), zip(a.slots, b.slots, plus)});
          break;
        }
        case 2: {
          const Plaintext p = adversarial(w, choose());
          const Slots slots = zip(a.slots, w.encoder.decode(p), times);
          Ciphertext product = must(w.evaluator.multiply_plain(x, p));
          expect_bounded(w, product, slots);
          pool.push_back({must(w.evaluator.drop_to(product, rlwe::Level{std::max(0, both.value - 1)})), slots});
          break;
        }
        case 3: {
          Slots slots = a.slots;
          const auto half = static_cast<std::ptrdiff_t>(slots.size() / 2);
          std::rotate(slots.begin(), slots.begin() + 1, slots.begin() + half);
          std::rotate(slots.begin() + half, slots.begin() + half + 1, slots.end());
          const Ciphertext moved = must(w.evaluator.rotate(x, 1, w.keys));
          expect_bounded(w, moved, slots);
          pool.push_back({moved.clone(), slots});
          break;
        }
        default: {
          const std::int64_t s = static_cast<std::int64_t>(choose() % 1000);
          const Plaintext p = adversarial(w, choose());
          const Ciphertext y2 =
              must(w.evaluator.add_scalar(must(w.evaluator.add_plain(must(w.evaluator.multiply_scalar(x, s)), p)), -s));
          const Slots slots = zip(a.slots, w.encoder.decode(p), [&](Int128 u, Int128 v) { return u * s + v - s; });
          expect_bounded(w, y2, slots);
          break;
        }
      }
    }
  }
  EXPECT_GT(measured_, 30);
  RecordProperty("smallest_gap_bits", std::to_string(smallest_));
  RecordProperty("largest_gap_bits", std::to_string(largest_));
  std::printf("  gap between bound and noise: %.1f to %.1f bits over %d ciphertexts\n", smallest_, largest_, measured_);
}

constexpr NoiseModel::Mode kTails = NoiseModel::Mode::tails, kStrict = NoiseModel::Mode::strict;
INSTANTIATE_TEST_SUITE_P(Exact, NoiseTest,
                         ::testing::Values(Case{"bgv_tails_20", {Scheme::bgv, 8, 20, 5}, kTails},
                                           Case{"bgv_tails_33", {Scheme::bgv, 8, 33, 4, 2, 2}, kTails},
                                           Case{"bgv_tails_49", {Scheme::bgv, 7, 49, 4, 3}, kTails},
                                           Case{"bfv_tails_20", {Scheme::bfv, 8, 20, 5}, kTails},
                                           Case{"bfv_tails_45", {Scheme::bfv, 7, 45, 4, 2, 2}, kTails},
                                           Case{"bgv_strict_20", {Scheme::bgv, 7, 20, 4, 2}, kStrict},
                                           Case{"bfv_strict_20", {Scheme::bfv, 7, 20, 4, 2}, kStrict}),
                         [](const auto& test) { return std::string(test.param.name); });

// Each cross term of a product is needed: one operand much noisier than the other, both ways.
TEST_P(NoiseTest, ProductsOfUnequalOperandsStayWithinTheirBounds) {
  World w(41, make_parameters(GetParam().shape), GetParam().mode);
  const std::int64_t factor = 1 << 14;
  for (std::uint64_t kind = 0; kind < 6; ++kind) {
    const Plaintext p = adversarial(w, kind), q = adversarial(w, kind + 1);
    const Slots a = w.encoder.decode(p), b = w.encoder.decode(q);
    Slots slots(a.size());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = w.centre(Int128{w.centre(Int128{a[i]} * factor)} * b[i]);
    const Ciphertext noisy = must(w.evaluator.multiply_scalar(must(w.encryptor.encrypt(p, w.random)), factor));
    const Ciphertext fresh = must(w.encryptor.encrypt(q, w.random));
    expect_bounded(w, must(w.evaluator.multiply(noisy, fresh)), slots);
    expect_bounded(w, must(w.evaluator.multiply(fresh, noisy)), slots);
  }
}

// One plaintext added two hundred times outgrows any fresh error, so its share of the bound is needed.
TEST_P(NoiseTest, RepeatedConstantsStayWithinTheirBounds) {
  World w(43, make_parameters(GetParam().shape), GetParam().mode);
  const Plaintext p = adversarial(w, 0);
  const Slots a = w.encoder.decode(p);
  const std::int64_t constant = static_cast<std::int64_t>(w.parameters->plain_modulus() / 2) - 5;
  Ciphertext x = must(w.encryptor.encrypt(p, w.random)), y = x.clone();
  Slots with_plain(a.size()), with_scalar(a.size());
  for (int i = 0; i < 200; ++i) {
    must(w.evaluator.add_plain_into(x, p));
    must(w.evaluator.add_scalar_into(y, constant));
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    with_plain[i] = w.centre(Int128{a[i]} * 201);
    with_scalar[i] = w.centre(Int128{a[i]} + Int128{constant} * 200);
  }
  expect_bounded(w, x, with_plain);
  expect_bounded(w, y, with_scalar);
}

TEST(AncestryTest, DisjointIsSymmetricAndConstantsShareNothing) {
  const Ancestry a = Ancestry::event(1), b = Ancestry::event(2), none;
  EXPECT_TRUE(a.disjoint(b));
  EXPECT_FALSE(a.disjoint(a));
  EXPECT_FALSE(a.united(b).disjoint(b));
  EXPECT_FALSE(b.disjoint(a.united(b)));
  EXPECT_TRUE(none.disjoint(Ancestry::everything()));
  EXPECT_FALSE(Ancestry::everything().disjoint(a));
  Ancestry many;
  for (std::uint64_t i = 0; i <= Ancestry::kMostEvents; ++i) many = many.united(Ancestry::event(100 + i));
  EXPECT_TRUE(many.is_everything());
  EXPECT_FALSE(many.disjoint(a));
}

TEST(NoiseModelTest, SharedAncestryAndStrictModeNeverGiveSmallerBounds) {
  const auto p = make_parameters({Scheme::bgv, 10, 33, 3, 1});
  const auto norms = rlwe::ternary_norms(p->degree());
  const NoiseModel tails(p->rlwe(), p->plain_modulus(), norms, kTails),
      strict(p->rlwe(), p->plain_modulus(), norms, kStrict);
  const Noise x = tails.fresh_symmetric(Ancestry::event(1)), y = tails.fresh_symmetric(Ancestry::event(2));
  EXPECT_GE(tails.multiply(x, x).coefficient.log2(), tails.multiply(x, y).coefficient.log2());
  EXPECT_GE(tails.fresh_public(Ancestry::event(1)).coefficient.log2(), x.coefficient.log2());
  const Noise sx = strict.fresh_symmetric(Ancestry::event(1)), sy = strict.fresh_symmetric(Ancestry::event(2));
  EXPECT_GE(sx.coefficient.log2() + 1e-9, x.coefficient.log2());
  EXPECT_GE(strict.multiply(sx, sy).coefficient.log2(), tails.multiply(x, y).coefficient.log2());
  const rlwe::Level top = p->max_level(), low{0};
  EXPECT_GE(strict.switch_modulus(sx, top, low, 3, {}).coefficient.log2(),
            tails.switch_modulus(x, top, low, 3, {}).coefficient.log2());
  EXPECT_GE(strict.key_switch(sx, top).coefficient.log2(), tails.key_switch(x, top).coefficient.log2());
}

}  // namespace
}  // namespace prism::exact
