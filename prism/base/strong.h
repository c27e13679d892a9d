// prism/base/strong.h - a number that does not mix with other numbers.
#pragma once
#include <compare>
#include <string>
#include <utility>

namespace prism {

/// `Tag` is the concept, T the representation: using Level = Strong<int, struct LevelTag>.
template <class T, class Tag>
struct Strong {
  constexpr explicit Strong(T v) : value(std::move(v)) {}
  constexpr auto operator<=>(const Strong&) const = default;
  T value;
};

template <class T, class Tag>
std::string to_string(const Strong<T, Tag>& s) {
  return std::to_string(s.value);
}

}  // namespace prism
