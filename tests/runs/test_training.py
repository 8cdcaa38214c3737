"""What the experiments share: images by seed and standardised, recipes as they are meant, work that is kept."""

import json
import math
from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn

import twice.nn
from twice import data
from twice.runs import degradation, fc_width, lenet_mnist, mobilenet_width, plain_resnet, relu_tanh
from twice.runs.training import (
    Recipe,
    Trainer,
    costs,
    drawn,
    from_seeds,
    images,
    over_seeds,
    parameters,
    scheduler,
    sgd,
    varied,
)


@pytest.fixture(scope="module")
def digits():
    return images("digits", 96, 50)


def perceptron(nn):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


# ── images ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_training_images_have_mean_0_and_deviation_1_and_the_test_set_follows_their_numbers(digits):
    planes = digits.prepare(digits.train[0])
    assert planes.shape == (96, 1, 8, 8)
    assert planes.dtype == np.float32
    assert planes.mean() == pytest.approx(0, abs=1e-5)
    assert planes.std() == pytest.approx(1, abs=1e-5)
    raw = digits.train[0] / 16
    expected = (digits.test[0][..., 0] / 16 - raw.mean()) / raw.std()
    np.testing.assert_allclose(digits.prepare(digits.test[0])[:, 0], expected, atol=1e-5)


def test_a_part_of_a_set_is_drawn_from_all_of_it_and_always_the_same():
    x, y = np.arange(1000)[:, None, None], np.arange(1000)
    some_x, some_y = drawn(x, y, 100, None)
    np.testing.assert_array_equal(some_x[:, 0, 0, 0], some_y)
    assert len(set(some_y.tolist())) == 100
    assert some_y.max() > 900
    np.testing.assert_array_equal(drawn(x, y, 100, None)[1], some_y)
    np.testing.assert_array_equal(drawn(x, y, None, None)[1], y)


def test_grey_images_become_three_equal_channels():
    found = images("digits", 5, 5, channels=3).train[0]
    assert found.shape == (5, 8, 8, 3)
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_varying_moves_by_at_most_so_many_pixels():
    x = np.zeros((200, 9, 9, 1), np.uint8)
    x[:, 4, 4] = 255
    places = np.argwhere(varied(x, np.random.default_rng(0), 2, flip=False))[:, 1:3]
    assert (places.min(), places.max()) == (2, 6)
    np.testing.assert_array_equal(varied(x, np.random.default_rng(0), 0, flip=False), x)


# ── recipes ─────────────────────────────────────────────────────────────────────────────────────────────────────


def rates(engine_nn, recipe, samples, steps):
    parameter = engine_nn.Linear(1, 1)
    optimizer = sgd(engine_nn, recipe, parameter.parameters())
    schedule, seen = scheduler(engine_nn, recipe, samples), []
    schedule = schedule and schedule(optimizer)
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule:
            schedule.step()
    return seen


def test_a_crop_cuts_a_window_out_of_each_image():
    x = np.arange(200 * 36).reshape(200, 6, 6, 1)
    cut = varied(x, np.random.default_rng(0), 0, flip=False, crop=4)
    assert cut.shape == (200, 4, 4, 1)
    corners = cut[:, 0, 0, 0] - x[:, 0, 0, 0]  # 6 rows down and columns across
    assert set(corners) == {6 * i + j for i in range(3) for j in range(3)}
    np.testing.assert_array_equal(cut[:, -1, -1, 0], x[:, 0, 0, 0] + corners + 21)


def test_the_world_of_shapes_is_a_set_of_images():
    world = images("shapes", 30, 10, size=12, difficulty=0.2)
    assert world.shape == (3, 12, 12)
    assert (len(world.train[0]), len(world.test[0])) == (30, 10)
    prepared = world.prepare(world.train[0])
    np.testing.assert_allclose(prepared.mean((0, 2, 3)), 0, atol=1e-5)
    assert not any((a == b).all() for a in world.train[0] for b in world.test[0])


