"""Lab 6, AlexNet and VGG: its exercises, and what people get wrong in them."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from twice.kernels import naive
from twice.kernels.geometry import output_size
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator
Shape = tuple[int, int, int]  # channels, height, width
Layer = tuple[Any, ...]  # ("conv", maps, kernel, stride, padding, groups), ("pool", kernel, stride) or ("fc", units)
Layers = list[Layer]

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "twice.networks", "twice.summary", "scipy")

TINY: Layers = [("conv", 2, 3, 1, 0, 1), ("pool", 2, 2), ("fc", 3)]
LENET: Layers = [
    ("conv", 6, 5, 1, 0, 1), ("pool", 2, 2), ("conv", 16, 5, 1, 0, 1), ("pool", 2, 2),
    ("fc", 120), ("fc", 84), ("fc", 10),
]  # fmt: skip
ALEXNET: Layers = [
    ("conv", 96, 11, 4, 0, 1), ("pool", 3, 2), ("conv", 256, 5, 1, 2, 2), ("pool", 3, 2),
    ("conv", 384, 3, 1, 1, 1), ("conv", 384, 3, 1, 1, 2), ("conv", 256, 3, 1, 1, 2), ("pool", 3, 2),
    ("fc", 4096), ("fc", 4096), ("fc", 1000),
]  # fmt: skip


def vgg16() -> Layers:
    """Configuration D of the paper."""
    layers: Layers = []
    for maps, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers += [("conv", maps, 3, 1, 1, 1)] * depth + [("pool", 2, 2)]
    return [*layers, *ALEXNET[-3:]]


def ungrouped(layers: Layers) -> Layers:
    """The same network on one GPU."""
    return [(*layer[:5], 1) if layer[0] == "conv" else layer for layer in layers]


def integer(rng: Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(rng.integers(low, high + 1))


def some_conv(rng: Generator, groups: int = 1) -> Layer:
    """A convolution as a case draws it."""
    return "conv", groups * integer(rng, 3, 9), integer(rng, 2, 5), integer(rng, 1, 3), integer(rng, 0, 2), groups


def some_shape(rng: Generator, groups: int = 1) -> Shape:
    """A map that is not square."""
    height = integer(rng, 9, 20)
    return groups * integer(rng, 2, 8), height, height + integer(rng, 1, 9)


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def window(layer: Layer) -> tuple[int, int, int]:
    """Kernel, stride and padding of a convolution or a pooling."""
    return layer[2:5] if layer[0] == "conv" else (layer[1], layer[2], 0)


def output_shape(shape: Shape, layer: Layer) -> Shape:
    """Channels, height and width after a layer."""
    if layer[0] == "fc":
        return layer[1], 1, 1
    channels = layer[1] if layer[0] == "conv" else shape[0]
    height, width = (output_size(n, *window(layer)) for n in shape[1:])
    return channels, height, width


def with_input_channels(shape: Shape, layer: Layer) -> Shape:
    """The mistake of a convolution that keeps its input's channels."""
    after = output_shape(shape, layer)
    return (shape[0], *after[1:]) if layer[0] == "conv" else after


def square_shape(shape: Shape, layer: Layer) -> Shape:
    """The mistake of one formula for both sides."""
    channels, height, _ = output_shape(shape, layer)
    return channels, height, height


