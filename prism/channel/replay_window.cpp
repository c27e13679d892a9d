#include "prism/channel/replay_window.h"

#include <algorithm>

namespace prism::channel {

ReplayWindow::Verdict ReplayWindow::check(std::uint64_t sequence) const {
  if (sequence >= next_) return Verdict::fresh;
  if (next_ - sequence > kWidth) return Verdict::too_old;
  return (seen_[sequence / 64 % kWords] >> (sequence % 64) & 1) != 0 ? Verdict::seen : Verdict::fresh;
}

bool ReplayWindow::accept(std::uint64_t sequence) {
  if (check(sequence) != Verdict::fresh) return false;
  if (sequence >= next_) {
    // Words between the highest one so far and the new highest belong to numbers nobody has seen yet.
    const std::uint64_t highest = next_ == 0 ? 0 : (next_ - 1) / 64;
    const std::uint64_t moved = std::min(sequence / 64 - highest, kWords);
    for (std::uint64_t i = 1; i <= moved; ++i) seen_[(highest + i) % kWords] = 0;
    next_ = sequence + 1;
  }
  seen_[sequence / 64 % kWords] |= std::uint64_t{1} << (sequence % 64);
  return true;
}

}  // namespace prism::channel
