"""Module: a tree of parameters, buffers and further modules that is called like a function.

What is registered stands twice in a module: in its registry (`_parameters`, `_buffers`, `_modules`), which knows kind
and order, and in the instance's own `__dict__`, so that `self.weight` is a plain attribute look-up.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any, NamedTuple, TypeVar

import numpy as np

from twice import creation
from twice.autograd import Tensor, no_grad
from twice.functions.dtypes import wanted_dtype
from twice.nn.hooks import BackwardHooks
from twice.nn.parameter import Parameter

Self = TypeVar("Self", bound="Module")
_REGISTRIES = ("_parameters", "_buffers", "_modules")


class Module:
    """The base of every layer and network: assign parameters and modules in `__init__`, compute in `forward`."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, "Module | None"]
    _non_persistent_buffers_set: set[str]
    _forward_hooks: dict[int, tuple[Callable[..., Any], bool]]
    _forward_pre_hooks: dict[int, tuple[Callable[..., Any], bool]]
    _backward_hooks: dict[int, Callable[..., Any]]
    _backward_pre_hooks: dict[int, Callable[..., Any]]

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
            _forward_hooks={},
            _forward_pre_hooks={},
            _backward_hooks={},
            _backward_pre_hooks={},
        )

    # ── calling ─────────────────────────────────────────────────────────────────────────────────────────────────

    def forward(self, *_: Any, **__: Any) -> Any:
        """What the module computes: every subclass defines it."""
        raise NotImplementedError(f'{type(self).__name__}: the module has no "forward", expected a method of that name')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._forward_pre_hooks or self._forward_hooks or self._backward_hooks or self._backward_pre_hooks:
            return self._call_between_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_between_hooks(self, args: tuple, kwargs: dict) -> Any:
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            answer = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if answer is not None:
                args, kwargs = answer if with_kwargs else (answer, kwargs)
                args = args if isinstance(args, tuple) else (args,)
        gates = BackwardHooks(self, self._backward_hooks.values(), self._backward_pre_hooks.values())
        hooked = bool(gates.hooks or gates.pre_hooks)
        result = self.forward(*(gates.enter(args) if hooked else args), **kwargs)
        result = gates.leave(result) if hooked else result
        for hook, with_kwargs in list(self._forward_hooks.values()):
            answer = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            result = result if answer is None else answer
        return result

    # ── hooks ───────────────────────────────────────────────────────────────────────────────────────────────────

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> "RemovableHandle":
        """Call `hook(module, args)` before `forward`; what it answers replaces the arguments."""
        return RemovableHandle(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> "RemovableHandle":
        """Call `hook(module, args, output)` after `forward`; what it answers replaces the output."""
        if always_call:
            raise NotImplementedError("register_forward_hook: always_call=True is not supported")
        return RemovableHandle(self._forward_hooks, (hook, with_kwargs), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> "RemovableHandle":
        """Call `hook(module, grad_output)` before the gradients of the inputs are computed; it may answer others."""
        return RemovableHandle(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> "RemovableHandle":
        """Call `hook(module, grad_input, grad_output)` once both are known; it may answer another grad_input."""
        return RemovableHandle(self._backward_hooks, hook, prepend)

    # ── registering ─────────────────────────────────────────────────────────────────────────────────────────────

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._adopt("_parameters", name, value)
        elif isinstance(value, Module):
            self._adopt("_modules", name, value)
        elif (registry := next((r for r in _REGISTRIES if name in own.get(r, ())), None)) is not None:
            self._replace(registry, name, value)
        else:
            object.__setattr__(self, name, value)

    def _adopt(self, registry: str, name: str, value: Any) -> None:
        own = self.__dict__
        if registry not in own:
            raise AttributeError(f"{type(self).__name__}: {name!r} was assigned before Module.__init__() was called")
        for other in _REGISTRIES:
            if other != registry:
                own[other].pop(name, None)
        own[registry][name] = own[name] = value

    def _replace(self, registry: str, name: str, value: Any) -> None:
        """None empties a registered name; a buffer may also be exchanged for another tensor."""
        if value is not None and not (registry == "_buffers" and isinstance(value, Tensor)):
            kind = {"_parameters": "a Parameter", "_buffers": "a Tensor", "_modules": "a Module"}[registry]
            raise TypeError(
                f"{type(self).__name__}: {name!r} is assigned a {type(value).__name__}, expected {kind} or None"
            )
        self._adopt(registry, name, value)

    def __delattr__(self, name: str) -> None:
        for registry in _REGISTRIES:
            self.__dict__[registry].pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        object.__delattr__(self, name)

    def _check_new_name(self, kind: str, name: str, registry: dict) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name is {name!r}, expected a string")
        if name == "" or "." in name:
            raise KeyError(f"{kind} name is {name!r}, expected one that is not empty and holds no '.'")
        if hasattr(self, name) and name not in registry:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter, or None to keep its place."""
        self._check_new_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter: {name!r} is a {type(param).__name__}, expected a Parameter or None")
        self._adopt("_parameters", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that belongs to the state but is not learnt; only a persistent one is in `state_dict`."""
        self._check_new_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"register_buffer: {name!r} is a {type(tensor).__name__}, expected a Tensor or None")
        self._adopt("_buffers", name, tensor)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: "Module | None") -> None:
        """Register a child."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: {name!r} is a {type(module).__name__}, expected a Module or None")
        self._check_new_name("module", name, self._modules)
        self._adopt("_modules", name, module)

    register_module = add_module

    # ── walking the tree ────────────────────────────────────────────────────────────────────────────────────────

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules directly below, each once."""
        return _once((name, m) for name, m in self._modules.items() if m is not None)

    def children(self) -> Iterator["Module"]:
        """The modules directly below, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, "Module"]]:
        """This module and all below it with their dotted names, parents first."""
        memo = set() if memo is None else memo
        if remove_duplicate and self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _dotted(prefix, name), remove_duplicate)

    def modules(self) -> Iterator["Module"]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def _members(self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator:
        modules: Iterable = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        found = (
            (_dotted(path, name), value)
            for path, module in (modules if recurse else [(prefix, self)])
            for name, value in module.__dict__[registry].items()
            if value is not None
        )
        return _once(found) if remove_duplicate else found

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names; one that is shared comes once, under its first name."""
        return self._members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> "Module":
        """The module of that dotted name; the empty name is this module."""
        module: Any = self
        for name in target.split(".") if target else ():
            if module._modules.get(name) is None:
                raise AttributeError(f"get_submodule: {target!r}: {module._get_name()} has no module {name!r}")
            module = module._modules[name]
        return module

    def _get_member(self, registry: str, kind: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if module.__dict__[registry].get(name) is None:
            raise AttributeError(f"get_{kind}: {target!r}: {module._get_name()} has no {kind} {name!r}")
        return module.__dict__[registry][name]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of that dotted name."""
        return self._get_member("_parameters", "parameter", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of that dotted name."""
        return self._get_member("_buffers", "buffer", target)

    def apply(self: Self, fn: Callable[["Module"], Any]) -> Self:
        """Call `fn` on every module below, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ── modes, gradients, dtypes ────────────────────────────────────────────────────────────────────────────────

    def train(self: Self, mode: bool = True) -> Self:
        """Tell this module and all below it that they are training, or not."""
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """The opposite of `train`."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Ask for the gradients of all parameters, or stop asking."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or make them zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else creation.zeros_like(parameter)

    def _apply(self: Self, change: Callable[[Tensor], Tensor]) -> Self:
        """Exchange the values of all parameters (and their gradients) and buffers; the objects stay."""
        for tensor in chain(self.parameters(), self.buffers()):
            tensor.data = change(tensor.data)
            if tensor.grad is not None:
                tensor.grad = change(tensor.grad)
        return self

    def to(self: Self, *targets: Any, device: Any = None, dtype: Any = None, **_: Any) -> Self:
        """All floating parameters and buffers in another dtype; a device may be named if it is the CPU."""
        dtype = wanted_dtype((*targets, device), dtype)
        return self if dtype is None else self._cast(np.dtype(dtype))

    def _cast(self: Self, dtype: np.dtype) -> Self:
        if dtype not in (creation.float32, creation.float64):
            raise NotImplementedError(
                f"{type(self).__name__}: dtype {dtype} is not supported, expected float32 or float64"
            )
        return self._apply(lambda t: Tensor(t.array.astype(dtype)) if t.dtype.kind == "f" and t.dtype != dtype else t)

    def float(self: Self) -> Self:
        """In float32."""
        return self._cast(creation.float32)

    def double(self: Self) -> Self:
        """In float64."""
        return self._cast(creation.float64)

    def half(self: Self) -> Self:
        """Not supported."""
        return self._cast(creation.float16)

    def bfloat16(self: Self) -> Self:
        """Not supported: NumPy has no such dtype."""
        raise NotImplementedError("bfloat16: not supported, expected float32 or float64")

    def cpu(self: Self) -> Self:
        """The module itself: it is there already."""
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """There is no other device."""
        raise NotImplementedError("cuda: twice computes with NumPy on the CPU; use torch for the GPU")

    # ── saving and loading ──────────────────────────────────────────────────────────────────────────────────────

    def _saved(self) -> Iterator[tuple[str, Tensor]]:
        """This module's own parameters and persistent buffers."""
        for name, tensor in chain(self._parameters.items(), self._buffers.items()):
            if tensor is not None and name not in self._non_persistent_buffers_set:
                yield name, tensor

    def state_dict(
        self, *, destination: dict | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Every parameter and persistent buffer under its dotted name; the tensors share this module's memory."""
        state: dict[str, Tensor] = OrderedDict() if destination is None else destination
        for path, module in self.named_modules(remove_duplicate=False):
            for name, tensor in module._saved():
                state[prefix + _dotted(path, name)] = tensor if keep_vars else tensor.detach()
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> "IncompatibleKeys":
        """Take over the values of a state: tensors of either engine, or arrays. Nothing changes on an error."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: state_dict is a {type(state_dict).__name__}, expected a dict")
        own = self.state_dict(keep_vars=True)
        values = {key: _as_array(key, state_dict[key]) for key in own if key in state_dict}
        keys = IncompatibleKeys(
            [key for key in own if key not in state_dict], [key for key in state_dict if key not in own]
        )
        problems = keys.problems() if strict else []
        problems += [
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {own[key].shape}."
            for key, value in values.items()
            if value.shape != own[key].shape
        ]
        if problems:
            listed = "\n\t".join([f"Error(s) in loading state_dict for {self._get_name()}:", *problems])
            raise RuntimeError(listed)
        for key, value in values.items():
            self._load(key, own[key], value, assign)
        return keys

    def _load(self, key: str, tensor: Any, value: np.ndarray, assign: bool) -> None:
        if not assign:
            with no_grad():
                tensor.copy_(Tensor(value))
            return
        path, _, name = key.rpartition(".")
        new = Parameter(value, tensor.requires_grad) if isinstance(tensor, Parameter) else Tensor(value)
        setattr(self.get_submodule(path), name, new)

    # ── printing ────────────────────────────────────────────────────────────────────────────────────────────────

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What `print` shows of the module itself, before its children."""
        return ""

    def __repr__(self) -> str:
        own = self.extra_repr()
        lines = [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        if "\n" not in own and not lines:
            return f"{self._get_name()}({own})"
        return "\n  ".join([f"{self._get_name()}(", *(own.split("\n") if own else ()), *lines]) + "\n)"


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class IncompatibleKeys(_Keys):
    """What `load_state_dict` found on one side alone."""

    def problems(self) -> list[str]:
        """A line for each side that has some."""
        sides = {"Missing": self.missing_keys, "Unexpected": self.unexpected_keys}
        return [
            f"{side} key(s) in state_dict: {', '.join(map(_quoted, keys))}." for side, keys in sides.items() if keys
        ]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    __str__ = __repr__


class RemovableHandle:
    """Takes a hook away again; as a context, at its end."""

    _numbers = count()

    def __init__(self, hooks: dict, hook: Any, prepend: bool):
        self.hooks, self.id = hooks, next(self._numbers)
        others = list(hooks.items()) if prepend else []
        if prepend:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(others)

    def remove(self) -> None:
        """From now on the hook is not called."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def indent(text: str) -> str:
    """All lines but the first moved right by two."""
    return text.replace("\n", "\n  ")


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _quoted(name: str) -> str:
    return f'"{name}"'


def _once(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The pairs whose value has not come before."""
    seen: set[int] = set()
    for name, value in pairs:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def _as_array(key: str, value: Any) -> np.ndarray:
    """The values of a tensor of either engine, or of an array."""
    if isinstance(value, Tensor):
        return value.array
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if not isinstance(value, np.ndarray | np.generic):
        raise TypeError(f"load_state_dict: {key} is a {type(value).__name__}, expected a tensor or an array")
    return np.asarray(value)
