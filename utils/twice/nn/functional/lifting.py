"""How kernels become functions with torch's manners: one example without a batch axis, results in place."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.autograd import Tensor, change, op
from twice.functions import squeeze, unsqueeze


def named(name: str, function: Callable[..., Any], text: str) -> Callable[..., Any]:
    """A function made by another one, under a name and a docstring of its own."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


def check_axes(where: str, input: Tensor, rank: int) -> None:
    """Refuse what is neither (N, C, …) nor (C, …) with so many spatial axes."""
    if input.ndim not in (rank + 1, rank + 2):
        raise ValueError(
            f"{where}: input has shape {input.shape}, expected (N, C, …) or (C, …) with {rank} spatial axes"
        )


def on_examples(where: str, lifted: Callable[..., Any], rank: int, input: Tensor, *others: Any, **options: Any) -> Any:
    """`lifted` on (N, C, …) with `rank` spatial axes, or on one example (C, …)."""
    if input.ndim == rank + 2:
        return lifted(input, *others, **options)
    check_axes(where, input, rank)
    out = lifted(unsqueeze(input, 0), *others, **options)
    return tuple(squeeze(y, 0) for y in out) if isinstance(out, tuple) else squeeze(out, 0)


def in_place_or_not(kernel: Callable[..., Any]) -> Callable[..., Tensor]:
    """`function(input, inplace, **options)`: a kernel whose value can replace its input.

    In place, the kernel works on a copy, so that what its pullback has captured keeps its values.
    """
    name, lifted = kernel.__name__, op(kernel)

    def on_a_copy(x: np.ndarray, **options: Any) -> Any:
        return kernel(x.copy(), **options)

    def function(input: Tensor, inplace: bool, **options: Any) -> Tensor:
        return change(f"{name}_", on_a_copy, input, **options) if inplace else lifted(input, **options)

    return function
