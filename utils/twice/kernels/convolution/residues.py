"""The pullback to the input as convolutions: one for each residue of the stride.

The output o reads the bordered position p = s·o + d·t with tap t. Turned round, position p = s·q + ρ collects

    dx[s·q + ρ] = Σ_{t: d·t ≡ ρ mod s}  w[t] dy[q − (d·t − ρ)/s]

so the positions of one residue ρ see every (s/g)-th tap only, g = gcd(s, d), and see dy at steps of d/g: a convolution
of dy with stride 1 and a kernel of ⌈k·g/s⌉ taps, turned round. For stride 1 there is one residue and the whole kernel
is turned round; for stride 2 a 3×3 kernel falls into 2×2, 2×1, 1×2 and 1×1. Nothing is scattered, nothing overlaps.
The channels change places: dx[c] sums over the kernels k with w[k, c].
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import gcd
from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.convolution.window import Window


@dataclass(frozen=True)
class Residue:
    """Along one axis: the inputs of this residue, the taps that reach them, and how these move over dy."""

    inputs: slice
    taps: slice
    dilation: int
    crop: slice
    padding: tuple[int, int]


def pull_to_input(
    dy: Array, w: Array, window: Window, shape: tuple[int, ...], convolve: Callable, exchange: bool = True
) -> Array:
    """dx (N, C, S…) from dy (N, K, O…) and w (K, C, k…), by the strategy `convolve` for stride 1

    Depthwise kernels do not exchange the channels: there every channel answers for itself.
    """
    axes = [_residues(window, axis, shape[2 + axis], dy.shape[2 + axis]) for axis in range(window.rank)]
    ones, whole = (1,) * window.rank, (slice(None), slice(None))
    dx = np.zeros(shape, dy.dtype) if max(window.stride) > 1 else None
    for parts in product(*axes):
        kernels = np.flip(w[whole + tuple(p.taps for p in parts)], tuple(range(2, w.ndim)))
        kernels = kernels.swapaxes(0, 1) if exchange else kernels
        small = Window(kernels.shape[2:], ones, tuple(p.padding for p in parts), tuple(p.dilation for p in parts))
        seen = dy[whole + tuple(p.crop for p in parts)]
        inputs: Any = whole + tuple(p.inputs for p in parts)
        pulled = convolve(kernels, small, seen.shape).forward(seen)
        if dx is None:
            return pulled
        dx[inputs] = pulled
    assert dx is not None
    return dx


def _residues(window: Window, axis: int, n: int, outputs: int) -> list[Residue]:
    """The residues along one axis that some tap reaches and some input has."""
    k, s, d = window.kernel[axis], window.stride[axis], window.dilation[axis]
    before = window.padding[axis][0]
    every, step = s // gcd(s, d), d // gcd(s, d)
    found = []
    for rho in range(s):
        first = next((t for t in range(min(k, every)) if (d * t - rho) % s == 0), None)
        start = (rho - before) % s
        if first is None or start >= n:
            continue
        taps, count = len(range(first, k, every)), len(range(start, n, s))
        lead = step * (taps - 1) + (d * first - rho) // s - (start + before - rho) // s
        trail = count - outputs - lead + step * (taps - 1)
        crop = slice(max(0, -lead), outputs - max(0, -trail))
        padding = (max(0, lead), max(0, trail))
        found.append(Residue(slice(start, None, s), slice(first, None, every), step, crop, padding))
    return found
