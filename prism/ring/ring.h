// prism/ring/ring.h - the ring R = Z[X]/(X^N + 1) with every prime a parameter set uses and their transforms.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "prism/base/result.h"
#include "prism/base/strong.h"
#include "prism/kernels/kernels.h"

namespace prism::ring {

/// Which prime of a Ring, counted from 0.
using PrimeIndex = Strong<std::uint32_t, struct PrimeIndexTag>;

/// Some primes of a Ring: strictly increasing indexes. A ciphertext names its set; a level is only a shorthand for one.
/// A value of three cache lines: copies allocate nothing.
class PrimeSet {
 public:
  /// How many primes a ring may have, and a set with it.
  static constexpr std::size_t kMost = 191;

  PrimeSet() = default;
  explicit PrimeSet(std::span<const std::uint32_t> indexes);  ///< strictly increasing and below kMost (checked)
  PrimeSet(std::initializer_list<std::uint32_t> indexes)
      : PrimeSet(std::span<const std::uint32_t>(indexes.begin(), indexes.size())) {}
  static PrimeSet range(std::uint32_t first, std::uint32_t count);
  std::size_t size() const { return size_; }
  std::uint32_t operator[](std::size_t i) const { return indexes_[i]; }
  /// For loops. By value, so that `for (auto p : parameters.primes(level).indexes())` does not dangle.
  class Indexes;
  Indexes indexes() const;
  bool contains(std::uint32_t index) const;
  /// Position of a prime inside the set; the prime must be there.
  std::size_t position(std::uint32_t index) const;
  PrimeSet united(const PrimeSet& other) const;
  PrimeSet without(const PrimeSet& other) const;
  bool includes(const PrimeSet& other) const;
  bool operator==(const PrimeSet& other) const;

 private:
  void push(std::uint32_t index);
  const std::uint8_t* begin() const { return indexes_.data(); }
  const std::uint8_t* end() const { return indexes_.data() + size_; }
  std::array<std::uint8_t, kMost> indexes_{};  ///< zero beyond size_
  std::uint8_t size_ = 0;
};

class PrimeSet::Indexes {
 public:
  class Iterator {
   public:
    explicit Iterator(const std::uint8_t* at) : at_(at) {}
    std::uint32_t operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const std::uint8_t* at_;
  };
  explicit Indexes(const PrimeSet& set) : set_(set) {}
  Iterator begin() const { return Iterator(set_.begin()); }
  Iterator end() const { return Iterator(set_.end()); }

 private:
  PrimeSet set_;
};
inline PrimeSet::Indexes PrimeSet::indexes() const { return Indexes(*this); }

/// Immutable; shared by everything made from one parameter set. Primes are distinct, below 2^50 and 1 mod 2N.
class Ring {
 public:
  /// log_n in [1, 17] (production uses 10..17); at most PrimeSet::kMost primes. The root of each prime is the smallest
  /// primitive 2N-th root, so it is the same everywhere.
  static Result<std::shared_ptr<const Ring>> make(unsigned log_n, const std::vector<std::uint64_t>& primes);

  unsigned log_n() const { return log_n_; }
  std::size_t degree() const { return std::size_t{1} << log_n_; }
  std::size_t prime_count() const { return tables_.size(); }
  const kernels::NttTables& tables(std::uint32_t prime) const { return *tables_[prime]; }
  const kernels::Modulus& modulus(std::uint32_t prime) const { return tables_[prime]->modulus; }
  std::uint64_t prime(std::uint32_t index) const { return tables_[index]->modulus.q; }
  /// The kernel set for rows of this length: the best that runs here, or `portable` below N = 2^10, where only it has
  /// transforms.
  const kernels::Kernels& kernels() const;
  PrimeSet all() const { return PrimeSet::range(0, static_cast<std::uint32_t>(prime_count())); }
  /// log2 of the product of a set.
  double log2_product(const PrimeSet& set) const;
  /// In the transformed domain X -> X^g (g odd, modulo 2N) only reorders: new[i] = old[index[i]]. Computed once per g,
  /// thread-safe.
  std::shared_ptr<const std::vector<std::uint32_t>> automorphism(std::uint32_t g) const;

  ~Ring();

 private:
  struct Cache;
  Ring();
  unsigned log_n_ = 0;
  std::vector<std::unique_ptr<const kernels::NttTables>> tables_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace prism::ring
