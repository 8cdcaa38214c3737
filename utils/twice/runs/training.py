"""What the experiments share: images ready for a network, and training that goes on where it was stopped."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from twice import data
from twice.blocks import engine_of
from twice.kernels.checks import Array
from twice.runs.store import write_whole
from twice.summary import summary
from twice.train import History, fit
from twice.worlds import shapes

# ── images ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Images:
    """Images (N, H, W, C) and labels, uint8; `prepare` makes of a batch what a network is fed."""

    train: tuple[Array, Array]
    test: tuple[Array, Array]
    prepare: Callable[[Array], Array]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image as planes (C, H, W)."""
        return self.prepare(self.train[0][:1]).shape[1:]


def images(
    name: str, train: int | None = None, test: int | None = None, channels: int | None = None, **world: Any
) -> Images:
    """A set, or so many images of it, standardised by these training images' own channel means and deviations.

    The images are drawn, always the same ones. `channels=3` repeats grey ones, for a network that takes colours.
    "shapes" is the generated world; `world` are its options.
    """
    found = generated(train or 0, test or 0, **world) if name == "shapes" else data.load(name)
    training = drawn(found.train_x, found.train_y, train, channels)
    mean, std = data.channel_moments(training[0], found.top)
    prepare = partial(planes, top=found.top, mean=mean, std=std)
    return Images(training, drawn(found.test_x, found.test_y, test, channels), prepare)


def generated(train: int, test: int, **world: Any) -> data.ImageSet:
    """So many pictures of shapes to learn from and, from the same world, others to be asked about."""
    made = shapes(train + test, **world)
    x, y = made.images, made.labels
    return data.ImageSet(x[:train], y[:train], x[train:], y[train:], made.classes, "shapes, generated")


def drawn(x: Array, y: Array, count: int | None, channels: int | None) -> tuple[Array, Array]:
    """So many of the images (all: None), with an axis of channels."""
    if count is not None:
        chosen = data.generator(0).permutation(len(x))[:count]
        x, y = x[chosen], y[chosen]
    x = x if x.ndim == 4 else x[..., None]
    return (np.repeat(x, channels, axis=-1) if channels and x.shape[-1] == 1 else x), y


def planes(x: Array, top: int, mean: Array, std: Array) -> Array:
    """(N, H, W, C) uint8 → (N, C, H, W) float32 around 0."""
    return data.standardize(data.to_planes(x, top), mean, std)


def varied(x: Array, rng: np.random.Generator, pixels: int, flip: bool, crop: int = 0) -> Array:
    """Each image moved by up to so many pixels over a border of 0, and every second one mirrored if asked for.

    With `crop`, the move is made by cutting a smaller square out of it.
    """
    size = (crop, crop) if crop else x.shape[1:3]
    moved = data.random_crop(x, rng, size, padding=pixels) if pixels or crop else x
    return data.random_flip(moved, rng) if flip else moved


# ── training ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; `on_gpu` holds what is asked of torch there alone (precision, channels_last, …)."""

    epochs: int
    rate: float
    batch_size: int = 128
    momentum: float = 0.9
    decay: float = 0.0
    schedule: str = "cosine"  # or "constant", or "steps": a tenth of the rate from each of `milestones`, in steps
    milestones: Sequence[int] = ()
    shift: int = 0
    flip: bool = False
    crop: int = 0
    on_gpu: Mapping[str, Any] = field(default_factory=dict)

    @property
    def augment(self) -> Callable[[Array, np.random.Generator], Array] | None:
        """How each batch is varied, None where it is not."""
        if not (self.shift or self.flip or self.crop):
            return None
        return partial(varied, pixels=self.shift, flip=self.flip, crop=self.crop)

    @classmethod
    def of(cls, settings: Mapping[str, Any], **changes: Any) -> "Recipe":
        """Of an experiment's settings, which may hold more."""
        known = {name: settings[name] for name in cls.__dataclass_fields__ if name in settings}
        return cls(**known | changes)


