"""The library in an environment that holds NumPy alone: `PYTHONPATH=utils python tests/numpy_alone.py`.

No pytest here: nothing but NumPy may be installed. Everything that the NumPy side needs is imported, every pullback
of the list is checked against differences, every loop definition against its kernel, and a small network learns.
"""

import importlib
import pkgutil
import sys
from functools import partial

import numpy as np

EXTENDED = (
    "nn",
    "optim",
    "blocks",
    "networks",
    "data",
    "worlds",
    "show",
    "train",
    "labs",
)  # rooms above that need NumPy alone
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def classes(*shape, count):
    return RNG.integers(0, count, shape)


# room, kernel, inputs, options, and how its loop definition is called on the same (where it has one)
CASES = [
    ("linear", "linear", (normal(3, 4), normal(5, 4), normal(5)), {}, None),
    ("conv", "conv", (normal(2, 3, 9), normal(4, 3, 3), normal(4)), {"stride": 2, "padding": 1}, None),
    ("conv", "conv", (normal(2, 2, 6, 5), normal(4, 2, 3, 3), normal(4)), {"padding": 1}, "conv2d"),
    ("conv", "conv", (normal(1, 4, 6, 6), normal(4, 2, 3, 3), normal(4)), {"groups": 2, "dilation": 2}, "conv2d"),
    ("conv", "conv", (normal(1, 3, 4, 4, 4), normal(2, 3, 2, 2, 2), normal(2)), {}, None),
    ("conv", "conv_transpose", (normal(1, 3, 4, 4), normal(3, 2, 3, 3)), {"stride": 2}, "conv_transpose2d"),
    ("pool", "max_pool", (normal(2, 2, 6, 6), 2), {}, lambda naive, x, k: naive.max_pool2d(x, k, k)[0]),
    ("pool", "avg_pool", (normal(2, 2, 6, 6), 3, 2, 1), {}, "avg_pool2d"),
    ("resample", "pixel_shuffle", (normal(1, 8, 2, 3), 2), {}, "pixel_shuffle"),
    ("activation", "relu", (normal(4, 5),), {}, None),
    ("activation", "gelu", (normal(4, 5),), {}, None),
    ("activation", "softmax", (normal(5), 0), {}, lambda naive, x, dim: naive.softmax(x)),
    ("norm", "batch_norm", (normal(6, 3, 2, 2), normal(3), normal(3)), {}, "batch_norm"),
    ("norm", "layer_norm", (normal(4, 6), normal(6), normal(6)), {}, "layer_norm"),
    ("norm", "local_response_norm", (normal(2, 7, 3, 2), 5), {}, "local_response_norm"),
    ("loss", "cross_entropy", (normal(6, 5), classes(6, count=5)), {}, "cross_entropy"),
    ("loss", "mse_loss", (normal(4, 5), normal(4, 5)), {}, None),
]


def strangers():
    """Third-party packages, NumPy apart, that are loaded."""
    own = {"numpy", "twice", "__main__", "__mp_main__"}
    top = {name.partition(".")[0] for name in sys.modules}
    return sorted(name for name in top - own - set(sys.stdlib_module_names) if not name.startswith("_"))


def import_the_library():
    """`twice`, every kernel, and the rooms above them that are there."""
    before = set(strangers())  # what the interpreter itself loads at its start
    import twice
    import twice.kernels

    names = [m.name for m in pkgutil.walk_packages(twice.kernels.__path__, "twice.kernels.")]
    names += [f"twice.{m.name}" for m in pkgutil.iter_modules(twice.__path__) if m.name in EXTENDED]
    for name in names:
        importlib.import_module(name)
    assert set(strangers()) <= before, f"importing twice loaded {set(strangers()) - before}"
    return 1 + len(names)


def check_the_kernels():
    """The pullback of each case against differences; its value against its loop definition."""
    from twice.kernels import naive
    from twice.kernels.gradcheck import gradcheck

    for room, name, inputs, options, loops in CASES:
        kernel = getattr(importlib.import_module(f"twice.kernels.{room}"), name)
        gradcheck(kernel, *inputs, **options)
        if loops is not None:
            call = partial(loops, naive) if callable(loops) else getattr(naive, loops)
            value, expected = kernel(*inputs, **options)[0], call(*inputs, **options)
            np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=f"{room}.{name}")
    return len(CASES)


def train():
    """Two layers learn which of three directions a point lies in: loss before, loss after."""
    from twice.kernels.activation import relu
    from twice.kernels.linear import linear
    from twice.kernels.loss import cross_entropy

    centres = np.float32([[2, 0], [-1, 2], [-1, -2]])
    labels = np.arange(90) % 3
    points = (centres[labels] + 0.5 * RNG.standard_normal((90, 2))).astype(np.float32)
    w1, w2 = (0.3 * RNG.standard_normal(shape).astype(np.float32) for shape in ((16, 2), (3, 16)))
    losses = []
    for _ in range(30):
        h, to_h = linear(points, w1)
        a, to_a = relu(h)
        scores, to_scores = linear(a, w2)
        loss, to_loss = cross_entropy(scores, labels)
        dscores, _ = to_loss(np.ones_like(loss))
        da, dw2, _ = to_scores(dscores)
        _, dw1, _ = to_h(to_a(da))
        w1 -= 0.5 * dw1
        w2 -= 0.5 * dw2
        losses.append(float(loss))
    assert w1.dtype == w2.dtype == np.float32, "float32 became something else on the way"
    return losses[0], losses[-1]


def main():
    modules = import_the_library()
    kernels = check_the_kernels()
    first, last = train()
    assert last < 0.2 * first, f"training took the loss from {first:.3f} to {last:.3f} only"
    print(f"NumPy {np.__version__} alone: {modules} modules, {kernels} kernel cases, loss {first:.3f} → {last:.3f}.")


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    main()
