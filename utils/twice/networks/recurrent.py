"""Recurrent networks over tokens: a language model that names the next one, and a classifier of the whole sequence."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.options import at_least, one_of

KINDS = ("RNN", "LSTM", "GRU")

# Zaremba et al. 2014: its LSTMs for the Penn Treebank, 4.7, 20 and 66 million parameters.
SIZES: dict[str, dict[str, Any]] = {
    "small": {"embedding": 200, "hidden": 200, "dropout": 0.0},
    "medium": {"embedding": 650, "hidden": 650, "dropout": 0.5},
    "large": {"embedding": 1500, "hidden": 1500, "dropout": 0.65},
}


def language_model(
    nn: Any,
    kind: str = "LSTM",
    *,
    vocabulary: int = 10_000,
    embedding: int = 650,
    hidden: int = 650,
    layers: int = 2,
    dropout: float = 0.5,
    tied: bool = False,
) -> Any:
    """x_t = E w_t, h_t = RNN(x_t, h_{t−1}), logits of w_{t+1} = W h_t + b: many to many.

    Tokens (N, T), and the state if there is one, to logits (N, T, V) and the state after them. Zaremba's dropout stands
    between all layers, never from step to step. `tied` uses E for W too (Press and Wolf 2016).
    """
    _check("language_model", kind, vocabulary=vocabulary, embedding=embedding, hidden=hidden, layers=layers)
    if tied and embedding != hidden:
        raise ValueError(f"language_model: embedding is {embedding}, expected {hidden}, as hidden, since tied=True")
    return _parts(nn).LanguageModel(kind, vocabulary, embedding, hidden, layers, dropout, tied)


def sequence_classifier(
    nn: Any,
    kind: str = "LSTM",
    *,
    vocabulary: int = 10_000,
    classes: int = 2,
    embedding: int = 100,
    hidden: int = 100,
    layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    pad: int | None = None,
    features: int | None = None,
) -> Any:
    """The last state of the top layer, of both directions if there are two, then a linear layer: many to one.

    Tokens (N, T), ended by the token `pad` where they are short; or, with `features`, numbers (N, T, features), such
    as the rows of a digit.
    """
    where, sizes = "sequence_classifier", {"embedding": embedding, "hidden": hidden, "layers": layers}
    _check(where, kind, vocabulary=vocabulary, classes=classes, features=1 if features is None else features, **sizes)
    options: dict[str, Any] = {"layers": layers, "bidirectional": bidirectional, "dropout": dropout}
    if features is None:
        read = reader(nn, kind, vocabulary, embedding, hidden, pad=pad, **options)
    else:
        read = _parts(nn).Reader(nn.Identity(), recurrent_layer(nn, kind, features, hidden, **options), None)
    return _parts(nn).Classifier(read, nn.Linear((1 + bidirectional) * hidden, classes))


def reader(nn: Any, kind: str, vocabulary: int, embedding: int, hidden: int, *, pad: int | None, **options: Any) -> Any:
    """An embedding and a recurrent layer over whole sentences: outputs (N, T, D·H), and h's last states (L·D, N, H).

    Sentences end where their tokens `pad` begin: each direction starts and ends there, and outputs beyond are 0.
    """
    layer = recurrent_layer(nn, kind, embedding, hidden, **options)
    return _parts(nn).Reader(nn.Embedding(vocabulary, embedding), layer, pad)


def recurrent_layer(
    nn: Any, kind: str, size: int, hidden: int, layers: int, dropout: float = 0.0, **options: Any
) -> Any:
    """nn.RNN, nn.LSTM or nn.GRU over (N, T, size); dropout acts between layers alone."""
    between = dropout if layers > 1 else 0.0
    return getattr(nn, kind)(size, hidden, layers, batch_first=True, dropout=between, **options)


def _check(where: str, kind: str, **sizes: int) -> None:
    one_of(where, "kind", kind, KINDS)
    for name, size in sizes.items():
        at_least(where, name, size, 1)


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class LanguageModel(nn.Module):
        """Tokens (N, T) → logits (N, T, V), state"""

        def __init__(self, kind: str, vocabulary: int, d: int, hidden: int, layers: int, dropout: float, tied: bool):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, d)
            self.recurrent = recurrent_layer(nn, kind, d, hidden, layers, dropout)
            self.dropout = nn.Dropout(dropout)
            self.head = nn.Linear(hidden, vocabulary)
            if tied:
                self.head.weight = self.embedding.weight

        def forward(self, tokens: Any, state: Any = None) -> tuple[Any, Any]:
            h, state = self.recurrent(self.dropout(self.embedding(tokens)), state)
            return self.head(self.dropout(h)), state

        def read(self, tokens: Any, state: Any = None) -> tuple[Any, Any]:
            logits, state = self(tokens, state)
            return logits[:, -1], state

    class Reader(nn.Module):
        """Tokens (N, T) → outputs (N, T, D·H), last states (L·D, N, H)"""

        def __init__(self, embedding: Any, recurrent: Any, pad: int | None):
            super().__init__()
            self.embedding, self.recurrent, self.pad = embedding, recurrent, pad

        def forward(self, tokens: Any) -> tuple[Any, Any]:
            x = self.embedding(tokens)
            if self.pad is None:
                y, state = self.recurrent(x)
            else:
                lengths, pack = (tokens != self.pad).sum(1).cpu(), nn.utils.rnn
                packed = pack.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
                packed, state = self.recurrent(packed)
                y, _ = pack.pad_packed_sequence(packed, batch_first=True, total_length=tokens.shape[1])
            return y, state[0] if isinstance(state, tuple) else state

    class Classifier(nn.Module):
        """The last states of the top layer, side by side, then the logits (N, classes)"""

        def __init__(self, reader: Any, head: Any):
            super().__init__()
            self.reader, self.head = reader, head

        def forward(self, x: Any) -> Any:
            directions = 1 + self.reader.recurrent.bidirectional
            return self.head(top.cat([*self.reader(x)[1][-directions:]], 1))

    return SimpleNamespace(LanguageModel=LanguageModel, Reader=Reader, Classifier=Classifier)
