"""ResNeXt: the paper's templates of equal cost, torchvision's weights, both engines."""

from functools import partial

import pytest
import torch
import torchvision

import twice
from networks.counting import multiply_adds, on_meta, parameters
from networks.support import assert_equals_torchvision, assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import resnet, resnext
from twice.networks.resnet import bottleneck
from twice.networks.resnext import TEMPLATES
from twice.parity import certificate

TORCHVISIONS = [(50, "32x4d"), (101, "32x8d"), (101, "64x4d")]


@pytest.mark.parametrize("depth,template", TORCHVISIONS)
def test_parameters_are_torchvisions(depth, template):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(f"resnext{depth}_{template}")
    assert parameters(resnext, depth, template) == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("template", ["1x64d", "2x40d", "4x24d", "8x14d", "32x4d"])
def test_the_papers_templates_cost_the_same(template):
    """Its table 1: 25.5 M and 25.0 M parameters, 4.1 G and 4.2 G multiply-adds, for 1×64d and 32×4d."""
    assert parameters(resnext, 50, template) / 1e6 == pytest.approx(25.3, abs=0.4)
    assert multiply_adds(on_meta(resnext, 50, template), 224) / 1e9 == pytest.approx(4.2, abs=0.15)


def test_one_group_of_64_is_resnet():
    ours, theirs = on_meta(resnext, 50, "1x64d"), on_meta(resnet, 50)
    assert {n: p.shape for n, p in ours.named_parameters()} == {n: p.shape for n, p in theirs.named_parameters()}


@pytest.mark.parametrize("template", TEMPLATES)
def test_groups_are_the_cardinality_and_their_width_the_templates(template):
    groups, base = TEMPLATES[template]
    assert template == f"{groups}x{base}d"
    network = on_meta(resnext, 50, template)
    convs = [network.get_submodule(f"layer{stage}.1.sum.body.conv2") for stage in (1, 2, 3, 4)]
    assert [conv.groups for conv in convs] == [groups] * 4
    assert [conv.weight.shape[1] for conv in convs] == [base, 2 * base, 4 * base, 8 * base]


@pytest.mark.parametrize("depth,template", TORCHVISIONS)
def test_both_engines_agree(depth, template):
    build = lambda nn: resnext(nn, depth, template, width=0.1, classes=7)
    assert_same_names(build)
    assert_same_logits(*twins(build), image_batch(33, n=2, dtype="float64"), 1e-9)


def test_gradients_and_steps_of_blocks_agree():
    made = partial(bottleneck, groups=4, base=24)
    certificate(lambda nn: nn.Sequential(made(nn, 6, 16, 2), made(nn, 16, 16)), (2, 6, 7, 7), steps=2).raise_if_failed()


@pytest.mark.parametrize(
    "depth,template", [TORCHVISIONS[0], *(pytest.param(*pair, marks=pytest.mark.slow) for pair in TORCHVISIONS[1:])]
)
def test_torchvisions_weights_give_torchvisions_logits(depth, template):
    exact = {"dtype": "float64", "tolerance": 1e-9} if depth > 100 else {}
    assert_equals_torchvision(lambda nn: resnext(nn, depth, template), f"resnext{depth}_{template}", size=48, **exact)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"depth": 18}, "resnext: depth is 18, expected one of 50, 101, 152"),
        ({"template": "32x5d"}, "resnext: template is '32x5d', expected one of 1x64d, 2x40d"),
        ({"width": 0}, "width is 0, expected a factor above 0"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        resnext(twice.nn, **options)
