"""The Transformer: the paper's sizes, torch's layers as the oracle, masks, decoding, both engines, and learning."""

import math

import numpy as np
import pytest
import torch

import twice
from networks.counting import parameters
from networks.sentences import PHRASES, assert_engines_agree, begun, learn, numbered, outputs, read, vocabulary
from networks.support import assert_same_names, twins
from twice.files import copy_weights
from twice.networks import beam_search, greedy, transformer
from twice.networks.transformer import BASE, BIG, sinusoids
from twice.parity import certificate

ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
NORMS = pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
TIES = pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
TINY = {"vocabulary": 9, "layers": 2, "d": 8, "heads": 2, "hidden": 12}
SOURCE = np.array([[5, 3, 4, 2, 7], [6, 1, 0, 0, 0], [2, 8, 2, 0, 0]])
TARGET = np.array([[1, 4, 3, 6], [1, 2, 2, 5], [1, 6, 3, 8]])


def weights(layers, d, hidden):
    """Four d × d matrices an attention, two of the MLP, all with biases, and two numbers for each channel of a norm"""
    attention, feed, norm = 4 * (d * d + d), 2 * d * hidden + hidden + d, 2 * d
    return layers * (attention + feed + 2 * norm) + layers * (2 * attention + feed + 3 * norm)


@pytest.mark.parametrize("options,exact,papers", [(BASE, 63_082_496, 65), (BIG, 214_245_376, 213)])
def test_parameters_are_the_papers_when_one_matrix_serves_for_all_37000_words(options, exact, papers):
    """Table 3 says 65 and 213 million and not what it counts; here: the matrix once, all biases, all norms."""
    count = parameters(transformer, **options)
    assert count == weights(options["layers"], options["d"], options["hidden"]) + 37_000 * options["d"] == exact
    assert count / 1e6 == pytest.approx(papers, rel=0.03)


def test_the_base_is_the_default_and_untied_it_has_three_matrices():
    assert parameters(transformer) == parameters(transformer, **BASE)
    untied = parameters(transformer, tied=False, target=30_000)
    assert untied - parameters(transformer) == 2 * 30_000 * 512
    assert parameters(transformer, norm_first=True) - parameters(transformer) == 2 * 2 * 512  # two more norms


@NORMS
@TIES
def test_both_engines_agree(norm_first, tied):
    build = lambda nn, **o: transformer(nn, norm_first=norm_first, tied=tied, pad=0, **TINY, **o)
    assert_same_names(build)
    assert_engines_agree(build, SOURCE, TARGET)
    assert_engines_agree(build, SOURCE, TARGET, weights=True)
    assert_engines_agree(lambda nn: build(nn, dropout=0.0), SOURCE, TARGET, train=True)


@NORMS
@TIES
def test_gradients_and_steps_agree(norm_first, tied):
    build = lambda nn: transformer(nn, norm_first=norm_first, tied=tied, pad=0, dropout=0.0, **TINY)
    certificate(build, SOURCE, TARGET, steps=2).raise_if_failed()


@NORMS
def test_it_is_torchs_transformer_between_embeddings_and_logits(norm_first):
    ours, theirs = twins(lambda nn: transformer(nn, norm_first=norm_first, pad=0, **TINY))
    layer = lambda kind: kind(8, 2, 12, batch_first=True, norm_first=norm_first, dtype=torch.float64)
    norm = lambda: torch.nn.LayerNorm(8, dtype=torch.float64) if norm_first else None
    encoder = torch.nn.TransformerEncoder(layer(torch.nn.TransformerEncoderLayer), 2, norm(), False)
    decoder = torch.nn.TransformerDecoder(layer(torch.nn.TransformerDecoderLayer), 2, norm())
    for stack, own in ((encoder, theirs.encoder), (decoder, theirs.decoder)):
        values = list(own.state_dict().values())
        stack.load_state_dict(dict(zip(stack.state_dict(), values, strict=True)))
        stack.eval()
    source, target = torch.from_numpy(SOURCE), torch.from_numpy(TARGET)
    with torch.no_grad():
        padding, causal = source == 0, torch.ones(4, 4, dtype=torch.bool).triu(1)
        memory = encoder(theirs.source(source), src_key_padding_mask=padding)
        y = decoder(theirs.source(target), memory, causal, memory_key_padding_mask=padding)
        expected = y @ theirs.source.table.weight.T
    np.testing.assert_allclose(outputs(ours.eval(), SOURCE, TARGET)[0], expected.numpy(), atol=1e-9)


