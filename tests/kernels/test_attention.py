"""Attention against torch, the loops, closed forms and finite differences."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from support import assert_close, compare_with_torch
from twice.kernels import naive
from twice.kernels.attention import (
    additive_attention,
    attention_weights,
    multi_head_attention,
    scaled_dot_product_attention,
    sinusoidal_positions,
)
from twice.kernels.gradcheck import gradcheck

RNG = np.random.default_rng(0)
INF = np.inf


def normal(*shape, dtype=np.float64):
    return RNG.standard_normal(shape).astype(dtype)


def qkv(batch=(2, 3), length=4, positions=5, size=6, value_size=6, dtype=np.float64):
    return (
        normal(*batch, length, size, dtype=dtype),
        normal(*batch, positions, size, dtype=dtype),
        normal(*batch, positions, value_size, dtype=dtype),
    )


def boolean(*shape):
    """A mask with at least one True in each row."""
    mask = RNG.random(shape) < 0.6
    mask[..., 0] = True
    return mask


# ── scaled dot product ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"scale": 0.3}, {"is_causal": True, "scale": 2.0}], ids=str
)
@pytest.mark.parametrize(
    "shape",
    [{}, {"batch": ()}, {"batch": (3,)}, {"value_size": 2}, {"length": 1}, {"length": 7, "positions": 3}],
    ids=str,
)
def test_attention_equals_torch(shape, options, dtype):
    reference = lambda *t: F.scaled_dot_product_attention(*t, **options)
    kernel = lambda *a: scaled_dot_product_attention(*a, **options)
    compare_with_torch(kernel, reference, *qkv(dtype=dtype, **shape))


@pytest.mark.parametrize("shape", [(4, 5), (1, 5), (3, 4, 5), (2, 1, 1, 5), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("kind", ["bool", "float", "minus infinity"])
def test_masks_equal_torch(shape, kind):
    mask = {
        "bool": boolean(*shape),
        "float": normal(*shape),
        "minus infinity": np.where(boolean(*shape), normal(*shape), -INF),
    }[kind]
    compare_with_torch(scaled_dot_product_attention, F.scaled_dot_product_attention, *qkv(), mask)


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_row_that_may_attend_nowhere_gives_zeros_as_in_torch(kind):
    mask = boolean(4, 5)
    mask[1] = False
    mask = mask if kind == "bool" else np.where(mask, 0, -INF)
    inputs = qkv()
    compare_with_torch(scaled_dot_product_attention, F.scaled_dot_product_attention, *inputs, mask)
    value, _ = scaled_dot_product_attention(*inputs, mask)
    assert not value[:, :, 1].any()
    assert value[:, :, 2].all()


def test_repeated_keys_and_values_receive_summed_gradients():
    q, k, v = normal(2, 3, 4, 6), normal(1, 1, 5, 6), normal(2, 1, 5, 3)
    compare_with_torch(scaled_dot_product_attention, F.scaled_dot_product_attention, q, k, v)


def test_large_scores_do_not_overflow():
    q, k, v = qkv(dtype=np.float32)
    q *= 1000
    value, back = scaled_dot_product_attention(q, k, v)
    assert_close(value, F.scaled_dot_product_attention(*map(torch.from_numpy, (q, k, v))))
    assert all(np.isfinite(g).all() for g in back(value)[:3])


def test_attention_over_several_blocks_equals_torch():
    q, k, v = qkv((5, 2), length=150, positions=160, size=4, value_size=4)
    mask = normal(5, 1, 150, 160)
    compare_with_torch(scaled_dot_product_attention, F.scaled_dot_product_attention, q, k, v, mask)


@settings(max_examples=30, deadline=None)
@given(*[st.integers(1, 6)] * 4, st.integers(0, 3), st.booleans())
def test_any_shape_equals_torch(length, positions, size, value_size, batch, causal):
    reference = lambda *t: F.scaled_dot_product_attention(*t, is_causal=causal)
    kernel = lambda *a: scaled_dot_product_attention(*a, is_causal=causal)
    compare_with_torch(kernel, reference, *qkv((batch, 2), length, positions, size, value_size))


def test_attention_equals_its_loop():
    q, k, v = qkv(())
    assert_close(scaled_dot_product_attention(q, k, v)[0], naive.attention(q, k, v))


@pytest.mark.parametrize("mask", [None, boolean(3, 2), normal(3, 2), normal(2, 1, 3, 2)], ids=["no", "bool", "2", "4"])
def test_gradients_equal_finite_differences(mask):
    inputs = qkv((2, 2), 3, 2, 3, 2)
    gradcheck(scaled_dot_product_attention, *inputs, mask)
    gradcheck(attention_weights, *inputs[:2], mask)


def test_dropout_gradients_equal_finite_differences():
    def seeded(*arrays):
        return scaled_dot_product_attention(*arrays, dropout_p=0.5, rng=np.random.default_rng(1))

    gradcheck(seeded, *qkv((2,), 3, 4, 3, 2), normal(3, 4))


def test_dropout_drops_weights_and_keeps_their_mean():
    q, k, v = np.zeros((1, 200, 4)), np.zeros((1, 300, 4)), np.eye(300)[None]
    dropped, _ = scaled_dot_product_attention(q, k, v, dropout_p=0.25, rng=np.random.default_rng(0))
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 300 / 0.75])
    assert abs(dropped.mean() * 300 - 1) < 0.02


def test_the_mask_gradient_may_be_left_out():
    value, back = scaled_dot_product_attention(*qkv(), normal(4, 5))
    full, short = back(value), back(value, needs=(True, True, True, False))
    assert full[3] is not None
    assert short[3] is None
    for a, b in zip(full[:3], short[:3]):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("mask", [None, boolean(4, 5), normal(3, 4, 5)], ids=["no", "bool", "float"])
def test_weights_are_the_softmax_of_the_scores(mask):
    q, k, v = qkv()

    def reference(q, k, m):
        scores = q @ k.mT * 6**-0.5
        if m is not None:
            scores = scores.masked_fill(~m, -INF) if m.dtype == torch.bool else scores + m
        return scores.softmax(-1)

    compare_with_torch(attention_weights, reference, q, k, mask)
    assert_close(attention_weights(q, k, mask)[0] @ v, scaled_dot_product_attention(q, k, v, mask)[0])


def test_causal_weights_look_only_back():
    weights, _ = attention_weights(normal(4, 6), normal(4, 6), is_causal=True)
    np.testing.assert_array_equal(weights > 0, np.tri(4, dtype=bool))


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({0: np.zeros((4, 6), int)}, {}, TypeError, "q has dtype int64, expected a floating dtype"),
        ({0: normal(6)}, {}, ValueError, r"q has shape \(6,\), expected at least 2 axes"),
        ({1: normal(5, 7)}, {}, ValueError, r"k has shape \(5, 7\), expected its last axis to be 6"),
        ({2: normal(4, 6)}, {}, ValueError, r"v has shape \(4, 6\), expected as many positions as k"),
        ({1: normal(5, 6, dtype=np.float32)}, {}, TypeError, "the dtypes differ .*k float32"),
        ({3: boolean(5, 4)}, {}, ValueError, r"attn_mask has shape \(5, 4\), expected .* \(4, 5\)"),
        ({3: np.ones((4, 5), int)}, {}, TypeError, "attn_mask has dtype int64, expected bool or float"),
        ({3: boolean(4, 5)}, {"is_causal": True}, ValueError, "attn_mask was given, expected None beside is_causal"),
        ({}, {"dropout_p": 1.5}, ValueError, r"p is 1\.5, expected a probability"),
        ({}, {"enable_gqa": True}, NotImplementedError, "enable_gqa"),
    ],
)
def test_attention_names_what_does_not_fit(change, options, error, message):
    inputs = [change.get(position, array) for position, array in enumerate((*qkv(()), None))]
    with pytest.raises(error, match=message):
        scaled_dot_product_attention(*inputs, **options)


# ── additive ────────────────────────────────────────────────────────────────────────────────────────────────


def additive_inputs(length=3, positions=4, dtype=np.float64):
    shapes = (2, length, 5), (2, positions, 3), (2, positions, 6), (7, 5), (7, 3), (7,)
    return tuple(normal(*shape, dtype=dtype) for shape in shapes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mask", [None, boolean(2, 1, 4), boolean(3, 4)], ids=["no", "padding", "pairs"])
def test_additive_attention_equals_its_formula_in_torch(mask, dtype):
    def reference(query, keys, values, w_q, w_k, v, m):
        scores = torch.tanh((query @ w_q.T)[:, :, None] + (keys @ w_k.T)[:, None]) @ v
        weights = (scores if m is None else scores.masked_fill(~m, -INF)).softmax(-1)
        return weights @ values, weights

    compare_with_torch(additive_attention, reference, *additive_inputs(dtype=dtype), mask)


def test_additive_attention_equals_its_loop_and_finite_differences():
    inputs = additive_inputs()
    (context, weights), _ = additive_attention(*inputs)
    for b in range(2):
        assert_close(context[b], naive.additive_attention(*(a[b] for a in inputs[:3]), *inputs[3:]))
    assert_close(weights.sum(-1), np.ones((2, 3)))
    gradcheck(additive_attention, *inputs)


def test_additive_attention_with_nothing_to_attend_to_gives_zeros():
    (context, weights), back = additive_attention(*additive_inputs(), np.zeros((2, 1, 4), bool))
    assert not context.any()
    assert not weights.any()
    assert all(np.isfinite(g).all() for g in back(context + 1, weights + 1) if g is not None)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({0: normal(2, 5)}, ValueError, r"query has shape \(2, 5\), expected 3 axes"),
        ({2: normal(2, 3, 6)}, ValueError, "expected one batch size, and one value for each key"),
        ({3: normal(7, 4)}, ValueError, r"w_q has shape \(7, 4\), expected \(7, 5\)"),
        ({6: np.ones((3, 4))}, TypeError, "mask has dtype float64, expected bool"),
        ({6: boolean(4, 3)}, ValueError, r"mask has shape \(4, 3\), expected .* \(2, 3, 4\)"),
    ],
)
def test_additive_attention_names_what_does_not_fit(change, error, message):
    inputs = [change.get(position, array) for position, array in enumerate((*additive_inputs(), None))]
    with pytest.raises(error, match=f"additive_attention: .*{message}"):
        additive_attention(*inputs)


# ── many heads ──────────────────────────────────────────────────────────────────────────────────────────────

NAMES = ["in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias"]
NAMES += ["q_proj_weight", "k_proj_weight", "v_proj_weight", "bias_k", "bias_v", "attn_mask", "key_padding_mask"]
HEADS, FEATURES, LENGTH, POSITIONS, BATCH = 2, 6, 4, 5, 3


def heads_inputs(batch_first=False, separate=False, bias=True, extra=False, masks=(None, None), dtype=np.float64):
    """query, key, value and everything in NAMES."""
    sizes = (FEATURES, 4, 3) if separate else (FEATURES,) * 3
    shapes = [(BATCH, n, s) if batch_first else (n, BATCH, s) for n, s in zip((LENGTH, POSITIONS, POSITIONS), sizes)]
    weights = [normal(FEATURES, s, dtype=dtype) for s in sizes]
    return [
        *(normal(*shape, dtype=dtype) for shape in shapes),
        None if separate else np.concatenate(weights),
        normal(3 * FEATURES, dtype=dtype) if bias else None,
        normal(FEATURES, FEATURES, dtype=dtype),
        normal(FEATURES, dtype=dtype) if bias else None,
        *(weights if separate else (None,) * 3),
        *(normal(1, 1, FEATURES, dtype=dtype) if extra else None for _ in range(2)),
        *masks,
    ]


def torch_heads(batch_first=False, need_weights=False, average=True, zero=False, is_causal=False):
    """multi_head_attention_forward as a function of the same inputs."""

    def run(query, key, value, *rest):
        named = dict(zip(NAMES, rest))
        if batch_first:
            query, key, value = (t.transpose(0, 1) for t in (query, key, value))
        y, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            embed_dim_to_check=FEATURES,
            num_heads=HEADS,
            add_zero_attn=zero,
            dropout_p=0.0,
            need_weights=need_weights,
            average_attn_weights=average,
            is_causal=is_causal,
            use_separate_proj_weight=named["in_proj_weight"] is None,
            **named,
        )
        y = y.transpose(0, 1) if batch_first else y
        return (y, weights) if need_weights else y

    return run


def compare_heads(inputs, batch_first=False, need_weights=False, average=True, zero=False, is_causal=False):
    reference = torch_heads(batch_first, need_weights, average, zero, is_causal)
    kernel = lambda *a: multi_head_attention(
        *a,
        num_heads=HEADS,
        batch_first=batch_first,
        need_weights=need_weights,
        average_attn_weights=average,
        add_zero_attn=zero,
        is_causal=is_causal,
    )
    compare_with_torch(kernel, reference, *inputs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_heads_equal_torch(batch_first, separate, bias, dtype):
    inputs = heads_inputs(batch_first, separate, bias, dtype=dtype)
    compare_heads(inputs, batch_first)


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("batch_first", [False, True])
def test_shown_weights_equal_torch(batch_first, average):
    compare_heads(heads_inputs(batch_first), batch_first, need_weights=True, average=average)


def padding():
    mask = np.zeros((BATCH, POSITIONS), bool)
    mask[1, 3:] = mask[2, 1:] = True
    return mask


ATTN_MASKS = {
    "none": None,
    "bool": ~boolean(LENGTH, POSITIONS),
    "float": normal(LENGTH, POSITIONS),
    "bool a head": ~boolean(BATCH * HEADS, LENGTH, POSITIONS),
    "float a head": normal(BATCH * HEADS, LENGTH, POSITIONS),
}
PADDING_MASKS = {"none": None, "bool": padding(), "float": normal(BATCH, POSITIONS)}


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("key_padding", PADDING_MASKS)
@pytest.mark.parametrize("attn", ATTN_MASKS)
@pytest.mark.filterwarnings("ignore:Support for mismatched")
def test_masks_of_heads_equal_torch(attn, key_padding, need_weights, extended):
    masks = ATTN_MASKS[attn], PADDING_MASKS[key_padding]
    inputs = heads_inputs(extra=extended, masks=masks)
    compare_heads(inputs, need_weights=need_weights, zero=extended)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("extra", [False, True])
def test_added_positions_equal_torch(extra, zero):
    compare_heads(heads_inputs(True, extra=extra), batch_first=True, need_weights=True, average=False, zero=zero)


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_causal_mask_and_its_hint_equal_torch(need_weights):
    mask = ~np.tri(LENGTH, POSITIONS, dtype=bool)
    compare_heads(heads_inputs(masks=(mask, None)), need_weights=need_weights, is_causal=True)


def test_a_query_that_may_attend_nowhere_gives_what_torch_gives():
    mask = padding()
    mask[1] = True
    inputs = heads_inputs(masks=(None, mask))
    compare_heads(inputs)
    (_, weights), _ = multi_head_attention(*inputs, num_heads=HEADS)
    expected = torch_heads(need_weights=True)(*(a if a is None else torch.from_numpy(a) for a in inputs))[1]
    np.testing.assert_allclose(weights, expected.numpy())
    np.testing.assert_array_equal(np.isnan(weights).all((1, 2)), [False, True, False])


def test_self_attention_equals_the_module():
    module = torch.nn.MultiheadAttention(8, 4, batch_first=True, dtype=torch.float64)
    x = normal(2, 5, 8)
    weights = [module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias]

    def kernel(x):
        arrays = [w.detach().numpy() for w in weights]
        y, back = multi_head_attention(x, x, x, *arrays, num_heads=4, batch_first=True, need_weights=False)
        return y, lambda dy: sum(back(dy)[:3])

    compare_with_torch(kernel, lambda x: module(x, x, x, need_weights=False)[0], x)


def test_head_gradients_equal_finite_differences_under_dropout():
    inputs = heads_inputs(extra=True, masks=(normal(LENGTH, POSITIONS), None))

    def seeded(*arrays):
        return multi_head_attention(*arrays, num_heads=HEADS, dropout_p=0.4, rng=np.random.default_rng(2))

    gradcheck(seeded, *inputs)


def test_dropout_of_heads_acts_in_training_only():
    inputs = heads_inputs()
    run = lambda **o: multi_head_attention(*inputs, num_heads=HEADS, need_weights=False, **o)[0]
    np.testing.assert_array_equal(run(dropout_p=0.5, training=False), run())
    assert np.abs(run(dropout_p=0.5, rng=np.random.default_rng(0)) - run()).max() > 1e-3


def test_gradients_of_heads_share_no_memory_and_backward_may_run_twice():
    inputs = heads_inputs(extra=True, masks=(normal(LENGTH, POSITIONS), None))
    values, back = multi_head_attention(*inputs, num_heads=HEADS)
    cotangents = [normal(*v.shape) for v in values]
    first, second = ([g for g in back(*cotangents) if g is not None] for _ in range(2))
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)
    arrays = [*values, *first, *cotangents, *(a for a in inputs if a is not None)]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({0: normal(4, 6)}, {}, ValueError, r"query has shape \(4, 6\), expected 3 axes \(length, B, features\)"),
        ({}, {"num_heads": 4}, ValueError, "query has 6 features, expected a multiple of num_heads 4"),
        ({1: normal(5, 2, 6)}, {}, ValueError, "expected one batch size, and one value for each key"),
        ({3: None}, {}, ValueError, "q_proj_weight is None, expected an array"),
        ({12: boolean(5, 4)}, {}, ValueError, r"attn_mask has shape \(5, 4\), expected \(4, 5\) or \(6, 4, 5\)"),
        ({13: boolean(4, 3)}, {}, ValueError, r"key_padding_mask has shape \(4, 3\), expected \(3, 5\)"),
        ({13: np.ones((3, 5), int)}, {}, TypeError, "key_padding_mask has dtype int64, expected bool or float"),
        ({}, {"is_causal": True}, ValueError, "attn_mask is None, expected the causal mask beside is_causal=True"),
    ],
)
def test_heads_name_what_does_not_fit(change, options, error, message):
    inputs = [change.get(position, array) for position, array in enumerate(heads_inputs())]
    with pytest.raises(error, match=f"multi_head_attention: .*{message}"):
        multi_head_attention(*inputs, **{"num_heads": HEADS, **options})


# ── positions ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dim", [6, 5, 1])
def test_positions_follow_their_formula(dim):
    table = sinusoidal_positions(50, dim, np.float64)
    for p in (0, 1, 49):
        for j in range(dim):
            angle = p / 10000 ** (2 * (j // 2) / dim)
            assert table[p, j] == pytest.approx(np.cos(angle) if j % 2 else np.sin(angle), abs=1e-12)
    assert sinusoidal_positions(50, dim).dtype == np.float32


def test_a_shift_of_positions_is_a_rotation():
    """PE[p + s] = R_s PE[p], one rotation for every p: what lets a dot product see distances."""
    table = sinusoidal_positions(40, 8, np.float64)
    products = table @ table.T
    for shift in (1, 5, 20):
        np.testing.assert_allclose(np.diag(products, shift), products[0, shift])


def test_positions_need_a_dimension():
    with pytest.raises(ValueError, match="sinusoidal_positions: length, dim are 4, 0"):
        sinusoidal_positions(4, 0)
