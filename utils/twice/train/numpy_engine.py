"""How the NumPy engine trains: on the CPU, in one process, in the model's own dtype."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import numpy as np

import twice
from twice import nn, optim
from twice.autograd import Tensor
from twice.train.feed import Batch, Epoch, each
from twice.train.processes import ALONE, from_environment

PLAIN = {"device": None, "precision": "float32", "channels_last": False, "compile": False, "workers": 0}


class NumpyEngine:
    """See `Engine`."""

    name, nn, optim, no_grad = "twice", nn, optim, twice.no_grad
    processes, lag = ALONE, 1

    def __init__(self, where: str, model: nn.Module, options: dict[str, Any]):
        for name, value in options.items():
            if value != PLAIN[name] and not (name == "device" and str(value) == "cpu"):
                raise ValueError(
                    f"{where}: {name} is {value!r} for a model of the NumPy engine, expected {PLAIN[name]!r}: "
                    "only a torch model has more"
                )
        if (world := from_environment(where).world) > 1:
            raise RuntimeError(f"{where}: {world} processes were started for a model of the NumPy engine, expected one")
        self.model = self.net = self.plain = model

    @property
    def dtype(self) -> np.dtype:
        return next((p.dtype for p in self.model.parameters()), np.dtype("float32"))

    def join(self, where: str) -> None:
        """It is alone."""

    def default_optimizer(self, parameters: Sequence[Any]) -> optim.Optimizer:
        return optim.SGD(parameters, lr=0.01, momentum=0.9)

    # ── random numbers ──────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def own_random_numbers(self) -> Iterator[None]:
        before = twice.get_rng_state()
        try:
            yield
        finally:
            twice.set_rng_state(before)

    @staticmethod
    def reseed(number: int) -> None:
        twice.manual_seed(number)

    # ── a step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def batches(self, epoch: Epoch, first: int) -> Iterator[Batch]:
        for step in range(first, len(epoch)):
            batch = epoch[step]
            yield batch._replace(inputs=each(Tensor, batch.inputs), targets=each(Tensor, batch.targets))

    def autocast(self) -> nullcontext:
        return nullcontext()

    def backward(self, loss: Any) -> None:
        loss.backward()

    def update(self, optimizer: Any, parameters: Sequence[Any], clip_norm: float | None) -> None:
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, clip_norm)
        optimizer.step()

    def totals(self, values: Sequence[Any], count: int) -> list[float]:
        arrays = (value.array if isinstance(value, Tensor) else np.asarray(value) for value in values)
        return [float(array.mean(dtype=np.float64)) * count for array in arrays]

    def numbers(self, rows: Sequence[Sequence[Any]]) -> np.ndarray:
        return np.array(rows)

    # ── states ──────────────────────────────────────────────────────────────────────────────────────────────────

    parts: ClassVar[dict[str, Any]] = {}

    def pack(self, state: Any) -> Any:
        return state

    def unpack(self, state: Any) -> Any:
        return state

    def lay_out(self, optimizer: Any) -> None:
        """Its state is laid out as it should be."""
