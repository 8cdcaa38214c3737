"""New tensors: from data, of constants, in order, at random. Also the names of dtypes and of the one device."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from twice.autograd import Tensor

float16, float32, float64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
int8, int16, int32, int64 = np.dtype("int8"), np.dtype("int16"), np.dtype("int32"), np.dtype("int64")
uint8, bool_ = np.dtype("uint8"), np.dtype("bool")


class Size(tuple):
    """A shape that also counts its entries."""

    def numel(self) -> int:
        return math.prod(self)


class device:
    """Where a tensor lives: always the CPU here, so that code with a device in it runs unchanged."""

    def __init__(self, type: "str | device" = "cpu", index: Any = None):
        name = type.type if isinstance(type, device) else str(type)
        if name.partition(":")[0] != "cpu":
            raise NotImplementedError(f"device: {name!r} is not supported, expected 'cpu': twice computes with NumPy")
        self.type, self.index = "cpu", None

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __str__(self) -> str:
        return "cpu"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) or other == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")


class _Defaults:
    dtype = float32


def get_default_dtype() -> np.dtype:
    """The dtype of tensors made from Python floats."""
    return _Defaults.dtype


def set_default_dtype(dtype: Any) -> None:
    """Make tensors from Python floats in this dtype from now on."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"set_default_dtype: dtype is {dtype}, expected a floating dtype")
    _Defaults.dtype = np.dtype(dtype)


def _new(array: Any, dtype: Any, requires_grad: bool, where: Any) -> Tensor:
    if where is not None:
        device(where)
    array = np.asarray(array)
    return Tensor(array if dtype is None else array.astype(dtype, copy=False), requires_grad)


# ── from data ───────────────────────────────────────────────────────────────────────────────────────────────────


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of the data; Python floats become the default dtype, Python integers int64."""
    return _new(np.array(_plain(data, dtype)), dtype, requires_grad, device)


def _plain(data: Any, dtype: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, np.ndarray | np.generic):
        return np.asarray(data)
    if isinstance(data, list | tuple) and any(isinstance(d, Tensor) for d in data):
        data = [d.array.tolist() if isinstance(d, Tensor) else d for d in data]
    array = np.asarray(data)
    if array.size == 0 and dtype is None and not isinstance(data, np.ndarray):
        return array.astype(_Defaults.dtype)
    return array.astype(_Defaults.dtype) if array.dtype.kind == "f" and dtype is None else array


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor on the same memory where that is possible, else a copy."""
    if isinstance(data, Tensor) and (dtype is None or data.dtype == dtype):
        return data
    return _new(_plain(data, dtype), dtype, False, device)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor on the memory of an array: changing one changes the other."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: got {type(array).__name__}, expected an ndarray")
    return Tensor(array)


def is_tensor(thing: object) -> bool:
    """Whether this is a tensor."""
    return isinstance(thing, Tensor)


# ── constants and order ─────────────────────────────────────────────────────────────────────────────────────────


def _shape(size: tuple) -> tuple:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], list | tuple) else size


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All zeros."""
    return _new(np.zeros(_shape(size), dtype or _Defaults.dtype), None, requires_grad, device)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All ones."""
    return _new(np.ones(_shape(size), dtype or _Defaults.dtype), None, requires_grad, device)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory as it comes, to be filled."""
    return _new(np.empty(_shape(size), dtype or _Defaults.dtype), None, requires_grad, device)


def full(size: Sequence, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """One value everywhere."""
    value = _plain(fill_value, dtype)
    return _new(np.full(tuple(size), value, dtype or value.dtype), None, requires_grad, device)


def zeros_like(input: Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of another tensor."""
    return zeros(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of another tensor."""
    return ones(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Unfilled memory in the shape and dtype of another tensor."""
    return empty(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def full_like(input: Tensor, fill_value: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """One value in the shape and dtype of another tensor."""
    return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device)


def arange(*bounds: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """start, start + step, … below end."""
    whole = all(isinstance(b, int | np.integer) for b in bounds)
    return _new(np.arange(*bounds), dtype or (int64 if whole else _Defaults.dtype), requires_grad, device)


def linspace(start: float, end: float, steps: int, dtype: Any = None, device: Any = None) -> Tensor:
    """Evenly spaced values, both ends included."""
    return _new(np.linspace(start, end, steps), dtype or _Defaults.dtype, False, device)


def eye(n: int, m: int | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones on the diagonal."""
    return _new(np.eye(n, m, dtype=dtype or _Defaults.dtype), None, False, device)


# ── at random ───────────────────────────────────────────────────────────────────────────────────────────────────


class Generator:
    """A source of random numbers of its own."""

    def __init__(self, device: Any = "cpu"):
        self.source = np.random.default_rng()

    def manual_seed(self, seed: int) -> "Generator":
        self.source = np.random.default_rng(seed)
        return self


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Begin the course's random numbers anew. The same seed gives other numbers than torch's."""
    return default_generator.manual_seed(seed)


def random_source(generator: Generator | None = None) -> np.random.Generator:
    """NumPy's generator behind a `Generator`, or behind all functions that were given none."""
    return (generator or default_generator).source


def rand(*size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1)."""
    dtype = dtype or _Defaults.dtype
    drawn = random_source(generator).random(_shape(size), dtype=np.float64 if dtype == float64 else np.float32)
    return _new(drawn, dtype, requires_grad, device)


def randn(
    *size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Normal with mean 0 and variance 1."""
    dtype = dtype or _Defaults.dtype
    drawn = random_source(generator).standard_normal(_shape(size), np.float64 if dtype == float64 else np.float32)
    return _new(drawn, dtype, requires_grad, device)


def randint(*bounds_and_size: Any, generator: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Whole numbers from low (0 unless given) up to, not including, high: `randint(low, high, size)`."""
    *bounds, size = bounds_and_size
    low, high = (0, *bounds)[-2:]
    return _new(random_source(generator).integers(low, high, tuple(size)), dtype or int64, False, device)


def randperm(n: int, generator: Any = None, device: Any = None) -> Tensor:
    """The numbers 0 … n − 1 in random order."""
    return _new(random_source(generator).permutation(n), int64, False, device)


def rand_like(input: Tensor, dtype: Any = None) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of another tensor."""
    return rand(input.shape, dtype=dtype or input.dtype)


def randn_like(input: Tensor, dtype: Any = None) -> Tensor:
    """Normal, in the shape and dtype of another tensor."""
    return randn(input.shape, dtype=dtype or input.dtype)


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, generator: Any = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    mean, std = (v.array if isinstance(v, Tensor) else v for v in (mean, std))
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else tuple(size)
    return Tensor((random_source(generator).standard_normal(shape) * std + mean).astype(_Defaults.dtype))


def bernoulli(input: Tensor, generator: Any = None) -> Tensor:
    """1 with the probability that each entry names, else 0."""
    return Tensor((random_source(generator).random(input.shape) < input.array).astype(input.dtype))


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, generator: Any = None) -> Tensor:
    """Indices drawn with probability proportional to the weights of each row."""
    rng, weights = random_source(generator), np.atleast_2d(input.array).astype(np.float64)
    if (weights < 0).any() or not np.isfinite(weights).all() or (weights.sum(-1) <= 0).any():
        raise ValueError("multinomial: the weights of a row are negative, infinite or all zero, expected a distribution")
    rows = [rng.choice(w.size, num_samples, replace=replacement, p=w / w.sum()) for w in weights]
    drawn = np.stack(rows).astype(np.int64)
    return Tensor(drawn if input.ndim > 1 else drawn[0])
