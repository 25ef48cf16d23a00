"""The tasks `epoch` and `sweep` in scikit-learn: a `partial_fit` is one shuffled epoch of batches."""

import common

ARGUMENTS = common.arguments()

import warnings

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


def sweep():
    """The search of `sweep.toml`: one split, the last images to choose by, and the best fitted again on all."""
    import pickle
    import tomllib
    from pathlib import Path

    from sklearn.model_selection import GridSearchCV

    plan = tomllib.loads((Path(__file__).parent / "sweep.toml").read_text())
    images, labels = common.load(ARGUMENTS.data, "train")
    indices = numpy.arange(len(images))
    split = len(images) - plan["validation"]
    model = MLPClassifier(
        hidden_layer_sizes=(plan["hidden"],),
        activation="relu",
        solver="sgd",
        alpha=0.0,
        momentum=0.0,
        max_iter=plan["epochs"],
        tol=0.0,
        n_iter_no_change=plan["epochs"] + 1,
        random_state=plan["seeds"][0],
    )
    grid = {"batch_size": plan["grid"]["batch"], "learning_rate_init": plan["grid"]["rate"]}
    search = GridSearchCV(model, grid, n_jobs=ARGUMENTS.threads, cv=[(indices[:split], indices[split:])])
    with warnings.catch_warnings():
        # So few epochs are no convergence, which nobody expects.
        warnings.simplefilter("ignore")
        search.fit(images, labels)
    with open(ARGUMENTS.output, "wb") as file:
        pickle.dump(search.best_estimator_, file)
    return {"accuracy": float(search.score(*common.load(ARGUMENTS.data, "t10k")))}


TASKS = {"epoch": epoch, "sweep": sweep}
if ARGUMENTS.task not in TASKS:
    common.unknown(ARGUMENTS.task)
common.report({"scikit-learn": sklearn.__version__}, **TASKS[ARGUMENTS.task]())
