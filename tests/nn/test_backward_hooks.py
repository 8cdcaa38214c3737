"""Backward hooks see and change what torch's see and change."""

import numpy as np
import pytest
import torch

import twice


def run(engine, needs_input, install):
    """A small network with hooks on its middle layer: what they saw, and every gradient."""
    nn, seen = engine.nn, []
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    with engine.no_grad():
        for i, p in enumerate(network.parameters()):
            p.copy_(engine.from_numpy(np.sin(np.arange(p.numel()) + i).reshape(tuple(p.shape))))
    x = engine.from_numpy(np.linspace(-1, 1, 6).reshape(2, 3))
    if needs_input:
        x.requires_grad_()
    handles = install(network, seen)
    network(x).sum().backward()
    gradients = [p.grad.numpy() for p in network.parameters()] + ([x.grad.numpy()] if needs_input else [])
    return seen, gradients, handles


def watch(network, seen):
    def note(name):
        return lambda m, *sides: seen.append((name, [[g if g is None else g.numpy() for g in side] for side in sides]))

    return [
        network[1].register_full_backward_hook(note("tanh")),
        network[1].register_full_backward_pre_hook(note("tanh before")),
        network[0].register_full_backward_hook(note("first")),
    ]


def double(network, seen):
    return [
        network[1].register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 2,)),
        network[2].register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 3,)),
    ]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("needs_input", [True, False])
@pytest.mark.parametrize("install", [watch, double])
def test_hooks_see_and_change_what_torchs_do(install, needs_input):
    ours, our_gradients, _ = run(twice, needs_input, install)
    theirs, their_gradients, _ = run(torch, needs_input, install)
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    for (_, a), (_, b) in zip(ours, theirs):
        for mine, other in zip(a, b):
            for g, h in zip(mine, other):
                assert (g is None) == (h is None)
                if g is not None:
                    np.testing.assert_allclose(g, h, atol=1e-14)
    for g, h in zip(our_gradients, their_gradients):
        np.testing.assert_allclose(g, h, atol=1e-13)


def test_a_removed_hook_is_silent():
    layer, seen = twice.nn.Linear(2, 2), []
    layer.register_full_backward_hook(lambda *_: seen.append(1)).remove()
    layer(twice.ones(1, 2)).sum().backward()
    assert seen == []
