#include <algorithm>
#include <numeric>

#include "prism/kernels/internal/each_set.h"
#include "prism/kernels/internal/testing.h"

namespace prism::kernels {
namespace {

using testing::mixed_row;
using testing::multiply_mod;

constexpr std::size_t kSizes[] = {8, 16, 24, 40, 256};

class PointwiseTest : public testing::EachSet {
 protected:
  /// Calls check(m, n) for all primes and sizes.
  template <class Check>
  void for_all(Check check) {
    for (const std::uint64_t q : testing::all_primes()) {
      for (const std::size_t n : kSizes) {
        SCOPED_TRACE("q " + std::to_string(q) + " n " + std::to_string(n) + " seed 7");
        check(make_modulus(q), n);
        if (HasFatalFailure()) return;
      }
    }
  }
  std::mt19937_64 random_{7};
};
PRISM_EACH_SET(PointwiseTest);

TEST_P(PointwiseTest, AddsSubtractsNegates) {
  for_all([&](const Modulus& m, std::size_t n) {
    const Residues a = mixed_row(n, m.q, random_), b = mixed_row(n, m.q, random_);
    Residues out(n);
    set().add(out.data(), a.data(), b.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], (a[i] + b[i]) % m.q);
    set().subtract(out.data(), a.data(), b.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], (a[i] + m.q - b[i]) % m.q);
    set().negate(out.data(), a.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], (m.q - a[i]) % m.q);
    Residues in_place = a;
    set().add(in_place.data(), in_place.data(), b.data(), n, m);
    set().subtract(in_place.data(), in_place.data(), b.data(), n, m);
    ASSERT_EQ(in_place, a);
    set().subtract(in_place.data(), b.data(), in_place.data(), n, m);
    set().subtract(in_place.data(), b.data(), in_place.data(), n, m);
    set().negate(in_place.data(), in_place.data(), n, m);
    set().negate(in_place.data(), in_place.data(), n, m);
    ASSERT_EQ(in_place, a);
  });
}

TEST_P(PointwiseTest, Multiplies) {
  for_all([&](const Modulus& m, std::size_t n) {
    const Residues a = mixed_row(n, m.q, random_), b = mixed_row(n, m.q, random_), c = mixed_row(n, m.q, random_);
    Residues out(n), sum = c;
    set().multiply(out.data(), a.data(), b.data(), n, m);
    set().multiply_add(sum.data(), a.data(), b.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(out[i], multiply_mod(a[i], b[i], m.q)) << a[i] << " " << b[i];
      ASSERT_EQ(sum[i], (out[i] + c[i]) % m.q) << a[i] << " " << b[i] << " " << c[i];
    }
    Residues in_place = a;
    set().multiply(in_place.data(), in_place.data(), in_place.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(in_place[i], multiply_mod(a[i], a[i], m.q));
  });
}

TEST_P(PointwiseTest, MultipliesByScalars) {
  for_all([&](const Modulus& m, std::size_t n) {
    const Residues a = mixed_row(n, m.q, random_), b = mixed_row(n, m.q, random_), c = mixed_row(n, m.q, random_);
    for (const std::uint64_t w : {std::uint64_t{0}, std::uint64_t{1}, m.q - 1, random_() % m.q}) {
      const Multiplier s = make_multiplier(w, m);
      Residues out(n), sum = c, difference(n);
      set().multiply_scalar(out.data(), a.data(), s, n, m);
      set().multiply_scalar_add(sum.data(), a.data(), s, n, m);
      set().subtract_multiply_scalar(difference.data(), a.data(), b.data(), s, n, m);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(out[i], multiply_mod(a[i], w, m.q)) << a[i] << " " << w;
        ASSERT_EQ(sum[i], (out[i] + c[i]) % m.q);
        ASSERT_EQ(difference[i], multiply_mod((a[i] + m.q - b[i]) % m.q, w, m.q));
      }
    }
  });
}

