"""The claims on ResNet, DenseNet and MobileNet."""

from functools import partial
from typing import Any

from twice.claims.counting import kind, multiply_adds, named, of, shape, weighted
from twice.claims.ledger import Claim
from twice.claims.start import RESNET
from twice.summary import Summary

row = partial(Claim, "classic")

# ── ResNet ──────────────────────────────────────────────────────────────────────────────────────────────────────

PADDED = "without projections, as the paper draws it"
FIRST = "with the stride in the first 1×1, as in the paper"
BLOCKS = {18: "2, 2, 2, 2", 34: "3, 4, 6, 3", 50: "3, 4, 6, 3", 101: "3, 4, 23, 3", 152: "3, 8, 36, 3"}
FLOPS = {  # as printed, and what to know
    18: ("1.8×10^9", PADDED), 34: ("3.6×10^9", PADDED), 50: ("3.8×10^9", f"cut off instead of rounded; {FIRST}"),
    101: ("7.6×10^9", FIRST), 152: ("11.3×10^9", FIRST),
}  # fmt: skip
SINGLE = {  # B's table of errors on the validation set: top-1, top-5
    "VGG (ILSVRC'14)": "–, 8.43", "GoogLeNet (ILSVRC'14)": "–, 7.89", "VGG (v5)": "24.4, 7.1",
    "PReLU-net": "21.59, 5.71", "BN-inception": "21.99, 5.81", "ResNet-34 B": "21.84, 5.71",
    "ResNet-34 C": "21.53, 5.60", "ResNet-50": "20.74, 5.25", "ResNet-101": "19.87, 4.60",
    "ResNet-152": "19.38, 4.49",
}  # fmt: skip
ENSEMBLES = {
    "VGG (ILSVRC'14)": "7.32", "GoogLeNet (ILSVRC'14)": "6.66", "VGG (v5)": "6.8", "PReLU-net": "4.94",
    "BN-inception": "4.82", "ResNet (ILSVRC'15)": "3.57",
}  # fmt: skip
LEADS = {"detection": "16 %", "localisation": "27 %", "COCO detection": "11 %", "COCO segmentation": "12 %"}


def resnet_operations(depth: int) -> int:
    """Multiply-adds with the paper's shortcuts and stride."""
    options: dict[str, Any] = {"shortcut": "A"} if depth < 50 else {"stride_in": "1x1"}
    return of("resnet", depth, **options).multiply_adds


def unnormalised(table: Summary) -> int:
    """Parameters without those of BatchNorm."""
    return table.parameters - sum(r.parameters for r in kind(table, "BatchNorm2d"))


def resnet_depth(depth: int) -> int:
    """Layers with weights, shortcuts aside."""
    return len(weighted(of("resnet", depth, shortcut="A")))


def blocks(table: Summary, stages: str) -> list[int]:
    """How many blocks stand in each stage whose name begins so."""
    names = [r.name for r in table.rows if r.name.startswith(stages)]
    return [sum(n.rpartition(".")[0] == stage for n in names) for stage in names if stage[len(stages) :].isdigit()]


def resnet_blocks(depth: int) -> list[int]:
    """Blocks of conv2_x to conv5_x."""
    return blocks(of("resnet", depth), "layer")


