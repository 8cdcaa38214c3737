"""How torch trains: on a CPU or a GPU, in reduced precision, compiled, in several processes."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader

from twice.files import from_torch, to_torch
from twice.train import processes
from twice.train.feed import Batch, Epoch, each

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
DTYPES: dict[torch.dtype, np.dtype] = {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}


class TorchEngine:
    """See `Engine`."""

    name, nn, optim, no_grad = "torch", nn, optim, torch.no_grad

    def __init__(
        self,
        where: str,
        model: nn.Module,
        device: Any,
        precision: str,
        channels_last: bool,
        compile: bool | dict[str, Any],
        workers: int,
    ):
        if precision not in PRECISIONS:
            raise ValueError(f"{where}: precision is {precision!r}, expected one of {', '.join(PRECISIONS)}")
        self.processes = processes.from_environment(where)
        self.device = _device(where, model, device, self.processes)
        layout = torch.channels_last if channels_last else torch.preserve_format
        self.model = model.to(self.device).to(memory_format=layout)
        self.reduced, self.compile, self.workers = PRECISIONS[precision], compile, workers
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "float16")
        self.dtype = _dtype(where, model)
        self.net = self.plain = self._compiled(self.model)
        # to read a loss is to wait for the device, or for the other processes
        self.lag = 1 if self.device.type == "cpu" and self.processes.world == 1 else 16
        if self.processes.world > 1:
            processes.meet(self.device)

    def join(self, where: str) -> None:
        if self.processes.world > 1:
            self.model = processes.synchronized(where, self.model, self.device)
            self.plain = self._compiled(self.model)
            self.net = self._compiled(processes.averaging(self.model, self.device))

    def _compiled(self, model: Any) -> Any:
        if self.compile is False:
            return model
        return torch.compile(model, **(self.compile if isinstance(self.compile, dict) else {}))

    def default_optimizer(self, parameters: Sequence[Any]) -> optim.Optimizer:
        return optim.SGD(parameters, lr=0.01, momentum=0.9, fused=self.device.type == "cuda" or None)

    # ── random numbers ──────────────────────────────────────────────────────────────────────────────────────────

    def own_random_numbers(self) -> AbstractContextManager[None]:
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])

    @staticmethod
    def reseed(number: int) -> None:
        torch.manual_seed(number)

    # ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────

    def batches(self, epoch: Epoch, first: int) -> Iterator[Batch]:
        on_cuda, steps = self.device.type == "cuda", range(first, len(epoch))
        batches = (_tensors(epoch[step]) for step in steps)
        if self.workers:
            batches = iter(
                DataLoader(
                    epoch,  # type: ignore[arg-type]
                    batch_size=None,
                    sampler=steps,
                    num_workers=self.workers,
                    collate_fn=_tensors,  # type: ignore[arg-type]
                    pin_memory=on_cuda,
                )
            )
        return self._ahead(batches) if on_cuda else map(self._moved, batches)

    def _moved(self, batch: Batch) -> Batch:
        return batch._replace(inputs=each(self._move, batch.inputs), targets=each(self._move, batch.targets))

    def _move(self, tensor: Any) -> Any:
        """On the device; from pinned memory the copy needs no waiting. Convolutions bring channels_last with them."""
        return tensor.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else tensor

    def _ahead(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Each batch travels on a stream of its own while the one before it is computed."""
        stream, waiting = torch.cuda.Stream(self.device), None
        for batch in batches:
            with torch.cuda.stream(stream):
                coming = self._moved(batch)
            if waiting is not None:
                yield waiting
            current = torch.cuda.current_stream(self.device)
            current.wait_stream(stream)
            each(partial(_used_on, current), (coming.inputs, coming.targets))
            waiting = coming
        if waiting is not None:
            yield waiting

    # ── a step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def autocast(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.reduced is None else torch.autocast(self.device.type, self.reduced)

    def backward(self, loss: Any) -> None:
        self.scaler.scale(loss).backward()  # a scaler that is not enabled hands everything through

    def update(self, optimizer: Any, parameters: Sequence[Any], clip_norm: float | None) -> None:
        if clip_norm is not None:
            self.scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(parameters, clip_norm)
        self.scaler.step(optimizer)
        self.scaler.update()

    def totals(self, values: Sequence[Any], count: int) -> Any:
        tensors = (torch.as_tensor(value, dtype=torch.float64, device=self.device) for value in values)
        return torch.stack([tensor.detach().mean() for tensor in tensors]) * count

    def numbers(self, rows: Sequence[Any]) -> np.ndarray:
        table = torch.stack(list(rows))
        if self.processes.world > 1:
            torch.distributed.all_reduce(table)
        return table.cpu().numpy()

    # ── states ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def parts(self) -> dict[str, Any]:
        return {"scaler": self.scaler} if self.scaler.is_enabled() else {}

    def pack(self, state: Any) -> Any:
        return from_torch(state)

    def unpack(self, state: Any) -> Any:
        return to_torch(state)

    def lay_out(self, optimizer: Any) -> None:
        """A fused optimiser refuses a momentum whose strides are not its parameter's."""
        for p, state in optimizer.state.items():
            for name, value in state.items():
                if torch.is_tensor(value) and value.shape == p.shape and value.stride() != p.stride():
                    state[name] = torch.empty_like(p, dtype=value.dtype).copy_(value)


def _used_on(stream: Any, tensor: Any) -> None:
    """Keep its memory until that stream has come so far."""
    tensor.record_stream(stream)


def _tensors(batch: Batch) -> Batch:
    return batch._replace(inputs=each(_tensor, batch.inputs), targets=each(_tensor, batch.targets))


def _tensor(array: np.ndarray) -> Any:
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _device(where: str, model: nn.Module, asked: Any, own: processes.Processes) -> torch.device:
    """The one that was asked for, else where the model is; of several processes each takes its own GPU."""
    here = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        device = here if asked is None else torch.device(asked)
    except RuntimeError as e:
        raise ValueError(f"{where}: device is {asked!r}, expected 'cpu' or 'cuda'") from e
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"{where}: device is {str(device)!r}, expected 'cpu' or 'cuda'")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(f"{where}: device is {str(device)!r} and torch finds no CUDA device here, expected 'cpu'")
    if device.type == "cuda" and own.world > 1:
        return torch.device("cuda", own.local)
    return torch.device("cuda", torch.cuda.current_device()) if str(device) == "cuda" else device


def _dtype(where: str, model: nn.Module) -> np.dtype:
    dtype: torch.dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    if dtype not in DTYPES:
        raise ValueError(
            f"{where}: the model is in {str(dtype).removeprefix('torch.')}, expected float32 or float64: precision "
            "says what to compute in, the weights stay in full"
        )
    return DTYPES[dtype]
