"""Recurrent networks over tokens: sizes of their paper, states, padding, both engines, and what they can learn."""

import numpy as np
import pytest
import torch

import twice
from networks.counting import parameters
from networks.sentences import assert_engines_agree, learn, outputs, weights_of
from networks.support import assert_same_names, twins
from twice.networks import generate, language_model, sequence_classifier
from twice.networks.recurrent import KINDS, SIZES
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
ALL = pytest.mark.parametrize("kind", KINDS)
TINY = {"vocabulary": 9, "embedding": 5, "hidden": 6}
TOKENS = np.random.default_rng(0).integers(0, 9, (3, 7))
PADDED = np.array([[5, 3, 4, 2, 7], [6, 1, 0, 0, 0], [2, 8, 2, 0, 0]])


@pytest.mark.parametrize("size,millions", [("small", 4.65), ("medium", 19.8), ("large", 66.0)])
def test_parameters_of_the_language_model_are_those_of_its_paper(size, millions):
    count = parameters(language_model, **SIZES[size])
    hidden, v = SIZES[size]["hidden"], 10_000
    assert count == v * hidden + weights_of("LSTM", inputs=hidden, hidden=hidden, layers=2) + (hidden + 1) * v
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


@ALL
@pytest.mark.parametrize("bidirectional", [False, True])
def test_parameters_of_the_classifier_are_those_of_the_formula(kind, bidirectional):
    D = 1 + bidirectional
    options = {"vocabulary": 50, "classes": 3, "embedding": 7, "hidden": 11, "layers": 2}
    count = parameters(sequence_classifier, kind, bidirectional=bidirectional, **options)
    inside = weights_of(kind, inputs=7, hidden=11, layers=2, directions=D)
    assert count == 50 * 7 + inside + (D * 11 + 1) * 3


def test_a_tied_matrix_counts_once():
    options = {**TINY, "embedding": 6}
    tied, untied = (parameters(language_model, tied=tied, **options) for tied in (True, False))
    assert untied - tied == 9 * 6


MODELS = {
    "plain": lambda nn, kind, **o: language_model(nn, kind, **TINY, **o),
    "tied": lambda nn, kind, **o: language_model(nn, kind, tied=True, **{**TINY, "embedding": 6}, **o),
    "classes": lambda nn, kind, **o: sequence_classifier(nn, kind, **TINY, classes=4, layers=2, **o),
    "both ways": lambda nn, kind, **o: sequence_classifier(nn, kind, **TINY, layers=2, bidirectional=True, pad=0, **o),
}
EACH = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@ALL
@EACH
def test_both_engines_agree(kind, model):
    assert_same_names(lambda nn: model(nn, kind))
    assert_engines_agree(lambda nn: model(nn, kind, dropout=0.5), PADDED)
    assert_engines_agree(lambda nn: model(nn, kind, dropout=0.0), PADDED, train=True)


@ALL
@EACH
def test_gradients_and_steps_agree(kind, model):
    certificate(lambda nn: model(nn, kind, dropout=0.0), PADDED, steps=2).raise_if_failed()


def test_both_engines_agree_on_rows_of_numbers():
    build = lambda nn: sequence_classifier(nn, features=4, hidden=5, classes=3)
    x = np.random.default_rng(0).standard_normal((2, 6, 4))
    assert_same_names(build)
    assert_engines_agree(build, x)
    certificate(build, x, steps=2).raise_if_failed()


@ENGINES
@ALL
def test_a_state_carries_on_where_the_last_tokens_ended(engine, kind):
    net = language_model(engine.nn, kind, dropout=0.0, **TINY)
    tokens = engine.from_numpy(TOKENS)
    whole, _ = net(tokens)
    first, state = net(tokens[:, :4])
    second, _ = net(tokens[:, 4:], state)
    both = np.concatenate([first.detach().numpy(), second.detach().numpy()], 1)
    np.testing.assert_allclose(both, whole.detach().numpy(), atol=1e-6)


@ENGINES
@ALL
def test_a_later_token_changes_no_earlier_logits(engine, kind):
    net = language_model(engine.nn, kind, **TINY).eval()
    other = TOKENS.copy()
    other[:, 4] = (other[:, 4] + 1) % 9
    before, after = (outputs(net, tokens)[0] for tokens in (TOKENS, other))
    assert np.array_equal(before[:, :4], after[:, :4])
    assert (np.abs(before - after)[:, 4:].max((0, 2)) > 0).all()


