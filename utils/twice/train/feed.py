"""From samples to the batches of an epoch: which batch comes at which step is a pure function of the seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from twice.data.batches import batches, generator
from twice.kernels.checks import Array, require

AUGMENT, FETCH, LAYERS = 0, 1, 2  # who draws at a place of the training
LOOKED_AT = 64  # samples that a description of the data takes into account


class Batch(NamedTuple):
    """What one process computes in one step: arrays first, tensors once the engine has them."""

    inputs: tuple
    targets: Any
    mine: int  # samples of this process
    whole: int  # samples of all processes together
    weight: float  # of this process's mean in the mean over all: 1 if it is alone


def each(change: Callable[[Any], Any], thing: Any) -> Any:
    """The change made to an array, or to every array of a tuple."""
    return tuple(each(change, part) for part in thing) if isinstance(thing, tuple) else change(thing)


def number_of(seed: int, *place: int) -> int:
    """The seed of an engine's own generator at a place of the training."""
    return int.from_bytes(blake2b(repr((seed, *place)).encode(), digest_size=8).digest(), "little")


# ── samples ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Arrays:
    """Inputs and targets in memory: an array each, or tuples of arrays, one row a sample."""

    x: Any
    y: Any
    draws = False

    def __len__(self) -> int:
        return len(flat(self.x)[0])

    def take(self, indices: Array) -> tuple[Any, Any]:
        return each(lambda array: array[indices], self.x), each(lambda array: array[indices], self.y)

    def describe(self) -> str:
        """Shapes, dtypes and a sum over some of the samples: another set has another description."""
        some = np.linspace(0, len(self) - 1, min(LOOKED_AT, len(self))).astype(int)
        shapes = ", ".join(f"{a.dtype} {' × '.join(map(str, a.shape))}" for a in (*flat(self.x), *flat(self.y)))
        return f"{shapes} ({_sum(flat(self.take(some))):08x})"


@dataclass(frozen=True)
class Items:
    """A dataset in torch's sense: it has a length, and `dataset[i]` answers (input, target)."""

    dataset: Any
    draws = True  # its transforms may draw from the engine's generator

    def __len__(self) -> int:
        return len(self.dataset)

    def take(self, indices: Array) -> tuple[Any, Any]:
        items = [self.dataset[int(i)] for i in indices]
        pairs = all(isinstance(item, tuple | list) and len(item) == 2 for item in items)
        require(pairs, "train: a sample of data is not a pair, expected (input, target)", TypeError)
        return tuple(_stacked([item[i] for item in items]) for i in (0, 1))  # type: ignore[return-value]

    def describe(self) -> str:
        return f"{type(self.dataset).__name__} of {len(self)}"


def samples_of(where: str, name: str, data: Any) -> Arrays | Items:
    """(x, y), or a dataset."""
    if isinstance(data, tuple | list) and len(data) == 2:
        x, y = (each(np.asarray, tuple(part) if isinstance(part, tuple) else part) for part in data)
        samples: Arrays | Items = Arrays(x, y)
        lengths = [len(array) if array.ndim else 0 for array in (*flat(x), *flat(y))]
        require(len(set(lengths)) == 1, f"{where}: the arrays of {name} have {lengths} rows, expected one number")
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, np.ndarray | list | tuple):
        samples = Items(data)
    else:
        kind = type(data).__name__
        raise TypeError(f"{where}: {name} is a {kind}, expected (x, y) or a dataset with a length and [i]")
    require(len(samples) > 0, f"{where}: {name} is empty, expected at least one sample")
    return samples


def flat(thing: Any) -> list[Array]:
    """The arrays of a nested tuple."""
    return [array for part in thing for array in flat(part)] if isinstance(thing, tuple) else [thing]


def _stacked(values: Sequence[Any]) -> Any:
    if isinstance(values[0], tuple):
        return tuple(_stacked(column) for column in zip(*values))
    return np.stack([np.asarray(value) for value in values])


def _sum(arrays: Sequence[Array]) -> int:
    value = 0
    for array in arrays:
        value = crc32(np.ascontiguousarray(array).data.cast("B"), value)
    return value


# ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Feed:
    """How samples become batches; `feed.epoch(3)[7]` is batch 7 of epoch 3, always the same.

    With several processes a batch is that of a single one, dealt out: process r takes its rows r, r + world, ….
    """

    samples: Arrays | Items
    batch_size: int
    dtype: np.dtype  # of the model: floats are fed in it
    reseed: Callable[[int], None]  # of the engine, for datasets that draw
    seed: int = 0
    shuffle: bool = False
    drop_last: bool = False
    augment: Callable[[Any, np.random.Generator], Any] | None = None
    transform: Callable[[Any], Any] | None = None
    prepare: Callable[[Any], Any] | None = None
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        whole, rest = divmod(len(self.samples), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def prepared(self, batch: Batch) -> tuple:
        """What the model is called with: the inputs as tensors, prepared on their device."""
        if self.prepare is None:
            return batch.inputs
        x = self.prepare(batch.inputs if len(batch.inputs) > 1 else batch.inputs[0])
        return x if isinstance(x, tuple) else (x,)

    def epoch(self, number: int) -> "Epoch":
        """The batches of an epoch, each made when it is asked for."""
        return Epoch(self, number)


class Epoch:
    """The batches of one epoch, as a dataset in torch's sense."""

    def __init__(self, feed: Feed, number: int):
        self.feed, self.number = feed, number
        self.order = batches(len(feed.samples), feed.batch_size, feed.seed, number, feed.shuffle, feed.drop_last)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, step: int) -> Batch:
        feed, whole = self.feed, self.order[step]
        mine = whole[feed.rank :: feed.world]
        place = (self.number, step, feed.rank)
        if feed.samples.draws:
            feed.reseed(number_of(feed.seed, *place, FETCH))
        x, y = feed.samples.take(mine if len(mine) else whole[:1])  # a process without a row computes one that weighs 0
        x = x if feed.augment is None else feed.augment(x, generator(feed.seed, *place, AUGMENT))
        x = x if feed.transform is None else feed.transform(x)
        x, y = each(self._input, x), each(self._target, y)
        inputs = x if isinstance(x, tuple) else (x,)
        return Batch(inputs, y, len(mine), len(whole), len(mine) * feed.world / len(whole))

    def _input(self, x: Array) -> Array:
        allowed = x.dtype != np.uint8 or self.feed.prepare is not None
        require(allowed, "train: x is uint8, expected floats (transform=to_planes, say, or prepare=…)", TypeError)
        return x if x.dtype == np.uint8 else self._target(x)

    def _target(self, y: Array) -> Array:
        """Floats in the model's dtype, whole numbers as int64, which is what labels are in torch."""
        whole = y.dtype.kind in "iu"
        dtype = np.dtype(np.int64) if whole else self.feed.dtype if y.dtype.kind == "f" else y.dtype
        return y.astype(dtype, copy=False)
