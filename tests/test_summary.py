"""The layer table: counts against the engines and the papers, receptive fields against measured gradients."""

import re
from itertools import pairwise
from math import prod

import numpy as np
import pytest
import torch
import torchvision

import twice
from twice import blocks, tables
from twice.networks import vgg
from twice.summary import Field, receptive_field, summary

ENGINES = pytest.mark.parametrize("nn", [twice.nn, torch.nn], ids=["twice", "torch"])


def on_meta(build, *args, **options):
    with torch.device("meta"):
        return build(*args, **options)


def from_torchvision(name):
    extra = {"init_weights": False} if name == "googlenet" else {}
    return on_meta(torchvision.models.get_model, name, weights=None, **extra)


def column(rows, name):
    return [getattr(row, name) for row in rows]


# ── the tables of the papers ────────────────────────────────────────────────────────────────────────────────────

# output, parameters, multiply-adds of VGG-16's convolutions, poolings and linear layers
VGG16 = [
    *[((64, 224, 224), 1_792, 86_704_128), ((64, 224, 224), 36_928, 1_849_688_064), ((64, 112, 112), 0, 0)],
    *[((128, 112, 112), 73_856, 924_844_032), ((128, 112, 112), 147_584, 1_849_688_064), ((128, 56, 56), 0, 0)],
    ((256, 56, 56), 295_168, 924_844_032),
    *[((256, 56, 56), 590_080, 1_849_688_064)] * 2,
    ((256, 28, 28), 0, 0),
    ((512, 28, 28), 1_180_160, 924_844_032),
    *[((512, 28, 28), 2_359_808, 1_849_688_064)] * 2,
    ((512, 14, 14), 0, 0),
    *[((512, 14, 14), 2_359_808, 462_422_016)] * 3,
    ((512, 7, 7), 0, 0),
    *[((4096,), 102_764_544, 102_760_448), ((4096,), 16_781_312, 16_777_216), ((1000,), 4_097_000, 4_096_000)],
]


def test_vgg16_row_by_row():
    table = summary(on_meta(vgg, torch.nn, "D"), (1, 3, 224, 224))
    rows = [row for row in table.layers if row.kind in ("Conv2d", "MaxPool2d", "Linear")]
    assert [(row.output[1:], row.parameters, row.multiply_adds) for row in rows] == VGG16
    assert column(rows, "activations") == [prod(shape) for shape, _, _ in VGG16]
    assert table.parameters == 138_357_544
    assert table.activations == 15_237_608
    assert table.memory == 4 * table.activations
    assert sum(row.multiply_adds for row in rows if row.kind == "Conv2d") == 15_346_630_656
    assert table["features.30"].field == Field(212, 32, -90)
    assert table.peak.name == "features.0"


def alexnet(nn):
    """Without groups, on 227 × 227."""
    sizes = [(3, 96, 11, 4, 0), (96, 256, 5, 1, 2), (256, 384, 3, 1, 1), (384, 384, 3, 1, 1), (384, 256, 3, 1, 1)]
    layers = []
    for i, (c, k, size, stride, padding) in enumerate(sizes):
        layers += [nn.Conv2d(c, k, size, stride, padding), nn.ReLU(True)]
        layers += [nn.MaxPool2d(3, 2)] if i in (0, 1, 4) else []
    for c, k in [(9216, 4096), (4096, 4096), (4096, 1000)]:
        layers += [nn.Flatten(), nn.Linear(c, k)]
    return nn.Sequential(*layers)


def test_alexnet_row_by_row():
    table = summary(on_meta(alexnet, torch.nn), (3, 227, 227), batch=1)
    learnt = [row for row in table.layers if row.parameters]
    assert column(learnt, "parameters") == [
        *(34_944, 614_656, 885_120, 1_327_488, 884_992, 37_752_832, 16_781_312, 4_097_000)
    ]
    assert sum(column(learnt, "activations")) == 659_272
    assert table.parameters == 62_378_344
    assert table["12"].field == Field(195, 32, -64)
    assert [row.sees_all for row in learnt] == [False] * 5 + [True] * 3


def test_groups_divide_the_work():
    whole, halves = (
        summary(torch.nn.Conv2d(96, 256, 5, padding=2, groups=g, device="meta"), (1, 96, 27, 27)) for g in (1, 2)
    )
    assert whole.multiply_adds == 2 * halves.multiply_adds == 27 * 27 * 256 * 96 * 25