def slug(name: str) -> str:
    """A name as part of an id."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


BOTTLENECK = {"reduce": 256 * 64, "middle": 64 * 64 * 3 * 3, "expand": 64 * 256}

RESNETS = (
    *(
        row(f"resnet-{depth}-operations", "BD", said, f"ResNet's table, operations of {depth} layers",
            "differs" if depth == 50 else "rounds", partial(resnet_operations, depth), why=why)
        for depth, (said, why) in FLOPS.items()
    ),
    *(
        row(f"resnet-{depth}-depth", "ABCDE" if depth == 152 else "BD", str(depth),
            "ResNet's table, layers with weights", "agrees",
            partial(resnet_depth, depth))
        for depth in FLOPS
    ),
    *(
        row(f"resnet-{depth}-blocks", "BD", said, f"ResNet's table, blocks of the stages of {depth} layers", "agrees",
            partial(resnet_blocks, depth))
        for depth, said in BLOCKS.items()
    ),
    row(
        "resnet-no-fc", "D", "remove FC layer", "ResNet against VGG, fully connected layers", "differs",
        lambda: len(kind(of("resnet", 50), "Linear")), value=0,
        why="its own table ends in one, of 2048 by 1000 weights and 1000 biases",
    ),
    row("direct-3x3", "E", "600K", "256 to 256 maps by 3×3, operations a place", "rounds", lambda: 256 * 256 * 3 * 3,
        to=1e5, why="weights, that is multiply-adds a place"),
    row("bottleneck-reduce", "E", "16K", "bottleneck, 1×1 from 256 to 64", "rounds", lambda: BOTTLENECK["reduce"]),
    row("bottleneck-middle", "E", "36K", "bottleneck, 3×3", "differs", lambda: BOTTLENECK["middle"],
        why="cut off instead of rounded"),
    row("bottleneck-expand", "E", "16K", "bottleneck, 1×1 from 64 to 256", "rounds", lambda: BOTTLENECK["expand"]),
    row("bottleneck-total", "E", "70K", "bottleneck, in all", "rounds", lambda: sum(BOTTLENECK.values())),
    row("resnet-1202", "E", "19.4 M", "1000 layers on CIFAR-10: parameters of the 1202 in the figure", "rounds",
        lambda: of("cifar_resnet", 1202, size=32).parameters),
    *(
        row(f"resnet-lead-{slug(name)}", "E", said, f"contests of 2015, {name}: better than the second by", "cited",
            source=RESNET)
        for name, said in LEADS.items()
    ),
    *(
        row(f"error-{slug(name)}", "B", said, f"errors on ImageNet's validation set, {name}", "cited", source=RESNET)
        for name, said in SINGLE.items()
    ),
    *(
        row(f"ensemble-{slug(name)}", "B", said, f"errors of ensembles on ImageNet's test set, {name}", "cited",
            source=RESNET)
        for name, said in ENSEMBLES.items()
    ),
)  # fmt: skip

# ── DenseNet ────────────────────────────────────────────────────────────────────────────────────────────────────

HUANG = "Huang, Liu, van der Maaten and Weinberger 2016"
STAGES = ["conv0", "pool0", "denseblock1", "transition1", "denseblock2", "transition2", "denseblock3", "transition3",
          "denseblock4", "avgpool"]  # fmt: skip


DENSE = {121: "6, 12, 24, 16", 169: "6, 12, 32, 32", 201: "6, 12, 48, 32", 161: "6, 12, 36, 24"}
GROWTH = {121: "32", 169: "32", 201: "32", 161: "48"}


def densenet_blocks(depth: int) -> list[int]:
    """Pairs of 1×1 and 3×3 in each dense block."""
    return blocks(of("densenet", depth), "features.denseblock")


def densenet_growth(depth: int) -> int:
    """Maps that a pair adds."""
    first, second = named(of("densenet", depth), "denseblock1.0", "denseblock1.1")
    return shape(second)[2] - shape(first)[2]


def densenet_depth(depth: int) -> int:
    """Layers with weights."""
    return len(weighted(of("densenet", depth)))


DENSENETS = (
    *(
        row(f"densenet-{depth}-depth", "B", str(depth), "DenseNet's table, layers with weights", "agrees",
            partial(densenet_depth, depth))
        for depth in (121, 169, 201, 161)
    ),
    *(
        row(f"densenet-{depth}-blocks", "B", said, f"DenseNet's table, layers of the blocks of DenseNet-{depth}",
            "agrees", partial(densenet_blocks, depth))
        for depth, said in DENSE.items()
    ),
    *(
        row(f"densenet-{depth}-growth", "B", said, f"DenseNet's table, k of DenseNet-{depth}", "agrees",
            partial(densenet_growth, depth))
        for depth, said in GROWTH.items()
    ),
    row("densenet-sizes", "B", "112, 56, 56, 28, 28, 14, 14, 7, 7, 1", "DenseNet's table, output sizes", "agrees",
        lambda: [shape(r)[0] for r in named(of("densenet"), *STAGES)]),
    row("densenet-bc-100", "B", "0.8M", "DenseNet-BC-100, parameters", "rounds",
        lambda: of("cifar_densenet", size=32).parameters),
    row("resnet-1001", "B", "10.2M", "ResNet-1001, parameters", "rounds",
        lambda: unnormalised(of("cifar_resnet", 1001, size=32, preactivation=True, shortcut="B")),
        why="without those of BatchNorm; all together they are nearer to 10.3"),
    row("densenet-saving", "B", "3x", "DenseNet, fewer parameters than ResNet at the same accuracy", "cited",
        source=HUANG),
)  # fmt: skip

# ── MobileNet ───────────────────────────────────────────────────────────────────────────────────────────────────

HOWARD = "Howard et al. 2017"
ACCURACIES = {
    "conv-mobilenet": "71.7 %", "mobilenet": "70.6 %", "googlenet": "69.8 %", "vgg-16": "71.5 %",
    "mobilenet-half": "60.2 %", "squeezenet": "57.5 %", "alexnet": "57.2 %",
}  # fmt: skip
FULL = {"separable": False}
ALONE = "convolutions alone"


def half() -> Summary:
    """Half the width on images of 160."""
    return of("mobilenet", size=160, width=0.5, image=160)


def block(**options: bool) -> int:
    """Multiply-adds of the eighth block, from 512 channels to 512."""
    return multiply_adds(of("mobilenet", **options), "block8")


def convolutions(table: Summary) -> int:
    """Multiply-adds without the fully connected layers."""
    return sum(r.multiply_adds for r in kind(table, "Conv2d"))


def mobilenet_inputs() -> list[int]:
    """The side of each layer's input in the table: a layer gets what the one before it puts out."""
    rows = [*named(of("mobilenet"), "input"), *kind(of("mobilenet"), "Conv2d")]
    return [shape(r)[0] for r in rows]


