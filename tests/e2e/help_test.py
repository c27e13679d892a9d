"""Every command explains itself."""
import re

from support import Case

COMMANDS = ["demo", "doctor", "keys", "keys new", "keys backup", "keys restore", "keys export-table", "keys inspect", "keygen", "seal", "inspect", "explain", "query", "open", "budget", "budget grant", "budget schema", "budget show", "budget acknowledge", "dictionary", "fhe", "fhe params", "fhe noise", "fhe-encrypt", "fhe-decrypt", "channel", "channel compute", "channel info", "channel pins", "channel rotate", "channel token", "channel verify", "serve"]


class Help(Case):
    def test_every_help_has_an_example(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                ended = self.ok(*command.split(), "--help")
                self.assertIn(f"Example:\n  prism {command}", ended.out)
                self.assertEqual(ended.err, "")

    def test_the_list_of_commands_is_complete(self):
        listed = re.findall(r"^  ([a-z-]+)  ", self.ok("--help").out.split("Subcommands:")[1], re.M)
        self.assertEqual(sorted(listed), sorted({c.split()[0] for c in COMMANDS}))

    def test_examples_of_help_are_read_without_complaint(self):
        """Their options exist: each example, with --help added, is no usage error."""
        for command in COMMANDS:
            for line in re.findall(r"^  (prism .*)$", self.ok(*command.split(), "--help").out.split("Example:")[1], re.M):
                words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', line.split(" > ")[0])][1:]
                if words[0] == "demo" or words[0] == "doctor":
                    continue
                if words[0] == "serve":
                    words.append("--help")
                words = ["0" * 64 if word == "FINGERPRINT" else word for word in words]
                ended = self.run_it(*words)
                self.assertNotEqual(ended.status, 2, f"{line}: {ended}") if words[0] != "seal" or "--yes" in words else None
