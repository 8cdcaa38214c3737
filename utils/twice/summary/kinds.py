"""The layers that have rules: multiply-adds of a call, and the windows through which it sees its input.

Conventions: one multiply-add is one product that is added up; biases are not counted.
    convolution          outputs · C/g · k²
    its transpose        inputs · K/g · k²
    linear               outputs · in
    attention            the four projections, and the two products QKᵀ and AV: 2 · L · S · E
    recurrent            every weight of a matrix once a step and sequence
    everything else      0; with `elementwise=True` an activation 1 an output, a normalisation 2, a pooling its window
"""

from math import prod
from typing import Any

OPAQUE = {"MultiheadAttention"}  # its children are not called, their weights are used directly
WINDOWED = {f"{layer}{rank}d" for layer in ("Conv", "MaxPool", "AvgPool", "LPPool") for rank in (1, 2, 3)}


def kind_of(module: Any) -> str:
    """The name of the engine's own layer class that this module is, or descends from; else the empty string."""
    for cls in type(module).__mro__:
        if cls.__module__.startswith(("torch.nn.modules", "twice.nn")) and cls.__name__ not in ("Module", "Sequential"):
            return cls.__name__
    return ""


def spread(value: Any, rank: int) -> tuple:
    """One number for every axis, or those that were given."""
    return tuple(value) if isinstance(value, list | tuple) else (value,) * rank


# ── multiply-adds ───────────────────────────────────────────────────────────────────────────────────────────────


def work_of(kind: str, module: Any, inputs: list, outputs: list, elementwise: bool) -> int | None:
    """Multiply-adds of one call; None for a layer that has no rule here."""
    if not inputs or not outputs:
        return None
    x, y = inputs[0], prod(outputs[0].shape)
    if kind.startswith("Conv"):
        return (prod(x.shape) if "Transpose" in kind else y) * prod(module.weight.shape[1:])
    if kind.endswith("Linear"):
        return y * module.in_features
    if kind == "Bilinear":
        return prod(outputs[0].shape[:-1]) * prod(module.weight.shape)
    if kind == "MultiheadAttention":
        return _attention(module, *(inputs * 3)[:3] if len(inputs) < 3 else inputs[:3])
    if kind in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"):
        weights = sum(prod(p.shape) for p in module.parameters() if len(p.shape) == 2)
        return prod(x.shape[:-1]) * weights
    return _elementwise(kind, module, x, y) if elementwise else 0 if _is_plain(kind) else None


def _attention(module: Any, q: Any, k: Any, v: Any) -> int:
    if len(q.shape) == 2:
        n, length, steps = 1, q.shape[0], k.shape[0]
    else:
        n, length = q.shape[:2] if module.batch_first else (q.shape[1], q.shape[0])
        steps = k.shape[1 if module.batch_first else 0]
    e, kdim, vdim = module.embed_dim, module.kdim or module.embed_dim, module.vdim or module.embed_dim
    projections = length * e * e * 2 + steps * e * (kdim + vdim)
    seen = steps + (module.bias_k is not None) + bool(module.add_zero_attn)
    return n * (projections + 2 * length * seen * e)


def _is_plain(kind: str) -> bool:
    return bool(kind) and not kind.startswith(("Transformer", "Module", "Parameter"))


def _elementwise(kind: str, module: Any, x: Any, y: int) -> int | None:
    if not _is_plain(kind):
        return None
    if "Norm" in kind:
        return 2 * y
    if kind.startswith("Adaptive"):
        return prod(x.shape)
    if "Pool" in kind:
        return y * prod(spread(module.kernel_size, int(kind[-2])))
    moves = (
        "Dropout",
        "Flatten",
        "Unflatten",
        "Identity",
        "Embedding",
        "Shuffle",
        "Unshuffle",
        "Pad1d",
        "Pad2d",
        "Pad3d",
    )
    return 0 if any(word in kind for word in moves) else y


def work_of_function(name: str, inputs: list, args: tuple, outputs: list) -> int | None:
    """Multiply-adds of a product that was called as a function; None where it has no rule."""
    y = prod(outputs[0].shape)
    if name in ("matmul", "mm", "bmm", "mv", "dot", "linear"):
        return y * inputs[0].shape[-1]
    if name == "rmatmul":
        return y * inputs[1].shape[-1]
    if name in ("addmm", "addmv", "baddbmm"):
        return y * inputs[1].shape[-1]
    if name.startswith("conv_transpose"):
        return prod(inputs[0].shape) * prod(inputs[1].shape[1:])
    if name in ("conv", "conv1d", "conv2d", "conv3d"):
        return y * prod(inputs[1].shape[1:])
    if name == "scaled_dot_product_attention":
        q, k, v = inputs[:3]
        return prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    if name == "einsum" and args and isinstance(args[0], str):
        return _einsum(args[0], inputs)
    return None


def _einsum(equation: str, inputs: list) -> int | None:
    """The product of all letters' lengths: exact for two operands."""
    names = equation.replace(" ", "").partition("->")[0].split(",")
    if "." in equation or len(names) != 2:
        return None
    return prod({letter: n for name, x in zip(names, inputs) for letter, n in zip(name, x.shape)}.values())


PRODUCTS = {"einsum", "tensordot", "bilinear", "multi_head_attention", "multi_head_attention_forward", "addbmm"}


# ── windows ─────────────────────────────────────────────────────────────────────────────────────────────────────


def windows_of(kind: str, module: Any, shape: tuple[int, ...]) -> list[tuple[int, int, int, int]] | None:
    """(kernel, stride, padding, dilation) along each of the last axes of such an input; None without a rule."""
    if kind.startswith("Adaptive"):
        rank = int(kind[-2])
        wanted = [n if o is None else o for n, o in zip(shape[-rank:], spread(module.output_size, rank))]
        if any(n % o for n, o in zip(shape[-rank:], wanted)):
            return None
        return [(n // o, n // o, 0, 1) for n, o in zip(shape[-rank:], wanted)]
    if kind in WINDOWED:
        rank = int(kind[-2])
        k, d = spread(module.kernel_size, rank), spread(getattr(module, "dilation", 1), rank)
        s = spread(k if module.stride is None else module.stride, rank)
        p = getattr(module, "padding", 0)
        if isinstance(p, str):
            p = tuple(d * (k - 1) // 2 if p == "same" else 0 for k, d in zip(k, d))
        return list(zip(k, s, spread(p, rank), d))
    if "Pad" in kind and kind[-1] == "d":
        before = spread(module.padding, 2 * int(kind[-2]))[::2]  # listed from the last axis
        return [(1, 1, p, 1) for p in reversed(before)]
    return None


def words_of(kind: str, module: Any) -> str:
    """What a layer's window is, in the manner of the papers' tables: "3×3", "11×11/4", "3×3 in 2 groups", "global"."""
    if kind.startswith("Adaptive"):
        wanted = spread(module.output_size, int(kind[-2]))
        return "global" if set(wanted) == {1} else f"to {'×'.join(map(str, wanted))}"
    if kind not in WINDOWED and not kind.startswith("ConvTranspose"):
        return ""
    rank = int(kind[-2])
    kernel = spread(module.kernel_size, rank)
    strides = set(spread(module.kernel_size if module.stride is None else module.stride, rank))
    words = "×".join(map(str, kernel)) if rank > 1 else str(kernel[0])
    words += f"/{max(strides)}" if strides != {1} else ""
    groups = getattr(module, "groups", 1)
    if groups == 1:
        return words
    return f"{words} depthwise" if groups == module.in_channels else f"{words} in {groups} groups"