@pytest.mark.parametrize("engine_nn", [twice.nn, nn], ids=["twice", "torch"])
def test_schedules_are_what_their_names_say(engine_nn):
    recipe = Recipe(epochs=2, rate=0.4, batch_size=10)  # of 25 samples: 3 steps an epoch
    expected = [0.4 * 0.5 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]
    assert rates(engine_nn, recipe, 25, 6) == pytest.approx(expected)
    steps = Recipe(epochs=2, rate=0.4, schedule="steps", milestones=[2, 4])
    assert rates(engine_nn, steps, 25, 6) == pytest.approx([0.4, 0.4, 0.04, 0.04, 0.004, 0.004])
    assert rates(engine_nn, Recipe(epochs=2, rate=0.4, schedule="constant"), 25, 3) == [0.4] * 3


def test_a_recipe_takes_what_it_knows_from_settings():
    assert Recipe.of({"data": "digits", "epochs": 3, "rate": 0.1, "flip": True}, rate=0.2) == Recipe(3, 0.2, flip=True)


def test_the_papers_schedule_for_plain_and_residual_networks():
    recipe = Recipe.of(plain_resnet.EXPERIMENT.scales["full"])
    steps = recipe.epochs * math.ceil(50_000 / recipe.batch_size)
    assert steps == pytest.approx(64_000, rel=0.005)  # section 4.2
    assert (recipe.rate, recipe.momentum, recipe.decay, recipe.batch_size) == (0.1, 0.9, 1e-4, 128)


# ── training ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("engine_nn", [twice.nn, nn], ids=["twice", "torch"])
def test_a_network_learns_and_the_seed_decides_everything(engine_nn, digits):
    recipe = Recipe(epochs=12, rate=0.2, batch_size=16)
    histories = [Trainer(seed).train("x", engine_nn, perceptron, digits, recipe) for seed in (0, 0, 1)]
    losses = [history["train_loss"] for history in histories]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][-1] < losses[0][0] / 2
    assert histories[0]["validation_accuracy"][-1] > 0.5


def test_a_repeat_is_a_seed_of_its_own_and_what_is_asked_afterwards_is_kept(digits):
    recipe = Recipe(epochs=1, rate=0.05, batch_size=32)
    build = lambda nn: nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    trained = [
        Trainer(seed, progress=False).train(
            "net", nn, build, digits, recipe, repeat=repeat, after=lambda model: {"bias": model[1].bias.sum().item()}
        )
        for seed, repeat in ((3, 0), (2, 1), (2, 0))
    ]
    assert trained[0]["bias"] == trained[1]["bias"] != trained[2]["bias"]
    assert trained[0]["train_loss"] == trained[1]["train_loss"]


def test_a_network_trained_from_several_seeds_is_told_by_label_and_in_means():
    asked = []
    train = lambda label, repeat: (
        asked.append((label, repeat))
        or {"validation_accuracy": [0.0, [0.5, 0.75][repeat]], "train_accuracy": [0.1, [0.5, 1.0][repeat]]}
    )
    found = from_seeds("net", 2, train)
    assert asked == [("net, 0", 0), ("net, 1", 1)]
    assert list(found) == ["net, 0", "net, 1"]
    assert over_seeds(found) == {
        "test_accuracy": 0.625, "lowest_accuracy": 0.5, "highest_accuracy": 0.75, "training_accuracy": 0.75,
    }  # fmt: skip


def test_fit_can_be_asked_otherwise_than_the_recipe_says(digits):
    build = lambda nn: nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    recipe = Recipe(epochs=1, rate=0.05, batch_size=32, schedule="constant")
    still = partial(torch.optim.SGD, lr=0.0)
    history = Trainer(0).train(
        "net", nn, build, digits, recipe, optimizer=still, metrics={"first": lambda output, y: output.argmax(1) == 0}
    )
    model = Trainer(0).built(nn, build)
    first = (model(torch.tensor(digits.prepare(digits.test[0]))).argmax(1) == 0).float().mean().item()
    assert history["validation_first"] == [pytest.approx(first)]
    assert "validation_accuracy" not in history


def test_what_a_network_costs():
    build = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.Linear(16, 2))
    assert costs(build, 4) == {"parameters": 4 * 27 + 34, "multiply_adds": 4 * 4 * 27 + 32}


