"""How an answer is called: a function with its arguments, a torch module with a state and inputs.

The notebook and the grader's sandbox call answers the same way. The file needs NumPy and nothing else of the library,
and torch where the exercise does.
"""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class ArgumentChanged(Exception):
    """An answer has changed what came in, where it was asked not to."""


def fresh(args: tuple, kwargs: Mapping[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Copies of the inputs, that an answer may change as it likes."""
    return copy.deepcopy(tuple(args)), copy.deepcopy(dict(kwargs))


def call(
    answer: Callable[..., Any],
    args: tuple,
    kwargs: Mapping[str, Any],
    engine: str = "numpy",
    kind: str = "function",
    device: str = "cpu",
    keeps: bool = False,
) -> Any:
    """What the answer gives for fresh copies of these inputs; for torch, arrays go in as tensors on the device.

    With `keeps` it must leave them as they are.
    """
    given = args
    args, kwargs = fresh(args, kwargs)
    if kind == "module":
        return run_module(answer, args, device=device, **kwargs)
    if engine == "torch":
        args, kwargs = as_tensors(args, device), as_tensors(kwargs, device)
    value = answer(*args, **kwargs)
    if keeps:
        _refuse_changes(answer, given, args)
    return value


def _refuse_changes(answer: Callable[..., Any], given: tuple, after: tuple) -> None:
    """A sentence on the first array among the arguments that is no longer what was given."""
    try:
        names = [f"`{name}`" for name in inspect.signature(answer).parameters]
    except (TypeError, ValueError):
        names = []
    for name, before, now in zip([*names, *["an argument"] * len(given)], given, after):
        now = now.detach().cpu().numpy() if hasattr(now, "detach") else now
        if isinstance(before, np.ndarray) and not np.array_equal(before, now, equal_nan=before.dtype.kind == "f"):
            advice = "Steps such as `w -= …` write into the array itself: compute new ones"
            raise ArgumentChanged(f"your function has changed {name}, and whoever called it still needs that. {advice}")


def as_tensors(value: Any, device: str) -> Any:
    """The same containers with a tensor in the place of each array."""
    if isinstance(value, np.ndarray):
        import torch

        return torch.from_numpy(value).to(device)
    if isinstance(value, tuple | list):
        return type(value)(as_tensors(v, device) for v in value)
    if isinstance(value, dict):
        return {k: as_tensors(v, device) for k, v in value.items()}
    return value


def run_module(
    build: Callable[..., Any],
    args: tuple,
    state: dict[str, Any] | None,
    inputs: tuple,
    training: bool = False,
    device: str = "cpu",
) -> Any:
    """The outputs of the module that is built from `args`, with exactly this state, in evaluation or training mode."""
    import torch

    module = build(*args)
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"what was built is a {type(module).__name__}, expected a torch.nn.Module")
    if state is not None:
        _refuse_other_state(module, state)
        module.load_state_dict(as_tensors(state, "cpu"))
    with torch.no_grad():
        return module.to(device).train(training)(*as_tensors(inputs, device))


def _refuse_other_state(module: Any, state: dict[str, Any]) -> None:
    """A sentence instead of torch's list, when names or shapes of the parameters are not those of the exercise."""
    own = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    expected = {name: np.shape(value) for name, value in state.items()}
    missing, unexpected = sorted(expected.keys() - own.keys()), sorted(own.keys() - expected.keys())
    if missing or unexpected:
        sentences = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(unexpected)}"] * bool(
            unexpected
        )
        names = ", ".join(expected) or "none"
        raise ValueError(f"the module {' and '.join(sentences)}: its parameters are to be called {names}")
    for name, shape in expected.items():
        if own[name] != shape:
            raise ValueError(f"the module's {name} has shape {own[name]}, expected {shape}")
