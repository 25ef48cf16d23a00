"""What every Python peer shares: the command line, the data, the clock and the line of figures at the end."""

import argparse
import gzip
import json
import os
import struct
import sys
import time


def arguments():
    """What the runner gives every peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task")
    parser.add_argument("--data", required=True, help="folder of the four IDX files")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--variant", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", help="where the task `process` leaves its model")
    return parser.parse_args()


def read_idx(path, dimensions):
    """The bytes of an IDX file, plain or else .gz, checked: magic number, sizes and length must agree."""
    import numpy

    opened = open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")
    with opened as file:
        content = file.read()
    magic, *sizes = struct.unpack(f">{1 + dimensions}I", content[: 4 + 4 * dimensions])
    if magic != 0x0800 | dimensions:
        sys.exit(f"{path} is no IDX file of bytes in {dimensions} dimensions")
    values = numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions)
    if values.size != numpy.prod(sizes):
        sys.exit(f"{path} should hold {sizes} bytes and holds {values.size}")
    return values.reshape(sizes)


def load(folder, split):
    """Images (N, 784) as float32 in [0, 1], and labels (N) as bytes."""
    import numpy

    images = read_idx(f"{folder}/{split}-images-idx3-ubyte", 3)
    labels = read_idx(f"{folder}/{split}-labels-idx1-ubyte", 1)
    if len(images) != len(labels) or labels.max() > 9:
        sys.exit(f"the labels of {split} do not go with its images")
    scaled = images.reshape(len(images), -1).astype(numpy.float32)
    scaled /= 255.0
    return scaled, labels


def timed(repetitions, work):
    """Seconds of each of so many calls of `work`."""
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def one_cycle(peak, step, steps, warmup=0.3):
    """The learning rate of the default recipe: up for 30 % of the steps, then down, measured mid-step."""
    middle, top = step + 0.5, warmup * steps
    return peak * (middle / top if middle < top else (steps - middle) / (steps - top))


def initial_parameters(units, random):
    """Weights (I, O) and biases of each layer: He's for the ReLUs, Glorot's for the outputs, float32."""
    import numpy

    parameters = []
    for layer, (inputs, outputs) in enumerate(zip(units, units[1:])):
        is_last = layer == len(units) - 2
        deviation = (2 / (inputs + outputs if is_last else inputs)) ** 0.5
        weights = random.normal(0, deviation, (inputs, outputs)).astype(numpy.float32)
        parameters.append((weights, numpy.zeros(outputs, numpy.float32)))
    return parameters


def unknown(task):
    sys.exit(f"this peer has no task '{task}'")


def report(versions, seconds=None, **figures):
    """The one line that the runner reads."""
    if seconds is not None:
        figures["seconds"] = seconds
    print(json.dumps({**figures, "versions": versions}))


#: The work that all peers share.
EPOCH_UNITS = [784, 100, 10]
EPOCH_BATCH = 64
EPOCH_RATE = 0.1
#: Epochs that are timed, after one that is not.
TIMED_EPOCHS = 2
DEEP_UNITS = [784, 2500, 2000, 1500, 1000, 500, 10]
DEEP_BATCH = 128
DEEP_RATE = 0.01
DEEP_WARMUP, DEEP_STEPS = 4, 12
#: Single images: one by one over the test images, so often.
ONE_IMAGE_CALLS, MANY_IMAGES_CALLS = 10_000, 20
#: How far images are distorted (degrees, a share, pixels a row, pixels, pixels, pixels), and in what batches.
AUGMENT = {"rotation": 15, "scale": 0.15, "shear": 0.2, "shift": 1.5, "strength": 1.2, "smoothness": 5.5}
AUGMENT_BATCH, AUGMENT_PASSES = 1000, 5
#: Side of the square matrices of the product that finds the machine's peak.
MATRIX_SIDE, MATRIX_PRODUCTS = 2048, 8
PROCESS_BATCH, PROCESS_RATE, PROCESS_EPOCHS = 50, 0.7, 8
