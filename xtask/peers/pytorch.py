"""The tasks in PyTorch: eager, or compiled by torch.compile where the variant says so."""

import statistics
import time

import common

ARGUMENTS = common.arguments()

import numpy
import torch
from torch.nn import functional

torch.set_num_threads(ARGUMENTS.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(ARGUMENTS.seed)


def network(units):
    layers = []
    for layer, (weights, biases) in enumerate(
        common.initial_parameters(units, numpy.random.default_rng(ARGUMENTS.seed))
    ):
        linear = torch.nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T.copy()))
            linear.bias.copy_(torch.from_numpy(biases))
        layers.append(linear)
        if layer < len(units) - 2:
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


def tensors(split):
    images, labels = common.load(ARGUMENTS.data, split)
    return torch.from_numpy(images), torch.from_numpy(labels.astype(numpy.int64))


def accuracy(model, images, labels):
    with torch.inference_mode():
        return (model(images).argmax(1) == labels).float().mean().item()


def training_step(model, optimizer):
    """One step in place; compiled, the forward pass, the gradients and the update are one graph."""
    if ARGUMENTS.variant == "compiled":
        return compiled_step(model)

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def compiled_step(model):
    parameters = {name: number.detach() for name, number in model.named_parameters()}

    def loss_of(parameters, images, labels):
        return functional.cross_entropy(torch.func.functional_call(model, parameters, (images,)), labels)

    @torch.compile
    def step(images, labels):
        gradients = torch.func.grad(loss_of)(parameters, images, labels)
        for name, number in parameters.items():
            number.sub_(gradients[name], alpha=common.EPOCH_RATE)

    return step


def sgd(model, rate):
    # `fused` is the fastest of PyTorch's forms of this optimizer on a processor.
    return torch.optim.SGD(model.parameters(), lr=rate, fused=True)


def run_epoch(step, images, labels, batch):
    for indices in torch.randperm(len(images)).split(batch):
        step(images[indices], labels[indices])


def epoch():
    images, labels = tensors("train")
    model = network(common.EPOCH_UNITS)
    step = training_step(model, sgd(model, common.EPOCH_RATE))
    run = lambda: run_epoch(step, images, labels, common.EPOCH_BATCH)
    run()
    seconds = common.timed(common.TIMED_EPOCHS, run)
    return {"seconds": seconds, "accuracy": accuracy(model, *tensors("t10k"))}


