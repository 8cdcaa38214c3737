"""The runs behind stored results: one file an experiment, three scales, each result with where it comes from.

    result("lenet_mnist")                       # what is stored; TWICE_SCALE=medium or full measures it first
    run("lenet_mnist", "medium", out="here")    # train, measure, store here/lenet_mnist.json

`small` runs in seconds on embedded data, `medium` in some twenty minutes on two CPU cores, `full` wants a GPU.
"""

from twice.runs.experiment import NAMES, Experiment, Measured, experiment, listed, result, run
from twice.runs.store import SCALES, Result

__all__ = ["NAMES", "SCALES", "Experiment", "Measured", "Result", "experiment", "listed", "result", "run"]
