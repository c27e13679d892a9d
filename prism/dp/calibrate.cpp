#include "prism/dp/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "prism/dp/internal/big.h"
#include "prism/dp/internal/curves.h"
#include "prism/dp/internal/parts.h"

namespace prism::dp {

namespace {

constexpr std::size_t kMostReleases = 256;
constexpr std::uint32_t kMostWeight = 1000;
constexpr Int128 kMostL1 = Int128{1} << 100;
constexpr int kMostParameterBits = 100;
/// P(|x| > 2.996 scale) is 5 % for Laplace noise, P(|x| > 1.960 sigma) for Gaussian noise.
constexpr double kLaplaceHalfWidth = 2.9957322735539909;
constexpr double kGaussianHalfWidth = 1.9599639845400543;
/// From here on what smoothing costs is less than what zCDP's conversion does.
constexpr double kSmallVariance = 32;

/// What one assignment of mechanisms costs in width: the sum of the logarithms of all half widths.
struct Choice {
  std::size_t gaussians = 0;  ///< the first so many of the order by advantage
  bool by_zcdp = false;
  double score = 0;
};

/// At or above the value: with its own denominator where that is small, else over 2^40.
Result<Rational> scale_up(const mpq_class& value) {
  mpz_class numerator = value.get_num(), denominator = value.get_den();
  if (denominator > mpz_class(1) << 40 || numerator >= mpz_class(1) << 119) {
    const mp_bitcnt_t bits = value < (mpz_class(1) << 60) ? 40 : 0;
    denominator = mpz_class(1) << bits;
    mpq_class shifted = value;
    shifted *= denominator;
    numerator = internal::divide_up(shifted.get_num(), shifted.get_den());
  }
  if (numerator > denominator << kMostParameterBits) {
    return fail(
        ErrorCode::invalid_argument,
        "the noise needs a Laplace scale above 2^100; give the column tighter bounds or the query more epsilon");
  }
  return make_rational(internal::to_int128(numerator), internal::to_int128(denominator));
}

/// At or above a double below 2^100.
Result<Rational> variance_up(double value) {
  const int bits = value < 1 ? 20 : value < 0x1p50 ? 10 : 0;
  const double scaled = std::ceil(std::ldexp(value * (1 + 1e-12), bits));
  return make_rational(static_cast<Int128>(scaled), Int128{1} << bits);
}

class Calibrator {
 public:
  Calibrator(std::span<const Sensitivity> asked, Epsilon epsilon, Delta delta)
      : asked_(asked), epsilon_(epsilon), delta_(delta), order_(asked.size()) {
    for (const Sensitivity& one : asked) weights_ += one.weight;
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    // Gaussian noise pays for L2, Laplace noise for L1: those where they differ most gain most.
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return advantage(a) != advantage(b) ? advantage(a) > advantage(b) : a < b;
    });
    while (candidates_ < order_.size() && asked_[order_[candidates_]].l2_squared) ++candidates_;
  }

  /// Releases that may be Gaussian at all.
  std::size_t candidates() const { return candidates_; }

  double laplace_half_width(std::size_t i) const {
    return kLaplaceHalfWidth * static_cast<double>(asked_[i].l1) / (epsilon_.value_down() * share(i));
  }

  /// Variances when the first `count` of the order are Gaussian with delta and their share of epsilon; empty when this
  /// way does not apply.
  std::vector<double> variances(std::size_t count, bool by_zcdp) const {
    double part = 0;
    for (std::size_t n = 0; n < count; ++n) part += share(order_[n]);
    const double delta = delta_.value_down() * (1 - 1e-12);
    const double epsilon = epsilon_.value_down() * part * (1 - 1e-12);
    const auto releases = static_cast<double>(asked_.size());
    double rho = 0, mu_squared = 0;
    if (by_zcdp) {
      rho = internal::zcdp_rho_down(epsilon, delta);
    } else {
      double kappa = 0;
      for (std::size_t n = 0; n < count; ++n) kappa += kappa_of(order_[n], releases);
      if (epsilon <= 2 * kappa) return {};
      const double mu = internal::gaussian_mu_down(epsilon - 2 * kappa, delta * std::exp(-kappa));
      mu_squared = internal::down(mu * mu);
    }
    std::vector<double> out;
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t i = order_[n];
      const double l2_squared = static_cast<double>(*asked_[i].l2_squared);
      const double fraction = share(i) / part;
      double variance = internal::up(l2_squared / ((by_zcdp ? 2 * rho : mu_squared) * fraction));
      if (!by_zcdp) {
        // Equal releases may be counted as one event with all their coordinates: smooth for all of them.
        const double smooth = internal::smoothing(l2_squared * releases);
        variance += internal::up(smooth);
        if (variance <= 2.01 * smooth) return {};
      }
      if (!(variance < std::ldexp(1.0, kMostParameterBits - 1))) return {};
      out.push_back(variance);
    }
    return out;
  }

  /// Releases that gain equally become Gaussian together.
  bool worth_trying(std::size_t count) const {
    return count == candidates_ || advantage(order_[count - 1]) != advantage(order_[count]);
  }

  std::size_t at(std::size_t n) const { return order_[n]; }

  Result<CalibratedRelease> laplace(std::size_t i) const {
    mpq_class scale(internal::to_big(asked_[i].l1) * weights_ * mpz_class(Epsilon::kNanos),
                    mpz_class(epsilon_.nano()) * asked_[i].weight);
    scale.canonicalize();
    PRISM_TRY(const Rational parameter, scale_up(scale));
    PRISM_TRY(const Event event, Event::laplace(parameter, asked_[i].l1));
    return CalibratedRelease{Event::Kind::laplace, parameter, event, laplace_half_width(i)};
  }

  Result<CalibratedRelease> gaussian(std::size_t i, double variance) const {
    PRISM_TRY(const Rational parameter, variance_up(variance));
    PRISM_TRY(const Event event, Event::gaussian(parameter, *asked_[i].l2_squared));
    return CalibratedRelease{Event::Kind::gaussian, parameter, event, kGaussianHalfWidth * std::sqrt(variance)};
  }

 private:
  double share(std::size_t i) const { return static_cast<double>(asked_[i].weight) / static_cast<double>(weights_); }
  double advantage(std::size_t i) const {
    if (!asked_[i].l2_squared) return -1;
    const auto l1 = static_cast<double>(asked_[i].l1);
    return l1 * l1 / static_cast<double>(*asked_[i].l2_squared);
  }
  double kappa_of(std::size_t i, double releases) const {
    const double coordinates = static_cast<double>(*asked_[i].l2_squared) * releases;
    return internal::smoothing_kappa(internal::smoothing(coordinates), coordinates);
  }

  std::span<const Sensitivity> asked_;
  Epsilon epsilon_;
  Delta delta_;
  std::uint32_t weights_ = 0;
  std::vector<std::size_t> order_;
  std::size_t candidates_ = 0;
};

