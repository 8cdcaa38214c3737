"""Swin: windows that shift, the paper's sizes, torchvision's weights, both engines."""

import numpy as np
import pytest
import torch
import torchvision

import twice
from networks.support import assert_exchanges_show, assert_same_logits, assert_same_names, image_batch, shake, twins
from twice.networks import from_torchvision, swin
from twice.networks.swin import VARIANTS, _parts
from twice.parity import certificate

pytestmark = pytest.mark.slow

TINY = {"width": 1 / 16, "classes": 5}
MILLIONS = {"T": 29, "S": 50, "B": 88}  # the paper's table 1
ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])


def epsilons(network):
    return [m.eps for m in network.modules() if isinstance(m, torch.nn.LayerNorm)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_and_their_order_are_the_papers_and_torchvisions(variant):
    with torch.device("meta"):
        ours = swin(torch.nn, variant)
        theirs = torchvision.models.get_model(f"swin_{variant.lower()}", weights=None)
    assert sum(p.numel() for p in ours.parameters()) / 1e6 == pytest.approx(MILLIONS[variant], abs=0.8)
    assert [v.shape for v in ours.state_dict().values()] == [v.shape for v in theirs.state_dict().values()]
    assert epsilons(ours) == epsilons(theirs)


def test_a_window_knows_its_offsets_as_torchvision_does():
    theirs = torchvision.models.swin_t().features[1][0].attn.relative_position_index
    ours = swin(twice.nn, **TINY).state_dict()["stage1.0.attend.body.attention.offsets"]
    assert np.array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size,window", [(64, 2), (70, 3), (32, 7)])  # windows that fit, that need padding, only one
def test_both_engines_agree(variant, size, window):
    build = lambda nn: swin(nn, variant, window=window, **TINY)
    assert_same_names(build)
    assert_same_logits(*twins(build), image_batch(size, n=2, dtype="float64"), 1e-9)


def test_gradients_and_steps_agree():
    build = lambda nn: swin(nn, window=3, stochastic_depth=0.0, **TINY)
    certificate(build, (2, 3, 40, 32), steps=2).raise_if_failed()


@ENGINES
@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("row,column", [(0, 0), (0, 11), (2, 4), (5, 1), (7, 11)])
def test_a_position_reaches_its_window_and_nothing_else(engine, shift, row, column):
    h, w, m = 8, 12, 4
    attention = _parts(engine.nn).WindowAttention(6, 3, m, shift).double()
    x = np.random.default_rng(0).standard_normal((1, h, w, 6))
    touched = x.copy()
    touched[0, row, column] += 1
    y, z = (attention(engine.from_numpy(a)).detach().numpy()[0] for a in (x, touched))
    rows, columns = ((np.arange(side) - shift) // m for side in (h, w))
    window = (rows == rows[row])[:, None] & (columns == columns[column])
    assert np.array_equal(np.abs(y - z).max(-1) > 1e-12, window)


@ENGINES
def test_merging_puts_neighbours_side_by_side(engine):
    merging = _parts(engine.nn).Merging(1)
    merging.reduction, merging.norm = engine.nn.Identity(), engine.nn.Identity()
    x = engine.arange(12).reshape(1, 3, 4, 1)
    expected = [[[0, 4, 1, 5], [2, 6, 3, 7]], [[8, 0, 9, 0], [10, 0, 11, 0]]]  # an odd side ends in zeros
    assert merging(x)[0].numpy().tolist() == expected


@ENGINES
def test_stochastic_depth_rises_to_the_papers_rate(engine):
    rates = [m.p for m in swin(engine.nn, **TINY).modules() if type(m).__name__ == "DropPath"]
    assert rates[:2] == [0, 0]
    assert rates[-2:] == [0.2, 0.2]
    assert np.allclose(np.diff(rates[::2]), 0.2 / 11)


def torchvisions(name):
    """The tables of biases are small at first: made larger, a wrong one would show."""
    torch.manual_seed(0)
    reference = torchvision.models.get_model(name, weights=None)
    shake(reference)
    with torch.no_grad():
        for key, value in reference.named_parameters():
            if key.endswith("bias_table"):
                value.normal_()
    return reference


def test_an_exchange_of_two_tensors_would_show():
    assert_exchanges_show(torchvisions("swin_t"), image_batch(64), pairs=30)


@pytest.mark.parametrize("shape", [(60, 36), *(pytest.param(s, marks=pytest.mark.slow) for s in [(64, 64), (4, 4)])])
def test_torchvisions_weights_give_torchvisions_logits(shape):
    reference = torchvisions("swin_t")
    network = from_torchvision(swin(twice.nn), reference.state_dict())
    x = np.random.default_rng(0).standard_normal((1, 3, *shape)).astype("float32")
    assert_same_logits(network, reference, x)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_torchvisions_weights_give_torchvisions_logits_at_full_size(variant):
    reference = torchvisions(f"swin_{variant.lower()}")
    network = from_torchvision(swin(twice.nn, variant), reference.state_dict())
    assert_same_logits(network, reference, image_batch(224))


@ENGINES
def test_the_smallest_image_is_one_patch(engine):
    network = swin(engine.nn, image=4, **TINY)
    assert tuple(network(engine.from_numpy(image_batch(4))).shape) == (1, 5)
    with pytest.raises((ValueError, RuntimeError)):
        network(engine.from_numpy(image_batch(3)))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "XXL"}, "swin: variant is 'XXL', expected one of T, S, B"),
        ({"width": -1}, "swin: width is -1, expected a factor above 0"),
        ({"classes": 0}, "swin: classes is 0, expected a number of at least 1"),
        ({"image": 3}, "swin: image is 3, expected a number of at least 4"),
        ({"window": 0}, "swin: window is 0, expected a number of at least 1"),
        ({"stochastic_depth": 1.5}, "swin: stochastic_depth is 1.5, expected a number below 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        swin(twice.nn, **options)
