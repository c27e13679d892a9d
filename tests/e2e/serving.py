"""A compute service of a test's own: a process that listens on this machine, and what its ready file says."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import support


class Server:
    """`prism serve` on a free port. What it writes goes to files beside its data directory."""

    def __init__(self, case, *options, name="server", tls=True, port=0):
        self.case, self.name, self.port = case, name, port
        self.data, self.ready = case.dir / name, case.dir / f"{name}.ready"
        self.log = case.dir / f"{name}.log"
        self.options = [*options] if tls else ["--plain-http", *options]
        self.process = None
        self.start()
        case.addCleanup(self.stop)

    def start(self):
        self.ready.unlink(missing_ok=True)
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            [str(support.PROGRAM), "serve", "--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.data),
             "--ready-file", str(self.ready), "--log-format", "json", *map(str, self.options)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.case.environment(), cwd=self.case.dir)
        log.close()
        self.wait_ready()
        self.port = self.facts["port"]  # the same again after a restart

    def wait_ready(self):
        end = time.monotonic() + 60
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.02)
        self.facts = json.loads(self.ready.read_text())
        self.url, self.pin = self.facts["url"], self.facts["identity"]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait(30)

    def reload(self):
        """SIGHUP, and until the ready file tells of it."""
        before = self.ready.stat().st_ino
        self.signal(signal.SIGHUP)
        end = time.monotonic() + 30
        while not self.ready.exists() or self.ready.stat().st_ino == before:
            if time.monotonic() > end:
                raise AssertionError("the server does not reload")
            time.sleep(0.02)
        self.wait_ready()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the server does not stop")

    def audit(self):
        """Every line of the audit log."""
        lines = []
        for path in sorted(Path(self.data).rglob("audit*")):
            if path.is_file():
                lines += [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return lines


class ChannelCase(support.Case):
    """A client with an identity, keys and encrypted data."""

    def make_client(self, values=(100, 200, 300, 400, 500), *more):
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "client.pub", "--output-secret", "client.key")
        self.encrypt("data.enc", values, *more)

    def encrypt(self, output, values, *more):
        self.ok("fhe-encrypt", "--values", *map(str, values), "--output", output, "--keys", "alice", *more)

    def asking(self, server, *more, pin=None, output="result.enc", receipt="receipt.cbor", data="data.enc",
               operation="statistics"):
        """The arguments of `prism channel compute`."""
        chosen = ["--compute", "mean,variance,sum"] if operation == "statistics" else []
        return ["channel", "compute", "--server", server.url, "--identity", "client.key", "--pin", pin or server.pin, "--keys",
                "alice", "--data", data, "--operation", operation, *chosen, "--output", output, "--receipt", receipt, *more]

    def values(self, path="result.enc"):
        """The decrypted results by name."""
        opened = self.ok("fhe-decrypt", path, "--keys", "alice", "-o", "json").json()
        return {one["name"]: [float(v) for v in one["values"]] for one in opened["results"]}
