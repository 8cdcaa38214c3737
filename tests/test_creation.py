"""New tensors against torch: from data, of constants, in order, at random."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest
import torch

import twice
from functions.both import both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CREATION = {
    "tensor": lambda T: [T.tensor(x) for x in (1, 2.5, True, [1, 2], [1.5, 2], [[True]], [], [[], []], [1, 2.5], (1, 2))],
    "tensor of arrays": lambda T: [T.tensor(x) for x in (np.ones(2), np.float64(1), [np.float64(1.0)], [np.ones(2)], np.int32(3))],
    "tensor of tensors": lambda T: [T.tensor([T.tensor(1.5), T.tensor(2.5)]), T.tensor([[T.tensor(1), 2]])],
    "tensor dtype": lambda T: [T.tensor([1, 2], dtype=T.float64), T.tensor([1.7], dtype=T.int64), T.tensor([], dtype=T.int64)],
    "python dtypes": lambda T: [T.zeros(2, dtype=float), T.zeros(2, dtype=int), T.zeros(2, dtype=bool)],
    "as_tensor": lambda T: [T.as_tensor([1, 2]), T.as_tensor(np.ones(2)), T.as_tensor(T.ones(2), dtype=T.float64)],
    "from_numpy": lambda T: T.from_numpy(np.arange(3)),
    "zeros": lambda T: [T.zeros(2, 3), T.zeros((2,)), T.zeros([2, 1]), T.zeros(()), T.zeros(size=(2,)), T.ones(0), T.ones(2, dtype=T.int64)],
    "full": lambda T: [T.full((2,), 3), T.full((2,), 2.5), T.full((1, 2), True), T.full((), 2), T.full((2,), 1, dtype=T.float64)],
    "likes": lambda T: [f(T.ones(2, 3).double()) for f in (T.zeros_like, T.ones_like)] + [T.full_like(T.ones(2), 3), T.zeros_like(T.ones(2), dtype=T.int64)],
    "arange": lambda T: [T.arange(5), T.arange(1, 4), T.arange(0, 10, 3), T.arange(0, 1, 0.25), T.arange(3.0), T.arange(5, 0, -2), T.arange(start=1, end=6, step=2), T.arange(2, end=5), T.arange(0, 6, step=2), T.arange(end=3), T.arange(3, dtype=T.float64), T.arange(T.tensor(3))],
    "linspace": lambda T: [T.linspace(0, 1, 5), T.linspace(-1, 1, steps=4), T.linspace(0, 1, 1), T.logspace(0, 2, 3), T.logspace(0, 3, 4, base=2.0)],
    "eye": lambda T: [T.eye(2), T.eye(2, 3), T.eye(3, dtype=T.int64)],
    "triangles": lambda T: [T.tril_indices(3, 4), T.triu_indices(3, 3, 1), T.triu_indices(3, 3, offset=-1)],
    "constants": lambda T: [T.inf, T.pi, T.e, T.finfo(T.float32).min, T.finfo(T.float64).eps, T.finfo(T.float16).max, T.finfo(T.float32).tiny, T.iinfo(T.int64).max, T.iinfo(T.uint8).bits],
    "requires_grad": lambda T: [x.requires_grad for x in (T.ones(2, requires_grad=True), T.tensor([1.0], requires_grad=True), T.zeros(1))],
    "cuda": lambda T: [T.device("cpu") == T.device("cpu"), str(T.device("cpu")), T.device("cpu").type, T.is_tensor(T.ones(1)), T.is_tensor(3)],
    "size": lambda T: [str(T.ones(2, 3).size()), T.ones(2, 3).size()[1:].numel(), T.Size((2, 3)).numel(), str(T.Size([2]))],
    "default dtype": lambda T: str(T.get_default_dtype()).replace("torch.", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CREATION)
def test_new_tensors(name):
    both(CREATION[name])


def test_random_tensors_have_torchs_shapes_and_dtypes():
    for T in (twice, torch):
        T.manual_seed(0)
    makers = [
        lambda T: T.rand(2, 3), lambda T: T.rand(size=(2,)), lambda T: T.randn((2, 3), dtype=T.float64), lambda T: T.randn(2, requires_grad=True),
        lambda T: T.randint(5, (2, 3)), lambda T: T.randint(2, 5, (2,)), lambda T: T.randint(low=2, high=5, size=(2,)), lambda T: T.randint(0, 2, size=(3,)),
        lambda T: T.randperm(5), lambda T: T.rand_like(T.ones(2).double()), lambda T: T.randn_like(T.ones(2)), lambda T: T.randint_like(T.ones(2), 5),
        lambda T: T.normal(0.0, 0.01, (2, 3)), lambda T: T.normal(T.zeros(3), 1.0), lambda T: T.normal(0, 1, size=(2,), requires_grad=True),
        lambda T: T.bernoulli(T.full((3,), 0.5)), lambda T: T.multinomial(T.tensor([0.0, 1.0, 0.0]), 4, replacement=True),
        lambda T: T.multinomial(T.ones(2, 4), 2), lambda T: T.empty(2, 3), lambda T: T.empty_like(T.ones(2)),
        lambda T: T.empty(3).normal_(1, 2), lambda T: T.empty(3).uniform_(-1, 1), lambda T: T.ones(2).new_empty(2, 1).bernoulli_(0.3),
    ]  # fmt: skip
    for make in makers:
        ours, theirs = make(twice), make(torch)
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype) == str(theirs.dtype).replace("torch.", "")
        assert ours.requires_grad == theirs.requires_grad
    assert makers[5](twice).numpy().min() >= 2
    assert makers[16](twice).tolist() == [1, 1, 1, 1]


def test_random_numbers_repeat_from_a_seed_or_a_state():
    twice.manual_seed(3)
    first, state = twice.rand(4), twice.get_rng_state()
    second = twice.randn(4)
    twice.set_rng_state(state)
    assert twice.equal(twice.randn(4), second)
    twice.manual_seed(3)
    assert twice.equal(twice.rand(4), first)
    g = twice.Generator().manual_seed(5)
    assert twice.equal(twice.rand(2, generator=g), twice.rand(2, generator=twice.Generator().manual_seed(5)))


def test_random_numbers_are_spread_as_asked():
    twice.manual_seed(0)
    assert abs(twice.randn(100_000).std().item() - 1) < 0.02
    assert abs(twice.rand(100_000).mean().item() - 0.5) < 0.01
    assert abs(twice.normal(3.0, 0.5, (100_000,)).mean().item() - 3) < 0.02
    assert abs(twice.empty(100_000).uniform_(-1, 3).mean().item() - 1) < 0.03
    assert abs(twice.zeros(100_000).bernoulli_(0.2).mean().item() - 0.2) < 0.01
    assert twice.randint(3, (1000,)).unique().tolist() == [0, 1, 2]
    assert sorted(twice.randperm(50).tolist()) == list(range(50))


def test_there_is_no_other_device():
    assert twice.cuda.is_available() is False
    assert twice.cuda.device_count() == 0
    for call in (
        lambda: twice.ones(2, device="cuda"),
        lambda: twice.ones(2).to("cuda:0"),
        lambda: twice.ones(2).cuda(),
    ):
        with pytest.raises(NotImplementedError, match=r"CPU|cpu"):
            call()


def test_the_default_dtype_can_be_set():
    twice.set_default_dtype(twice.float64)
    try:
        assert twice.tensor(1.5).dtype == twice.rand(2).dtype == (twice.tensor(1) / 2).dtype == twice.float64
    finally:
        twice.set_default_dtype(twice.float32)
