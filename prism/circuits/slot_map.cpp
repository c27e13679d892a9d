#include "prism/circuits/slot_map.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "prism/math/modular.h"

namespace prism::circuits {
namespace {

std::uint64_t modulus_of(const ckks::Parameters&) { return 0; }
std::uint64_t modulus_of(const exact::Parameters& parameters) { return parameters.plain_modulus(); }

ckks::Complex reduced(const ckks::Complex& x, std::uint64_t) { return x; }
std::int64_t reduced(std::int64_t x, std::uint64_t t) { return math::centred(math::reduce_signed(x, t), t); }
ckks::Complex multiplied(const ckks::Complex& a, const ckks::Complex& b, std::uint64_t) { return a * b; }
std::int64_t multiplied(std::int64_t a, std::int64_t b, std::uint64_t t) {
  return math::centred(math::multiply_mod(math::reduce_signed(a, t), math::reduce_signed(b, t), t), t);
}
double size_of(const ckks::Complex& x) { return std::abs(x); }
double size_of(std::int64_t x) { return std::fabs(static_cast<double>(x)); }

}  // namespace

template <class Evaluator>
auto SlotMap<Evaluator>::reduce(Weight weight) const -> Weight {
  return reduced(weight, modulus_);
}

template <class Evaluator>
auto SlotMap<Evaluator>::product(const Weight& a, const Weight& b) const -> Weight {
  return multiplied(a, b, modulus_);
}

template <class Evaluator>
void SlotMap<Evaluator>::add(std::size_t k, std::size_t slot, const Weight& weight) {
  if (weight == Weight{}) return;
  std::vector<Weight>& diagonal = diagonals_[k];
  if (diagonal.empty()) diagonal.resize(period_);
  diagonal[slot] = reduce(diagonal[slot] + weight);
}

template <class Evaluator>
void SlotMap<Evaluator>::drop_zeros() {
  std::erase_if(diagonals_, [](const auto& entry) {
    return std::all_of(entry.second.begin(), entry.second.end(), [](const Weight& w) { return w == Weight{}; });
  });
}

template <class Evaluator>
Result<SlotMap<Evaluator>> SlotMap<Evaluator>::from_diagonals(const ParametersOf<Evaluator>& parameters,
                                                              std::size_t period, Diagonals diagonals) {
  const std::size_t row = row_slots(parameters.rlwe());
  if (!std::has_single_bit(period) || period > row) {
    return fail(ErrorCode::invalid_argument, "a map of period ", period, " on rows of ", row,
                " slots; the period is a power of two, up to the row");
  }
  SlotMap out(row, period, modulus_of(parameters));
  for (auto& [k, diagonal] : diagonals) {
    if (k >= period || diagonal.size() != period) {
      return fail(ErrorCode::invalid_argument, "diagonal ", k, " of ", diagonal.size(), " entries; they are 0 to ",
                  period - 1, ", of ", period, " entries each");
    }
    for (Weight& weight : diagonal) weight = out.reduce(weight);
  }
  out.diagonals_ = std::move(diagonals);
  out.drop_zeros();
  return out;
}

template <class Evaluator>
Result<SlotMap<Evaluator>> SlotMap<Evaluator>::from_matrix(const ParametersOf<Evaluator>& parameters,
                                                           const Matrix<Weight>& matrix, Layout layout) {
  const std::size_t row = row_slots(parameters.rlwe()), longest = std::max(matrix.rows, matrix.columns);
  if (matrix.rows == 0 || matrix.columns == 0 || longest > row ||
      matrix.values.size() != matrix.rows * matrix.columns) {
    return fail(ErrorCode::invalid_argument, "a matrix of ", matrix.rows, " x ", matrix.columns, " with ",
                matrix.values.size(), " values; rows and columns go from 1 to ", row, " at this ring degree");
  }
  SlotMap out(row, layout == Layout::single ? row : std::bit_ceil(longest), modulus_of(parameters));
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    for (std::size_t j = 0; j < matrix.columns; ++j)
      out.add((j + out.period_ - i) % out.period_, i, out.reduce(matrix.at(i, j)));
  }
  out.drop_zeros();
  return out;
}

