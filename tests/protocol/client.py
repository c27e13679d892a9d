"""A client of the protocol, written from docs/protocol.md alone: bundles, pins and the handshake."""
import os
from dataclasses import dataclass, field

import cbor
from cbor import Malformed
from primitives import (ALGORITHMS, SUITES, ZEROS, Rejected, expand_label, extract, hmac, is_algorithm, key_and_iv, next_salt,
                        open_sealed, seal, sha384)

BUNDLE, SERVER_AUTH, CLIENT_AUTH, ROTATE = (b"prism/v1/" + name for name in (b"bundle", b"server-auth", b"client-auth", b"rotate"))
MAX_TIME = 253402300799


@dataclass
class Bundle:
    name: str
    epoch: int
    algorithm: object
    key: bytes
    suites: list
    profiles: bytes
    not_before: int
    not_after: int
    fingerprint: bytes
    previous: list  # fingerprints of earlier keys, oldest first

    def valid_at(self, now):
        return self.not_before - 300 <= now <= self.not_after + 300


def verify_links(owner, links, fingerprint):
    """Fingerprints of the keys before the one with `fingerprint`, oldest first; each link signs for the next key."""
    keys = []
    for link in links:
        number, key, issued, signature = cbor.fields(
            link, {0: is_algorithm, 1: bytes, 2: cbor.uint(0, MAX_TIME), 3: bytes})
        keys.append((ALGORITHMS[number], key, issued, signature))
    prints = [algorithm.fingerprint(key) for algorithm, key, _, _ in keys]
    for (algorithm, key, issued, signature), before, after in zip(keys, prints, prints[1:] + [fingerprint]):
        algorithm.verify(key, ROTATE, cbor.encode({0: owner, 1: before, 2: after, 3: issued}), signature)
    return prints


def open_bundle(data):
    if len(data) > 73728:
        raise Malformed("a bundle too long")
    _, body, signature = cbor.fields(cbor.decode(data), {0: cbor.uint(1, 1), 1: bytes, 2: bytes})
    name, epoch, number, key, suites, profiles, not_before, not_after, links = cbor.fields(cbor.decode(body), {
        0: cbor.is_name, 1: cbor.uint(), 2: is_algorithm, 3: bytes, 4: list, 5: 32, 6: cbor.uint(0, MAX_TIME),
        7: cbor.uint(0, MAX_TIME), 8: list})
    algorithm = ALGORITHMS[number]
    if not all(isinstance(s, int) for s in suites) or not 1 <= len(suites) <= 3 or len(set(suites)) != len(suites) or len(links) > 8:
        raise Malformed("suites or links")
    if any(s not in SUITES or SUITES[s][1] is not algorithm for s in suites):
        raise Malformed("a suite that does not fit the key")
    if not not_before <= not_after <= not_before + 86400:
        raise Malformed("validity")
    algorithm.verify(key, BUNDLE, body, signature)
    fingerprint = algorithm.fingerprint(key)
    return Bundle(name, epoch, algorithm, key, suites, profiles, not_before, not_after, fingerprint,
                  verify_links(1, links, fingerprint))


def decide(pin, bundle):
    """The table of the section Pins; `pin` is (fingerprint, epoch) or None."""
    if pin is None:
        return "ask"
    fingerprint, epoch = pin
    if bundle.fingerprint != fingerprint and fingerprint not in bundle.previous:
        return "changed"
    if bundle.epoch < epoch:
        return "rollback"
    return "accept" if bundle.fingerprint == fingerprint else "rotated"


class Transcript:
    def __init__(self):
        self.values = [sha384(b"prism/v1/transcript")]

    def add(self, part):
        number = len(self.values)
        self.values.append(sha384(self.values[-1] + bytes([number]) + len(part).to_bytes(8, "big") + part))
        return self.values[-1]


@dataclass
class Established:
    session: bytes
    suite: int
    c_ap: bytes
    s_ap: bytes
    exp: bytes
    rekey: bytes
    lifetime: int
    rekey_after: int
    rekey_after_records: int


