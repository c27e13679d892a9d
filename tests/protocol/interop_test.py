"""The Python client against the real state machines: handshakes, records, streams, new keys, receipts, and what an attacker
who knows the protocol gets."""
import os
import random
import subprocess
import unittest

import cbor
import client
import receipts
import records
from primitives import ML_DSA_65, SUITES, Rejected, SigningKey, key_and_iv, seal, sha256

NOW = 1_800_000_000


class Refused(Exception):
    """What the peer answered with an error; args[0] is the code."""


class Peer:
    def __init__(self):
        self.process = subprocess.Popen([os.environ["PRISM_PEER"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(60) != 0:
            raise AssertionError("the peer died")

    def text(self, *words):
        line = " ".join((w.hex() or "-") if isinstance(w, bytes) else str(w) for w in words)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        status, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        if status != "ok":
            code, _, message = rest.partition(" ")
            raise Refused(code, message)
        return rest

    def __call__(self, *words):
        out = [bytes.fromhex(word) if word != "-" else b"" for word in self.text(*words).split()]
        return out[0] if len(out) == 1 else out


class Case(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.addCleanup(self.peer.close)
        self.peer("time", NOW)

    def handshake(self, *suites, offers=None, **more):
        """A client's machine for a server that accepts these suites, ready to send M1."""
        suites = suites or (1,)
        self.bundle = client.open_bundle(self.peer("identity", *suites))
        key = SigningKey(SUITES[suites[0]][1])
        return client.Handshake(key, self.bundle.fingerprint, NOW, {s: SUITES[s][0]() for s in offers or suites}, **more)

    def session(self, *suites, **more):
        machine = self.handshake(*suites, **more)
        m4, me = self.peer("finish", machine.second(self.peer("accept", machine.first())))
        self.assertEqual(me, machine.key.fingerprint)
        self.established = machine.fourth(m4)
        return records.Session(self.established)

    def refused(self, *words):
        with self.assertRaises(Refused) as caught:
            self.peer(*words)
        return caught.exception.args

    def send(self, session, binding, body, kind="application/json", form=None):
        record, name = session.seal(binding, kind, body, form)
        return self.deliver(binding, record), name

    def deliver(self, binding, record):
        kind, body = self.peer("open", binding.method, binding.path, binding.context, binding.program,
                               binding.idempotency_key.decode() or "-", record)
        return kind.decode(), body


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


BINDING = records.Binding("POST", "/api/v1/compute?x=1", b"\x01" * 32, b"\x02" * 32, b"key")


class Handshakes(Case):
    def test_every_suite_ends_in_a_session(self):
        for suites, offers in (((1,), (1,)), ((2,), (2,)), ((3,), (3,)), ((2, 3), (3, 2)), ((3, 2), (2, 3))):
            with self.subTest(suites=suites):
                session = self.session(*suites, offers=offers)
                self.assertEqual(session.suite, suites[0])  # the server's preference, not the client's
                got, name = self.send(session, BINDING, b"{}")
                self.assertEqual(got, ("application/json", b"{}"))
                self.assertEqual(session.open(BINDING, name, 200, self.peer("reply", 200, "text/plain", b"hello")),
                                 ("text/plain", b"hello"))

    def test_unknown_suites_are_skipped_and_none_in_common_is_refused(self):
        machine = self.handshake(1)
        machine.kems = {4711: SUITES[2][0]()} | machine.kems
        machine.second(self.peer("accept", machine.first()))
        self.assertEqual(machine.suite, 1)
        machine = self.handshake(1)
        machine.kems = {2: SUITES[2][0]()}
        self.refused("accept", machine.first())

    def test_a_retry_costs_the_server_nothing_and_lets_this_hello_in(self):
        machine = self.handshake()
        first = machine.first()
        self.assertEqual(self.peer.text("retry", first).split()[0][:2], "a3")
        retry = self.peer("retry", first)
        cookie = machine.cookie_of(retry)
        self.assertIsNotNone(cookie)
        again = machine.first(cookie)
        self.assertEqual(self.peer.text("admits", again), "yes")
        self.assertEqual(self.peer.text("admits", first), "no")
        machine.fourth(self.peer("finish", machine.second(self.peer("accept", again)))[0])

    def test_a_rotated_server_is_followed_by_those_who_pinned_its_old_key(self):
        old = self.handshake()
        pin = (self.bundle.fingerprint, self.bundle.epoch)
        rotated = client.open_bundle(self.peer("rotate"))
        self.assertEqual(client.decide(pin, rotated), "rotated")
        self.assertEqual(client.decide((rotated.fingerprint, rotated.epoch), self.bundle), "changed")
        self.assertEqual(client.decide(None, rotated), "ask")
        self.refused("accept", old.first())  # this hello names the old key
        self.handshake()
        self.assertEqual(client.decide(pin, self.bundle), "changed")

    def test_a_client_whose_key_handed_over_shows_the_chain(self):
        machine = self.handshake()
        old = SigningKey(ML_DSA_65)
        statement = cbor.encode({0: 2, 1: old.fingerprint, 2: machine.key.fingerprint, 3: NOW})
        machine.links = [{0: -49, 1: old.public, 2: NOW, 3: old.sign(client.ROTATE, statement)}]
        machine.fourth(self.peer("finish", machine.second(self.peer("accept", machine.first())))[0])

    def test_wrong_third_messages_all_get_one_answer(self):
        machine = self.handshake()
        other = SigningKey(ML_DSA_65)
        self.peer("refuse", other.fingerprint)
        tampered = {}

        def attempt(name, change=None, **more):
            hello = self.handshake_with_same_server(machine, **more)
            third = hello.second(self.peer("accept", hello.first()))
            tampered[name] = self.refused("finish", change(third, hello) if change else third)

        def resealed(change):
            def act(_, hello):
                key, iv = key_and_iv(hello.c_hs)
                proof = cbor.decode(hello.m3_opened)
                change(proof)
                return cbor.encode({0: 1, 1: 3, 2: hello.session, 3: seal(key, iv, cbor.encode(proof), hello.t.values[5])})
            return act

        attempt("unknown client", key=other)
        attempt("wrong key signs", sign=lambda context, message: other.sign(context, message))
        attempt("wrong context", sign=lambda context, message: machine.key.sign(client.SERVER_AUTH, message))
        attempt("wrong message", sign=lambda context, message: machine.key.sign(context, bytes(48)))
        attempt("wrong finished", resealed(lambda proof: proof.update({2: bytes(48)})))
        attempt("no identity", resealed(lambda proof: proof.update({0: b""})))
        attempt("short signature", resealed(lambda proof: proof.update({1: proof[1][:-1]})))
        attempt("bad tag", lambda third, _: flipped(third, len(third) - 1, 0))
        attempt("bad session", lambda third, _: flipped(third, 10, 0))
        attempt("cut", lambda third, _: third[:-5])
        attempt("nothing", lambda third, _: b"")
        attempt("foreign link", resealed(lambda proof: proof.update({0: cbor.encode(
            cbor.decode(proof[0]) | {2: [{0: -49, 1: other.public, 2: NOW, 3: bytes(3309)}]})})))
        self.assertEqual({(code, message.split()[0]) for code, message in tampered.values()}, {("unauthorised", "session-rejected")})
        # The audit log knows better.
        reasons = {name: message.split()[1] for name, (_, message) in tampered.items()}
        self.assertEqual(reasons["unknown client"], "unknown-client", reasons)
        self.assertGreaterEqual(len(set(reasons.values())), 5, reasons)

    def handshake_with_same_server(self, machine, **more):
        key = more.pop("key", machine.key)
        return client.Handshake(key, machine.server, NOW, {1: SUITES[1][0]()}, **more)

    def test_a_third_message_works_once_and_for_its_own_session(self):
        machine = self.handshake()
        third = machine.second(self.peer("accept", machine.first()))
        self.peer("finish", third)
        self.refused("finish", third)
        again = self.handshake_with_same_server(machine)
        again.second(self.peer("accept", again.first()))
        self.refused("finish", third)

    def test_every_flipped_bit_of_the_second_message_is_noticed(self):
        machine = self.handshake()
        second = self.peer("accept", machine.first())
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        kems = machine.kems
        for at in [*range(60), *(chance.randrange(len(second)) for _ in range(300))]:
            with self.subTest(seed=seed, at=at), self.assertRaises((cbor.Malformed, Rejected)):
                machine.kems = kems
                machine.second(flipped(second, at, chance.randrange(8)))

    def test_every_flipped_byte_of_the_first_message_is_refused_or_noticed(self):
        machine = self.handshake()
        first = machine.first()
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        kems = machine.kems
        for at in [*range(40), *range(len(first) - 90, len(first)), *(chance.randrange(len(first)) for _ in range(60))]:
            with self.subTest(seed=seed, at=at):
                try:
                    second = self.peer("accept", flipped(first, at, chance.randrange(8)))
                except Refused:
                    continue
                machine.kems = kems
                with self.assertRaises((cbor.Malformed, Rejected)):
                    machine.second(second)

    def test_clocks_more_than_five_minutes_off_are_refused(self):
        for off, good in ((-301, False), (-300, True), (300, True), (301, False)):
            machine = self.handshake()
            machine.now = NOW + off
            with self.subTest(off=off):
                if good:
                    self.peer("accept", machine.first())
                else:
                    self.refused("accept", machine.first())


class Records(Case):
    def test_bodies_of_every_size_travel_both_ways(self):
        session = self.session()
        for size in (0, 1, 16383, 16384, 65536, 65537, 81920, 1 << 20):
            body = os.urandom(size)
            for form in (None, records.STREAM):
                with self.subTest(size=size, form=form):
                    (kind, got), name = self.send(session, BINDING, body, "application/octet-stream", form)
                    self.assertEqual((kind, got == body), ("application/octet-stream", True))
            answer = self.peer("reply", 200, "application/octet-stream", body)
            self.assertTrue(session.open(BINDING, name, 200, answer)[1] == body)

    def test_records_open_only_where_they_belong(self):
        session = self.session()
        record, _ = session.seal(BINDING, "application/json", b"{}")
        for change in ({"method": "PUT"}, {"path": "/api/v1/compute?x=2"}, {"context": bytes(32)}, {"program": bytes(32)},
                       {"idempotency_key": b"other"}, {"idempotency_key": b""}):
            with self.subTest(change=change), self.assertRaises(Refused):
                self.deliver(records.Binding(**(vars(BINDING) | change)), record)
        self.assertEqual(self.deliver(BINDING, record)[1], b"{}")

    def test_answers_open_only_for_their_request_and_status(self):
        session = self.session()
        _, name = self.send(session, BINDING, b"1")
        answer = self.peer("reply", 200, "text/plain", b"one")
        for request, status in (((name[0], name[1] + 1), 200), (name, 201)):
            with self.assertRaises(Rejected):
                session.open(BINDING, request, status, answer)
        self.assertEqual(session.open(BINDING, name, 200, answer)[1], b"one")
        with self.assertRaises(Rejected):
            session.open(BINDING, name, 200, answer)

    def test_replays_are_refused_and_order_does_not_matter(self):
        session = self.session()
        sealed = [session.seal(BINDING, "text/plain", str(i).encode())[0] for i in range(40)]
        seed = random.randrange(1 << 32)
        order = random.Random(seed).sample(range(40), 40)
        for i in order[:30]:
            self.assertEqual(self.deliver(BINDING, sealed[i])[1], str(i).encode(), seed)
        for i in order[:30]:
            with self.assertRaises(Refused) as caught:
                self.deliver(BINDING, sealed[i])
            self.assertEqual(caught.exception.args[0], "refused")
        for i in order[30:]:
            self.assertEqual(self.deliver(BINDING, sealed[i])[1], str(i).encode(), seed)

    def test_what_is_too_old_to_tell_is_refused(self):
        session = self.session()
        old, _ = session.seal(BINDING, "text/plain", b"old")
        session.sequence = 1024
        self.send(session, BINDING, b"new")
        with self.assertRaises(Refused):
            self.deliver(BINDING, old)

    def test_sixteen_forgeries_end_a_session(self):
        session = self.session()
        good, _ = session.seal(BINDING, "text/plain", b"good")
        for i in range(16):
            with self.assertRaises(Refused):
                self.deliver(BINDING, flipped(good, len(good) - 1 - i, 0))
        with self.assertRaises(Refused) as caught:
            self.deliver(BINDING, good)
        self.assertEqual(caught.exception.args[0], "unauthorised")

    def test_streams_that_are_cut_swapped_or_longer_are_refused(self):
        for change in ("cut at a chunk", "cut in a chunk", "swapped", "longer", "salt", "commitment", "chunk"):
            session = self.session()
            record, _ = session.seal(BINDING, "text/plain", os.urandom(5 * records.CHUNK + 7))
            head = 32 + len("text/plain") + 56
            size = records.CHUNK + 16
            wrong = {"cut at a chunk": record[:head + 2 * size], "cut in a chunk": record[:head + 2 * size + 100],
                     "swapped": record[:head] + record[head + size:head + 2 * size] + record[head:head + size] + record[head + 2 * size:],
                     "longer": record + record[head:head + size], "salt": flipped(record, head - 56, 0),
                     "commitment": flipped(record, head - 1, 0), "chunk": flipped(record, head + 3 * size, 7)}[change]
            with self.subTest(change=change), self.assertRaises(Refused) as caught:
                self.deliver(BINDING, wrong)
            # Lengths that no stream has are told from tags: everybody sees them.
            self.assertEqual(caught.exception.args[0], "malformed" if change == "cut at a chunk" else "integrity")

    def test_another_session_cannot_read_it(self):
        one = self.session()
        record, _ = one.seal(BINDING, "text/plain", b"one")
        two = self.session()
        with self.assertRaises(Refused):
            self.deliver(BINDING, record)
        moved = record[:4] + two.id + record[20:]
        with self.assertRaises(Refused):
            self.deliver(BINDING, moved)


class Epochs(Case):
    def exchange(self, session, text=b"x"):
        (_, got), name = self.send(session, BINDING, text)
        self.assertEqual(got, text)
        self.assertEqual(session.open(BINDING, name, 200, self.peer("reply", 200, "text/plain", text)), ("text/plain", text))

    def test_updates_of_either_side_are_followed(self):
        session = self.session()
        self.exchange(session)
        session.update()
        self.exchange(session)
        self.peer("update")
        self.exchange(session)
        for _ in range(8):
            session.update()
        self.exchange(session)

    def test_an_update_too_far_ahead_is_refused(self):
        session = self.session()
        for _ in range(9):
            session.update()
        with self.assertRaises(Refused) as caught:
            self.send(session, BINDING, b"x")
        self.assertEqual(caught.exception.args[0], "refused")

    def test_fresh_keys_again_and_again(self):
        for suite in (1, 2, 3):
            session = self.session(suite)
            for _ in range(3):
                self.exchange(session)
                session.finish_rekey(self.peer("rekey", session.begin_rekey()))
                self.exchange(session)
                session.update()
                self.peer("update")
                self.exchange(session)
            self.assertEqual(session.epoch, 3 << 16 | 1)

    def test_a_lost_answer_to_a_rekey_loses_nothing(self):
        session = self.session()
        self.peer("rekey", session.begin_rekey())  # the answer never arrives
        self.exchange(session)
        session.finish_rekey(self.peer("rekey", session.begin_rekey()))
        self.exchange(session)

    def test_a_rekey_does_not_repeat(self):
        session = self.session()
        first = session.begin_rekey()
        self.peer("rekey", first)
        self.refused("rekey", first)

    def test_old_epochs_close_after_a_minute(self):
        session = self.session()
        late, _ = session.seal(BINDING, "text/plain", b"late")
        later, _ = session.seal(BINDING, "text/plain", b"later")
        session.update()
        self.exchange(session)
        self.assertEqual(self.deliver(BINDING, late)[1], b"late")
        self.peer("time", NOW + 120)
        with self.assertRaises(Refused):
            self.deliver(BINDING, later)

    def test_a_session_ends_when_its_limits_say(self):
        session = self.session()
        self.peer("time", NOW + self.established.lifetime + 1)
        with self.assertRaises(Refused) as caught:
            self.send(session, BINDING, b"x")
        self.assertEqual(caught.exception.args[0], "unauthorised")


class Receipts(Case):
    def test_receipts_of_both_transports_and_algorithms_verify(self):
        question, answer = sha256(b"question"), sha256(b"answer")
        for suite, in_session in ((1, False), (2, False), (1, True), (2, True)):
            session = self.session(suite) if in_session else self.handshake(suite) and None
            claims = receipts.verify(self.peer("receipt", question, answer), self.bundle.fingerprint)
            self.assertEqual((claims["request"], claims["result"], claims["server"]), (question, answer, "peer"))
            self.assertEqual(claims["session"], session and session.id)
            self.assertEqual(claims["transport"], 0 if session else 1)

    def test_a_receipt_of_a_rotated_key_verifies_by_the_old_pin(self):
        self.handshake()
        pin = self.bundle.fingerprint
        self.peer("rotate")
        receipts.verify(self.peer("receipt", bytes(32), bytes(32)), pin)
        with self.assertRaises(Rejected):
            receipts.verify(self.peer("receipt", bytes(32), bytes(32)), bytes(32))

    def test_no_flipped_bit_verifies(self):
        self.handshake()
        receipt = self.peer("receipt", sha256(b"q"), sha256(b"a"))
        receipts.verify(receipt, self.bundle.fingerprint)
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        for at in [*range(70), *(chance.randrange(len(receipt)) for _ in range(300))]:
            with self.subTest(seed=seed, at=at), self.assertRaises((cbor.Malformed, Rejected)):
                receipts.verify(flipped(receipt, at, chance.randrange(8)), self.bundle.fingerprint)


if __name__ == "__main__":
    unittest.main()
