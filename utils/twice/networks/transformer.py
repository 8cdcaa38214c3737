"""The Transformer (Vaswani et al. 2017): attention is all that carries a word to another."""

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.options import at_least
from twice.networks.sublayers import block, causal_mask, check_sizes, stack

# The paper's table 3, as options: base are the defaults.
BASE: dict[str, Any] = {"layers": 6, "d": 512, "heads": 8, "hidden": 2048, "dropout": 0.1}
BIG: dict[str, Any] = {"layers": 6, "d": 1024, "heads": 16, "hidden": 4096, "dropout": 0.3}


def transformer(
    nn: Any,
    *,
    vocabulary: int = 37_000,
    target: int | None = None,
    layers: int = 6,
    d: int = 512,
    heads: int = 8,
    hidden: int = 2048,
    dropout: float = 0.1,
    norm_first: bool = False,
    tied: bool = True,
    pad: int | None = None,
) -> Any:
    """Source (N, S) and target's beginnings (N, T) to the logits of what follows each (N, T, V).

    `tied` has one matrix for both embeddings and the logits, as the paper; untied, `target` may be another vocabulary.
    The paper's norm stands behind each sum; `norm_first` puts it before each sublayer, and one more at the end.
    Sources that are short end in the token `pad`, which gets no attention; the target needs no such mask, since what
    follows a word is hidden from it.
    `net(source, target, weights=True)` gives (logits, encoder's, decoder's, cross weights), each (N, layers, heads, …).
    """
    check_sizes("transformer", vocabulary=vocabulary, layers=layers, d=d, heads=heads, hidden=hidden)
    if tied and target not in (None, vocabulary):
        raise ValueError(f"transformer: target is {target}, expected {vocabulary}, as vocabulary, since tied=True")
    P = _parts(nn)
    options: dict[str, Any] = {"d": d, "heads": heads, "hidden": hidden, "dropout": dropout, "norm_first": norm_first}
    words = P.Words(vocabulary, d)
    net = P.Transformer(
        words,
        words if tied else P.Words(at_least("transformer", "target", target or vocabulary, 1), d),
        stack(nn, [block(nn, **options) for _ in range(layers)], d, norm_first),
        stack(nn, [block(nn, memory=True, **options) for _ in range(layers)], d, norm_first),
        nn.Dropout(dropout),
        None if tied else nn.Linear(d, target or vocabulary, bias=False),
        pad,
    )
    return _start(nn, net)


def sinusoids(top: Any, x: Any) -> Any:
    """PE(t, 2i) = sin(t/10000^(2i/d)), PE(t, 2i+1) = cos of the same: (T, d) for x (N, T, d)"""
    length, d = x.shape[1:]
    options = {"dtype": top.float64 if x.dtype == top.float64 else top.float32, "device": x.device}
    rates = (top.arange(0, d, 2, **options) * (-math.log(10_000) / d)).exp()
    angles = top.arange(length, **options)[:, None] * rates
    return top.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :d].to(x.dtype)


def _start(nn: Any, net: Any) -> Any:
    """Xavier's values for matrices; embeddings N(0, 1/d), so that √d E w has size 1 and the tied logits too."""
    for name, p in net.named_parameters():
        if name.endswith("table.weight"):
            nn.init.normal_(p, std=p.shape[1] ** -0.5)
        elif p.ndim > 1:
            nn.init.xavier_uniform_(p)
    return net


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class Words(nn.Module):
        """√d E w + PE: (N, T) → (N, T, d)"""

        def __init__(self, vocabulary: int, d: int):
            super().__init__()
            self.table = nn.Embedding(vocabulary, d)

        def forward(self, tokens: Any) -> Any:
            x = self.table(tokens)
            return x * math.sqrt(x.shape[-1]) + sinusoids(top, x)

    class Transformer(nn.Module):
        """Source (N, S), target (N, T) → logits (N, T, V)"""

        def __init__(
            self, source: Any, target: Any, encoder: Any, decoder: Any, dropout: Any, head: Any, pad: int | None
        ):
            super().__init__()
            self.source = source
            if target is not source:
                self.target = target
            self.encoder, self.decoder, self.dropout, self.head, self.pad = encoder, decoder, dropout, head, pad

        def encode(self, source: Any, weights: bool = False) -> tuple[Any, Any, list]:
            padding = None if self.pad is None else source == self.pad
            memory, seen = self.encoder(self.dropout(self.source(source)), weights, padding=padding)
            return memory, padding, seen

        def decode(self, target: Any, memory: Any, padding: Any, weights: bool = False) -> tuple[Any, list]:
            x = (self.source if self.head is None else self.target)(target)
            options = {"mask": causal_mask(top, x), "padding": padding, "memory": memory}
            return self.decoder(self.dropout(x), weights, **options)

        def logits(self, x: Any) -> Any:
            return nn.functional.linear(x, (self.source.table if self.head is None else self.head).weight)

        def forward(self, source: Any, target: Any, weights: bool = False) -> Any:
            memory, padding, own = self.encode(source, weights)
            x, seen = self.decode(target, memory, padding, weights)
            return (self.logits(x), *own, *seen) if weights else self.logits(x)

        def begin(self, source: Any) -> tuple:
            memory, padding, _ = self.encode(source)
            return memory, padding, source[:, :0]

        def step(self, tokens: Any, state: tuple) -> tuple[Any, tuple, None]:
            """All words so far once more: only the last one's logits are new."""
            memory, padding, words = state
            words = top.cat([words, tokens[:, None]], 1)
            x, _ = self.decode(words, memory, padding)
            return self.logits(x[:, -1]), (memory, padding, words), None

    return SimpleNamespace(Words=Words, Transformer=Transformer)
