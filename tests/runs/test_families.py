"""GoogLeNet's heads and DenseNet's rivals: what the experiments train is what their tables say."""

import pytest
import torch

from twice.networks import cifar_densenet
from twice.runs import dense_residual, heads
from twice.runs.training import images, parameters
from twice.summary import summary


def test_the_rivals_have_as_many_parameters_and_as_many_multiply_adds():
    dense, thin, wide = (
        (parameters(net), summary(net, (1, 3, 24, 24)).multiply_adds)
        for net in (build(torch.nn, image=24) for build in dense_residual.NETWORKS.values())
    )
    assert thin[0] == pytest.approx(dense[0], rel=0.02)
    assert wide[1] == pytest.approx(dense[1], rel=0.02)
    assert dense[0] == parameters(cifar_densenet(torch.nn, 40, 5))


@pytest.mark.parametrize("kind", heads.KINDS)
def test_heads_are_there_where_they_are_asked_for_and_do_not_change_the_answer(kind):
    x = torch.zeros(2, 3, 80, 80)
    for auxiliary in (False, True):
        torch.manual_seed(0)
        net = heads.thin_googlenet(torch.nn, kind, auxiliary, 80).train()
        output = net(x)
        assert isinstance(output, tuple) == auxiliary
        assert heads.answer(output).shape == (2, 10)
        biased = any(m.bias is not None for m in net.modules() if isinstance(m, torch.nn.Conv2d))
        assert biased == (kind != "BatchNorm")
    deviations = net.inception5b.branch1.conv.weight.std() * net.inception5b.branch1.conv.in_channels**0.5
    assert deviations.item() == pytest.approx(3**-0.5 if kind == "torch's weights" else 2**0.5, rel=0.05)


def test_a_head_counts_with_its_weight():
    """Torn apart: the network's own answer is right, that of the head is even."""
    target = torch.tensor([0, 1])
    sure, even = 50 * torch.eye(2), torch.zeros(2, 2)
    assert heads.loss(torch.nn, sure, target).item() == pytest.approx(0, abs=1e-6)
    assert heads.loss(torch.nn, (sure, even, even), target).item() == pytest.approx(0.6 * 0.6931, rel=1e-3)
    assert heads.right((sure, even), target).tolist() == [True, True]


def test_when_it_has_begun_to_learn():
    assert heads.first_epoch({"validation_accuracy": [0.1, 0.5, 0.4]}) == "2"
    assert heads.first_epoch({"validation_accuracy": [0.1, 0.2, 0.3]}) == "–"


def test_a_cut_connection_is_felt_where_the_network_uses_it_and_nothing_else_is_changed():
    """A classifier that looks at one layer's maps alone: cutting any other connection into it changes nothing."""
    torch.manual_seed(0)
    net = cifar_densenet(torch.nn, 16, 4, image=16)
    net.classifier.weight.data[:, :-4] = 0
    net.classifier.weight.data[:, -4:] *= 100
    world = images("shapes", 8, 32, size=16, difficulty=0.3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    rise = dense_residual.reuse(net, world)["rise"]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [[len(sources) for sources in block] for block in rise] == [[1, 2, 3]] * 3
    assert rise[2][2][:2] == pytest.approx([0, 0])
    assert abs(rise[2][2][2]) > 1e-3


def test_the_sources_of_a_connection_are_all_channels_in_order():
    net = cifar_densenet(torch.nn, 16, 4, image=16)
    for block in (1, 2, 3):
        for count, (weight, cuts) in enumerate(dense_residual.connections(net, block), 1):
            assert len(cuts) == count
            assert [c for cut in cuts for c in range(cut.start, cut.stop)] == list(range(weight.shape[1]))
            assert all(cut.stop - cut.start == 4 for cut in cuts[1:])
