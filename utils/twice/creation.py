"""New tensors: from data, of constants, in order, at random. Also the names of dtypes and of the one device."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import numpy as np

from twice.autograd import Tensor

float16, float32, float64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
int8, int16, int32, int64 = np.dtype("int8"), np.dtype("int16"), np.dtype("int32"), np.dtype("int64")
uint8, bool_ = np.dtype("uint8"), np.dtype("bool")
inf, nan, pi, e = math.inf, math.nan, math.pi, math.e
dtype = np.dtype


def finfo(dtype: Any = None) -> SimpleNamespace:
    """The limits of a floating dtype, as Python floats."""
    limits = np.finfo(dtype or _Defaults.dtype)
    names = ("eps", "max", "min", "tiny", "smallest_normal", "resolution")
    return SimpleNamespace(bits=limits.bits, dtype=str(limits.dtype), **{n: float(getattr(limits, n)) for n in names})


def iinfo(dtype: Any) -> SimpleNamespace:
    """The limits of an integer dtype."""
    limits = np.iinfo(dtype)
    return SimpleNamespace(bits=limits.bits, dtype=str(limits.dtype), max=int(limits.max), min=int(limits.min))


class device:
    """Where a tensor lives: always the CPU here, so that code with a device in it runs unchanged."""

    def __init__(self, type: "str | device" = "cpu", index: Any = None):
        name = type.type if isinstance(type, device) else str(type)
        if name.partition(":")[0] != "cpu":
            raise NotImplementedError(f"device: {name!r} is not supported, expected 'cpu': twice computes with NumPy")
        self.type: str = "cpu"
        self.index = None

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
    if array.dtype.kind not in "biuf":
        raise TypeError(f"tensor: the data have dtype {array.dtype}, expected numbers or booleans")
    return Tensor(array if dtype is None else array.astype(dtype, copy=False), requires_grad)


# ── from data ───────────────────────────────────────────────────────────────────────────────────────────────────


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of the data; Python floats become the default dtype, Python integers int64."""
    return _new(np.array(_plain(data, dtype)), dtype, requires_grad, device)


def _plain(data: Any, dtype: Any) -> np.ndarray:
    """The data as an array; only Python's floats take the default dtype, what NumPy has typed keeps its own."""
    if isinstance(data, Tensor):
        return data.array
    array = np.asarray(_arrays_within(data))
    python = not isinstance(_first(data), np.generic | np.ndarray | Tensor)
    if dtype is None and python and (array.dtype.kind == "f" or array.size == 0):
        return array.astype(_Defaults.dtype)
    return array


def _arrays_within(data: Any) -> Any:
    """Nested lists with arrays where tensors stood."""
    if isinstance(data, Tensor):
        return data.array
    return [_arrays_within(d) for d in data] if isinstance(data, list | tuple) else data


def _first(data: Any) -> Any:
    """The first entry of nested lists."""
    while isinstance(data, list | tuple) and len(data):
        data = data[0]
    return data


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


def shape_of(lengths: tuple, size: Any = None) -> tuple:
    """The lengths as a tuple, whether they came one by one, as a tuple, or by the name `size`."""
    if size is not None:
        return tuple(size)
    return tuple(lengths[0]) if len(lengths) == 1 and isinstance(lengths[0], list | tuple) else lengths


