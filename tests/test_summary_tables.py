"""`summary` gives the tables that the documents print, row by row; where it does not, the ledger says so, and why."""

import re
from itertools import pairwise
from math import prod

import pytest

pytest.importorskip("torch")

from twice.claims import LEDGER, Claim, check
from twice.claims.counting import kind, named, of, shape, units, weighted, weights


def differs(said, computed, **options):
    """Whether a printed number is not the computed one, rounded."""
    return check(Claim("classic", "x", "A", said, "", "agrees", lambda: computed, **options)).verdict == "differs"


def coarse(said):
    """What "800K" is rounded to when its zeros are not meant: 100 thousand."""
    digits, unit = re.fullmatch(r"([\d.]+)([KM]?)", said).groups()
    whole, _, decimals = digits.partition(".")
    zeros = 0 if decimals else len(whole) - len(whole.rstrip("0"))
    return {"": 1, "K": 1e3, "M": 1e6}[unit] * 10 ** (zeros - len(decimals))


def in_ledger(*ids):
    """The rows of the ledger with these beginnings whose numbers differ."""
    return {claim.id for claim in LEDGER.find(id=ids, verdict="differs")}


# ── AlexNet ─────────────────────────────────────────────────────────────────────────────────────────────────────

ONE_GPU = """
    input   227×227×3                0      0           0
    conv1   55×55×96            34,848     96      34,944
    pool1   27×27×96                 0      0           0
    conv2   27×27×256          614,400    256     614,656
    pool2   13×13×256                0      0           0
    conv3   13×13×384          884,736    384     885,120
    conv4   13×13×384        1,327,104    384   1,327,488
    conv5   13×13×256          884,736    256     884,992
    pool5   6×6×256                  0      0           0
    fc6     4096            37,748,736  4,096  37,752,832
    fc7     4096            16,777,216  4,096  16,781,312
    fc8     1000             4,096,000  1,000   4,097,000
"""  # document D: size, weights, biases, parameters
TWO_GPUS = """
    conv1   55×55×48×2     290400     34848
    conv2   27×27×128×2    186624    307456
    conv3   13×13×192×2     64896    885120
    conv4   13×13×192×2     64896    663936
    conv5   13×13×128×2     43264    442624
    fc6     4096             4096  37752832
    fc7     4096             4096  16781312
    fc8     1000             1000   4097000
"""  # document A: size on both GPUs, units, parameters


def printed(table):
    """The cells of each row, under its name."""
    return {name: cells for name, *cells in (line.split() for line in table.strip().splitlines())}


def size_of(row):
    """Height, width and channels, or the length of a vector."""
    return list(shape(row)) if len(row.output) == 4 else [row.output[1]]


def test_alexnet_on_one_gpu_row_by_row():
    table = of("alexnet", size=227, groups=1)
    for name, (size, kernel, bias, total) in printed(ONE_GPU).items():
        (row,) = named(table, name)
        own = weights(row) if row.parameters else 0
        assert not differs(size, size_of(row)), name
        assert not differs(kernel, own), name
        assert not differs(bias, row.parameters - own), name
        assert not differs(total, row.parameters), name
        assert row.multiply_adds == own * (prod(shape(row)[:2]) if len(row.output) == 4 else 1)
    learnt = [row for row in table.layers if row.parameters]
    assert [row.name.rpartition(".")[2] for row in learnt] == [
        n for n, cells in printed(ONE_GPU).items() if cells[3] != "0"
    ]
    assert not differs("62,378,344", table.parameters)


def test_alexnet_on_two_gpus_row_by_row():
    table, wrong = of("alexnet", size=227), set()
    for name, (size, neurons, total) in printed(TWO_GPUS).items():
        (row,) = named(table, name)
        assert prod(map(int, size.split("×"))) == units(row)
        assert not differs(neurons, units(row)), name
        if differs(total, row.parameters):
            wrong.add(f"alexnet-{name}-grouped")
    if differs("60965128", table.parameters):
        wrong.add("alexnet-grouped-total")
    if differs("809800", sum(map(units, weighted(table)))):
        wrong.add("alexnet-units-total")
    known = in_ledger(*(f"alexnet-{name}-" for name in printed(TWO_GPUS)), "alexnet-grouped", "alexnet-units-total")
    assert wrong == known == {"alexnet-conv1-grouped", "alexnet-grouped-total", "alexnet-units-total"}


