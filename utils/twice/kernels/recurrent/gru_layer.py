"""The gated recurrent unit: one state, of which a gate z keeps a part and renews the rest."""

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.recurrent.gates import sigmoid_back, sigmoid_inplace
from twice.kernels.recurrent.sequence import (
    check_layer,
    feature_rows,
    input_gradients,
    input_products,
    states_from,
    step_rows,
)


def gru(
    x: Array,
    h0: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    reset_after: bool = True,
    lengths: Array | None = None,
):
    """r, z = σ(W_i x_t + b_i + W_h h_{t-1} + b_h),  h_t = (1 − z) n + z h_{t-1}, rows in the order r z n.

    reset_after=True is torch's form:          n = tanh(W_in x_t + b_in + r q),  q = W_hn h_{t-1} + b_hn;
    reset_after=False is the original paper's: n = tanh(W_in x_t + b_in + W_hn q + b_hn),  q = r h_{t-1}.
    Where h_t = (1 − z) h_{t-1} + z h̃_t is written, h̃ is n and that z is 1 − z here: σ(−a) = 1 − σ(a), so the two
    are one network with the weights and biases of z negated.
    """
    clock = check_layer("gru", 3, x, lengths, h0=h0, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh)
    x, biases = clock.blank(x), (b_ih is not None, b_hh is not None)
    gates = input_products(x, w_ih, b_ih)
    h, q = _forward(gates, h0, w_hh, np.zeros(len(w_hh), x.dtype) if b_hh is None else b_hh, reset_after)
    h[1:][clock.past] = 0

    def back(dy: Array, dh_last: Array, needs=(True,)):
        dh = clock.incoming(dy, dh_last)
        da, dq = _backward(dh, gates, h, w_hh, q, reset_after)
        rows = feature_rows(da)
        dx, dw_ih = input_gradients(rows, x, w_ih, needs[0])
        dw_hh, db_hh = _state_gradients(rows, h, q, dq, reset_after)
        return dx, dh[0].T, dw_ih, dw_hh, rows.sum(1) if biases[0] else None, db_hh if biases[1] else None

    return (h[1:], clock.final(h)), back


def _forward(a: Array, h0: Array, w: Array, b: Array, reset_after: bool) -> tuple[Array, Array]:
    """h (T + 1, B, H) and q (T, H, B); a (T, 3H, B), the inputs' part, becomes the gates r z n."""
    h, now = states_from(h0, len(a)), h0.T
    q = np.empty((len(a), *now.shape), a.dtype)
    for t in range(len(a)):
        now = _step(a[t], now, w, b[:, None], q[t], reset_after)
        h[t + 1] = now.T
    return h, q


def _backward(dh: Array, gates: Array, h: Array, w: Array, q: Array, reset_after: bool) -> tuple[Array, Array]:
    """da (T, 3H, B) and dq; the loop adds to dh (T + 1, H, B), from outside, what comes from later steps."""
    da, dq = np.empty_like(gates), np.empty_like(q)
    for t in reversed(range(len(gates))):
        dh[t] += _step_back(dh[t + 1], gates[t], h[t].T, w, q[t], reset_after, da[t], dq[t])
    return da, dq


def _state_gradients(rows: Array, h: Array, q: Array, dq: Array, reset_after: bool) -> tuple[Array, Array]:
    """dW_hh and db_hh, of da in `feature_rows`: W_hn met h_{t-1} and receives dq, or it met q = r h and receives dn."""
    before, (to_rz, to_n) = step_rows(h[:-1]), _split(rows)
    received, met = (feature_rows(dq), before) if reset_after else (to_n, feature_rows(q).T)
    dw_hh = np.concatenate([np.matmul(to_rz, before), np.matmul(received, met)])
    return dw_hh, np.concatenate([to_rz.sum(1), received.sum(1)])


def _step(a: Array, h: Array, w: Array, b: Array, q: Array, reset_after: bool) -> Array:
    """Turns a into the gates r z n and fills q; returns (1 − z) n + z h."""
    rz, (r, z, n) = a[: 2 * len(h)], a.reshape(3, *h.shape)
    w_rz, w_n, b_rz, b_n = *_split(w), *_split(b)
    rz += w_rz @ h
    rz += b_rz
    sigmoid_inplace(rz)
    if reset_after:
        np.add(w_n @ h, b_n, out=q)
        n += r * q
    else:
        np.multiply(r, h, out=q)
        n += w_n @ q
        n += b_n
    np.tanh(n, out=n)
    return n + z * (h - n)


def _step_back(dh: Array, gates: Array, h: Array, w: Array, q: Array, reset_after: bool, da: Array, dq: Array) -> Array:
    """Fills da and dq; returns what h, the state before, receives."""
    (r, z, n), (dr, dz, dn) = gates.reshape(3, *h.shape), da.reshape(3, *h.shape)
    w_rz, w_n = _split(w)
    np.multiply(dh * (1 - z), 1 - n * n, out=dn)
    np.multiply(dh, h - n, out=dz)
    if reset_after:
        np.multiply(dn, r, out=dq)
        np.multiply(dn, q, out=dr)
        through_n = w_n.T @ dq
    else:
        np.matmul(w_n.T, dn, out=dq)
        np.multiply(dq, h, out=dr)
        through_n = dq * r
    gated = 2 * len(h)
    sigmoid_back(da[:gated], gates[:gated])
    return dh * z + w_rz.T @ da[:gated] + through_n


def _split(rows: Array) -> tuple[Array, Array]:
    """The rows of r and z, and those of n."""
    gated = len(rows) // 3 * 2
    return rows[:gated], rows[gated:]
