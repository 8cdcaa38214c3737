"""Sequence to sequence, with and without attention: the papers' sizes, masks, decoding, both engines, and learning."""

import numpy as np
import pytest
import torch

import twice
from networks.counting import parameters
from networks.sentences import (
    PHRASES,
    assert_engines_agree,
    begun,
    learn,
    numbered,
    outputs,
    read,
    vocabulary,
    weights_of,
)
from networks.support import assert_same_names, twins
from twice.files import copy_weights
from twice.networks import beam_search, greedy, seq2seq
from twice.networks.recurrent import KINDS
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
ALL = pytest.mark.parametrize("kind", KINDS)
BOTH = pytest.mark.parametrize("attention", [True, False], ids=["attention", "plain"])
TINY = {"source": 9, "target": 7, "embedding": 4, "hidden": 5, "maxout": 3}
SOURCE = np.array([[5, 3, 4, 2, 7], [6, 1, 0, 0, 0], [2, 8, 2, 0, 0]])
TARGET = np.array([[1, 4, 3, 6], [1, 2, 2, 5], [1, 6, 3, 0]])


def test_parameters_of_rnnsearch_are_those_of_its_equations():
    """Appendix A.2: 30,000 words, embeddings 620, states and alignment 1000, maxout 500; torch's GRU has two biases"""
    v, m, n = 30_000, 620, 1000
    encoder = v * m + weights_of("GRU", inputs=m, hidden=n, directions=2)
    alignment = n * n + 2 * n * n + n
    decoder = v * m + weights_of("GRU", inputs=m + 2 * n, hidden=n) + n * n + n
    readout = (n + 2 * n + m) * 1000 + 1000 + 500 * v
    assert parameters(seq2seq) == encoder + alignment + decoder + readout == 80_421_000


def test_parameters_without_attention_are_those_of_one_direction_and_one_vector():
    v, m, n = 30_000, 620, 1000
    layers = weights_of("GRU", inputs=m, hidden=n) + weights_of("GRU", inputs=m + n, hidden=n)
    assert parameters(seq2seq, False, maxout=0) == 2 * v * m + layers + n * n + n + (n + 1) * v


@ALL
@BOTH
@pytest.mark.parametrize("maxout,layers", [(3, 1), (0, 2)])
def test_both_engines_agree(kind, attention, maxout, layers):
    build = lambda nn, **o: seq2seq(nn, attention, kind=kind, pad=0, layers=layers, **{**TINY, "maxout": maxout}, **o)
    assert_same_names(build)
    assert_engines_agree(lambda nn: build(nn, dropout=0.5), SOURCE, TARGET, weights=True)
    assert_engines_agree(build, SOURCE, TARGET, train=True, weights=True)


@ALL
@BOTH
@pytest.mark.parametrize("maxout,layers", [(3, 2), (0, 1)])
def test_gradients_and_steps_agree(kind, attention, maxout, layers):
    build = lambda nn: seq2seq(nn, attention, kind=kind, pad=0, layers=layers, **{**TINY, "maxout": maxout})
    certificate(build, SOURCE, TARGET, steps=2).raise_if_failed()


