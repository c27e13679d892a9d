"""`prism fhe-encrypt` and `prism fhe-decrypt`: numbers to encrypted vectors and back, and the keys they make."""
import csv
import io
import stat
from pathlib import Path

from support import Case


class Vector(Case):
    def decrypt(self, *arguments, **more):
        return self.ok("fhe-decrypt", *arguments, "-o", "json", **more).json()

    def test_the_first_command_of_the_guide_makes_everything(self):
        made = self.ok("fhe-encrypt", "--values", "100", "200", "300", "400", "500", "--output", "data.enc")
        folder = self.dir / ".local/share/prism/keys/default"
        self.assertIn(str(folder), made.err)
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        contexts = list((folder / "fhe").iterdir())
        self.assertEqual(len(contexts), 1)
        self.assertEqual(stat.S_IMODE(contexts[0].stat().st_mode), 0o600)
        opened = self.decrypt("data.enc")
        values, error = [float(v) for v in opened["results"][0]["values"]], float(opened["results"][0]["error"])
        self.assertLess(error, 1e-6)
        for value, wanted in zip(values, [100, 200, 300, 400, 500]):
            self.assertLessEqual(abs(value - wanted), error)
        # A name without a folder stands for the default one, and says so.
        named = self.ok("fhe-decrypt", "data.enc", "--keys", "alice")
        self.assertIn("there is no key folder alice", named.err)
        self.assertIn("500.0", named.out)
        self.assertIn("for the key holder alone", named.err)

    def test_keys_that_fit_are_used_again_and_others_made(self):
        self.ok("fhe-encrypt", "--values", "500", "400", "--output", "a.enc")
        again = self.ok("fhe-encrypt", "--values", "3", "7", "--output", "b.enc")
        self.assertIn("using the keys", again.err)
        larger = self.ok("fhe-encrypt", "--values", "5000", "--output", "c.enc")
        self.assertIn("made keys", larger.err)
        forced = self.ok("fhe-encrypt", "--values", "1", "--output", "d.enc", "--new-keys")
        self.assertIn("made keys", forced.err)
        deep = self.ok("fhe-encrypt", "--values", "0.5", "--output", "e.enc", "--for", "polynomial", "--degree", "9")
        self.assertIn("levels 0 to 4", deep.err)
        deeper = self.ok("fhe-encrypt", "--values", "0.5", "--output", "f.enc", "--depth", "5")
        self.assertIn("levels 0 to 5", deeper.err)
        for name in "abcdef":
            self.decrypt(f"{name}.enc")

    def test_names_and_paths_of_keys(self):
        data = self.dir / "share"
        env = {"XDG_DATA_HOME": str(data)}
        self.ok("fhe-encrypt", "--values", "1", "--output", "a.enc", "--keys", "alice", env=env)
        self.assertTrue((data / "prism/keys/alice/keyring.prism").exists())
        self.decrypt("a.enc", "--keys", "alice", env=env)
        self.ok("keys", "new", "--dir", "bob")
        self.ok("fhe-encrypt", "--values", "1", "--output", "b.enc", "--keys", "bob", env=env)
        self.assertTrue((self.dir / "bob/fhe").is_dir())
        self.decrypt("b.enc", "--keys", "bob")
        # The keys of others: exit status 4.
        self.fails(4, "fhe-decrypt", "b.enc", "--keys", "alice", says="no keys of this identity", env=env)
        self.fails(1, "fhe-decrypt", "b.enc", "--keys", "./nobody", says="nobody", env=env)

    def test_whole_numbers_come_back_exactly(self):
        self.ok("fhe-encrypt", "--exact", "--values", "12", "-7", "0", "--output", "w.enc", "--for", "sum")
        opened = self.decrypt("w.enc")
        self.assertEqual(opened["results"][0]["values"], [12, -7, 0])
        self.assertEqual(opened["results"][0]["error"], 0)
        # What a vector went through is not in it: a value may have wrapped.
        self.assertGreater(opened["modulus"], 24)
        self.assertIn("modulo", self.ok("fhe-decrypt", "w.enc").err)
        self.fails(2, "fhe-encrypt", "--exact", "--values", "1", "--largest", "1e30", "--output", "x.enc", says="2^49")
        self.fails(2, "fhe-encrypt", "--exact", "--values", "1.5", "--output", "x.enc", says="whole numbers")

    def test_numbers_from_files_and_standard_input(self):
        (self.dir / "numbers.txt").write_text("1.5, 2\n-3e2;4\t5\r\n")
        self.ok("fhe-encrypt", "--input", "numbers.txt", "--output", "n.enc")
        values = [float(v) for v in self.decrypt("n.enc")["results"][0]["values"]]
        for value, wanted in zip(values, [1.5, 2, -300, 4, 5]):
            self.assertAlmostEqual(value, wanted, places=6)
        (self.dir / "table.csv").write_text("name,cost\na,1.25\nb,-2.50\nc,300\n")
        self.ok("fhe-encrypt", "--input", "table.csv", "--column", "cost", "--output", "c.enc")
        rows = list(csv.DictReader(io.StringIO(self.ok("fhe-decrypt", "c.enc", "-o", "csv", "--precision", "2").out)))
        self.assertEqual([r["value"] for r in rows], ["1.25", "-2.50", "300.00"])
        self.fails(2, "fhe-encrypt", "--input", "table.csv", "--column", "name", "--output", "x.enc", says="numbers")
        self.fails(1, "fhe-encrypt", "--input", "table.csv", "--output", "x.enc", says="number 1 is none")
        self.fails(2, "fhe-encrypt", "--output", "x.enc", says="--values")
        self.fails(2, "fhe-encrypt", "--values", "1", "--input", "numbers.txt", "--output", "x.enc", says="not both")
        self.assertFalse((self.dir / "x.enc").exists())

    def test_what_inspect_says_needs_no_key(self):
        self.ok("fhe-encrypt", "--values", "1", "2", "3", "--output", "data.enc")
        found = self.ok("inspect", "data.enc", "-o", "json").json()
        self.assertEqual((found["kind"], found["values"], found["ciphertexts"]), ("a ciphertext", 3, 1))
        [context] = (self.dir / ".local/share/prism/keys/default/fhe").iterdir()
        stored = self.ok("inspect", context, "-o", "json").json()
        self.assertEqual(stored["keys"], found["keys"])
        self.assertEqual(stored["evaluation_keys"], 0)

    def test_damaged_and_foreign_files_are_refused(self):
        self.ok("fhe-encrypt", "--values", "1", "2", "3", "--output", "data.enc")
        size = (self.dir / "data.enc").stat().st_size
        for at in [0, 6, 8, 12, 20, 50, 60, size - 1]:
            def change(data):
                data[at] ^= 0x41
            path = self.changed(self.dir / "data.enc", "bad.enc", change)
            ended = self.run_it("fhe-decrypt", path)
            self.assertNotIn("internal error", ended.err)
            self.assertIn(ended.status, (0, 1, 4))
            if at < 20:
                self.assertNotEqual(ended.status, 0)
        cut = self.changed(self.dir / "data.enc", "cut.enc", lambda data: data.__delitem__(slice(1000, None)))
        self.fails(1, "fhe-decrypt", cut)
        self.fails(1, "fhe-decrypt", self.dir / ".local/share/prism/keys/default/keyring.prism", says="fhe-decrypt opens")

    def test_a_passphrase_protects_the_keys(self):
        (self.dir / "pass").write_text("correct horse\n")
        self.ok("fhe-encrypt", "--values", "1", "--output", "p.enc", "--keys", "./locked", "--passphrase-file", "pass")
        self.decrypt("p.enc", "--keys", "./locked", "--passphrase-file", "pass")
        self.fails(4, "fhe-decrypt", "p.enc", "--keys", "./locked")

    def test_values_that_are_refused_leave_no_keys(self):
        self.fails(2, "fhe-encrypt", "--values", "5", "--largest", "4", "--output", "x.enc", says="--largest")
        self.assertFalse((self.dir / ".local").exists())