TEST_P(PointwiseTest, AccumulatesTensorProducts) {
  for_all([&](const Modulus& m, std::size_t n) {
    const Residues a0 = mixed_row(n, m.q, random_), a1 = mixed_row(n, m.q, random_);
    const Residues b0 = mixed_row(n, m.q, random_), b1 = mixed_row(n, m.q, random_);
    const Residues c = mixed_row(n, m.q, random_);
    Residues c0 = c, c1 = c, c2 = c;
    set().tensor_add(c0.data(), c1.data(), c2.data(), a0.data(), a1.data(), b0.data(), b1.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(c0[i], (c[i] + multiply_mod(a0[i], b0[i], m.q)) % m.q);
      ASSERT_EQ(c1[i], (c[i] + multiply_mod(a0[i], b1[i], m.q) + multiply_mod(a1[i], b0[i], m.q)) % m.q);
      ASSERT_EQ(c2[i], (c[i] + multiply_mod(a1[i], b1[i], m.q)) % m.q);
    }
    // The largest possible sum.
    const Residues top(n, m.q - 1);
    c1 = top;
    set().tensor_add(c0.data(), c1.data(), c2.data(), top.data(), top.data(), top.data(), top.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(c1[i], 1 % m.q);  // -1 + 1 + 1
  });
}

TEST_P(PointwiseTest, DoesNotDependOnWhereRowsLie) {  // kernels may choose their direction by addresses
  const Modulus m = make_modulus(testing::transform_primes()[0]);
  const Multiplier s = make_multiplier(m.q / 3, m);
  constexpr std::size_t n = 40, kPage = 512;
  const Residues a = mixed_row(n, m.q, random_), b = mixed_row(n, m.q, random_);
  for (const std::size_t shift : {std::size_t{0}, std::size_t{8}, kPage - 8}) {  // words, modulo 4096 bytes
    Residues rows(6 * kPage), expected(n);
    std::uint64_t *const x = rows.data(), *const y = x + kPage, *const out = y + kPage + shift;
    std::copy(a.begin(), a.end(), x);
    std::copy(b.begin(), b.end(), y);
    const auto check = [&](const char* what) {
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out)) << what << " " << shift;
    };
    portable.add(expected.data(), x, y, n, m);
    set().add(out, x, y, n, m);
    check("add");
    portable.multiply(expected.data(), x, y, n, m);
    set().multiply(out, x, y, n, m);
    check("multiply");
    portable.subtract_multiply_scalar(expected.data(), x, y, s, n, m);
    set().subtract_multiply_scalar(out, x, y, s, n, m);
    check("subtract_multiply_scalar");
    portable.recentre(expected.data(), x, m, n, m);
    set().recentre(out, x, m, n, m);
    check("recentre");
    Residues c1(n), c2(n);
    portable.tensor(expected.data(), c1.data(), c2.data(), x, y, y, x, n, m);
    set().tensor(out, out + kPage, out + 2 * kPage, x, y, y, x, n, m);
    check("tensor");
    ASSERT_TRUE(std::equal(c1.begin(), c1.end(), out + kPage)) << shift;
    ASSERT_TRUE(std::equal(c2.begin(), c2.end(), out + 2 * kPage)) << shift;
  }
}

TEST_P(PointwiseTest, TakesTensorProductsAndSquares) {
  for_all([&](const Modulus& m, std::size_t n) {
    for (const bool largest : {false, true}) {
      const auto row = [&] { return largest ? Residues(n, m.q - 1) : mixed_row(n, m.q, random_); };
      const Residues a0 = row(), a1 = row(), b0 = row(), b1 = row(), c = row();
      Residues c0 = c, c1 = c, c2 = c;  // what was there does not matter
      set().tensor(c0.data(), c1.data(), c2.data(), a0.data(), a1.data(), b0.data(), b1.data(), n, m);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(c0[i], multiply_mod(a0[i], b0[i], m.q));
        ASSERT_EQ(c1[i], (multiply_mod(a0[i], b1[i], m.q) + multiply_mod(a1[i], b0[i], m.q)) % m.q);
        ASSERT_EQ(c2[i], multiply_mod(a1[i], b1[i], m.q));
      }
      set().tensor_square(c0.data(), c1.data(), c2.data(), a0.data(), a1.data(), n, m);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(c0[i], multiply_mod(a0[i], a0[i], m.q));
        ASSERT_EQ(c1[i], 2 * multiply_mod(a0[i], a1[i], m.q) % m.q);
        ASSERT_EQ(c2[i], multiply_mod(a1[i], a1[i], m.q));
      }
    }
  });
}

/// A random permutation of groups of eight, and of the values within each.
std::vector<std::uint32_t> permutation_of_eights(std::size_t n, std::mt19937_64& random) {
  std::vector<std::uint32_t> groups(n / 8), index;
  std::iota(groups.begin(), groups.end(), 0U);
  std::shuffle(groups.begin(), groups.end(), random);
  for (const std::uint32_t group : groups) {
    std::uint32_t lanes[] = {0, 1, 2, 3, 4, 5, 6, 7};
    std::shuffle(lanes, lanes + 8, random);
    for (const std::uint32_t lane : lanes) index.push_back(8 * group + lane);
  }
  return index;
}

