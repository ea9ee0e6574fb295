"""TFRecords and tf.train.Example messages by hand, without TensorFlow."""

from __future__ import annotations

import struct

import numpy as np


def varint(n: int) -> bytes:
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def message(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def feature(values, packed: bool = True) -> bytes:
    """A tf.train.Feature of bytes, floats (numpy) or integers."""
    if isinstance(values, bytes):
        return message(1, message(1, values))
    if isinstance(values, np.ndarray):
        floats = values.astype("<f4").ravel()
        if packed:
            return message(2, message(1, floats.tobytes()))
        return message(2, b"".join(varint(1 << 3 | 5) + struct.pack("<f", f) for f in floats))
    if all(isinstance(v, bytes) for v in values) and values:
        return message(1, b"".join(message(1, v) for v in values))
    if packed:
        return message(3, message(1, b"".join(map(varint, values))))
    return message(3, b"".join(varint(1 << 3) + varint(v) for v in values))


def entry(key: str, value: bytes, key_first: bool) -> bytes:
    parts = [message(1, key.encode()), message(2, value)]
    return message(1, b"".join(parts if key_first else parts[::-1]))


TABLE = []
for _i in range(256):
    _c = _i
    for _ in range(8):
        _c = _c >> 1 ^ (0x82F63B78 if _c & 1 else 0)
    TABLE.append(_c)


def masked_crc(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked_crc(length) + data + masked_crc(data)