template <class Evaluator>
Result<SlotMap<Evaluator>> SlotMap<Evaluator>::permutation(const ParametersOf<Evaluator>& parameters,
                                                           std::span<const std::size_t> source) {
  const std::size_t row = row_slots(parameters.rlwe());
  if (source.size() > row)
    return fail(ErrorCode::invalid_argument, source.size(), " slots permuted where a row has ", row);
  SlotMap out(row, row, modulus_of(parameters));
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] >= row) {
      return fail(ErrorCode::invalid_argument, "slot ", i, " taken from slot ", source[i], "; a row's slots are 0 to ",
                  row - 1);
    }
    out.add((source[i] + row - i) % row, i, Weight{1});
  }
  return out;
}

template <class Evaluator>
SlotMap<Evaluator> SlotMap<Evaluator>::rotation(const ParametersOf<Evaluator>& parameters, int steps) {
  const auto row = static_cast<std::int64_t>(row_slots(parameters.rlwe()));
  SlotMap out(static_cast<std::size_t>(row), static_cast<std::size_t>(row), modulus_of(parameters));
  out.diagonals_[static_cast<std::size_t>((steps % row + row) % row)].assign(out.period_, Weight{1});
  return out;
}

template <class Evaluator>
Result<SlotMap<Evaluator>> SlotMap<Evaluator>::then(const SlotMap& next) const {
  if (next.period_ != period_ || next.row_ != row_ || next.modulus_ != modulus_) {
    return fail(ErrorCode::mismatch, "maps of periods ", period_, " and ", next.period_,
                "; only maps of one period and one parameter set are composed");
  }
  // next[i] reads slot i + j, where this one reads slot i + j + k.
  SlotMap out(row_, period_, modulus_);
  for (const auto& [j, outer] : next.diagonals_) {
    for (const auto& [k, inner] : diagonals_) {
      for (std::size_t i = 0; i < period_; ++i) {
        const Weight& weight = inner[(i + j) % period_];
        if (outer[i] != Weight{} && weight != Weight{}) out.add((j + k) % period_, i, product(outer[i], weight));
      }
    }
  }
  out.drop_zeros();
  return out;
}

template <class Evaluator>
std::optional<SlotMap<Evaluator>> SlotMap<Evaluator>::folded(std::size_t p) const {
  if (period_ != row_ || 2 * p > row_ || !std::has_single_bit(p)) return std::nullopt;
  SlotMap out(row_, row_, modulus_);
  for (const auto& [k, diagonal] : diagonals_) {
    for (std::size_t i = 0; i < row_; ++i) {
      if (diagonal[i] == Weight{}) continue;
      const std::size_t j = (i + k) % row_;
      if (i >= p || j >= p) return std::nullopt;
      out.add((j + p - i) % p, i, diagonal[i]);
    }
  }
  return out;
}

template <class Evaluator>
auto SlotMap<Evaluator>::apply(std::span<const Weight> in) const -> std::vector<Weight> {
  check(in.size() % row_ == 0, "a map acts on whole rows");
  std::vector<Weight> out(in.size());
  for (std::size_t first = 0; first < in.size(); first += row_) {
    for (const auto& [k, diagonal] : diagonals_) {
      for (std::size_t i = 0; i < row_; ++i) {
        const Weight& weight = diagonal[i % period_];
        if (weight != Weight{}) out[first + i] = reduce(out[first + i] + product(weight, in[first + (i + k) % row_]));
      }
    }
  }
  return out;
}

template <class Evaluator>
math::Bound SlotMap<Evaluator>::row_norm() const {
  double largest = 0;
  for (std::size_t i = 0; i < period_; ++i) {
    double sum = 0;
    for (const auto& [k, diagonal] : diagonals_) sum += size_of(diagonal[i]);
    largest = std::max(largest, sum);
  }
  // Fewer than 2^17 terms, each rounded a few times.
  return math::Bound::from_double(largest * (1 + 0x1p-30));
}

template class SlotMap<ckks::Evaluator>;
template class SlotMap<exact::Evaluator>;

}  // namespace prism::circuits
