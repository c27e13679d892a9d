#include "prism/ring/ring.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "prism/math/modular.h"
#include "prism/math/primes.h"

namespace prism::ring {
namespace {

constexpr unsigned kMaxLogN = 17;
constexpr unsigned kMinKernelLogN = 10;

}  // namespace

PrimeSet::PrimeSet(std::span<const std::uint32_t> indexes) {
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    check(i == 0 || indexes[i - 1] < indexes[i], "PrimeSet: indexes must increase strictly");
    push(indexes[i]);
  }
}

void PrimeSet::push(std::uint32_t index) {
  check(index < kMost, "PrimeSet: an index that no ring has");
  indexes_[size_++] = static_cast<std::uint8_t>(index);  // fewer than kMost increasing values below kMost went before
}

PrimeSet PrimeSet::range(std::uint32_t first, std::uint32_t count) {
  PrimeSet set;
  for (std::uint32_t i = 0; i < count; ++i) set.push(first + i);
  return set;
}

bool PrimeSet::contains(std::uint32_t index) const { return std::binary_search(begin(), end(), index); }

std::size_t PrimeSet::position(std::uint32_t index) const {
  const auto* const found = std::lower_bound(begin(), end(), index);
  check(found != end() && *found == index, "PrimeSet::position of a prime that is not in the set");
  return static_cast<std::size_t>(found - begin());
}

PrimeSet PrimeSet::united(const PrimeSet& other) const {
  PrimeSet set;
  const std::uint8_t *x = begin(), *y = other.begin();
  while (x != end() || y != other.end()) {
    const bool left = y == other.end() || (x != end() && *x <= *y);
    const std::uint8_t index = left ? *x++ : *y++;
    if (left && y != other.end() && *y == index) ++y;
    set.push(index);
  }
  return set;
}

PrimeSet PrimeSet::without(const PrimeSet& other) const {
  PrimeSet set;
  for (const std::uint8_t index : *this) {
    if (!other.contains(index)) set.push(index);
  }
  return set;
}

bool PrimeSet::includes(const PrimeSet& other) const {
  return std::includes(begin(), end(), other.begin(), other.end());
}

bool PrimeSet::operator==(const PrimeSet& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

struct Ring::Cache {
  std::mutex mutex;
  std::map<std::uint32_t, std::shared_ptr<const std::vector<std::uint32_t>>> automorphisms;
};

Ring::Ring() : cache_(std::make_unique<Cache>()) {}
Ring::~Ring() = default;

Result<std::shared_ptr<const Ring>> Ring::make(unsigned log_n, const std::vector<std::uint64_t>& primes) {
  if (log_n < 1 || log_n > kMaxLogN) {
    return fail(ErrorCode::invalid_argument, "a ring of degree 2^", log_n, "; degrees are 2^1 to 2^", kMaxLogN);
  }
  if (primes.empty()) return fail(ErrorCode::invalid_argument, "a ring without primes; give at least one");
  if (primes.size() > PrimeSet::kMost) {
    return fail(ErrorCode::invalid_argument, "a ring with ", primes.size(), " primes; at most ", PrimeSet::kMost,
                " are possible");
  }
  const std::uint64_t order = std::uint64_t{2} << log_n;
  for (std::size_t i = 0; i < primes.size(); ++i) {
    const std::uint64_t q = primes[i];
    if (q >= (std::uint64_t{1} << 50) || q % order != 1 || !math::is_prime(q)) {
      return fail(ErrorCode::invalid_argument, q, " does not suit a ring of degree 2^", log_n,
                  "; it takes primes below 2^50 that are 1 mod ", order);
    }
    if (std::find(primes.begin(), primes.begin() + static_cast<std::ptrdiff_t>(i), q) !=
        primes.begin() + static_cast<std::ptrdiff_t>(i)) {
      return fail(ErrorCode::invalid_argument, "the prime ", q, " is given twice");
    }
  }
  std::shared_ptr<Ring> ring(new Ring);
  ring->log_n_ = log_n;
  for (const std::uint64_t q : primes) {
    PRISM_TRY(const std::uint64_t psi, math::root_of_unity(order, q));
    ring->tables_.push_back(
        std::make_unique<const kernels::NttTables>(kernels::make_ntt_tables(kernels::make_modulus(q), log_n, psi)));
  }
  return std::shared_ptr<const Ring>(std::move(ring));
}

const kernels::Kernels& Ring::kernels() const { return log_n_ < kMinKernelLogN ? kernels::portable : kernels::best(); }

double Ring::log2_product(const PrimeSet& set) const {
  double sum = 0;
  for (const std::uint32_t index : set.indexes()) sum += std::log2(static_cast<double>(prime(index)));
  return sum;
}

std::shared_ptr<const std::vector<std::uint32_t>> Ring::automorphism(std::uint32_t g) const {
  const auto n = static_cast<std::uint32_t>(degree());
  check(g % 2 == 1 && g < 2 * n, "automorphism X -> X^g: g must be odd and below 2N");
  const std::lock_guard lock(cache_->mutex);
  auto& entry = cache_->automorphisms[g];
  if (!entry) {
    // Place i holds f(psi^e) with e = 2*bitrev(i) + 1, and f(X^g) there is f(psi^(g*e)).
    auto index = std::make_shared<std::vector<std::uint32_t>>(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint64_t exponent = 2 * std::uint64_t{math::reverse_bits(i, log_n_)} + 1;
      const auto moved = static_cast<std::uint32_t>(exponent * g & (2 * n - 1));
      (*index)[i] = math::reverse_bits(moved >> 1, log_n_);
    }
    entry = std::move(index);
  }
  return entry;
}

}  // namespace prism::ring
