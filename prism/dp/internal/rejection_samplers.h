// prism/dp/internal/rejection_samplers.h - the samplers of Canonne, Kamath and Steinke ("The Discrete Gaussian for
// Differential Privacy", 2020, algorithms 1 to 3) in exact integer arithmetic: what Noise is compared with. For tests:
// how long they take depends on what they draw.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <random>

#include "prism/base/int128.h"
#include "prism/dp/rational.h"

namespace prism::dp::testing {

class RejectionSampler {
 public:
  explicit RejectionSampler(std::uint64_t seed) : random_(seed) {}

  /// Discrete Laplace of scale t / s; both below 2^40.
  std::int64_t laplace(std::int64_t t, std::int64_t s) {
    while (true) {
      const std::int64_t u = below(t);
      if (!exp_minus(u, t)) continue;
      std::int64_t v = 0;
      while (exp_minus(1, 1)) ++v;
      const std::int64_t y = (u + t * v) / s;
      const bool negative = below(2) == 1;
      if (negative && y == 0) continue;
      return negative ? -y : y;
    }
  }

  /// Discrete Gaussian of variance n / d; both below 2^20.
  std::int64_t gaussian(std::int64_t n, std::int64_t d) {
    std::int64_t t = 1;  // floor(deviation) + 1
    while (t * t * d <= n) ++t;
    while (true) {
      const std::int64_t y = laplace(t, 1);
      const Int128 off = Int128{std::abs(y)} * d * t - n;
      if (exp_minus(off * off, Int128{2} * n * d * t * t)) return y;
    }
  }

 private:
  std::int64_t below(std::int64_t bound) { return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(random_); }
  bool below_fraction(Int128 numerator, Int128 denominator) {  // true with that probability, which is at most 1
    while (true) {
      const Uint128 limit = ~Uint128{0} / static_cast<Uint128>(denominator) * static_cast<Uint128>(denominator);
      const Uint128 word = Uint128{random_()} << 64 | random_();
      if (word < limit) return word % static_cast<Uint128>(denominator) < static_cast<Uint128>(numerator);
    }
  }
  /// True with probability exp(-n / d).
  bool exp_minus(Int128 n, Int128 d) {
    for (; n > d; n -= d) {
      if (!exp_minus_up_to_one(1, 1)) return false;
    }
    return exp_minus_up_to_one(n, d);
  }
  bool exp_minus_up_to_one(Int128 n, Int128 d) {
    Int128 k = 1;
    while (below_fraction(n, d * k)) ++k;
    return k % 2 == 1;
  }

  std::mt19937_64 random_;
};

}  // namespace prism::dp::testing
