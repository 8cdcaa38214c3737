"""Parameter: a tensor that a module owns and learns."""

from typing import Any

from twice import creation
from twice.autograd import OFF_TAPE, Tensor


class Parameter(Tensor):
    """A leaf on the memory of `data`; assigned to a module's attribute it registers itself there."""

    def __init__(self, data: Any = None, requires_grad: bool = True):
        data = creation.empty(0) if data is None else data
        super().__init__(data.array if isinstance(data, Tensor) else data, requires_grad)
        if isinstance(data, Tensor):
            self._storage, self._seen = data._storage, OFF_TAPE

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
