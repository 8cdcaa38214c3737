"""GPT (Radford et al. 2018, 2019): a Transformer's decoder alone, which writes on."""

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.options import one_of
from twice.networks.sublayers import block, causal_mask, check_sizes, stack

# GPT-2's table 2, layers, channels, and its heads of 64 channels: 124, 355, 774 and 1558 million parameters.
SIZES = {"small": (12, 768, 12), "medium": (24, 1024, 16), "large": (36, 1280, 20), "xl": (48, 1600, 25)}


def gpt(
    nn: Any,
    size: str = "small",
    *,
    vocabulary: int = 50_257,
    context: int = 1024,
    layers: int | None = None,
    d: int | None = None,
    heads: int | None = None,
    dropout: float = 0.1,
    tied: bool = True,
) -> Any:
    """Tokens (N, T ≤ context) to the logits of what follows each (N, T, V).

    GPT-2: learned positions, norms first, GELU in its tanh form, an MLP four times as wide, the embedding as the last
    matrix. Weights begin N(0, 0.02²), those that end a shortcut's body smaller by √(2·layers), biases 0.
    `generate(net, prompt, length)` writes on; what is further back than `context` is forgotten.
    """
    given = zip((layers, d, heads), SIZES[one_of("gpt", "size", size, SIZES)])
    layers, d, heads = (default if own is None else own for own, default in given)
    check_sizes("gpt", vocabulary=vocabulary, context=context, layers=layers, d=d, heads=heads)
    options: dict[str, Any] = {
        "d": d,
        "heads": heads,
        "hidden": 4 * d,
        "dropout": dropout,
        "attention_dropout": dropout,
    }
    blocks = [block(nn, norm_first=True, activation=nn.GELU("tanh"), **options) for _ in range(layers)]
    head = None if tied else nn.Linear(d, vocabulary, bias=False)
    words, places = nn.Embedding(vocabulary, d), nn.Embedding(context, d)
    return _start(nn, _parts(nn).GPT(words, places, nn.Dropout(dropout), stack(nn, blocks, d, True), head), layers)


def _start(nn: Any, net: Any, layers: int) -> Any:
    """Zeros for biases, N(0, 0.02²) for matrices, less for those whose output is added to the shortcut."""
    for name, p in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(p)
        elif p.ndim > 1:
            last = name.endswith(("out_proj.weight", "feed.2.weight"))
            nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if last else 0.02)
    return net


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class GPT(nn.Module):
        """Tokens (N, T) → logits (N, T, V)"""

        def __init__(self, words: Any, places: Any, dropout: Any, stack: Any, head: Any):
            super().__init__()
            self.words, self.places, self.dropout, self.stack, self.head = words, places, dropout, stack, head

        def forward(self, tokens: Any, weights: bool = False) -> Any:
            """With `weights`, (logits, attention weights (N, layers, heads, T, T))."""
            length, context = tokens.shape[1], self.places.num_embeddings
            if length > context:
                raise ValueError(f"gpt: tokens has shape {tuple(tokens.shape)}, expected at most {context} in a row")
            x = self.words(tokens) + self.places(top.arange(length, device=tokens.device))
            x, seen = self.stack(self.dropout(x), weights, mask=causal_mask(top, x))
            logits = nn.functional.linear(x, (self.words if self.head is None else self.head).weight)
            return (logits, *seen) if weights else logits

        def read(self, tokens: Any, state: Any = None) -> tuple[Any, Any]:
            """The logits after the last token; the state is the text so far."""
            text = tokens if state is None else top.cat([state, tokens], 1)
            text = text[:, -self.places.num_embeddings :]
            return self(text)[:, -1], text

    return SimpleNamespace(GPT=GPT)
