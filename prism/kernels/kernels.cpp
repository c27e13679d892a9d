#include "prism/kernels/kernels.h"

#include <array>
#include <atomic>

#include "prism/base/check.h"
#include "prism/kernels/internal/cpu.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace prism::kernels {

#if defined(__x86_64__)
namespace internal {

bool cpu_has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

bool cpu_has_avx512ifma() noexcept {
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512ifma");
}

// GCC 12's __builtin_cpu_supports does not know "sha": leaf 7, EBX bit 29. The instructions use only XMM registers.
bool cpu_has_sha() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && ((b >> 29) & 1) != 0;
}

}  // namespace internal
#endif

namespace {

constexpr std::array kAll = {
#if defined(__x86_64__)
    &avx512ifma, &avx2,
#endif
    &portable};

std::atomic<const Kernels*> chosen{nullptr};
std::atomic<bool> fixed{false};

}  // namespace

std::span<const Kernels* const> all() { return kAll; }

const Kernels& best() {
  const Kernels* now = chosen.load(std::memory_order_acquire);
  if (now == nullptr) [[unlikely]] {
    for (const Kernels* set : kAll) {
      if (!set->runs_here()) continue;
      // Whoever comes second finds the first one's choice; both would have chosen alike.
      if (chosen.compare_exchange_strong(now, set, std::memory_order_acq_rel)) now = set;
      break;
    }
  }
  if (!fixed.load(std::memory_order_relaxed)) fixed.store(true, std::memory_order_release);
  return *now;
}

bool choose(std::string_view name) {
  for (const Kernels* set : kAll) {
    if (set->name == name && set->runs_here()) return use(*set);
  }
  return false;
}

bool use(const Kernels& set) {
  if (fixed.load(std::memory_order_acquire)) return chosen.load(std::memory_order_acquire) == &set;
  chosen.store(&set, std::memory_order_release);
  return true;
}

}  // namespace prism::kernels
