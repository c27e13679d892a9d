// prism/ring/poly.h - elements of R modulo a set of primes, in residue (RNS) form. The domain is part of the type, so
// that a product of coefficient vectors does not compile.
#pragma once
#include <cstdint>
#include <span>

#include "prism/ring/ring.h"
#include "prism/ring/workspace.h"

namespace prism::ring {

enum class Domain { coefficients, evaluations };

using Coefficients = Poly<Domain::coefficients>;
using Evaluations = Poly<Domain::evaluations>;

/// Transforms reuse the memory they are given: one transform per row.
Evaluations to_evaluations(Coefficients&& p);
Coefficients to_coefficients(Evaluations&& p);
/// The same from one memory to another.
void to_evaluations(Evaluations& out, const Coefficients& p);
void to_coefficients(Coefficients& out, const Evaluations& p);

/// One row of N residues per prime of `primes()`, in that order. Invariant: row(i)[j] < prime i. 8*N bytes a row.
/// Copies cost megabytes, so they are spelled clone(). The Ring must outlive the Poly.
template <Domain D>
class Poly {
 public:
  Poly() = default;
  /// Zero.
  Poly(const Ring& ring, PrimeSet primes);
  /// No rows yet, with memory for reshape() to use.
  explicit Poly(Memory&& memory) : residues_(std::move(memory)) {}
  Poly(Poly&&) noexcept = default;
  Poly& operator=(Poly&&) noexcept = default;
  Poly clone() const;
  /// Takes this shape and keeps the memory where it is large enough. Contents unspecified.
  void reshape(const Ring& ring, const PrimeSet& primes);
  /// Bytes of the memory held, which after reshape() may be more than the rows need.
  std::size_t memory_bytes() const { return residues_.capacity() * sizeof(std::uint64_t); }

  const Ring& ring() const { return *ring_; }
  const PrimeSet& primes() const { return primes_; }
  std::size_t degree() const { return ring_->degree(); }
  std::size_t rows() const { return primes_.size(); }
  std::span<std::uint64_t> row(std::size_t i) { return {residues_.data() + i * degree(), degree()}; }
  std::span<const std::uint64_t> row(std::size_t i) const { return {residues_.data() + i * degree(), degree()}; }
  const kernels::Modulus& modulus(std::size_t i) const { return ring_->modulus(primes_[i]); }
  /// A copy of the rows of a subset of the primes: the same polynomial modulo fewer primes.
  Poly restricted(const PrimeSet& subset) const;
  bool operator==(const Poly& other) const { return primes_ == other.primes_ && residues_ == other.residues_; }
  /// Overwrites with zeros in a way the optimiser keeps; for polynomials that hold secrets.
  void wipe();

 private:
  friend Evaluations to_evaluations(Coefficients&& p);
  friend Coefficients to_coefficients(Evaluations&& p);
  friend class Workspace;
  friend class Borrowed<D>;
  Poly(const Ring& ring, const PrimeSet& primes, Memory&& memory)
      : ring_(&ring), primes_(primes), residues_(std::move(memory)) {}
  Poly(const Poly&) = default;
  const Ring* ring_ = nullptr;
  PrimeSet primes_;
  Memory residues_;
};

// Both operands over the same ring and the same primes (a broken invariant otherwise).
template <Domain D>
void add_into(Poly<D>& a, const Poly<D>& b);
template <Domain D>
void subtract_into(Poly<D>& a, const Poly<D>& b);
template <Domain D>
void negate_into(Poly<D>& a);
/// a *= s modulo each prime; `residues[i]` is the scalar modulo prime i.
template <Domain D>
void multiply_scalar_into(Poly<D>& a, std::span<const std::uint64_t> residues);
/// a *= s for a public signed integer |s| < 2^62.
template <Domain D>
void multiply_integer_into(Poly<D>& a, std::int64_t s);
void multiply_into(Evaluations& a, const Evaluations& b);
/// out += a * b
void multiply_add(Evaluations& out, const Evaluations& a, const Evaluations& b);
// The same into another polynomial, which takes their shape; `out` may be an operand, except of an automorphism.
template <Domain D>
void copy(Poly<D>& out, const Poly<D>& a);
/// The rows of a subset of the primes.
template <Domain D>
void restrict_to(Poly<D>& out, const Poly<D>& a, const PrimeSet& subset);
template <Domain D>
void add(Poly<D>& out, const Poly<D>& a, const Poly<D>& b);
template <Domain D>
void subtract(Poly<D>& out, const Poly<D>& a, const Poly<D>& b);
template <Domain D>
void negate(Poly<D>& out, const Poly<D>& a);
template <Domain D>
void multiply_scalar(Poly<D>& out, const Poly<D>& a, std::span<const std::uint64_t> residues);
void multiply(Evaluations& out, const Evaluations& a, const Evaluations& b);
void automorphism(Evaluations& out, const Evaluations& p, std::uint32_t g);

/// X -> X^g, g odd in [1, 2N).
Evaluations automorphism(const Evaluations& p, std::uint32_t g);
Coefficients automorphism(const Coefficients& p, std::uint32_t g);
/// Multiplies by X^k, 0 <= k < 2N (X^N = -1).
Coefficients times_monomial(const Coefficients& p, std::uint32_t k);
/// Small signed coefficients, |c| < 2^31, as residues. Branch-free in the values.
Coefficients from_signed(const Ring& ring, const PrimeSet& primes, std::span<const std::int32_t> coefficients);
/// One row of residues modulo `from` (any odd modulus < 2^50, not necessarily of the ring), taken as centred integers.
Coefficients from_centred_row(const Ring& ring, const PrimeSet& primes, std::span<const std::uint64_t> row,
                              const kernels::Modulus& from);

}  // namespace prism::ring
