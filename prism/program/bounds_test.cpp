// Noise bounds of whole circuits: every node of the circuits that conditions are made of, on plaintexts chosen to make
// noise large and on operands that are as correlated as they can be, stays within what the evaluator says, and that
// within what the analysis says beforehand.
#include <gtest/gtest.h>

#include <random>

#include "prism/exact/decryptor.h"
#include "prism/exact/encoder.h"
#include "prism/exact/encryptor.h"
#include "prism/host/system.h"
#include "prism/math/modular.h"
#include "prism/program/analysis.h"
#include "prism/program/builder.h"
#include "prism/program/executor.h"

namespace prism::program {
namespace {

constexpr std::uint64_t kT = 8588886017;
constexpr int kTop = 4;
constexpr double kRounding = 1e-9;  // bounds are rounded upwards, once per block here and once for all there

/// Which plaintexts the cells hold, in coefficients, where noise lives.
enum class Cells { slots_of_ones, all_half, alternating, chirp, equal_random };

class World final : public Inputs {
 public:
  World(unsigned log_n, Cells cells, std::uint64_t blocks)
      : parameters_(make(log_n)),
        key_(must(rlwe::SecretKey::generate(parameters_->rlwe_ptr(), random_))),
        keys_(parameters_->rlwe_ptr()),
        evaluator_(parameters_),
        cells_(cells),
        blocks_(blocks) {
    keys_.add(must(rlwe::make_switch_key(key_, {rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{kTop}},
                                         parameters_->error_scale(), random_)));
    for (const auto g : packing_elements(parameters_->degree()))
      keys_.add(must(rlwe::make_switch_key(key_, {rlwe::KeyId::Kind::automorphism, g, rlwe::Level{kPackLevel}},
                                           parameters_->error_scale(), random_)));
  }

  template <class T>
  static T must(Result<T> result) {
    check(result.has_value(), result ? "" : result.error().message);
    return *std::move(result);
  }

  std::uint64_t blocks() const override { return blocks_; }
  std::uint64_t rows_in_block(std::uint64_t block) const override {
    return block + 1 == blocks_ ? parameters_->slots() - 5 : parameters_->slots();
  }
  Result<exact::Ciphertext> load(std::uint32_t cell, std::uint64_t block, rlwe::Level level) const override {
    const std::uint64_t half = kT / 2;
    exact::Plaintext p(parameters_);
    if (cells_ == Cells::slots_of_ones) {
      PRISM_TRY(p, exact::Encoder(parameters_).encode(std::vector<std::int64_t>(parameters_->slots(), 1)));
    }
    std::mt19937_64 same(99);  // the same numbers in every cell
    // What is encrypted is f*m: the coefficients wanted are those of the product.
    const std::uint64_t back = *math::inverse_mod(parameters_->correction(level), kT);
    for (std::size_t k = 0; k < p.coefficients().size() && cells_ != Cells::slots_of_ones; ++k) {
      const bool up = cells_ == Cells::all_half      ? true
                      : cells_ == Cells::alternating ? k % 2 == 0
                      : cells_ == Cells::chirp       ? (k * k / 2) % 2 == 0
                                                     : same() % 2 == 0;
      p.coefficients()[k] = math::multiply_mod(up ? half : half + 1, back, kT);
    }
    const exact::SymmetricEncryptor encryptor(key_, parameters_);
    ring::Seed seed{};
    seed[0] = static_cast<std::uint8_t>(cell);
    std::array<std::uint8_t, 32> errors{};
    errors[1] = static_cast<std::uint8_t>(cell);
    PRISM_TRY(const auto c, encryptor.encrypt(p, level, seed, block, ring::SecretSeed(errors), block));
    exact::Ciphertext out = exact::expand(c);
    out.noise.ancestry = exact::Ancestry::event(cell);  // as a sealed table names it
    return out;
  }

