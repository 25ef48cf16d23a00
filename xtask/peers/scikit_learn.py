"""The task `epoch` in scikit-learn: each `partial_fit` is one shuffled epoch of batches."""

import common

ARGUMENTS = common.arguments()

import numpy
import sklearn
from sklearn.neural_network import MLPClassifier


def epoch():
    images, labels = common.load(ARGUMENTS.data, "train")
    model = MLPClassifier(
        hidden_layer_sizes=tuple(common.EPOCH_UNITS[1:-1]),
        activation="relu",
        solver="sgd",
        alpha=0.0,
        batch_size=common.EPOCH_BATCH,
        learning_rate_init=common.EPOCH_RATE,
        momentum=0.0,
        random_state=ARGUMENTS.seed,
    )
    run = lambda: model.partial_fit(images, labels, classes=numpy.arange(10))
    run()
    seconds = common.timed(common.TIMED_EPOCHS, run)
    return {"seconds": seconds, "accuracy": float(model.score(*common.load(ARGUMENTS.data, "t10k")))}


if ARGUMENTS.task != "epoch":
    common.unknown(ARGUMENTS.task)
common.report({"scikit-learn": sklearn.__version__}, **epoch())
