"""Prints the golden checksums of tests/generate.rs: generated images by the library's arithmetic, one rounding at a time.

Python's floats are the doubles of IEEE 754, and a sum or product of two singles that is computed in double and then
rounded to single is the single that IEEE 754 asks for. No operation here is fused with another one, and no function of a
mathematical library is called but the square root, which IEEE 754 defines to the last bit. So a machine that agrees with
these checksums does the same, and all that do agree with one another.

Run: python3 tests/golden/generate.py
"""

import gzip
import hashlib
import math
import pathlib
import struct

MASK64 = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
SAMPLE = pathlib.Path(__file__).parents[4] / "data" / "sample"
FORMAT = struct.Struct("<f")


def single(value):
    return FORMAT.unpack(FORMAT.pack(value))[0]


def mix(bits):
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 & MASK64
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB & MASK64
    return bits ^ (bits >> 31)


class Draws:
    def __init__(self, seed, epoch, index):
        self.key = mix((mix(mix((seed + STEP) & MASK64) ^ epoch) + STEP & MASK64) ^ index)

    def bits(self, place):
        return mix((self.key + STEP * (place + 1)) & MASK64)

    def uniform(self, place):
        return ((self.bits(place) >> 11) + 0.5) * (2.0 / (1 << 53)) - 1.0

    def normal(self, place):
        bits = self.bits(place)
        total = sum(bits >> 16 * part & 0xFFFF for part in range(4))
        return single((total - 131070.0) * single(1.7320508075688772 / 65536.0))


def sine_and_cosine(degrees):
    half = degrees * (math.pi / 360.0)
    square = half * half
    sine = cosine = 1.0
    for pair in range(11, 0, -1):
        n = 2.0 * pair
        cosine = 1.0 - square / (n * (n - 1.0)) * cosine
        sine = 1.0 - square / (n * (n + 1.0)) * sine
    sine *= half
    return 2.0 * sine * cosine, 1.0 - 2.0 * sine * sine


def affine(settings, label, draws, rows, columns):
    limit = 0.5 if settings.get("class_limits") and label in (1, 7) else 1.0

    def within(name, place, limit=1.0):
        return single(settings.get(name, 0.0)) * limit * draws.uniform(place)

    width, height = 1.0 + within("scale", 1), 1.0 + within("scale", 2)
    shear = within("shear", 3, limit)
    sine, cosine = sine_and_cosine(within("rotation", 0, limit))
    shift = within("shift", 4), within("shift", 5)
    middle = (columns - 1.0) / 2.0, (rows - 1.0) / 2.0
    down = [-sine / height, cosine / height]
    across = [(cosine + shear * sine) / width, (sine - shear * cosine) / width]
    x, y = middle[0] + shift[0], middle[1] + shift[1]
    across.append(middle[0] - (across[0] * x + across[1] * y))
    down.append(middle[1] - (down[0] * x + down[1] * y))
    return across, down


def spline(t):
    rest = 1.0 - t
    weights = [
        rest * rest * rest,
        3.0 * t * t * t - 6.0 * t * t + 4.0,
        3.0 * rest * rest * rest - 6.0 * rest * rest + 4.0,
        t * t * t,
    ]
    norm = 0.0
    for weight in weights:
        norm += weight * weight
    norm = math.sqrt(norm)
    return [single(weight / norm) for weight in weights]


def axis(length, spacing):
    middle = (length - 1.0) / 2.0
    before = float(math.ceil(middle / spacing))
    taps = []
    for place in range(length):
        position = (place - middle) / spacing + before
        first = max(float(math.floor(position)), 0.0)
        taps.append((int(first), spline(position - first)))
    return taps, taps[-1][0] + 4


