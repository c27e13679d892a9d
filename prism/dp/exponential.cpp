#include "prism/dp/exponential.h"

#include <gmpxx.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "prism/dp/internal/big.h"
#include "prism/dp/internal/wide.h"
#include "prism/secret/secret.h"

namespace prism::dp {
namespace {

using internal::Wide;

/// Weights are whole numbers of 2^-255; one is 2^255.
constexpr mp_bitcnt_t kPlaces = 255;
using Weight = Wide<4>;
constexpr Weight kOne = {0, 0, 0, std::uint64_t{1} << 63};
/// Weights of many candidates together: below 2^(255 + 96).
using Sum = Wide<6>;
/// exp(-180) is below 2^-259.
constexpr int kNothing = 180;
/// Candidates between two remembered sums.
constexpr std::size_t kBlock = 64;
constexpr std::size_t kMostCandidates = std::size_t{1} << 32;
constexpr Int128 kMostLoss = Int128{1} << 126;
constexpr Int128 kMostMember = Int128{1} << 120;

/// To the nearest weight, of a number of 2^-internal::kPlaces that is at most one.
Weight weight_of(const mpz_class& number) {
  constexpr mp_bitcnt_t kDrop = internal::kPlaces - kPlaces;
  const mpz_class rounded = (number + (mpz_class(1) << (kDrop - 1))) >> kDrop;
  Weight weight{};
  if (rounded > 0) mpz_export(weight.data(), nullptr, -1, sizeof(std::uint64_t), 0, 0, rounded.get_mpz_t());
  return weight;
}

/// a * b, rounded down.
Weight times(const Weight& a, const Weight& b) {
  const Wide<8> product = internal::multiply(a, b);
  Weight result;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = (product[i + 4] << 1) | (product[i + 3] >> 63);
  return result;
}

}  // namespace

struct ExponentialMechanism::Tables {
  using Digit = std::array<Weight, 16>;  ///< [v] = exp(-rate * v * 16^j)
  std::vector<Digit> digits;             ///< losses of more digits weigh nothing
  Rational rate;
  Epsilon epsilon;

