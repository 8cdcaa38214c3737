"""A kernel against a function of torch: its value and every gradient."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from twice.parity.compare import Measured, Tolerance, as_array, compare_all, flatten
from twice.parity.engines import TorchEngine, as_input, full_precision, gradient, numbered, torch_engines
from twice.parity.table import Certificate, Row


def kernel_certificate(
    kernel: Callable[..., Any],
    torch_function: Callable[..., Any],
    *arrays: Any,
    seed: int = 0,
    tolerance: Tolerance | None = None,
    **options: Any,
) -> Certificate:
    """Compare a kernel, `value, back = kernel(*arrays, **options)`, with a function of torch: value and every gradient.

    An array may be given as a shape, which is filled at random, or as None. Both functions get the options.
    """
    rng = np.random.default_rng(seed)
    inputs = [None if a is None else as_input(f"array {i}", a, rng) for i, a in enumerate(arrays)]
    names = list(inspect.signature(kernel).parameters)[: len(inputs)]
    rows: list[Row] = []
    with full_precision():
        for dtype in (np.dtype("float64"), np.dtype("float32")):
            cast = [x if x is None or x.dtype.kind != "f" else x.astype(dtype) for x in inputs]
            for engine in torch_engines():
                rows += _compare_kernel(kernel, torch_function, engine, names, cast, options, seed, tolerance)
    return Certificate(getattr(kernel, "__name__", "kernel"), tuple(rows))


def _compare_kernel(
    kernel: Callable[..., Any],
    torch_function: Callable[..., Any],
    engine: TorchEngine,
    names: list[str],
    inputs: list[Any],
    options: dict[str, Any],
    seed: int,
    tolerance: Tolerance | None,
) -> list[Row]:
    tensors = [None if x is None else engine.tensor(x, x.dtype.kind == "f") for x in inputs]
    outputs = flatten(torch_function(*tensors, **options))
    value, back = kernel(*inputs, **options)
    ours = numbered("forward", flatten(value))
    rng = np.random.default_rng(seed + 1)
    cotangents = [
        rng.standard_normal(tuple(y.shape)).astype(as_array(y).dtype) if y.requires_grad else None for y in outputs
    ]
    engine.backward([y for y in outputs if y.requires_grad], [c for c in cotangents if c is not None])
    answer = back(*cotangents)
    gradients = dict(zip(names, answer if isinstance(answer, tuple) else (answer,)))
    asked = {name: t for name, t in zip(names, tensors) if t is not None and t.requires_grad}
    theirs = Measured(numbered("forward", outputs), {f"∂{name}": gradient(t) for name, t in asked.items()}, {}, "")
    mine = Measured(ours, {f"∂{name}": g for name, g in gradients.items() if g is not None}, {}, "")
    return compare_all(mine, theirs, engine.device, tolerance)
