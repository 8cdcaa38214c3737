"""Recurrent layers against torch.nn with copied weights, the loops, and finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from support import assert_close, compare_with_torch
from twice.kernels import naive
from twice.kernels.gradcheck import gradcheck
from twice.kernels.recurrent import gru, gru_cell, lstm, lstm_cell, lstm_stack, rnn, rnn_cell, rnn_stack

RNG = np.random.default_rng(0)
MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CELLS = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
BLOCKS = {"rnn": 1, "lstm": 4, "gru": 3}


def normal(*shape, dtype=np.float64):
    return RNG.standard_normal(shape).astype(dtype)


def stack_kernel(kind, **options):
    if kind == "lstm":
        return lambda *arrays: lstm_stack(*arrays, **options)
    return lambda *arrays: rnn_stack(*arrays, kind=kind, **options)


def module_and_inputs(kind, steps=5, batch=3, features=4, hidden=6, dtype=np.float64, **options):
    """torch's module in that dtype, and x, the states and the weights in the order of all_weights."""
    module = MODULES[kind](features, hidden, dtype=torch.from_numpy(np.empty(0, dtype)).dtype, **options)
    rows = module.num_layers * (2 if module.bidirectional else 1)
    states = [normal(rows, batch, options.get("proj_size") or hidden, dtype=dtype)]
    if kind == "lstm":
        states.append(normal(rows, batch, hidden, dtype=dtype))
    weights = [w.detach().numpy().copy() for group in module.all_weights for w in group]
    return module, [normal(steps, batch, features, dtype=dtype), *states, *weights]


def reference(module, kind, lengths=None):
    """The module as a function of x, states and weights."""
    names = [name for group in module._all_weights for name in group]
    states = 2 if kind == "lstm" else 1

    def run(x, *tensors):
        hx = tensors if states == 2 else tensors[0]
        hx = hx[:2] if states == 2 else hx
        total = len(x)
        if lengths is not None:
            x = pack_padded_sequence(x, torch.as_tensor(lengths), enforce_sorted=False)
        y, final = functional_call(module, dict(zip(names, tensors[states:])), (x, hx))
        if lengths is not None:
            y, _ = pad_packed_sequence(y, total_length=total)
        return (y, *final) if states == 2 else (y, final)

    return run


def layer_inputs(kind, steps=4, batch=2, features=3, hidden=5, dtype=np.float64):
    """Arrays of one layer in one direction."""
    rows = BLOCKS[kind] * hidden
    states = [normal(batch, hidden, dtype=dtype) for _ in range(2 if kind == "lstm" else 1)]
    weights = [normal(*shape, dtype=dtype) for shape in ((rows, features), (rows, hidden), (rows,), (rows,))]
    return [normal(steps, batch, features, dtype=dtype), *states, *weights]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_stack_equals_torch(kind, layers, bidirectional, dtype):
    options = {"num_layers": layers, "bidirectional": bidirectional}
    module, inputs = module_and_inputs(kind, dtype=dtype, **options)
    compare_with_torch(stack_kernel(kind, **options), reference(module, kind), *inputs)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_stack_without_bias_equals_torch(kind):
    options = {"num_layers": 2, "bidirectional": True, "bias": False}
    module, inputs = module_and_inputs(kind, **options)
    compare_with_torch(stack_kernel(kind, **options), reference(module, kind), *inputs)


def test_relu_equals_torch():
    module, inputs = module_and_inputs("rnn", num_layers=2, nonlinearity="relu")
    compare_with_torch(stack_kernel("rnn", num_layers=2, nonlinearity="relu"), reference(module, "rnn"), *inputs)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_projected_lstm_equals_torch(bias, bidirectional):
    options = {"num_layers": 2, "bidirectional": bidirectional, "bias": bias, "proj_size": 2}
    module, inputs = module_and_inputs("lstm", **options)
    compare_with_torch(stack_kernel("lstm", **options), reference(module, "lstm"), *inputs)


