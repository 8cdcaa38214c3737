"""Receptive fields: how much of the input an output sees, in closed form along one axis and through a whole network.

Output i sees the inputs from start + i·jump to start + i·jump + size − 1. A window of k with stride s, padding p and
dilation d after a field (size, jump, start) gives

    size + d(k − 1)·jump,    s·jump,    start − p·jump

so that size = 1 + Σ dₗ(kₗ − 1) Π sᵢ over the strides of the layers before. Padding counts as input: a start is often
negative and a field may be larger than the image.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Field(NamedTuple):
    """What the outputs see along one axis; the default is the input's own."""

    size: int = 1
    jump: int = 1
    start: int = 0

    def then(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """The field after one more window."""
        size = self.size + dilation * (kernel - 1) * self.jump
        return Field(size, self.jump * stride, self.start - padding * self.jump)

    def union(self, other: "Field") -> "Field | None":
        """The smallest field that holds both, None if they move at different jumps."""
        if self.jump != other.jump:
            return None
        start = min(self.start, other.start)
        return Field(max(self.start + self.size, other.start + other.size) - start, self.jump, start)

    def covers(self, extent: int) -> bool:
        """Whether the first output sees all of an input of that length."""
        return self.start <= 0 and self.start + self.size >= extent


def receptive_field(layers: Iterable[Sequence[int]]) -> Field:
    """The field after layers (kernel, stride, padding, dilation), of which the later numbers may be left out.

    >>> receptive_field([(3, 1, 1), (3, 1, 1), (3, 1, 1)])
    Field(size=7, jump=1, start=-3)
    """
    field = Field()
    for layer in layers:
        if (
            not 1 <= len(layer) <= 4
            or min(layer[:2]) < 1
            or min(layer[3:], default=1) < 1
            or min(layer[2:3] or [0]) < 0
        ):
            raise ValueError(
                f"receptive_field: a layer is {tuple(layer)}, expected (kernel, stride, padding, dilation), "
                "all above 0 but the padding"
            )
        field = field.then(*layer)
    return field


# ── the axes of a tensor ────────────────────────────────────────────────────────────────────────────────────────

# What a tensor's numbers see: for each axis its field, or None where it does not move over the input (batch, channels);
# or one word. A tensor without a state is a constant.
Axes = tuple[Field | None, ...]
State = Axes | str
ALL, UNKNOWN = "all", "unknown"


def of_input(ndim: int) -> State:
    """The state of a network's own input: all axes after the second are places."""
    return (None, None, *[Field()] * (ndim - 2)) if ndim > 2 else (None,) * ndim


def join(states: Sequence[State], ndim: int) -> State:
    """What a number sees that is computed from one number of each tensor, place by place."""
    if UNKNOWN in states or ALL in states:
        return ALL if ALL in states else UNKNOWN
    padded = [(None,) * (ndim - len(s)) + tuple(s) for s in states]
    joined = [_join_axis(axis) for axis in zip(*padded)]
    return UNKNOWN if UNKNOWN in joined else tuple(joined)  # type: ignore[arg-type]


def _join_axis(fields: Sequence[Field | None]) -> Field | str | None:
    found = fields[0]
    for field in fields[1:]:
        if found is None or field is None:
            if found is not field:
                return UNKNOWN
        elif (found := found.union(field)) is None:
            return UNKNOWN
    return found


def places(state: State) -> tuple[Field, ...]:
    """The fields of the axes that move over the input."""
    return () if isinstance(state, str) else tuple(f for f in state if f is not None)


def through_windows(state: State, windows: Sequence[Sequence[int]]) -> State:
    """The state after a window (kernel, stride, padding, dilation) along each of the last axes."""
    if isinstance(state, str):
        return state
    rank = len(windows)
    moving, others = state[-rank:], state[:-rank]
    if any(field is None for field in moving) or any(field is not None for field in others) or len(moving) < rank:
        return UNKNOWN
    return (*others, *(field.then(*window) for field, window in zip(moving, windows)))  # type: ignore[union-attr]
