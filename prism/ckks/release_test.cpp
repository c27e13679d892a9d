// What is shown hides the error, is counted, and resists the attack that exact results fall to.
#include "prism/ckks/release.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "prism/ckks/internal/testing.h"
#include "prism/ckks/internal/wide_gaussian.h"
#include "prism/math/modular.h"

namespace prism::ckks {
namespace {

using testing::distance_log2;
using testing::make_parameters;
using testing::must;
using testing::World;
using Slots = std::vector<Complex>;
constexpr secret::RevealKey kReveal{};

ring::SecretSeed seed_of(std::uint8_t first) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = first;
  return ring::SecretSeed(bytes);
}

TEST(WideGaussianTest, DrawsFollowTheDiscreteGaussian) {
  // Chi-square over single integers: exact probabilities, no approximation by a density.
  for (const double log2_sigma : {1.0, 2.0, 3.5, 5.2}) {
    const WideGaussian sampler(log2_sigma);
    EXPECT_GE(sampler.log2_sigma(), log2_sigma);
    EXPECT_LE(sampler.log2_sigma(), std::max(log2_sigma, std::log2(ring::kSigma)) + 1);
    const double sigma = std::exp2(sampler.log2_sigma());
    const int reach = static_cast<int>(4 * sigma);
    double total = 0;
    const auto weight = [&](int x) { return std::exp(-x * x / (2 * sigma * sigma)); };
    for (int x = -40 * reach; x <= 40 * reach; ++x) total += weight(x);
    std::vector<Int128> draws(200000);
    sampler.fill(draws, seed_of(static_cast<std::uint8_t>(10 * log2_sigma)));
    std::vector<double> found(static_cast<std::size_t>(2 * reach + 2));  // the last: everything beyond the reach
    for (const Int128 x : draws) {
      const bool inside = x >= -reach && x <= reach;
      ++found[inside ? static_cast<std::size_t>(x + reach) : found.size() - 1];
    }
    double chi = 0, rest = 1;
    const double n = static_cast<double>(draws.size());
    for (int x = -reach; x <= reach; ++x) {
      const double expected = n * weight(x) / total;
      rest -= weight(x) / total;
      const double difference = found[static_cast<std::size_t>(x + reach)] - expected;
      chi += difference * difference / expected;
    }
    const double difference = found.back() - n * rest;
    chi += difference * difference / (n * rest);
    const double freedom = 2.0 * reach + 1;
    // Chi-square has mean f and variance 2f: six deviations.
    EXPECT_NEAR(chi, freedom, 6 * std::sqrt(2 * freedom)) << log2_sigma;
  }
}

TEST(WideGaussianTest, WideOnesHaveTheMomentsAndNoStructure) {
  for (const double log2_sigma : {20.0, 45.0, 80.0, 100.0}) {
    const WideGaussian sampler(log2_sigma);
    EXPECT_GE(sampler.log2_sigma(), log2_sigma);
    EXPECT_LE(sampler.log2_sigma(), log2_sigma + 0.7);
    EXPECT_LE(sampler.draws(), 512U);
    const std::size_t n = 6000;
    std::vector<Int128> draws(n);
    sampler.fill(draws, seed_of(static_cast<std::uint8_t>(log2_sigma)));
    double mean = 0, square = 0, fourth = 0, product = 0, odd = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(draws[i]) / std::exp2(sampler.log2_sigma());
      EXPECT_LT(std::abs(x), 256);
      mean += x / n;
      square += x * x / n;
      fourth += x * x * x * x / n;
      odd += static_cast<double>(draws[i] & 1) / n;
      if (i > 0) product += x * static_cast<double>(draws[i - 1]) / std::exp2(sampler.log2_sigma()) / n;
    }
    const double slack = 6 / std::sqrt(static_cast<double>(n));
    EXPECT_NEAR(mean, 0, slack);
    EXPECT_NEAR(product, 0, slack);
    EXPECT_NEAR(square, 1, slack * std::sqrt(2.0));
    EXPECT_NEAR(fourth, 3, slack * std::sqrt(96.0));
    EXPECT_NEAR(odd, 0.5, slack / 2);
  }
}

class ReleaseTest : public ::testing::Test {
 protected:
  World w{3, make_parameters({.log_n = 8, .scale_bits = 45, .depth = 1})};
  Releaser releaser{w.key, w.encoder};
  Slots slots = w.random_slots();
  Ciphertext x = w.encrypt(slots);
  ReleaseLedger ledger(std::uint64_t queries, unsigned bits = 30) const {
    return must(ReleaseLedger::open(releaser.identity(), {queries, bits}));
  }
};

