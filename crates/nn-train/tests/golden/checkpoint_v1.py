"""Writes the golden checkpoint file of tests/checkpoint_files.rs, from the documented format alone.

bincode's standard configuration is told in model_v1.py.

Run: python3 tests/golden/checkpoint_v1.py > tests/golden/checkpoint-v1.bin
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


def tally(samples, correct, loss_sum):
    return number(samples) + number(correct) + f64(loss_sum)


def epoch(rate, train, validation):
    return f32(rate) + struct.pack("<QQd", *train) + struct.pack("<QQd", *validation)


description = (
    text("0.1.0")                                              # release
    + number(6)                                                # inputs
    + number(2) + number(3) + number(2) + number(5) + number(0)  # layers: 3 relu, 5 identity
    + number(2) + number(2) + number(3)                        # image shape 2 x 3
    + number(3) + number(5) + number(0) + f32(0.5)             # epochs, batch size, softmax cross-entropy, rate
    + number(3) + f32(0.25) + number(2**64 - 1)                # one-cycle, seed
    + number(2) + f32(0.9) + f32(0.999) + f32(1e-8)            # Adam
    + f32(0.125) + number(8)                                   # its rate, its steps
    + number(13) + number(6) + number(5) + bytes(range(32))    # training data
    + some(number(10) + number(6) + number(5) + bytes(range(100, 132)))  # validation data
    + number(2) + number(2) + tally(10, 7, 6.5)                # finished epochs, batches, running tally
    + b"\1"                                                    # there is a best network
    + text('{"data":"дом"}')                                   # settings
)

epochs = epoch(0.25, (13, 4, 20.5), (10, 6, 9.25)) + epoch(0.5, (13, 9, 8.5), (10, 5, 9.5))
# Parameters, both moments, the best network: 41 numbers each.
numbers = b"".join(f32((i - 20) / 8 + 100 * part) for part in range(4) for i in range(6 * 3 + 3 + 3 * 5 + 5))
payload = description + epochs + numbers
file = b"\x89NNC\r\n\x1a\n" + struct.pack("<IQ", 1, len(payload)) + payload
sys.stdout.buffer.write(file + hashlib.sha256(file).digest())
