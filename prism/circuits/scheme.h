// prism/circuits/scheme.h - the types that go with an evaluator, so that one circuit serves CKKS, BGV and BFV.
#pragma once
#include "prism/ckks/evaluator.h"
#include "prism/ckks/vector.h"
#include "prism/exact/evaluator.h"
#include "prism/exact/vector.h"

namespace prism::circuits {

template <class Evaluator>
struct SchemeOf;
template <>
struct SchemeOf<ckks::Evaluator> {
  using Ciphertext = ckks::Ciphertext;
  using Plaintext = ckks::Plaintext;
  using Multiplicand = ckks::Multiplicand;
  using Parameters = ckks::Parameters;
  using Encoder = ckks::Encoder;
  using EncryptedVector = ckks::EncryptedVector;
  using Value = double;
  using Weight = ckks::Complex;
  /// A product with a plaintext costs one level: it is rescaled.
  static constexpr int kPlainProductLevels = 1;
  /// Rows of N/2 slots, which rotations move all at once.
  static constexpr std::size_t kRows = 1;
};
template <>
struct SchemeOf<exact::Evaluator> {
  using Ciphertext = exact::Ciphertext;
  using Plaintext = exact::Plaintext;
  using Multiplicand = exact::Multiplicand;
  using Parameters = exact::Parameters;
  using Encoder = exact::Encoder;
  using EncryptedVector = exact::EncryptedVector;
  using Value = std::int64_t;
  using Weight = std::int64_t;
  static constexpr int kPlainProductLevels = 0;
  static constexpr std::size_t kRows = 2;
};

template <class Evaluator>
using CiphertextOf = typename SchemeOf<Evaluator>::Ciphertext;
template <class Evaluator>
using ParametersOf = typename SchemeOf<Evaluator>::Parameters;
template <class Evaluator>
using EncoderOf = typename SchemeOf<Evaluator>::Encoder;
template <class Evaluator>
using ValueOf = typename SchemeOf<Evaluator>::Value;
/// An entry of a public matrix: complex for CKKS, an integer for BGV and BFV.
template <class Evaluator>
using WeightOf = typename SchemeOf<Evaluator>::Weight;

/// Slots that a rotation moves in a circle: N/2 in every scheme.
inline std::size_t row_slots(const rlwe::Parameters& parameters) { return parameters.degree() / 2; }

}  // namespace prism::circuits
