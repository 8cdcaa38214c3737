"""The same entries in another shape or order, against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import twice
from functions.both import C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "broadcast_tensors": (lambda T, x, y: T.broadcast_tensors(x, y), (2, 1), (3,)),
    "tile": (lambda T, x: [T.tile(x, (2,)), x.tile(2, 1, 3)], S),
    "reshape": (lambda T, x: [x.reshape(6, 4), x.reshape((4, -1)), T.reshape(x, (24,)), T.reshape(x, shape=(2, 12))], C),
    "reshape 0-d": (lambda T, x: [x.reshape(()), x.reshape(1, 1), x.view(-1)], ()),
    "reshape empty": (lambda T, x: [x.reshape(0), x.view(3, 0), x.flatten()], (0, 3)),
    "view": (lambda T, x: [x.view(6, 4), x.view(-1), x.view([4, 6]), x.view_as(x), x.reshape_as(x)], C),
    "view of part": (lambda T, x: x[:, :2].view(2, 8), C),
    "flatten": (lambda T, x: [x.flatten(), x.flatten(1), T.flatten(x, 0, 1), x.flatten(start_dim=-2), x.ravel()], C),
    "flatten 0-d": (lambda T, x: [x.flatten(), T.ravel(x)], ()),
    "unflatten": (lambda T, x: [x.unflatten(2, (2, 2)), T.unflatten(x, -1, (2, -1))], C),
    "permute": (lambda T, x: [x.permute(2, 0, 1), x.permute((1, 2, 0)), T.permute(x, (-1, 0, 1)), T.permute(x, dims=(0, 2, 1))], C),
    "transpose": (lambda T, x: [x.transpose(0, 2), T.transpose(x, -1, 1), x.swapaxes(0, 1), x.swapdims(1, 2), x.mT], C),
    "transpose 0-d": (lambda T, x: [x.transpose(0, -1), x.t()], ()),
    "movedim": (lambda T, x: [T.movedim(x, 0, 2), x.movedim(-1, 0), x.moveaxis((0, 1), (2, 0)), T.movedim(x, (2, 0), (0, 1))], C),
    "t": (lambda T, x: [x.t(), x.T, T.t(x), x.mT], S),
    "squeeze": (lambda T, x: [x.squeeze(), x.squeeze(1), T.squeeze(x, -1), x.squeeze((0, 1)), x.squeeze(0)], (1, 1, 3)),
    "unsqueeze": (lambda T, x: [x.unsqueeze(0), x.unsqueeze(-1), T.unsqueeze(x, 2), x.unsqueeze(-3)], S),
    "expand": (lambda T, x: [x.expand(4, 3), x.expand(-1, 3), x.expand(2, -1, -1), x.expand((5, 1, 3)), T.broadcast_to(x, (2, 3))], (1, 3)),
    "expand 0-d": (lambda T, x: [x.expand(2, 3), x.expand(()), x.expand_as(T.ones(2))], ()),
    "expand to nothing": (lambda T, x: x.expand(0, 3), (1, 3)),
    "repeat": (lambda T, x: [x.repeat(2, 3), x.repeat(2, 1, 1), x.repeat((1, 2)), x.repeat(0, 1)], S),
    "repeat_interleave": (lambda T, x: [x.repeat_interleave(2), T.repeat_interleave(x, 3, dim=1), x.repeat_interleave(2, -2)], S),
    "repeat_interleave counts": (lambda T, x: T.repeat_interleave(x, T.tensor([1, 2, 0]), dim=1), S),
    "flip": (lambda T, x: [x.flip(0), x.flip((0, 2)), x.flip(-1, 1), T.flip(x, [1]), T.flip(x, dims=(0,)), x.fliplr(), T.flipud(x)], C),
    "roll": (lambda T, x: [x.roll(1), x.roll(2, 1), T.roll(x, (1, -1), (0, 2)), x.roll(shifts=-5, dims=-1)], C),
    "tril": (lambda T, x: [x.tril(), x.tril(1), T.tril(x, -1), x.triu(), T.triu(x, diagonal=1)], C),
    "tril of bools": (lambda T, x: [x.tril(), x.triu(1)], ((3, 3), "b")),
    "contiguous": (lambda T, x: [x.t().contiguous(), x.contiguous(), x.is_contiguous(), x.t().is_contiguous()], S),
    "unfold": (lambda T, x: [x.unfold(1, 2, 1), x.unfold(-1, 2, 2), x.unfold(0, 2, 1).unfold(1, 3, 1)], C),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=4), st.randoms(use_true_random=False))
def test_reshape_and_permute_any_shape(shape, random):
    order = random.sample(range(len(shape)), len(shape))
    new = random.sample(shape, len(shape))
    both(
        lambda T, x: [x.reshape(new), x.permute(order), x.permute(order).reshape(new), x.permute(order) * 2],
        tuple(shape),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_view_agrees_with_torch_on_what_needs_a_copy(shape, data):
    order = data.draw(st.permutations(range(len(shape))))
    new = data.draw(st.permutations([*shape, 1]))
    outcomes = []
    for T in (twice, torch):
        try:
            outcomes.append(T.ones(*shape).permute(*order).view(*new).shape)
        except RuntimeError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
