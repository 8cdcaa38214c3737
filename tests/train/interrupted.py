"""A run with everything that has a state, which can be made to end in the middle of any step.

`python -m train.interrupted torch run.npz 2 5` writes every 2 steps and is killed in step 5. Here no torch is imported
for the NumPy engine.
"""

import importlib
import os
import signal
import sys

import numpy as np

from twice.train import fit

EPOCHS, STEPS = 3, 3


class Stop(Exception):
    pass


def stop():
    raise Stop


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def data(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((10 * STEPS, 6)), rng.integers(0, 3, 10 * STEPS)


def network(nn):
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3))


def run(engine, path, every, stop_at=None, end=stop):
    """The history and the final state; the backward pass of step `stop_at` (of this start) comes to an end."""
    engine.manual_seed(0)
    net = network(engine.nn)
    optimizer = engine.optim.Adam(net.parameters(), lr=0.02)
    steps = []

    def interrupt(_):
        steps.append(0)
        if len(steps) - 1 == stop_at:
            end()

    def loss(output, target):
        if output.requires_grad:
            output.register_hook(interrupt)
        return engine.nn.functional.cross_entropy(output, target)

    history = fit(
        net, data(1), validation=data(2), epochs=EPOCHS, batch_size=10, seed=3, optimizer=optimizer,
        schedule=lambda o: engine.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5),
        augment=lambda x, rng: x + 0.1 * rng.standard_normal(x.shape), clip_norm=0.3, patience=EPOCHS,
        loss=loss, metrics=("accuracy",), checkpoint=path, checkpoint_steps=every,
    )  # fmt: skip
    return history, {"net": dict(net.state_dict()), "optimizer": optimizer.state_dict()}


if __name__ == "__main__":
    name, path, every, stop_at = sys.argv[1:]
    engine = importlib.import_module(name)
    if name == "torch":
        engine.set_num_threads(1)
    run(engine, path, int(every), int(stop_at), kill)
