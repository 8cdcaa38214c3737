"""The claims on VGG: depths, parameters, activations, and what small kernels save."""

from functools import partial

from twice.claims.counting import kind, named, of, units, weighted, weights
from twice.claims.ledger import Claim
from twice.summary import receptive_field

row = partial(Claim, "classic")

# ── the six configurations ──────────────────────────────────────────────────────────────────────────────────────

DEPTHS = {"A": "11", "A-LRN": "11", "B": "13", "C": "16", "D": "16", "E": "19"}
MILLIONS = {"A": "133 M", "A-LRN": "133 M", "B": "133 M", "C": "134 M", "D": "138 M", "E": "144 M"}


def depth(name: str) -> int:
    """Layers with weights of a configuration."""
    return len(weighted(of("vgg", name)))


def parameters(name: str) -> int:
    """All parameters of a configuration."""
    return of("vgg", name).parameters


CONFIGURATIONS = (
    *(
        row(f"vgg-{name.lower()}-depth", "BDE", said, f"VGG's table, layers with weights of {name}", "agrees",
            partial(depth, name))
        for name, said in DEPTHS.items()
    ),
    *(
        row(f"vgg-{name.lower()}-parameters", "E", said, f"VGG's table 2, parameters of {name}", "rounds",
            partial(parameters, name))
        for name, said in MILLIONS.items()
    ),
    row("vgg-range", "A", "16 - 19", "VGG, layers against AlexNet's 8", "agrees",
        lambda: [depth(name) for name in "DE"]),
    row("vgg-range-names", "E", "11-19 layer", "VGG, layers of the smallest and the largest", "agrees",
        lambda: [depth(name) for name in "AE"]),
    row("vgg-convolutions", "D", "8 to 16", "VGG, convolutions", "agrees",
        lambda: [len(kind(of("vgg", name), "Conv2d")) for name in "AE"]),
    row("vgg-16-convolutions", "D", "13", "VGG-16, convolutions", "agrees", lambda: len(kind(of("vgg"), "Conv2d"))),
    row("vgg-16-connected", "D", "3", "VGG-16, fully connected layers", "agrees",
        lambda: len(kind(of("vgg"), "Linear"))),
)  # fmt: skip

# ── VGG-16, layer by layer ──────────────────────────────────────────────────────────────────────────────────────

LAYERS = {
    "conv1-1": "1,728", "conv1-2": "36,864", "conv2-1": "73,728", "conv2-2": "147,456",
    "conv3-1": "294,912", "conv3-2": "589,824", "conv3-3": "589,824",
    "conv4-1": "1,179,648", "conv4-2": "2,359,296", "conv4-3": "2,359,296",
    "conv5-1": "2,359,296", "conv5-2": "2,359,296", "conv5-3": "2,359,296",
    "fc-1": "102,760,448", "fc-2": "16,777,216", "fc-3": "4,096,000",
}  # fmt: skip
# Where: activations as printed, which of the layers with weights or of the poolings, and what they are rounded to.
MAPS = {
    "conv1": ("3.2M", "Conv2d", 0, 0), "pool1": ("800K", "MaxPool2d", 0, 1e5), "conv2": ("1.6M", "Conv2d", 2, 0),
    "pool2": ("400K", "MaxPool2d", 1, 1e5), "conv3": ("800K", "Conv2d", 4, 1e5),
    "pool3": ("200K", "MaxPool2d", 2, 1e5), "conv4": ("400K", "Conv2d", 7, 1e5),
    "pool4": ("100K", "MaxPool2d", 3, 1e5), "conv5": ("100K", "Conv2d", 10, 1e5),
    "pool5": ("25K", "MaxPool2d", 4, 0), "fc": ("4096", "Linear", 0, 0), "fc-3": ("1000", "Linear", 2, 0),
}  # fmt: skip


def kernel(i: int) -> int:
    """The weights of a layer of VGG-16, without its biases: so the table counts."""
    return weights(weighted(of("vgg"))[i])


def activations(layer: str, i: int) -> int:
    """What the i-th layer of a kind puts out."""
    return units(kind(of("vgg"), layer)[i])


SIXTEEN = (
    *(
        row(f"vgg-16-{name}", "AD", said, f"VGG-16's table, weights of {name}", "agrees",
            partial(kernel, i))
        for i, (name, said) in enumerate(LAYERS.items())
    ),
    row("vgg-16-input", "AD", "150K", "VGG-16's table, numbers of the input", "rounds",
        lambda: units(named(of("vgg"), "input")[0]), to=1e4),
    *(
        row(f"vgg-16-{name}-map", "AD", said, f"VGG-16's table, activations of {name}",
            "agrees" if name.startswith("fc") else "rounds",
            partial(activations, layer, i), to=to)
        for name, (said, layer, i, to) in MAPS.items()
    ),
    row("vgg-16-total", "AB", "138M", "VGG-16's table, parameters in all", "rounds", lambda: of("vgg").parameters),
    row(
        "vgg-16-activations", "D", "24M", "VGG-16's table, activations in all", "differs",
        lambda: of("vgg").activations, why="the rows of the same table add up to less",
    ),
    row(
        "vgg-16-memory", "D", "96MB", "VGG-16's table, bytes of these", "differs", lambda: of("vgg").memory,
        why="4 bytes each of a wrong sum",
    ),
    row(
        "vgg-16-weights-memory", "D", "138MB", "VGG-16's table, memory of the parameters", "differs",
        lambda: of("vgg").parameters * 4, why="it is their number; each takes 4 bytes",
    ),
    row(
        "vgg-16-fc-share", "A", "89.4 %", "VGG-16's table, share of the fully connected layers", "rounds",
        lambda: 100 * sum(r.parameters for r in kind(of("vgg"), "Linear")) / of("vgg").parameters,
    ),
    row(
        "vgg-16-over-alexnet", "A", "2.3", "VGG-16's table, parameters over AlexNet's", "rounds",
        lambda: of("vgg").parameters / of("alexnet", size=227).parameters, why="AlexNet's on two GPUs",
    ),
)  # fmt: skip

# ── small kernels ───────────────────────────────────────────────────────────────────────────────────────────────


def stack(depth: int) -> int:
    """The weights of 3×3 kernels that stand one on the other, one channel each."""
    return depth * 3 * 3


KERNELS = (
    *(
        row(f"stack-{depth}", "D", said, f"{depth} of 3×3, weights", "agrees", partial(stack, depth))
        for depth, said in {1: "9", 2: "18", 3: "27"}.items()
    ),
    row("stack-25", "D", "25", "one 5×5, weights", "agrees", lambda: receptive_field([(3, 1)] * 2).size ** 2,
        why="the side is the receptive field of two 3×3"),
    row("stack-49", "D", "49", "one 7×7, weights", "agrees", lambda: receptive_field([(3, 1)] * 3).size ** 2,
        why="the side is the receptive field of three 3×3"),
    row("stack-27c", "E", "27C²", "three 3×3 with C maps, weights", "agrees", lambda: stack(3), value=27),
    row("stack-49c", "E", "49C²", "one 7×7 with C maps, weights", "agrees",
        lambda: receptive_field([(3, 1)] * 3).size ** 2, value=49),
    row("stack-field", "BD", "7×7", "three 3×3 see as much as one", "agrees",
        lambda: [receptive_field([(3, 1)] * 3).size] * 2),
)  # fmt: skip

CLAIMS = (*CONFIGURATIONS, *SIXTEEN, *KERNELS)
