"""Prints the golden values of tests/augmentation.rs, from the documents alone: SplitMix64 as in the paper of Steele,
Lea and Flood, B-splines by the recursion of Cox and de Boor, bilinear sampling by its definition, in double precision.

Run: python3 tests/golden/augmentation.py
"""

import math

MASK64 = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def mix(bits):
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 & MASK64
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB & MASK64
    return bits ^ (bits >> 31)


def self_check():
    """The first outputs of SplitMix64 from the state 1234567, as published with its reference implementation."""
    state, found = 1234567, []
    for _ in range(3):
        state = (state + STEP) & MASK64
        found.append(mix(state))
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423], found


def key(seed, epoch, index):
    return mix(((mix(mix((seed + STEP) & MASK64) ^ epoch) + STEP) & MASK64) ^ index)


def bits(key, place):
    return mix((key + STEP * (place + 1)) & MASK64)


def uniform(key, place):
    return ((bits(key, place) >> 11) + 0.5) / (1 << 52) - 1


def normal(key, place):
    word = bits(key, place)
    total = sum(word >> 16 * part & 0xFFFF for part in range(4))
    return (total - 4 * 65535 / 2) / (65536 * math.sqrt(4 / 12))


def basis(knot, degree, x):
    """The B-spline of Cox and de Boor whose support begins at the whole number `knot`."""
    if degree == 0:
        return 1.0 if knot <= x < knot + 1 else 0.0
    return (
        (x - knot) * basis(knot, degree - 1, x)
        + (knot + degree + 1 - x) * basis(knot + 1, degree - 1, x)
    ) / degree


def axis(length, spacing):
    """For each place, the weights of all points of the grid, which has a point in the middle of the axis."""
    middle = (length - 1) / 2
    before = math.ceil(middle / spacing)
    positions = [(place - middle) / spacing + before for place in range(length)]
    points = math.floor(positions[-1]) + 4
    rows = []
    for position in positions:
        weights = [basis(point - 3, 3, position) for point in range(points)]
        norm = math.sqrt(sum(weight * weight for weight in weights))
        rows.append([weight / norm for weight in weights])
    return rows


def augment(image, settings, seed, epoch, index):
    rows, columns = len(image), len(image[0])
    k = key(seed, epoch, index)
    angle = math.radians(settings.get("rotation", 0) * uniform(k, 0))
    width, height = (1 + settings.get("scale", 0) * uniform(k, place) for place in (1, 2))
    shear = settings.get("shear", 0) * uniform(k, 3)
    shift = [settings.get("shift", 0) * uniform(k, place) for place in (4, 5)]
    # Forwards: scale, then shear, then rotation.
    slanted = [[width, shear * height], [0.0, height]]
    turn = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    forward = [[sum(turn[i][m] * slanted[m][j] for m in (0, 1)) for j in (0, 1)] for i in (0, 1)]
    determinant = forward[0][0] * forward[1][1] - forward[0][1] * forward[1][0]
    inverse = [
        [forward[1][1] / determinant, -forward[0][1] / determinant],
        [-forward[1][0] / determinant, forward[0][0] / determinant],
    ]
    strength = settings.get("elastic", 0)
    spacing = math.sqrt(3) * settings.get("smoothness", 5.5)
    down_axis, across_axis = axis(rows, spacing), axis(columns, spacing)
    points = len(down_axis[0]), len(across_axis[0])
    middle = (columns - 1) / 2, (rows - 1) / 2

    def pixel(x, y):
        return image[y][x] if 0 <= x < columns and 0 <= y < rows else 0

    result = []
    for y in range(rows):
        for x in range(columns):
            moved = x - middle[0] - shift[0], y - middle[1] - shift[1]
            source = [inverse[i][0] * moved[0] + inverse[i][1] * moved[1] + middle[i] for i in (0, 1)]
            for direction in (0, 1):
                for row in range(points[0]):
                    for column in range(points[1]):
                        place = 16 + (direction * points[0] + row) * points[1] + column
                        weight = down_axis[y][row] * across_axis[x][column]
                        if strength and weight:
                            source[direction] += strength * weight * normal(k, place)
            left, top = math.floor(source[0]), math.floor(source[1])
            a, b = source[0] - left, source[1] - top
            upper = (1 - a) * pixel(left, top) + a * pixel(left + 1, top)
            lower = (1 - a) * pixel(left, top + 1) + a * pixel(left + 1, top + 1)
            result.append((1 - b) * upper + b * lower)
    return result


self_check()
print("bits", [bits(key(42, 3, 17), place) for place in (0, 1, 99)])
print("bits", [bits(key(MASK64, (1 << 32) - 1, 59999), place) for place in (0, 1)])
IMAGE = [[(37 * x + 61 * y + x * x * y) % 256 for x in range(9)] for y in range(7)]
for name, settings in {
    "affine": {"rotation": 10, "scale": 0.1, "shear": 0.15, "shift": 1},
    "elastic": {"elastic": 1.2},
    "all": {"rotation": 25, "scale": 0.3, "shear": 0.4, "shift": 2, "elastic": 1.5, "smoothness": 2},
}.items():
    print(name, [round(value, 3) for value in augment(IMAGE, settings, 42, 3, 17)])
