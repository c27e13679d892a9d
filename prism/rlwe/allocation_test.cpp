// In steady state key switching allocates nothing: every `new` of this program is counted.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "prism/rlwe/internal/test_support.h"
#include "prism/rlwe/key_switch.h"

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

namespace {
std::atomic<std::size_t> allocations{0};
}

#if PRISM_COUNTS_ALLOCATIONS
namespace {
void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p == nullptr) std::abort();
  return p;
}
}  // namespace
void* operator new(std::size_t size) { return counted(size == 0 ? 1 : size, 16); }
void* operator new[](std::size_t size) { return counted(size == 0 ? 1 : size, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size == 0 ? 1 : size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
#endif

namespace prism::rlwe {
namespace {

TEST(AllocationTest, KeySwitchingAllocatesNothingInSteadyState) {
#if !PRISM_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "sanitizers keep their own operator new";
#endif
  for (const std::uint32_t digit_size : {1U, 2U, 7U}) {
    const auto parameters = test::make_parameters(test::small_spec(10, 7, digit_size, digit_size));
    test::SeededRandom random(31);
    const auto secret = SecretKey::generate(parameters, random).value();
    const Level top = parameters->max_level();
    const auto relinearise = make_switch_key(secret, {KeyId::Kind::relinearise, 0, top}, 65537, random).value();
    const auto rotate = make_switch_key(secret, {KeyId::Kind::automorphism, 5, top}, 65537, random).value();
    const KeySwitcher switcher(parameters, 65537);
    const auto d = ring::uniform(parameters->ring(), parameters->primes(top), {}, 0);
    ring::Workspace workspace;
    Decomposition digits;
    Extended sum;
    ring::Evaluations u0, u1;
    const auto all = [&] {
      bool fine = switcher.switch_key(u0, u1, d, relinearise, workspace).has_value();
      switcher.decompose(digits, d, workspace);
      sum.clear();
      fine &= switcher.accumulate(sum, digits, 5, rotate, workspace).has_value();
      fine &= switcher.accumulate(sum, digits, 25, rotate, workspace).has_value();
      fine &= switcher.accumulate(sum, d, 5, rotate, workspace).has_value();
      fine &= switcher.accumulate(sum, d, relinearise, workspace).has_value();
      switcher.add_lifted(sum, 0, d, 5, workspace);
      switcher.divide(u0, u1, sum, top, workspace);
      switcher.divide(u0, u1, sum, Level{top.value - 2}, workspace);
      return fine;
    };
    ASSERT_TRUE(all());
    ASSERT_TRUE(all());
    const std::size_t before = allocations;
    const bool fine = all();
    EXPECT_EQ(allocations - before, 0U) << digit_size << " primes per digit";
    EXPECT_TRUE(fine);
  }
}

TEST(AllocationTest, KeysTakeWhatTheySay) {
  const auto parameters = test::make_parameters(test::small_spec(11, 6, 2, 2));
  test::SeededRandom random(32);
  const auto secret = SecretKey::generate(parameters, random).value();
  const auto key = make_switch_key(secret, {KeyId::Kind::automorphism, 5, parameters->max_level()}, 1, random).value();
  const std::size_t rows = 2 * 3 * (6 + 2);  // sides, digits, primes
  EXPECT_EQ(key.memory_bytes(), rows * parameters->degree() * sizeof(std::uint64_t));
}

}  // namespace
}  // namespace prism::rlwe
