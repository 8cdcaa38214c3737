"""GPT: the sizes of GPT-2, torch's layers as the oracle, causality, writing on, both engines, and learning."""

import math

import numpy as np
import pytest
import torch

import twice
from networks.counting import parameters
from networks.sentences import assert_engines_agree, learn, outputs
from networks.support import assert_same_names, twins
from twice.files import copy_weights
from twice.networks import generate, gpt
from twice.networks.gpt import SIZES
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
TIES = pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
TINY = {"vocabulary": 9, "context": 6, "layers": 2, "d": 8, "heads": 2}
TOKENS = np.random.default_rng(0).integers(0, 9, (3, 6))


@pytest.mark.parametrize(
    "size,exact", [("small", 124_439_808), ("medium", 354_823_168), ("large", 774_030_080), ("xl", 1_557_611_200)]
)
def test_parameters_are_those_of_the_released_gpt2(size, exact):
    """The word matrix once, the positions, and per layer 12 d² + 13 d; one norm at the end"""
    layers, d, _ = SIZES[size]
    assert parameters(gpt, size) == (50_257 + 1024) * d + layers * (12 * d * d + 13 * d) + 2 * d == exact


def test_untied_it_has_another_matrix():
    assert parameters(gpt, tied=False) - parameters(gpt) == 50_257 * 768


@TIES
def test_both_engines_agree(tied):
    build = lambda nn, **o: gpt(nn, tied=tied, **TINY, **o)
    assert_same_names(build)
    assert_engines_agree(lambda nn: build(nn, dropout=0.5), TOKENS)
    assert_engines_agree(lambda nn: build(nn, dropout=0.5), TOKENS, weights=True)
    assert_engines_agree(lambda nn: build(nn, dropout=0.0), TOKENS[:, :4], train=True)


@TIES
def test_gradients_and_steps_agree(tied):
    certificate(lambda nn: gpt(nn, tied=tied, dropout=0.0, **TINY), TOKENS, steps=2).raise_if_failed()


def test_it_is_torchs_encoder_layers_with_norms_first_and_gelu():
    ours, theirs = twins(lambda nn: gpt(nn, **TINY))
    gelu = lambda x: torch.nn.functional.gelu(x, approximate="tanh")
    options = {"activation": gelu, "batch_first": True, "norm_first": True, "dtype": torch.float64}
    layer = torch.nn.TransformerEncoderLayer(8, 2, 32, **options)
    stack = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(8, dtype=torch.float64), False).eval()
    stack.load_state_dict(dict(zip(stack.state_dict(), theirs.stack.state_dict().values(), strict=True)))
    with torch.no_grad():
        x = theirs.words.weight[torch.from_numpy(TOKENS)] + theirs.places.weight
        expected = stack(x, torch.ones(6, 6, dtype=torch.bool).triu(1)) @ theirs.words.weight.T
    np.testing.assert_allclose(outputs(ours.eval(), TOKENS)[0], expected.numpy(), atol=1e-12)


@ENGINES
def test_first_values_are_gpt2s(engine):
    engine.manual_seed(0)
    net = gpt(engine.nn, vocabulary=500, context=100, layers=2, d=64, heads=2)
    spread = {name: float(p.detach().numpy().std()) for name, p in net.named_parameters()}
    for name, std in spread.items():
        shrunk = name.endswith(("out_proj.weight", "feed.2.weight"))
        expected = 0 if "norm" in name or name.endswith("bias") else 0.02 / (2 if shrunk else 1)
        assert std == pytest.approx(expected, rel=0.05, abs=1e-9), name
    assert math.isclose(spread["stack.blocks.0.feed.2.weight"], 0.01, rel_tol=0.05)


@ENGINES
@TIES
def test_a_later_token_changes_no_earlier_logits(engine, tied):
    net, other = gpt(engine.nn, tied=tied, **TINY).eval(), TOKENS.copy()
    other[:, 3] = (other[:, 3] + 1) % 9
    before, after = (outputs(net, tokens)[0] for tokens in (TOKENS, other))
    assert np.array_equal(before[:, :3], after[:, :3])
    assert (np.abs(before - after)[:, 3:].max((0, 2)) > 0).all()


@ENGINES
def test_the_order_of_earlier_tokens_matters(engine):
    net, other = gpt(engine.nn, **TINY).eval(), TOKENS.copy()
    other[:, [0, 1]] = other[:, [1, 0]]
    other[other[:, 0] == other[:, 1], 0] += 1
    assert (np.abs(outputs(net, TOKENS)[0] - outputs(net, other)[0])[:, -1].max(1) > 0).all()


