// prism/circuits/slot_map.h - a public linear map of a row of slots, by its diagonals; nothing is encoded yet.
//
// With r slots in a row, out[i] = sum over k of d_k[i] * in[(i + k) mod r]. Only diagonals that are not zero are kept.
// A map of period p | r acts alike on every stretch of p slots, on inputs that repeat with period p: it needs p
// diagonals of p entries at most, and what it puts out repeats again. A map of period r is any matrix.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "prism/base/result.h"
#include "prism/circuits/scheme.h"

namespace prism::circuits {

/// Row by row: entry (i, j) is values[i * columns + j].
template <class Weight>
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<Weight> values;
  const Weight& at(std::size_t i, std::size_t j) const { return values[i * columns + j]; }
};

/// Where the vectors of a matrix smaller than the row stand.
enum class Layout {
  single,  ///< once, from slot 0 on. The result is zero after its last value; what the input holds after its own counts
           ///< for nothing. rows + columns - 1 diagonals.
  repeated  ///< every p slots, p the power of two from rows and columns on, with zeros after the last value; input and
            ///< result both. p diagonals: fewer keys, products and bytes.
};

template <class Evaluator>
class SlotMap {
 public:
  using Weight = WeightOf<Evaluator>;
  using Diagonals = std::map<std::size_t, std::vector<Weight>>;

  /// Of k < period with `period` entries each. invalid_argument for a period that is no power of two or longer than the
  /// row, and for diagonals of another length. BGV, BFV: weights are taken modulo t and centred.
  static Result<SlotMap> from_diagonals(const ParametersOf<Evaluator>& parameters, std::size_t period,
                                        Diagonals diagonals);
  /// invalid_argument for an empty matrix, one with more rows or columns than a row has slots, or whose values are not
  /// rows * columns in number.
  static Result<SlotMap> from_matrix(const ParametersOf<Evaluator>& parameters, const Matrix<Weight>& matrix,
                                     Layout layout = Layout::single);
  /// out[i] = in[source[i]] for i < source.size(), zero after it; invalid_argument for a source outside the row.
  static Result<SlotMap> permutation(const ParametersOf<Evaluator>& parameters, std::span<const std::size_t> source);
  /// The whole row moves left by `steps`, weighted alike.
  static SlotMap rotation(const ParametersOf<Evaluator>& parameters, int steps);

  std::size_t period() const { return period_; }
  const Diagonals& diagonals() const { return diagonals_; }
  /// `next` after this one: one level instead of two. mismatch when the periods differ.
  Result<SlotMap> then(const SlotMap& next) const;
  /// The same map for inputs that are zero from slot p on and copied to slots p to 2p - 1, p a power of two of at most
  /// half the row: at most p diagonals instead of 2p - 1. Nothing when the map reads or writes beyond slot p.
  std::optional<SlotMap> folded(std::size_t p) const;
  /// What `in` becomes, in the clear: a whole number of rows.
  std::vector<Weight> apply(std::span<const Weight> in) const;
  /// The largest sum of |d_k[i]| over k: how much larger a slot can become.
  math::Bound row_norm() const;

 private:
  SlotMap(std::size_t row, std::size_t period, std::uint64_t modulus) : row_(row), period_(period), modulus_(modulus) {}
  Weight reduce(Weight weight) const;
  Weight product(const Weight& a, const Weight& b) const;
  void add(std::size_t k, std::size_t slot, const Weight& weight);
  void drop_zeros();

  std::size_t row_, period_;
  std::uint64_t modulus_;  ///< t; 0 for CKKS
  Diagonals diagonals_;
};

}  // namespace prism::circuits
