import numpy as np
import pytest
import torch

import twice
from train.support import ENGINES, NAMES, arrays, assert_same_bits, model_of, perceptron, points, twins
from twice.data import batches, load, random_crop, random_flip, to_planes
from twice.train import evaluate, fit

both = pytest.mark.parametrize("engine", ENGINES, ids=NAMES)


def sgd(engine, lr=0.1, **options):
    return lambda parameters: engine.optim.SGD(parameters, lr=lr, **options)


# ── what it computes ────────────────────────────────────────────────────────────────────────────────────────────


@both
def test_it_is_the_loop_that_one_would_write(engine):
    x, y = points(21)
    net, bare = model_of(engine), model_of(engine)
    history = fit(net, (x, y), epochs=3, batch_size=8, seed=5, optimizer=sgd(engine, momentum=0.9))

    optimizer, losses = engine.optim.SGD(bare.parameters(), lr=0.1, momentum=0.9), []
    for epoch in range(3):
        for indices in batches(21, 8, seed=5, epoch=epoch):
            loss = engine.nn.functional.cross_entropy(
                bare(engine.from_numpy(x[indices])), engine.from_numpy(y[indices].astype(np.int64))
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert_same_bits(arrays(net.state_dict()), arrays(bare.state_dict()))
    np.testing.assert_allclose(history.losses, losses, rtol=1e-12)
    means = [(8 * a + 8 * b + 5 * c) / 21 for a, b, c in np.reshape(losses, (3, 3))]
    np.testing.assert_allclose(history["train_loss"], means, rtol=1e-12)


@pytest.mark.parametrize("schedule_every", ["epoch", "step"])
def test_both_engines_write_the_same_history(schedule_every):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 10, 10, 1)).astype(np.uint8), rng.integers(0, 4, 30)

    def build(nn):
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 4))

    def train(engine, net):
        return fit(
            net, (x[:24], y[:24]), validation=(x[24:], y[24:]), epochs=4, batch_size=7, schedule_every=schedule_every,
            optimizer=lambda p: engine.optim.Adam(p, lr=0.01, weight_decay=0.01),
            schedule=lambda o: engine.optim.lr_scheduler.CosineAnnealingLR(o, 16), clip_norm=0.5,
            augment=lambda x, rng: random_crop(random_flip(x, rng), rng, 8), transform=crop_and_scale,
        )  # fmt: skip

    def crop_and_scale(x):
        return to_planes(x[:, :8, :8])

    ours, theirs = (train(e, net) for e, net in zip(ENGINES, twins(build, double=True)))
    assert set(ours.columns) == {
        "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr",
    }  # fmt: skip
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.rates, theirs.rates, rtol=0, atol=1e-12)
    for name in ours.columns:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-8, err_msg=name)
    assert len(set(ours.rates)) == (4 if schedule_every == "epoch" else 16)


@both
def test_a_small_network_learns_the_digits(engine):
    digits = load("digits")
    engine.manual_seed(0)
    net = engine.nn.Sequential(
        engine.nn.Flatten(), engine.nn.Linear(64, 32), engine.nn.ReLU(), engine.nn.Linear(32, 10)
    )
    scaled = lambda x: to_planes(x, 16)
    history = fit(net, (digits.train_x, digits.train_y), validation=(digits.test_x, digits.test_y), epochs=10,
                  batch_size=32, optimizer=sgd(engine, momentum=0.9), transform=scaled)  # fmt: skip
    assert history.last["validation_accuracy"] > 0.9
    assert history["train_loss"][-1] < 0.2 * history["train_loss"][0]


@both
def test_the_same_seed_gives_the_same_run_and_another_seed_another(engine):
    def train(seed):
        net = model_of(engine, dropout=0.5)
        noisy = lambda x, rng: x + rng.standard_normal(x.shape)
        return fit(net, points(), epochs=2, batch_size=16, augment=noisy, seed=seed), arrays(net.state_dict())

    engine.manual_seed(1)
    (first, weights), (other, _) = train(3), train(4)
    engine.manual_seed(2)  # what was drawn before does not matter
    again, same = train(3)
    assert first == again
    assert first.losses != other.losses
    assert_same_bits(weights, same)


@both
def test_dropout_draws_anew_in_every_step(engine):
    masks = []

    def loss(output, target):
        masks.append(tuple((output == 0).flatten().tolist()))
        return output.sum()

    net = engine.nn.Sequential(engine.nn.Linear(6, 40), engine.nn.Dropout(0.5))
    fit(net, points(8), epochs=2, batch_size=4, loss=loss)
    assert len(set(masks)) == 4


@both
def test_the_gradient_is_clipped(engine):
    net, (x, y) = model_of(engine), points()
    before = np.concatenate([v.ravel() for v in arrays(net.state_dict()).values()])
    fit(net, (x, y), epochs=1, batch_size=len(x), optimizer=sgd(engine, lr=1.0), clip_norm=0.01)
    after = np.concatenate([v.ravel() for v in arrays(net.state_dict()).values()])
    np.testing.assert_allclose(np.linalg.norm(after - before), 0.01, rtol=1e-3)


