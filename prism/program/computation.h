// prism/program/computation.h - an encrypted computation on named vectors as data: a typed graph with a digest, and
// what its outputs mean.
//
// A computation is public: constants in it are known to whoever evaluates it. It is canonical: however it was built,
// the same graph over the same inputs has the same bytes (operands of sums and products are ordered by what they are,
// equal subterms are one node, nothing is unreachable), so that a digest names what was computed.
//
// Divisions are the reader's. A mean is a sum over a public count: dividing after decryption is exact and takes no
// level, so outputs carry the factor (and, where the count is encrypted itself, the vector) that their values are
// multiplied (divided) by. Inside a circuit `multiply(a, 1.0 / n)` is there, and costs a level.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/circuits/chebyshev.h"
#include "prism/program/program.h"

namespace prism::program {

/// What the numbers are. In bytes as written here.
enum class Family : std::uint8_t {
  approximate = 0,  ///< real numbers with an error bound: CKKS
  exact = 1         ///< whole numbers modulo t: BGV, BFV
};
/// `approximate`, `exact`.
std::string_view name_of(Family family);

/// What a step does with vectors a and b. Numbers are part of the format.
enum class Step : std::uint8_t {
  input = 0,            ///< inputs[input]
  add = 1,              ///< a + b
  subtract = 2,         ///< a - b
  multiply = 3,         ///< a * b, value by value: one level
  add_number = 4,       ///< a + numbers[0]
  multiply_number = 5,  ///< a * numbers[0]: one level for a fraction, none for a whole number
  add_values = 6,       ///< a + numbers, as many as a has
  multiply_values = 7,  ///< a * numbers: one level
  sum = 8,              ///< all values of a added up: one value, which goes with vectors of any size
  rotate = 9,           ///< values move left by `steps`, 0 < steps < size; those at the front to the end
  polynomial = 10,      ///< sum numbers[k] a^k: ceil(log2(degree + 1)) levels, exact ones ceil(log2(degree))
  chebyshev = 11        ///< sum numbers[k] T_k((2a - low - high)/(high - low)); approximate alone
};
std::string_view name_of(Step step);

struct Operation {
  Step step = Step::input;
  Node a = 0, b = 0;
  std::uint32_t input = 0;
  std::uint64_t steps = 0;
  /// Exact: whole numbers below 2^49 in size, each of which a double holds.
  std::vector<double> numbers{};
  circuits::Interval interval{};
  bool operator==(const Operation&) const = default;
};

/// A vector that is handed in.
struct Input {
  std::string name;  ///< kMostNameBytes at most, printable
  std::uint64_t size = 0;
  bool operator==(const Input&) const = default;
};

/// What its name stands for is factor * value / over / divisor.
struct Output {
  std::string name;
  Node value = 0;
  std::optional<Node> over;  ///< an encrypted count
  double factor = 1;
  double divisor = 1;  ///< a public count: kept apart, because 1/n is not a double
  bool operator==(const Output&) const = default;
};

/// The type of a node.
struct Form {
  std::uint64_t size = 0;
  bool everywhere = false;  ///< a sum: one value that goes with vectors of any size
};

inline constexpr std::size_t kMostOperations = 4096;
inline constexpr std::size_t kMostInputs = 256;
inline constexpr std::size_t kMostResults = 256;
inline constexpr std::size_t kMostNameBytes = 64;
inline constexpr std::uint64_t kMostValues = std::uint64_t{1} << 32;  ///< of one vector
inline constexpr std::size_t kMostConstants = std::size_t{1} << 21;   ///< of a computation
inline constexpr std::uint32_t kMostDegree = 4095;

/// Made by ComputationBuilder or from bytes, and so always well-typed and canonical.
class Computation {
 public:
  Family family() const { return family_; }
  const std::vector<Input>& inputs() const { return inputs_; }
  const std::vector<Operation>& operations() const { return operations_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  Form form(Node node) const { return forms_[node]; }
  /// The nodes whose ciphertexts are the answer: those of outputs, each once, in the order of outputs.
  std::vector<Node> carriers() const;

  /// Canonical bytes: u16 version, family, inputs, operations, outputs. No artefact header: they stand inside others.
  Bytes encode() const;
  /// Refuses (malformed) whatever the builder could not have made, byte for byte; memory in proportion to `bytes`.
  static Result<Computation> decode(ByteView bytes);
  /// SHA-256 of a tag and encode().
  Digest digest() const;
  bool operator==(const Computation& other) const {
    return family_ == other.family_ && inputs_ == other.inputs_ && operations_ == other.operations_ &&
           outputs_ == other.outputs_;
  }

 private:
  friend class ComputationBuilder;
  Computation() = default;
  Family family_ = Family::approximate;
  std::vector<Input> inputs_;
  std::vector<Operation> operations_;
  std::vector<Output> outputs_;
  std::vector<Form> forms_;
};

/// What a sum of squared distances is divided by: the number of values, or one less.
enum class Divisor : std::uint8_t { population, sample };

/// Writes computations. Every call may refuse (invalid_argument) what is ill-typed: sizes that differ, numbers that are
/// not finite (exact: not whole), unknown nodes; and (exhausted) more of anything than the bounds above.
class ComputationBuilder {
 public:
  explicit ComputationBuilder(Family family);
  ~ComputationBuilder();
  ComputationBuilder(ComputationBuilder&&) noexcept;
  Family family() const;
  Form form(Node node) const;

  Result<Node> input(std::string_view name, std::uint64_t size);
  Result<Node> add(Node a, Node b);
  Result<Node> subtract(Node a, Node b);
  Result<Node> multiply(Node a, Node b);
  Result<Node> square(Node a) { return multiply(a, a); }
  Result<Node> negate(Node a) { return multiply(a, -1.0); }
  Result<Node> add(Node a, double number);
  Result<Node> multiply(Node a, double number);
  Result<Node> add(Node a, std::vector<double> values);
  Result<Node> multiply(Node a, std::vector<double> values);
  Result<Node> sum(Node a);
  Result<Node> dot(Node a, Node b);
  /// Positive: to the left.
  Result<Node> rotate(Node a, std::int64_t steps);
  Result<Node> polynomial(Node a, std::vector<double> coefficients);
  Result<Node> chebyshev(Node a, std::vector<double> coefficients, circuits::Interval interval);

  // -- outputs; names are distinct
  /// factor * value / divisor; a `multiply(a, number)` by a fraction on top of the value joins the factor, so that it
  /// takes no level.
  Status output(std::string_view name, Node value, double factor = 1, double divisor = 1);
  /// factor * value / over / divisor, divided by the reader. `over` has the size of `value`, or is a sum.
  Status quotient(std::string_view name, Node value, Node over, double factor = 1, double divisor = 1);
  /// sum(a) / size. No level.
  Status mean(std::string_view name, Node a);
  /// (n * sum(a^2) - sum(a)^2) / n^2 or / n(n - 1): one level. `sample` takes two values or more.
  Status variance(std::string_view name, Node a, Divisor divisor);

  /// Errors: invalid_argument without outputs, or with inputs that none of them needs.
  Result<Computation> finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace prism::program
