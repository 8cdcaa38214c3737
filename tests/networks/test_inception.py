"""Inception v3: factorised windows, torchvision's weights and its head, both engines."""

import numpy as np
import pytest
import torch
import torchvision

import twice
from networks.support import (
    assert_equals_torchvision,
    assert_same_logits,
    assert_same_names,
    image_batch,
    shake,
    twins,
)
from twice.networks import from_torchvision, inception_v3
from twice.networks.inception import STEMS, V3, asymmetric, expanded, factorised, mixed, reduction
from twice.parity import Tolerance, agree, certificate

TIGHT = Tolerance(1e-9, 1.0)
MODULES = {
    "factorised": factorised(64),
    "as in figure 5": factorised(64, five=False),
    "asymmetric": asymmetric(128),
    "asymmetric, n=3": asymmetric(128, n=3),
    "expanded": expanded(),
    "reduction": V3["Mixed_6a"],
    "second reduction": V3["Mixed_7a"],
}


def on_meta(build):
    with torch.device("meta"):
        return build()


def weights(module):
    return sum(p.numel() for name, p in module.named_parameters() if name.endswith("conv.weight"))


def seen(module, c=1, side=15):
    """How many rows and columns of the input reach the middle of the output."""
    for p in module.parameters():
        torch.nn.init.constant_(p, 0.1)
    x = torch.rand(1, c, side, side, requires_grad=True)
    module.eval()(x)[..., side // 2, side // 2].sum().backward()
    touched = x.grad[0, 0] != 0
    return int(touched.any(1).sum()), int(touched.any(0).sum())


def test_two_3x3_see_what_a_5x5_sees_for_18_of_25_weights():
    two = mixed(torch.nn, 8, {"a": [(8, 3), (8, 3)]})
    one = mixed(torch.nn, 8, {"a": [(8, 5)]})
    assert seen(two, 8) == seen(one, 8) == (5, 5)
    assert weights(two) * 25 == weights(one) * 18


@pytest.mark.parametrize("n", [3, 5, 7])
def test_1xn_and_nx1_see_what_nxn_sees_for_2_of_n_weights(n):
    two = mixed(torch.nn, 4, {"a": [(4, (1, n)), (4, (n, 1))]})
    one = mixed(torch.nn, 4, {"a": [(4, n)]})
    assert seen(two, 4) == seen(one, 4) == (n, n)
    assert weights(two) * n == weights(one) * 2


@pytest.mark.parametrize("n", [3, 7])
def test_asymmetric_module_sees_two_windows_of_n(n):
    assert seen(mixed(torch.nn, 2, asymmetric(4, n=n), width=0.1), 2) == (2 * n - 1,) * 2


def test_factorised_module_has_the_5x5_of_the_release_or_the_3x3_of_the_figure():
    for five, side in ((True, 5), (False, 3)):
        assert seen(mixed(torch.nn, 1, factorised(8, five=five), width=0.1).branch5x5) == (side, side)


def test_grid_reduction_halves_the_map_and_keeps_the_channels_beside_new_ones():
    module = on_meta(lambda: mixed(torch.nn, 320, reduction([(320, 3, 2)], [(64, 1), (96, 3, 2)])))
    assert module(torch.empty(1, 320, 35, 35, device="meta")).shape == (1, 320 + 320 + 96, 17, 17)


def test_maps_have_the_sizes_of_the_papers_table():
    sizes = {}
    network = on_meta(lambda: inception_v3(torch.nn, "paper")).eval()
    named = {**dict(network.named_children()), **dict(network.stem.named_children())}
    for name, layer in named.items():
        layer.register_forward_hook(lambda _, __, y, name=name: sizes.update({name: tuple(y.shape[1:])}))
    network(torch.empty(1, 3, 299, 299, device="meta"))
    stem = [sizes[str(i)] for i in range(7)]
    assert [(side, c) for c, side, _ in stem] == [
        (149, 32), (147, 32), (147, 64), (73, 64), (71, 80), (35, 192), (35, 288),
    ]  # fmt: skip
    assert sizes["Mixed_5d"] == (288, 35, 35)
    assert sizes["Mixed_6e"] == (768, 17, 17)
    assert sizes["Mixed_7a"] == (1280, 8, 8)
    assert sizes["Mixed_7c"] == (2048, 8, 8)


def test_parameters_are_the_published_ones():
    count = lambda **options: sum(p.numel() for p in on_meta(lambda: inception_v3(torch.nn, **options)).parameters())
    assert count() == 27_161_264
    assert count(auxiliary=False) == 23_834_568


@pytest.mark.parametrize("name", MODULES)
def test_modules_agree_on_both_engines(name):
    certificate(lambda nn: mixed(nn, 6, MODULES[name], width=0.03), (2, 6, 9, 8), steps=2).raise_if_failed()


@pytest.mark.parametrize("stem", STEMS)
def test_both_engines_agree(stem):
    build = lambda nn: inception_v3(nn, stem, width=0.05, classes=7, transform_input=True)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(91, n=2, dtype="float64"), 1e-9)


