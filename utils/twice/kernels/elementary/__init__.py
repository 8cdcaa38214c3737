"""Arithmetic, reductions and the moving of data: the verbs between the layers, each with its pullback.

Where two inputs meet, the gradients have the shape of the result; whoever broadcast them sums them back. What torch
calculates without a word (1/0, ln 0, NaN) NumPy warns of: whoever lifts these kernels onto tensors silences it.
"""

# ruff: noqa: F401  this file collects: what it imports is what it offers

from twice.kernels.elementary.arithmetic import (
    add,
    arctan2,
    div,
    divide_floor,
    divide_trunc,
    fmod,
    maximum,
    minimum,
    mul,
    power,
    remainder,
    sub,
)
from twice.kernels.elementary.axes import axes_of, axis_of
from twice.kernels.elementary.indexing import aim, gather, getitem, index_add, require_indices, scatter, setitem
from twice.kernels.elementary.joining import concatenate, slices, split, stack, unbind
from twice.kernels.elementary.masks import masked_fill, only, where
from twice.kernels.elementary.moving import expand, flip, permute, repeat, reshape, roll, triangle
from twice.kernels.elementary.ordering import amax, amin, maximum_along, median, minimum_along, sort, topk
from twice.kernels.elementary.products import diagonal, diagonal_embed, einsum, matmul
from twice.kernels.elementary.reductions import cumprod, cumsum, logsumexp, mean, norm, prod, std, sum, var
from twice.kernels.elementary.unary import (
    absolute,
    arccos,
    arcsin,
    arctan,
    cast,
    ceil,
    clamp,
    clone,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    floor,
    log,
    log1p,
    log2,
    log10,
    negative,
    reciprocal,
    round,
    rsqrt,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    trunc,
)
