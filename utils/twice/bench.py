"""`twice bench`: the engine against torch on the CPU, operation by operation, side by side in one process.

Every ratio is NumPy's time divided by torch's: below 1, NumPy is faster. The two are timed alternately, in random order,
with a pause before each so that no library's idle threads disturb the other; what is shown are medians. Three facts about
the environment decide such numbers, so the bench runs itself again in an environment where they are settled:

- a kernel pinned for OpenBLAS (`OPENBLAS_CORETYPE`) can halve the speed of NumPy's products: it is cleared;
- glibc's default malloc returns large arrays to the system at once, and both engines then wait for fresh pages: it is told not to;
- OpenBLAS's idle threads spin and slow torch down: they are told to sleep.
"""

import os
import platform
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 9
PAUSE = 0.03
SHORTEST = 0.03  # seconds that one timing should last: short operations are repeated


@dataclass(frozen=True)
class Case:
    """One row: `build(engine)` prepares it and returns what to time: a forward pass, and forward and backward."""

    op: str
    build: Callable[["Engine"], tuple[Callable[[], Any], Callable[[], Any]]]
    gate: float | None = None
    counted: bool = True  # whether it enters the geometric mean
    forward_gate: float | None = None
    memory_gate: float | None = None


@dataclass
class Row:
    """What was measured of one operation."""

    op: str
    ratio_forward: float
    ratio_forward_backward: float | None
    gemm_share: float
    peak_mb: float
    ours_ms: float
    theirs_ms: float
    gate: float | None
    counted: bool
    passed: bool


class Engine:
    """One of the two: the namespaces of the same names, and how to make a tensor of an array."""

    def __init__(self, name: str):
        if name == "twice":
            import twice as top
            import twice.optim as optim
            from twice import nn
            from twice.nn import functional
        else:
            import torch as top
            from torch import nn, optim
            from torch.nn import functional
        self.name, self.top, self.nn, self.F, self.optim = name, top, nn, functional, optim

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        t = self.top.from_numpy(array.copy())
        return t.requires_grad_() if requires_grad else t


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """The same float32 numbers for both engines."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


# ── the work list ───────────────────────────────────────────────────────────────────────────────────────────────


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


def lenet(nn: Any) -> Any:
    """LeNet-5's layers, with tanh and mean pooling."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def perceptron(nn: Any) -> Any:
    """Three small layers: what is timed is the tape more than the arithmetic."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def residual_network(nn: Any, block: Callable[..., Any], stem: list, widths: list[tuple[int, int, int]], c: int) -> Any:
    """A stem, stages of residual blocks (width, stride, blocks), global pooling and a classifier."""
    blocks = []
    for width, stride, count in widths:
        for i in range(count):
            made, c = block(nn, c, width, stride if i == 0 else 1)
            blocks.append(made)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*stem, *blocks, *head, nn.Linear(c, 10 if c < 100 else 1000))


def residual(nn: Any, body: Any, shortcut: Any) -> Any:
    """relu(body(x) + shortcut(x)) as a module of either engine."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.shortcut = body, shortcut
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: Any) -> Any:
            return self.relu(self.body(x) + self.shortcut(x))

    return Residual()


def unit(nn: Any, c: int, k: int, size: int, stride: int = 1) -> list:
    """Convolution and BatchNorm."""
    return [nn.Conv2d(c, k, size, stride, size // 2, bias=False), nn.BatchNorm2d(k)]


def basic_block(nn: Any, c: int, width: int, stride: int) -> tuple:
    """Two 3×3 convolutions beside a shortcut."""
    body = nn.Sequential(*unit(nn, c, width, 3, stride), nn.ReLU(inplace=True), *unit(nn, width, width, 3))
    shortcut = nn.Identity() if c == width else nn.Sequential(*unit(nn, c, width, 1, stride))
    return residual(nn, body, shortcut), width


def bottleneck(nn: Any, c: int, width: int, stride: int) -> tuple:
    """1×1 to fewer channels, 3×3, 1×1 to four times as many."""
    body = nn.Sequential(
        *unit(nn, c, width, 1), nn.ReLU(inplace=True), *unit(nn, width, width, 3, stride), nn.ReLU(inplace=True),
        *unit(nn, width, 4 * width, 1),
    )  # fmt: skip
    shortcut = nn.Identity() if c == 4 * width else nn.Sequential(*unit(nn, c, 4 * width, 1, stride))
    return residual(nn, body, shortcut), 4 * width


def resnet20(nn: Any) -> Any:
    """The CIFAR network of 20 layers."""
    stem = [*unit(nn, 3, 16, 3), nn.ReLU(inplace=True)]
    return residual_network(nn, basic_block, stem, [(16, 1, 3), (32, 2, 3), (64, 2, 3)], 16)


def resnet50(engine: Engine) -> tuple:
    """The layers of ResNet-50 on one image, forward only."""
    nn = engine.nn
    stem = [*unit(nn, 3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    network = residual_network(nn, bottleneck, stem, [(64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)], 64).eval()
    x = engine.tensor(random(1, 3, 224, 224))
    return lambda: network(x), None


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
    Case("multi-head attention", layer((16, 128, 256), lambda nn: nn.MultiheadAttention(256, 8, batch_first=True), attend), 0.7),
    Case("LayerNorm", layer((8192, 768), lambda nn: nn.LayerNorm(768)), 3.5),
    Case("Adam, 10 M parameters", adam, 1.0),
    Case("LeNet-5 step, batch 64", training_step(lenet, (64, 1, 28, 28)), 0.9),
    Case("ResNet-20 step, batch 32", training_step(resnet20, (32, 3, 32, 32)), 1.8),
    Case("MLP step, batch 32", training_step(perceptron, (32, 784)), 2.0, counted=False),
    Case("ResNet-50, one image", resnet50, counted=False, forward_gate=1.3, memory_gate=1500),
]  # fmt: skip
MEAN_GATE = 0.95


# ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────────


def timed(function: Callable[[], Any], repeats: int) -> float:
    """Seconds per call."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def side_by_side(functions: dict[str, Callable[[], Any]], rng: np.random.Generator) -> dict[str, float]:
    """The median seconds of each function, timed in turns, in another order each round."""
    for function in functions.values():
        function()
    repeats = {name: max(1, round(SHORTEST / timed(function, 1))) for name, function in functions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name in rng.permutation(list(functions)):
            time.sleep(PAUSE)
            functions[name]()
            seconds[name].append(timed(functions[name], repeats[name]))
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak_megabytes(function: Callable[[], Any]) -> float:
    """The most memory that NumPy held at once during a call, beyond what it held before."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def gemm_share(function: Callable[[], Any], seconds: float = 0.4) -> float:
    """The share of the time spent in matrix products, by looking every millisecond at the line that runs."""
    import linecache

    target, stop, seen = threading.get_ident(), threading.Event(), [0, 0]

    def look() -> None:
        while not stop.wait(0.001):
            frame = sys._current_frames().get(target)
            if frame is not None:
                line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
                seen[0] += "matmul(" in line or " @ " in line or "einsum(" in line
                seen[1] += 1

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        function()
    stop.set()
    watcher.join()
    return seen[0] / max(1, seen[1])


def measure(case: Case, engines: tuple[Engine, Engine], rng: np.random.Generator) -> Row:
    """Both engines on one case."""
    functions: dict[str, Callable[[], Any]] = {}
    for engine in engines:
        forward, step = case.build(engine)
        functions[f"{engine.name} forward"] = _without_tape(engine, forward)
        if step is not None:
            functions[f"{engine.name} both"] = step
    seconds = side_by_side(functions, rng)
    kind = "both" if "twice both" in functions else "forward"
    main = functions[f"twice {kind}"]
    forward_ratio = seconds["twice forward"] / seconds["torch forward"]
    both_ratio = seconds["twice both"] / seconds["torch both"] if kind == "both" else None
    share, peak = gemm_share(main), peak_megabytes(main)
    passed = (
        (case.gate is None or both_ratio is None or both_ratio <= case.gate)
        and (case.forward_gate is None or forward_ratio <= case.forward_gate)
        and (case.memory_gate is None or peak <= case.memory_gate)
    )
    ours, theirs = seconds[f"twice {kind}"] * 1e3, seconds[f"torch {kind}"] * 1e3
    gate = case.gate if case.gate is not None else case.forward_gate
    return Row(case.op, forward_ratio, both_ratio, share, peak, ours, theirs, gate, case.counted, passed)


def _without_tape(engine: Engine, function: Callable[[], Any]) -> Callable[[], Any]:
    def forward() -> None:
        with engine.top.no_grad():
            function()

    return forward


def geometric_mean(values: Iterable[float]) -> float:
    """exp of the mean logarithm: the fair mean of ratios."""
    return float(np.exp(np.mean(np.log(list(values)))))


def environment(threads: int) -> dict[str, Any]:
    """What the numbers depend on."""
    import torch
    from threadpoolctl import threadpool_info

    keep = ("user_api", "internal_api", "num_threads", "version", "architecture")
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "processor": _processor(),
        "system": platform.system(),
        "threads": threads,
        "libraries": [{k: info[k] for k in keep if k in info} for info in threadpool_info()],
        "settings": {name: os.environ.get(name) for name in [*settings(threads), *CLEARED]},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


# ── the environment ─────────────────────────────────────────────────────────────────────────────────────────────

CLEARED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def settings(threads: int) -> dict[str, str]:
    """What must be set before NumPy and torch are loaded."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_THREAD_TIMEOUT": "20",
        "MALLOC_MMAP_THRESHOLD_": "4000000000",
        "MALLOC_TRIM_THRESHOLD_": "8000000000",
    }


def settle_environment(threads: int) -> None:
    """Start this program again where the environment is not as the bench needs it."""
    wanted = settings(threads)
    if all(os.environ.get(k) == v for k, v in wanted.items()) and not any(k in os.environ for k in CLEARED):
        return
    settled = {k: v for k, v in os.environ.items() if k not in CLEARED} | wanted
    os.execve(sys.executable, [sys.executable, "-m", "twice.cli", *sys.argv[1:]], settled)


def main(json: Path | None = None, threads: int = 1, only: str | None = None) -> bool:
    """Measure, print the table, write the JSON; whether every bar is met."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    settle_environment(threads)
    import torch

    torch.set_num_threads(threads)
    wanted = (only or "*").lower()
    pattern = wanted if any(c in wanted for c in "*?[") else f"*{wanted}*"
    cases = [c for c in CASES if fnmatch(c.op.lower(), pattern)]
    console = Console()
    if not cases:
        console.print(
            f"bench: --only is {only!r}, expected a pattern that fits one of: {', '.join(c.op for c in CASES)}"
        )
        return False
    engines, rng, rows = (Engine("twice"), Engine("torch")), np.random.default_rng(0), []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(cases))
        for case in cases:
            progress.update(task, description=case.op)
            rows.append(measure(case, engines, rng))
            progress.advance(task)
    met = report(rows, console, whole=len(cases) == len(CASES))
    if json:
        result = {"environment": environment(threads), "rows": [asdict(r) for r in rows]}
        json.write_text(dumps(result, indent=2, ensure_ascii=False) + "\n")
    return met


def report(rows: list[Row], console: Any, whole: bool) -> bool:
    """Print the table and the geometric means; whether every bar is met."""
    from rich.table import Table

    table = Table(title="NumPy time ÷ torch time (below 1, NumPy is faster)", title_justify="left")
    table.add_column("operation", no_wrap=True)
    for name in ("forward", "forward+backward", "gate", "GEMM share", "peak MB", "NumPy ms", "torch ms"):
        table.add_column(name, justify="right")
    for r in rows:
        both = "" if r.ratio_forward_backward is None else f"{r.ratio_forward_backward:.2f}"
        mark = "" if r.passed else " ✗"
        cells = (f"{r.ratio_forward:.2f}", both, f"{r.gate:.2f}{mark}", f"{r.gemm_share:.0%}", f"{r.peak_mb:.0f}")
        table.add_row(r.op, *cells, f"{r.ours_ms:.2f}", f"{r.theirs_ms:.2f}", style=None if r.passed else "red")
    console.print(table)
    counted = [r for r in rows if r.counted and r.ratio_forward_backward is not None]
    met = all(r.passed for r in rows)
    if counted:
        forward = geometric_mean(r.ratio_forward for r in counted)
        both = geometric_mean(r.ratio_forward_backward for r in counted)  # type: ignore[misc]
        console.print(f"geometric mean of {len(counted)}: forward {forward:.2f}, forward+backward {both:.2f}")
        met = met and (not whole or both <= MEAN_GATE)
    console.print("all bars are met" if met else "not every bar is met")
    return met
