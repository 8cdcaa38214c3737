"""Hooks on the way back: a module's gradients, seen and changed where they enter and leave it."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from twice.autograd import Tensor, record


class BackwardHooks:
    """Two gates around one call of a module.

    Both pass values on unchanged. On the way back the gate behind the outputs is reached first: it notes the gradients
    of the outputs. The gate before the inputs is reached last: there the hooks are called with both.
    """

    def __init__(self, module: Any, hooks: Iterable[Callable[..., Any]], pre_hooks: Iterable[Callable[..., Any]]):
        self.module, self.hooks, self.pre_hooks = module, list(hooks), list(pre_hooks)
        self.grad_output: tuple = ()
        self.inputs = 0
        self.gated = False

    def enter(self, args: tuple) -> tuple:
        """The arguments, the tensors among them behind the first gate."""
        tensors = [a for a in args if isinstance(a, Tensor)]
        self.inputs, self.gated = len(tensors), any(t.requires_grad for t in tensors)
        if not self.gated:
            return args
        passed = iter(record("BackwardHook", tuple(t.array[...] for t in tensors), self._at_inputs, tensors))
        return tuple(next(passed) if isinstance(a, Tensor) else a for a in args)

    def leave(self, result: Any) -> Any:
        """The result, a tensor or a tuple of tensors, behind the second gate."""
        results = result if isinstance(result, tuple) else (result,)
        if not all(isinstance(r, Tensor) for r in results) or not any(r.requires_grad for r in results):
            return result
        passed = record("BackwardHook", tuple(r.array[...] for r in results), self._at_outputs, results)
        return passed if isinstance(result, tuple) else passed[0]

    def _at_outputs(self, *gradients: np.ndarray | None) -> tuple:
        self.grad_output = tuple(map(_tensor, gradients))
        for hook in self.pre_hooks:
            answer = hook(self.module, self.grad_output)
            if answer is not None:
                self.grad_output = answer if isinstance(answer, tuple) else (answer,)
        if not self.gated:
            self._call((None,) * self.inputs)
        return tuple(map(_array, self.grad_output))

    def _at_inputs(self, *gradients: np.ndarray | None) -> tuple:
        return tuple(map(_array, self._call(tuple(map(_tensor, gradients)))))

    def _call(self, grad_input: tuple) -> tuple:
        for hook in self.hooks:
            answer = hook(self.module, grad_input, self.grad_output)
            if answer is not None:
                grad_input = answer if isinstance(answer, tuple) else (answer,)
        return grad_input


def _tensor(gradient: np.ndarray | None) -> Tensor | None:
    return None if gradient is None else Tensor(gradient)


def _array(gradient: Tensor | None) -> np.ndarray | None:
    return None if gradient is None else gradient.array
