"""He's start: the size of the signal is kept through many layers of ReLUs, and both engines draw it alike."""

import numpy as np
import pytest
import torch

import twice
from twice.blocks import engine_of
from twice.networks import he_init


def deep(nn, layers=20, c=64):
    return nn.Sequential(*(part for _ in range(layers) for part in (nn.Linear(c, c), nn.ReLU())))


@pytest.mark.parametrize("nn", [twice.nn, torch.nn], ids=["twice", "torch"])
def test_twenty_layers_neither_blow_up_the_signal_nor_lose_it(nn):
    x = engine_of(nn).tensor(np.random.default_rng(0).normal(size=(256, 64)).astype(np.float32))
    engine_of(nn).manual_seed(0)
    drawn_by_the_layers = deep(nn)
    scale = lambda net: float((net(x).detach().numpy() ** 2).mean()) ** 0.5
    assert scale(drawn_by_the_layers) < 0.1
    assert 0.3 < scale(he_init(nn, drawn_by_the_layers)) < 3


@pytest.mark.parametrize("nn", [twice.nn, torch.nn], ids=["twice", "torch"])
@pytest.mark.parametrize(("mode", "count"), [("fan_in", 8 * 9), ("fan_out", 32 * 9)])
def test_convolutions_have_the_deviation_of_the_mode_and_biases_are_0(nn, mode, count):
    engine_of(nn).manual_seed(1)
    net = he_init(nn, nn.Sequential(nn.Conv2d(8, 32, 3)), mode=mode)
    assert net[0].weight.detach().numpy().std() == pytest.approx((2 / count) ** 0.5, rel=0.05)
    assert not net[0].bias.detach().numpy().any()


def test_fully_connected_layers_can_be_left_as_they_are():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 2))
    before = net[1].weight.clone()
    assert torch.equal(he_init(torch.nn, net, fully_connected=False)[1].weight, before)
    assert not torch.equal(he_init(torch.nn, net)[1].weight, before)