  /// Every node's noise, measured with the key, is within the evaluator's bound. Outputs agree with the analysis.
  void expect_bounded(const Program& program) {
    const exact::Decryptor decryptor(key_, parameters_);
    double closest = 1e9;
    std::vector<exact::Ciphertext> values;
    for (std::size_t n = 0; n < program.nodes.size(); ++n) {
      values.push_back(must(evaluate(program.nodes[n], values)));
      const exact::Ciphertext& c = values.back();
      const double bound = c.noise.coefficient.log2(), room = parameters_->rlwe().log2_q(c.level) - 1;
      if (bound >= room) continue;
      const double measured = must(decryptor.measured_noise(c));
      EXPECT_LE(measured, bound) << "node " << n << " " << name_of(program.nodes[n].op) << ", level " << c.level.value;
      closest = std::min(closest, bound - measured);
    }
    EXPECT_LT(closest, 8) << "the bounds should be near what happens somewhere";

    const Analysis analysis = must(analyse(program, *parameters_, blocks_));
    Serial serial;
    const Outcome outcome = must(run(program, evaluator_, keys_, *this, serial));
    for (const auto& sample : outcome.samples) {
      EXPECT_LE(sample.noise.log2(), analysis.final_noise.log2() + kRounding);
      EXPECT_TRUE(decryptor.decrypt_lwe(sample));
    }
    for (const auto& packed : outcome.packed) {
      EXPECT_LE(packed.noise.coefficient.log2(), analysis.final_noise.log2() + kRounding);
      EXPECT_LE(must(decryptor.measured_noise(packed)), packed.noise.coefficient.log2());
    }
  }

  const std::shared_ptr<const exact::Parameters>& parameters() const { return parameters_; }

 private:
  static std::shared_ptr<const exact::Parameters> make(unsigned log_n) {
    rlwe::ParameterSpec spec;
    spec.log_n = log_n;
    spec.security = rlwe::Security::none_for_tests;
    const auto primes = must(rlwe::choose_primes(50, kTop + 2));
    spec.special_primes = {primes.front()};
    spec.primes.assign(primes.begin() + 1, primes.end());
    return must(exact::Parameters::make(std::move(spec), kT, exact::Scheme::bgv));
  }
  Result<exact::Ciphertext> evaluate(const Instruction& i, const std::vector<exact::Ciphertext>& v) {
    switch (i.op) {
      case Op::input:
        return load(i.cell, 0, rlwe::Level{i.level});
      case Op::add:
        return v[i.a].parts.size() < v[i.b].parts.size() ? evaluator_.add(v[i.b], v[i.a])
                                                         : evaluator_.add(v[i.a], v[i.b]);
      case Op::subtract:
        return evaluator_.subtract(v[i.a], v[i.b]);
      case Op::multiply_scalar:
        return evaluator_.multiply_scalar(v[i.a], i.scalar);
      case Op::add_rows:
        return evaluator_.add_scalar(v[i.a], i.scalar);
      case Op::multiply:
        return evaluator_.multiply(v[i.a], v[i.b]);
      case Op::as_product: {
        exact::Ciphertext c = v[i.a].clone();
        const std::uint64_t f = c.correction;
        PRISM_CHECKED(evaluator_.multiply_scalar_into(c, static_cast<std::int64_t>(f)));
        c.correction = math::multiply_mod(f, f, kT);
        return c;
      }
      case Op::relinearise:
        return evaluator_.relinearise(v[i.a], keys_);
      case Op::drop:
        return evaluator_.drop_to(v[i.a], rlwe::Level{i.level});
    }
    return fail(ErrorCode::unsupported, "no such Op");
  }

