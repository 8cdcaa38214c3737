"""One forward pass, watched: the tree of calls, with what each layer put out, cost and saw."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import prod
from typing import Any
from weakref import ref

from twice.blocks import modes_kept
from twice.summary.engines import engine_for, tensors_in
from twice.summary.field import ALL, UNKNOWN, State, of_input, places, through_windows
from twice.summary.kinds import OPAQUE, PRODUCTS, kind_of, windows_of, words_of, work_of, work_of_function
from twice.summary.spread import plain_name, through_function

JOINS = ("Concat", "Sum", "Scale")  # of `twice.blocks`: even alone, how they join what is in them is worth a row


@dataclass
class Call:
    """A layer's call, or a container's with the calls inside it."""

    name: str
    kind: str
    output: tuple[int, ...] | None = None
    parameters: int = 0
    trainable: int = 0
    multiply_adds: int = 0
    activations: int = 0
    memory: int = 0
    state: State = UNKNOWN
    inside: list["Call"] = field(default_factory=list)
    window: str = ""


class States:
    """What the tensors of the pass see, for as long as they live."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Any, State]] = {}

    def __setitem__(self, tensor: Any, state: State) -> None:
        self._of[id(tensor)] = (ref(tensor), state)

    def get(self, tensor: Any) -> State | None:
        """The state of a tensor, None for a constant."""
        reference, state = self._of.get(id(tensor), (None, None))
        return state if reference is not None and reference() is tensor else None


