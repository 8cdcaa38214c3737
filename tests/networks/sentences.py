"""What the tests of networks over sentences share: the documents' examples as data, comparisons, a short training."""

import numpy as np
import torch

import twice
from networks.support import twins

# The second document's examples: translation, and captions.
PHRASES = {
    "we are eating bread": "estamos comiendo pan [STOP]",
    "we are eating": "estamos comiendo [STOP]",
    "we have bread": "tenemos pan [STOP]",
    "I have a cat": "tengo un gato [STOP]",
}
CAPTIONS = ["person wearing hat [END]", "cat eating bread [END]", "person eating [END]"]


def vocabulary(sentences):
    """The words, [PAD] and [START] before all."""
    return ["[PAD]", "[START]", *dict.fromkeys(word for s in sentences for word in s.split())]


def numbered(words, sentences):
    """The sentences as numbers (N, T), padded with 0."""
    rows = [[words.index(word) for word in s.split()] for s in sentences]
    return np.array([row + [0] * (max(map(len, rows)) - len(row)) for row in rows])


def read(words, tokens, stop):
    """The sentences that numbers stand for, each up to its stop."""
    rows = [[words[token] for token in row] for row in tokens.tolist()]
    return [" ".join(row[: row.index(stop) + 1] if stop in row else row) for row in rows]


def begun(targets, start=1):
    """What a decoder is fed in training: start, then the target but for its last token."""
    return np.concatenate([np.full((len(targets), 1), start), targets[:, :-1]], 1)


def outputs(net, *inputs, **options):
    """All tensors that a network answers, as arrays."""
    engine = torch if isinstance(net, torch.nn.Module) else twice
    with engine.no_grad():
        return flat(net(*(engine.from_numpy(x.copy()) for x in inputs), **options))


def flat(thing):
    if isinstance(thing, tuple | list):
        return [array for part in thing for array in flat(part)]
    return [] if thing is None else [np.asarray(thing.detach().numpy())]


def assert_engines_agree(build, *inputs, train=False, **options):
    """Every output of both, in float64, to 1e-9 of its largest entry."""
    answers = [outputs(net.train(train), *inputs, **options) for net in twins(build)]
    assert len(answers[0]) == len(answers[1]) > 0
    for ours, theirs in zip(*answers):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * max(1e-12, np.abs(theirs).max()))


def learn(net, *inputs, target, steps, lr=0.01, batch=None, extra=lambda *weights: 0.0, **options):
    """Some steps of Adam on ours, each on some rows or on all; entries 0 of the target do not count. The last loss."""
    optimizer, rng = twice.optim.Adam(net.parameters(), lr=lr), np.random.default_rng(0)
    for _ in range(steps):
        rows = slice(None) if batch is None else rng.integers(0, len(target), batch)
        optimizer.zero_grad()
        answer = net(*[twice.from_numpy(x[rows]) for x in inputs], **options)
        logits, *rest = answer if isinstance(answer, tuple) else (answer,)
        goal = twice.from_numpy(target[rows]).flatten()
        loss = twice.nn.functional.cross_entropy(logits.flatten(0, -2), goal, ignore_index=0) + extra(*rest[:1])
        loss.backward()
        optimizer.step()
    return float(loss.item())


def weights_of(shape, *, inputs, hidden, layers=1, directions=1):
    """How many weights a recurrent layer has: per layer and direction g (H I + H H + 2 H), g gates."""
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[shape]
    widths = [inputs, *[directions * hidden] * (layers - 1)]
    return sum(directions * gates * hidden * (width + hidden + 2) for width in widths)
