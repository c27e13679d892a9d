"""What goes wrong: one clear line, the right exit status, and nothing half-done left behind."""
import os
import resource
import shutil
import signal
import subprocess
import struct
from pathlib import Path

import support
from support import Case

SQL = "SELECT COUNT(*) FROM patients WHERE age > 30"


class Failure(Case):
    def setUp(self):
        super().setUp()
        self.sealed = support.SHARED / "patients.sealed"
        self.plain = support.SHARED / "plain.prism"
        self.alice = support.SHARED / "alice"

    def assert_opens_nothing(self, status, answer, keys=None, says=None):
        """As fails(), but the question may stand on stderr before the error."""
        return self.fails(status, "open", answer, "--keys", keys or self.alice, "-o", "json", says=says)

    def test_wrong_key(self):
        self.assert_opens_nothing(4, self.plain, keys=support.SHARED / "mallory", says="do not know table")

    def test_missing_key_directory(self):
        self.assert_opens_nothing(1, self.plain, keys="nowhere", says="nowhere")

    def test_wrong_kind_of_file(self):
        manifest = next((self.alice / "tables").iterdir())
        csv = support.SHARED / "patients.csv"
        for file in (self.sealed, self.alice / "keyring.prism", manifest, csv):
            self.assert_opens_nothing(1, file)
        for file in (self.plain, self.alice / "keyring.prism", manifest, csv):
            self.fails(1, "query", file, SQL, "--output", "a.prism")
        self.fails(1, "inspect", csv)
        self.fails(1, "query", "no-such-file", SQL, "--output", "a.prism", says="no-such-file")
        self.fails(1, "query", self.sealed, SQL, "--dictionary", self.plain, "--output", "a.prism", says="dictionary")
        self.fails(1, "keys", "restore", self.plain, "--dir", "new")
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_a_binary_file_is_no_csv(self):
        self.fails(1, "seal", self.sealed, "--keys", self.alice, "--output", "p.sealed", "--yes")
        self.fails(1, "seal", "missing.csv", "--keys", self.alice, "--output", "p.sealed", "--yes", says="missing.csv")
        (self.dir / "empty.csv").write_text("")
        self.fails((1, 2), "seal", "empty.csv", "--keys", self.alice, "--output", "p.sealed", "--yes")
        (self.dir / "header.csv").write_text("a,b\n")
        self.fails(2, "seal", "header.csv", "--keys", self.alice, "--output", "p.sealed", "--yes", says="no rows")
        (self.dir / "ragged.csv").write_text("a,b\n1,2\n3\n")
        self.fails(1, "seal", "ragged.csv", "--keys", self.alice, "--output", "p.sealed", "--yes", says="line 3")
        self.assertFalse((self.dir / "p.sealed").exists())

    def test_truncated_table(self):
        size = self.sealed.stat().st_size
        for keep in (0, 1, 5, 17, 18, 40, 73, 200, 1000, size // 3, size - 33, size - 1):
            file = self.changed(self.sealed, "cut.sealed", lambda data: data.__delitem__(slice(keep, None)))
            self.fails((1, 6), "query", file, SQL, "--output", "a.prism")
            self.fails((1, 6), "inspect", file)
        longer = self.changed(self.sealed, "long.sealed", lambda data: data.append(0))
        self.fails(1, "query", longer, SQL, "--output", "a.prism")
        self.assertFalse((self.dir / "a.prism").exists())

    def test_truncated_answer(self):
        size = self.plain.stat().st_size
        for keep in (0, 5, 17, 18, 19, 60, 150, size // 2, size - 1):
            self.assert_opens_nothing((1, 6), self.changed(self.plain, "cut.prism", lambda data: data.__delitem__(slice(keep, None))))
        self.assert_opens_nothing(1, self.changed(self.plain, "long.prism", lambda data: data.append(0)))

    def test_flipped_bytes_of_the_table(self):
        """Every part is under the hash tree: --verify sees any change, and a query never answers over changed bytes it reads."""
        data = self.sealed.read_bytes()
        header, blocks, keys = struct.unpack_from("<QQQ", data, 18)
        first = 74 + header
        leaves = len(data) - first - blocks - keys
        self.assertGreater(leaves, 0)
        starts = {"kind": 6, "lengths": 20, "root": 50, "header": 74, "header's end": first - 1, "first block": first,
                  "last block": first + blocks - 1, "first leaf": first + blocks, "last leaf": first + blocks + leaves - 1,
                  "key list": len(data) - keys + 40, "a key": len(data) - keys // 2, "last key": len(data) - 1}
        for part, at in starts.items():
            def flip(changed, at=at):
                changed[at] ^= 0x10
            file = self.changed(self.sealed, "flipped.sealed", flip)
            with self.subTest(part=part):
                self.fails((1, 6), "inspect", file, "--verify")
                if "block" not in part and "key" not in part:
                    self.fails((1, 6), "query", file, SQL, "--output", "a.prism")
        # A query over changed blocks stops when it reads one of them, and is not disturbed by the others.
        status = set()
        for i in range(20):
            def flip(changed, i=i):
                changed[first + (2 * i + 1) * blocks // 40] ^= 1
            file = self.changed(self.sealed, "flipped.sealed", flip)
            self.fails(6, "inspect", file, "--verify", says="hash tree")
            ended = self.run_it("query", file, SQL, "--output", "a.prism")
            self.assertIn(ended.status, (0, 6))
            status.add(ended.status)
            if ended.status == 0:
                self.ok("open", "a.prism", "--keys", self.alice)
                (self.dir / "a.prism").unlink()
            self.assertFalse((self.dir / "a.prism").exists())
        self.assertEqual(status, {0, 6})

    def test_flipped_bytes_of_an_answer(self):
        """In the head any change is refused. In the numbers it may pass (open says so), but it never crashes."""
        data = self.plain.read_bytes()
        head = data.index(b"SELECT")
        facts = self.ok("inspect", self.plain, "-o", "json").json()
        name = head + len(facts["question"]) + 8  # the table's name is for inspect alone; open uses the id
        digests = data.index(bytes.fromhex(facts["program"])) + 32
        for at in [*range(0, 18), head - 8, head - 1, head, head + 8, name - 1, *range(name + len("patients"), digests + 9, 5)]:
            def flip(changed, at=at):
                changed[at] ^= 1
            self.assert_opens_nothing((1, 2, 4, 6), self.changed(self.plain, "flipped.prism", flip))
        for at in range(digests + 9, len(data), len(data) // 12):
            def flip(changed, at=at):
                changed[at] ^= 1
            self.assertIn(self.run_it("open", self.changed(self.plain, "flipped.prism", flip), "--keys", self.alice).status, (0, 1, 6))

    def test_an_answer_over_another_table_version(self):
        """Same table id, other root: an evaluator that answers over a file of its own making is told apart."""
        root = bytes.fromhex(self.ok("inspect", self.sealed, "-o", "json").json()["root"])
        data = self.plain.read_bytes()
        at = data.index(root)
        def flip(changed):
            changed[at] ^= 1
        self.assert_opens_nothing(6, self.changed(self.plain, "other.prism", flip), says="root")

    def test_an_answer_that_claims_another_question(self):
        def change(data):
            at = data.index(b"SUM(cost)")
            data[at:at + 9] = b"SUM(age) "
        self.assert_opens_nothing((1, 6), self.changed(self.plain, "other.prism", change), says="question")

    def test_a_question_cannot_steer_the_terminal(self):
        def change(data):
            at = data.index(b"SUM(cost)")
            data[at:at + 9] = b"\x1b[2J\x1b[1;1"
        ended = self.assert_opens_nothing((1, 2, 6), self.changed(self.plain, "other.prism", change))
        self.assertNotIn("\x1b", ended.err)
        shown = self.run_it("inspect", "other.prism")
        self.assertNotIn("\x1b", shown.out + shown.err)

    def test_other_version(self):
        def newer(data):
            struct.pack_into("<H", data, 8, 99)
        self.fails(1, "query", self.changed(self.sealed, "new.sealed", newer), SQL, "--output", "a.prism", says="version")
        self.assert_opens_nothing(1, self.changed(self.plain, "new.prism", newer), says="version")
        shutil.copytree(self.alice, self.dir / "alice")
        self.changed(self.alice / "keyring.prism", "alice/keyring.prism", newer)
        self.assert_opens_nothing(1, self.plain, keys="alice", says="version")

    def test_damaged_keys(self):
        shutil.copytree(self.alice, self.dir / "alice")
        # Other tests may seal with the same keys at this moment: the oldest manifest is that of the shared table.
        tables = (self.dir / "alice" / "tables").iterdir()
        keyring, manifest = self.dir / "alice" / "keyring.prism", min(tables, key=lambda path: path.stat().st_mtime_ns)
        for path in (keyring, manifest):
            whole = path.read_bytes()
            for at in (20, len(whole) // 2, len(whole) - 1):
                path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
                self.assert_opens_nothing((1, 4, 6), self.plain, keys="alice")
            path.write_bytes(whole[:-5])
            self.assert_opens_nothing((1, 6), self.plain, keys="alice")
            path.write_bytes(whole)
        self.ok("open", self.plain, "--keys", "alice")

    def test_keys_that_others_may_read(self):
        shutil.copytree(self.alice, self.dir / "alice")
        os.chmod(self.dir / "alice" / "keyring.prism", 0o644)
        self.assert_opens_nothing(3, self.plain, keys="alice")

    def test_unknown_columns(self):
        ended = self.fails(1, "query", self.sealed, "SELECT SUM(cots) FROM patients", "--output", "a.prism", says="cost")
        self.assertEqual(ended.err.splitlines()[-1], " " * len("SELECT SUM(") + "^")
        self.fails(1, "explain", self.sealed, "SELECT SUM(cots) FROM patients", says="1:12")
        self.fails(1, "query", self.sealed, "SELECT SUM(cost) FROM patient", "--output", "a.prism", says="patients")
        seal = ["seal", support.SHARED / "patients.csv", "--keys", self.alice, "--output", "p.sealed", "--yes"]
        self.fails(1, *seal, "--role", "aeg=filter", says="visits")
        self.fails(1, *seal, "--publish", "sate", says="state")
        self.fails(1, *seal, "--bounds", "aeg=1:2", says="visits")
        self.fails(1, *seal, "--scale", "costs=2", says="visits")
        self.fails(1, *seal, "--product", "cost*vists", says="visits")
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_sql_that_is_refused(self):
        for sql in ("SELECT", "DROP TABLE patients", "SELECT * FROM patients", "SELECT age FROM patients", "SELECT MEDIAN(age) FROM patients",
                    "SELECT COUNT(*) FROM patients JOIN x ON true", "SELECT COUNT(*) FROM patients; SELECT 1", ""):
            self.assertIn(self.fails((1, 2), "query", self.sealed, sql, "--output", "a.prism").err.count("prism: "), (1, 2))
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_usage(self):
        self.assertEqual(self.run_it().status, 2)
        csv = support.SHARED / "patients.csv"
        for arguments in (["frobnicate"], ["seal"], ["seal", csv], ["query", self.sealed, SQL], ["query", self.sealed, SQL, "--output"],
                          ["open", self.plain], ["open", self.plain, "--keys", self.alice, "-o", "xml"], ["keys"], ["keys", "new"],
                          ["inspect", self.plain, "--verify"], ["query", self.sealed, SQL, "--output", "a.prism", "--threads", "0"],
                          ["query", self.sealed, SQL, "--output", "a.prism", "--threads", "many"]):
            self.fails(2, *arguments)
        seal = ["seal", csv, "--keys", self.alice, "--output", "p.sealed"]
        self.fails(2, *seal, says="--yes")
        for more in (["--role", "age"], ["--role", "age=king"], ["--scale", "cost=x"], ["--scale", "cost=-1"], ["--type", "age=float"], ["--bounds", "age=1"],
                     ["--bounds", "age=a:b"], ["--bounds", "age=0:10"], ["--bounds", "cost=0.001:9"], ["--bounds", "state=1:2"], ["--security", "100"], ["--encoding", "huge"],
                     ["--pad-rows", "5"], ["--publish", "age"], ["--role", "state=measure"], ["--product", "cost"]):
            self.fails(2, *seal, "--yes", *more)
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_configuration(self):
        query = ["query", self.sealed, SQL, "--output", "a.prism"]
        self.fails(3, *query, env={"PRISM_KERNELS": "abacus"}, says="portable")
        for threads in ("0", "-1", "two", "99999999999999999999", "1x"):
            self.fails(3, *query, env={"PRISM_THREADS": threads}, says="PRISM_THREADS")
        self.ok(*query, env={"PRISM_KERNELS": "", "PRISM_THREADS": ""})

    def test_outputs_that_would_destroy_their_input(self):
        shutil.copy(support.SHARED / "patients.csv", self.dir)
        before = (self.dir / "patients.csv").read_bytes()
        os.link(self.dir / "patients.csv", self.dir / "same")
        for output in ("patients.csv", "./patients.csv", "same"):
            self.fails(1, "seal", "patients.csv", "--keys", self.alice, "--output", output, "--yes", says="choose another name")
        self.assertEqual((self.dir / "patients.csv").read_bytes(), before)
        shutil.copy(self.sealed, self.dir)
        self.fails(1, "query", "patients.sealed", SQL, "--output", "patients.sealed", says="choose another name")
        self.assertEqual((self.dir / "patients.sealed").read_bytes(), self.sealed.read_bytes())

    def test_places_that_cannot_be_written(self):
        self.fails(1, "query", self.sealed, SQL, "--output", "no/such/dir/a.prism", says="no/such/dir")
        self.fails((1, 2), "query", self.sealed, SQL, "--output", ".")
        before = sorted((self.alice / "tables").iterdir())
        self.fails(1, "seal", support.SHARED / "patients.csv", "--keys", self.alice, "--output", "no/such/dir/p.sealed", "--yes")
        self.assertEqual(sorted((self.alice / "tables").iterdir()), before)
        self.fails(1, "keys", "new", "--dir", self.alice, says="alice")

    def test_full_device(self):
        if not Path("/dev/full").exists():
            self.skipTest("no /dev/full here")
        shutil.copytree(self.alice, self.dir / "alice")
        before = sorted((self.dir / "alice" / "tables").iterdir())
        self.fails(1, "seal", support.SHARED / "patients.csv", "--keys", "alice", "--output", "/dev/full", "--yes", "--role", "age=measure", says="/dev/full")
        self.assertEqual(sorted((self.dir / "alice" / "tables").iterdir()), before)
        self.fails(1, "query", self.sealed, SQL, "--output", "/dev/full", says="/dev/full")
        with open("/dev/full", "wb") as full:
            ended = self.run_it("open", self.plain, "--keys", self.alice, stdout=full)
        self.assertEqual(ended.status, 1)
        self.assertIn("standard output", ended.err)

    def test_disk_that_fills_up(self):
        """A limit on file sizes stops writing half-way, as a full disk does."""
        shutil.copytree(self.alice, self.dir / "alice")
        before = sorted((self.dir / "alice" / "tables").iterdir())
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        more = {"preexec_fn": limit, "restore_signals": False}
        self.fails(1, "seal", support.SHARED / "patients.csv", "--keys", "alice", "--output", "p.sealed", "--yes", "--role", "age=measure", says="p.sealed", **more)
        self.fails(1, "query", self.sealed, SQL, "--output", "a.prism", says="a.prism", **more)
        self.assertEqual(sorted((self.dir / "alice" / "tables").iterdir()), before)
        self.assertEqual((self.leftovers(), sorted(p.name for p in self.dir.iterdir())), ([], ["alice"]))

    def test_disk_without_space(self):
        """A file system of one megabyte: refused before anything is written."""
        mount = self.dir / "small"
        mount.mkdir()
        script = 'mount -t tmpfs -o size=1m none small && "$@"; s=$?; ls -A small | sed "s/^/LEFT /" >&2; exit $s'
        command = ["unshare", "-rm", "sh", "-c", script, "sh"]
        probe = subprocess.run([*command, "true"], cwd=self.dir, capture_output=True) if shutil.which("unshare") else None
        if probe is None or probe.returncode != 0:
            self.skipTest("no file system may be mounted here")
        shutil.copytree(self.alice, self.dir / "alice")
        before = sorted((self.dir / "alice" / "tables").iterdir())
        ended = subprocess.run([*command, str(support.PROGRAM), "seal", str(support.SHARED / "patients.csv"), "--keys", "alice", "--output", "small/p.sealed", "--yes"],
                               cwd=self.dir, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("left; choose another place", ended.stderr)
        self.assertNotIn("LEFT", ended.stderr)
        self.assertEqual(sorted((self.dir / "alice" / "tables").iterdir()), before)