@ENGINES
def test_weights_look_back_only(engine):
    _, seen = outputs(gpt(engine.nn, **TINY).eval(), TOKENS, weights=True)
    assert seen.shape == (3, 2, 2, 6, 6)
    np.testing.assert_allclose(seen.sum(-1), 1, atol=1e-6)
    assert (np.triu(seen, 1) == 0).all()
    assert (seen[..., np.tril_indices(6)[0], np.tril_indices(6)[1]] > 0).all()


@ENGINES
def test_writing_keeps_the_prompt_and_forgets_what_is_beyond_the_context(engine):
    engine.manual_seed(0)
    net = gpt(engine.nn, **TINY).eval()
    text = generate(net, engine.from_numpy(TOKENS[:, :2]), 9, temperature=0).numpy()
    assert text.shape == (3, 11)
    assert np.array_equal(text[:, :2], TOKENS[:, :2])
    for t in range(2, 11):
        assert np.array_equal(outputs(net, text[:, max(0, t - 6) : t])[0][:, -1].argmax(-1), text[:, t])


@ENGINES
def test_reading_on_is_reading_the_last_tokens_that_fit(engine):
    net = gpt(engine.nn, **TINY).eval()
    text = np.concatenate([TOKENS, TOKENS[:, ::-1]], 1)
    _, state = net.read(engine.from_numpy(text[:, :5]))
    for t in range(5, 12):
        logits, state = net.read(engine.from_numpy(text[:, t : t + 1]), state)
        expected = outputs(net, text[:, max(0, t - 5) : t + 1])[0][:, -1]
        np.testing.assert_allclose(logits.detach().numpy(), expected, atol=1e-6)


@ENGINES
def test_dropout_stands_behind_embeddings_sublayers_and_weights(engine):
    net, tokens = gpt(engine.nn, **TINY, dropout=1.0), engine.from_numpy(TOKENS)
    assert (net(tokens).detach().numpy() == 0).all()
    net.dropout.p = 0.0
    for block in net.stack.blocks:
        block.dropout.p = 0.0
    other = TOKENS.copy()
    other[:, :-1] = (other[:, :-1] + 1) % 9  # with no weight left, a token knows itself alone
    assert np.array_equal(net(tokens).detach().numpy()[:, -1], net(engine.from_numpy(other)).detach().numpy()[:, -1])


@ENGINES
def test_writing_draws_among_the_top_k(engine):
    engine.manual_seed(0)
    net = gpt(engine.nn, **TINY).eval()
    prompt = engine.from_numpy(np.repeat(TOKENS[:1, :3], 200, 0))
    logits = outputs(net, TOKENS[:1, :3])[0][0, -1]
    drawn = generate(net, prompt, 1, top_k=3).numpy()[:, -1]
    assert set(drawn) == set(np.argsort(logits)[-3:])
    assert np.array_equal(generate(net, prompt, 3, top_k=1).numpy(), generate(net, prompt, 3, temperature=0).numpy())


@ENGINES
def test_a_seed_repeats_what_is_written(engine):
    net, texts = gpt(engine.nn, **TINY).eval(), []
    for seed in (0, 0, 1):
        engine.manual_seed(seed)
        texts.append(generate(net, engine.from_numpy(TOKENS), 8).numpy())
    assert np.array_equal(texts[0], texts[1])
    assert not np.array_equal(texts[0], texts[2])


def test_it_learns_to_copy_and_torch_copies_with_the_same_weights():
    twice.manual_seed(0)
    digits = np.random.default_rng(0).integers(3, 8, (4000, 4))
    text = np.concatenate([digits, digits], 1)
    target = text[:, 1:].copy()
    target[:, :3] = 0  # nobody can know the first four
    build = lambda nn: gpt(nn, vocabulary=8, layers=2, d=32, heads=2, context=8, dropout=0.0)
    ours, theirs = build(twice.nn), build(torch.nn)
    learn(ours, text[:, :-1], target=target, steps=120, lr=0.005, batch=32)
    copy_weights(ours, theirs)
    for net, engine in ((ours, twice), (theirs, torch)):
        written = generate(net, engine.from_numpy(digits[:100]), 4, temperature=0).numpy()
        assert np.array_equal(written, text[:100])


@ENGINES
def test_more_tokens_than_the_context_get_a_sentence(engine):
    with pytest.raises(ValueError, match=r"gpt: tokens has shape \(3, 7\), expected at most 6 in a row"):
        gpt(engine.nn, **TINY)(engine.zeros(3, 7, dtype=engine.int64))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"size": "huge"}, "gpt: size is 'huge', expected one of small, medium, large, xl"),
        ({"vocabulary": 0}, "gpt: vocabulary is 0, expected a number of at least 1"),
        ({"context": 0}, "gpt: context is 0, expected a number of at least 1"),
        ({"layers": 0}, "gpt: layers is 0, expected a number of at least 1"),
        ({"heads": 5}, "gpt: d is 768, expected a multiple of heads, 5"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        gpt(twice.nn, **options)
