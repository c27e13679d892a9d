#include <algorithm>

#include "prism/kernels/internal/each_set.h"
#include "prism/kernels/internal/testing.h"

namespace prism::kernels {
namespace {

using testing::find_psi;
using testing::mixed_row;
using testing::multiply_mod;
using testing::power_mod;

std::size_t bitrev(std::size_t i, unsigned bits) {
  std::size_t r = 0;
  for (unsigned b = 0; b < bits; ++b) r |= (i >> b & 1) << (bits - 1 - b);
  return r;
}

/// f(x) by Horner's rule.
std::uint64_t evaluate(const Residues& f, std::uint64_t x, std::uint64_t q) {
  std::uint64_t value = 0;
  for (std::size_t i = f.size(); i-- > 0;) {
    value = static_cast<std::uint64_t>((Uint128{value} * x + f[i]) % q);
  }
  return value;
}

class NttTest : public testing::EachSet {};
PRISM_EACH_SET(NttTest);

TEST(PortableNttTest, EvaluatesAtEveryOddPower) {
  std::mt19937_64 random(1);
  for (const std::uint64_t q : testing::transform_primes()) {
    const Modulus m = make_modulus(q);
    for (unsigned log_n = 1; log_n <= 9; ++log_n) {
      const std::size_t n = std::size_t{1} << log_n;
      const NttTables t = make_ntt_tables(m, log_n, find_psi(q, n));
      const Residues f = mixed_row(n, q, random);
      Residues row = f;
      portable.forward_ntt(row.data(), t);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(row[i], evaluate(f, power_mod(t.psi, 2 * bitrev(i, log_n) + 1, q), q))
            << q << " " << log_n << " " << i;
      }
      portable.inverse_ntt(row.data(), t);
      ASSERT_EQ(row, f) << q << " " << log_n;
    }
  }
}

TEST_P(NttTest, EvaluatesAtOddPowers) {
  std::mt19937_64 random(2);
  for (const std::uint64_t q : testing::transform_primes()) {
    const Modulus m = make_modulus(q);
    for (unsigned log_n = 10; log_n <= 17; ++log_n) {
      const std::size_t n = std::size_t{1} << log_n;
      const NttTables t = make_ntt_tables(m, log_n, find_psi(q, n));
      const Residues f = mixed_row(n, q, random);
      Residues row = f;
      set().forward_ntt(row.data(), t);
      for (const std::size_t i : {std::size_t{0}, std::size_t{1}, n - 1, static_cast<std::size_t>(random() % n)}) {
        ASSERT_EQ(row[i], evaluate(f, power_mod(t.psi, 2 * bitrev(i, log_n) + 1, q), q))
            << q << " " << log_n << " " << i;
      }
    }
  }
}

TEST_P(NttTest, AgreesWithPortableBothWays) {
  std::mt19937_64 random(3);
  for (const std::uint64_t q : testing::transform_primes()) {
    const Modulus m = make_modulus(q);
    for (unsigned log_n = 10; log_n <= 17; ++log_n) {
      SCOPED_TRACE(std::to_string(q) + " " + std::to_string(log_n));
      const std::size_t n = std::size_t{1} << log_n;
      const NttTables t = make_ntt_tables(m, log_n, find_psi(q, n));
      // The last one's transform is zero but for one value: lazy reductions must know every multiple of q for zero.
      Residues rows[] = {Residues(n, 0), Residues(n, 1), Residues(n, q - 1), mixed_row(n, q, random), Residues(n, 0)};
      rows[4][random() % n] = random() % q;
      portable.inverse_ntt(rows[4].data(), t);
      for (const Residues& f : rows) {
        Residues expected = f, row = f;
        portable.forward_ntt(expected.data(), t);
        set().forward_ntt(row.data(), t);
        ASSERT_EQ(row, expected);
        set().inverse_ntt(row.data(), t);
        ASSERT_EQ(row, f);
        expected = row = f;  // any row is also some transform
        portable.inverse_ntt(expected.data(), t);
        set().inverse_ntt(row.data(), t);
        ASSERT_EQ(row, expected);
      }
    }
  }
}

TEST_P(NttTest, GoesFromRowToRow) {
  std::mt19937_64 random(6);
  const std::vector<std::uint64_t> primes = testing::transform_primes();
  for (const std::uint64_t q : primes) {
    const Modulus m = make_modulus(q);
    for (unsigned log_n = 10; log_n <= 17; ++log_n) {
      SCOPED_TRACE(std::to_string(q) + " " + std::to_string(log_n));
      const std::size_t n = std::size_t{1} << log_n;
      const NttTables t = make_ntt_tables(m, log_n, find_psi(q, n));
      const Residues f = mixed_row(n, q, random);
      Residues in = f, out(n, ~std::uint64_t{0}), expected = f;
      portable.forward_ntt(expected.data(), t);
      set().forward_ntt_from(out.data(), in.data(), t);
      ASSERT_EQ(out, expected);
      ASSERT_EQ(in, f);
      set().inverse_ntt_from(in.data(), out.data(), t);
      ASSERT_EQ(in, f);
      ASSERT_EQ(out, expected);
      set().forward_ntt_from(in.data(), in.data(), t);
      ASSERT_EQ(in, expected);
      set().inverse_ntt_from(in.data(), in.data(), t);
      ASSERT_EQ(in, f);
      for (const std::uint64_t other : primes) {
        const Modulus from = make_modulus(other);
        const Residues digit = mixed_row(n, other, random);
        portable.recentre(expected.data(), digit.data(), from, n, m);
        portable.forward_ntt(expected.data(), t);
        set().recentre_forward_ntt(out.data(), digit.data(), from, t);
        ASSERT_EQ(out, expected) << "from " << other;
        Residues in_place = digit;
        set().recentre_forward_ntt(in_place.data(), in_place.data(), from, t);
        ASSERT_EQ(in_place, expected) << "from " << other;
      }
    }
  }
}

TEST_P(NttTest, DoesNotDependOnWhereRowsLie) {  // kernels may choose their direction by addresses
  std::mt19937_64 random(8);
  const std::uint64_t q = testing::transform_primes()[0];
  const Modulus m = make_modulus(q), from = make_modulus(testing::transform_primes()[1]);
  for (const unsigned log_n : {10U, 11U, 12U}) {
    const std::size_t n = std::size_t{1} << log_n, apart = n + 8;  // 64 bytes modulo 4096
    const NttTables t = make_ntt_tables(m, log_n, find_psi(q, n));
    const Residues f = mixed_row(n, q, random);
    Residues transformed(n), recentred(n), back(n);
    portable.forward_ntt_from(transformed.data(), f.data(), t);
    portable.inverse_ntt_from(back.data(), f.data(), t);
    portable.recentre_forward_ntt(recentred.data(), f.data(), from, t);
    for (const bool ahead : {false, true}) {
      Residues both(n + apart);
      std::uint64_t *const in = both.data() + (ahead ? 0 : apart), *const out = both.data() + (ahead ? apart : 0);
      std::copy(f.begin(), f.end(), in);
      set().forward_ntt_from(out, in, t);
      ASSERT_TRUE(std::equal(transformed.begin(), transformed.end(), out)) << log_n << ahead;
      set().inverse_ntt_from(out, in, t);
      ASSERT_TRUE(std::equal(back.begin(), back.end(), out)) << log_n << ahead;
      set().recentre_forward_ntt(out, in, from, t);
      ASSERT_TRUE(std::equal(recentred.begin(), recentred.end(), out)) << log_n << ahead;
      ASSERT_TRUE(std::equal(f.begin(), f.end(), in)) << log_n << ahead;
    }
  }
}

TEST_P(NttTest, TurnsNegacyclicConvolutionIntoProducts) {
  std::mt19937_64 random(4);
  const std::uint64_t q = testing::transform_primes()[0];
  const Modulus m = make_modulus(q);
  for (unsigned log_n = 10; log_n <= 17; ++log_n) {
    const std::size_t n = std::size_t{1} << log_n;
    const NttTables t = make_ntt_tables(m, log_n, find_psi(q, n));
    // A sparse factor keeps the definition cheap.
    const Residues f = mixed_row(n, q, random);
    Residues g(n, 0), expected(n, 0);
    for (int term = 0; term < 5; ++term) g[random() % n] = random() % q;
    g[n - 1] = q - 1;
    for (std::size_t j = 0; j < n; ++j) {
      if (g[j] == 0) continue;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t product = multiply_mod(f[i], g[j], q);
        std::uint64_t& at = expected[(i + j) % n];
        at = (at + (i + j < n ? product : q - product)) % q;
      }
    }
    Residues a = f;
    set().forward_ntt(a.data(), t);
    set().forward_ntt(g.data(), t);
    set().multiply(a.data(), a.data(), g.data(), n, m);
    set().inverse_ntt(a.data(), t);
    ASSERT_EQ(a, expected) << log_n;
  }
}

