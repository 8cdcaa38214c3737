"""Is this pullback right? Compare it with what the kernel does when an input moves a little."""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


def gradcheck(
    kernel: Callable[..., Any], *inputs: Any, step: float = 1e-6, tolerance: float = 1e-6, seed: int = 0, **options: Any
) -> float:
    """Largest relative error of the pullback of `kernel` at `inputs`, entry by entry, by central differences.

    With u a random cotangent, ⟨u, f(x)⟩ is a number; its slope along each entry of each float64 input must
    be the pullback's answer to u. Raises an AssertionError that names the input where it is not.
    """
    rng = np.random.default_rng(seed)
    value, back = kernel(*inputs, **options)
    outputs = value if isinstance(value, tuple) else (value,)
    cotangents = tuple(rng.standard_normal(y.shape) if y.dtype.kind == "f" else None for y in outputs)
    answer = back(*cotangents)
    gradients = answer if isinstance(answer, tuple) else (answer,)

    def measure() -> float:
        y = kernel(*inputs, **options)[0]
        y = y if isinstance(y, tuple) else (y,)
        return sum(float(np.vdot(u, v)) for u, v in zip(cotangents, y) if u is not None)

    worst = 0.0
    for position, (x, gradient) in enumerate(zip(inputs, gradients)):
        if gradient is None or not isinstance(x, np.ndarray):
            continue
        assert x.dtype == np.float64, f"gradcheck: input {position} is {x.dtype}, expected float64"
        assert gradient.shape == x.shape, f"gradcheck: input {position} has {x.shape}, its gradient {gradient.shape}"
        numeric = _slopes(measure, x, step)
        scale = max(1.0, float(np.abs(numeric).max(initial=0.0)))
        error = float(np.abs(numeric - gradient).max(initial=0.0)) / scale
        assert error <= tolerance, f"gradcheck: the gradient of input {position} is off by {error:.2e} of its scale"
        worst = max(worst, error)
    return worst


def _slopes(measure: Callable[[], float], x: Array, step: float) -> Array:
    """∂ measure / ∂ x, one entry at a time; x is moved in place and put back."""
    slopes = np.empty_like(x)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + step
        above = measure()
        x[index] = here - step
        below = measure()
        x[index] = here
        slopes[index] = (above - below) / (2 * step)
    return slopes