def test_resnet50_has_4_089_billion_multiply_adds():
    table = summary(from_torchvision("resnet50"), (1, 3, 224, 224))
    assert table.multiply_adds == 4_089_184_256
    assert table["layer4"].multiply_adds == sum(
        row.multiply_adds for row in table.layers if row.name.startswith("layer4.")
    )


@pytest.mark.parametrize(
    ("name", "giga"), [("resnet18", 1.81), ("googlenet", 1.5), ("vit_b_16", 17.56), ("swin_t", 4.49)]
)
def test_torchvisions_models_have_their_parameters_and_its_published_work(name, giga):
    network = from_torchvision(name)
    table = summary(network, (1, 3, 224, 224))
    assert table.parameters == table.trainable == sum(p.numel() for p in network.parameters())
    assert table.multiply_adds / 1e9 == pytest.approx(giga, abs=0.006)
    assert not table.uncounted
    assert table.layers[-1].kind


# ── both engines ────────────────────────────────────────────────────────────────────────────────────────────────


def residual(nn):
    body = blocks.chain(nn, conv1=nn.Conv2d(2, 2, 3, padding=1), relu=nn.ReLU(), conv2=nn.Conv2d(2, 2, 5, padding=2))
    return nn.Sequential(nn.Conv2d(1, 2, 3, 2), blocks.Sum(nn, body, nn.Conv2d(2, 2, 1)))


def inception(nn):
    branches = blocks.Concat(
        nn,
        branch1=nn.Conv2d(2, 1, 1),
        branch3=blocks.chain(nn, reduce=nn.Conv2d(2, 1, 1), conv=nn.Conv2d(1, 2, 3, padding=1)),
        branch5=nn.Conv2d(2, 1, 5, padding=2),
        pool=nn.MaxPool2d(3, 1, 1),
    )
    return nn.Sequential(nn.Conv2d(1, 2, 3, 2), branches, nn.Conv2d(6, 1, 3, padding=1))


@pytest.mark.parametrize("build", [residual, inception, lambda nn: vgg(nn, "A", batch_norm=True, width=0.02)])
def test_both_engines_give_the_same_table(build):
    channels = 3 if build not in (residual, inception) else 1
    ours, theirs = (summary(build(nn), (2, channels, 40, 44), elementwise=True) for nn in (twice.nn, torch.nn))
    assert ours.rows == theirs.rows
    assert repr(ours) == repr(theirs)


@ENGINES
def test_a_pass_leaves_the_network_as_it_was(nn):
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.5)).train()
    network[1].eval()
    before = network[0].running_mean.numpy().copy()
    x = np.random.default_rng(0).random((4, 2, 3, 3), dtype="float32")
    summary(network, x)
    assert [network.training, network[0].training, network[1].training] == [True, True, False]
    np.testing.assert_array_equal(network[0].running_mean.numpy(), before)
    assert not network[0]._forward_hooks
    assert not network[0]._forward_pre_hooks


@ENGINES
def test_a_failing_pass_takes_its_hooks_away(nn):
    network = nn.Sequential(nn.Linear(3, 2))
    with pytest.raises((RuntimeError, ValueError)):
        summary(network, (1, 4))
    assert not network[0]._forward_hooks
    assert not network[0]._forward_pre_hooks
    assert summary(network, (1, 3)).multiply_adds == 6


@ENGINES
def test_a_shared_layer_works_twice_and_weighs_once(nn):
    layer = nn.Linear(3, 3)
    table = summary(nn.Sequential(layer, nn.ReLU(), layer), (5, 3))
    assert column(table.layers, "parameters") == [0, 12, 0, 0]
    assert table.multiply_adds == 2 * 5 * 9


@ENGINES
def test_a_shared_tensor_weighs_once(nn):
    network = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    network[1].weight = network[0].weight
    assert summary(network, (1, 3)).parameters == 9


@ENGINES
def test_frozen_parameters_are_not_trainable(nn):
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    table = summary(network, (1, 3))
    assert (table.parameters, table.trainable) == (14, 6)
    assert "8 of them frozen" in repr(table)