@ENGINES
@ALL
def test_the_classifier_sees_where_each_direction_of_the_top_layer_ends(engine, kind):
    net = sequence_classifier(engine.nn, kind, layers=2, bidirectional=True, **TINY)
    steps = net.reader(engine.from_numpy(TOKENS))[0]  # (N, T, 2 H)
    ends = engine.cat([steps[:, -1, :6], steps[:, 0, 6:]], 1)
    np.testing.assert_allclose(outputs(net, TOKENS)[0], net.head(ends).detach().numpy(), atol=1e-6)


@ENGINES
@ALL
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_does_not_count(engine, kind, bidirectional):
    options = {"pad": 0, "bidirectional": bidirectional, "layers": 2, **TINY}
    net = sequence_classifier(engine.nn, kind, **options).eval()
    together = outputs(net, PADDED)[0]
    alone = np.concatenate([outputs(net, row[row != 0][None])[0] for row in PADDED])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    with engine.no_grad():
        net.reader.embedding.weight[0] += 100.0
    assert np.array_equal(outputs(net, PADDED)[0], together)


@ENGINES
def test_dropout_draws_in_training_only(engine):
    net, tokens = language_model(engine.nn, **TINY), engine.from_numpy(TOKENS)
    assert np.abs(np.subtract(*(net(tokens)[0].detach().numpy() for _ in range(2)))).max() > 0
    net.eval()
    assert np.array_equal(*(net(tokens)[0].detach().numpy() for _ in range(2)))


@ENGINES
def test_dropout_stands_behind_the_embedding_and_before_the_logits(engine):
    net = language_model(engine.nn, **{**TINY, "layers": 1, "dropout": 1.0})
    for tokens in (TOKENS, (TOKENS + 1) % 9):
        logits, (h, _) = net(engine.from_numpy(tokens))
        assert (logits.detach().numpy() == net.head.bias.detach().numpy()).all()
        assert np.ptp(h.detach().numpy(), 1).max() < 1e-6  # the state no longer knows the tokens


@ALL
def test_writing_on_from_a_state_is_writing_on_from_all_the_text(kind):
    for net in twins(lambda nn: language_model(nn, kind, **TINY)):
        net.eval()
        engine = torch if isinstance(net, torch.nn.Module) else twice
        text = generate(net, engine.from_numpy(TOKENS[:, :2]), 5, temperature=0).numpy()
        for t in range(2, 7):
            assert np.array_equal(outputs(net, text[:, :t])[0][:, -1].argmax(-1), text[:, t])


@ALL
def test_a_language_model_learns_a_sequence_by_heart(kind):
    twice.manual_seed(0)
    digits = np.array([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]])
    net = language_model(twice.nn, kind, vocabulary=10, embedding=8, hidden=16, layers=1, dropout=0.0)
    assert learn(net, digits[:, :-1], target=digits[:, 1:], steps=100, lr=0.03) < 0.05
    assert generate(net, twice.from_numpy(digits[:, :1]), 10, temperature=0).tolist() == digits.tolist()


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_remember_the_first_token_to_the_end(kind):
    twice.manual_seed(0)
    tokens = np.random.default_rng(0).integers(0, 2, (2000, 8))
    net = sequence_classifier(twice.nn, kind, vocabulary=2, classes=3, embedding=4, hidden=16)
    learn(net, tokens, target=tokens[:, 0] + 1, steps=250, lr=0.02, batch=32)
    assert (outputs(net, tokens)[0].argmax(1) == tokens[:, 0] + 1).all()


@pytest.mark.parametrize("build", [language_model, sequence_classifier])
@pytest.mark.parametrize(
    "options,message",
    [
        ({"kind": "ESN"}, "kind is 'ESN', expected one of RNN, LSTM, GRU"),
        ({"vocabulary": 0}, "vocabulary is 0, expected a number of at least 1"),
        ({"hidden": -3}, "hidden is -3, expected a number of at least 1"),
        ({"layers": 0}, "layers is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(build, options, message):
    with pytest.raises(ValueError, match=f"{build.__name__}: {message}"):
        build(twice.nn, **options)


def test_other_bad_options_get_a_sentence():
    with pytest.raises(ValueError, match="sequence_classifier: features is 0, expected a number of at least 1"):
        sequence_classifier(twice.nn, features=0)
    with pytest.raises(ValueError, match="language_model: embedding is 5, expected 6, as hidden, since tied=True"):
        language_model(twice.nn, tied=True, **TINY)
