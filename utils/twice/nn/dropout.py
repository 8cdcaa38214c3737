"""Dropout as modules: active in training alone."""

from collections.abc import Callable

from twice.autograd import Tensor
from twice.nn import functional as F
from twice.nn.module import Module


class _Dropout(Module):
    function: Callable[..., Tensor]

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is {p}, expected a probability between 0 and 1")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Numbers become 0 with probability p, the others larger"""

    function = staticmethod(F.dropout)


class Dropout1d(_Dropout):
    """Whole channels (…, L) become 0 with probability p"""

    function = staticmethod(F.dropout1d)


class Dropout2d(_Dropout):
    """Whole channels (…, H, W) become 0 with probability p"""

    function = staticmethod(F.dropout2d)


class Dropout3d(_Dropout):
    """Whole channels (…, D, H, W) become 0 with probability p"""

    function = staticmethod(F.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout to where SELU ends, with mean and variance restored"""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)
