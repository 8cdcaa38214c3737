"""DenseNet: the paper's tables, the order of its maps, torchvision's weights, both engines."""

import numpy as np
import pytest
import torch
import torchvision
from torchvision.models.densenet import _DenseBlock

import twice
from networks.counting import on_meta, parameters, shapes, weighted
from networks.support import (
    assert_equals_torchvision,
    assert_same_logits,
    assert_same_names,
    image_batch,
    logits,
    shake,
    twins,
)
from twice.blocks import engine_of
from twice.networks import cifar_densenet, densenet, from_torchvision
from twice.networks.densenet import DEPTHS, VARIANTS, dense_layer
from twice.parity import certificate

pytestmark = pytest.mark.slow

ENGINES = pytest.mark.parametrize("nn", [twice.nn, torch.nn], ids=["twice", "torch"])

# The paper's table 2: depth, growth and variant, and millions of parameters.
CIFAR_MILLIONS = [
    (40, 12, "basic", 1.0),
    (100, 12, "basic", 7.0),
    (100, 24, "basic", 27.2),
    (100, 12, "BC", 0.8),
    (250, 24, "BC", 15.3),
    (190, 40, "BC", 25.6),
]


# ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_depth_is_the_number_of_layers(depth):
    assert len(weighted(on_meta(densenet, depth))) == depth


@pytest.mark.parametrize("depth", DEPTHS)
def test_parameters_are_torchvisions(depth):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(f"densenet{depth}")
    assert parameters(densenet, depth) == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("depth,growth,variant,millions", CIFAR_MILLIONS)
def test_cifar_depths_and_parameters_are_the_papers(depth, growth, variant, millions):
    network = on_meta(cifar_densenet, depth, growth, variant)
    assert len(weighted(network)) == depth
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == millions


def test_bc_of_100_layers_has_769162_parameters():
    assert parameters(cifar_densenet, 100, 12, "BC") == 769_162


def test_maps_are_the_papers():
    seen = shapes(on_meta(densenet, 121), 224)
    names = ["conv0", "pool0", "denseblock1", "transition1", "denseblock2", "transition2", "denseblock3", "transition3"]
    assert [seen[f"features.{name}"][1:3] for name in [*names, "denseblock4"]] == [
        (64, 112), (64, 56), (256, 56), (128, 28), (512, 28), (256, 14), (1024, 14), (512, 7), (1024, 7),
    ]  # fmt: skip


@pytest.mark.parametrize("variant,maps", [("basic", 16 + 36), ("C", 26), ("B", 16 + 36), ("BC", 30)])
def test_compression_halves_the_maps_between_blocks(variant, maps):
    """Three layers of 12 maps after the first convolution's 16, in BC 24."""
    seen = shapes(on_meta(cifar_densenet, 4 + 3 * (6 if "B" in variant else 3), 12, variant), 32)
    assert seen["features.transition1"] == (1, maps, 16, 16)


# ── the order of the maps ───────────────────────────────────────────────────────────────────────────────────────


@ENGINES
def test_new_maps_stand_after_the_old_ones(nn):
    x = image_batch(6, channels=5)
    layer = dense_layer(nn, 5, 3).eval()
    y = np.asarray(layer(engine_of(nn).from_numpy(x.copy())).detach().numpy())
    assert y.shape == (1, 8, 6, 6)
    np.testing.assert_array_equal(y[:, :5], x)


@ENGINES
def test_a_block_gives_torchvisions_maps_in_torchvisions_order(nn):
    theirs = _DenseBlock(num_layers=4, num_input_features=6, bn_size=4, growth_rate=3, drop_rate=0.0)
    shake(theirs)
    ours = nn.Sequential(*(dense_layer(nn, 6 + 3 * i, 3) for i in range(4)))
    from_torchvision(ours, theirs.state_dict())
    assert_same_logits(ours, theirs, image_batch(7, n=2, channels=6), 1e-5)


# ── both engines, torchvision ───────────────────────────────────────────────────────────────────────────────────


def assert_engines_agree(build, size):
    assert_same_names(build)
    assert_same_logits(*twins(build), image_batch(size, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("depth", DEPTHS)
def test_both_engines_agree(depth):
    assert_engines_agree(lambda nn: densenet(nn, depth, width=0.1, classes=7), 33)


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_engines_agree_for_cifar(variant):
    assert_engines_agree(lambda nn: cifar_densenet(nn, 22, 6, variant, classes=7), 16)


@pytest.mark.parametrize("variant", ["basic", "BC"])
def test_gradients_and_steps_agree(variant):
    build = lambda nn: cifar_densenet(nn, 16, 4, variant, classes=5)
    certificate(build, (3, 3, 12, 12), steps=2).raise_if_failed()


@pytest.mark.parametrize("depth", DEPTHS)
def test_torchvisions_weights_give_torchvisions_logits(depth):
    assert_equals_torchvision(lambda nn: densenet(nn, depth), f"densenet{depth}", size=48)


# ── options ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("drop_all,dropped", [(True, 100 - 2), (False, 48)])
def test_dropout_follows_all_convolutions_but_the_first_or_those_that_make_new_maps(drop_all, dropped):
    network = on_meta(cifar_densenet, 100, dropout=0.2, drop_all=drop_all)
    layers = [module for module in network.modules() if isinstance(module, torch.nn.Dropout)]
    assert [layer.p for layer in layers] == [0.2] * dropped


@pytest.mark.parametrize("build,smallest", [(densenet, 29), (cifar_densenet, 4)])
def test_the_smallest_image_works_and_one_less_does_not(build, smallest):
    network = build(twice.nn, width=0.1, image=smallest, classes=3)
    assert logits(network, image_batch(smallest))[0].shape == (1, 3)
    with pytest.raises((ValueError, RuntimeError)):
        logits(network, image_batch(smallest - 1))
    with pytest.raises(ValueError, match=f"image is {smallest - 1}, expected a number of at least {smallest}"):
        build(twice.nn, image=smallest - 1)


@pytest.mark.parametrize(
    "build,options,message",
    [
        (densenet, {"depth": 120}, "densenet: depth is 120, expected one of 121, 161, 169, 201"),
        (densenet, {"width": 0}, "densenet: width is 0, expected a factor above 0"),
        (densenet, {"classes": 0}, "densenet: classes is 0, expected a number of at least 1"),
        (cifar_densenet, {"variant": "CB"}, "cifar_densenet: variant is 'CB', expected one of basic, B, C, BC"),
        (cifar_densenet, {"depth": 101}, "depth is 101, expected 4 more than a multiple of 6"),
        (cifar_densenet, {"depth": 41, "variant": "basic"}, "depth is 41, expected 4 more than a multiple of 3"),
        (cifar_densenet, {"depth": 4}, "depth is 4, expected a number of at least 10"),
        (cifar_densenet, {"growth": 0}, "growth is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(twice.nn, **options)
