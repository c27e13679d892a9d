// prism/circuits/moments.h - exact sums, sums of squares and of products of encrypted integers (BGV, BFV), and the
// means and variances that the key holder makes of them: fractions, because there is no division modulo t.
//
// A sum is read from one coefficient (exact::LweSample), so no rotation keys are needed, and nothing but the sums can
// be read from what is sent. Vectors may span several ciphertexts; slots after the last value hold zeros.
#pragma once
#include "prism/base/int128.h"
#include "prism/circuits/key_list.h"
#include "prism/circuits/statistics.h"

namespace prism::circuits {

/// numerator / denominator, exactly; the denominator is positive.
struct Fraction {
  Int128 numerator = 0;
  Int128 denominator = 1;
  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

/// Of one vector, and of two of the same length.
struct Moments {
  std::uint64_t count = 0;
  exact::LweSample sum, squares;
};
struct JointMoments {
  std::uint64_t count = 0;
  exact::LweSample sum_x, sum_y, products;
};

/// The relinearisation key of the level.
KeyList moment_keys(rlwe::Level level);
/// For values promised to be at most `largest` in size. One product a ciphertext and one relinearisation. Refuses
/// (invalid_argument) vectors without values, and when count * largest^2 may pass (t - 1)/2, where sums would wrap
/// modulo t: the message states the t it takes. mismatch for vectors of different lengths; not_found for a missing key.
Result<Moments> moments(const exact::Evaluator& evaluator, const exact::EncryptedVector& x, std::uint64_t largest,
                        const rlwe::EvaluationKeys& keys);
Result<JointMoments> moments(const exact::Evaluator& evaluator, const exact::EncryptedVector& x,
                             const exact::EncryptedVector& y, std::uint64_t largest, const rlwe::EvaluationKeys& keys);

/// What the key holder opens.
struct OpenMoments {
  std::uint64_t count = 0;
  std::int64_t sum = 0, squares = 0;
  Fraction mean() const { return {sum, static_cast<Int128>(count)}; }
  /// (n * squares - sum^2) / n^2, or / n(n - 1). invalid_argument for a sample of one.
  Result<Fraction> variance(Variance kind) const;
};
struct OpenJointMoments {
  std::uint64_t count = 0;
  std::int64_t sum_x = 0, sum_y = 0, products = 0;
  Result<Fraction> covariance(Variance kind) const;
};
/// Refuses what the decryptor refuses.
Result<OpenMoments> open(const exact::Decryptor& decryptor, const Moments& moments);
Result<OpenJointMoments> open(const exact::Decryptor& decryptor, const JointMoments& moments);

}  // namespace prism::circuits