@dataclass
class Trainer:
    """Trains one network after another; what is finished is kept in `folder` until the whole run is."""

    seed: int = 0
    progress: bool | None = None
    device: str = "cpu"
    folder: Path | None = None
    resume: bool = False
    seconds_before: float = 0.0  # what a resumed run has taken from its folder

    def train(
        self,
        label: str,
        nn: Any,
        build: Callable,
        images: Images,
        recipe: Recipe,
        *,
        repeat: int = 0,
        after: Callable[[Any], dict[str, Any]] | None = None,
        **otherwise: Any,
    ) -> dict[str, Any]:
        """Train `build(nn)`, made from the seed; its history, with the test set's numbers as those of validation.

        Each `repeat` is a seed of its own. What `after` finds in the trained network is added to the history.
        `otherwise` replaces what is asked of `fit`: another optimiser, loss or metrics.
        """

        def compute() -> dict[str, Any]:
            model, history = self._trained(label, nn, build, images, recipe, self.seed + repeat, otherwise)
            return {**history.columns, "seconds": history.seconds, **(after(model) if after else {})}

        return self.kept(label, compute)

    def kept(self, label: str, compute: Callable[[], Any]) -> Any:
        """What `compute` answers (plain data); in a resumed run, what it has answered before."""
        if self.folder is None:
            return compute()
        path = self.folder / f"{label}.json"
        if self.resume and path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            self.seconds_before += found["seconds"]
            return found["answer"]
        start = time.perf_counter()
        answer = compute()
        found = {"answer": answer, "seconds": time.perf_counter() - start}
        write_whole(path, json.dumps(found, allow_nan=False))
        return answer

    def built(self, nn: Any, build: Callable, seed: int | None = None) -> Any:
        """The network, its weights drawn from the run's seed, or from another."""
        engine_of(nn).manual_seed(self.seed if seed is None else seed)
        return build(nn)

    def epochs(self, label: str, model: Any, nn: Any, images: Images, recipe: Recipe) -> Iterator[float]:
        """Train epoch by epoch without a schedule, as long as somebody asks; the training accuracy of each."""
        optimizer = sgd(nn, recipe, model.parameters())
        for epoch in range(recipe.epochs):
            history = fit(
                model,
                images.train,
                epochs=1,
                batch_size=recipe.batch_size,
                optimizer=optimizer,
                transform=images.prepare,
                seed=self.seed + epoch,
                progress=False,
                **self.on_device(nn, recipe),
            )
            self.say(f"{label}, epoch {epoch + 1}: {history.last}")
            yield history["train_accuracy"][0]

    def say(self, text: str) -> None:
        """Where the run is, for whoever watches."""
        if self.progress:
            print(text, file=sys.stderr, flush=True)

    def on_device(self, nn: Any, recipe: Recipe) -> dict[str, Any]:
        """What torch is asked for on the GPU; the NumPy engine knows the CPU alone."""
        on_gpu = self.device == "cuda" and engine_of(nn).__name__ == "torch"
        return {"device": "cuda", **recipe.on_gpu} if on_gpu else {}

    def _trained(
        self, label: str, nn: Any, build: Callable, images: Images, recipe: Recipe, seed: int, otherwise: dict[str, Any]
    ) -> tuple[Any, History]:
        self.say(label)
        model = self.built(nn, build, seed)
        asked: dict[str, Any] = {
            "epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "optimizer": partial(sgd, nn, recipe),
            "schedule": scheduler(nn, recipe, len(images.train[0])),
            "schedule_every": "step",
            "augment": recipe.augment,
            "transform": images.prepare,
            "seed": seed,
            "checkpoint": self.folder and self.folder / f"{label}.npz",
            "resume": self.resume,
            "progress": self.progress,
        }
        return model, fit(
            model, images.train, validation=images.test, **(asked | self.on_device(nn, recipe) | otherwise)
        )


def from_seeds(name: str, repeats: int, train: Callable[..., dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What `train(label, repeat=k)` answers for each of so many seeds, by label: "NAME, 0" is the first."""
    return {f"{name}, {k}": train(f"{name}, {k}", repeat=k) for k in range(repeats)}


def over_seeds(histories: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Columns of a table: the last accuracies, means over the seeds, and how far the seeds are apart."""
    last = [history["validation_accuracy"][-1] for history in histories.values()]
    return {
        "test_accuracy": float(np.mean(last)),
        "lowest_accuracy": min(last),
        "highest_accuracy": max(last),
        "training_accuracy": float(np.mean([history["train_accuracy"][-1] for history in histories.values()])),
    }


def sgd(nn: Any, recipe: Recipe, parameters: Iterable[Any]) -> Any:
    """Stochastic gradient descent with momentum, of the network's engine."""
    optim = import_module(f"{engine_of(nn).__name__}.optim")
    return optim.SGD(parameters, lr=recipe.rate, momentum=recipe.momentum, weight_decay=recipe.decay)


def scheduler(nn: Any, recipe: Recipe, samples: int) -> Callable[[Any], Any] | None:
    """A function of the optimiser that makes the recipe's schedule, to be stepped after each batch."""
    if recipe.schedule == "constant":
        return None
    schedules = import_module(f"{engine_of(nn).__name__}.optim.lr_scheduler")
    steps = recipe.epochs * -(-samples // recipe.batch_size)
    return {
        "cosine": lambda optimizer: schedules.CosineAnnealingLR(optimizer, steps),
        "steps": lambda optimizer: schedules.MultiStepLR(optimizer, list(recipe.milestones)),
    }[recipe.schedule]


def parameters(network: Any) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def costs(network: Any, size: int) -> dict[str, int]:
    """Columns of a table: its parameters, and its multiply-adds for one colour picture of size × size."""
    work = summary(network, (1, 3, size, size)).multiply_adds
    return {"parameters": parameters(network), "multiply_adds": work}
