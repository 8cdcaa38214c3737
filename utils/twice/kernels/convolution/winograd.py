"""Winograd's convolution: multiply polynomials at points instead of term by term.

A convolution of r taps that gives m outputs is a product of polynomials, and a polynomial of degree n − 1, with
n = m + r − 1, is known from its values at n points. So n products suffice where the definition needs m·r. With V_j the
matrix whose row for the point a is (1, a, …, aʲ⁻¹) (and for the point ∞ is (0, …, 0, 1)),

    g * h  =  V_n⁻¹ [ V_r g ⊙ V_m h ]                  (values at the points, multiplied, interpolated)
    y      =  V_mᵀ [ V_r g ⊙ V_n⁻ᵀ d ]                  (its transpose in h: the correlation y_i = Σ_j g_j d_{i+j})

In two dimensions each matrix acts on rows and on columns, that is by its Kronecker square on a flattened tile:

    U = (G⊗G) g,   V = (B⊗B) d,   M[p] = U[p] V[p] for each of the n² positions,   y = (A⊗A)ᵀ M

Over all channels and tiles M[p] is a matrix product (K, C)·(C, tiles). F(4, 3) needs 36 products where the definition
needs 144, and F(4, 5) 64 instead of 400; the transforms cost n⁴ a tile and channel, little once there are many
channels. Backward is the exact adjoint, each matrix transposed. Points near 1 keep rounding small: the error is about
1e-5 of the largest output in float32.
"""

import math
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window

POINTS = tuple(map(Fraction, ("0", "1", "-1", "2", "-2", "1/2", "-1/2")))
TILES = 200  # of so many at a time: enough for a product, few enough to stay in the cache