def displacements(settings, draws, rows, columns):
    """For each row, for each of its columns: how much further across and down its source is."""
    strength = single(settings.get("elastic_strength", 0.0))
    if strength == 0.0:
        return [[(0.0, 0.0)] * columns] * rows
    spacing = math.sqrt(3.0) * single(5.5)
    row_taps, grid_rows = axis(rows, spacing)
    column_taps, grid_columns = axis(columns, spacing)
    points = grid_rows * grid_columns
    fields = []
    for direction in (0, 1):
        first = 16 + direction * points
        numbers = [single(strength * draws.normal(first + point)) for point in range(points)]
        strips = []
        for grid_row in range(grid_rows):
            strip = []
            for start, weights in column_taps:
                total = 0.0
                for tap, weight in enumerate(weights):
                    number = numbers[grid_row * grid_columns + start + tap]
                    total = single(total + single(number * weight))
                strip.append(total)
            strips.append(strip)
        field = []
        for start, weights in row_taps:
            line = []
            for column in range(columns):
                total = 0.0
                for tap, weight in enumerate(weights):
                    total = single(total + single(weight * strips[start + tap][column]))
                line.append(total)
            field.append(line)
        fields.append(field)
    return [list(zip(*lines)) for lines in zip(*fields)]


def rounded(value):
    """To the nearest whole number, of two the even one, as the addition of a large single does."""
    return single(single(value + 12582912.0) - 12582912.0)


def augment(pixels, rows, columns, settings, seed, label, epoch, index):
    draws = Draws(seed, epoch, index)
    across, down = affine(settings, label, draws, rows, columns)
    moved = displacements(settings, draws, rows, columns)
    steps = single(across[0]), single(down[0])
    out = bytearray()

    def pixel(row, column):
        inside = 0 <= row < rows and 0 <= column < columns
        return float(pixels[row * columns + column]) if inside else 0.0

    for row in range(rows):
        first = [single(factors[1] * row + factors[2] + 1.0) for factors in (across, down)]
        for column in range(columns):
            source = []
            for direction, greatest in ((0, columns + 1.0), (1, rows + 1.0)):
                step = single(single(steps[direction] * column) + first[direction])
                value = single(moved[row][column][direction] + step)
                source.append(min(max(value, 0.0), greatest))
            x, y = source
            left, top = rounded(single(x - 0.5)), rounded(single(y - 0.5))
            x_share, y_share = single(x - left), single(y - top)
            # Places count from one before the first pixel.
            i, j = int(top) - 1, int(left) - 1
            lines = []
            for line in (i, i + 1):
                a, b = pixel(line, j), pixel(line, j + 1)
                lines.append(single(a + single(x_share * (b - a))))
            upper, lower = lines
            value = single(upper + single(y_share * single(lower - upper)))
            out.append(int(single(value + 8388608.0) - 8388608.0) if value >= 8.0 else 0)
    return bytes(out)


def idx(name):
    data = gzip.decompress((SAMPLE / name).read_bytes())
    rank = data[3]
    return struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank]), data[4 + 4 * rank :]


(_, rows, columns), images = idx("train-images-idx3-ubyte.gz")
_, labels = idx("train-labels-idx1-ubyte.gz")
MEDIUM = {"rotation": 10, "scale": 0.1, "shear": 0.15, "shift": 1, "elastic_strength": 0.8}
STRONG = {
    **{"rotation": 15, "scale": 0.15, "shear": 0.2, "shift": 1.5, "elastic_strength": 1.2},
    "class_limits": True,
}
# The same pixels as images of 16 rows of 49, too: never only squares, and 49 is no multiple of the library's eight lanes.
for name, settings, seed, (rows, columns) in (
    ("medium", MEDIUM, 42, (28, 28)),
    ("strong", STRONG, (1 << 64) - 1, (28, 28)),
    ("medium", MEDIUM, 7, (16, 49)),
):
    samples = 40
    digest = hashlib.sha256()
    for place in range(110):
        epoch, index = divmod(place, samples)
        pixels = images[index * rows * columns :][: rows * columns]
        if epoch > 0:
            pixels = augment(pixels, rows, columns, settings, seed, labels[index], epoch, index)
        digest.update(pixels)
    print(name, seed, (rows, columns), digest.hexdigest())
