#!/usr/bin/env python3
"""Prints the known answers of prism/ring/sampler_test.cpp, read from the byte rules in sampler.h and from nothing else.

Each is the SHA-256 of 4096 values as 64-bit little-endian two's complement numbers; seed = bytes 0..31, stream = 42.
"""
import hashlib
import pathlib
import re
import struct

SEED, STREAM, N = bytes(range(32)), 42, 4096


def chacha20_block(key, counter, nonce):
    """RFC 8439, section 2.3."""
    state = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + (counter,)
                 + struct.unpack("<3I", nonce))
    x = state[:]

    def quarter(a, b, c, d):
        for p, q, r, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & 0xFFFFFFFF
            x[r] ^= x[p]
            x[r] = ((x[r] << bits) | (x[r] >> (32 - bits))) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, state)))


def stream_bytes(last):
    nonce = struct.pack("<QI", STREAM, last)
    counter = 0
    while True:
        yield from chacha20_block(SEED, counter, nonce)
        counter += 1


def stream_words(last):
    source = stream_bytes(last)
    while True:
        yield int.from_bytes(bytes(next(source) for _ in range(8)), "little")


def is_prime(n):
    return all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7, 11, 13))  # enough for the numbers met here


def uniform(index, q):
    values, mask = [], (1 << q.bit_length()) - 1
    for word in stream_words(index):
        if word & mask < q:
            values.append(word & mask)
            if len(values) == N:
                return values


def ternary():
    values = []
    for byte in stream_bytes(0xFFFFFFFF):
        values += [field - 1 for field in ((byte >> shift) & 3 for shift in (0, 2, 4, 6)) if field != 3]
        if len(values) >= N:
            return values[:N]


def gaussian():
    table = pathlib.Path(__file__).resolve().parent.parent / "prism" / "ring" / "internal" / "gaussian_table.h"
    pairs = re.findall(r"\{\{(0x[0-9a-f]+), (0x[0-9a-f]+)\}\}", table.read_text())
    thresholds = [int(high, 16) << 63 | int(low, 16) for high, low in pairs]
    words = stream_words(0xFFFFFFFE)
    values = []
    for _ in range(N):
        v0, v1 = next(words), next(words)
        u = (v1 % 2**63) << 63 | v0 % 2**63
        magnitude = sum(t <= u for t in thresholds)
        values.append(-magnitude if v1 >> 63 else magnitude)
    return values


def digest(values):
    return hashlib.sha256(b"".join(struct.pack("<q", v) for v in values)).hexdigest()


def main():
    primes, candidate = [], 2**50 - 2**18 + 1
    while len(primes) < 2:
        if is_prime(candidate):
            primes.append(candidate)
        candidate -= 2**18
    for index, q in enumerate(primes):
        print(f"uniform {q} {digest(uniform(index, q))}")
    print(f"ternary {digest(ternary())}")
    print(f"gaussian {digest(gaussian())}")


if __name__ == "__main__":
    main()
