"""Changes in place: each new value is written into the tensor's own memory, and onto the tape."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor, change
from twice.functions.arithmetic import div, mul, sub
from twice.functions.indexing import write
from twice.functions.lifting import attach, method
from twice.kernels import activation
from twice.kernels import elementary as E
from twice.kernels.pullback import Parts

__all__ = ["clamp_", "clamp_max_", "clamp_min_", "fill_", "relu_", "zero_"]


def _changing(name: str, kernel: Callable[..., Any]) -> Callable[..., Tensor]:
    return attach(name, lambda self, *others, **options: change(name, kernel, self, *others, **options))


add_ = _changing("add_", E.add)
sub_ = _changing("sub_", E.sub)
mul_ = _changing("mul_", E.mul)
div_ = _changing("div_", E.div)
pow_ = _changing("pow_", E.power)
remainder_ = _changing("remainder_", E.remainder)
attach("__iadd__", add_)
attach("__isub__", sub_)
attach("__imul__", mul_)
attach("__itruediv__", div_)
attach("__imod__", remainder_)
attach("__ipow__", pow_)
_KERNELS: dict[str, Callable[..., Any]] = {
    "exp": E.exp, "log": E.log, "sqrt": E.sqrt, "rsqrt": E.rsqrt, "reciprocal": E.reciprocal, "neg": E.negative,
    "abs": E.absolute, "sin": E.sin, "cos": E.cos, "sigmoid": activation.sigmoid, "tanh": activation.tanh,
    "floor": E.floor, "ceil": E.ceil, "round": E.round, "trunc": E.trunc, "sign": E.sign, "masked_fill": E.masked_fill,
}  # fmt: skip
for _name, _kernel in _KERNELS.items():
    _changing(f"{_name}_", _kernel)


def _without_gradient(bitwise: Callable[..., np.ndarray], x: np.ndarray, y: Any) -> tuple[np.ndarray, None]:
    return bitwise(x, y), None


for _name in ("and", "or", "xor"):
    _changing(f"__i{_name}__", partial(_without_gradient, getattr(np, f"bitwise_{_name}")))


@method
def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1) -> Tensor:
    """input += value · tensor1 · tensor2"""
    return add_(input, mul(tensor1, tensor2), alpha=value)


@method
def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1) -> Tensor:
    """input += value · tensor1 / tensor2"""
    return add_(input, div(tensor1, tensor2), alpha=value)


@method
def lerp_(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """A share of the way to `end`, in place."""
    return add_(input, mul(sub(end, input), weight))


@method
def scatter_(self: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """self[index[i, j], j] = src[i, j] for dim 0, and so on."""
    return change("scatter_", E.scatter, self, index, src, dim=dim)


@method
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """self[index[i, j], j] += src[i, j] for dim 0, and so on."""
    return change("scatter_add_", E.scatter, self, index, src, dim=dim, add=True)


@method
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, alpha: float = 1) -> Tensor:
    """Each slice of `source` is added to the slice that the index names."""
    return change("index_add_", E.index_add, self, index, source, dim=dim, alpha=alpha)


@method
def relu_(input: Tensor) -> Tensor:
    """Negative entries become zero, in the tensor's own memory."""
    return change("relu_", activation.relu, input, out=input.array)


@method
def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """The values held between min and max, in place."""
    return change("clamp_", E.clamp, input, low=min, high=max)


@method
def clamp_min_(input: Tensor, min: Any) -> Tensor:
    """The values, or min where they are smaller, in place."""
    return clamp_(input, min=min)


@method
def clamp_max_(input: Tensor, max: Any) -> Tensor:
    """The values, or max where they are larger, in place."""
    return clamp_(input, max=max)


@method
def tril_(self: Tensor, diagonal: int = 0) -> Tensor:
    """Zero above the lower triangle."""
    return change("tril_", E.triangle, self, diagonal=diagonal, lower=True)


@method
def triu_(self: Tensor, diagonal: int = 0) -> Tensor:
    """Zero below the upper triangle."""
    return change("triu_", E.triangle, self, diagonal=diagonal, lower=False)


# ── new values for old ──────────────────────────────────────────────────────────────────────────────────────────


def _overwrite(x: np.ndarray, y: Any):
    """New values for old: what was there before has no part in them."""
    return np.broadcast_to(np.asarray(y, x.dtype), x.shape), Parts(np.zeros_like, lambda dy: dy)


@method
def copy_(self: Tensor, src: Tensor) -> Tensor:
    """Take over the values of another tensor."""
    return change("copy_", _overwrite, self, src)


@method
def fill_(self: Tensor, value: Any) -> Tensor:
    """One value everywhere."""
    return change("fill_", _overwrite, self, value)


@method
def zero_(self: Tensor) -> Tensor:
    """Zero everywhere."""
    return fill_(self, 0)


@method
def fill_diagonal_(self: Tensor, fill_value: float) -> Tensor:
    """One value on the diagonal of a matrix."""
    rows = np.arange(min(self.shape))
    write(self, (rows, rows), fill_value)
    return self


@method
def bernoulli_(self: Tensor, p: float = 0.5, generator: Any = None) -> Tensor:
    """1 with probability p, else 0."""
    return fill_(self, creation.random_source(generator).random(self.shape) < p)


@method
def exponential_(self: Tensor, lambd: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with exponentially distributed random numbers."""
    return fill_(self, creation.random_source(generator).exponential(1 / lambd, self.shape))


@method
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with normal random numbers."""
    drawn = creation.random_source(generator).standard_normal(self.shape) * std + mean
    return fill_(self, drawn.astype(self.dtype))


@method
def uniform_(self: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with uniform random numbers."""
    drawn = creation.random_source(generator).uniform(a, b, self.shape)
    return fill_(self, drawn.astype(self.dtype))
