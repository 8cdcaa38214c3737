"""What every strategy answers: the convolution and its pullbacks, as functions."""

from collections.abc import Callable
from typing import NamedTuple

from twice.kernels.checks import Array


class Convolution(NamedTuple):
    """One convolution with its weights: functions of arrays, none of which keeps an input.

    y  = forward(x)
    dx = to_x(dy)            the pullback to the input, which is also the transposed convolution
    dw = to_w(x, dy)         the pullback to the weights
    dx, dw = to_both(x, dy)  both at once, where they share work
    """

    forward: Callable[[Array], Array]
    to_x: Callable[[Array], Array]
    to_w: Callable[[Array, Array], Array]
    to_both: Callable[[Array, Array], tuple[Array, Array]] | None = None
