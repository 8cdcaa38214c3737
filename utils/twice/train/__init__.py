"""Training: one `fit` for both engines, the history of a run, and checkpoints from which it goes on bit for bit.

    history = fit(net, (x, y), validation=(vx, vy), epochs=10, checkpoint="run.npz")
    history.plot()
    evaluate(net, (vx, vy))                     # {"loss": …, "accuracy": …}

Batch order, augmentation and dropout are pure functions of (seed, epoch, step): a run that was killed at any step and
is started again ends as if nothing had happened, on the CPU to the last bit (with as many threads as before).
"""

from twice.train.history import History
from twice.train.loop import evaluate, fit

__all__ = ["History", "evaluate", "fit"]
