"""The comparison with torchvision can fail: were two tensors of one shape exchanged, the logits would tell."""

import pytest
import torch

from networks.support import assert_exchanges_show, image_batch, reference_of

SIZES = {"alexnet": 63, "resnet18": 64, "resnet50": 64, "resnext50_32x4d": 48, "squeezenet1_0": 64}
SLOW = {"vgg11": 64, "vgg16_bn": 64, "resnet152": 64, "densenet121": 48, "googlenet": 96, "inception_v3": 139}


@pytest.mark.parametrize(
    "name,size", [*SIZES.items(), *(pytest.param(*item, marks=pytest.mark.slow) for item in SLOW.items())]
)
def test_an_exchange_of_two_tensors_would_show(name, size):
    assert_exchanges_show(reference_of(name, size), image_batch(size), pairs=8)


def test_an_exchange_that_does_not_show_is_found():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 48), torch.nn.Linear(48, 48)).double()
    for layer in network[1:]:
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    with pytest.raises(AssertionError, match="changed places, and the logits stayed"):
        assert_exchanges_show(network, image_batch(4, dtype="float64"))
