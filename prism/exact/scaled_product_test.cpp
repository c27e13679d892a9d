// BFV's product against the textbook: tensor over the integers, times t, divided by Q, rounded.
#include "prism/exact/internal/scaled_product.h"

#include <algorithm>
#include <array>

#include "prism/exact/internal/testing.h"
#include "prism/math/natural.h"

namespace prism::exact {
namespace {

using math::Integer;
using math::Natural;
using testing::make_parameters;
using testing::Shape;

Integer add(const Integer& a, const Integer& b) {
  if (a.negative == b.negative) return {a.magnitude + b.magnitude, a.negative};
  if (a.magnitude == b.magnitude) return {};
  return a.magnitude > b.magnitude ? Integer{a.magnitude - b.magnitude, a.negative}
                                   : Integer{b.magnitude - a.magnitude, b.negative};
}

Integer multiply(const Integer& a, const Integer& b) {
  const Natural product = a.magnitude * b.magnitude;
  return {product, !product.is_zero() && a.negative != b.negative};
}

using Polynomial = std::vector<Integer>;

/// a*b modulo X^N + 1, added to `sum`.
void add_product(Polynomial& sum, const Polynomial& a, const Polynomial& b) {
  const std::size_t n = a.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      Integer term = multiply(a[i], b[j]);
      if (i + j >= n && !term.magnitude.is_zero()) term.negative = !term.negative;
      sum[(i + j) % n] = add(sum[(i + j) % n], term);
    }
  }
}

struct Rounded {
  Integer value;  ///< round(t*x/Q); Q is odd, so there are no ties
  Integer other;  ///< what fixed point may give: another integer only within 64*2^-49 of a tie
};
Rounded scaled(const Integer& x, std::uint64_t t, const Natural& q) {
  Natural numerator = x.magnitude;
  numerator *= 2 * t;
  numerator += q;
  const Natural whole = q + q;
  const auto [quotient, rest] = math::divmod(numerator, whole);
  const auto with_sign = [&](const Natural& magnitude) {
    return Integer{magnitude, x.negative && !magnitude.is_zero()};
  };
  const Natural near = whole >> 43;
  Natural other = quotient;
  if (rest < near) other = quotient.is_zero() ? Natural(1) : quotient - Natural(1);
  if (rest + near > whole) other = quotient + Natural(1);
  const bool crossed = rest < near && quotient.is_zero();  // -1/2 and a little more, for a positive x
  return {with_sign(quotient), crossed ? Integer{other, !x.negative} : with_sign(other)};
}

struct Case {
  const char* name;
  Shape shape;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class ScaledProductTest : public ::testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<const Parameters> p = make_parameters(GetParam().shape);
  std::size_t n = p->degree();

  /// Kinds: 0 uniform modulo Q; 1 all Q/2 or nearly; 2 all -Q/2; 3 alternating; 4 zero but one; 5 small.
  Polynomial draw(unsigned kind, const Natural& q, std::mt19937_64& engine) const {
    const Natural all = q >> 1;
    // Nearer to Q/2 than this, raising may take the other representative, which is another product modulo Q.
    const Natural half = all - (all >> 40);
    Polynomial out(n);
    for (std::size_t k = 0; k < n; ++k) {
      switch (kind) {
        case 0: {
          Natural x;
          for (int word = 0; word < 14; ++word) x = (x << 64) + Natural(engine());
          x = math::divmod(x, q).second;
          out[k] = x > all ? Integer{q - x, true} : Integer{x, false};
          break;
        }
        case 1:
        case 2:
          out[k] = {half, kind == 2};
          break;
        case 3:
          out[k] = {half, k % 2 == 1};
          break;
        case 4:
          if (k == n - 1) out[k] = {half, false};
          break;
        default:
          out[k] = Integer{Natural(engine() % 7), false};
          break;
      }
    }
    return out;
  }
  ring::Evaluations to_ring(const Polynomial& x, const ring::PrimeSet& primes) const {
    ring::Coefficients out(p->rlwe().ring(), primes);
    for (std::size_t i = 0; i < primes.size(); ++i) {
      for (std::size_t k = 0; k < n; ++k) out.row(i)[k] = x[k] % out.modulus(i).q;
    }
    return ring::to_evaluations(std::move(out));
  }
};

TEST_P(ScaledProductTest, IsTheRoundedQuotientOfTheIntegers) {
  const std::uint64_t seed = 20260;
  std::mt19937_64 engine(seed);
  for (int level = 0; level <= p->max_level().value; ++level) {
    const ScaledProduct product(*p, rlwe::Level{level});
    const ring::PrimeSet primes = p->rlwe().primes(rlwe::Level{level});
    std::vector<std::uint64_t> moduli;
    for (const std::uint32_t i : primes.indexes()) moduli.push_back(p->rlwe().ring().prime(i));
    const Natural q = Natural::product(moduli);
    for (unsigned kind = 0; kind < 6; ++kind) {
      const std::array<Polynomial, 2> a{draw(kind, q, engine), draw(kind == 3 ? 1 : kind, q, engine)};
      const bool square = kind == 5;
      const std::array<Polynomial, 2> b =
          square ? a : std::array<Polynomial, 2>{draw(kind, q, engine), draw(kind == 4 ? 0 : kind, q, engine)};
      std::array<Polynomial, 3> expected{Polynomial(n), Polynomial(n), Polynomial(n)};
      add_product(expected[0], a[0], b[0]);
      add_product(expected[1], a[0], b[1]);
      add_product(expected[1], a[1], b[0]);
      add_product(expected[2], a[1], b[1]);

      const std::array<ring::Evaluations, 2> x{to_ring(a[0], primes), to_ring(a[1], primes)};
      const std::array<ring::Evaluations, 2> y{to_ring(b[0], primes), to_ring(b[1], primes)};
      std::array<ring::Evaluations, 3> out;
      for (ring::Evaluations& part : out) part = ring::Evaluations(p->rlwe().ring(), primes);
      Residues scratch(product.scratch_words(), ~std::uint64_t{0});
      product.multiply({out[0].row(0).data(), out[1].row(0).data(), out[2].row(0).data()}, {&x[0], &x[1]},
                       {square ? &x[0] : &y[0], square ? &x[1] : &y[1]}, scratch.data());
      for (std::size_t part = 0; part < 3; ++part) {
        const ring::Coefficients got = ring::to_coefficients(std::move(out[part]));
        for (std::size_t k = 0; k < n; ++k) {
          const Rounded want = scaled(expected[part][k], p->plain_modulus(), q);
          const bool up = got.row(0)[k] == want.value % moduli[0];
          for (std::size_t i = 0; i < primes.size(); ++i) {
            ASSERT_EQ(got.row(i)[k], (up ? want.value : want.other) % moduli[i])
                << "seed " << seed << " level " << level << " kind " << kind << " part " << part << " coefficient "
                << k;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, ScaledProductTest,
                         ::testing::Values(Case{"t20", {Scheme::bfv, 5, 20, 4}}, Case{"t33", {Scheme::bfv, 4, 33, 3}},
                                           Case{"t49", {Scheme::bfv, 4, 49, 3}}, Case{"t8", {Scheme::bfv, 3, 8, 2}},
                                           Case{"twelve_primes", {Scheme::bfv, 3, 20, 2, 6}}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace prism::exact
