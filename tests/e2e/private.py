"""What the tests of dp_sandbox share: a table, a schema, a grant, and questions to it."""
import csv
import json
import shutil
from fractions import Fraction

import support
from support import Case

# Short buckets: what they hide is not what these tests look at, and each answer waits for one.
QUICK = ["--bucket-ms", "50"]


class PrivateCase(Case):
    """A test with patients.csv and its schema in its directory; marks go below it, because HOME is the directory."""

    def setUp(self):
        super().setUp()
        shutil.copy(support.SOURCE / "examples/patients.csv", self.dir)
        shutil.copy(support.SOURCE / "examples/schemas/patients.json", self.dir)

    def grant(self, *more, csv="patients.csv", unit="patient", schema="patients.json", epsilon="3", delta="1e-5"):
        return self.ok("budget", "grant", csv, *self.grant_words(unit, schema, epsilon, delta), *more)

    @staticmethod
    def grant_words(unit="patient", schema="patients.json", epsilon="3", delta="1e-5"):
        return ["--unit", unit, "--schema", schema, "--epsilon", epsilon, "--delta", delta, *QUICK]

    def show(self, csv="patients.csv"):
        return self.ok("budget", "show", csv, "-o", "json").json()

    def spent(self):
        return Fraction(self.show()["epsilon"]["spent"])

    def query(self, sql, *more, epsilon="0.5", csv="patients.csv", **also):
        return self.ok("query", csv, "--epsilon", epsilon, sql, "-o", "json", *more, **also).json()

    def values(self, *arguments, **more):
        """The answer's rows as {name: value}, numbers as fractions."""
        answer = self.query(*arguments, **more)
        names = [column["name"] for column in answer["columns"]]
        types = [column["type"] for column in answer["columns"]]
        def value(cell, kind):
            return cell["value"] if cell["value"] is None or kind in ("text", "date") else Fraction(cell["value"])
        return [{name: value(cell, kind) for name, kind, cell in zip(names, types, row)} for row in answer["rows"]]

    def rows(self):
        with open(self.dir / "patients.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def write_csv(self, name, header, rows):
        with open(self.dir / name, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(header)
            out.writerows(rows)
        return name

    def write_schema(self, name, *columns):
        (self.dir / name).write_text(json.dumps({"version": 1, "columns": list(columns)}))
        return name

    def marks(self):
        return self.dir / ".local/state/prism/marks"
