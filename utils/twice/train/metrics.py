"""What is measured: the loss, and functions of (output, targets) that answer one number, or one for each sample."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Metric = Callable[[Any, Any], Any]
Metrics = Mapping[str, Metric] | Iterable[str] | None


@dataclass(frozen=True)
class Measures:
    """The loss that is trained, and the metrics that are only watched."""

    loss: Metric
    metrics: dict[str, Metric]

    @property
    def names(self) -> list[str]:
        return ["loss", *self.metrics]

    def of(self, output: Any, targets: Any, loss: Any) -> list[Any]:
        """The loss and the value of each metric for a batch."""
        return [loss, *(metric(output, targets) for metric in self.metrics.values())]


def measures_of(where: str, functional: Any, loss: Metric | None, metrics: Metrics) -> Measures:
    """The loss, by default cross-entropy, and the metrics, by default the accuracy where the loss is the default."""
    if metrics is None:
        metrics = ("accuracy",) if loss is None else ()
    return Measures(cross_entropy(where, functional) if loss is None else loss, _named(where, metrics))


def accuracy(output: Any, targets: Any) -> Any:
    """Whether the class with the largest score is the right one; of several heads the first counts."""
    scores = output[0] if isinstance(output, tuple | list) else output
    return scores.argmax(1) == targets


NAMED: dict[str, Metric] = {"accuracy": accuracy}


def _named(where: str, metrics: Mapping[str, Metric] | Iterable[str]) -> dict[str, Metric]:
    """Functions by name; the name of a known one stands for it."""
    if not isinstance(metrics, Mapping):
        names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
        unknown = [name for name in names if name not in NAMED]
        if unknown:
            raise ValueError(f"{where}: metrics has {unknown[0]!r}, expected {', '.join(NAMED)} or a dict of functions")
        metrics = {name: NAMED[name] for name in names}
    if "loss" in metrics:
        raise ValueError(f"{where}: metrics has the name 'loss', expected another: the loss is always there")
    return dict(metrics)


def cross_entropy(where: str, functional: Any) -> Metric:
    """The engine's cross-entropy, which says what it misses where a model has several heads."""

    def loss(output: Any, targets: Any) -> Any:
        if isinstance(output, tuple | list):
            raise TypeError(
                f"{where}: the model answers a {type(output).__name__} of {len(output)}, expected one tensor of scores "
                "for the cross-entropy, or loss=… for several heads"
            )
        return functional.cross_entropy(output, targets)

    return loss
