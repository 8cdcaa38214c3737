"""What writes a sentence: a recurrent decoder that attends to a memory; seq2seq and the captioner share it."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.recurrent import recurrent_layer


def additive_attention(nn: Any, query: int, memory: int, hidden: int) -> Any:
    """vᵀ tanh(W s + U h_j) for each j; U h_j is computed once for all steps."""
    return _parts(nn).Additive(query, memory, hidden)


def decoder(nn: Any, kind: str, *, attend: Any, readout: Any, sizes: tuple, layers: int, dropout: float) -> Any:
    """What writes: `attend` answers (c, α) for (s, memory, keys, mask), `readout` logits for (s, c, E y).

    `sizes` are the vocabulary, the widths of embedding, context and state, and that of the summary that s_0 is made of.
    """
    vocabulary, embedding, context, hidden, summary = sizes
    states = layers * (2 if kind == "LSTM" else 1)  # c_0 is made like h_0
    return _parts(nn).Decoder(
        attend,
        nn.Linear(summary, states * hidden),
        nn.Embedding(vocabulary, embedding),
        recurrent_layer(nn, kind, embedding + context, hidden, layers, dropout),
        readout,
        nn.Dropout(dropout),
    )


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of a decoder, made once for each engine."""
    top = engine_of(nn)

    class Additive(nn.Module):
        """Bahdanau's attention: the context (N, D) and the weights (N, S) of memory (N, S, D)"""

        def __init__(self, query: int, memory: int, hidden: int):
            super().__init__()
            self.W = nn.Linear(query, hidden, bias=False)
            self.U = nn.Linear(memory, hidden, bias=False)
            self.v = nn.Linear(hidden, 1, bias=False)

        def keys(self, memory: Any) -> Any:
            return self.U(memory)

        def forward(self, s: Any, memory: Any, keys: Any, mask: Any) -> tuple[Any, Any]:
            scores = self.v((self.W(s)[:, None] + keys).tanh())[:, :, 0]
            if mask is not None:
                scores = scores.masked_fill(~mask, -float("inf"))
            weights = scores.softmax(1)
            return (weights[:, None] @ memory)[:, 0], weights

    class Decoder(nn.Module):
        """The state is (memory, keys, mask, h (N, L, H) and, of an LSTM, c)"""

        def __init__(self, attend: Any, first: Any, embedding: Any, recurrent: Any, readout: Any, dropout: Any):
            super().__init__()
            self.attend, self.first, self.embedding = attend, first, embedding
            self.recurrent, self.readout, self.dropout = recurrent, readout, dropout

        def begin(self, memory: Any, mask: Any, summary: Any) -> tuple:
            each = (-1, self.recurrent.num_layers, self.recurrent.hidden_size)
            states = self.first(summary).tanh().unflatten(1, each)
            return memory, self.attend.keys(memory), mask, *states.unbind(1)

        def advance(self, y: Any, state: tuple) -> tuple[tuple, tuple, Any]:
            """What the readout needs, the next state, and the weights."""
            memory, keys, mask, *past = state
            c, weights = self.attend(past[0][:, -1], memory, keys, mask)
            layers = [s.transpose(0, 1).contiguous() for s in past]
            lstm = len(layers) == 2
            s, layers = self.recurrent(top.cat([y, c], 1)[:, None], tuple(layers) if lstm else layers[0])
            present = [h.transpose(0, 1) for h in (layers if lstm else [layers])]
            return (s[:, 0], c, y), (memory, keys, mask, *present), weights

        def step(self, tokens: Any, state: tuple) -> tuple[Any, tuple, Any]:
            known, state, weights = self.advance(self.words(tokens), state)
            return self.read_out(known), state, weights

        def words(self, tokens: Any) -> Any:
            return self.dropout(self.embedding(tokens))

        def read_out(self, known: Any) -> Any:
            s, c, y = known
            return self.readout(self.dropout(s), c, y)

        def forward(self, tokens: Any, state: tuple) -> tuple[Any, Any]:
            y, known, seen = self.words(tokens), [], []
            for t in range(tokens.shape[1]):
                now, state, weights = self.advance(y[:, t], state)
                known.append(now)
                seen.append(weights)
            logits = self.read_out([top.stack(values, 1) for values in zip(*known)])
            return logits, None if seen[0] is None else top.stack(seen, 1)

    return SimpleNamespace(Additive=Additive, Decoder=Decoder)
