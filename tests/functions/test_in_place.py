"""Changes in place against torch."""

# ruff: noqa: E501  a row of a table is a line

import pytest
import torch

import twice
from functions.both import S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

IN_PLACE = {
    "add_": lambda x, y: x.add_(y, alpha=2), "sub_": lambda x, y: x.sub_(y), "mul_": lambda x, y: x.mul_(y),
    "div_": lambda x, y: x.div_(y), "pow_": lambda x, y: x.pow_(2), "exp_": lambda x, y: x.exp_(), "neg_": lambda x, y: x.neg_(),
    "abs_": lambda x, y: x.abs_(), "sigmoid_": lambda x, y: x.sigmoid_(), "tanh_": lambda x, y: x.tanh_(),
    "relu_": lambda x, y: x.relu_(), "clamp_": lambda x, y: x.clamp_(-0.5, 0.5), "sqrt_": lambda x, y: x.abs_().sqrt_(),
    "log_": lambda x, y: x.abs_().log_(), "reciprocal_": lambda x, y: x.reciprocal_(), "floor_": lambda x, y: x.floor_(),
    "round_": lambda x, y: x.round_(), "zero_": lambda x, y: x.zero_(), "fill_": lambda x, y: x.fill_(3), "copy_": lambda x, y: x.copy_(y),
    "masked_fill_": lambda x, y: x.masked_fill_(x > 0, 2.0), "addcmul_": lambda x, y: x.addcmul_(y, y, value=0.5),
    "addcdiv_": lambda x, y: x.addcdiv_(y, y.exp(), value=0.5), "lerp_": lambda x, y: x.lerp_(y, 0.2),
    "sin_": lambda x, y: x.sin_(), "cos_": lambda x, y: x.cos_(), "rsqrt_": lambda x, y: x.abs_().rsqrt_(),
    "clamp_min_": lambda x, y: x.clamp_min_(0.1), "clamp_max_": lambda x, y: x.clamp_max_(0.1), "tril_": lambda x, y: x.tril_(),
    "triu_": lambda x, y: x.triu_(1), "fill_diagonal_": lambda x, y: x.fill_diagonal_(2.0),
    "index_fill_": lambda x, y: x.index_fill_(0, (y[:1, 0] * 0).detach().long(), 2.0),
    "+=": lambda x, y: x.__iadd__(y), "-=": lambda x, y: x.__isub__(2), "*=": lambda x, y: x.__imul__(y),
    "/=": lambda x, y: x.__itruediv__(y), "**=": lambda x, y: x.__ipow__(2), "add_ row": lambda x, y: x.add_(y[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    def program(T, x, y):
        z = x * 1
        out = IN_PLACE[name](z, y)
        assert out is z
        return z

    both(program, S, S)


def test_in_place_on_whole_numbers_and_masks():
    def program(T, x, m):
        a, b = x.clone(), m.clone()
        a += 2
        b &= m.logical_not()
        c = T.zeros(2, 4, dtype=T.int64).scatter_(1, T.tensor([[1], [3]]), 1)
        d = T.zeros(3).scatter_add_(0, T.tensor([0, 0, 2]), T.ones(3)).index_add_(0, T.tensor([1]), T.ones(1))
        return [a, b, c, d]

    both(program, (S, "i"), (S, "b"))
    for T in (twice, torch):
        with pytest.raises((RuntimeError, TypeError)):
            T.ones(2, dtype=T.int64).add_(1.5)
        with pytest.raises((RuntimeError, ValueError)):
            T.ones(3).add_(T.ones(2, 3))
