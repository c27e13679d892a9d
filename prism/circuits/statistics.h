// prism/circuits/statistics.h - sums, means, variances, covariances and weighted sums of encrypted vectors of any
// length.
//
// Vectors are ckks::EncryptedVector: several ciphertexts if need be, whose slots after the last value hold zeros; these
// never count. Every result is one ciphertext with the statistic in every slot, so nothing else can be read from it.
// Values are real. Bounds: with |x| <= M, error e in every slot, n values in B ciphertexts of r slots, a sum is off by
// B*r*e and its switches; a mean by 1/n of that; a variance by about 4M of that. So the bound on a variance grows with
// M: shift the values to the middle of their range first (centre), which changes no variance and makes M as small as it
// is.
#pragma once
#include <span>
#include <vector>

#include "prism/circuits/cost.h"
#include "prism/circuits/key_list.h"
#include "prism/circuits/scheme.h"

namespace prism::circuits {

/// a/n, 1 <= n < 2^40: the scale is multiplied by n, exactly, and nothing is computed. What decrypts is unchanged: n
/// times the magnitude of the result must still fit the modulus. The scale is not canonical; ckks::Evaluator::align_to
/// makes it so for one level.
Result<ckks::Ciphertext> divide_by(const ckks::Ciphertext& a, std::uint64_t n);

/// Values promised to lie in [low, high], less the middle of that range; the bound on their size becomes half its
/// width. No level. Slots after the last value stay zero. invalid_argument for a range that is not one. Add the middle
/// back to a mean; a variance or covariance needs nothing.
Result<ckks::EncryptedVector> centre(const ckks::Evaluator& evaluator, const ckks::Encoder& encoder,
                                     const ckks::EncryptedVector& x, double low, double high);

/// What a sum of squared distances is divided by.
enum class Variance {
  population,  ///< n
  sample       ///< n - 1; there must be two values or more
};

/// How means and variances are divided by the number of values.
enum class Quotient {
  canonical,  ///< by multiplication: one level more, then a canonical scale, which adds to others and goes into files.
              ///< 1/n is rounded at the scale of the level: a relative n/2^41 at 2^40, in the bound.
  in_scale    ///< exactly and for nothing (divide_by), for results that are decrypted by this program
};

struct StatisticOptions {
  Quotient quotient = Quotient::canonical;
  unsigned radix = 2;  ///< see WindowPlan
};

/// What the statistics below need for vectors of `blocks` ciphertexts at `level`.
enum class Statistic { sum, mean, weighted_sum, dot_product, variance, covariance };
KeyList statistic_keys(const ckks::Parameters& parameters, Statistic statistic, rlwe::Level level,
                       const StatisticOptions& options = {});
Cost statistic_cost(const ckks::Parameters& parameters, Statistic statistic, std::size_t blocks,
                    const StatisticOptions& options = {});

/// All of these: invalid_argument for no values; mismatch for vectors of different sizes or levels; not_found for a
/// missing key; level_exhausted when a level is needed and there is none. `spent` is added to.
class StatisticsEvaluator {
 public:
  /// Refers to both, which must outlive it.
  StatisticsEvaluator(const ckks::Evaluator& evaluator, const rlwe::EvaluationKeys& keys,
                      const StatisticOptions& options = {}, Cost* spent = nullptr)
      : evaluator_(&evaluator), keys_(&keys), options_(options), spent_(spent) {}

  using Ciphertext = ckks::Ciphertext;
  using Vector = ckks::EncryptedVector;
  /// No level.
  Result<Ciphertext> sum(const Vector& x) const;
  /// The sum, divided by its public count. One level with Quotient::canonical, none with in_scale.
  Result<Ciphertext> mean(const Vector& x) const;
  /// sum of w_i x_i for public weights: one level, canonical scale stays canonical. mismatch for another number of
  /// them.
  Result<Ciphertext> weighted_sum(const ckks::Encoder& encoder, const Vector& x, std::span<const double> weights) const;
  /// sum of x_i y_i: one level; one relinearisation however long the vectors are.
  Result<Ciphertext> dot_product(const Vector& x, const Vector& y) const;
  /// (n*sum of x_i^2 - (sum of x_i)^2) / n^2, or / n(n - 1): one level. n^2 M^2 times the scale must fit the modulus
  /// one level down (level_exhausted otherwise).
  Result<Ciphertext> variance(const Vector& x, Variance kind) const;
  /// (n*sum of x_i y_i - sum of x_i * sum of y_i) / n^2, or / n(n - 1): one level, like variance.
  Result<Ciphertext> covariance(const Vector& x, const Vector& y, Variance kind) const;
  /// The mean of the values that an encrypted selection of zeros and ones picks, as two ciphertexts one level down: how
  /// many they are is encrypted, too, so who decrypts divides. (In a circuit: multiply by an inverse of the count.)
  struct Ratio {
    Ciphertext numerator, denominator;
  };
  Result<Ratio> selected_mean(const Vector& x, const Vector& selection) const;

 private:
  Result<Ciphertext> total(const Ciphertext& sums, std::size_t count, math::Bound magnitude) const;
  Result<Ciphertext> added(const Vector& x) const;
  Result<Ciphertext> quotient(const Ciphertext& a, std::uint64_t n) const;

  const ckks::Evaluator* evaluator_;
  const rlwe::EvaluationKeys* keys_;
  StatisticOptions options_;
  Cost* spent_;
};

}  // namespace prism::circuits
