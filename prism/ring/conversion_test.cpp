#include "prism/ring/conversion.h"

#include <gtest/gtest.h>

#include <random>

#include "prism/math/modular.h"
#include "prism/math/natural.h"
#include "prism/math/primes.h"

namespace prism::ring {
namespace {

using math::CrtBasis;
using math::Integer;
using math::Natural;

constexpr std::uint64_t kSeed = 13;
constexpr std::uint64_t kPlain = 8588886017;

std::shared_ptr<const Ring> make_ring(unsigned log_n, std::size_t count, unsigned bits = 50) {
  auto ring = Ring::make(log_n, *math::primes_below(bits, 1 << 18, count));
  check(ring.has_value(), "test ring");
  return *ring;
}

CrtBasis basis_of(const Ring& ring, const PrimeSet& set) {
  std::vector<std::uint64_t> primes;
  for (const std::uint32_t index : set.indexes()) primes.push_back(ring.prime(index));
  return CrtBasis(primes);
}

Natural random_below(const Natural& bound, std::mt19937_64& random) {
  Natural x;
  while (x.bit_length() < bound.bit_length() + 64) x = (x << 64) + Natural(random());
  return divmod(x, bound).second;
}

/// Numbers in [0, B), many of them where rounding is hard: about 0, B/2 and multiples of B/count.
std::vector<Natural> interesting(const Natural& b, std::size_t n, std::mt19937_64& random) {
  std::vector<Natural> values = {Natural(), Natural(1), b - Natural(1), b >> 1, (b >> 1) + Natural(1)};
  for (unsigned shift = 40; shift < 56 && shift < b.bit_length(); ++shift) {
    const Natural step = b >> shift;  // B * 2^-shift: inside and outside of the guard band
    values.push_back((b >> 1) - step);
    values.push_back((b >> 1) + step + Natural(1));
  }
  while (values.size() < n) values.push_back(random_below(b, random));
  return values;
}

Coefficients poly_of(const Ring& ring, const PrimeSet& primes, const std::vector<Natural>& values) {
  Coefficients p(ring, primes);
  for (std::size_t i = 0; i < p.rows(); ++i) {
    for (std::size_t j = 0; j < p.degree(); ++j) p.row(i)[j] = values[j] % p.modulus(i).q;
  }
  return p;
}

/// Whether |x|/B is within count * 2^-49 of 1/2.
bool in_guard_band(const Integer& x, const Natural& b, std::size_t count) {
  Natural distance = b;  // 2 * (B/2 - |x|)
  distance -= x.magnitude;
  distance -= x.magnitude;
  return (distance << 48) <= b * Natural(count);
}

class ConversionTest : public testing::TestWithParam<std::size_t> {};

TEST_P(ConversionTest, AgreesWithBigIntegers) {
  const std::size_t count = GetParam();
  std::mt19937_64 random(kSeed);
  const auto ring = make_ring(10, count + 2);
  // Interleaved, so that sets are no ranges; `to` shares a prime with `from`.
  std::vector<std::uint32_t> indexes;
  for (std::uint32_t i = 0; i < count; ++i) indexes.push_back(i + (i > 0 ? 1 : 0));
  const PrimeSet from(indexes);
  const auto last = static_cast<std::uint32_t>(count + 1);
  const PrimeSet to({0, 1, last});
  const BaseConverter converter(*ring, from, to);
  const auto basis = basis_of(*ring, from);
  const auto values = interesting(basis.product(), ring->degree(), random);
  const auto result = converter.convert(poly_of(*ring, from, values));
  std::size_t banded = 0;
  for (std::size_t j = 0; j < values.size(); ++j) {
    const Integer x = basis.compose_centred(basis.decompose(values[j]));
    const Integer other = {basis.product() - x.magnitude, !x.negative};
    const bool band = count > BaseConverter::kMixedRadix && in_guard_band(x, basis.product(), count);
    banded += band;
    // One of the two representatives, the same for every prime; the centred one outside of the band.
    bool is_centred = true;
    bool is_other = true;
    for (std::size_t i = 0; i < to.size(); ++i) {
      is_centred &= result.row(i)[j] == x % ring->prime(to[i]);
      is_other &= result.row(i)[j] == other % ring->prime(to[i]);
    }
    ASSERT_TRUE(is_centred || (band && is_other))
        << "value " << j << " of seed " << kSeed << ", " << count << " primes";
  }
  EXPECT_GT(banded + (count > BaseConverter::kMixedRadix ? 0 : 3), 2U);
  EXPECT_LT(banded, 40U);
}

INSTANTIATE_TEST_SUITE_P(Primes, ConversionTest, testing::Range<std::size_t>(1, 21));

TEST(BaseConverterTest, PrimesMayDifferInSize) {
  // From large to small primes and back, with the multiple of t nearest to zero: exact in mixed radix.
  std::mt19937_64 random(kSeed);
  auto primes = *math::primes_below(50, 1 << 18, 4);
  for (const unsigned bits : {25U, 40U, 49U}) primes.push_back(math::primes_below(bits, 1 << 18, 1)->front());
  const auto ring = *Ring::make(10, primes);
  const PrimeSet to = ring->all();
  for (const auto& from : {PrimeSet({0}), PrimeSet({4}), PrimeSet({4, 5}), PrimeSet({0, 4}), PrimeSet({1, 4, 5, 6}),
                           PrimeSet({0, 1, 2, 3, 4, 5})}) {
    const auto basis = basis_of(*ring, from);
    const auto values = interesting(basis.product(), ring->degree(), random);
    for (const std::uint64_t t : {std::uint64_t{1}, kPlain}) {
      const auto result = BaseConverter(*ring, from, to, t).convert(poly_of(*ring, from, values));
      for (std::size_t j = 0; j < values.size(); ++j) {
        std::vector<std::uint64_t> over_t;
        for (const std::uint64_t p : basis.primes())
          over_t.push_back(math::multiply_mod(values[j] % p, *math::inverse_mod(t % p, p), p));
        Integer x = basis.compose_centred(over_t);
        x.magnitude = x.magnitude * Natural(t);
        for (std::size_t i = 0; i < to.size(); ++i)
          ASSERT_EQ(result.row(i)[j], x % ring->prime(to[i])) << "value " << j << ", " << from.size() << " primes";
      }
    }
  }
}

TEST(BaseConverterTest, LongRowsAreTiledWithoutSeams) {
  std::mt19937_64 random(kSeed);
  const auto ring = make_ring(11, 5);
  const PrimeSet from = PrimeSet::range(0, 3);
  const PrimeSet to = PrimeSet::range(3, 2);
  const auto basis = basis_of(*ring, from);
  std::vector<Natural> values;
  while (values.size() < ring->degree()) values.push_back(random_below(basis.product(), random));
  const auto result = BaseConverter(*ring, from, to).convert(poly_of(*ring, from, values));
  for (std::size_t j = 0; j < values.size(); ++j) {
    const Integer x = basis.compose_centred(basis.decompose(values[j]));
    for (std::size_t i = 0; i < to.size(); ++i) ASSERT_EQ(result.row(i)[j], x % ring->prime(to[i])) << j;
  }
}

struct DividerCase {
  unsigned log_n;
  std::vector<std::uint32_t> keep, divisor;
  std::uint64_t t;
};

class DividerTest : public testing::TestWithParam<DividerCase> {};

// result * D = x - delta with delta = x mod D, delta = 0 mod t and |delta| <= t*D/2 (1 + slack): together these say
// that the division is right; x, result and delta are compared as integers modulo the product of the kept primes.
TEST_P(DividerTest, TakesAwayASmallMultipleOfTAndDividesExactly) {
  const auto& c = GetParam();
  std::mt19937_64 random(kSeed);
  const auto ring = make_ring(c.log_n, 8);
  const PrimeSet keep(c.keep);
  const PrimeSet divisor(c.divisor);
  const PrimeSet all = keep.united(divisor);
  const Divider divider(*ring, keep, divisor, c.t);
  const auto whole = basis_of(*ring, all);
  const auto kept = basis_of(*ring, keep);
  const auto divided = basis_of(*ring, divisor);
  const Natural& d = divided.product();
  auto values = interesting(whole.product(), ring->degree(), random);
  // x = k*t*D + t*c with c near +-D/2, where rounding decides; and exact multiples, where nothing may be lost.
  for (std::size_t i = 40; i < 60; ++i) {
    const Natural multiple = d * Natural(random() >> 40) * Natural(c.t);
    values[i] = divmod(multiple + ((d >> 1) + Natural(i - 50)) * Natural(c.t), whole.product()).second;
    values[i + 20] = multiple;
  }
  const auto x = poly_of(*ring, all, values);
  const auto result = divider.divide(x);
  ASSERT_EQ(result.primes(), keep);
  EXPECT_EQ(to_coefficients(divider.divide(to_evaluations(x.clone()))), result) << "the domains disagree";

  std::size_t banded = 0;
  for (std::size_t j = 0; j < values.size(); ++j) {
    // The reference delta: t * centred(x * t^-1 mod D).
    std::vector<std::uint64_t> residues;
    for (const std::uint64_t p : divided.primes()) {
      residues.push_back(math::multiply_mod(values[j] % p, *math::inverse_mod(c.t % p, p), p));
    }
    const Integer centred = divided.compose_centred(residues);
    const bool band = divisor.size() > BaseConverter::kMixedRadix && in_guard_band(centred, d, divisor.size());
    banded += band;
    bool found = false;
    std::vector<Integer> candidates = {centred};
    if (band) candidates.push_back({d - centred.magnitude, !centred.negative});
    for (const Integer& quotient : candidates) {
      const Integer delta = {quotient.magnitude * Natural(c.t), quotient.negative};
      // delta agrees with x modulo D and is a multiple of t by construction: check the former.
      for (const std::uint64_t p : divided.primes()) ASSERT_EQ(delta % p, values[j] % p);
      bool agrees = true;
      for (std::size_t i = 0; i < keep.size(); ++i) {
        const std::uint64_t p = ring->prime(keep[i]);
        const std::uint64_t left = math::multiply_mod(result.row(i)[j], d % p, p);
        agrees &= left == math::subtract_mod(values[j] % p, delta % p, p);
      }
      found |= agrees;
    }
    ASSERT_TRUE(found) << "value " << j << " of seed " << kSeed;
    // As integers: centred x = result * D + delta holds without wrapping when x is far from half the modulus.
    const Integer whole_x = whole.compose_centred(whole.decompose(values[j]));
    std::vector<std::uint64_t> row;
    for (std::size_t i = 0; i < keep.size(); ++i) row.push_back(result.row(i)[j]);
    const Integer y = kept.compose_centred(row);
    if (whole_x.magnitude.bit_length() + 40 < whole.product().bit_length() && c.t == 1) {
      // Plain rounding: |x - y*D| <= D/2, up to the guard band.
      const Natural yd = y.magnitude * d;
      const Natural distance = y.negative != whole_x.negative && !y.magnitude.is_zero() ? yd + whole_x.magnitude
                               : yd > whole_x.magnitude                                 ? yd - whole_x.magnitude
                                                                                        : whole_x.magnitude - yd;
      ASSERT_LE(distance, (d >> 1) + (d >> 45));
    }
  }
  EXPECT_LT(banded, 70U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, DividerTest,
                         testing::Values(DividerCase{10, {0, 1, 2}, {3}, 1}, DividerCase{10, {0, 1, 2}, {3}, kPlain},
                                         DividerCase{10, {0}, {1}, kPlain}, DividerCase{10, {0, 2, 4}, {1, 3}, 1},
                                         DividerCase{10, {0, 2, 4}, {1, 3}, kPlain},
                                         DividerCase{10, {0, 1, 2, 3}, {4, 5, 6, 7}, 1},
                                         DividerCase{10, {0, 1, 2, 3}, {4, 5, 6, 7}, kPlain},
                                         DividerCase{7, {1, 2, 3}, {0}, 65537}, DividerCase{7, {1, 2}, {0, 5}, 65537}));

TEST(DividerMessageTest, AreDividedModuloT) {
  // What BGV needs: for x = m + t*e modulo Q, the result is m * D^-1 mod t plus a multiple of t, in small integers.
  std::mt19937_64 random(kSeed);
  const auto ring = make_ring(10, 3);
  const PrimeSet keep = PrimeSet::range(0, 2);
  const PrimeSet divisor({2});
  const auto whole = basis_of(*ring, ring->all());
  const auto kept = basis_of(*ring, keep);
  const std::uint64_t d = ring->prime(2);
  const std::uint64_t inverse = *math::inverse_mod(d % kPlain, kPlain);
  std::vector<Natural> values;
  std::vector<std::uint64_t> messages;
  for (std::size_t j = 0; j < ring->degree(); ++j) {
    messages.push_back(random() % kPlain);
    values.push_back(Natural(messages[j]) + Natural(random()) * Natural(kPlain));
  }
  const auto result = Divider(*ring, keep, divisor, kPlain).divide(poly_of(*ring, ring->all(), values));
  for (std::size_t j = 0; j < values.size(); ++j) {
    const std::vector<std::uint64_t> row = {result.row(0)[j], result.row(1)[j]};
    const Integer y = kept.compose_centred(row);
    ASSERT_EQ(y % kPlain, math::multiply_mod(messages[j], inverse, kPlain)) << "seed " << kSeed;
    // |y| <= x/D + t/2
    ASSERT_LE(y.magnitude * Natural(d), values[j] + Natural(kPlain) * Natural(d / 2 + 1)) << "seed " << kSeed;
  }
}

}  // namespace
}  // namespace prism::ring
