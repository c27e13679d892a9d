#!/usr/bin/env python3
"""Writes prism/circuits/sign_data.inc: composite minimax polynomials for the sign function.

Lee, Lee, No, Lee (ePrint 2020/834) compose odd polynomials, each the best approximation of sign on what the one before
leaves. Here every stage works on [-1, -a] and [a, 1]: p has |p - 1| <= E on [a, 1], and all but the last are divided by
1 + E, so that the next works on [(1-E)/(1+E), 1]. A better stage never hurts a later one, so a search over (levels,
relinearisations) that keeps the smallest a finds the best composition.

Remez exchange in 60 decimal digits with the standard library alone; the result is rounded to doubles, and
sign_test.cpp proves what the rounded ones do.

usage: tools/sign_polynomials.py > prism/circuits/sign_data.inc      (some minutes)
"""
import math
import sys
from decimal import Decimal, getcontext

getcontext().prec = 60
ONE, TWO = Decimal(1), Decimal(2)

# degree: (levels, relinearisations) of the cheapest evaluation: PolynomialPlan of that shape, as sign_test.cpp checks.
COSTS = {
    3: (2, 2), 5: (3, 3), 7: (3, 4), 9: (4, 4), 11: (4, 5), 13: (4, 6), 15: (4, 7),
    17: (5, 6), 19: (5, 6), 21: (5, 7), 23: (5, 7), 25: (5, 8), 27: (5, 8), 29: (5, 9), 31: (5, 10),
}
DEAD_ZONES = [4, 6, 8, 10, 12, 14, 16, 20]  # epsilon = 2^-these
PRECISIONS = [8, 10, 12, 16, 20]  # error 2^-these


def value(c, x):
    """sum c_k T_{2k+1}(x)"""
    y2 = 4 * x * x - 2
    b0 = b1 = Decimal(0)
    for ck in reversed(c):
        b0, b1 = ck + y2 * b0 - b1, b0
    return x * (b0 - b1)


def basis(n, x):
    y2 = 4 * x * x - 2
    row = [x, x * (y2 - 1)]
    while len(row) < n:
        row.append(y2 * row[-1] - row[-2])
    return row[:n]


def solve(rows, right):
    n = len(rows)
    m = [row[:] + [r] for row, r in zip(rows, right)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(m[r][i]))
        m[i], m[pivot] = m[pivot], m[i]
        inverse = ONE / m[i][i]
        for r in range(i + 1, n):
            f = m[r][i] * inverse
            if f:
                m[r] = [x - f * y for x, y in zip(m[r], m[i])]
    out = [Decimal(0)] * n
    for i in reversed(range(n)):
        out[i] = (m[i][n] - sum(m[i][j] * out[j] for j in range(i + 1, n))) / m[i][i]
    return out


def summit(c, low, high):
    """The largest |p - 1| between two points around one extreme, by golden section."""
    golden = Decimal("0.6180339887498949")
    for _ in range(40):
        first, second = high - golden * (high - low), low + golden * (high - low)
        if abs(value(c, first) - 1) < abs(value(c, second) - 1):
            low = first
        else:
            high = second
    return abs(value(c, low) - 1)


