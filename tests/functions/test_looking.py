"""What a tensor tells, against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest

from functions.both import C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "sizes": (lambda T, x: [tuple(x.size()), x.size(-1), x.numel(), x.dim(), x.ndim, len(x), x.nelement(), x.stride()], C),
    "detach": (lambda T, x: [x.detach(), x.data, x.detach() * x], S),
    "item": (lambda T, x: [x.item(), float(x), int(x), bool(x), x.tolist(), f"{x:.3f}"], ()),
    "tolist": (lambda T, x: x.tolist(), (S, "i")),
    "contains": (lambda T, x: [3 in x, 77 in x], (C, "i")),
    "new": (lambda T, x: [x.new_zeros(2, 3), x.new_ones((2,)), x.new_full((2,), 3), x.new_tensor([1, 2]), x.new_zeros(2, dtype=T.int64)], S),
    "properties": (lambda T, x: [x.is_leaf, (x * 1).is_leaf, x.is_floating_point(), str(x.device), x.is_cuda, x.T.is_leaf, x.element_size()], S),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
