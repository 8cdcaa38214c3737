"""First values: the distributions are torch's, for the functions and for every layer's default."""

import numpy as np
import pytest
import torch

import twice
from twice import nn

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch announces its defaults

INITS = [
    ("uniform_", (40, 50), {"a": -1.0, "b": 3.0}),
    ("normal_", (40, 50), {"mean": 1.0, "std": 0.02}),
    ("trunc_normal_", (40, 50), {"std": 1.0}),
    ("trunc_normal_", (40, 50), {"mean": 0.0, "std": 1.0, "a": 2.0, "b": 4.0}),
    ("constant_", (4, 5), {"val": 3.0}),
    ("ones_", (4, 5), {}),
    ("zeros_", (4, 5), {}),
    ("eye_", (4, 5), {}),
    ("dirac_", (6, 2, 3, 4), {"groups": 2}),
    ("dirac_", (4, 6, 3), {}),
    ("xavier_uniform_", (40, 50), {"gain": 2.0}),
    ("xavier_normal_", (40, 10, 3, 3), {}),
    ("kaiming_uniform_", (40, 10, 3, 3), {"a": 1.0}),
    ("kaiming_uniform_", (40, 50), {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal_", (40, 10, 3, 3), {"nonlinearity": "tanh"}),
    ("sparse_", (40, 50), {"sparsity": 0.3, "std": 1.0}),
]


def distribution(x, y):
    """The empirical distributions are as close as two samples of one distribution are (Kolmogorov–Smirnov)."""
    points = np.concatenate([x, y])
    shares = [np.searchsorted(np.sort(z), points, side="right") / len(z) for z in (x, y)]
    assert np.abs(shares[0] - shares[1]).max() <= 2 * np.sqrt(2 / len(x))


@pytest.mark.parametrize(("name", "shape", "options"), INITS, ids=[f"{n}{o}" for n, _, o in INITS])
def test_distributions_are_torchs(name, shape, options):
    draws = []
    twice.manual_seed(0)
    torch.manual_seed(0)
    for T, n in ((twice, nn), (torch, torch.nn)):
        t = T.empty(*shape)
        assert getattr(n.init, name)(t, **options) is t
        draws.append(np.concatenate([getattr(n.init, name)(T.empty(*shape), **options).numpy().ravel() for _ in "12"]))
    distribution(*draws)
    assert np.ptp(draws[0]) == pytest.approx(np.ptp(draws[1]), rel=0.35)


@pytest.mark.parametrize("name", ["eye_", "dirac_"])
def test_fixed_patterns_are_torchs(name):
    shape = (4, 6) if name == "eye_" else (4, 6, 3, 4)
    mine, other = getattr(nn.init, name)(twice.empty(*shape)), getattr(torch.nn.init, name)(torch.empty(*shape))
    np.testing.assert_array_equal(mine.numpy(), other.numpy())


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3)])
def test_orthogonal_rows_or_columns(shape):
    m = nn.init.orthogonal_(twice.empty(*shape, dtype=twice.float64), gain=2.0).numpy().reshape(shape[0], -1)
    product = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_truncation_holds_even_far_out():
    x = nn.init.trunc_normal_(twice.empty(1000), 0.0, 1.0, 6.0, 7.0).numpy()
    assert x.min() >= 6
    assert x.max() <= 7
    assert x.mean() < 6.3


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_torchs(name):
    assert nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


def test_parameters_are_filled_off_the_tape():
    p = nn.Parameter(twice.zeros(3, 4))
    nn.init.normal_(p, mean=0.0, std=0.02)
    assert p.requires_grad
    assert p.is_leaf
    assert p.dtype == np.float32


def test_a_generator_decides_the_draw():
    draw = lambda seed: nn.init.normal_(twice.empty(3), generator=twice.Generator().manual_seed(seed)).tolist()
    assert draw(1) == draw(1) != draw(2)


def test_the_seed_decides_a_network():
    weights = []
    for seed in (1, 1, 2):
        twice.manual_seed(seed)
        weights.append(nn.Linear(3, 4).weight.detach().numpy().tolist())
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize(
    "build",
    [
        lambda n: n.Linear(60, 50),
        lambda n: n.Bilinear(10, 20, 30),
        lambda n: n.Conv2d(8, 30, 5, groups=2),
        lambda n: n.ConvTranspose2d(16, 30, 3),
        lambda n: n.Embedding(60, 50),
        lambda n: n.LSTM(30, 40),
        lambda n: n.GRUCell(30, 40),
        lambda n: n.MultiheadAttention(48, 4),
        lambda n: n.MultiheadAttention(48, 4, kdim=30, vdim=60, add_bias_kv=True),
        lambda n: n.Transformer(32, 2, 1, 1, 40),
        lambda n: n.BatchNorm2d(3),
        lambda n: n.PReLU(3),
    ],
)
def test_layers_begin_as_torchs_do(build):
    twice.manual_seed(1)
    torch.manual_seed(1)
    mine, other = ([build(n).state_dict() for _ in range(6)] for n in (nn, torch.nn))
    for key in mine[0]:
        distribution(*(np.concatenate([s[key].numpy().ravel() for s in side]) for side in (mine, other)))


def test_padding_row_begins_at_zero():
    assert not nn.Embedding(5, 3, padding_idx=2).weight.detach().numpy()[2].any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: nn.init.xavier_uniform_(t), r"the tensor has shape \(3,\), expected at least 2 axes"),
        (lambda t: nn.init.eye_(t), "expected 2 axes"),
        (lambda t: nn.init.sparse_(t, 0.1), "expected 2 axes"),
        (lambda t: nn.init.orthogonal_(t), "expected at least 2 axes"),
        (lambda t: nn.init.dirac_(t), "expected 3 to 5 axes"),
        (lambda t: nn.init.trunc_normal_(t, a=1.0, b=0.0), "expected a below b"),
        (lambda t: nn.init.kaiming_normal_(t.view(1, 3), mode="fan"), "mode is 'fan'"),
        (lambda t: nn.init.kaiming_normal_(t.view(1, 3), nonlinearity="softmax"), "nonlinearity is 'softmax'"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(twice.ones(3))
