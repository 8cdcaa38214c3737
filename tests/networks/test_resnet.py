"""ResNet: the paper's depths, costs and shortcuts, the pre-activation of 2016, torchvision's weights, both engines."""

from functools import partial

import numpy as np
import pytest
import torch
import torchvision

import twice
from networks.counting import multiply_adds, on_meta, parameters, shapes, weighted
from networks.support import (
    assert_equals_torchvision,
    assert_same_logits,
    assert_same_names,
    image_batch,
    logits,
    twins,
)
from twice.blocks import engine_of
from twice.networks import cifar_resnet, resnet
from twice.networks.cifar_resnet import CIFAR_DEPTHS
from twice.networks.residual import conv, preactivated, residual
from twice.networks.resnet import DEPTHS, basic, bottleneck
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("nn", [twice.nn, torch.nn], ids=["twice", "torch"])
SHORTCUTS = ["A", "B", "C", None]
BILLIONS = {18: 1.8, 34: 3.6, 50: 3.8, 101: 7.6, 152: 11.3}  # multiply-adds in the paper's table 1
CIFAR_MILLIONS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7, 1202: 19.4}  # parameters in its table 6


# ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def on_the_path(network):
    """The layers with weights that x passes, without those beside it."""
    return [name for name in weighted(network) if ".shortcut." not in name]


@pytest.mark.parametrize("build,depth", [(resnet, d) for d in DEPTHS] + [(cifar_resnet, d) for d in CIFAR_DEPTHS])
def test_a_depth_is_the_number_of_layers_on_the_path(build, depth):
    assert len(on_the_path(on_meta(build, depth))) == depth


@pytest.mark.parametrize("depth", DEPTHS)
def test_parameters_are_torchvisions(depth):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(f"resnet{depth}")
    assert parameters(resnet, depth) == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("depth", CIFAR_MILLIONS)
def test_cifar_parameters_are_the_papers(depth):
    assert parameters(cifar_resnet, depth) / 1e6 == pytest.approx(CIFAR_MILLIONS[depth], rel=0.02)


@pytest.mark.parametrize("depth,millions", [(164, 1.7), (1001, 10.2)])
def test_preactivated_cifar_weights_are_the_papers_of_2016(depth, millions):
    """Its 10.2 M leave BatchNorm out: with it 1001 layers have 10.3 M."""
    network = on_meta(cifar_resnet, depth, preactivation=True, shortcut="B")
    weights = sum(layer.weight.numel() for layer in weighted(network).values())
    assert weights / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize("shortcut,stages", [("A", 0), ("B", 3), ("C", 8), (None, 0)])
def test_shortcuts_have_parameters_only_where_they_project(shortcut, stages):
    network = on_meta(resnet, 18, shortcut=shortcut)
    assert len(on_the_path(network)) == 18
    assert len(weighted(network)) - len(on_the_path(network)) == stages
    sums = [module for module in network.modules() if type(module).__name__ == "Sum"]
    assert len(sums) == (0 if shortcut is None else 8)


@pytest.mark.parametrize("depth", BILLIONS)
def test_multiply_adds_are_the_papers(depth):
    """The table cuts 3.66 to 3.6 and 3.86 to 3.8, and leaves the projections out where they are options."""
    options = {} if depth < 50 else {"stride_in": "1x1"}
    assert multiply_adds(on_meta(resnet, depth, **options), 224) / 1e9 == pytest.approx(BILLIONS[depth], abs=0.08)


@pytest.mark.parametrize("stride_in,billions", [("1x1", 3.858), ("3x3", 4.089)])
def test_the_place_of_the_stride_changes_the_cost(stride_in, billions):
    network = on_meta(resnet, 50, stride_in=stride_in)
    assert round(multiply_adds(network, 224) / 1e9, 3) == billions


def test_maps_are_the_papers():
    seen = shapes(on_meta(resnet, 50), 224)
    assert [seen[name] for name in ("conv1", "maxpool", "layer1", "layer2", "layer3", "layer4", "fc")] == [
        (1, 64, 112, 112),
        (1, 64, 56, 56),
        (1, 256, 56, 56),
        (1, 512, 28, 28),
        (1, 1024, 14, 14),
        (1, 2048, 7, 7),
        (1, 1000),
    ]


