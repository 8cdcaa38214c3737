"""Tensor: an array, its gradient, and the tape that leads from one to the other.

Every operation on tensors is a kernel, a pure function on arrays that returns its value and its pullback, lifted by
`op`. The lift records a `Node`: the pullback and the edges to where its gradients go. `backward` walks the nodes from
the newest to the oldest, which needs no recursion and no sorting: a node is always older than those that use it.

Changing a tensor in place is safe because every array has one `Storage` that all its views share. It counts changes.
A node remembers the count of each tensor whose array its pullback has captured, and only of those; if one has moved on
when backward arrives, the values that the derivative needs are gone and an error says which.
"""

from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from heapq import heappop, heappush
from itertools import count
from types import FunctionType
from typing import Any

import numpy as np

from twice.kernels.pullback import Parts

Array = np.ndarray

_clock = count()


class _Mode:
    """Whether operations are recorded: one switch, turned by `no_grad` and its kin."""

    recording = True


class _Recording(ContextDecorator):
    """A context or a decorator (with or without parentheses) inside which operations are recorded, or not."""

    mode = True

    def __new__(cls, function: Any = None, **_: Any) -> Any:
        return cls()(function) if callable(function) else super().__new__(cls)

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self):
        self._before.append(_Mode.recording)
        _Mode.recording = self.mode
        return self

    def __exit__(self, *_: object) -> None:
        _Mode.recording = self._before.pop()


class no_grad(_Recording):
    """Inside, nothing is recorded: what is computed does not require a gradient."""

    mode = False


class enable_grad(_Recording):
    """Inside, operations are recorded again."""


class inference_mode(_Recording):
    """`no_grad`, unless its mode is False."""

    def __init__(self, mode: bool = True):
        super().__init__()
        self.mode = not mode and _Mode.recording


class set_grad_enabled(_Recording):
    """Record operations from here on, or don't; as a context, until its end."""

    def __init__(self, mode: bool):
        self.mode, self._outside = mode, _Mode.recording
        _Mode.recording = mode

    def __call__(self, function: Any) -> Any:
        _Mode.recording = self._outside
        return super().__call__(function)

    def _recreate_cm(self) -> "set_grad_enabled":  # each call of a decorated function opens a context of its own
        return set_grad_enabled(self.mode)

    def __enter__(self):
        _Mode.recording = self.mode
        return self

    def __exit__(self, *_: object) -> None:
        _Mode.recording = self._outside


def is_grad_enabled() -> bool:
    """Whether operations are being recorded now."""
    return _Mode.recording


OFF_TAPE = -1  # `_seen` of a detached tensor: it never asks how its values came about


class Storage:
    """The memory behind a tensor and all its views, and how often it was changed.

    `version` counts every change of a value. `history` counts the changes that became part of the tape: after one,
    other tensors on this memory no longer know how their values came about. `of_leaf` says that a leaf which requires
    a gradient lies here and has views.
    """

    __slots__ = ("history", "of_leaf", "owner", "version")

    def __init__(self, owner: Array):
        self.owner, self.version, self.history, self.of_leaf = owner, 0, 0, False


def owner_of(array: Any) -> Any:
    """The array that owns the memory under a view."""
    while (base := getattr(array, "base", None)) is not None:
        array = base
    return array


