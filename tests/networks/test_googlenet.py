"""GoogLeNet: the paper's table 1, its modules and heads, torchvision's weights, both engines."""

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
from twice.networks import from_torchvision, googlenet
from twice.networks.googlenet import VARIANTS, inception, inception_naive, unit
from twice.networks.heads import renormalise
from twice.parity import Tolerance, agree, certificate

TIGHT = Tolerance(1e-9, 1.0)
COUNTS = {
    "paper": (6_998_552, 13_378_280),
    "batch_norm": (7_005_832, 13_385_816),
    "torchvision": (6_624_904, 13_004_888),
}
# The rows of the paper's table 1 that a computation confirms; its thousands are of 1024, and rounded freely.
KILO_WEIGHTS = {
    "inception3a": 159, "inception3b": 380, "inception4a": 364, "inception4b": 437, "inception4e": 840,
    "inception5b": 1388,
}  # fmt: skip


def on_meta(*args, **options):
    with torch.device("meta"):
        return googlenet(torch.nn, *args, **options)


def count(module):
    return sum(p.numel() for p in module.parameters())


def depth(module):
    """Layers with weights on the longest way through."""
    ways = [depth(child) for child in module.children()]
    if not ways:
        return int(isinstance(module, torch.nn.Conv2d | torch.nn.Linear))
    return max(ways) if type(module).__name__ == "Concat" else sum(ways)


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_the_published_ones_without_and_with_heads(variant):
    assert tuple(count(on_meta(variant, auxiliary=heads)) for heads in (False, True)) == COUNTS[variant]


def test_22_layers_have_weights_and_5_poolings_stand_between_them():
    network = on_meta(auxiliary=False)
    assert depth(network) == 22
    assert sum("Pool" in type(layer).__name__ for layer in network.children()) == 5


def test_rows_have_about_the_weights_of_the_papers_table():
    network = on_meta()
    for name, kilo in KILO_WEIGHTS.items():
        weights = [p for key, p in getattr(network, name).named_parameters() if key.endswith("weight")]
        assert sum(p.numel() for p in weights) / 1024 == pytest.approx(kilo, rel=0.016)


def test_maps_have_the_sizes_of_the_papers_table():
    sizes = {}
    network = on_meta().eval()
    for name, layer in network.named_children():
        layer.register_forward_hook(lambda _, __, y, name=name: sizes.update({name: tuple(y.shape[1:])}))
    network(torch.empty(1, 3, 224, 224, device="meta"))
    assert sizes["conv1"] == (64, 112, 112)
    assert sizes["maxpool1"] == (64, 56, 56)
    assert sizes["maxpool2"] == (192, 28, 28)
    assert sizes["inception3b"] == (480, 28, 28)
    assert sizes["inception4e"] == (832, 14, 14)
    assert sizes["inception5b"] == (1024, 7, 7)


def test_multiply_adds_are_1583_million():
    total = 0

    def add(layer, _, y):
        nonlocal total
        total += y.numel() * layer.weight[0].numel()

    network = on_meta().eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(add)
    network(torch.empty(1, 3, 224, 224, device="meta"))
    assert round(total / 1e6) == 1583


def test_naive_module_makes_672_channels_of_256_and_bottlenecks_make_480():
    x = torch.empty(1, 256, 28, 28, device="meta")
    with torch.device("meta"):
        naive = inception_naive(torch.nn, 256, 128, 192, 96)
        bottlenecks = inception(torch.nn, 256, 128, 64, 192, 64, 96, 64)
    assert naive(x).shape == (1, 672, 28, 28)
    assert bottlenecks(x).shape == (1, 480, 28, 28)
    assert depth(bottlenecks) == 2


def test_modules_have_the_weights_of_their_windows():
    weights = lambda module: sum(p.numel() for name, p in module.named_parameters() if name.endswith("weight"))
    assert weights(inception_naive(torch.nn, 256, 128, 192, 96)) == 256 * (128 + 9 * 192 + 25 * 96)
    bottlenecks = 256 * (128 + 64 + 64 + 64) + 64 * (9 * 192 + 25 * 96)
    assert weights(inception(torch.nn, 256, 128, 64, 192, 64, 96, 64)) == bottlenecks


@pytest.mark.parametrize("batch_norm", [False, True])
def test_modules_agree_on_both_engines(batch_norm):
    module = lambda nn: inception(nn, 6, 4, 3, 5, 2, 4, 3, batch_norm=batch_norm)
    certificate(module, (2, 6, 7, 6), steps=2).raise_if_failed()
    certificate(lambda nn: inception_naive(nn, 5, 4, 3, 2), (2, 5, 7, 6), steps=2).raise_if_failed()