TEST_F(ReleaseTest, NoiseIsAsWideAsTheTheoremAsksAndWithinTheBound) {
  const std::vector<std::uint32_t> few = {5, 0, 77};
  for (const bool real : {true, false}) {
    for (const bool all : {true, false}) {
      for (const unsigned bits : {30U, 41U}) {
        ReleaseLedger book = ledger(1000, bits);
        const ReleaseRequest request{all ? std::span<const std::uint32_t>() : few, real, -40};
        const std::size_t count = all ? slots.size() : few.size();
        double square = 0, numbers = 0;
        Released out;
        const int rounds = all ? 10 : 300;
        for (int round = 0; round < rounds; ++round) {
          out = must(releaser.release(x, request, must(book.charge()), w.random));
          ASSERT_EQ(out.values.size(), count);
          for (std::size_t i = 0; i < count; ++i) {
            const Complex meant = slots[all ? i : few[i]];
            const Complex off = out.values[i] - (real ? Complex(meant.real(), 0) : meant);
            EXPECT_LE(std::log2(std::abs(off)), out.error.log2());
            EXPECT_TRUE(!real || out.values[i].imag() == 0);
            square += std::norm(off);
            numbers += real ? 1 : 2;
          }
        }
        // Measured against the formula of the header, worked out again here.
        const double bound = (x.noise.error + w.encoder.transform_error(x.noise.magnitude + x.noise.error)).to_double();
        const double wanted = std::sqrt(12.0 * 1000) * std::exp2(bits / 2.0) * std::sqrt(double(count)) * bound;
        const double found = std::sqrt(square / numbers);
        EXPECT_GE(std::exp2(out.sigma_log2), wanted);
        EXPECT_LE(std::exp2(out.sigma_log2), 2.5 * wanted) << "precision given away";
        EXPECT_NEAR(found / std::exp2(out.sigma_log2), 1, 5 / std::sqrt(2 * numbers)) << real << all << bits;
        EXPECT_EQ(out.error, release_error(*w.parameters, x.noise, request, book.budget()));
      }
    }
  }
}

TEST_F(ReleaseTest, MoreQueriesSlotsAndBitsCostPrecision) {
  const std::vector<std::uint32_t> one = {0}, four = {0, 1, 2, 3};
  const auto error = [&](std::span<const std::uint32_t> which, std::uint64_t queries, unsigned bits) {
    return release_error(*w.parameters, x.noise, {which, true, 0}, {queries, bits}).log2();
  };
  const double base = error(one, 1, 40);
  EXPECT_NEAR(error(four, 1, 40), base + 1, 0.7);
  EXPECT_NEAR(error(one, 1 << 20, 40), base + 10, 0.7);
  EXPECT_NEAR(error(one, 1, 60), base + 10, 0.7);
}

TEST_F(ReleaseTest, RefusesWithoutSpendingTheTicket) {
  ReleaseLedger book = ledger(2);
  ReleaseTicket ticket = must(book.charge());
  const auto code = [&](const ReleaseRequest& request) {
    const auto out = releaser.release(x, request, std::move(ticket), w.random);
    return out ? std::string() : std::string(name_of(out.error().code));
  };
  const std::vector<std::uint32_t> beyond = {128}, one = {127};
  const double reachable = -release_error(*w.parameters, x.noise, {one, true, 0}, book.budget()).log2();
  const int bits = static_cast<int>(std::floor(reachable));
  EXPECT_EQ(code({beyond, true, -40}), name_of(ErrorCode::invalid_argument));
  EXPECT_EQ(code({one, true, bits + 1}), name_of(ErrorCode::noise_exceeded));
  EXPECT_TRUE(ticket.valid());
  EXPECT_EQ(code({one, true, bits}), "");
  EXPECT_FALSE(ticket.valid());
  EXPECT_EQ(code({one, true, bits}), name_of(ErrorCode::refused));

  World other(4, w.parameters);
  const Releaser strange(other.key, other.encoder);
  EXPECT_NE(strange.identity(), releaser.identity());
  const auto out = strange.release(x, {one, true, -40}, must(book.charge()), w.random);
  EXPECT_EQ(out.error().code, ErrorCode::mismatch);
  // An honest bound that says nothing is refused however little is asked.
  Ciphertext vague = x.clone();
  vague.noise.error = math::Bound::from_log2(30);
  ReleaseLedger second = ledger(1, 128);
  EXPECT_FALSE(releaser.release(vague, {one, true, -60}, must(second.charge()), w.random).has_value());
}