class Node:
    """One recorded operation: a pullback, and for each input the edge along which its gradient leaves."""

    __slots__ = ("back", "edges", "hooks", "name", "order", "outputs", "retained", "watched")

    def __init__(self, name: str, back: Callable[..., Any], edges: list, outputs: tuple, watched: list):
        self.name, self.back, self.edges, self.outputs, self.watched = name, back, edges, outputs, watched
        self.order = next(_clock)
        self.hooks: dict[int, list] | None = None
        self.retained: dict[int, Tensor] | None = None

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def pull(self, cotangents: list[Array | None]) -> tuple:
        """The gradients of the inputs, given those of the outputs; one that never came is zero."""
        if self.back is None:
            raise RuntimeError(
                f"backward: the graph of {self.name} was already used and freed, expected a fresh forward pass "
                "(or retain_graph=True in the first backward)"
            )
        for storage, version in self.watched:
            if storage.version != version:
                raise RuntimeError(
                    f"backward: an array of shape {storage.owner.shape} that {self.name} needs was changed in place "
                    f"after it was used: it is at version {storage.version}, expected version {version}"
                )
        full = [
            np.zeros(shape, dtype) if dy is None and dtype.kind in "fc" else dy
            for dy, (shape, dtype) in zip(cotangents, self.outputs)
        ]
        gradients = _call_pullback(self.back, full, self.edges)
        return gradients if isinstance(gradients, tuple) else (gradients,)

    def free(self) -> None:
        """Forget what backward needed."""
        self.back = None  # type: ignore[assignment]
        self.watched = []


def _call_pullback(back: Callable[..., Any], cotangents: list, edges: list) -> Any:
    code = getattr(back, "__code__", None)
    if code is not None and "needs" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return back(*cotangents, needs=tuple(edge is not None for edge in edges))
    return back(*cotangents)


class Tensor:
    """An array that remembers how it was computed.

    `array` is the NumPy array itself. The everyday methods (`view`, `sum`, `exp`, …) and the operators are attached in
    `twice.functions`; they mean what torch's mean.
    """

    __slots__ = ("__weakref__", "_index", "_node", "_seen", "_storage", "array", "grad", "requires_grad")
    __array_priority__ = 1000  # so that ndarray + Tensor asks the Tensor
    __hash__ = object.__hash__

    def __init__(self, array: Any, requires_grad: bool = False):
        self.array: Array = array if type(array) is np.ndarray else np.asarray(array)
        self.grad: Tensor | None = None
        self._storage = Storage(owner_of(self.array))
        self._seen = 0
        self._node: Node | None = None
        self._index = 0
        self.requires_grad = False
        if requires_grad:
            self.requires_grad_()

    # ── what it is ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def is_leaf(self) -> bool:
        return self._node is None

    @property
    def grad_fn(self) -> Node | None:
        return self._node

    @property
    def data(self) -> "Tensor":
        """The same memory without the tape. Changing it is not recorded and raises no alarm."""
        return Tensor(self.array)

    @data.setter
    def data(self, value: "Tensor") -> None:
        self.array = value.array
        self._storage = Storage(owner_of(self.array))
        self._seen = 0

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Ask for a gradient (or stop asking): only for tensors that no operation has made."""
        if requires_grad and self.array.dtype.kind not in "fc":
            raise TypeError(f"requires_grad: the tensor has dtype {self.dtype}, expected a floating dtype")
        if not requires_grad and self._node is not None:
            raise RuntimeError("requires_grad_: the tensor was computed by the tape, expected a leaf; use detach()")
        self.requires_grad = requires_grad
        return self

    # ── the tape ────────────────────────────────────────────────────────────────────────────────────────────

    def detach(self) -> "Tensor":
        """A tensor on the same memory that the tape does not know."""
        out = _share(self, self.array)
        out._seen = OFF_TAPE
        return out

    def backward(self, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add ∂self/∂leaf to the `grad` of every leaf that requires it."""
        backward(self, gradient, retain_graph, create_graph)

    def retain_grad(self) -> None:
        """Keep the gradient of this computed tensor too."""
        if self._node is not None:
            self._node.retained = {**(self._node.retained or {}), self._index: self}

    def register_hook(self, hook: Callable[["Tensor"], "Tensor | None"]) -> "HookHandle":
        """Call `hook(gradient)` when this computed tensor's gradient is known; it may answer another gradient."""
        if self._node is None:
            raise NotImplementedError("register_hook: hooks on leaves are not supported, only on computed tensors")
        self._node.hooks = self._node.hooks or {}
        return HookHandle(self._node.hooks.setdefault(self._index, []), hook)

    def __deepcopy__(self, memo: dict) -> "Tensor":
        if self._node is not None:
            raise RuntimeError(
                "deepcopy: the tensor was computed by the tape, expected a leaf; use detach() or clone()"
            )
        twin = memo[id(self)] = type(self)(self.array.copy(), self.requires_grad)
        twin.grad = None if self.grad is None else Tensor(self.grad.array.copy())
        return twin

    def __reduce__(self) -> tuple:
        return type(self), (self.array, self.requires_grad)


