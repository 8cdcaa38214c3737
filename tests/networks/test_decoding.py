"""Decoding: greedy, beam and sampling against all sentences there are, on networks that are tables."""

from itertools import product

import numpy as np
import pytest
import torch

import twice
from twice.networks import beam_search, draw, generate, greedy

ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
START, STOP = 0, 1


class Chain:
    """p of the next token depends on the last one alone, and on which source it is: (sources, V, V)."""

    def __init__(self, engine, chances):
        self.table = engine.from_numpy(np.log(np.asarray(chances) + 1e-300))

    def begin(self, source):
        return source, None

    def step(self, tokens, state):
        return self.table[state[0], tokens], state, self.table[state[0], tokens].exp()


class Writer(Chain):
    """The same as a language model."""

    def read(self, tokens, state=None):
        return self.table[0, tokens[:, -1]], state


def chances(sources=3, v=5, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(v, 0.5), (sources, v))
    return (p + 0.01) / (p + 0.01).sum(-1, keepdims=True)


def best_of_all(p, limit):
    """The likeliest sentence that stops within the limit, or is as long as it: by trying all."""
    sentences = set()
    for tokens in product(range(len(p)), repeat=limit):
        end = tokens.index(STOP) + 1 if STOP in tokens else limit
        sentences.add(tokens[:end])
    score = lambda s: sum(np.log(p[a, b]) for a, b in zip((START, *s), s))
    return max((score(s), s) for s in sentences)


def decoded(function, engine, p, limit=4, **options):
    return function(Chain(engine, p), engine.arange(len(p)), start=START, stop=STOP, limit=limit, **options)


@ENGINES
def test_a_beam_as_wide_as_all_sentences_finds_the_best_of_all(engine):
    p = chances()
    found = decoded(beam_search, engine, p, width=5**4)
    for row, (score, sentence) in enumerate(best_of_all(table, 4) for table in p):
        assert tuple(found.tokens[row].tolist())[: len(sentence)] == sentence
        assert set(found.tokens[row].tolist()[len(sentence) :]) <= {STOP}
        assert found.scores[row].item() == pytest.approx(score, rel=1e-12)


@ENGINES
@pytest.mark.parametrize("limit", [1, 2, 6])
def test_a_beam_of_one_is_greedy(engine, limit):
    p = chances(sources=40)
    plain, one = (decoded(f, engine, p, limit, **o) for f, o in ((greedy, {}), (beam_search, {"width": 1})))
    for a, b in zip(plain, one):
        assert np.array_equal(a.numpy(), b.numpy())


@ENGINES
def test_greedy_takes_the_likeliest_token_at_each_step_and_sums_its_log_chances(engine):
    p = chances(sources=20)
    found = decoded(greedy, engine, p, limit=5)
    for row, table in enumerate(p):
        last, score = START, 0.0
        for token in found.tokens[row].tolist():
            if last != STOP:
                assert token == table[last].argmax()
                score += np.log(table[last, token])
            last = STOP if last == STOP else token
        assert found.scores[row].item() == pytest.approx(score, rel=1e-12)


@ENGINES
@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_wider_beam_is_never_worse_than_greedy(engine, width):
    p = chances(sources=300, v=6, seed=1)
    plain, beams = decoded(greedy, engine, p, 6), decoded(beam_search, engine, p, 6, width=width)
    gain = (beams.scores - plain.scores).numpy()
    assert gain.min() >= 0
    assert gain.max() > 0.1


@ENGINES
def test_the_greedy_sentence_competes_even_where_the_beam_loses_it(engine):
    p = np.zeros((1, 12, 12))
    p[0, START, [2, 3, 4]] = 0.4, 0.35, 0.25
    p[0, 2, [5, 6, 7]] = 0.34, 0.33, 0.33  # 0.136 each: the beam of two goes on with token 3 alone …
    p[0, 3, [8, 9]] = 0.5  # 0.175
    p[0, [8, 9], 2:] = 0.1  # … which leads nowhere
    p[0, [4, 5, 6, 7, 10, 11, 2, 3], STOP] = 1 - p[0, [4, 5, 6, 7, 10, 11, 2, 3]].sum(-1)
    found = decoded(beam_search, engine, p, width=2)
    assert found.tokens.tolist() == [[2, 5, STOP]]
    assert found.scores.item() == pytest.approx(np.log(0.4 * 0.34))


