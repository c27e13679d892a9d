#include "prism/ring/poly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "prism/math/modular.h"
#include "prism/math/primes.h"

namespace prism::ring {
namespace {

constexpr std::uint64_t kSeed = 11;

template <class P>
concept Multipliable = requires(P& a, const P& b) { multiply_into(a, b); };
static_assert(Multipliable<Evaluations>);
static_assert(!Multipliable<Coefficients>, "a product of coefficient vectors must not compile");
static_assert(!std::is_copy_constructible_v<Coefficients> && !std::is_copy_assignable_v<Evaluations>);
template <class A, class B>
concept Addable = requires(A& a, const B& b) { add_into(a, b); };
static_assert(Addable<Coefficients, Coefficients> && !Addable<Coefficients, Evaluations>);

std::shared_ptr<const Ring> make_ring(unsigned log_n, const std::vector<std::uint64_t>& primes) {
  auto ring = Ring::make(log_n, primes);
  check(ring.has_value(), ring.has_value() ? "" : ring.error().message);
  return *ring;
}

/// Rings of every kind: tiny degrees, small and large primes, a length that the vector kernels take.
std::vector<std::shared_ptr<const Ring>> rings() {
  std::vector<std::shared_ptr<const Ring>> result;
  for (unsigned log_n : {1U, 2U, 3U, 5U}) result.push_back(make_ring(log_n, {193, 257, 40961}));
  result.push_back(make_ring(4, *math::primes_below(50, 32, 3)));
  result.push_back(make_ring(10, {*math::primes_below(50, 1 << 18, 2)}));
  result.push_back(make_ring(10, {12289, 8588886017}));
  return result;
}

Coefficients random_poly(const Ring& ring, const PrimeSet& primes, std::mt19937_64& random) {
  Coefficients p(ring, primes);
  for (std::size_t i = 0; i < p.rows(); ++i) {
    for (auto& c : p.row(i)) c = random() % 16 == 0 ? p.modulus(i).q - 1 : random() % p.modulus(i).q;
  }
  return p;
}

Evaluations transformed(const Coefficients& p) { return to_evaluations(p.clone()); }
Coefficients back(const Evaluations& p) { return to_coefficients(p.clone()); }

/// The definition of the product modulo X^N + 1.
Coefficients naive_product(const Coefficients& a, const Coefficients& b) {
  Coefficients result(a.ring(), a.primes());
  const std::size_t n = a.degree();
  for (std::size_t i = 0; i < a.rows(); ++i) {
    const std::uint64_t q = a.modulus(i).q;
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < n; ++k) {
        const std::uint64_t term = math::multiply_mod(a.row(i)[j], b.row(i)[k], q);
        auto& place = result.row(i)[(j + k) % n];
        place = j + k < n ? math::add_mod(place, term, q) : math::subtract_mod(place, term, q);
      }
    }
  }
  return result;
}

template <Domain D>
Poly<D> sum(const Poly<D>& a, const Poly<D>& b) {
  auto result = a.clone();
  add_into(result, b);
  return result;
}
Evaluations product(const Evaluations& a, const Evaluations& b) {
  auto result = a.clone();
  multiply_into(result, b);
  return result;
}

TEST(PolyTest, TransformsUndoEachOther) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    const auto a = random_poly(*ring, ring->all(), random);
    EXPECT_EQ(back(transformed(a)), a) << "N " << ring->degree() << " seed " << kSeed;
  }
}

TEST(PolyTest, ProductOfEvaluationsIsTheNegacyclicProduct) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    const auto a = random_poly(*ring, ring->all(), random);
    const auto b = random_poly(*ring, ring->all(), random);
    EXPECT_EQ(back(product(transformed(a), transformed(b))), naive_product(a, b))
        << "N " << ring->degree() << " seed " << kSeed;
  }
}

TEST(PolyTest, RingAxiomsHold) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    SCOPED_TRACE(testing::Message() << "N " << ring->degree() << " seed " << kSeed);
    const auto ca = random_poly(*ring, ring->all(), random);
    const auto cb = random_poly(*ring, ring->all(), random);
    const auto a = transformed(ca);
    const auto b = transformed(cb);
    const auto c = transformed(random_poly(*ring, ring->all(), random));
    const Evaluations zero(*ring, ring->all());
    EXPECT_EQ(sum(a, b), sum(b, a));
    EXPECT_EQ(sum(sum(a, b), c), sum(a, sum(b, c)));
    EXPECT_EQ(sum(a, zero), a);
    auto negated = a.clone();
    negate_into(negated);
    EXPECT_EQ(sum(a, negated), zero);
    auto difference = sum(a, b);
    subtract_into(difference, b);
    EXPECT_EQ(difference, a);
    EXPECT_EQ(product(a, b), product(b, a));
    EXPECT_EQ(product(product(a, b), c), product(a, product(b, c)));
    EXPECT_EQ(product(a, sum(b, c)), sum(product(a, b), product(a, c)));
    auto accumulated = c.clone();
    multiply_add(accumulated, a, b);
    EXPECT_EQ(accumulated, sum(c, product(a, b)));
    // The transform is additive.
    EXPECT_EQ(transformed(sum(ca, cb)), sum(a, b));
  }
}

