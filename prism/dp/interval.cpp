#include "prism/dp/interval.h"

#include "prism/base/check.h"

namespace prism::dp {

Int128 smallest_half_width(const Noise& noise, double coverage) {
  check(coverage > 0 && coverage < 1, "smallest_half_width: coverage outside (0, 1)");
  Int128 below = -1, enough = noise.largest();  // tail_up(below) is too much; enough is found by halving
  while (enough - below > 1) {
    const Int128 middle = below + (enough - below) / 2;
    (noise.tail_up(middle) <= 1 - coverage ? enough : below) = middle;
  }
  return enough;
}

}  // namespace prism::dp
