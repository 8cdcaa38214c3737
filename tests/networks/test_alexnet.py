"""AlexNet: one GPU or two, the paper's order and Caffe's, torchvision's weights, both engines."""

import numpy as np
import pytest
import torch

import twice
from networks.support import assert_equals_torchvision, assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import alexnet, alexnet_init
from twice.networks.alexnet import response_norm
from twice.parity import certificate

ONE_GPU = [34_944, 614_656, 885_120, 1_327_488, 884_992, 37_752_832, 16_781_312, 4_097_000]
TWO_GPUS = [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]


def on_meta(*arguments, **options):
    with torch.device("meta"):
        return alexnet(torch.nn, *arguments, **options)


def counts(network):
    weighted = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    return [sum(p.numel() for p in m.parameters()) for m in weighted]


@pytest.mark.parametrize("groups,rows,total", [(1, ONE_GPU, 62_378_344), (2, TWO_GPUS, 60_965_224)])
def test_parameters_are_the_papers(groups, rows, total):
    network = on_meta(groups=groups)
    assert counts(network) == rows
    assert sum(p.numel() for p in network.parameters()) == total


def test_two_gpus_leave_2_million_parameters_to_the_convolutions_and_59_to_the_rest():
    rows = counts(on_meta())
    assert (sum(rows[:5]), sum(rows[5:])) == (2_334_080, 58_631_144)


@pytest.mark.parametrize("variant,image,first", [("2012", 227, 96), ("2012", 224, 96), ("2014", 224, 64)])
def test_the_maps_have_the_papers_sizes(variant, image, first):
    x, sizes = torch.zeros(1, 3, image, image, device="meta"), {}
    network = on_meta(variant, image=image)
    for name, layer in network.features.named_children():
        x = layer(x)
        sizes[name] = x.shape[-1]
    convolutions = [sizes[f"conv{i}"] for i in range(1, 6)]
    assert convolutions == [55, 27, 13, 13, 13]
    assert [sizes[f"pool{i}"] for i in (1, 2, 5)] == [27, 13, 6]
    assert network.features.conv1.out_channels == first


def test_the_papers_neurons():
    maps = [m.out_channels for m in on_meta().modules() if isinstance(m, torch.nn.Conv2d)]
    units = [c * n * n for c, n in zip(maps, (55, 27, 13, 13, 13))]
    assert units == [290_400, 186_624, 64_896, 64_896, 43_264]


@pytest.mark.parametrize(
    "options,order",
    [
        ({}, ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]),
        ({"pool_first": True}, ["conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"]),
        ({"lrn": False}, ["conv1", "relu1", "pool1", "conv2", "relu2", "pool2"]),
    ],
)
def test_normalisation_comes_before_pooling_or_after(options, order):
    names = [name for name, _ in on_meta(**options).features.named_children()]
    rest = ["conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5"]
    assert names == order + rest


@pytest.mark.parametrize("variant,dropped", [("2012", ["drop6", "drop7"]), ("2014", ["drop5", "drop6"])])
def test_dropout_stands_after_the_hidden_layers_or_before(variant, dropped):
    classifier = on_meta(variant, dropout=0.3).classifier
    drops = {name: m.p for name, m in classifier.named_children() if isinstance(m, torch.nn.Dropout)}
    assert drops == dict.fromkeys(dropped, 0.3)


def test_response_normalisation_is_the_papers_formula_with_its_own_alpha():
    a = 20 * image_batch(2, channels=7, dtype="float64")
    near = [slice(max(0, i - 2), i + 3) for i in range(7)]  # n = 5 adjacent maps
    expected = [a[:, i] / (2 + 1e-4 * np.square(a[:, n]).sum(1)) ** 0.75 for i, n in enumerate(near)]
    b = response_norm(twice.nn)(twice.from_numpy(a)).numpy()
    np.testing.assert_allclose(b, np.stack(expected, 1), rtol=1e-12)


def test_a_map_of_conv2_sees_its_own_gpu_alone():
    conv2 = alexnet(twice.nn, width=0.1).features.conv2
    x = twice.ones(1, conv2.in_channels, 5, 5, requires_grad=True)
    conv2(x)[:, 0].sum().backward()
    seen = x.grad.abs().sum((0, 2, 3)).numpy() > 0
    half = conv2.in_channels // 2
    assert seen.tolist() == [True] * half + [False] * half


@pytest.mark.parametrize(
    "options",
    [{}, {"groups": 1}, {"pool_first": True}, {"lrn": False}, {"image": 224}, {"variant": "2014"}],
)
def test_both_engines_agree(options):
    build = lambda nn: alexnet(nn, width=0.05, classes=7, **options)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(99, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("options", [{}, {"pool_first": True}, {"variant": "2014"}])
def test_gradients_and_steps_agree(options):
    build = lambda nn: alexnet(nn, width=0.04, classes=5, dropout=0.0, **options)
    certificate(build, (2, 3, 71, 71), steps=2).raise_if_failed()


@pytest.mark.slow
def test_torchvisions_weights_give_torchvisions_logits():
    assert_equals_torchvision(lambda nn: alexnet(nn, "2014"), "alexnet", size=63)


@pytest.mark.parametrize("nn", [twice.nn, torch.nn])
def test_the_papers_start(nn):
    state = alexnet_init(nn, alexnet(nn, width=0.1, classes=10)).state_dict()
    biases = {name.split(".")[1]: set(b.numpy().tolist()) for name, b in state.items() if name.endswith("bias")}
    ones = ["conv2", "conv4", "conv5", "fc6", "fc7"]
    assert biases == {name: {1.0 if name in ones else 0.0} for name in [*ones, "conv1", "conv3", "fc8"]}
    weights = np.concatenate([w.numpy().ravel() for name, w in state.items() if name.endswith("weight")])
    assert abs(weights.mean()) < 2e-4
    assert weights.std() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("variant", ["2012", "2014"])
def test_the_smallest_image_is_63(variant):
    network = alexnet(twice.nn, variant, width=0.02, classes=3, image=63)
    assert network(twice.zeros(1, 3, 63, 63)).shape == (1, 3)
    with pytest.raises(ValueError):
        network(twice.zeros(1, 3, 62, 62))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "2013"}, "variant is '2013', expected one of 2012, 2014"),
        ({"groups": 3}, "groups is 3, expected one of 1, 2"),
        ({"width": 0}, "width is 0, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 62}, "image is 62, expected a number of at least 63"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=f"alexnet: {message}"):
        alexnet(twice.nn, **options)