TEST_P(PointwiseTest, TakesPairsOfInnerProducts) {
  for_all([&](const Modulus& m, std::size_t n) {
    const std::vector<std::uint32_t> index = permutation_of_eights(n, random_);
    for (const std::size_t count : {0U, 1U, 4U, 12U, 13U, 64U}) {
      for (const bool largest : {false, true}) {
        const auto row = [&] { return largest ? Residues(n, m.q - 1) : mixed_row(n, m.q, random_); };
        std::vector<Residues> a(count), b0(count), b1(count);
        std::vector<const std::uint64_t*> pa, pb0, pb1;
        for (std::size_t j = 0; j < count; ++j) {
          pa.push_back((a[j] = row()).data()), pb0.push_back((b0[j] = row()).data());
          pb1.push_back((b1[j] = row()).data());
        }
        for (const bool permuted : {false, true}) {
          const std::uint32_t* const through = permuted ? index.data() : nullptr;
          const Residues c0 = row(), c1 = row();
          Residues out0(n), out1(n), sum0 = c0, sum1 = c1;
          set().inner_product_pair(out0.data(), out1.data(), pa.data(), pb0.data(), pb1.data(), count, through, n, m);
          set().inner_product_pair_add(sum0.data(), sum1.data(), pa.data(), pb0.data(), pb1.data(), count, through, n,
                                       m);
          for (std::size_t i = 0; i < n; ++i) {
            Uint128 expected0 = 0, expected1 = 0;
            for (std::size_t j = 0; j < count; ++j) {
              const std::uint64_t x = a[j][permuted ? index[i] : i];
              expected0 += Uint128{x} * b0[j][i];
              expected1 += Uint128{x} * b1[j][i];
            }
            ASSERT_EQ(out0[i], static_cast<std::uint64_t>(expected0 % m.q)) << count;
            ASSERT_EQ(out1[i], static_cast<std::uint64_t>(expected1 % m.q)) << count;
            ASSERT_EQ(sum0[i], (out0[i] + c0[i]) % m.q) << count;
            ASSERT_EQ(sum1[i], (out1[i] + c1[i]) % m.q) << count;
          }
        }
      }
    }
  });
}

TEST_P(PointwiseTest, TakesInnerProducts) {
  for_all([&](const Modulus& m, std::size_t n) {
    for (const std::size_t count : {0U, 1U, 5U, 12U, 13U, 64U}) {
      for (const bool largest : {false, true}) {
        std::vector<Residues> a(count), b(count), wide(count);
        std::vector<const std::uint64_t*> pa, pb, pw;
        Residues s(count);
        const std::uint64_t below = std::uint64_t{1} << 50;
        for (std::size_t j = 0; j < count; ++j) {
          a[j] = largest ? Residues(n, m.q - 1) : mixed_row(n, m.q, random_);
          b[j] = largest ? Residues(n, m.q - 1) : mixed_row(n, m.q, random_);
          wide[j] = largest ? Residues(n, below - 1) : mixed_row(n, below, random_);
          s[j] = largest ? m.q - 1 : random_() % m.q;
          pa.push_back(a[j].data()), pb.push_back(b[j].data()), pw.push_back(wide[j].data());
        }
        Residues out(n), scaled(n);
        set().inner_product(out.data(), pa.data(), pb.data(), count, n, m);
        set().inner_product_scalar(scaled.data(), pw.data(), s.data(), count, n, m);
        for (std::size_t i = 0; i < n; ++i) {
          Uint128 sum = 0, scaled_sum = 0;
          for (std::size_t j = 0; j < count; ++j) {
            sum += Uint128{a[j][i]} * b[j][i];
            scaled_sum += Uint128{wide[j][i]} * s[j];
          }
          ASSERT_EQ(out[i], static_cast<std::uint64_t>(sum % m.q)) << count;
          ASSERT_EQ(scaled[i], static_cast<std::uint64_t>(scaled_sum % m.q)) << count;
        }
      }
    }
  });
}

