// The canonical embedding against its definition, and its laws.
#include "prism/ckks/encoder.h"

#include <gtest/gtest.h>

#include <limits>

#include "prism/ckks/internal/testing.h"

namespace prism::ckks {
namespace {

using testing::distance_log2;
using testing::make_parameters;
using testing::must;
using testing::World;
constexpr secret::RevealKey kReveal{};

std::span<const Complex> view(const std::vector<Complex>& slots) { return slots; }

/// m(zeta^(5^i)) / scale by summing, in long double.
Complex at_root(const Plaintext& p, std::size_t slot) {
  const std::size_t n = p.parameters().degree();
  std::size_t power = 1;
  for (std::size_t i = 0; i < slot; ++i) power = power * 5 % (2 * n);
  std::complex<long double> sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const long double angle =
        std::numbers::pi_v<long double> * static_cast<long double>(k * power % (2 * n)) / static_cast<long double>(n);
    sum += static_cast<long double>(p.coefficients(kReveal)[k]) * std::polar(1.0L, angle);
  }
  const long double scale = std::exp2(static_cast<long double>(p.scale().log2()));
  return {static_cast<double>(sum.real() / scale), static_cast<double>(sum.imag() / scale)};
}

TEST(EncoderTest, SlotsAreValuesAtPowersOfFive) {
  World w(1, make_parameters({.log_n = 6}));
  const auto slots = w.random_slots(3);
  const Plaintext p = must(w.encoder.encode(view(slots), Scale::power_of_two(45), 3));
  for (std::size_t i = 0; i < slots.size(); ++i)
    EXPECT_LE(std::log2(std::abs(at_root(p, i) - slots[i])), p.noise().error.log2()) << i;
}

TEST(EncoderTest, DecodingUndoesEncodingWithinTheBound) {
  for (const unsigned log_n : {3U, 4U, 8U, 13U}) {
    for (const unsigned bits : {20U, 45U, 60U, 100U}) {
      World w(log_n * 100 + bits, make_parameters({.log_n = log_n}));
      for (const double largest : {0x1p-30, 1.0, 1000.0}) {
        const auto slots = w.random_slots(largest);
        const Plaintext p = must(w.encoder.encode(view(slots), Scale::power_of_two(bits), largest));
        const math::Bound decoding = w.encoder.transform_error(p.noise().magnitude + p.noise().error);
        EXPECT_LE(distance_log2(w.encoder.decode(p), slots), (p.noise().error + decoding).log2())
            << log_n << " " << bits;
        // Double precision, and not only within a bound that says little.
        if (bits == 100) {
          EXPECT_LT(distance_log2(w.encoder.decode(p), slots), std::log2(largest) - 46);
        }
      }
    }
  }
}

TEST(EncoderTest, RealValuesAndShortSpansAreZeroPadded) {
  World w(2, make_parameters({.log_n = 7}));
  const std::vector<double> values = {1, -2.5, 3.25};
  const Plaintext p = must(w.encoder.encode(std::span<const double>(values), rlwe::Level{2}, 4));
  EXPECT_EQ(p.scale(), w.parameters->scale(rlwe::Level{2}));
  const auto back = w.encoder.decode_real(p);
  ASSERT_EQ(back.size(), 64U);
  for (std::size_t i = 0; i < back.size(); ++i) EXPECT_NEAR(back[i], i < 3 ? values[i] : 0, 1e-9);
}

TEST(EncoderTest, AutomorphismsRotateAndConjugate) {
  World w(3, make_parameters({.log_n = 8}));
  const auto slots = w.random_slots();
  const std::size_t n = w.parameters->degree(), half = n / 2;
  const Plaintext p = must(w.encoder.encode(view(slots), Scale::power_of_two(40), 1));
  const auto moved = [&](std::uint32_t g) {
    Plaintext out(w.parameters, p.scale(), p.noise());
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t to = k * g % (2 * n);
      out.coefficients(kReveal)[to % n] = to < n ? p.coefficients(kReveal)[k] : -p.coefficients(kReveal)[k];
    }
    return w.encoder.decode(out);
  };
  for (const int steps : {1, 2, 5, -1, 100}) {
    const auto found = moved(rlwe::galois_element_for_rotation(steps, n));
    const auto shift = static_cast<std::size_t>((steps + static_cast<int>(half)) % static_cast<int>(half));
    std::vector<Complex> wanted(half);
    for (std::size_t i = 0; i < half; ++i) wanted[i] = slots[(i + shift) % half];
    EXPECT_LT(distance_log2(found, wanted), -30) << steps;
  }
  std::vector<Complex> conjugated;
  for (const Complex& x : slots) conjugated.push_back(std::conj(x));
  EXPECT_LT(distance_log2(moved(rlwe::galois_element_for_conjugation(n)), conjugated), -30);
}

TEST(EncoderTest, ConstantsAreTwoIntegers) {
  World w(4, make_parameters({.log_n = 6}));
  const Scale scale = w.parameters->scale(rlwe::Level{1});
  const Constant third = *Constant::ratio(1, 3), minus(-2);
  const Plaintext p = must(w.encoder.encode_constant(third, minus, scale));
  for (std::size_t k = 0; k < 64; ++k) {
    const Int128 wanted = k == 0 ? *third.times(scale) : k == 32 ? *minus.times(scale) : 0;
    EXPECT_TRUE(p.coefficients(kReveal)[k] == wanted) << k;
  }
  const std::vector<Complex> expected(32, Complex(1.0 / 3, -2));
  EXPECT_LT(distance_log2(w.encoder.decode(p), expected), -38);
  EXPECT_LT(distance_log2(w.encoder.decode(must(w.encoder.encode_constant(third, scale))),
                          std::vector<Complex>(32, Complex(1.0 / 3, 0))),
            -38);
}

TEST(EncoderTest, RefusesWhatWasNotDeclared) {
  World w(5, make_parameters({.log_n = 4}));
  const auto code = [&](std::vector<Complex> slots, unsigned bits, double largest) {
    const auto result = w.encoder.encode(view(slots), Scale::power_of_two(bits), largest);
    return result ? "" : std::string(name_of(result.error().code));
  };
  const std::string bad(name_of(ErrorCode::invalid_argument));
  EXPECT_EQ(code({{1, 0}}, 40, 1), "");
  EXPECT_EQ(code({{0.8, 0.8}}, 40, 1), bad);
  EXPECT_EQ(code({{std::nan(""), 0}}, 40, 1), bad);
  EXPECT_EQ(code({{0, std::numeric_limits<double>::infinity()}}, 40, 1e30), bad);
  EXPECT_EQ(code({{1, 0}}, 40, -1), bad);
  EXPECT_EQ(code({{1, 0}}, 40, std::nan("")), bad);
  EXPECT_EQ(code({{1, 0}}, 110, 0x1p9), bad);
  EXPECT_EQ(code({{1, 0}}, 110, 0x1p8), "");
  EXPECT_EQ(code(std::vector<Complex>(9), 40, 1), bad);
  EXPECT_EQ(w.encoder.encode(std::span<const Complex>(), rlwe::Level{9}, 1).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace prism::ckks
