"""Deterministic CBOR (RFC 8949, section 4.2.1), as docs/protocol.md uses it: one encoding per value, all else refused."""


class Malformed(Exception):
    """Bytes that are not what docs/protocol.md says."""


class Tagged:
    def __init__(self, tag, value):
        self.tag, self.value = tag, value


def _head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError("a number of more than 64 bits")


def encode(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        pairs = sorted((encode(k), encode(v)) for k, v in value.items())
        return _head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    if isinstance(value, Tagged):
        return _head(6, value.tag) + encode(value.value)
    raise TypeError(f"no CBOR for {type(value)}")


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed("cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def head(self):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        if info > 27:
            raise Malformed("indefinite or reserved length")
        size = 1 << (info - 24)
        number = int.from_bytes(self.take(size), "big")
        if number < (24 if size == 1 else 1 << 4 * size):
            raise Malformed("not the shortest form")
        return major, number

    def item(self, depth):
        if depth == 0:
            raise Malformed("nested too deeply")
        major, number = self.head()
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major in (2, 3):
            raw = self.take(number)
            if major == 2:
                return raw
            try:
                return raw.decode()
            except UnicodeDecodeError as error:
                raise Malformed("text that is not UTF-8") from error
        if number > len(self.data) - self.at:  # every element has at least one byte
            raise Malformed("cut short")
        if major == 4:
            return [self.item(depth - 1) for _ in range(number)]
        if major == 5:
            out, last = {}, None
            for _ in range(number):
                start = self.at
                key = self.item(1)
                if not isinstance(key, (int, str)):
                    raise Malformed("a key that is neither a number nor text")
                raw = self.data[start:self.at]
                if last is not None and raw <= last:
                    raise Malformed("map keys out of order or twice")
                out[key], last = self.item(depth - 1), raw
            return out
        if major == 6:
            return Tagged(number, self.item(depth - 1))
        raise Malformed("a simple value or float")


def decode(data):
    reader = _Reader(bytes(data))
    value = reader.item(8)
    if reader.at != len(reader.data):
        raise Malformed("bytes after the end")
    return value


def fields(value, required, optional=()):
    """The map's values by the order of `required` then `optional` (None when missing); kinds are types, byte lengths,
    or functions that say whether a value is good."""
    if not isinstance(value, dict):
        raise Malformed("not a map")
    optional = dict(optional)
    if set(required) - set(value) or set(value) - set(required) - set(optional):
        raise Malformed(f"keys {sorted(map(str, value))}")
    out = []
    for key, kind in [*required.items(), *optional.items()]:
        found = value.get(key)
        if found is None and key in optional:
            out.append(None)
            continue
        good = (isinstance(found, kind) if isinstance(kind, type) else
                isinstance(found, bytes) and len(found) == kind if isinstance(kind, int) else kind(found))
        if not good or isinstance(found, bool):
            raise Malformed(f"value of key {key}")
        out.append(found)
    return out


def uint(low=0, high=2**64 - 1):
    return lambda value: isinstance(value, int) and low <= value <= high


def is_name(value):
    return isinstance(value, str) and 1 <= len(value) <= 64 and all(0x21 <= ord(c) <= 0x7e for c in value)
