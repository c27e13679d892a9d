#!/usr/bin/env python3
"""Answers under differential privacy: bench/private.py [--quick] [--only accuracy|speed] [--build DIR] [--peers] [--data DIR] [--docs]

  accuracy  the median relative error of each kind of question over the CSV files of --data, at epsilon 1 and Laplace noise, here and with
            diffprivlib, OpenDP and PyDP (Google's library)
  speed     COUNT, SUM, AVG and GROUP BY over 10^5, 10^6 and 10^7 rows: here without the wait for the time bucket, plain DuckDB on the same rows
            in the same process, diffprivlib on numpy columns, OpenDP; interleaved in one run

--peers installs the pinned packages of bench/peers/private.txt into BUILD/peers-private; without them their columns are empty.
Prints tables and stores build/bench/private.json."""
import argparse
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "bench"
EPSILON = 1.0
DELTA = "1e-20"  # so little that all noise is Laplace, as everywhere else; samplers need some for their cut tails
SIZES = (10**5, 10**6, 10**7)
SPEED_NAMES = ("COUNT ... WHERE", "SUM", "AVG", "COUNT and SUM, GROUP BY 100 keys")

# What the owner declares about each file, and the questions. The bounds are the same for everybody; the truth is that of the values
# brought into them. A question is (family, SQL, column, condition or group column).
FILES = {
    "medpar.csv": {
        "unit": "rownames", "rows": 1,
        "columns": {"rownames": None, "los": (0, 120), "type": (1, 3, "public"), "died": (0, 1), "age80": (0, 1)},
        "questions": [
            ("count", "SELECT COUNT(*) FROM data", None, None),
            ("filtered count", "SELECT COUNT(*) FROM data WHERE died = 1", None, "died == 1"),
            ("sum", "SELECT SUM(los) FROM data", "los", None),
            ("mean", "SELECT AVG(los) FROM data", "los", None),
            ("variance", "SELECT VAR_POP(los) FROM data", "los", None),
            ("median", "SELECT MEDIAN(los) FROM data", "los", None),
            ("counts by group", "SELECT type, COUNT(*) FROM data GROUP BY type ORDER BY type", None, "type"),
            ("histogram", "SELECT los, COUNT(*) FROM data GROUP BY los ORDER BY los", None, "los"),
        ]},
    "loans_full_schema.csv": {
        "unit": "rownames", "rows": 1,
        "columns": {"rownames": None, "loan_amount": (0, 40000), "term": (36, 60), "total_credit_lines": (0, 99, "public"),
                    "issue_year": None, "delinq_2y": (0, 20, "public")},
        "questions": [
            ("count", "SELECT COUNT(*) FROM data", None, None),
            ("filtered count", "SELECT COUNT(*) FROM data WHERE term = 36", None, "term == 36"),
            ("sum", "SELECT SUM(loan_amount) FROM data", "loan_amount", None),
            ("mean", "SELECT AVG(loan_amount) FROM data", "loan_amount", None),
            ("variance", "SELECT VAR_POP(loan_amount) FROM data", "loan_amount", None),
            ("median", "SELECT MEDIAN(loan_amount) FROM data", "loan_amount", None),
            ("counts by group", "SELECT delinq_2y, COUNT(*) FROM data GROUP BY delinq_2y ORDER BY delinq_2y", None, "delinq_2y"),
            ("histogram", "SELECT total_credit_lines, COUNT(*) FROM data GROUP BY total_credit_lines ORDER BY total_credit_lines", None,
             "total_credit_lines"),
        ]},
    "rwm5yr.csv": {
        "unit": "id", "rows": 5,
        "columns": {"id": None, "docvis": (0, 60), "age": (25, 64, "public"), "edlevel": (1, 4, "public"), "female": (0, 1)},
        "questions": [
            ("count", "SELECT COUNT(*) FROM data", None, None),
            ("filtered count", "SELECT COUNT(*) FROM data WHERE female = 1", None, "female == 1"),
            ("sum", "SELECT SUM(docvis) FROM data", "docvis", None),
            ("mean", "SELECT AVG(docvis) FROM data", "docvis", None),
            ("variance", "SELECT VAR_POP(docvis) FROM data", "docvis", None),
            ("median", "SELECT MEDIAN(age) FROM data", "age", None),
            ("counts by group", "SELECT edlevel, COUNT(*) FROM data GROUP BY edlevel ORDER BY edlevel", None, "edlevel"),
            ("histogram", "SELECT age, COUNT(*) FROM data GROUP BY age ORDER BY age", None, "age"),
        ]},
}
FILES["loans_full_schema.csv"]["columns"].pop("issue_year")


