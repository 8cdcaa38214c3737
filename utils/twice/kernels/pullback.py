"""A pullback made of independent parts, one an input, so that the parts nobody asks for are dropped."""

from collections.abc import Callable, Sequence
from typing import Any


class Parts:
    """Called with the cotangents, it answers one gradient per input: `dx, dw = Parts(to_x, to_w)(dy)`.

    Whoever records the pullback may keep only the parts it needs. What the dropped parts had captured is free
    again: multiplying by a constant keeps the constant and forgets the other factor. Where all parts are needed,
    `together` answers for all of them at once and may share work.
    """

    __slots__ = ("parts", "together")

    def __init__(self, *parts: Callable[..., Any] | None, together: Callable[..., Any] | None = None):
        self.parts, self.together = parts, together

    def __call__(self, *cotangents: Any, needs: Sequence[bool] | None = None) -> Any:
        if needs is not None:
            return self.keep(needs)(*cotangents)
        if self.together is not None:
            return self.together(*cotangents)
        gradients = tuple(None if part is None else part(*cotangents) for part in self.parts)
        return gradients if len(gradients) > 1 else gradients[0]

    def keep(self, needs: Sequence[bool]) -> "Parts":
        """The same pullback without the parts that are not needed."""
        if all(need or part is None for part, need in zip(self.parts, needs)):
            return self
        return Parts(*(part if need else None for part, need in zip(self.parts, needs)))