def test_attention_is_bahdanaus_word_by_word():
    ours, _ = twins(lambda nn: seq2seq(nn, kind="RNN", **{**TINY, "maxout": 0}))
    w = {name: value.numpy() for name, value in ours.state_dict().items()}
    logits, weights = outputs(ours, SOURCE, TARGET, weights=True)

    def cell(x, h, layer, end=""):
        part = lambda name: w[f"{layer}.recurrent.{name}_l0{end}"]
        return np.tanh(part("weight_ih") @ x + part("bias_ih") + part("weight_hh") @ h + part("bias_hh"))

    for n, (source, target) in enumerate(zip(SOURCE, TARGET)):
        x, states = w["encoder.embedding.weight"][source], {}
        for end, order in (("", range(5)), ("_reverse", reversed(range(5)))):
            h = np.zeros(5)
            for j in order:
                states[j, end] = h = cell(x[j], h, "encoder", end)
        memory = [np.concatenate([states[j, ""], states[j, "_reverse"]]) for j in range(5)]
        s = np.tanh(w["decoder.first.weight"] @ states[0, "_reverse"] + w["decoder.first.bias"])
        for t, y in enumerate(target):
            hidden = [w["decoder.attend.W.weight"] @ s + w["decoder.attend.U.weight"] @ h for h in memory]
            e = np.array([w["decoder.attend.v.weight"][0] @ np.tanh(a) for a in hidden])
            alpha = np.exp(e) / np.exp(e).sum()
            context = sum(a * h for a, h in zip(alpha, memory))
            s = cell(np.concatenate([w["decoder.embedding.weight"][y], context]), s, "decoder")
            np.testing.assert_allclose(weights[n, t], alpha, rtol=1e-9)
            expected = w["decoder.readout.logits.weight"] @ s + w["decoder.readout.logits.bias"]
            np.testing.assert_allclose(logits[n, t], expected, atol=1e-9)


@ENGINES
@BOTH
def test_padding_gets_no_attention_and_changes_nothing(engine, attention):
    net = seq2seq(engine.nn, attention, pad=0, **TINY)
    together = outputs(net, SOURCE, TARGET, weights=True)
    for row, (source, target) in enumerate(zip(SOURCE, TARGET)):
        alone = outputs(net, source[source != 0][None], target[None], weights=True)
        np.testing.assert_allclose(together[0][row], alone[0][0], atol=1e-6)
    if attention:
        weights = together[1]
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
        assert (weights[np.repeat((SOURCE == 0)[:, None], 4, 1)] == 0).all()
        assert (weights[np.repeat((SOURCE != 0)[:, None], 4, 1)] > 0).all()
    else:
        assert len(together) == 1


@ENGINES
@BOTH
def test_a_later_word_changes_no_earlier_logits(engine, attention):
    net, other = seq2seq(engine.nn, attention, **TINY), TARGET.copy()
    other[:, 2] = (other[:, 2] + 1) % 7
    before, after = (outputs(net, SOURCE, target)[0] for target in (TARGET, other))
    assert np.array_equal(before[:, :2], after[:, :2])
    assert (np.abs(before - after)[:, 2:].max((0, 2)) > 0).all()


@ENGINES
@ALL
def test_the_top_layer_is_what_looks_for_words(engine, kind):
    net = seq2seq(engine.nn, kind=kind, layers=3, **TINY).double()
    first, tokens = net.begin(engine.from_numpy(SOURCE)), engine.from_numpy(TARGET[:, 0])
    weights = net.step(tokens, first)[2].detach().numpy()
    for layer in range(3):
        memory, keys, mask, h, *rest = first
        moved = h.detach().clone()
        moved[:, layer] += 1.0
        other = net.step(tokens, (memory, keys, mask, moved, *rest))[2].detach().numpy()
        assert (np.abs(other - weights).max() > 0) == (layer == 2)


@ENGINES
def test_dropout_stands_behind_the_embedding_and_before_the_logits(engine):
    engine.manual_seed(0)
    net = seq2seq(engine.nn, dropout=1.0, **{**TINY, "maxout": 0})
    first = net.begin(engine.from_numpy(SOURCE))
    states = []
    for tokens in (TARGET[:, 1], TARGET[:, 2]):
        logits, state, _ = net.step(engine.from_numpy(tokens), first)
        assert (logits.detach().numpy() == net.decoder.readout.logits.bias.detach().numpy()).all()
        states.append(state[3].detach().numpy())
    assert np.array_equal(*states)


