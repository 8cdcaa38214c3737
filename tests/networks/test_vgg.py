"""VGG: the paper's six configurations, torchvision's weights, both engines."""

import pytest
import torch

import twice
from networks.support import assert_equals_torchvision, assert_same_logits, assert_same_names, image_batch, twins
from twice.networks import vgg
from twice.networks.vgg import CONFIGURATIONS
from twice.parity import certificate

LAYERS = {"A": 11, "A-LRN": 11, "B": 13, "C": 16, "D": 16, "E": 19}
MILLIONS = {"A": 133, "A-LRN": 133, "B": 133, "C": 134, "D": 138, "E": 144}  # the paper's table 2


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_layers_and_parameters_are_the_papers(configuration):
    with torch.device("meta"):
        network = vgg(torch.nn, configuration)
    weights = [p for name, p in network.named_parameters() if name.endswith("weight")]
    assert len(weights) == LAYERS[configuration]
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(MILLIONS[configuration], abs=0.7)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_both_engines_agree(configuration, batch_norm):
    options = {"batch_norm": batch_norm, "width": 0.05, "classes": 7}
    assert_same_names(lambda nn: vgg(nn, configuration, **options))
    ours, theirs = twins(lambda nn: vgg(nn, configuration, **options))
    assert_same_logits(ours, theirs, image_batch(64, n=2, dtype="float64"), 1e-9)


def test_gradients_and_steps_agree():
    build = lambda nn: vgg(nn, "A", batch_norm=True, width=0.04, classes=5, dropout=0.0)
    certificate(build, (2, 3, 40, 40), steps=2).raise_if_failed()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name,configuration,batch_norm",
    [(f"vgg{LAYERS[c]}{'_bn' * bn}", c, bool(bn)) for c in "ABDE" for bn in (0, 1)],
)
def test_torchvisions_weights_give_torchvisions_logits(name, configuration, batch_norm):
    assert_equals_torchvision(lambda nn: vgg(nn, configuration, batch_norm=batch_norm), name, size=64)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"configuration": "F"}, "configuration is 'F', expected one of A, A-LRN, B, C, D, E"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
        ({"image": 31}, "image is 31, expected a number of at least 32"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        vgg(twice.nn, **options)
