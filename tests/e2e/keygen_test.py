"""Keys for the channel: prism keygen and prism keys inspect."""
import os
import shutil
import stat
import subprocess
from pathlib import Path

import support
from support import Case

ALGORITHMS = {"ML-KEM-768": 1184, "ML-KEM-1024": 1568, "ML-DSA-65": 1952, "ML-DSA-87": 2592, "X-Wing": 1216}


def openssl():
    """A command that knows ML-DSA, or None."""
    for command in (support.SOURCE / "build" / "openssl" / "bin" / "openssl", shutil.which("openssl")):
        if command and Path(command).exists():
            listed = subprocess.run([command, "list", "-signature-algorithms"], capture_output=True, text=True)
            if "ML-DSA-65" in listed.stdout:
                return str(command)
    return None


class Keygen(Case):
    def inspect(self, *arguments):
        return self.ok("keys", "inspect", *arguments, "-o", "json").json()

    def test_every_algorithm_makes_a_pair_that_inspect_knows(self):
        for algorithm, size in ALGORITHMS.items():
            with self.subTest(algorithm=algorithm):
                made = self.ok("keygen", "--algorithm", algorithm, "--output-public", f"{algorithm}.pub", "-o", "json")
                self.assertIn(f"{algorithm}.key", made.err)
                made = made.json()
                self.assertEqual(made["secret_key"], f"{algorithm}.key")
                self.assertEqual(stat.S_IMODE((self.dir / f"{algorithm}.key").stat().st_mode), 0o600)
                public, secret = self.inspect(f"{algorithm}.pub"), self.inspect(f"{algorithm}.key")
                for seen in (public, secret):
                    self.assertEqual(seen["algorithm"], algorithm)
                    self.assertEqual(seen["fingerprint"], made["fingerprint"])
                    self.assertEqual(seen["public_key_bytes"], size)
                self.assertEqual((public["kind"], secret["kind"]), ("public key", "secret key"))
        self.assertEqual(self.leftovers(), [])

    def test_the_secret_goes_where_it_is_told(self):
        self.ok("keygen", "--algorithm", "ml-kem-768", "--output-public", "a.pub", "--output-secret", "b.secret")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["a.pub", "b.secret"])

    def test_no_secret_is_shown(self):
        made = self.ok("keygen", "--algorithm", "X-Wing", "--output-public", "a.pub")
        seed = "".join((self.dir / "a.key").read_text().splitlines()[1:-1])
        shown = [made, self.ok("keys", "inspect", "a.key"), self.ok("keys", "inspect", "a.key", "-o", "json")]
        for ended in shown:
            for part in range(0, len(seed) - 12):
                self.assertNotIn(seed[part:part + 12], ended.out + ended.err)

    def test_nothing_is_overwritten_unless_asked(self):
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "a.pub")
        before = (self.dir / "a.key").read_bytes()
        self.fails(1, "keygen", "--algorithm", "ML-DSA-65", "--output-public", "a.pub", says="a.pub")
        self.fails(1, "keygen", "--algorithm", "ML-DSA-65", "--output-public", "b.pub", "--output-secret", "a.key", says="a.key")
        self.fails(1, "keygen", "--algorithm", "ML-DSA-65", "--output-public", "c", "--output-secret", "c")
        self.assertEqual((self.dir / "a.key").read_bytes(), before)
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["a.key", "a.pub"])
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "a.pub", "--overwrite")
        self.assertNotEqual((self.dir / "a.key").read_bytes(), before)

    def test_a_passphrase_protects(self):
        (self.dir / "pass").write_text("correct horse\n")
        (self.dir / "wrong").write_text("battery staple\n")
        made = self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "a.pub", "--passphrase-file", "pass", "-o", "json").json()
        self.assertEqual(made["protection"], "passphrase")
        self.assertIn("ENCRYPTED", (self.dir / "a.key").read_text())
        outside = self.inspect("a.key")
        self.assertIn("scrypt", outside["protection"])
        self.assertNotIn("fingerprint", outside)
        self.assertEqual(self.inspect("a.key", "--passphrase-file", "pass")["fingerprint"], made["fingerprint"])
        self.fails(4, "keys", "inspect", "a.key", "--passphrase-file", "wrong", says="passphrase")
        self.fails(2, "keys", "inspect", "a.pub.nope", "--passphrase-file", "pass", "--ask-passphrase")

    def test_a_mode_that_is_too_open_is_named(self):
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "a.pub")
        os.chmod(self.dir / "a.key", 0o644)
        self.assertIn("chmod 600", self.ok("keys", "inspect", "a.key").err)

    def test_what_is_no_key(self):
        self.fails(2, "keygen", "--algorithm", "RSA", "--output-public", "a.pub", says="ML-DSA-65")
        self.fails(1, "keygen", "--algorithm", "X25519", "--output-public", "a.pub", says="X-Wing")
        self.fails(1, "keygen", "--algorithm", "ML-DSA-65", "--output-public", "no/such/dir/a.pub", says="no/such/dir")
        self.fails(1, "keys", "inspect", "nothing", says="nothing")
        (self.dir / "cut.key").write_text("-----BEGIN PRIVATE KEY-----\nMDQC\n")
        self.fails(1, "keys", "inspect", "cut.key", says="cut.key")
        (self.dir / "text").write_text("hello")
        self.fails(1, "keys", "inspect", "text")

    def test_key_directories_are_described_too(self):
        seen = self.inspect(support.SHARED / "alice")
        self.assertIn("key", seen)
        self.assertIn("key", self.inspect(support.SHARED / "alice" / "keyring.prism"))

    def test_openssl_reads_what_was_made_and_is_read(self):
        command = openssl()
        if command is None:
            self.skipTest("no openssl command with ML-DSA here")
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "ours.pub")
        def run(*arguments):
            subprocess.run([command, *arguments], cwd=self.dir, check=True, capture_output=True)
        run("pkey", "-in", "ours.key", "-pubout", "-out", "again.pub")
        self.assertEqual((self.dir / "again.pub").read_text(), (self.dir / "ours.pub").read_text())
        run("genpkey", "-algorithm", "ML-DSA-65", "-out", "theirs.key")
        run("pkey", "-in", "theirs.key", "-pubout", "-out", "theirs.pub")
        self.assertEqual(self.inspect("theirs.key")["fingerprint"], self.inspect("theirs.pub")["fingerprint"])