def test_the_seed_decides_the_first_weights():
    torch.manual_seed(5)
    expected = perceptron(nn)
    for ours, theirs in zip(Trainer(5).built(nn, perceptron).parameters(), expected.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    first, second = (Trainer(seed).built(twice.nn, perceptron)[1].weight.detach().numpy() for seed in (5, 6))
    assert not np.allclose(first, second)


def test_epoch_by_epoch_keeps_momentum_and_changes_the_order(digits):
    """Against a loop of torch's own, which takes the same batches."""
    recipe = Recipe(epochs=3, rate=0.05, batch_size=32)
    trainer = Trainer(seed=2)
    model, reference = trainer.built(nn, perceptron), trainer.built(nn, perceptron)
    found = list(trainer.epochs("x", model, nn, digits, recipe))
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.05, momentum=0.9)
    x, y = digits.train
    expected = []
    for epoch in range(3):
        right = 0
        for chosen in data.batches(len(x), 32, seed=2 + epoch):
            output = reference(torch.from_numpy(digits.prepare(x[chosen])))
            target = torch.from_numpy(y[chosen].astype(np.int64))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(output, target).backward()
            optimizer.step()
            right += int((output.argmax(1) == target).sum())
        expected.append(right / len(x))
    assert found == pytest.approx(expected)
    for ours, theirs in zip(model.parameters(), reference.parameters()):
        torch.testing.assert_close(ours, theirs)


class Stopped(Exception):
    """What ends a training in the middle."""


class Counting:
    """Prepares batches and counts them; stops at one."""

    def __init__(self, prepare, stop=None):
        self.prepare, self.stop, self.calls = prepare, stop, 0

    def __call__(self, x):
        self.calls += 1
        if self.calls == self.stop:
            raise Stopped
        return self.prepare(x)


def test_a_training_that_is_stopped_goes_on_from_its_checkpoint(tmp_path, digits, monkeypatch):
    fit = import_module("twice.runs.training").fit
    monkeypatch.setattr("twice.runs.training.fit", lambda *args, **options: fit(*args, **options, checkpoint_steps=1))
    recipe = Recipe(epochs=4, rate=0.1, batch_size=16)  # 6 batches to train and 4 to test in each epoch
    first, second = Counting(digits.prepare, stop=20), Counting(digits.prepare)
    whole = Trainer().train("x", twice.nn, perceptron, digits, recipe)
    with pytest.raises(Stopped):
        Trainer(folder=tmp_path).train("x", twice.nn, perceptron, replace(digits, prepare=first), recipe)
    resuming = Trainer(folder=tmp_path, resume=True)
    resumed = resuming.train("x", twice.nn, perceptron, replace(digits, prepare=second), recipe)
    assert second.calls < 30
    assert resumed | {"seconds": 0} == whole | {"seconds": 0}


def test_what_was_finished_is_taken_over_with_its_time(tmp_path):
    first = Trainer(folder=tmp_path)
    assert first.kept("x", lambda: {"a": [1.5]}) == {"a": [1.5]}
    kept = json.loads((tmp_path / "x.json").read_text())
    resumed = Trainer(folder=tmp_path, resume=True)
    assert resumed.kept("x", lambda: pytest.fail("computed again")) == {"a": [1.5]}
    assert resumed.seconds_before == kept["seconds"]
    assert Trainer(folder=tmp_path).kept("x", lambda: 2) == 2


def test_the_gpus_options_reach_torch_alone_and_only_on_a_gpu():
    recipe = Recipe(1, 0.1, on_gpu={"precision": "bfloat16"})
    assert Trainer(device="cpu").on_device(nn, recipe) == {}
    assert Trainer(device="cuda").on_device(nn, recipe) == {"device": "cuda", "precision": "bfloat16"}
    assert Trainer(device="cuda").on_device(twice.nn, recipe) == {}


# ── the experiments' own parts ──────────────────────────────────────────────────────────────────────────────────


def test_the_four_layers_of_relu_against_tanh():
    model = relu_tanh.network(nn, "Tanh", (3, 32, 32))
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in model.modules()) == 4
    convolutions = 3 * 25 * 32 + 32 + 32 * 25 * 32 + 32 + 32 * 25 * 64 + 64
    assert parameters(model) == convolutions + 64 * 4 * 4 * 10 + 10
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert relu_tanh.network(nn, "ReLU", (1, 9, 9))(torch.zeros(2, 1, 9, 9)).shape == (2, 10)


