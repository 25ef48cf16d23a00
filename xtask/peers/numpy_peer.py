"""The tasks in plain NumPy: an epoch of batches, and one sample at a time in float64 columns."""

import common

ARGUMENTS = common.arguments()

import numpy

#: Samples of the task `one-by-one`, whose seconds are multiplied to the whole epoch.
ONE_BY_ONE_SAMPLES = 6_000
#: The same for the tutorial's program as printed, which is slower.
AS_PRINTED_SAMPLES = 1_500


def step(parameters, images, labels, rate):
    """A batch forward, back, and a change of the parameters in place."""
    (weights1, biases1), (weights2, biases2) = parameters
    hidden = images @ weights1
    hidden += biases1
    numpy.maximum(hidden, 0, out=hidden)
    d_logits = hidden @ weights2
    d_logits += biases2
    d_logits -= d_logits.max(1, keepdims=True)
    numpy.exp(d_logits, out=d_logits)
    d_logits /= d_logits.sum(1, keepdims=True)
    d_logits[numpy.arange(len(labels)), labels] -= 1
    d_logits *= numpy.float32(rate / len(labels))
    d_hidden = d_logits @ weights2.T
    d_hidden *= hidden > 0
    weights2 -= hidden.T @ d_logits
    biases2 -= d_logits.sum(0)
    weights1 -= images.T @ d_hidden
    biases1 -= d_hidden.sum(0)


def epoch():
    images, labels = common.load(ARGUMENTS.data, "train")
    random = numpy.random.default_rng(ARGUMENTS.seed)
    parameters = common.initial_parameters(common.EPOCH_UNITS, random)

    def run():
        order = random.permutation(len(images))
        for start in range(0, len(order), common.EPOCH_BATCH):
            indices = order[start : start + common.EPOCH_BATCH]
            step(parameters, images[indices], labels[indices], common.EPOCH_RATE)

    run()
    seconds = common.timed(common.TIMED_EPOCHS, run)
    images, labels = common.load(ARGUMENTS.data, "t10k")
    (weights1, biases1), (weights2, biases2) = parameters
    logits = numpy.maximum(images @ weights1 + biases1, 0) @ weights2 + biases2
    return {"seconds": seconds, "accuracy": float((logits.argmax(1) == labels).mean())}


def sigmoid(z):
    return 1 / (1 + numpy.exp(-z))


def sigmoid_derivative(z):
    a = sigmoid(z)
    return a * (1 - a)


def cross_entropy_derivative(y, p):
    p = numpy.clip(p, 1e-10, 1 - 1e-10)
    return -y / p + (1 - y) / (1 - p)


def one_by_one():
    if ARGUMENTS.variant == "as printed":
        return as_printed()
    return mended()


def mended():
    """Sigmoid layers and their cross-entropy, a column of float64 for each sample, formula by formula."""
    images, labels = common.load(ARGUMENTS.data, "train")
    rows = images[:ONE_BY_ONE_SAMPLES].astype(numpy.float64)
    targets = numpy.eye(10)[labels[:ONE_BY_ONE_SAMPLES]][:, :, None]
    random = numpy.random.default_rng(ARGUMENTS.seed)
    weights1, biases1 = random.normal(0, 0.01, (100, 784)), random.normal(0, 0.01, (100, 1))
    weights2, biases2 = random.normal(0, 0.01, (10, 100)), random.normal(0, 0.01, (10, 1))

    def run():
        nonlocal weights1, biases1, weights2, biases2
        for index in range(len(rows)):
            a1 = rows[index : index + 1].T
            z2 = numpy.dot(weights1, a1) + biases1
            a2 = sigmoid(z2)
            z3 = numpy.dot(weights2, a2) + biases2
            a3 = sigmoid(z3)
            d_z3 = numpy.multiply(cross_entropy_derivative(targets[index], a3), sigmoid_derivative(z3))
            d_z2 = numpy.multiply(numpy.dot(weights2.T, d_z3), sigmoid_derivative(z2))
            weights2 -= 0.1 * numpy.dot(d_z3, a2.T)
            biases2 -= 0.1 * d_z3.mean(axis=1, keepdims=True)
            weights1 -= 0.1 * numpy.dot(d_z2, a1.T)
            biases1 -= 0.1 * d_z2.mean(axis=1, keepdims=True)

    scale = len(images) / ONE_BY_ONE_SAMPLES
    seconds = [scale * part for part in common.timed(1, run)]
    images, labels = common.load(ARGUMENTS.data, "t10k")
    hidden = sigmoid(images @ weights1.T + biases1.T)
    reached = float(((hidden @ weights2.T + biases2.T).argmax(1) == labels).mean())
    return {"seconds": seconds, "accuracy": reached}