@ENGINES
def test_what_is_not_used_is_still_weighed(nn):
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 5)

        def forward(self, x):
            return self.used(x)

    table = summary(Half(), (1, 2))
    assert table.parameters == 6 + 15
    assert (table.rows[-1].name, table.rows[-1].kind, table.rows[-1].output) == ("unused", "Linear (not used)", None)


@ENGINES
def test_activations_are_numbers_that_are_new(nn):
    layers = nn.Conv2d(1, 2, 3), nn.ReLU(True), nn.ReLU(), nn.Dropout(), nn.Identity(), nn.Flatten(), nn.Linear(8, 3)
    table = summary(nn.Sequential(*layers).double(), (1, 1, 4, 4))
    assert column(table.layers, "activations") == [16, 8, 0, 8, 0, 0, 0, 3]
    assert column(table.layers, "memory") == [8 * n for n in column(table.layers, "activations")]


# ── multiply-adds ───────────────────────────────────────────────────────────────────────────────────────────────


@ENGINES
@pytest.mark.parametrize(
    ("layer", "shapes", "work"),
    [
        (lambda nn: nn.Conv1d(4, 6, 3, padding=1), [(2, 4, 10)], 2 * 6 * 10 * 4 * 3),
        (lambda nn: nn.Conv2d(4, 6, (3, 2), groups=2), [(2, 4, 5, 5)], 2 * 6 * 3 * 4 * 2 * 6),
        (lambda nn: nn.Conv3d(1, 2, 2), [(1, 1, 3, 3, 3)], 2 * 8 * 8),
        (lambda nn: nn.ConvTranspose2d(4, 3, 2, 2), [(1, 4, 5, 5)], 4 * 25 * 3 * 4),
        (lambda nn: nn.Linear(3, 4), [(2, 7, 3)], 2 * 7 * 12),
        (lambda nn: nn.Bilinear(2, 3, 4), [(5, 2), (5, 3)], 5 * 24),
        (lambda nn: nn.RNN(3, 4), [(7, 2, 3)], 14 * 4 * 7),
        (lambda nn: nn.LSTM(3, 4, bidirectional=True), [(7, 2, 3)], 14 * 2 * 16 * 7),
        (lambda nn: nn.GRU(3, 4, num_layers=2), [(7, 2, 3)], 14 * (12 * 7 + 12 * 8)),
        (lambda nn: nn.LSTMCell(3, 4), [(2, 3)], 2 * 16 * 7),
        (lambda nn: nn.MultiheadAttention(8, 2), [(5, 3, 8), (7, 3, 8), (7, 3, 8)], 3 * (64 * 24 + 2 * 35 * 8)),
        (lambda nn: nn.MultiheadAttention(8, 2, batch_first=True), [(3, 5, 8)] * 3, 3 * (64 * 20 + 2 * 25 * 8)),
        (lambda nn: nn.BatchNorm2d(3), [(1, 3, 2, 2)], 0),
        (lambda nn: nn.AvgPool2d(2), [(1, 3, 2, 2)], 0),
    ],
)
def test_multiply_adds_of_one_layer(nn, layer, shapes, work):
    assert summary(layer(nn), *shapes).multiply_adds == work


@ENGINES
@pytest.mark.parametrize(
    ("layer", "work"),
    [
        (lambda nn: nn.ReLU(), 48),
        (lambda nn: nn.BatchNorm2d(3), 96),
        (lambda nn: nn.MaxPool2d(2), 48),
        (lambda nn: nn.AdaptiveAvgPool2d(1), 48),
        (lambda nn: nn.Dropout(), 0),
        (lambda nn: nn.Flatten(), 0),
    ],
)
def test_elementwise_work_is_counted_where_asked(nn, layer, work):
    assert summary(layer(nn), (1, 3, 4, 4), elementwise=True).multiply_adds == work


@ENGINES
def test_products_between_layers_have_rows_of_their_own(nn):
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k = nn.Linear(4, 6), nn.Linear(4, 6)

        def forward(self, x):
            return self.q(x) @ self.k(x).transpose(-2, -1)

    table = summary(nn.Sequential(Attention()), (2, 5, 4))
    assert [(row.name, row.multiply_adds) for row in table.layers[1:]] == [
        ("0.q", 240),
        ("0.k", 240),
        ("0.matmul", 300),
    ]