@ENGINES
@ALL
@BOTH
def test_teacher_forcing_gives_the_logits_of_single_steps(engine, kind, attention):
    net = seq2seq(engine.nn, attention, kind=kind, layers=2, pad=0, **TINY)
    forced, state = outputs(net, SOURCE, TARGET)[0], net.begin(engine.from_numpy(SOURCE))
    for t in range(TARGET.shape[1]):
        logits, state, _ = net.step(engine.from_numpy(TARGET[:, t]), state)
        np.testing.assert_allclose(logits.detach().numpy(), forced[:, t], atol=1e-6)


@ENGINES
@ALL
@BOTH
def test_a_beam_of_one_is_greedy_and_a_wider_one_never_worse(engine, kind, attention):
    engine.manual_seed(0)
    net, source = seq2seq(engine.nn, attention, kind=kind, pad=0, **TINY), engine.from_numpy(SOURCE)
    plain, one, four = (
        f(net, source, start=1, stop=2, limit=6, **o)
        for f, o in ((greedy, {}), (beam_search, {"width": 1}), (beam_search, {"width": 4}))
    )
    assert np.array_equal(plain.tokens.numpy(), one.tokens.numpy())
    np.testing.assert_allclose(plain.scores.numpy(), one.scores.numpy(), atol=1e-6)
    assert (four.scores.numpy() >= plain.scores.numpy()).all()
    assert (plain.weights is None) == (not attention)
    logits = outputs(net, SOURCE, begun(four.tokens.numpy()))[0]  # its score is what teacher forcing says
    chances = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    taken = np.take_along_axis(chances, four.tokens.numpy()[..., None], 2)[..., 0]
    inside = np.cumsum(four.tokens.numpy() == 2, 1) - (four.tokens.numpy() == 2) == 0
    np.testing.assert_allclose((taken * inside).sum(1), four.scores.numpy(), atol=1e-5)


ENGLISH, SPANISH = vocabulary(PHRASES), vocabulary(PHRASES.values())
STOP = SPANISH.index("[STOP]")


@ALL
@BOTH
def test_it_learns_to_translate_and_torch_translates_with_the_same_weights(kind, attention):
    twice.manual_seed(0)
    sizes = {"source": len(ENGLISH), "target": len(SPANISH), "embedding": 12, "hidden": 24, "maxout": 12}
    build = lambda nn: seq2seq(nn, attention, kind=kind, pad=0, **sizes)
    ours, theirs = build(twice.nn), build(torch.nn)
    source, target = numbered(ENGLISH, PHRASES), numbered(SPANISH, PHRASES.values())
    learn(ours, source, begun(target), target=target, steps=60, lr=0.02)
    copy_weights(ours, theirs)
    for net, engine in ((ours, twice), (theirs, torch)):
        for decode in (greedy, beam_search):
            found = decode(net, engine.from_numpy(source), start=1, stop=STOP, limit=8)
            assert read(SPANISH, found.tokens, "[STOP]") == list(PHRASES.values())


def test_it_learns_to_reverse_and_its_attention_walks_backwards():
    twice.manual_seed(0)
    digits = np.random.default_rng(0).integers(3, 6, (4000, 4))
    target = np.concatenate([digits[:, ::-1], np.full((4000, 1), 2)], 1)
    net = seq2seq(twice.nn, source=6, target=6, embedding=12, hidden=32, maxout=0)
    learn(net, digits, begun(target), target=target, steps=150, lr=0.015, batch=32)
    found = greedy(net, twice.from_numpy(digits[:100]), start=1, stop=2, limit=8)
    assert (found.tokens.numpy() == target[:100]).all()
    walk = found.weights.numpy()[:, :4].mean(0).argmax(1)
    assert walk.tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize(
    "options,message",
    [
        ({"kind": "ESN"}, "seq2seq: kind is 'ESN', expected one of RNN, LSTM, GRU"),
        ({"source": 0}, "seq2seq: source is 0, expected a number of at least 1"),
        ({"hidden": 0}, "seq2seq: hidden is 0, expected a number of at least 1"),
        ({"maxout": -1}, "seq2seq: maxout is -1, expected a number of at least 0"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        seq2seq(twice.nn, **options)
