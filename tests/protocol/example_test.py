"""The worked examples of docs/protocol.md, computed by the client that was written from that page."""
import hashlib
import json
import os
import re
import unittest

import cbor
import client
import records
from primitives import ML_DSA_65, SigningKey, XWing, expand_label, key_and_iv

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def page():
    with open(os.path.join(SOURCE, "docs", "protocol.md"), encoding="utf-8") as file:
        return file.read()


class Handshake(unittest.TestCase):
    def test_every_value_of_the_example_follows_from_its_inputs(self):
        with open(os.path.join(SOURCE, "docs", "handshake-example.json"), encoding="utf-8") as file:
            example = {name: bytes.fromhex(value) if isinstance(value, str) else value for name, value in json.load(file).items()}
        used = set()

        def given(name):
            used.add(name)
            return example[name]

        def same(name, value):
            self.assertEqual(given(name).hex(), value.hex(), name)

        server = SigningKey(ML_DSA_65, given("server signing seed"))
        key = SigningKey(ML_DSA_65, given("client signing seed"))
        same("server fingerprint", server.fingerprint)
        same("client fingerprint", key.fingerprint)
        bundle = client.open_bundle(given("bundle"))
        self.assertEqual(bundle.fingerprint, server.fingerprint)
        self.assertTrue(bundle.valid_at(given("time")))

        # Signing is hedged, so the client's own signature comes from the example once it has been verified.
        identity, signature, finished = cbor.fields(cbor.decode(given("M3 opened")), {0: bytes, 1: bytes, 2: 48})
        name = cbor.decode(identity)[0]

        def sign(context, message):
            ML_DSA_65.verify(key.public, context, message, signature)
            return signature

        machine = client.Handshake(key, server.fingerprint, given("time"), {1: XWing(given("client KEM seed"))}, name,
                                   given("client random"), bundle.epoch, sign=sign)
        same("M1", machine.first())
        same("M3", machine.second(given("M2")))
        established = machine.fourth(given("M4"))
        same("M2 opened", machine.m2_opened)
        same("M3 opened", machine.m3_opened)
        same("M4 opened", machine.m4_opened)
        for number, value in enumerate(machine.t.values):
            same(f"T{number}", value)
        for label, value in (("ss", machine.ss), ("ES", machine.es), ("HS", machine.hs), ("MS", machine.ms), ("c hs", machine.c_hs),
                             ("s hs", machine.s_hs), ("s done", machine.s_done), ("c ap", established.c_ap), ("s ap", established.s_ap),
                             ("exp", established.exp), ("rekey", established.rekey), ("session id", established.session),
                             ("c finished", finished), ("c finished", machine.finished),
                             ("s finished key", expand_label(machine.s_hs, "finished", b"", 48)),
                             ("c finished key", expand_label(machine.c_hs, "finished", b"", 48))):
            same(label, value)
        for label, secret in (("s hs", machine.s_hs), ("c hs", machine.c_hs), ("s done", machine.s_done)):
            for kind, value in zip(("key", "iv"), key_and_iv(secret)):
                same(f"{label} {kind}", value)
        header = cbor.decode(cbor.decode(example["M2"])[2])
        same("server random", header[1])
        same("s finished", cbor.decode(machine.m2_opened)[2])
        self.assertEqual(set(example) - used, set(), "values that this test does not compute")


class Records(unittest.TestCase):
    def setUp(self):
        self.values = re.sub(r"\s", "", page()[page().index("## Worked example: records"):])
        self.session = records.Session(client.Established(
            bytes.fromhex("00112233445566778899aabbccddeeff"), 1, bytes(range(0x30)), bytes(range(0x30, 0x60)), b"",
            bytes(range(0x60, 0x90)), 1, 1, 1))
        self.binding = records.Binding("POST", "/api/v1/compute", b"\xc0" * 32, idempotency_key=b"monday")

    def on_page(self, value):
        self.assertIn(value.hex(), self.values)

    def test_a_request_and_its_answer(self):
        for value in key_and_iv(self.session.sends.secret(0)):
            self.on_page(value)
        record, name = self.session.seal(self.binding, "application/json", b'{"operation":"sum"}')
        self.on_page(records.additional_data(records.read_header(record).raw, self.binding))
        self.on_page(record)
        answer = "0101011000112233445566778899aabbccddeeff0000000000000000000000006170706c69636174696f6e2f63626f72" \
                 "5d1a0f8287cf5eba881514ec0d2bf04022"
        self.on_page(bytes.fromhex(answer))
        self.assertEqual(self.session.open(self.binding, name, 200, bytes.fromhex(answer)), ("application/cbor", b"\xa0"))

    def test_a_stream(self):
        self.session.sequence = 1
        binding = records.Binding("PUT", f"/api/v1/data/{'ab' * 32}?offset=0&size=20000")
        record, _ = self.session.seal(binding, "application/octet-stream", bytes(i % 251 for i in range(20000)),
                                      records.STREAM, b"\x5a" * 24)
        self.on_page(expand_label(self.session.sends.secret(0), "body", (1).to_bytes(8, "big"), 32))
        header = records.read_header(record)
        self.on_page(record[len(header.raw) + 24:][:32])
        self.assertEqual(len(record), 20144)
        self.on_page(hashlib.sha256(record).digest())

    def test_an_update(self):
        self.session.update()
        self.on_page(key_and_iv(self.session.sends.secret(1))[0])
        self.on_page(self.session.seal(records.Binding("GET", "/api/v1/jobs/" + "0" * 32), "", b"")[0])

    def test_fresh_keys(self):
        first = cbor.encode({1: 1, 2: 1, 3: 1, 4: b"\x11" * 1216})
        second = cbor.encode({1: 1, 2: 1, 3: 1, 4: b"\x22" * 1120})
        for value in records.fresh_secrets(self.session.rekey_secret, b"\x77" * 32, first, second):
            self.on_page(value)


if __name__ == "__main__":
    unittest.main()
