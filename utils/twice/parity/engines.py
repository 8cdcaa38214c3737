"""The two engines, as far as a comparison has to tell them apart."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from twice.autograd import Tensor, backward
from twice.parity.compare import Values, as_array

Array = np.ndarray


class Engine:
    """What differs between the engines, as far as a comparison has to know."""

    name, device = "twice", "cpu"

    def __init__(self) -> None:
        from twice import nn, optim

        self.nn, self.optim = nn, optim

    def tensor(self, array: Array, requires_grad: bool = False) -> Any:
        return Tensor(array.copy(), requires_grad)

    def place(self, module: Any, dtype: np.dtype) -> Any:
        """A copy of the module in that dtype, on this engine's device."""
        module = copy.deepcopy(module)
        return module.double() if dtype == np.float64 else module.float()

    def backward(self, outputs: list[Any], cotangents: list[Array]) -> None:
        backward(outputs, cotangents)

    def silence(self, parameter: Any, bound: float) -> None:
        """Make the entries of the gradient below a bound zero."""
        parameter.grad.array[np.abs(parameter.grad.array) < bound] = 0


class TorchEngine(Engine):
    """Torch on one of its devices."""

    name = "torch"

    def __init__(self, device: str):
        import torch

        self.device, self.torch, self.nn, self.optim = device, torch, torch.nn, torch.optim

    def tensor(self, array: Array, requires_grad: bool = False) -> Any:
        return self.torch.from_numpy(array.copy()).to(self.device).requires_grad_(requires_grad)

    def place(self, module: Any, dtype: np.dtype) -> Any:
        return super().place(module, dtype).to(self.device)

    def backward(self, outputs: list[Any], cotangents: list[Array]) -> None:
        self.torch.autograd.backward(outputs, [self.tensor(c) for c in cotangents])

    def silence(self, parameter: Any, bound: float) -> None:
        parameter.grad.masked_fill_(parameter.grad.abs() < bound, 0)


def torch_engines() -> list[TorchEngine]:
    """Torch on the CPU and, where there is one, on a CUDA device."""
    import torch

    return [TorchEngine(device) for device in ("cpu", "cuda") if device == "cpu" or torch.cuda.is_available()]


@contextmanager
def full_precision() -> Iterator[None]:
    """Inside, CUDA multiplies float32 in float32: without TF32, which keeps only 10 bits of the mantissa."""
    import torch

    switches: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn] if torch.cuda.is_available() else []
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = False
        yield
    finally:
        for switch, value in zip(switches, before):
            switch.allow_tf32 = value


def as_input(where: str, given: Any, rng: np.random.Generator) -> Array:
    """An array, or random numbers in a shape; floats in float64 for now."""
    if isinstance(given, tuple | list) and all(isinstance(n, int) for n in given):
        return rng.standard_normal(given)
    if not isinstance(given, Tensor | np.ndarray) and not hasattr(given, "detach"):
        raise TypeError(f"certificate: {where} is a {type(given).__name__}, expected an array, a tensor or a shape")
    array = as_array(given)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def numbered(what: str, tensors: list[Any]) -> Values:
    """`forward`, or `forward[0]`, `forward[1]`, …"""
    names = [what] if len(tensors) == 1 else [f"{what}[{i}]" for i in range(len(tensors))]
    return {name: as_array(t).copy() for name, t in zip(names, tensors)}


def gradient(tensor: Any) -> Array:
    """The gradient of a leaf; one that nothing has reached is zero, as the optimisers see it."""
    return np.zeros_like(as_array(tensor)) if tensor.grad is None else as_array(tensor.grad).copy()
