// A thousand samples of every operation's error, all slots of each: the variance is what theory says, and the largest
// is below the bound but not far. PRISM_LONG=1 takes a larger ring.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "prism/ckks/internal/testing.h"

namespace prism::ckks {
namespace {

using testing::make_parameters;
using testing::must;
using testing::World;
using Slots = std::vector<Complex>;
constexpr secret::RevealKey kReveal{};
constexpr int kSamples = 1000;

bool long_version() { return std::getenv("PRISM_LONG") != nullptr; }

Slots moved(Slots slots, int steps) {
  std::rotate(slots.begin(), slots.begin() + steps, slots.end());
  return slots;
}

class NoiseStatisticsTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  // Messages are zero: every slot is error alone, so that doubles hold all of it.
  World w{17, make_parameters(
                  {.log_n = long_version() ? 11U : 7U, .scale_bits = 40, .depth = 2, .digit_size = GetParam()})};
  const Evaluator& e = w.evaluator;
  const double n = static_cast<double>(w.parameters->degree());
  const Slots zero = Slots(w.parameters->slots());
  ring::Workspace workspace;

  double key_square() const {
    double sum = 0;
    for (const std::int32_t c : w.key.coefficients(kReveal)) sum += c * c;
    return sum;
  }
  /// E|tau0 + tau1 s + tau2 s^2|^2 at a root: coefficients uniform in +-1/2.
  double rounding() const { return n / 12 * (1 + key_square()); }
  /// Of sum over digits d_j e_j / P: digits uniform below their product, errors of sigma 3.2.
  double switching(rlwe::Level level) const {
    const rlwe::Parameters& rlwe = w.parameters->rlwe();
    const double log2_special = rlwe.ring().log2_product(rlwe.special_primes());
    const auto size = static_cast<std::uint32_t>(rlwe.primes(level).size());
    double sum = 0;
    for (std::uint32_t first = 0; first < size; first += GetParam()) {
      const auto digit = ring::PrimeSet::range(first, std::min(GetParam(), size - first));
      sum += std::exp2(2 * (rlwe.ring().log2_product(digit) - log2_special)) / 12;
    }
    return sum * n * n * ring::kSigma * ring::kSigma;
  }