class Trace:
    """The watcher of a pass: hooks on the modules, and on the functions between them."""

    def __init__(self, net: Any, engine: Any, elementwise: bool):
        self.net, self.engine, self.elementwise = net, engine, elementwise
        self.names = {id(module): name for name, module in net.named_modules()}
        self.owners = {
            id(p): (name, module) for name, module in net.named_modules() for p in module.parameters(recurse=False)
        }
        self.states, self.seen, self.uncounted = States(), set[int](), set[str]()
        self.stack: list[tuple[Call, bool, list, list]] = []
        self.root: Call | None = None
        self.extents: tuple[int, ...] = ()

    # ── the pass ────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, inputs: Sequence[Any]) -> Call:
        """The tree of calls, the inputs first and what was never called last."""
        for tensor in inputs:
            self.states[tensor] = of_input(len(tensor.shape))
        self.extents = tuple(inputs[0].shape[2:]) if inputs else ()
        with ExitStack() as stack:
            stack.enter_context(modes_kept(self.net))
            self.net.eval()
            for module in self.net.modules():
                for handle in (
                    module.register_forward_pre_hook(self._enter, with_kwargs=True),
                    module.register_forward_hook(self._leave, with_kwargs=True),
                ):
                    stack.callback(handle.remove)
            stack.enter_context(self.engine.watching(self._function))
            self.net(*inputs)
        assert self.root is not None
        alone = self._is_layer(self.net) and not self.root.inside
        top = Call("", "", inside=[self.root]) if alone or self.root.kind in JOINS else self.root
        top.inside = [self._input(x) for x in inputs] + top.inside + self._idle()
        return top

    def _input(self, x: Any) -> Call:
        call = Call("input", "Input", tuple(x.shape), state=of_input(len(x.shape)))
        call.activations, call.memory = prod(x.shape), prod(x.shape) * self.engine.itemsize(x)
        return call

    def _idle(self) -> list[Call]:
        """The modules whose parameters this pass did not use."""
        calls = [Call(name, f"{type(m).__name__} (not used)") for name, m in self.net.named_modules()]
        for call, module in zip(calls, self.net.modules()):
            self._take(call, module, recurse=False)
        return [call for call in calls if call.parameters]

    # ── modules ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_layer(self, module: Any) -> bool:
        return kind_of(module) in OPAQUE or next(module.children(), None) is None

    def _take(self, call: Call, module: Any, recurse: bool) -> None:
        """Count the parameters that no call before has counted."""
        for p in module.parameters(recurse=recurse):
            if id(p) not in self.seen:
                self.seen.add(id(p))
                call.parameters += prod(p.shape)
                call.trainable += prod(p.shape) if p.requires_grad else 0

    def _enter(self, module: Any, args: tuple, kwargs: dict) -> None:
        call = Call(self.names[id(module)], type(module).__name__)
        if self.stack:
            self.stack[-1][0].inside.append(call)
        layer = self._is_layer(module) or any(is_layer for _, is_layer, _, _ in self.stack)
        inputs = tensors_in([*args, kwargs], self.engine.tensor_type)
        self.stack.append((call, layer, inputs, [self.states.get(x) for x in inputs]))
        if layer:
            self._take(call, module, recurse=True)
        else:
            self._own_parameters(call, module)

    def _own_parameters(self, call: Call, module: Any) -> None:
        """A row for each parameter that a container holds itself: a class token, a table of positions."""
        for name, p in module.named_parameters(recurse=False):
            if id(p) not in self.seen:
                own = Call(f"{call.name}.{name}".lstrip("."), "Parameter", tuple(p.shape), state=())
                self.seen.add(id(p))
                own.parameters = prod(p.shape)
                own.trainable = own.parameters if p.requires_grad else 0
                call.inside.append(own)

    def _leave(self, module: Any, args: tuple, kwargs: dict, answer: Any) -> None:
        call, layer, inputs, before = self.stack.pop()
        outputs = tensors_in(answer, self.engine.tensor_type)
        call.output = tuple(outputs[0].shape) if outputs else None
        if layer:
            call.inside = []
            kind = kind_of(module)
            call.window = words_of(kind, module)
            work = work_of(kind, module, inputs, outputs, self.elementwise)
            call.multiply_adds = call.multiply_adds if work is None else work
            self._count_memory(call, inputs, outputs)
            self._see(kind, module, kwargs, inputs, before, outputs)
        if outputs:
            call.state = self.states.get(outputs[0]) or UNKNOWN
        if not self.stack:
            self.root = call

    def _count_memory(self, call: Call, inputs: list, outputs: list) -> None:
        """Numbers that are new: not those of a layer that works in place, or answers its input or a view of it."""
        old = {self.engine.memory(x) for x in inputs}
        same_size = call.kind.startswith("Adaptive") and tuple(inputs[0].shape) == call.output
        new = [] if same_size else [y for y in outputs if self.engine.memory(y) not in old]
        call.activations = sum(prod(y.shape) for y in new)
        call.memory = sum(prod(y.shape) * self.engine.itemsize(y) for y in new)

    def _see(self, kind: str, module: Any, kwargs: dict, inputs: list, before: list, outputs: list) -> None:
        """What a layer with windows sees; of others the functions inside have told it."""
        if not inputs or before[0] is None or not outputs:
            return
        windows = windows_of(kind, module, tuple(inputs[0].shape))
        if windows is not None:
            self._keep(outputs[0], through_windows(before[0], windows))
        elif kind == "ChannelShuffle":
            self._keep(outputs[0], before[0])
        elif kind == "MultiheadAttention":
            masked = kwargs.get("attn_mask") is not None or kwargs.get("is_causal")
            self._keep(outputs[0], UNKNOWN if masked else ALL)

    def _keep(self, y: Any, state: State) -> None:
        """A single place that sees all of the input is marked so."""
        fields = places(state)
        single = fields and prod(n for n, f in zip(y.shape, state) if f is not None) == 1
        if single and len(fields) == len(self.extents) and all(f.covers(n) for f, n in zip(fields, self.extents)):
            state = ALL
        self.states[y] = state

    # ── functions ───────────────────────────────────────────────────────────────────────────────────────────────

    def _function(self, name: str, inputs: list, args: tuple, kwargs: dict, outputs: list) -> None:
        name = plain_name(name)
        known = [(x, state) for x in inputs if (state := self.states.get(x)) is not None]
        if known:
            for y in outputs:
                self._keep(y, through_function(self.engine, name, inputs, known, args, kwargs, y))
        if self.stack:
            self._count_function(name, inputs, args, outputs)

    def _count_function(self, name: str, inputs: list, args: tuple, outputs: list) -> None:
        """A product outside a layer's own rule: part of an unknown layer, or a row of its own inside a container."""
        call, layer, _, _ = self.stack[-1]
        work = work_of_function(name, inputs, args, outputs)
        if work is None:
            if name in PRODUCTS and not layer:
                self.uncounted.add(name)
            return
        if layer:
            call.multiply_adds += work
            return
        path, owner = next((self.owners[id(x)] for x in inputs if id(x) in self.owners), ("", None))
        row = Call(f"{call.name}.{name}".lstrip("."), name, tuple(outputs[0].shape), multiply_adds=work)
        if owner is not None and path != call.name:
            row.name, row.kind = path, type(owner).__name__
            self._take(row, owner, recurse=False)
        row.state = self.states.get(outputs[0]) or UNKNOWN
        row.activations = prod(outputs[0].shape)
        row.memory = row.activations * self.engine.itemsize(outputs[0])
        call.inside.append(row)


def trace(net: Any, inputs: Sequence[Any], batch: int | None, elementwise: bool) -> tuple[Call, list[str]]:
    """The calls of one forward pass, and the names of products that no rule counts."""
    engine = engine_for(net)
    like = next((p for p in net.parameters()), None)
    tensors = [engine.make(_full(where, given, batch), like) for where, given in enumerate(inputs)]
    watcher = Trace(net, engine, elementwise)
    return watcher.run(tensors), sorted(watcher.uncounted)


def _full(where: int, given: Any, batch: int | None) -> Any:
    """A shape with its batch, or the array itself."""
    if isinstance(given, list | tuple):
        if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in given):
            raise TypeError(f"summary: input {where} is {given!r}, expected a shape, an array or a tensor")
        return tuple(given) if batch is None else (batch, *given)
    if not hasattr(given, "shape"):
        raise TypeError(f"summary: input {where} is a {type(given).__name__}, expected a shape, an array or a tensor")
    return given
