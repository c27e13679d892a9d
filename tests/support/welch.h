// tests/support/welch.h - for tests that measure: whether times tell one class of work from another.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace prism::test {

/// Welch's t for two classes of times, fed one by one (Reparaz, Balasch, Verbauwhede 2017, "dude, is my code constant
/// time?").
struct Welch {
  void add(std::size_t type, double time) {
    ++n[type];
    const double off = time - mean[type];
    mean[type] += off / n[type];
    squares[type] += off * (time - mean[type]);
  }
  double t() const {
    const double variance = squares[0] / (n[0] - 1) / n[0] + squares[1] / (n[1] - 1) / n[1];
    return (mean[0] - mean[1]) / std::sqrt(variance);
  }
  std::array<double, 2> n = {}, mean = {}, squares = {};
};

/// One piece of work: cycles, and a number whose small and large half are the two classes.
struct Measured {
  double time;
  double size;
};

/// The largest |t| over several crops: times above a percentile are the machine's, not the work's. Classes are the
/// small and the large half of sizes, which come in random order. Infinite where one class is hardly ever that fast.
inline double largest_t(const std::vector<Measured>& all) {
  std::vector<double> times;
  std::vector<double> sizes;
  for (const Measured& one : all) {
    times.push_back(one.time);
    sizes.push_back(one.size);
  }
  std::ranges::sort(times);
  std::ranges::nth_element(sizes, sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2));
  const double median = sizes[sizes.size() / 2];
  double largest = 0;
  for (const double percentile : {0.5, 0.75, 0.9, 0.95}) {
    const double most = times[static_cast<std::size_t>(percentile * static_cast<double>(times.size()))];
    Welch welch;
    for (const Measured& one : all) {
      if (one.time <= most) welch.add(one.size < median ? 0 : 1, one.time);
    }
    if (welch.n[0] < 3 || welch.n[1] < 3) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(welch.t()));
  }
  return largest;
}

}  // namespace prism::test
