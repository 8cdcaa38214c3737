"""ViT and DeiT: the papers' sizes, torchvision's weights, both engines."""

import numpy as np
import pytest
import torch
import torchvision

import twice
from networks.support import assert_exchanges_show, assert_same_logits, assert_same_names, image_batch, shake, twins
from twice.networks import deit, from_torchvision, vit
from twice.parity import certificate

TINY = {"width": 1 / 16, "image": 32, "classes": 5}
ENGINES = pytest.mark.parametrize("engine", [twice, torch], ids=["twice", "torch"])
NAMES = {"vit_b_16": "B/16", "vit_b_32": "B/32", "vit_l_16": "L/16", "vit_l_32": "L/32"}


def parameters(build, *arguments, **options):
    with torch.device("meta"):
        return sum(p.numel() for p in build(torch.nn, *arguments, **options).parameters()) / 1e6


@pytest.mark.parametrize("variant,millions", [("B/16", 86), ("L/32", 307), ("H/14", 632)])
def test_parameters_of_vit_are_the_papers(variant, millions):
    assert parameters(vit, variant) == pytest.approx(millions, abs=0.6)  # table 1


@pytest.mark.parametrize("variant,millions", [("Ti/16", 6), ("S/16", 22), ("B/16", 87)])
def test_parameters_of_the_distilled_deit_are_the_papers(variant, millions):
    assert parameters(deit, variant) == pytest.approx(millions, abs=0.5)  # table 5


def test_patches_of_half_the_side_are_four_times_as_many_positions():
    lengths = [vit(twice.nn, f"Ti/{p}", **TINY).state_dict()["positions.embedding"].shape[1] for p in (16, 32)]
    assert lengths == [1 + 4, 1 + 1]


@pytest.mark.parametrize("build", [vit, deit])
@pytest.mark.parametrize("variant", ["Ti/16", "S/32", "B/16", "H/14"])
def test_both_engines_agree(build, variant):
    image = 28 if variant == "H/14" else 64
    make = lambda nn: build(nn, variant, **TINY | {"image": image})
    assert_same_names(make)
    assert_same_logits(*twins(make), image_batch(image, n=2, dtype="float64"), 1e-9)


@pytest.mark.parametrize("build", [vit, deit])
def test_gradients_and_steps_agree(build):
    make = lambda nn: build(nn, "Ti/16", dropout=0.0, stochastic_depth=0.0, **TINY)
    certificate(make, (2, 3, 32, 32), steps=2).raise_if_failed()


@ENGINES
def test_deit_gives_both_logits_in_training_and_their_mean_in_eval(engine):
    network = deit(engine.nn, "Ti/16", stochastic_depth=0.0, **TINY)
    x = engine.from_numpy(image_batch(32, n=2))
    y, z = (head.detach().numpy() for head in network(x))
    assert y.shape == z.shape == (2, 5)
    assert np.abs(y - z).max() > 1e-3
    np.testing.assert_allclose(network.eval()(x).detach().numpy(), (y + z) / 2, rtol=0, atol=1e-6)


@ENGINES
@pytest.mark.parametrize("token", [0, 1])
def test_each_token_of_deit_has_its_own_head(engine, token):
    network = deit(engine.nn, "Ti/16", **TINY)
    network.blocks = engine.nn.Identity()  # without attention no token hears of another
    x = engine.from_numpy(image_batch(32))
    with engine.no_grad():
        before = [head.numpy().copy() for head in network(x)]
        network.tokens.learned[:, token, 0] += 1.0
        after = [head.numpy() for head in network(x)]
    assert [not np.array_equal(a, b) for a, b in zip(after, before)] == [token == 0, token == 1]