def minimax(degree, a):
    """Coefficients and error of the odd polynomial nearest to 1 on [a, 1]."""
    n = (degree + 1) // 2
    squares = a * a

    def place(angle):  # angle in [0, pi]: Chebyshev points in x^2
        return (squares + (1 - squares) * Decimal(math.sin(angle / 2) ** 2)).sqrt()

    grid = [place(math.pi * j / (12 * n)) for j in range(12 * n + 1)]
    reference = [place(math.pi * j / n) for j in range(n + 1)]
    for step in range(40):
        rows = [basis(n, x) + [ONE if i % 2 == 0 else -ONE] for i, x in enumerate(reference)]
        solution = solve(rows, [ONE] * (n + 1))
        c, level = solution[:n], abs(solution[n])
        errors = [value(c, x) - 1 for x in grid]
        extremes, around = [a], []
        for j in range(1, len(grid) - 1):
            left, here, right = errors[j - 1], errors[j], errors[j + 1]
            if (here - left) * (here - right) > 0:
                x0, x1, x2 = grid[j - 1], grid[j], grid[j + 1]
                f0, f1, f2 = left, here, right
                for _ in range(6):  # the vertex of the parabola through three points
                    top = (x1 - x0) ** 2 * (f1 - f2) - (x1 - x2) ** 2 * (f1 - f0)
                    bottom = (x1 - x0) * (f1 - f2) - (x1 - x2) * (f1 - f0)
                    if bottom == 0:
                        break
                    x = x1 - top / (2 * bottom)
                    if not x0 < x < x2 or x == x1:
                        break
                    f = value(c, x) - 1
                    if x < x1:
                        x2, f2 = x1, f1
                    else:
                        x0, f0 = x1, f1
                    x1, f1 = x, f
                extremes.append(x1)
                around.append((grid[j - 1], grid[j + 1]))
        extremes.append(ONE)
        if len(extremes) != n + 1:
            raise ArithmeticError(f"degree {degree} on [{a}, 1]: {len(extremes)} extremes")
        largest = max(abs(value(c, x) - 1) for x in extremes)
        reference = extremes
        if largest - level < largest * Decimal("1e-9" if step < 10 else "1e-5"):  # either is as good as best
            return c, max([largest] + [summit(c, low, high) for low, high in around])
    raise ArithmeticError(f"degree {degree} on [{a}, 1] does not converge")


def compositions(dead_zone, precisions):
    """For every precision the (levels, relinearisations, degrees) of the best composition."""
    wanted = {p: None for p in precisions}
    done = []  # (switches, error) of all states so far
    front = {(0, 0): (Decimal(2) ** -dead_zone, None, ())}  # (levels, relinearisations) -> a, error, degrees
    for levels in range(0, 40):
        here = sorted((cost, state) for cost, state in front.items() if cost[0] == levels)
        kept = []
        for (_, switches), (a, error, degrees) in here:
            if error is not None:
                if any(s <= switches and e <= error for s, e in done):
                    continue
                done.append((switches, error))
                for p in precisions:
                    if wanted[p] is None and error <= Decimal(2) ** -p * Decimal("0.999"):
                        wanted[p] = (levels, switches, degrees)
            kept.append((switches, a, degrees))
        if all(w is not None for w in wanted.values()):
            return wanted
        for switches, a, degrees in kept:
            if 1 - a < Decimal("1e-9"):
                continue
            for degree, (depth, cost) in COSTS.items():
                key = (levels + depth, switches + cost)
                _, error = minimax(degree, a)
                error = error * (1 + Decimal("1e-9")) + Decimal("1e-12")  # room for rounding to doubles
                if key not in front or error < front[key][1]:
                    front[key] = ((1 - error) / (1 + error) * (1 - Decimal("1e-12")), error, degrees + (degree,))
                if error < Decimal("1e-9"):
                    break  # a larger degree gains nothing
    raise ArithmeticError("more than 40 levels")


def main():
    print("// Made by tools/sign_polynomials.py: do not edit. Odd coefficients c_1, c_3, .. of T_1, T_3, ..")
    for dead_zone in DEAD_ZONES:
        for precision, (levels, switches, degrees) in compositions(dead_zone, PRECISIONS).items():
            print(f"{dead_zone} {precision} {levels} {switches} {degrees}", file=sys.stderr, flush=True)
            a = Decimal(2) ** -dead_zone
            stages = []
            for i, degree in enumerate(degrees):
                c, error = minimax(degree, a)
                error = error * (1 + Decimal("1e-9")) + Decimal("1e-12")
                scale = ONE if i + 1 == len(degrees) else 1 + error
                after = (1 - error) / (1 + error) * (1 - Decimal("1e-12"))
                numbers = ", ".join(repr(float(x / scale)) for x in c)
                stages.append(f"  {{{float(a)!r}, {{{numbers}}}}}")
                a = after
            print(f"{{{dead_zone}, {precision}, {{\n" + ",\n".join(stages) + "}},")


if __name__ == "__main__":
    main()