def process():
    images, labels = tensors("train")
    test = tensors("t10k")
    model = network(common.EPOCH_UNITS)
    optimizer = sgd(model, common.PROCESS_RATE)
    step = training_step(model, optimizer)
    batches = -(-len(images) // common.PROCESS_BATCH)
    done = 0
    for _ in range(common.PROCESS_EPOCHS):
        for indices in torch.randperm(len(images)).split(common.PROCESS_BATCH):
            rate = common.one_cycle(common.PROCESS_RATE, done, batches * common.PROCESS_EPOCHS)
            optimizer.param_groups[0]["lr"] = rate
            step(images[indices], labels[indices])
            done += 1
        reached = accuracy(model, *test)
    torch.save(model.state_dict(), ARGUMENTS.output)
    return {"accuracy": reached}


def deep():
    images, labels = tensors("train")
    model = network(common.DEEP_UNITS)
    step = training_step(model, sgd(model, common.DEEP_RATE))
    batches = iter(torch.randperm(len(images)).split(common.DEEP_BATCH))

    def next_step():
        indices = next(batches)
        step(images[indices], labels[indices])

    common.timed(common.DEEP_WARMUP, next_step)
    return {"seconds": common.timed(common.DEEP_STEPS, next_step)}


def inference_model():
    model = network(common.EPOCH_UNITS).eval()
    if ARGUMENTS.variant == "traced":
        model = torch.jit.trace(model, torch.zeros(1, 784))
        model = torch.jit.optimize_for_inference(torch.jit.freeze(model))
    return model


def one_image():
    images, _ = tensors("t10k")
    model = inference_model()
    singles = images.split(1)
    with torch.inference_mode():
        for image in singles[:1000]:
            model(image)
        seconds = []
        for image in singles[: common.ONE_IMAGE_CALLS]:
            start = time.perf_counter()
            model(image)
            seconds.append(time.perf_counter() - start)
    return {"seconds": [statistics.median(seconds)]}


def many_images():
    images, _ = tensors("t10k")
    model = inference_model()
    with torch.inference_mode():
        run = lambda: model(images)
        common.timed(3, run)
        return {"seconds": common.timed(common.MANY_IMAGES_CALLS, run)}


def smoothing(side):
    """A matrix whose product with independent normal numbers has the variance 1 and is smooth along its rows."""
    places = torch.arange(side, dtype=torch.float32)
    weights = torch.exp(-((places[:, None] - places) ** 2) / (2 * common.AUGMENT["smoothness"] ** 2))
    return weights / weights.square().sum(1, keepdim=True).sqrt()


def displacements(count, side):
    """Smooth random numbers of variance strength², (N, side, side, 2)."""
    strength = common.AUGMENT["strength"]
    if ARGUMENTS.variant == "products":
        gaussian = smoothing(side)
        smooth = gaussian @ torch.randn(count, 2, side, side) @ gaussian.T
        return strength * smooth.permute(0, 2, 3, 1)
    deviation = common.AUGMENT["smoothness"]
    radius = round(3 * deviation)
    kernel = torch.exp(-(torch.arange(-radius, radius + 1.0) ** 2) / (2 * deviation**2))
    kernel /= kernel.square().sum().sqrt()
    noise = torch.randn(2 * count, 1, side, side)
    smooth = functional.conv2d(noise, kernel[None, None, None], padding=(0, radius))
    smooth = functional.conv2d(smooth, kernel[None, None, :, None], padding=(radius, 0))
    return strength * smooth.view(count, 2, side, side).permute(0, 2, 3, 1)


def distorted(images):
    """Images (N, 784), each distorted in a way of its own."""
    count, side = len(images), 28
    uniform = lambda most: most * (2 * torch.rand(count) - 1)
    angle = torch.deg2rad(uniform(common.AUGMENT["rotation"]))
    shear = uniform(common.AUGMENT["shear"])
    width, height = (1 + uniform(common.AUGMENT["scale"]) for _ in range(2))
    # Where a pixel comes from: shift, rotation, shear and scale undone, in halves of the side.
    cosine, sine = angle.cos(), angle.sin()
    across = torch.stack([(cosine + shear * sine) / width, (sine - shear * cosine) / width], 1)
    down = torch.stack([-sine / height, cosine / height], 1)
    inverse = torch.stack([across, down], 1)
    half = (side - 1) / 2
    shift = torch.stack([uniform(common.AUGMENT["shift"]) for _ in range(2)], 1)[:, :, None] / half
    theta = torch.cat([inverse, -inverse @ shift], 2)
    grid = functional.affine_grid(theta, (count, 1, side, side), align_corners=True)
    grid += displacements(count, side) / half
    pictures = images.view(count, 1, side, side)
    return functional.grid_sample(pictures, grid, align_corners=True).view(count, -1)


def augment():
    images, _ = tensors("train")
    result = torch.empty_like(images)

    def run():
        for start in range(0, len(images), common.AUGMENT_BATCH):
            batch = slice(start, start + common.AUGMENT_BATCH)
            result[batch] = distorted(images[batch])

    with torch.inference_mode():
        run()
        return {"seconds": common.timed(common.AUGMENT_PASSES, run)}


def matrix():
    left, right = torch.rand(2, common.MATRIX_SIDE, common.MATRIX_SIDE)
    out = torch.empty_like(left)
    run = lambda: torch.mm(left, right, out=out)
    common.timed(2, run)
    return {"seconds": common.timed(common.MATRIX_PRODUCTS, run)}


TASKS = {
    "epoch": epoch,
    "process": process,
    "deep": deep,
    "one-image": one_image,
    "many-images": many_images,
    "augment": augment,
    "matrix": matrix,
}
if ARGUMENTS.task not in TASKS:
    common.unknown(ARGUMENTS.task)
common.report({"PyTorch": torch.__version__}, **TASKS[ARGUMENTS.task]())