TEST(PolyTest, ScalarsAreRepeatedAddition) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    const auto a = random_poly(*ring, ring->all(), random);
    auto minus_three = a.clone();
    multiply_integer_into(minus_three, -3);
    auto expected = sum(sum(a, a), a);
    negate_into(expected);
    EXPECT_EQ(minus_three, expected);
    const std::int64_t large = -((std::int64_t{1} << 62) - 1);
    auto scaled = transformed(a);
    multiply_integer_into(scaled, large);
    const auto result = back(scaled);
    std::vector<std::uint64_t> residues;
    for (std::size_t i = 0; i < a.rows(); ++i) {
      const std::uint64_t q = a.modulus(i).q;
      const std::uint64_t s = q - static_cast<std::uint64_t>(-large) % q;
      residues.push_back(s % q);
      for (std::size_t j = 0; j < a.degree(); ++j) {
        ASSERT_EQ(result.row(i)[j], math::multiply_mod(a.row(i)[j], s, q)) << "seed " << kSeed;
      }
    }
    auto by_residues = a.clone();
    multiply_scalar_into(by_residues, std::span<const std::uint64_t>(residues));
    EXPECT_EQ(by_residues, result);
  }
}

TEST(PolyTest, AutomorphismsAgreeInBothDomainsAndCompose) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    const auto two_n = static_cast<std::uint32_t>(2 * ring->degree());
    const auto a = random_poly(*ring, ring->all(), random);
    const auto b = random_poly(*ring, ring->all(), random);
    for (int round = 0; round < 8; ++round) {
      const auto g = static_cast<std::uint32_t>(random() % two_n | 1);
      const auto h = static_cast<std::uint32_t>(round == 0 ? two_n - 1 : random() % two_n | 1);
      SCOPED_TRACE(testing::Message() << "N " << ring->degree() << " g " << g << " h " << h << " seed " << kSeed);
      EXPECT_EQ(back(automorphism(transformed(a), g)), automorphism(a, g));
      EXPECT_EQ(automorphism(automorphism(a, g), h),
                automorphism(a, static_cast<std::uint32_t>(std::uint64_t{g} * h % two_n)));
      EXPECT_EQ(automorphism(product(transformed(a), transformed(b)), g),
                product(automorphism(transformed(a), g), automorphism(transformed(b), g)));
    }
    EXPECT_EQ(automorphism(a, 1), a);
  }
}

TEST(PolyTest, AutomorphismSendsXToItsPower) {
  const auto ring = make_ring(3, {193});
  Coefficients x(*ring, ring->all());
  x.row(0)[1] = 1;
  for (std::uint32_t g = 1; g < 16; g += 2) {
    Coefficients one(*ring, ring->all());
    one.row(0)[0] = 1;
    EXPECT_EQ(automorphism(x, g), times_monomial(one, g));
  }
}

TEST(PolyTest, MonomialsTurnAroundWithASign) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    const std::size_t n = ring->degree();
    const auto a = random_poly(*ring, ring->all(), random);
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}, n - 1, n, n + 1, 2 * n - 1, random() % (2 * n)}) {
      Coefficients monomial(*ring, ring->all());
      for (std::size_t i = 0; i < monomial.rows(); ++i) monomial.row(i)[k % n] = k < n ? 1 : monomial.modulus(i).q - 1;
      EXPECT_EQ(times_monomial(a, static_cast<std::uint32_t>(k)), back(product(transformed(a), transformed(monomial))))
          << "N " << n << " k " << k << " seed " << kSeed;
    }
  }
}

TEST(PolyTest, SignedCoefficientsBecomeTheirResidues) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    std::vector<std::int32_t> c(ring->degree());
    for (auto& x : c) x = static_cast<std::int32_t>(random());
    constexpr std::int32_t kExtreme = 2147483647;
    c[0] = kExtreme;
    c[1] = -kExtreme;
    if (c.size() > 4) c[2] = 0, c[3] = -1, c[4] = 1;
    const auto p = from_signed(*ring, ring->all(), c);
    for (std::size_t i = 0; i < p.rows(); ++i) {
      for (std::size_t j = 0; j < c.size(); ++j) {
        ASSERT_EQ(p.row(i)[j], math::reduce_signed(c[j], p.modulus(i).q)) << "seed " << kSeed;
      }
    }
  }
}

