"""Clipping, vectors of parameters, counting, and sequences of unequal lengths."""

import inspect

import numpy as np
import pytest
import torch

import twice
from support import assert_close
from twice import nn

ENGINES = [(twice, nn), (torch, torch.nn)]


def parameters_with_gradients(T, n, dtype="float64"):
    rng = np.random.default_rng(0)
    parameters = [n.Parameter(T.tensor(rng.standard_normal(s).astype(dtype))) for s in ((3, 4), (5,), (2,))]
    for p in parameters[:2]:
        p.grad = T.tensor(rng.standard_normal(tuple(p.shape)).astype(dtype))
    return parameters


@pytest.mark.parametrize("norm_type", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_by_norm_agrees_with_torch(norm_type, max_norm, dtype):
    mine, other = (parameters_with_gradients(T, n, dtype) for T, n in ENGINES)
    totals = [n.utils.clip_grad_norm_(p, max_norm, norm_type) for p, (_, n) in zip((mine, other), ENGINES)]
    assert_close(totals[0].numpy(), totals[1])
    for p, q in zip(mine[:2], other[:2]):
        assert_close(p.grad.numpy(), q.grad)
    assert mine[2].grad is None


def test_clipping_one_parameter_and_none():
    p = parameters_with_gradients(twice, nn)[0]
    nn.utils.clip_grad_norm_(p, 1e-3)
    assert np.linalg.norm(p.grad.numpy()) == pytest.approx(1e-3, rel=1e-3)
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0


def test_clipping_refuses_what_is_not_finite_when_asked():
    p = parameters_with_gradients(twice, nn)[0]
    p.grad.fill_(float("nan"))
    with pytest.raises(RuntimeError, match=r"the norm of order 2\.0 is nan, expected a finite number"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)


def test_clipping_by_value_agrees_with_torch():
    mine, other = (parameters_with_gradients(T, n) for T, n in ENGINES)
    for p, (_, n) in zip((mine, other), ENGINES):
        n.utils.clip_grad_value_(p, 0.3)
    for p, q in zip(mine[:2], other[:2]):
        assert_close(p.grad.numpy(), q.grad)


def test_parameters_as_one_vector_and_back():
    net, twin = nn.Linear(3, 4), nn.Linear(3, 4)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (16,)
    assert vector.requires_grad
    nn.utils.vector_to_parameters(vector.detach(), twin.parameters())
    for p, q in zip(net.parameters(), twin.parameters()):
        np.testing.assert_array_equal(p.array, q.array)


def test_counting_parameters():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4))
    net.append(nn.Linear(4, 4, bias=False))
    net[2].weight = net[1].weight
    net[0].weight.requires_grad_(False)
    assert nn.utils.count_parameters(net) == 12 + 4 + 16 + 4
    assert nn.utils.count_parameters(net, trainable_only=True) == 4 + 16 + 4


def test_padding_to_the_length_that_is_there_changes_nothing_and_to_less_is_refused():
    p = nn.utils.rnn.pack_sequence([twice.ones(3, 2), twice.ones(1, 2)])
    assert nn.utils.rnn.pad_packed_sequence(p, total_length=3)[0].shape == (3, 2, 2)
    with pytest.raises(ValueError, match="total_length is 2, expected at least 3"):
        nn.utils.rnn.pad_packed_sequence(p, total_length=2)


# ── sequences ───────────────────────────────────────────────────────────────────────────────────────────────────

LENGTHS = [5, 3, 3, 1]
UNSORTED = [3, 5, 1, 3]


def packed(T, n, x, lengths, **options):
    return n.utils.rnn.pack_padded_sequence(x, T.tensor(lengths), **options)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("lengths", "enforce"), [(LENGTHS, True), (UNSORTED, False)])
def test_packing_and_padding_again_agrees_with_torch(batch_first, lengths, enforce):
    x = np.random.default_rng(0).standard_normal((6, 4, 2))
    x = x.transpose(1, 0, 2).copy() if batch_first else x
    sides = []
    for T, n in ENGINES:
        t = T.tensor(x, requires_grad=True)
        p = packed(T, n, t, lengths, batch_first=batch_first, enforce_sorted=enforce)
        y, ends = n.utils.rnn.pad_packed_sequence(p, batch_first=batch_first, padding_value=-1.0, total_length=6)
        (y * y).sum().backward()
        sides.append([a.detach().numpy() for a in (p.data, p.batch_sizes, y, ends, t.grad)])
    for mine, other in zip(*sides):
        assert_close(mine, other)


