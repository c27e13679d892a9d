// prism/duck/internal/distinct.h - how many different small numbers there are, fast when they come nearly in order.
//
// The engine's own count(DISTINCT) keeps a hash table of all (group, value) pairs. Rows of one privacy unit mostly
// stand together, so a list that skips repetitions is short, and sorted but for a few places.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "prism/base/result.h"

namespace prism::duck {

/// How much memory all lists of one database have, and may have. For several threads.
class MemoryMeter {
 public:
  explicit MemoryMeter(std::uint64_t most) : most_(most) {}
  void take(std::size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= most_) return;
    used_ -= bytes;
    throw std::bad_alloc();
  }
  void give_back(std::size_t bytes) noexcept { used_ -= bytes; }
  std::uint64_t used() const { return used_; }

 private:
  std::uint64_t most_;
  std::atomic<std::uint64_t> used_{0};
};

/// Memory that is counted by a meter; not counted when there is none.
template <class T>
class Metered {
 public:
  using value_type = T;
  explicit Metered(MemoryMeter* meter) : meter_(meter) {}
  template <class U>
  explicit(false) Metered(const Metered<U>& other) : meter_(other.meter()) {}
  T* allocate(std::size_t count) {
    if (meter_ == nullptr) return std::allocator<T>().allocate(count);
    meter_->take(count * sizeof(T));
    try {
      return std::allocator<T>().allocate(count);
    } catch (...) {
      meter_->give_back(count * sizeof(T));
      throw;
    }
  }
  void deallocate(T* data, std::size_t count) noexcept {
    std::allocator<T>().deallocate(data, count);
    if (meter_ != nullptr) meter_->give_back(count * sizeof(T));
  }
  MemoryMeter* meter() const { return meter_; }
  bool operator==(const Metered&) const = default;

 private:
  MemoryMeter* meter_;
};

/// Memory: some 24 bytes per different number when they come in the worst order, 8 in the best, and a few KiB.
class DistinctNumbers {
 public:
  /// bad_alloc from any member when the meter, which must outlive this, says that it is enough; what is held then is
  /// good for nothing but destruction.
  explicit DistinctNumbers(MemoryMeter* meter = nullptr)
      : numbers_(Metered<std::int32_t>(meter)), runs_(Metered<std::size_t>(meter)) {}

  void add(std::int32_t number) {
    if (!numbers_.empty() && numbers_.back() == number) return;
    if (numbers_.size() >= most_) compact();
    if (numbers_.empty() || number < numbers_.back()) runs_.push_back(numbers_.size());
    numbers_.push_back(number);
  }
  /// `other` is left compact, otherwise as it was.
  void add(DistinctNumbers& other) {
    compact();
    other.compact();
    Numbers both(numbers_.get_allocator());
    both.reserve(numbers_.size() + other.numbers_.size());
    std::set_union(numbers_.begin(), numbers_.end(), other.numbers_.begin(), other.numbers_.end(),
                   std::back_inserter(both));
    numbers_ = std::move(both);
    settle();
  }
  MemoryMeter* meter() const { return numbers_.get_allocator().meter(); }
  std::size_t count() {
    compact();
    return numbers_.size();
  }

 private:
  using Numbers = std::vector<std::int32_t, Metered<std::int32_t>>;
  using Runs = std::vector<std::size_t, Metered<std::size_t>>;

  /// One ascending list without repetitions. Merging neighbours costs little when there are few runs, and is a merge
  /// sort when there are many.
  void compact() {
    while (runs_.size() > 1) {
      Runs merged(runs_.get_allocator());
      for (std::size_t i = 0; i < runs_.size(); i += 2) {
        merged.push_back(runs_[i]);
        if (i + 1 == runs_.size()) break;
        const auto at = [&](std::size_t run) {
          return numbers_.begin() + static_cast<std::ptrdiff_t>(run < runs_.size() ? runs_[run] : numbers_.size());
        };
        merge(at(i), at(i + 1), at(i + 2));
      }
      runs_ = std::move(merged);
    }
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
    settle();
  }
  /// As std::inplace_merge, with memory that is counted.
  void merge(Numbers::iterator first, Numbers::iterator middle, Numbers::iterator last) {
    const Numbers left(first, middle, numbers_.get_allocator());
    // Writing never overtakes reading: `first` is behind `middle` by as many as are left of `left`.
    for (auto next = left.begin(); next != left.end(); ++first)
      *first = middle != last && *middle < *next ? *middle++ : *next++;
  }
  void settle() {
    runs_.clear();
    if (!numbers_.empty()) runs_.push_back(0);
    most_ = std::max<std::size_t>(1024, 2 * numbers_.size());
  }

  Numbers numbers_;
  Runs runs_;                ///< where each ascending run begins
  std::size_t most_ = 1024;  ///< numbers before the next compaction
};

/// What the engine's message holds when the meter, or the system, had no more memory for these lists.
inline constexpr std::string_view kOutOfMemory = "no memory for different numbers";

/// Gives a connection of the engine (a duckdb_connection) the aggregate different(INTEGER) -> BIGINT. Its
/// memory is counted by the meter, which must outlive the connection's database.
Status register_distinct(void* connection, MemoryMeter* meter);

}  // namespace prism::duck