def rounded_up(shape: Shape, layer: Layer) -> Shape:
    """The mistake of windows that hang over the end."""
    if layer[0] == "fc":
        return output_shape(shape, layer)
    k, s, p = window(layer)
    height, width = (-(-(n + 2 * p - k) // s) + 1 for n in shape[1:])
    return output_shape(shape, layer)[0], height, width


def steps_alone(shape: Shape, layer: Layer) -> Shape:
    """The mistake of the steps in the place of the windows."""
    channels, height, width = output_shape(shape, layer)
    return (channels, height, width) if layer[0] == "fc" else (channels, height - 1, width - 1)


def padded_once(shape: Shape, layer: Layer) -> Shape:
    """The mistake of a padding at one end."""
    if layer[0] == "fc":
        return output_shape(shape, layer)
    k, s, p = window(layer)
    height, width = ((n + p - k) // s + 1 for n in shape[1:])
    return output_shape(shape, layer)[0], height, width


def on_one_gpu(shape: Shape, layer: Layer) -> Shape:
    """The mistake of the maps of one group."""
    channels, height, width = output_shape(shape, layer)
    return (channels // layer[5] if layer[0] == "conv" else channels), height, width


def still_a_map(shape: Shape, layer: Layer) -> Shape:
    """The mistake of a fully connected layer that keeps height and width."""
    return (layer[1], *shape[1:]) if layer[0] == "fc" else output_shape(shape, layer)


def single_layers(rng: Generator) -> list[Case]:
    """One kind of layer after the other."""
    return [
        Case(((3, 32, 32), LENET[0]), note="six kernels of 5×5 on 32×32×3"),
        Case(((6, 28, 28), ("pool", 2, 2)), note="a pooling"),
        Case(((3, 9, 13), ("conv", 4, 3, 2, 1, 1)), note="wider than high, stride 2, padding 1"),
        Case(((4, 8, 10), ("pool", 3, 2)), note="something is left over"),
        Case(((96, 27, 27), ALEXNET[2]), note="two groups: AlexNet's second convolution"),
        Case(((256, 6, 6), ("fc", 4096)), note="fully connected, on a map"),
        Case(((4096, 1, 1), ("fc", 1000)), note="fully connected, on a vector"),
        Case((some_shape(rng, 2), some_conv(rng, 2)), note="random numbers"),
    ]


OUTPUT_SHAPE = Exercise(
    "output_shape", "What comes out of a layer", 8, output_shape, single_layers,
    parts=("channels", "height", "width"),
    mistakes=(
        Mistake(
            "channels kept",
            "Your convolution has as many channels after as before. Each kernel makes one map, however deep it is: "
            "which number of the layer says how many kernels there are?",
            with_input_channels,
        ),
        Mistake(
            "square",
            "Your map is as wide as it is high, but this input is not. Height and width go through the same formula, "
            "each with its own number.",
            square_shape,
        ),
        Mistake(
            "no first window",
            "Height and width are one too small. You count the steps of the window, but it also stands somewhere "
            "before its first step.",
            steps_alone,
        ),
        Mistake(
            "padded once",
            "You add the padding once. It stands at both ends: 9 rows with a padding of 1 are 11.",
            padded_once,
        ),
        Mistake(
            "rounded up",
            "You count a window that hangs over the end. In this lab a window fits as a whole or is left out: which "
            "way does the division round?",
            rounded_up,
        ),
        Mistake(
            "maps of one group",
            "You give the maps of one group. The number in the layer counts all kernels; the groups only say which "
            "channels each of them sees. Afterwards the maps of all groups lie one behind the other.",
            on_one_gpu,
        ),
        Mistake(
            "still a map",
            "Your fully connected layer keeps height and width. Each of its units looks at everything at once, so no "
            "place is left in its output: this lab writes a vector as a map of 1×1.",
            still_a_map,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def shapes(shape: Shape, layers: Layers) -> list[Shape]:
    """The shape after each layer."""
    found = []
    for layer in layers:
        shape = output_shape(shape, layer)
        found.append(shape)
    return found


def networks(rng: Generator) -> list[Case]:
    """One layer, three, then networks that have names."""
    drawn: Layers = [some_conv(rng), ("pool", 2, 2), some_conv(rng), ("fc", integer(rng, 5, 20))]
    return [
        Case(((3, 32, 32), LENET[:1]), note="one layer"),
        Case(((1, 8, 10), TINY), note="three layers"),
        Case(((1, 32, 32), LENET), note="LeNet"),
        Case(((3, 227, 227), ALEXNET), note="AlexNet"),
        Case(((3, 40, 47), drawn), note="random numbers"),
    ]


SHAPES = Exercise(
    "shapes", "Through the whole network", 6, shapes, networks,
    mistakes=(
        Mistake(
            "from the image each time",
            "You hand the image to every layer. A layer gets what the one before it put out: what has to change from "
            "one turn of your loop to the next?",
            lambda shape, layers: [output_shape(shape, layer) for layer in layers],
        ),
        Mistake(
            "image in the list",
            "Your list begins with the image, so it is one longer than the network. Here a shape belongs to each "
            "layer: the one that comes out of it.",
            lambda shape, layers: [shape, *shapes(shape, layers)],
        ),
        Mistake(
            "last one alone",
            "Only the last shape is in your list. The ones on the way are asked for too: where in your loop do you "
            "put a shape into the list?",
            lambda shape, layers: shapes(shape, layers)[-1:],
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── counts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def weights(shape: Shape, layer: Layer) -> int:
    """Weights without biases; none in a pooling."""
    if layer[0] == "fc":
        return layer[1] * prod(shape)
    return layer[1] * shape[0] // layer[5] * layer[2] ** 2 if layer[0] == "conv" else 0


def parameters(shape: Shape, layer: Layer) -> int:
    """Weights and biases."""
    return weights(shape, layer) + (layer[1] if layer[0] != "pool" else 0)


def flat_kernels(shape: Shape, layer: Layer) -> int:
    """The mistake of kernels with one slice."""
    return parameters((1, *shape[1:]), (*layer[:5], 1)) if layer[0] == "conv" else parameters(shape, layer)


def one_number_a_map(shape: Shape, layer: Layer) -> int:
    """The mistake of a fully connected layer that sees its input's channels and not its places."""
    return parameters((shape[0], 1, 1), layer) if layer[0] == "fc" else parameters(shape, layer)


def sees_all(shape: Shape, layer: Layer) -> int:
    """The mistake of kernels that see the channels of all groups."""
    return parameters(shape, ungrouped([layer])[0])


def half_of_it(shape: Shape, layer: Layer) -> int:
    """The mistake of one group's parameters."""
    return parameters(shape, layer) // (layer[5] if layer[0] == "conv" else 1)


def counted(rng: Generator) -> list[Case]:
    """A layer of each kind, then AlexNet's."""
    return [
        Case(((1, 5, 5), ("conv", 2, 3, 1, 0, 1)), note="two kernels of 3×3 on one channel"),
        Case(((3, 32, 32), LENET[0]), note="six kernels of 5×5 on 32×32×3"),
        Case(((6, 28, 28), ("pool", 2, 2)), note="a pooling"),
        Case(((4096, 1, 1), ("fc", 1000)), note="fully connected, on a vector"),
        Case(((16, 5, 5), ("fc", 120)), note="fully connected, on a map"),
        Case(((4, 5, 7), ("conv", 6, 3, 1, 1, 2)), note="two groups"),
        Case(((3, 227, 227), ALEXNET[0]), note="AlexNet's first convolution"),
        Case(((96, 27, 27), ALEXNET[2]), note="AlexNet's second, two groups"),
        Case(((256, 6, 6), ("fc", 4096)), note="AlexNet's first fully connected layer"),
        Case((some_shape(rng, 3), some_conv(rng, 3)), note="random numbers, three groups"),
    ]


PARAMETERS = Exercise(
    "parameters", "What a layer learns", 10, parameters, counted,
    mistakes=(
        Mistake(
            "no biases",
            "The biases are missing. Each kernel, and each unit, adds one number of its own. (A table in lecture "
            "slides forgets those of AlexNet's first layer: 34,848.)",
            weights,
        ),
        Mistake(
            "one bias for the layer",
            "You count one bias for the whole layer. Each kernel, and each unit, has its own.",
            lambda shape, layer: weights(shape, layer) + (layer[0] != "pool"),
        ),
        Mistake(
            "flat kernels",
            "Your kernels have one slice. A kernel has one for each channel that it sees: a 5×5 kernel on a colour "
            "image holds 75 weights.",
            flat_kernels,
        ),
        Mistake(
            "one number a map",
            "Your fully connected layer has a weight for each channel. Its input is the whole map, flattened: how "
            "many numbers are in a map of this shape?",
            one_number_a_map,
        ),
        Mistake(
            "groups ignored",
            "Your kernels see every channel. With two groups a kernel sees the channels of its own group alone: how "
            "many slices does it have then?",
            sees_all,
        ),
        Mistake(
            "one group",
            "These are the parameters of one group. The other has as many, and both belong to the layer.",
            half_of_it,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def multiply_adds(shape: Shape, layer: Layer) -> int:
    """Each weight is used once at each place of the output."""
    return weights(shape, layer) * prod(output_shape(shape, layer)[1:])


def at_input_places(shape: Shape, layer: Layer) -> int:
    """The mistake of a kernel that stops at every place of its input."""
    return weights(shape, layer) * prod(shape[1:]) if layer[0] == "conv" else multiply_adds(shape, layer)


def worked(rng: Generator) -> list[Case]:
    """One map first; then depth, groups and AlexNet."""
    return [
        Case(((1, 4, 5), ("conv", 1, 3, 1, 0, 1)), note="one kernel of 3×3 in 2×3 places"),
        Case(((2, 4, 5), ("conv", 3, 3, 1, 1, 1)), note="two channels, three kernels, padding 1"),
        Case(((2, 7, 9), ("conv", 3, 3, 2, 0, 1)), note="stride 2"),
        Case(((6, 28, 28), ("pool", 2, 2)), note="a pooling"),
        Case(((16, 5, 5), ("fc", 120)), note="fully connected"),
        Case(((4, 5, 7), ("conv", 6, 3, 1, 1, 2)), note="two groups"),
        Case(((3, 227, 227), ALEXNET[0]), note="AlexNet's first convolution"),
        Case(((3, 224, 224), ("conv", 64, 3, 1, 1, 1)), note="VGG's first convolution"),
        Case((some_shape(rng, 2), some_conv(rng, 2)), note="random numbers"),
    ]


MULTIPLY_ADDS = Exercise(
    "multiply_adds", "What a layer computes", 8, multiply_adds, worked,
    mistakes=(
        Mistake(
            "once",
            "You count each weight once. A kernel does its work again at every place of its map: in how many places "
            "does it stand?",
            weights,
        ),
        Mistake(
            "places of the input",
            "You multiply by the places of the input. A kernel works once for each number of its output, and with a "
            "stride or without padding those are fewer.",
            at_input_places,
        ),
        Mistake(
            "maps twice",
            "You multiply by the number of maps twice. The weights are those of all kernels already: what is left is "
            "in how many places each of them stands.",
            lambda shape, layer: weights(shape, layer) * prod(output_shape(shape, layer)),
        ),
        Mistake(
            "biases too",
            "You count the biases too. A bias is added and not multiplied, so this lab leaves it out, as most papers "
            "do.",
            lambda shape, layer: parameters(shape, layer) * prod(output_shape(shape, layer)[1:]),
        ),
        Mistake(
            "groups ignored",
            "Your kernels see every channel. In two groups each multiplies half of the channels only.",
            lambda shape, layer: multiply_adds(shape, ungrouped([layer])[0]),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def budget(shape: Shape, layers: Layers) -> dict[str, int]:
    """All parameters, multiply-adds, and units of the layers that learn."""
    total = {"parameters": 0, "multiply_adds": 0, "units": 0}
    for layer in layers:
        total["parameters"] += parameters(shape, layer)
        total["multiply_adds"] += multiply_adds(shape, layer)
        shape = output_shape(shape, layer)
        total["units"] += prod(shape) if layer[0] != "pool" else 0
    return total


def with_units(change: Callable[[Shape, Layers], int]) -> Callable[[Shape, Layers], dict[str, int]]:
    """The budget with more units than there are."""

    def answer(shape: Shape, layers: Layers) -> dict[str, int]:
        total = budget(shape, layers)
        return {**total, "units": total["units"] + change(shape, layers)}

    return answer


def pooled(shape: Shape, layers: Layers) -> int:
    """What all poolings put out."""
    return sum(prod(after) for after, layer in zip(shapes(shape, layers), layers) if layer[0] == "pool")


def shape_kept(shape: Shape, layers: Layers) -> dict[str, int]:
    """The mistake of the image as the input of each layer."""
    parts = [budget(shape, [layer]) for layer in layers]
    return {key: sum(part[key] for part in parts) for key in parts[0]}


def budgets(rng: Generator) -> list[Case]:
    """Two layers, a pooling more, then the famous ones."""
    drawn: Layers = [some_conv(rng), ("pool", 2, 2), some_conv(rng), ("fc", integer(rng, 5, 20))]
    return [
        Case(((1, 5, 6), [("conv", 2, 3, 1, 0, 1), ("fc", 3)]), note="a convolution and a fully connected layer"),
        Case(((1, 8, 10), TINY), note="with a pooling"),
        Case(((1, 32, 32), LENET), note="LeNet"),
        Case(((3, 227, 227), ungrouped(ALEXNET)), note="AlexNet on one GPU"),
        Case(((3, 227, 227), ALEXNET), note="AlexNet on two GPUs"),
        Case(((3, 224, 224), vgg16()), note="VGG-16"),
        Case(((3, 40, 47), drawn), note="random numbers"),
    ]


BUDGET = Exercise(
    "budget", "What a network costs", 6, budget, budgets,
    mistakes=(
        Mistake(
            "image counted",
            "You count the numbers of the image among the units. They come from outside: a unit is a number that a "
            "layer computes. (The same slip makes AlexNet's units 809,800 in a table of lecture slides.)",
            with_units(lambda shape, layers: prod(shape)),
        ),
        Mistake(
            "poolings counted",
            "You count what the poolings put out among the units. Here units are the numbers of layers that learn, "
            "as in AlexNet's 650 thousand.",
            with_units(pooled),
        ),
        Mistake(
            "from the image each time",
            "You hand the image to every layer. Each gets what the one before it put out: when do you put the new "
            "shape in the place of the old one?",
            shape_kept,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── two GPUs ────────────────────────────────────────────────────────────────────────────────────────────────────


def grouped_conv2d(x: Array, w: Array, b: Array, groups: int, padding: int = 0) -> Array:
    """The channels in groups, each seen by its own kernels."""
    return naive.conv2d(x, w, b, 1, padding, groups=groups)


def parted(x: Array, w: Array, b: Array, parts: Sequence[Array], padding: int) -> Array:
    """The kernels in equal groups, each on the part of the input that it is given."""
    kernels, biases = (np.split(a, len(parts)) for a in (w, b))
    maps = [naive.conv2d(part, kernel, bias, 1, padding) for part, kernel, bias in zip(parts, kernels, biases)]
    return np.concatenate(maps, axis=1)


def interleaved(x: Array, w: Array, b: Array, groups: int, padding: int = 0) -> Array:
    """The mistake of every other channel instead of one half."""
    return parted(x, w, b, [x[:, g::groups] for g in range(groups)], padding)


def first_part(x: Array, w: Array, b: Array, groups: int, padding: int = 0) -> Array:
    """The mistake of the first channels for all kernels."""
    return parted(x, w, b, [x[:, : w.shape[1]]] * groups, padding)


def other_part(x: Array, w: Array, b: Array, groups: int, padding: int = 0) -> Array:
    """The mistake of the groups in reversed order."""
    return parted(x, w, b, np.split(x, groups, axis=1)[::-1], padding)


def added_up(x: Array, w: Array, b: Array, groups: int, padding: int = 0) -> Array:
    """The mistake of maps that are added instead of laid one behind the other."""
    return sum(np.split(grouped_conv2d(x, w, b, groups, padding), groups, axis=1))  # type: ignore[return-value]


def whole(rng: Generator, *shape: int) -> Array:
    """Small whole numbers, none of them 0: a case that can be followed by hand."""
    return rng.integers(1, 10, shape) * rng.choice([-1.0, 1.0], shape, p=[0.2, 0.8])


def groupings(rng: Generator) -> list[Case]:
    """Kernels of 1×1 first: they show which channel each of them sees."""

    def case(x: tuple, w: tuple, groups: int, padding: int, note: str) -> Case:
        return Case((whole(rng, *x), whole(rng, *w), whole(rng, w[0]), groups, padding), note=note)

    return [
        case((1, 4, 1, 2), (2, 2, 1, 1), 2, 0, "four channels, two kernels of 1×1, two groups"),
        case((1, 4, 3, 4), (4, 2, 2, 2), 2, 0, "four kernels of 2×2"),
        case((1, 2, 3, 2), (2, 1, 3, 3), 2, 1, "padding 1"),
        case((2, 6, 3, 4), (3, 2, 2, 2), 3, 0, "three groups, two images"),
        case((1, 4, 3, 3), (2, 4, 2, 2), 1, 0, "one group"),
        case((2, 4, 5, 6), (6, 2, 3, 3), 2, 1, "all at once"),
    ]


GROUPED = Exercise(
    "grouped_conv2d", "A layer on two GPUs", 8, grouped_conv2d, groupings,
    mistakes=(
        Mistake(
            "every other channel",
            "Your groups take turns: one gets channels 0, 2, …, the other 1, 3, …. A group is a block of neighbours: "
            "with four channels the first has 0 and 1.",
            interleaved,
        ),
        Mistake(
            "first channels for all",
            "All your kernels see the first group's channels. The second group of kernels belongs to the second group "
            "of channels: which slice of `x` is that?",
            first_part,
        ),
        Mistake(
            "the other GPU's channels",
            "Your kernels see the channels of the wrong group: the first kernels are to see the first channels.",
            other_part,
        ),
        Mistake(
            "added up",
            "You add the maps of the groups. Each kernel makes a map of its own, so there are as many maps as "
            "kernels; those of the second group come after those of the first.",
            added_up,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def crossings(shape: Shape, layers: Layers, counts: Callable[[Layer], bool], after: bool = False) -> int:
    """The numbers before (or after) each layer but the first of which `counts` holds."""
    around = [shape, *shapes(shape, layers)]
    return sum(prod(around[i + after]) for i, layer in enumerate(layers) if i and counts(layer))


def mixes(layer: Layer) -> bool:
    """Whether a layer needs what the other GPU has computed."""
    return layer[0] == "fc" or (layer[0] == "conv" and layer[5] == 1)


def traffic(shape: Shape, layers: Layers) -> int:
    """The numbers that pass between two GPUs for one image."""
    return crossings(shape, layers, mixes)


def image_too(shape: Shape, layers: Layers) -> int:
    """The mistake of an image that comes from the other GPU."""
    return traffic(shape, layers) + (prod(shape) if mixes(layers[0]) else 0)


def bridges(rng: Generator) -> list[Case]:
    """A layer that mixes, one that does not, then AlexNet."""
    conv, split = ("conv", 4, 3, 1, 1, 1), ("conv", 6, 3, 1, 1, 2)
    drawn: Layers = [conv, ("pool", 2, 2), split, ("conv", 2 * integer(rng, 2, 9), 3, 1, 0, 1), ("fc", 10)]
    return [
        Case(((3, 4, 5), [conv, ("conv", 6, 3, 1, 0, 1)]), note="two convolutions"),
        Case(((3, 4, 5), [conv, split]), note="the second in two groups"),
        Case(((3, 4, 6), [conv, ("pool", 2, 2), ("conv", 6, 2, 1, 0, 1)]), note="a pooling between"),
        Case(((3, 4, 6), [conv, split, ("fc", 8), ("fc", 4)]), note="fully connected layers"),
        Case(((3, 227, 227), ALEXNET), note="AlexNet"),
        Case(((3, 227, 227), ungrouped(ALEXNET)), note="AlexNet without groups"),
        Case(((3, 12, 2 * integer(rng, 6, 12)), drawn), note="random numbers"),
    ]


TRAFFIC = Exercise(
    "traffic", "What passes between the GPUs", 6, traffic, bridges,
    mistakes=(
        Mistake(
            "image too",
            "You count the image. Both GPUs have it from the start: the first layer waits for nobody.",
            image_too,
        ),
        Mistake(
            "outputs",
            "You count what a layer puts out. What has to cross is what it needs from the other side, before it can "
            "begin: its input.",
            lambda shape, layers: crossings(shape, layers, mixes, after=True),
        ),
        Mistake(
            "one half",
            "You count one half of the input. Each GPU lacks the half that the other has, so both halves cross, one "
            "in each direction.",
            lambda shape, layers: traffic(shape, layers) // 2,
        ),
        Mistake(
            "groups ignored",
            "You count layers in two groups as well. They are the point: each GPU has what its own group needs.",
            lambda shape, layers: crossings(shape, layers, lambda layer: layer[0] != "pool"),
        ),
        Mistake(
            "poolings too",
            "You count a pooling. It looks at each map for itself, and a GPU has all of its own maps.",
            lambda shape, layers: crossings(shape, layers, lambda layer: mixes(layer) or layer[0] == "pool"),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── what a unit sees ────────────────────────────────────────────────────────────────────────────────────────────


def sees(
    layers: Layers, i: int, padding: int = 1, spread: bool = True, early: bool = False, late: bool = False
) -> tuple[int, int]:
    """First and last pixel, along one axis, behind number i of the last map: from the image on."""
    size, apart, first = 1, 1, 0
    for layer in layers:
        k, s, p = window(layer)
        apart *= s if early else 1
        first -= padding * p * (apart if spread else 1) * (s if late else 1)
        size += (k - 1) * apart
        apart *= 1 if early else s
    return first + i * apart, first + i * apart + size - 1


def views(rng: Generator) -> list[Case]:
    """One layer, two, a padding, a stride, then AlexNet and VGG."""
    conv, strided, padded = ("conv", 8, 3, 1, 0, 1), ("conv", 8, 3, 2, 0, 1), ("conv", 8, 3, 1, 1, 1)
    drawn: Layers = [some_conv(rng), ("pool", 2, 2), some_conv(rng), ("pool", 3, 2)]
    return [
        Case(([conv], 0), note="one layer of 3, its first number"),
        Case(([conv], 4), note="one layer of 3, number 4"),
        Case(([conv, conv], 0), note="two layers of 3"),
        Case(([padded], 0), note="padding 1"),
        Case(([strided], 3), note="stride 2"),
        Case(([("conv", 8, 3, 2, 1, 1)], 0), note="stride 2 and padding 1"),
        Case(([strided, conv], 1), note="a layer after a stride"),
        Case(([("pool", 2, 2), padded], 2), note="a padding after a pooling"),
        Case((ALEXNET[:8], 3), note="AlexNet, number 3 of the last 6"),
        Case((vgg16()[:10], 28), note="VGG-16 up to its third pooling, number 28 of 28"),
        Case((drawn, integer(rng, 1, 5)), note="random numbers"),
    ]


SEES = Exercise(
    "sees", "What a unit sees", 8, lambda layers, i: sees(layers, i), views, parts=("first", "last"),
    mistakes=(
        Mistake(
            "padding ignored",
            "You leave out the padding. It moves the first window to the left, over the border: with a padding of 1 "
            "number 0 begins at pixel −1.",
            lambda layers, i: sees(layers, i, padding=0),
        ),
        Mistake(
            "padding not spread",
            "You take a padding for so many pixels of the image. It is so many numbers of the map that it stands "
            "around, and after a stride these lie further apart.",
            lambda layers, i: sees(layers, i, spread=False),
        ),
        Mistake(
            "padding after the stride",
            "You multiply a layer's padding by its own stride. Padding stands around the layer's input: it counts in "
            "the distances before this layer, so it comes before `apart` grows.",
            lambda layers, i: sees(layers, i, late=True),
        ),
        Mistake(
            "own stride",
            "You let a layer's stride widen its own kernel. It says how far apart the layer's outputs are, which "
            "matters to the layers after it.",
            lambda layers, i: sees(layers, i, early=True),
        ),
        Mistake(
            "one too far",
            "Your last pixel is one too far: it is the first one that is not seen. A window of 3 that begins at 0 "
            "ends at 2.",
            lambda layers, i: (sees(layers, i)[0], sees(layers, i)[1] + 1),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── small kernels ───────────────────────────────────────────────────────────────────────────────────────────────


def stack_cost(depth: int, channels: int) -> tuple[int, int]:
    """Weights of `depth` layers of 3×3, and of the one layer that sees as far; as many maps everywhere."""
    return depth * 9 * channels**2, (2 * depth + 1) ** 2 * channels**2


def costs(rng: Generator) -> list[Case]:
    """The numbers for a single channel, then more."""
    return [
        Case((1, 1), note="one layer, one channel"),
        Case((2, 1), note="two layers, one channel"),
        Case((3, 1), note="three layers, one channel"),
        Case((2, 3), note="two layers, three channels"),
        Case((3, 512), note="three layers, 512 channels"),
        Case((integer(rng, 4, 9), integer(rng, 10, 99)), note="random numbers"),
    ]


STACK_COST = Exercise(
    "stack_cost", "Three small kernels or one large", 6, stack_cost, costs, parts=("stack", "single"),
    mistakes=(
        Mistake(
            "fields side by side",
            "Your single kernel is too large: two kernels of 3 on top of each other see 5 pixels, and not 6, for they "
            "share one. How much does each further layer add?",
            lambda depth, channels: (depth * 9 * channels**2, (3 * depth) ** 2 * channels**2),
        ),
        Mistake(
            "channels once",
            "Your counts grow with the channels, but there are as many maps as channels: so many kernels, and each "
            "so many slices deep.",
            lambda depth, channels: (depth * 9 * channels, (2 * depth + 1) ** 2 * channels),
        ),
        Mistake(
            "one layer of the stack",
            "Your stack has the weights of one of its layers. Each layer learns kernels of its own.",
            lambda depth, channels: (9 * channels**2, (2 * depth + 1) ** 2 * channels**2),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def merged(first: Array, second: Array) -> Array:
    """The one kernel that does what two do, one after the other."""
    rows, columns = (a + b - 1 for a, b in zip(first.shape, second.shape))
    kernel = np.zeros((rows, columns))
    for u, v in np.ndindex(second.shape):
        kernel[u : u + first.shape[0], v : v + first.shape[1]] += second[u, v] * first
    return kernel


def superposed(first: Array, second: Array) -> Array:
    """The mistake of two kernels that are added."""
    kernel = np.zeros(merged(first, second).shape)
    for part in (first, second):
        kernel[: part.shape[0], : part.shape[1]] += part
    return kernel


def last_written(first: Array, second: Array) -> Array:
    """The mistake of a kernel that is assigned to and not added to."""
    kernel = np.zeros(merged(first, second).shape)
    for u, v in np.ndindex(second.shape):
        kernel[u : u + first.shape[0], v : v + first.shape[1]] = second[u, v] * first
    return kernel


def no_larger(first: Array, second: Array) -> Array:
    """The mistake of a kernel as large as the first."""
    rows, columns = ((n - 1) // 2 for n in second.shape)
    return merged(first, second)[rows:, columns:][: first.shape[0], : first.shape[1]]


def pairs(rng: Generator) -> list[Case]:
    """Two in a row first."""
    return [
        Case((np.array([[1.0, 2]]), np.array([[1.0, 3]])), note="1×2 and 1×2"),
        Case((np.array([[1.0, 2, 4]]), np.array([[1.0], [10]])), note="1×3 and 2×1"),
        Case((whole(rng, 2, 2), whole(rng, 2, 3)), note="2×2 and 2×3"),
        Case((whole(rng, 3, 3), whole(rng, 3, 3)), note="3×3 and 3×3"),
        Case((rng.normal(size=(5, 5)), rng.normal(size=(3, 3))), note="5×5 and 3×3, random numbers"),
    ]


MERGED = Exercise(
    "merged", "What two layers can do without a ReLU", 6, merged, pairs,
    mistakes=(
        Mistake(
            "second kernel turned",
            "You turned the second kernel by half a circle. Its first number meets the first number of the middle "
            "map, which was made with the first kernel at the first place.",
            lambda first, second: merged(first, second[::-1, ::-1]),
        ),
        Mistake(
            "all turned",
            "Your numbers are right, but in reversed order: the kernel is turned by half a circle. What stands top "
            "left in it is what the top left pixel of the window is multiplied by, both times.",
            lambda first, second: merged(first, second)[::-1, ::-1],
        ),
        Mistake(
            "added",
            "You add the two kernels. That is what two layers side by side do; here the second sees what the first "
            "has made, so weights meet as products.",
            superposed,
        ),
        Mistake(
            "overwritten",
            "Where the second kernel's weights reach the same pixel, only the last one counts. Both lead to it: their "
            "products add up, as in the middle of the example.",
            last_written,
        ),
        Mistake(
            "no larger",
            "Your kernel is as large as the first one. Two layers see further than one: how many pixels lie behind "
            "one number of the second map?",
            no_larger,
        ),
    ),
    forbidden=("numpy.convolve", "numpy.correlate", *LIBRARY),
)  # fmt: skip

# ── ten crops ───────────────────────────────────────────────────────────────────────────────────────────────────


def five(image: Array, size: int, short: int = 0) -> list[Array]:
    """Top left, top right, bottom left, bottom right, centre."""
    bottom, right = image.shape[0] - size - short, image.shape[1] - size - short
    middle = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
    corners = [(top, left) for top in (0, bottom) for left in (0, right)]
    return [image[top : top + size, left : left + size] for top, left in [*corners, middle]]


def ten_crop(image: Array, size: int) -> Array:
    """Five windows, then the mirror image of each."""
    crops = five(image, size)
    return np.stack([*crops, *(crop[:, ::-1] for crop in crops)])


def numbered(*shape: int) -> Array:
    """Whole numbers from 1 on, so that each place can be told."""
    return np.arange(1.0, prod(shape) + 1).reshape(shape)


def photographs(rng: Generator) -> list[Case]:
    """Numbered places first; all could be followed by hand."""
    return [
        Case((numbered(4, 4), 2), note="4×4, windows of 2×2"),
        Case((numbered(4, 6), 2), note="wider than high"),
        Case((numbered(5, 4), 2), note="no middle: half is rounded down"),
        Case((numbered(4, 5, 3), 2), note="in colour"),
        Case((rng.normal(size=(9, 8, 3)), 5), note="random numbers"),
    ]


TEN_CROP = Exercise(
    "ten_crop", "Ten looks at a picture", 8, ten_crop, photographs,
    mistakes=(
        Mistake(
            "upside down",
            "Your last five stand on their heads. A mirror image exchanges left and right: which axis of a picture is "
            "that?",
            lambda image, size: np.stack([*five(image, size), *(crop[::-1] for crop in five(image, size))]),
        ),
        Mistake(
            "in pairs",
            "Each of your windows is followed by its mirror image. Here the five come first, and then the mirror "
            "images of all five.",
            lambda image, size: np.stack([view for crop in five(image, size) for view in (crop, crop[:, ::-1])]),
        ),
        Mistake(
            "columns first",
            "You go down before you go right: your windows 1 and 2 have changed places. The order is top left, top "
            "right, bottom left, bottom right.",
            lambda image, size: ten_crop(image, size)[[0, 2, 1, 3, 4, 5, 7, 6, 8, 9]],
        ),
        Mistake(
            "windows of the mirror image",
            "You have all ten, but the last five stand in another order: you cut windows from the mirrored picture, "
            "whose top left is the top right of the picture. Here number 5 is the mirror image of number 0, and so "
            "on.",
            lambda image, size: np.stack([*five(image, size), *five(image[:, ::-1], size)]),
        ),
        Mistake(
            "one short",
            "Your windows at the right and at the bottom end one pixel before the border. Where does a window of "
            "`size` begin that ends with the last pixel?",
            lambda image, size: np.stack(
                [*five(image, size, 1), *(crop[:, ::-1] for crop in five(image, size, 1))]
            ),
        ),
        Mistake(
            "five",
            "Your five windows are right. Their mirror images are missing.",
            lambda image, size: np.stack(five(image, size)),
        ),
    ),
    forbidden=("twice.data", "sklearn", "torchvision", *LIBRARY),
)  # fmt: skip


def count_crops(height: int, width: int, size: int) -> int:
    """Every place, and its mirror image."""
    return 2 * (height - size + 1) * (width - size + 1)


def croppings(rng: Generator) -> list[Case]:
    """As large as the picture first; then AlexNet's."""
    return [
        Case((4, 6, 2), note="4×6, windows of 2×2"),
        Case((3, 3, 3), note="as large as the picture"),
        Case((7, 4, 2), note="higher than wide"),
        Case((256, 256, 224), note="224 out of 256, as AlexNet"),
        Case((integer(rng, 90, 120), integer(rng, 121, 150), integer(rng, 30, 80)), note="random numbers"),
    ]


COUNT_CROPS = Exercise(
    "count_crops", "How many different crops there are", 4, count_crops, croppings,
    mistakes=(
        Mistake(
            "steps",
            "You count the steps that a window can take, but it stands somewhere before its first step too. (So does "
            "the paper: it says 2048 for windows of 224 in pictures of 256.)",
            lambda height, width, size: 2 * (height - size) * (width - size),
        ),
        Mistake(
            "side by side",
            "You count windows that lie side by side. They may overlap: the next one begins one pixel further.",
            lambda height, width, size: 2 * (height // size) * (width // size),
        ),
        Mistake(
            "no mirror images",
            "These are the places of a window. At each of them two pictures can be cut: what comes beside the window "
            "as it is?",
            lambda height, width, size: count_crops(height, width, size) // 2,
        ),
        Mistake(
            "square",
            "You use the same number of places for both directions. This picture is not square: how many places are "
            "there from left to right?",
            lambda height, width, size: 2 * (height - size + 1) ** 2,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def alexnet(
    pool: str = "MaxPool2d", window: int = 3, between: bool = True, after: bool = False
) -> Callable[[Sequence[int], int, int, int], Any]:
    """A builder of the module, or of one of its mistakes."""

    def build(maps: Sequence[int], side: int, hidden: int, classes: int) -> Any:
        from torch import nn

        m1, m2, m3, m4, m5 = maps

        class AlexNet(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv1 = nn.Conv2d(3, m1, 11, stride=4)
                self.conv2 = nn.Conv2d(m1, m2, 5, padding=2, groups=2)
                self.conv3 = nn.Conv2d(m2, m3, 3, padding=1)
                self.conv4 = nn.Conv2d(m3, m4, 3, padding=1, groups=2)
                self.conv5 = nn.Conv2d(m4, m5, 3, padding=1, groups=2)
                self.fc6 = nn.Linear(m5 * side * side, hidden)
                self.fc7 = nn.Linear(hidden, hidden)
                self.fc8 = nn.Linear(hidden, classes)

            def forward(self, x: Any) -> Any:
                shrink = getattr(nn, pool)(window, 2)
                for conv in (self.conv1, self.conv2):
                    x = shrink(conv(x).relu())
                x = self.conv4(self.conv3(x).relu()).relu()
                x = shrink(self.conv5(x).relu()).flatten(1)
                for fc in (self.fc6, self.fc7):
                    x = fc(x).relu() if between else fc(x)
                x = self.fc8(x)
                return x.relu() if after else x

        return AlexNet()

    return build


def thin_networks(rng: Generator) -> list[Case]:
    """AlexNet with few maps, on small images: 99 gives maps of 23, 11, 5 and 2."""
    return [_thin_case(rng, (2, 2, 4, 2, 2), 4, 2), _thin_case(rng, (4, 8, 6, 6, 4), 10, 5)]


def _thin_case(rng: Generator, maps: tuple[int, ...], hidden: int, classes: int) -> Case:
    m1, m2, m3, m4, m5 = maps
    shapes = {
        "conv1": (m1, 3, 11, 11), "conv2": (m2, m1 // 2, 5, 5), "conv3": (m3, m2, 3, 3), "conv4": (m4, m3 // 2, 3, 3),
        "conv5": (m5, m4 // 2, 3, 3), "fc6": (hidden, m5 * 4), "fc7": (hidden, hidden), "fc8": (classes, hidden),
    }  # fmt: skip
    inputs = (rng.normal(size=(2, 3, 99, 99)).astype(np.float32),)
    note = f"maps {', '.join(map(str, maps))}, then {hidden}, {hidden} and {classes}"
    return Case((list(maps), 2, hidden, classes), {"state": filled(rng, shapes), "inputs": inputs}, note=note)


def filled(rng: Generator, shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    """Weights that keep the size of what passes, and biases that matter."""
    state = {}
    for name, shape in shapes.items():
        scale = np.sqrt(2 / prod(shape[1:]))
        state[f"{name}.weight"] = rng.normal(scale=scale, size=shape).astype(np.float32)
        state[f"{name}.bias"] = rng.normal(scale=0.5, size=shape[0]).astype(np.float32)
    return state


ALEXNET_MODULE = Exercise(
    "AlexNet", "AlexNet as a module", 6, alexnet(), thin_networks, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "poolings of 2",
            "Your poolings have windows of 2×2. AlexNet's overlap: windows of 3×3 in steps of 2. On this image the "
            "sizes are the same, the numbers are not.",
            alexnet(window=2),
        ),
        Mistake(
            "means",
            "Your poolings take the mean of each window. AlexNet takes the largest number.",
            alexnet(pool="AvgPool2d"),
        ),
        Mistake(
            "no ReLU between",
            "There is no ReLU between your fully connected layers. Without it the three are one linear map.",
            alexnet(between=False),
        ),
        Mistake(
            "nothing negative",
            "Your scores are never negative: a ReLU stands after the last layer too. What a class gets may be any "
            "number; the softmax takes it from there.",
            alexnet(after=True),
        ),
    ),
    forbidden=("torchvision", *LIBRARY),
)  # fmt: skip


def vgg_features(
    pool: str = "MaxPool2d", window: tuple[int, ...] = (2, 2), padding: int = 1, relu: bool = True
) -> Callable[[str], Any]:
    """A builder of VGG's convolutions and poolings, or of one of its mistakes."""

    def build(configuration: str) -> Any:
        from torch import nn

        layers, channels = [], 3
        for entry in configuration.split():
            if entry == "M":
                layers.append(getattr(nn, pool)(*window))
            else:
                layers += [nn.Conv2d(channels, int(entry), 3, padding=padding), nn.ReLU() if relu else nn.Identity()]
                channels = int(entry)
        return nn.Sequential(*layers)

    return build


def configurations(rng: Generator) -> list[Case]:
    """One stage, then three."""
    return [_stage_case(rng, words) for words in ("2 M", "4 M 6 6 M", "2 M 4 M 10 12 M 8")]


def _stage_case(rng: Generator, configuration: str) -> Case:
    shapes: dict[str, tuple[int, ...]] = {}
    place, channels = 0, 3
    for entry in configuration.split():
        if entry != "M":
            shapes[str(place)] = (int(entry), channels, 3, 3)
            channels = int(entry)
        place += 1 if entry == "M" else 2
    inputs = (rng.normal(size=(1, 3, 16, 24)).astype(np.float32),)
    return Case((configuration,), {"state": filled(rng, shapes), "inputs": inputs}, note=f'"{configuration}"')


VGG_FEATURES = Exercise(
    "vgg_features", "VGG from a line of text", 6, vgg_features(), configurations, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "no padding",
            "Your maps shrink with each convolution. VGG's keep their size, and only the poolings halve it: what does "
            "a 3×3 kernel need for that?",
            vgg_features(padding=0),
        ),
        Mistake(
            "means",
            "Your `M` takes the mean of each window; it stands for the largest number.",
            vgg_features(pool="AvgPool2d"),
        ),
        Mistake(
            "no ReLU",
            "There are negative numbers behind your convolutions. An `nn.ReLU` follows each of them.",
            vgg_features(relu=False),
        ),
        Mistake(
            "overlapping poolings",
            "Your poolings overlap, as AlexNet's do. VGG's windows are 2×2 in steps of 2, so that no pixel is in two "
            "of them.",
            vgg_features(window=(3, 2, 1)),
        ),
    ),
    forbidden=("torchvision", *LIBRARY),
)  # fmt: skip

LAB = Lab(
    "alexnet_vgg", 6, "AlexNet and VGG",
    (
        OUTPUT_SHAPE, SHAPES, PARAMETERS, MULTIPLY_ADDS, BUDGET, GROUPED, TRAFFIC, SEES, STACK_COST, MERGED,
        COUNT_CROPS, TEN_CROP, ALEXNET_MODULE, VGG_FEATURES, Text("crops", "For which pictures do ten crops help?", 4),
    ),
)  # fmt: skip
