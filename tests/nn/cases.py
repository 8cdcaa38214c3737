"""One row for each module and option that is compared with torch: how it is made and what it is called with."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """`nn.name(*args, **options)` on inputs that `draw` makes."""

    name: str
    args: tuple
    options: dict
    inputs: tuple
    modes: tuple = (True,)  # values of `training` to compare
    call: dict = field(default_factory=dict)
    tolerance: float | None = None

    @property
    def id(self) -> str:
        shown = lambda v: getattr(v, "__name__", v)
        parts = [*(f"{shown(v)}" for v in self.args), *(f"{k}={shown(v)}" for k, v in self.options.items())]
        shapes = "-".join(str(getattr(i, "shape", i)) for i in self.inputs) if self.inputs else ""
        return f"{self.name}({', '.join(parts)})[{shapes}]".replace(" ", "")

    def make(self, nn: Any, dtype: Any) -> Any:
        options = {k: v(nn) if callable(v) else v for k, v in self.options.items()}
        args = tuple(v(nn) if callable(v) else v for v in self.args)
        return getattr(nn, self.name)(*args, **options).to(dtype)


@dataclass(frozen=True)
class Draw:
    """An input that is not simply normal: its kind and shape."""

    kind: str
    shape: tuple
    high: int = 0

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        if self.kind == "index":
            return rng.integers(0, self.high, self.shape)
        if self.kind == "share":
            return rng.uniform(0.05, 0.95, self.shape)
        if self.kind == "positive":
            return rng.uniform(0.5, 2, self.shape)
        if self.kind == "log_share":
            x = rng.standard_normal(self.shape)
            return x - np.log(np.exp(x).sum(-1, keepdims=True))
        if self.kind == "sign":
            return rng.choice([-1.0, 1.0], self.shape)
        if self.kind == "mask":
            return rng.random(self.shape) < 0.3
        raise KeyError(self.kind)


def index(high: int, *shape: int) -> Draw:
    return Draw("index", shape, high)


def share(*shape: int) -> Draw:
    return Draw("share", shape)


def positive(*shape: int) -> Draw:
    return Draw("positive", shape)


def log_share(*shape: int) -> Draw:
    return Draw("log_share", shape)


def sign(*shape: int) -> Draw:
    return Draw("sign", shape)


def mask(*shape: int) -> Draw:
    return Draw("mask", shape)


def case(
    name: str,
    *args: Any,
    on: Any,
    modes: tuple = (True,),
    call: dict | None = None,
    tolerance: float | None = None,
    **options: Any,
) -> Case:
    """`on` is one input shape, or a list of inputs: shapes, draws, or tuples of shapes (hidden states)."""
    return Case(name, args, options, tuple(on) if isinstance(on, list) else (on,), modes, call or {}, tolerance)


BOTH, EVAL = (True, False), (False,)
IMAGE, ROW, VOLUME = (2, 4, 7, 8), (2, 4, 9), (2, 4, 5, 6, 7)

ACTIVATIONS = [
    *[case(name, on=(3, 4)) for name in ("Sigmoid", "Tanh", "LogSigmoid", "Softsign", "Tanhshrink")],
    *[
        case(name, *args, on=(3, 4))
        for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish")
        for args in ((), (True,))
    ],
    # torch's gradient multiplies by 1/6 in float32
    *[case("Hardsigmoid", inplace, on=(3, 4), tolerance=1e-7) for inplace in (False, True)],
    case("Hardtanh", on=(3, 4)),
    case("Hardtanh", -0.5, 0.7, True, on=(3, 4)),
    case("Threshold", 0.1, 20.0, on=(3, 4)),
    case("Threshold", 0.1, 20.0, True, on=(3, 4)),
    case("RReLU", on=(3, 4), modes=EVAL),
    case("RReLU", 0.1, 0.2, True, on=(3, 4), modes=EVAL),
    case("LeakyReLU", on=(3, 4)),
    case("LeakyReLU", 0.2, True, on=(3, 4)),
    case("PReLU", on=(3, 4)),
    case("PReLU", 4, init=0.1, on=IMAGE),
    case("ELU", on=(3, 4)),
    case("ELU", 0.5, True, on=(3, 4)),
    case("CELU", on=(3, 4)),
    case("CELU", 0.5, True, on=(3, 4)),
    case("GELU", on=(3, 4)),
    case("GELU", "tanh", on=(3, 4)),
    case("GLU", on=(3, 4)),
    case("GLU", 0, on=(6, 4)),
    case("Softplus", on=(3, 4)),
    case("Softplus", 2.0, 1.0, on=(3, 4)),
    case("Softshrink", on=(3, 4)),
    case("Softshrink", 0.2, on=(3, 4)),
    case("Hardshrink", on=(3, 4)),
    case("Hardshrink", 0.2, on=(3, 4)),
    *[case(name, 1, on=(3, 4)) for name in ("Softmax", "LogSoftmax", "Softmin")],
    case("Softmax2d", on=IMAGE),
    case("Softmax2d", on=IMAGE[1:]),
]

PRODUCTS = [
    case("Linear", 5, 3, on=(2, 5)),
    case("Linear", 5, 3, on=(5,)),
    case("Linear", 5, 3, False, on=(2, 4, 5)),
    case("Bilinear", 3, 4, 5, on=[(2, 3), (2, 4)]),
    case("Bilinear", 3, 4, 5, bias=False, on=[(2, 6, 3), (2, 6, 4)]),
    case("Embedding", 7, 3, on=[index(7, 2, 4)]),
    case("Embedding", 7, 3, padding_idx=-1, on=[index(7, 2, 4)]),
    case("Embedding", 7, 3, padding_idx=2, scale_grad_by_freq=True, on=[index(7, 9)]),
]

CONVOLUTIONS = [
    case("Conv1d", 4, 6, 3, on=ROW),
    case("Conv1d", 4, 6, 3, 2, 1, on=ROW[1:]),
    case("Conv2d", 4, 6, 3, on=IMAGE),
    case("Conv2d", 4, 6, (3, 2), stride=(2, 1), padding=(1, 0), on=IMAGE),
    case("Conv2d", 4, 6, 3, padding=2, dilation=2, groups=2, bias=False, on=IMAGE),
    case("Conv2d", 4, 4, 3, groups=4, padding=1, on=IMAGE),
    case("Conv2d", 4, 6, 1, on=IMAGE[1:]),
    case("Conv2d", 4, 6, 3, padding="same", on=IMAGE),
    case("Conv2d", 4, 6, (4, 2), padding="same", dilation=(1, 3), on=IMAGE),
    case("Conv2d", 4, 6, 3, padding="valid", on=IMAGE),
    *[case("Conv2d", 4, 6, 3, padding=1, padding_mode=m, on=IMAGE) for m in ("reflect", "replicate", "circular")],
    case("Conv2d", 4, 6, (4, 2), padding="same", padding_mode="reflect", on=IMAGE),
    case("Conv2d", 4, 6, 3, padding="valid", padding_mode="circular", on=IMAGE),
    case("Conv1d", 4, 6, 4, padding="same", padding_mode="circular", on=ROW),
    case("Conv1d", 4, 6, 3, padding=(2,), padding_mode="replicate", on=ROW[1:]),
    case("Conv3d", 4, 2, (3, 2, 1), padding=(2, 1, 0), padding_mode="replicate", on=VOLUME),
    case("Conv3d", 4, 2, 3, stride=2, on=VOLUME),
    case("ConvTranspose1d", 4, 6, 3, stride=2, on=ROW),
    case("ConvTranspose1d", 4, 6, 3, stride=2, on=[ROW], call={"output_size": (20,)}),
    case("ConvTranspose2d", 4, 6, 3, on=IMAGE),
    case("ConvTranspose2d", 4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, on=IMAGE),
    case("ConvTranspose2d", 4, 6, 3, stride=2, padding=1, dilation=2, bias=False, on=IMAGE[1:]),
    case("ConvTranspose2d", 4, 6, 3, stride=(2, 3), on=[IMAGE], call={"output_size": (2, 6, 16, 25)}),
    case("ConvTranspose3d", 4, 2, 2, stride=2, on=VOLUME),
]

POOLS = [
    case("MaxPool1d", 3, on=ROW),
    case("MaxPool1d", 3, 2, 1, on=ROW[1:]),
    case("MaxPool2d", 2, on=IMAGE),
    case("MaxPool2d", (3, 2), stride=(2, 1), padding=(1, 0), dilation=2, ceil_mode=True, on=IMAGE),
    case("MaxPool2d", 3, 2, 1, return_indices=True, on=IMAGE[1:]),
    case("MaxPool3d", 2, return_indices=True, on=VOLUME),
    case("AvgPool1d", 5, 3, 2, True, False, on=ROW),
    case("AvgPool2d", 3, on=IMAGE),
    case("AvgPool2d", 3, 2, 1, ceil_mode=True, count_include_pad=False, on=IMAGE),
    case("AvgPool2d", (3, 2), divisor_override=5, on=IMAGE[1:]),
    case("AvgPool3d", 2, padding=1, on=VOLUME),
    case("LPPool1d", 2, 3, on=ROW),
    case("LPPool2d", 2, (2, 3), stride=2, on=IMAGE),
    case("LPPool3d", 2, 2, ceil_mode=True, on=VOLUME),
    case("AdaptiveAvgPool1d", 4, on=ROW),
    case("AdaptiveAvgPool2d", 1, on=IMAGE),
    case("AdaptiveAvgPool2d", (3, None), on=IMAGE[1:]),
    case("AdaptiveAvgPool3d", (2, 3, 4), on=VOLUME),
    case("AdaptiveMaxPool1d", 4, on=ROW[1:]),
    case("AdaptiveMaxPool2d", (3, 5), return_indices=True, on=IMAGE),
    case("AdaptiveMaxPool3d", 2, on=VOLUME),
]

NORMS = [
    case("BatchNorm1d", 4, on=(6, 4), modes=BOTH),
    case("BatchNorm1d", 4, on=ROW, modes=BOTH),
    case("BatchNorm2d", 4, on=IMAGE, modes=BOTH),
    case("BatchNorm2d", 4, eps=1e-3, momentum=0.3, affine=False, on=IMAGE, modes=BOTH),
    case("BatchNorm2d", 4, momentum=None, on=IMAGE, modes=BOTH),
    case("BatchNorm2d", 4, track_running_stats=False, on=IMAGE, modes=BOTH),
    case("BatchNorm3d", 4, on=VOLUME, modes=BOTH),
    case("InstanceNorm1d", 4, on=ROW, modes=BOTH),
    case("InstanceNorm1d", 4, affine=True, on=ROW[1:]),
    case("InstanceNorm2d", 4, affine=True, track_running_stats=True, on=IMAGE, modes=BOTH),
    case("InstanceNorm2d", 4, on=IMAGE[1:]),
    case("InstanceNorm3d", 4, affine=True, on=VOLUME),
    case("GroupNorm", 2, 4, on=IMAGE),
    case("GroupNorm", 4, 4, affine=False, on=ROW),
    case("LayerNorm", 8, on=IMAGE),
    case("LayerNorm", (7, 8), bias=False, on=IMAGE),
    case("LayerNorm", 8, 0.1, on=IMAGE),
    case("GroupNorm", 2, 4, 0.1, bias=False, on=IMAGE),
    case("InstanceNorm2d", 4, 0.1, 0.5, True, True, on=IMAGE, modes=BOTH),
    case("BatchNorm1d", 4, bias=False, on=(6, 4), modes=BOTH),
    case("LayerNorm", [8], elementwise_affine=False, on=IMAGE),
    case("RMSNorm", 8, on=IMAGE),
    case("RMSNorm", (7, 8), eps=1e-3, on=IMAGE),
    case("RMSNorm", 8, elementwise_affine=False, on=IMAGE),
    case("LocalResponseNorm", 3, on=IMAGE),
    case("LocalResponseNorm", 2, alpha=0.1, beta=0.5, k=2.0, on=ROW),
    *[case(f"Dropout{d}", 0.3, on=shape, modes=EVAL) for d, shape in (("", (3, 4)), ("2d", IMAGE))],
    *[case(f"Dropout{d}", p=0.3, on=shape, modes=EVAL) for d, shape in (("1d", ROW), ("3d", VOLUME))],
    case("Dropout", 0.0, on=(3, 4)),
    case("AlphaDropout", inplace=True, on=(3, 4), modes=EVAL),
]

SHAPES = [
    case("Identity", 3, anything=4, on=(3, 4)),
    case("Flatten", on=IMAGE),
    case("Flatten", 0, 2, on=IMAGE),
    case("Unflatten", 1, (2, 2), on=ROW),
    case("Upsample", scale_factor=2, on=IMAGE),
    case("Upsample", (9, 5), on=IMAGE),
    case("Upsample", scale_factor=(2, 1.5), mode="bilinear", align_corners=False, on=IMAGE),
    case("Upsample", 13, mode="linear", align_corners=True, on=ROW),
    case("Upsample", scale_factor=1.7, mode="bicubic", recompute_scale_factor=True, on=IMAGE),
    case("Upsample", size=(3, 4, 5), mode="trilinear", on=VOLUME),
    case("UpsamplingNearest2d", scale_factor=3, on=IMAGE),
    case("UpsamplingBilinear2d", size=(9, 9), on=IMAGE),
    case("PixelShuffle", 2, on=IMAGE),
    case("PixelUnshuffle", 2, on=(2, 3, 4, 6)),
    case("ChannelShuffle", 2, on=IMAGE),
    case("Unfold", 3, on=IMAGE),
    case("Unfold", (3, 2), dilation=2, padding=1, stride=(1, 2), on=IMAGE),
    case("Fold", (4, 5), 2, on=(2, 12, 12)),
    case("Fold", (4, 5), (2, 3), padding=1, stride=2, on=(2, 12, 9)),
    case("Fold", (5, 6), 2, dilation=2, on=(2, 12, 12)),
    *[
        case(f"{kind}Pad{rank}d", padding, *value, on=shape)
        for kind, value in (
            ("Zero", ()),
            ("Constant", (3.5,)),
            ("Reflection", ()),
            ("Replication", ()),
            ("Circular", ()),
        )
        for rank, shape, several in ((1, ROW, (1, 2)), (2, IMAGE, (1, 2, 3, 0)), (3, VOLUME, (1, 2, 3, 0, 1, 1)))
        for padding in (1, several)
    ],
    case("ReflectionPad2d", 2, on=IMAGE[1:]),
]

CLASS_WEIGHT = np.array([0.5, 1.0, 2.0, 0.7, 0.1])


def weight(values: np.ndarray) -> Any:
    """The same tensor of either engine."""

    def make(nn: Any) -> Any:
        if nn.__name__.startswith("torch"):
            import torch

            return torch.tensor(values)
        import twice

        return twice.tensor(values)

    make.__name__ = "weight"
    return make


PAIR, CLASSES = [(4, 5), (4, 5)], [(4, 5), index(5, 4)]
LOSSES = [
    *[
        case(name, reduction=reduction, on=PAIR)
        for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
        for reduction in ("mean", "sum", "none")
    ],
    case("MSELoss", size_average=False, on=PAIR),
    case("MSELoss", reduce=False, on=PAIR),
    case("SmoothL1Loss", beta=0.5, on=PAIR),
    case("HuberLoss", delta=0.5, on=PAIR),
    case("PoissonNLLLoss", on=[(4, 5), positive(4, 5)]),
    case("PoissonNLLLoss", log_input=False, full=True, on=[positive(4, 5), positive(4, 5)]),
    case("GaussianNLLLoss", on=[(4, 5), (4, 5), positive(4, 5)]),
    case("GaussianNLLLoss", full=True, reduction="none", on=[(4, 5), (4, 5), positive(4, 1)]),
    case("BCELoss", on=[share(4, 5), share(4, 5)]),
    case("BCELoss", weight(CLASS_WEIGHT), reduction="sum", on=[share(4, 5), share(4, 5)]),
    case("BCEWithLogitsLoss", on=[(4, 5), share(4, 5)]),
    case("BCEWithLogitsLoss", pos_weight=weight(CLASS_WEIGHT), on=[(4, 5), share(4, 5)]),
    case("SoftMarginLoss", on=[(4, 5), sign(4, 5)]),
    case("HingeEmbeddingLoss", 0.5, on=[(4, 5), sign(4, 5)]),
    case("MarginRankingLoss", 0.5, on=[(4,), (4,), sign(4)]),
    case("CosineEmbeddingLoss", 0.2, on=[(4, 5), (4, 5), sign(4)]),
    case("CrossEntropyLoss", on=CLASSES),
    case("CrossEntropyLoss", weight(CLASS_WEIGHT), label_smoothing=0.1, on=CLASSES),
    case("CrossEntropyLoss", ignore_index=2, reduction="sum", on=[(4, 5, 3), index(5, 4, 3)]),
    case("CrossEntropyLoss", on=[(4, 5), share(4, 5)]),
    case("CrossEntropyLoss", on=[(5,), index(5)]),
    case("NLLLoss", on=CLASSES),
    case("NLLLoss", weight(CLASS_WEIGHT), ignore_index=1, reduction="none", on=CLASSES),
    case("MultiMarginLoss", on=CLASSES),
    case("MultiMarginLoss", 2, 0.5, weight(CLASS_WEIGHT), on=CLASSES),
    *[case("MultiLabelSoftMarginLoss", reduction=r, on=[(4, 5), share(4, 5)]) for r in ("mean", "sum", "none")],
    case("MultiLabelSoftMarginLoss", weight(CLASS_WEIGHT), on=[(4, 5), share(4, 5)]),
    case("KLDivLoss", on=[log_share(4, 5), share(4, 5)]),
    case("KLDivLoss", reduction="batchmean", log_target=True, on=[log_share(4, 5), log_share(4, 5)]),
    case("TripletMarginLoss", on=[(4, 5)] * 3),
    case("TripletMarginLoss", margin=2.0, p=3.0, swap=True, reduction="sum", on=[(4, 5)] * 3),
    case("TripletMarginWithDistanceLoss", swap=True, on=[(4, 5)] * 3),
    case("TripletMarginWithDistanceLoss", margin=3.0, reduction="sum", on=[(4, 5)] * 3),
    case("PairwiseDistance", on=PAIR),
    case("PairwiseDistance", 3.0, keepdim=True, on=PAIR),
    case("CosineSimilarity", on=PAIR),
    case("CosineSimilarity", 0, 3.0, on=PAIR),
    case("PairwiseDistance", eps=0.5, on=PAIR),
    case("TripletMarginLoss", eps=0.5, on=[(4, 5)] * 3),
    case("GaussianNLLLoss", eps=1.0, reduction="sum", on=[(4, 5), (4, 5), positive(4, 5)]),
    case("PoissonNLLLoss", log_input=False, eps=0.5, reduction="none", on=[positive(4, 5), positive(4, 5)]),
]

STEPS = (6, 3, 5)  # (T, B, I)
RECURRENT = [
    *[
        case(kind, 5, 4, on=on, **options)
        for kind in ("RNN", "LSTM", "GRU")
        for on, options in (
            (STEPS, {}),
            (STEPS, {"num_layers": 2, "bidirectional": True}),
            (STEPS, {"batch_first": True, "bias": False}),
            ((6, 5), {"num_layers": 2}),
            ((6, 5), {"batch_first": True, "bidirectional": True}),
            (STEPS, {"num_layers": 2, "dropout": 0.0, "bidirectional": True, "bias": False}),
        )
    ],
    case("LSTM", 5, 4, num_layers=2, dropout=0.5, on=STEPS, modes=EVAL),
    case("RNN", 5, 4, nonlinearity="relu", on=STEPS),
    case("RNN", 5, 4, 2, "relu", False, on=STEPS),
    case("RNN", 5, 4, on=[STEPS, (1, 3, 4)]),
    case("GRU", 5, 4, bidirectional=True, on=[STEPS, (2, 3, 4)]),
    case("GRU", 5, 4, batch_first=True, on=[(6, 5), (1, 4)]),
    case("LSTM", 5, 4, on=[STEPS, ((1, 3, 4), (1, 3, 4))]),
    case("LSTM", 5, 4, on=[(6, 5), ((1, 4), (1, 4))]),
    case("LSTM", 5, 4, num_layers=2, proj_size=3, bidirectional=True, on=STEPS),
    case("LSTM", 5, 4, proj_size=3, on=[STEPS, ((1, 3, 3), (1, 3, 4))]),
    *[case(f"{kind}Cell", 5, 4, on=on) for kind in ("RNN", "LSTM", "GRU") for on in ((3, 5), (1, 5), (5,))],
    case("RNNCell", 5, 4, bias=False, nonlinearity="relu", on=[(3, 5), (3, 4)]),
    case("GRUCell", 5, 4, bias=False, on=[(5,), (4,)]),
    case("LSTMCell", 5, 4, bias=False, on=[(3, 5), ((3, 4), (3, 4))]),
]

Q, K = (6, 3, 8), (5, 3, 8)  # (L, B, E), (S, B, E)
SMALL = {"d_model": 8, "nhead": 2, "dim_feedforward": 12, "dropout": 0.0}
LAYER = {"d_model": 8, "nhead": 2, "dim_feedforward": 12, "dropout": 0.0}


def layer(kind: str, **options: Any) -> Any:
    """A layer made from the namespace that is under test."""

    def make(nn: Any) -> Any:
        return getattr(nn, f"Transformer{kind}Layer")(**LAYER, **options)

    make.__name__ = f"layer_{kind}"
    return make


def layer_norm(nn: Any) -> Any:
    return nn.LayerNorm(8)


ATTENTION = [
    case("MultiheadAttention", 8, 2, on=[Q, K, K]),
    case("MultiheadAttention", 8, 2, bias=False, batch_first=True, on=[(3, 6, 8), (3, 5, 8), (3, 5, 8)]),
    case("MultiheadAttention", 8, 2, kdim=3, vdim=5, on=[Q, (5, 3, 3), (5, 3, 5)]),
    case("MultiheadAttention", 8, 2, add_bias_kv=True, add_zero_attn=True, on=[Q, K, K]),
    case("MultiheadAttention", 8, 1, on=[Q, K, K], call={"need_weights": False}),
    case("MultiheadAttention", 8, 2, on=[Q, K, K], call={"average_attn_weights": False}),
    case("MultiheadAttention", 8, 2, on=[Q, K, K], call={"attn_mask": mask(6, 5), "need_weights": False}),
    case("MultiheadAttention", 8, 2, on=[Q, K, K], call={"attn_mask": (6, 5)}),
    case("MultiheadAttention", 8, 2, on=[Q, K, K], call={"attn_mask": (6, 6, 5), "key_padding_mask": (3, 5)}),
    case("MultiheadAttention", 8, 2, on=[Q[::2], K[::2], K[::2]]),
    case("MultiheadAttention", 8, 2, batch_first=True, on=[(6, 8), (5, 8), (5, 8)], call={"key_padding_mask": (5,)}),
    case("TransformerEncoderLayer", **SMALL, on=Q),
    case("TransformerEncoderLayer", **SMALL, batch_first=True, norm_first=True, bias=False, on=(3, 6, 8)),
    case("TransformerEncoderLayer", **SMALL, activation="gelu", on=[Q, (6, 6)]),
    case("TransformerEncoderLayer", **SMALL, layer_norm_eps=0.1, on=Q, modes=EVAL),
    case("TransformerDecoderLayer", **SMALL, layer_norm_eps=0.1, activation="gelu", bias=False, on=[Q, K]),
    case("TransformerDecoderLayer", **SMALL, on=[Q, K]),
    case("TransformerDecoderLayer", **SMALL, norm_first=True, batch_first=True, on=[(3, 6, 8), (3, 5, 8)]),
    case("TransformerDecoderLayer", **SMALL, on=[Q, K], call={"tgt_mask": (6, 6), "memory_key_padding_mask": (3, 5)}),
    case("TransformerEncoder", layer("Encoder"), 2, on=Q),
    case("TransformerEncoder", layer("Encoder", norm_first=True), 2, layer_norm, on=Q, enable_nested_tensor=False),
    case("TransformerDecoder", layer("Decoder"), 2, on=[Q, K]),
    case("TransformerDecoder", layer("Decoder"), 2, layer_norm, on=[Q, K], call={"tgt_mask": (6, 6)}),
    case("Transformer", **SMALL, num_encoder_layers=1, num_decoder_layers=2, on=[K, Q]),
    case("Transformer", **SMALL, batch_first=True, norm_first=True, on=[(3, 5, 8), (3, 6, 8)],
         num_encoder_layers=2, num_decoder_layers=1, call={"tgt_mask": (6, 6), "src_key_padding_mask": (3, 5)}),
]  # fmt: skip

CASES = [
    *ACTIVATIONS,
    *PRODUCTS,
    *CONVOLUTIONS,
    *POOLS,
    *NORMS,
    *SHAPES,
    *LOSSES,
    *RECURRENT,
    *ATTENTION,
]
