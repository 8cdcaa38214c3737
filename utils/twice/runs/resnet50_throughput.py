"""How many images a second ResNet-50 trains on, the course's and torchvision's in turns, on one GPU."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from twice.networks import resnet
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Trainer


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Rounds of steps, in each of them both models; the medians count. The images are random and stay on the device."""
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(trainer.seed)
    makers = {"twice": lambda: resnet(torch.nn, 50), "torchvision": lambda: resnet50()}
    steps = {name: training_step(make, settings, trainer.device) for name, make in makers.items()}
    for step in steps.values():
        seconds(step, settings["warmup"], trainer.device)
    rounds: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(settings["rounds"]):
        for name in sorted(steps, reverse=i % 2 == 1):
            taken = seconds(steps[name], settings["steps"], trainer.device)
            rounds[name].append(settings["batch_size"] * settings["steps"] / taken)
    rates = {name: statistics.median(values) for name, values in rounds.items()}
    kept = {name: settings[name] for name in ("image", "batch_size", "compile")}
    rows = [
        {"model": name, **kept, "images_a_second": rate, "ratio": rate / rates["torchvision"]}
        for name, rate in rates.items()
    ]
    return Measured(rows, finding(rates), {name: {"images_a_second": values} for name, values in rounds.items()})


def training_step(make: Callable[[], Any], settings: Mapping[str, Any], device: str) -> Callable[[], None]:
    """Forward in reduced precision, loss, backward, update; compiled if the settings say so."""
    import torch
    from torch.nn.functional import cross_entropy

    model = make().to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, fused=True)
    side, n = settings["image"], settings["batch_size"]
    x = torch.randn(n, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)
    y = torch.randint(1000, (n,), device=device)
    run = torch.compile(model) if settings["compile"] else model

    def step() -> None:
        with torch.autocast(device, torch.bfloat16):
            loss = cross_entropy(run(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], None], count: int, device: str) -> float:
    """The time of so many steps, until the device is done with them."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    for _ in range(count):
        step()
    wait()
    return time.perf_counter() - start


def finding(rates: Mapping[str, float]) -> str:
    """The ratio, and both numbers."""
    ratio = rates["twice"] / rates["torchvision"]
    return (
        f"The course's ResNet-50 trains on {rates['twice']:,.3g} images a second, torchvision's on "
        f"{rates['torchvision']:,.3g}: a ratio of {ratio:.3f}."
    )


EXPERIMENT = Experiment(
    "Training ResNet-50 in bfloat16, channels last: the course's and torchvision's",
    measure,
    {
        "small": {"batch_size": 2, "image": 32, "warmup": 1, "steps": 1, "rounds": 1, "compile": False},
        "full": {"batch_size": 256, "image": 224, "warmup": 20, "steps": 30, "rounds": 7, "compile": True},
    },
    on_gpu_alone=("full",),
)
