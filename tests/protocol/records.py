"""Records, streams, epochs and fresh keys, written from docs/protocol.md alone."""
import os
import struct
from dataclasses import dataclass

import cbor
from cbor import Malformed
from primitives import (SUITES, Rejected, expand, expand_label, extract, key_and_iv, next_salt, nonce, open_sealed, seal,
                        sha384)

TO_SERVER, TO_CLIENT = 0, 1
SINGLE, STREAM = 1, 2
CHUNK = 16384


@dataclass
class Binding:
    method: str
    path: str
    context: bytes = bytes(32)
    program: bytes = bytes(32)
    idempotency_key: bytes = b""


@dataclass
class Header:
    form: int
    direction: int
    session: bytes
    epoch: int
    sequence: int
    content_type: str
    raw: bytes


def encode_header(form, direction, session, epoch, sequence, content_type):
    kind = content_type.encode("ascii")
    return struct.pack(">BBBB16sIQ", 1, form, direction, len(kind), session, epoch, sequence) + kind


def read_header(record):
    if len(record) < 32:
        raise Malformed("no record header")
    version, form, direction, length, session, epoch, sequence = struct.unpack(">BBBB16sIQ", record[:32])
    kind = record[32:32 + length]
    if version != 1 or form not in (1, 2) or direction not in (0, 1) or length > 127 or len(kind) != length or sequence >= 1 << 20:
        raise Malformed("record header")
    if any(not 0x20 <= c <= 0x7e for c in kind):
        raise Malformed("content type")
    return Header(form, direction, session, epoch, sequence, kind.decode("ascii"), record[:32 + length])


def additional_data(header, binding, answer=None):
    """`answer` is (status, epoch, sequence) of the request that a response answers."""
    frames = (binding.method.encode(), binding.path.encode(), binding.context, binding.program, binding.idempotency_key)
    out = b"prism/v1/record" + header + b"".join(len(f).to_bytes(4, "big") + f for f in frames)
    return out + (struct.pack(">HIQ", *answer) if answer else b"")


def _stream_keys(secret, sequence, salt, aad):
    input_key = expand_label(secret, "body", sequence.to_bytes(8, "big"), 32)
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + aad
    out = expand(input_key, info, 76, "sha512")
    return out[:32], out[32:44], out[44:]


def seal_stream(secret, sequence, aad, body, salt=None):
    salt = salt or os.urandom(24)
    key, base, commitment = _stream_keys(secret, sequence, salt, aad)
    pieces = [body[i:i + CHUNK] for i in range(0, len(body), CHUNK)]
    if not pieces or len(pieces[-1]) == CHUNK:
        pieces.append(b"")
    return salt + commitment + b"".join(seal(key, nonce(base, i), piece, b"") for i, piece in enumerate(pieces))


def open_stream(secret, sequence, aad, sealed):
    if len(sealed) < 56 + 16:
        raise Rejected("no stream")
    key, base, commitment = _stream_keys(secret, sequence, sealed[:24], aad)
    if commitment != sealed[24:56]:
        raise Rejected("commitment")
    chunks = [sealed[i:i + CHUNK + 16] for i in range(56, len(sealed), CHUNK + 16)]
    if len(chunks[-1]) == CHUNK + 16:
        raise Rejected("a stream that was cut")
    return b"".join(open_sealed(key, nonce(base, i), chunk, b"") for i, chunk in enumerate(chunks))


class Direction:
    """The secrets of one direction by epoch. This client never forgets one; a server does after a minute."""

    def __init__(self, secret):
        self.known = {0: secret}

    def secret(self, epoch):
        """Of an epoch that is known, or at most 8 updates ahead of the latest of its generation. Changes nothing."""
        if epoch in self.known:
            return self.known[epoch]
        latest = max((e for e in self.known if e >> 16 == epoch >> 16), default=None)
        if latest is None or not latest < epoch <= latest + 8:
            raise Rejected("epoch")
        secret = self.known[latest]
        for _ in range(epoch - latest):
            secret = expand_label(secret, "traffic upd", b"", 48)
        return secret


class Session:
    """The client's side. Opens every answer in any order, once."""

    def __init__(self, established):
        self.id, self.suite, self.rekey_secret = established.session, established.suite, established.rekey
        self.sends, self.receives = Direction(established.c_ap), Direction(established.s_ap)
        self.epoch = self.sequence = self.attempt = 0
        self.seen = set()
        self.kem = None

    def seal(self, binding, content_type, body, form=None, salt=None):
        """A record, and its name (epoch, sequence), which the answer binds."""
        form = form or (SINGLE if len(body) <= 65536 else STREAM)
        name = (self.epoch, self.sequence)
        self.sequence += 1
        header = encode_header(form, TO_SERVER, self.id, *name, content_type)
        aad, secret = additional_data(header, binding), self.sends.secret(self.epoch)
        if form == STREAM:
            return header + seal_stream(secret, name[1], aad, body, salt), name
        key, iv = key_and_iv(secret)
        return header + seal(key, nonce(iv, name[1]), body, aad), name

    def open(self, binding, request, status, record):
        """Content type and body of the answer to the record named `request`."""
        header = read_header(record)
        if header.direction != TO_CLIENT or header.session != self.id:
            raise Malformed("another direction or session")
        if (header.epoch, header.sequence) in self.seen:
            raise Rejected("replay")
        aad = additional_data(header.raw, binding, (status, *request))
        secret, sealed = self.receives.secret(header.epoch), record[len(header.raw):]
        if header.form == STREAM:
            body = open_stream(secret, header.sequence, aad, sealed)
        else:
            key, iv = key_and_iv(secret)
            body = open_sealed(key, nonce(iv, header.sequence), sealed, aad)
            if len(body) > 65536:
                raise Malformed("a single record too long")
        self.seen.add((header.epoch, header.sequence))
        self.receives.known[header.epoch] = secret
        return header.content_type, body

    def update(self):
        self.sends.known[self.epoch + 1] = self.sends.secret(self.epoch + 1)
        self.epoch, self.sequence = self.epoch + 1, 0

    def begin_rekey(self):
        self.attempt += 1
        self.kem = SUITES[self.suite][0]()
        self.first = cbor.encode({1: 1, 2: (self.epoch >> 16) + 1, 3: self.attempt, 4: self.kem.public})
        return self.first

    def finish_rekey(self, second):
        generation = (self.epoch >> 16) + 1
        *_, ciphertext = cbor.fields(cbor.decode(second), {1: cbor.uint(1, 1), 2: cbor.uint(generation, generation),
                                                           3: cbor.uint(self.attempt, self.attempt), 4: bytes})
        c_ap, s_ap, self.rekey_secret = fresh_secrets(self.rekey_secret, self.kem.decapsulate(ciphertext), self.first, second)
        self.sends.known[generation << 16], self.receives.known[generation << 16] = c_ap, s_ap
        self.epoch, self.sequence, self.attempt, self.kem = generation << 16, 0, 0, None


def fresh_secrets(rekey_secret, ss, first, second):
    master, th = extract(next_salt(rekey_secret), ss), sha384(first + second)
    return [expand_label(master, label, th, 48) for label in ("c ap", "s ap", "rekey")]
