"""The suites of docs/protocol.md on pyca/cryptography and the standard library; nothing of Prism's own code."""
import hashlib
import hmac as hmac_module
import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cbor import Malformed


class Rejected(Exception):
    """Something that does not verify."""


ZEROS = bytes(48)


# --- hashes and keys

def sha256(data):
    return hashlib.sha256(data).digest()


def sha384(data):
    return hashlib.sha384(data).digest()


def hmac(key, data):
    return hmac_module.new(key, data, "sha384").digest()


def extract(salt, material):
    return hmac(salt, material)


def expand(secret, info, length, name="sha384"):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac_module.new(secret, block + info + bytes([counter]), name).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def expand_label(secret, label, context, length):
    full = b"prism1 " + label.encode()
    return expand(secret, length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context, length)


def next_salt(secret):
    return expand_label(secret, "derived", sha384(b""), 48)


def key_and_iv(secret):
    return expand_label(secret, "key", b"", 32), expand_label(secret, "iv", b"", 12)


def nonce(iv, number):
    return (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")


def seal(key, at, plain, aad):
    return AESGCM(key).encrypt(at, plain, aad or None)


def open_sealed(key, at, sealed, aad):
    if len(sealed) < 16:
        raise Rejected("shorter than a tag")
    try:
        return AESGCM(key).decrypt(at, sealed, aad or None)
    except InvalidTag as error:
        raise Rejected("tag") from error


# --- identities

class Algorithm:
    def __init__(self, name, number, private, public, key_bytes, signature_bytes, spki):
        self.name, self.number, self.private, self.public = name, number, private, public
        self.key_bytes, self.signature_bytes, self.spki = key_bytes, signature_bytes, bytes.fromhex(spki)

    def fingerprint(self, key):
        return sha256(self.spki + key)

    def verify(self, key, context, message, signature):
        if len(key) != self.key_bytes or len(signature) != self.signature_bytes:
            raise Malformed("length of key or signature")
        try:
            self.public.from_public_bytes(key).verify(signature, message, context or None)
        except InvalidSignature as error:
            raise Rejected("signature") from error


ML_DSA_65 = Algorithm("ML-DSA-65", -49, mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey, 1952, 3309,
                      "308207b2300b0609608648016503040312038207a100")
ML_DSA_87 = Algorithm("ML-DSA-87", -50, mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey, 2592, 4627,
                      "30820a32300b060960864801650304031303820a2100")
ALGORITHMS = {a.number: a for a in (ML_DSA_65, ML_DSA_87)}


def is_algorithm(number):
    return isinstance(number, int) and number in ALGORITHMS


class SigningKey:
    def __init__(self, algorithm, seed=None):
        self.algorithm = algorithm
        self._key = algorithm.private.from_seed_bytes(seed or os.urandom(32))
        self.public = self._key.public_key().public_bytes_raw()
        self.fingerprint = algorithm.fingerprint(self.public)

    def sign(self, context, message):
        return self._key.sign(message, context or None)


# --- KEMs

def combine(ss_m, ss_c, ct_c, pk_c, label):
    return hashlib.sha3_256(ss_m + ss_c + ct_c + pk_c + label).digest()


class XWing:
    """Suite 1. The secret key is 32 bytes, which SHAKE256 stretches to ML-KEM's d and z and the X25519 key."""
    LABEL = bytes.fromhex("5c2e2f2f5e5c")
    KEY_BYTES, CIPHERTEXT_BYTES, ML_KEM_CIPHERTEXT = 1216, 1120, 1088

    def __init__(self, seed=None):
        stretched = hashlib.shake_256(seed or os.urandom(32)).digest(96)
        self._m = mlkem.MLKEM768PrivateKey.from_seed_bytes(stretched[:64])
        self._x = x25519.X25519PrivateKey.from_private_bytes(stretched[64:])
        self._pk_x = self._x.public_key().public_bytes_raw()
        self.public = self._m.public_key().public_bytes_raw() + self._pk_x

    def decapsulate(self, ciphertext):
        if len(ciphertext) != self.CIPHERTEXT_BYTES:
            raise Malformed("length of the KEM ciphertext")
        ct_m, ct_x = ciphertext[:self.ML_KEM_CIPHERTEXT], ciphertext[self.ML_KEM_CIPHERTEXT:]
        try:
            ss_x = self._x.exchange(x25519.X25519PublicKey.from_public_bytes(ct_x))
        except ValueError as error:  # the all-zero secret
            raise Malformed("X25519 secret of zeros") from error
        return combine(self._m.decapsulate(ct_m), ss_x, ct_x, self._pk_x, self.LABEL)


class MlKem1024P384:
    """Suite 2."""
    LABEL = b"MLKEM1024-P384"
    KEY_BYTES = CIPHERTEXT_BYTES = 1665
    ML_KEM_CIPHERTEXT = 1568

    def __init__(self):
        self._m = mlkem.MLKEM1024PrivateKey.generate()
        self._p = ec.generate_private_key(ec.SECP384R1())
        self._pk_p = self._p.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = self._m.public_key().public_bytes_raw() + self._pk_p

    def decapsulate(self, ciphertext):
        if len(ciphertext) != self.CIPHERTEXT_BYTES or ciphertext[self.ML_KEM_CIPHERTEXT] != 4:
            raise Malformed("form of the KEM ciphertext")
        ct_m, ct_p = ciphertext[:self.ML_KEM_CIPHERTEXT], ciphertext[self.ML_KEM_CIPHERTEXT:]
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), ct_p)
        except ValueError as error:
            raise Malformed("a point that is not on the curve") from error
        return combine(self._m.decapsulate(ct_m), self._p.exchange(ec.ECDH(), point), ct_p, self._pk_p, self.LABEL)


class MlKem1024:
    """Suite 3."""
    KEY_BYTES = CIPHERTEXT_BYTES = 1568

    def __init__(self):
        self._m = mlkem.MLKEM1024PrivateKey.generate()
        self.public = self._m.public_key().public_bytes_raw()

    def decapsulate(self, ciphertext):
        if len(ciphertext) != self.CIPHERTEXT_BYTES:
            raise Malformed("length of the KEM ciphertext")
        return self._m.decapsulate(ciphertext)


SUITES = {1: (XWing, ML_DSA_65), 2: (MlKem1024P384, ML_DSA_87), 3: (MlKem1024, ML_DSA_87)}