def rows_in_float64(build, *shape):
    """In training BatchNorm amplifies rounding from layer to layer: in a network as deep as this one, torch's own
    gradients change by 5e-14 of the largest when the batch is reordered, and float32 says little."""
    table = certificate(build, shape, steps=2, lr=1e-3, tolerance=Tolerance(1e-8, 1e-3))
    return [row for row in table.rows if row.dtype == "float64"]


def test_gradients_and_steps_agree_without_the_head():
    build = lambda nn: inception_v3(nn, width=0.05, classes=10, image=107, dropout=0.0, auxiliary=False)
    rows = rows_in_float64(build, 6, 3, 107, 107)
    assert len(rows) == 288 - 1
    assert [row for row in rows if not row.passed] == []


@pytest.mark.slow
@pytest.mark.parametrize("stem", STEMS)
def test_gradients_and_steps_agree_through_the_head(stem):
    rows = rows_in_float64(lambda nn: inception_v3(nn, stem, width=0.05, classes=10, dropout=0.0), 4, 3, 299, 299)
    assert {"forward[0]", "forward[1]"} <= {row.what for row in rows}
    assert [row for row in rows if not row.passed] == []


def test_training_answers_the_logits_then_the_head_and_evaluating_the_logits_alone():
    network = inception_v3(twice.nn, width=0.02, classes=5, dropout=0.0)
    x = twice.from_numpy(image_batch(299, n=2))
    main, head = network(x)
    network.fc.bias.data.add_(1.0)
    again, same = network(x)
    np.testing.assert_allclose((again - main).detach().numpy(), 1.0, atol=1e-3)
    assert agree(head, same)
    assert network.eval()(x).shape == (2, 5)


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("auxiliary,smallest", [(False, 75), (True, 299)])
def test_the_smallest_image_works_and_one_less_does_not(stem, auxiliary, smallest):
    build = lambda image: inception_v3(torch.nn, stem, width=0.02, classes=2, auxiliary=auxiliary, image=image)
    network = build(smallest)
    network(torch.randn(2, 3, smallest, smallest))
    with pytest.raises(RuntimeError):
        network(torch.randn(2, 3, smallest - 1, smallest - 1))
    with pytest.raises(ValueError, match=f"image is {smallest - 1}, expected a number of at least {smallest}"):
        build(smallest - 1)


@pytest.mark.slow
def test_torchvisions_weights_give_torchvisions_logits():
    assert_equals_torchvision(inception_v3, "inception_v3", size=139)


@pytest.mark.slow
def test_in_training_the_head_and_statistics_are_torchvisions_too():
    reference = torchvision.models.inception_v3(weights=None, init_weights=False, dropout=0.0)
    shake(reference)
    network = from_torchvision(inception_v3(twice.nn, dropout=0.0), reference.state_dict()).double()
    reference.double()
    x = image_batch(299, n=2, dtype="float64")
    with twice.no_grad(), torch.no_grad():
        ours, theirs = network(twice.from_numpy(x)), reference(torch.from_numpy(x))
    assert len(ours) == 2
    assert agree(ours, theirs, TIGHT)
    for mine, value in zip(network.state_dict().values(), reference.state_dict().values()):
        assert agree(mine, value, TIGHT)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"stem": "v4"}, "inception_v3: stem is 'v4', expected one of paper, released"),
        ({"width": -1}, "width is -1, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        inception_v3(twice.nn, **options)
