"""Module: what assignment registers, how the tree is walked, saved, loaded, copied, converted and hooked."""

import io
import pickle
from collections import OrderedDict
from copy import deepcopy

import numpy as np
import pytest
import torch

import twice
from twice import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 2, bias=False)
        self.scale = nn.Parameter(twice.ones(1))
        self.register_buffer("mask", twice.tril(twice.ones(2, 2)))
        self.register_buffer("scratch", twice.zeros(2), persistent=False)

    def forward(self, x):
        return self.last(self.norm(self.first(x)).relu()) * self.scale


def names(pairs):
    return [name for name, _ in pairs]


# ── registering ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_assignment_registers_parameters_modules_and_nothing_else():
    net = Net()
    net.plain, net.number = twice.zeros(2), 3
    assert names(net.named_parameters()) == [
        "scale",
        "first.weight",
        "first.bias",
        "norm.weight",
        "norm.bias",
        "last.weight",
    ]
    assert names(net.named_children()) == ["first", "norm", "last"]
    assert names(net.named_buffers()) == [
        "mask",
        "scratch",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    assert net.get_buffer("mask") is net.mask
    assert net.get_parameter("first.weight") is net.first.weight
    assert net.get_submodule("") is net


def test_parameters_are_plain_attributes():
    net = Net()
    assert net.__dict__["scale"] is net.scale is net._parameters["scale"]


def test_parameter_shares_the_memory_of_its_tensor():
    t = twice.zeros(2, 3)
    p = nn.Parameter(t)
    assert isinstance(p, twice.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    assert np.shares_memory(p.detach().numpy(), t.numpy())
    assert repr(nn.Parameter(twice.ones(1))).startswith("Parameter containing:\ntensor([1.]")


def test_parameter_may_be_frozen():
    p = nn.Parameter(twice.zeros(2), requires_grad=False)
    assert not p.requires_grad


def test_result_of_arithmetic_is_a_tensor_not_a_parameter():
    p = nn.Parameter(twice.ones(2))
    assert type(p * 2) is twice.Tensor
    assert type(p.detach()) is twice.Tensor
    assert type(p.view(2, 1)) is twice.Tensor


def test_a_new_parameter_replaces_the_old_one_in_its_place():
    net = Net()
    net.first.weight = nn.Parameter(twice.zeros(4, 3))
    assert names(net.first.named_parameters()) == ["weight", "bias"]
    assert not net.first.weight.detach().numpy().any()


def test_a_name_changes_its_kind():
    net = Net()
    net.first = nn.Parameter(twice.zeros(1))
    assert "first" not in names(net.named_children())
    assert "first" in names(net.named_parameters())


def test_deleting_unregisters():
    net = Net()
    del net.first, net.scale, net.mask
    assert "first.weight" not in net.state_dict()
    assert not hasattr(net, "scale")
    assert "mask" not in names(net.named_buffers())
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'first'"):
        net.first


def test_none_keeps_the_place_of_a_parameter():
    layer = nn.Linear(2, 2)
    layer.bias = None
    assert "bias" in layer._parameters
    assert list(layer.state_dict()) == ["weight"]
    assert layer(twice.zeros(1, 2)).shape == (1, 2)


def test_a_buffer_is_exchanged_by_assignment():
    net = Net()
    net.mask = twice.zeros(5)
    assert net.state_dict()["mask"].shape == (5,)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda m: setattr(m, "scale", twice.ones(1)), TypeError, "'scale' is assigned a Tensor, expected a Parameter"),
        (lambda m: setattr(m, "first", 3), TypeError, "'first' is assigned a int, expected a Module"),
        (lambda m: setattr(m, "mask", 3), TypeError, "'mask' is assigned a int, expected a Tensor"),
        (lambda m: m.register_buffer("a.b", None), KeyError, "holds no '.'"),
        (lambda m: m.register_parameter("", None), KeyError, "not empty"),
        (lambda m: m.register_buffer("forward", None), KeyError, "already exists"),
        (lambda m: m.register_buffer("b", 3), TypeError, "'b' is a int, expected a Tensor"),
        (lambda m: m.register_parameter("b", twice.ones(1)), TypeError, "expected a Parameter"),
        (lambda m: m.add_module("b", 3), TypeError, "expected a Module"),
        (lambda m: m.add_module(3, nn.Identity()), TypeError, "expected a string"),
        (lambda m: m.get_submodule("first.inner"), AttributeError, "has no module 'inner'"),
        (lambda m: m.get_parameter("first.scale"), AttributeError, "has no parameter 'scale'"),
        (lambda m: m.get_buffer("scale"), AttributeError, "has no buffer 'scale'"),
        (lambda m: nn.Module()(1), NotImplementedError, 'has no "forward"'),
        (lambda m: m.half(), NotImplementedError, "float16 is not supported"),
        (lambda m: m.bfloat16(), NotImplementedError, "bfloat16"),
        (lambda m: m.cuda(), NotImplementedError, "cuda"),
        (lambda m: m.to("cuda:0"), NotImplementedError, "cuda"),
        (lambda m: m.register_forward_hook(print, always_call=True), NotImplementedError, "always_call"),
    ],
)
def test_mistakes_are_named(act, error, message):
    with pytest.raises(error, match=message):
        act(Net())


