#!/usr/bin/env python3
"""Writes prism/ring/internal/gaussian_table.h: thresholds of the error sampler, from the definition and in integers only.

The discrete Gaussian with sigma = 3.2 on [-45, 45] gives x the weight exp(-x^2 / (2 sigma^2)) = exp(-25 x^2 / 512).
Threshold k is ceil(2^126 * P(|X| <= k)), kept as two words of 63 bits; the list ends where it reaches 2^126, which no
draw of 126 bits does. Rounding every threshold up makes each |X| at most as likely to be large as in the exact
distribution, so tail bounds proved for that one hold as they are.

usage: gaussian_table.py [--check]    write the header, or only compare it with what would be written
"""
import pathlib
import sys

SIGMA_NUMERATOR, SIGMA_DENOMINATOR = 16, 5  # sigma = 3.2
TAIL = 45
BITS = 126
PRECISION = 512  # bits after the point while computing; errors stay far below 2^-400
ONE = 1 << PRECISION
HEADER = pathlib.Path(__file__).resolve().parent.parent / "prism" / "ring" / "internal" / "gaussian_table.h"


def exp_of_minus(numerator, denominator):
    """exp(-numerator/denominator) in fixed point by the Taylor series."""
    total, term, i = 0, ONE, 0
    while term != 0:
        total += -term if i % 2 else term
        i += 1
        term = term * numerator // (denominator * i)
    return total


def thresholds():
    # 1 / (2 sigma^2) = 25/512
    step = exp_of_minus(SIGMA_DENOMINATOR**2, 2 * SIGMA_NUMERATOR**2)
    weights = []
    for x in range(TAIL + 1):
        weight = ONE
        for _ in range(x * x):
            weight = weight * step >> PRECISION
        weights.append(weight)
    total = weights[0] + 2 * sum(weights[1:])
    table, below = [], weights[0]
    for k in range(TAIL):
        threshold = -(-(below << BITS) // total)
        if threshold >> BITS:
            break
        table.append(threshold)
        below += 2 * weights[k + 1]
    return table


def text():
    table = thresholds()
    rows = "".join(f"    {{{{{t >> 63:#018x}, {t & (2**63 - 1):#018x}}}}},\n" for t in table)
    return f"""// prism/ring/internal/gaussian_table.h - written by tools/gaussian_table.py, which explains it; do not edit.
#pragma once
#include <array>
#include <cstdint>

namespace prism::ring {{

// clang-format off
/// ceil(2^126 * P(|X| <= k)) as {{high, low}} words of 63 bits, for every k where this is below 2^126.
inline constexpr std::array<std::array<std::uint64_t, 2>, {len(table)}> kGaussianThresholds = {{{{
{rows}}}}};
// clang-format on

}}  // namespace prism::ring
"""


def main():
    if sys.argv[1:] == ["--check"]:
        if HEADER.read_text() != text():
            sys.exit(f"{HEADER} is not what tools/gaussian_table.py writes")
        print(f"{HEADER.name}: as computed")
    elif not sys.argv[1:]:
        HEADER.write_text(text())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
