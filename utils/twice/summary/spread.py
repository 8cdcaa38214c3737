"""How a receptive field passes through the functions that a network calls between and inside its layers."""

from math import prod
from typing import Any

from twice.summary.field import ALL, UNKNOWN, Axes, State, join, places, through_windows
from twice.summary.kinds import spread

POINTWISE = set(
    """
    add sub mul div truediv neg pow exp log sqrt rsqrt abs square sin cos clamp where lerp addcmul addcdiv maximum
    minimum relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish sigmoid tanh hardtanh hardsigmoid
    hardswish softplus softsign tanhshrink logsigmoid threshold softshrink hardshrink dropout dropout1d dropout2d
    dropout3d alpha_dropout feature_dropout feature_alpha_dropout batch_norm local_response_norm clone contiguous
    detach to type_as float double half cast requires_grad
    """.split()  # noqa: SIM905
)
RESHAPES = {"reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze", "reshape_as", "view_as"}
REORDERS = {"permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"}
SELECTS = {"getitem", "split", "chunk", "narrow", "select", "unbind", "tensor_split", "index_select"}
REDUCES = {"mean", "sum", "amax", "amin", "max", "min"}
WINDOWS = {f"{f}_pool{r}d": r for f in ("max", "avg") for r in (1, 2, 3)}
NORMS_OVER_PLACES = {"group_norm", "instance_norm"}


def plain_name(name: str) -> str:
    """`__iadd__`, `add_` and `_max_pool2d` are add, add and max_pool2d."""
    bare = name.strip("_")
    return bare[1:] if name.startswith("__") and bare[:1] in "ir" and bare[1:] in POINTWISE else bare


def through_function(engine: Any, name: str, inputs: list, known: list, args: tuple, kwargs: dict, y: Any) -> State:
    """The state of an output, given the inputs and the states of those that are no constants."""
    states = [state for _, state in known]
    x, state = known[0]
    if ALL in states:
        return ALL
    if name in POINTWISE or name == "cat" or name == "concat":
        return join(states, len(y.shape))
    if name == "linear":
        return _linear(x, state)
    if isinstance(state, str):
        return UNKNOWN
    if name == "layer_norm":
        return _layer_norm(inputs, args, state)
    if name in NORMS_OVER_PLACES:
        return ALL if places(state) else state
    if name in REDUCES or name in RESHAPES:
        return _reshaped(name, x, state, y)
    if name in REORDERS:
        return _reordered(engine, x, state, y)
    if name in SELECTS:
        return state if _same_places(x, state, y) else UNKNOWN
    if name in WINDOWS and len(args) + len(kwargs) > 1:
        return through_windows(state, _pool_windows(WINDOWS[name], args, kwargs))
    return UNKNOWN


def _linear(x: Any, state: State) -> State:
    """All features of one row: on (N, features) the whole input, on more axes each place for itself."""
    if len(x.shape) == 2:
        return ALL
    return state if not isinstance(state, str) and state[-1] is None else UNKNOWN


def _layer_norm(inputs: list, args: tuple, state: Axes) -> State:
    rank = len(inputs[1].shape) if len(inputs) > 1 else len(args[1]) if len(args) > 1 else len(state)
    return UNKNOWN if any(field is not None for field in state[-rank:]) else state


def _same_places(x: Any, state: Axes, y: Any) -> bool:
    """The same axes, none of those that move over the input cut."""
    if len(x.shape) != len(y.shape):
        return False
    return all(field is None or n == m for field, n, m in zip(state, x.shape, y.shape))


def _reshaped(name: str, x: Any, state: Axes, y: Any) -> State:
    """The places may stay the last axes, or stay where they are; gathered into one row they are the whole input."""
    rank = len(places(state))
    if rank == 0:
        return (None,) * len(y.shape)
    if prod(y.shape[2:]) == 1 and len(y.shape) >= 2 and prod(x.shape[2:]) > 1:
        return ALL
    if len(y.shape) == 2 and name in RESHAPES:
        return ALL
    last = len(state) >= rank and all(field is not None for field in state[-rank:])
    if last and len(y.shape) > rank and tuple(y.shape[-rank:]) == tuple(x.shape[-rank:]):
        return (None,) * (len(y.shape) - rank) + tuple(state[-rank:])
    return state if _same_places(x, state, y) else UNKNOWN


def _reordered(engine: Any, x: Any, state: Axes, y: Any) -> State:
    """Which axis went where shows in the lengths and strides of the view, where no two are equal."""
    before, after = (list(zip(t.shape, engine.strides(t))) for t in (x, y))
    if len(set(before)) < len(before) or set(before) != set(after):
        return UNKNOWN
    return tuple(state[before.index(step)] for step in after)


def _pool_windows(rank: int, args: tuple, kwargs: dict) -> list[tuple]:
    given = dict(zip(("input", "kernel_size", "stride", "padding"), args)) | kwargs
    k = spread(given["kernel_size"], rank)
    s = spread(given.get("stride") or k, rank)
    return list(zip(k, s, spread(given.get("padding", 0), rank), spread(given.get("dilation", 1), rank)))
