// prism/base/aligned.h - vectors whose memory starts on a cache line, as the vector kernels like it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace prism {

template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, std::size_t n) { ::operator delete(p, n * sizeof(T), std::align_val_t{64}); }
  template <class U>
  bool operator==(const CacheLineAllocator<U>&) const {
    return true;
  }
};
template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;
using Residues = AlignedVector<std::uint64_t>;

}  // namespace prism
