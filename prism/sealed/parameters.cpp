#include "prism/sealed/parameters.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "prism/base/int128.h"
#include "prism/math/primes.h"
#include "prism/program/analysis.h"
#include "prism/program/builder.h"

namespace prism::sealed {
namespace {

constexpr int kUsualPlainBits = 33;  // 8588886017: sums of 10^6 rows in limbs of 12 bits, and a level fits one prime
constexpr int kSlackBits =
    17;  // what one product and its rounding cost beyond t, measured on the noise model; verified below
constexpr int kMoreSlackBits = 6;
constexpr double kSpareBits = 5;  // kept for IN lists and sums of intervals

/// The deepest question the levels were planned for, over distinct cells.
Result<program::Program> worst_question(const std::shared_ptr<const exact::Parameters>& parameters, const Demand& d) {
  program::Builder b(parameters);
  std::uint32_t cell = 0;
  const auto input = [&](int level) { return b.input(cell++, level); };
  // One range test: the tree of (lt, eq) pairs, at both ends of an interval.
  const auto range = [&]() -> Result<program::Node> {
    const std::size_t digits = std::size_t{1} << d.leaf_depth;
    std::vector<program::Node> lt, eq;
    for (std::size_t i = 0; i < digits; ++i) {
      const auto x = input(d.filter_level);
      // "Not NULL" minus the threshold: a second fresh ciphertext, which columns without NULLs do not need.
      lt.push_back(b.subtract(input(d.filter_level), x));
      eq.push_back(b.subtract(x, input(d.filter_level)));
    }
    while (lt.size() > 1) {
      std::vector<program::Node> lt2, eq2;
      for (std::size_t i = 0; i + 1 < lt.size(); i += 2) {
        PRISM_TRY(const auto low, b.combine({{1, eq[i], lt[i + 1]}}, {{1, lt[i]}}, 0));
        PRISM_TRY(const auto same, b.multiply(eq[i], eq[i + 1]));
        lt2.push_back(low);
        eq2.push_back(same);
      }
      lt = lt2;
      eq = eq2;
    }
    return b.subtract(lt[0], eq[0]);
  };
  std::optional<program::Node> where;
  if (d.filters) {
    PRISM_TRY(where, range());
    while (b.level(*where) > d.predicate_level) {
      PRISM_TRY(const auto other, range());
      PRISM_TRY(where, b.combine({{-1, *where, b.drop_to(other, b.level(*where))}},
                                 {{1, *where}, {1, b.drop_to(other, b.level(*where))}}, 0));
    }
  }
  // Cells of filter columns (validity for COUNT, categories for GROUP BY) come down from the filters' level, and the
  // rounding on the way leaves more noise than a fresh ciphertext has.
  const auto dropped = [&](int level) {
    return d.filters ? b.drop_to(input(d.filter_level), std::min(level, d.filter_level)) : input(level);
  };
  auto value = dropped(d.measure_level);
  if (d.groups) {
    auto key = dropped(d.group_level);
    while (b.level(key) > 1) {
      PRISM_TRY(key, b.multiply(key, dropped(d.group_level)));
    }
    if (where) {
      PRISM_TRY(value, b.multiply(*where, value));
    }
    b.output(b.product(key, value));
    b.output(b.product(key, value));
    b.output(key);
    return b.finish(program::Delivery::packed);
  }
  b.output(where ? b.product(*where, value) : value);
  return b.finish(program::Delivery::samples);
}

/// A plaintext modulus and how large its primes are.
struct Candidate {
  std::uint64_t t;
  int prime_bits;
  double cost;
};

/// In the order in which they are to be tried.
std::vector<Candidate> candidates(int fewest_plain_bits, int slack, int most_prime_bits, const RowsForPlain& rows_for) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 18;
  std::vector<Candidate> out;
  for (int plain_bits = std::min(std::max(kUsualPlainBits, fewest_plain_bits), most_prime_bits - slack);
       plain_bits >= fewest_plain_bits; --plain_bits) {
    // The largest prime = 1 mod 2^18 with that many bits (8588886017 for 33), so that every N up to 2^17 has its slots.
    std::uint64_t t = (std::uint64_t{1} << plain_bits) + 1;
    do t -= kStep;
    while (!math::is_prime(t));
    if (!rows_for) {
      out.push_back({t, most_prime_bits, 0});
      continue;
    }
    const double rows = rows_for(t);
    if (!std::isfinite(rows)) continue;  // no limbs carry the measures with this t
    // Noise decides how many bits more than the fewest are needed; the last are taken in any case.
    for (int bits = plain_bits + slack; bits <= std::min(plain_bits + slack + kMoreSlackBits, most_prime_bits); ++bits)
      out.push_back({t, bits, rows * bits});
  }
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
  return out;
}

}  // namespace

int widest_limb_bits(std::uint64_t rows, std::uint64_t t) {
  int bits = 1;
  while (bits < 40 &&
         (Int128{1} << bits) * static_cast<Int128>(std::max<std::uint64_t>(rows, 1)) < static_cast<Int128>(t / 2))
    ++bits;
  return bits;  // rows * 2^(bits-1) < t/2
}

Result<std::shared_ptr<const exact::Parameters>> choose_parameters(const Demand& d, const RowsForPlain& rows_for) {
  const bool multiplies = d.filters || d.groups;
  const int top = std::max({d.measure_level, d.groups ? d.group_level : 0, d.filters ? d.filter_level : 0});
  const auto count = static_cast<unsigned>(top) + 1 + (multiplies ? 1 : 0);
  const int fewest_plain_bits = static_cast<int>(std::bit_width(std::max<std::uint64_t>(d.rows, 1))) + 6;
  const int slack = multiplies ? kSlackBits : kSlackBits - 4;
  std::optional<Error> last;
  for (unsigned log_n = 11; log_n <= 16; ++log_n) {
    const unsigned limit = rlwe::max_log2_modulus(log_n, d.security);
    const int most_prime_bits = std::min<int>(50, static_cast<int>(limit / count));
    if (most_prime_bits < 24) continue;
    for (const Candidate& c : candidates(std::max(fewest_plain_bits, 20), slack, most_prime_bits, rows_for)) {
      auto primes = rlwe::choose_primes(static_cast<unsigned>(c.prime_bits), count, {c.t});
      if (!primes) {
        last = std::move(primes).error();
        continue;
      }
      rlwe::ParameterSpec spec;
      spec.log_n = log_n;
      spec.security = d.security;
      // The largest prime divides key-switching noise.
      if (multiplies) spec.special_primes = {primes->front()};
      spec.primes.assign(primes->begin() + (multiplies ? 1 : 0), primes->end());
      auto parameters = exact::Parameters::make(std::move(spec), c.t, exact::Scheme::bgv);
      if (!parameters) {
        last = std::move(parameters).error();
        continue;
      }
      PRISM_TRY(const auto question, worst_question(*parameters, d));
      const std::uint64_t blocks =
          std::max<std::uint64_t>(1, (d.rows + (*parameters)->slots() - 1) / (*parameters)->slots());
      auto analysis = program::analyse(question, **parameters, blocks);
      if (analysis && analysis->budget_bits >= kSpareBits) return *parameters;
      if (!analysis) last = std::move(analysis).error();
    }
  }
  return fail(ErrorCode::insecure, "no ring up to N = 2^16 carries ", top + 1, " levels at this security for ", d.rows,
              " rows", last ? " (" + last->message + ")" : std::string(),
              "; use fewer filter columns, a smaller --nesting, or --encoding fast");
}

}  // namespace prism::sealed