def test_forgetting_the_base_constructor_is_named():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Identity()

    with pytest.raises(AttributeError, match=r"'layer' was assigned before Module\.__init__"):
        Forgetful()


# ── walking ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_shared_parameters_and_modules_are_walked_once_and_saved_under_every_name():
    for n in (nn, torch.nn):
        net = n.Module()
        net.a, net.b = n.Linear(2, 2), n.Linear(2, 2)
        net.a.weight = net.b.weight
        net.c = net.a
        assert names(net.named_parameters()) == ["a.weight", "a.bias", "b.bias"]
        assert names(net.named_parameters(remove_duplicate=False))[-2:] == ["c.weight", "c.bias"]
        assert names(net.named_children()) == ["a", "b"]
        assert names(net.named_modules()) == ["", "a", "b"]
        assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias"]
        assert len(list(net.modules())) == 3


def test_prefixes_and_recursion_as_in_torch():
    for n in (nn, torch.nn):
        net = n.Sequential(n.Linear(2, 2), n.Sequential(n.BatchNorm1d(2)))
        assert names(net.named_parameters("net"))[0] == "net.0.weight"
        assert names(net.named_modules(prefix="net")) == ["net", "net.0", "net.1", "net.1.0"]
        assert names(net.named_parameters(recurse=False)) == []
        assert list(net.state_dict(prefix="net."))[-1] == "net.1.0.num_batches_tracked"


def test_apply_visits_children_first():
    visited = []
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    assert net.apply(lambda m: visited.append(m._get_name())) is net
    assert visited == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_train_and_eval_reach_every_module_and_respect_an_override():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(nn.Dropout(), Frozen(2), nn.Sequential(nn.Dropout()))
    assert net.train() is net
    assert [m.training for m in net.modules()] == [True, True, False, True, True]
    assert not any(m.training for m in net.eval().modules())


def test_zero_grad_forgets_or_zeroes():
    net = Net()
    net(twice.randn(4, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert not net.first.weight.grad.numpy().any()
    net.zero_grad()
    assert net.first.weight.grad is None


def test_requires_grad_freezes():
    net = Net().requires_grad_(False)
    assert not net(twice.randn(4, 3)).requires_grad


# ── dtypes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "convert", [lambda m: m.double(), lambda m: m.to(twice.float64), lambda m: m.to("cpu", dtype=twice.float64)]
)
def test_conversion_keeps_the_parameters_and_changes_their_dtype(convert):
    net = Net()
    net(twice.randn(4, 3)).sum().backward()
    before = list(net.parameters())
    assert convert(net) is net
    assert all(a is b for a, b in zip(before, net.parameters()))
    assert {p.dtype for p in net.parameters()} == {np.dtype("float64")}
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype("float64")}
    assert net.norm.num_batches_tracked.dtype == np.int64
    assert net(twice.randn(4, 3, dtype=twice.float64)).dtype == np.float64
    assert net.float().first.weight.dtype == np.float32


def test_factory_arguments_choose_the_dtype():
    assert nn.Linear(2, 3, dtype=twice.float64, device="cpu").weight.dtype == np.float64
    assert nn.BatchNorm2d(2, dtype=twice.float64).running_mean.dtype == np.float64
    with pytest.raises(NotImplementedError, match="cuda"):
        nn.Linear(2, 3, device="cuda")


# ── saving and loading ──────────────────────────────────────────────────────────────────────────────────────────


def test_state_shares_memory_and_is_off_the_tape():
    net = Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert not state["first.weight"].requires_grad
    assert np.shares_memory(state["first.weight"].numpy(), net.first.weight.array)
    assert "scratch" not in state
    assert net.state_dict(keep_vars=True)["scale"] is net.scale


@pytest.mark.parametrize("as_values", [lambda v: v, lambda v: v.numpy(), lambda v: torch.tensor(v.numpy())])
def test_loading_takes_tensors_of_either_engine_and_arrays(as_values):
    source, target = Net(), Net()
    answer = target.load_state_dict({k: as_values(v) for k, v in source.state_dict().items()})
    assert str(answer) == "<All keys matched successfully>"
    for a, b in zip(source.parameters(), target.parameters()):
        np.testing.assert_array_equal(a.array, b.array)
        assert not np.shares_memory(a.array, b.array)