class Driver:
    """One of the two lines-in, lines-out programs."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the program ended with {self.process.wait()} at: {line}")
        return json.loads(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def find_program(build):
    for place in (build / "prism_private", build / "bench" / "prism_private"):
        if place.exists():
            return str(place)
    raise SystemExit("prism_private is not built here; ./dev bench builds it")


def columns_of(path, wanted):
    import csv
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [int(row[name]) for row in rows] for name in wanted}


def write_schema(path, described):
    columns = []
    for name, bounds in described["columns"].items():
        column = {"name": name, "type": "integer"}
        if bounds:
            column["low"], column["high"] = bounds[0], bounds[1]
            if len(bounds) == 3 or name in ("los",):
                column["public"] = True
        columns.append(column)
    path.write_text(json.dumps({"version": 1, "columns": columns}), encoding="utf-8")


def select(data, question):
    """What a question is about: (numbers to aggregate or the mask, categories)."""
    family, _, column, where = question
    if family in ("counts by group", "histogram"):
        return data[where]
    if column:
        return data[column]
    if where:
        name, value = where.split(" == ")
        return [1 if v == int(value) else 0 for v in data[name]]
    return [1] * len(next(iter(data.values())))


def truth_of(family, values, bounds):
    if family in ("count", "filtered count"):
        return [sum(values)]
    if family in ("counts by group", "histogram"):
        return [values.count(key) for key in range(bounds[0], bounds[1] + 1)]
    clamped = [min(max(v, bounds[0]), bounds[1]) for v in values]
    return [{"sum": sum, "mean": statistics.fmean, "variance": statistics.pvariance, "median": statistics.median_low}[family](clamped)]


def error(family, answers, truth):
    """The median over repetitions of the mean relative error of a question's numbers; empty groups count as one row."""
    each = []
    for numbers in answers:
        errors = [abs(float(n) - t) / max(1.0, abs(t)) if n is not None else 1.0 for n, t in zip(numbers, truth)]
        each.append(statistics.fmean(errors))
    return statistics.median(each)


def accuracy(options, program):
    rows = []
    repetitions = 15 if options.quick else 199
    peers = Peers(options)
    scratch = options.build / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    for file, described in FILES.items():
        path = pathlib.Path(options.data) / file
        if not path.exists():
            print(f"{file} is not in {options.data}: left out")
            continue
        data = columns_of(path, described["columns"])
        schema = scratch / f"{file}.schema.json"
        write_schema(schema, described)
        driver = Driver([program, "answers", str(schema), described["unit"], str(described["rows"]), str(path)])
        for question in described["questions"]:
            family, sql, column, where = question
            values = select(data, question)
            bounds = described["columns"].get(column or (where if family in ("counts by group", "histogram") else ""), None)
            truth = truth_of(family, values, bounds)
            answers = [[row[-1] for row in table] for table in driver.ask(f"{repetitions} {EPSILON:g} {DELTA} {sql}")]
            row = {"file": file, "family": family, "sql": sql, "prism": error(family, answers, truth)}
            for name in Peers.NAMES:
                theirs = peers.answer(name, family, values, bounds, EPSILON / described["rows"], repetitions)
                row[name] = None if theirs is None else error(family, theirs, truth)
            rows.append(row)
            print("  ".join([f"{file:22} {family:16}"] + [f"{name} {percent(row[name])}" for name in ("prism", *Peers.NAMES)]), flush=True)
        driver.stop()
    peers.stop()
    return rows