# ── what it takes ───────────────────────────────────────────────────────────────────────────────────────────────


@both
def test_a_dataset_gives_what_its_arrays_give(engine):
    x, y = points()

    class Pairs:
        def __len__(self):
            return len(x)

        def __getitem__(self, i):
            return x[i], y[i]

    nets = [model_of(engine) for _ in range(2)]
    first, second = (fit(net, data, epochs=2, batch_size=16) for net, data in zip(nets, [(x, y), Pairs()]))
    assert first == second


@both
def test_a_dataset_that_draws_is_the_same_in_every_run(engine):
    x, y = points()

    class Noisy:
        def __len__(self):
            return len(x)

        def __getitem__(self, i):
            return x[i] + engine.randn(6).numpy(), y[i]

    first, second = (fit(model_of(engine), Noisy(), epochs=2, batch_size=16) for _ in range(2))
    assert first == second


@both
def test_inputs_and_targets_may_be_several(engine):
    class Two(engine.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = engine.nn.Linear(6, 3), engine.nn.Linear(2, 3)

        def forward(self, x, z):
            return self.a(x) + self.b(z), self.b(z)

    x, y = points()
    z = np.ones((len(x), 2))
    entropy = engine.nn.functional.cross_entropy
    loss = lambda output, target: entropy(output[0], target[0]) + (output[1] - target[1]).square().mean()
    history = fit(Two(), ((x, z), (y, np.zeros((len(x), 3)))), loss=loss, epochs=3)
    assert history.losses[-1] < history.losses[0]


@both
def test_prepare_takes_pixels_on_the_device(engine):
    x, y = np.arange(60, dtype=np.uint8).reshape(10, 6), np.arange(10) % 3
    nets = model_of(engine), model_of(engine)
    first = fit(nets[0], (x, y), epochs=2, batch_size=4, prepare=lambda x: x.float() / 64)
    second = fit(nets[1], (x, y), epochs=2, batch_size=4, transform=lambda x: x.astype(np.float32) / 64)
    np.testing.assert_allclose(first.losses, second.losses, rtol=1e-6)


@both
def test_an_optimizer_and_a_schedule_may_be_given_as_they_are(engine):
    net, other = model_of(engine), model_of(engine)
    optimizer = engine.optim.SGD(net.parameters(), lr=0.1)
    given = fit(net, points(), optimizer=optimizer, schedule=engine.optim.lr_scheduler.StepLR(optimizer, 1), epochs=3)
    made = fit(other, points(), optimizer=sgd(engine), schedule=lambda o: engine.optim.lr_scheduler.StepLR(o, 1),
               epochs=3)  # fmt: skip
    assert given == made
    np.testing.assert_allclose(given["lr"], [0.1, 0.01, 0.001])


@both
def test_what_is_frozen_stays(engine):
    net = model_of(engine)
    net[0].requires_grad_(False)
    before = arrays(net.state_dict())
    fit(net, points(), epochs=1)
    after = arrays(net.state_dict())
    assert_same_bits(before["0.weight"], after["0.weight"])
    assert not np.array_equal(before["3.weight"], after["3.weight"])


# ── validation ──────────────────────────────────────────────────────────────────────────────────────────────────


@both
def test_evaluation_is_that_of_all_samples_at_once(engine):
    x, y = points(41)
    net = model_of(engine, norm=True, dropout=0.5)
    fit(net, (x, y), epochs=1)
    found = evaluate(net, (x, y), batch_size=16, metrics={
        "accuracy": lambda output, target: output.argmax(1) == target,
        "spread": lambda output, target: output.std(),
    })  # fmt: skip
    scores = net.eval()(engine.from_numpy(x)).detach().numpy().astype(float)
    shifted = scores - scores.max(1, keepdims=True)
    entropy = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(41), y]
    assert found["accuracy"] == pytest.approx((scores.argmax(1) == y).mean(), abs=1e-15)
    assert found["loss"] == pytest.approx(entropy.mean(), rel=1e-6)
    parts = [scores[:16], scores[16:32], scores[32:]]
    assert found["spread"] == pytest.approx(sum(len(p) * p.std(ddof=1) for p in parts) / 41, rel=1e-5)


@both
def test_patience_ends_the_run_and_brings_the_best_weights_back(engine):
    x, y = points()

    def grow(optimizer):  # the rate explodes after two epochs
        return engine.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0 if epoch < 2 else 1e3)

    net = model_of(engine)
    history = fit(net, (x, y), validation=points(30, seed=1), epochs=20, batch_size=10, schedule=grow, patience=3)
    assert history.best < len(history) == history.best + 3
    assert min(history["validation_loss"]) == history["validation_loss"][history.best - 1]
    assert evaluate(net, points(30, seed=1))["loss"] == pytest.approx(min(history["validation_loss"]), rel=1e-6)


