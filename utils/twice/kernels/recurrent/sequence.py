"""What all recurrent layers do before and after their loop, and what unequal lengths mean.

Inside a loop, states and gates are feature-first, (H, B): then each gate is one contiguous block of rows of W h. What
does not wait for the recurrence is done for all steps at once: the products with the inputs before the loop, the
gradients of the weights after it.
"""

from dataclasses import dataclass

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_rank, require_same_dtype

# ── before and after the loop ───────────────────────────────────────────────────────────────────────────────


def input_products(x: Array, w: Array, *biases: Array | None) -> Array:
    """W x_t + Σ b for all t, feature-first: (T, G, B)."""
    z = np.matmul(w, x.transpose(0, 2, 1))
    present = [b for b in biases if b is not None]
    if present:
        z += sum(present[1:], present[0])[:, None]
    return z


def input_gradients(rows: Array, x: Array, w: Array, need_x: bool) -> tuple[Array | None, Array]:
    """dx_t = Wᵀ dz_t for all t, and dW = Σ dz_t x_tᵀ, of dz in `feature_rows`."""
    dx = np.matmul(rows.T, w).reshape(x.shape) if need_x else None
    return dx, np.matmul(rows, step_rows(x))


def layer_gradients(dz: Array, x: Array, h: Array, w_ih: Array, biases: tuple[bool, bool], need_x: bool):
    """dx, dW_ih, dW_hh = Σ dz_t h_{t-1}ᵀ, and db = Σ dz_t for each bias: two arrays, as either may be changed later."""
    rows = feature_rows(dz)
    dx, dw_ih = input_gradients(rows, x, w_ih, need_x)
    db = rows.sum(1)
    db_ih, db_hh = db if biases[0] else None, db.copy() if biases[1] else None
    return dx, dw_ih, np.matmul(rows, step_rows(h[:-1])), db_ih, db_hh


def feature_rows(z: Array) -> Array:
    """(T, G, B) → (G, T·B): one row a feature, so that a sum over steps and batch is one product."""
    return z.transpose(1, 0, 2).reshape(z.shape[1], -1)


def step_rows(x: Array) -> Array:
    """(T, B, I) → (T·B, I)."""
    return x.reshape(-1, x.shape[-1])


def states_from(h0: Array, steps: int) -> Array:
    """Room for h_0 … h_T, with h_0 in place."""
    h = np.empty((steps + 1, *h0.shape), h0.dtype)
    h[0] = h0
    return h


# ── unequal lengths: the steps past a sequence's end are computed and do not count ──────────────────────────


@dataclass(frozen=True)
class Clock:
    """The `last` step of each sequence (B,), and which steps are `past` it (T, B)."""

    last: Array
    past: Array

    def blank(self, x: Array) -> Array:
        """Zeros past the end: nothing that stands in the padding, not even a NaN, may reach a product."""
        if self.past.any():
            x = x.copy()
            x[self.past] = 0
        return x

    def final(self, states: Array) -> Array:
        """The state after each sequence's last step, of h_0 … h_T."""
        return states[self.last + 1, np.arange(len(self.last))]

    def incoming(self, dy: Array, dh_last: Array) -> Array:
        """What reaches h_0 … h_T from outside, feature-first: each output's gradient, and the final state's."""
        steps, batch, features = dy.shape
        dh = np.zeros((steps + 1, features, batch), dy.dtype)
        dh[1:] = self.blank(dy).transpose(0, 2, 1)
        dh[self.last + 1, :, np.arange(batch)] += dh_last
        return dh


def reverse(x: Array, lengths: Array | None) -> Array:
    """Each sequence from its own end to its start; the padding stays. Its own inverse and its own adjoint."""
    if lengths is None:
        return x[::-1]
    step = np.arange(len(x))[:, None]
    return x[np.where(step < lengths, lengths - 1 - step, step), np.arange(x.shape[1])]


# ── checks ──────────────────────────────────────────────────────────────────────────────────────────────────


def check_layer(
    where: str, blocks: int, x: Array, lengths: Array | None, *, w_hh: Array, **others: Array | None
) -> Clock:
    """Shapes and dtypes of one layer's arrays, by their names; the weights have `blocks` blocks of H rows."""
    require_rank(where, "x", x, 3, "(T, B, I)")
    require_floating(where, "x", x)
    steps, batch, features = x.shape
    require(steps > 0, f"{where}: x has shape {x.shape}, expected at least one time step")
    require_rank(where, "w_hh", w_hh, 2, f"({blocks} H, H)")
    rows, out = w_hh.shape
    hidden = rows // blocks
    expected = {
        "w_hh": (blocks * hidden, out if others.get("w_hr") is not None else hidden),
        "w_ih": (blocks * hidden, features),
        "b_ih": (blocks * hidden,),
        "b_hh": (blocks * hidden,),
        "w_hr": (out, hidden),
        "h0": (batch, out),
        "c0": (batch, hidden),
    }
    arrays = {"w_hh": w_hh, **others}
    for name, shape in expected.items():
        array = arrays.get(name)
        if array is not None and array.shape != shape:
            raise ValueError(f"{where}: {name} has shape {array.shape}, expected {shape} to match x {x.shape}")
    require_same_dtype(where, x=x, **arrays)
    return _clock(where, lengths, steps, batch)


def _clock(where: str, lengths: Array | None, steps: int, batch: int) -> Clock:
    lengths = np.full(batch, steps) if lengths is None else np.asarray(lengths)
    require(
        lengths.shape == (batch,) and lengths.dtype.kind in "iu" and bool(((lengths >= 1) & (lengths <= steps)).all()),
        f"{where}: lengths is {lengths!r}, expected {batch} whole numbers from 1 to {steps}",
    )
    return Clock(lengths - 1, np.arange(steps)[:, None] >= lengths)
