"""A budget is fixed once, counted exactly, and said in words when it does not suffice."""
import json
import os
import shutil
import sqlite3
import stat
from decimal import Decimal

import support
from private import PrivateCase

COUNT = "SELECT COUNT(*) FROM patients"


class Budget(PrivateCase):
    def test_a_grant_says_what_it_fixes(self):
        ended = self.grant("--analyst", "anna=1", "--room", "trial=2.5")
        for words in ("patient; 1 row of one counts", "epsilon 3, delta 1e-05, basic", "epsilon 0.1 to 3", "anna: epsilon 1", "trial: epsilon 2.5",
                      "clamped to 0 to 110", "clamped to 0.00 to 20000.00", "public values: female, male", "patients.csv.budget", "prism/marks/"):
            self.assertIn(words, ended.out)
        self.assertIn("honest operator", ended.err)
        self.assertEqual(stat.S_IMODE((self.dir / "patients.csv.budget").stat().st_mode) & 0o077, 0)
        self.assertEqual(len(list(self.marks().iterdir())), 1)

    def test_a_grant_counts_no_more_groups_than_rows(self):
        self.assertNotIn("groups", self.grant("--groups-per-unit", "5").out)

    def test_a_grant_is_final(self):
        self.grant()
        before = self.ok("budget", "show", "patients.csv", "-o", "json").out
        for epsilon in ("100", "3"):
            self.fails(1, "budget", "grant", "patients.csv", *self.grant_words(epsilon=epsilon), says="cannot be changed")
        self.assertEqual(self.ok("budget", "show", "patients.csv", "-o", "json").out, before)

    def test_show_in_every_form(self):
        self.grant("--analyst", "anna=1")
        shown = self.show()
        self.assertEqual(list(shown), ["version", "dataset", "ledger", "accounting", "epsilon", "delta", "analysts", "rooms", "fits", "forfeited",
                                       "moved", "questions", "charges", "grant"])
        self.assertEqual((shown["version"], shown["dataset"], shown["accounting"], shown["fits"]), (1, "patients.csv", "basic", 3))
        self.assertEqual(shown["epsilon"], {"limit": Decimal("3.0"), "spent": 0, "left": Decimal("3.0")})
        self.assertEqual(shown["analysts"], {"anna": {"limit": Decimal("1.0"), "spent": 0, "left": Decimal("1.0")}})
        self.assertEqual(shown["charges"], [])
        self.assertEqual(shown["grant"]["tables"][0]["unit"], "patient")
        text = self.ok("budget", "show", "patients.csv").out
        self.assertRegex(text, r"epsilon +3 +0 +3\n")
        self.assertRegex(text, r"analyst anna +1 +0 +1\n")
        self.assertEqual(self.ok("budget", "show", "patients.csv", "-o", "csv").out.splitlines()[:2], ["what,limit,spent,left", "epsilon,3,0,3"])

    def test_the_json_of_show_is_the_golden_one(self):
        """The shape that programs rely on, value by value, less ids, times and places."""
        self.grant("--analyst", "anna=1", "--room", "trial=2.5", "--groups-per-unit", "4")
        self.query(COUNT, "--analyst", "anna", "--room", "trial", epsilon="0.25")
        shown = json.loads(self.ok("budget", "show", "patients.csv", "-o", "json").out)
        shown["ledger"].update(id="ID", mark="MARK")
        shown["charges"][0].update(at="TIME", delta="DELTA")
        shown["delta"].update(spent="DELTA", left="DELTA")  # of the noise's truncation: 10^-35
        golden = support.SOURCE / "tests/golden/v1/budget_show.json"
        self.assertEqual(shown, json.loads(golden.read_text(encoding="utf-8")))

    def test_what_a_grant_refuses(self):
        grant = ["budget", "grant", "patients.csv"]
        words = self.grant_words()
        for epsilon in ("0", "-1", "nan", "inf", "1e400", "", "three", "1001", "0.0000000001"):
            with self.subTest(epsilon=epsilon):
                self.fails(2, *grant, *self.grant_words(epsilon=epsilon))
        for delta in ("-1e-5", "2", "1", "x", "nan"):
            with self.subTest(delta=delta):
                self.fails(2, *grant, *self.grant_words(delta=delta))
        self.fails(2, *grant, *self.grant_words(unit="nobody"), says="nobody")
        for more in (["--analyst", "anna"], ["--analyst", "anna=x"], ["--analyst", "=1"], ["--analyst", "anna=4"], ["--room", "r=0"], ["--rows-per-unit", "0"],
                     ["--rows-per-unit", "-1"], ["--groups-per-unit", "0"], ["--query-epsilon", "1"], ["--query-epsilon", "2:1"], ["--accounting", "magic"],
                     ["--bucket-ms", "0"]):
            with self.subTest(more=more):
                self.fails(2, *grant, *words, *more)
        for flag, value in (("--rows-per-unit", "-1"), ("--groups-per-unit", "1e3"), ("--time-limit", "9" * 13), ("--memory", "-4")):
            self.assertIn("whole number", self.fails(2, *grant, *words, flag, value, says=value).err)
        self.fails(2, *grant, *words, "--rows-per-unit", "0", says="--rows-per-unit: 0")
        self.fails(2, *grant, *words, "--most-groups", "0", says="--most-groups: 0")
        self.fails(1, "budget", "grant", "missing.csv", *words, says="missing.csv")
        self.fails(1, "budget", "grant", "patients.csv", *self.grant_words(schema="missing.json"), says="missing.json")
        self.assertFalse((self.dir / "patients.csv.budget").exists())

    def test_schemas_that_do_not_fit(self):
        good = json.loads((self.dir / "patients.json").read_text(encoding="utf-8"))
        def fails(change, says, status=(1, 2)):
            schema = json.loads(json.dumps(good))
            change(schema)
            (self.dir / "s.json").write_text(json.dumps(schema))
            self.fails(status, "budget", "grant", "patients.csv", *self.grant_words(schema="s.json"), says=says)
            self.assertFalse((self.dir / "patients.csv.budget").exists())
        age, cost, visits = 2, 7, 6
        fails(lambda s: s["columns"][age].update(name="years"), "years")
        fails(lambda s: s["columns"][age].update(low=111), "/columns/2/low")
        fails(lambda s: s["columns"][age].update(low=0.5), "/columns/2/low")
        fails(lambda s: s["columns"][age].update(colour="red"), "colour")
        fails(lambda s: s["columns"][age].update(type="float"), "float")
        fails(lambda s: s["columns"][age].update(type="date", low="2000-01-01", high="2001-01-01"), "age")
        fails(lambda s: s["columns"][cost].update(high="many"), "/columns/7/high")
        fails(lambda s: s["columns"][visits].pop("nullable"), "nullable")
        fails(lambda s: s["columns"].append(s["columns"][age]), "/columns/8/name")
        fails(lambda s: s["columns"].append(dict(s["columns"][age], name="AGE")), "s.json: /columns/8/name", 2)
        fails(lambda s: s["columns"].append(s["columns"][age]), "s.json: /columns/8/name", 2)
        fails(lambda s: s.update(tables=[{"name": "more", "path": "more.csv", "columns": [{"name": "x", "type": "text"}] * 2}]), "s.json: /tables/0/columns/1/name", 2)
        fails(lambda s: s.update(version=2), "version")
        fails(lambda s: s.pop("columns"), "columns")
        for text in ("", "{", "[]", "null", '{"version": 1, "version": 1, "columns": []}', "\xff", "[" * 100_000):
            with self.subTest(text=text[:20]):
                (self.dir / "s.json").write_bytes(text.encode("latin-1"))
                self.fails(2, "budget", "grant", "patients.csv", *self.grant_words(schema="s.json"), says="s.json")

    def test_a_template_needs_only_bounds(self):
        """What `budget schema` prints is a schema: names and types of the file, no values of it."""
        template = json.loads(self.ok("budget", "schema", "patients.csv").out)
        self.assertEqual([c["name"] for c in template["columns"]], ["patient", "admitted", "age", "sex", "state", "diagnosis", "visits", "cost"])
        self.assertEqual([c["type"] for c in template["columns"]], ["integer", "date", "integer", "text", "text", "text", "integer", "decimal"])
        self.assertFalse(any({"low", "high", "values"} & set(c) for c in template["columns"]))
        (self.dir / "t.json").write_text(json.dumps(template))
        self.grant(schema="t.json")
        self.query(COUNT)
        # Bounds that nobody declared are found privately, which costs a part of epsilon.
        self.assertIn("the bounds of age were found", self.ok("query", "patients.csv", "--epsilon", "0.5", "SELECT SUM(age) FROM patients").err)

    def test_units_with_more_rows_than_count(self):
        self.write_csv("visits.csv", ["person", "cost"], [[i % 40, i % 7] for i in range(100)])
        self.write_schema("visits.json", {"name": "person", "type": "integer"}, {"name": "cost", "type": "integer", "low": 0, "high": 10})
        grant = ["budget", "grant", "visits.csv", *self.grant_words(unit="person", schema="visits.json")]
        ended = self.fails(1, *grant, says="--rows-per-unit")
        self.assertNotRegex(ended.err.replace("five years: 5", ""), r"\b3 rows")  # the largest number in the file is not the owner's choice
        self.fails(1, *grant, "--rows-per-unit", "2")
        self.ok(*grant, "--rows-per-unit", "3")
        shutil.copy(self.dir / "visits.csv", self.dir / "again.csv")
        self.ok("budget", "grant", "again.csv", *self.grant_words(unit="person", schema="visits.json"), "--drop-rows")

    def test_exhausted(self):
        """What is left, what would fit, exit status 7, and nothing more spent."""
        self.grant(epsilon="1.2")
        for _ in range(2):
            self.query(COUNT)
        for epsilon in ("0.5", "0.200000001"):
            ended = self.fails(7, "query", "patients.csv", "--epsilon", epsilon, COUNT, says="0.2")
        self.assertIn("left", ended.err)
        self.assertEqual(self.spent(), 1)
        self.query(COUNT, epsilon="0.2")
        self.fails(7, "query", "patients.csv", "--epsilon", "0.1", COUNT)
        self.assertEqual((self.spent(), self.show()["fits"]), (Decimal("1.2"), 0))

    def test_analysts_and_rooms_have_limits_inside_the_whole(self):
        self.grant("--analyst", "anna=1", "--analyst", "ben=2.5", "--room", "trial=2")
        self.fails((1, 2), "query", "patients.csv", "--epsilon", "0.5", COUNT, says="--analyst: anna")
        self.fails((1, 2, 4), "query", "patients.csv", "--epsilon", "0.5", COUNT, "--analyst", "carl", "--room", "trial", says="carl")
        self.query(COUNT, "--analyst", "anna", "--room", "trial", epsilon="1")
        self.fails(7, "query", "patients.csv", "--epsilon", "0.1", COUNT, "--analyst", "anna", "--room", "trial", says="anna")
        self.query(COUNT, "--analyst", "ben", "--room", "trial", epsilon="1")
        self.fails(7, "query", "patients.csv", "--epsilon", "0.5", COUNT, "--analyst", "ben", "--room", "trial", says="trial")
        shown = self.show()
        self.assertEqual((shown["analysts"]["anna"]["left"], shown["analysts"]["ben"]["spent"], shown["rooms"]["trial"]["left"], shown["epsilon"]["spent"]),
                         (0, 1, 0, 2))

    def test_what_one_query_may_ask(self):
        self.grant("--query-epsilon", "0.2:0.8")
        self.fails((1, 2, 7), "query", "patients.csv", "--epsilon", "0.1", COUNT, says="--epsilon 0.1")
        self.fails((1, 2, 7), "query", "patients.csv", "--epsilon", "0.9", COUNT, says="0.8")
        self.fails(2, "query", "patients.csv", COUNT, says="--epsilon is needed")
        for epsilon in ("0", "-1", "nan", "x", "1e-1"):
            self.fails(2, "query", "patients.csv", f"--epsilon={epsilon}", COUNT, says="--epsilon")
        self.assertEqual(self.spent(), 0)

    def test_zcdp_accounting_counts_squares(self):
        """Adding up epsilons, ten questions of a tenth are all there is; under zcdp one of them takes less than a hundredth of what is left
        (and the conversion to epsilon takes its part first, so that it pays for many small questions only)."""
        self.grant("--accounting", "zcdp", epsilon="1", delta="1e-5")
        before = self.show()
        self.assertEqual(before["accounting"], "zcdp")
        self.query(COUNT, epsilon="0.1")
        after = self.show()
        self.assertGreater(after["fits"], 0)
        self.assertLess(before["fits"] - after["fits"], Decimal("0.1"))
        while self.run_it("query", "patients.csv", "--epsilon", "0.1", COUNT).status == 0:
            self.assertLess(len(self.show()["charges"]), 12)
        self.fails(7, "query", "patients.csv", "--epsilon", "0.1", COUNT, says="left")

    # --- files that were moved, restored, changed ---------------------------------------------------------------------

    def test_a_restored_ledger_is_refused(self):
        self.grant()
        shutil.copy(self.dir / "patients.csv.budget", self.dir / "backup")
        self.query(COUNT)
        shutil.copy(self.dir / "backup", self.dir / "patients.csv.budget")
        for words in (["query", "patients.csv", "--epsilon", "0.5", COUNT], ["budget", "show", "patients.csv"], ["explain", "patients.csv", "--epsilon", "0.5", COUNT]):
            self.fails((1, 6), *words, says="acknowledge")
        # Going on is possible and costs what could have been lost.
        self.ok("budget", "acknowledge", "patients.csv")
        self.assertTrue(self.show()["forfeited"])
        self.fails(7, "query", "patients.csv", "--epsilon", "0.1", COUNT)

    def test_a_moved_ledger_goes_on_once_that_is_said(self):
        self.grant()
        self.query(COUNT)
        shutil.rmtree(self.marks())
        self.fails((1, 6), "query", "patients.csv", "--epsilon", "0.5", COUNT, says="acknowledge")
        self.ok("budget", "acknowledge", "patients.csv", "--moved")
        self.assertEqual(self.fails(2, "budget", "acknowledge", "patients.csv", "--moved").out, "")
        self.query(COUNT)
        shown = self.show()
        self.assertEqual((shown["epsilon"]["spent"], shown["moved"], shown["forfeited"]), (1, 1, False))

    def test_a_backup_restored_on_a_new_machine_gives_nothing_back(self):
        self.grant()
        shutil.copy(self.dir / "patients.csv.budget", self.dir / "backup")
        self.query(COUNT, epsilon="3")
        shutil.copy(self.dir / "backup", self.dir / "patients.csv.budget")
        self.fails(1, "budget", "acknowledge", "patients.csv", "--moved", says="not only moved")
        shutil.rmtree(self.marks())
        self.assertIn("counts as spent", self.ok("budget", "acknowledge", "patients.csv").err)
        self.assertEqual((self.show()["epsilon"]["left"], self.show()["forfeited"], self.show()["moved"]), (0, True, 0))
        self.fails(7, "query", "patients.csv", "--epsilon", "0.1", COUNT)

    def test_a_ledger_with_two_names_is_refused(self):
        self.grant()
        os.link(self.dir / "patients.csv.budget", self.dir / "again.csv.budget")
        for name in ("patients.csv", "again.csv"):
            self.fails(3, "budget", "show", name, says="hard links")

    def test_a_new_grant_after_deleting_the_ledger_is_a_new_ledger(self):
        """Nothing local can prevent it; the page says so. It has another id, so that the two cannot be confused."""
        self.grant()
        first = self.show()["ledger"]["id"]
        (self.dir / "patients.csv.budget").unlink()
        self.fails(1, "query", "patients.csv", "--epsilon", "0.5", COUNT, says="prism budget grant patients.csv")
        self.grant()
        self.assertNotEqual(self.show()["ledger"]["id"], first)

    def test_a_changed_ledger_is_noticed(self):
        self.grant()
        self.query(COUNT)
        path = self.dir / "patients.csv.budget"
        good = path.read_bytes()
        base = sqlite3.connect(path)
        tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        changed = 0
        for table in tables:
            for column in [row[1] for row in base.execute(f"PRAGMA table_info({table})")]:
                for value in ("zeroblob(8)", "0", f"(SELECT {column} FROM {table} LIMIT 1)"):
                    path.write_bytes(good)
                    with sqlite3.connect(path) as edit:
                        try:
                            done = edit.execute(f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT MAX(rowid) FROM {table})")
                        except sqlite3.Error:
                            continue
                        edit.commit()
                    if path.read_bytes() == good or done.rowcount == 0:
                        continue
                    ended = self.run_it("budget", "show", "patients.csv", "-o", "json")
                    if ended.status == 0:
                        self.assertEqual(ended.json()["epsilon"]["spent"], Decimal("0.5"), f"{table}.{column} = {value}")
                    else:
                        changed += 1
        # Taking the charge out is noticed, too.
        for table in tables:
            path.write_bytes(good)
            with sqlite3.connect(path) as edit:
                edit.execute(f"DELETE FROM {table} WHERE rowid = (SELECT MAX(rowid) FROM {table})")
                edit.commit()
            ended = self.run_it("budget", "show", "patients.csv", "-o", "json")
            if ended.status == 0:
                self.assertEqual(ended.json()["epsilon"]["spent"], Decimal("0.5"), table)
            else:
                changed += 1
        self.assertGreater(changed, 2, "no change was noticed")

    def test_ledgers_that_are_none(self):
        self.grant()
        good = (self.dir / "patients.csv.budget").read_bytes()
        for content in (b"", b"not a database", good[:100], good[: len(good) // 2], b"\0" * 4096):
            (self.dir / "patients.csv.budget").write_bytes(content)
            self.fails((1, 6), "budget", "show", "patients.csv")
            self.fails((1, 6), "query", "patients.csv", "--epsilon", "0.5", COUNT)
        (self.dir / "patients.csv.budget").unlink()
        (self.dir / "patients.csv.budget").symlink_to(self.dir / "elsewhere")
        self.fails((1, 3), "budget", "show", "patients.csv")

    def test_another_ledger_beside_the_data_does_not_fit(self):
        """A ledger belongs to its columns: beside another file it is refused before anything is charged."""
        self.grant()
        self.write_csv("other.csv", ["a", "b"], [[1, 2]])
        shutil.copy(self.dir / "patients.csv.budget", self.dir / "other.csv.budget")
        self.fails(1, "query", "other.csv", "--epsilon", "0.5", COUNT, says="has no column")
        self.assertEqual(self.spent(), 0)
