// tests/support/allocations.h - counts every `new` of a test program. Include it in one source of the program.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

// Sanitizers keep their own operator new, which finds more than a count does.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PRISM_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PRISM_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef PRISM_COUNTS_ALLOCATIONS
#define PRISM_COUNTS_ALLOCATIONS 1
#endif

/// The first line of a test that counts.
#if PRISM_COUNTS_ALLOCATIONS
#define PRISM_SKIP_UNLESS_COUNTED() static_cast<void>(0)
#else
#define PRISM_SKIP_UNLESS_COUNTED() GTEST_SKIP() << "sanitizers keep their own operator new"
#endif

namespace {
std::atomic<std::size_t> allocations{0};
}

#if PRISM_COUNTS_ALLOCATIONS
namespace {
void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t padded = (size + alignment - 1) / alignment * alignment;
  void* const p = std::aligned_alloc(alignment, padded == 0 ? alignment : padded);
  if (p == nullptr) std::abort();
  return p;
}
}  // namespace

// GCC sees through the replacement and calls free() on what new returned a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
#endif
