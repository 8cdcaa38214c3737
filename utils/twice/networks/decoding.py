"""Decoding: from a network that scores the next token to a sentence, greedily, by a beam, or by drawing.

A network that translates or captions has `begin(*source)`, which answers a state: a tuple of tensors whose first axis
is the batch, or None; and `step(tokens, state)`, which takes the last token of each sentence and answers the logits of
the next (N, V), the new state, and the attention weights (N, L) or None. A language model has
`read(tokens, state=None)`: the logits (N, V) after the last of the tokens (N, T), and the state.

Nothing here records a gradient, and nothing changes the mode: call `eval()` first where there is dropout.
"""

from importlib import import_module
from typing import Any, NamedTuple

from twice.networks.options import at_least


class Decoded(NamedTuple):
    """Sentences (N, T), filled with stop after their end; log p of each (N,); attention weights (N, T, L) or None."""

    tokens: Any
    scores: Any
    weights: Any = None


def greedy(net: Any, *source: Any, start: int, stop: int, limit: int = 50) -> Decoded:
    """At each step the likeliest token, until stop came or `limit` tokens."""
    top = _engine(source[0])
    with top.no_grad():
        n, device = source[0].shape[0], source[0].device
        last, state = top.full((n,), start, device=device), net.begin(*source)
        ended, score = last != last, 0.0
        tokens: list[Any] = []
        seen: list[Any] = []
        while not bool(ended.all()) and len(tokens) < at_least("greedy", "limit", limit, 1):
            logits, state, weights = net.step(last, state)
            chance, last = _log_chances(top, logits, ended, stop).max(-1)
            score, ended = score + chance, last == stop
            tokens.append(last)
            seen.append(weights)
        weights = None if seen[0] is None else top.stack(seen, 1)
        return _cut(top, Decoded(top.stack(tokens, 1), score, weights), stop)


def beam_search(
    net: Any, *source: Any, start: int, stop: int, limit: int = 50, width: int = 4, length_penalty: float = 0.0
) -> Decoded:
    """At each step the `width` likeliest beginnings, each with all its continuations; at the end the best sentence.

    The best has the largest log p / length^length_penalty (its score stays log p); stop counts as a token. The greedy
    sentence, which a beam may lose on its way, competes at the end: with no penalty, no score is below its.
    """
    top = _engine(source[0])
    with top.no_grad():
        plain = greedy(net, *source, start=start, stop=stop, limit=limit)
        found = _beams(top, net, source, start, stop, limit, at_least("beam_search", "width", width, 1))
        worth = found.scores / _lengths(found.tokens, stop) ** length_penalty  # (N, k)
        best = worth.argmax(1)
        rows = best + top.arange(len(best), device=best.device) * width
        chosen = Decoded(*(None if x is None else x.flatten(0, 1)[rows] for x in found))
        better = worth.max(1)[0] >= plain.scores / _lengths(plain.tokens, stop) ** length_penalty
        return _cut(top, _either(top, better, chosen, plain, stop), stop)


