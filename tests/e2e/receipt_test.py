"""`prism channel verify`: a receipt is checked without a server; the exit status says what is wrong with it."""
import shutil

import support
from support import Case

SIGNER = "SHA256:1fb3e357-ef9a2893-2b40e5bb-4e4c788b-f101e015-cca0dac6-1c018d80-468b1761"
EARLIER = "SHA256:64226f61-7cb63fc2-ae722332-28fffe42-0e27c325-f6522c24-49bee420-aa3c5e95"
STRANGER = "SHA256:" + "-".join(["01234567"] * 8)


class Receipt(Case):
    def setUp(self):
        super().setUp()
        shutil.copy(support.SOURCE / "tests/golden/v1/receipt.cbor", self.dir)
        for name in ["request", "context", "first", "second", "result"]:
            (self.dir / name).write_text(name + "\n")

    def verify(self, *arguments):
        return self.run_it("channel", "verify", "receipt.cbor", *arguments)

    def test_a_pinned_signer_and_its_files_are_verified(self):
        for pin in [SIGNER, EARLIER, SIGNER.lower().replace("sha256:", "").replace("-", "")]:
            done = self.verify("--pin", pin, "--request", "request", "--context", "context", "--data", "first", "--data", "second",
                               "--result", "result", "-o", "json")
            self.assertEqual(done.status, 0, done)
            report = done.json()
            self.assertTrue(report["verified"])
            self.assertEqual(report["signer"], SIGNER)
            self.assertEqual(report["server"], "compute.example")
            self.assertEqual([i["file"] for i in report["inputs"]], ["first", "second"])
            for what in ["request", "context", "result"]:
                self.assertEqual(report[what]["file"], what)
            self.assertTrue(report["not_proven"])

    def test_the_table_says_what_was_compared_and_what_is_not_proven(self):
        done = self.verify("--pin", SIGNER, "--result", "result")
        self.assertEqual(done.status, 0, done)
        self.assertIn("= result", done.out)
        self.assertIn("(not compared)", done.out)
        self.assertIn("Not proven:", done.out)
        self.assertIn("2027-01-15 08:00:00 UTC", done.out)

    def test_another_signer_is_exit_4_with_both_fingerprints(self):
        done = self.fails(4, "channel", "verify", "receipt.cbor", "--pin", STRANGER, says=SIGNER)
        self.assertIn(STRANGER, done.err)

    def test_another_key_is_exit_4(self):
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "other.pub")
        self.fails(4, "channel", "verify", "receipt.cbor", "--key", "other.pub", says=SIGNER)

    def test_an_unknown_signer_is_exit_4_and_says_what_to_do(self):
        self.fails(4, "channel", "verify", "receipt.cbor", says="--pin")

    def test_a_server_that_was_met_is_known(self):
        plain = EARLIER.replace("SHA256:", "").replace("-", "")
        known = self.dir / "known"
        known.write_text(f"prism pins 1\nhost:8000 {plain} 1 1800000000\n")
        known.chmod(0o600)
        done = self.verify("--known-servers", "known", "-o", "json")
        self.assertEqual(done.status, 0, done)
        self.assertIn("known as host:8000", done.json()["trust"])
        known.write_text(f"prism pins 1\nhost:8000 {'0' * 64} 1 1800000000\n")
        self.fails(4, "channel", "verify", "receipt.cbor", "--known-servers", "known", says=SIGNER)

    def test_files_of_another_computation_are_exit_6(self):
        (self.dir / "other").write_text("other\n")
        for option in ["--request", "--context", "--data", "--result"]:
            self.fails(6, "channel", "verify", "receipt.cbor", "--pin", SIGNER, option, "other", says="other")

    def test_every_changed_byte_is_exit_6_or_4(self):
        good = (self.dir / "receipt.cbor").read_bytes()
        for at in [0, 1, 5, 40, 80, 200, 5000, len(good) - 3400, len(good) - 3310, len(good) - 1]:
            changed = bytearray(good)
            changed[at] ^= 4
            (self.dir / "receipt.cbor").write_bytes(changed)
            self.fails((4, 6), "channel", "verify", "receipt.cbor", "--pin", SIGNER)

    def test_what_is_no_receipt_is_exit_6(self):
        for content in [b"", b"hello", b"\xd2\x84", bytes(100)]:
            (self.dir / "receipt.cbor").write_bytes(content)
            self.fails(6, "channel", "verify", "receipt.cbor", "--pin", SIGNER)
