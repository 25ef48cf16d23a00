"""The tasks in JAX: an epoch is one compiled scan over its batches, with the parameters' memory donated."""

import os

import common

ARGUMENTS = common.arguments()
# XLA makes a thread for each processor that it may use, so these are what is limited.
processors = sorted(os.sched_getaffinity(0))[: ARGUMENTS.threads]
os.sched_setaffinity(0, processors)
os.environ["JAX_PLATFORMS"] = "cpu"

from functools import partial

import jax
import numpy
from jax import numpy as jnp


def logits_of(parameters, images):
    *hidden, (last, biases) = parameters
    for weights, hidden_biases in hidden:
        images = jnp.maximum(images @ weights + hidden_biases, 0)
    return images @ last + biases


def loss_of(parameters, images, labels):
    logits = logits_of(parameters, images)
    chosen = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - chosen)


def step(parameters, images, labels, rate):
    gradients = jax.grad(loss_of)(parameters, images, labels)
    return jax.tree.map(lambda number, gradient: number - rate * gradient, parameters, gradients)


@partial(jax.jit, donate_argnums=0, static_argnums=5)
def epoch_of(parameters, images, labels, order, rates, batch):
    """All full batches in one scan, then what is left."""
    full = len(order) // batch

    def body(parameters, now):
        indices, rate = now
        return step(parameters, images[indices], labels[indices], rate), None

    batches = order[: full * batch].reshape(full, batch)
    parameters, _ = jax.lax.scan(body, parameters, (batches, rates[:full]))
    if full * batch < len(order):
        rest = order[full * batch :]
        parameters = step(parameters, images[rest], labels[rest], rates[full])
    return parameters


@jax.jit
def accuracy(parameters, images, labels):
    return jnp.mean(logits_of(parameters, images).argmax(1) == labels)


def arrays(split):
    images, labels = common.load(ARGUMENTS.data, split)
    if ARGUMENTS.variant == "no dark pixel":
        images = numpy.maximum(images, numpy.float32(1 / 255))
    return jnp.asarray(images), jnp.asarray(labels.astype(numpy.int32))


def network(units):
    random = numpy.random.default_rng(ARGUMENTS.seed)
    return jax.tree.map(jnp.asarray, common.initial_parameters(units, random))


def epoch():
    images, labels = arrays("train")
    test = arrays("t10k")
    random = numpy.random.default_rng(ARGUMENTS.seed)
    parameters = network(common.EPOCH_UNITS)
    batches = -(-len(images) // common.EPOCH_BATCH)
    rates = jnp.full(batches, common.EPOCH_RATE, jnp.float32)

    def run():
        nonlocal parameters
        order = random.permutation(len(images)).astype(numpy.int32)
        parameters = epoch_of(parameters, images, labels, order, rates, common.EPOCH_BATCH)
        jax.block_until_ready(parameters)

    run()
    seconds = common.timed(common.TIMED_EPOCHS, run)
    return {"seconds": seconds, "accuracy": float(accuracy(parameters, *test))}


def process():
    images, labels = arrays("train")
    test = arrays("t10k")
    random = numpy.random.default_rng(ARGUMENTS.seed)
    parameters = network(common.EPOCH_UNITS)
    batches = -(-len(images) // common.PROCESS_BATCH)
    steps = batches * common.PROCESS_EPOCHS
    rates = [common.one_cycle(common.PROCESS_RATE, number, steps) for number in range(steps)]
    rates = numpy.array(rates, numpy.float32).reshape(common.PROCESS_EPOCHS, batches)
    for now in range(common.PROCESS_EPOCHS):
        order = random.permutation(len(images)).astype(numpy.int32)
        parameters = epoch_of(parameters, images, labels, order, rates[now], common.PROCESS_BATCH)
        reached = float(accuracy(parameters, *test))
    numbers = [numpy.asarray(array) for array in jax.tree.leaves(parameters)]
    with open(ARGUMENTS.output, "wb") as file:
        numpy.savez(file, *numbers)
    return {"accuracy": reached}


def deep():
    images, labels = common.load(ARGUMENTS.data, "train")
    labels = labels.astype(numpy.int32)
    parameters = network(common.DEEP_UNITS)
    compiled = jax.jit(step, donate_argnums=0)
    steps = common.DEEP_WARMUP + common.DEEP_STEPS
    order = numpy.random.default_rng(ARGUMENTS.seed).permutation(len(images))
    batches = iter(order[: steps * common.DEEP_BATCH].reshape(steps, common.DEEP_BATCH))

    def next_step():
        nonlocal parameters
        indices = next(batches)
        parameters = compiled(parameters, images[indices], labels[indices], common.DEEP_RATE)
        jax.block_until_ready(parameters)

    common.timed(common.DEEP_WARMUP, next_step)
    return {"seconds": common.timed(common.DEEP_STEPS, next_step)}


def matrix():
    random = numpy.random.default_rng(1)
    shape = (common.MATRIX_SIDE, common.MATRIX_SIDE)
    left, right = (jnp.asarray(random.random(shape, numpy.float32)) for _ in range(2))
    product = jax.jit(jnp.matmul)
    run = lambda: product(left, right).block_until_ready()
    common.timed(2, run)
    return {"seconds": common.timed(common.MATRIX_PRODUCTS, run)}


TASKS = {"epoch": epoch, "process": process, "deep": deep, "matrix": matrix}
if ARGUMENTS.task not in TASKS:
    common.unknown(ARGUMENTS.task)
common.report({"JAX": jax.__version__}, **TASKS[ARGUMENTS.task]())
