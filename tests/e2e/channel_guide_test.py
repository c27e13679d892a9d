"""docs/guide/channel.md is what happens: its commands run as they stand there, and its output is what they print.

A block of ```console holds commands after `$ ` and what they print, both streams. `$ prism serve ...` starts a server that stays.
Before the comparison, what differs from run to run (fingerprints, digests, times, sizes, ports) is made the same on both sides; in
commands, port 8000 becomes a free one and the fingerprint on the page the one of the server that runs."""
import re
import shlex
import subprocess

import support
from serving import ChannelCase, Server

BLOCK = re.compile(r"^```console\n(.*?)^```", re.S | re.M)


def steps(page):
    """[(command, output)] in the order of the page; a command goes on while its lines end with a backslash."""
    found = []
    for block in BLOCK.findall(page):
        lines = block.splitlines()
        while lines:
            line = lines.pop(0)
            assert line.startswith("$ "), f"a block begins with {line!r}"
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + lines.pop(0).strip()
            output = []
            while lines and not lines[0].startswith("$ "):
                output.append(lines.pop(0))
            found.append((command, "\n".join(output).rstrip()))
    return found


def same(text, home="/home/alice"):
    """Without what is another each time."""
    text = text.replace(home, "HOME").replace("/home/alice", "HOME")
    text = re.sub(r"SHA256:[0-9a-fA-F-]+", "FINGERPRINT", text)
    text = re.sub(r"\b[0-9a-f]{32,64}\b", "DIGEST", text)
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d( UTC)?)?", "TIME", text)
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", "HOST", text)
    text = re.sub(r"(?<![\w.])[\d.,]+ (bytes|kB|MB|GB|us|ms|s|min)\b", "SIZE", text)
    text = re.sub(r"(X25519MLKEM768|SecP384r1MLKEM1024)", "GROUP", text)
    text = re.sub(r"\d+\.\de[-+]\d+", "ERROR", text)
    text = re.sub(r"(?<=[|│ ])-?\d+\.\d+", lambda m: str(round(float(m[0]))), text)
    text = re.sub(r"seconds left +\d+", "seconds left N", text)
    return re.sub(r"[ \t]+", " ", text).strip()


class Guide(ChannelCase):
    def test_the_page_is_what_happens(self):
        page = (support.SOURCE / "docs/guide/channel.md").read_text(encoding="utf-8")
        server, pinned, ran = None, None, 0
        for command, wanted in steps(page):
            if command.startswith("prism serve") and "--check" not in command:
                words = shlex.split(command)[2:]
                for flag in ("--host", "--port", "--data-dir"):
                    if flag in words:
                        at = words.index(flag)
                        del words[at:at + 2]
                if server is not None:
                    server.stop()
                server = Server(self, *words, port=server.port if server else 0)
                pinned = re.search(r"SHA256:[0-9a-fA-F-]+", wanted)[0]
                said = server.log.read_text()
                said = "\n".join(line for line in said.splitlines() if not line.startswith("{"))
                self.assertEqual(same(said, str(self.dir)), same(wanted), command)
            elif command.startswith("kill -HUP"):
                server.reload()
            else:
                run = command.replace("localhost:8000", f"127.0.0.1:{server.port}" if server else "localhost:8000")
                if pinned:
                    run = run.replace(pinned, server.first_pin if hasattr(server, "first_pin") else server.pin)
                run = re.sub(r"^prism\b", shlex.quote(str(support.PROGRAM)), run)
                ended = subprocess.run(["bash", "-c", run], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       env=self.environment(), cwd=self.dir, timeout=240, check=False)
                said = ended.stdout.decode("utf-8", "replace")
                self.assertEqual(same(said, str(self.dir)), same(wanted), f"{command}\nstatus {ended.returncode}\n{said}")
            if server is not None and not hasattr(server, "first_pin"):
                server.first_pin = server.pin
            ran += 1
        self.assertGreater(ran, 10, "the page has lost its commands")
