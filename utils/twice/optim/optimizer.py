"""What all optimisers share: groups of parameters, a state for each parameter, and the loop of a step.

An algorithm adds its update rule: a function on flat arrays, called once for every block of a parameter. A block of
64k elements, its state and the scratch all fit in the cache, so a rule of ten array operations reads memory once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from twice.autograd import Tensor, enable_grad, mark_changed

Array = np.ndarray
State = dict[str, Tensor]

BLOCK = 1 << 16
HOW_TORCH_COMPUTES = ("foreach", "fused", "capturable", "differentiable")


class Optimizer:
    """Steps along the gradients of its parameters; an algorithm says how in `update`."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]):
        self.defaults = defaults
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self.stepped = False  # schedulers warn when they go first
        self._scratch: dict[np.dtype, tuple[Array, Array]] = {}
        for group in as_groups(self.name, params):
            self.add_param_group(group)

    @property
    def name(self) -> str:
        return type(self).__name__

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimise further parameters, with options of their own where the group names them."""
        if not isinstance(param_group, dict):
            raise TypeError(f"{self.name}: param_group is a {type(param_group).__name__}, expected a dict")
        named = as_list(self.name, param_group["params"])
        params = [p[1] if isinstance(p, tuple) else p for p in named]
        group = {**param_group, "params": params, **{k: v for k, v in self.defaults.items() if k not in param_group}}
        if any(isinstance(p, tuple) for p in named):
            group["param_names"] = [p[0] for p in named]
        self._check_parameters(params, "param_names" in group)
        self.check(group)
        self.param_groups.append(group)

    def _check_parameters(self, params: list[Any], with_names: bool) -> None:
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"{self.name}: a parameter is a {type(p).__name__}, expected a Tensor")
            if not p.is_leaf:
                raise ValueError(f"{self.name}: a parameter of shape {p.shape} was computed, expected a leaf tensor")
        known = {p for group in self.param_groups for p in group["params"]}
        if len(set(params)) < len(params) or known.intersection(params):
            raise ValueError(f"{self.name}: a parameter appears twice, expected each in one place of one group")
        if any(("param_names" in group) != with_names for group in self.param_groups):
            raise ValueError(f"{self.name}: some groups name their parameters, expected all or none to do so")

    def check(self, group: dict[str, Any]) -> None:
        """Refuse options outside their range."""
        for name in HOW_TORCH_COMPUTES:
            if group.get(name):
                raise NotImplementedError(f"{self.name}: {name}={group[name]} is not supported, expected None or False")
        for name, value in group.items():
            if isinstance(value, Tensor):
                raise NotImplementedError(f"{self.name}: {name} as a Tensor is not supported, expected a number")
        for name in ("lr", "eps", "weight_decay", "momentum", "alpha", "lr_decay", "initial_accumulator_value"):
            if not group.get(name, 0) >= 0:
                raise ValueError(f"{self.name}: {name} is {group[name]}, expected a number of at least 0")
        for beta in group.get("betas", ()):
            if not 0 <= beta < 1:
                raise ValueError(f"{self.name}: betas are {group['betas']}, expected numbers in [0, 1)")

    # ── a step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad.array[...] = 0
                    mark_changed(p.grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; `closure` computes the loss (and the gradients) first."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self.stepped = True
        with np.errstate(all="ignore"):  # a diverging run shows in its loss, as in torch
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._step_one(p, p.grad.array, group)
        return loss

    def _step_one(self, p: Tensor, g: Array, group: dict[str, Any]) -> None:
        array = p.array
        if g.shape != array.shape or g.dtype != array.dtype:
            raise ValueError(
                f"{self.name}: a gradient has shape {g.shape} and dtype {g.dtype}, "
                f"expected {array.shape} and {array.dtype} as its parameter"
            )
        straight = array if array.flags.c_contiguous else array.copy(order="C")
        self.update(straight, g, self.state[p], group)
        if straight is not array:
            array[...] = straight
        mark_changed(p)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any]) -> None:
        """Change one parameter in place; an empty state means that this is its first step."""
        raise NotImplementedError(f"{self.name}: update is not defined")

    def blocks(self, p: Array, *others: Any) -> Iterator[tuple]:
        """Flat pieces of a parameter, its gradient and its state (an absent one stays None), and two scratch arrays."""
        scratch = self._scratch.get(p.dtype)
        if scratch is None:
            scratch = self._scratch[p.dtype] = (np.empty(BLOCK, p.dtype), np.empty(BLOCK, p.dtype))
        arrays = [a.array if isinstance(a, Tensor) else a for a in (p, *others)]
        flat = [None if a is None else a.reshape(-1) for a in arrays]
        for start in range(0, p.size, BLOCK):
            end = min(start + BLOCK, p.size)
            yield *(None if a is None else a[start:end] for a in flat), *(s[: end - start] for s in scratch)

    # ── its state, in torch's format ────────────────────────────────────────────────────────────────────────────

    def state_dict(self) -> dict[str, Any]:
        """The state of each parameter under its number, and the groups' options with those numbers."""
        numbers = {p: i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [
            {k: v for k, v in group.items() if k != "params"} | {"params": [numbers[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": {numbers[p]: state for p, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a copy of a saved state; its floating values become of their parameter's dtype."""
        saved = deepcopy(state_dict["param_groups"])
        sizes, expected = ([len(g["params"]) for g in groups] for groups in (saved, self.param_groups))
        if sizes != expected:
            raise ValueError(f"{self.name}: the state has groups of {sizes} parameters, expected {expected}")
        numbers = [number for group in saved for number in group["params"]]
        params = [p for group in self.param_groups for p in group["params"]]
        states = {p: self._restored(state_dict["state"].get(n, {}), p, n) for n, p in zip(numbers, params)}
        self.state = defaultdict(dict, {p: state for p, state in states.items() if state})
        self.param_groups = [{**group, **self._options(new, group)} for new, group in zip(saved, self.param_groups)]

    def _options(self, new: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        """The saved options; the parameters stay, and so does how to compute."""
        return {k: group.get(k) if k in ("params", *HOW_TORCH_COMPUTES) else v for k, v in new.items()}

    def _restored(self, state: dict[str, Any], p: Tensor, number: int) -> State:
        restored = {}
        for key, value in state.items():
            if value is None:
                continue
            array = value.array if isinstance(value, Tensor) else value
            if not isinstance(array, np.ndarray | np.generic | float | int):
                raise TypeError(
                    f"{self.name}: {key} of parameter {number} is a {type(value).__module__}.{type(value).__name__}, "
                    "expected a twice tensor (twice.from_torch converts a state)"
                )
            if key != "step" and np.shape(array) != p.shape:
                raise ValueError(
                    f"{self.name}: {key} of parameter {number} has shape {np.shape(array)}, expected {p.shape}"
                )
            dtype = p.dtype if key != "step" else getattr(array, "dtype", np.float32)
            restored[key] = Tensor(np.array(array, dtype, order="C"))
        return restored

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines += [f"Parameter Group {i}", *(f"    {k}: {group[k]}" for k in sorted(group) if k != "params")]
        return f"{self.name} (\n" + "\n".join(lines) + "\n)"


def as_groups(where: str, params: Any) -> list[dict[str, Any]]:
    """Parameters, or pairs of a name and a parameter, as one group; groups as they are."""
    groups = as_list(where, params, "params")
    if not groups:
        raise ValueError(f"{where}: params is empty, expected at least one parameter")
    return groups if isinstance(groups[0], dict) else [{"params": groups}]


def as_list(where: str, params: Any, lonely: str | None = None) -> list[Any]:
    """The parameters in order; a group, but not a whole optimiser, may hold a single tensor instead of a list."""
    if isinstance(params, Tensor) and lonely is None:
        return [params]
    if isinstance(params, Tensor | set):
        raise TypeError(f"{where}: params is a {type(params).__name__}, expected a list of tensors or of dicts")
    return list(params)


def zeros_like(p: Array) -> Tensor:
    """A state that begins at zero."""
    return Tensor(np.zeros(p.shape, p.dtype))


def no_steps() -> Tensor:
    """The count of steps before the first one, as torch keeps it."""
    return Tensor(np.zeros((), np.float32))


def descent(g: Array, p: Array, weight_decay: float, maximize: bool, scratch: Array) -> Array:
    """The direction to descend: ±g + λp. The minus is for an objective that is maximised."""
    if weight_decay:
        np.multiply(p, weight_decay, out=scratch)
        return (np.subtract if maximize else np.add)(scratch, g, out=scratch)
    return np.negative(g, out=scratch) if maximize else g
