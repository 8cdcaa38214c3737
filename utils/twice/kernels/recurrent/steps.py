"""Inside a step of LSTM and GRU, feature-first (H, B), forward and back.

The rows of the sigmoid gates come halved, a = z/2, so that one tanh serves all gates: σ(z) = (1 + tanh(z/2)) / 2.
Each step overwrites a by the gates; each step back fills da, the gradient of what the halved rows gave.
"""

import numpy as np

from twice.kernels.checks import Array


def lstm_step(a: Array, c_before: Array, c: Array, tanh_c: Array) -> Array:
    """Fills a (i f g o), c and tanh(c); returns o tanh(c)."""
    np.tanh(a, out=a)
    i, f, g, o = a.reshape(4, *c.shape)
    for gate in (i, f, o):
        _halve(gate)
    np.multiply(f, c_before, out=c)
    c += i * g
    return o * np.tanh(c, out=tanh_c)


def lstm_step_back(dm: Array, dc: Array, a: Array, c_before: Array, tanh_c: Array, da: Array) -> None:
    """Given dm of m = o tanh(c): fills da and turns dc, what later steps send to c, into what c_before receives."""
    i, f, g, o = a.reshape(4, *dc.shape)
    di, df, dg, do = da.reshape(4, *dc.shape)
    dc += (1 - tanh_c * tanh_c) * o * dm
    np.multiply(dc, g, out=di)
    np.multiply(dc, c_before, out=df)
    np.multiply(dc, i, out=dg)
    np.multiply(dm, tanh_c, out=do)
    dc *= f
    for gate, d in ((i, di), (f, df), (o, do)):
        d *= _slope(gate)
    dg *= 1 - g * g


def gru_step_reset_after(a: Array, h: Array, w: Array, b_n: Array, q: Array) -> Array:
    """Fills a (r z n) and q = W_hn h + b_hn; returns (1 − z) n + z h."""
    gates = 2 * len(h)
    products = w @ h
    a[:gates] += products[:gates]
    np.add(products[gates:], b_n, out=q)
    _halve(np.tanh(a[:gates], out=a[:gates]))
    r, z, n = a.reshape(3, *h.shape)
    n += r * q
    np.tanh(n, out=n)
    return n + z * (h - n)


def gru_step_reset_after_back(dh: Array, a: Array, h: Array, w: Array, q: Array, da: Array, dq: Array) -> Array:
    """Fills da and dq; returns what the step before receives."""
    gates = 2 * len(h)
    r, z, n = a.reshape(3, *h.shape)
    dr, dz, dn = da.reshape(3, *h.shape)
    np.multiply(dh * (1 - z), 1 - n * n, out=dn)
    np.multiply(dh * (h - n), _slope(z), out=dz)
    np.multiply(dn * q, _slope(r), out=dr)
    np.multiply(dn, r, out=dq)
    return dh * z + w[:gates].T @ da[:gates] + w[gates:].T @ dq


def gru_step_reset_before(a: Array, h: Array, w: Array, b_n: Array, reset: Array) -> Array:
    """Fills a (r z n) and reset = r h; returns (1 − z) n + z h."""
    gates = 2 * len(h)
    a[:gates] += w[:gates] @ h
    _halve(np.tanh(a[:gates], out=a[:gates]))
    r, z, n = a.reshape(3, *h.shape)
    np.multiply(r, h, out=reset)
    n += w[gates:] @ reset
    n += b_n
    np.tanh(n, out=n)
    return n + z * (h - n)


def gru_step_reset_before_back(dh: Array, a: Array, h: Array, w: Array, reset: Array, da: Array, dq: Array) -> Array:
    """Fills da and dq = dn; returns what the step before receives."""
    gates = 2 * len(h)
    r, z, n = a.reshape(3, *h.shape)
    dr, dz, dn = da.reshape(3, *h.shape)
    np.multiply(dh * (1 - z), 1 - n * n, out=dn)
    np.multiply(dh * (h - n), _slope(z), out=dz)
    dq[:] = dn
    d_reset = w[gates:].T @ dn
    np.multiply(d_reset * h, _slope(r), out=dr)
    return dh * z + d_reset * r + w[:gates].T @ da[:gates]


def _halve(t: Array) -> None:
    """σ from t = tanh(z/2), in place."""
    t += 1
    t *= 0.5


def _slope(gate: Array) -> Array:
    """dσ/da = 2 σ (1 − σ), as z = 2a."""
    return (gate + gate) * (1 - gate)
