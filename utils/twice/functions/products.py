"""Products of matrices, and their diagonals."""

from collections.abc import Callable
from typing import Any

from twice.autograd import Tensor, op
from twice.functions.arithmetic import add, mul
from twice.functions.lifting import attach, method
from twice.functions.reductions import sum
from twice.functions.shape import unsqueeze
from twice.kernels import elementary as E

__all__ = [
    "addmm", "baddbmm", "bmm", "diag", "diag_embed", "diagonal", "dot", "einsum", "matmul", "mm", "mv", "outer",
    "trace",
]  # fmt: skip

_matmul, _einsum, _diagonal, _diagonal_embed = op(E.matmul), op(E.einsum), op(E.diagonal), op(E.diagonal_embed)


@method
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of matrices, or of batches of them; a tensor with one axis is a row, or a column."""
    return _matmul(input, other)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein's sum over repeated letters."""
    given = operands[0] if isinstance(operands[0], list | tuple) else operands
    return _einsum(*given, equation=equation)


def _product(name: str, ranks: tuple[int, int]) -> Callable[..., Any]:
    def function(input: Tensor, other: Tensor) -> Tensor:
        if (input.ndim, other.ndim) != ranks:
            raise ValueError(
                f"{name}: shapes {input.array.shape} and {other.array.shape}, expected {ranks[0]} and {ranks[1]} axes"
            )
        return matmul(input, other)

    function.__name__, function.__doc__ = name, f"The product of tensors with {ranks[0]} and {ranks[1]} axes."
    return attach(name, function)


mm = _product("mm", (2, 2))
bmm = _product("bmm", (3, 3))
mv = _product("mv", (2, 1))
dot = _product("dot", (1, 1))


@method
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    """β input + α mat1 mat2"""
    return add(mul(input, beta), mm(mat1, mat2), alpha=alpha)


@method
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    """β input + α batch1 batch2, matrix by matrix"""
    return add(mul(input, beta), bmm(batch1, batch2), alpha=alpha)


@method
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of the entries of two vectors."""
    return mul(unsqueeze(input, 1), unsqueeze(vec2, 0))


@method
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two axes, as the last axis (a copy, where torch gives a view)."""
    return _diagonal(input, offset=offset, dim1=dim1, dim2=dim2)


@method
def diag_embed(input: Tensor, offset: int = 0) -> Tensor:
    """Matrices with the last axis on their diagonal."""
    return _diagonal_embed(input, offset=offset)


@method
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with this diagonal."""
    if input.ndim not in (1, 2):
        raise ValueError(f"diag: the tensor has shape {input.array.shape}, expected 1 or 2 axes")
    return diag_embed(input, diagonal) if input.ndim == 1 else _diagonal(input, offset=diagonal)


@method
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal."""
    return sum(diag(input))
