"""Gradients held in bounds, parameters as one vector, and how many there are."""

import math
from collections.abc import Iterable

import numpy as np

from twice.autograd import Tensor, mark_changed
from twice.functions import cat, reshape
from twice.nn.module import Module
from twice.nn.utils import rnn

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "count_parameters",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]


def _listed(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all entries of all tensors together."""
    arrays = [t.array.ravel() for t in _listed(tensors)]
    if not arrays:
        return Tensor(np.zeros((), np.float32))
    norms = np.stack([np.linalg.norm(a, norm_type) for a in arrays])
    total = np.linalg.norm(norms, norm_type)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(f"get_total_norm: the norm of order {norm_type} is {total}, expected a finite number")
    return Tensor(np.asarray(total))


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by max_norm/total_norm where that makes them smaller."""
    share = float(max_norm) / (total_norm.array + 1e-6)
    for gradient in _gradients(parameters):
        gradient.array *= gradient.dtype.type(min(float(share), 1.0))
        mark_changed(gradient)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Shorten all gradients, taken as one vector, to `max_norm` if they are longer; returns their norm before."""
    parameters = _listed(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


clip_grad_norm = clip_grad_norm_


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Hold every entry of every gradient between −clip_value and clip_value."""
    for gradient in _gradients(parameters):
        np.clip(gradient.array, -clip_value, clip_value, out=gradient.array)
        mark_changed(gradient)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All entries one after the other."""
    return cat([reshape(p, -1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """The parameters become views of one vector."""
    start = 0
    for parameter in parameters:
        end = start + math.prod(parameter.shape)
        parameter.data = Tensor(vec.array[start:end].reshape(parameter.shape))
        start = end


def count_parameters(module: Module, trainable_only: bool = False) -> int:
    """How many numbers a module learns; shared ones count once."""
    return sum(p.array.size for p in module.parameters() if p.requires_grad or not trainable_only)
