"""Single steps: torch's RNNCell, LSTMCell and GRUCell, as sequences of length one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.recurrent.gru_layer import gru
from twice.kernels.recurrent.lstm_layer import lstm
from twice.kernels.recurrent.rnn_layer import rnn


def rnn_cell(
    x: Array,
    h: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    nonlinearity: str = "tanh",
):
    """h' = φ(W_ih x + b_ih + W_hh h + b_hh) for x (B, I), h (B, H): a sequence of one step."""
    return _cell(rnn, x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity=nonlinearity)


def lstm_cell(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
):
    """(h', c') of `lstm` for x (B, I), h and c (B, H): a sequence of one step."""
    (_, h_next, c_next), pull = lstm(x[None], h, c, w_ih, w_hh, b_ih, b_hh)

    def back(dh: Array, dc: Array, needs=(True,)):
        dx, *others, _ = pull(np.zeros_like(h_next[None]), dh, dc, needs=needs)
        return None if dx is None else dx[0], *others

    return (h_next, c_next), back


def gru_cell(
    x: Array,
    h: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
    *,
    reset_after: bool = True,
):
    """h' of `gru` for x (B, I), h (B, H): a sequence of one step."""
    return _cell(gru, x, h, w_ih, w_hh, b_ih, b_hh, reset_after=reset_after)


def _cell(layer: Callable[..., Any], x: Array, h: Array, *weights: Array | None, **options: Any):
    """A layer with one state, on a sequence of length one."""
    (_, h_next), pull = layer(x[None], h, *weights, **options)

    def back(dh: Array, needs=(True,)):
        dx, *others = pull(np.zeros_like(h_next[None]), dh, needs=needs)
        return None if dx is None else dx[0], *others

    return h_next, back