# ── both engines ────────────────────────────────────────────────────────────────────────────────────────────────


def assert_engines_agree(build, size=33):
    assert_same_names(build)
    assert_same_logits(*twins(build), image_batch(size, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("depth", DEPTHS)
def test_both_engines_agree(depth):
    assert_engines_agree(lambda nn: resnet(nn, depth, width=0.06, classes=7))


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("preactivation", [False, True])
@pytest.mark.parametrize("depth", [18, 50])
def test_both_engines_agree_on_every_variant(depth, preactivation, shortcut):
    options = {"preactivation": preactivation, "shortcut": shortcut, "width": 0.06, "classes": 7}
    assert_engines_agree(lambda nn: resnet(nn, depth, **options))


@pytest.mark.parametrize("depth,options", [(20, {}), (56, {"shortcut": None}), (164, {"preactivation": True})])
def test_both_engines_agree_for_cifar(depth, options):
    assert_engines_agree(lambda nn: cifar_resnet(nn, depth, width=0.3, **options), size=16)


@pytest.mark.parametrize("options", [{}, {"shortcut": "A", "preactivation": True}, {"shortcut": None}], ids=str)
def test_gradients_and_steps_agree(options):
    build = lambda nn: cifar_resnet(nn, 20, width=0.2, classes=5, **options)
    certificate(build, (3, 3, 12, 12), steps=2).raise_if_failed()


@pytest.mark.parametrize("unit", [residual, preactivated])
@pytest.mark.parametrize("stride_in", ["3x3", "1x1"])
def test_gradients_and_steps_of_bottlenecks_agree(stride_in, unit):
    made = partial(bottleneck, unit=unit, stride_in=stride_in)
    certificate(lambda nn: nn.Sequential(made(nn, 6, 8, 2), made(nn, 8, 8)), (2, 6, 7, 7), steps=2).raise_if_failed()


# ── torchvision ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("depth", [pytest.param(n, marks=[pytest.mark.slow] * (n > 50)) for n in DEPTHS])
def test_torchvisions_weights_give_torchvisions_logits(depth):
    exact = {"dtype": "float64", "tolerance": 1e-9} if depth > 100 else {}
    assert_equals_torchvision(lambda nn: resnet(nn, depth), f"resnet{depth}", size=64, **exact)


def test_torchvisions_weights_load_into_torchs_layers():
    assert_equals_torchvision(lambda nn: resnet(nn, 18), "resnet18", size=64, engine=torch)


# ── what the variants mean ──────────────────────────────────────────────────────────────────────────────────────


def evaluated(nn, block, x):
    block.eval()
    return np.asarray(block(engine_of(nn).from_numpy(x.copy())).detach().numpy())


def silenced(block):
    """The block with F(x) = 0."""
    for name, value in block.named_parameters():
        if ".body." in f".{name}" and value.ndim == 4:
            value.data.fill_(0)
    return block


@ENGINES
def test_a_silent_block_of_2015_gives_the_positive_part_of_x(nn):
    x = image_batch(5, channels=4)
    np.testing.assert_array_equal(evaluated(nn, silenced(basic(nn, 4, 4)), x), np.maximum(x, 0))


@ENGINES
def test_a_silent_unit_of_2016_gives_x(nn):
    x = image_batch(5, channels=4)
    np.testing.assert_array_equal(evaluated(nn, silenced(basic(nn, 4, 4, unit=preactivated)), x), x)


@ENGINES
@pytest.mark.parametrize("block", [basic, bottleneck])
def test_shortcut_a_takes_every_other_pixel_and_adds_channels_of_zeros(nn, block):
    x = image_batch(5, channels=3)
    expected = np.zeros((1, 8, 3, 3), np.float32)
    expected[:, :3] = np.maximum(x, 0)[:, :, ::2, ::2]
    made = silenced(block(nn, 3, 8, 2, partial(residual, shortcut="A")))
    np.testing.assert_array_equal(evaluated(nn, made, x), expected)


@ENGINES
def test_a_silent_plain_block_gives_nothing(nn):
    made = partial(residual, shortcut=None)(nn, [conv(nn, 4, 4, 3), conv(nn, 4, 4, 3)])
    for value in made.parameters():
        value.data.fill_(0)
    np.testing.assert_array_equal(evaluated(nn, made, image_batch(5, channels=4)), np.zeros((1, 4, 5, 5)))


LETTERS = {torch.nn.Conv2d: "C", torch.nn.BatchNorm2d: "B", torch.nn.ReLU: "R", torch.nn.MaxPool2d: "P"}


def order_of(network, size):
    """The layers in the order in which they run, a letter each."""
    letters = []
    for layer in network.modules():
        if type(layer) in LETTERS:
            layer.register_forward_hook(lambda layer, *_: letters.append(LETTERS[type(layer)]))
    network(torch.randn(2, 3, size, size))
    return "".join(letters)


def test_order_of_layers_in_2015():
    stem, block, projecting = "CBRP", "CBRCBR", "CBRCBCBR"
    assert order_of(resnet(torch.nn, 18, width=0.1), 33) == stem + 2 * block + 3 * (projecting + block)


def test_order_of_layers_in_2016():
    """The stem activates for the first unit; where shapes change both paths follow one activation; one ends it all."""
    stem, first, unit, projecting, end = "CBRP", "CBRC", "BRCBRC", "BRCBRCC", "BR"
    expected = stem + first + unit + 3 * (projecting + unit) + end
    assert order_of(resnet(torch.nn, 18, width=0.1, preactivation=True), 33) == expected


def test_a_projection_of_2016_sees_what_f_sees():
    unit, seen = basic(torch.nn, 3, 6, 2, preactivated), []
    for layer in weighted(unit).values():
        layer.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    unit(torch.randn(2, 3, 6, 6))
    first, _, beside = seen
    assert first is beside
    assert first.min() == 0


@pytest.mark.parametrize("stride_in,strides", [("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])])
def test_the_stride_is_where_it_was_asked_for(stride_in, strides):
    entrance = resnet(torch.nn, 50, stride_in=stride_in, width=0.05).layer2[0]
    convs = [layer for name, layer in weighted(entrance).items() if ".shortcut." not in name]
    assert [layer.stride[0] for layer in convs] == strides


@ENGINES
def test_convolutions_start_as_he_says(nn):
    weight = resnet(nn, 18).layer3[0].sum.body.conv1.weight.detach().numpy()  # 128 channels to 256
    assert weight.std() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


# ── options ─────────────────────────────────────────────────────────────────────────────────────────────────────


@ENGINES
@pytest.mark.parametrize("build,depth", [(resnet, 50), (cifar_resnet, 20)])
def test_the_smallest_image_is_one_pixel(nn, build, depth):
    network = build(nn, depth, width=0.1, image=1, classes=3)
    assert logits(network, image_batch(1))[0].shape == (1, 3)


@pytest.mark.parametrize("build", [resnet, cifar_resnet])
@pytest.mark.parametrize(
    "options,message",
    [
        ({"shortcut": "D"}, "shortcut is 'D', expected one of A, B, C, None"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 0}, "image is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(build, options, message):
    with pytest.raises(ValueError, match=f"{build.__name__}: {message}"):
        build(twice.nn, **options)


@pytest.mark.parametrize(
    "build,options,message",
    [
        (resnet, {"depth": 51}, "resnet: depth is 51, expected one of 18, 34, 50, 101, 152"),
        (resnet, {"stride_in": "5x5"}, "resnet: stride_in is '5x5', expected one of 3x3, 1x1"),
        (resnet, {"depth": 18, "stride_in": "1x1"}, "resnet: stride_in is '1x1', expected one of 3x3"),
        (cifar_resnet, {"depth": 21}, "cifar_resnet: depth is 21, expected one of 20, 32, 44, 56, 110"),
    ],
)
def test_a_bad_depth_or_stride_gets_a_sentence(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(twice.nn, **options)
