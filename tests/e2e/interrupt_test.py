"""Ctrl-C in the middle: status 130, and everything as if nothing had been asked."""
import csv
import shutil
import signal
import time

import support
from support import Case

SLOW = {"PRISM_KERNELS": "portable", "PRISM_THREADS": "1"}


class Interrupt(Case):
    def interrupt(self, signals, *arguments):
        """Starts, waits until the output's temporary file is there, and interrupts."""
        process = self.start(*arguments, env=SLOW)
        deadline = time.monotonic() + 60
        while not self.leftovers():
            self.assertIsNone(process.poll(), f"ended before it could be interrupted: {process.poll()}")
            self.assertLess(time.monotonic(), deadline, "no temporary file appeared")
            time.sleep(0.0005)
        time.sleep(0.02)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.01)
        out, err = process.communicate(timeout=120)
        return support.Ended(process.returncode, out, err)

    def big_table(self):
        with open(self.dir / "big.csv", "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["age", "cost", "state"])
            out.writerows([[i * 7 % 100, f"{i * 7919 % 100000}.{i % 100:02d}", "abcdefgh"[i % 8]] for i in range(70000)])

    def interrupt_seal(self, *signals):
        self.big_table()
        self.ok("keys", "new", "--dir", "alice")
        ended = self.interrupt(signals, "seal", "big.csv", "--keys", "alice", "--output", "big.sealed", "--yes")
        self.assertEqual(ended.status, 130, ended)
        self.assertEqual(self.leftovers(), [])
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["alice", "big.csv"])
        tables = self.dir / "alice" / "tables"
        self.assertEqual([p.name for p in tables.iterdir()] if tables.exists() else [], [])
        return ended

    def test_seal(self):
        lines = [line for line in self.interrupt_seal(signal.SIGINT).err.splitlines() if line.startswith("prism: ")]
        self.assertEqual(len(lines), 1)

    def test_seal_terminated(self):
        self.interrupt_seal(signal.SIGTERM)

    def test_seal_twice(self):
        """The second Ctrl-C does not wait, and cleans up all the same."""
        self.interrupt_seal(signal.SIGINT, signal.SIGINT)

    def test_seal_keeps_the_old_file(self):
        self.big_table()
        self.ok("keys", "new", "--dir", "alice")
        (self.dir / "big.sealed").write_text("old")
        ended = self.interrupt([signal.SIGINT], "seal", "big.csv", "--keys", "alice", "--output", "big.sealed", "--yes")
        self.assertEqual((ended.status, (self.dir / "big.sealed").read_text()), (130, "old"))

    def test_query(self):
        self.big_table()
        shutil.copytree(support.SHARED / "alice", self.dir / "alice")
        self.seal("big.csv", "big.sealed")
        ended = self.interrupt([signal.SIGINT], "query", "big.sealed",
                               "SELECT state, COUNT(*), AVG(cost), VAR_POP(cost) FROM big WHERE age BETWEEN 13 AND 77 GROUP BY state", "--output", "a.prism")
        self.assertEqual(ended.status, 130, ended)
        self.assertEqual((self.leftovers(), (self.dir / "a.prism").exists()), ([], False))
        self.assertEqual(len([line for line in ended.err.splitlines() if line.startswith("prism: ")]), 1)
