"""Inception v2: the paper's table and counts, what its first convolution explains, both engines."""

import pytest
import torch

import twice
from networks.counting import on_meta, parameters, shapes
from networks.support import assert_same_logits, assert_same_names, image_batch, logits, twins
from twice.claims import LEDGER
from twice.claims.counting import of, weighted
from twice.claims.ledger import numbers_in
from twice.networks import inception_v2
from twice.networks.inception import mixed
from twice.networks.inception_v2 import TABLE, module
from twice.parity import certificate

# The paper's figure 5, output sizes; where its columns of channels add up to more, that.
MAPS = {
    "conv1": (64, 112), "maxpool1": (64, 56), "conv3": (192, 56), "maxpool2": (192, 28), "inception3a": (256, 28),
    "inception3b": (320, 28), "inception3c": (576, 14), "inception4a": (576, 14), "inception4b": (576, 14),
    "inception4c": (608, 14), "inception4d": (608, 14), "inception4e": (1056, 7), "inception5a": (1024, 7),
    "inception5b": (1024, 7), "avgpool": (1024, 1),
}  # fmt: skip
HALVING = ("inception3c", "inception4e")


def test_maps_have_the_sizes_of_the_papers_table():
    seen = shapes(on_meta(inception_v2), 224)
    assert {name: seen[name][1:3] for name in MAPS} == MAPS


def test_parameters_are_those_of_caffes_network():
    """11,295,240 with a bias in each convolution, which BatchNorm makes idle: here there are none."""
    network = on_meta(inception_v2, separable=False)
    idle = sum(layer.num_features for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    assert sum(p.numel() for p in network.parameters()) + idle == 11_295_240


def depth(network):
    """Layers with weights on the longest way through."""
    ways = [depth(child) for child in network.children()]
    if not ways:
        return int(isinstance(network, torch.nn.Conv2d | torch.nn.Linear))
    return max(ways) if type(network).__name__ == "Concat" else sum(ways)


def test_modules_are_three_deep_and_one_more_than_googlenets():
    network = on_meta(inception_v2, separable=False)
    modules = [layer for name, layer in network.named_children() if name.startswith("inception")]
    assert [depth(layer) for layer in modules] == [3] * (9 + 1)
    assert depth(network) == 3 + 3 * 10 + 1


@pytest.mark.parametrize("column", ["parameters", "multiply_adds"])
def test_the_separable_convolution_is_the_first_row_of_googlenets_table(column):
    """2.7k weights and 34M operations stand there: no full 7×7 has so few."""
    table = of("inception_v2")
    computed = sum(getattr(row, column) for row in weighted(table) if row.name.startswith("conv1."))
    (claim,) = LEDGER.find(id="googlenet-convolution-1-" + column.replace("multiply_adds", "operations"))
    ((printed, digit),) = numbers_in(claim.said)
    assert claim.verdict == "differs"
    assert abs(computed - printed) <= digit / 2


def test_without_the_separable_convolution_it_is_a_full_one():
    network = on_meta(inception_v2, separable=False)
    assert network.conv1.conv.weight.shape == (64, 3, 7, 7)


@pytest.mark.parametrize("name", TABLE)
def test_modules_halve_the_map_or_keep_it(name):
    with torch.device("meta"):
        made = mixed(torch.nn, 32, module(*TABLE[name]))
    side = made(torch.empty(1, 32, 15, 15, device="meta")).shape[2]
    assert side == (8 if name in HALVING else 15)


@pytest.mark.parametrize("name", ["inception3a", "inception4e", "inception5b"])
def test_gradients_and_steps_of_modules_agree(name):
    build = lambda nn: mixed(nn, 6, module(*TABLE[name]), width=0.03)
    certificate(build, (2, 6, 7, 7), steps=2).raise_if_failed()


@pytest.mark.parametrize("separable", [True, False])
def test_both_engines_agree(separable):
    build = lambda nn: inception_v2(nn, separable=separable, width=0.08, classes=7)
    assert_same_names(build)
    assert_same_logits(*twins(build), image_batch(63, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("engine", [twice, torch])
def test_the_smallest_image_works_and_one_less_does_not(engine):
    network = inception_v2(engine.nn, width=0.05, classes=2, image=7)
    assert logits(network, image_batch(7))[0].shape == (1, 2)
    with pytest.raises((RuntimeError, ValueError)):
        logits(network, image_batch(6))
    with pytest.raises(ValueError, match="inception_v2: image is 6, expected a number of at least 7"):
        inception_v2(engine.nn, image=6)


def test_width_thins_every_layer():
    assert parameters(inception_v2, width=0.5) < parameters(inception_v2) / 3


@pytest.mark.parametrize(
    "options,message",
    [
        ({"width": 0}, "inception_v2: width is 0, expected a factor above 0"),
        ({"classes": 0}, "inception_v2: classes is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        inception_v2(twice.nn, **options)
