"""Products of matrices, and their diagonals."""

from collections.abc import Sequence

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.pullback import Parts


def matmul(x: Array, y: Array):
    """x y over the last two axes; dx = dz yᵀ, dy = xᵀ dz. An input with one axis is a row, or a column."""
    if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise ValueError(f"matmul: shapes {x.shape} and {y.shape}, expected the last axis of x to match y's rows")
    if x.dtype != y.dtype:
        raise TypeError(f"matmul: dtypes {x.dtype} and {y.dtype}, expected one dtype for both")
    row, column = x.ndim == 1, y.ndim == 1

    def matrices(dz: Array) -> Array:
        dz = np.expand_dims(dz, -1) if column else dz
        return np.expand_dims(dz, -2) if row else dz

    def to_x(dz: Array) -> Array:
        dx = matrices(dz) @ (y[None, :] if column else y.swapaxes(-1, -2))
        return dx.squeeze(-2) if row else dx

    def to_y(dz: Array) -> Array:
        dy = (x[:, None] if row else x.swapaxes(-1, -2)) @ matrices(dz)
        return dy.squeeze(-1) if column else dy

    return x @ y, Parts(to_x, to_y)


def einsum(*operands: Array, equation: str):
    """Einstein's sum; the gradient of one operand is the sum of dy with all the others, read the other way."""
    terms, result = _parse_einsum(equation, operands)
    value = np.einsum(f"{','.join(terms)}->{result}", *operands, optimize=True)

    def part(i: int):
        others = [o for j, o in enumerate(operands) if j != i]
        names = [t for j, t in enumerate(terms) if j != i]
        shape = operands[i].shape

        def to_operand(dy: Array) -> Array:
            known = set(result).union(*names)
            kept = "".join(c for c in terms[i] if c in known)
            d = np.einsum(f"{','.join([result, *names])}->{kept}", dy, *others, optimize=True)
            full = np.expand_dims(d, [a for a, c in enumerate(terms[i]) if c not in known])
            return np.broadcast_to(full, np.broadcast_shapes(full.shape, shape))

        return to_operand

    return value, Parts(*map(part, range(len(operands))))


def _parse_einsum(equation: str, operands: Sequence[Array]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with '...' spelled out in capital letters."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {equation!r} names {len(terms)} operands, {len(operands)} came")
    free = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in equation]
    ranks = [o.ndim - len(t.replace("...", "")) for t, o in zip(terms, operands)]
    if any(r < 0 or (r and "..." not in t) for t, r in zip(terms, ranks)):
        raise ValueError(f"einsum: {equation!r} does not fit the shapes {[o.shape for o in operands]}")
    terms = [t.replace("...", "".join(reversed(free[:r]))) for t, r in zip(terms, ranks)]
    if any(len(set(t)) < len(t) for t in terms):
        raise NotImplementedError(f"einsum: {equation!r} repeats a letter within one operand (a diagonal)")
    ellipsis = "".join(reversed(free[: max(ranks, default=0)]))
    if not arrow:
        letters = sorted(set("".join(terms)) - set(ellipsis))
        return terms, ellipsis + "".join(c for c in letters if "".join(terms).count(c) == 1)
    return terms, result.replace("...", ellipsis)


def diagonal(x: Array, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """The entries x[i, i + offset] of two axes, as a last axis"""
    shape = x.shape

    def back(dy: Array) -> Array:
        dx = np.zeros(shape, dy.dtype)
        np.einsum("...ii->...i", _square(dx, offset, dim1, dim2))[...] = dy
        return dx

    return np.diagonal(x, offset, dim1, dim2).copy(), back


def _square(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The view of x whose main diagonal is the diagonal at `offset`."""
    moved = np.moveaxis(x, (dim1, dim2), (-2, -1))[..., max(-offset, 0) :, max(offset, 0) :]
    side = min(moved.shape[-2:])
    return moved[..., :side, :side]


def diagonal_embed(x: Array, offset: int = 0):
    """Matrices with the last axis of x on their diagonal"""
    side = x.shape[-1] + abs(offset)
    y = np.zeros((*x.shape[:-1], side, side), x.dtype)
    np.einsum("...ii->...i", _square(y, offset, -2, -1))[...] = x
    return y, lambda dy: np.diagonal(dy, offset, -2, -1)