@ENGINES
def test_a_penalty_on_length_prefers_longer_sentences(engine):
    p = np.zeros((1, 4, 4))
    p[0, START, [STOP, 2]] = 0.5, 0.5
    p[0, 2, [3, STOP]] = 0.9, 0.1
    p[0, 3, STOP] = 1.0
    lengths = [decoded(beam_search, engine, p, width=4, length_penalty=a).tokens.shape[1] for a in (0.0, 1.0)]
    assert lengths == [1, 3]


@ENGINES
@pytest.mark.parametrize("function", [greedy, beam_search])
def test_weights_belong_to_their_words_and_end_with_them(engine, function):
    p = chances(sources=10)
    found = decoded(function, engine, p, limit=6)
    tokens, weights = found.tokens.numpy(), found.weights.numpy()
    assert weights.shape == (*tokens.shape, 5)
    assert (tokens != STOP).any(0).all() or tokens.shape[1] == 1 or (tokens[:, -2] != STOP).any()  # nothing to cut
    for row in range(10):
        last = START
        for token, seen in zip(tokens[row], weights[row]):
            np.testing.assert_allclose(seen, 0.0 if last == STOP else p[row, last], rtol=1e-9)
            last = STOP if last == STOP else token


@ENGINES
def test_nothing_is_recorded(engine):
    p = engine.from_numpy(np.log(chances())).requires_grad_()
    net = Chain(engine, chances())
    net.table = p
    for function in (greedy, beam_search):
        assert not function(net, engine.arange(3), start=START, stop=STOP).scores.requires_grad
    assert engine.is_grad_enabled()


@ENGINES
def test_both_engines_find_the_same(engine):
    p = chances(sources=30)
    for function in (greedy, beam_search):
        ours, other = decoded(function, twice, p, 6), decoded(function, engine, p, 6)
        assert np.array_equal(ours.tokens.numpy(), other.tokens.numpy())
        np.testing.assert_allclose(ours.scores.numpy(), other.scores.numpy(), rtol=1e-12)


@ENGINES
def test_drawing_follows_softmax_of_logits_over_temperature(engine):
    engine.manual_seed(0)
    logits = np.array([0.0, 1.0, 2.0, -1.0])
    many = engine.from_numpy(np.tile(logits, (4000, 1)))
    for temperature in (0.5, 1.0, 2.0):
        counts = np.bincount(draw(many, temperature=temperature).numpy(), minlength=4) / 4000
        p = np.exp(logits / temperature)
        np.testing.assert_allclose(counts, p / p.sum(), atol=0.03)  # four standard deviations


@ENGINES
def test_drawing_among_the_top_k_gives_no_other_and_keeps_their_proportions(engine):
    engine.manual_seed(0)
    many = engine.from_numpy(np.tile(np.log([0.1, 0.4, 0.3, 0.2]), (4000, 1)))
    counts = np.bincount(draw(many, top_k=2).numpy(), minlength=4) / 4000
    np.testing.assert_allclose(counts, [0, 4 / 7, 3 / 7, 0], atol=0.03)
    assert counts[0] == counts[3] == 0
    assert set(draw(many, top_k=1).tolist()) == {1} == set(draw(many, temperature=0).tolist())
    assert set(draw(many, top_k=99).tolist()) == {0, 1, 2, 3}


@ENGINES
def test_generated_text_begins_with_the_prompt_and_each_token_may_follow_the_last(engine):
    cycle = np.eye(5)[None, [1, 2, 3, 4, 0]]
    prompt = engine.from_numpy(np.array([[3, 0], [2, 2]]))
    assert generate(Writer(engine, cycle), prompt, 4).tolist() == [[3, 0, 1, 2, 3, 4], [2, 2, 3, 4, 0, 1]]


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: draw(twice.zeros(1, 3), temperature=-1), "draw: temperature is -1, expected a number of at least 0"),
        (lambda: draw(twice.zeros(1, 3), top_k=0), "draw: top_k is 0, expected a number of at least 1"),
        (lambda: decoded(beam_search, twice, chances(), width=0), "beam_search: width is 0, expected a number of at"),
        (lambda: decoded(greedy, twice, chances(), limit=0), "greedy: limit is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
