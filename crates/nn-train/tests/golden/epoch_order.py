"""Prints the golden values of src/order.rs, from the documents alone: RFC 8439's quarter round with 8 rounds
and a 64-bit counter and stream (the original ChaCha layout), Lemire's bounded integers, Durstenfeld's shuffle.

Run: python3 tests/golden/epoch_order.py
"""

import struct

MASK32 = (1 << 32) - 1
MASK64 = (1 << 64) - 1


def rotate(x, n):
    return ((x << n) | (x >> (32 - n))) & MASK32


def quarter(s, a, b, c, d):
    s[a] = (s[a] + s[b]) & MASK32; s[d] = rotate(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & MASK32; s[b] = rotate(s[b] ^ s[c], 12)
    s[a] = (s[a] + s[b]) & MASK32; s[d] = rotate(s[d] ^ s[a], 8)
    s[c] = (s[c] + s[d]) & MASK32; s[b] = rotate(s[b] ^ s[c], 7)


def block(key, counter, stream, rounds=8):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    start += [counter & MASK32, counter >> 32, stream & MASK32, stream >> 32]
    s = start[:]
    for _ in range(rounds // 2):
        quarter(s, 0, 4, 8, 12); quarter(s, 1, 5, 9, 13); quarter(s, 2, 6, 10, 14); quarter(s, 3, 7, 11, 15)
        quarter(s, 0, 5, 10, 15); quarter(s, 1, 6, 11, 12); quarter(s, 2, 7, 8, 13); quarter(s, 3, 4, 9, 14)
    return [(x + y) & MASK32 for x, y in zip(s, start)]


def self_check():
    """RFC 8439, 2.3.2: 20 rounds, counter 1, nonce 00:00:00:09 00:00:00:4a 00:00:00:00 (as one 64-bit counter)."""
    words = block(bytes(range(32)), 1 | (0x09000000 << 32), 0x4A000000, rounds=20)
    assert words[:4] == [0xE4E7F110, 0x15593BD1, 0x1FDD0F50, 0xC47120A3], [hex(w) for w in words]


def words(key, stream):
    counter = 0
    while True:
        yield from block(key, counter, stream)
        counter += 1


def integers(seed, stream):
    source = words(struct.pack("<Q", seed) + bytes(24), stream)
    while True:
        low = next(source)
        yield low | (next(source) << 32)


rejected = 0


def below(source, bound):
    """Lemire 2019: the high half of x * bound, unless the low half falls in the 2^64 mod bound leftovers."""
    global rejected
    while True:
        product = next(source) * bound
        if product & MASK64 >= (1 << 64) % bound:
            return product >> 64
        rejected += 1


def shuffled(source, order):
    for last in range(len(order) - 1, 0, -1):
        other = below(source, last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def epoch_order(seed, epoch, n):
    return shuffled(integers(seed, (1 << 32) + epoch), list(range(n)))


def block_order(seed, epoch, n, block, window):
    blocks = [list(range(start, min(start + block, n))) for start in range(0, n, block)]
    numbers = shuffled(integers(seed, 3 * (1 << 32) + epoch), list(range(len(blocks))))
    source = integers(seed, 4 * (1 << 32) + epoch)
    order = []
    for start in range(0, len(numbers), window):
        order += shuffled(source, [i for number in numbers[start : start + window] for i in blocks[number]])
    return order


def fnv1a(values):
    h = 0xCBF29CE484222325
    for value in values:
        for byte in struct.pack("<Q", value):
            h = ((h ^ byte) * 0x100000001B3) & MASK64
    return h


self_check()
print("epoch_order(0, 1, 10)", epoch_order(0, 1, 10))
print("epoch_order(42, 1, 10)", epoch_order(42, 1, 10))
print("epoch_order(42, 2, 10)", epoch_order(42, 2, 10))
print("epoch_order(2^64 - 1, 2^32 - 1, 10)", epoch_order(MASK64, MASK32, 10))
print("fnv1a(epoch_order(42, 1, 60000))", hex(fnv1a(epoch_order(42, 1, 60000))))
print("block_order(42, 1, 10, 2, 3)", block_order(42, 1, 10, 2, 3))
print("block_order(42, 2, 11, 2, 3)", block_order(42, 2, 11, 2, 3))
print("block_order(2^64 - 1, 2^32 - 1, 11, 4, 2)", block_order(MASK64, MASK32, 11, 4, 2))
print("block_order(7, 1, 5, 100, 100)", block_order(7, 1, 5, 100, 100))
print("fnv1a(block_order(42, 1, 200001, 128, 512))", hex(fnv1a(block_order(42, 1, 200001, 128, 512))))
initial = integers(42, 0)
print("initial_rng(42)", [hex(next(initial)) for _ in range(3)])
source = integers(42, 1 << 32)
bound = (1 << 63) + 1
rejected = 0
print("below 2^63 + 1, seed 42, epoch 0", [hex(below(source, bound)) for _ in range(6)], "rejected", rejected)
