"""The blocks that are compared, and AlexNet with an ingredient taken out: both engines build the same."""

import numpy as np
import pytest
import torch

import twice
from twice.networks import from_torchvision
from twice.runs import blocks, ingredients
from twice.runs.training import parameters
from twice.summary import summary


@pytest.mark.parametrize("name", blocks.BLOCKS)
def test_a_block_in_its_skeleton_is_the_same_on_both_engines(name):
    torch.manual_seed(0)
    theirs = blocks.network(torch.nn, name, [8, 16]).double().eval()
    ours = from_torchvision(blocks.network(twice.nn, name, [8, 16]).double(), theirs.state_dict()).eval()
    x = np.random.default_rng(0).normal(size=(2, 3, 16, 16))
    np.testing.assert_allclose(
        ours(twice.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("name", blocks.BLOCKS)
def test_a_block_gives_its_stage_the_channels_asked_for_and_keeps_the_map(name):
    block = blocks.BLOCKS[name](torch.nn, 8, 16)
    assert block(torch.zeros(1, 8, 10, 10)).shape == (1, 16, 10, 10)


def kernels(name, c=16, k=16) -> int:
    """The weights of a block's convolutions."""
    block = blocks.BLOCKS[name](torch.nn, c, k)
    return sum(m.weight.numel() for m in block.modules() if isinstance(m, torch.nn.Conv2d))


def test_the_pairs_cost_what_their_papers_say():
    assert kernels("three 3×3") == 27 * 16**2
    assert kernels("one 7×7") == 49 * 16**2
    assert kernels("1×7 and 7×1") == 14 * 16**2
    assert kernels("two separable 3×3") == pytest.approx(kernels("two 3×3") * (1 / 16 + 1 / 9))
    for name, field in (("three 3×3", 7), ("one 7×7", 7), ("two 3×3", 5), ("one 5×5", 5), ("1×7 and 7×1", 7)):
        block = blocks.BLOCKS[name](torch.nn, 4, 4)
        assert summary(block, (1, 4, 32, 32)).layers[-1].field.size == field


def test_residual_units_with_groups_cost_about_as_much_as_those_without():
    names = ("residual", "residual in groups")
    plain, grouped = (parameters(blocks.network(torch.nn, name, [16, 32, 64])) for name in names)
    assert grouped == pytest.approx(plain, rel=0.25)


CHANGES = ingredients.WITHOUT


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "no augmentation"])
def test_an_ingredient_is_taken_out_of_the_network(name):
    net = ingredients.network(torch.nn, 1 / 16, 63, **CHANGES[name])
    kinds = [type(layer).__name__ for layer in net.modules()]
    assert ("Tanh" in kinds) == (name == "tanh instead of ReLU") == ("ReLU" not in kinds)
    assert ("LocalResponseNorm" in kinds) == (name != "no response normalisation")
    assert (net.features.pool1.kernel_size == 2) == (name == "poolings that do not overlap")
    assert (net.classifier.drop6.p == 0) == (name == "no dropout")
    assert net(torch.zeros(1, 3, 63, 63)).shape == (1, 10)


def test_ten_crops_are_averaged_before_the_decision():
    """A network that is right on most crops, and sure, overrules the crops on which it is wrong."""

    class Brightness(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x):
            level = x.mean((1, 2, 3))
            return torch.stack([torch.zeros_like(level), 40 * (level - 0.3)], 1)

    pictures = np.zeros((2, 6, 6, 3), np.uint8)
    pictures[0, :2] = 255  # bright above: the four upper crops and no others see it
    pictures[1, 1:] = 255
    scale = lambda batch: np.moveaxis(batch, -1, 1).astype(np.float32) / 255
    found = ingredients.on_ten_crops(Brightness(), (pictures, np.array([0, 1])), 4, scale)
    assert found == {"ten_crop_accuracy": 1.0}
    found = ingredients.on_ten_crops(Brightness(), (pictures, np.array([1, 1])), 4, scale)
    assert found == {"ten_crop_accuracy": 0.5}
