"""The norms of torch.linalg, as far as model files use them."""

from typing import Any

from twice import functions
from twice.autograd import Tensor
from twice.functions.lifting import with_axis


@with_axis
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over some axes, or all."""
    return functions.norm(x, ord, dim, keepdim, dtype)


@with_axis
def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The vector norm over all entries or one axis; over two axes only the root of the sum of squares ('fro')."""
    matrix = A.ndim == 2 if dim is None else isinstance(dim, tuple | list) and len(dim) == 2
    if matrix and ord not in (None, "fro"):
        raise NotImplementedError(f"linalg.norm: ord={ord!r} of a matrix is not supported, expected None or 'fro'")
    return functions.norm(A, 2 if ord is None else ord, dim, keepdim, dtype)
