"""Products: the fully connected layer and the table look-up that replaces it for one-hot inputs."""

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_same_dtype
from twice.kernels.pullback import Parts
from twice.kernels.scatter import sum_by_index


def linear(x: Array, w: Array, b: Array | None = None):
    """y = x wᵀ + b, with x (…, in), w (out, in), b (out).

    dx = dy w, dw = dyᵀ x, db = Σ dy: one product each, however many axes x has.
    """
    require(w.ndim == 2, f"linear: w has shape {w.shape}, expected 2 axes (out, in)")
    require(
        x.ndim > 0 and x.shape[-1] == w.shape[1],
        f"linear: x has shape {x.shape}, expected its last axis to be {w.shape[1]} to match w {w.shape}",
    )
    require_floating("linear", "x", x)
    require_same_dtype("linear", x=x, w=w, b=b)
    y = x @ w.T
    if b is not None:
        y += b

    def to_w(dy: Array) -> Array:
        return np.matmul(_rows(dy).T, _rows(x))

    return y, Parts(lambda dy: np.matmul(dy, w), to_w, None if b is None else lambda dy: _rows(dy).sum(0))


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def bilinear(x1: Array, x2: Array, w: Array, b: Array | None = None):
    """y[o] = x1ᵀ w[o] x2 + b[o], with x1 (…, in1), x2 (…, in2), w (out, in1, in2), b (out).

    With z = x1 x2ᵀ flattened this is the linear layer y = z wᵀ + b, so dz = dy w, dx1 = dz x2, dx2 = dzᵀ x1.
    """
    require(w.ndim == 3, f"bilinear: w has shape {w.shape}, expected 3 axes (out, in1, in2)")
    require_floating("bilinear", "x1", x1)
    require_same_dtype("bilinear", x1=x1, x2=x2, w=w, b=b)
    require(
        x1.shape[:-1] == x2.shape[:-1] and (x1.shape[-1:], x2.shape[-1:]) == (w.shape[1:2], w.shape[2:]),
        f"bilinear: x1 has shape {x1.shape} and x2 {x2.shape}, expected (…, {w.shape[1]}) and (…, {w.shape[2]})",
    )
    out, in1, in2 = w.shape
    z = (x1[..., :, None] * x2[..., None, :]).reshape(*x1.shape[:-1], in1 * in2)
    y, linear_back = linear(z, w.reshape(out, in1 * in2), b)

    def back(dy: Array):
        dz, dw, db = linear_back(dy)
        dz = dz.reshape(*dy.shape[:-1], in1, in2)
        dx1 = (dz @ x2[..., :, None])[..., 0]
        dx2 = (x1[..., None, :] @ dz)[..., 0, :]
        return dx1, dx2, dw.reshape(w.shape), db

    return y, back


def embedding(
    indices: Array,
    weight: Array,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
):
    """y[…] = weight[indices[…]]: row i of the table (rows, features), which is a one-hot vector times the table.

    dweight[i] = Σ of the dy whose index is i (divided by their number for `scale_grad_by_freq`); the row
    `padding_idx` gets none.
    """
    _check_embedding(indices, weight, max_norm, sparse)
    rows, shape = len(weight), weight.shape
    require(
        padding_idx is None or -rows <= padding_idx < rows,
        f"embedding: padding_idx is {padding_idx}, expected a row of weight {shape}",
    )

    def back(dy: Array, needs=(False, True)):
        if not needs[1]:
            return None, None
        flat = indices.reshape(-1)
        dw = sum_by_index(flat, dy.reshape(flat.size, shape[1]), rows)
        if scale_grad_by_freq:
            dw /= np.maximum(np.bincount(flat, minlength=rows), 1).astype(dw.dtype)[:, None]
        if padding_idx is not None:
            dw[padding_idx] = 0
        return None, dw

    return weight[indices], back


def _check_embedding(indices: Array, weight: Array, max_norm: float | None, sparse: bool) -> None:
    if max_norm is not None or sparse:
        raise NotImplementedError("embedding: max_norm and sparse are not implemented")
    require(weight.ndim == 2, f"embedding: weight has shape {weight.shape}, expected 2 axes (rows, features)")
    require_floating("embedding", "weight", weight)
    _require_indices("embedding", indices, len(weight), "rows")


def _require_indices(where: str, indices: Array, rows: int, noun: str) -> None:
    require(
        indices.dtype in (np.int32, np.int64), f"{where}: indices has dtype {indices.dtype}, expected int64", TypeError
    )
    if indices.size:
        low, high = int(indices.min()), int(indices.max())
        wrong = low if low < 0 else high
        require(
            low >= 0 and high < rows,
            f"{where}: indices has the entry {wrong}, expected 0 to {rows - 1} for {rows} {noun}",
            IndexError,
        )


def one_hot(indices: Array, num_classes: int = -1):
    """y[…, c] = 1 where c is the index, else 0, as int64; −1 classes stands for the largest index + 1."""
    require(num_classes != -1 or indices.size > 0, "one_hot: indices is empty, expected num_classes with it")
    classes = int(indices.max()) + 1 if num_classes == -1 else num_classes
    _require_indices("one_hot", indices, classes, "classes")
    y = (indices[..., None] == np.arange(classes)).astype(np.int64)
    return y, lambda _=None: None