@pytest.mark.parametrize("lengths", [[5, 3, 1], [2, 5, 4], [4, 4, 4]], ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_unequal_lengths_equal_torch_packed(kind, bidirectional, lengths):
    options = {"num_layers": 2, "bidirectional": bidirectional}
    module, inputs = module_and_inputs(kind, **options)
    kernel = stack_kernel(kind, lengths=np.array(lengths), **options)
    compare_with_torch(kernel, reference(module, kind, lengths), *inputs)


def test_unequal_lengths_with_a_projection_equal_torch_packed():
    options = {"bidirectional": True, "proj_size": 2}
    module, inputs = module_and_inputs("lstm", **options)
    kernel = stack_kernel("lstm", lengths=np.array([2, 5, 4]), **options)
    compare_with_torch(kernel, reference(module, "lstm", [2, 5, 4]), *inputs)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_what_stands_in_the_padding_does_not_matter(kind):
    _, inputs = module_and_inputs(kind, bidirectional=True)
    kernel = stack_kernel(kind, bidirectional=True, lengths=np.array([5, 3, 1]))
    values, back = kernel(*inputs)
    spoiled = inputs[0].copy()
    spoiled[3:, 1], spoiled[1:, 2] = np.nan, np.inf
    spoiled_values, spoiled_back = kernel(spoiled, *inputs[1:])
    cotangents = [normal(*v.shape) for v in values]
    wild = [cotangents[0].copy(), *cotangents[1:]]
    wild[0][3:, 1] = np.nan
    for a, b in zip((*values, *back(*cotangents)), (*spoiled_values, *spoiled_back(*wild))):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_cells_equal_torch(kind, dtype):
    x, *rest = layer_inputs(kind, dtype=dtype)
    module = CELLS[kind](x.shape[-1], rest[0].shape[-1], dtype=torch.from_numpy(x).dtype)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

    def run(x, *tensors):
        states, weights = tensors[:-4], tensors[-4:]
        hx = states if kind == "lstm" else states[0]
        return functional_call(module, dict(zip(names, weights)), (x, hx))

    kernel = {"rnn": rnn_cell, "lstm": lstm_cell, "gru": gru_cell}[kind]
    compare_with_torch(kernel, run, x[0], *rest)


def test_relu_cell_without_bias_equals_torch():
    x, h, w_ih, w_hh, *_ = layer_inputs("rnn")
    module = torch.nn.RNNCell(3, 5, bias=False, nonlinearity="relu", dtype=torch.float64)
    run = lambda x, h, *w: functional_call(module, dict(zip(("weight_ih", "weight_hh"), w)), (x, h))
    compare_with_torch(lambda *a: rnn_cell(*a, nonlinearity="relu"), run, x[0], h, w_ih, w_hh)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_equals_its_loop(reset_after):
    inputs = layer_inputs("gru")
    (y, h), _ = gru(*inputs, reset_after=reset_after)
    expected = naive.gru(*inputs, reset_after=reset_after)
    assert_close(y, expected)
    assert_close(h, expected[-1])


@pytest.mark.parametrize(("kernel", "loop", "kind"), [(rnn, naive.rnn, "rnn"), (lstm, naive.lstm, "lstm")])
def test_layers_equal_their_loops(kernel, loop, kind):
    inputs = layer_inputs(kind)
    assert_close(kernel(*inputs)[0][0], loop(*inputs))


def test_the_two_resets_differ():
    inputs = layer_inputs("gru")
    assert np.abs(gru(*inputs)[0][0] - gru(*inputs, reset_after=False)[0][0]).max() > 1e-3


def test_swapping_the_update_gate_negates_its_weights():
    """h = (1 − z) h + z h̃ is this network with W, b of z negated."""
    x, h, *weights = layer_inputs("gru", steps=1)
    hidden = h.shape[-1]
    swapped = [w.copy() for w in weights]
    for w in swapped:
        w[hidden : 2 * hidden] *= -1
    w_ih, w_hh, b_ih, b_hh = weights
    pre = x[0] @ w_ih.T + b_ih
    hid = h @ w_hh.T + b_hh
    r, z = (1 / (1 + np.exp(-(pre + hid)[:, k * hidden : (k + 1) * hidden])) for k in (0, 1))
    candidate = np.tanh(pre[:, 2 * hidden :] + r * hid[:, 2 * hidden :])
    assert_close(gru_cell(x[0], h, *swapped)[0], (1 - z) * h + z * candidate)


@pytest.mark.parametrize("lengths", [None, [3, 1]])
@pytest.mark.parametrize(
    ("kernel", "kind", "options"),
    [
        (rnn, "rnn", {}),
        (rnn, "rnn", {"nonlinearity": "relu"}),
        (lstm, "lstm", {}),
        (gru, "gru", {"reset_after": True}),
        (gru, "gru", {"reset_after": False}),
    ],
)
def test_gradients_equal_finite_differences(kernel, kind, options, lengths):
    lengths = None if lengths is None else np.array(lengths)
    gradcheck(kernel, *layer_inputs(kind, steps=3, hidden=3), lengths=lengths, **options)


def test_paper_gru_stacks_and_differentiates():
    _, inputs = module_and_inputs("gru", steps=3, batch=2, features=2, hidden=2, num_layers=2, bidirectional=True)
    gradcheck(stack_kernel("gru", num_layers=2, bidirectional=True, reset_after=False), *inputs)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["rnn", "lstm", "gru"]), *[st.integers(1, 5)] * 4, st.integers(0, 3))
