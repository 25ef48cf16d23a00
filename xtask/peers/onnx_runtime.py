"""Inference in ONNX Runtime, of a model made here: products, sums and ReLU of the shapes that all peers share."""

import statistics
import time

import common

ARGUMENTS = common.arguments()

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def session():
    nodes, initializers, name = [], [], "images"
    parameters = common.initial_parameters(
        common.EPOCH_UNITS, numpy.random.default_rng(ARGUMENTS.seed)
    )
    for layer, (weights, biases) in enumerate(parameters):
        initializers.append(numpy_helper.from_array(weights, f"weights{layer}"))
        initializers.append(numpy_helper.from_array(biases, f"biases{layer}"))
        z = "logits" if layer == len(parameters) - 1 else f"z{layer}"
        nodes.append(helper.make_node("Gemm", [name, f"weights{layer}", f"biases{layer}"], [z]))
        if z != "logits":
            name = f"a{layer}"
            nodes.append(helper.make_node("Relu", [z], [name]))
    value = lambda name, columns: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", columns])
    graph = helper.make_graph(nodes, "mlp", [value("images", 784)], [value("logits", 10)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = ARGUMENTS.threads
    options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)


def one_image():
    images, _ = common.load(ARGUMENTS.data, "t10k")
    run = session().run
    feeds = [{"images": image[None]} for image in images]
    for feed in feeds[:1000]:
        run(None, feed)
    seconds = []
    for feed in feeds[: common.ONE_IMAGE_CALLS]:
        start = time.perf_counter()
        run(None, feed)
        seconds.append(time.perf_counter() - start)
    return {"seconds": [statistics.median(seconds)]}


def many_images():
    images, _ = common.load(ARGUMENTS.data, "t10k")
    run_session = session().run
    run = lambda: run_session(None, {"images": images})
    common.timed(3, run)
    return {"seconds": common.timed(common.MANY_IMAGES_CALLS, run)}


TASKS = {"one-image": one_image, "many-images": many_images}
if ARGUMENTS.task not in TASKS:
    common.unknown(ARGUMENTS.task)
common.report({"ONNX Runtime": onnxruntime.__version__}, **TASKS[ARGUMENTS.task]())