TEST(PolyTest, CentredRowsKeepTheirIntegers) {
  std::mt19937_64 random(kSeed);
  for (const auto& ring : rings()) {
    for (const std::uint64_t from : {3ULL, 257ULL, 12289ULL, 8588886017ULL, (1ULL << 50) - 27}) {
      std::vector<std::uint64_t> row(ring->degree());
      for (auto& x : row) x = random() % from;
      row[0] = from / 2;
      row[1] = from / 2 + 1;
      const auto p = from_centred_row(*ring, ring->all(), row, kernels::make_modulus(from));
      for (std::size_t i = 0; i < p.rows(); ++i) {
        for (std::size_t j = 0; j < row.size(); ++j) {
          ASSERT_EQ(p.row(i)[j], math::reduce_signed(math::centred(row[j], from), p.modulus(i).q))
              << "from " << from << " seed " << kSeed;
        }
      }
    }
  }
}

TEST(PolyTest, RestrictionKeepsTheRowsOfTheSubset) {
  std::mt19937_64 random(kSeed);
  const auto ring = make_ring(4, *math::primes_below(40, 32, 4));
  const auto a = random_poly(*ring, PrimeSet({0, 2, 3}), random);
  const auto part = a.restricted(PrimeSet({0, 3}));
  EXPECT_EQ(part.primes(), PrimeSet({0, 3}));
  EXPECT_TRUE(std::ranges::equal(part.row(0), a.row(0)));
  EXPECT_TRUE(std::ranges::equal(part.row(1), a.row(2)));
  EXPECT_EQ(a.restricted(a.primes()), a);
}

TEST(PolyTest, WipingLeavesZero) {
  std::mt19937_64 random(kSeed);
  const auto ring = make_ring(4, {193, 257});
  auto a = random_poly(*ring, ring->all(), random);
  a.wipe();
  EXPECT_EQ(a, Coefficients(*ring, ring->all()));
}

TEST(PolyDeathTest, OperandsMustBelongTogether) {
  const auto ring = make_ring(4, {193, 257});
  const auto other = make_ring(4, {193, 257});
  Coefficients a(*ring, PrimeSet({0}));
  EXPECT_DEATH(add_into(a, Coefficients(*ring, PrimeSet({1}))), "different rings or primes");
  EXPECT_DEATH(add_into(a, Coefficients(*other, PrimeSet({0}))), "different rings or primes");
  EXPECT_DEATH(static_cast<void>(automorphism(a, 2)), "odd");
  EXPECT_DEATH(Coefficients(*ring, PrimeSet({2})), "does not have");
}

TEST(RingTest, UnsuitablePrimesAreRefused) {
  EXPECT_TRUE(Ring::make(4, {193}).has_value());
  EXPECT_FALSE(Ring::make(4, {}).has_value());
  EXPECT_FALSE(Ring::make(4, {193, 193}).has_value());
  EXPECT_FALSE(Ring::make(4, {97 * 193}).has_value());
  EXPECT_FALSE(Ring::make(4, {113}).has_value()) << "113 = 17 mod 32";
  EXPECT_FALSE(Ring::make(4, {*math::primes_below(51, 32, 1)}).has_value());
  EXPECT_FALSE(Ring::make(0, {193}).has_value());
  EXPECT_FALSE(Ring::make(18, {1099515691009}).has_value());
}

TEST(RingTest, SetsOfPrimesFollowSetAlgebra) {
  const PrimeSet a({0, 2, 5});
  const PrimeSet b({2, 3});
  EXPECT_EQ(a.united(b), PrimeSet({0, 2, 3, 5}));
  EXPECT_EQ(a.without(b), PrimeSet({0, 5}));
  EXPECT_TRUE(a.united(b).includes(b));
  EXPECT_FALSE(a.includes(b));
  EXPECT_TRUE(a.contains(5));
  EXPECT_FALSE(a.contains(3));
  EXPECT_EQ(a.position(5), 2U);
  EXPECT_EQ(PrimeSet::range(2, 3), PrimeSet({2, 3, 4}));
  EXPECT_DEATH(PrimeSet({1, 1}), "increase");
  EXPECT_DEATH(static_cast<void>(a.position(3)), "not in the set");
}

}  // namespace
}  // namespace prism::ring
