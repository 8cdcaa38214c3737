"""A pullback made of independent parts, one an input, so that the parts nobody asks for are dropped."""

from collections.abc import Callable, Sequence
from typing import Any


class Parts:
    """Called with the cotangents, it answers one gradient per input: `dx, dw = Parts(to_x, to_w)(dy)`.

    Whoever records the pullback may keep only the parts it needs. What the dropped parts had captured is free
    again: multiplying by a constant keeps the constant and forgets the other factor.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: Callable[..., Any] | None):
        self.parts = parts

    def __call__(self, *cotangents: Any, needs: Sequence[bool] | None = None) -> Any:
        pullback = self if needs is None else self.keep(needs)
        gradients = tuple(None if part is None else part(*cotangents) for part in pullback.parts)
        return gradients if len(gradients) > 1 else gradients[0]

    def keep(self, needs: Sequence[bool]) -> "Parts":
        """The same pullback without the parts that are not needed."""
        return Parts(*(part if need else None for part, need in zip(self.parts, needs)))