def test_loading_refuses_with_one_list_of_everything_and_changes_nothing():
    net = Net()
    state = OrderedDict(net.state_dict(), extra=twice.ones(1))
    del state["mask"]
    state["first.weight"] = twice.zeros(5, 3)
    state["first.bias"] = twice.zeros(4) + 9
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value).splitlines() == [
        "Error(s) in loading state_dict for Net:",
        '\tMissing key(s) in state_dict: "mask".',
        '\tUnexpected key(s) in state_dict: "extra".',
        "\tsize mismatch for first.weight: copying a param with shape (5, 3) from checkpoint, "
        "the shape in current model is (4, 3).",
    ]
    assert net.first.bias.detach().numpy().max() < 9


def test_loading_without_strictness_reports_what_it_left():
    net = Net()
    state = dict(net.state_dict(), extra=twice.ones(1))
    del state["mask"]
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert missing == ["mask"]
    assert unexpected == ["extra"]
    with pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict({"scale": twice.zeros(2)}, strict=False)


def test_loading_may_assign_instead_of_copying():
    net = Net()
    state = {k: twice.zeros(v.shape, dtype=twice.float64) for k, v in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    assert net.first.weight.dtype == np.float64
    assert isinstance(net.first.weight, nn.Parameter)
    assert np.shares_memory(net.first.weight.array, state["first.weight"].numpy())
    assert np.shares_memory(net.norm.running_mean.numpy(), state["norm.running_mean"].numpy())


@pytest.mark.parametrize(
    ("state", "message"), [([1], "is a list, expected a dict"), ({"scale": "x"}, "scale is a str")]
)
def test_loading_refuses_what_is_no_state(state, message):
    with pytest.raises(TypeError, match=message):
        Net().load_state_dict(state, strict=False)


def test_loading_between_use_and_backward_is_noticed():
    net = Net()
    loss = net(twice.randn(4, 3)).sum()
    net.load_state_dict(Net().state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_copies_keep_ties_hooks_and_frozen_parameters():
    net = Net()
    net.tied = nn.Linear(3, 4)
    net.tied.weight = net.first.weight
    net.scale.requires_grad_(False)
    buffer = io.BytesIO()
    pickle.dump(net, buffer)
    for copy in (deepcopy(net), pickle.loads(buffer.getvalue())):
        assert copy.tied.weight is copy.first.weight is not net.first.weight
        assert not copy.scale.requires_grad
        assert copy.first.weight.requires_grad
        np.testing.assert_array_equal(copy.eval()(twice.ones(1, 3)).detach().numpy(),
                                      net.eval()(twice.ones(1, 3)).detach().numpy())  # fmt: skip


# ── hooks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hooks_see_and_replace_inputs_and_outputs_as_in_torch():
    for T, n in ((twice, nn), (torch, torch.nn)):
        layer, seen = n.Identity(), []
        before = layer.register_forward_pre_hook(lambda m, args, seen=seen: seen.append("before") or (args[0] + 1,))
        after = layer.register_forward_hook(lambda m, args, y, seen=seen: seen.append(float(args[0])) or y * 10)
        first = layer.register_forward_hook(lambda m, args, y, seen=seen: seen.append("first"), prepend=True)
        assert float(layer(T.tensor(2.0))) == 30
        assert seen == ["before", "first", 3.0]
        for handle in (before, after, first):
            handle.remove()
        handle.remove()
        assert float(layer(T.tensor(2.0))) == 2


def test_hooks_are_called_in_the_order_of_their_registration():
    layer, seen = nn.Identity(), []
    for name in "abc":
        layer.register_forward_pre_hook(lambda m, args, name=name: seen.append(f"before {name}"))
        layer.register_forward_hook(lambda m, args, y, name=name: seen.append(f"after {name}"))
    layer(0)
    assert seen == [f"{when} {name}" for when in ("before", "after") for name in "abc"]


def test_hooks_may_see_keywords_as_in_torch():
    for n in (nn, torch.nn):

        class Power(n.Module):
            def forward(self, x, exponent=1):
                return x**exponent

        layer = Power()
        layer.register_forward_pre_hook(lambda m, args, kwargs: (args, {"exponent": 3}), with_kwargs=True)
        layer.register_forward_hook(lambda m, args, kwargs, y: y + kwargs["exponent"], with_kwargs=True)
        assert layer(2) == 11
        assert layer(2, exponent=1) == 11


def test_a_handle_is_a_context():
    layer = nn.Identity()
    with layer.register_forward_hook(lambda m, args, y: y + 1):
        assert layer(1) == 2
    assert layer(1) == 1
