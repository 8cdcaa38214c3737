"""Size: a shape that also counts its entries."""

import math
from typing import Any


class Size(tuple):
    """The lengths of a tensor's axes."""

    __slots__ = ()

    def numel(self) -> int:
        """The product of the lengths."""
        return math.prod(self)

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"