@dataclass
class Handshake:
    """The client's machine. Everything random can be given, so that the worked example can be followed."""
    key: object                    # SigningKey
    server: bytes                  # the fingerprint that is expected
    now: int
    kems: dict                     # suite -> KEM key, by preference
    name: str = "python"
    random: bytes = field(default_factory=lambda: os.urandom(32))
    minimum_epoch: int = 0
    links: list = field(default_factory=list)
    sign: object = None            # takes the place of key.sign

    def first(self, cookie=None):
        offers = [[suite, kem.public] for suite, kem in self.kems.items()]
        hello = cbor.encode({0: offers, 1: self.random, 2: self.server, 3: self.now})
        self.m1 = cbor.encode({0: 1, 1: 1, 2: hello} | ({3: cookie} if cookie is not None else {}))
        return self.m1

    @staticmethod
    def cookie_of(answer):
        """The cookie if the answer to M1 is a Retry."""
        value = cbor.decode(answer)
        if isinstance(value, dict) and value.get(1) == 5:
            return cbor.fields(value, {0: cbor.uint(1, 1), 1: cbor.uint(5, 5),
                                       2: lambda c: isinstance(c, bytes) and 1 <= len(c) <= 64})[2]
        return None

    def second(self, m2):
        """Checks M2; returns M3."""
        if len(m2) > 16384:
            raise Malformed("M2 too long")
        _, _, header, sealed = cbor.fields(cbor.decode(m2), {0: cbor.uint(1, 1), 1: cbor.uint(2, 2), 2: bytes, 3: bytes})
        self.suite, _, self.session, ciphertext = cbor.fields(cbor.decode(header), {0: cbor.uint(), 1: 32, 2: 16, 3: bytes})
        if self.suite not in self.kems:
            raise Malformed("a suite that was not offered")
        algorithm = SUITES[self.suite][1]
        self.ss = self.kems[self.suite].decapsulate(ciphertext)
        self.kems = {}
        t = self.t = Transcript()
        t.add(self.m1)
        t2 = t.add(header)
        self.es = extract(ZEROS, ZEROS)
        self.hs = extract(next_salt(self.es), self.ss)
        self.c_hs, self.s_hs = (expand_label(self.hs, label, t2, 48) for label in ("c hs", "s hs"))
        self.ms = extract(next_salt(self.hs), ZEROS)
        key, iv = key_and_iv(self.s_hs)
        self.m2_opened = open_sealed(key, iv, sealed, t2)
        identity, signature, finished = cbor.fields(cbor.decode(self.m2_opened), {0: bytes, 1: bytes, 2: 48})
        _, epoch, server_key = cbor.fields(cbor.decode(identity), {0: cbor.is_name, 1: cbor.uint(), 2: bytes})
        if algorithm.fingerprint(server_key) != self.server:
            raise Rejected("another server")
        algorithm.verify(server_key, SERVER_AUTH, t.add(identity), signature)
        if hmac(expand_label(self.s_hs, "finished", b"", 48), t.add(signature)) != finished:
            raise Rejected("finished")
        if epoch < self.minimum_epoch:
            raise Rejected("epoch")
        t5 = t.add(finished)

        mine = {0: self.name, 1: self.key.public} | ({2: self.links} if self.links else {})
        identity = cbor.encode(mine)
        signature = (self.sign or self.key.sign)(CLIENT_AUTH, t.add(identity))
        self.finished = hmac(expand_label(self.c_hs, "finished", b"", 48), t.add(signature))
        t.add(self.finished)
        self.m3_opened = cbor.encode({0: identity, 1: signature, 2: self.finished})
        key, iv = key_and_iv(self.c_hs)
        self.m3 = cbor.encode({0: 1, 1: 3, 2: self.session, 3: seal(key, iv, self.m3_opened, t5)})
        return self.m3

    def fourth(self, m4):
        if len(m4) > 256:
            raise Malformed("M4 too long")
        _, _, sealed = cbor.fields(cbor.decode(m4), {0: cbor.uint(1, 1), 1: cbor.uint(4, 4), 2: bytes})
        t8 = self.t.values[8]
        self.s_done = expand_label(self.ms, "s done", t8, 48)
        key, iv = key_and_iv(self.s_done)
        self.m4_opened = open_sealed(key, iv, sealed, t8)
        limits = cbor.fields(cbor.decode(self.m4_opened), {0: cbor.uint(1, 86400), 1: cbor.uint(1, 86400), 2: cbor.uint(1, 1 << 20)})
        secrets = [expand_label(self.ms, label, t8, 48) for label in ("c ap", "s ap", "exp", "rekey")]
        return Established(self.session, self.suite, *secrets, *limits)
