"""Writes the golden model file of tests/model_files.rs, from the documented format alone.

bincode's standard configuration: an integer below 251 is one byte, 251 announces two more, 252 four, 253 eight;
a variant is its number; floats are little-endian; a string is its length and its UTF-8; an option is 0, or 1 and
its content.

Run: python3 tests/golden/model_v1.py > tests/golden/model-v1.bin
"""

import hashlib
import struct
import sys


def number(n):
    if n < 251:
        return bytes([n])
    for mark, size in [(251, 2), (252, 4), (253, 8)]:
        if n < 1 << 8 * size:
            return bytes([mark]) + n.to_bytes(size, "little")


def text(s):
    return number(len(s.encode())) + s.encode()


def some(content):
    return b"\1" + content


f32 = struct.Struct("<f").pack
f64 = struct.Struct("<d").pack
names = ["zero", "one", "два", "three", "four"]

description = (
    number(6)                                                  # inputs
    + number(2) + number(3) + number(2) + number(5) + number(0)  # layers: 3 relu, 5 identity
    + number(0)                                                # softmax cross-entropy
    + number(2) + number(2) + number(3)                        # image shape 2 x 3
    + some(number(len(names)) + b"".join(map(text, names)))
    + some(
        some(text("article"))                                  # preset
        + number(2**64 - 1)                                    # seed
        + number(10) + number(7)                               # epochs, of which finished
        + number(64) + f32(0.5)                                # batch size, rate
        + number(3) + f32(0.25)                                # one-cycle
        + number(1) + f32(0.9) + b"\1"                         # Nesterov momentum
        + number(60000)                                        # samples
        + some(number(60000) + number(59000) + f64(1234.5))    # train
        + b"\0"                                                # no validation
    )
)

parameters = b"".join(f32((i - 20) / 8) for i in range(6 * 3 + 3 + 3 * 5 + 5))
payload = description + parameters
file = b"\x89NNM\r\n\x1a\n" + struct.pack("<IQ", 1, len(payload)) + payload
sys.stdout.buffer.write(file + hashlib.sha256(file).digest())
