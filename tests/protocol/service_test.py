"""The Python client against a real server process, and what a man in the middle gets from it."""
import hashlib
import json
import os
import secrets
import subprocess
import tempfile
import time
import unittest

import cbor
import receipts
import records
from primitives import XWing, sha256
from service import Client, Problem, Server

PROGRAM = os.environ["PRISM_PROGRAM"]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM)
        cls.addClassCleanup(cls.server.close)

    def client(self):
        return Client(self.server).open()

    def problem(self, *wanted):
        return _Expect(self, wanted)


class _Expect:
    def __init__(self, case, wanted):
        self.case, self.wanted = case, wanted

    def __enter__(self):
        self.caught = self.case.assertRaises(Problem)
        self.caught.__enter__()

    def __exit__(self, *error):
        self.caught.__exit__(*error)
        self.case.assertEqual(self.caught.exception.args, self.wanted)
        return True


class Sessions(Case):
    def test_uploads_travel_in_records_and_streams_and_are_there_afterwards(self):
        me = self.client()
        for size, form in ((1000, None), (70_000, None), (1000, records.STREAM), (1 << 20, None)):
            with self.subTest(size=size, form=form):
                data = secrets.token_bytes(size)
                status, state, digest = me.upload("data", data, form)
                self.assertEqual((status, state), (201, {"complete": True, "digest": digest.hex(), "offset": size, "size": size}))
                status, kind, body = me.call("GET", f"/api/v1/data/{digest.hex()}")
                self.assertEqual((status, kind, json.loads(body)), (200, "application/json", state))
                self.assertEqual(me.upload("data", data, form)[0], 200)

    def test_an_upload_in_parts_goes_on_where_the_server_says(self):
        me = self.client()
        data = secrets.token_bytes(5000)
        path = f"/api/v1/data/{hashlib.sha256(data).hexdigest()}"
        self.assertEqual(me.call("PUT", f"{path}?offset=0&size=5000", data[:3000], "application/octet-stream")[0], 200)
        self.assertEqual(json.loads(me.call("GET", path)[2])["offset"], 3000)
        with self.problem("offset-mismatch", 409, True):
            me.call("PUT", f"{path}?offset=1000&size=5000", data[1000:], "application/octet-stream")
        self.assertEqual(me.call("PUT", f"{path}?offset=3000&size=5000", data[3000:], "application/octet-stream")[0], 201)

    def test_other_bytes_than_the_digest_says_are_refused_inside_the_session(self):
        me = self.client()
        with self.problem("digest-mismatch", 422, True):
            me.call("PUT", f"/api/v1/data/{'00' * 32}?offset=0&size=3", b"abc", "application/octet-stream")

    def test_what_belongs_to_another_client_is_not_there(self):
        me, other = self.client(), self.client()
        _, _, digest = me.upload("data", secrets.token_bytes(100))
        with self.problem("not-found", 404, True):
            other.call("GET", f"/api/v1/data/{digest.hex()}")
        with self.problem("not-found", 404, True):
            other.call("GET", f"/api/v1/data/{'ab' * 32}")

    def test_new_keys_inside_a_session(self):
        me = self.client()
        for _ in range(2):
            me.rekey()
            me.session.update()
            self.assertEqual(me.upload("data", secrets.token_bytes(100))[0], 201)

    def test_a_closed_session_is_gone(self):
        me = self.client()
        self.assertEqual(me.call("DELETE", f"/api/v1/session/{me.session.id.hex()}")[0], 200)
        with self.problem("session-expired", 401, False):
            me.upload("data", b"x")

    def test_a_request_that_makes_no_sense_is_a_problem_in_a_record(self):
        me = self.client()
        with self.problem("invalid-request", 400, True):
            me.call("POST", "/api/v1/plan", b"{")
        with self.problem("not-found", 404, True):
            me.call("GET", f"/api/v1/jobs/{'0' * 32}")


