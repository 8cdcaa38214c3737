"""The combinators: the same composition on either engine, with the same names and numbers."""

import copy

import numpy as np
import pytest
import torch

import twice
from twice import blocks
from twice.files import copy_weights
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("nn", [twice.nn, torch.nn], ids=["twice", "torch"])


def residual(nn):
    body = blocks.chain(nn, conv1=nn.Conv2d(3, 3, 3, padding=1), relu=nn.ReLU(), conv2=nn.Conv2d(3, 3, 3, padding=1))
    return blocks.Sum(nn, body)


def inception(nn):
    return blocks.Concat(
        nn,
        branch1=nn.Conv2d(3, 2, 1),
        branch3=blocks.chain(nn, reduce=nn.Conv2d(3, 2, 1), conv=nn.Conv2d(2, 4, 3, padding=1)),
        pool=nn.MaxPool2d(3, 1, 1),
    )


def excitation(nn):
    gate = blocks.chain(nn, squeeze=nn.AdaptiveAvgPool2d(1), fc=nn.Conv2d(3, 3, 1), sigmoid=nn.Sigmoid())
    return blocks.Scale(nn, gate)


@pytest.mark.parametrize("build", [residual, inception, excitation])
def test_both_engines_agree_on_values_gradients_and_steps(build):
    certificate(build, (2, 3, 6, 5), steps=3).raise_if_failed()


@pytest.mark.parametrize("build", [residual, inception, excitation])
def test_children_have_the_same_names_on_both_engines(build):
    ours, theirs = build(twice.nn).state_dict(), build(torch.nn).state_dict()
    assert list(ours) == list(theirs)
    assert [tuple(v.shape) for v in ours.values()] == [tuple(v.shape) for v in theirs.values()]


def test_names_are_the_authors_own():
    assert list(inception(twice.nn).state_dict())[:4] == [
        "branch1.weight",
        "branch1.bias",
        "branch3.reduce.weight",
        "branch3.reduce.bias",
    ]


@ENGINES
def test_branches_stand_side_by_side_in_their_order(nn):
    top = blocks.engine_of(nn)
    x = top.ones(1, 2, 3, 3)
    y = blocks.Concat(nn, nn.Identity(), nn.Upsample(scale_factor=1), dim=1)(x)
    assert tuple(y.shape) == (1, 4, 3, 3)


@ENGINES
def test_a_sum_without_shortcut_adds_the_input(nn):
    x = blocks.engine_of(nn).ones(2, 3)
    np.testing.assert_array_equal(blocks.Sum(nn, nn.Identity())(x), 2 * np.ones((2, 3)))


@ENGINES
def test_a_sum_never_broadcasts(nn):
    body = nn.AdaptiveAvgPool2d(1)
    with pytest.raises(ValueError, match=r"body gives \(1, 2, 1, 1\) and shortcut \(1, 2, 4, 4\)"):
        blocks.Sum(nn, body)(blocks.engine_of(nn).ones(1, 2, 4, 4))


@ENGINES
def test_a_concat_needs_a_branch(nn):
    with pytest.raises(ValueError, match="no branch came"):
        blocks.Concat(nn)


@ENGINES
def test_blocks_can_be_copied(nn):
    block = residual(nn)
    twin = copy.deepcopy(block)
    copy_weights(block, twin)
    x = blocks.engine_of(nn).ones(1, 3, 4, 4)
    np.testing.assert_array_equal(block(x).detach().numpy(), twin(x).detach().numpy())


def test_a_chain_leaves_out_what_is_none():
    assert list(dict(blocks.chain(twice.nn, a=twice.nn.ReLU(), b=None).named_children())) == ["a"]