@ENGINES
def test_weights_used_without_a_call_are_named_after_their_layer(nn):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.scale = nn.Linear(4, 6), nn.Parameter(blocks.engine_of(nn).ones(6))

        def forward(self, x):
            return nn.functional.linear(x, self.inner.weight, self.inner.bias) * self.scale

    table = summary(Tied(), (2, 4))
    assert [(row.name, row.kind, row.parameters, row.multiply_adds) for row in table.layers[1:]] == [
        ("scale", "Parameter", 6, 0),
        ("inner", "Linear", 30, 48),
    ]


def test_a_transformer_layer_is_counted_layer_by_layer():
    ours, theirs = (
        summary(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), (3, 5, 8))
        for nn in (twice.nn, torch.nn)
    )
    assert ours.multiply_adds == theirs.multiply_adds == 2 * 3 * (5 * 4 * 64 + 2 * 25 * 8 + 5 * 2 * 128)
    assert theirs["layers.1.self_attn"].parameters == 4 * 64 + 4 * 8


def test_a_product_without_a_rule_is_named():
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Linear(2, 2)

        def forward(self, x):
            return torch.einsum("ab,bc,cd->ad", self.a(x), x, x)

    table = summary(Odd(), (2, 2))
    assert table.uncounted == ("einsum",)
    assert "not counted: einsum" in repr(table)


# ── receptive fields ────────────────────────────────────────────────────────────────────────────────────────────


def measured(nn, network, size):
    """Along each axis, (first, last) input that the centre output's gradient reaches, and that output's place."""
    top = blocks.engine_of(nn)
    with top.no_grad():
        for parameter in network.parameters():
            parameter.copy_(top.rand(*parameter.shape) + 0.1)
    x = top.rand(48, 1, *size).requires_grad_()  # many images: a maximum passes its gradient to one place only
    y = network(x)
    centre = tuple(n // 2 for n in y.shape[2:])
    y[(slice(None), slice(None), *centre)].sum().backward()
    reached = np.abs(x.grad.numpy()).sum((0, 1)) > 0
    spans = []
    for axis in range(len(size)):
        others = tuple(a for a in range(len(size)) if a != axis)
        places = np.flatnonzero(reached.any(others))
        spans.append((places[0], places[-1]))
    return spans, centre


STACKS = {
    "conv": lambda nn: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 5, padding=2)),
    "stride": lambda nn: nn.Sequential(nn.Conv2d(1, 2, 5, 2, 2), nn.ReLU(), nn.Conv2d(2, 1, 3, 2), nn.Conv2d(1, 1, 3)),
    "dilation": lambda nn: nn.Sequential(nn.Conv2d(1, 1, 3, dilation=2), nn.Conv2d(1, 1, 3, dilation=3, padding=3)),
    "same": lambda nn: nn.Sequential(nn.Conv2d(1, 1, 4, padding="same"), nn.Conv2d(1, 1, 3, 2)),
    "pool": lambda nn: nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 1, 3)),
    "average": lambda nn: nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(1, 1, 3, 2), nn.AvgPool2d(2, 1)),
    "oblong": lambda nn: nn.Sequential(nn.Conv2d(1, 1, (1, 7), padding=(0, 3)), nn.Conv2d(1, 1, (3, 1), (2, 1))),
    "adaptive": lambda nn: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(12)),
    "zeros": lambda nn: nn.Sequential(nn.ZeroPad2d((3, 0, 1, 2)), nn.Conv2d(1, 1, 3, 2)),
    "shuffle": lambda nn: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ChannelShuffle(2), nn.Conv2d(4, 1, 3)),
    "residual": residual,
    "inception": inception,
}


@ENGINES
@pytest.mark.filterwarnings("ignore:Using padding='same' with even")
@pytest.mark.parametrize("stack", STACKS)
def test_the_field_is_what_the_gradient_reaches(nn, stack):
    network = STACKS[stack](nn)
    fields = [row for row in summary(network, (1, 1, 36, 36)) if row.depth == 0][-1].fields
    spans, centre = measured(nn, network, (36, 36))
    expected = [(f.start + c * f.jump, f.start + c * f.jump + f.size - 1) for f, c in zip(fields, centre)]
    assert expected == spans
    assert all(first > 0 and last < 35 for first, last in spans), "the border hides part of the field"