def test_any_shape_equals_torch(kind, steps, features, hidden, layers, batch):
    module, inputs = module_and_inputs(kind, steps, batch, features, hidden, num_layers=layers)
    compare_with_torch(stack_kernel(kind, num_layers=layers), reference(module, kind), *inputs)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_dropout_is_absent_outside_training_and_above_the_last_layer(kind):
    _, inputs = module_and_inputs(kind, num_layers=2)
    plain = stack_kernel(kind, num_layers=2)(*inputs)[0][0]
    evaluated = stack_kernel(kind, num_layers=2, dropout=0.5, training=False)(*inputs)[0][0]
    np.testing.assert_array_equal(plain, evaluated)
    _, one = module_and_inputs(kind)
    dropped = stack_kernel(kind, dropout=0.9, training=True, rng=np.random.default_rng(0))(*one)[0][0]
    np.testing.assert_array_equal(dropped, stack_kernel(kind)(*one)[0][0])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_dropout_one_cuts_the_layers_apart_as_in_torch(kind, bidirectional):
    options = {"num_layers": 2, "dropout": 1.0, "bidirectional": bidirectional}
    module, inputs = module_and_inputs(kind, **options)
    compare_with_torch(stack_kernel(kind, training=True, **options), reference(module, kind), *inputs)


def test_dropout_gradients_equal_finite_differences():
    _, inputs = module_and_inputs("lstm", steps=3, batch=2, features=2, hidden=2, num_layers=3)

    def seeded(*arrays):
        return lstm_stack(*arrays, num_layers=3, dropout=0.5, training=True, rng=np.random.default_rng(3))

    gradcheck(seeded, *inputs)


