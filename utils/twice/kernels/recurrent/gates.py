"""The gates of LSTM and GRU are sigmoids, in place: σ(z) = (1 + tanh(z/2)) / 2, as NumPy has a fast tanh."""

import numpy as np

from twice.kernels.checks import Array


def sigmoid_inplace(z: Array) -> None:
    """z becomes σ(z)."""
    z *= 0.5
    np.tanh(z, out=z)
    z += 1
    z *= 0.5


def sigmoid_back(dz: Array, gate: Array) -> None:
    """What stands in dz, the gradient of the gate, becomes that of z: dσ/dz = σ(1 − σ)."""
    slope = 1 - gate
    slope *= gate
    dz *= slope