TEST(TablesTest, HoldWhatTheHeaderSays) {
  for (const std::uint64_t q : testing::transform_primes()) {
    const Modulus m = make_modulus(q);
    EXPECT_TRUE(q >> (m.bits - 1) == 1);
    EXPECT_EQ(m.barrett, static_cast<std::uint64_t>((Uint128{1} << (50 + m.bits)) / q));
    EXPECT_EQ(m.two52, (std::uint64_t{1} << 52) % q);
    EXPECT_EQ(m.two52_w52, static_cast<std::uint64_t>((Uint128{m.two52} << 52) / q));
    EXPECT_EQ(m.inverse * q % (std::uint64_t{1} << 52), 1U);
    constexpr unsigned kLogN = 10;
    constexpr std::size_t n = std::size_t{1} << kLogN;
    const NttTables t = make_ntt_tables(m, kLogN, find_psi(q, n));
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(t.w[i], power_mod(t.psi, bitrev(i, kLogN), q));
      ASSERT_EQ(t.w52[i], make_multiplier(t.w[i], m).w52);
      if (i == 0) continue;
      std::size_t top = 1;
      while (2 * top <= i) top *= 2;
      ASSERT_EQ(multiply_mod(t.w[i], q - t.w[3 * top - 1 - i], q), 1U) << "mirrored roots are minus the inverses";
    }
    EXPECT_EQ(multiply_mod(t.inverse_n.w, n, q), 1U);
    EXPECT_EQ(multiply_mod(multiply_mod(t.inverse_n_w.w, n, q), t.w[1], q), 1U);
    ASSERT_EQ(t.tail.size(), 96 * n / 64);
    const std::uint64_t* tail = t.tail.data();
    for (std::size_t b = 0; b < n / 64; ++b) {
      for (const std::size_t first : {n / 4 + 16 * b, n / 4 + 16 * b + 1}) {
        for (std::size_t k = 0; k < 8; ++k) ASSERT_EQ(*tail++, t.w[first + 2 * k]);
        for (std::size_t k = 0; k < 8; ++k) ASSERT_EQ(*tail++, t.w52[first + 2 * k]);
      }
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t k = 0; k < 8; ++k) ASSERT_EQ(*tail++, t.w[n / 2 + 32 * b + 4 * k + i]);
        for (std::size_t k = 0; k < 8; ++k) ASSERT_EQ(*tail++, t.w52[n / 2 + 32 * b + 4 * k + i]);
      }
    }
  }
}

TEST(TablesTest, WrongConstantsStopTheProgram) {
  EXPECT_DEATH(make_modulus(10), "odd");
  EXPECT_DEATH(make_modulus(std::uint64_t{1} << 50 | 1), "2\\^50");
  const Modulus m = make_modulus(786433);
  EXPECT_DEATH(make_ntt_tables(m, 10, 1), "order");
  EXPECT_DEATH(make_multiplier(786433, m), "canonical");
}

}  // namespace
}  // namespace prism::kernels
