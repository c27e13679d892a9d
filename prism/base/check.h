// prism/base/check.h - invariants of our own, always on: a program that broke one must not go on.
#pragma once
#include <string_view>

namespace prism {

/// Where a call stands. std::source_location would say it, but libc++ 13, the browser's, has none.
struct Place {
  const char* file;
  unsigned line;
  static constexpr Place here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Prints the place and the message to stderr and aborts. Never for input from peers, users or files: those get a
/// Result.
[[noreturn]] void check_failed(std::string_view message, Place where);

inline void check(bool holds, std::string_view message, Place where = Place::here()) {
  if (!holds) [[unlikely]]
    check_failed(message, where);
}

}  // namespace prism
