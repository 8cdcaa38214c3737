"""A module on both engines: its value, every gradient, and its state after some steps of an optimiser.

Whole networks are compared in float64, where a difference means a mistake: in float32 the order of a sum already flips
the sign of an activation here and there. A single layer is differentiated in float32 too.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from twice import files
from twice.blocks import title
from twice.parity.compare import Array, Measured, Tolerance, Values, as_array, compare_all, flatten, largest
from twice.parity.engines import Engine, TorchEngine, as_input, full_precision, gradient, numbered, torch_engines
from twice.parity.table import Certificate, Row

LEARNING_RATES = {"SGD": 1e-2, "Adagrad": 1e-2}  # of the others: 1e-3
NOISE = 1e-12  # of the largest gradient, in float64


def certificate(
    module: Any,
    *inputs: Any,
    steps: int = 10,
    optimizer: str = "SGD",
    lr: float | None = None,
    loss: Callable[..., Any] | None = None,
    target: Any = None,
    train: bool | None = None,
    seed: int = 0,
    tolerance: Tolerance | None = None,
) -> Certificate:
    """Compare a module on both engines: value, every gradient, and its state after some steps of an optimiser.

    `module` is a function of the namespace, such as `lambda nn: nn.Conv2d(3, 8, 3)`, or a pair (ours, torch's).
    Torch's weights are copied into ours. An input is an array, or a shape that is filled at random.
    `loss` is a function `loss(nn, output)`, or `loss(nn, output, target)` where there is a target; without one it is
    the mean squared distance to a random target. `train` sets the mode, which else stays as the module has it.
    `tolerance` replaces what is allowed, in every row.
    """
    rng = np.random.default_rng(seed)
    arrays = [as_input(f"input {i}", x, rng) for i, x in enumerate(inputs)]
    ours, theirs = both(module, seed)
    if train is not None:
        ours, theirs = ours.train(train), theirs.train(train)
    refuse_randomness(theirs, arrays, seed)
    goal = None if target is None else as_input("target", target, rng)
    lr = LEARNING_RATES.get(optimizer, 1e-3) if lr is None else lr
    plan = Plan(arrays, loss, goal, optimizer, lr, steps, seed)
    rows: list[Row] = []
    with full_precision():
        for dtype in (np.dtype("float64"), np.dtype("float32")):
            mine = plan.measure(Engine(), ours, dtype)
            for engine in torch_engines():
                rows += compare_all(mine, plan.measure(engine, theirs, dtype), engine.device, tolerance)
    return Certificate(title(theirs), tuple(rows))


def both(module: Any, seed: int) -> tuple[Any, Any]:
    """The module on both engines, with torch's weights."""
    import torch

    from twice import nn

    if isinstance(module, tuple) and len(module) == 2:
        ours, theirs = (copy.deepcopy(m) for m in module)
        if not isinstance(ours, nn.Module) or not isinstance(theirs, torch.nn.Module):
            kinds = " and ".join(f"{type(m).__module__}.{type(m).__name__}" for m in (ours, theirs))
            raise TypeError(f"certificate: the pair holds {kinds}, expected a module of twice, then one of torch")
    elif isinstance(module, nn.Module | torch.nn.Module) or not callable(module):
        raise TypeError(
            f"certificate: module is a {type(module).__name__}, expected a function of the namespace "
            "(lambda nn: nn.Linear(3, 2)) or a pair (twice's module, torch's)"
        )
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            ours, theirs = module(nn), module(torch.nn)
    files.copy_weights(theirs, ours)
    return ours, theirs


def refuse_randomness(module: Any, arrays: Sequence[Array], seed: int) -> None:
    """Two forward passes on different random numbers must agree, else no comparison would mean anything."""
    import torch

    engine, values = TorchEngine("cpu"), []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for draw in (1, 2):
            torch.manual_seed(seed + draw)
            values.append(flatten(engine.place(module, np.dtype("float64"))(*map(engine.tensor, arrays))))
    if not all(torch.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True) for a, b in zip(*values)):
        culprits = [f"{name or 'the module'} ({type(m).__name__})" for name, m in module.named_modules() if draws(m)]
        raise ValueError(
            f"certificate: {', '.join(culprits) or type(module).__name__} draws random numbers, expected a module that "
            "gives one answer: pass train=False, or set its p to 0"
        )