class Holder:
    """The process that holds the homomorphic key."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen([os.environ["PRISM_HOLDER"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        status, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        if status != "ok":
            raise AssertionError(rest)
        return rest

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def made(self, what, *words):
        self.ask(what, *words, self.path(what))
        with open(self.path(what), "rb") as file:
            return file.read()

    def opened(self, result):
        words = self.ask("open", self.path("result", result)).split()
        return dict(zip(words[::2], map(float, words[1::2])))


class Computing(Case):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="prism-protocol-")
        self.addCleanup(self.folder.cleanup)
        self.holder = Holder(self.folder.name)
        self.addCleanup(self.holder.close)

    def check(self, me, body, context, data, answer):
        """The numbers are right, and the receipt is about exactly this."""
        result, receipt = cbor.fields(cbor.decode(answer), {"result": bytes, "receipt": bytes})
        found = self.holder.opened(result)
        for name, value, off in (("mean", 300, 0.5), ("variance", 20_000, 20), ("sum", 1500, 1)):
            self.assertAlmostEqual(found[name], value, delta=off)
        claims = receipts.verify(receipt, me.bundle.fingerprint)
        self.assertEqual(claims["request"], sha256(body))
        self.assertEqual(claims["context"], sha256(context))
        self.assertEqual(claims["inputs"], [sha256(data)])
        self.assertEqual(claims["result"], sha256(result))
        self.assertEqual((claims["transport"], claims["session"]), (0, me.session.id))
        self.assertLess(abs(claims["time"] - time.time()), 300)
        return claims

    def test_statistics_on_encrypted_numbers_from_the_plan_to_the_receipt(self):
        me = self.client()
        _, _, plan = me.call("POST", "/api/v1/plan", self.holder.ask("question").encode())
        context = self.holder.made("context", self.holder.path("plan", plan))
        data = self.holder.made("data")
        self.assertEqual(me.upload("contexts", context)[0], 201)
        self.assertEqual(me.upload("data", data)[0], 201)

        request = self.holder.ask("request")
        body = (f'{{"context":"{sha256(context).hex()}","inputs":{{"x":"{sha256(data).hex()}"}},"request":{request}}}').encode()
        status, kind, answer = me.call("POST", "/api/v1/compute", body, context=sha256(context))
        if status == 202:
            job = json.loads(answer)["id"]
            while json.loads(me.call("GET", f"/api/v1/jobs/{job}")[2])["state"] in ("queued", "running"):
                time.sleep(0.2)
            status, kind, answer = me.call("GET", f"/api/v1/jobs/{job}/answer")
        self.assertEqual((status, kind), (200, "application/cbor"))
        first = self.check(me, body, context, data, answer)

        inline = cbor.encode({"context": sha256(context), "inputs": {"x": data}, "request": request})
        _, kind, answer = me.call("POST", "/api/v1/compute/encrypted", inline, "application/cbor")
        second = self.check(me, inline, context, data, answer)
        self.assertGreater(second["sequence"], first["sequence"])
        self.assertEqual(first["program"], second["program"])

        with self.problem("conflict", 409, True):
            me.call("POST", "/api/v1/compute", body, context=bytes([1]) * 32)
        with self.problem("not-found", 404, True):
            self.client().call("POST", "/api/v1/compute", body)


class Middle(Case):
    """Whoever ends TLS: reads and changes everything outside records."""

    def sealed(self, me, size=100):
        data = secrets.token_bytes(size)
        digest = hashlib.sha256(data).hexdigest()
        binding = records.Binding("PUT", f"/api/v1/data/{digest}?offset=0&size={size}")
        return binding, *me.session.seal(binding, "application/octet-stream", data)

    def test_a_replay_is_refused(self):
        me = self.client()
        for size in (100, 70_000):
            binding, record, name = self.sealed(me, size)
            me.send(binding, record, name)
            with self.problem("record-replayed", 409, False):
                me.send(binding, record, name)

    def test_a_record_for_another_path_method_or_context_is_refused(self):
        me = self.client()
        binding, record, name = self.sealed(me)
        for change in ({"path": f"/api/v1/data/{'00' * 32}?offset=0&size=100"}, {"path": binding.path.replace("/data/", "/contexts/")},
                       {"path": binding.path + "&x=1"}, {"context": b"\x01" * 32}, {"idempotency_key": b"x"}):
            with self.subTest(change=change), self.problem("record-rejected", 401, False):
                me.send(records.Binding(**(vars(binding) | change)), record, name)
        self.assertEqual(me.send(binding, record, name)[0], 201)

    def test_flipped_bits_are_refused_and_sixteen_of_them_end_the_session(self):
        me = self.client()
        binding, record, name = self.sealed(me)
        for at in range(16):
            with self.problem("record-rejected", 401, False):
                me.send(binding, record[:-1 - at] + bytes([record[-1 - at] ^ 1]) + record[len(record) - at:], name)
        with self.problem("session-expired", 401, False):
            me.send(binding, record, name)

    def test_a_record_of_an_unknown_session_is_told_nothing_else(self):
        me = self.client()
        binding, record, name = self.sealed(me)
        with self.problem("session-expired", 401, False):
            me.send(binding, record[:4] + bytes(16) + record[20:], name)
        self.assertEqual(me.send(binding, record, name)[0], 201)

    def test_what_is_no_record_is_refused(self):
        me = self.client()
        binding, record, name = self.sealed(me)
        for wrong in (b"", record[:31], b"\x02" + record[1:], record[:1] + b"\x03" + record[2:], record[:2] + b"\x01" + record[3:], b"{}"):
            with self.subTest(wrong=wrong[:8]), self.assertRaises(Problem) as caught:
                me.send(binding, wrong, name)
            self.assertIn(caught.exception.args[:2], [("record-rejected", 401), ("invalid-request", 400)])

    def test_requests_without_a_session_are_unauthenticated(self):
        status, headers, _ = self.server.request("GET", f"/api/v1/data/{'00' * 32}")
        self.assertEqual((status, headers["Content-Type"]), (401, "application/problem+json"))


class Handshakes(Case):
    def rejected(self, path, body):
        status, headers, answer = self.server.request("POST", path, body, {"Content-Type": "application/cbor"})
        value = json.loads(answer)
        value.pop("instance", None)
        return status, headers["Content-Type"], json.dumps(value, sort_keys=True)

    def test_all_refusals_of_a_third_message_are_one(self):
        me = Client(self.server)
        seen = {}
        for name in ("bad tag", "cut", "nothing", "wrong signature", "another session"):
            sign = (lambda context, message: me.key.sign(b"prism/v1/bundle", message)) if name == "wrong signature" else None
            machine = me.handshake(sign=sign)
            third = machine.second(me.post("/api/v1/session/initiate", machine.first()))
            wrong = {"bad tag": third[:-1] + bytes([third[-1] ^ 1]), "wrong signature": third, "cut": third[:100], "nothing": b"",
                     "another session": cbor.encode(cbor.decode(third) | {2: bytes(16)})}[name]
            seen[name] = self.rejected(f"/api/v1/session/{machine.session.hex()}/finish", wrong)
            # And a good one afterwards comes too late.
            self.assertEqual(self.rejected(f"/api/v1/session/{machine.session.hex()}/finish", third)[0], 401)
        seen["unknown session"] = self.rejected(f"/api/v1/session/{'00' * 16}/finish", third)
        self.assertEqual({answer[:2] for answer in seen.values()}, {(401, "application/problem+json")}, seen)
        self.assertEqual(len(set(seen.values())), 1, seen)

    def test_first_messages_that_are_none_are_invalid_and_strangers_are_rejected(self):
        me = Client(self.server)
        good = me.handshake().first()
        hello = cbor.decode(cbor.decode(good)[2])

        def with_hello(change):
            return cbor.encode({0: 1, 1: 1, 2: cbor.encode(hello | change)})

        short_key = with_hello({0: [[1, XWing().public[:-1]]]})
        no_key = with_hello({0: [[1, b"\xff" * 1216]]})
        for wrong in (b"", b"{}", good[:-1], good + b"\0", short_key, no_key, with_hello({9: 1}), bytes(9000)):
            with self.subTest(wrong=wrong[:8], length=len(wrong)):
                status, _, body = self.rejected("/api/v1/session/initiate", wrong)
                self.assertIn((status, json.loads(body)["type"]), [(400, "/problems/invalid-request"), (413, "/problems/content-too-large")])
        for wrong in (with_hello({2: bytes(32)}), with_hello({3: hello[3] - 1000}), with_hello({0: [[4711, b"x"]]}),
                      with_hello({4: bytes(32)})):
            status, _, body = self.rejected("/api/v1/session/initiate", wrong)
            self.assertEqual((status, json.loads(body)["type"]), (401, "/problems/session-rejected"))


if __name__ == "__main__":
    unittest.main()
