// prism/fhe/vector.h - encrypted vectors of any length, computed with as if they were numbers.
//
//   const auto z = sum(x * y + 2.0 * x);   // Result<Vector>: the first error on the way, or the value
//
// Operators take and give Result<Vector>, so expressions need no checks inside; nothing throws. Values are immutable
// and cheap to copy (copies share ciphertexts). Products are lazy: what follows a product (relinearisation, rescaling)
// is done when it is needed, once, and sums of products share it. Operands at different levels are brought to the lower
// one, for Approximate at the cost of a multiplication by an integer. Cost and errors below; L is the number of primes.
//
// Errors of every operation: mismatch (vectors of different contexts or of different sizes), level_exhausted (more
// depth than the context has), not_found (a key that was not made), each with the way out.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/fhe/family.h"

namespace prism::circuits {
class Polynomial;
class IntegerPolynomial;
}  // namespace prism::circuits

namespace prism::fhe {

template <class Family>
struct ContextState;
template <class Family>
struct VectorState;

/// A number that may stand beside a vector: no fraction beside exact ones, and nothing that would wrap.
template <class T, class Family>
concept Scalar = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> &&
                 (std::is_floating_point_v<typename Family::Number> ||
                  (std::is_integral_v<T> && (std::is_signed_v<T> || sizeof(T) < sizeof(typename Family::Number))));

template <class Family>
class Vector {
 public:
  using Number = typename Family::Number;
  using Numbers = std::span<const Number>;
  using Outcome = Result<Vector>;

  std::size_t size() const;
  Context<Family> context() const;
  /// Products that still fit (BGV may carry one more). BFV keeps its level: budget_bits() says what is left.
  rlwe::Level level() const;
  /// The error of every value is at most 2^error_log2(): public, from the circuit alone.
  double error_log2() const
    requires std::is_floating_point_v<typename Family::Number>
  {
    return error_bound_log2();
  }
  /// How many bits the noise (Approximate: message and error) may still grow before decryption refuses.
  double budget_bits() const;
  /// log2 of the largest |value| there can be, by what was declared of the inputs.
  double magnitude_log2() const
    requires std::is_floating_point_v<typename Family::Number>
  {
    return magnitude_bound_log2();
  }
  /// Whether it is one value that goes with vectors of any size: a sum, and what was made of sums.
  bool is_everywhere() const;
  /// Whether relinearisation and rescaling of a product are still to come (or a rescaling alone).
  bool is_put_off() const;
  /// Bytes of an artefact of kind ciphertext. Does what was put off first.
  Result<Bytes> encode() const;

  friend Outcome operator+(const Outcome& a, const Outcome& b) { return add(a, b); }
  friend Outcome operator-(const Outcome& a, const Outcome& b) { return subtract(a, b); }
  friend Outcome operator*(const Outcome& a, const Outcome& b) { return multiply(a, b); }
  friend Outcome operator-(const Outcome& a) { return multiply(a, Number{-1}); }
  // -- with public vectors of the same size
  friend Outcome operator+(const Outcome& a, Numbers b) { return add(a, b); }
  friend Outcome operator+(Numbers a, const Outcome& b) { return add(b, a); }
  friend Outcome operator-(const Outcome& a, Numbers b) { return subtract(a, b); }
  friend Outcome operator-(Numbers a, const Outcome& b) { return add(multiply(b, Number{-1}), a); }
  friend Outcome operator*(const Outcome& a, Numbers b) { return multiply(a, b); }
  friend Outcome operator*(Numbers a, const Outcome& b) { return multiply(b, a); }
  // -- with one public number. A whole number multiplies exactly and costs no level.
  template <Scalar<Family> S>
  friend Outcome operator+(const Outcome& a, S b) {
    return add(a, static_cast<Number>(b));
  }
  template <Scalar<Family> S>
  friend Outcome operator+(S a, const Outcome& b) {
    return add(b, static_cast<Number>(a));
  }
  template <Scalar<Family> S>
  friend Outcome operator-(const Outcome& a, S b) {
    return subtract(a, static_cast<Number>(b));
  }
  template <Scalar<Family> S>
  friend Outcome operator-(S a, const Outcome& b) {
    return add(multiply(b, Number{-1}), static_cast<Number>(a));
  }
  template <Scalar<Family> S>
  friend Outcome operator*(const Outcome& a, S b) {
    return multiply(a, static_cast<Number>(b));
  }
  template <Scalar<Family> S>
  friend Outcome operator*(S a, const Outcome& b) {
    return multiply(b, static_cast<Number>(a));
  }

