#!/usr/bin/env python3
"""Runs an example against a compute service of its own: with_server.py PRISM EXAMPLE EXPECTED

Starts `prism serve` on a free port of this machine, runs EXAMPLE URL FINGERPRINT, and compares what it prints with the file
EXPECTED."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time


def main(prism, example, expected):
    with tempfile.TemporaryDirectory(prefix="prism-example-") as scratch:
        ready = pathlib.Path(scratch, "ready")
        log = open(pathlib.Path(scratch, "log"), "w+", encoding="utf-8")
        server = subprocess.Popen([prism, "serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", f"{scratch}/server",
                                   "--ready-file", str(ready)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for _ in range(1200):
                if ready.exists() or server.poll() is not None:
                    break
                time.sleep(0.05)
            if not ready.exists():
                log.seek(0)
                print(f"the server did not start:\n{log.read()}", file=sys.stderr)
                return 1
            facts = json.loads(ready.read_text(encoding="utf-8"))
            ran = subprocess.run([example, facts["url"], facts["identity"]], stdout=subprocess.PIPE, timeout=100, check=False)
        finally:
            server.terminate()
            server.wait(30)
            log.close()
    wanted = pathlib.Path(expected).read_text(encoding="utf-8")
    printed = ran.stdout.decode("utf-8", "replace")
    if ran.returncode != 0 or printed != wanted:
        print(f"status {ran.returncode}; printed:\n{printed}\nwanted:\n{wanted}", file=sys.stderr)
        return 1
    return 0


sys.exit(main(*sys.argv[1:]))
