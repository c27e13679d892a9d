"""Filter and sum over many rows through the program itself: `prism seal`, `prism query --threads 1`, `prism open`."""
import json
import os
import random
import re
import shutil
import tempfile

import measure

SEED = 20240607
GIB = float(1 << 30)

# Which columns a file seals, the question, and aims per row: microseconds (at 10^6 rows), and bytes per value of the filter.
CASES = (
    {"name": "equality, one-hot over 50", "seal": ["--role", "cat=filter", "--bounds", "cat=0:49"], "where": "cat = 7",
     "matches": lambda cat, x: cat == 7, "aim_us": 0.15, "value": "cat", "per_cell": 16},
    {"name": "16-bit range, compact", "seal": ["--role", "x=filter", "--bounds", "x=0:65535", "--encoding", "compact"],
     "where": "x BETWEEN 12345 AND 54321", "matches": lambda cat, x: 12345 <= x <= 54321, "aim_us": 4.0, "value": "x", "per_value": 800},
    {"name": "16-bit range, fast", "seal": ["--role", "x=filter", "--bounds", "x=0:65535", "--encoding", "fast"],
     "where": "x BETWEEN 12345 AND 54321", "matches": lambda cat, x: 12345 <= x <= 54321, "aim_us": 1.5, "value": "x", "per_value": 1500},
)


def make_csv(path, count):
    """v integer 100..5000, cat 0..49, x 0..65535. Returns the sum each case must give."""
    generator = random.Random(SEED)
    sums = [0] * len(CASES)
    with open(path, "w", encoding="ascii") as file:
        file.write("v,cat,x\n")
        for _ in range(count):
            v, cat, x = generator.randint(100, 5000), generator.randrange(50), generator.randrange(65536)
            file.write(f"{v},{cat},{x}\n")
            for i, case in enumerate(CASES):
                if case["matches"](cat, x):
                    sums[i] += v
    return sums


def rows(report, options):
    prism = measure.wanted_program(report, options.build, "prism")
    if prism is None:
        return
    os.makedirs(options.scratch, exist_ok=True)
    for count in (100_000,) if options.quick else (100_000, 1_000_000):
        report.start("rows", f"{count:,} rows; filter and sum, one thread, page cache warm")
        scratch = tempfile.mkdtemp(prefix="rows-", dir=options.scratch)
        try:
            measure_rows(report, options, prism, count, scratch)
        finally:
            shutil.rmtree(scratch)


def measure_rows(report, options, prism, count, scratch):
    csv, keys, sealed, answer = (os.path.join(scratch, name) for name in ("t.csv", "keys", "t.sealed", "answer.prism"))
    sums = make_csv(csv, count)
    measure.run([prism, "keys", "new", "--dir", keys])
    # The measure alone, so that what a filter adds is known.
    common = [prism, "seal", csv, "--keys", keys, "--output", sealed, "--no-squares", "--yes", "--threads", "1", "--role", "v=measure"]
    for case, wanted in zip(CASES, sums):
        took = measure.run(common + case["seal"])
        about = json.loads(measure.run([prism, "inspect", sealed, "-o", "json"]).output)
        size = os.path.getsize(sealed)
        name = case["name"]
        report.row(f"{name}: seal", took.cpu / count * 1e6, "us/row", wall=took.wall / count * 1e6, rows_per_s=round(count / took.wall),
                   peak_gib=took.peak / GIB)
        # What stands in the file: blocks are whole, so a last one that is half empty costs as much as a full one.
        column = next(c for c in about["columns"] if c["name"] == case["value"])
        if "per_cell" in case:
            slots = about["blocks"] * about["ring_degree"] * column["values"]
            report.row(f"{name}: a one-hot cell", column["bytes"] / slots, "B", case["per_cell"], cells=column["values"],
                       per_row=column["bytes"] / count)
        else:
            report.row(f"{name}: a value", column["bytes"] / count, "B", case["per_value"], cells=cells_of(took.output, case["value"]))
        report.row(f"{name}: whole file per row", size / count, "B", ring=about["ring_degree"], plain_modulus=about["plain_modulus"])
        question = f"SELECT SUM(v) FROM t WHERE {case['where']}"
        command = [prism, "query", sealed, question, "--threads", "1", "--output", answer]
        took = measure.best_of(3 if options.quick else 5, command)
        report.row(f"{name}: query", took.cpu / count * 1e6, "us/row", case["aim_us"] if count == 1_000_000 else None,
                   wall=took.wall / count * 1e6, load=measure.load())
        report.row(f"{name}: peak memory of the query", took.peak / GIB, "GiB", 1.0)
        report.row(f"{name}: answer", os.path.getsize(answer) / 1000, "kB")
        opened = measure.run([prism, "open", answer, "--keys", keys, "-o", "csv"])
        if not re.search(rf"^{wanted}$", opened.output, re.M):
            raise measure.Failed(f"{name}: the opened sum is not {wanted}:\n{opened.output}")
        os.unlink(sealed)


def cells_of(text, column):
    """How many encrypted cells `prism seal` announces for a column; None when it does not say."""
    found = re.search(rf"^\s*{column}: .*; (\d+) cells", text, re.M)
    return int(found.group(1)) if found else None