  /// exp(-rate * loss): within 2^-249, as each of at most 32 factors and products is off by less than 2^-254.
  Weight weight(Uint128 loss) const {
    Weight result = kOne;
    for (const Digit& digit : digits) {
      const std::uint64_t wanted = static_cast<std::uint64_t>(loss) & 15;
      Weight factor{};
      for (std::uint64_t v = 0; v < 16; ++v) {
        const std::uint64_t mask = ~secret::mask_if(v ^ wanted);
        for (std::size_t i = 0; i < factor.size(); ++i) factor[i] |= digit[v][i] & mask;
      }
      result = times(result, factor);
      loss >>= 4;
    }
    const std::uint64_t rest = static_cast<std::uint64_t>(loss) | static_cast<std::uint64_t>(loss >> 64);
    const std::uint64_t keep = ~secret::mask_if(rest);
    for (std::uint64_t& word : result) word &= keep;
    return result;
  }
};

Result<ExponentialMechanism> ExponentialMechanism::make(const Rational& rate, Epsilon epsilon) {
  if (rate.numerator <= 0 || rate.denominator <= 0 || rate.numerator > kMostMember || rate.denominator > kMostMember ||
      rate.numerator / rate.denominator > (Int128{1} << 20)) {
    return fail(ErrorCode::invalid_argument, "exponential mechanism: a rate of ", to_string(rate),
                "; it is epsilon / range, above 0 and at most 2^20, with members up to 2^120");
  }
  auto tables = std::make_shared<Tables>();
  tables->rate = rate;
  tables->epsilon = epsilon;
  mpq_class step = internal::to_big(rate);
  // Digits are needed until a single step of the next one weighs nothing.
  for (int j = 0; j < 32 && step < kNothing; ++j, step *= 16) {
    Tables::Digit digit;
    const mpz_class factor = internal::exp_minus(step);
    mpz_class power = mpz_class(1) << internal::kPlaces;
    for (Weight& weight : digit) {  // within 16 * 2^-290
      weight = weight_of(power);
      power = internal::multiply(power, factor);
    }
    tables->digits.push_back(digit);
  }
  return ExponentialMechanism(std::move(tables));
}

ExponentialMechanism::Choice ExponentialMechanism::choose(std::span<const Candidate> candidates,
                                                          DrawStream& stream) const {
  check(candidates.size() < kMostCandidates, "exponential mechanism: too many candidates");
  // All ones or zeros instead of branches: compilers make branches of minima, and times of those.
  const auto when = [](std::uint64_t mask) { return static_cast<Int128>(static_cast<Uint128>(mask) << 64 | mask); };
  const auto negative = [](Int128 x) { return x >> 127; };
  Int128 best = kMostLoss;
  bool in_range = true;
  for (const Candidate& candidate : candidates) {
    in_range &= (candidate.loss >= 0) & (candidate.loss < kMostLoss);
    const Int128 possible = when(secret::mask_if(candidate.multiplicity));
    const Int128 loss = (candidate.loss & possible) | (kMostLoss & ~possible);
    best += (loss - best) & negative(loss - best);
  }
  check(in_range, "exponential mechanism: a loss out of range");
  check(best < kMostLoss, "exponential mechanism: no candidate");

  // Subtracting the best loss changes no ratio, and makes the sum at least one. A candidate that cannot be chosen may
  // lose less than the best.
  const auto share = [&](const Candidate& candidate) {
    const Int128 beyond = candidate.loss - best;
    return internal::multiply(tables_->weight(static_cast<Uint128>(beyond & ~negative(beyond))),
                              Wide<1>{candidate.multiplicity});
  };
  std::vector<Sum> sums;  // of all candidates up to the end of each block
  sums.reserve(candidates.size() / kBlock + 1);
  Sum total{};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    internal::add(total, share(candidates[i]));
    if (i % kBlock == kBlock - 1 || i + 1 == candidates.size()) sums.push_back(total);
  }

  // floor(U * total / 2^512) is uniform below the total up to 2^-157.
  std::array<std::uint64_t, 11> words;
  stream.read(words);
  Wide<8> uniform;
  std::copy_n(words.begin(), uniform.size(), uniform.begin());
  const Wide<14> scaled = internal::multiply(uniform, total);
  Sum point;
  std::copy_n(scaled.begin() + 8, point.size(), point.begin());

  // The choice is the first candidate whose sum is above the point.
  std::size_t block = 0;
  for (const Sum& sum : sums) block += internal::not_above(sum, point);
  const std::size_t begin = block * kBlock;
  const std::size_t end = std::min(begin + kBlock, candidates.size());
  Sum running = block == 0 ? Sum{} : sums[block - 1];
  std::size_t chosen = begin;
  for (std::size_t i = begin; i < end; ++i) {
    internal::add(running, share(candidates[i]));
    chosen += internal::not_above(running, point);
  }
  check(chosen < end, "exponential mechanism: no choice");
  const Wide<4> offset =
      internal::multiply(Wide<3>{words[8], words[9], words[10]}, Wide<1>{candidates[chosen].multiplicity});
  return {chosen, offset[3]};
}

Int128 ExponentialMechanism::loss_margin(double candidates, double probability) const {
  check(candidates >= 1 && probability > 0 && probability < 1, "exponential mechanism: a margin that makes no sense");
  // The factor covers the few roundings of double arithmetic.
  const double loss = std::ceil(std::log(candidates / probability) / value_down(tables_->rate) * (1 + 1e-12));
  check(loss < 0x1p125, "exponential mechanism: a margin out of range");
  return std::max(Int128{0}, static_cast<Int128>(loss));
}

const Rational& ExponentialMechanism::rate() const { return tables_->rate; }

Delta ExponentialMechanism::delta_of_truncation() const {
  const double delta = (1 + std::exp(tables_->epsilon.value_up())) * 0x1p-130 * (1 + 1e-12);
  return Delta::from_double_up(std::min(1.0, delta));
}

}  // namespace prism::dp
