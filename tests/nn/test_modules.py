"""Every module beside torch's: printed form, state, values, and the gradients of inputs and parameters."""

import inspect
import pickle
from copy import deepcopy

import numpy as np
import pytest
import torch

import twice
from nn.cases import CASES, Case, Draw
from support import assert_close
from twice import nn
from twice.autograd import backward

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch has much to say about its arguments


def drawn(spec, rng):
    """The arrays of an input: a shape is normal, a tuple of shapes is several."""
    if isinstance(spec, Draw):
        return spec(rng)
    if isinstance(spec, tuple) and spec and isinstance(spec[0], tuple):
        return tuple(drawn(part, rng) for part in spec)
    return rng.standard_normal(spec)


def tensors(T, spec, x):
    """The arrays as tensors of an engine; floats require a gradient, but for labels of ±1."""
    if isinstance(x, tuple):
        return tuple(tensors(T, part, a) for part, a in zip(spec, x))
    fixed = isinstance(spec, Draw) and spec.kind == "sign"
    return T.tensor(x, requires_grad=x.dtype.kind == "f" and not fixed)


def called(module, inputs, options):
    """In place modules may not overwrite a leaf: they get a copy."""
    if getattr(module, "inplace", False):
        inputs = [inputs[0].clone(), *inputs[1:]]
    return flat(module(*inputs, **options))


def flat(y):
    """All tensors of a nested answer."""
    if isinstance(y, tuple | list):
        return [t for part in y for t in flat(part)]
    return [] if y is None else [y]


def twins(case: Case):
    """The module of either engine in float64, with torch's weights."""
    torch.manual_seed(0)
    reference = case.make(torch.nn, torch.float64)
    generator = torch.Generator().manual_seed(1)
    for parameter in reference.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    module = case.make(nn, twice.float64)
    module.load_state_dict(reference.state_dict())
    return module, reference


def identify(case):
    return case.id


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_is_printed_as_torch_prints_it(case):
    assert repr(case.make(nn, twice.float32)) == repr(case.make(torch.nn, torch.float32))


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_state_has_torchs_keys_order_shapes_and_dtypes(case):
    state = case.make(nn, twice.float32).state_dict()
    expected = case.make(torch.nn, torch.float32).state_dict()
    assert [(k, v.shape, str(v.dtype)) for k, v in state.items()] == [
        (k, tuple(v.shape), str(v.dtype).removeprefix("torch.")) for k, v in expected.items()
    ]
    reference = case.make(torch.nn, torch.float32)
    reference.load_state_dict({key: torch.tensor(value.numpy()) for key, value in state.items()})
    for key, value in reference.state_dict().items():
        assert_close(state[key].numpy(), value, 0, key)


@pytest.mark.parametrize(
    ("case", "training"), [(case, mode) for case in CASES for mode in case.modes], ids=lambda v: getattr(v, "id", v)
)
def test_values_and_gradients_agree_with_torch(case, training):
    module, reference = (m.train(training) for m in twins(case))
    rng = np.random.default_rng(0)
    masks = {k: drawn(v, rng) for k, v in case.call.items() if k.endswith("mask")}
    for _ in range(2 if list(module.buffers()) and training else 1):  # running statistics: see two batches
        arrays = [drawn(spec, rng) for spec in case.inputs]
        x, t = ([tensors(T, spec, a) for spec, a in zip(case.inputs, arrays)] for T in (twice, torch))
        mine, other = ({k: tensors(T, None, a) for k, a in masks.items()} for T in (twice, torch))
        y, z = called(module, x, case.call | mine), called(reference, t, case.call | other)
        assert len(y) == len(z)
        for place, (got, expected) in enumerate(zip(y, z)):
            assert_close(got.detach().numpy(), expected, what=f"output {place}")
            assert got.requires_grad == expected.requires_grad
    smooth = [i for i, out in enumerate(z) if out.requires_grad]
    cotangents = [rng.standard_normal(z[i].shape) for i in smooth]
    backward([y[i] for i in smooth], [twice.tensor(c) for c in cotangents])
    torch.autograd.backward([z[i] for i in smooth], [torch.tensor(c) for c in cotangents])
    leaves = zip(flat([*x, *mine.values()]), flat([*t, *other.values()]))
    named = [(f"input {i}", a, b) for i, (a, b) in enumerate(leaves) if isinstance(a, twice.Tensor) and a.requires_grad]
    named += [(k, p, q) for (k, p), q in zip(module.named_parameters(), reference.parameters())]
    for what, p, q in named:
        if q.grad is None:
            assert p.grad is None or not p.grad.numpy().any(), f"{what}: torch gives no gradient"
        else:
            assert_close(p.grad.numpy(), q.grad, case.tolerance, what=f"gradient of {what}")
    for (key, b), c in zip(module.named_buffers(), reference.buffers()):
        assert_close(b.numpy(), c, what=key)


