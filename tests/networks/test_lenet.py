"""LeNet-5: the paper's 60,000 parameters, its connections, subsampling and output; both engines."""

import numpy as np
import pytest
import torch

import twice
from networks.support import assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import lenet, lenet_init
from twice.networks.lenet import VARIANTS, digit_codes
from twice.parity import certificate

# C3's inputs in the words of the paper's text: six maps take three neighbours, six take four, three skip some, one all.
NEIGHBOURS = [[(i + j) % 6 for j in range(3)] for i in range(6)] + [[(i + j) % 6 for j in range(4)] for i in range(6)]
INPUTS = [*map(sorted, NEIGHBOURS), [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]


def counts(network):
    return {name: sum(p.numel() for p in child.parameters()) for name, child in network.named_children()}


def test_the_papers_layers_have_60000_trainable_parameters():
    expected = {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164, "output": 0}
    assert counts(lenet(torch.nn)) == expected
    assert sum(expected.values()) == 60_000


@pytest.mark.parametrize("variant", ["tanh", "modern"])
def test_full_connections_and_a_linear_output_have_61706(variant):
    expected = {"c1": 156, "s2": 0, "c3": 2416, "s4": 0, "c5": 48120, "f6": 10164, "output": 850}
    assert counts(lenet(torch.nn, variant)) == expected


@pytest.mark.parametrize("image", [28, 32])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_maps_have_the_papers_sizes(variant, image):
    shapes, x = [], twice.zeros(1, 1, image, image)
    for layer in lenet(twice.nn, variant, image=image):
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]


@pytest.mark.parametrize("width", [1, 2])
def test_each_map_of_c3_sees_the_maps_of_table_1_and_no_other(width):
    c3 = lenet(twice.nn, width=width).c3
    for number in range(16 * width):
        x = twice.ones(1, 6 * width, 5, 5, requires_grad=True)
        c3(x)[0, number].sum().backward()
        seen = np.flatnonzero(np.abs(x.grad.numpy()).sum((0, 2, 3)))
        assert seen.tolist() == [i * width + j for i in INPUTS[number // width] for j in range(width)]


def test_subsampling_squashes_the_sum_of_four_times_a_coefficient_plus_a_bias():
    s2 = lenet(twice.nn).s2
    x = image_batch(6, channels=6)
    coefficient, bias = (p.detach().numpy().reshape(6, 1, 1) for p in s2.parameters())
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    expected = 1.7159 * np.tanh(2 / 3 * (coefficient * total + bias))
    np.testing.assert_allclose(s2(twice.from_numpy(x)).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_output_is_minus_the_squared_distance_to_each_digit():
    output = lenet(twice.nn).output
    codes = np.array(digit_codes(), "float32")
    x = np.random.default_rng(0).standard_normal((3, 84)).astype("float32")
    expected = [[-sum((a - w) ** 2 for a, w in zip(row, code)) for code in codes] for row in x]
    np.testing.assert_allclose(output(twice.from_numpy(x)).numpy(), expected, rtol=1e-5)
    own = output(twice.from_numpy(codes)).numpy()
    assert (np.diag(own) == 0).all()
    assert (own.argmax(1) == np.arange(10)).all()


def test_a_code_is_an_image_of_12_by_7_and_no_two_are_close():
    codes = np.array(digit_codes())
    assert codes.shape == (10, 12 * 7)
    assert set(codes.ravel()) == {-1.0, 1.0}
    assert sorted(np.count_nonzero(a != b) for i, a in enumerate(codes) for b in codes[:i])[0] >= 8


@pytest.mark.parametrize("activation", [None, "Sigmoid"])
@pytest.mark.parametrize("image", [28, 32, 40])
@pytest.mark.parametrize("variant", VARIANTS)
def test_both_engines_agree(variant, image, activation):
    build = lambda nn: lenet(nn, variant, image=image, activation=activation, channels=3, width=2, classes=7)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(image, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_and_steps_agree(variant):
    certificate(lambda nn: lenet(nn, variant, image=28), (2, 1, 28, 28), steps=2, lr=1e-3).raise_if_failed()


@pytest.mark.parametrize("nn", [twice.nn, torch.nn])
def test_the_papers_start_is_within_2_4_over_the_inputs_of_a_unit(nn):
    network = lenet_init(nn, lenet(nn))
    inputs = {"c1": [25], "s2": [4], "c3": [75, 100, 150], "s4": [4], "c5": [400], "f6": [120]}
    for name, fans in inputs.items():
        for p, fan in zip(network.get_submodule(name).parameters(), [fan for fan in fans for _ in "wb"]):
            largest = float(p.detach().abs().max())
            assert largest <= 2.4 / fan
            assert largest > 0.8 * 2.4 / fan or p.numel() < 32


def test_the_smallest_image_is_28():
    network = lenet(twice.nn, "modern", image=28)
    assert network(twice.zeros(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(ValueError):
        network(twice.zeros(1, 1, 27, 27))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "1989"}, "variant is '1989', expected one of 1998, tanh, modern"),
        ({"activation": "GELU"}, "activation is 'GELU', expected one of ScaledTanh, Tanh, Sigmoid, ReLU"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"width": 0.5}, "width is 0.5, expected a whole number for the variant '1998'"),
        ({"classes": 11}, "classes is 11, expected one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        ({"variant": "modern", "classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 27}, "image is 27, expected a number of at least 28"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=f"lenet: {message}"):
        lenet(twice.nn, **options)