Status validate(std::span<const Sensitivity> releases, Epsilon epsilon, Delta delta, NoiseChoice choice) {
  if (releases.empty() || releases.size() > kMostReleases) {
    return fail(ErrorCode::invalid_argument, releases.size(), " releases in one query; wanted 1 to ", kMostReleases);
  }
  if (epsilon == Epsilon()) return fail(ErrorCode::invalid_argument, "an epsilon of 0; wanted above 0");
  for (const Sensitivity& one : releases) {
    if (one.l1 < 1 || one.l1 >= kMostL1) {
      return fail(ErrorCode::invalid_argument, "an L1 sensitivity of ", prism::to_string(one.l1),
                  "; wanted 1 to 2^100");
    }
    if (one.l2_squared && (*one.l2_squared < 1 || *one.l2_squared >= kMostL1)) {
      return fail(ErrorCode::invalid_argument, "a squared L2 sensitivity of ", prism::to_string(*one.l2_squared),
                  "; wanted 1 to 2^100, or none");
    }
    if (one.weight < 1 || one.weight > kMostWeight) {
      return fail(ErrorCode::invalid_argument, "a weight of ", one.weight, "; wanted 1 to ", kMostWeight);
    }
    if (choice == NoiseChoice::gaussian && !one.l2_squared) {
      return fail(ErrorCode::invalid_argument, "Gaussian noise for a release without an L2 sensitivity");
    }
  }
  if (choice == NoiseChoice::gaussian && delta == Delta()) {
    return fail(ErrorCode::invalid_argument, "Gaussian noise with delta 0; it wants delta above 0");
  }
  return {};
}

}  // namespace

Result<Calibration> calibrate(std::span<const Sensitivity> releases, Epsilon epsilon, Delta delta, NoiseChoice noise) {
  PRISM_CHECKED(validate(releases, epsilon, delta, noise));
  const Calibrator calibrator(releases, epsilon, delta);
  const bool forced = noise == NoiseChoice::gaussian;
  const bool possible = delta > Delta() && noise != NoiseChoice::laplace;
  Choice best;
  bool found = !forced;
  for (std::size_t count = forced ? releases.size() : 1; possible && count <= calibrator.candidates(); ++count) {
    if (!calibrator.worth_trying(count)) continue;
    bool small = true;  // continuous noise is the better bound but for the smallest variances
    for (const bool by_zcdp : {false, true}) {
      if (by_zcdp && !small) continue;
      const std::vector<double> variances = calibrator.variances(count, by_zcdp);
      if (variances.empty()) continue;
      small = *std::min_element(variances.begin(), variances.end()) < kSmallVariance;
      Choice choice{count, by_zcdp, 0};
      bool narrower = true;
      for (std::size_t n = 0; n < count; ++n) {
        const double width = kGaussianHalfWidth * std::sqrt(variances[n]);
        const double plain = calibrator.laplace_half_width(calibrator.at(n));
        narrower = narrower && width <= plain;
        choice.score += std::log(width / plain);
      }
      // Better in sum is not enough: no release may be worse off than with its plain share.
      if (forced ? (!found || choice.score < best.score) : (narrower && choice.score < best.score)) {
        best = choice;
        found = true;
      }
    }
  }
  if (!found) {
    return fail(
        ErrorCode::invalid_argument,
        "the noise needs a Gaussian variance above 2^99; give the column tighter bounds or the query more epsilon");
  }
  std::vector<std::optional<CalibratedRelease>> chosen(releases.size());
  const std::vector<double> variances =
      best.gaussians == 0 ? std::vector<double>() : calibrator.variances(best.gaussians, best.by_zcdp);
  for (std::size_t n = 0; n < releases.size(); ++n) {
    const std::size_t i = calibrator.at(n);
    PRISM_TRY(chosen[i], n < best.gaussians ? calibrator.gaussian(i, variances[n]) : calibrator.laplace(i));
  }
  Calibration out;
  out.epsilon = epsilon;
  out.delta = best.gaussians > 0 ? delta : Delta();
  for (auto& release : chosen) out.releases.push_back(std::move(*release));
  return out;
}

}  // namespace prism::dp
