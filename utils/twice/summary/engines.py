"""What differs between the engines: making tensors, where their memory is, watching their functions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from twice import autograd
from twice.autograd import Tensor, no_grad, owner_of

# name of a function, the tensors that went in, its arguments (where known) and the tensors that came out
Watcher = Callable[[str, list, tuple, dict, list], None]


def tensors_in(thing: Any, kind: type) -> list:
    """All tensors in nested tuples, lists and dicts (and named tuples), in order."""
    if isinstance(thing, kind):
        return [thing]
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else ()
    return [tensor for part in parts for tensor in tensors_in(part, kind)]


class Twice:
    """The NumPy engine."""

    tensor_type: type = Tensor

    def make(self, given: Any, like: Any) -> Tensor:
        dtype = like.dtype if like is not None else np.dtype("float32")
        if isinstance(given, Tensor):
            return given
        return Tensor(np.zeros(given, dtype) if isinstance(given, tuple) else np.asarray(given))

    def memory(self, tensor: Tensor) -> int:
        return id(owner_of(tensor.array))

    def itemsize(self, tensor: Tensor) -> int:
        return tensor.array.itemsize

    def strides(self, tensor: Tensor) -> tuple[int, ...]:
        return tensor.array.strides

    @contextmanager
    def watching(self, watcher: Watcher) -> Iterator[None]:
        """No tape; every kernel passes through `autograd.record`, which stands aside for us meanwhile."""
        record = autograd.record

        def watched(name: str, value: Any, back: Any, inputs: Sequence[Any]) -> Any:
            outputs = record(name, value, back, inputs)
            watcher(name, tensors_in(list(inputs), Tensor), (), {}, tensors_in(outputs, Tensor))
            return outputs

        autograd.record = watched  # type: ignore[assignment]
        try:
            with no_grad():
                yield
        finally:
            autograd.record = record


class Torch:
    """Torch on any device, `meta` too: there nothing is computed, and nothing needs memory."""

    def __init__(self) -> None:
        import torch

        self.torch, self.tensor_type = torch, torch.Tensor

    def make(self, given: Any, like: Any) -> Any:
        device = "cpu" if like is None else like.device
        if isinstance(given, tuple):
            return self.torch.zeros(given, dtype=None if like is None else like.dtype, device=device)
        return self.torch.as_tensor(given.array if isinstance(given, Tensor) else given).to(device)

    def memory(self, tensor: Any) -> int:
        return tensor.untyped_storage()._cdata

    def itemsize(self, tensor: Any) -> int:
        return tensor.element_size()

    def strides(self, tensor: Any) -> tuple[int, ...]:
        return tensor.stride()

    @contextmanager
    def watching(self, watcher: Watcher) -> Iterator[None]:
        """No tape; torch hands every function to the mode (and so takes no fused path through attention layers)."""
        from torch.overrides import TorchFunctionMode

        kind = self.torch.Tensor

        class Mode(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
                answer = func(*args, **(kwargs or {}))
                outputs = tensors_in(answer, kind)
                if outputs:
                    inputs = tensors_in([*args, *(kwargs or {}).values()], kind)
                    watcher(func.__name__, inputs, args, kwargs or {}, outputs)
                return answer

        with self.torch.no_grad(), Mode():
            yield


def engine_for(net: Any) -> Any:
    """The engine whose module this is."""
    from twice.nn import Module

    if isinstance(net, Module):
        return Twice()
    if any(cls.__module__.startswith("torch.nn") for cls in type(net).__mro__):
        return Torch()
    raise TypeError(f"summary: net is a {type(net).__name__}, expected a module of twice.nn or of torch.nn")