class Told(Trainer):
    """Whose epochs have the accuracies that a test names, by rate."""

    def __init__(self, accuracies):
        super().__init__()
        self.accuracies, self.asked = accuracies, []

    def epochs(self, label, model, nn, images, recipe):
        self.asked.append((label, recipe.epochs))
        yield from self.accuracies[label][: recipe.epochs]


def test_a_rate_is_given_up_where_it_is_behind_and_the_best_ones_are_compared():
    settings = {"data": "digits", "train": 8, "epochs": 6, "rates": {"ReLU": [0.1, 0.2], "Tanh": [0.1, 0.2]}}
    trainer = Told({
        "ReLU 0.1": [0.5, 0.75, 0.9],
        "ReLU 0.2": [0.1, 0.2, 0.9],
        "Tanh 0.1": [0.7, 0.7, 0.7, 0.7, 0.7, 0.74],
        "Tanh 0.2": [0.7, 0.7, 0.7, 0.7, 0.8],
    })  # fmt: skip
    found = relu_tanh.measure(settings, trainer)
    assert [row["epochs_to_25_%"] for row in found.rows] == [2, None, None, 5]
    assert trainer.asked[1] == ("ReLU 0.2", 2)
    assert "ReLU 2 epochs, Tanh 5 epochs: tanh takes 2.5 times as long." in found.finding
    assert found.curves["ReLU 0.1"]["training_error"] == pytest.approx([0.5, 0.25])


def test_an_activation_that_never_gets_there_is_said_to():
    trainer = Told({"ReLU 0.1": [0.8], "Tanh 0.1": [0.1] * 6})
    settings = {"data": "digits", "train": 8, "epochs": 6, "rates": {"ReLU": [0.1], "Tanh": [0.1]}}
    assert relu_tanh.measure(settings, trainer).finding.endswith("ReLU 1 epochs, Tanh more than 6 epochs.")


@pytest.mark.parametrize("hidden, weights", [([], 64 * 16 * 10 + 10), ([7], 64 * 16 * 7 + 7 + 70 + 10)])
def test_the_head_of_a_network_has_the_hidden_layers_that_were_asked_for(hidden, weights):
    model = fc_width.network(nn, [[8], [64]], hidden, (3, 16, 16))
    assert parameters(model.head) == weights
    assert model(torch.zeros(2, 3, 16, 16)).shape == (2, 10)


def test_findings_name_the_best():
    rows = [
        {"network": "shallow", "fully_connected": words, "test_accuracy": a}
        for words, a in [("10", 0.5), ("4 × 10", 0.625)]
    ]
    assert fc_width.finding(rows) == "Best on the test set: shallow: 4 × 10, 12.5 points above the output layer alone."
    rows = [
        {"engine": e, "variant": v, "test_accuracy": a}
        for e, v, a in [
            ("NumPy", "tanh", 0.5),
            ("NumPy", "modern", 0.25),
            ("PyTorch", "tanh", 0.125),
            ("PyTorch", "modern", 0.75),
        ]
    ]
    assert "NumPy 50.00 % with the variant 'tanh' and PyTorch 75.00 % with the variant 'modern'" in lenet_mnist.finding(
        rows
    )
    rows = [{"width": w, "multiply_adds": m, "test_accuracy": a} for w, m, a in [(1.0, 300, 0.75), (0.25, 100, 0.5)]]
    assert "From width 0.25 to 1.0 the test accuracy changes by +25.0 points, for 3.0 times" in mobilenet_width.finding(
        rows
    )
    rows = [
        {"network": n, "depth": d, "training_error": e}
        for n, d, e in [("plain", 20, 0.25), ("plain", 56, 0.5), ("residual", 20, 0.25), ("residual", 56, 0.125)]
    ]
    plain, residual = ("25.0 % at 20 layers to 50.0 % at 56", "25.0 % at 20 layers to 12.5 % at 56")
    assert f"in plain networks from {plain} and in residual networks from {residual}." in plain_resnet.finding(rows)
    plain, residual = ("25.0 % at 20, 50.0 % at 56 layers", "25.0 % at 20, 12.5 % at 56 layers")
    assert f"plain networks have {plain}; residual networks have {residual}." in degradation.finding(rows)
