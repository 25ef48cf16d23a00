"""Checks that PyTorch, ONNX Runtime and NumPy compute what exported networks compute, and that networks of theirs are
imported as what they are.

`cargo xtask check-peers` runs it with the path of nn-cli and the folder of a data set. It ends with an error at the
first thing that is not as it should be, and prints how far apart the numbers were otherwise.

For every depth from none to three hidden layers, every activation and every pair of loss and output activation, a
network is trained for an epoch on the sample and asked about the whole test set. Its own answers are those that
`nn-cli eval --outputs` writes.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import safetensors
import safetensors.torch
import torch

import common

# How far logits and probabilities may be from ours; where an image has logits above 1, in proportion to the greatest of
# them. Sums in another order differ by as much as the steps of an f32 are wide, and at 32 they are 4e-6.
TOLERANCE = 1e-5

DEPTHS = {"none": 0, "33": 1, "40,23": 2, "31,27,18": 3}
HIDDEN = ["identity", "sigmoid", "relu", "leaky-relu", "tanh"]
OUTPUTS = [
    ("softmax-cross-entropy", "identity"),
    ("sigmoid-cross-entropy", "identity"),
    ("binary-cross-entropy", "sigmoid"),
    ("binary-cross-entropy", "softmax"),
    ("mean-squared-error", "identity"),
    ("mean-squared-error", "sigmoid"),
    ("mean-squared-error", "relu"),
    ("mean-squared-error", "leaky-relu"),
    ("mean-squared-error", "tanh"),
    ("mean-squared-error", "softmax"),
]
MODULES = {
    "identity": torch.nn.Identity,
    "sigmoid": torch.nn.Sigmoid,
    "relu": torch.nn.ReLU,
    "leaky-relu": lambda: torch.nn.LeakyReLU(0.01),
    "tanh": torch.nn.Tanh,
    "softmax": lambda: torch.nn.Softmax(dim=1),
}
# What makes probabilities of the outputs, where the loss takes logits.
PROBABILITIES = {"softmax-cross-entropy": "softmax", "sigmoid-cross-entropy": "sigmoid"}

program, data = sys.argv[1:]
sample = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/sample")
images = common.read_idx(f"{data}/t10k-images-idx3-ubyte", 3)
labels = common.read_idx(f"{data}/t10k-labels-idx1-ubyte", 1)
scaled = torch.from_numpy(images.reshape(len(images), -1).astype(numpy.float32) / numpy.float32(255))
worst = {}
near_ties = 0


def nn_cli(*arguments):
    """What the program prints; a failure of it ends this one."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"nn-cli {' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def ours(model):
    """What nn-cli says of the test set: logits, probabilities and accuracy."""
    report = json.loads(nn_cli("eval", model, "--data", data, "--outputs", "ours.npz", "--json"))
    answers = numpy.load("ours.npz", allow_pickle=False)
    if not (answers["labels"] == labels).all():
        sys.exit(f"{model}: other labels than those of the data set")
    return answers["logits"], answers["probabilities"], report["accuracy"]


def compare(whom, case, found, expected, tolerance=TOLERANCE):
    """Numbers within the tolerance, and the same predictions but where two classes are nearer than that."""
    global near_ties
    if found.shape != expected.shape or found.dtype != numpy.float32:
        sys.exit(f"{whom}, {case}: expected f32 of {expected.shape}, found {found.dtype} of {found.shape}")
    apart = numpy.abs(found.astype(numpy.float64) - expected)
    size = numpy.maximum(1, numpy.abs(expected).max(axis=1))
    scaled_apart = (apart.max(axis=1) / size).max()
    before = worst.get(whom, (0.0, 0.0))
    worst[whom] = (max(before[0], float(apart.max())), max(before[1], float(scaled_apart)))
    if not scaled_apart <= tolerance:
        sys.exit(f"{whom}, {case}: {scaled_apart:.2e} apart, expected at most {tolerance:.0e}")
    two = numpy.sort(expected, axis=1)[:, -2:]
    differ = found.argmax(axis=1) != expected.argmax(axis=1)
    if (differ & (two[:, 1] - two[:, 0] > 2 * tolerance * size)).any():
        sys.exit(f"{whom}, {case}: another prediction")
    near_ties += int(differ.sum())


def layers_of(path):
    """The modules of an exported network, as its metadata names them, with its numbers in them."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        shapes = [file.get_slice(key).get_shape() for key in sorted(file.keys()) if key.endswith(".weight")]
    activations = metadata["activations"].split(", ")
    modules = []
    for (outputs, inputs), activation in zip(shapes, activations, strict=True):
        modules += [torch.nn.Linear(inputs, outputs), MODULES[activation]()]
    network = torch.nn.Sequential(*modules)
    network.load_state_dict(safetensors.torch.load_file(path), strict=True)
    return network, metadata


def check_pytorch(case, logits, probabilities):
    network, metadata = layers_of("network.safetensors")
    with torch.no_grad():
        found = network[:-1](scaled)
        answer = network[-1](found)
    to_probabilities = MODULES[PROBABILITIES.get(metadata["loss"], "identity")]()
    compare("PyTorch, logits", case, found.numpy(), logits)
    compare("PyTorch, probabilities", case, to_probabilities(answer).numpy(), probabilities)


def check_onnx(case, logits, probabilities):
    onnx.checker.check_model("network.onnx", full_check=True)
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    pixels = images.astype(numpy.float32)
    found = session.run(["logits", "probabilities"], {"pixels": pixels})
    compare("ONNX Runtime, logits", case, found[0], logits)
    compare("ONNX Runtime, probabilities", case, found[1], probabilities)
    one = session.run(["logits"], {"pixels": pixels[7:8]})[0]
    compare("ONNX Runtime, one image", case, one, logits[7:8])


def check_numpy(case, logits):
    arrays = numpy.load("network.npz", allow_pickle=False)
    metadata = json.loads(str(arrays["description"]))
    functions = {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + numpy.exp(-z)),
        "relu": lambda z: numpy.maximum(z, 0),
        "leaky-relu": lambda z: numpy.where(z > 0, z, numpy.float32(0.01) * z),
        "tanh": numpy.tanh,
    }
    activations = metadata["activations"].split(", ")
    outputs = scaled.numpy()
    for number, activation in enumerate(activations, start=1):
        sums = outputs @ arrays[f"W{number}"] + arrays[f"b{number}"]
        outputs = functions[activation](sums) if number < len(activations) else sums
    compare("NumPy, logits", case, outputs, logits)


def check_export(case):
    """`network.model` in every format, with every peer, and back."""
    logits, probabilities, accuracy = ours("network.model")
    for name in ["network.safetensors", "network.onnx", "network.npz"]:
        nn_cli("export", "network.model", "--output", name)
    check_pytorch(case, logits, probabilities)
    check_onnx(case, logits, probabilities)
    check_numpy(case, logits)
    for name in ["network.safetensors", "network.npz"]:
        nn_cli("import", name, "--output", "back.model")
        back = ours("back.model")
        if not ((back[0] == logits).all() and (back[1] == probabilities).all() and back[2] == accuracy):
            sys.exit(f"{case}: {name} comes back as another network")


def cases():
    """Every activation at every depth, and every pair of loss and output activation at every depth."""
    for depth, (units, hidden_layers) in enumerate(DEPTHS.items()):
        for number, (loss, output) in enumerate(OUTPUTS):
            yield units, HIDDEN[(depth + number) % len(HIDDEN)], loss, output
        for activation in HIDDEN if hidden_layers else []:
            yield units, activation, *OUTPUTS[0]


def check_exports():
    done = set()
    for case in cases():
        if case in done:
            continue
        done.add(case)
        units, activation, loss, output = case
        # At a rate that suits the losses on logits, others diverge: what is compared shall be a network, not noise.
        rate = "0.2" if loss in PROBABILITIES else "0.02"
        nn_cli(
            *["train", "--data", sample, "--epochs", "1", "--rate", rate, "--hidden", units, "--loss", loss],
            *["--activation", activation, "--output-activation", output, "--output", "network.model"],
        )
        check_export(", ".join(case))
    nn_cli("train", "--data", data, "--output", "network.model")
    check_export("the defaults")
    print(f"{len(done) + 1} networks in three formats, on {len(images):,} images each")


class Digits(torch.nn.Module):
    """A network as people write it, with names for its layers."""

    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(784, 48)
        self.fc2 = torch.nn.Linear(48, 32)
        self.fc3 = torch.nn.Linear(32, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return self.fc3(torch.relu(self.fc2(x)))


def trained(inputs, targets):
    torch.manual_seed(5)
    network = Digits()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(3):
        for batch in torch.randperm(len(inputs)).split(50):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return network


def check_import(case, network, inputs, arguments, tolerance):
    """A file of theirs answers here as it does there."""
    with torch.no_grad():
        expected = network(inputs).numpy()
    nn_cli("import", *arguments, "--activation", "relu", "--output", "theirs.model")
    logits, _, accuracy = ours("theirs.model")
    before = near_ties
    compare("imported", case, logits, expected, tolerance)
    if near_ties == before and accuracy != float((expected.argmax(axis=1) == labels).mean()):
        sys.exit(f"{case}: another accuracy, {accuracy}")
    print(f"imported {case}: accuracy {accuracy:.4f} here and there")


def check_imports():
    train_images = common.read_idx(f"{sample}/train-images-idx3-ubyte", 3)
    targets = torch.from_numpy(common.read_idx(f"{sample}/train-labels-idx1-ubyte", 1).astype(numpy.int64))
    pixels = torch.from_numpy(train_images.reshape(len(train_images), -1).astype(numpy.float32))

    def normalized(x):
        return (x - 0.1307) / 0.3081

    network = trained(normalized(pixels / 255), targets)
    inputs = normalized(scaled)
    normalization = ["--mean", "0.1307", "--std", "0.3081"]
    for kind in [torch.float32, torch.float64, torch.float16, torch.bfloat16]:
        state = {name: tensor.to(kind) for name, tensor in network.state_dict().items()}
        safetensors.torch.save_file(state, "theirs.safetensors")
        # The network that these numbers make, computed in f32.
        network.load_state_dict(state)
        case = f"PyTorch, {str(kind).removeprefix('torch.')}"
        check_import(case, network, inputs, ["theirs.safetensors", *normalization], 1e-4)

    network = trained(pixels / 255, targets)
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    keras, numbered = {}, []
    for name, layer in [("fc1", "dense"), ("fc2", "dense_1"), ("fc3", "dense_2")]:
        kernel, bias = arrays[f"{name}.weight"].T, arrays[f"{name}.bias"]
        keras |= {f"{layer}/kernel:0": kernel, f"{layer}/bias:0": bias}
        numbered += [kernel.astype(">f8"), bias]
    # Transposed views are written in Fortran's order.
    numpy.savez_compressed("keras.npz", **keras)
    check_import("an npz file with the names of Keras", network, scaled, ["keras.npz"], TOLERANCE)
    numpy.savez("numbered.npz", *numbered)
    check_import("an npz file without names", network, scaled, ["numbered.npz"], TOLERANCE)

    network = trained(pixels / 100, targets)
    safetensors.torch.save_file(network.state_dict(), "theirs.safetensors")
    inputs = torch.from_numpy(images.reshape(len(images), -1).astype(numpy.float32)) / 100
    check_import("PyTorch, pixels over 100", network, inputs, ["theirs.safetensors", "--scale", "100"], 1e-4)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    check_exports()
    check_imports()
    os.chdir("/")
for whom, (apart, scaled_apart) in worst.items():
    print(f"{whom}: at most {apart:.1e} apart, {scaled_apart:.1e} in proportion to what is above 1")
print(f"{near_ties} predictions where two classes are nearer than that")
