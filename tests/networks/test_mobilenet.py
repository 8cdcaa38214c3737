"""MobileNet v1: the paper's counts for every width and resolution, both engines."""

import pytest
import torch

import twice
from networks.support import assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import mobilenet
from twice.networks.mobilenet import _full, _separable
from twice.parity import certificate


def on_meta(build):
    with torch.device("meta"):
        return build()


def count(network):
    return sum(p.numel() for p in network.parameters())


def multiply_adds(network, *shape):
    """Of the convolutions and the fully connected layer, for one input."""
    total = 0

    def add(layer, _, y):
        nonlocal total
        total += y.numel() * layer.weight[0].numel()

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(add)
    network.eval()(torch.empty(1, *shape, device="meta"))
    return total


# The paper's tables 4, 6, 7 and 9: options, resolution, millions of multiply-adds, millions of parameters.
@pytest.mark.parametrize(
    "options,image,operations,parameters",
    [
        ({}, 224, 569, 4.2),
        ({"width": 0.75}, 224, 325, 2.6),
        ({"width": 0.5}, 224, 149, 1.3),
        ({"width": 0.25}, 224, 41, 0.5),
        ({}, 192, 418, 4.2),
        ({}, 160, 290, 4.2),
        ({}, 128, 186, 4.2),
        ({"width": 0.5}, 160, 76, 1.3),
    ],
)
def test_multiply_adds_and_parameters_are_the_papers(options, image, operations, parameters):
    network = on_meta(lambda: mobilenet(torch.nn, image=image, **options))
    assert multiply_adds(network, 3, image, image) / 1e6 == pytest.approx(operations, abs=1)
    assert round(count(network) / 1e6, 1) == parameters


def test_full_convolutions_cost_what_the_papers_table_4_says():
    network = on_meta(lambda: mobilenet(torch.nn, separable=False))
    assert round(count(network) / 1e6, 1) == 29.3
    convolutions = multiply_adds(network, 3, 224, 224) - 1024 * 1000  # that row leaves the last layer out
    assert round(convolutions / 1e6) == 4866


def test_parameters_with_batch_norm_and_1000_classes():
    assert count(on_meta(lambda: mobilenet(torch.nn))) == 4_231_976
    assert count(on_meta(lambda: mobilenet(torch.nn, width=0.5))) == 1_331_592


def test_28_layers_have_weights():
    network = on_meta(lambda: mobilenet(torch.nn))
    assert sum(isinstance(layer, torch.nn.Conv2d | torch.nn.Linear) for layer in network.modules()) == 28


@pytest.mark.parametrize("last_stride,side,operations", [(1, 7, 569), (2, 4, 534)])
def test_only_stride_1_keeps_the_last_map_and_the_papers_count(last_stride, side, operations):
    network, shapes = on_meta(lambda: mobilenet(torch.nn, last_stride=last_stride)), []
    network.block13.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape)))
    assert round(multiply_adds(network, 3, 224, 224) / 1e6) == operations
    assert shapes == [(1, 1024, side, side)]


@pytest.mark.parametrize("c,k", [(32, 64), (512, 512)])
def test_a_separable_convolution_costs_one_kth_and_one_ninth_of_a_full_one(c, k):
    cost = lambda make: multiply_adds(on_meta(lambda: make(torch.nn, c, k, 1)), c, 14, 14)
    assert cost(_separable) / cost(_full) == pytest.approx(1 / k + 1 / 9)


@pytest.mark.parametrize("separable", [True, False])
@pytest.mark.parametrize("last_stride", [1, 2])
def test_both_engines_agree(separable, last_stride):
    build = lambda nn: mobilenet(nn, separable=separable, width=0.06, classes=7, last_stride=last_stride)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(64, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("separable", [True, False])
def test_gradients_and_steps_agree(separable):
    build = lambda nn: mobilenet(nn, separable=separable, width=0.06, classes=30)
    certificate(build, (4, 3, 64, 64), steps=2).raise_if_failed()


def test_the_smallest_image_is_one_pixel():
    network = mobilenet(twice.nn, width=0.05, classes=3, image=1).eval()
    assert network(twice.zeros(1, 3, 1, 1)).shape == (1, 3)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"width": -0.5}, "mobilenet: width is -0.5, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 0}, "image is 0, expected a number of at least 1"),
        ({"last_stride": 3}, "last_stride is 3, expected one of 1, 2"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        mobilenet(twice.nn, **options)
