"""The drawing of a network says and shows what its layer table holds."""

import re

import pytest

import twice.nn
from twice import networks, show
from twice.blocks import Scale, Sum
from twice.networks.googlenet import inception
from twice.summary import summary


def drawn(net, *shape, **options):
    return show.network(summary(net, shape, **options))


def boxes(picture) -> int:
    return picture.html.count("border:2px solid")


def sizes(picture) -> list[tuple[int, int]]:
    return [(int(w), int(h)) for w, h in re.findall(r"width:(\d+)px;height:(\d+)px", picture.html)]


def test_lenet_layer_by_layer():
    picture = drawn(networks.lenet(twice.nn, "tanh"), 1, 1, 32, 32)
    assert picture.alt == (
        "Drawing of a network, in order: input 1 × 32², 5×5 conv to 6 × 28² with tanh, 2×2/2 mean to 6 × 14², "
        "5×5 conv to 16 × 10² with tanh, 2×2/2 mean to 16 × 5², 5×5 conv to 120 × 1 × 1 with tanh, "
        "fully connected to 84 with tanh, fully connected to 10."
    )
    assert boxes(picture) == 8
    assert "Flatten" not in picture.html


def test_the_volume_is_seen():
    """More maps are wider, larger maps higher."""
    (_, image), (few, _), (many, high), (_, low) = sizes(
        drawn(
            twice.nn.Sequential(
                twice.nn.Conv2d(3, 4, 1), twice.nn.Conv2d(4, 64, 1), twice.nn.Conv2d(64, 64, 3, stride=2, padding=1)
            ),
            *(1, 3, 32, 32),
        )
    )
    assert image == high > low
    assert few < many


def test_branches_stand_side_by_side():
    picture = drawn(inception(twice.nn, 16, 8, 4, 12, 2, 6, 5), 1, 16, 7, 7)
    assert "side by side (1×1 conv to 8 × 7² with ReLU; 1×1 conv to 4" in picture.alt
    assert picture.alt.endswith("joined to 31 × 7².")
    assert picture.html.count("border-left:3px") == 4
    assert boxes(picture) == 1 + 1 + 2 + 2 + 2


def test_a_shortcut_stands_beside_what_it_passes():
    body = twice.nn.Sequential(twice.nn.Conv2d(4, 4, 3, padding=1), twice.nn.BatchNorm2d(4))
    net = twice.nn.Sequential(Sum(twice.nn, body), twice.nn.ReLU())
    picture = drawn(net, 1, 4, 8, 8)
    assert "the sum of (3×3 conv to 4 × 8² with BN; the input itself)" in picture.alt
    assert "as it is" in picture.html
    assert ">+ → 4 × 8²<" in picture.html
    assert ">ReLU<" in picture.html  # under the sum, not in a box of its own
    assert boxes(picture) == 2


def test_a_gate_scales_what_comes():
    gate = twice.nn.Sequential(twice.nn.AdaptiveAvgPool2d(1), twice.nn.Conv2d(4, 4, 1), twice.nn.Sigmoid())
    picture = drawn(Scale(twice.nn, gate), 1, 4, 8, 8)
    assert "scaled by (global mean to 4 × 1 × 1, 1×1 conv to 4 × 1 × 1 with sigmoid)" in picture.alt
    assert ">× → 4 × 8²<" in picture.html


def test_folded_blocks_are_counted():
    net = networks.cifar_resnet(twice.nn, depth=20)
    table = summary(net, (1, 3, 32, 32), fold=lambda row: row.depth == 1)
    picture = show.network(table)
    assert len(re.findall(r"layer\d × [23]<", picture.html)) == 3, picture.alt


def test_groups_and_a_mean_that_changes_nothing():
    picture = drawn(networks.alexnet(twice.nn, width=1 / 16, image=227), 1, 3, 227, 227)
    assert "5×5 conv in 2 groups to" in picture.alt
    assert "mean" not in picture.alt  # of 6×6 to 6×6
    depthwise = drawn(twice.nn.Sequential(twice.nn.Conv2d(4, 4, 3, groups=4)), 1, 4, 8, 8)
    assert "3×3 conv depthwise to 4 × 6²" in depthwise.alt


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["vgg", "zfnet", "nin", "googlenet", "resnet", "densenet", "mobilenet", "inception_v3"]
)
def test_every_family_can_be_drawn(name):
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        net = getattr(networks, name)(torch.nn)
    size = 299 if name == "inception_v3" else 224
    table = summary(net, (1, 3, size, size))
    picture = drawn(net, 1, 3, size, size)
    layers = [row for row in table.layers if row.kind.startswith(("Conv", "Linear")) and "not used" not in row.kind]
    assert boxes(picture) >= len(layers)
    assert "var(--twice-numpy" in picture.html
