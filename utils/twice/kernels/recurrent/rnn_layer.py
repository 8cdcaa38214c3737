"""The plain recurrent layer of Elman: one product a step, and a bend."""

from collections.abc import Callable

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.recurrent.sequence import check_layer, input_products, layer_gradients, states_from

NONLINEARITIES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda z: np.maximum(z, 0), lambda h: h != 0),
}


def rnn(
    x: Array,
    h0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    nonlinearity: str = "tanh",
    lengths: Array | None = None,
):
    """h_t = φ(z_t), z_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, φ = tanh or relu; returns (y, h_T) with y_t = h_t.

    Backward in time: dh_t = dy_t + W_hhᵀ dz_{t+1}, dz_t = φ'(z_t) dh_t; then dx_t = W_ihᵀ dz_t,
    dW_ih = Σ dz_t x_tᵀ, dW_hh = Σ dz_t h_{t-1}ᵀ, db = Σ dz_t.
    """
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"rnn: nonlinearity is {nonlinearity!r}, expected 'tanh' or 'relu'")
    clock = check_layer("rnn", 1, x, lengths, h0=h0, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh)
    phi, slope = NONLINEARITIES[nonlinearity]
    x, biases = clock.blank(x), (b_ih is not None, b_hh is not None)
    h = _forward(input_products(x, w_ih, b_ih, b_hh), h0, w_hh, phi)
    h[1:][clock.past] = 0

    def back(dy: Array, dh_last: Array, needs=(True,)):
        dh = clock.incoming(dy, dh_last)
        dz = _backward(dh, h, w_hh, slope)
        dx, *weights = layer_gradients(dz, x, h, w_ih, biases, needs[0])
        return dx, dh[0].T, *weights

    return (h[1:], clock.final(h)), back


def _forward(z: Array, h0: Array, w_hh: Array, phi: Callable[[Array], Array]) -> Array:
    """h (T + 1, B, H), given the inputs' part of z (T, H, B)."""
    h, now = states_from(h0, len(z)), h0.T
    for t in range(len(z)):
        now = phi(z[t] + w_hh @ now)
        h[t + 1] = now.T
    return h


def _backward(dh: Array, h: Array, w_hh: Array, slope: Callable[[Array], Array]) -> Array:
    """dz (T, H, B); the loop adds to dh (T + 1, H, B), from outside, what comes from later steps."""
    dz = np.empty_like(dh[1:])
    for t in reversed(range(len(dz))):
        np.multiply(dh[t + 1], slope(h[t + 1].T), out=dz[t])
        dh[t] += w_hh.T @ dz[t]
    return dz
