"""Questions to dp_sandbox: answered with intervals, charged before the data is read, refused in words."""
import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import support
from private import PrivateCase

COUNT = "SELECT COUNT(*) FROM patients"


class PrivateQuery(PrivateCase):
    def test_a_count_lies_near_the_truth(self):
        """The noise of epsilon 3 on a count passes 12 less than once in 10^15 times."""
        self.grant(epsilon="100", schema="patients.json")
        rows = self.rows()
        truth = {COUNT: len(rows),
                 "SELECT COUNT(*) FROM patients WHERE age >= 65": sum(int(r["age"]) >= 65 for r in rows),
                 "SELECT COUNT(*) FROM patients WHERE sex IS NULL": sum(r["sex"] == "" for r in rows),
                 "SELECT COUNT(*) FROM patients WHERE diagnosis LIKE 'h%' AND NOT state = 'Berlin'":
                     sum(r["diagnosis"].startswith("h") and r["state"] != "Berlin" for r in rows)}
        for sql, exact in truth.items():
            self.assertLessEqual(abs(self.values(sql, epsilon="3")[0]["count"] - exact), 12, sql)

    def test_every_form_of_output(self):
        self.grant(epsilon="10")
        sql = "SELECT state, COUNT(*) AS n, AVG(cost) AS mean FROM patients GROUP BY state ORDER BY state"
        answer = self.query(sql, epsilon="1")
        self.assertEqual(answer["version"], 1)
        self.assertEqual(len(answer["rows"]), 8)
        ended = self.ok("query", "patients.csv", "--epsilon", "1", sql)
        header, _, *lines = ended.out.splitlines()
        self.assertIn("±", header)
        self.assertEqual(len(lines), 8)
        self.assertRegex(ended.err, r"spent epsilon 1, delta [0-9.e-]+; left: 8 of 10")
        text = self.ok("query", "patients.csv", "--epsilon", "1", sql, "-o", "csv").out
        self.assertEqual(text.splitlines()[0], "state,n,n_low,n_high,mean,mean_low,mean_high")
        self.assertEqual(len(text.splitlines()), 9)
        for line in text.splitlines()[1:]:
            n, low, high = map(int, line.split(",")[1:4])
            self.assertTrue(low <= n <= high, line)
        self.ok("query", "patients.csv", "--epsilon", "1", sql, "-o", "json", "--output", "answer.json")
        self.assertEqual(list(json.loads((self.dir / "answer.json").read_text())), list(answer))

    def test_no_column_of_csv_comes_twice(self):
        self.grant()
        sql = "SELECT COUNT(*) AS n, AVG(cost) AS n_low, COUNT(cost) AS n_high_2 FROM patients"
        text = self.ok("query", "patients.csv", "--epsilon", "1", sql, "-o", "csv").out
        self.assertEqual(text.splitlines()[0], "n,n_low_3,n_high_3,n_low,n_low_low,n_low_high,n_high_2,n_high_2_low,n_high_2_high")

    def test_the_default_backend_is_the_one_that_can(self):
        self.grant()
        self.query(COUNT, "--backend", "dp_sandbox")
        self.query(COUNT)
        sealed = support.SHARED / "patients.sealed"
        self.fails(1, "query", "patients.csv", "--backend", "he_backend", COUNT, "--output", "a.prism", says="prism seal")
        self.fails(1, "query", sealed, "--backend", "dp_sandbox", "--epsilon", "0.5", COUNT, says="he_backend")
        self.fails(1, "explain", sealed, "--backend", "dp_sandbox", "--epsilon", "0.5", COUNT, says="he_backend")
        self.fails(2, "query", sealed, "--epsilon", "0.5", COUNT, "--output", "a.prism", says="--epsilon is for dp_sandbox")
        self.fails(2, "query", sealed, COUNT, says="--output")
        self.fails(2, "query", sealed, COUNT, "--output", "a.prism", "-o", "json", says="-o")
        self.fails(2, "query", "patients.csv", "--backend", "tea_leaves", COUNT, says="tea_leaves")
        self.fails(1, "query", "patients.csv", "--backend", "mpc_backend", COUNT, says="mpc_backend")
        self.fails(1, "query", support.SHARED / "plain.prism", "--epsilon", "0.5", COUNT, says="an answer")
        self.fails(2, "query", "patients.csv", "--epsilon", "0.5", COUNT, "--dictionary", "x", says="--dictionary")
        self.ok("query", sealed, "--backend", "he_backend", COUNT, "--output", "a.prism")
        self.assertEqual(self.spent(), 1)

    def test_without_a_grant_the_way_to_one_is_shown(self):
        ended = self.fails(1, "query", "patients.csv", "--backend", "dp_sandbox", "--epsilon", "0.5", COUNT, says="prism budget grant patients.csv --unit")
        self.assertIn("prism budget schema patients.csv", ended.err)
        for text in ("Bayern", "2024-"):
            self.assertNotIn(text, ended.err)

    def test_explain_spends_nothing_and_reads_no_rows(self):
        self.grant()
        text = self.ok("explain", "patients.csv", "--backend", "dp_sandbox", "--epsilon", "0.5", "SELECT COUNT(*), AVG(cost) FROM patients").out
        self.assertIn("±", text)
        dry = self.ok("query", "patients.csv", "--epsilon", "0.5", "SELECT COUNT(*), AVG(cost) FROM patients", "--dry-run").out
        self.assertEqual(dry, text)
        preview = self.ok("explain", "patients.csv", "--epsilon", "0.5", COUNT, "-o", "json").json()
        self.assertEqual(preview["version"], 1)
        # The same words about a file of the same columns without a row in it.
        header = (self.dir / "patients.csv").read_bytes().split(b"\n")[0]
        (self.dir / "patients.csv").write_bytes(header + b"\n")
        self.assertEqual(self.ok("explain", "patients.csv", "--epsilon", "0.5", "SELECT COUNT(*), AVG(cost) FROM patients").out, text)
        self.assertEqual(self.show()["charges"], [])

    def test_explain_without_an_epsilon_compares_several(self):
        self.grant("--query-epsilon", "0.2:2")
        compared = self.ok("explain", "patients.csv", COUNT, "-o", "json").json()
        self.assertEqual([preview["epsilon"] for preview in compared], ["0.2", "0.5", "1", "2"])
        widths = [Fraction(preview["columns"][0]["plus_minus"]) for preview in compared]
        self.assertEqual(sorted(widths, reverse=True), widths)
        text = self.ok("explain", "patients.csv", COUNT)
        self.assertEqual([line.split()[0] for line in text.out.splitlines()[2:]], ["0.2", "0.5", "1", "2"])
        self.assertIn("left: 3 of 3", text.err)
        self.assertEqual(self.show()["charges"], [])

    def test_what_is_no_file_is_refused_at_once(self):
        """A pipe that nobody writes to would otherwise be waited for."""
        os.mkfifo(self.dir / "pipe.csv")
        for path in ("pipe.csv", "."):
            self.fails(2, "query", path, "--epsilon", "0.5", COUNT, says="regular file")
            self.fails(2, "explain", path, "--epsilon", "0.5", COUNT, says="regular file")
            self.fails(2, "budget", "grant", path, *self.grant_words(), says="regular file")

    def test_refusals_have_place_rule_and_way_out_and_cost_nothing(self):
        self.grant()
        for sql, place, says in (("SELECT patient FROM patients", "1:8", ""), ("SELECT COUNT(*) FROM patients GROUP BY patient", "1:31", "dp/unit-key"),
                                 ("SELECT COUNT(*) FROM patients WHERE age = 65.5", "1:31", "dp/never"),
                                 ("SELECT COUNT(DISTINCT state) FROM patients", "1:8", "dp/distinct"),
                                 ("SELECT COUNT(*) FROM patients p JOIN patients q ON p.state = q.state", "1:52", "dp/join"),
                                 ("SELECT * FROM patients", "1:8", ""), ("SELECT SUM(cots) FROM patients", "1:12", "cost"),
                                 ("SELECT COUNT(*) FROM doctors", "1:", "patients")):
            for command in ("query", "explain"):
                with self.subTest(sql=sql, command=command):
                    ended = self.fails(1, command, "patients.csv", "--epsilon", "0.5", sql, says=says)
                    self.assertIn(f"prism: {place}", ended.err)
                    if place:
                        self.assertIn("^", ended.err)
        self.assertEqual(self.show()["charges"], [])

    def test_hostile_queries(self):
        """None is answered, none costs anything, none reaches the engine below or the file system."""
        self.grant()
        (self.dir / "secret.csv").write_text("word\nhunter2\n")
        hostile = ["SELECT * FROM read_csv('secret.csv')", "SELECT COUNT(*) FROM 'secret.csv'", "SELECT COUNT(*) FROM patients; DROP TABLE patients",
                   "COPY patients TO 'out.csv'", "ATTACH 'x.db'", "INSTALL httpfs", "PRAGMA version", "SET enable_external_access = true",
                   "SELECT COUNT(*) FROM patients UNION SELECT COUNT(*) FROM patients", "SELECT COUNT(*) FROM patients WHERE sex = (SELECT MAX(sex) FROM patients)",
                   "SELECT COUNT(*) FROM patients WHERE getenv('HOME') = ''", "SELECT pg_sleep(100)", "SELECT COUNT(*) FROM information_schema.tables",
                   "SELECT random() FROM patients", "SELECT COUNT(*) OVER () FROM patients", "", ";", "\x01", "SELECT", "(" * 100_000,
                   "SELECT COUNT(*) FROM patients WHERE " + " AND ".join(["age = 1"] * 9_000), "SELECT " + "-" * 50_000 + "1 FROM patients",
                   "SELECT COUNT(*) FROM patients WHERE age = " + "9" * 5000]
        for sql in hostile:
            with self.subTest(sql=sql[:60]):
                ended = self.run_it("query", "patients.csv", "--epsilon", "0.5", sql)
                self.assertIn(ended.status, (1, 2), ended)
                self.assertEqual(ended.out, "")
                self.assertNotIn("hunter2", ended.err)
        self.assertEqual(self.show()["charges"], [])
        # Literals are values wherever they end up: this one is a state that nobody lives in.
        for literal in ("'; DROP TABLE patients; --", "' OR '1'='1", "\\', $1", "%"):
            quoted = literal.replace("'", "''")
            self.assertLess(self.values(f"SELECT COUNT(*) AS n FROM patients WHERE state = '{quoted}'", epsilon="0.7")[0]["n"], 80)

    def test_errors_that_data_could_cause_do_not_exist(self):
        """Divisions by zero, overflows, impossible casts: rows that have them answer like rows that have not."""
        self.write_csv("big.csv", ["id", "x", "y"], [[i, 2**63 - 1 if i % 2 else -(2**63), 0] for i in range(50)])
        self.write_schema("big.json", {"name": "id", "type": "integer"}, {"name": "x", "type": "integer", "low": -1000, "high": 1000},
                          {"name": "y", "type": "integer", "low": 0, "high": 10})
        self.grant(csv="big.csv", unit="id", schema="big.json", epsilon="20")
        for sql in ("SELECT SUM(x), AVG(x), STDDEV(x) FROM big", "SELECT SUM(x) / SUM(y) AS r FROM big", "SELECT AVG(x) FROM big WHERE y > 5",
                    "SELECT SUM(x) * SUM(x) AS r, MEDIAN(x) FROM big"):
            self.query(sql, csv="big.csv", epsilon="1")

    def test_a_row_that_does_not_fit_the_schema_decides_nothing(self):
        """Values of a wrong type count nowhere, nor do lines that are no record; the question is answered as without the row."""
        self.grant(epsilon="100")
        path = self.dir / "patients.csv"
        good = path.read_text(encoding="utf-8")
        for bad in ("1001,2024-01-01,old,male,Berlin,asthma,1,2.00", "1002,2024-01-01,12,male,Berlin,asthma,99999999999999999999999,2.00",
                    "1003,yesterday,1e99,nobody,Atlantis,,-,many", "x,y,z", "", "\0\0", "1004,2024-01-01,12\r,male",
                    "1005,2024-01-01,12,ma\"le,Berlin,asthma,1,2.00", "1006" + "," * 5000, "1007,x\udcff,12,male,Berlin,a,1,2.00"):
            path.write_text(good + bad + "\n", encoding="utf-8", errors="surrogateescape")
            self.assertLess(abs(self.values("SELECT COUNT(*) AS n, SUM(age) AS s FROM patients", epsilon="2")[0]["n"] - 1000), 60)

    def test_an_unreadable_file_is_found_after_the_charge_and_says_nothing(self):
        """What made it fail is data: one message, whatever it was, and the charge stays."""
        self.grant(epsilon="10")
        path = self.dir / "patients.csv"
        good = path.read_bytes()
        said = set()
        for bad in (b'1001,2024-01-01,12,male,"Berlin,asthma,1,2.00\n', b'1001,2024-01-01,12,"ma"le,Berlin,asthma,1,2.00\n',
                    b'1001,2024-01-01,12,"male" ,Berlin,asthma,1,2.00\n', b'"\n'):
            path.write_bytes(good + bad)
            ended = self.fails(1, "query", "patients.csv", "--epsilon", "0.5", COUNT, says="dp/failed")
            said.add("\n".join(line for line in ended.err.splitlines() if "left:" not in line))
        self.assertEqual(len(said), 1, said)
        path.write_bytes(good)
        self.assertEqual(self.spent(), 2)
        self.assertEqual(self.show()["questions"], {"computed": 0, "not_computed": 4, "given_back": 0})

    def test_nothing_behind_the_first_line_is_looked_at_before_the_charge(self):
        self.grant(epsilon="10")
        path = self.dir / "patients.csv"
        header = path.read_bytes().split(b"\n")[0] + b"\n"
        for bad in (b"\0", b"\xff", b'"', b"\r\r", b","):
            path.write_bytes(header + bad)
            self.ok("explain", "patients.csv", "--epsilon", "0.5", COUNT)

    def test_an_answer_that_cannot_be_written_is_found_before_the_charge(self):
        self.grant()
        self.fails(1, "query", "patients.csv", "--epsilon", "0.5", COUNT, "--output", "no/such/dir/a.json", says="no/such/dir")
        self.fails(1, "query", "patients.csv", "--epsilon", "0.5", COUNT, "--output", "patients.csv", says="choose another name")
        self.assertEqual(self.spent(), 0)

    def test_an_output_destroys_neither_budget_nor_tables(self):
        """The ledger and what belongs to it, its mark, every table of the grant: none can be overwritten, under any name."""
        self.write_csv("regions.csv", ["land"], [["Bayern"]])
        schema = json.loads((self.dir / "patients.json").read_text(encoding="utf-8"))
        schema["tables"] = [{"name": "regions", "path": "regions.csv", "columns": [{"name": "land", "type": "text"}]}]
        (self.dir / "both.json").write_text(json.dumps(schema))
        self.grant(schema="both.json")
        mark = next(path for path in self.marks().iterdir() if path.suffix == ".mark")
        os.symlink("patients.csv.budget", self.dir / "link")
        os.link(self.dir / "regions.csv", self.dir / "hard.csv")
        (self.dir / "sub").mkdir()
        kept = {path: path.read_bytes() for path in (self.dir / "patients.csv", self.dir / "patients.csv.budget", self.dir / "regions.csv", mark)}
        for output in ("patients.csv.budget", "./sub/../patients.csv.budget", str(self.dir / "patients.csv.budget"), "patients.csv.budget-journal", "patients.csv.budget-wal",
                       "link", str(mark), str(mark) + ".lock", "regions.csv", "hard.csv", "patients.csv"):
            with self.subTest(output=output):
                self.fails(1, "query", "patients.csv", "--epsilon", "0.5", COUNT, "--output", output, says="choose another")
        # The same name with nothing there: what a lost table was called is still its name.
        (self.dir / "hard.csv").unlink()
        (self.dir / "regions.csv").rename(self.dir / "away.csv")
        self.fails(1, "query", "patients.csv", "--epsilon", "0.5", COUNT, "--output", "regions.csv", says="choose another")
        (self.dir / "away.csv").rename(self.dir / "regions.csv")
        self.assertEqual({path: path.read_bytes() for path in kept}, kept)
        self.assertEqual(self.spent(), 0)
        # Nor by the commands that know nothing of budgets.
        self.fails(1, "seal", "patients.csv", "--keys", "keys", "--output", "patients.csv.budget", says="choose another")
        self.assertEqual({path: path.read_bytes() for path in kept}, kept)

    def test_only_the_tables_of_a_question_need_to_be_there(self):
        self.write_csv("regions.csv", ["land"], [["Bayern"]])
        schema = json.loads((self.dir / "patients.json").read_text(encoding="utf-8"))
        schema["tables"] = [{"name": "regions", "path": "regions.csv", "columns": [{"name": "land", "type": "text"}]}]
        (self.dir / "both.json").write_text(json.dumps(schema))
        self.grant(schema="both.json")
        (self.dir / "regions.csv").unlink()
        self.query(COUNT)
        self.fails(1, "query", "patients.csv", "--epsilon", "0.5", "SELECT COUNT(*) FROM patients p JOIN regions r ON p.state = r.land", says="regions.csv")
        self.assertEqual(self.spent(), Fraction(1, 2))

    def test_a_ledger_that_cannot_be_written_says_only_what_is_known(self):
        self.grant()
        lock = Path(self.show()["ledger"]["mark"] + ".lock")
        lock.unlink(missing_ok=True)
        lock.mkdir()  # what even root cannot lock
        ended = self.fails((1, 3), "query", "patients.csv", "--epsilon", "0.5", COUNT, says=".lock")
        for words in ("spent epsilon", "may stand", "stays"):
            self.assertNotIn(words, ended.err)
        lock.rmdir()
        self.assertEqual(self.spent(), 0)

    def test_explain_says_whether_the_question_fits(self):
        self.grant("--analyst", "anna=0.5", "--analyst", "ben=3", "--room", "trial=2")
        who = ["--analyst", "anna", "--room", "trial"]
        ended = self.ok("explain", "patients.csv", "--epsilon", "0.8", COUNT, *who)
        self.assertIn("warning: it would be refused", ended.err)
        self.assertIn("left: 3 of 3, 0.5 of 0.5 for anna, 2 of 2 in trial", ended.err)
        self.assertNotIn("warning", self.ok("explain", "patients.csv", "--epsilon", "0.5", COUNT, *who).err)
        ended = self.ok("explain", "patients.csv", COUNT, *who)
        self.assertEqual([line.split()[0] for line in ended.out.splitlines()[2:]], ["0.1", "0.5"])
        self.assertIn("0.5 of 0.5 for anna", ended.err)
        self.query(COUNT, *who, epsilon="0.45")
        self.fails(7, "explain", "patients.csv", COUNT, *who, says="0.05 of 0.5 is left for analyst anna")

    def test_a_note_is_said_once(self):
        self.grant()
        ended = self.ok("query", "patients.csv", "--epsilon", "0.5", "SELECT AVG(cost), SUM(cost), STDDEV(cost) FROM patients")
        notes = [line for line in ended.err.splitlines() if line.startswith("note:")]
        self.assertEqual(len(notes), len(set(notes)), ended.err)
        self.assertTrue(notes)

    # --- many at once, and in the middle ------------------------------------------------------------------------------

    def test_sixteen_at_once_with_room_for_five(self):
        self.grant(epsilon="0.5")
        with ThreadPoolExecutor(16) as pool:
            ended = list(pool.map(lambda _: self.run_it("query", "patients.csv", "--epsilon", "0.1", COUNT), range(16)))
        self.assertEqual(sorted(e.status for e in ended), [0] * 5 + [7] * 11, [e for e in ended if e.status not in (0, 7)])
        self.assertEqual((self.spent(), self.show()["questions"]["computed"]), (Fraction(1, 2), 5))

    def slow_query(self):
        """A question whose bucket is long: its process waits, charged, for a while after the data was read."""
        return self.start("query", "patients.csv", "--epsilon", "0.5", COUNT)

    def grant_with_long_bucket(self):
        self.ok("budget", "grant", "patients.csv", *self.grant_words()[:-2], "--bucket-ms", "20000")

    def wait_for_charge(self, process, computed=False):
        """Until the charge stands; or until the answer, too, is there and only waits for its bucket's end."""
        deadline = time.monotonic() + 60
        while not (self.show()["questions"]["computed"] if computed else self.show()["charges"]):
            self.assertIsNone(process.poll(), "ended before it was charged")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_killed_in_the_middle_stays_charged(self):
        self.grant_with_long_bucket()
        process = self.slow_query()
        self.wait_for_charge(process)
        process.kill()
        out, _ = process.communicate(timeout=60)
        self.assertEqual(out, b"")
        self.assertEqual(self.spent(), Fraction(1, 2))
        self.assertEqual(self.leftovers(), [])
        # The ledger is whole, and goes on.
        self.assertEqual(self.fails(7, "query", "patients.csv", "--epsilon", "2.6", COUNT).out, "")

    def test_interrupted_in_the_middle_stays_charged_and_says_so(self):
        self.grant_with_long_bucket()
        process = self.slow_query()
        self.wait_for_charge(process, computed=True)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (130, b""), err)
        self.assertIn(b"the charge stays", err)
        self.assertEqual(self.spent(), Fraction(1, 2))

    def test_interrupted_at_any_moment_says_what_the_ledger_says(self):
        """Ctrl-C at moments spread over the whole run: what it says about the charge is what the ledger holds."""
        self.grant_with_long_bucket()
        seen = set()
        for delay in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.15):
            before = self.spent()
            process = self.slow_query()
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            self.assertEqual(out, b"")
            if process.returncode != 130:
                self.assertEqual(process.returncode, -signal.SIGINT, err)  # before the program listens to signals
            cost = self.spent() - before
            if b"the charge stays" in err:
                self.assertEqual(cost, Fraction(1, 2), err)
            elif b"may stand" not in err:
                self.assertEqual(cost, 0, err)
            seen.add(cost)
            if self.show()["epsilon"]["left"] < 1:
                break
        self.assertIn(0, seen)

    def test_answers_leave_at_the_end_of_a_bucket(self):
        self.ok("budget", "grant", "patients.csv", *self.grant_words()[:-2], "--bucket-ms", "1500")
        started = time.monotonic()
        self.query(COUNT)
        self.assertGreaterEqual(time.monotonic() - started, 1.5)

    # --- several rows per unit, several tables ------------------------------------------------------------------------

    def test_several_rows_per_unit(self):
        self.write_csv("visits.csv", ["person", "year", "cost"], [[p, 2020 + y, (p * 7 + y) % 50] for p in range(400) for y in range(5)])
        self.write_schema("visits.json", {"name": "person", "type": "integer"}, {"name": "year", "type": "integer", "low": 2020, "high": 2024, "public": True},
                          {"name": "cost", "type": "integer", "low": 0, "high": 50})
        self.grant("--rows-per-unit", "5", csv="visits.csv", unit="person", schema="visits.json", epsilon="50")
        near = lambda value, truth, slack: self.assertLessEqual(abs(value - truth), slack)
        near(self.values("SELECT COUNT(*) AS n FROM visits", csv="visits.csv", epsilon="3")[0]["n"], 2000, 70)
        near(self.values("SELECT COUNT(DISTINCT person) AS n FROM visits", csv="visits.csv", epsilon="3")[0]["n"], 400, 15)
        by_year = self.values("SELECT year, COUNT(*) AS n FROM visits GROUP BY year ORDER BY year", csv="visits.csv", epsilon="3")
        self.assertEqual([r["year"] for r in by_year], [2020, 2021, 2022, 2023, 2024])
        for row in by_year:
            near(row["n"], 400, 70)

    def test_a_public_table_joins_by_any_key(self):
        self.write_csv("regions.csv", ["land", "north"], [["Bayern", 0], ["Berlin", 1], ["Hamburg", 1], ["Hessen", 0], ["Niedersachsen", 1],
                                                          ["Nordrhein-Westfalen", 0], ["Sachsen", 0], ["Thüringen", 0]])
        schema = json.loads((self.dir / "patients.json").read_text(encoding="utf-8"))
        schema["tables"] = [{"name": "regions", "path": "regions.csv", "columns": [{"name": "land", "type": "text"},
                                                                                 {"name": "north", "type": "integer", "low": 0, "high": 1, "public": True}]}]
        (self.dir / "both.json").write_text(json.dumps(schema))
        self.grant(schema="both.json", epsilon="10")
        rows = self.values("SELECT r.north, COUNT(*) AS n FROM patients p JOIN regions r ON p.state = r.land GROUP BY r.north ORDER BY r.north", epsilon="3")
        north = sum(r["state"] in ("Berlin", "Hamburg", "Niedersachsen") for r in self.rows())
        self.assertLessEqual(abs(rows[1]["n"] - north), 25)
        self.assertLessEqual(abs(rows[0]["n"] - (1000 - north)), 25)