@both
def test_a_plateau_schedule_sees_the_validation_loss(engine):
    seen = []

    class Watching(engine.optim.lr_scheduler.ReduceLROnPlateau):
        def step(self, metrics):
            seen.append(metrics)
            super().step(metrics)

    history = fit(model_of(engine), points(), validation=points(seed=1), epochs=3, schedule=Watching)
    assert seen == history["validation_loss"]


# ── what it leaves alone ────────────────────────────────────────────────────────────────────────────────────────


@both
def test_the_random_numbers_outside_and_the_modes_stay_as_they_were(engine):
    net = model_of(engine, norm=True)
    net.eval()
    net[3].train()
    engine.manual_seed(7)
    expected = engine.randn(4).tolist()
    engine.manual_seed(7)
    fit(net, points(), validation=points(), epochs=1)
    evaluate(net, points())
    assert engine.randn(4).tolist() == expected
    assert [module.training for module in net] == [False, False, False, True, False]


def test_the_modes_come_back_after_an_error_too():
    net = perceptron(twice.nn).eval()
    with pytest.raises(ZeroDivisionError):
        fit(net, points(), loss=lambda output, target: 1 / 0)
    assert not net.training


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────

X, Y = points()
MISTAKES = [
    ({"epochs": 0}, "epochs is 0, expected a whole number of at least 1"),
    ({"batch_size": 2.5}, "batch_size is 2.5, expected a whole"),
    ({"seed": -1}, "seed is -1, expected a whole number of at least 0"),
    ({"patience": 2}, "patience looks at the validation loss and validation is None"),
    ({"patience": 0, "validation": (X, Y)}, "patience is 0, expected"),
    ({"clip_norm": 0}, "clip_norm is 0, expected a number above 0"),
    ({"schedule_every": "batch"}, "schedule_every is 'batch', expected 'epoch' or 'step'"),
    ({"data": (X, Y[:-1])}, r"the arrays of data have \[40, 39\] rows"),
    ({"validation": (X[:0], Y[:0])}, "validation is empty"),
    ({"data": X}, "data is a ndarray, expected"),
    ({"data": (X.astype(np.uint8), Y)}, "x is uint8, expected floats"),
    ({"metrics": ("acuracy",)}, "metrics has 'acuracy', expected accuracy"),
    ({"metrics": {"loss": len}}, "metrics has the name 'loss'"),
    ({"drop_last": True, "batch_size": 64}, "drop_last leaves none of 40 samples in batches of 64"),
    ({"checkpoint": "run.pt"}, r"checkpoint is 'run.pt', expected a file that ends in .npz"),
    ({"schedule": lambda optimizer: 0.1}, "schedule gave a float, expected a scheduler"),
]  # fmt: skip


@both
@pytest.mark.parametrize("options, sentence", MISTAKES)
def test_a_mistake_gets_a_sentence(engine, options, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        fit(model_of(engine), **{"data": (X, Y), "epochs": 1} | options)


@both
def test_a_plateau_schedule_needs_epochs_and_a_validation(engine):
    plateau = engine.optim.lr_scheduler.ReduceLROnPlateau
    with pytest.raises(ValueError, match="ReduceLROnPlateau looks at the validation loss"):
        fit(model_of(engine), (X, Y), schedule=plateau)
    with pytest.raises(ValueError, match="schedule_every is 'step', expected 'epoch'"):
        fit(model_of(engine), (X, Y), validation=(X, Y), schedule=plateau, schedule_every="step")


@pytest.mark.parametrize("options", [
    {"precision": "bfloat16"}, {"device": "cuda"}, {"compile": True}, {"channels_last": True}, {"workers": 2},
], ids=lambda options: next(iter(options)))  # fmt: skip
def test_the_numpy_engine_says_what_it_lacks(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name} is {value!r} for a model of the NumPy engine"):
        fit(perceptron(twice.nn), (X, Y), **options)


def test_the_optimizer_must_be_of_the_models_engine():
    with pytest.raises(TypeError, match=r"optimizer is a torch.*expected one of twice.optim"):
        fit(perceptron(twice.nn), (X, Y), optimizer=torch.optim.SGD(perceptron(torch.nn).parameters(), 0.1))


@both
def test_optimizer_and_schedule_must_belong_together_and_to_the_model(engine):
    net, other = model_of(engine), engine.optim.SGD(model_of(engine).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="optimizer has none of the model's parameters"):
        fit(net, (X, Y), optimizer=other)
    with pytest.raises(ValueError, match="schedule belongs to another optimizer"):
        fit(net, (X, Y), schedule=engine.optim.lr_scheduler.StepLR(other, 1))


def test_a_model_must_be_a_module():
    with pytest.raises(TypeError, match=r"evaluate: model is a str, expected a module of twice.nn or of torch.nn"):
        evaluate("net", (X, Y))


@both
def test_several_heads_need_a_loss_of_their_own(engine):
    class Heads(engine.nn.Linear):
        def forward(self, x):
            return super().forward(x), super().forward(x)

    with pytest.raises(TypeError, match="the model answers a tuple of 2, expected one tensor of scores"):
        fit(Heads(6, 3), (X, Y))
