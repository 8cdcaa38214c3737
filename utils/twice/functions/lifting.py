"""How a function becomes the Tensor's method too, so that `x.exp()` and `twice.exp(x)` are one."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from twice.autograd import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def attach(name: str, thing: Any) -> Any:
    """Give the Tensor an attribute, and answer it."""
    setattr(Tensor, name, thing)
    return thing


def method(function: F) -> F:
    """Make a function the Tensor's method of the same name."""
    return attach(function.__name__, with_axis(function))


def method_named(name: str) -> Callable[[F], F]:
    """Make a function the Tensor's method of another name, such as `__len__`."""
    return lambda function: attach(name, function)


def with_axis(function: F) -> F:
    """Let `axis` and `keepdims`, NumPy's names, stand for `dim` and `keepdim`, as in torch."""
    if "dim" not in signature(function).parameters:
        return function

    @wraps(function)
    def named(*arguments: Any, **options: Any) -> Any:
        if "axis" in options:
            options["dim"] = options.pop("axis")
        if "keepdims" in options:
            options["keepdim"] = options.pop("keepdims")
        return function(*arguments, **options)

    return named  # type: ignore[return-value]


def arrays(*things: Any) -> tuple:
    """The arrays of tensors; whatever is no tensor stays."""
    return tuple(t.array if isinstance(t, Tensor) else t for t in things)