# ── VGG-16 ──────────────────────────────────────────────────────────────────────────────────────────────────────

VGG16 = """
    input   224×224×3    150K            0
    conv    224×224×64   3.2M        1,728
    conv    224×224×64   3.2M       36,864
    pool    112×112×64   800K            0
    conv    112×112×128  1.6M       73,728
    conv    112×112×128  1.6M      147,456
    pool    56×56×128    400K            0
    conv    56×56×256    800K      294,912
    conv    56×56×256    800K      589,824
    conv    56×56×256    800K      589,824
    pool    28×28×256    200K            0
    conv    28×28×512    400K    1,179,648
    conv    28×28×512    400K    2,359,296
    conv    28×28×512    400K    2,359,296
    pool    14×14×512    100K            0
    conv    14×14×512    100K    2,359,296
    conv    14×14×512    100K    2,359,296
    conv    14×14×512    100K    2,359,296
    pool    7×7×512       25K            0
    fc      4096         4096  102,760,448
    fc      4096         4096   16,777,216
    fc      1000         1000    4,096,000
"""  # documents A and D: size, activations, weights
KINDS = {"input": "Input", "conv": "Conv2d", "pool": "MaxPool2d", "fc": "Linear"}


def test_vgg16_row_by_row():
    table = of("vgg")
    rows = kind(table, *KINDS.values())
    lines = [line.split() for line in VGG16.strip().splitlines()]
    assert len(rows) == len(lines)
    for row, (name, size, activations, kernel) in zip(rows, lines):
        assert row.kind == KINDS[name]
        assert not differs(size, size_of(row)), row.name
        assert not differs(activations, units(row), to=coarse(activations)), row.name
        assert not differs(kernel, weights(row) if row.parameters else 0), row.name
        places = prod(shape(row)[:2]) if row.kind == "Conv2d" else 1
        assert row.multiply_adds == (weights(row) * places if row.parameters else 0)


def test_vgg16s_totals_are_wrong_where_the_ledger_says_so():
    table = of("vgg")
    totals = {
        "vgg-16-total": ("138M", table.parameters),
        "vgg-16-activations": ("24M", table.activations),
        "vgg-16-memory": ("96MB", table.memory),
        "vgg-16-weights-memory": ("138MB", 4 * table.parameters),
    }
    assert (
        {name for name, cells in totals.items() if differs(*cells)}
        == in_ledger("vgg-16-")
        == set(totals) - {"vgg-16-total"}
    )


# ── GoogLeNet ───────────────────────────────────────────────────────────────────────────────────────────────────

