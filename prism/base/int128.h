// prism/base/int128.h - 128-bit integers under names that -Wpedantic accepts.
#pragma once
#include <string>

namespace prism {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

/// Decimal digits, with a leading '-' when negative.
std::string to_string(Int128 value);

}  // namespace prism