def percent(value):
    if value is None:
        return "-"
    return f"{value * 100:.3g} %"


class Peers:
    """The other libraries, in a process with their packages: bench/peers/private_peer.py."""
    NAMES = ("diffprivlib", "opendp", "pydp")

    def __init__(self, options):
        folder = options.build / "peers-private"
        python = folder / "bin" / "python"
        self.driver = None
        pins = (HERE / "peers" / "private.txt").read_bytes()
        installed = folder / "private.txt"
        if options.peers and not (installed.exists() and installed.read_bytes() == pins):
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
                            "--require-hashes", "-r", str(HERE / "peers" / "private.txt")], check=True)
            installed.write_bytes(pins)
        if options.peer_python:
            python = pathlib.Path(options.peer_python)
        if python.exists():
            self.driver = Driver([str(python), str(HERE / "peers" / "private_peer.py")])
        else:
            print("the other libraries are not installed; --peers installs them")

    def ask(self, **request):
        return self.driver.ask(json.dumps(request)) if self.driver else None

    def answer(self, name, family, values, bounds, epsilon, repetitions):
        return self.ask(what="answer", library=name, family=family, values=values, bounds=bounds and bounds[:2], epsilon=epsilon,
                        repetitions=repetitions)

    def stop(self):
        if self.driver:
            self.driver.stop()


def speed(options, program):
    rows = []
    peers = Peers(options)
    threads = options.threads
    for size in SIZES[:2] if options.quick else SIZES:
        driver = Driver([program, "speed", str(size), str(threads)])
        peers.ask(what="rows", rows=size)
        pairs = 5 if options.quick or size == SIZES[-1] else 11
        for number, name in enumerate(SPEED_NAMES):
            driver.ask(f"private {number}")  # loads, once
            driver.ask(f"plain {number}")
            took = {"private": [], "plain": [], "diffprivlib": [], "opendp": []}
            for _ in range(pairs):
                for which in ("private", "plain"):
                    took[which].append(driver.ask(f"{which} {number}"))
                for library in ("diffprivlib", "opendp") if peers.driver and len(took["opendp"]) < 3 else ():
                    took[library].append(peers.ask(what="time", library=library, number=number))
            row = {"rows": size, "question": name, "threads": threads}
            row |= {key: statistics.median(values) if values and None not in values else None for key, values in took.items()}
            row["ratio"] = statistics.median(a / b for a, b in zip(took["private"], took["plain"]))
            rows.append(row)
            print(f"{size:>9} {name:34} private {row['private']:.2f} ms, plain {row['plain']:.2f} ms, ratio {row['ratio']:.2f}; " +
                  ", ".join(f"{library} {row[library]:.1f} ms" if row[library] is not None else f"{library} -"
                            for library in ("diffprivlib", "opendp")), flush=True)
        driver.stop()
    peers.stop()
    return rows


def processor():
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, no 10^7 rows")
    parser.add_argument("--only", choices=("accuracy", "speed"))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--data", default=os.environ.get("PRISM_SHARED", str(ROOT.parent / "shared")) + "/data")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", action="store_true", help="install the other libraries, pinned")
    parser.add_argument("--peer-python", help="an interpreter that has them already")
    options = parser.parse_args()
    program = find_program(options.build)
    out = {"processor": processor(), "epsilon": EPSILON, "commit": subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()}
    started = time.time()
    if options.only != "speed":
        out["accuracy"] = accuracy(options, program)
    if options.only != "accuracy":
        out["speed"] = speed(options, program)
    out["seconds"] = math.ceil(time.time() - started)
    target = ROOT / "build" / "bench" / "private.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(f"stored {target}")


if __name__ == "__main__":
    main()
