"""Show, Attend and Tell: the equations word by word, any CNN below it, both engines, and a few captions learnt."""

import numpy as np
import pytest
import torch

import twice
from networks.counting import parameters
from networks.sentences import (
    CAPTIONS,
    assert_engines_agree,
    begun,
    learn,
    numbered,
    outputs,
    read,
    vocabulary,
    weights_of,
)
from networks.support import assert_same_names, image_batch, twins
from twice.blocks import chain
from twice.files import copy_weights
from twice.networks import beam_search, captioner, doubly_stochastic, greedy, vgg
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
TINY = {"channels": 6, "vocabulary": 7, "embedding": 4, "hidden": 5}
IMAGES = image_batch(8, n=3, dtype="float64")  # a grid of 3 × 3
WORDS = np.array([[1, 4, 3, 6], [1, 2, 2, 5], [1, 6, 3, 0]])


def tiny(nn, **options):
    return captioner(nn, nn.Conv2d(3, 6, 3, stride=2), **TINY, **options)


def on_grids(nn, **options):
    """The grid itself is the input."""
    return captioner(nn, nn.Identity(), **TINY, dropout=0.0, **options)


def test_parameters_are_those_of_the_equations():
    """Annotations of 512, 10,000 words of 512, an LSTM of 1800, one layer for each f; torch's LSTM has two biases"""
    D, V, m, n = 512, 10_000, 512, 1800
    attention = n * D + D * D + D + n + 1  # and f_β
    first = 2 * (D + 1) * n
    readout = (n + 1) * m + (D + 1) * m + (m + 1) * V
    expected = V * m + weights_of("LSTM", inputs=m + D, hidden=n) + attention + first + readout
    assert parameters(lambda nn: captioner(nn, nn.Identity())) == expected


@pytest.mark.parametrize("layers", [1, 2])
def test_both_engines_agree(layers):
    assert_same_names(lambda nn: tiny(nn, layers=layers))
    assert_engines_agree(lambda nn: tiny(nn, layers=layers), IMAGES, WORDS, weights=True)
    assert_engines_agree(lambda nn: tiny(nn, layers=layers, dropout=0.0), IMAGES, WORDS, train=True, weights=True)


@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_and_steps_agree(layers):
    certificate(lambda nn: tiny(nn, layers=layers, dropout=0.0), IMAGES, WORDS, steps=2).raise_if_failed()


def test_gradients_of_loss_and_penalty_agree():
    def loss(answer):
        logits, weights = answer
        return (logits**2).mean() + doubly_stochastic(weights)

    ours, theirs = twins(lambda nn: tiny(nn, dropout=0.0))
    gradients = []
    for net, engine in ((ours, twice), (theirs, torch)):
        loss(net(engine.from_numpy(IMAGES), engine.from_numpy(WORDS), weights=True)).backward()
        gradients.append({name: p.grad.numpy() for name, p in net.named_parameters()})
    largest = max(np.abs(g).max() for g in gradients[1].values())
    for name, g in gradients[1].items():
        np.testing.assert_allclose(gradients[0][name], g, rtol=1e-8, atol=1e-12 * largest, err_msg=name)