def test_fields_of_one_axis():
    network = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 5, 3, 1), torch.nn.AvgPool1d(2))
    fields = summary(network, (1, 1, 60)).layers[-1].fields
    assert fields == (receptive_field([(5, 3, 1), (2, 2)]),)


def test_torchs_functions_between_layers_carry_the_field():
    class Functional(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Conv2d(1, 2, 3), torch.nn.Conv2d(4, 1, 3)

        def forward(self, x):
            x = torch.nn.functional.max_pool2d(torch.nn.functional.relu(self.a(x)), 2)
            x = torch.cat([x, torch.nn.functional.avg_pool2d(x, 3, stride=1, padding=1)], 1)
            return self.b(x.permute(0, 2, 3, 1).sigmoid().permute(0, 3, 1, 2))

    network = Functional()
    (field, _), (span, _), (c, _) = (
        summary(network, (1, 1, 36, 37)).layers[-1].fields,
        *measured(torch.nn, network, (36, 37)),
    )
    assert (field.start + c * field.jump, field.start + c * field.jump + field.size - 1) == span


@ENGINES
@pytest.mark.parametrize("n", [1, 2])
def test_channels_may_go_last_and_come_back(nn, n):
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.linear = nn.LayerNorm(4), nn.Linear(4, 5)

        def forward(self, x):
            return self.linear(self.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)

    table = summary(nn.Sequential(nn.Conv2d(1, 4, 4, 4), Normed(), nn.Conv2d(5, 1, 3)), (n, 1, 24, 28))
    assert table["1"].field == Field(4, 4, 0)
    assert table["2"].field == Field(12, 4, 0)


@ENGINES
def test_a_gate_of_the_whole_map_sees_all(nn):
    gate = blocks.chain(nn, squeeze=nn.AdaptiveAvgPool2d(1), fc=nn.Conv2d(2, 2, 1), sigmoid=nn.Sigmoid())
    table = summary(nn.Sequential(nn.Conv2d(1, 2, 3), blocks.Scale(nn, gate), nn.Conv2d(2, 1, 3)), (1, 1, 9, 9))
    assert table["0"].field == Field(3, 1, 0)
    assert table["1.gate.squeeze"].sees_all
    assert table["2"].sees_all


@ENGINES
def test_branches_of_unlike_jumps_have_no_field(nn):
    branches = blocks.Concat(nn, nn.Conv2d(1, 1, 1, 2), nn.Conv2d(1, 1, 1, 3))
    table = summary(nn.Sequential(branches, nn.Conv2d(2, 1, 1)), (1, 1, 2, 2))
    assert [row.fields[:1] for row in table.layers[1:]] == [(Field(1, 2, 0),), (Field(1, 3, 0),), ()]


@ENGINES
def test_a_linear_layer_sees_all_of_a_row(nn):
    table = summary(nn.Sequential(nn.ReLU(), nn.Linear(4, 3), nn.Tanh()), (2, 4))
    assert column(table.layers, "sees_all") == [False, False, True, True]


@ENGINES
def test_tokens_have_no_field(nn):
    tokens = nn.Sequential(nn.Conv2d(1, 4, 2, 2), nn.Flatten(2), nn.Linear(9, 3))
    row = summary(tokens, (1, 1, 6, 6)).layers[-1]
    assert row.fields == ()
    assert not row.sees_all


@ENGINES
def test_normalising_over_places_sees_all(nn):
    table = summary(nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2)), (1, 1, 6, 6))
    assert table.layers[-1].sees_all


def test_the_closed_form():
    assert receptive_field([]) == Field(1, 1, 0)
    assert receptive_field([(3, 1, 1)] * 3).size == 7
    assert receptive_field([(7, 2, 3), (3, 2, 1), (3, 1, 1)]) == Field(19, 4, -9)
    assert receptive_field([(3, 1, 2, 2), (2, 2)]) == Field(6, 2, -2)


@pytest.mark.parametrize("layer", [(), (0,), (3, 0), (3, 1, -1), (3, 1, 0, 0), (3, 1, 0, 1, 1)])
def test_the_closed_form_refuses_what_is_no_layer(layer):
    with pytest.raises(ValueError, match=r"expected \(kernel, stride, padding, dilation\)"):
        receptive_field([layer])


# ── inputs ──────────────────────────────────────────────────────────────────────────────────────────────────────


