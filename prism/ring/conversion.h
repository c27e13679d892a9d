// prism/ring/conversion.h - from residues modulo some primes to residues modulo others. Fixed point throughout, never
// floating point: the same bytes on every machine.
#pragma once
#include <array>
#include <vector>

#include "prism/ring/poly.h"

namespace prism::ring {

/// Rewrites x given modulo B = product of `from` as residues modulo `to`, for the centred representative |x| < B/2.
///
/// Up to kMixedRadix primes it is exact: x + (B-1)/2 is written in mixed radix (Garner), and the digits are combined
/// modulo each target. With more (at most 63) it is exact unless |x|/B is within count * 2^-49 of 1/2, where the result
/// may be off by B: the quotient is estimated in 50-bit fixed point (kernels `fraction_round`; HPS 2018/117 section 2.2
/// with fixed point in place of floating point). The sets may share primes.
///
/// With t > 1 the representative is instead the multiple of t nearest to zero, t * (x/t mod B): |x| < t*B/2, and t*B
/// where it says B above. t is coprime to B and below 2^50.
class BaseConverter {
 public:
  BaseConverter(const Ring& ring, const PrimeSet& from, const PrimeSet& to, std::uint64_t t = 1);
  const PrimeSet& from() const { return from_; }
  const PrimeSet& to() const { return to_; }
  /// Forms without a Workspace have one of their own, which they wipe.
  Coefficients convert(const Coefficients& x) const;
  void convert(Coefficients& out, const Coefficients& x, Workspace& workspace) const;
  /// Row by row without a Poly: `in` has from().size() rows, `out` to().size() rows, of N residues; no row of `out` is
  /// one of `in`.
  void convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out, Workspace& workspace) const;
  void convert_rows(const std::uint64_t* const* in, std::uint64_t* const* out) const;

  // The two steps by themselves, for callers that go through the outputs one at a time (a row that is transformed while
  // it is in the cache).

  /// How many rows prepare() writes: one per prime, and beyond kMixedRadix primes the quotient.
  std::size_t prepared_rows() const { return from_.size() + (mixed() ? 0 : 1); }
  /// prepared[j] may be in[j].
  void prepare(const std::uint64_t* const* in, std::uint64_t* const* prepared) const;
  /// Row i of `to` from the prepared rows.
  void finish_row(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared) const;
  /// The same, transformed.
  void finish_evaluations(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared) const;

  /// Digits of k primes cost k(k+1)/2 multiplications to find, but a term of their sum a third of what one of an inner
  /// product does with its reduction.
  static constexpr std::size_t kMixedRadix = 6;

 private:
  /// offset + sum of row * factor: one digit from the digits before it and a residue, or a target from all digits.
  struct Combination {
    std::vector<kernels::Multiplier> factors;
    std::uint64_t offset = 0;
  };
  bool mixed() const { return from_.size() <= kMixedRadix; }
  /// One prime and t = 1: nothing to prepare, and the kernels centre a residue by comparing.
  bool plain() const { return from_.size() == 1 && t_ == 1; }
  void prepare_part(const std::uint64_t* const* in, std::uint64_t* const* prepared, std::size_t start,
                    std::size_t n) const;
  void finish_part(std::uint64_t* out, std::size_t i, const std::uint64_t* const* prepared, std::size_t n) const;

  const Ring* ring_;
  PrimeSet from_, to_;
  std::uint64_t t_;
  std::vector<kernels::Modulus> from_moduli_;
  std::vector<Combination> digits_;                   // mixed radix: per prime of `from`
  std::vector<Combination> targets_;                  // and per prime of `to`
  std::vector<kernels::Multiplier> inverse_;          // else (t*B/q_j)^-1 mod q_j
  std::vector<std::vector<std::uint64_t>> cofactor_;  // [i][j] = t*B/q_j mod p_i, then -t*B mod p_i last
};

/// Divides by D = product of `divisor` and rounds: for x modulo keep ∪ divisor returns (x - delta)/D modulo keep, where
/// delta = x mod D (centred) and delta = 0 mod t. t = 1 gives plain rounding (|error| <= 1/2 per coefficient); BGV
/// passes its plaintext modulus (error <= t/2, and the message is multiplied by D^-1 mod t). t must be coprime to D and
/// below 2^50. With several divisor primes delta may be off by t*D where it is within t*D * count * 2^-49 of +-t*D/2
/// (BaseConverter); both congruences hold all the same.
class Divider {
 public:
  Divider(const Ring& ring, const PrimeSet& keep, const PrimeSet& divisor, std::uint64_t t);
  /// Costs divisor.size() inverse and keep.size() forward transforms.
  Evaluations divide(const Evaluations& x) const;
  Coefficients divide(const Coefficients& x) const;
  /// `out` is another polynomial than x. The workspace then holds the remainder of x modulo D: wipe it where x is
  /// secret.
  void divide(Evaluations& out, const Evaluations& x, Workspace& workspace) const;
  void divide(Coefficients& out, const Coefficients& x, Workspace& workspace) const;
  /// Two at once, prime by prime, so that both meet a prime's roots while they are in the cache.
  void divide(Evaluations& out0, Evaluations& out1, const Evaluations& x0, const Evaluations& x1,
              Workspace& workspace) const;
  const PrimeSet& keep() const { return keep_; }
  const PrimeSet& divisor() const { return divisor_; }

 private:
  template <Domain D>
  struct Part {
    Poly<D>* out;
    const Poly<D>* x;
  };
  template <Domain D, std::size_t kParts>
  void divide_by_rows(const std::array<Part<D>, kParts>& parts, Workspace& workspace) const;

  const Ring* ring_;
  PrimeSet keep_, divisor_;
  BaseConverter converter_;
  std::vector<kernels::Multiplier> d_inverse_;  // D^-1 mod each kept prime
};

}  // namespace prism::ring
