"""What torch alone offers: devices, reduced precision, layouts, compiling, loading ahead."""

import numpy as np
import pytest
import torch

import twice
from train.support import assert_same_bits, model_of, points
from twice.train import evaluate, fit

cuda = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=cuda)])


def images(n=24):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return (rng.standard_normal((n, 3, 8, 8)) + y[:, None, None, None]).astype(np.float32), y


def small_cnn():
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(288, 2)
    )


@devices
@pytest.mark.parametrize("precision, dtype", [("bfloat16", torch.bfloat16), ("float16", torch.float16)])
def test_layers_compute_in_the_precision_and_weights_stay_in_full(device, precision, dtype):
    seen = set()
    net = small_cnn()
    net[3].register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    options = {"epochs": 6, "batch_size": 8, "clip_norm": 1.0, "device": device}
    history = fit(net, images(), validation=images(), precision=precision, **options)
    assert seen == {dtype}
    assert all(p.dtype is torch.float32 for p in net.parameters())
    assert history["train_loss"][-1] < 0.7 * history["train_loss"][0]
    exact = fit(small_cnn(), images(), **options)
    np.testing.assert_allclose(history["train_loss"], exact["train_loss"], atol=0.05)


def test_the_scale_of_float16_losses_goes_through_a_checkpoint(tmp_path):
    def train(path, stop_at=None):
        def augment(x, rng):
            steps.append(0)
            if len(steps) == stop_at:
                raise InterruptedError
            return x

        def loss(output, target):
            return 30 * torch.nn.functional.cross_entropy(output, target)  # the first scales overflow

        steps, net = [], small_cnn()
        history = fit(net, images(), epochs=3, batch_size=8, precision="float16", augment=augment, checkpoint=path,
                      checkpoint_steps=1, clip_norm=1.0, loss=loss)  # fmt: skip
        return history, net.state_dict()

    whole, state = train(tmp_path / "whole.npz")
    with pytest.raises(InterruptedError):
        train(tmp_path / "run.npz", 5)
    again, same = train(tmp_path / "run.npz")
    assert twice.load(tmp_path / "whole.npz")["state"]["parts"]["scaler"]["scale"] < 2**16
    assert again == whole
    assert_same_bits(dict(same), dict(state))


@devices
def test_channels_last_changes_the_layout_and_not_the_numbers(device, tmp_path):
    layouts = set()
    usual, other, resumed = small_cnn(), small_cnn(), small_cnn()
    for net in (other, resumed):
        net[3].register_forward_pre_hook(
            lambda module, inputs: layouts.add(inputs[0].is_contiguous(memory_format=torch.channels_last))
        )
    fused = lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True)
    options = {"batch_size": 8, "device": device, "optimizer": fused}
    first = fit(usual, images(), epochs=4, **options)
    options |= {"channels_last": True, "checkpoint": tmp_path / "run.npz"}
    fit(resumed, images(), epochs=2, **options)
    second = fit(resumed, images(), epochs=4, **options)
    assert layouts == {True}
    assert resumed[0].weight.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(second.losses, first.losses, rtol=1e-4)
    assert second == fit(other, images(), epochs=4, **options | {"checkpoint": None})


def test_compiled_it_trains_the_same_weights():
    usual, compiled = (model_of(torch, norm=True) for _ in range(2))
    first = fit(usual, points(), validation=points(), epochs=2, batch_size=20)
    second = fit(compiled, points(), validation=points(), epochs=2, batch_size=20, compile={"backend": "eager"})
    np.testing.assert_allclose(second.losses, first.losses, rtol=1e-6)
    assert list(compiled.state_dict()) == list(usual.state_dict())
    np.testing.assert_allclose(compiled[0].weight.detach(), usual[0].weight.detach(), rtol=1e-5, atol=1e-7)


def test_workers_give_the_same_batches():
    class Noisy:
        def __len__(self):
            return 20

        def __getitem__(self, i):
            return torch.randn(6) + i, i % 3

    for data in (points(20), Noisy()):
        runs = [
            fit(
                model_of(torch),
                data,
                epochs=2,
                batch_size=8,
                workers=workers,
                augment=lambda x, rng: x + rng.standard_normal(x.shape),
            )
            for workers in (0, 2)
        ]
        assert runs[0] == runs[1]


@pytest.mark.parametrize("options, sentence", [
    ({"precision": "int8"}, "precision is 'int8', expected one of float32, bfloat16, float16"),
    ({"device": "tpu9"}, "device is 'tpu9', expected 'cpu' or 'cuda'"),
    ({"device": "meta"}, "device is 'meta', expected 'cpu' or 'cuda'"),
    ({"workers": -1}, "workers is -1, expected a whole number of at least 0"),
])  # fmt: skip
def test_a_mistake_gets_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(model_of(torch), points(), **options)


def test_weights_in_half_are_refused():
    with pytest.raises(ValueError, match="the model is in bfloat16, expected float32 or float64"):
        fit(model_of(torch).bfloat16(), points())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_gets_a_sentence():
    with pytest.raises(RuntimeError, match="device is 'cuda' and torch finds no CUDA device here"):
        fit(model_of(torch), points(), device="cuda")


# ── on a GPU ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestOnCuda:
    def test_it_computes_what_the_cpu_computes(self):
        here, there = small_cnn().double(), small_cnn().double()
        first = fit(here, images(), validation=images(), epochs=3, batch_size=7)
        second = fit(there, images(), validation=images(), epochs=3, batch_size=7, device="cuda")
        assert next(there.parameters()).is_cuda
        np.testing.assert_allclose(second.losses, first.losses, rtol=1e-8)
        for name in first.columns:
            np.testing.assert_allclose(second[name], first[name], rtol=1e-8)

    def test_the_default_optimizer_is_fused(self):
        made = []
        schedule = lambda optimizer: made.append(optimizer) or torch.optim.lr_scheduler.StepLR(optimizer, 1)
        fit(small_cnn().cuda(), images(), epochs=1, schedule=schedule)
        assert made[0].defaults["fused"]

    def test_all_of_it_together_goes_on_from_a_checkpoint(self, tmp_path):
        options = {"batch_size": 8, "device": "cuda", "precision": "float16", "channels_last": True, "compile": True,
                   "prepare": lambda x: x * 2, "checkpoint": tmp_path / "run.npz"}  # fmt: skip
        net = small_cnn()
        fit(net, images(), epochs=1, **options)
        history = fit(net, images(), validation=None, epochs=30, **options)
        assert len(history) == 30
        assert history["train_loss"][-1] < 0.5 * history["train_loss"][0]
        found = evaluate(net, images(), device="cuda", prepare=lambda x: x * 2)
        assert found["accuracy"] > 0.9

    def test_workers_fill_pinned_memory(self):
        runs = [fit(small_cnn(), images(), epochs=2, batch_size=8, device="cuda", workers=w) for w in (0, 2)]
        np.testing.assert_allclose(runs[0].losses, runs[1].losses, rtol=1e-5)