@ENGINES
@pytest.mark.parametrize("d", [8, 7])
def test_positions_are_the_papers_waves(engine, d):
    table = sinusoids(engine, engine.zeros(2, 50, d, dtype=engine.float64)).numpy()
    for t in range(50):
        for i in range(d):
            angle = t / 10_000 ** (2 * (i // 2) / d)
            assert table[t, i] == pytest.approx(math.cos(angle) if i % 2 else math.sin(angle), abs=1e-12)


@ENGINES
def test_words_are_scaled_before_positions_are_added(engine):
    net = transformer(engine.nn, **TINY).double()
    words = engine.from_numpy(SOURCE)
    expected = math.sqrt(8) * net.source.table(words) + sinusoids(engine, net.source.table(words))
    np.testing.assert_allclose(net.source(words).detach().numpy(), expected.detach().numpy(), atol=1e-12)


@ENGINES
def test_embeddings_begin_so_that_words_and_positions_weigh_alike(engine):
    engine.manual_seed(0)
    net = transformer(engine.nn, vocabulary=400, layers=1, d=64, heads=2, hidden=64)
    table = net.source.table.weight.detach().numpy()
    assert table.std() * math.sqrt(64) == pytest.approx(1, abs=0.03)


@ENGINES
@NORMS
def test_a_later_word_of_the_target_changes_no_earlier_logits(engine, norm_first):
    net, other = transformer(engine.nn, norm_first=norm_first, **TINY).eval(), TARGET.copy()
    other[:, 2] = (other[:, 2] + 1) % 9
    before, after = (outputs(net, SOURCE, target)[0] for target in (TARGET, other))
    assert np.array_equal(before[:, :2], after[:, :2])
    assert (np.abs(before - after)[:, 2:].max((0, 2)) > 0).all()


@ENGINES
def test_a_later_word_of_the_source_changes_everything(engine):
    net, other = transformer(engine.nn, **TINY).eval(), SOURCE.copy()
    other[:, -1] = 4
    before, after = (outputs(net, source, TARGET)[0] for source in (SOURCE, other))
    assert (np.abs(before - after).max(2) > 0).all()


@ENGINES
@NORMS
@TIES
def test_padding_gets_no_attention_and_changes_nothing(engine, norm_first, tied):
    net = transformer(engine.nn, norm_first=norm_first, tied=tied, pad=0, **TINY).eval()
    together, own, _, cross = outputs(net, SOURCE, TARGET, weights=True)
    for row, (source, target) in enumerate(zip(SOURCE, TARGET)):
        alone = outputs(net, source[source != 0][None], target[None])[0]
        np.testing.assert_allclose(together[row], alone[0], atol=2e-6)
    for seen in (own, cross):
        hidden = np.broadcast_to((SOURCE == 0)[:, None, None, None], seen.shape)
        assert (seen[hidden] == 0).all()
        assert (seen[~hidden] > 0).all()


@ENGINES
def test_what_padding_is_does_not_matter(engine):
    net = transformer(engine.nn, tied=False, pad=0, **TINY).eval()
    before = outputs(net, SOURCE, TARGET)[0]
    with engine.no_grad():
        net.source.table.weight[0] += 3.0
    np.testing.assert_allclose(outputs(net, SOURCE, TARGET)[0], before, atol=1e-6)


@ENGINES
def test_weights_are_distributions_of_each_layer_and_head_and_look_back_only(engine):
    net = transformer(engine.nn, pad=0, **TINY).eval()
    logits, own, causal, cross = outputs(net, SOURCE, TARGET, weights=True)
    assert [own.shape, causal.shape, cross.shape] == [(3, 2, 2, 5, 5), (3, 2, 2, 4, 4), (3, 2, 2, 4, 5)]
    for seen in (own, causal, cross):
        np.testing.assert_allclose(seen.sum(-1), 1, atol=1e-6)
    assert (causal[..., np.triu_indices(4, 1)[0], np.triu_indices(4, 1)[1]] == 0).all()
    assert (causal[..., np.tril_indices(4)[0], np.tril_indices(4)[1]] > 0).all()
    np.testing.assert_allclose(logits, outputs(net, SOURCE, TARGET)[0], atol=1e-6)


@ENGINES
def test_dropout_draws_in_training_only(engine):
    net = transformer(engine.nn, **TINY)
    assert np.abs(np.subtract(*(outputs(net, SOURCE, TARGET)[0] for _ in range(2)))).max() > 0
    net.eval()
    assert np.array_equal(*(outputs(net, SOURCE, TARGET)[0] for _ in range(2)))


@ENGINES
def test_dropout_stands_behind_embeddings_and_behind_each_sublayer(engine):
    net, words = transformer(engine.nn, **TINY, dropout=1.0), engine.from_numpy(SOURCE)
    memory, padding, _ = net.encode(words)
    assert (memory.detach().numpy() == 0).all()
    seen = engine.ones(3, 5, 8)
    assert (net.decode(words, seen, padding)[0].detach().numpy() == 0).all()


@ENGINES
@NORMS
def test_a_beam_of_one_is_greedy_and_a_wider_one_never_worse(engine, norm_first):
    engine.manual_seed(0)
    net, source = transformer(engine.nn, norm_first=norm_first, pad=0, **TINY).eval(), engine.from_numpy(SOURCE)
    plain = greedy(net, source, start=1, stop=2, limit=6)
    one = beam_search(net, source, start=1, stop=2, limit=6, width=1)
    assert plain.tokens.tolist() == one.tokens.tolist()
    assert (beam_search(net, source, start=1, stop=2, limit=6).scores.numpy() >= plain.scores.numpy()).all()
    logits = outputs(net, SOURCE, begun(plain.tokens.numpy()))[0]  # each token is what teacher forcing finds likeliest
    ended = np.cumsum(plain.tokens.numpy() == 2, 1) - (plain.tokens.numpy() == 2) > 0
    assert np.array_equal(np.where(ended, 2, logits.argmax(-1)), plain.tokens.numpy())


ENGLISH, SPANISH = vocabulary(PHRASES), vocabulary(PHRASES.values())


@NORMS
def test_it_learns_to_translate_and_torch_translates_with_the_same_weights(norm_first):
    twice.manual_seed(0)
    sizes = {**TINY, "vocabulary": len(ENGLISH), "d": 16, "hidden": 32, "target": len(SPANISH)}
    build = lambda nn: transformer(nn, pad=0, tied=False, dropout=0.0, norm_first=norm_first, **sizes)
    ours, theirs = build(twice.nn), build(torch.nn)
    source, target = numbered(ENGLISH, PHRASES), numbered(SPANISH, PHRASES.values())
    learn(ours, source, begun(target), target=target, steps=60, lr=0.01)
    copy_weights(ours, theirs)
    for net, engine in ((ours, twice), (theirs, torch)):
        for decode in (greedy, beam_search):
            found = decode(net, engine.from_numpy(source), start=1, stop=SPANISH.index("[STOP]"), limit=8)
            assert read(SPANISH, found.tokens, "[STOP]") == list(PHRASES.values())


def test_it_learns_to_reverse():
    twice.manual_seed(0)
    digits = np.random.default_rng(0).integers(3, 6, (4000, 4))
    target = np.concatenate([digits[:, ::-1], np.full((4000, 1), 2)], 1)
    net = transformer(twice.nn, vocabulary=6, layers=1, d=32, heads=2, hidden=64, dropout=0.0)
    learn(net, digits, begun(target), target=target, steps=150, lr=0.005, batch=32)
    found = greedy(net, twice.from_numpy(digits[:100]), start=1, stop=2, limit=8)
    assert (found.tokens.numpy() == target[:100]).all()


@pytest.mark.parametrize(
    "options,message",
    [
        ({"vocabulary": 0}, "transformer: vocabulary is 0, expected a number of at least 1"),
        ({"layers": 0}, "transformer: layers is 0, expected a number of at least 1"),
        ({"d": 510}, "transformer: d is 510, expected a multiple of heads, 8"),
        ({"target": 5}, "transformer: target is 5, expected 37000, as vocabulary, since tied=True"),
        ({"target": -5, "tied": False}, "transformer: target is -5, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        transformer(twice.nn, **options)
