"""Sequence to sequence: an encoder reads, a decoder writes; and Bahdanau et al. 2014, whose decoder looks back.

without: c_t = the encoder's last state, all that is known of the source
with:    e_tj = vᵀ tanh(W s_{t−1} + U h_j), α_t = softmax e_t, c_t = Σ_j α_tj h_j
both:    s_t = RNN([E y_{t−1}; c_t], s_{t−1}), logits = readout(s_t, c_t, E y_{t−1})
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.options import at_least, one_of
from twice.networks.recurrent import KINDS, reader
from twice.networks.writer import additive_attention, decoder


def seq2seq(
    nn: Any,
    attention: bool = True,
    *,
    kind: str = "GRU",
    source: int = 30_000,
    target: int = 30_000,
    embedding: int = 620,
    hidden: int = 1000,
    layers: int = 1,
    bidirectional: bool | None = None,
    maxout: int = 500,
    dropout: float = 0.0,
    pad: int | None = None,
) -> Any:
    """Source (N, S) and target's beginnings (N, T) to the logits of what follows each (N, T, V): teacher forcing.

    The defaults are Bahdanau's RNNsearch, with both directions, and his RNNencdec, with one. His readout is deep, with
    `maxout` units; 0 reads the logits off s_t alone, as most drawings do. His GRU resets before its product, torch's
    after. s_0 = tanh(V h), h the last state: of the direction that ends at the first word, if there are two.
    Sources that are short end in the token `pad`, which gets no attention.
    `net(source, target, weights=True)` gives (logits, α), α (N, T, S) or, without attention, None.
    """
    one_of("seq2seq", "kind", kind, KINDS)
    sizes = {"source": source, "target": target, "embedding": embedding, "hidden": hidden, "layers": layers}
    for name, size in sizes.items():
        at_least("seq2seq", name, size, 1)
    at_least("seq2seq", "maxout", maxout, 0)
    both = attention if bidirectional is None else bidirectional
    options: dict[str, Any] = {"layers": layers, "dropout": dropout}
    read = reader(nn, kind, source, embedding, hidden, pad=pad, bidirectional=both, **options)
    context = (1 + both) * hidden if attention else hidden
    P, known = _parts(nn), (hidden, context, embedding)
    write = decoder(
        nn,
        kind,
        attend=additive_attention(nn, hidden, context, hidden) if attention else P.LastState(),
        readout=P.Maxout(known, maxout, target) if maxout else P.Plain(hidden, target),
        sizes=(target, embedding, context, hidden, hidden),
        **options,
    )
    return P.Seq2Seq(read, write, attention)


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class LastState(nn.Module):
        """No attention: the memory (N, 1, D) is one vector, and that is the context"""

        def keys(self, memory: Any) -> None:
            return None

        def forward(self, s: Any, memory: Any, keys: Any, mask: Any) -> tuple[Any, None]:
            return memory[:, 0], None

    class Plain(nn.Module):
        """W s + b"""

        def __init__(self, hidden: int, vocabulary: int):
            super().__init__()
            self.logits = nn.Linear(hidden, vocabulary)

        def forward(self, s: Any, c: Any, y: Any) -> Any:
            return self.logits(s)

    class Maxout(nn.Module):
        """W max of two of (U s + C c + V y): Bahdanau's deep output"""

        def __init__(self, known: tuple[int, ...], units: int, vocabulary: int):
            super().__init__()
            self.pairs = nn.Linear(sum(known), 2 * units)
            self.logits = nn.Linear(units, vocabulary, bias=False)

        def forward(self, s: Any, c: Any, y: Any) -> Any:
            return self.logits(self.pairs(top.cat([s, c, y], -1)).unflatten(-1, (-1, 2)).max(-1)[0])

    class Seq2Seq(nn.Module):
        """Source (N, S), target (N, T) → logits (N, T, V)"""

        def __init__(self, encoder: Any, decoder: Any, attention: bool):
            super().__init__()
            self.encoder, self.decoder, self.attention = encoder, decoder, attention

        def begin(self, source: Any) -> tuple:
            memory, last = self.encoder(source)
            pad = self.encoder.pad
            if self.attention:
                return self.decoder.begin(memory, None if pad is None else source != pad, last[-1])
            return self.decoder.begin(last[-1][:, None], None, last[-1])

        def step(self, tokens: Any, state: tuple) -> tuple[Any, tuple, Any]:
            return self.decoder.step(tokens, state)

        def forward(self, source: Any, target: Any, weights: bool = False) -> Any:
            logits, seen = self.decoder(target, self.begin(source))
            return (logits, seen) if weights else logits

    return SimpleNamespace(LastState=LastState, Plain=Plain, Maxout=Maxout, Seq2Seq=Seq2Seq)
