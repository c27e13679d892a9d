"""What the end-to-end tests share: the program, a table, the truth about it, and a directory of each test's own."""
import csv
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

PROGRAM = SOURCE = SHARED = None  # set by run.py
ROWS = 700
ROLES = ["--role", "age=filter,measure", "--role", "state=filter,group", "--role", "sex=filter", "--role", "cost=measure",
         "--role", "visits=measure"]


def write_table(path):
    """The test table: always the same rows. sex and visits have NULLs, text needs quotes, cost has cents and a sign."""
    state = 7
    def below(bound):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % bound
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["patient", "age", "sex", "state", "visits", "cost"])
        for i in range(ROWS):
            out.writerow([i + 1, below(90), ["female", "male", "male", ""][below(4)],
                          ["Berlin", "Hamburg, Hansestadt", "Thüringen", 'the "rest"'][below(4)],
                          "" if below(9) == 0 else below(20), f"{below(400000) - 100000}.{below(100):02d}"])


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{"age": int(r["age"]), "sex": r["sex"] or None, "state": r["state"],
             "visits": int(r["visits"]) if r["visits"] else None, "cost": Fraction(r["cost"])} for r in rows]


class Ended:
    """How a run of the program ended."""
    def __init__(self, status, out, err):
        self.status, self.out_bytes, self.err = status, out, err.decode("utf-8", "replace")
        self.out = out.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.out, parse_float=Decimal)

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out[:2000]}\n--- stderr\n{self.err[:2000]}"


class Case(unittest.TestCase):
    """A test with a directory of its own, which is also where the program runs."""
    maxDiff = None

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="prism-e2e-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def environment(self, extra=None):
        # Nothing of whoever runs the tests reaches the program.
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        return {**kept, "HOME": str(self.dir), "TMPDIR": str(self.dir), **(extra or {})}

    def start(self, *arguments, env=None, stdout=subprocess.PIPE, cwd=None, **more):
        return subprocess.Popen([str(PROGRAM), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=stdout,
                                stderr=subprocess.PIPE, env=self.environment(env), cwd=cwd or self.dir, **more)

    def run_it(self, *arguments, **more):
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=240)
        return Ended(process.returncode, out or b"", err)

    def ok(self, *arguments, **more):
        ended = self.run_it(*arguments, **more)
        self.assertEqual(ended.status, 0, f"{arguments}: {ended}")
        return ended

    def fails(self, status, *arguments, says=None, **more):
        """One clear line on stderr that starts with `prism:`, the status, and no data on stdout."""
        ended = self.run_it(*arguments, **more)
        wanted = status if isinstance(status, tuple) else (status,)
        self.assertIn(ended.status, wanted, f"{arguments}: {ended}")
        lines = [line for line in ended.err.splitlines() if line.startswith("prism: ")]
        self.assertEqual(len(lines), 1, f"{arguments}: {ended}")
        self.assertNotIn("internal error", ended.err)
        self.assertEqual(ended.out, "", f"{arguments}: {ended}")
        if says is not None:
            self.assertIn(says, ended.err)
        return ended

    def seal(self, table="patients.csv", output="patients.sealed", *more, keys="alice"):
        return self.ok("seal", table, "--keys", keys, "--output", output, "--yes", *more)

    def ask(self, sql, *more, table=None, keys=None, env=None):
        """The opened answer as rows, exactly as JSON says it."""
        self.ok("query", table or SHARED / "patients.sealed", sql, "--output", "asked.prism", *more, env=env)
        return self.ok("open", "asked.prism", "--keys", keys or SHARED / "alice", "-o", "json").json()

    def leftovers(self, directory=None):
        return sorted(p.name for p in Path(directory or self.dir).rglob("*.tmp"))

    def changed(self, source, name, change):
        """A copy of a file with its bytes changed by a function."""
        data = bytearray(Path(source).read_bytes())
        change(data)
        path = self.dir / name
        path.write_bytes(data)
        return path


def prepare():
    """Keys and a sealed table for all tests to read."""
    SHARED.mkdir(parents=True, exist_ok=True)
    for old in SHARED.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    write_table(SHARED / "patients.csv")
    def run(*arguments):
        subprocess.run([str(PROGRAM), *arguments], cwd=SHARED, check=True, stdin=subprocess.DEVNULL)
    run("keys", "new", "--dir", "alice")
    run("keys", "new", "--dir", "mallory")
    run("seal", "patients.csv", "--keys", "alice", "--output", "patients.sealed", "--publish", "state", "--yes", *ROLES)
    run("query", "patients.sealed", "SELECT state, COUNT(*), AVG(age) FROM patients WHERE age >= 40 GROUP BY state ORDER BY state",
        "--output", "grouped.prism")
    run("query", "patients.sealed", "SELECT COUNT(*), SUM(cost) FROM patients", "--output", "plain.prism")
