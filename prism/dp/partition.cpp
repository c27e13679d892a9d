#include "prism/dp/partition.h"

#include <gmpxx.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "prism/dp/internal/big.h"

namespace prism::dp {
namespace {

/// Probabilities are whole numbers of 2^-128; one itself does not fit and becomes the number just below.
constexpr mp_bitcnt_t kBits = 128;

Status check_counts(std::uint64_t groups_per_unit, std::uint64_t other, std::string_view name_of_other) {
  if (groups_per_unit == 0) return fail(ErrorCode::invalid_argument, "groups per unit: 0; at least 1");
  if (other == 0) return fail(ErrorCode::invalid_argument, name_of_other, ": 0; at least 1");
  return {};
}

}  // namespace

Result<PartitionSelection> PartitionSelection::make(Epsilon epsilon, Delta delta, std::uint64_t groups_per_unit,
                                                    std::uint64_t pre_threshold) {
  PRISM_CHECKED(check_counts(groups_per_unit, pre_threshold, "pre-threshold"));
  if (epsilon.nano() == 0 || delta.units() == 0) {
    return fail(
        ErrorCode::invalid_argument,
        "groups with private keys need an epsilon and a delta above zero; declare public values for the keys, or "
        "grant a delta such as 1e-5");
  }
  const mpz_class one = mpz_class(1) << kBits;
  const mpz_class share_of_delta =
      (internal::to_big(delta.units()) << (kBits - Delta::kBits)) / mpz_class(std::to_string(groups_per_unit));
  mpq_class share_of_epsilon(mpz_class(std::to_string(epsilon.nano())),
                             mpz_class(std::to_string(groups_per_unit)) * mpz_class(std::to_string(Epsilon::kNanos)));
  share_of_epsilon.canonicalize();

  // exp_minus is within 2^-290; shrink is not below exp(-e), so growth is not above exp(e).
  const mpz_class shrink = internal::exp_minus(share_of_epsilon) + (mpz_class(1) << (internal::kPlaces - 290));
  const mpz_class growth = (mpz_class(1) << (2 * internal::kPlaces)) / shrink;
  std::vector<Uint128> thresholds = {0};
  const mpz_class most = one - 1;
  for (mpz_class p = 0; p < most;) {
    if (thresholds.size() == kMostEntries || share_of_delta == 0) {
      return fail(ErrorCode::invalid_argument, "epsilon ", epsilon.text(), " and delta ", delta.text(), " over ",
                  groups_per_unit,
                  " groups per unit are too little to show groups with private keys; lower the groups per unit, raise "
                  "epsilon or delta, or declare public values for the keys");
    }
    const mpz_class grown = ((p * growth) >> internal::kPlaces) + share_of_delta;
    const mpz_class left = one - p - share_of_delta;  // negative: nothing is left to lose
    const mpz_class mirrored = left <= 0 ? most : one - ((left * shrink >> internal::kPlaces) + 1);
    p = std::min({grown, mirrored, most});
    thresholds.push_back(internal::to_uint128(p));
  }
  auto tables = std::make_shared<Tables>();
  for (std::size_t word = 0; word < tables->words.size(); ++word) {
    for (const Uint128 threshold : thresholds) {
      tables->words[word].push_back(static_cast<std::uint32_t>(threshold >> (32 * word)));
    }
  }
  tables->thresholds = std::move(thresholds);
  return PartitionSelection(std::move(tables), pre_threshold);
}

bool PartitionSelection::keep(std::uint64_t units, DrawStream& stream) const {
  std::array<std::uint64_t, 2> words;
  stream.read(words);
  const Uint128 uniform = static_cast<Uint128>(words[1]) << 64 | words[0];
  return uniform < keep_threshold(units);
}

Uint128 PartitionSelection::keep_threshold(std::uint64_t units) const {
  const std::uint64_t beyond = units < pre_threshold_ ? 0 : units - (pre_threshold_ - 1);
  const std::uint64_t last = tables_->thresholds.size() - 1;
  const auto wanted = static_cast<std::uint32_t>(beyond < last ? beyond : last);
  const auto entries = static_cast<std::uint32_t>(tables_->thresholds.size());
  Uint128 found = 0;
  for (std::size_t word = 0; word < tables_->words.size(); ++word) {
    const std::uint32_t* const row = tables_->words[word].data();
    std::uint32_t entry = 0;
    for (std::uint32_t i = 0; i < entries; ++i) entry |= row[i] & (i == wanted ? ~std::uint32_t{0} : 0);
    found |= static_cast<Uint128>(entry) << (32 * word);
  }
  return found;
}

double PartitionSelection::keep_probability(std::uint64_t units) const {
  return std::ldexp(static_cast<double>(keep_threshold(units)), -static_cast<int>(kBits));
}

std::uint64_t PartitionSelection::units_for(double probability) const {
  check(probability >= 0 && probability < 1, "partition selection: a probability outside [0, 1)");
  const auto found = std::find_if(tables_->thresholds.begin(), tables_->thresholds.end(), [&](Uint128 threshold) {
    return std::ldexp(static_cast<double>(threshold), -static_cast<int>(kBits)) >= probability;
  });
  const auto beyond = static_cast<std::uint64_t>(found - tables_->thresholds.begin());
  return beyond == 0 ? 0 : beyond + (pre_threshold_ - 1);
}

std::uint64_t PartitionSelection::sure_from() const { return tables_->thresholds.size() - 1 + (pre_threshold_ - 1); }

Result<ThresholdSelection> ThresholdSelection::make(const Noise& noise, Delta delta, std::uint64_t groups_per_unit,
                                                    std::uint64_t contribution) {
  PRISM_CHECKED(check_counts(groups_per_unit, contribution, "contribution"));
  // groups * P(noise > h) = groups * P(|noise| > h) / 2; the factor covers the roundings of the product.
  const double allowed = delta.value_down() * 2 / static_cast<double>(groups_per_unit) * (1 - 1e-15);
  Int128 enough = noise.largest();
  if (noise.tail_up(enough) > allowed) {
    return fail(ErrorCode::invalid_argument, "delta ", delta.text(), " over ", groups_per_unit,
                " groups per unit is below what noise can promise; at least 1e-28 for each");
  }
  Int128 least = -1;  // the tail at `least` is too large, at `enough` it is not
  while (enough - least > 1) {
    const Int128 middle = least + (enough - least) / 2;
    (noise.tail_up(middle) <= allowed ? enough : least) = middle;
  }
  return ThresholdSelection(static_cast<Int128>(contribution) + 1 + enough);
}

}  // namespace prism::dp
