"""Products of matrices against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest

from functions.both import both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "matmul": (lambda T, x, y: [x @ y, T.matmul(x, y), x.mm(y), T.mm(x, y)], (2, 3), (3, 4)),
    "matmul batch": (lambda T, x, y: x @ y, (2, 1, 2, 3), (5, 3, 4)),
    "matmul row": (lambda T, x, y: x @ y, (3,), (2, 3, 4)),
    "matmul column": (lambda T, x, y: x @ y, (2, 4, 3), (3,)),
    "matmul rows": (lambda T, x, y: [x @ y, x.dot(y), T.dot(x, y)], (3,), (3,)),
    "matmul empty": (lambda T, x, y: x @ y, (2, 0), (0, 3)),
    "bmm": (lambda T, x, y: [T.bmm(x, y), x.bmm(y)], (2, 3, 4), (2, 4, 2)),
    "mv": (lambda T, x, y: [T.mv(x, y), x.mv(y)], (2, 3), (3,)),
    "outer": (lambda T, x, y: [T.outer(x, y), x.outer(y)], (2,), (3,)),
    "addmm": (lambda T, b, x, y: [T.addmm(b, x, y), b.addmm(x, y, beta=0.5, alpha=2)], (4,), (2, 3), (3, 4)),
    "baddbmm": (lambda T, b, x, y: T.baddbmm(b, x, y, beta=2, alpha=0.5), (2, 1, 2), (2, 3, 4), (2, 4, 2)),
    "diag": (lambda T, x: [T.diag(x), x.diag(1), x.diagonal(), T.diagonal(x, -1), x.trace()], (3, 3)),
    "diag wide": (lambda T, x: [x.diag(2), x.diag(-1), x.diag(5)], (2, 4)),
    "diag of row": (lambda T, x: [T.diag(x), x.diag(1), x.diag(-2), T.diag_embed(x)], (3,)),
    "diagonal batch": (lambda T, x: [x.diagonal(dim1=-2, dim2=-1), T.diag_embed(x, 1)], (2, 3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)


EQUATIONS = [
    "i,i->", "i,j->ij", "ij->ji", "ij->", "ij->j", "ij,jk->ik", "ij,jk", "bij,bjk->bik", "bhid,bhjd->bhij", "ij,ij->ij",
    "ij,i->j", "ijk,k->ij", "...ij,...jk->...ik", "...i->...", "bi,bj->bij", "i,ij,j->", "ij,kj->ik", "ij,j,jk->ki", "ij->ij",
    "abc,abc->ac", "i...,i...->...", " ij , jk -> ik ", "ij,kl->ijkl",
]  # fmt: skip
LENGTHS = dict(zip("abcdhijkl", (2, 3, 4, 2, 3, 2, 3, 4, 2)))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    terms = equation.replace(" ", "").split("->")[0].split(",")
    specs = [tuple(n for c in t.replace("...", "ab") for n in [LENGTHS[c]]) for t in terms]
    both(lambda T, *x: [T.einsum(equation, *x), T.einsum(equation, list(x))], *specs)


def test_einsum_broadcasts_lengths_of_one():
    both(lambda T, x, y: T.einsum("ij,ij->ij", x, y), (1, 3), (2, 3))
    both(lambda T, x, y: T.einsum("...i,...i->...", x, y), (4, 1, 3), (2, 3))