def test_dropout_keeps_the_mean():
    """A relu layer of identity weights above another shows the mask itself."""
    eye, none = np.eye(400), np.zeros((400, 400))
    x = np.ones((1, 50, 400))
    h0 = np.zeros((2, 50, 400))
    options = {"bias": False, "num_layers": 2, "nonlinearity": "relu", "training": True, "dropout": 0.25}
    (y, _), _ = rnn_stack(x, h0, eye, none, eye, none, rng=np.random.default_rng(0), **options)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75])
    assert abs(y.mean() - 1) < 0.02


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_backward_may_run_twice_and_shares_no_memory(kind):
    _, inputs = module_and_inputs(kind, num_layers=2, bidirectional=True)
    values, back = stack_kernel(kind, num_layers=2, bidirectional=True)(*inputs)
    cotangents = [normal(*v.shape) for v in values]
    kept = [u.copy() for u in cotangents]
    first, second = back(*cotangents), back(*cotangents)
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)
    for u, before in zip(cotangents, kept):
        np.testing.assert_array_equal(u, before)
    arrays = [*values, *first, *second]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :] + inputs + cotangents)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_the_input_gradient_may_be_left_out(kind):
    _, inputs = module_and_inputs(kind, num_layers=2, bidirectional=True)
    values, back = stack_kernel(kind, num_layers=2, bidirectional=True)(*inputs)
    cotangents = [normal(*v.shape) for v in values]
    full, short = back(*cotangents), back(*cotangents, needs=(False,))
    assert short[0] is None
    for a, b in zip(full[1:], short[1:]):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({0: normal(0, 2, 3)}, ValueError, r"lstm: x has shape \(0, 2, 3\), expected at least one time step"),
        ({0: normal(4, 3)}, ValueError, r"lstm: x has shape \(4, 3\), expected 3 axes \(T, B, I\)"),
        ({0: np.zeros((4, 2, 3), int)}, TypeError, "lstm: x has dtype int64, expected a floating dtype"),
        ({1: normal(3, 5)}, ValueError, r"lstm: h0 has shape \(3, 5\), expected \(2, 5\)"),
        ({2: normal(2, 4)}, ValueError, r"lstm: c0 has shape \(2, 4\), expected \(2, 5\)"),
        ({3: normal(20, 4)}, ValueError, r"lstm: w_ih has shape \(20, 4\), expected \(20, 3\)"),
        ({4: normal(20, 6)}, ValueError, r"lstm: w_hh has shape \(20, 6\), expected \(20, 5\)"),
        ({5: normal(19)}, ValueError, r"lstm: b_ih has shape \(19,\), expected \(20,\)"),
        ({3: normal(20, 3, dtype=np.float32)}, TypeError, "lstm: the dtypes differ .*w_ih float32"),
    ],
)
def test_a_layer_names_what_does_not_fit(change, error, message):
    inputs = [change.get(position, array) for position, array in enumerate(layer_inputs("lstm"))]
    with pytest.raises(error, match=message):
        lstm(*inputs)


@pytest.mark.parametrize("lengths", [[4], [0, 4], [5, 4], [2.0, 3.0]], ids=str)
def test_lengths_must_be_whole_numbers_within_the_sequence(lengths):
    with pytest.raises(ValueError, match=r"gru: lengths is .*, expected 2 whole numbers from 1 to 4"):
        gru(*layer_inputs("gru"), lengths=np.array(lengths))


def test_a_stack_names_what_does_not_fit():
    _, inputs = module_and_inputs("gru", num_layers=2)
    with pytest.raises(ValueError, match="gru: 8 weights came, expected 4: 4 for each layer and direction"):
        rnn_stack(*inputs, kind="gru")
    with pytest.raises(ValueError, match=r"gru: a state has shape \(1, 3, 6\), expected 2 first"):
        rnn_stack(inputs[0], inputs[1][:1], *inputs[2:], kind="gru", num_layers=2)
    with pytest.raises(ValueError, match=r"gru: dropout is 1\.5, expected a probability"):
        rnn_stack(*inputs, kind="gru", num_layers=2, dropout=1.5, training=True)
    with pytest.raises(ValueError, match="kind is 'lstm', expected 'rnn' or 'gru'"):
        rnn_stack(*inputs, kind="lstm")
    with pytest.raises(ValueError, match="nonlinearity is 'sigmoid', expected 'tanh' or 'relu'"):
        rnn(*layer_inputs("rnn"), nonlinearity="sigmoid")
