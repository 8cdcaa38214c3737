"""Show, Attend and Tell (Xu et al. 2015): an LSTM writes a caption, and at each word looks at part of the image."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.networks.options import at_least
from twice.networks.writer import additive_attention, decoder


def captioner(
    nn: Any,
    features: Any,
    *,
    channels: int = 512,
    vocabulary: int = 10_000,
    embedding: int = 512,
    hidden: int = 1800,
    layers: int = 1,
    dropout: float = 0.5,
) -> Any:
    """Images and captions' beginnings (N, T) to the logits of what follows each (N, T, V): soft attention.

    `features` is any network that gives (N, channels, h, w); the paper's is VGG-19 up to 512 maps of 14×14, and its
    weights stay as they are. Each of the h·w positions is a vector a_i that the LSTM attends to; f_init is one layer
    with tanh. The other defaults are the authors' for COCO.
    `net(images, captions, weights=True)` gives (logits, α), α (N, T, h·w), row after row of the grid.
    """
    sizes = {"channels": channels, "vocabulary": vocabulary, "embedding": embedding, "hidden": hidden, "layers": layers}
    for name, size in sizes.items():
        at_least("captioner", name, size, 1)
    P = _parts(nn)
    write = decoder(
        nn,
        "LSTM",
        attend=P.Gated(hidden, channels),
        readout=P.DeepOutput(hidden, channels, embedding, vocabulary),
        sizes=(vocabulary, embedding, channels, hidden, channels),
        layers=layers,
        dropout=dropout,
    )
    return P.Captioner(features, write)


def doubly_stochastic(weights: Any) -> Any:
    """Σ_i (1 − Σ_t α_ti)², the mean over captions: what asks the caption to look everywhere once. α (N, T, L)"""
    return ((1 - weights.sum(1)) ** 2).sum(1).mean()


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""

    class Gated(nn.Module):
        """ẑ = β Σ_i α_i a_i with β = σ(f_β(h_{t−1})), a number: how much the image matters for this word"""

        def __init__(self, hidden: int, channels: int):
            super().__init__()
            self.attention, self.beta = additive_attention(nn, hidden, channels, channels), nn.Linear(hidden, 1)

        def keys(self, memory: Any) -> Any:
            return self.attention.keys(memory)

        def forward(self, h: Any, memory: Any, keys: Any, mask: Any) -> tuple[Any, Any]:
            z, weights = self.attention(h, memory, keys, mask)
            return self.beta(h).sigmoid() * z, weights

    class DeepOutput(nn.Module):
        """L_o (E y_{t−1} + L_h h_t + L_z ẑ_t)"""

        def __init__(self, hidden: int, channels: int, embedding: int, vocabulary: int):
            super().__init__()
            self.h, self.z = nn.Linear(hidden, embedding), nn.Linear(channels, embedding)
            self.logits = nn.Linear(embedding, vocabulary)

        def forward(self, h: Any, z: Any, y: Any) -> Any:
            return self.logits(y + self.h(h) + self.z(z))

    class Captioner(nn.Module):
        """Images (N, …), captions (N, T) → logits (N, T, V)"""

        def __init__(self, features: Any, decoder: Any):
            super().__init__()
            self.features, self.decoder = features, decoder

        def begin(self, images: Any) -> tuple:
            grid = self.features(images)
            if grid.ndim != 4:
                raise ValueError(f"captioner: features give {tuple(grid.shape)}, expected (N, channels, h, w)")
            a = grid.flatten(2).transpose(1, 2)  # (N, h·w, channels)
            return self.decoder.begin(a, None, a.mean(1))

        def step(self, tokens: Any, state: tuple) -> tuple[Any, tuple, Any]:
            return self.decoder.step(tokens, state)

        def forward(self, images: Any, captions: Any, weights: bool = False) -> Any:
            logits, seen = self.decoder(captions, self.begin(images))
            return (logits, seen) if weights else logits

    return SimpleNamespace(Gated=Gated, DeepOutput=DeepOutput, Captioner=Captioner)
