"""One layer in one direction over a whole sequence: `rnn`, `lstm`, `gru`.

Sequences are time-first, x (T, B, I). Inside, states and gates are feature-first, (H, B): then each gate is one
contiguous block of rows of W h. What does not wait for the recurrence is done for all steps at once: the products
with the inputs before the loop, the gradients of the weights after it.
"""

from collections.abc import Callable

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.recurrent.sequence import (
    bias_gradients,
    blank,
    check_layer,
    feature_rows,
    input_gradient,
    input_products,
    outgoing,
    states_before,
    step_rows,
    total_bias,
)
from twice.kernels.recurrent.steps import (
    gru_step_reset_after,
    gru_step_reset_after_back,
    gru_step_reset_before,
    gru_step_reset_before_back,
    lstm_step,
    lstm_step_back,
)


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
    """h_t = φ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), φ = tanh or relu; returns (y, h_T) with y_t = h_t.

    Backward in time: dz_t = φ'(z_t) (dy_t + W_hhᵀ dz_{t+1}); then dW_hh = Σ dz_t h_{t-1}ᵀ, dW_ih = Σ dz_t x_tᵀ.
    """
    if nonlinearity not in _NONLINEARITIES:
        raise ValueError(f"rnn: nonlinearity is {nonlinearity!r}, expected 'tanh' or 'relu'")
    last, past = check_layer("rnn", 1, x, (h0,), w_ih, w_hh, b_ih, b_hh, lengths)
    activate, slope = _NONLINEARITIES[nonlinearity]
    x = blank(x, past)
    z = input_products(x, w_ih, total_bias(b_ih, b_hh))
    y = np.empty((*x.shape[:2], w_hh.shape[1]), x.dtype)
    h = h0.T
    for t in range(len(x)):
        z[t] += w_hh @ h
        h = activate(z[t])
        y[t] = h.T
    y[past] = 0
    columns = np.arange(x.shape[1])

    def back(dy: Array, dh_last: Array, needs=(True,)):
        dz = np.empty((len(x), *h0.T.shape), x.dtype)
        dy = outgoing(dy, dh_last, last, past)
        dh = np.zeros(h0.T.shape, x.dtype)
        for t in reversed(range(len(x))):
            dh += dy[t].T
            np.multiply(dh, slope(y[t].T), out=dz[t])
            np.matmul(w_hh.T, dz[t], out=dh)
        rows = feature_rows(dz)
        dx = input_gradient(rows, w_ih, x) if needs[0] else None
        db_ih, db_hh = bias_gradients(rows, b_ih is not None, b_hh is not None)
        return dx, dh.T, rows @ step_rows(x), rows @ step_rows(states_before(h0, y)), db_ih, db_hh

    return (y, y[last, columns]), back


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
    """z = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh in four blocks i f g o; i, f, o = σ(z), g = tanh(z);
    c_t = f c_{t-1} + i g,  h_t = o tanh(c_t)  (W_hr o tanh(c_t) with a projection); returns (y, h_T, c_T), y_t = h_t.

    σ(z) = (1 + tanh(z/2)) / 2: with the rows of i, f and o halved, a = s z, one tanh serves all four gates. The
    gradients of the weights that were scaled by s are then s times those of the scaled ones.
    """
    last, past = check_layer("lstm", 4, x, (h0, c0), w_ih, w_hh, b_ih, b_hh, lengths, w_hr)
    x = blank(x, past)
    (steps, batch), hidden = x.shape[:2], c0.shape[1]
    s = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), hidden)
    u, w = w_ih * s[:, None], w_hh * s[:, None]
    gates = input_products(x, u, total_bias(b_ih, b_hh, s))
    c = np.empty((steps + 1, hidden, batch), x.dtype)
    tanh_c = np.empty((steps, hidden, batch), x.dtype)
    y = np.empty((steps, batch, h0.shape[1]), x.dtype)
    c[0], h = c0.T, h0.T
    for t in range(steps):
        gates[t] += w @ h
        h = lstm_step(gates[t], c[t], c[t + 1], tanh_c[t])
        if w_hr is not None:
            h = w_hr @ h
        y[t] = h.T
    y[past] = 0
    columns = np.arange(batch)

    def back(dy: Array, dh_last: Array, dc_last: Array, needs=(True,)):
        dy = outgoing(dy, dh_last, last, past)
        dh = np.zeros((h0.shape[1], batch), x.dtype)
        dc = np.zeros((hidden, batch), x.dtype)
        da = np.empty_like(gates)
        for t in reversed(range(steps)):
            ending = last == t
            dc[:, ending] = dc_last[ending].T
            dh += dy[t].T
            dy[t] = dh.T  # all that reaches h_t, for W_hr
            dm = dh if w_hr is None else w_hr.T @ dh
            lstm_step_back(dm, dc, gates[t], c[t], tanh_c[t], da[t])
            np.matmul(w.T, da[t], out=dh)
        rows = feature_rows(da)
        dx = input_gradient(rows, u, x) if needs[0] else None
        dw_ih = (rows @ step_rows(x)) * s[:, None]
        dw_hh = (rows @ step_rows(states_before(h0, y))) * s[:, None]
        db_ih, db_hh = bias_gradients(rows, b_ih is not None, b_hh is not None, s)
        # h_t = W_hr m_t with m_t = o tanh(c_t)
        dw_hr = None if w_hr is None else step_rows(dy).T @ feature_rows(gates[:, -hidden:] * tanh_c).T
        return dx, dh.T, dc.T, dw_ih, dw_hh, db_ih, db_hh, dw_hr

    return (y, y[last, columns], c[last + 1, :, columns]), back


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

    reset_after=True is torch's form:         n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} + b_hn));
    reset_after=False is the original paper's: n = tanh(W_in x_t + b_in + W_hn (r h_{t-1}) + b_hn).
    Where h_t = (1 − z) h_{t-1} + z h̃_t is written, h̃ is n and that z is 1 − z here: σ(−a) = 1 − σ(a), so the two
    are one network with the weights and biases of z negated. σ is (1 + tanh(·/2)) / 2, as in `lstm`.
    """
    last, past = check_layer("gru", 3, x, (h0,), w_ih, w_hh, b_ih, b_hh, lengths)
    x = blank(x, past)
    (steps, batch), hidden = x.shape[:2], h0.shape[1]
    s = np.repeat(np.array([0.5, 0.5, 1], x.dtype), hidden)
    u, w = w_ih * s[:, None], w_hh * s[:, None]
    bias = np.zeros_like(s) if b_hh is None else b_hh
    b_n = bias[2 * hidden :, None]
    gates = input_products(x, u, total_bias(b_ih, bias * (s < 1), s))  # s < 1: the rows of r and z
    step, step_back = (
        (gru_step_reset_after, gru_step_reset_after_back)
        if reset_after
        else (gru_step_reset_before, gru_step_reset_before_back)
    )
    inner = np.empty((steps, hidden, batch), x.dtype)
    y = np.empty((steps, batch, hidden), x.dtype)
    h = h0.T
    for t in range(steps):
        h = step(gates[t], h, w, b_n, inner[t])
        y[t] = h.T
    y[past] = 0
    columns = np.arange(batch)

    def back(dy: Array, dh_last: Array, needs=(True,)):
        dy = outgoing(dy, dh_last, last, past)
        dh = np.zeros((hidden, batch), x.dtype)
        da = np.empty_like(gates)
        dq = np.empty_like(inner)
        before = states_before(h0, y)
        for t in reversed(range(steps)):
            dh += dy[t].T
            dh = step_back(dh, gates[t], before[t].T, w, inner[t], da[t], dq[t])
        rows, rows_n = feature_rows(da), feature_rows(dq)
        dx = input_gradient(rows, u, x) if needs[0] else None
        dw_ih = (rows @ step_rows(x)) * s[:, None]
        db_ih = None if b_ih is None else rows.sum(1) * s
        rows[2 * hidden :] = rows_n  # from here on what reaches W_hh: dq instead of dn
        dw_hh = (rows @ step_rows(before)) * s[:, None]
        if not reset_after:
            dw_hh[2 * hidden :] = rows_n @ feature_rows(inner).T
        db_hh = None if b_hh is None else rows.sum(1) * s
        return dx, dh.T, dw_ih, dw_hh, db_ih, db_hh

    return (y, y[last, columns]), back


_NONLINEARITIES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda z: np.maximum(z, 0), lambda h: h > 0),
}