def test_the_paper_normalises_responses_around_the_second_convolution_and_never_batches():
    network = on_meta()
    kinds = [type(layer).__name__ for layer in network.children()][:7]
    assert kinds[2] == kinds[5] == "LocalResponseNorm"
    assert [kinds[1], kinds[6]] == ["MaxPool2d"] * 2
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize("variant,rate", [("paper", 0.4), ("torchvision", 0.2)])
def test_dropout_rates_are_the_sources(variant, rate):
    rates = [layer.p for layer in on_meta(variant).modules() if isinstance(layer, torch.nn.Dropout)]
    assert rates == [0.7, 0.7, rate]


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_engines_agree(variant):
    build = lambda nn: googlenet(nn, variant, width=0.08, classes=7, transform_input=True)
    assert_same_names(build)
    ours, theirs = twins(build)
    assert_same_logits(ours, theirs, image_batch(63, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_and_steps_agree_through_all_heads(variant):
    build = lambda nn: googlenet(nn, variant, width=0.04, classes=10, image=79, dropout=0.0, auxiliary_dropout=0.0)
    table = certificate(build, (6, 3, 79, 79), steps=2, lr=1e-3)
    table.raise_if_failed()
    assert {"forward[0]", "forward[1]", "forward[2]"} <= {row.what for row in table.rows}


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_answers_the_logits_then_the_deeper_head_then_the_other(variant):
    network = googlenet(torch.nn, variant, width=0.05, classes=5, image=96, dropout=0.0, auxiliary_dropout=0.0)
    heard = {}
    for name in ("fc", "aux1", "aux2"):
        getattr(network, name).register_forward_hook(lambda _, __, y, name=name: heard.update({name: y}))
    x = torch.randn(2, 3, 96, 96)
    main, deeper, other = network(x)
    assert (main is heard["fc"], deeper is heard["aux2"], other is heard["aux1"]) == (True, True, True)
    heard.clear()
    assert network.eval()(x).shape == (2, 5)
    assert list(heard) == ["fc"]


@pytest.mark.parametrize("engine", [twice, torch])
def test_without_heads_training_answers_the_logits_alone(engine):
    network = googlenet(engine.nn, width=0.05, classes=5, auxiliary=False)
    assert network(engine.randn(1, 3, 40, 40)).shape == (1, 5)


@pytest.mark.parametrize(
    "variant,auxiliary,smallest",
    [("paper", False, 31), ("paper", True, 79), ("torchvision", False, 15), ("torchvision", True, 15)],
)
def test_the_smallest_image_works_and_one_less_does_not(variant, auxiliary, smallest):
    build = lambda image: googlenet(
        torch.nn, variant, width=0.05, classes=2, auxiliary=auxiliary, image=image, auxiliary_dropout=0.0
    )
    network = build(smallest)
    network(torch.randn(2, 3, smallest, smallest))
    with pytest.raises(RuntimeError):
        network(torch.randn(2, 3, smallest - 1, smallest - 1))
    with pytest.raises(ValueError, match=f"image is {smallest - 1}, expected a number of at least {smallest}"):
        build(smallest - 1)


def test_heads_of_the_paper_fit_larger_images_too():
    network = googlenet(twice.nn, width=0.05, classes=2, image=128)
    assert [y.shape for y in network(twice.randn(1, 3, 128, 128))] == [(1, 2)] * 3


def test_renormalise_is_torchvisions_transform_input():
    x = image_batch(5, n=2, dtype="float64")
    reference = torchvision.models.GoogLeNet._transform_input
    expected = reference(type("On", (), {"transform_input": True})(), torch.from_numpy(x))
    assert agree(renormalise(twice.nn)(twice.from_numpy(x)), expected, Tolerance(1e-12, 1.0))


@pytest.mark.slow
def test_torchvisions_weights_give_torchvisions_logits():
    assert_equals_torchvision(lambda nn: googlenet(nn, "torchvision"), "googlenet", size=224)


@pytest.mark.slow
def test_in_training_all_heads_and_statistics_are_torchvisions():
    reference = torchvision.models.googlenet(weights=None, init_weights=False, dropout=0.0, dropout_aux=0.0)
    shake(reference)
    network = googlenet(twice.nn, "torchvision", dropout=0.0, auxiliary_dropout=0.0)
    from_torchvision(network, reference.state_dict())
    network.double(), reference.double()
    x = image_batch(64, n=2, dtype="float64")
    ours, theirs = network(twice.from_numpy(x)), reference(torch.from_numpy(x))
    assert len(ours) == 3
    assert agree(ours, theirs, TIGHT)
    for mine, value in zip(network.state_dict().values(), reference.state_dict().values()):
        assert agree(mine, value, TIGHT)


def test_a_unit_has_either_a_bias_or_a_batch_norm():
    for batch_norm in (False, True):
        with torch.device("meta"):
            assert count(unit(torch.nn, 3, 4, 1, batch_norm=batch_norm)) == 12 + (8 if batch_norm else 4)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "v1"}, "googlenet: variant is 'v1', expected one of paper, batch_norm, torchvision"),
        ({"width": 0}, "width is 0, expected a factor above 0"),
        ({"classes": 0}, "classes is 0, expected a number of at least 1"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        googlenet(twice.nn, **options)
