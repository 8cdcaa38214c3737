"""What the tests share: the comparison of one kernel with torch, value and every gradient."""

import numpy as np
import torch

TOLERANCE = {np.dtype("float64"): 1e-10, np.dtype("float32"): 2e-5}


def assert_close(ours, theirs, tolerance=None, what="value"):
    """Same shape, same dtype, no NaN where the oracle has none, and close relative to the oracle's largest entry."""
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    ours = np.asarray(ours)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, expected {theirs.shape}"
    assert ours.dtype == theirs.dtype, f"{what}: dtype {ours.dtype}, expected {theirs.dtype}"
    if ours.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs, err_msg=what)
        return
    tolerance = TOLERANCE[ours.dtype] if tolerance is None else tolerance
    scale = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale, err_msg=what)


def compare_with_torch(kernel, reference, *inputs, tolerance=None, seed=0, **options):
    """`kernel(*inputs, **options)` against `reference` on the same inputs: value(s), then every gradient.

    Float arrays among the inputs are differentiated; other arrays and plain Python values pass through.
    `reference` takes torch tensors in the same positions and returns a tensor or a tuple of them.
    """
    rng = np.random.default_rng(seed)
    kept = [x.copy() if isinstance(x, np.ndarray) else x for x in inputs]
    value, back = kernel(*inputs, **options)
    ours = value if isinstance(value, tuple) else (value,)
    tensors = [as_torch(x) for x in inputs]
    expected = reference(*tensors)
    theirs = expected if isinstance(expected, tuple) else (expected,)
    assert len(ours) == len(theirs)
    for position, (y, t) in enumerate(zip(ours, theirs)):
        assert_close(y, t, tolerance, f"output {position}")

    smooth = [t.requires_grad for t in theirs]
    cotangents = [rng.standard_normal(y.shape).astype(y.dtype) if s else None for y, s in zip(ours, smooth)]
    pairs = [(t, torch.from_numpy(u)) for t, u, s in zip(theirs, cotangents, smooth) if s]
    torch.autograd.backward(*map(list, zip(*pairs)))
    answer = back(*cotangents)
    gradients = answer if isinstance(answer, tuple) else (answer,)
    for position, (tensor, gradient) in enumerate(zip(tensors, gradients)):
        if isinstance(tensor, torch.Tensor) and tensor.requires_grad:
            assert tensor.grad is not None, f"torch gives input {position} no gradient"
            assert_close(gradient, tensor.grad, tolerance, f"gradient of input {position}")
    for before, after in zip(kept, inputs):
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(before, after, err_msg="the kernel changed its input")


def as_torch(x):
    """A copy on torch's side; floats require a gradient."""
    if not isinstance(x, np.ndarray):
        return x
    tensor = torch.from_numpy(x.copy())
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor
