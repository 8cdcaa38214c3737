"""ZFNet: the figure's sizes, the maps of the figure and of the texts, both engines."""

import pytest
import torch

import twice
from networks.support import assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import zfnet
from twice.networks.zfnet import VARIANTS
from twice.parity import certificate

MAPS = {"figure": (384, 384, 256), "text": (512, 1024, 512), "text reordered": (512, 512, 1024)}


def on_meta(*arguments, **options):
    with torch.device("meta"):
        return zfnet(torch.nn, *arguments, **options)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_layers_have_the_figures_sizes(variant):
    network, sizes = on_meta(variant), []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.MaxPool2d):
            module.register_forward_hook(lambda module, inputs, y: sizes.append(y.shape[-1]))
    network(torch.zeros(1, 3, 224, 224, device="meta"))
    assert sizes == [110, 55, 26, 13, 13, 13, 13, 6]


@pytest.mark.parametrize("variant,maps", MAPS.items())
def test_the_maps_are_the_documents(variant, maps):
    convolutions = [m for m in on_meta(variant).modules() if isinstance(m, torch.nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [96, 256, *maps]
    assert [m.kernel_size[0] for m in convolutions] == [7, 5, 3, 3, 3]


def test_the_figures_network_differs_from_alexnets_one_gpu_in_the_first_kernel_alone():
    parameters = sum(p.numel() for p in on_meta().parameters())
    assert parameters == 62_378_344 - 96 * 3 * (11 * 11 - 7 * 7)


def test_normalisation_comes_after_pooling():
    names = [name for name, _ in on_meta().features.named_children()]
    assert names[:8] == ["conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_engines_agree(variant):
    build = lambda nn: zfnet(nn, variant, width=0.05, classes=7)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(75, n=2, dtype="float64"), 1e-9)


def test_gradients_and_steps_agree():
    certificate(lambda nn: zfnet(nn, width=0.04, classes=5, dropout=0.0), (2, 3, 60, 60), steps=2).raise_if_failed()


def test_the_smallest_image_is_47():
    network = zfnet(twice.nn, width=0.02, classes=3, image=47)
    assert network(twice.zeros(1, 3, 47, 47)).shape == (1, 3)
    with pytest.raises(ValueError):
        network(twice.zeros(1, 3, 46, 46))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "table"}, "variant is 'table', expected one of figure, text, text reordered"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 46}, "image is 46, expected a number of at least 47"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=f"zfnet: {message}"):
        zfnet(twice.nn, **options)
