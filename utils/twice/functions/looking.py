"""What a tensor tells: its entries, its size, where it lies, how it is written."""

from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor
from twice.functions.comparing import eq
from twice.functions.lifting import attach, method, method_named
from twice.printing import show
from twice.size import Size

__all__ = ["detach_", "numel"]

# ── entries ─────────────────────────────────────────────────────────────────────────────────────────────────────


@method
def item(self: Tensor) -> Any:
    """The one entry as a Python number."""
    if self.array.size != 1:
        raise ValueError(f"item: the tensor has shape {self.array.shape}, expected one entry")
    return self.array.item()


@method
def tolist(self: Tensor) -> Any:
    """The entries as nested lists."""
    return self.array.tolist()


@method
def numpy(self: Tensor, force: bool = False) -> np.ndarray:
    """The array itself; a tensor on the tape must be detached first."""
    if self.requires_grad and not force:
        raise RuntimeError("numpy: the tensor requires a gradient, expected detach() first")
    return self.array


@method_named("__array__")
def _as_array(self: Tensor, dtype: Any = None, copy: Any = None) -> np.ndarray:
    return np.array(numpy(self), dtype, copy=copy)


@method_named("__bool__")
def _truth(self: Tensor) -> bool:
    if self.array.size != 1:
        raise ValueError(f"bool: the tensor has shape {self.array.shape}, expected one entry; use any() or all()")
    return bool(self.array.item())


attach("__float__", lambda self: float(item(self)))
attach("__int__", lambda self: int(item(self)))
attach("__index__", lambda self: self.array.item().__index__())


@method_named("__contains__")
def _contains(self: Tensor, value: Any) -> bool:
    return bool(np.any(eq(self, value).array))


@method_named("__format__")
def _format(self: Tensor, form: str) -> str:
    return format(self.array.item(), form) if self.ndim == 0 else object.__format__(self, form)


attach("__repr__", show)

# ── size and place ──────────────────────────────────────────────────────────────────────────────────────────────


@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis."""
    return Size(self.array.shape) if dim is None else self.shape[dim]


@method
def numel(input: Tensor) -> int:
    """How many entries there are."""
    return input.array.size


@method
def dim(self: Tensor) -> int:
    """How many axes there are."""
    return self.array.ndim


@method_named("__len__")
def _length(self: Tensor) -> int:
    if self.ndim == 0:
        raise TypeError("len: the tensor has no axes, expected at least one")
    return self.shape[0]


@method
def stride(self: Tensor) -> tuple[int, ...]:
    """How many entries apart neighbours along each axis lie in memory."""
    return tuple(s // self.array.itemsize for s in self.array.strides)


attach("nelement", numel)
attach("ndimension", dim)
attach("element_size", lambda self: self.array.itemsize)
attach("itemsize", property(lambda self: self.array.itemsize))
attach("nbytes", property(lambda self: self.array.nbytes))
attach("data_ptr", lambda self: self.array.ctypes.data)
attach("device", property(lambda self: creation.device("cpu")))
attach("is_cuda", False)


@method
def cpu(self: Tensor) -> Tensor:
    """The tensor itself: it is there already."""
    return self


@method
def cuda(self: Tensor, *_: Any) -> Tensor:
    """There is no other device."""
    raise NotImplementedError("cuda: twice computes with NumPy on the CPU; use torch for the GPU")


@method
def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off the tape."""
    self._node, self.requires_grad = None, False
    return self
