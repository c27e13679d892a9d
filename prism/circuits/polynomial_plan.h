// prism/circuits/polynomial_plan.h - how a polynomial of a given shape is evaluated with the fewest products at the
// least depth: which powers are made, and how the polynomial is split over them.
//
// Paterson-Stockmeyer (SIAM J. Comput. 1973) in the depth-optimal form of Bossuat-Mouchet-Troncoso-Hubaux (2020/1203,
// section 3): p = q*X_s + r, with X_s a power of x or a Chebyshev polynomial T_s, until what is left is a linear
// combination of small powers. Products of one sum are added before they are relinearised, so a sum costs one
// relinearisation whatever its length. Shapes are searched: small powers 1..k, giant steps g, 2g, .., jg, 2jg, 4jg, ..,
// and the cheapest is kept.
#pragma once
#include <cstdint>
#include <vector>

#include "prism/base/result.h"
#include "prism/circuits/cost.h"

namespace prism::circuits {

/// Powers x^k, or Chebyshev polynomials T_k(x) = cos(k arccos x).
enum class Basis : std::uint8_t { monomial, chebyshev };
/// Which coefficients can be other than zero.
enum class Parity : std::uint8_t { any, even, odd };

struct PolynomialShape {
  std::uint32_t degree = 1;
  Basis basis = Basis::monomial;
  Parity parity = Parity::any;
  /// CKKS: a product with a constant is rescaled, so it costs a level like any other.
  bool constants_cost_levels = true;
};

/// The smallest d with 2^d >= k: products one after another until the k-th power, k >= 1.
int power_depth(std::uint32_t k);

class PolynomialPlan {
 public:
  /// X_exponent = X_left * X_right, or 2 T_left T_right - T_(left - right); left >= right, left + right = exponent.
  struct Power {
    std::uint32_t exponent, left, right;
  };
  /// A leaf is a linear combination of X_0 .. X_degree. Otherwise quotient * X_split + remainder. `depth` counts levels
  /// from x to the node's value: the quotient has one less; the remainder, which is added to the product before that is
  /// rescaled, has the same.
  struct Node {
    std::uint32_t degree;
    int depth;
    std::uint32_t split;  ///< 0: a leaf
    std::uint32_t quotient, remainder;
  };

  /// Degrees 1 .. kLargestDegree, of the shape's parity (invalid_argument otherwise).
  static Result<PolynomialPlan> make(const PolynomialShape& shape);
  static constexpr std::uint32_t kLargestDegree = 4095;

  const PolynomialShape& shape() const { return shape_; }
  /// Exponents above 1, ascending: every power comes after those that it is made of.
  const std::vector<Power>& powers() const { return powers_; }
  /// nodes()[0] is the root.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// Levels: ceil(log2(degree + 1)) when constants cost levels, ceil(log2(degree)) when they do not.
  int depth() const { return nodes_[0].depth; }
  /// Products of two ciphertexts, and how many sums of them are relinearised, when no coefficient that the shape allows
  /// is zero.
  std::size_t products() const { return products_; }
  std::size_t relinearisations() const { return relinearisations_; }
  /// Linear combinations that are multiplied, or are the result: where constants cost levels, these are rescaled alone.
  std::size_t combinations() const { return combinations_; }
  /// All of it; sums of products are relinearised and rescaled in one division.
  Cost cost() const;

 private:
  class Search;
  PolynomialShape shape_;
  std::vector<Power> powers_;
  std::vector<Node> nodes_;
  std::size_t products_ = 0, relinearisations_ = 0, combinations_ = 0;
};

}  // namespace prism::circuits
