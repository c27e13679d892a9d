// prism/program/internal/testing.h - computations in the clear, for tests to compare with. Never linked into programs.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "prism/base/random.h"
#include "prism/program/computation.h"

namespace prism::program::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_;
};

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "refused: %s; %s\n", result.error().message.c_str(), result.error().detail.c_str());
    std::abort();
  }
  return *std::move(result);
}
inline void must(const Status& status) {
  if (!status) {
    std::fprintf(stderr, "refused: %s\n", status.error().message.c_str());
    std::abort();
  }
}

/// Every node's values, operation by operation as computation.h words them. T: long double, or Int128 for exact ones.
template <class T>
std::vector<std::vector<T>> in_the_clear(const Computation& c, const std::vector<std::vector<T>>& inputs) {
  std::vector<std::vector<T>> out;
  for (const Operation& op : c.operations()) {
    const std::vector<T> none;
    const std::vector<T>& a = op.step == Step::input ? none : out[op.a];
    const auto at = [](const std::vector<T>& v, std::size_t i) { return v[v.size() == 1 ? 0 : i]; };
    std::vector<T> made(static_cast<std::size_t>(c.form(static_cast<Node>(out.size())).size));
    for (std::size_t i = 0; i < made.size(); ++i) {
      const auto number = [&](std::size_t k) { return static_cast<T>(op.numbers[k]); };
      switch (op.step) {
        case Step::input:
          made[i] = inputs[op.input][i];
          break;
        case Step::add:
          made[i] = at(a, i) + at(out[op.b], i);
          break;
        case Step::subtract:
          made[i] = at(a, i) - at(out[op.b], i);
          break;
        case Step::multiply:
          made[i] = at(a, i) * at(out[op.b], i);
          break;
        case Step::add_number:
          made[i] = a[i] + number(0);
          break;
        case Step::multiply_number:
          made[i] = a[i] * number(0);
          break;
        case Step::add_values:
          made[i] = at(a, i) + number(i);
          break;
        case Step::multiply_values:
          made[i] = at(a, i) * number(i);
          break;
        case Step::sum:
          made[0] = 0;
          for (const T x : a) made[0] += x;
          break;
        case Step::rotate:
          made[i] = a[(i + op.steps) % a.size()];
          break;
        case Step::polynomial:
          made[i] = 0;
          for (std::size_t k = op.numbers.size(); k-- > 0;) made[i] = made[i] * a[i] + number(k);
          break;
        case Step::chebyshev: {
          const T y = (2 * a[i] - static_cast<T>(op.interval.low + op.interval.high)) /
                      static_cast<T>(op.interval.high - op.interval.low);
          T before = 1, now = y;
          made[i] = number(0);
          for (std::size_t k = 1; k < op.numbers.size(); ++k) {
            made[i] += number(k) * now;
            const T next = 2 * y * now - before;
            before = now;
            now = next;
          }
          break;
        }
      }
    }
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace prism::program::testing
