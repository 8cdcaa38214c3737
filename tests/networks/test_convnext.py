"""ConvNeXt: the paper's sizes, stochastic depth, torchvision's weights, both engines."""

import numpy as np
import pytest
import torch
import torchvision

import twice
from networks.support import assert_exchanges_show, assert_same_logits, assert_same_names, image_batch, shake, twins
from twice.networks import convnext, from_torchvision
from twice.networks.convnext import VARIANTS
from twice.networks.modern import drop_path
from twice.parity import certificate

pytestmark = pytest.mark.slow

# γ = 10⁻⁶ at first, which would hide whatever a block computes: 1 shows it
TINY = {"width": 1 / 24, "classes": 5, "layer_scale": 1.0}
MILLIONS = {"T": 29, "S": 50, "B": 89, "L": 198}  # the paper's table 1
NAMES = {"T": "convnext_tiny", "S": "convnext_small", "B": "convnext_base", "L": "convnext_large"}
ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])


def epsilons(network):
    return [m.eps for m in network.modules() if isinstance(m, torch.nn.LayerNorm)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_and_their_order_are_the_papers_and_torchvisions(variant):
    with torch.device("meta"):
        ours, theirs = convnext(torch.nn, variant), torchvision.models.get_model(NAMES[variant], weights=None)
    assert sum(p.numel() for p in ours.parameters()) / 1e6 == pytest.approx(MILLIONS[variant], abs=0.5)
    assert [v.shape for v in ours.state_dict().values()] == [v.shape for v in theirs.state_dict().values()]
    assert epsilons(ours) == epsilons(theirs)


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_engines_agree(variant):
    build = lambda nn: convnext(nn, variant, **TINY)
    assert_same_names(build)
    assert_same_logits(*twins(build), image_batch(64, n=2, dtype="float64"), 1e-9)


def test_gradients_and_steps_agree():
    build = lambda nn: convnext(nn, stochastic_depth=0.0, **TINY)
    certificate(build, (2, 3, 32, 40), steps=2).raise_if_failed()


@ENGINES
def test_layer_scale_begins_at_a_millionth_for_every_channel(engine):
    state = convnext(engine.nn, width=1 / 24).state_dict()
    scales = {tuple(v.shape): np.unique(v.numpy()).tolist() for key, v in state.items() if key.endswith("scale")}
    assert scales == {(c, 1, 1): [pytest.approx(1e-6)] for c in (4, 8, 16, 32)}


@ENGINES
def test_stochastic_depth_drops_whole_images_and_keeps_the_mean(engine):
    engine.manual_seed(0)
    n, p = 4000, 0.3
    layer = drop_path(engine.nn, p)
    x = engine.ones(n, 2, 3, dtype=engine.float64)
    y = layer(x)
    assert y.dtype == engine.float64
    factors = y.numpy().reshape(n, -1)
    assert np.array_equal(factors, np.repeat(factors[:, :1], 6, axis=1))
    assert np.unique(factors).tolist() == [0, pytest.approx(1 / (1 - p))]
    assert np.mean(factors == 0) == pytest.approx(p, abs=4 * (p * (1 - p) / n) ** 0.5)
    assert layer.eval()(x) is x


@ENGINES
def test_stochastic_depth_passes_the_gradient_of_what_it_keeps(engine):
    engine.manual_seed(0)
    x = engine.ones(64, 3).requires_grad_()
    y = drop_path(engine.nn, 0.5)(x)
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(), y.detach().numpy())


@ENGINES
@pytest.mark.parametrize("variant,rate", [("T", 0.1), ("S", 0.4), ("B", 0.5), ("L", 0.5)])
def test_stochastic_depth_rises_to_the_papers_rate(engine, variant, rate):
    rates = [m.p for m in convnext(engine.nn, variant, **TINY).modules() if type(m).__name__ == "DropPath"]
    assert np.allclose(rates, np.linspace(0, rate, len(rates)))
    assert len(rates) == sum(VARIANTS[variant][1])


def torchvisions(variant):
    torch.manual_seed(0)
    reference = torchvision.models.get_model(NAMES[variant], weights=None, layer_scale=1.0)
    shake(reference)
    with torch.no_grad():
        for key, value in reference.named_parameters():
            if key.endswith("layer_scale"):
                value.uniform_(0.5, 1.5)
    return reference


def test_torchvisions_weights_give_torchvisions_logits():
    reference = torchvisions("T")
    network = from_torchvision(convnext(twice.nn), reference.state_dict())
    assert_same_logits(network, reference, image_batch(32, n=2))


def test_an_exchange_of_two_tensors_would_show():
    assert_exchanges_show(torchvisions("T"), image_batch(64), pairs=30)


@pytest.mark.slow
@pytest.mark.parametrize("variant,size", [("T", 224), ("S", 96), ("B", 96)])
def test_torchvisions_weights_give_torchvisions_logits_at_larger_sizes(variant, size):
    reference = torchvisions(variant)
    network = from_torchvision(convnext(twice.nn, variant), reference.state_dict())
    assert_same_logits(network, reference, image_batch(size))


@ENGINES
def test_the_smallest_image_is_one_position_in_the_last_stage(engine):
    network = convnext(engine.nn, image=32, **TINY)
    assert tuple(network(engine.from_numpy(image_batch(32))).shape) == (1, 5)
    with pytest.raises((ValueError, RuntimeError)):
        network(engine.from_numpy(image_batch(31)))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "XXL"}, "convnext: variant is 'XXL', expected one of T, S, B, L"),
        ({"width": -1}, "convnext: width is -1, expected a factor above 0"),
        ({"classes": 0}, "convnext: classes is 0, expected a number of at least 1"),
        ({"image": 31}, "convnext: image is 31, expected a number of at least 32"),
        ({"layer_scale": -1}, "convnext: layer_scale is -1, expected a number of at least 0"),
        ({"stochastic_depth": 1}, "convnext: stochastic_depth is 1, expected a number below 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        convnext(twice.nn, **options)
