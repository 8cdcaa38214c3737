"""The few things that torch.nn lacks, for either engine. With these combinators a network is composition:

    Sum(nn, body, shortcut)          body(x) + shortcut(x)      a residual block
    Concat(nn, branch1=…, branch2=…) side by side in the channels  an Inception or a dense block
    Scale(nn, gate)                  x · gate(x)                squeeze and excitation
    chain(nn, conv1=…, bn1=…)        one after the other, by name

`nn` is `twice.nn` or `torch.nn`; what comes back is a module of that engine, with the children's own names in its
state dict. `modes_kept(module)` leaves every module in the mode, training or not, in which it found it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any


def engine_of(nn: ModuleType) -> ModuleType:
    """The module behind a namespace of layers: `torch` behind `torch.nn`, `twice` behind `twice.nn`."""
    return import_module(nn.__name__.partition(".")[0])


def Sum(nn: ModuleType, body: Any, shortcut: Any = None) -> Any:
    """body(x) + shortcut(x); without a shortcut, body(x) + x"""
    return _modules(nn).Sum(body, nn.Identity() if shortcut is None else shortcut)


def Concat(nn: ModuleType, *branches: Any, dim: int = 1, **named: Any) -> Any:
    """The outputs of all branches on the same x, one after the other along an axis"""
    numbered = {str(i): branch for i, branch in enumerate(branches)}
    if not branches and not named:
        raise ValueError("Concat: no branch came, expected at least one")
    return _modules(nn).Concat(numbered | named, dim)


def Scale(nn: ModuleType, gate: Any) -> Any:
    """x · gate(x), the gate broadcast over x"""
    return _modules(nn).Scale(gate)


def chain(nn: ModuleType, **layers: Any) -> Any:
    """A Sequential whose children have names; a layer that is None is left out"""
    return nn.Sequential(OrderedDict((name, layer) for name, layer in layers.items() if layer is not None))


def title(module: Any) -> str:
    """What a table of a module is called: its class, or nothing where that only says how others are arranged."""
    name = type(module).__name__
    return "" if name in ("Sequential", "WithHeads") else name


@contextmanager
def modes_kept(module: Any) -> Iterator[None]:
    """Inside, it may train and evaluate; afterwards each module is in the mode that it was in."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


@cache
def _modules(nn: ModuleType) -> SimpleNamespace:
    """The classes, made once for each engine."""
    top = engine_of(nn)

    class Sum(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, body: Any, shortcut: Any):
            super().__init__()
            self.body, self.shortcut = body, shortcut

        def forward(self, x: Any) -> Any:
            y, z = self.body(x), self.shortcut(x)
            if y.shape != z.shape:
                raise ValueError(
                    f"Sum: body gives {tuple(y.shape)} and shortcut {tuple(z.shape)} for x {tuple(x.shape)}, "
                    "expected equal shapes"
                )
            return y + z

    class Concat(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, branches: dict[str, Any], dim: int):
            super().__init__()
            self.dim = dim
            for name, branch in branches.items():
                self.add_module(name, branch)

        def forward(self, x: Any) -> Any:
            return top.cat([branch(x) for branch in self.children()], self.dim)

    class Scale(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, gate: Any):
            super().__init__()
            self.gate = gate

        def forward(self, x: Any) -> Any:
            return x * self.gate(x)

    return SimpleNamespace(Sum=Sum, Concat=Concat, Scale=Scale)