@ENGINES
def test_dropout_and_stochastic_depth_draw_in_training_only(engine):
    x = engine.from_numpy(image_batch(32, n=4))
    for options in ({"dropout": 0.5, "stochastic_depth": 0.0}, {"dropout": 0.0, "stochastic_depth": 0.9}):
        network = vit(engine.nn, "Ti/16", **options, **TINY)
        draws = [network(x).detach().numpy() for _ in range(2)]
        assert np.abs(draws[0] - draws[1]).max() > 0
        network.eval()
        assert np.array_equal(*(network(x).detach().numpy() for _ in range(2)))


def epsilons(network):
    return [m.eps for m in network.modules() if isinstance(m, torch.nn.LayerNorm)]


@pytest.mark.parametrize("name,variant", [*NAMES.items(), ("vit_h_14", "H/14")])
def test_tensors_and_epsilons_stand_in_torchvisions_order(name, variant):
    with torch.device("meta"):
        ours, theirs = vit(torch.nn, variant), torchvision.models.get_model(name, weights=None)
    assert [v.shape for v in ours.state_dict().values()] == [v.shape for v in theirs.state_dict().values()]
    assert epsilons(ours) == epsilons(theirs)


def torchvisions(name, image):
    """Also what torchvision begins as zeros is moved: else the class token is silent, and every logit a bias."""
    torch.manual_seed(0)
    reference = torchvision.models.get_model(name, weights=None, image_size=image)
    shake(reference)
    with torch.no_grad():
        reference.class_token.normal_()
        reference.encoder.pos_embedding.normal_()
        reference.heads.head.weight.normal_(std=0.1)
    return reference


@pytest.mark.slow
@pytest.mark.parametrize("name,image", [("vit_b_16", 32), ("vit_b_16", 224), ("vit_b_32", 64)])
def test_torchvisions_weights_give_torchvisions_logits(name, image):
    reference = torchvisions(name, image)
    network = from_torchvision(vit(twice.nn, NAMES[name], image=image), reference.state_dict())
    assert_same_logits(network, reference, image_batch(image))


@pytest.mark.slow
def test_an_exchange_of_two_tensors_would_show():
    assert_exchanges_show(torchvisions("vit_b_32", 64), image_batch(64), pairs=30)


@pytest.mark.slow
def test_weights_for_another_size_of_image_are_refused():
    state = torchvisions("vit_b_32", 64).state_dict()
    with pytest.raises(ValueError, match=r"pos_embedding has shape \(1, 5, 768\), expected \(1, 10, 768\) for posi"):
        from_torchvision(vit(twice.nn, "B/32", image=96), state)


@ENGINES
def test_the_smallest_image_is_one_patch(engine):
    network = vit(engine.nn, "Ti/16", **TINY | {"image": 16})
    assert tuple(network(engine.from_numpy(image_batch(16))).shape) == (1, 5)
    with pytest.raises(ValueError, match="vit: image is 15, expected a number of at least 16"):
        vit(engine.nn, "Ti/16", image=15)


@ENGINES
def test_an_image_of_another_size_gets_a_sentence(engine):
    with pytest.raises(ValueError, match=r"vit: x has shape \(1, 3, 48, 48\), expected \(N, 3, 32, 32\), or another"):
        vit(engine.nn, "Ti/16", **TINY)(engine.from_numpy(image_batch(48)))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"variant": "B/8"}, "vit: variant is 'B/8', expected one of Ti/14, Ti/16"),
        ({"width": -1}, "vit: width is -1, expected a factor above 0"),
        ({"classes": 0}, "vit: classes is 0, expected a number of at least 1"),
        ({"image": 225}, "vit: image is 225, expected a multiple of the patch, 16"),
        ({"stochastic_depth": 1}, "vit: stochastic_depth is 1, expected a number below 1"),
        ({"stochastic_depth": -0.1}, "vit: stochastic_depth is -0.1, expected a number of at least 0"),
    ],
)
def test_a_bad_option_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        vit(twice.nn, **options)
    with pytest.raises(ValueError, match=message.replace("vit", "deit", 1)):
        deit(twice.nn, **options)
