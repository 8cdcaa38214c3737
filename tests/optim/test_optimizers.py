"""The optimisers against torch's, number by number."""

import copy
import warnings

import numpy as np
import pytest
import torch

from twice import Tensor, optim
from twice.optim.optimizer import BLOCK

SHAPES = [(3, 4), (5,), (), (2, 3, 1), (0, 2)]
CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.5, "maximize": True, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.02, "betas": (0.7, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "amsgrad": True}),
    ("Adam", {"lr": 0.02, "maximize": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.02, "betas": (0.0, 0.0)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.9, "centered": True, "maximize": True, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.3, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("Adagrad", {"lr": 0.1, "maximize": True, "weight_decay": 0.1}),
]
ALGORITHMS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"]
RICH = {"SGD": {"momentum": 0.9}, "Adam": {"amsgrad": True}, "RMSprop": {"momentum": 0.9, "centered": True}}


def twins(dtype=np.float64, shapes=SHAPES, seed=0):
    """The same parameters on both engines."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    arrays = [np.asarray(a) for a in arrays]
    ours = [Tensor(a.copy(), requires_grad=True) for a in arrays]
    return ours, [torch.tensor(a, requires_grad=True) for a in arrays]


def give_gradients(ours, theirs, rng):
    for p, q in zip(ours, theirs):
        g = np.asarray(rng.standard_normal(p.shape).astype(p.dtype))
        p.grad, q.grad = Tensor(g.copy()), torch.from_numpy(g.copy())


def walk(optimizer, reference, ours, theirs, steps=10, seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        give_gradients(ours, theirs, rng)
        optimizer.step()
        reference.step()


def assert_same(ours, theirs, tolerance=1e-12):
    for p, q in zip(ours, theirs):
        q = q.detach().numpy()
        assert p.array.dtype == q.dtype
        np.testing.assert_allclose(p.array, q, rtol=tolerance, atol=tolerance * np.abs(q).max(initial=0))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=lambda v: v if isinstance(v, str) else ",".join(v) or "defaults"
)
def test_ten_steps_give_torchs_numbers(name, options, dtype, tolerance):
    ours, theirs = twins(dtype)
    optimizer, reference = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    walk(optimizer, reference, ours, theirs)
    assert_same(ours, theirs, tolerance)
    for p, q in zip(ours, theirs):
        assert optimizer.state[p].keys() == {k for k, v in reference.state[q].items() if v is not None}
        for key, value in optimizer.state[p].items():
            assert_same([value], [reference.state[q][key]], tolerance)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_parameter_longer_than_a_block_is_stepped_to_its_end(name):
    ours, theirs = twins(shapes=[(2, BLOCK + 7)])
    options = RICH.get(name, {})
    walk(getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options), ours, theirs, steps=3)
    assert_same(ours, theirs)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_transposed_parameter_and_gradient_are_stepped_in_place(name):
    ours, theirs = twins(shapes=[(3, 4)])
    p = ours[0]
    memory = p.array = np.asfortranarray(p.array)
    optimizer, reference = getattr(optim, name)(ours), getattr(torch.optim, name)(theirs)
    rng = np.random.default_rng(1)
    for _ in range(3):
        give_gradients(ours, theirs, rng)
        p.grad = Tensor(np.asfortranarray(p.grad.array))
        optimizer.step()
        reference.step()
    assert p.array is memory
    assert_same(ours, theirs)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_groups_have_options_of_their_own_and_parameters_without_gradient_rest(name):
    ours, theirs = twins(shapes=[(3,), (4,), (5,)])
    groups = lambda p: [{"params": p[0], "lr": 0.5, "weight_decay": 0.25}, {"params": p[1:]}]
    optimizer, reference = getattr(optim, name)(groups(ours)), getattr(torch.optim, name)(groups(theirs))
    rng = np.random.default_rng(1)
    for _ in range(3):
        give_gradients(ours, theirs, rng)
        ours[2].grad = theirs[2].grad = None
        optimizer.step()
        reference.step()
    assert_same(ours, theirs)


def test_nothing_warns_when_numbers_overflow():
    p = Tensor(np.full(3, 1e30, np.float32), requires_grad=True)
    p.grad = Tensor(np.full(3, 1e30, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optim.Adam([p]).step()


def as_torch(state):
    if isinstance(state, Tensor):
        return torch.from_numpy(state.array.copy())
    if isinstance(state, dict):
        return {k: as_torch(v) for k, v in state.items()}
    return [as_torch(v) for v in state] if isinstance(state, list) else state


def as_twice(state):
    if isinstance(state, torch.Tensor):
        return Tensor(state.numpy().copy())
    if isinstance(state, dict):
        return {k: as_twice(v) for k, v in state.items()}
    return [as_twice(v) for v in state] if isinstance(state, list) else state


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_run_goes_on_from_its_own_and_from_torchs_state(name):
    options = RICH.get(name, {})
    ours, theirs = twins()
    optimizer, reference = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    walk(optimizer, reference, ours, theirs, steps=4)
    for state in (optimizer.state_dict(), as_twice(reference.state_dict())):
        params = [Tensor(p.array.copy(), requires_grad=True) for p in ours]
        expected = [q.detach().clone().requires_grad_() for q in theirs]
        resumed, oracle = getattr(optim, name)(params), getattr(torch.optim, name)(expected)
        resumed.load_state_dict(state)
        oracle.load_state_dict(as_torch(optimizer.state_dict()))  # and torch reads ours
        walk(resumed, oracle, params, expected, steps=4, seed=2)
        assert_same(params, expected)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_state_dict_has_torchs_keys_and_numbers(name):
    ours, theirs = twins()
    groups = lambda p: [{"params": p[:2], "lr": 0.5}, {"params": p[2:]}]
    optimizer = getattr(optim, name)(groups(ours), **RICH.get(name, {}))
    reference = getattr(torch.optim, name)(groups(theirs), **RICH.get(name, {}))
    walk(optimizer, reference, ours, theirs, steps=1)
    ours, theirs = optimizer.state_dict(), reference.state_dict()
    assert ours["param_groups"] == theirs["param_groups"]
    assert {k: set(v) for k, v in ours["state"].items()} == {k: set(v) for k, v in theirs["state"].items()}
    for number, state in theirs["state"].items():
        for key, value in state.items():
            assert ours["state"][number][key].array.dtype == value.numpy().dtype


def test_loading_copies_the_state_and_keeps_the_parameters_dtype():
    (p,), _ = twins(shapes=[(3,)])
    optimizer = optim.Adam([p])
    p.grad = Tensor(np.ones(3))
    optimizer.step()
    q = Tensor(np.zeros(3, np.float32), requires_grad=True)
    other = optim.Adam([q])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q]["exp_avg"].dtype == np.float32
    before = optimizer.state[p]["exp_avg"].array.copy()
    q.grad = Tensor(np.ones(3, np.float32))
    other.step()
    np.testing.assert_array_equal(optimizer.state[p]["exp_avg"].array, before)
    assert float(optimizer.state[p]["step"].array) == 1


def test_a_closure_is_called_with_gradients_on_and_its_loss_returned():
    p = Tensor(np.array([3.0]), requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    from twice import no_grad

    with no_grad():
        assert optimizer.step(closure).item() == 9
    np.testing.assert_allclose(p.array, [2.4])


def test_zero_grad_forgets_or_fills_with_zeros():
    p = Tensor(np.ones(2), requires_grad=True)
    optimizer = optim.SGD([p])
    p.grad = Tensor(np.ones(2))
    optimizer.zero_grad(set_to_none=False)
    np.testing.assert_array_equal(p.grad.array, 0)
    optimizer.zero_grad()
    assert p.grad is None


def test_a_step_between_forward_and_backward_is_noticed():
    p = Tensor(np.ones(2), requires_grad=True)
    optimizer = optim.SGD([p])
    y = (p * p).sum()
    p.grad = Tensor(np.ones(2))
    optimizer.step()
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_named_parameters_keep_their_names():
    ours, theirs = twins(shapes=[(2,), (3,)])
    name = lambda params: list(zip("ab", params))
    optimizer, reference = optim.SGD(name(ours)), torch.optim.SGD(name(theirs))
    assert optimizer.state_dict() == reference.state_dict()


def test_it_prints_as_torch_prints():
    ours, theirs = twins()
    assert repr(optim.AdamW(ours)) == repr(torch.optim.AdamW(theirs))


def test_a_copied_optimizer_is_independent():
    p = Tensor(np.ones(2), requires_grad=True)
    p.grad = Tensor(np.ones(2))
    twin = copy.deepcopy(optim.Adam([p], lr=0.1))
    twin.step()
    np.testing.assert_array_equal(p.array, 1)
    assert (twin.param_groups[0]["params"][0].array < 1).all()


P = Tensor(np.ones(2), requires_grad=True)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: optim.SGD([P], lr=-1), ValueError, "SGD: lr is -1, expected a number of at least 0"),
        (lambda: optim.SGD([P], momentum=-0.1), ValueError, "SGD: momentum is -0.1"),
        (lambda: optim.SGD([P], lr=float("nan")), ValueError, "SGD: lr is nan"),
        (lambda: optim.SGD([P], nesterov=True), ValueError, "nesterov=True came with momentum 0 and dampening 0"),
        (lambda: optim.Adam([P], betas=(0.9, 1.0)), ValueError, r"Adam: betas are \(0.9, 1.0\)"),
        (lambda: optim.Adam([P], fused=True), NotImplementedError, "Adam: fused=True is not supported"),
        (lambda: optim.SGD([P], foreach=True), NotImplementedError, "SGD: foreach=True is not supported"),
        (lambda: optim.RMSprop([P], capturable=True), NotImplementedError, "capturable=True"),
        (lambda: optim.Adagrad([P], differentiable=True), NotImplementedError, "differentiable=True"),
        (lambda: optim.Adam([P], lr=Tensor(np.ones(()))), NotImplementedError, "lr as a Tensor is not supported"),
        (lambda: optim.Adam([{"params": P, "lr": -3}]), ValueError, "Adam: lr is -3"),
        (lambda: optim.SGD([]), ValueError, "SGD: params is empty"),
        (lambda: optim.SGD(P), TypeError, "SGD: params is a Tensor, expected a list"),
        (lambda: optim.SGD({P}), TypeError, "SGD: params is a set"),
        (lambda: optim.SGD([np.ones(2)]), TypeError, "a parameter is a ndarray, expected a Tensor"),
        (lambda: optim.SGD([P * 2]), ValueError, r"a parameter of shape \(2,\) was computed"),
        (lambda: optim.SGD([P, P]), ValueError, "a parameter appears twice"),
        (lambda: optim.SGD([{"params": [P]}, {"params": [P]}]), ValueError, "a parameter appears twice"),
        (lambda: optim.SGD([P]).add_param_group([P]), TypeError, "param_group is a list, expected a dict"),
    ],
)
def test_bad_arguments_get_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_a_gradient_of_another_shape_or_dtype_gets_a_sentence():
    p = Tensor(np.ones(2), requires_grad=True)
    for g in (np.ones(3), np.ones(2, np.float32)):
        p.grad = Tensor(g)
        with pytest.raises(ValueError, match="SGD: a gradient has shape"):
            optim.SGD([p]).step()


def test_a_foreign_state_gets_a_sentence():
    p, q = Tensor(np.ones(2), requires_grad=True), Tensor(np.ones(3), requires_grad=True)
    p.grad, q.grad = Tensor(np.ones(2)), Tensor(np.ones(3))
    adam = optim.Adam([p])
    adam.step()
    state = adam.state_dict()
    with pytest.raises(ValueError, match=r"groups of \[1\] parameters, expected \[2\]"):
        optim.Adam([p, q]).load_state_dict(state)
    with pytest.raises(ValueError, match=r"exp_avg of parameter 0 has shape \(2,\), expected \(3,\)"):
        optim.Adam([q]).load_state_dict(state)
    with pytest.raises(TypeError, match=r"exp_avg of parameter 0 is a torch.Tensor, .*from_torch"):
        optim.Adam([p]).load_state_dict({**state, "state": {0: {"exp_avg": torch.ones(2)}}})