IN_PLACE = {case.name for case in CASES if hasattr(case.make(nn, None), "inplace")} - {"AlphaDropout"}  # as torch's


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", sorted(IN_PLACE))
def test_in_place_answers_the_input_itself(name, inplace):
    shape = {"Dropout2d": (2, 3, 4, 4), "Dropout3d": (2, 3, 4, 4, 4)}.get(name, (2, 3, 4))
    x = twice.randn(*shape)
    before = x.numpy().copy()
    y = getattr(nn, name)(*((0.5, 3.0) if name == "Threshold" else ()), inplace=inplace)(x)
    assert (y is x) == inplace
    assert (not np.array_equal(x.numpy(), before)) == inplace


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_float32_stays_float32(case):
    module = case.make(nn, twice.float32).train(case.modes[0])
    rng = np.random.default_rng(0)
    narrow = lambda x: (
        tuple(map(narrow, x)) if isinstance(x, tuple) else x.astype(np.float32) if x.dtype == float else x
    )
    inputs = [tensors(twice, spec, narrow(drawn(spec, rng))) for spec in case.inputs]
    masks = {k: tensors(twice, None, narrow(drawn(v, rng))) for k, v in case.call.items() if k.endswith("mask")}
    outputs = [y for y in called(module, inputs, case.call | masks) if y.dtype.kind == "f"]
    assert outputs
    assert all(y.dtype == np.float32 for y in outputs)
    backward(outputs, [twice.ones_like(y) for y in outputs])
    assert all(p.grad is None or p.grad.dtype == np.float32 for p in module.parameters())


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_copies_and_pickles_hold_equal_state_of_their_own(case):
    module = case.make(nn, twice.float32)
    for copy in (deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(copy) == repr(module)
        for (key, mine), (other, value) in zip(module.state_dict().items(), copy.state_dict().items(), strict=True):
            assert key == other
            np.testing.assert_array_equal(mine.numpy(), value.numpy())
            assert not np.shares_memory(mine.numpy(), value.numpy())
        for name, parameter in copy.named_parameters():
            assert isinstance(parameter, nn.Parameter)
            assert copy.get_submodule(name.rpartition(".")[0]).__dict__[name.rpartition(".")[2]] is parameter


HELD = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "RNNBase", "RNNCellBase"}


def test_every_module_has_a_row_in_the_table():
    modules = {n for n, thing in vars(nn).items() if inspect.isclass(thing) and issubclass(thing, nn.Module)}
    unpooled = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"}  # tested with the pools whose indices they need
    assert modules - HELD - unpooled == {case.name for case in CASES}


@pytest.mark.parametrize("name", sorted({case.name for case in CASES}))
def test_constructor_and_forward_take_torchs_arguments(name):
    """Names, order and defaults; what is not there yet is keyword-only or torch's own variadic form."""
    for method in ("__init__", "forward"):
        mine = inspect.signature(getattr(getattr(nn, name), method)).parameters
        other = inspect.signature(getattr(getattr(torch.nn, name), method)).parameters
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in other.values()):
            continue
        extra = [n for n, p in mine.items() if n not in other and p.kind is not p.KEYWORD_ONLY]
        assert not extra
        assert [n for n in mine if n in other] == list(other)
        for parameter, expected in ((mine[n], other[n]) for n in other):
            if not callable(expected.default) or expected.default is inspect.Parameter.empty:
                assert parameter.default == expected.default, parameter.name


@pytest.mark.parametrize(("rank", "shape"), [(1, (2, 3, 9)), (2, (2, 3, 8, 7)), (3, (2, 3, 5, 6, 4)), (2, (3, 8, 7))])
def test_unpooling_agrees_with_torch(rank, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    answers = []
    for T, n in ((twice, nn), (torch, torch.nn)):
        t = T.tensor(x, requires_grad=True)
        pooled, places = getattr(n, f"MaxPool{rank}d")(2, return_indices=True)(t)
        unpool = getattr(n, f"MaxUnpool{rank}d")(2)
        y = unpool(pooled, places, output_size=shape[-rank:])
        (y * y).sum().backward()
        answers.append((repr(unpool), y.detach().numpy(), t.grad.numpy()))
    (mine, y, dx), (expected, z, dz) = answers
    assert mine == expected
    assert_close(y, z)
    assert_close(dx, dz)
