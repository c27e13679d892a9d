"""The compute service over HTTP, as docs/rest.md describes it: session form, written from that page and protocol.md."""
import base64
import hashlib
import http.client
import json
import os
import subprocess
import tempfile
import time

import client
import records
from primitives import ML_DSA_65, SigningKey, XWing


class Server:
    """A `prism serve` process of its own, on plain HTTP: the session form does not rest on TLS."""

    def __init__(self, program, *flags):
        self.folder = tempfile.TemporaryDirectory(prefix="prism-protocol-")
        ready = os.path.join(self.folder.name, "ready.json")
        with open(os.path.join(self.folder.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--host", "127.0.0.1", "--port", "0", "--plain-http", "--data-dir", os.path.join(self.folder.name, "data"),
                 "--ready-file", ready, *flags], stdout=log, stderr=log)
        for _ in range(600):
            if os.path.exists(ready) or self.process.poll() is not None:
                break
            time.sleep(0.05)
        if self.process.poll() is not None or not os.path.exists(ready):
            raise AssertionError("no server: " + self.log()[-2000:])
        with open(ready, encoding="utf-8") as file:
            self.port = json.load(file)["port"]

    def log(self):
        with open(os.path.join(self.folder.name, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def close(self):
        self.process.terminate()
        status = self.process.wait(60)
        self.folder.cleanup()
        if status != 0:
            raise AssertionError(f"the server ended with {status}")

    def request(self, method, path, body=None, headers=None):
        """Status, header fields and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


class Problem(Exception):
    """args: name, status, and whether it came inside a record."""


def problem_name(kind, body):
    if kind != "application/problem+json":
        raise AssertionError(f"a refusal of type {kind}")
    value = json.loads(body)
    if not value["type"].startswith("/problems/") or not value["title"]:
        raise AssertionError(f"no problem document: {value}")
    return value["type"].removeprefix("/problems/")


class Client:
    """One identity's session with a server."""

    def __init__(self, server, key=None):
        self.server, self.key = server, key or SigningKey(ML_DSA_65)
        status, headers, body = server.request("GET", "/api/v1/keys/public")
        if (status, headers["Content-Type"]) != (200, "application/cbor"):
            raise AssertionError(f"keys/public: {status} {headers['Content-Type']}")
        self.bundle = client.open_bundle(body)

    def post(self, path, body):
        status, headers, answer = self.server.request("POST", path, body, {"Content-Type": "application/cbor"})
        if status != 200:
            raise Problem(problem_name(headers["Content-Type"], answer), status, False)
        return answer

    def handshake(self, **more):
        return client.Handshake(self.key, self.bundle.fingerprint, int(time.time()), {1: XWing()}, minimum_epoch=self.bundle.epoch, **more)

    def open(self):
        machine = self.handshake()
        third = machine.second(self.post("/api/v1/session/initiate", machine.first()))
        self.session = records.Session(machine.fourth(self.post(f"/api/v1/session/{machine.session.hex()}/finish", third)))
        return self

    def call(self, method, path, body=None, kind="application/json", context=None, idempotency_key=None, form=None):
        """Status, inner content type and body of an answer in a record. Raises Problem."""
        binding = records.Binding(method, path, context or bytes(32), idempotency_key=(idempotency_key or "").encode())
        record, name = self.session.seal(binding, kind if body is not None else "application/octet-stream", body or b"", form)
        return self.send(binding, record, name, body is not None)

    def send(self, binding, record, name, has_body=True):
        headers = {}
        if binding.context != bytes(32):
            headers["Prism-Context"] = binding.context.hex()
        if binding.idempotency_key:
            headers["Idempotency-Key"] = f'"{binding.idempotency_key.decode()}"'
        if has_body:
            headers["Content-Type"] = "application/prism-record"
        else:
            headers["Prism-Record"] = base64.urlsafe_b64encode(record).rstrip(b"=").decode()
        status, headers, body = self.server.request(binding.method, binding.path, record if has_body else None, headers)
        if headers["Content-Type"] != "application/prism-record":
            raise Problem(problem_name(headers["Content-Type"], body), status, False)
        kind, body = self.session.open(binding, name, status, body)
        if status >= 400:
            raise Problem(problem_name(kind, body), status, True)
        return status, kind, body

    def rekey(self):
        _, _, second = self.call("POST", f"/api/v1/session/{self.session.id.hex()}/rekey", self.session.begin_rekey(), "application/cbor")
        self.session.finish_rekey(second)

    def upload(self, kind, data, form=None):
        digest = hashlib.sha256(data).digest()
        status, _, body = self.call("PUT", f"/api/v1/{kind}/{digest.hex()}?offset=0&size={len(data)}", data, "application/octet-stream", form=form)
        return status, json.loads(body), digest