TEST_F(ReleaseTest, LedgersCountAndSurviveStorage) {
  ReleaseLedger book = ledger(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(book.spent(), i);
    EXPECT_EQ(book.left(), 3 - i);
    const Bytes bytes = book.encode();
    EXPECT_EQ(bytes.size(), 58U);
    book = must(ReleaseLedger::parse(bytes));
    EXPECT_EQ(book.spent(), i);
    EXPECT_EQ(book.key(), releaser.identity());
    const ReleaseTicket ticket = must(book.charge());
    EXPECT_EQ(ticket.budget(), book.budget());
  }
  EXPECT_EQ(book.charge().error().code, ErrorCode::refused);
  EXPECT_EQ(must(ReleaseLedger::parse(book.encode())).charge().error().code, ErrorCode::refused);
  EXPECT_EQ(ReleaseLedger::open({}, {0, 40}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ReleaseLedger::open({}, {1, 29}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ReleaseLedger::open({}, {1, 129}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(ReleaseLedger::open({}, {(std::uint64_t{1} << 32) + 1, 40}).error().code, ErrorCode::invalid_argument);
  // What parses is what would be written; all else is refused.
  const Bytes good = book.encode();
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(ReleaseLedger::parse(ByteView(good).first(cut)).has_value()) << cut;
  std::size_t refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned change : {1U, 128U}) {
      Bytes bent = good;
      bent[at] = static_cast<std::uint8_t>(bent[at] ^ change);
      const auto parsed = ReleaseLedger::parse(bent);
      EXPECT_TRUE(!parsed || parsed->encode() == bent);
      refused += parsed ? 0U : 1U;
    }
  }
  EXPECT_GT(refused, 2 * 20U);
}

/// Li-Micciancio 2020/1533, section 3: from one known ciphertext and what was shown of it, s = (v - c0) / c1. Returns
/// how many of the key's coefficients come out right.
std::size_t attack(const World& w, const Ciphertext& c, const Slots& shown) {
  const Plaintext guess = must(w.encoder.encode(std::span<const Complex>(shown), c.scale, 0x1p60));
  const ring::Ring& ring = w.parameters->rlwe().ring();
  const std::uint64_t q = ring.prime(0);
  const auto first = ring::PrimeSet::range(0, 1);
  ring::Coefficients v(ring, first);
  for (std::size_t k = 0; k < ring.degree(); ++k) {
    const Int128 r = guess.coefficients(kReveal)[k] % static_cast<Int128>(q);
    v.row(0)[k] = static_cast<std::uint64_t>(r < 0 ? r + static_cast<Int128>(q) : r);
  }
  ring::Evaluations s = ring::to_evaluations(std::move(v));
  ring::subtract_into(s, c.parts[0].restricted(first));
  for (std::size_t i = 0; i < ring.degree(); ++i) {
    const auto inverse = math::inverse_mod(c.parts[1].row(0)[i], q);
    if (!inverse) return 0;  // not invertible: take another ciphertext; happens once in 2^40
    s.row(0)[i] = math::multiply_mod(s.row(0)[i], *inverse, q);
  }
  const ring::Coefficients found = ring::to_coefficients(std::move(s));
  const auto key = w.key.coefficients(kReveal);
  std::size_t right = 0;
  for (std::size_t k = 0; k < key.size(); ++k) {
    const std::uint64_t residue = key[k] < 0 ? q - 1 : static_cast<std::uint64_t>(key[k]);
    right += found.row(0)[k] == residue ? 1U : 0U;
  }
  return right;
}

TEST(LiMicciancioTest, ExactDecryptionsGiveTheKeyAwayAndReleasesDoNot) {
  for (const unsigned log_n : {6U, 10U}) {
    World w(log_n, make_parameters({.log_n = log_n, .scale_bits = 40, .depth = 1}));
    const std::size_t n = w.parameters->degree();
    const Slots slots = w.random_slots();
    // A fresh ciphertext, and a computed one: the attack takes either.
    const Ciphertext fresh = w.encrypt(slots);
    const Ciphertext sum = must(w.evaluator.rescale(must(w.evaluator.multiply_scalar(fresh, Constant(3)))));
    const Releaser releaser(w.key, w.encoder);
    ReleaseLedger book = must(ReleaseLedger::open(releaser.identity(), {100, 40}));
    for (const Ciphertext* c : {&fresh, &sum}) {
      EXPECT_EQ(attack(w, *c, w.decrypt(*c)), n) << "the attack itself must work, or its failing says nothing";
      const Released shown = must(releaser.release(*c, {{}, false, -60}, must(book.charge()), w.random));
      EXPECT_LT(attack(w, *c, shown.values), n / 16);
      // Nor does averaging: the mean of many releases of one ciphertext is still far off.
      Slots mean(slots.size());
      for (int round = 0; round < 40; ++round) {
        const Released again = must(releaser.release(*c, {{}, false, -60}, must(book.charge()), w.random));
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += again.values[i] / 40.0;
      }
      EXPECT_LT(attack(w, *c, mean), n / 16);
    }
  }
}

/// The slots of c mod D, centred, for the prime D that rescaling from level 1 drops: public.
Slots remainder_of(const World& w, const ring::Evaluations& part) {
  const ring::Coefficients c = ring::to_coefficients(part.clone());
  const std::size_t last = c.rows() - 1;
  const auto q = static_cast<Int128>(c.modulus(last).q);
  Plaintext p(w.parameters, Scale(), {});
  for (std::size_t k = 0; k < c.degree(); ++k) {
    const auto r = static_cast<Int128>(c.row(last)[k]);
    p.coefficients(kReveal)[k] = 2 * r > q ? r - q : r;
  }
  return w.encoder.decode(p);
}

/// The same attack where digits are missing: rescaling adds -(r0 + r1 s)/D with public remainders r0, r1, so s(zeta) is
/// a linear regression over many results. Noise below the error only makes it take more of them.
template <class Show>
std::size_t regression(World& w, std::size_t results, Show show) {
  const std::size_t slots = w.parameters->slots();
  Slots numerator(slots), guess(slots);
  std::vector<double> denominator(slots);
  for (std::size_t i = 0; i < results; ++i) {
    const Slots m = w.random_slots();
    const Ciphertext c = w.encrypt(m);
    const Slots shown = show(must(w.evaluator.rescale(c)));
    const Slots r0 = remainder_of(w, c.parts[0]), r1 = remainder_of(w, c.parts[1]);
    for (std::size_t j = 0; j < slots; ++j) {
      const Complex y = -((shown[j] - m[j]) * std::exp2(c.scale.log2()) + r0[j]);
      numerator[j] += std::conj(r1[j]) * y;
      denominator[j] += std::norm(r1[j]);
    }
  }
  for (std::size_t j = 0; j < slots; ++j) guess[j] = numerator[j] / denominator[j];
  const Plaintext s = must(w.encoder.encode(std::span<const Complex>(guess), Scale::power_of_two(30), 0x1p60));
  const auto key = w.key.coefficients(kReveal);
  std::size_t right = 0;
  for (std::size_t k = 0; k < key.size(); ++k) {
    const double x = static_cast<double>(s.coefficients(kReveal)[k]) / 0x1p30;
    right += std::abs(x - key[k]) < 0.5 ? 1U : 0U;
  }
  return right;
}

TEST(LiMicciancioTest, RegressionOverManyResultsFailsOnReleasesOnly) {
  World w(9, make_parameters({.log_n = 8, .scale_bits = 40, .depth = 1}));
  const std::size_t n = w.parameters->degree();
  const Releaser releaser(w.key, w.encoder);
  EXPECT_EQ(regression(w, 8, [&](const Ciphertext& c) { return w.decrypt(c); }), n);
  // Rounding results to a 64th of the error bound, which hides v, does not save the key (three hundred results give
  // nearly all of it).
  const auto rounded = [&](const Ciphertext& c) {
    Slots out = w.decrypt(c);
    const double unit = std::exp2(c.noise.error.log2() - 6);
    for (Complex& x : out) x = {std::nearbyint(x.real() / unit) * unit, std::nearbyint(x.imag() / unit) * unit};
    return out;
  };
  EXPECT_GT(regression(w, 300, rounded), n * 9 / 10);
  ReleaseLedger book = must(ReleaseLedger::open(releaser.identity(), {100, 30}));
  const auto released = [&](const Ciphertext& c) {
    return must(releaser.release(c, {{}, false, -60}, must(book.charge()), w.random)).values;
  };
  EXPECT_LT(regression(w, 100, released), n / 8);
}

}  // namespace
}  // namespace prism::ckks