def as_printed():
    """What the tutorial's program computes for each sample, mistakes included, with the types it has there:
    a row of integers as a `numpy.matrix`, ReLUs, gradients divided by the size of the data set. It learns
    nothing; this is about its time."""
    images = common.read_idx(f"{ARGUMENTS.data}/train-images-idx3-ubyte", 3).reshape(-1, 784).astype(numpy.int64)
    labels = common.read_idx(f"{ARGUMENTS.data}/train-labels-idx1-ubyte", 1).astype(numpy.int64)
    random = numpy.random.default_rng(ARGUMENTS.seed)
    weights1, biases1 = random.normal(0, 0.01, (100, 784)), random.normal(0, 0.01, (100, 1))
    weights2, biases2 = random.normal(0, 0.01, (10, 100)), random.normal(0, 0.01, (10, 1))
    relu = lambda z: numpy.maximum(0, z)
    slope = lambda z: (z >= 0).astype(numpy.float64)

    def forward(a1):
        z2 = numpy.dot(weights1, a1) + biases1
        a2 = relu(z2)
        z3 = numpy.dot(weights2, a2) + biases2
        return z2, a2, z3, numpy.argmax(relu(z3), axis=0)

    # The gradients live as long as this function's call, as they do in the program: with them comes and
    # goes the memory that they stand in, which is most of the time that it takes.
    def backward(a1, z2, a2, z3, d_answer):
        nonlocal weights1, biases1, weights2, biases2
        d_z3 = numpy.multiply(d_answer, slope(z3))
        d_weights2, d_biases2 = numpy.dot(d_z3, a2.T) / len(images), numpy.mean(d_z3, axis=1)
        d_z2 = numpy.multiply(numpy.dot(weights2.T, d_z3), slope(z2))
        d_weights1, d_biases1 = numpy.dot(d_z2, a1.T) / len(images), numpy.mean(d_z2, axis=1)
        weights2 -= 0.1 * d_weights2
        biases2 -= 0.1 * d_biases2
        weights1 -= 0.1 * d_weights1
        biases1 -= 0.1 * d_biases1

    def run():
        for index in range(AS_PRINTED_SAMPLES):
            a1, target = numpy.asmatrix(images[index]).T, numpy.asmatrix(labels[index])
            z2, a2, z3, answer = forward(a1)
            backward(a1, z2, a2, z3, -target / answer + (1 - target) / (1 - answer))

    scale = len(images) / AS_PRINTED_SAMPLES
    with numpy.errstate(all="ignore"):
        return {"seconds": [scale * part for part in common.timed(1, run)]}


def matrix():
    random = numpy.random.default_rng(1)
    shape = (common.MATRIX_SIDE, common.MATRIX_SIDE)
    left, right = random.random(shape, numpy.float32), random.random(shape, numpy.float32)
    out = numpy.empty_like(left)
    run = lambda: numpy.matmul(left, right, out=out)
    common.timed(2, run)
    return {"seconds": common.timed(common.MATRIX_PRODUCTS, run)}


TASKS = {"epoch": epoch, "one-by-one": one_by_one, "matrix": matrix}
if ARGUMENTS.task not in TASKS:
    common.unknown(ARGUMENTS.task)
common.report({"NumPy": numpy.__version__}, **TASKS[ARGUMENTS.task]())