@ENGINES
def test_inputs_are_shapes_arrays_or_tensors(nn):
    top = blocks.engine_of(nn)
    network = nn.Conv2d(1, 2, 3)
    given = [(2, 1, 5, 6), np.zeros((2, 1, 5, 6), "float32"), top.zeros(2, 1, 5, 6)]
    assert {summary(network, x).layers for x in given} == {summary(network, (1, 5, 6), batch=2).layers}
    tokens = summary(nn.Embedding(10, 4), np.array([[1, 2, 3]]))
    assert (tokens.parameters, tokens.layers[-1].output, tokens.multiply_adds) == (40, (1, 3, 4), 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "no input came"),
        (("a",), "input 0 is a str, expected a shape, an array or a tensor"),
        (((1, 2.5),), r"input 0 is \(1, 2.5\), expected a shape"),
    ],
)
def test_a_bad_input_gets_a_sentence(given, message):
    with pytest.raises(TypeError, match=message):
        summary(twice.nn.Linear(2, 2), *given)


def test_only_modules_have_a_summary():
    with pytest.raises(TypeError, match=r"net is a int, expected a module of twice\.nn or of torch\.nn"):
        summary(3, (1, 2))


# ── how it looks ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fold", ["Concat", "1", 1, ["1"], lambda row: row.kind == "Concat"])
def test_a_folded_block_is_one_row_with_its_sums(fold):
    open_, folded = (summary(inception(twice.nn), (1, 1, 9, 9), fold=f) for f in (None, fold))
    assert column(folded.layers, "name") == ["input", "0", "1", "2"]
    assert folded["1"].field == open_["1"].field == Field(11, 2, -4)
    for name in ("parameters", "multiply_adds", "activations", "memory"):
        assert getattr(folded, name) == getattr(open_, name)
    assert folded.peak == open_.peak


def test_fold_by_depth_shows_so_many_levels():
    assert max(row.depth for row in summary(inception(twice.nn), (1, 1, 9, 9), fold=2)) == 1


def test_the_terminal_shows_an_aligned_table():
    text = repr(summary(residual(twice.nn), (1, 1, 9, 9)))
    lines = text.splitlines()
    assert lines[1].split()[:3] == ["layer", "kind", "output"]
    end = lines[1].index("multiply-adds") + len("multiply-adds")
    assert all(line[end - 1] in "–0123456789" and line[end : end + 2] == "  " for line in lines[3:])
    assert "      conv1" not in text
    assert "\n    conv1 " in text
    assert lines[-1].startswith("total")
    assert not any("shortcut.1" in line for line in lines)


def test_flat_rows_have_their_full_names():
    text = repr(summary(residual(twice.nn), (1, 1, 9, 9), nested=False))
    assert "\n1.body.conv1 " in text
    assert " Sum " not in text


def test_the_notebook_shows_all_lines_without_colours_and_scrolls_a_long_table():
    table = summary(residual(twice.nn), (1, 1, 9, 9))
    page = table._repr_html_()
    assert "max-height" not in page
    long = summary(twice.nn.Sequential(*(twice.nn.ReLU() for _ in range(70))), (1, 4))
    assert "overflow:auto;max-height" in long._repr_html_()
    assert page.count("<tr") == page.count("</tr>") == 1 + len(table) + 1
    assert set(re.findall(r"(?:color|background):(\w+)", page)) == {"inherit", "none"}


def test_tables_escape_what_they_show():
    page = tables.as_html("a & b", ("x",), [tables.Line(("<b>",), strong=True)])
    assert "a &amp; b" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "–"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_600, "1 MB"),
        (12_845_056, "12.8 MB"),
    ],
)
def test_bytes_have_three_digits(number, text):
    from twice.summary.table import size

    assert size(number) == text


def test_the_chart_has_a_bar_for_every_layer_with_weights():
    pytest.importorskip("matplotlib")
    table = summary(on_meta(alexnet, torch.nn), (1, 3, 227, 227))
    figure = table.chart()
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == [r.name for r in table.layers if r.parameters]
    assert [bar.get_width() for bar in left.patches] == [r.parameters for r in table.layers if r.parameters]
    assert [bar.get_width() for bar in right.patches] == [r.multiply_adds for r in table.layers if r.parameters]
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in left.get_yticklabels()]
    assert all(not a.overlaps(b) for a, b in pairwise(boxes))
