// prism/exact/plaintext.h - a polynomial modulo t, and the slots it stands for.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "prism/base/aligned.h"
#include "prism/exact/parameters.h"

namespace prism::exact {

/// N coefficients in [0, t). May hold secrets, so it is wiped and copied only by clone().
class Plaintext {
 public:
  /// Zero.
  explicit Plaintext(std::shared_ptr<const Parameters> parameters);
  Plaintext(Plaintext&&) noexcept = default;
  Plaintext& operator=(Plaintext&& other) noexcept;
  ~Plaintext();
  Plaintext clone() const;

  const Parameters& parameters() const { return *parameters_; }
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  std::span<std::uint64_t> coefficients() { return coefficients_; }
  std::span<const std::uint64_t> coefficients() const { return coefficients_; }
  bool operator==(const Plaintext& other) const { return coefficients_ == other.coefficients_; }

 private:
  Plaintext(const Plaintext&) = default;
  std::shared_ptr<const Parameters> parameters_;  // shared with every other value of the parameter set
  Residues coefficients_;
};

/// Slots to coefficients and back: a transform modulo t. Two rows of N/2 slots: slot i of the first is the value at
/// psi^(5^i), of the second at psi^(-5^i), psi the smallest primitive 2N-th root of unity modulo t. X -> X^(5^k) moves
/// each row left by k; X -> X^-1 swaps the rows. Sums and products of plaintexts are sums and products of slots.
/// Immutable, thread-safe; branch-free in the values.
class Encoder {
 public:
  explicit Encoder(std::shared_ptr<const Parameters> parameters);
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  /// At most N values with |v| <= (t-1)/2 (invalid_argument otherwise; which one is not said); the rest are zero. One
  /// inverse transform.
  Result<Plaintext> encode(std::span<const std::int64_t> slots) const;
  /// All N slots, centred. One forward transform.
  std::vector<std::int64_t> decode(const Plaintext& plaintext) const;
  /// The same value in every slot: a constant polynomial, no transform. Any value, taken modulo t.
  Plaintext constant(std::int64_t value) const;

 private:
  std::shared_ptr<const Parameters> parameters_;
};

}  // namespace prism::exact
