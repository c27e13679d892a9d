#!/usr/bin/env python3
"""Clients work while clients, server and identities come and go: run.py PROGRAM [--minutes M | --seconds S] [--clients N] [--seed N]

Each client asks for sums of its own encrypted numbers, again and again, under an idempotency key for each question. Meanwhile
clients are killed at random moments and ask again; the server is killed and started again; server and clients change their
identities. Nothing that was acknowledged may be lost or wrong: every question that a client asked is answered in the end with the
right sum, every receipt verifies, and no two receipts share a number. Prints what happened as JSON; status 1 when anything was lost.

What is random comes from --seed, which is printed; the moments themselves are the machine's."""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


class Failed(Exception):
    pass


class World:
    def __init__(self, program, scratch, seed):
        self.program, self.dir = str(Path(program).resolve()), Path(scratch)
        self.random = random.Random(seed)
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        self.env = {**kept, "HOME": str(self.dir), "TMPDIR": str(self.dir)}
        self.ends = 0.0
        self.counts = {"answers": 0, "clients_killed": 0, "answers_after_kill": 0, "servers_killed": 0, "server_rotations": 0,
                       "client_rotations": 0}
        self.lock, self.failures, self.receipts = threading.Lock(), [], []

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def fail(self, text):
        with self.lock:
            self.failures.append(text)

    def run(self, *arguments):
        ended = subprocess.run([self.program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=self.env, cwd=self.dir, timeout=300, check=False)
        if ended.returncode != 0:
            raise Failed(f"{' '.join(map(str, arguments))}\nended with {ended.returncode}: {ended.stderr.decode(errors='replace')}")
        return ended.stdout.decode()


class Server:
    def __init__(self, world):
        self.world, self.data, self.ready = world, world.dir / "server", world.dir / "ready"
        self.port, self.process, self.facts = 0, None, {}
        self.log = open(world.dir / "server.log", "ab")
        self.start()

    def start(self):
        self.ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [self.world.program, "serve", "--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.data), "--ready-file",
             str(self.ready), "--max-requests", "0", "--max-cpu-seconds", "1000000"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.world.env)
        for _ in range(3000):
            if self.ready.exists():
                break
            if self.process.poll() is not None:
                raise Failed(f"the server ended with {self.process.returncode}; see {self.log.name}")
            time.sleep(0.02)
        self.facts = json.loads(self.ready.read_text())
        self.port = self.facts["port"]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.start()
        self.world.count("servers_killed")

    def rotate(self):
        self.world.run("channel", "rotate", "--data-dir", self.data)
        self.process.send_signal(signal.SIGHUP)
        self.world.count("server_rotations")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


class Client(threading.Thread):
    def __init__(self, world, server, number):
        super().__init__()
        self.world, self.server, self.name = world, server, f"client{number}"
        self.random = random.Random(world.random.random())
        self.dir = world.dir / self.name
        self.dir.mkdir()
        self.key, self.rotations, self.asked = "c0.key", 0, []
        self.rotate_now = threading.Event()
        values = [self.random.randrange(-50, 50) for _ in range(8)]
        self.sum = sum(values)
        self.run_here("keygen", "--algorithm", "ML-DSA-65", "--output-public", "c0.pub", "--output-secret", "c0.key")
        self.run_here("fhe-encrypt", "--values", *values, "--output", "data.enc", "--keys", self.dir / "keys", "--for", "sum")
        digits = server.facts["identity"].removeprefix("SHA256:").replace("-", "").lower()
        (self.dir / "known").write_text(f"prism pins 1\n127.0.0.1:{server.port} {digits} 1 {int(time.time())}\n")
        (self.dir / "known").chmod(0o600)

    def here(self, *arguments):
        return [self.world.program, *map(str, arguments)]

    def run_here(self, *arguments):
        ended = subprocess.run(self.here(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=self.world.env, cwd=self.dir, timeout=300, check=False)
        if ended.returncode != 0:
            raise Failed(f"{self.name}: {' '.join(map(str, arguments))}\nended with {ended.returncode}: "
                         f"{ended.stderr.decode(errors='replace')}")
        return ended.stdout.decode()

    def question(self, number):
        return self.here("channel", "compute", "--server", self.server.facts["url"], "--identity", self.key, "--known-servers", "known",
                         "--keys", self.dir / "keys", "--data", "data.enc", "--operation", "sum", "--output", f"{number}.enc",
                         "--receipt", f"{number}.cbor", "--idempotency-key", f"{self.name}-{number}", "--timeout", "120")

    def ask(self, number):
        """Asks until it is answered; is killed on the way now and then."""
        killed = False
        for _ in range(20):
            process = subprocess.Popen(self.question(number), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, env=self.world.env, cwd=self.dir)
            if self.random.random() < 0.3:
                try:
                    process.wait(self.random.uniform(0.0, 1.2))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    self.world.count("clients_killed")
                    killed = True
                    continue
            _, err = process.communicate(timeout=300)
            if process.returncode == 0:
                self.world.count("answers")
                if killed:
                    self.world.count("answers_after_kill")
                self.asked.append(number)
                return
            raise Failed(f"{self.name}, question {number}: status {process.returncode}: {err.decode(errors='replace')}")
        raise Failed(f"{self.name}, question {number}: killed 20 times")

    def rotate(self):
        after = f"c{self.rotations + 1}"
        self.run_here("channel", "rotate", "--identity", self.key, "--output-public", f"{after}.pub")
        self.key, self.rotations = f"{after}.key", self.rotations + 1
        self.world.count("client_rotations")

    def run(self):
        number = 0
        try:
            while time.monotonic() < self.world.ends:
                if self.rotate_now.is_set():
                    self.rotate_now.clear()
                    self.rotate()
                self.ask(number)
                number += 1
        except (Failed, subprocess.TimeoutExpired) as error:
            self.world.fail(str(error))

    def check(self):
        """Every answer that this client has is right, and signed."""
        for number in self.asked:
            opened = json.loads(self.run_here("fhe-decrypt", f"{number}.enc", "--keys", self.dir / "keys", "-o", "json", "--claimed-bounds"))
            found = opened["results"][0]["values"][0]
            if abs(found - self.sum) > 0.1:
                self.world.fail(f"{self.name}, question {number}: {found} instead of {self.sum}")
            claims = json.loads(self.run_here("channel", "verify", f"{number}.cbor", "--pin", self.server.facts["identity"]
                                              if self.world.counts["server_rotations"] == 0 else self.signer(number),
                                              "--result", f"{number}.enc", "--data", "data.enc", "-o", "json"))
            self.world.receipts.append(json.dumps(claims, sort_keys=True))

    def signer(self, number):
        """Identities come and go; who signed must be one of those that the server had."""
        for pin in self.world.identities:
            ended = subprocess.run(self.here("channel", "verify", f"{number}.cbor", "--pin", pin), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=self.world.env, cwd=self.dir, check=False)
            if ended.returncode == 0:
                return pin
        raise Failed(f"{self.name}, question {number}: signed by none of the server's identities")


def disturb(world, server, clients):
    """Something happens every now and then until the time is up. Identities are kept as they were."""
    while time.monotonic() < world.ends:
        time.sleep(world.random.uniform(0.5, 2.0) * world.pace)
        what = world.random.choice(["kill", "rotate", "client", "client"])
        try:
            if what == "kill":
                server.kill()
            elif what == "rotate":
                server.rotate()
                time.sleep(0.5)
            else:
                world.random.choice(clients).rotate_now.set()
        except Failed as error:
            world.fail(str(error))
            return
        try:
            pin = json.loads(server.ready.read_text())["identity"]
            if pin not in world.identities:
                world.identities.append(pin)
        except (FileNotFoundError, json.JSONDecodeError):
            pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    seconds = options.minutes * 60 if options.minutes else options.seconds
    scratch = tempfile.mkdtemp(prefix="prism-load-")
    print(f"seed {options.seed}, {seconds:.0f} s, {options.clients} clients", file=sys.stderr)
    world = World(options.program, scratch, options.seed)
    world.pace = 1 if seconds < 120 else 4
    server = Server(world)
    world.identities = [server.facts["identity"]]
    clients = [Client(world, server, i) for i in range(options.clients)]
    world.ends = time.monotonic() + seconds
    disturber = threading.Thread(target=disturb, args=(world, server, clients))
    for thread in (*clients, disturber):
        thread.start()
    for thread in (*clients, disturber):
        thread.join()
    for client in clients:
        try:
            client.check()
        except Failed as error:
            world.fail(str(error))
    server.stop()
    if len(set(world.receipts)) != len(world.receipts):
        world.fail("two receipts are the same")
    print(json.dumps({"seed": options.seed, "seconds": seconds, **world.counts, "receipts": len(world.receipts),
                      "failures": world.failures}, indent=2))
    if world.failures or not world.receipts:
        print(f"what was left lies in {scratch}", file=sys.stderr)
        return 1
    shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