def zeros(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """All zeros."""
    return _new(np.zeros(shape_of(lengths, size), dtype or _Defaults.dtype), None, requires_grad, device)


def ones(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All ones."""
    return _new(np.ones(shape_of(lengths, size), dtype or _Defaults.dtype), None, requires_grad, device)


def empty(
    *lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Memory as it comes, to be filled."""
    return _new(np.empty(shape_of(lengths, size), dtype or _Defaults.dtype), None, requires_grad, device)


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


def full_like(
    input: Tensor, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value in the shape and dtype of another tensor."""
    return full(input.shape, fill_value, dtype or input.dtype, device, requires_grad)


def arange(
    *bounds: Any, start: Any = 0, end: Any = None, step: Any = 1, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, … below end: `arange(end)`, `arange(start, end)`, `arange(start, end, step)`."""
    given = [*bounds] if end is None else [*(bounds or [start]), end]
    given = [start, *given] if len(given) == 1 else given
    values = [v if isinstance(v, int | float) else np.asarray(v).item() for v in (*given, step)[:3]]
    whole = all(isinstance(v, int) for v in values)
    return _new(np.arange(*values), dtype or (int64 if whole else _Defaults.dtype), requires_grad, device)


def linspace(
    start: float, end: float, steps: int, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Evenly spaced values, both ends included."""
    return _new(np.linspace(start, end, steps), dtype or _Defaults.dtype, requires_grad, device)


def logspace(start: float, end: float, steps: int, base: float = 10.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The base to evenly spaced powers."""
    return _new(np.logspace(start, end, steps, base=base), dtype or _Defaults.dtype, False, device)


def eye(n: int, m: int | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal."""
    return _new(np.eye(n, m, dtype=dtype or _Defaults.dtype), None, requires_grad, device)


def tril_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """The rows and the columns of the entries of a lower triangle."""
    return Tensor(np.stack(np.tril_indices(row, offset, col)))


def triu_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """The rows and the columns of the entries of an upper triangle."""
    return Tensor(np.stack(np.triu_indices(row, offset, col)))


# ── at random ───────────────────────────────────────────────────────────────────────────────────────────────────


class Generator:
    """A source of random numbers of its own."""

    def __init__(self, device: Any = "cpu"):
        self.source = np.random.default_rng()

    def manual_seed(self, seed: int) -> "Generator":
        """Begin anew."""
        self.source = np.random.default_rng(seed)
        return self

    def get_state(self) -> dict:
        """Where the generator stands (a dictionary, where torch gives a tensor)."""
        return deepcopy(dict(self.source.bit_generator.state))

    def set_state(self, state: dict) -> "Generator":
        """Go on from where `get_state` was asked."""
        self.source.bit_generator.state = state
        return self


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Begin the course's random numbers anew. The same seed gives other numbers than torch's."""
    return default_generator.manual_seed(seed)


def random_source(generator: Generator | None = None) -> np.random.Generator:
    """NumPy's generator behind a `Generator`, or behind all functions that were given none."""
    return (generator or default_generator).source


def get_rng_state() -> dict:
    """Where the course's random numbers stand."""
    return default_generator.get_state()


def set_rng_state(new_state: dict) -> None:
    """Go on from where `get_rng_state` was asked."""
    default_generator.set_state(new_state)


def _drawn(draw: Callable[..., np.ndarray], shape: tuple, dtype: Any) -> np.ndarray:
    """Random numbers in a dtype: NumPy draws float32 or float64."""
    dtype = np.dtype(dtype or _Defaults.dtype)
    return draw(shape, float64 if dtype == float64 else float32).astype(dtype, copy=False)


def rand(
    *lengths: Any, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform on [0, 1)."""
    drawn = _drawn(random_source(generator).random, shape_of(lengths, size), dtype)
    return _new(drawn, None, requires_grad, device)


def randn(
    *lengths: Any, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal with mean 0 and variance 1."""
    drawn = _drawn(random_source(generator).standard_normal, shape_of(lengths, size), dtype)
    return _new(drawn, None, requires_grad, device)


def randint(
    *bounds: Any, low: int = 0, high: int | None = None, size: Any = None, generator: Any = None, dtype: Any = None,
    device: Any = None,
) -> Tensor:  # fmt: skip
    """Whole numbers from low (0 unless given) up to, not including, high: `randint(low, high, size)`."""
    ends: list[Any]
    *ends, shape = bounds if size is None else (*bounds, size)
    ends = [low, *ends, *([] if high is None else [high])][-2:]
    return _new(random_source(generator).integers(ends[0], ends[1], tuple(shape)), dtype or int64, False, device)


def randperm(n: int, generator: Any = None, device: Any = None) -> Tensor:
    """The numbers 0 … n − 1 in random order."""
    return _new(random_source(generator).permutation(n), int64, False, device)


def rand_like(input: Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of another tensor."""
    return rand(size=input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randn_like(input: Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal, in the shape and dtype of another tensor."""
    return randn(size=input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randint_like(input: Tensor, low: int, high: int | None = None, dtype: Any = None) -> Tensor:
    """Whole numbers from low (0 unless given) up to, not including, high, in the shape and dtype of another tensor."""
    ends = (0, low) if high is None else (low, high)
    return randint(*ends, size=input.shape, dtype=dtype or input.dtype)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal with the given mean and standard deviation."""
    typed = [v.dtype for v in (mean, std) if isinstance(v, Tensor)]
    mean, std = (v.array if isinstance(v, Tensor) else v for v in (mean, std))
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else tuple(size)
    drawn = random_source(generator).standard_normal(shape) * std + mean
    return _new(drawn, dtype or (typed[0] if typed else _Defaults.dtype), requires_grad, device)


def bernoulli(input: Tensor, generator: Any = None) -> Tensor:
    """1 with the probability that each entry names, else 0."""
    return Tensor((random_source(generator).random(input.shape) < input.array).astype(input.dtype))


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, generator: Any = None) -> Tensor:
    """Indices drawn with probability proportional to the weights of each row."""
    rng, weights = random_source(generator), np.atleast_2d(input.array).astype(np.float64)
    if (weights < 0).any() or not np.isfinite(weights).all() or (weights.sum(-1) <= 0).any():
        raise ValueError(
            "multinomial: the weights of a row are negative, infinite or all zero, expected a distribution"
        )
    rows = [rng.choice(w.size, num_samples, replace=replacement, p=w / w.sum()) for w in weights]
    drawn = np.stack(rows).astype(np.int64)
    return Tensor(drawn if input.ndim > 1 else drawn[0])
