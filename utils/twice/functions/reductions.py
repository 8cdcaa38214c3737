"""Sums, averages, products and norms over axes, and those that run along one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.autograd import Tensor, op
from twice.functions.arithmetic import div, sub
from twice.functions.choosing import masked_fill
from twice.functions.comparing import isnan, logical_not, ne
from twice.functions.dtypes import in_dtype
from twice.functions.indexing import narrow
from twice.functions.lifting import method
from twice.functions.shape import unsqueeze
from twice.kernels import elementary as E

__all__ = [
    "all", "any", "cdist", "count_nonzero", "cumprod", "cumsum", "diff", "dist", "logsumexp", "mean", "nanmean",
    "nansum", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean",
]  # fmt: skip

_sum, _mean, _var, _std, _prod = op(E.sum), op(E.mean), op(E.var), op(E.std), op(E.prod)
_logsumexp, _norm, _cumsum, _cumprod = op(E.logsumexp), op(E.norm), op(E.cumsum), op(E.cumprod)


@method
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Σ over some axes, or all."""
    return _sum(in_dtype(input, dtype), dim=dim, keepdim=keepdim)


@method
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The average over some axes, or all."""
    return _mean(in_dtype(input, dtype), dim=dim, keepdim=keepdim)


@method
def var(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1) -> Tensor:
    """The variance, divided by n − 1 unless told otherwise."""
    return _spread(_var, input, dim, unbiased, keepdim, correction)


@method
def std(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1) -> Tensor:
    """The standard deviation, divided by n − 1 unless told otherwise."""
    return _spread(_std, input, dim, unbiased, keepdim, correction)


def _spread(lifted: Any, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> Tensor:
    if isinstance(dim, bool):  # torch's older form: var(x, unbiased)
        dim, unbiased = None, dim
    correction = correction if unbiased is None else int(unbiased)
    return lifted(input, dim=dim, correction=correction, keepdim=keepdim)


def var_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1
) -> tuple[Tensor, Tensor]:
    """The variance, and the mean."""
    axes = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, axes, keepdim)


def std_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1
) -> tuple[Tensor, Tensor]:
    """The standard deviation, and the mean."""
    axes = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, axes, keepdim)


@method
def prod(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Π over an axis, or over all."""
    return _prod(in_dtype(input, dtype), dim=dim, keepdim=keepdim)


@method
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Σ over what is a number."""
    return sum(masked_fill(input, isnan(input), 0), dim, keepdim)


@method
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The average of what is a number."""
    return div(nansum(input, dim, keepdim), sum(logical_not(isnan(input)), dim, keepdim))


@method
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many entries are not zero."""
    return sum(ne(input, 0), dim)


@method
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ along axes."""
    return _logsumexp(input, dim=dim, keepdim=keepdim)


@method
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p); ±∞ for the largest and the smallest |x|."""
    if p == "nuc":
        raise NotImplementedError("norm: p='nuc' (the sum of the singular values) is not supported")
    return _norm(in_dtype(input, dtype), p=2 if p in ("fro", None) else p, dim=dim, keepdim=keepdim)


@method
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of the difference."""
    return norm(sub(input, other), p)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """The distance of each row of x1 from each row of x2."""
    return norm(sub(unsqueeze(x1, -2), unsqueeze(x2, -3)), p, -1)


@method
def cumsum(input: Tensor, dim: int) -> Tensor:
    """Running sums along an axis."""
    return _cumsum(input, dim=dim)


@method
def cumprod(input: Tensor, dim: int) -> Tensor:
    """Running products along an axis."""
    return _cumprod(input, dim=dim)


@method
def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """The differences of neighbours, n times."""
    for _ in range(n):
        length = input.shape[dim]
        input = sub(narrow(input, dim, 1, length - 1), narrow(input, dim, 0, length - 1))
    return input


@method
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether every entry is true."""
    return _truths(np.all, input, dim, keepdim)


@method
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some entry is true."""
    return _truths(np.any, input, dim, keepdim)


def _truths(reduce: Callable[..., Any], input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    axes = dim if dim == () else E.axes_of(input.array, dim)
    return Tensor(np.asarray(reduce(input.array, axis=axes, keepdims=keepdim)))
