"""Layers above layers, in one or both directions: torch.nn's RNN, LSTM and GRU as one kernel."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from twice.kernels.checks import Array, require, require_rank
from twice.kernels.dropout import dropout as drop
from twice.kernels.recurrent.gru_layer import gru
from twice.kernels.recurrent.lstm_layer import lstm
from twice.kernels.recurrent.rnn_layer import rnn
from twice.kernels.recurrent.sequence import reverse

Weights = Sequence[Array | None]


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
    groups = _grouped(kind, weights, num_layers * (1 + bidirectional), bias)
    layer = partial(rnn if kind == "rnn" else gru, **options)
    return _stack(kind, layer, x, (h0,), groups, 1 + bidirectional, dropout if training else 0.0, rng, lengths)


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
    groups = _grouped("lstm", weights, num_layers * (1 + bidirectional), bias, proj_size > 0)
    return _stack("lstm", lstm, x, (h0, c0), groups, 1 + bidirectional, dropout if training else 0.0, rng, lengths)


def _grouped(where: str, weights: Weights, count: int, bias: bool, projected: bool = False) -> list[Weights]:
    """The flat sequence cut into w_ih, w_hh, b_ih, b_hh (and w_hr), one group a layer and direction."""
    each = 2 + 2 * bias + projected
    require(
        len(weights) == count * each,
        f"{where}: {len(weights)} weights came, expected {count * each}: {each} for each layer and direction",
    )
    groups = [tuple(weights[start : start + each]) for start in range(0, len(weights), each)]
    return [group if bias else (*group[:2], None, None, *group[2:]) for group in groups]


def _stack(
    where: str,
    layer: Callable[..., Any],
    x: Array,
    states: tuple[Array, ...],
    groups: list[Weights],
    directions: int,
    dropout: float,
    rng: np.random.Generator | None,
    lengths: Array | None,
):
    """Each layer reads both directions of the one below, with dropout in between."""
    _check_stack(where, states, len(groups), dropout)
    inputs = [(*first, *weights) for *first, weights in zip(*states, groups)]
    levels = [slice(first, first + directions) for first in range(0, len(groups), directions)]
    pulls, undrops, finals = [], [], []
    for level in levels:
        x, undrop = drop(x, dropout, rng=rng) if level.start and dropout else (x, lambda dx: dx)
        (x, final), pull = _level(layer, x, inputs[level], lengths)
        pulls.append(pull)
        undrops.append(undrop)
        finals += final

    def back(dy: Array, *dstates: Array, needs=(True,)):
        gradients: list[list[Array | None]] = []
        dfinals = list(zip(*dstates))
        for level, pull, undrop in reversed(list(zip(levels, pulls, undrops))):
            dx, found = pull(dy, dfinals[level], level.start > 0 or needs[0])
            dy, gradients = undrop(dx), found + gradients
        to_states = zip(*(found[: len(dstates)] for found in gradients))
        to_weights = (d for found in gradients for d in found[len(dstates) :])
        return dy, *map(np.stack, to_states), *(d for d in to_weights if d is not None)

    return (x, *map(np.stack, zip(*finals))), back


def _check_stack(where: str, states: tuple[Array, ...], count: int, dropout: float) -> None:
    for state in states:
        require_rank(where, "h0 or c0", state, 3, "(layers·directions, B, H)")
        require(len(state) == count, f"{where}: a state has shape {state.shape}, expected {count} first")
    require(0 <= dropout <= 1, f"{where}: dropout is {dropout}, expected a probability from 0 to 1")


def _level(layer: Callable[..., Any], x: Array, inputs: Sequence[Weights], lengths: Array | None):
    """One layer, in one direction or both, whose outputs stand side by side in the features; and the final states."""
    values, pulls = zip(*(run(layer, x, arrays, lengths) for run, arrays in zip((_onward, _backward), inputs)))
    y = np.concatenate([y for y, *_ in values], axis=-1) if len(values) > 1 else values[0][0]

    def back(dy: Array, dfinals: list[tuple[Array, ...]], need_x: bool):
        parts = zip(pulls, np.split(dy, len(pulls), axis=-1), dfinals)
        dxs, *others = zip(*(pull(part, *dfinal, needs=(need_x,)) for pull, part, dfinal in parts))
        return sum(dxs[1:], dxs[0]) if need_x else None, list(map(list, zip(*others)))

    return (y, [final for _, *final in values]), back


def _onward(layer: Callable[..., Any], x: Array, arrays: Weights, lengths: Array | None):
    return layer(x, *arrays, lengths=lengths)


def _backward(layer: Callable[..., Any], x: Array, arrays: Weights, lengths: Array | None):
    """The layer on each sequence from its end to its start; what it answers is turned round again."""
    (y, *final), pull = layer(reverse(x, lengths), *arrays, lengths=lengths)

    def back(dy: Array, *dfinal: Array, needs=(True,)):
        dx, *others = pull(reverse(dy, lengths), *dfinal, needs=needs)
        return None if dx is None else reverse(dx, lengths), *others

    return (reverse(y, lengths), *final), back