def _beams(top: Any, net: Any, source: tuple, start: int, stop: int, limit: int, k: int) -> Decoded:
    """The k sentences that a beam ends with: tokens (N, k, T), scores (N, k), weights (N, k, T, L)."""
    n, device = source[0].shape[0], source[0].device
    state = tuple(None if x is None else x.repeat_interleave(k, 0) for x in net.begin(*source))
    last = top.full((n * k,), start, device=device)
    ended, first = last != last, top.arange(n, device=device)[:, None] * k
    scores: Any = None
    tokens: Any = None
    seen: Any = None
    for _ in range(limit):
        logits, state, weights = net.step(last, state)
        chances = _log_chances(top, logits, ended, stop).unflatten(0, (n, k))
        if scores is None:  # all k are the same beginning: one of them counts
            chances[:, 1:] = -float("inf")
        totals = (chances if scores is None else scores[:, :, None] + chances).flatten(1)
        scores, places = totals.topk(k, 1)
        v = logits.shape[1]
        parent, last = (places // v + first).flatten(), (places % v).flatten()
        state = tuple(None if x is None else x[parent] for x in state)
        tokens = _longer(top, tokens, last, parent)
        seen = None if weights is None else _longer(top, seen, weights[parent], parent)
        ended = last == stop
        if bool(ended.all()):
            break
    return Decoded(tokens.unflatten(0, (n, k)), scores, None if seen is None else seen.unflatten(0, (n, k)))


def _log_chances(top: Any, logits: Any, ended: Any, stop: int) -> Any:
    """log p of each next token (N, V); after the end there is only stop, for certain."""
    only = top.full_like(logits, -float("inf"))
    only[:, stop] = 0.0
    return top.where(ended[:, None], only, logits.log_softmax(-1))


def _longer(top: Any, past: Any, step: Any, parent: Any) -> Any:
    """The past of each row's parent, and this step behind it: (rows, T + 1, …)"""
    return step[:, None] if past is None else top.cat([past[parent], step[:, None]], 1)


def _lengths(tokens: Any, stop: int) -> Any:
    """How many tokens each sentence has, its stop included."""
    return ((tokens != stop).sum(-1) + 1).clamp(max=tokens.shape[-1])


def _cut(top: Any, sentences: Decoded, stop: int) -> Decoded:
    """No longer than the longest sentence, and no weights behind the end of any."""
    tokens, scores, weights = sentences
    lengths = _lengths(tokens, stop)
    longest = int(lengths.max())
    if weights is not None:
        beyond = top.arange(longest, device=tokens.device) >= lengths[:, None]
        weights = weights[:, :longest].masked_fill(beyond[:, :, None], 0.0)
    return Decoded(tokens[:, :longest], scores, weights)


def _either(top: Any, condition: Any, a: Decoded, b: Decoded, stop: int) -> Decoded:
    """Sentence by sentence, `a` where the condition holds, else `b`."""
    length = max(a.tokens.shape[1], b.tokens.shape[1])

    def chosen(x: Any, y: Any, fill: int) -> Any:
        x, y = (_filled(top, z, length, fill) for z in (x, y))
        return top.where(condition.reshape(-1, *[1] * (x.ndim - 1)), x, y)

    weights = None if a.weights is None else chosen(a.weights, b.weights, 0)
    return Decoded(chosen(a.tokens, b.tokens, stop), top.where(condition, a.scores, b.scores), weights)


def _filled(top: Any, x: Any, length: int, value: int) -> Any:
    """(N, T, …) → (N, length, …)"""
    missing = x.new_full((x.shape[0], length - x.shape[1], *x.shape[2:]), value)
    return top.cat([x, missing], 1)


def generate(
    net: Any, prompt: Any, length: int, *, temperature: float = 1.0, top_k: int | None = None, generator: Any = None
) -> Any:
    """The prompt (N, T) and `length` tokens that a language model writes after it."""
    top = _engine(prompt)
    with top.no_grad():
        text, new, state = prompt, prompt, None
        for _ in range(length):
            logits, state = net.read(new, state)
            new = draw(logits, temperature=temperature, top_k=top_k, generator=generator)[:, None]
            text = top.cat([text, new], 1)
        return text


def draw(logits: Any, *, temperature: float = 1.0, top_k: int | None = None, generator: Any = None) -> Any:
    """A token for each row, p = softmax(logits/temperature), among the `top_k` likeliest; temperature 0: the first."""
    if at_least("draw", "temperature", temperature, 0) == 0:
        return logits.argmax(-1)
    scores = logits / temperature
    if top_k is not None:
        k = min(at_least("draw", "top_k", top_k, 1), logits.shape[-1])
        scores = scores.masked_fill(scores < scores.topk(k, -1)[0][:, -1:], -float("inf"))
    return _engine(logits).multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]


def _engine(tensor: Any) -> Any:
    """The module that a tensor is from: torch or twice."""
    return import_module(type(tensor).__module__.partition(".")[0])
