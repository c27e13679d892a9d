// prism/ring/workspace.h - memory that operations borrow instead of allocating. A caller keeps one per thread and hands
// it to every operation; after the first few calls of a kind nothing is allocated any more.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "prism/base/aligned.h"

namespace prism::ring {

class Ring;
class PrimeSet;
enum class Domain;
template <Domain D>
class Poly;

/// A cache-line allocator whose vectors do not fill what they grow by: a row that is about to be written need not be
/// cleared first.
template <class T>
struct UninitialisedAllocator : CacheLineAllocator<T> {
  template <class U>
  struct rebind {
    using other = UninitialisedAllocator<U>;
  };
  UninitialisedAllocator() = default;
  template <class U>
  UninitialisedAllocator(const UninitialisedAllocator<U>&) {}
  template <class U>
  void construct(U* p) {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Arguments>
  void construct(U* p, Arguments&&... arguments) {
    ::new (static_cast<void*>(p)) U(std::forward<Arguments>(arguments)...);
  }
};
using Memory = std::vector<std::uint64_t, UninitialisedAllocator<std::uint64_t>>;

class Workspace;

/// A polynomial whose memory goes back to its Workspace at the end of the scope.
template <Domain D>
class Borrowed {
 public:
  /// Contents unspecified.
  Borrowed(Workspace& workspace, const Ring& ring, const PrimeSet& primes);
  ~Borrowed();
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Poly<D>& operator*() { return poly_; }
  Poly<D>* operator->() { return &poly_; }

 private:
  Workspace* workspace_;
  Poly<D> poly_;
};

/// Rows of n words each, cache-line aligned when n is a multiple of 8, borrowed likewise. Contents unspecified.
class BorrowedRows {
 public:
  BorrowedRows(Workspace& workspace, std::size_t count, std::size_t n);
  ~BorrowedRows();
  BorrowedRows(const BorrowedRows&) = delete;
  BorrowedRows& operator=(const BorrowedRows&) = delete;
  std::uint64_t* row(std::size_t i) { return memory_.data() + i * n_; }
  const std::uint64_t* row(std::size_t i) const { return memory_.data() + i * n_; }
  /// Overwrites the rows in a way that the optimiser keeps; for rows that held secrets.
  void wipe();
  std::size_t n() const { return n_; }

 private:
  Workspace* workspace_;
  std::size_t n_;
  Memory memory_;
};

/// Not thread-safe and not movable (what is borrowed points at it): one per thread, for any number of rings and
/// parameter sets. Holds on to the most that was borrowed at a time until it is released or dies. What was borrowed
/// last is still in it: whoever lent it for work on secrets (decryption, key generation) calls wipe() afterwards.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// A piece of `words` words, contents unspecified: the smallest free piece that holds it, else the largest one grown.
  Memory take(std::size_t words);
  void give_back(Memory&& memory) noexcept;
  template <Domain D>
  void give_back(Poly<D>&& poly) noexcept;

  /// Overwrites all that is held in a way that the optimiser keeps. Nothing may be lent out (a broken invariant
  /// otherwise).
  void wipe();
  /// Frees what is not lent out.
  void release();
  /// Held and not lent out, in bytes.
  std::size_t memory_bytes() const;

 private:
  std::vector<Memory> free_;
  std::size_t lent_ = 0;
};

}  // namespace prism::ring
