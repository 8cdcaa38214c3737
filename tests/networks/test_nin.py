"""Network in Network: its authors' two networks on both engines."""

import numpy as np
import pytest
import torch

import twice
from networks.support import assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import nin
from twice.networks.nin import SETS, VARIANTS, mlpconv
from twice.parity import certificate

PARAMETERS = {"imagenet": 7_595_176, "cifar": 966_986}
SIZES = {"imagenet": [54, 27, 27, 13, 13, 6, 6, 1], "cifar": [32, 16, 16, 8, 8, 1]}


def on_meta(*arguments, **options):
    with torch.device("meta"):
        return nin(torch.nn, *arguments, **options)


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_the_authors(variant):
    assert sum(p.numel() for p in on_meta(variant).parameters()) == PARAMETERS[variant]


@pytest.mark.parametrize("variant", VARIANTS)
def test_pooling_halves_the_maps_and_the_last_ones_are_averaged(variant):
    x, sizes = torch.zeros(1, 3, SETS[variant][1], SETS[variant][1], device="meta"), []
    for name, layer in on_meta(variant).named_children():
        x = layer(x)
        if name.startswith(("mlpconv", "pool")):
            sizes.append(x.shape[-1])
    assert sizes == SIZES[variant]
    assert x.shape == (1, SETS[variant][0])


@pytest.mark.parametrize("variant,classes", [("imagenet", 1000), ("cifar", 10)])
def test_nothing_is_fully_connected_and_the_last_maps_are_the_classes(variant, classes):
    layers = [m for m in on_meta(variant).modules() if not list(m.children())]
    assert not any(isinstance(m, torch.nn.Linear) for m in layers)
    assert [m.out_channels for m in layers if isinstance(m, torch.nn.Conv2d)][-1] == classes


@pytest.mark.parametrize("variant,kinds", [("imagenet", ["Max", "Max", "Max"]), ("cifar", ["Max", "Avg"])])
def test_poolings_are_the_authors(variant, kinds):
    pools = [m for name, m in on_meta(variant).named_children() if name.startswith("pool")]
    assert [type(m).__name__ for m in pools] == [*(f"{kind}Pool2d" for kind in kinds), "AdaptiveAvgPool2d"]


@pytest.mark.parametrize("variant,drops", [("imagenet", ["drop3"]), ("cifar", ["drop1", "drop2"])])
def test_dropout_stands_where_the_authors_have_it(variant, drops):
    found = {name: m.p for name, m in on_meta(variant, dropout=0.3).named_modules() if isinstance(m, torch.nn.Dropout)}
    assert found == dict.fromkeys(drops, 0.3)


def test_an_mlpconv_is_one_mlp_at_every_place():
    layer = mlpconv(twice.nn, 3, [5, 4, 2], 3, 1, 0)
    x = image_batch(6)
    y = layer(twice.from_numpy(x)).detach().numpy()
    weights = [p.detach().numpy() for p in layer.parameters()]
    for i, j in np.ndindex(4, 4):
        h = x[0, :, i : i + 3, j : j + 3].ravel()
        for w, b in zip(weights[::2], weights[1::2]):
            h = np.maximum(w.reshape(len(w), -1) @ h + b, 0)
        np.testing.assert_allclose(y[0, :, i, j], h, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variant,size", [("imagenet", 75), ("cifar", 32)])
def test_both_engines_agree(variant, size):
    build = lambda nn: nin(nn, variant, width=0.1, classes=7)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(size, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("variant,size", [("imagenet", 59), ("cifar", 15)])
def test_gradients_and_steps_agree(variant, size):
    build = lambda nn: nin(nn, variant, width=0.08, classes=5, dropout=0.0)
    certificate(build, (2, 3, size, size), steps=2).raise_if_failed()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_smallest_image_works_and_one_less_does_not(variant):
    smallest = SETS[variant][2]
    network = nin(twice.nn, variant, width=0.05, classes=3, image=smallest)
    assert network(twice.zeros(1, 3, smallest, smallest)).shape == (1, 3)
    with pytest.raises(ValueError):
        network(twice.zeros(1, 3, smallest - 1, smallest - 1))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "mnist"}, "variant is 'mnist', expected one of imagenet, cifar"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 38}, "image is 38, expected a number of at least 39"),
        ({"variant": "cifar", "image": 3}, "image is 3, expected a number of at least 4"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=f"nin: {message}"):
        nin(twice.nn, **options)