GOOGLENET = {  # document D; the layers behind a row: size, depth, parameters, operations, name in the ledger
    "conv1": ("112×112×64", 1, "2.7k", "34M", "convolution-1"),
    "maxpool1": ("56×56×64", 0),
    "conv2 conv3": ("56×56×192", 2, "112k", "360M", "convolution-2"),
    "maxpool2": ("28×28×192", 0),
    "inception3a": ("28×28×256", 2, "159k", "128M", "3a"),
    "inception3b": ("28×28×480", 2, "380k", "304M", "3b"),
    "maxpool3": ("14×14×480", 0),
    "inception4a": ("14×14×512", 2, "364k", "73M", "4a"),
    "inception4b": ("14×14×512", 2, "437k", "88M", "4b"),
    "inception4c": ("14×14×512", 2, "463k", "100M", "4c"),
    "inception4d": ("14×14×528", 2, "580k", "119M", "4d"),
    "inception4e": ("14×14×832", 2, "840k", "170M", "4e"),
    "maxpool4": ("7×7×832", 0),
    "inception5a": ("7×7×832", 2, "1072k", "54M", "5a"),
    "inception5b": ("7×7×1024", 2, "1388k", "71M", "5b"),
    "avgpool": ("1×1×1024", 0),
    "dropout": ("1024", 0),
    "fc": ("1000", 1, "1000k", "1M", "fully-connected"),
}
BRANCHES = {  # 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool projection
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


def layers_of(table, names):
    """The layers with weights in these blocks."""
    return [row for name in names.split() for row in weighted(table) if f"{row.name}.".startswith(f"{name}.")]


def test_googlenet_row_by_row():
    table, wrong = of("googlenet", auxiliary=False), set()
    for names, (size, depth, *numbers) in GOOGLENET.items():
        layers = layers_of(table, names)
        assert not differs(size, size_of(named(table, names.split()[-1])[0])), names
        if depth == 0:
            assert layers == []
            continue
        kernels, operations, name = numbers
        if differs(kernels, sum(map(weights, layers)), kilo=1024):
            wrong.add(f"googlenet-{name}-parameters")
        if differs(operations, sum(row.multiply_adds for row in layers)):
            wrong.add(f"googlenet-{name}-operations")
    assert wrong == in_ledger(*(f"googlenet-{numbers[-1]}-" for _, _, *numbers in GOOGLENET.values() if numbers))
    assert len(wrong) == 9 + 3


@pytest.mark.parametrize("name", BRANCHES)
def test_googlenets_modules_have_the_kernels_of_the_table(name):
    """Its columns give the channels, and with the windows in its heads the weights of each convolution."""
    layers = layers_of(of("googlenet", auxiliary=False), f"inception{name}")
    c1, r3, c3, r5, c5, p1 = BRANCHES[name]
    c = weights(layers[0]) // c1
    expected = [c * c1, c * r3, 9 * r3 * c3, c * r5, 25 * r5 * c5, c * p1]
    assert [shape(row)[2] for row in layers] == list(BRANCHES[name])
    assert [weights(row) for row in layers] == expected


def test_googlenets_modules_hand_on_what_the_table_says():
    """The first module reads conv 3's 192 channels, each other one the sum of the four branches before it."""
    table, read = of("googlenet", auxiliary=False), 192
    for name, (c1, _, c3, _, c5, p1) in BRANCHES.items():
        first = layers_of(table, f"inception{name}")[0]
        assert weights(first) == read * c1
        read = c1 + c3 + c5 + p1


# ── ResNet ──────────────────────────────────────────────────────────────────────────────────────────────────────

BASIC = {2: "3×3,64 3×3,64", 3: "3×3,128 3×3,128", 4: "3×3,256 3×3,256", 5: "3×3,512 3×3,512"}
BOTTLENECK = {
    2: "1×1,64 3×3,64 1×1,256", 3: "1×1,128 3×3,128 1×1,512", 4: "1×1,256 3×3,256 1×1,1024",
    5: "1×1,512 3×3,512 1×1,2048",
}  # fmt: skip
SIDES = {2: 56, 3: 28, 4: 14, 5: 7}
REPEATS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
FLOPS = {18: "1.8×10^9", 34: "3.6×10^9", 50: "3.8×10^9", 101: "7.6×10^9", 152: "11.3×10^9"}  # documents B and D


def resnet_table(depth):
    """As the paper draws it: padded shortcuts below 50 layers, the stride in the first 1×1 from there on."""
    return of("resnet", depth, **({"shortcut": "A"} if depth < 50 else {"stride_in": "1x1"}))


@pytest.mark.parametrize("depth", REPEATS)
def test_resnet_row_by_row(depth):
    table, c = resnet_table(depth), 64
    blocks = BASIC if depth < 50 else BOTTLENECK
    assert shape(named(table, "conv1")[0]) == (112, 112, 64)
    assert shape(named(table, "maxpool")[0]) == (56, 56, 64)
    for (stage, block), repeat in zip(blocks.items(), REPEATS[depth]):
        rows = [r for r in layers_of(table, f"layer{stage - 1}") if ".shortcut." not in r.name]
        entries = [entry.split(",") for entry in block.split()] * repeat
        assert len(rows) == len(entries)
        for row, (window, channels) in zip(rows, entries):
            k = int(channels)
            assert shape(row) == (SIDES[stage], SIDES[stage], k)
            assert row.parameters == c * k * int(window[0]) ** 2
            assert row.multiply_adds == row.parameters * SIDES[stage] ** 2
            c = k
    pool, fc = named(table, "avgpool", "fc")
    assert shape(pool) == (1, 1, c)
    assert (fc.output, fc.parameters) == ((1, 1000), c * 1000 + 1000)


def test_resnets_operations_differ_where_the_ledger_says_so():
    wrong = {f"resnet-{d}-operations" for d, said in FLOPS.items() if differs(said, resnet_table(d).multiply_adds)}
    assert wrong == in_ledger(*(f"resnet-{depth}-operations" for depth in FLOPS)) == {"resnet-50-operations"}


# ── DenseNet ────────────────────────────────────────────────────────────────────────────────────────────────────

DENSE = {121: (32, (6, 12, 24, 16)), 169: (32, (6, 12, 32, 32)), 201: (32, (6, 12, 48, 32)), 161: (48, (6, 12, 36, 24))}
DENSE_SIDES = (56, 28, 14, 7)  # document B


@pytest.mark.parametrize("depth", DENSE)
def test_densenet_row_by_row(depth):
    """[1×1, 3×3] × n, each reading all maps before it; a 1×1 and a 2×2 mean halve maps and sides between blocks."""
    (k, repeats), table = DENSE[depth], of("densenet", depth)
    first, pool = named(table, "conv0", "pool0")
    assert (shape(first), first.parameters) == ((112, 112, 2 * k), 7 * 7 * 3 * 2 * k)
    assert shape(pool) == (56, 56, 2 * k)
    c = 2 * k
    for block, (repeat, side) in enumerate(zip(repeats, DENSE_SIDES), 1):
        rows = layers_of(table, f"features.denseblock{block}")
        assert len(rows) == 2 * repeat
        for narrow, widen in zip(rows[::2], rows[1::2]):
            assert (shape(narrow), narrow.parameters) == ((side, side, 4 * k), c * 4 * k)
            assert (shape(widen), widen.parameters) == ((side, side, k), 9 * 4 * k * k)
            assert narrow.multiply_adds + widen.multiply_adds == (c * 4 * k + 36 * k * k) * side**2
            c += k
        assert shape(named(table, f"denseblock{block}")[0]) == (side, side, c)
        if block < 4:
            (mix,) = layers_of(table, f"features.transition{block}")
            assert (shape(mix), mix.parameters) == ((side, side, c // 2), c * (c // 2))
            assert shape(named(table, f"transition{block}")[0]) == (side // 2, side // 2, c // 2)
            c //= 2
    mean, classes = named(table, "avgpool", "classifier")
    assert shape(mean) == (1, 1, c)
    assert (classes.output, classes.parameters) == ((1, 1000), c * 1000 + 1000)
    assert len(weighted(table)) == depth


# ── MobileNet ───────────────────────────────────────────────────────────────────────────────────────────────────

FIVE_TIMES = "s1 3×3×512dw 14×14×512\ns1 1×1×512×512 14×14×512\n" * 5
MOBILENET = f"""
    s2 3×3×3×32 224×224×3
    s1 3×3×32dw 112×112×32
    s1 1×1×32×64 112×112×32
    s2 3×3×64dw 112×112×64
    s1 1×1×64×128 56×56×64
    s1 3×3×128dw 56×56×128
    s1 1×1×128×128 56×56×128
    s2 3×3×128dw 56×56×128
    s1 1×1×128×256 28×28×128
    s1 3×3×256dw 28×28×256
    s1 1×1×256×256 28×28×256
    s2 3×3×256dw 28×28×256
    s1 1×1×256×512 14×14×256
    {FIVE_TIMES}
    s2 3×3×512dw 14×14×512
    s1 1×1×512×1024 7×7×512
    s2 3×3×1024dw 7×7×1024
    s1 1×1×1024×1024 7×7×1024
"""  # document B: stride, shape of the filters, input


def test_mobilenet_row_by_row():
    table = of("mobilenet")
    rows = [*named(table, "input"), *kind(table, "Conv2d")]
    lines = [line.split() for line in MOBILENET.strip().splitlines() if line.strip()]
    assert len(rows) == 1 + len(lines)
    strides = []
    for (before, row), (stride, filters, size) in zip(pairwise(rows), lines):
        assert shape(before) == tuple(map(int, size.split("×"))), row.name
        assert row.parameters == prod(map(int, filters.removesuffix("dw").split("×"))), row.name
        assert row.multiply_adds == row.parameters * prod(shape(row)[:2])
        if int(stride[1]) != row.field.jump // before.field.jump:
            strides.append(row.name)
    assert strides == ["block13.depthwise.conv"], "stride 2 in the table, and yet the same 7×7 after it"
    assert in_ledger("mobilenet-last-stride")
    pool, fc = named(table, "avgpool", "fc")
    assert shape(pool) == (1, 1, 1024)
    assert fc.parameters == 1024 * 1000 + 1000
