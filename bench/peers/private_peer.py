"""Other libraries' private answers, for bench/private.py: one JSON request a line, one JSON answer a line.

Everyone gets the same epsilon, bounds and columns, and hides whether a row is there (add or remove one) where the library can:
diffprivlib's mean, variance and median take the number of rows as known, which makes them more accurate than they would be otherwise."""
import json
import sys
import time
import warnings

import numpy
import diffprivlib
import opendp.prelude as dp
from pydp.algorithms import laplacian

warnings.simplefilter("ignore")
dp.enable_features("contrib")


def counts_diffprivlib(values, bounds, epsilon):
    bins = bounds[1] - bounds[0] + 1
    counts, _ = diffprivlib.tools.histogram(values, epsilon=epsilon, bins=bins, range=(bounds[0] - 0.5, bounds[1] + 0.5))
    return [float(c) for c in counts]


def of_diffprivlib(family, values, bounds, epsilon):
    tools, column = diffprivlib.tools, numpy.asarray(values)
    if family in ("count", "filtered count"):
        return lambda: [float(tools.count_nonzero(column, epsilon=epsilon))]
    if family in ("counts by group", "histogram"):
        return lambda: counts_diffprivlib(column, bounds, epsilon)
    tool = {"sum": tools.sum, "mean": tools.mean, "variance": tools.var, "median": tools.median}[family]
    floats = column.astype(float)
    return lambda: [float(tool(floats, epsilon=epsilon, bounds=tuple(map(float, bounds))))]


SPACE = dp.vector_domain(dp.atom_domain(T="i64")), dp.symmetric_distance()


def calibrated(transformation, epsilon):
    """Laplace noise after a transformation, so that one row more or less costs epsilon."""
    return dp.binary_search_chain(lambda scale: transformation >> dp.m.then_laplace(scale), 1, epsilon)


def of_opendp(family, values, bounds, epsilon):
    numbers = [int(v) for v in values]
    if family in ("count", "filtered count"):
        ones = [v for v in numbers if v]
        count = calibrated(SPACE >> dp.t.then_count(), epsilon)
        return lambda: [float(count(ones))]
    low, high = int(bounds[0]), int(bounds[1])
    if family in ("counts by group", "histogram"):
        counts = calibrated(SPACE >> dp.t.then_count_by_categories(categories=list(range(low, high + 1)), null_category=False), epsilon)
        return lambda: [float(c) for c in counts(numbers)]
    clamped = SPACE >> dp.t.then_clamp((low, high))
    if family == "sum":
        total = calibrated(clamped >> dp.t.then_sum(), epsilon)
        return lambda: [float(total(numbers))]
    if family == "median":
        step = max(1, (high - low) // 1000)
        candidates = list(range(low, high + 1, step))
        median = dp.binary_search_chain(
            lambda scale: SPACE >> dp.t.then_quantile_score_candidates(candidates, alpha=0.5) >>
            dp.m.then_report_noisy_max_gumbel(scale, optimize="min"), 1, epsilon)
        return lambda: [float(candidates[median(numbers)])]
    # Values around the middle have the smallest sums: the same trick for everybody.
    middle, parts = (low + high) // 2, 2 if family == "mean" else 3
    count = calibrated(SPACE >> dp.t.then_count(), epsilon / parts)
    centred = [min(max(v, low), high) - middle for v in numbers]
    total = calibrated(SPACE >> dp.t.then_clamp((low - middle, high - middle)) >> dp.t.then_sum(), epsilon / parts)
    if family == "mean":
        return lambda: [middle + total(centred) / max(1, count(numbers))]
    squared = [v * v for v in centred]
    squares = calibrated(SPACE >> dp.t.then_clamp((0, max(middle - low, high - middle) ** 2)) >> dp.t.then_sum(), epsilon / parts)

    def variance():
        n = max(1, count(numbers))
        return [squares(squared) / n - (total(centred) / n) ** 2]
    return variance


def of_pydp(family, values, bounds, epsilon):
    numbers = [int(v) for v in values]
    if family in ("count", "filtered count"):
        ones = [v for v in numbers if v]
        return lambda: [float(laplacian.Count(epsilon=epsilon, dtype="int").quick_result(ones))]
    low, high = int(bounds[0]), int(bounds[1])
    if family in ("counts by group", "histogram"):
        groups = [[v for v in numbers if v == key] for key in range(low, high + 1)]
        return lambda: [float(laplacian.Count(epsilon=epsilon, dtype="int").quick_result(group)) for group in groups]
    tool = {"sum": laplacian.BoundedSum, "mean": laplacian.BoundedMean, "variance": laplacian.BoundedVariance,
            "median": laplacian.Median}[family]
    return lambda: [float(tool(epsilon=epsilon, lower_bound=low, upper_bound=high, dtype="int").quick_result(numbers))]


LIBRARIES = {"diffprivlib": of_diffprivlib, "opendp": of_opendp, "pydp": of_pydp}
rows = {}


def time_of(library, number):
    """Milliseconds for question `number` of bench/private.cpp, over columns that are there already."""
    key, amount, epsilon, tools = rows["key"], rows["amount"], 1.0, diffprivlib.tools
    if library == "diffprivlib":
        def group_by():
            tools.histogram(key, epsilon=epsilon / 2, bins=100, range=(-0.5, 99.5))
            order = numpy.argsort(key, kind="stable")
            for part in numpy.split(amount[order], numpy.flatnonzero(numpy.diff(key[order])) + 1):
                tools.sum(part, epsilon=epsilon / 2, bounds=(0, 10000))
        work = [lambda: tools.count_nonzero(amount > 5000, epsilon=epsilon), lambda: tools.sum(amount, epsilon=epsilon, bounds=(0, 10000)),
                lambda: tools.mean(amount, epsilon=epsilon, bounds=(0, 10000)), group_by][number]
    else:
        count = calibrated(SPACE >> dp.t.then_count(), epsilon / 2)
        total = calibrated(SPACE >> dp.t.then_clamp((0, 10000)) >> dp.t.then_sum(), epsilon / 2)
        if number == 3:
            return None  # count_by_categories alone would be half of the question
        work = [lambda: count(amount[amount > 5000]), lambda: total(amount), lambda: (count(amount), total(amount))][number]
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "rows":
            i = numpy.arange(request["rows"], dtype=numpy.uint64)
            rows["key"] = (i * numpy.uint64(2654435761) % numpy.uint64(2**32) // numpy.uint64(7) % numpy.uint64(100)).astype(numpy.int64)
            rows["amount"] = (i * numpy.uint64(2246822519) % numpy.uint64(2**32) // numpy.uint64(11) % numpy.uint64(10001)).astype(numpy.int64)
            answer = True
        elif request["what"] == "time":
            answer = time_of(request["library"], request["number"])
        else:
            ask = LIBRARIES[request["library"]](request["family"], request["values"], request["bounds"], request["epsilon"])
            answer = [ask() for _ in range(request["repetitions"])]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