def winograd(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, H, W), w (K, C, r, r), stride 1 → y (N, K, OH, OW)"""
    plan = _Plan(w, window, shape)
    grid, analyse, output = _transforms(plan.m, w.shape[-1], w.dtype.str)
    u = np.matmul(grid, np.ascontiguousarray(w).reshape(-1, grid.shape[1]).T).reshape(-1, *w.shape[:2])

    def forward(x: Array) -> Array:
        y = np.empty((len(x), len(w), *plan.outputs), x.dtype)
        for images in plan.blocks:
            v = plan.transform_tiles(x[images], analyse)
            plan.write_outputs(y[images], np.matmul(u, v.transpose(0, 2, 1)), output)
        return y

    def to_x(dy: Array) -> Array:
        dx = np.empty(shape, dy.dtype)
        for images in plan.blocks:
            pull_to_x(dx[images], plan.transform_gradients(dy[images], output))
        return dx

    def to_w(x: Array, dy: Array) -> Array:
        du = np.zeros((len(grid), *w_shape[:2]), dy.dtype)
        for images in plan.blocks:
            du += pull_to_u(x[images], plan.transform_gradients(dy[images], output))
        return untransformed(du)

    def to_both(x: Array, dy: Array) -> tuple[Array, Array]:
        dx, du = np.empty(shape, dy.dtype), np.zeros((len(grid), *w_shape[:2]), dy.dtype)
        for images in plan.blocks:
            dm = plan.transform_gradients(dy[images], output)
            pull_to_x(dx[images], dm)
            du += pull_to_u(x[images], dm)
        return dx, untransformed(du)

    def pull_to_x(dx: Array, dm: Array) -> None:
        plan.add_tiles(dx, np.matmul(dm.transpose(0, 2, 1), u), analyse)

    def pull_to_u(x: Array, dm: Array) -> Array:
        return np.matmul(dm, plan.transform_tiles(x, analyse))

    def untransformed(du: Array) -> Array:
        return np.matmul(du.reshape(len(du), -1).T, grid).reshape(w_shape)

    w_shape = w.shape
    return Convolution(forward, to_x, to_w, to_both)


class _Plan:
    """How images are cut into tiles of n × n that overlap by r − 1, and how outputs are put together from m × m.

    Tiles are cut from images whose channels come last, so that every pixel of a tile is a run of C numbers.
    """

    def __init__(self, w: Array, window: Window, shape: tuple[int, ...]):
        self.inside, self.outputs = window.inside(shape[2:], lead=1), window.outputs(shape[2:])
        self.m = _outputs_of_a_tile(self.outputs, w.shape[-1])
        self.side = self.m + w.shape[-1] - 1
        self.tiles = tuple(-(-o // self.m) for o in self.outputs)
        self.canvas = tuple(self.m * (t + 1) for t in self.tiles)
        self.rounded = tuple(self.m * t for t in self.tiles)
        step = max(1, TILES // math.prod(self.tiles))
        self.blocks = [slice(i, min(i + step, shape[0])) for i in range(0, shape[0], step)]

    def transform_tiles(self, x: Array, analyse: Array) -> Array:
        """V = (B⊗B) d: (n², tiles, C) from (images, C, H, W)"""
        n, c = x.shape[:2]
        bordered = np.zeros((n, *self.canvas, c), x.dtype)
        bordered[self.inside] = np.moveaxis(x, 1, -1)
        image, row, column, channel = bordered.strides
        shape, strides = (self.side, self.side, n, *self.tiles, c), (self.m * row, self.m * column, channel)
        tiles = np.ascontiguousarray(as_strided(bordered, shape, (row, column, image, *strides), writeable=False))
        return np.matmul(analyse, tiles.reshape(self.side**2, -1)).reshape(self.side**2, -1, c)

    def add_tiles(self, dx: Array, dv: Array, analyse: Array) -> None:
        """The adjoint of `transform_tiles`: where tiles overlapped, their gradients add."""
        n, c = dx.shape[:2]
        tiles = np.matmul(analyse.T, dv.reshape(self.side**2, -1)).reshape(self.side, self.side, n, *self.tiles, c)
        bordered = np.zeros((n, *self.canvas, c), dx.dtype)
        rows, columns = self.tiles
        grid = bordered.reshape(n, rows + 1, self.m, columns + 1, self.m, c)
        for i in range(self.side):
            (down, a) = divmod(i, self.m)
            for j in range(self.side):
                (right, b) = divmod(j, self.m)
                grid[:, down : down + rows, a, right : right + columns, b] += tiles[i, j]
        dx[...] = np.moveaxis(bordered[self.inside], -1, 1)

    def write_outputs(self, y: Array, m: Array, output: Array) -> None:
        """y = (A⊗A)ᵀ M: (images, K, OH, OW) from (n², K, tiles)"""
        tiles = np.matmul(m.reshape(self.side**2, -1).T, output)
        whole = self.outputs == self.rounded
        target = y if whole else np.empty((*y.shape[:2], *self.rounded), y.dtype)
        np.copyto(self._outputs_of(target), self._small_tiles(tiles, y))
        if not whole:
            y[...] = target[:, :, : self.outputs[0], : self.outputs[1]]

    def transform_gradients(self, dy: Array, output: Array) -> Array:
        """The adjoint of `write_outputs`: (n², K, tiles)"""
        source = np.ascontiguousarray(dy)
        if self.outputs != self.rounded:
            source = np.zeros((*dy.shape[:2], *self.rounded), dy.dtype)
            source[:, :, : self.outputs[0], : self.outputs[1]] = dy
        tiles = np.empty((source.size // self.m**2, self.m**2), dy.dtype)
        np.copyto(self._small_tiles(tiles, dy), self._outputs_of(source))
        return np.matmul(output, tiles.T).reshape(self.side**2, dy.shape[1], -1)

    def _outputs_of(self, y: Array) -> Array:
        """(images, K, rows, m, columns, m), seen through a contiguous (images, K, rows·m, columns·m)"""
        n, k = y.shape[:2]
        return _in_one_move(y.reshape(n, k, self.tiles[0], self.m, self.tiles[1], self.m))

    def _small_tiles(self, tiles: Array, y: Array) -> Array:
        """The same axes, seen through tiles of m² in the order (K, images, rows, columns)"""
        n, k = y.shape[:2]
        return _in_one_move(tiles.reshape(k, n, *self.tiles, self.m, self.m)).transpose(1, 0, 2, 4, 3, 5)


def _outputs_of_a_tile(outputs: tuple[int, ...], r: int) -> int:
    """m: 4, whose rows of 16 bytes are quick to copy, or 5 where that spares a fifth of the products."""

    def products(m: int) -> int:
        return (m + r - 1) ** 2 * math.prod(-(-o // m) for o in outputs)

    return 5 if r == 3 and products(5) * 1.25 < products(4) else 4


def _in_one_move(rows_of_four: Array) -> Array:
    """Four float32 in a row are 16 bytes: seen as one number they are copied in one move instead of four."""
    fits = rows_of_four.itemsize * rows_of_four.shape[-1] == 16
    return rows_of_four.view(np.complex128) if fits else rows_of_four


@cache
def _transforms(m: int, r: int, dtype: str) -> tuple[Array, Array, Array]:
    """G⊗G (n², r²), B⊗B (n², n²) and A⊗A (n², m²), exact up to the last rounding."""
    g, b, a = cook_toom(m, r)
    return tuple(np.kron(t, t).astype(dtype) for t in (g, b, a))  # type: ignore[return-value]


def cook_toom(m: int, r: int) -> tuple[Array, Array, Array]:
    """G = V_r, B = V_n⁻ᵀ and A = V_m over the points and ∞, with the denominators moved from B to G."""
    points = POINTS[: m + r - 2]
    lagrange, scales = [], []
    for i, point in enumerate(points):
        others = [other for j, other in enumerate(points) if j != i]
        lagrange.append([*_monic(others), Fraction(0)])
        scales.append(math.prod(point - other for other in others))
    g = [*([c / s for c in _powers(point, r)] for point, s in zip(points, scales)), _unit(r)]
    b = [*lagrange, _monic(points)]
    a = [*(_powers(point, m) for point in points), _unit(m)]
    return np.array(g, np.float64), np.array(b, np.float64), np.array(a, np.float64)


def _monic(roots) -> list[Fraction]:
    """The coefficients, lowest first, of Π (x − root)."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [s - root * c for s, c in zip(shifted, [*coefficients, Fraction(0)])]
    return coefficients


def _powers(a: Fraction, count: int) -> list[Fraction]:
    return [a**j for j in range(count)]


def _unit(count: int) -> list[Fraction]:
    return [Fraction(j == count - 1) for j in range(count)]
