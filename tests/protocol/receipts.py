"""Checks receipts, written from docs/protocol.md alone."""
import cbor
from cbor import Malformed
from client import open_bundle
from primitives import Rejected, is_algorithm

CLAIMS = ("version", "server", "request", "program", "context", "inputs", "result", "engine", "build", "time", "sequence", "transport",
          "session")


def _text(value):
    return isinstance(value, str) and 1 <= len(value) <= 255 and all(0x20 <= ord(c) <= 0x7e for c in value)


def _digests(value):
    return isinstance(value, list) and len(value) <= 256 and all(isinstance(d, bytes) and len(d) == 32 for d in value)


def verify(data, pinned):
    """The claims of a receipt whose signer is the pinned key or one that it handed over to."""
    if len(data) > 131072:
        raise Malformed("too long")
    outer = cbor.decode(data)
    if not isinstance(outer, cbor.Tagged) or outer.tag != 18 or not isinstance(outer.value, list) or len(outer.value) != 4:
        raise Malformed("no COSE_Sign1")
    protected, unprotected, payload, signature = outer.value
    if not all(isinstance(part, bytes) for part in (protected, payload, signature)):
        raise Malformed("no COSE_Sign1")
    number, _, signer = cbor.fields(cbor.decode(protected), {
        1: is_algorithm, 3: lambda kind: kind == "application/prism-receipt+cbor", 4: 32})
    (bundle,) = cbor.fields(unprotected, {}, {"prism-bundle": bytes})
    values = cbor.fields(cbor.decode(payload), {1: cbor.uint(1, 1), 2: _text, 3: 32, 4: 32, 5: 32, 6: _digests, 7: 32, 8: _text, 9: 32,
                                                10: cbor.uint(), 11: cbor.uint(), 12: cbor.uint(0, 1)}, {13: 16})
    claims = dict(zip(CLAIMS, values))
    if (claims["session"] is None) != (claims["transport"] == 1):
        raise Malformed("session id and transport")
    if bundle is None:
        raise Rejected("no bundle")
    bundle = open_bundle(bundle)
    if bundle.fingerprint != signer or bundle.algorithm.number != number:
        raise Rejected("the bundle is not the signer's")
    if pinned != bundle.fingerprint and pinned not in bundle.previous:
        raise Rejected("not the pinned key")
    if not bundle.valid_at(claims["time"]) or bundle.name != claims["server"]:
        raise Rejected("bundle of another time or server")
    bundle.algorithm.verify(bundle.key, b"", cbor.encode(["Signature1", protected, b"", payload]), signature)
    return claims
