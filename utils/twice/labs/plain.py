"""Plain data: numbers, strings, arrays and containers of them; how they are checked, stored and compared.

This is all that passes between an answer and whoever judges it. It needs NumPy and nothing else, no other file of the
library either, so that a sandbox can be given this one file.
"""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray

DTYPES = tuple(np.dtype(name) for name in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"))
NAMES = {dtype.str: dtype for dtype in DTYPES}
MAGIC = b"TWICE-1\n"
HEAD = struct.Struct("<Q")
WHOLE = 2**63  # numbers from here on are not plain
SINGLE = np.dtype("f4")
SINGLE_RTOL, SINGLE_ATOL = 1e-4, 1e-5  # of float32 answers; the second in units of the largest expected value


class BadValue(Exception):
    """A value that is not plain data, in a sentence."""


@dataclass(frozen=True)
class Limits:
    """How large plain data may be: bytes in all, containers within containers, values in all containers."""

    size: int = 64 * 2**20
    depth: int = 16
    items: int = 100_000
    axes: int = 32


LIMITS = Limits()


# ── simplify ────────────────────────────────────────────────────────────────────────────────────────────────────


def simplify(value: Any, limits: Limits = LIMITS, where: str = "the answer") -> Any:
    """A copy of the value as plain data: NumPy's scalars become numbers and torch's tensors arrays."""
    return _Simplifier(limits).simplify(value, where, 0)


class _Simplifier:
    """One walk through a value; it counts what it met."""

    def __init__(self, limits: Limits):
        self.limits, self.items, self.size = limits, 0, 0

    def simplify(self, value: Any, where: str, depth: int) -> Any:
        self.count(depth)
        if value is None or type(value) is bool:
            return value
        if isinstance(value, np.generic):
            value = _number(value, where)
        if isinstance(value, bool | int | float | str):
            return _scalar(value, where, self)
        if isinstance(value, tuple | list):
            members = [self.simplify(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
            return tuple(members) if isinstance(value, tuple) else members
        if isinstance(value, dict):
            return {_key(k, where): self.simplify(v, f'{where}["{k}"]', depth + 1) for k, v in value.items()}
        return self.array(value, where)

    def array(self, value: Any, where: str) -> Array:
        if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
            value = _from_torch(value, where)
        if not isinstance(value, np.ndarray):
            raise BadValue(f"{where} is a {type(value).__name__}, expected numbers, arrays or containers of them")
        if value.dtype.newbyteorder("=") not in DTYPES:
            raise BadValue(f"{where} has dtype {value.dtype}, expected whole or floating numbers")
        if value.ndim > self.limits.axes:
            raise BadValue(f"{where} has {value.ndim} axes, expected at most {self.limits.axes}")
        self.weigh(value.nbytes)
        return np.array(value, dtype=value.dtype.newbyteorder("="), order="C", subok=False)

    def count(self, depth: int) -> None:
        self.items += 1
        if self.items > self.limits.items:
            raise BadValue(f"the answer holds more than {self.limits.items} values, expected fewer")
        if depth > self.limits.depth:
            raise BadValue(f"the answer has more than {self.limits.depth} containers within each other")

    def weigh(self, size: int) -> None:
        self.size += size
        if self.size > self.limits.size:
            raise BadValue(f"the answer takes more than the {self.limits.size} bytes that are allowed")


def _number(value: np.generic, where: str) -> Any:
    if value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
        raise BadValue(f"{where} has dtype {value.dtype}, expected a whole or floating number")
    return value.item()


def _scalar(value: Any, where: str, walk: _Simplifier) -> Any:
    if isinstance(value, str):
        text = str.__str__(value)
        try:
            walk.weigh(len(text.encode("utf-8")))
        except UnicodeEncodeError:
            raise BadValue(f"{where} is a string that UTF-8 cannot express") from None
        return text
    if isinstance(value, float):
        return float.__float__(value)
    whole = value if type(value) is bool else int.__int__(value)
    if abs(whole) >= WHOLE:
        raise BadValue(f"{where} is a whole number beyond 64 bits")
    return whole


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise BadValue(f"{where} is a dict with a key of type {type(key).__name__}, expected strings")
    return _scalar(key, f"a key of {where}", _Simplifier(LIMITS))


def _from_torch(value: Any, where: str) -> Any:
    try:
        return value.detach().cpu().resolve_conj().resolve_neg().numpy()
    except (RuntimeError, TypeError) as error:
        raise BadValue(f"{where} is a tensor that NumPy cannot hold ({error})") from None


# ── encode and decode ───────────────────────────────────────────────────────────────────────────────────────────


def encode(value: Any, limit_bytes: int = LIMITS.size) -> bytes:
    """Plain data as bytes: a head in JSON that says what it is, then the arrays' bytes one after the other."""
    limits = Limits(size=limit_bytes)
    blobs: list[bytes] = []
    head = json.dumps(_as_json(simplify(value, limits), blobs)).encode("ascii")
    data = b"".join([MAGIC, HEAD.pack(len(head)), head, *blobs])
    if len(data) > limit_bytes:
        raise BadValue(f"the answer takes {len(data)} bytes, expected at most {limit_bytes}")
    return data


def _as_json(value: Any, blobs: list[bytes]) -> Any:
    """Containers and arrays as lists that begin with what they are; all else is itself."""
    if isinstance(value, np.ndarray):
        blobs.append(value.astype(value.dtype.newbyteorder("<")).tobytes())
        return ["array", value.dtype.newbyteorder("<").str, *value.shape]
    if isinstance(value, tuple | list):
        return [type(value).__name__, *(_as_json(v, blobs) for v in value)]
    if isinstance(value, dict):
        return ["dict", *([k, _as_json(v, blobs)] for k, v in value.items())]
    return value


def decode(data: bytes, limits: Limits = LIMITS) -> Any:
    """The value of these bytes, or BadValue: they may come from anywhere."""
    start = len(MAGIC) + HEAD.size
    if len(data) > limits.size:
        raise BadValue(f"the data takes {len(data)} bytes, expected at most {limits.size}")
    if len(data) < start or data[: len(MAGIC)] != MAGIC:
        raise BadValue("the data does not begin as plain data does")
    (length,) = HEAD.unpack_from(data, len(MAGIC))
    if length > len(data) - start:
        raise BadValue("the data ends within its head")
    head = bytes(data[start : start + length])
    if head.count(b",") + head.count(b"[") > 4 * limits.items:
        raise BadValue(f"the data holds more than {limits.items} values")
    try:
        tree = json.loads(head.decode("ascii"))
    except (ValueError, RecursionError):
        raise BadValue("the data's head is not JSON") from None
    reader = _Reader(memoryview(data)[start + length :], limits)
    value = reader.read(tree, 0)
    if reader.at != len(reader.blobs):
        raise BadValue("the data goes on after its last array")
    return value


class _Reader:
    """One walk through the tree of a head; arrays take their bytes in order."""

    def __init__(self, blobs: memoryview, limits: Limits):
        self.blobs, self.limits, self.at, self.walk = blobs, limits, 0, _Simplifier(limits)

    def read(self, node: Any, depth: int) -> Any:
        self.walk.count(depth)
        if node is None or type(node) is bool:
            return node
        if isinstance(node, int | float | str):
            return _scalar(node, "the data", self.walk)
        if not isinstance(node, list) or not node:
            raise BadValue("the data's head holds something that is not plain data")
        kind, members = node[0], node[1:]
        if kind == "array":
            return self.array(members)
        if kind in ("tuple", "list"):
            values = [self.read(member, depth + 1) for member in members]
            return tuple(values) if kind == "tuple" else values
        if kind == "dict" and all(isinstance(m, list) and len(m) == 2 for m in members):
            return {_key(k, "the data"): self.read(v, depth + 1) for k, v in members}
        raise BadValue("the data's head holds something that is not plain data")

    def array(self, members: list) -> Array:
        name, shape = members[0] if members else None, members[1:]
        if not isinstance(name, str) or name not in NAMES:
            raise BadValue("the data holds an array of a dtype that is not plain")
        if len(shape) > self.limits.axes or any(type(n) is not int or not 0 <= n < WHOLE for n in shape):
            raise BadValue("the data holds an array whose shape is not one")
        if math.prod(max(n, 1) for n in shape) > self.limits.size:  # an empty array may not claim much either
            raise BadValue(f"the data holds an array of shape {tuple(shape)[:8]}, which is too large")
        end = self.at + math.prod(shape) * NAMES[name].itemsize
        if end > len(self.blobs):
            raise BadValue("the data ends within an array")
        flat = np.frombuffer(self.blobs[self.at : end], NAMES[name])
        self.at = end
        return (flat != 0 if name == "|b1" else flat.astype(flat.dtype.newbyteorder("="))).reshape(shape)


# ── compare ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Difference:
    """Where an answer leaves what was expected: `where` is a path such as '[1]' or '["dw"]', '' for all of it.

    `kind` is 'type', 'structure', 'shape', 'value' or 'nan'. For the last two, `index` is the worst place in the array,
    `expected` and `got` stand there, and `count` of `size` entries differ.
    """

    where: str
    kind: str
    sentence: str
    index: tuple[int, ...] | None = None
    expected: Any = None
    got: Any = None
    count: int = 0
    size: int = 0


def difference(expected: Any, got: Any, rtol: float = 1e-6, atol: float = 1e-9) -> Difference | None:
    """The first difference of two plain values, or None where there is none.

    |got − expected| ≤ atol + rtol·|expected|, with float32's tolerance where either is float32. Numbers are compared as
    numbers, whatever their types; tuples and lists are sequences; a NaN equals only a NaN that was expected.
    """
    return next(_differences(expected, got, rtol, atol, ""), None)


def _differences(expected: Any, got: Any, rtol: float, atol: float, where: str) -> Iterator[Difference]:
    mine = "the answer" + where
    if _is_number(expected) or isinstance(expected, np.ndarray):
        found = _compare_arrays(expected, got, rtol, atol, where)
        if found is not None:
            yield found
    elif isinstance(expected, tuple | list):
        if not isinstance(got, tuple | list):
            yield Difference(where, "type", f"{mine} is {kind_of(got)}, expected {kind_of(expected)}")
        elif len(expected) != len(got):
            sentence = f"{mine} has {_count(len(got), 'member')}, expected {len(expected)}"
            yield Difference(where, "structure", sentence)
        else:
            for i, (e, g) in enumerate(zip(expected, got)):
                yield from _differences(e, g, rtol, atol, f"{where}[{i}]")
    elif isinstance(expected, dict):
        if not isinstance(got, dict):
            yield Difference(where, "type", f"{mine} is {kind_of(got)}, expected {kind_of(expected)}")
        elif expected.keys() != got.keys():
            sentence = f"{mine} has the keys {_keys(got)}, expected {_keys(expected)}"
            yield Difference(where, "structure", sentence)
        else:
            for key in expected:
                yield from _differences(expected[key], got[key], rtol, atol, f'{where}["{key}"]')
    elif type(expected) is not type(got):
        yield Difference(where, "type", f"{mine} is {kind_of(got)}, expected {kind_of(expected)}")
    elif expected != got:
        yield Difference(where, "value", f"{mine} is {got!r:.80}, expected {expected!r:.80}", (), expected, got, 1, 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _compare_arrays(expected: Any, got: Any, rtol: float, atol: float, where: str) -> Difference | None:
    mine = "the answer" + where
    if not _is_number(got) and not isinstance(got, np.ndarray):
        return Difference(where, "type", f"{mine} is {kind_of(got)}, expected {kind_of(expected)}")
    e, g = np.asarray(expected), np.asarray(got)
    if e.shape != g.shape:
        sentence = f"{mine} is {kind_of(got)}, expected {kind_of(expected)}"
        if e.shape and g.shape:
            sentence = f"{mine} has shape {g.shape}, expected {e.shape}"
        return Difference(where, "shape", sentence)
    if e.dtype.kind in "biu" and g.dtype.kind in "biu":
        wrong = e != g
        excess = np.abs(e.astype(float) - g.astype(float))
    else:
        wrong, excess = _wrong(e, g, rtol, atol)
    if not wrong.any():
        return None
    return _worst(e, g, wrong, excess, where)


def _wrong(e: Array, g: Array, rtol: float, atol: float) -> tuple[Array, Array]:
    """Which entries are too far apart, and by how much each is."""
    single = SINGLE in (e.dtype, g.dtype)
    e, g = e.astype(np.float64), g.astype(np.float64)
    if single:
        scale = float(np.abs(e[np.isfinite(e)]).max(initial=0.0))
        rtol, atol = max(rtol, SINGLE_RTOL), max(atol, SINGLE_ATOL * scale)
    with np.errstate(invalid="ignore", over="ignore"):
        away = np.abs(e - g)
        allowed = atol + rtol * np.abs(e)
    finite = np.isfinite(e) & np.isfinite(g)
    same = (e == g) | (np.isnan(e) & np.isnan(g))
    wrong = np.where(finite, ~(away <= allowed), ~same)
    return wrong, np.where(np.isnan(away), np.inf, away)


def _worst(e: Array, g: Array, wrong: Array, excess: Array, where: str) -> Difference:
    index = tuple(map(int, np.unravel_index(int(np.argmax(np.where(wrong, excess, -1.0))), e.shape)))
    count, size, e_there, g_there = int(wrong.sum()), e.size, e[index].item(), g[index].item()
    kind = "nan" if g_there != g_there else "value"
    place = f"the answer{where}" + (f" at [{', '.join(map(str, index))}]" if index else "")
    sentence = f"{place} is {number(g_there)}, expected {number(e_there)}"
    if number(g_there) == number(e_there):
        sentence = f"{place} is {g_there!r}, expected {e_there!r}"
    if size > 1:
        sentence += f" ({count} of {size} entries {'differs' if count == 1 else 'differ'})"
    return Difference(where, kind, sentence, index, e_there, g_there, count, size)


def number(value: Any) -> str:
    """A number in few characters."""
    return format(value + 0.0, ".6g") if isinstance(value, float) else str(value)  # + 0.0: no "-0"


def kind_of(value: Any) -> str:
    """What a value is, with its article: 'an array of shape (3, 3)', 'a tuple of 2', 'None'."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a single number"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return "a string"
    if _is_number(value):
        return "a single number"
    return "None" if value is None else f"a {type(value).__name__}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _keys(value: dict) -> str:
    shown = ", ".join(repr(k) for k in list(value)[:8])
    return shown + (", …" if len(value) > 8 else "") if value else "none"
