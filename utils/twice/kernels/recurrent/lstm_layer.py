"""Long short-term memory: a cell c that is kept, written and read through gates."""

from typing import NamedTuple

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.recurrent.gates import sigmoid_back, sigmoid_inplace
from twice.kernels.recurrent.sequence import check_layer, feature_rows, input_products, layer_gradients, states_from


class Steps(NamedTuple):
    """What backward needs of all steps (a tuple, in which the tape finds the arrays)."""

    gates: Array  # i f g o, (T, 4H, B)
    c: Array  # c_0 … c_T, (T + 1, H, B)
    tanh_c: Array  # (T, H, B)


def lstm(
    x: Array,
    h0: Array,
    c0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    w_hr: Array | None = None,
    *,
    lengths: Array | None = None,
):
    """z_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh in four blocks i f g o; i, f, o = σ(z), g = tanh(z);
    c_t = f c_{t-1} + i g,  m_t = o tanh(c_t),  y_t = h_t = m_t (with a projection W_hr m_t); returns (y, h_T, c_T).

    Backward in time: dh_t = dy_t + W_hhᵀ dz_{t+1} goes through the step to dz_t; then dx_t = W_ihᵀ dz_t,
    dW_ih = Σ dz_t x_tᵀ, dW_hh = Σ dz_t h_{t-1}ᵀ, dW_hr = Σ dh_t m_tᵀ, db = Σ dz_t.
    """
    others = {"h0": h0, "c0": c0, "w_ih": w_ih, "b_ih": b_ih, "b_hh": b_hh, "w_hr": w_hr}
    clock = check_layer("lstm", 4, x, lengths, w_hh=w_hh, **others)
    x, biases = clock.blank(x), (b_ih is not None, b_hh is not None)
    h, steps = _forward(input_products(x, w_ih, b_ih, b_hh), h0, c0, w_hh, w_hr)
    h[1:][clock.past] = 0

    def back(dy: Array, dh_last: Array, dc_last: Array, needs=(True,)):
        dh = clock.incoming(dy, dh_last)
        dz, dc = _backward(dh, dc_last, clock.last, steps, w_hh, w_hr)
        dx, *weights = layer_gradients(dz, x, h, w_ih, biases, needs[0])
        return dx, dh[0].T, dc.T, *weights, None if w_hr is None else _projection_gradient(dh[1:], steps)

    return (h[1:], clock.final(h), clock.final(steps.c.swapaxes(1, 2))), back


def _forward(z: Array, h0: Array, c0: Array, w_hh: Array, w_hr: Array | None) -> tuple[Array, Steps]:
    """h_0 … h_T (T + 1, B, H) and the steps; z (T, 4H, B), the inputs' part, becomes the gates."""
    h, c, now = states_from(h0, len(z)), states_from(c0.T, len(z)), h0.T
    tanh_c = np.empty_like(c[1:])
    for t in range(len(z)):
        z[t] += w_hh @ now
        m = _step(z[t], c[t], c[t + 1], tanh_c[t])
        now = m if w_hr is None else w_hr @ m
        h[t + 1] = now.T
    return h, Steps(z, c, tanh_c)


def _backward(
    dh: Array, dc_last: Array, last: Array, steps: Steps, w_hh: Array, w_hr: Array | None
) -> tuple[Array, Array]:
    """dz (T, 4H, B) and dc_0; the loop adds to dh (T + 1, H, B), from outside, what comes from later steps."""
    gates, c, tanh_c = steps
    dz, dc = np.empty_like(gates), np.zeros_like(c[0])
    for t in reversed(range(len(gates))):
        if (ending := last == t).any():
            dc[:, ending] = dc_last[ending].T
        dm = dh[t + 1] if w_hr is None else w_hr.T @ dh[t + 1]
        _step_back(dm, dc, gates[t], c[t], tanh_c[t], dz[t])
        dh[t] += w_hh.T @ dz[t]
    return dz, dc


def _projection_gradient(dh: Array, steps: Steps) -> Array:
    """dW_hr = Σ dh_t m_tᵀ"""
    o = np.split(steps.gates, 4, axis=1)[3]
    return np.matmul(feature_rows(dh), feature_rows(o * steps.tanh_c).T)


def _step(z: Array, c_before: Array, c: Array, tanh_c: Array) -> Array:
    """Turns z into the gates i f g o, fills c and tanh(c); returns m = o tanh(c)."""
    gates = z.reshape(4, *c.shape)
    i, f, g, o = gates
    sigmoid_inplace(gates[:2])
    np.tanh(g, out=g)
    sigmoid_inplace(o)
    np.multiply(f, c_before, out=c)
    c += i * g
    return o * np.tanh(c, out=tanh_c)


def _step_back(dm: Array, dc: Array, gates: Array, c_before: Array, tanh_c: Array, dz: Array) -> None:
    """Given dm: fills dz, and turns dc, what later steps send to c, into what c_before receives."""
    gates, dz = gates.reshape(4, *dc.shape), dz.reshape(4, *dc.shape)
    (i, f, g, o), (di, df, dg, do) = gates, dz
    dc += (1 - tanh_c * tanh_c) * o * dm
    np.multiply(dc, g, out=di)
    np.multiply(dc, c_before, out=df)
    np.multiply(dc, i, out=dg)
    np.multiply(dm, tanh_c, out=do)
    dc *= f
    sigmoid_back(dz[:2], gates[:2])
    dg *= 1 - g * g
    sigmoid_back(do, o)