class HookHandle:
    """What `register_hook` answers: `remove()` takes the hook away again."""

    def __init__(self, hooks: list, hook: Callable[..., Any]):
        self._hooks, self._hook = hooks, hook
        hooks.append(hook)

    def remove(self) -> None:
        """The hook is not called any more."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


def mark_changed(t: Tensor) -> None:
    """Say that the values of `t` were changed behind the tape's back, through `t.array`."""
    t._storage.version += 1


def _share(source: Tensor, array: Array) -> Tensor:
    """A new tensor on the memory of `source`."""
    out = Tensor.__new__(Tensor)
    out.array, out.grad, out.requires_grad, out._node, out._index = array, None, False, None, 0
    out._storage, out._seen = source._storage, source._storage.history
    if source.requires_grad and source._node is None:
        out._storage.of_leaf = True
    return out


# ── recording ───────────────────────────────────────────────────────────────────────────────────────────────────


_quietly = np.errstate(all="ignore")  # torch divides by zero without a word


def op(kernel: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Lift a kernel on arrays to a function on tensors: positional inputs may be tensors, options are passed on."""
    name = name or kernel.__name__

    @_quietly
    def lifted(*inputs: Any, **options: Any) -> Any:
        value, back = kernel(*[t.array if isinstance(t, Tensor) else t for t in inputs], **options)
        return record(name, value, back, inputs)

    lifted.__name__ = lifted.__qualname__ = name
    lifted.__doc__ = kernel.__doc__
    lifted.__wrapped__ = kernel  # type: ignore[attr-defined]
    return lifted


def record(name: str, value: Any, back: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """Wrap the value(s) of a kernel and, where a gradient is asked for, put the pullback on the tape."""
    tensors = [t for t in inputs if isinstance(t, Tensor)]  # lists, not generators: this is called for every operation
    outputs = tuple(_wrap(v, tensors) for v in value) if isinstance(value, tuple) else (_wrap(value, tensors),)
    if _Mode.recording and any([t.requires_grad or t._seen != t._storage.history for t in tensors]):  # noqa: C419
        _refuse_stale(name, tensors)
        if not any([t.requires_grad for t in tensors]):  # noqa: C419
            return outputs if isinstance(value, tuple) else outputs[0]
        node = make_node(name, back, inputs, tensors, outputs)
        for index, out in enumerate(outputs):
            if out.array.dtype.kind in "fc":
                out.requires_grad, out._node, out._index = True, node, index
    return outputs if isinstance(value, tuple) else outputs[0]


def _wrap(value: Any, tensors: list[Tensor]) -> Tensor:
    """A tensor for a kernel's value; a view of an input shares that input's storage."""
    if type(value) is not np.ndarray:
        value = np.asarray(value)
    owner = value if value.base is None else owner_of(value)
    for t in tensors:
        if t._storage.owner is owner:
            return _share(t, value)
    return Tensor(value)


def make_node(name: str, back: Any, inputs: Sequence[Any], tensors: list[Tensor], outputs: Sequence[Tensor]) -> Node:
    """The record of one operation: edges to the inputs, and the versions of what the pullback has captured."""
    edges = [_edge_to(t) if isinstance(t, Tensor) and t.requires_grad else None for t in inputs]
    if isinstance(back, Parts):
        back = back.keep([edge is not None for edge in edges])
    watched: list[tuple[Storage, int]] = []
    storages = [t._storage for t in tensors] + [t._storage for t in outputs]
    for array in _captured(back):
        owner = array if array.base is None else owner_of(array)
        for storage in storages:
            if storage.owner is owner:
                watched.append((storage, storage.version))
                break
    return Node(name, back, edges, tuple((t.array.shape, t.array.dtype) for t in outputs), watched)


def _edge_to(t: Tensor) -> tuple:
    """Where the gradient of input `t` goes: to the node that made it, or into the leaf itself."""
    return (t._node if t._node is not None else t, t._index, t.array.shape, t.array.dtype)


def _refuse_stale(name: str, tensors: list[Tensor]) -> None:
    """A tensor whose memory was changed on the tape through another one has lost its history."""
    for t in tensors:
        if t._seen != t._storage.history and t._seen != OFF_TAPE:
            raise NotImplementedError(
                f"{name}: an input of shape {t.shape} shares memory with a tensor that was changed in place on the "
                "tape, expected the changed tensor itself or a clone() made before the change"
            )


def _captured(back: Any) -> list[Array]:
    """Every array that a pullback holds: in its closure, in parts, in nested functions, tuples and lists."""
    arrays, waiting, seen = [], [back], set()
    while waiting:
        thing = waiting.pop()
        kind = type(thing)
        if kind is np.ndarray:
            arrays.append(thing)
        elif id(thing) in seen:
            continue
        elif kind is FunctionType and thing.__closure__:
            seen.add(id(thing))
            waiting += [_content(cell) for cell in thing.__closure__]
        elif isinstance(thing, tuple | list):
            seen.add(id(thing))
            waiting += thing
        elif kind is Parts:
            waiting += thing.parts
        elif kind is Context:
            arrays += [t.array for t in thing.saved_tensors if t is not None]
    return arrays


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that was never bound
        return None


@_quietly
def change(name: str, kernel: Callable[..., Any], target: Tensor, *others: Any, **options: Any) -> Tensor:
    """Replace the values of `target` by those of a kernel, in its own memory and on the tape.

    A kernel that takes `out` writes there itself and captures what it has written; any other kernel's value is copied
    in, and a pullback that needs the old values is given a copy of them.
    """
    inputs = (target, *others)
    tensors = [t for t in inputs if isinstance(t, Tensor)]
    recording = _to_be_recorded(name, target, tensors)
    arrays = [t.array if isinstance(t, Tensor) else t for t in inputs]
    value, back = kernel(*arrays, **options)
    if recording and "out" not in options and _needs_old_values(back, target, inputs):
        value, back = kernel(target.array.copy(), *arrays[1:], **options)
    in_memory = value is target.array
    if not in_memory:
        np.copyto(target.array, value, casting="same_kind")
    storage = target._storage
    storage.version += 1
    if recording:
        node = make_node(name, back, inputs, tensors, (target,))
        if not in_memory:  # what was captured of this memory were the values before
            node.watched = [(s, version - (s is storage)) for s, version in node.watched]
        storage.history += 1
        target.requires_grad, target._node, target._index, target._seen = True, node, 0, storage.history
    return target


def _to_be_recorded(name: str, target: Tensor, tensors: list[Tensor]) -> bool:
    """Whether a change in place belongs on the tape; refused where the tape could not follow it."""
    if not _Mode.recording:
        return False
    _refuse_stale(name, tensors)
    if not any(t.requires_grad for t in tensors):
        return False
    if target.requires_grad and (target._node is None or target._storage.of_leaf):
        what = "leaf" if target._node is None else "view of a leaf"
        raise RuntimeError(
            f"{name}: a {what} that requires a gradient is changed in place, expected no_grad() around it"
        )
    return True


def _needs_old_values(back: Any, target: Tensor, inputs: Sequence[Any]) -> bool:
    if isinstance(back, Parts):
        back = back.keep([isinstance(t, Tensor) and t.requires_grad for t in inputs])
    return any(array is target.array for array in _captured(back))


# ── an operation of one's own ───────────────────────────────────────────────────────────────────────────────────


class Context:
    """What `forward` of a `Function` hands to its `backward`."""

    def __init__(self) -> None:
        self.saved_tensors: tuple[Tensor | None, ...] = ()
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: "Tensor | None") -> None:
        """Keep tensors until backward; one that is changed in place until then is noticed."""
        self.saved_tensors = tensors


class Function:
    """An operation with a derivative of one's own: static `forward(ctx, …)` and `backward(ctx, …)` on tensors."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        raise NotImplementedError("Function: forward is missing, expected a static method forward(ctx, …)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise NotImplementedError("Function: backward is missing, expected a static method backward(ctx, …)")

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run `forward` off the tape and record `backward` in its place."""
        ctx = Context()
        ctx.needs_input_grad = tuple(isinstance(t, Tensor) and t.requires_grad for t in inputs)
        with no_grad():
            value = cls.forward(ctx, *inputs)
        arrays = tuple(v.array for v in value) if isinstance(value, tuple) else value.array

        def back(*cotangents: Any) -> tuple:
            gradients = cls.backward(ctx, *(None if dy is None else Tensor(dy) for dy in cotangents))
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            return tuple(g.array if isinstance(g, Tensor) else g for g in gradients)

        return record(cls.__name__, arrays, back, inputs)


# ── backward ────────────────────────────────────────────────────────────────────────────────────────────────────


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = False,
    create_graph: bool = False,
) -> None:
    """Add the gradients of all leaves that `tensors` depend on to their `grad`."""
    _refuse_second_order("backward", create_graph)
    outputs = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    _sweep(outputs, _given(grad_tensors, len(outputs)), bool(retain_graph), _accumulate)


def _refuse_second_order(where: str, create_graph: bool) -> None:
    if create_graph:
        raise NotImplementedError(f"{where}: create_graph=True (a gradient of a gradient) is not supported")


def _given(gradients: Any, count: int) -> list:
    """The cotangents to begin with, one an output."""
    return list(gradients) if isinstance(gradients, list | tuple) else [gradients] * count


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = False,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `inputs` alone, as a tuple; no `grad` is touched."""
    _refuse_second_order("grad", create_graph)
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    leaves: dict[int, Array] = {}
    computed = {(id(t._node), t._index): i for i, t in enumerate(inputs) if t._node is not None}
    found: list[Array | None] = [None] * len(inputs)

    def deliver(leaf: Tensor, gradient: Array, _: bool) -> None:
        leaves[id(leaf)] = leaves[id(leaf)] + gradient if id(leaf) in leaves else gradient

    def watch(node: Node, index: int, gradient: Array) -> None:
        if (position := computed.get((id(node), index))) is not None:
            found[position] = gradient

    _sweep(outputs, _given(grad_outputs, len(outputs)), bool(retain_graph), deliver, watch)
    answers = [leaves.get(id(t)) if t._node is None else found[i] for i, t in enumerate(inputs)]
    if not allow_unused and any(a is None for a in answers):
        raise RuntimeError(
            f"grad: input {[a is None for a in answers].index(True)} has no part in the outputs, expected one that has "
            "(or allow_unused=True)"
        )
    return tuple(None if a is None else Tensor(np.array(a)) for a in answers)


def _sweep(
    outputs: Sequence[Tensor],
    gradients: Sequence[Any],
    retain_graph: bool,
    deliver: Callable[[Tensor, Array, bool], None],
    watch: Callable[[Node, int, Array], None] | None = None,
) -> None:
    """Walk the tape from the newest node to the oldest, handing each its outputs' gradients.

    `deliver(leaf, gradient, fresh)` receives what arrives at a leaf; `fresh` says that nobody else holds the array.
    """
    waiting: dict[Node, list[Array | None]] = {}
    queue: list[tuple[int, Node]] = []

    def send(target: Any, index: int, gradient: Array, fresh: bool) -> None:
        if isinstance(target, Tensor):
            deliver(target, gradient, fresh)
            return
        slots = waiting.get(target)
        if slots is None:
            slots = waiting[target] = [None] * len(target.outputs)
            heappush(queue, (-target.order, target))
        slots[index] = gradient if slots[index] is None else slots[index] + gradient

    for out, given in zip(outputs, gradients):
        send(out._node if out._node is not None else out, out._index, _seed(out, given), False)
    with no_grad(), np.errstate(all="ignore"):
        while queue:
            node = heappop(queue)[1]
            cotangents = waiting.pop(node)
            if node.hooks or node.retained or watch:
                _observe(node, cotangents, watch)
            pulled = node.pull(cotangents)
            for edge, gradient in zip(node.edges, pulled):
                if edge is None or gradient is None:
                    continue
                target, index, shape, dtype = edge
                fresh = _is_fresh(gradient, cotangents)
                if gradient.shape != shape:
                    gradient, fresh = unbroadcast(gradient, shape), True
                if gradient.dtype != dtype:
                    gradient, fresh = gradient.astype(dtype), True
                send(target, index, gradient, fresh)
            if not retain_graph:
                node.free()


def _is_fresh(gradient: Array, cotangents: list) -> bool:
    """Whether a pullback made this array anew (perhaps seen in another shape), so that it can be handed over.

    What is not new is a cotangent that was passed on, or a view of one.
    """
    owner = owner_of(gradient)
    if getattr(owner, "size", None) != gradient.size or not gradient.flags.writeable:
        return False
    return not any([owner is owner_of(dy) for dy in cotangents if dy is not None])  # noqa: C419


def _seed(out: Tensor, given: Any) -> Array:
    """The cotangent to begin with: 1 for a number, else what the caller gave."""
    if not out.requires_grad:
        raise RuntimeError("backward: the tensor does not require a gradient, expected one computed from parameters")
    if given is None:
        if out.array.size != 1:
            raise RuntimeError(f"backward: the tensor has shape {out.shape}, expected a scalar or a gradient argument")
        return np.ones_like(out.array)
    given = given.array if isinstance(given, Tensor) else np.asarray(given)
    if given.shape != out.shape:
        raise ValueError(f"backward: gradient has shape {given.shape}, expected {out.shape}")
    return given.astype(out.dtype, copy=False)


def _observe(node: Node, cotangents: list, watch: Callable[[Node, int, Array], None] | None) -> None:
    """Show each gradient to the hooks, to those who retain it, and to `grad`."""
    for index, gradient in enumerate(cotangents):
        if gradient is None:
            continue
        for hook in (node.hooks or {}).get(index, ()):
            answer = hook(Tensor(gradient))
            gradient = cotangents[index] = gradient if answer is None else answer.array
        if node.retained and index in node.retained:
            _accumulate(node.retained[index], gradient, False)
        if watch:
            watch(node, index, gradient)


def _accumulate(leaf: Tensor, gradient: Array, fresh: bool) -> None:
    """leaf.grad += gradient, taking over an array that nobody else holds."""
    if leaf.grad is not None:
        leaf.grad.array += gradient
        mark_changed(leaf.grad)
    else:
        leaf.grad = Tensor(gradient if fresh and type(gradient) is np.ndarray else np.array(gradient))


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which its input was repeated: the only place where this is done."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape)))) if gradient.ndim > len(shape) else gradient
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and gradient.shape[i] != 1)
    gradient = gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
    assert gradient.shape == shape, f"a gradient of shape {gradient.shape} came for an input of shape {shape}"
    return np.asarray(gradient)
