"""`prism serve` as a process: settings, certificates, health, logs, signals. What it computes is tested elsewhere."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import support
from support import Case

LIMIT = 60


class Serve(Case):
    def serve(self, *arguments, env=None):
        """A server on a free port, once its ready file is there."""
        ready = self.dir / "ready.json"
        ready.unlink(missing_ok=True)
        log = open(self.dir / "log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([str(support.PROGRAM), "serve", "--port", "0", "--data-dir", "data", "--ready-file",
                                    "ready.json", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                   env=self.environment(env), cwd=self.dir)
        self.addCleanup(self.end, process)
        until = time.monotonic() + LIMIT
        while not ready.exists():
            self.assertIsNone(process.poll(), Path(self.dir, "log").read_text(encoding="utf-8"))
            self.assertLess(time.monotonic(), until, "the server is not ready")
            time.sleep(0.02)
        return process, json.loads(ready.read_text(encoding="utf-8"))

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait(LIMIT)

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(LIMIT), 0)

    def log_lines(self):
        text = Path(self.dir, "log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def wait_for_event(self, event, count=1):
        until = time.monotonic() + LIMIT
        while sum(line["event"] == event for line in self.log_lines()) < count:
            self.assertLess(time.monotonic(), until, f"{event} was not logged")
            time.sleep(0.02)

    def get(self, facts, path, method="GET", headers=None):
        connection = http.client.HTTPConnection(facts["address"], facts["port"], timeout=LIMIT)
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body.decode("utf-8", "replace")

    def openssl(self):
        """The openssl command that came with the library, if it knows ML-KEM."""
        for candidate in (support.SOURCE / "build/openssl/bin/openssl", "openssl"):
            try:
                version = subprocess.run([candidate, "version"], capture_output=True, check=False).stdout.decode()
            except OSError:
                continue
            if re.match(r"OpenSSL (3\.([5-9]|\d\d)|[4-9])", version):
                return str(candidate)
        return self.skipTest("no openssl command of 3.5 or later")

    def test_check_makes_keys_once_and_starts_nothing(self):
        first = self.ok("serve", "--check", "--data-dir", "data")
        self.assertEqual(len(re.findall(r"SHA256:[0-9a-f]{8}(-[0-9a-f]{8}){7}", first.out)), 3)
        self.assertEqual(self.ok("serve", "--check", "--data-dir", "data").out, first.out)
        for key in ("ml-dsa-65.key", "ecdsa-p256.key"):
            self.assertEqual((self.dir / "data/tls" / key).stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.dir / "data").stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.dir / "data/audit.log").read_bytes(), b"")
        # Another name makes other certificates for the same keys.
        renamed = self.ok("serve", "--check", "--data-dir", "data", "--tls-name", "prism.example")
        self.assertEqual(re.findall("SHA256:[-0-9a-f]+", renamed.out), re.findall("SHA256:[-0-9a-f]+", first.out))
        pem = (self.dir / "data/tls/ecdsa-p256.pem").read_bytes()
        self.ok("serve", "--check", "--data-dir", "data", "--tls-name", "other.example")
        self.assertNotEqual((self.dir / "data/tls/ecdsa-p256.pem").read_bytes(), pem)

    def test_check_finds_what_would_not_work(self):
        self.ok("serve", "--check", "--data-dir", "data")
        (self.dir / "data/tls/ml-dsa-65.key").chmod(0o644)
        self.fails(3, "serve", "--check", "--data-dir", "data", says="ml-dsa-65.key")
        (self.dir / "data/tls/ml-dsa-65.key").chmod(0o600)
        tls = self.dir / "data/tls"
        pair = ["--tls-cert", tls / "ml-dsa-65.pem", "--tls-key"]
        self.ok("serve", "--check", "--data-dir", "data", *pair, tls / "ml-dsa-65.key")
        self.fails(1, "serve", "--check", "--data-dir", "data", *pair, tls / "ecdsa-p256.key", says="not that of the first certificate")
        self.fails(2, "serve", "--check", "--data-dir", "data", "--tls-cert", tls / "ml-dsa-65.pem", says="needs its key")
        self.fails(1, "serve", "--check", "--data-dir", "data", "--clients", "nowhere", says="nowhere")
        self.fails(1, "serve", "--check", "--data-dir", "data", "--allow-token", "nowhere", says="nowhere")
        self.fails(1, "serve", "--check", "--data-dir", "data", "--client-ca", "nowhere", says="nowhere")
        self.fails(2, "serve", "--check", "--data-dir", "data", "--client-certificate", "abc", says="--client-certificate")
        self.fails(2, "serve", "--check", "--plain-http", "--data-dir", "data", "--client-ca", "x", says="TLS")
        self.fails(1, "serve", "--plain-http", "--host", "0.0.0.0", "--port", "0", "--data-dir", "data", says="loopback")

    def test_the_config_file_is_strict_and_flags_win(self):
        config = self.dir / "serve.json"
        def check(text, *more):
            config.write_text(text, encoding="utf-8")
            return "serve", "--check", "--config", "serve.json", *more
        self.ok(*check('{"data_dir": "one", "port": 0, "max_jobs": 5, "allow_suite_3": true, "identity_algorithm": "ML-DSA-87", "tls_name": ["a.example"]}'))
        self.assertTrue((self.dir / "one").exists())
        self.ok(*check('{"data_dir": "one", "log_format": "text"}', "--data-dir", "two", "--log-format", "json"))
        self.assertTrue((self.dir / "two").exists())
        for text, says in [('{"data_dir": "x", "dta": 1}', '"dta" is no setting'), ('{"data-dir": "x"}', "with _ for -"),
                           ('{"port": "80"}', "whole number"), ('{"port": 80.5}', "whole number"), ('{"port": -1}', "whole number"),
                           ('{"port": 70000}', "0 to 65535"), ('{"host": 1}', "string"), ('{"plain_http": 1}', "true or false"),
                           ('{"tls_name": "a"}', "list of strings"), ('{"tls_name": [1]}', "list of strings"),
                           ('{"port": 1, "port": 2}', "twice"), ('[1]', "no JSON object"), ('{"port": 1', "no JSON object"),
                           ('{"config": "x"}', "no setting"), ('{"log_format": "xml"}', "neither json nor text")]:
            with self.subTest(text=text):
                self.fails(3, *check(text), says=says)
        self.fails(1, "serve", "--check", "--config", "nowhere.json", says="nowhere.json")
        self.fails(2, "serve", "--check", "--port", "eighty", says="--port")
        # Flags are counted: with a value they would be on whatever it says.
        for flag in ("--plain-http", "--allow-classical-tls", "--public-metrics"):
            self.fails(2, "serve", "--check", "--data-dir", "x", flag + "=false", says=flag.lstrip("-"))
        self.assertFalse((self.dir / "x").exists())

    def test_health_metrics_and_logs(self):
        process, facts = self.serve("--plain-http")
        self.assertEqual(facts["url"], f"http://127.0.0.1:{facts['port']}")
        self.assertEqual(facts["pid"], process.pid)
        self.assertEqual(self.get(facts, "/livez")[1], "alive\n")
        self.assertEqual(self.get(facts, "/readyz")[1], "ready\n")
        response, body = self.get(facts, "/private/name?secret=1")
        self.assertEqual(response.status, 404)
        self.assertEqual(response.getheader("Content-Type"), "application/problem+json")
        self.assertEqual(json.loads(body)["status"], 404)
        self.assertEqual(self.get(facts, "/livez", "POST")[0].status, 405)
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        self.get(facts, "/livez", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        self.assertEqual(self.get(facts, "/api/v1/keys/public")[0].status, 200)
        for header in ("Via", "Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Real-IP"):
            self.assertEqual(self.get(facts, "/metrics", headers={header: "somebody"})[0].status, 404, header)
        response, metrics = self.get(facts, "/metrics")
        self.assertTrue(response.getheader("Content-Type").startswith("text/plain; version=0.0.4"))
        for line in (r'prism_http_requests_total\{method="GET",route="/livez",status="2xx"\} 2',
                     r'prism_http_request_seconds_count\{route="/readyz"\} 1', "prism_sessions 0", "process_cpu_seconds_total [0-9]",
                     "prism_http_connections_total 12", "process_resident_memory_bytes [1-9]"):
            self.assertRegex(metrics, line)
        self.stop(process)
        lines = self.log_lines()
        self.assertEqual(lines[0]["event"], "started")
        self.assertEqual(lines[-1]["event"], "stopped")
        requests = [line for line in lines if line["event"] == "request"]
        self.assertEqual(len(requests), 12)
        for line in requests:
            self.assertEqual(set(line), {"time", "level", "event", "trace_id", "method", "route", "status", "bytes_in", "bytes_out",
                                         "ms", "peer"})
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn(trace, [line["trace_id"] for line in requests])
        self.assertNotIn("secret", Path(self.dir, "log").read_text(encoding="utf-8"))

    def test_sigterm_lets_requests_finish_and_sighup_reads_again(self):
        process, facts = self.serve("--plain-http")
        slow = socket.create_connection((facts["address"], facts["port"]), LIMIT)
        slow.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        idle = socket.create_connection((facts["address"], facts["port"]), LIMIT)
        process.send_signal(signal.SIGHUP)
        self.wait_for_event("reloaded")
        self.assertEqual(self.get(facts, "/livez")[0].status, 200)
        process.send_signal(signal.SIGTERM)
        self.wait_for_event("stopping")
        self.assertEqual(idle.recv(1), b"")
        slow.sendall(b"\r\n")
        answer = b""
        while piece := slow.recv(4096):
            answer += piece
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK") and b"Connection: close" in answer, answer)
        self.assertEqual(process.wait(LIMIT), 0)
        self.assertFalse((self.dir / "ready.json").exists())
        slow.close()
        idle.close()
        again, second = self.serve("--plain-http")
        self.assertEqual(second["identity"], facts["identity"])
        self.stop(again)

    def test_a_drain_ends_at_its_limit(self):
        process, facts = self.serve("--plain-http", "--drain-seconds", "1")
        with socket.create_connection((facts["address"], facts["port"]), LIMIT) as stuck:
            stuck.sendall(b"GET /livez HTTP/1.1\r\n")
            self.get(facts, "/livez")
            self.stop(process)
        self.assertEqual(self.log_lines()[-1]["cut"], 1)

    def test_systemd_is_told(self):
        path = str(self.dir / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(LIMIT)
            process, _ = self.serve("--plain-http", env={"NOTIFY_SOCKET": path})
            self.assertIn(b"READY=1", listener.recv(4096))
            self.stop(process)
            self.assertEqual(listener.recv(4096), b"STOPPING=1")

    def test_one_server_for_each_directory_and_port(self):
        process, facts = self.serve("--plain-http")
        self.fails(1, "serve", "--plain-http", "--port", "0", "--data-dir", "data")
        self.fails(5, "serve", "--plain-http", "--port", facts["port"], "--data-dir", "other", says=str(facts["port"]))
        self.stop(process)

    def test_rates_of_one_address_are_limited(self):
        process, facts = self.serve("--plain-http", "--max-requests", "3", "--max-requests-window", "3600")
        seen = [self.get(facts, "/api/v1/keys/public")[0] for _ in range(5)]
        self.assertEqual([one.status for one in seen], [200, 200, 200, 429, 429])
        self.assertTrue(all(one.getheader("RateLimit-Policy") for one in seen))
        self.assertEqual(self.get(facts, "/livez")[0].status, 200)
        self.stop(process)

    def test_tls_is_13_with_hybrid_groups_and_the_printed_keys(self):
        openssl = self.openssl()
        process, facts = self.serve()
        self.assertTrue(facts["url"].startswith("https://"))
        def connect(*more):
            return subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{facts['port']}", *more], capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=LIMIT, check=False).stdout.decode("utf-8", "replace")
        for signature, certificate in (("mldsa65", facts["certificates"][0]), ("ecdsa_secp256r1_sha256", facts["certificates"][1])):
            text = connect("-sigalgs", signature)
            self.assertIn("X25519MLKEM768", text)
            self.assertIn("TLSv1.3", text)
            pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S).group(0)
            key = subprocess.run([openssl, "x509", "-pubkey", "-noout"], input=pem.encode(), capture_output=True, check=True).stdout
            der = subprocess.run([openssl, "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
            digest = subprocess.run([openssl, "dgst", "-sha256", "-r"], input=der, capture_output=True, check=True).stdout[:64]
            self.assertEqual(certificate["fingerprint"].replace("-", "").replace("SHA256:", ""), digest.decode())
        for more in (["-tls1_2"], ["-groups", "X25519"], ["-groups", "P-256"]):
            self.assertNotIn("BEGIN CERTIFICATE", connect(*more))
        self.stop(process)
        process, facts = self.serve("--allow-classical-tls")
        self.assertIn("BEGIN CERTIFICATE", connect("-groups", "X25519"))
        self.stop(process)

    def test_new_certificates_count_after_sighup(self):
        openssl = self.openssl()
        def make(name):
            subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", f"/CN={name}", "-keyout", "tls.key", "-out", "tls.pem"], cwd=self.dir, check=True,
                           capture_output=True)
            os.chmod(self.dir / "tls.key", 0o600)
        make("first")
        process, facts = self.serve("--tls-cert", "tls.pem", "--tls-key", "tls.key")
        def subject():
            text = subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{facts['port']}"], capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=LIMIT, check=False).stdout.decode("utf-8", "replace")
            return re.search(r"subject=(.*)", text).group(1)
        self.assertIn("first", subject())
        make("second")
        process.send_signal(signal.SIGHUP)
        self.wait_for_event("reloaded")
        self.assertIn("second", subject())
        # A broken file changes nothing.
        (self.dir / "tls.pem").write_text("rubbish", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        self.wait_for_event("reloaded", 2)
        self.assertIn("second", subject())
        self.assertTrue(any(line["event"] == "reload" and line["level"] == "error" for line in self.log_lines()))
        self.stop(process)
