"""First values of parameters, from torch.nn.init's distributions. Every function fills its tensor and returns it."""

import math
from typing import Any

import numpy as np

from twice.autograd import Tensor, no_grad
from twice.creation import random_source


def _fill(tensor: Tensor, values: Any) -> Tensor:
    with no_grad():
        return tensor.copy_(Tensor(np.asarray(values)))  # type: ignore[attr-defined]


def _precision(tensor: Tensor) -> Any:
    return np.float64 if tensor.dtype == np.float64 else np.float32


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """U(a, b)"""
    values = random_source(generator).random(tensor.shape, _precision(tensor))
    return _fill(tensor, values * (b - a) + a)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """N(mean, std²)"""
    values = random_source(generator).standard_normal(tensor.shape, _precision(tensor))
    return _fill(tensor, values * std + mean)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """N(mean, std²) held to [a, b]: what falls outside is drawn again"""
    if not a < b:
        raise ValueError(f"trunc_normal_: a, b are {a}, {b}, expected a below b")
    low, high = (a - mean) / std, (b - mean) / std
    drawn = _truncated(math.prod(tensor.shape), low, high, random_source(generator))
    return _fill(tensor, np.clip(drawn.reshape(tensor.shape) * std + mean, a, b))


def _truncated(count: int, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """N(0, 1) held to [low, high], by rejection: of normal proposals, or of uniform ones where few would pass."""
    wide = math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)) > 0.6
    peak = max(low, min(0.0, high))
    kept = np.empty(0)
    while len(kept) < count:
        z = rng.standard_normal(count) if wide else rng.uniform(low, high, count)
        passed = (z >= low) & (z <= high) if wide else rng.random(count) < np.exp((peak**2 - z**2) / 2)
        kept = np.concatenate([kept, z[passed]])
    return kept[:count]


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere"""
    return _fill(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones"""
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros"""
    return constant_(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix"""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: the tensor has shape {tensor.shape}, expected 2 axes")
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution that passes its input on, as far as there are channels"""
    if not 3 <= tensor.ndim <= 5 or tensor.shape[0] % groups:
        raise ValueError(
            f"dirac_: the tensor has shape {tensor.shape}, expected 3 to 5 axes and {groups} groups of output channels"
        )
    values = np.zeros(tensor.shape)
    outputs, centre = tensor.shape[0] // groups, tuple(n // 2 for n in tensor.shape[2:])
    for group in range(groups):
        for channel in range(min(outputs, tensor.shape[1])):
            values[(group * outputs + channel, channel, *centre)] = 1
    return _fill(tensor, values)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """A random orthogonal matrix, seen as (first axis, all others)"""
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: the tensor has shape {tensor.shape}, expected at least 2 axes")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    q, r = np.linalg.qr(random_source(generator).standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))  # makes the distribution uniform
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """N(0, std²) with this share of each column zero"""
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: the tensor has shape {tensor.shape}, expected 2 axes")
    rng = random_source(generator)
    values = rng.standard_normal(tensor.shape) * std
    zeros = math.ceil(sparsity * tensor.shape[0])
    for column in values.T:
        column[rng.permutation(tensor.shape[0])[:zeros]] = 0
    return _fill(tensor, values)


# ── keeping the variance from layer to layer ────────────────────────────────────────────────────────────────────


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a layer before this nonlinearity must multiply its weights by"""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4, "linear": 1, "sigmoid": 1}
    gains |= {f"conv{transpose}{rank}d": 1 for transpose in ("", "_transpose") for rank in (1, 2, 3)}
    if nonlinearity not in gains:
        raise ValueError(f"calculate_gain: nonlinearity is {nonlinearity!r}, expected one of {['leaky_relu', *gains]}")
    return gains[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs one output has, and how many outputs one input has."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out: the tensor has shape {tensor.shape}, expected at least 2 axes")
    taps = math.prod(tensor.shape[2:])
    return tensor.shape[1] * taps, tensor.shape[0] * taps


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is {mode!r}, expected 'fan_in' or 'fan_out'")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """U(−a, a) with a = gain·√(6/(fan_in + fan_out)) (Glorot and Bengio 2010)"""
    bound = gain * math.sqrt(6 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """N(0, σ²) with σ = gain·√(2/(fan_in + fan_out)) (Glorot and Bengio 2010)"""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """U(−b, b) with b = gain·√(3/fan) (He et al. 2015)"""
    if 0 in tensor.shape:
        return tensor
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """N(0, σ²) with σ = gain/√fan (He et al. 2015)"""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), generator)
