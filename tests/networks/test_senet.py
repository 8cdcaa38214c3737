"""SENet: what a gate computes and costs, and both engines."""

import numpy as np
import pytest
import torch

import twice
from networks.counting import multiply_adds, on_meta, parameters, shapes, weighted
from networks.support import assert_same_logits, assert_same_names, image_batch, logits, shake, twins
from twice.networks import resnet, resnext, se_resnet, se_resnext
from twice.networks.resnet import basic
from twice.networks.senet import excitation
from twice.parity import certificate

STAGES = [(3, 256), (4, 512), (6, 1024), (3, 2048)]  # blocks and channels of 50 layers


@pytest.mark.parametrize("reduction", [4, 8, 16, 32])
def test_gates_add_the_papers_weights(reduction):
    """Equation 5: (2/r) Σ N·C², 2.5 M at r = 16; the biases are the difference."""
    gated = on_meta(se_resnet, 50, reduction=reduction)
    added = [layer for name, layer in weighted(gated).items() if ".gate." in name]
    assert sum(layer.weight.numel() for layer in added) == 2 * sum(n * c * c for n, c in STAGES) // reduction
    biases = sum(layer.bias.numel() for layer in added)
    assert biases == sum(n * (c + c // reduction) for n, c in STAGES)
    weights = sum(layer.weight.numel() for layer in added)
    assert sum(p.numel() for p in gated.parameters()) == parameters(resnet, 50) + weights + biases


def test_parameters_are_the_papers():
    assert round((parameters(se_resnet, 50) - parameters(resnet, 50)) / 1e6, 1) == 2.5
    assert parameters(se_resnext, 50) - parameters(resnext, 50) == parameters(se_resnet, 50) - parameters(resnet, 50)


def test_multiply_adds_are_the_papers():
    """3.86 G become 3.87 G, if squeezing and scaling count one for each number of the map."""
    gated, seen = on_meta(se_resnet, 50, stride_in="1x1"), shapes(on_meta(se_resnet, 50), 224)
    maps = sum(np.prod(shape) for name, shape in seen.items() if name.endswith(".scale"))
    assert round(multiply_adds(on_meta(resnet, 50, stride_in="1x1"), 224) / 1e9, 2) == 3.86
    assert round((multiply_adds(gated, 224) + 2 * maps) / 1e9, 2) == 3.87


def test_a_gate_is_a_perceptron_of_the_means():
    gate, x = excitation(torch.nn, 32, 16), torch.randn(2, 32, 5, 4)
    means = x.mean((2, 3))
    hidden = torch.relu(means @ gate.fc1.weight[:, :, 0, 0].T + gate.fc1.bias)
    expected = torch.sigmoid(hidden @ gate.fc2.weight[:, :, 0, 0].T + gate.fc2.bias)
    assert hidden.shape == (2, 2)
    torch.testing.assert_close(gate(x)[:, :, 0, 0], expected)


def test_a_gate_scales_f_and_not_the_shortcut():
    network = se_resnet(torch.nn, 18, width=0.25)
    shake(network)
    block = network.layer1[1].eval()
    block.sum.body.scale.gate.fc2.weight.data.fill_(0)
    block.sum.body.scale.gate.fc2.bias.data.fill_(-1e4)  # sigmoid 0
    x = torch.randn(1, 16, 6, 6)
    torch.testing.assert_close(block(x.clone()), torch.relu(x))


def test_a_gate_of_few_channels_keeps_one():
    assert excitation(twice.nn, 4).fc1.weight.shape == (1, 4, 1, 1)


@pytest.mark.parametrize(
    "build,options", [(se_resnet, {}), (se_resnet, {"depth": 18, "preactivation": True}), (se_resnext, {})]
)
def test_both_engines_agree(build, options):
    made = lambda nn: build(nn, width=0.1, classes=7, reduction=4, **options)
    assert_same_names(made)
    assert_same_logits(*twins(made), image_batch(33, n=2, dtype="float64"), 1e-9)


def test_gradients_and_steps_agree():
    certificate(lambda nn: se_resnet(nn, 18, width=0.06, classes=5), (3, 3, 48, 48), steps=2).raise_if_failed()


def test_the_smallest_image_is_one_pixel():
    assert logits(se_resnet(twice.nn, 18, width=0.1, image=1), image_batch(1))[0].shape == (1, 1000)


def test_a_block_without_a_gate_has_no_scale():
    assert not any(type(module).__name__ == "Scale" for module in basic(twice.nn, 4, 4).modules())


@pytest.mark.parametrize("build", [se_resnet, se_resnext])
def test_a_bad_option_gets_a_sentence(build):
    with pytest.raises(ValueError, match=f"{build.__name__}: reduction is 0, expected a number of at least 1"):
        build(twice.nn, reduction=0)
    with pytest.raises(ValueError, match="depth is 51, expected one of"):
        build(twice.nn, 51)
