"""What all recurrent layers do before and after their loop, and what unequal lengths mean."""

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_rank, require_same_dtype

# ── before and after the loop ───────────────────────────────────────────────────────────────────────────────


def input_products(x: Array, w: Array, b: Array | None) -> Array:
    """W x_t + b for all t, feature-first: (T, G, B)."""
    z = w @ x.transpose(0, 2, 1)
    if b is not None:
        z += b[:, None]
    return z


def total_bias(b_ih: Array | None, b_hh: Array | None, s: Array | float = 1) -> Array | None:
    """s (b_ih + b_hh), of those that are there."""
    present = [b for b in (b_ih, b_hh) if b is not None]
    return sum(present[1:], present[0]) * s if present else None


def feature_rows(z: Array) -> Array:
    """(T, G, B) → (G, T·B): one row a feature, so that a sum over steps and batch is one product."""
    return z.transpose(1, 0, 2).reshape(z.shape[1], -1)


def step_rows(x: Array) -> Array:
    """(T, B, I) → (T·B, I)."""
    return x.reshape(-1, x.shape[-1])


def states_before(h0: Array, y: Array) -> Array:
    """h_{t-1} for all t."""
    return np.concatenate([h0[None], y[:-1]])


def input_gradient(rows: Array, w: Array, x: Array) -> Array:
    """dx_t = Wᵀ dz_t for all t."""
    return (rows.T @ w).reshape(x.shape)


def bias_gradients(rows: Array, ih: bool, hh: bool, s: Array | float = 1) -> tuple[Array | None, Array | None]:
    """Both biases receive s Σ dz: two arrays, because either may be changed later."""
    total = rows.sum(1) * s
    return total if ih else None, total.copy() if hh else None


# ── unequal lengths: the steps past a sequence's end are computed and do not count ──────────────────────────


def _clock(where: str, lengths: Array | None, steps: int, batch: int) -> tuple[Array, Array]:
    """The last step of each sequence (B,), and which steps are past it (T, B)."""
    lengths = np.full(batch, steps) if lengths is None else np.asarray(lengths)
    require(
        lengths.shape == (batch,) and lengths.dtype.kind in "iu" and bool(((lengths >= 1) & (lengths <= steps)).all()),
        f"{where}: lengths is {lengths!r}, expected {batch} whole numbers from 1 to {steps}",
    )
    return lengths - 1, np.arange(steps)[:, None] >= lengths


def blank(x: Array, past: Array) -> Array:
    """Zeros past the end: nothing that stands in the padding, not even a NaN, may reach a product."""
    if past.any():
        x = x.copy()
        x[past] = 0
    return x


def outgoing(dy: Array, dh_last: Array, last: Array, past: Array) -> Array:
    """What reaches each h_t from outside: its output, and for the last one the final state."""
    dy = blank(dy, past).copy()
    dy[last, np.arange(len(last))] += dh_last
    return dy


def reverse(x: Array, lengths: Array | None) -> Array:
    """Each sequence from its own end to its start; the padding stays. Its own inverse and its own adjoint."""
    if lengths is None:
        return x[::-1]
    step = np.arange(len(x))[:, None]
    return x[np.where(step < lengths, lengths - 1 - step, step), np.arange(x.shape[1])]


def check_layer(
    where: str,
    blocks: int,
    x: Array,
    states: tuple[Array, ...],
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    lengths: Array | None,
    w_hr: Array | None = None,
) -> tuple[Array, Array]:
    """Shapes and dtypes of one layer's arrays; returns the clock."""
    require_rank(where, "x", x, 3, "(T, B, I)")
    require_floating(where, "x", x)
    steps, batch, features = x.shape
    require(steps > 0, f"{where}: x has shape {x.shape}, expected at least one time step")
    require_rank(where, "w_hh", w_hh, 2, f"({blocks} H, H)")
    rows, out = w_hh.shape
    hidden = rows // blocks
    expected: dict[str, tuple[Array | None, tuple[int, ...]]] = {
        "w_hh": (w_hh, (blocks * hidden, hidden if w_hr is None else out)),
        "w_ih": (w_ih, (blocks * hidden, features)),
        "b_ih": (b_ih, (blocks * hidden,)),
        "b_hh": (b_hh, (blocks * hidden,)),
        "w_hr": (w_hr, (out, hidden)),
        "h0": (states[0], (batch, out)),
        "c0": (states[-1] if len(states) > 1 else None, (batch, hidden)),
    }
    for name, (array, shape) in expected.items():
        if array is not None and array.shape != shape:
            raise ValueError(f"{where}: {name} has shape {array.shape}, expected {shape} to match x {x.shape}")
    require_same_dtype(where, x=x, **{name: array for name, (array, _) in expected.items()})
    return _clock(where, lengths, steps, batch)