@pytest.mark.parametrize(("lengths", "enforce"), [(LENGTHS, True), (UNSORTED, False)])
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_on_packed_sequences_agree_with_torch(kind, lengths, enforce, with_state):
    rng = np.random.default_rng(0)
    x, h, c = rng.standard_normal((6, 4, 3)), rng.standard_normal((4, 4, 5)), rng.standard_normal((4, 4, 5))
    torch.manual_seed(0)
    reference = torch.nn.RNNBase(kind if kind != "RNN" else "RNN_TANH", 3, 5, num_layers=2, bidirectional=True)
    weights = {k: v.double() for k, v in reference.state_dict().items()}
    sides = []
    for T, n in ENGINES:
        layer = getattr(n, kind)(3, 5, num_layers=2, bidirectional=True).double()
        layer.load_state_dict(weights)
        t, first = T.tensor(x, requires_grad=True), T.tensor(h, requires_grad=True)
        state = (first, T.tensor(c)) if kind == "LSTM" else first
        out, last = layer(packed(T, n, t, lengths, enforce_sorted=enforce), state if with_state else None)
        last = last if kind == "LSTM" else (last,)
        ((out.data * out.data).sum() + sum((s * s).sum() for s in last)).backward()
        gradients = [t.grad, *(p.grad for p in layer.parameters()), *([first.grad] if with_state else [])]
        sides.append([a.detach().numpy() for a in (out.data, *last, *gradients)])
    for mine, other in zip(*sides, strict=True):
        assert_close(mine, other)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_and_unpadding_a_list_agrees_with_torch(batch_first, side):
    arrays = [np.random.default_rng(i).standard_normal((n, 2)) for i, n in enumerate((2, 4, 1))]
    sides = []
    for T, n in ENGINES:
        tensors = [T.tensor(a, requires_grad=True) for a in arrays]
        padded = n.utils.rnn.pad_sequence(tensors, batch_first, 9.0, side)
        (padded * padded).sum().backward()
        sides.append([padded.detach().numpy(), *(t.grad.numpy() for t in tensors)])
    for mine, other in zip(*sides):
        assert_close(mine, other)
    if side == "right":
        back = nn.utils.rnn.unpad_sequence(twice.tensor(sides[0][0]), twice.tensor([2, 4, 1]), batch_first)
        for array, t in zip(arrays, back):
            np.testing.assert_array_equal(t.numpy(), array)


def test_token_ids_are_padded_and_packed_without_becoming_floats():
    ids = [twice.tensor([1, 2, 3]), twice.tensor([4])]
    assert nn.utils.rnn.pad_sequence(ids, batch_first=True).tolist() == [[1, 2, 3], [4, 0, 0]]
    p = nn.utils.rnn.pack_sequence(ids)
    assert p.data.tolist() == [1, 4, 2, 3]
    assert [t.tolist() for t in nn.utils.rnn.unpack_sequence(p)] == [[1, 2, 3], [4]]


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([3, 5, 1, 3], RuntimeError, "expected them in decreasing order"),
        ([5, 3, 3, 0], ValueError, "expected 4 lengths from 1 to 6"),
        ([5, 3], ValueError, "expected 4 lengths"),
        ([7, 3, 3, 1], ValueError, "expected 4 lengths from 1 to 6"),
    ],
)
def test_wrong_lengths_are_named(lengths, error, message):
    with pytest.raises(error, match=message):
        nn.utils.rnn.pack_padded_sequence(twice.zeros(6, 4, 2), lengths)


def offered(module):
    return sorted(n for n, f in vars(module).items() if inspect.isfunction(f) and not n.startswith("_"))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [(nn.utils, torch.nn.utils), (nn.utils.rnn, torch.nn.utils.rnn), (nn.init, torch.nn.init)],
    ids=["utils", "rnn", "init"],
)
def test_functions_take_torchs_arguments(mine, theirs):
    for name in offered(mine):
        if hasattr(theirs, name):
            ours, other = (inspect.signature(getattr(m, name)).parameters for m in (mine, theirs))
            assert {n: p.default for n, p in ours.items()} == {n: p.default for n, p in other.items()}, name
