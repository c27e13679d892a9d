// prism/ckks/parameters.h - a ring and a scale per level: what CKKS needs, and how to choose it from an intent.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "prism/ckks/scale.h"
#include "prism/rlwe/parameters.h"

namespace prism::ckks {

class Parameters {
 public:
  /// `scale_bits`: log2 of the scale of fresh ciphertexts at the top level, 10 .. 110. Refuses (invalid_argument)
  /// levels whose canonical scale would leave 2^10 .. Q_l; and what rlwe::Parameters::make refuses. A level may have
  /// several primes: two of 45 bits carry a scale of 2^90.
  static Result<std::shared_ptr<const Parameters>> make(rlwe::ParameterSpec spec, unsigned scale_bits);

  const rlwe::Parameters& rlwe() const { return *rlwe_; }
  const std::shared_ptr<const rlwe::Parameters>& rlwe_ptr() const { return rlwe_; }
  std::size_t degree() const { return rlwe_->degree(); }
  /// Complex values per plaintext: N/2.
  std::size_t slots() const { return degree() / 2; }
  rlwe::Level max_level() const { return rlwe_->max_level(); }
  unsigned scale_bits() const { return scale_bits_; }
  /// The canonical scale of a level: 2^scale_bits at the top, S_{l-1} = S_l^2 / (product of the primes that go), so
  /// that rescaled products of canonical ciphertexts are canonical again, exactly (Kim-Papadimitriou-Polyakov
  /// 2020/1118).
  const Scale& scale(rlwe::Level level) const { return scales_[static_cast<std::size_t>(level.value)]; }
  /// The primes that go between a level (>= 1) and the next lower one.
  std::vector<std::uint64_t> dropped_primes(rlwe::Level level) const;
  /// Of the ring and the scale.
  const Digest& digest() const { return digest_; }

 private:
  Parameters() = default;
  std::shared_ptr<const rlwe::Parameters> rlwe_;
  unsigned scale_bits_ = 0;
  std::vector<Scale> scales_;
  Digest digest_{};
};

/// `levels` groups of `per_level` primes for rescaling, group of the top level last: each group's product is as near to
/// what keeps the canonical scale at 2^scale_bits as primes 1 mod 2N below 2^50 allow, so scales do not drift with
/// depth. scale_bits <= 49*per_level. Refuses (invalid_argument) when there are too few primes.
Result<std::vector<std::uint64_t>> rescaling_primes(unsigned log_n, unsigned scale_bits, std::size_t levels,
                                                    std::size_t per_level, const std::vector<std::uint64_t>& avoid);

/// What the caller wants to compute, instead of primes.
struct Intent {
  int depth = 1;                 ///< products one after another, each rescaled
  int precision_bits = 20;       ///< the error bound of every result is at most 2^-precision_bits
  double largest_magnitude = 1;  ///< of every input; magnitudes multiply: a product of two 10s is a 100
  std::size_t additions = 1;     ///< ciphertexts added up after the last product
  bool rotations = false;        ///< a rotation before every product and at the end
  rlwe::Security security = rlwe::Security::bits128;
  std::size_t min_slots = 1;
};
/// The smallest N in 2^11 .. 2^16 and the smallest scale with which the noise model (tails, public-key encryption)
/// promises the intent's precision at the wanted security. Refuses (unsupported) what no N carries, naming the nearest
/// depth and the nearest precision that one does. The transform of the encoder works in double precision: its proven
/// error is about 2^-39 of the largest magnitude, so more than that cannot be promised, whatever the scale.
Result<std::shared_ptr<const Parameters>> parameters_for(const Intent& intent);

}  // namespace prism::ckks
