"""How an answer is called: a function with its arguments, a torch module with a state and inputs.

The notebook and the grader's sandbox call answers the same way. The file needs NumPy and nothing else of the library,
and torch where the exercise does.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


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
) -> Any:
    """What the answer gives for fresh copies of these inputs; for torch, arrays go in as tensors on the device."""
    args, kwargs = fresh(args, kwargs)
    if kind == "module":
        return run_module(answer, args, kwargs["state"], kwargs["inputs"], device)
    if engine == "torch":
        args, kwargs = as_tensors(args, device), as_tensors(kwargs, device)
    return answer(*args, **kwargs)


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
    build: Callable[..., Any], args: tuple, state: dict[str, Any] | None, inputs: tuple, device: str = "cpu"
) -> Any:
    """The outputs of the module that is built from `args`, in evaluation mode, with exactly this state."""
    import torch

    module = build(*args)
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"what was built is a {type(module).__name__}, expected a torch.nn.Module")
    if state is not None:
        _refuse_other_state(module, state)
        module.load_state_dict(as_tensors(state, "cpu"))
    with torch.no_grad():
        return module.to(device).eval()(*as_tensors(inputs, device))


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