  /// `sample` returns how far a result is from what it should be in every slot, in units of 1/scale.
  void compare(const char* name, double variance, double bound_log2, const std::function<Slots()>& sample) {
    double square = 0, largest = 0;
    for (int i = 0; i < kSamples; ++i) {
      for (const Complex& x : sample()) {
        square += std::norm(x);
        largest = std::max(largest, std::abs(x));
      }
    }
    square /= kSamples * n / 2;
    RecordProperty(std::string(name) + "_variance_over_theory", std::to_string(square / variance));
    RecordProperty(std::string(name) + "_bound_gap_bits", std::to_string(bound_log2 - std::log2(largest)));
    // The errors in keys are drawn once, so their norm is off by a few tenths of its square.
    EXPECT_NEAR(std::log2(square / variance), 0, 0.4) << name;
    EXPECT_LE(std::log2(largest), bound_log2) << name;
    EXPECT_GE(std::log2(largest), bound_log2 - 9) << name << ": the bound is far from what happens";
  }
  static Slots difference(const Slots& a, const Slots& b, double scale_log2) {
    Slots out(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) out[i] = (a[i] - b[i]) * std::exp2(scale_log2);
    return out;
  }
  static double bound(const Noise& noise, const Scale& scale) { return noise.error.log2() + scale.log2(); }
};

TEST_P(NoiseStatisticsTest, ErrorsAreAsLargeAsTheoryAndBelowTheirBounds) {
  w.add_relinearisation();
  for (const int steps : {1, 2}) w.add_rotation(steps);
  const NoiseModel& model = e.noise_model();
  const Scale& top = w.parameters->scale(w.parameters->max_level());
  const rlwe::Level level = w.parameters->max_level(), lower{level.value - 1};
  const double fresh = n * ring::kSigma * ring::kSigma;
  const Noise none;

  const Plaintext p(w.parameters, top, none);
  compare("encrypt_symmetric", fresh, bound(model.fresh_symmetric(none, top), top),
          [&] { return difference(w.decrypt(w.encrypt(zero)), zero, top.log2()); });
  {
    // Many keys: the error of one key meets every mask.
    std::shared_ptr<rlwe::PublicKey> key;
    int count = 0;
    std::unique_ptr<PublicEncryptor> by_public_key;
    compare("encrypt_public", fresh * (1 + 2 * n / 3 + key_square()), bound(model.fresh_public(none, top), top), [&] {
      if (count++ % 50 == 0) {
        key = std::make_shared<rlwe::PublicKey>(must(rlwe::make_public_key(w.key, 1, w.random)));
        by_public_key = std::make_unique<PublicEncryptor>(must(PublicEncryptor::make(key, w.parameters)));
      }
      return difference(w.decrypt(must(by_public_key->encrypt(p, w.random))), zero, top.log2());
    });
  }
  Ciphertext out;
  compare("rescale", rounding(), bound(model.rescale(none, Scale(), 2), Scale()), [&] {
    const Ciphertext x = w.encrypt(zero);
    must(e.rescale(out, x, workspace));
    return difference(w.decrypt(out), w.decrypt(x), out.scale.log2());
  });
  compare("rotate", switching(level) + rounding(), bound(model.key_switch(none, Scale(), level), Scale()), [&] {
    const Ciphertext x = w.encrypt(zero);
    must(e.rotate(out, x, 1, w.keys, workspace));
    return difference(w.decrypt(out), moved(w.decrypt(x), 1), top.log2());
  });
  compare("relinearise", switching(lower) + rounding(), bound(model.key_switch(none, Scale(), lower), Scale()), [&] {
    const Ciphertext x = w.encrypt(zero, lower.value, 0), y = w.encrypt(zero, lower.value, 0);
    const Ciphertext three = must(e.multiply(x, y));
    must(e.relinearise(out, three, w.keys, workspace));
    return difference(w.decrypt(out), w.decrypt(three), three.scale.log2());
  });
  {
    // One division: the switch's error shrinks by the dropped prime and is gone.
    const Scale after = (top * top).divided_by(w.parameters->dropped_primes(level));
    const Noise all = model.rescale(model.key_switch(none, top * top, level), after, 2);
    compare("multiply_relinearise_rescale", rounding(), bound(all, after), [&] {
      const Ciphertext x = w.encrypt(zero), y = w.encrypt(zero);
      must(e.multiply_relinearise_rescale(out, x, y, w.keys, workspace));
      return difference(w.decrypt(out), w.decrypt(must(e.multiply(x, y))), out.scale.log2());
    });
  }
  {
    // Two switches, one division.
    const Noise one = model.key_switch(none, Scale(), level);
    compare("rotations_summed", 2 * switching(level) + rounding(),
            bound(model.rescale(NoiseModel::add(one, one), Scale(), 2), Scale()), [&] {
              const Ciphertext x = w.encrypt(zero);
              const auto hoisted = must(e.hoist(x));
              ExtendedCiphertext sum;
              for (const int steps : {1, 2}) must(e.rotate_add(sum, hoisted, steps, w.keys, workspace));
              must(e.finish(out, sum, workspace));
              const Slots start = w.decrypt(x), one_on = moved(start, 1), two_on = moved(start, 2);
              Slots both(start.size());
              for (std::size_t i = 0; i < both.size(); ++i) both[i] = one_on[i] + two_on[i];
              return difference(w.decrypt(out), both, top.log2());
            });
  }
}

INSTANTIATE_TEST_SUITE_P(PrimesPerDigit, NoiseStatisticsTest, ::testing::Values(1U, 2U));

}  // namespace
}  // namespace prism::ckks
