"""What GoogLeNet and its successors have beside their layers: heads for training, and pixels standardised anew."""

from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from twice.blocks import engine_of


def with_heads(nn: Any, heads: dict[str, str], **layers: Any) -> Any:
    """The layers one after the other; in training `heads` (head: layer) listen to the layers that they name.

    The answer is then (output, last head, …, first head). A layer that is None is left out.
    """
    return _parts(nn).WithHeads({name: layer for name, layer in layers.items() if layer is not None}, heads)


def renormalise(nn: Any) -> Any:
    """Pixels standardised by the means and deviations of ImageNet become pixels standardised by 0.5 and 0.5."""
    return _parts(nn).Renormalise()


@cache
def _parts(nn: ModuleType) -> SimpleNamespace:
    """The classes, made once for each engine."""
    top = engine_of(nn)

    class WithHeads(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, layers: dict[str, Any], heads: dict[str, str]):
            super().__init__()
            self.heads = heads
            for name, layer in layers.items():
                self.add_module(name, layer)

        def forward(self, x: Any) -> Any:
            answers: list[Any] = []
            for name, layer in self.named_children():
                if name in self.heads:
                    continue
                x = layer(x)
                if self.training:
                    answers += [getattr(self, head)(x) for head, heard in self.heads.items() if heard == name]
            return (x, *reversed(answers)) if answers else x

    class Renormalise(nn.Module):  # type: ignore[name-defined, misc]
        mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels

        def forward(self, x: Any) -> Any:
            channels = zip(range(3), self.mean, self.deviation)
            return top.cat([x[:, i : i + 1] * (s / 0.5) + (m - 0.5) / 0.5 for i, m, s in channels], 1)

    return SimpleNamespace(WithHeads=WithHeads, Renormalise=Renormalise)
