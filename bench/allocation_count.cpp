// Counts allocations of the whole program, so that a figure can say how many an operation makes once its memory has
// grown. A source of its own: where the compiler sees both, it takes these for a mismatch with the library's.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace bench {
namespace {
std::atomic<std::uint64_t> count{0};
}
std::uint64_t allocations() { return count; }
}  // namespace bench

void* operator new(std::size_t size, std::align_val_t alignment) {
  ++bench::count;
  const auto step = static_cast<std::size_t>(alignment);
  if (void* const out = std::aligned_alloc(step, (size + step - 1) / step * step)) return out;
  throw std::bad_alloc();
}
void* operator new(std::size_t size) {
  ++bench::count;
  if (void* const out = std::malloc(size)) return out;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