def test_the_decoder_is_the_papers_word_by_word():
    ours, _ = twins(on_grids)
    w = {name.removeprefix("decoder."): value.numpy() for name, value in ours.state_dict().items()}
    grid = np.random.default_rng(0).standard_normal((1, 6, 2, 3))
    logits, weights = outputs(ours, grid, WORDS[:1], weights=True)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    a = grid[0].reshape(6, 6).T
    h, c = np.split(np.tanh(w["first.weight"] @ a.mean(0) + w["first.bias"]), 2)
    for t, word in enumerate(WORDS[0]):
        e = np.tanh(a @ w["attend.attention.U.weight"].T + w["attend.attention.W.weight"] @ h)
        e = e @ w["attend.attention.v.weight"][0]
        alpha = np.exp(e) / np.exp(e).sum()
        z = sigmoid(w["attend.beta.weight"] @ h + w["attend.beta.bias"]) * (alpha @ a)
        y = w["embedding.weight"][word]
        gates = w["recurrent.weight_ih_l0"] @ np.concatenate([y, z]) + w["recurrent.bias_ih_l0"]
        i, f, g, o = np.split(gates + w["recurrent.weight_hh_l0"] @ h + w["recurrent.bias_hh_l0"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        seen = y + w["readout.h.weight"] @ h + w["readout.h.bias"] + w["readout.z.weight"] @ z + w["readout.z.bias"]
        np.testing.assert_allclose(weights[0, t], alpha, rtol=1e-9)
        np.testing.assert_allclose(
            logits[0, t], w["readout.logits.weight"] @ seen + w["readout.logits.bias"], atol=1e-9
        )


@ENGINES
def test_weights_are_a_distribution_over_the_grid_and_follow_its_positions(engine):
    net = on_grids(engine.nn).double()
    grid = np.random.default_rng(0).standard_normal((3, 6, 2, 4))
    logits, weights = outputs(net, grid, WORDS, weights=True)
    assert weights.shape == (3, 4, 8)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(2), 1, rtol=1e-12)
    order = np.random.default_rng(1).permutation(8)
    shuffled = grid.reshape(3, 6, 8)[:, :, order].reshape(grid.shape)
    again, moved = outputs(net, shuffled, WORDS, weights=True)
    np.testing.assert_allclose(moved, weights[:, :, order], rtol=1e-9)
    np.testing.assert_allclose(again, logits, atol=1e-9)


@ENGINES
def test_a_closed_gate_leaves_the_image_out(engine):
    net = on_grids(engine.nn).double()
    grid = np.random.default_rng(0).standard_normal((3, 6, 2, 2))
    other = grid - 2 * (grid - grid.mean((2, 3), keepdims=True))  # the same mean, from which the first state comes
    assert np.abs(outputs(net, grid, WORDS)[0] - outputs(net, other, WORDS)[0]).max() > 1e-4
    with engine.no_grad():
        net.decoder.attend.beta.bias.fill_(-1e3)
    np.testing.assert_allclose(outputs(net, grid, WORDS)[0], outputs(net, other, WORDS)[0], atol=1e-12)


@ENGINES
def test_a_later_word_changes_no_earlier_logits(engine):
    net, other = tiny(engine.nn).double().eval(), WORDS.copy()
    other[:, 2] = (other[:, 2] + 1) % 7
    before, after = (outputs(net, IMAGES, words)[0] for words in (WORDS, other))
    assert np.array_equal(before[:, :2], after[:, :2])
    assert (np.abs(before - after)[:, 2:].max((0, 2)) > 0).all()


@ENGINES
def test_the_penalty_is_zero_where_every_position_was_seen_once(engine):
    tensor = lambda rows: engine.from_numpy(np.array(rows))
    assert doubly_stochastic(tensor([[[0.5, 0.5], [0.5, 0.5]]])).item() == 0
    assert doubly_stochastic(tensor([[[1.0, 0.0], [1.0, 0.0]]])).item() == 2
    assert doubly_stochastic(tensor([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])).item() == 1


@ENGINES
def test_a_beam_of_one_is_greedy_and_a_wider_one_never_worse(engine):
    engine.manual_seed(0)
    net, images = tiny(engine.nn).double().eval(), engine.from_numpy(IMAGES)
    plain = greedy(net, images, start=1, stop=2, limit=6)
    one = beam_search(net, images, start=1, stop=2, limit=6, width=1)
    assert plain.tokens.tolist() == one.tokens.tolist()
    np.testing.assert_allclose(one.weights.numpy(), plain.weights.numpy(), atol=1e-12)
    four = beam_search(net, images, start=1, stop=2, limit=6)
    assert (four.scores.numpy() >= plain.scores.numpy()).all()
    tokens = four.tokens.numpy()
    ended = np.cumsum(tokens == 2, 1) - (tokens == 2) > 0
    seen = outputs(net, IMAGES, begun(tokens), weights=True)[1]  # the weights of that very sentence
    np.testing.assert_allclose(four.weights.numpy(), seen * ~ended[..., None], atol=1e-12)


WORD_LIST = vocabulary(CAPTIONS)


def test_it_learns_captions_over_a_vgg_and_torch_writes_them_with_the_same_weights():
    twice.manual_seed(0)
    images, target = image_batch(32, n=3), numbered(WORD_LIST, CAPTIONS)

    def build(nn):
        stages = chain(nn, features=vgg(nn, "A", width=1 / 32).features[:10])  # 8 channels of 8 × 8 … 4 × 4
        sizes = {"vocabulary": len(WORD_LIST), "embedding": 8, "hidden": 16, "dropout": 0.0}
        return captioner(nn, stages, channels=8, **sizes)

    ours, theirs = build(twice.nn), build(torch.nn)
    options = {"extra": lambda weights: 0.1 * doubly_stochastic(weights), "weights": True}
    learn(ours, images, begun(target), target=target, steps=80, lr=0.02, **options)
    copy_weights(ours, theirs)
    for net, engine in ((ours, twice), (theirs, torch)):
        for decode in (greedy, beam_search):
            found = decode(net, engine.from_numpy(images), start=1, stop=WORD_LIST.index("[END]"), limit=8)
            assert read(WORD_LIST, found.tokens, "[END]") == CAPTIONS
            assert tuple(found.weights.shape[:2]) == (3, 4)


@ENGINES
def test_features_that_are_no_grid_get_a_sentence(engine):
    net = captioner(engine.nn, engine.nn.Flatten(), **TINY)
    with pytest.raises(ValueError, match=r"captioner: features give \(3, 192\), expected \(N, channels, h, w\)"):
        net(engine.from_numpy(IMAGES), engine.from_numpy(WORDS))


@pytest.mark.parametrize("name", ["channels", "vocabulary", "embedding", "hidden", "layers"])
def test_a_bad_option_gets_a_sentence(name):
    with pytest.raises(ValueError, match=f"captioner: {name} is 0, expected a number of at least 1"):
        captioner(twice.nn, twice.nn.Identity(), **{name: 0})