  host::SystemRandom random_;
  std::shared_ptr<const exact::Parameters> parameters_;
  rlwe::SecretKey key_;
  rlwe::EvaluationKeys keys_;
  exact::Evaluator evaluator_;
  Cells cells_;
  std::uint64_t blocks_;
};

/// The comparison of digits: (lt, eq) pairs joined in a balanced tree. `cell` names the cell of a threshold.
template <class F>
Node comparison(Builder& b, int digits, F cell) {
  std::vector<Node> lt, eq;
  for (int i = 0; i < digits; ++i) {
    const Node x = b.input(cell(2 * i), kTop);
    lt.push_back(b.add_rows(b.scale(x, -1), 1));
    eq.push_back(b.subtract(x, b.input(cell(2 * i + 1), kTop)));
  }
  while (lt.size() > 1) {
    std::vector<Node> lt2, eq2;
    for (std::size_t i = 0; i + 1 < lt.size(); i += 2) {
      lt2.push_back(*b.combine({{1, eq[i], lt[i + 1]}}, {{1, lt[i]}}, 0));
      eq2.push_back(*b.multiply(eq[i], eq[i + 1]));
    }
    lt = lt2;
    eq = eq2;
  }
  return lt[0];
}

using Make = Program (*)(const std::shared_ptr<const exact::Parameters>&);

/// Two thresholds of one column share every cell but one; their OR multiplies what is nearly the same.
Program both_ends(const std::shared_ptr<const exact::Parameters>& p) {
  Builder b(p);
  const Node low = comparison(b, 4, [](int i) { return static_cast<std::uint32_t>(i); });
  const Node high = comparison(b, 4, [](int i) { return static_cast<std::uint32_t>(i == 7 ? 8 : i); });
  const Node either = *b.combine({{-1, low, high}}, {{1, low}, {1, high}}, 1);
  b.output(b.product(either, b.input(9, 1)));
  b.output(b.product(either, either));
  b.output(either);
  return b.finish(Delivery::samples);
}

/// x^16 by squaring: every operand is its own other operand.
Program squarings(const std::shared_ptr<const exact::Parameters>& p) {
  Builder b(p);
  Node x = b.input(0, kTop);
  for (int i = 0; i < kTop - 1; ++i) x = *b.multiply(x, x);
  b.output(b.product(x, x));
  b.output(b.product(x, b.input(1, 1)));
  return b.finish(Delivery::samples);
}

/// Sums of terms that share everything: 2^k x, x - (x dropped twice over different ways), products of one pair.
Program sums(const std::shared_ptr<const exact::Parameters>& p) {
  Builder b(p);
  const Node x = b.input(0, kTop), y = b.input(1, kTop);
  Node doubled = x;
  for (int i = 0; i < 6; ++i) doubled = b.add(doubled, doubled);
  const Node xy = *b.multiply(x, y);
  const Node again = *b.combine({{1, x, y}, {1, x, x}, {-1, y, y}, {3, b.add(x, y), b.subtract(x, y)}}, {{5, x}}, -1);
  const Node lower = b.add(b.drop_to(x, kTop - 1), b.subtract(xy, again));
  const Node slow = b.drop_to(b.drop_to(lower, kTop - 2), kTop - 3), fast = b.drop_to(lower, kTop - 3);
  b.output(b.product(slow, fast));
  b.output(b.product(b.drop_to(doubled, 1), b.drop_to(b.scale(y, 64), 1)));
  b.output(b.subtract(slow, fast));
  return b.finish(Delivery::packed);
}

TEST(BoundsTest, EveryNodeOfEveryCircuitStaysWithinItsBound) {
  for (const auto cells :
       {Cells::slots_of_ones, Cells::all_half, Cells::alternating, Cells::chirp, Cells::equal_random}) {
    const bool larger = cells == Cells::chirp || cells == Cells::all_half;
    for (const Make make : {both_ends, squarings, sums}) {
      SCOPED_TRACE(static_cast<int>(cells));
      World world(larger ? 11 : 10, cells, 3);
      world.expect_bounded(make(world.parameters()));
    }
  }
}

}  // namespace
}  // namespace prism::program
