// prism/secret/secret.h - a value that cannot be printed, compared with ==, or copied by accident, and is wiped when it
// dies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "prism/base/aligned.h"

namespace prism::secret {

/// Overwrites memory in a way the optimiser keeps, although the object is dying.
void wipe(void* memory, std::size_t bytes);

/// All-ones when x != 0, else zero; without a branch.
constexpr std::uint64_t mask_if(std::uint64_t x) { return 0 - ((x | (0 - x)) >> 63); }
/// a where mask is all-ones, b where it is zero.
constexpr std::uint64_t choose(std::uint64_t mask, std::uint64_t a, std::uint64_t b) { return b ^ (mask & (a ^ b)); }
/// Equality of public-length secrets in time that depends on the length alone.
bool equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

/// Whoever reads a secret names this token, so `grep RevealKey` lists every place to review.
struct RevealKey {
  explicit RevealKey() = default;
};

/// One small secret value: Secret<std::array<std::uint8_t, 32>> seed.
template <class T>
  requires std::is_trivially_copyable_v<T>
class Secret {
 public:
  Secret() : value_{} {}
  explicit Secret(const T& value) : value_(value) {}
  Secret(Secret&& other) noexcept : value_(other.value_) { wipe(&other.value_, sizeof(T)); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      value_ = other.value_;
      wipe(&other.value_, sizeof(T));
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(&value_, sizeof(T)); }
  const T& reveal(RevealKey) const { return value_; }
  T& reveal(RevealKey) { return value_; }

 private:
  T value_;
};

/// Many secret numbers in one cache-aligned block: a key's coefficients, an error polynomial.
template <class T>
  requires std::is_trivially_copyable_v<T>
class SecretVector {
 public:
  SecretVector() = default;
  explicit SecretVector(std::size_t size) : values_(size) {}
  SecretVector(SecretVector&&) noexcept = default;
  SecretVector& operator=(SecretVector&& other) noexcept {
    std::swap(values_, other.values_);
    return *this;
  }
  SecretVector(const SecretVector&) = delete;
  SecretVector& operator=(const SecretVector&) = delete;
  ~SecretVector() {
    if (!values_.empty()) wipe(values_.data(), values_.size() * sizeof(T));
  }
  std::size_t size() const { return values_.size(); }
  std::span<const T> reveal(RevealKey) const { return values_; }
  std::span<T> reveal(RevealKey) { return values_; }

 private:
  AlignedVector<T> values_;
};

}  // namespace prism::secret