  /// All values added up: a vector of one value, which stands in every slot (nothing else of the input is left in the
  /// ciphertext), so that it may be combined with vectors of any size. log2 N key switches; needs Movement::sums.
  friend Outcome sum(const Outcome& a) { return sum_of(a); }
  /// sum(a * b), relinearised once whatever the length.
  friend Outcome dot(const Outcome& a, const Outcome& b) { return sum_of(multiply(a, b)); }
  friend Outcome dot(const Outcome& a, Numbers b) { return sum_of(multiply(a, b)); }
  /// sum(a) / size. Approximate alone: one level.
  friend Outcome mean(const Outcome& a)
    requires std::is_floating_point_v<typename Family::Number>
  {
    return mean_of(a);
  }
  /// p of every value (prism/circuits/polynomial.h): p.depth() levels, and one for a Chebyshev series when slots after
  /// the last value have to be cleared first (intent.h says when). Values must be in the interval of a Chebyshev
  /// series, which is the caller's word. Approximate alone.
  friend Outcome evaluate(const circuits::Polynomial& p, const Outcome& a)
    requires std::is_floating_point_v<typename Family::Number>
  {
    return evaluated(p, a);
  }
  /// p of every value (prism/circuits/integer_polynomial.h), modulo t: p.depth() products one after another. Exact
  /// alone; mismatch for a polynomial modulo another t.
  friend Outcome evaluate(const circuits::IntegerPolynomial& p, const Outcome& a)
    requires std::is_integral_v<typename Family::Number>
  {
    return evaluated(p, a);
  }
  /// The same values with what was put off done, refused (level_exhausted) when they would not decrypt.
  friend Outcome settle(const Outcome& a) { return settled(a); }
  /// The same values at a lower level, where everything is cheaper, settled first. Approximate: one rescaling, if the
  /// level is lower indeed. BFV: unchanged. invalid_argument for a level above the vector's.
  friend Outcome lower(const Outcome& a, rlwe::Level level) { return lowered(a, level); }
  /// The vector's values move left by `steps` (negative: right), those at the front to the end, whatever its length.
  /// Free of masks for Approximate when it fills one ciphertext exactly, one level otherwise.
  friend Outcome rotate(const Outcome& a, int steps) { return rotated(a, steps); }

 private:
  friend class Context<Family>;
  friend class KeyHolder<Family>;
  friend class Rehearsal<Family>;
  explicit Vector(std::shared_ptr<const VectorState<Family>> state) : state_(std::move(state)) {}

  double error_bound_log2() const;
  double magnitude_bound_log2() const;
  static Outcome add(const Outcome& a, const Outcome& b);
  static Outcome add(const Outcome& a, Numbers b);
  static Outcome add(const Outcome& a, Number b);
  static Outcome subtract(const Outcome& a, const Outcome& b);
  static Outcome subtract(const Outcome& a, Numbers b);
  static Outcome subtract(const Outcome& a, Number b);
  static Outcome multiply(const Outcome& a, const Outcome& b);
  static Outcome multiply(const Outcome& a, Numbers b);
  static Outcome multiply(const Outcome& a, Number b);
  static Outcome sum_of(const Outcome& a);
  static Outcome mean_of(const Outcome& a);
  static Outcome rotated(const Outcome& a, int steps);
  static Outcome evaluated(const circuits::Polynomial& p, const Outcome& a);
  static Outcome evaluated(const circuits::IntegerPolynomial& p, const Outcome& a);
  static Outcome settled(const Outcome& a);
  static Outcome lowered(const Outcome& a, rlwe::Level level);

  std::shared_ptr<const VectorState<Family>> state_;  // shared with copies
};

extern template class Vector<Approximate>;
extern template class Vector<Exact>;

}  // namespace prism::fhe
