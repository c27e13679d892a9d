#!/usr/bin/env python3
"""Measures the channel as a whole: bench/channel.py [--quick] [--only SECTION]... [--build DIR] [--plain]

  statistics  mean, variance and sum of 4,096 encrypted numbers over loopback TLS: encrypt, plan, upload, compute, decrypt
  small       `sum` of one ciphertext at N = 2^13, keys uploaded before: 1,000 requests a second for 10 s; p50, p99, processor time
  sessions    10,000 open sessions: memory of the server for each, handshakes a second

Starts a compute service of its own on this machine. Prints JSON, and stores it as build/bench/channel.json. Requests start at their
time whether or not earlier ones were answered. The client runs on the same cores as the server."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, program, scratch, *options):
        self.ready = pathlib.Path(scratch, "ready")
        self.log = open(pathlib.Path(scratch, "server.log"), "ab")
        self.process = subprocess.Popen([program, "serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", f"{scratch}/server",
                                         "--ready-file", str(self.ready), "--max-requests", "0", "--max-cpu-seconds", "1000000",
                                         *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        while not self.ready.exists():
            if self.process.poll() is not None:
                raise SystemExit(f"the server did not start; see {self.log.name}")
            time.sleep(0.02)
        facts = json.loads(self.ready.read_text())
        self.url, self.pin = facts["url"], facts["identity"]

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


def client(program, server, scratch, *arguments):
    out = subprocess.run([program, server.url, server.pin, *map(str, arguments)], stdout=subprocess.PIPE, check=True,
                         env={**os.environ, "PRISM_BENCH_SCRATCH": scratch}).stdout
    return json.loads(out)


def statistics(options, scratch):
    server = Server(options.prism, scratch, *options.serve)
    try:
        return client(options.bench, server, scratch, "statistics", 4096, 5 if options.quick else 25)
    finally:
        server.stop()


def small(options, scratch):
    server = Server(options.prism, scratch, *options.serve)
    try:
        found = []
        for rate in (100, 1000) if not options.quick else (100,):
            before = server.cpu_s()
            one = client(options.bench, server, scratch, "small", 3 if options.quick else 10, rate, 8)
            # Keys and the warm-up are in it; over ten thousand requests they do not show.
            answered = one["answered_per_second"] * (3 if options.quick else 10)
            one["server_cpu_us_per_request"] = round((server.cpu_s() - before) * 1e6 / max(answered, 1), 1)
            found.append(one)
        return found
    finally:
        server.stop()


def sessions(options, scratch):
    count = 500 if options.quick else 10000
    server = Server(options.prism, scratch, "--max-sessions-per-client", "1000000", "--max-sessions", "100000", *options.serve)
    try:
        process = subprocess.Popen([options.bench, server.url, server.pin, "sessions", str(count)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        before, cpu = server.memory(), server.cpu_s()
        process.stdin.write("\n")
        process.stdin.flush()
        found = json.loads(process.stdout.readline())
        found["server_cpu_us_per_handshake"] = round((server.cpu_s() - cpu) * 1e6 / count, 1)
        found["memory_bytes_per_session"] = round((server.memory() - before) / count)
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(60)
        return found
    finally:
        server.stop()


def main():
    sections = {"statistics": statistics, "small": small, "sessions": sessions}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--only", action="append", choices=sections)
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--plain", action="store_true", help="without TLS around the session")
    options = parser.parse_args()
    options.prism, options.bench = f"{options.build}/prism", f"{options.build}/bench/prism_channel_bench"
    options.serve = ["--plain-http"] if options.plain else []
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, check=False).stdout
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")), "")
    found = {"commit": commit.decode().strip(), "processor": model, "cores": os.cpu_count(), "tls": not options.plain}
    for name in options.only or sections:
        with tempfile.TemporaryDirectory(prefix="prism-bench-") as scratch:
            found[name] = sections[name](options, scratch)
        print(json.dumps({name: found[name]}, indent=2), file=sys.stderr)
    store = ROOT / "build/bench/channel.json"
    store.parent.mkdir(parents=True, exist_ok=True)
    store.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
