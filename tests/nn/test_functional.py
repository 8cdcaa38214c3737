"""Functions: torch's names, arguments and numbers, also where no module stands in front of them."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as torch_functional

import twice
import twice.nn.functional as F
from support import assert_close

RNG = np.random.default_rng(0)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch announces its defaults


def same(call, *arrays, tolerance=None):
    """`call(T, F, *tensors)` on either engine: value, and the gradient of every float."""
    sides = []
    for T, functions in ((twice, F), (torch, torch_functional)):
        inputs = [T.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        y = call(T, functions, *inputs)
        if y.requires_grad:
            (y * T.tensor(np.cos(np.arange(y.numel())).reshape(tuple(y.shape)))).sum().backward()
        sides.append((y, inputs))
    (mine, x), (other, t) = sides
    assert_close(mine.detach().numpy(), other, tolerance)
    assert mine.requires_grad == other.requires_grad
    for a, b in zip(x, t):
        if b.grad is not None:
            assert_close(a.grad.numpy(), b.grad, tolerance, "gradient")


def normal(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize(
    ("call", "arrays"),
    [
        (lambda T, F, x: F.normalize(x), [normal(3, 4)]),
        (lambda T, F, x: F.normalize(x, p=1, dim=-1), [normal(3, 4)]),
        (lambda T, F, x: F.softmax(x), [normal(3, 4)]),
        (lambda T, F, x: F.log_softmax(x), [normal(2, 3, 4)]),
        (lambda T, F, x: F.softmin(x, dim=0), [normal(3, 4)]),
        (lambda T, F, x: F.one_hot(x), [np.array([[0, 2], [3, 1]])]),
        (lambda T, F, x: F.one_hot(x, num_classes=6), [np.array([0, 2])]),
        (lambda T, F, x, w: F.linear(x, weight=w, bias=None), [normal(3, 4), normal(2, 4)]),
        (lambda T, F, x, w: F.conv2d(x, w, stride=2, padding=1), [normal(2, 3, 6, 6), normal(4, 3, 3, 3)]),
        (lambda T, F, x: F.max_pool2d(x, 2, ceil_mode=True), [normal(2, 3, 5, 5)]),
        (lambda T, F, x: F.max_pool2d(x, kernel_size=(3, 2), stride=[]), [normal(2, 3, 6, 6)]),
        (lambda T, F, x: F.layer_norm(x, x.shape[1:]), [normal(3, 4, 5)]),
        (lambda T, F, x: F.group_norm(x, 2), [normal(3, 4, 5)]),
        (lambda T, F, x: F.instance_norm(x), [normal(3, 4, 5)]),
        (lambda T, F, x: F.batch_norm(x, None, None, training=True), [normal(3, 4, 5)]),
        (lambda T, F, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), [normal(1, 2, 3, 4)]),
        (lambda T, F, x: F.upsample(x, size=(5, 6)), [normal(1, 2, 3, 4)]),
        (lambda T, F, x: F.pad(x, (1, 2, 0, 1)), [normal(2, 3)]),
        (lambda T, F, x: F.pad(x, (1, 2), value=7.0), [normal(2, 3)]),
        (lambda T, F, x: F.pad(x, (1, 1), mode="reflect"), [normal(2, 3, 4)]),
        (lambda T, F, x: F.pad(x, (2, 1), value=7), [np.arange(6).reshape(2, 3)]),
        (lambda T, F, x: F.pad(x, (-1, 1)), [np.array([[True, False, True]])]),
        (lambda T, F, x: F.affine_grid(x, (2, 3, 4, 5)), [normal(2, 2, 3)]),
        (lambda T, F, x, g: F.grid_sample(x, g), [normal(2, 3, 5, 6), normal(2, 4, 4, 2) / 2]),
        (
            lambda T, F, x, g: F.grid_sample(x, g, padding_mode="border", align_corners=True),
            [normal(2, 3, 5, 6), normal(2, 4, 4, 2)],
        ),
        (lambda T, F, x: F.normalize(x * 0), [normal(3, 4)]),
        (lambda T, F, x: F.glu(x, dim=0), [normal(4, 3)]),
        (lambda T, F, x: F.gelu(x, approximate="tanh"), [normal(4, 3)]),
        (lambda T, F, x, t: F.cross_entropy(x, t, ignore_index=-1), [normal(4, 3), np.array([0, 2, -1, 1])]),
        (lambda T, F, x, t: F.mse_loss(x, t, reduction="sum"), [normal(4, 3), normal(4, 3)]),
        (lambda T, F, x, t: F.nll_loss(F.log_softmax(x, dim=1), t), [normal(4, 3), np.array([0, 2, 1, 1])]),
        (lambda T, F, x, t: F.gaussian_nll_loss(x, t, 0.5), [normal(4, 3), normal(4, 3)]),
        (lambda T, F, x: F.dropout(x, 0.5, training=False), [normal(4, 3)]),
        (lambda T, F, x: F.dropout(x, 1.0), [normal(4, 3)]),
    ],
)  # fmt: skip
def test_functions_agree_with_torch(call, arrays):
    same(call, *arrays)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}], ids=str)
def test_attention_agrees_with_torch(options):
    q, k, v = normal(2, 3, 5, 4), normal(2, 3, 5, 4), normal(2, 3, 5, 6)
    same(lambda T, F, *qkv: F.scaled_dot_product_attention(*qkv, **options), q, k, v)


def test_attention_masks_agree_with_torch():
    q, k, v = normal(2, 3, 5, 4), normal(2, 3, 7, 4), normal(2, 3, 7, 6)
    allowed = RNG.random((5, 7)) < 0.7
    allowed[:, 0] = True
    attend = lambda T, F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m)
    same(attend, q, k, v, allowed)
    same(attend, q, k, v, normal(5, 7))


@pytest.mark.parametrize(
    "change",
    [
        lambda F, x: F.relu(x, inplace=True),
        lambda F, x: F.relu_(x),
        lambda F, x: F.leaky_relu_(x, 0.2),
        lambda F, x: F.elu_(x),
        lambda F, x: F.silu(x, inplace=True),
        lambda F, x: F.hardswish(x, True),
        lambda F, x: F.threshold_(x, 0.0, 1.0),
        lambda F, x: F.hardtanh_(x),
    ],
)
def test_in_place_changes_the_tensor_and_keeps_the_gradient(change):
    def call(T, F, x):
        y = x * 2
        assert change(F, y) is y
        return y * 3

    same(call, normal(4, 3))


def test_in_place_dropout_writes_into_its_input():
    x = twice.ones(100, 100)
    y = F.dropout(x, 0.25, inplace=True)
    assert y is x
    assert set(np.unique(x.numpy())) == {np.float32(0), np.float32(1 / 0.75)}


def test_dropout_drops_its_share_scales_the_rest_and_sends_the_gradient_through_the_same_mask():
    twice.manual_seed(0)
    x = twice.ones(200, 200, requires_grad=True)
    y = F.dropout(x, 0.25)
    y.sum().backward()
    assert abs((y.detach().numpy() == 0).mean() - 0.25) < 0.01
    assert abs(y.detach().numpy().mean() - 1) < 0.02
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())


def test_the_seed_decides_what_is_dropped():
    x, masks = twice.ones(50), []
    for seed in (3, 3, 4):
        twice.manual_seed(seed)
        masks.append(F.dropout(x, 0.5).numpy().tolist())
    assert masks[0] == masks[1] != masks[2]


def test_dropout_of_channels_drops_whole_channels():
    y = F.dropout2d(twice.ones(8, 16, 3, 3), 0.5).numpy()
    assert {len(np.unique(plane)) for plane in y.reshape(-1, 9)} == {1}
    assert len(np.unique(y)) == 2


def test_gumbel_softmax_chooses_one_and_keeps_a_gradient():
    logits = twice.tensor(normal(50, 4), requires_grad=True)
    y = F.gumbel_softmax(logits, tau=0.5, hard=True)
    np.testing.assert_allclose(np.sort(y.detach().numpy()), np.tile([0.0, 0, 0, 1], (50, 1)), atol=1e-12)
    (y * twice.arange(4.0)).sum().backward()
    assert np.abs(logits.grad.numpy()).max() > 0
    soft = F.gumbel_softmax(logits.detach()).numpy()
    np.testing.assert_allclose(soft.sum(1), 1)


def test_gumbel_softmax_draws_the_classes_in_proportion():
    twice.manual_seed(0)
    logits = twice.tensor(np.log(np.tile([0.1, 0.2, 0.7], (20000, 1))))
    share = F.gumbel_softmax(logits, hard=True).numpy().mean(0)
    np.testing.assert_allclose(share, [0.1, 0.2, 0.7], atol=0.02)


def test_batch_norm_moves_the_running_statistics_and_says_so_to_the_tape():
    mean, var = twice.zeros(3), twice.ones(3)
    product = mean * twice.ones(3, requires_grad=True)
    F.batch_norm(twice.randn(4, 3), mean, var, training=True)
    assert mean.numpy().any()
    with pytest.raises(RuntimeError, match="changed in place"):
        product.sum().backward()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.conv2d(x, twice.ones(1, 1, 3)), r"conv2d: weight has shape \(1, 1, 3\), expected 4 axes"),
        (lambda x: F.conv2d(x, twice.ones(1, 1, 3, 3)), r"conv2d: input has shape \(2, 3\)"),
        (lambda x: F.max_pool2d(x, 2), r"max_pool2d: input has shape \(2, 3\)"),
        (lambda x: F.dropout(x, 1.5), r"dropout: p is 1.5, expected a probability between 0 and 1"),
        (lambda x: F.mse_loss(x, x, reduction="average"), "reduction is 'average'"),
        (lambda x: F.multilabel_soft_margin_loss(x, x, reduction="average"), "reduction is 'average'"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call(twice.ones(2, 3))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: F.mse_loss(x, x, weight=x), "weight"),
        (lambda x: F.normalize(x, out=x), "out"),
        (lambda x: F.multi_head_attention_forward(x, x, x, *[None] * 10, static_k=x), "static_k"),
        (lambda x: F.multi_head_attention_forward(x, x, x, *[None] * 10, static_v=x), "static_v"),
        (lambda x: F.scaled_dot_product_attention(x, x, x, enable_gqa=True), "enable_gqa"),
        (lambda x: F.embedding(twice.tensor([0]), x, max_norm=1.0), "max_norm"),
        (lambda x: F.interpolate(x[None, None], 3, mode="bilinear", antialias=True), "antialias"),
    ],
)
def test_what_is_missing_is_named(call, name):
    with pytest.raises(NotImplementedError, match=name):
        call(twice.ones(2, 3))


OFFERED = sorted(n for n in dir(F) if not n.startswith("_") and not inspect.ismodule(getattr(F, n)))


@pytest.mark.parametrize("name", OFFERED)
def test_functions_take_torchs_arguments(name):
    expected = getattr(torch_functional, name)
    try:
        other = inspect.signature(expected).parameters
    except ValueError:  # written in C++: the signature opens the docstring
        arguments = expected.__doc__.strip().partition("(")[2].partition(") ->")[0]
        other = inspect.signature(eval(f"lambda {' '.join(arguments.split())}: 0")).parameters
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in other.values()):
        other = inspect.signature(getattr(torch_functional, f"{name}_with_indices", expected)).parameters
    mine = inspect.signature(getattr(F, name)).parameters
    assert [n for n, p in mine.items() if p.kind is not p.KEYWORD_ONLY] == [
        n for n, p in other.items() if p.kind is not p.KEYWORD_ONLY
    ]
    assert {n: p.default for n, p in mine.items() if n in other} == {n: p.default for n, p in other.items()}
