// prism/channel/replay_window.h - which sequence numbers were seen, for requests that arrive in any order.
#pragma once
#include <array>
#include <cstdint>

namespace prism::channel {

/// The last 1024 numbers as bits, as RFC 6479 keeps them: a ring of words, so that moving on clears words, never
/// shifts. Numbers more than 1023 below the highest accepted one are too old.
class ReplayWindow {
 public:
  static constexpr std::uint64_t kWidth = 1024;
  enum class Verdict : std::uint8_t { fresh, seen, too_old };

  /// Changes nothing: ask before decrypting.
  Verdict check(std::uint64_t sequence) const;
  /// Only after the tag has verified. False, and nothing changes, when `sequence` is not fresh (any more).
  bool accept(std::uint64_t sequence);

 private:
  // One word more than the width: the highest number's word is only partly filled.
  static constexpr std::uint64_t kWords = kWidth / 64 + 1;
  std::array<std::uint64_t, kWords> seen_{};
  std::uint64_t next_ = 0;  ///< the highest accepted number and one
};

}  // namespace prism::channel
