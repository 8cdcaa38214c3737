"""What training asks of an engine, and which engine a model belongs to."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from twice.train.feed import Batch, Epoch
from twice.train.processes import Processes


class Engine(Protocol):
    """One model on one engine: what differs between the two when they train."""

    name: str
    processes: Processes
    lag: int  # how many steps may be under way before their losses are read
    model: Any  # as the user gave it, on its device
    net: Any  # what is called to train it
    plain: Any  # what is called to evaluate it

    @property
    def nn(self) -> Any:
        """`twice.nn` or `torch.nn`."""

    @property
    def optim(self) -> Any:
        """`twice.optim` or `torch.optim`."""

    @property
    def no_grad(self) -> Any:
        """The context without a tape."""

    @property
    def dtype(self) -> np.dtype:
        """What floats are fed in."""

    def join(self, where: str) -> None:
        """Train together with the other processes, if there are some."""

    def default_optimizer(self, parameters: Sequence[Any]) -> Any:
        """SGD with momentum, fused where the device has that."""

    def own_random_numbers(self) -> AbstractContextManager[None]:
        """Inside, the generator may be reseeded; afterwards it stands where it stood."""

    @staticmethod
    def reseed(number: int) -> None:
        """Begin the random numbers of the layers anew."""

    def batches(self, epoch: Epoch, first: int) -> Iterator[Batch]:
        """The batches from step `first` on, as tensors on the device."""

    def autocast(self) -> AbstractContextManager[Any]:
        """Inside, layers choose the precision that was asked for."""

    def backward(self, loss: Any) -> None:
        """The gradients of all parameters."""

    def update(self, optimizer: Any, parameters: Sequence[Any], clip_norm: float | None) -> None:
        """A step of the optimiser, the gradients' norm held in bounds before."""

    def totals(self, values: Sequence[Any], count: int) -> Sequence[Any]:
        """Means, or a value a sample, as sums over so many samples in float64; they stay where they were computed."""

    def numbers(self, rows: Sequence[Sequence[Any]]) -> np.ndarray:
        """Rows of such sums as an array, summed over all processes."""

    @property
    def parts(self) -> dict[str, Any]:
        """What has a state of its own beside model and optimiser."""

    def pack(self, state: Any) -> Any:
        """A state as `twice.save` takes it; it may share the memory."""

    def unpack(self, state: Any) -> Any:
        """What `pack` has made, with the engine's tensors."""

    def lay_out(self, optimizer: Any) -> None:
        """Give a loaded optimiser's state the memory layout of its parameters."""


def engine_for(where: str, model: Any, **options: Any) -> Engine:
    """The engine whose module this is."""
    from twice.nn import Module

    if isinstance(model, Module):
        from twice.train.numpy_engine import NumpyEngine

        return NumpyEngine(where, model, options)
    if any(cls.__module__.startswith("torch.nn") for cls in type(model).__mro__):
        from twice.train.torch_engine import TorchEngine

        return TorchEngine(where, model, **options)
    raise TypeError(f"{where}: model is a {type(model).__name__}, expected a module of twice.nn or of torch.nn")
