"""SqueezeNet: both versions are torchvision's, on both engines."""

import pytest
import torch
import torchvision

import twice
from networks.support import assert_equals_torchvision, assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import squeezenet
from twice.networks.squeezenet import VARIANTS
from twice.parity import certificate

NAMES = {"1.0": "squeezenet1_0", "1.1": "squeezenet1_1"}
PARAMETERS = {"1.0": 1_248_424, "1.1": 1_235_496}


def on_meta(*arguments, **options):
    with torch.device("meta"):
        return squeezenet(torch.nn, *arguments, **options)


@pytest.mark.parametrize("version", VARIANTS)
def test_parameters_are_torchvisions_tensor_by_tensor(version):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(NAMES[version], weights=None)
    shapes = [p.shape for p in on_meta(version).parameters()]
    assert shapes == [p.shape for p in theirs.parameters()]
    assert sum(s.numel() for s in shapes) == PARAMETERS[version]


def test_the_papers_table_of_sizes_comes_from_images_of_227():
    x, sizes = torch.zeros(1, 3, 227, 227, device="meta"), []
    for layer in on_meta().features:
        x = layer(x)
        sizes += [x.shape[-1]] if not sizes or x.shape[-1] != sizes[-1] else []
    assert sizes == [111, 55, 27, 13]
    assert x.shape[1] == 512


@pytest.mark.parametrize("version", VARIANTS)
def test_both_engines_agree(version):
    build = lambda nn: squeezenet(nn, version, width=0.25, classes=7)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(48, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("version", VARIANTS)
def test_gradients_and_steps_agree(version):
    build = lambda nn: squeezenet(nn, version, width=0.125, classes=5, dropout=0.0)
    certificate(build, (2, 3, 40, 40), steps=2).raise_if_failed()


@pytest.mark.parametrize("version,name", NAMES.items())
def test_torchvisions_weights_give_torchvisions_logits(version, name):
    assert_equals_torchvision(lambda nn: squeezenet(nn, version), name, size=64)


@pytest.mark.parametrize("version,smallest", [("1.0", 21), ("1.1", 17)])
def test_the_smallest_image_works_and_one_less_does_not(version, smallest):
    network = squeezenet(twice.nn, version, width=0.1, classes=3, image=smallest)
    assert network(twice.zeros(1, 3, smallest, smallest)).shape == (1, 3)
    with pytest.raises(ValueError):
        network(twice.zeros(1, 3, smallest - 1, smallest - 1))
    with pytest.raises(ValueError, match=f"image is {smallest - 1}, expected a number of at least {smallest}"):
        squeezenet(twice.nn, version, image=smallest - 1)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"version": "1.2"}, r"version is '1.2', expected one of 1.0, 1.1"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=f"squeezenet: {message}"):
        squeezenet(twice.nn, **options)
