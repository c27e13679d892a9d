// prism/base/check.h - invariants of our own, always on: a program that broke one must not go on.
#pragma once
#include <source_location>
#include <string_view>

namespace prism {

/// Prints the place and the message to stderr and aborts. Never for input from peers, users or files: those get a
/// Result.
[[noreturn]] void check_failed(std::string_view message, std::source_location where);

inline void check(bool holds, std::string_view message, std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    check_failed(message, where);
}

}  // namespace prism
