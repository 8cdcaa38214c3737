"""The work list: each operation built on either engine, and the bar it must meet."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from twice.networks import cifar_resnet, lenet, resnet


class Engine:
    """One of the two: the namespaces of the same names, and how to make a tensor of an array."""

    def __init__(self, name: str):
        self.name, self.top = name, import_module(name)
        self.nn, self.F, self.optim = (import_module(f"{name}.{room}") for room in ("nn", "nn.functional", "optim"))

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        t = self.top.from_numpy(array.copy())
        return t.requires_grad_() if requires_grad else t


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """The same float32 numbers for both engines."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@dataclass(frozen=True)
class Case:
    """One row: `build(engine)` prepares it and returns what to time: a forward pass, and forward and backward."""

    op: str
    build: Callable[[Engine], tuple[Callable[[], Any], Callable[[], Any]]]
    gate: float | None = None
    counted: bool = True  # whether it enters the geometric mean
    forward_gate: float | None = None
    memory_gate: float | None = None


def differentiated(function: Callable[..., Any], inputs: list, cotangent: Any = None) -> tuple:
    """Forward without the tape; forward and backward to every input that asks for it."""

    def step() -> None:
        for t in inputs:
            t.grad = None
        y = function()
        y.backward() if cotangent is None else y.backward(cotangent)

    return function, step


def operation(shape: tuple[int, ...], call: Callable[..., Any], *weights: tuple[int, ...]) -> Callable:
    """A function of an input and weights, all differentiated."""

    def build(engine: Engine) -> tuple:
        inputs = [engine.tensor(random(*s, seed=i), True) for i, s in enumerate((shape, *weights))]
        function = lambda: call(engine.F, *inputs)
        with engine.top.no_grad():
            cotangent = engine.tensor(random(*function().shape, seed=9))
        return differentiated(function, inputs, cotangent)

    return build


def conv(x: tuple[int, ...], w: tuple[int, ...], **options: int) -> Callable:
    """A two-dimensional convolution with bias."""
    return operation(x, lambda F, x, w, b: F.conv2d(x, w, b, **options), w, (w[0],))


def layer(
    shape: tuple[int, ...], make: Callable[[Any], Any], call: Callable[[Any, Any], Any] | None = None
) -> Callable:
    """A module in training mode, its input and parameters differentiated."""

    def build(engine: Engine) -> tuple:
        module, x = make(engine.nn), engine.tensor(random(*shape), True)
        function = lambda: call(module, x) if call else module(x)
        with engine.top.no_grad():
            cotangent = engine.tensor(random(*function().shape, seed=9))
        return differentiated(function, [x, *module.parameters()], cotangent)

    return build


def cross_entropy(engine: Engine) -> tuple:
    """Softmax and cross-entropy over 10,000 classes."""
    scores = engine.tensor(random(2048, 10000), True)
    target = engine.tensor(np.random.default_rng(0).integers(0, 10000, 2048))
    return differentiated(lambda: engine.F.cross_entropy(scores, target), [scores])


def adam(engine: Engine) -> tuple:
    """One step over ten million parameters."""
    p = engine.tensor(random(10_000_000), True)
    p.grad = engine.tensor(random(10_000_000, seed=1))
    optimizer = engine.optim.Adam([p], lr=1e-3)
    return optimizer.step, optimizer.step


def training_step(make: Callable[[Any], Any], shape: tuple[int, ...], classes: int = 10) -> Callable:
    """Forward, loss, backward and an SGD step; the forward alone is the network's."""

    def build(engine: Engine) -> tuple:
        network = make(engine.nn)
        optimizer = engine.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
        x = engine.tensor(random(*shape))
        target = engine.tensor(np.random.default_rng(0).integers(0, classes, shape[0]))

        def step() -> None:
            optimizer.zero_grad()
            engine.F.cross_entropy(network(x), target).backward()
            optimizer.step()

        return lambda: network(x), step

    return build


def perceptron(nn: Any) -> Any:
    """Three small layers: what is timed is the tape more than the arithmetic."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def resnet50(engine: Engine) -> tuple:
    """ResNet-50 on one image, forward only."""
    network, x = resnet(engine.nn, 50).eval(), engine.tensor(random(1, 3, 224, 224))
    return lambda: network(x), None


def self_attention(nn: Any) -> Any:
    """Eight heads over 256 features."""
    return nn.MultiheadAttention(256, 8, batch_first=True)


def attend(module: Any, x: Any) -> Any:
    """Self-attention without the weights."""
    return module(x, x, x, need_weights=False)[0]


CASES = [
    Case("LeNet conv 1", conv((64, 1, 28, 28), (6, 1, 5, 5), padding=2), 0.6),
    Case("LeNet conv 2", conv((64, 6, 14, 14), (16, 6, 5, 5)), 1.1),
    Case("AlexNet conv 1", conv((16, 3, 227, 227), (96, 3, 11, 11), stride=4), 0.75),
    Case("AlexNet conv 2", conv((16, 96, 27, 27), (256, 96, 5, 5), padding=2), 1.0),
    Case("AlexNet conv 3", conv((16, 256, 13, 13), (384, 256, 3, 3), padding=1), 1.0),
    Case("VGG conv 3", conv((4, 128, 56, 56), (256, 128, 3, 3), padding=1), 0.9),
    Case("ResNet 1×1", conv((16, 256, 56, 56), (64, 256, 1, 1)), 0.9),
    Case("ResNet 3×3 stride 2", conv((16, 128, 56, 56), (128, 128, 3, 3), stride=2, padding=1), 1.15),
    Case("depthwise 3×3", conv((16, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128), 2.2),
    Case("max pool 3/2", operation((16, 64, 112, 112), lambda F, x: F.max_pool2d(x, 3, 2)), 0.7),
    Case("max pool 2/2", operation((16, 64, 112, 112), lambda F, x: F.max_pool2d(x, 2, 2)), 0.5),
    Case("BatchNorm", layer((16, 64, 56, 56), lambda nn: nn.BatchNorm2d(64)), 1.1),
    Case("softmax cross-entropy", cross_entropy, 1.0),
    Case("LSTM", layer((64, 64, 256), lambda nn: nn.LSTM(256, 256), lambda m, x: m(x)[0]), 1.4),
    Case("multi-head attention", layer((16, 128, 256), self_attention, attend), 0.7),
    Case("LayerNorm", layer((8192, 768), lambda nn: nn.LayerNorm(768)), 3.5),
    Case("Adam, 10 M parameters", adam, 1.0),
    Case("LeNet-5 step, batch 64", training_step(lambda nn: lenet(nn, "tanh", image=28), (64, 1, 28, 28)), 0.9),
    Case("ResNet-20 step, batch 32", training_step(lambda nn: cifar_resnet(nn, 20), (32, 3, 32, 32)), 1.8),
    Case("MLP step, batch 32", training_step(perceptron, (32, 784)), 2.0, counted=False),
    Case("ResNet-50, one image", resnet50, counted=False, forward_gate=1.3, memory_gate=1500),
]  # fmt: skip
MEAN_GATE = 0.95