TEST_P(PointwiseTest, CombinesRows) {
  for_all([&](const Modulus& m, std::size_t n) {
    for (const std::size_t count : {0U, 1U, 2U, 3U, 4U, 5U, 63U}) {
      for (const int kind : {0, 1, 2}) {  // random, largest, and a first row that is taken once
        const std::uint64_t below = std::uint64_t{1} << 50;
        const std::uint64_t first_below = kind == 2 ? std::min(2 * m.q, below) : below;
        std::vector<Residues> a(count);
        std::vector<const std::uint64_t*> pa;
        std::vector<Multiplier> s(count);
        for (std::size_t j = 0; j < count; ++j) {
          const std::uint64_t bound = j == 0 ? first_below : below;
          a[j] = kind == 1 ? Residues(n, bound - 1) : mixed_row(n, bound, random_);
          s[j] = make_multiplier(kind == 2 && j == 0 ? 1 : kind == 1 ? m.q - 1 : random_() % m.q, m);
          pa.push_back(a[j].data());
        }
        const std::uint64_t offset = kind == 1 ? m.q - 1 : random_() % m.q;
        Residues out(n);
        set().combine(out.data(), pa.data(), s.data(), count, first_below, offset, n, m);
        for (std::size_t i = 0; i < n; ++i) {
          Uint128 sum = offset;
          for (std::size_t j = 0; j < count; ++j) sum += Uint128{a[j][i]} * s[j].w;
          ASSERT_EQ(out[i], static_cast<std::uint64_t>(sum % m.q)) << count << " rows, kind " << kind;
        }
        if (count == 0) continue;
        Residues first = a.back();
        pa.back() = first.data();
        set().combine(first.data(), pa.data(), s.data(), count, first_below, offset, n, m);
        ASSERT_EQ(first, out) << "into one of its rows";
      }
    }
  });
}

TEST_P(PointwiseTest, MovesBetweenModuli) {
  for_all([&](const Modulus& m, std::size_t n) {
    const Residues wide = mixed_row(n, std::uint64_t{1} << 50, random_);
    Residues out(n);
    set().reduce(out.data(), wide.data(), n, m);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], wide[i] % m.q) << wide[i];
    for (const std::uint64_t from : testing::all_primes()) {
      const Residues a = mixed_row(n, from, random_);
      set().recentre(out.data(), a.data(), make_modulus(from), n, m);
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t expected = a[i] > from / 2 ? (m.q - (from - a[i]) % m.q) % m.q : a[i] % m.q;
        ASSERT_EQ(out[i], expected) << a[i] << " mod " << from;
      }
    }
  });
}

TEST_P(PointwiseTest, RoundsFractions) {
  const std::vector<std::uint64_t> primes = testing::all_primes();
  for (const std::size_t n : kSizes) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, primes.size(), std::size_t{64}}) {
      std::vector<Modulus> m;
      std::vector<Residues> a;
      std::vector<const std::uint64_t*> pa;
      for (std::size_t j = 0; j < count; ++j) {
        m.push_back(make_modulus(primes[j % primes.size()]));
        a.push_back(mixed_row(n, m[j].q, random_));
      }
      for (const Residues& row : a) pa.push_back(row.data());
      Residues out(n);
      set().fraction_round(out.data(), pa.data(), m.data(), count, n);
      for (std::size_t i = 0; i < n; ++i) {
        std::uint64_t sum = std::uint64_t{1} << 49;
        long double exact = 0;
        for (std::size_t j = 0; j < count; ++j) {
          sum += static_cast<std::uint64_t>(Uint128{a[j][i]} * m[j].barrett >> m[j].bits);
          exact += static_cast<long double>(a[j][i]) / static_cast<long double>(m[j].q);
        }
        ASSERT_EQ(out[i], sum >> 50);
        ASSERT_LE(std::abs(static_cast<long double>(out[i]) - exact), 0.5L + 1e-12L);
      }
    }
  }
}

TEST_P(PointwiseTest, Permutes) {
  for (const std::size_t n : kSizes) {
    const Residues a = mixed_row(n, std::uint64_t{1} << 50, random_);
    std::vector<std::uint32_t> index(n);
    for (auto& i : index) i = static_cast<std::uint32_t>(random_() % n);
    Residues out(n);
    set().permute(out.data(), a.data(), index.data(), n);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], a[index[i]]);
    index = permutation_of_eights(n, random_);
    set().permute_eights(out.data(), a.data(), index.data(), n);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], a[index[i]]);
  }
}

}  // namespace
}  // namespace prism::kernels
