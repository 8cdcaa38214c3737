"""Layers above layers, in one or both directions: torch.nn's RNN, LSTM and GRU as one kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.kernels.checks import Array, require, require_rank
from twice.kernels.dropout import dropout as drop
from twice.kernels.recurrent.gru_layer import gru
from twice.kernels.recurrent.lstm_layer import lstm
from twice.kernels.recurrent.rnn_layer import rnn
from twice.kernels.recurrent.sequence import reverse


def rnn_stack(
    x: Array,
    h0: Array,
    *weights: Array,
    kind: str = "rnn",
    num_layers: int = 1,
    bias: bool = True,
    bidirectional: bool = False,
    dropout: float = 0.0,
    training: bool = False,
    rng: np.random.Generator | None = None,
    lengths: Array | None = None,
    **options: Any,
):
    """torch.nn.RNN (kind='rnn', nonlinearity=…) or GRU (kind='gru', reset_after=…) on x (T, B, I), h0 (L·D, B, H).

    `weights` in torch's order: w_ih_l0 w_hh_l0 b_ih_l0 b_hh_l0, the same _reverse, then layer 1 …
    Returns (y, h_n) with y (T, B, D·H). Batch-first is a transpose that belongs to the caller.
    """
    require(kind in ("rnn", "gru"), f"rnn_stack: kind is {kind!r}, expected 'rnn' or 'gru'")
    layer = rnn if kind == "rnn" else gru
    shape = num_layers, bidirectional, bias, False
    return _stack(layer, x, (h0,), weights, *shape, dropout if training else 0.0, rng, lengths, options)


def lstm_stack(
    x: Array,
    h0: Array,
    c0: Array,
    *weights: Array,
    num_layers: int = 1,
    bias: bool = True,
    bidirectional: bool = False,
    proj_size: int = 0,
    dropout: float = 0.0,
    training: bool = False,
    rng: np.random.Generator | None = None,
    lengths: Array | None = None,
):
    """torch.nn.LSTM on x (T, B, I), h0 (L·D, B, H or proj_size), c0 (L·D, B, H); returns (y, h_n, c_n).

    `weights` as in `rnn_stack`; with proj_size each layer and direction ends with its w_hr.
    """
    shape = num_layers, bidirectional, bias, proj_size > 0
    return _stack(lstm, x, (h0, c0), weights, *shape, dropout if training else 0.0, rng, lengths, {})


def _stack(
    layer: Callable[..., Any],
    x: Array,
    states: tuple[Array, ...],
    weights: tuple[Array, ...],
    num_layers: int,
    bidirectional: bool,
    bias: bool,
    projected: bool,
    dropout: float,
    rng: np.random.Generator | None,
    lengths: Array | None,
    options: dict[str, Any],
):
    """Each layer reads both directions of the one below, side by side in the features, with dropout in between."""
    directions = 2 if bidirectional else 1
    groups = _grouped(layer.__name__, weights, num_layers * directions, bias, projected)
    for state in states:
        require_rank(layer.__name__, "h0 or c0", state, 3, "(layers·directions, B, H)")
        require(
            len(state) == len(groups),
            f"{layer.__name__}: a state has shape {state.shape}, expected {len(groups)} first",
        )
    require(0 <= dropout <= 1, f"{layer.__name__}: dropout is {dropout}, expected a probability from 0 to 1")
    lengths = None if lengths is None else np.asarray(lengths)
    pulls, finals, drops = [], [], []
    for level in range(num_layers):
        if level > 0 and dropout > 0:
            x, undrop = drop(x, dropout, rng=rng)
            drops.append(undrop)
        outputs = []
        for k in range(level * directions, (level + 1) * directions):
            seen = reverse(x, lengths) if k % directions else x
            (y, *final), pull = layer(seen, *(s[k] for s in states), *groups[k], lengths=lengths, **options)
            outputs.append(reverse(y, lengths) if k % directions else y)
            finals.append(final)
            pulls.append(pull)
        x = np.concatenate(outputs, axis=-1) if bidirectional else outputs[0]
    present = [[w is not None for w in group] for group in groups]

    def back(dy: Array, *dstates: Array, needs=(True,)):
        to_states, to_weights = [], []
        for level in reversed(range(num_layers)):
            to_inputs = []
            for k, part in reversed(list(enumerate(np.split(dy, directions, axis=-1), level * directions))):
                part = reverse(part, lengths) if k % directions else part
                dx, *others = pulls[k](part, *(d[k] for d in dstates), needs=(level > 0 or needs[0],))
                to_inputs.append(reverse(dx, lengths) if k % directions and dx is not None else dx)
                to_states.append(others[: len(dstates)])
                to_weights.append([d for d, there in zip(others[len(dstates) :], present[k]) if there])
            if to_inputs[0] is not None:
                dy = sum(to_inputs[1:], to_inputs[0])
            if level > 0 and dropout > 0:
                dy = drops[level - 1](dy)
        weight_gradients = [d for group in reversed(to_weights) for d in group]
        return dy if needs[0] else None, *(np.stack(d[::-1]) for d in zip(*to_states)), *weight_gradients

    return (x, *(np.stack(f) for f in zip(*finals))), back


def _grouped(
    where: str, weights: tuple[Array, ...], count: int, bias: bool, projected: bool
) -> list[list[Array | None]]:
    """The flat sequence cut into w_ih, w_hh, b_ih, b_hh (and w_hr), one group a layer and direction."""
    each = 2 + 2 * bias + projected
    require(
        len(weights) == count * each,
        f"{where}: {len(weights)} weights came, expected {count * each}: {each} for each layer and direction",
    )
    groups: list[list[Array | None]] = []
    for start in range(0, len(weights), each):
        group = list(weights[start : start + each])
        groups.append([*group[:2], *(group[2:4] if bias else (None, None)), *(group[-1:] if projected else ())])
    return groups