def draws(module: Any) -> bool:
    """Whether this one module, not those below it, is known to be random."""
    rate = getattr(module, "p", 0) if "Drop" in type(module).__name__ else getattr(module, "dropout", 0)
    return module.training and isinstance(rate, int | float) and rate > 0


class Plan(NamedTuple):
    """What is done, the same on every engine."""

    arrays: list[Array]
    loss: Callable[..., Any] | None
    target: Array | None
    optimizer: str
    lr: float
    steps: int
    seed: int

    def measure(self, engine: Engine, module: Any, dtype: np.dtype) -> Measured:
        """Forward and gradients of a copy of the module; the steps, in float64, of another."""
        placed, single = engine.place(module, dtype), not list(module.children())
        inputs = [engine.tensor(self.cast(a, dtype), a.dtype.kind == "f") for a in self.arrays]
        result = placed(*inputs)
        forward = numbered("forward", flatten(result))
        gradients: Values = {}
        if single or dtype == np.float64:
            self.pull(engine, result)
            named = {**numbered_inputs(inputs), **dict(placed.named_parameters())}
            gradients = {f"∂{name}": gradient(t) for name, t in named.items() if t.requires_grad}
        after = self.walk(engine, module) if dtype == np.float64 else {}
        return Measured(forward, gradients, after, f"after {self.steps} steps of {self.optimizer}")

    def cast(self, array: Array, dtype: np.dtype) -> Array:
        return array.astype(dtype) if array.dtype.kind == "f" else array

    def pull(self, engine: Engine, result: Any) -> None:
        """Backward from the loss; the default one, ½ mean (y − target)², hands its derivative to each output."""
        if self.loss is not None:
            return self._own_loss(engine, result).backward()
        rng = np.random.default_rng(self.seed + 1)
        smooth, cotangents = [], []
        for y in flatten(result):
            value = as_array(y)
            distance = value - rng.standard_normal(value.shape)
            if y.requires_grad:
                smooth.append(y)
                slope = np.where(np.isfinite(distance), distance, 0) / max(value.size, 1)
                cotangents.append(slope.astype(value.dtype))
        if smooth:
            engine.backward(smooth, cotangents)

    def _own_loss(self, engine: Engine, result: Any) -> Any:
        assert self.loss is not None
        if self.target is None:
            return self.loss(engine.nn, result)
        dtype = as_array(flatten(result)[0]).dtype
        return self.loss(engine.nn, result, engine.tensor(self.cast(self.target, dtype)))

    def walk(self, engine: Engine, module: Any) -> Values:
        """The state after the steps: parameters, and buffers such as running means."""
        module = engine.place(module, np.dtype("float64"))
        parameters = [p for p in module.parameters() if p.requires_grad]
        if not parameters or not self.steps:
            return {}
        optimizer = getattr(engine.optim, self.optimizer)(parameters, lr=self.lr)
        inputs = [engine.tensor(self.cast(a, np.dtype("float64"))) for a in self.arrays]
        for _ in range(self.steps):
            optimizer.zero_grad()
            self.pull(engine, module(*inputs))
            silence_noise(engine, [p for p in parameters if p.grad is not None])
            optimizer.step()
        return {name: as_array(value).copy() for name, value in module.state_dict().items()}


def silence_noise(engine: Engine, parameters: list[Any]) -> None:
    """Gradients that are zero but for rounding, such as that of a bias before a batch norm, become zero.

    Adam and its kin divide by the gradient's own size: they would turn each engine's rounding into whole steps.
    """
    bound = NOISE * largest([as_array(p.grad) for p in parameters])
    for p in parameters:
        engine.silence(p, bound)


def numbered_inputs(tensors: list[Any]) -> dict[str, Any]:
    """`input`, or `input[0]`, `input[1]`, …"""
    return {"input" if len(tensors) == 1 else f"input[{i}]": t for i, t in enumerate(tensors)}