MOBILENETS = (
    row("separable-cost", "B", "1/N + 1/D_K²", "separable over full convolution, N = 512, D_K = 3", "agrees",
        lambda: block() / block(**FULL), value=1 / 512 + 1 / 9),
    row(
        "mobilenet-sizes", "B", "224, 112, 112, 112, 56, 56, 56, 56, 28, 28, 28, 28, 14, … 14, 7, 7, 7",
        "MobileNet's table, input sizes", "agrees", mobilenet_inputs,
        value=[224] + [112] * 3 + [56] * 4 + [28] * 4 + [14] * 12 + [7] * 4,
    ),
    row(
        "mobilenet-last-stride", "B", "7x7x1024", "MobileNet's table, after the last depthwise layer with s2",
        "differs",
        lambda: shape(kind(of("mobilenet", last_stride=2), "Conv2d")[-1]),
        why="stride 2 goes on with 4×4; only stride 1 keeps 7×7, and the 569 M need it",
    ),
    row("mobilenet-operations", "B", "569 M", "MobileNet's table 4, multiply-adds", "rounds",
        lambda: of("mobilenet").multiply_adds),
    row("mobilenet-parameters", "B", "4.2 M", "MobileNet's table 4, parameters", "rounds",
        lambda: of("mobilenet").parameters),
    row("conv-mobilenet-operations", "B", "4866 M", "MobileNet's table 4, full convolutions", "rounds",
        lambda: convolutions(of("mobilenet", **FULL)), why=f"{ALONE}, unlike the 569 M"),
    row("conv-mobilenet-parameters", "B", "29.3 M", "MobileNet's table 4, full convolutions", "rounds",
        lambda: of("mobilenet", **FULL).parameters),
    row("mobilenet-half-operations", "B", "76 M", "MobileNet's table 9, 0.5 on 160", "rounds",
        lambda: convolutions(half()), why=f"{ALONE}, unlike the 569 M"),
    row("mobilenet-half-parameters", "B", "1.32 M", "MobileNet's table 9, 0.5 on 160", "rounds",
        lambda: unnormalised(half()), why="without those of BatchNorm"),
    row("googlenet-operations", "B", "1550 M", "MobileNet's table 8, GoogLeNet", "differs",
        lambda: of("googlenet", auxiliary=False).multiply_adds, why="its convolutions alone have more",
        to=1e7),
    row("googlenet-parameters", "B", "6.8 M", "MobileNet's table 8, GoogLeNet", "differs",
        lambda: of("googlenet", auxiliary=False).parameters,
        why="the sum of the GoogLeNet paper's table, slips and all"),
    row("vgg-16-operations", "B", "15300 M", "MobileNet's table 8, VGG-16", "rounds", lambda: convolutions(of("vgg")),
        to=1e8, why=ALONE),
    row("vgg-16-parameters", "B", "138 M", "MobileNet's table 8, VGG-16", "rounds", lambda: of("vgg").parameters),
    row("squeezenet-operations", "B", "1700 M", "MobileNet's table 9, SqueezeNet", "differs",
        lambda: of("squeezenet").multiply_adds, why="the table counts a multiply-add as two here", to=1e8),
    row("squeezenet-parameters", "B", "1.25 M", "MobileNet's table 9, SqueezeNet", "rounds",
        lambda: of("squeezenet").parameters),
    row("alexnet-operations", "B", "720 M", "MobileNet's table 9, AlexNet", "rounds",
        lambda: of("alexnet", size=227).multiply_adds, to=1e7, why="on two GPUs"),
    row("alexnet-parameters", "B", "60 M", "MobileNet's table 9, AlexNet", "rounds",
        lambda: of("alexnet", size=227).parameters, to=1e7),
    *(
        row(f"accuracy-{name}", "B", said, f"MobileNet's tables, accuracy of {name} on ImageNet", "cited",
            source=HOWARD)
        for name, said in ACCURACIES.items()
    ),
)  # fmt: skip

CLAIMS = (*RESNETS, *DENSENETS, *MOBILENETS)
