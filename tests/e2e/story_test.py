"""What works: the whole story, in every form."""
import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import support
from support import Case


class Story(Case):
    def truth(self):
        return support.read_table(support.SHARED / "patients.csv")

    def assert_close(self, text_or_number, exact):
        """At least 15 significant digits are right."""
        error = abs(Fraction(text_or_number) - exact)
        self.assertLessEqual(error, abs(exact) * Fraction(1, 10**15), f"{text_or_number} is not {float(exact)}")

    def test_from_keys_to_answer(self):
        support.write_table(self.dir / "patients.csv")
        self.ok("keys", "new", "--dir", "alice")
        self.assertEqual(os.stat(self.dir / "alice").st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.dir / "alice" / "keyring.prism").st_mode & 0o777, 0o600)
        self.seal("patients.csv", "patients.sealed", *support.ROLES, "--publish", "state")
        self.ok("query", "patients.sealed", "select count(*), sum(cost) from patients where age between 20 and 59 and state <> 'Berlin'",
                "--output", "answer.prism")
        rows = [r for r in self.truth() if 20 <= r["age"] <= 59 and r["state"] != "Berlin"]
        self.assertEqual(self.ok("open", "answer.prism", "--keys", "alice", "-o", "json").json(),
                         [{"count": len(rows), "sum": Decimal(int(sum(r["cost"] for r in rows) * 100)) / 100}])
        self.assertEqual(self.leftovers(), [])

    def test_groups_nulls_and_text_with_quotes(self):
        for row in self.ask("SELECT state, COUNT(*) AS n, COUNT(visits) AS v, SUM(visits) AS s FROM patients "
                            "WHERE age < 50 OR state = 'the \"rest\"' GROUP BY state ORDER BY state"):
            rows = [r for r in self.truth() if r["state"] == row["state"] and (r["age"] < 50 or r["state"] == 'the "rest"')]
            visits = [r["visits"] for r in rows if r["visits"] is not None]
            self.assertEqual((row["n"], row["v"], row["s"]), (len(rows), len(visits), sum(visits)))

    def test_json_numbers_are_exact(self):
        self.ok("query", support.SHARED / "patients.sealed", "SELECT SUM(cost) AS total, AVG(cost) AS mean, VAR_POP(cost) AS v, COUNT(*) AS n FROM patients",
                "--output", "a.prism")
        ended = self.ok("open", "a.prism", "--keys", support.SHARED / "alice", "-o", "json")
        costs = [r["cost"] for r in self.truth()]
        total, mean = sum(costs), sum(costs) / len(costs)
        # The text itself, not what a float makes of it.
        cents = int(total * 100)
        self.assertIn(f'"total": {"-" if cents < 0 else ""}{abs(cents) // 100}.{abs(cents) % 100:02d}', ended.out.replace('":', '": ').replace(":  ", ": "))
        row = ended.json()[0]
        self.assertEqual(list(row), ["total", "mean", "v", "n"])
        self.assertEqual(row["n"], len(costs))
        self.assert_close(row["mean"], mean)
        self.assert_close(row["v"], sum((c - mean) ** 2 for c in costs) / len(costs))

    def test_json_refuses_two_columns_of_one_name(self):
        self.ok("query", support.SHARED / "patients.sealed", "SELECT SUM(cost), SUM(age) FROM patients", "--output", "a.prism")
        ended = self.run_it("open", "a.prism", "--keys", support.SHARED / "alice", "-o", "json")
        self.assertEqual((ended.status, ended.out), (2, ""))
        self.assertIn("sum", ended.err)
        self.ok("open", "a.prism", "--keys", support.SHARED / "alice", "-o", "table")

    def test_table_and_csv(self):
        grouped = support.SHARED / "grouped.prism"
        table = self.ok("open", grouped, "--keys", support.SHARED / "alice")
        self.assertEqual(table.out.splitlines()[0].split(), ["state", "count", "avg"])
        self.assertIn("question: SELECT state", table.err)
        self.assertIn("prove nothing about correctness", table.err)
        text = self.ok("open", grouped, "--keys", support.SHARED / "alice", "-o", "csv").out
        self.assertEqual(text.splitlines()[0], "state,count,avg")
        self.assertIn('"the ""rest"""', text)

    def test_query_needs_no_keys(self):
        """Only the sealed file, in a directory of its own, readable and nothing else; no key directory is looked at."""
        place = self.dir / "elsewhere"
        place.mkdir()
        shutil.copy(support.SHARED / "patients.sealed", place)
        self.ok("explain", "patients.sealed", "SELECT COUNT(*) FROM patients", cwd=place)
        self.ok("query", "patients.sealed", "SELECT COUNT(*) FROM patients", "--output", "a.prism", cwd=place)
        self.assertEqual(sorted(p.name for p in place.iterdir()), ["a.prism", "patients.sealed"])
        self.assertEqual(self.run_it("query", "patients.sealed", "SELECT COUNT(*) FROM patients", "--output", "b.prism", "--keys", "x", cwd=place).status, 2)
        rows = self.ok("open", "elsewhere/a.prism", "--keys", support.SHARED / "alice", "-o", "json").json()
        self.assertEqual(rows, [{"count": support.ROWS}])

    def test_private_dictionary(self):
        sql = "SELECT COUNT(*) FROM patients WHERE sex = 'female'"
        sealed = support.SHARED / "patients.sealed"
        refused = self.fails(1, "query", sealed, sql, "--output", "a.prism", says="prism dictionary")
        self.assertIn("^", refused.err)
        self.assertFalse((self.dir / "a.prism").exists())
        self.ok("dictionary", sealed, "--keys", support.SHARED / "alice", "--column", "SEX", "--output", "sex.dict")
        self.assertEqual(self.ok("inspect", "sex.dict", "-o", "json").json()["values"], ["female", "male"])
        self.assertEqual(self.ask(sql, "--dictionary", "sex.dict"), [{"count": sum(r["sex"] == "female" for r in self.truth())}])
        self.fails(4, "dictionary", sealed, "--keys", support.SHARED / "mallory", "--column", "sex", "--output", "b.dict")
        self.fails(1, "dictionary", sealed, "--keys", support.SHARED / "alice", "--column", "nose", "--output", "b.dict", says="age")
        self.fails(2, "dictionary", sealed, "--keys", support.SHARED / "alice", "--column", "age", "--output", "b.dict")
        self.assertFalse((self.dir / "b.dict").exists())

    def test_dictionary_of_another_table_is_refused(self):
        support.write_table(self.dir / "patients.csv")
        self.seal("patients.csv", "other.sealed", "--role", "sex=filter", keys=support.SHARED / "alice")
        self.ok("dictionary", "other.sealed", "--keys", support.SHARED / "alice", "--column", "sex", "--output", "sex.dict")
        self.fails(1, "query", support.SHARED / "patients.sealed", "SELECT COUNT(*) FROM patients WHERE sex = 'male'", "--dictionary", "sex.dict",
                   "--output", "a.prism", says="another sealed table")

    def test_only_what_is_published_stands_in_the_file(self):
        data = (support.SHARED / "patients.sealed").read_bytes()
        self.assertIn("Hamburg, Hansestadt".encode(), data)  # --publish state
        self.assertNotIn(b"female", data)
        facts = self.ok("inspect", support.SHARED / "patients.sealed", "-o", "json").json()
        dictionaries = {c["name"]: c["dictionary"] for c in facts["columns"] if c["type"] == "text"}
        self.assertEqual(dictionaries["sex"], None)
        self.assertEqual(len(dictionaries["state"]), 4)

    def test_seal_lists_what_becomes_public(self):
        support.write_table(self.dir / "patients.csv")
        shown = self.ok("seal", "patients.csv", "--keys", "nowhere", "--output", "p.sealed", "--publish", "state", "--dry-run").err
        public = shown[shown.index("becomes public"):]
        for words in ("the table's name: patients", "row count: 700", "column age: its name, type integer", "0 to 90", "column sex", "2", "all 4 different values"):
            self.assertIn(words, public)
        self.assertIn("patient: looks like a row number", shown)
        self.assertEqual([p.name for p in self.dir.iterdir()], ["patients.csv"])  # a dry run writes nothing

    def test_roles(self):
        """With any --role only named columns are sealed, and only for the named roles."""
        support.write_table(self.dir / "patients.csv")
        alice = support.SHARED / "alice"
        self.seal("patients.csv", "p.sealed", "--role", "age=filter", "--role", "cost=measure", "--no-squares", keys=alice)
        columns = {c["name"]: c["roles"] for c in self.ok("inspect", "p.sealed", "-o", "json").json()["columns"]}
        self.assertEqual(columns, {"age": ["filter"], "cost": ["measure"]})
        rows = [r for r in self.truth() if r["age"] > 44]
        self.assertEqual(self.ask("SELECT SUM(cost) FROM patients WHERE age > 44", table="p.sealed"), [{"sum": Decimal(int(sum(r["cost"] for r in rows) * 100)) / 100}])
        for sql, word in (("SELECT SUM(age) FROM patients", "measure"), ("SELECT COUNT(*) FROM patients WHERE cost > 1", "filter"),
                          ("SELECT age, COUNT(*) FROM patients GROUP BY age", "group"), ("SELECT VAR_POP(cost) FROM patients", "squares"),
                          ("SELECT SUM(visits) FROM patients", "visits")):
            self.fails(1, "query", "p.sealed", sql, "--output", "a.prism", says=word)
        self.assertFalse((self.dir / "a.prism").exists())

    def test_products(self):
        support.write_table(self.dir / "patients.csv")
        self.seal("patients.csv", "p.sealed", "--role", "cost=measure", "--role", "visits=measure", "--product", "cost*visits", keys=support.SHARED / "alice")
        total = sum(r["cost"] * r["visits"] for r in self.truth() if r["visits"] is not None)
        self.assertEqual(Fraction(self.ask("SELECT SUM(visits*cost) AS s FROM patients", table="p.sealed")[0]["s"]), total)

    def test_scale_type_bounds_and_padding(self):
        support.write_table(self.dir / "patients.csv")
        said = self.seal("patients.csv", "p.sealed", "--role", "age=measure", "--role", "cost=measure", "--role", "sex=filter", "--scale", "cost=1",
                         "--type", "age=decimal", "--bounds", "age=0:150", "--pad-rows", "900", keys=support.SHARED / "alice").err
        self.assertIn("rounded", said)
        facts = self.ok("inspect", "p.sealed", "-o", "json").json()
        self.assertEqual((facts["rows"], facts["rows_padded"]), (900, True))
        columns = {c["name"]: c for c in facts["columns"]}
        self.assertEqual(columns["cost"]["type"], "decimal(1)")
        self.assertEqual([Fraction(b) for b in columns["age"]["bounds"]], [0, 150])
        # The padding is not counted.
        answer = self.ask("SELECT COUNT(*) AS n, SUM(cost) AS s FROM patients", table="p.sealed")[0]
        def rounded(x):  # half away from zero
            tenths = (abs(x) * 10 + Fraction(1, 2)).__floor__()
            return Fraction(-tenths if x < 0 else tenths, 10)
        self.assertEqual((answer["n"], Fraction(answer["s"])), (700, sum(rounded(r["cost"]) for r in self.truth())))

    def test_names_that_need_quotes(self):
        shutil.copy(support.SHARED / "patients.csv", self.dir / "my table (1).csv")
        said = self.seal("my table (1).csv", "p.sealed", "--role", "age=measure", "--no-squares", keys=support.SHARED / "alice").err
        self.assertIn('FROM "my table (1)"', said)
        self.assertEqual(self.ask('SELECT SUM(age) FROM "my table (1)"', table="p.sealed"), [{"sum": sum(r["age"] for r in self.truth())}])

    def test_dates(self):
        """Also at the ends of the calendar, where bounds rounded outwards lie beyond it."""
        days = ["0001-01-02", "1969-12-31", "1970-01-01", "2024-02-29", "9999-12-30"]
        (self.dir / "days.csv").write_text("day,n\n" + "".join(f"{day},{i * i}\n" for i, day in enumerate(days)))
        self.seal("days.csv", "d.sealed", "--role", "day=filter", "--role", "n=measure", "--no-squares", keys=support.SHARED / "alice")
        self.assertIn("day", self.ok("inspect", "d.sealed").out)
        self.assertEqual(self.ask("SELECT COUNT(*), SUM(n) FROM days WHERE day > '1969-12-31' AND day <= '2024-02-29'", table="d.sealed"),
                         [{"count": 2, "sum": 4 + 9}])

    def test_passphrases(self):
        (self.dir / "good").write_text("correct horse\n")
        (self.dir / "bad").write_text("battery staple\n")
        support.write_table(self.dir / "patients.csv")
        self.ok("keys", "new", "--dir", "alice", "--passphrase-file", "good")
        seal = ["seal", "patients.csv", "--keys", "alice", "--output", "p.sealed", "--yes", "--role", "age=measure", "--no-squares"]
        self.fails(4, *seal, says="passphrase")
        self.fails(4, *seal, "--passphrase-file", "bad", says="passphrase")
        self.assertFalse((self.dir / "p.sealed").exists())
        self.ok(*seal, "--passphrase-file", "good")
        self.ok("query", "p.sealed", "SELECT COUNT(*) FROM patients", "--output", "a.prism")
        ended = self.run_it("open", "a.prism", "--keys", "alice", "--passphrase-file", "bad")
        self.assertEqual((ended.status, ended.out), (4, ""))
        self.assertEqual(self.ok("open", "a.prism", "--keys", "alice", "--passphrase-file", "good", "-o", "json").json(), [{"count": 700}])

    def test_backup_and_restore(self):
        self.ok("keys", "backup", "--dir", support.SHARED / "alice", "--output", "alice.backup")
        self.ok("inspect", "alice.backup")
        self.fails(1, "keys", "backup", "--dir", support.SHARED / "alice", "--output", "alice.backup", says="exists")
        self.ok("keys", "restore", "alice.backup", "--dir", "alice")
        first = self.ok("open", support.SHARED / "plain.prism", "--keys", "alice", "-o", "json").out
        self.assertEqual(first, self.ok("open", support.SHARED / "plain.prism", "--keys", support.SHARED / "alice", "-o", "json").out)
        self.fails(1, "keys", "restore", "alice.backup", "--dir", "alice")

    def test_the_key_of_one_table(self):
        alice = support.SHARED / "alice"
        self.ok("keys", "export-table", support.SHARED / "patients.sealed", "--keys", alice, "--output", "patients.key")
        self.assertEqual(os.stat(self.dir / "patients.key").st_mode & 0o777, 0o600)
        self.ok("inspect", "patients.key")
        self.ok("open", support.SHARED / "plain.prism", "--keys", "patients.key")
        support.write_table(self.dir / "patients.csv")
        self.seal("patients.csv", "other.sealed", "--role", "age=measure", "--no-squares", keys=alice)
        self.ok("query", "other.sealed", "SELECT COUNT(*) FROM patients", "--output", "a.prism")
        ended = self.run_it("open", "a.prism", "--keys", "patients.key")
        self.assertEqual((ended.status, ended.out), (4, ""))

    def test_explain(self):
        sql = "SELECT state, AVG(age) FROM patients WHERE age >= 40 GROUP BY state HAVING COUNT(*) > 3 ORDER BY 2 DESC LIMIT 2"
        text = self.ok("explain", support.SHARED / "patients.sealed", sql).out
        for word in ("plan", "depth", "parameters", "noise", "relinearisation", "predicted", "time"):
            self.assertIn(word, text)
        facts = self.ok("explain", support.SHARED / "patients.sealed", sql, "-o", "json").json()
        self.ok("query", support.SHARED / "patients.sealed", sql, "--output", "a.prism")
        answer = self.ok("inspect", "a.prism", "-o", "json").json()
        self.assertEqual(facts["program"]["digest"], answer["program"])
        self.assertEqual(facts["table"]["root"], answer["root"])
        self.assertEqual(facts["program"]["outputs"], answer["items"]) if answer["delivery"].startswith("single") else None
        self.assertLess(abs(facts["predicted"]["answer_bytes"] - answer["file_bytes"]), 2000)
        self.assertGreater(facts["noise_budget_bits"], 0)

    def test_inspect_knows_every_file(self):
        kinds = {"patients.sealed": "a sealed table", "plain.prism": "an answer", "alice": "a master key", "alice/keyring.prism": "a master key"}
        manifest = next((support.SHARED / "alice" / "tables").iterdir())
        self.assertIn("version 1", self.ok("inspect", manifest).out)
        for name, kind in kinds.items():
            path = support.SHARED / name
            self.assertIn(kind, self.ok("inspect", path).out)
            self.assertEqual(self.ok("inspect", path, "-o", "json").json()["kind"], kind)
        self.ok("inspect", support.SHARED / "patients.sealed", "--verify")

    def test_open_compares_the_question(self):
        plain = support.SHARED / "plain.prism"
        self.ok("open", plain, "--keys", support.SHARED / "alice", "--sql", "SELECT COUNT(*), SUM(cost) FROM patients")
        ended = self.run_it("open", plain, "--keys", support.SHARED / "alice", "--sql", "SELECT COUNT(*), SUM(age) FROM patients")
        self.assertEqual((ended.status, ended.out), (6, ""))

    def test_an_answer_is_a_function_of_table_and_question(self):
        """Equal bytes for any number of threads and any kernels."""
        sql = "SELECT state, COUNT(*), SUM(cost) FROM patients WHERE age BETWEEN 30 AND 70 GROUP BY state"
        kernels = re.findall(r"(portable|avx2|avx512ifma)(?! \(not)", self.ok("doctor").out)
        self.assertIn("portable", kernels)
        seen = {}
        for name in [*kernels, "best"]:
            for threads in ("1", "2"):
                self.ok("query", support.SHARED / "patients.sealed", sql, "--output", "a.prism", "--threads", threads, env={"PRISM_KERNELS": name})
                seen[name, threads] = (self.dir / "a.prism").read_bytes()
        self.ok("query", support.SHARED / "patients.sealed", sql, "--output", "a.prism", env={"PRISM_THREADS": "3"})
        seen["best", "3"] = (self.dir / "a.prism").read_bytes()
        self.assertEqual([run for run, data in seen.items() if data != seen["portable", "1"]], [])

    def test_two_seals_of_one_table_share_nothing(self):
        support.write_table(self.dir / "patients.csv")
        files = []
        for name in ("a.sealed", "b.sealed"):
            self.seal("patients.csv", name, "--role", "age=measure", "--no-squares", keys=support.SHARED / "alice")
            files.append((self.dir / name).read_bytes())
        self.assertEqual(len(files[0]), len(files[1]))
        same = sum(a == b for a, b in zip(files[0][-100000:], files[1][-100000:]))
        self.assertLess(same, 1000)  # about 390 of 100,000 random bytes agree

    def test_demo(self):
        ended = self.ok("demo")
        self.assertIn("\nall answers equal the truth\n", ended.out)
        # The second half: four questions under a budget of four, and a fifth that is refused.
        noisy = ended.out.split("all answers equal the truth")[1]
        self.assertEqual([line.strip() for line in noisy.splitlines() if line.endswith(" of 2 left")],
                         ["1.5 of 2 left", "1 of 2 left", "0.5 of 2 left", "0 of 2 left"])
        self.assertEqual(noisy.count("refused: "), 1)
        self.assertIn("±", noisy)
        self.assertEqual(list(self.dir.iterdir()), [])  # TMPDIR is clean again

    def test_doctor_and_version(self):
        self.assertIn("right", self.ok("doctor").out)
        self.assertRegex(self.ok("--version").out, r"^prism \d+\.\d+\.\d+\n$")

    def test_the_examples_table_is_what_its_script_writes(self):
        made = subprocess.run([sys.executable, support.SOURCE / "examples" / "make_patients.py"], check=True, capture_output=True).stdout
        self.assertEqual(made, (support.SOURCE / "examples" / "patients.csv").read_bytes())
