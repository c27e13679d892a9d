"""On a terminal: a question before sealing, passphrases that are not shown, progress that goes away."""
import os
import pty
import select
import shutil
import time

import support
from support import Case


class Terminal(Case):
    def talk(self, arguments, *answers):
        """Runs on a terminal of its own; each answer is (text to wait for, what to type). Returns status and everything shown."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(support.PROGRAM, [str(support.PROGRAM), *map(str, arguments)], {**self.environment(), "TERM": "xterm"})
        shown, waiting, deadline = "", list(answers), time.monotonic() + 120
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data.decode("utf-8", "replace")
            if waiting and waiting[0][0] in shown:
                time.sleep(0.05)
                os.write(fd, waiting.pop(0)[1].encode())
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown

    def setUp(self):
        super().setUp()
        shutil.copytree(support.SHARED / "alice", self.dir / "alice")
        shutil.copy(support.SHARED / "patients.csv", self.dir)

    SEAL = ["seal", "patients.csv", "--keys", "alice", "--output", "p.sealed"]

    def test_no_is_the_default(self):
        for answer in ("\n", "n\n", "yep, do\n"):
            status, shown = self.talk(self.SEAL, ("[y/N]", answer))
            self.assertEqual(status, 1, shown)
            self.assertIn("nothing was sealed", shown)
            self.assertFalse((self.dir / "p.sealed").exists())

    def test_yes(self):
        status, shown = self.talk(self.SEAL, ("[y/N]", "y\n"))
        self.assertEqual(status, 0, shown)
        self.assertLess(shown.index("becomes public"), shown.index("[y/N]"))
        self.ok("inspect", "p.sealed", "--verify")

    def test_ctrl_c_at_the_question(self):
        status, _ = self.talk(self.SEAL, ("[y/N]", "\x03"))
        self.assertEqual(status, 130)
        self.assertFalse((self.dir / "p.sealed").exists())

    def test_passphrases_are_not_shown(self):
        (self.dir / "secret").write_text("open sesame")
        self.ok("keys", "new", "--dir", "bob", "--passphrase-file", "secret")
        self.ok("seal", "patients.csv", "--keys", "bob", "--output", "p.sealed", "--yes", "--role", "age=measure", "--no-squares", "--passphrase-file", "secret")
        self.ok("query", "p.sealed", "SELECT COUNT(*) FROM patients", "--output", "a.prism")
        status, shown = self.talk(["open", "a.prism", "--keys", "bob"], ("passphrase of bob", "open sesame\n"))
        self.assertEqual(status, 0, shown)
        self.assertIn("700", shown)
        self.assertNotIn("sesame", shown)
        self.assertEqual(self.talk(["open", "a.prism", "--keys", "bob"], ("passphrase of bob", "open says me\n"))[0], 4)

    def test_a_new_passphrase_is_asked_for_twice(self):
        make = ["keygen", "--algorithm", "ML-DSA-65", "--output-public", "a.pub", "--ask-passphrase"]
        status, shown = self.talk(make, ("new passphrase", "open sesame\n"), ("same again", "open says me\n"))
        self.assertEqual(status, 2, shown)
        self.assertFalse((self.dir / "a.key").exists())
        status, shown = self.talk(make, ("new passphrase", "open sesame\n"), ("same again", "open sesame\n"))
        self.assertEqual(status, 0, shown)
        self.assertNotIn("sesame", shown)
        status, shown = self.talk(["keys", "inspect", "a.key", "--ask-passphrase"], ("passphrase of a.key", "open sesame\n"))
        self.assertEqual(status, 0, shown)
        self.assertIn("SHA256:", shown)
