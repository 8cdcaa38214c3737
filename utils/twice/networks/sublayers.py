"""The Transformer's block: attention and feed-forward, Add & Norm round each; encoder, decoder and GPT stack it."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.options import at_least


def block(
    nn: Any,
    *,
    d: int,
    heads: int,
    hidden: int,
    dropout: float,
    norm_first: bool,
    memory: bool = False,
    attention_dropout: float = 0.0,
    activation: Any = None,
) -> Any:
    """Self-attention, with `memory` attention to the encoder, feed-forward; Add & Norm round each."""
    attention = lambda: nn.MultiheadAttention(d, heads, dropout=attention_dropout, batch_first=True)
    feed = nn.Sequential(nn.Linear(d, hidden), activation or nn.ReLU(), nn.Linear(hidden, d))
    return _parts(nn).Block(d, attention(), attention() if memory else None, feed, nn.Dropout(dropout), norm_first)


def stack(nn: Any, blocks: list, d: int, norm_first: bool) -> Any:
    """Blocks one after the other; where norms stand first, one more at the end."""
    return _parts(nn).Stack(blocks, d, norm_first)


def causal_mask(top: Any, x: Any) -> Any:
    """True above the diagonal, (T, T) for x (N, T, d): what a word must not see."""
    return top.ones(x.shape[1], x.shape[1], dtype=top.bool, device=x.device).triu(1)


def check_sizes(where: str, *, d: int, heads: int, **sizes: int) -> None:
    """All at least 1, and d a multiple of the heads."""
    for name, size in {**sizes, "d": d, "heads": heads}.items():
        at_least(where, name, size, 1)
    if d % heads:
        raise ValueError(f"{where}: d is {d}, expected a multiple of heads, {heads}")


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of a stack, made once for each engine."""
    top = engine_of(nn)

    class Block(nn.Module):
        """norm(x + dropout(f(x))), or with norm_first x + dropout(f(norm(x))), for each sublayer f"""

        def __init__(self, d: int, attention: Any, cross: Any, feed: Any, dropout: Any, norm_first: bool):
            super().__init__()
            self.attention, self.cross, self.feed = attention, cross, feed
            self.norms = nn.ModuleList([nn.LayerNorm(d) for _ in range(2 if cross is None else 3)])
            self.dropout, self.norm_first = dropout, norm_first

        def forward(
            self, x: Any, mask: Any = None, padding: Any = None, memory: Any = None, weights: bool = False
        ) -> tuple[Any, list]:
            """`mask` is this sentence's, `padding` that of what the encoder read."""
            seen: list = []

            def attend(attention: Any, x: Any, to: Any, **masks: Any) -> Any:
                y, a = attention(x, to, to, need_weights=weights, average_attn_weights=False, **masks)
                seen.append(a)
                return y

            own = padding if self.cross is None else None
            causal = {"attn_mask": mask, "is_causal": mask is not None}
            steps = [lambda x: attend(self.attention, x, x, key_padding_mask=own, **causal)]
            if self.cross is not None:
                steps.append(lambda x: attend(self.cross, x, memory, key_padding_mask=padding))
            for norm, step in zip(self.norms, [*steps, self.feed]):
                x = x + self.dropout(step(norm(x))) if self.norm_first else norm(x + self.dropout(step(x)))
            return x, seen

    class Stack(nn.Module):
        """x after all blocks, and the weights of each sublayer with attention (N, layers, heads, T, S)"""

        def __init__(self, blocks: list, d: int, norm_first: bool):
            super().__init__()
            self.blocks = nn.ModuleList(blocks)
            self.norm = nn.LayerNorm(d) if norm_first else nn.Identity()

        def forward(self, x: Any, weights: bool = False, **options: Any) -> tuple[Any, list]:
            seen = []
            for block in self.blocks:
                x, a = block(x, weights=weights, **options)
                seen.append(a)
            return self.norm(x), [top.stack(a, 1) for a in zip(*seen)] if weights else []

    return SimpleNamespace(Block=Block, Stack=Stack)
