"""Plain data: what may pass, how it is stored, and what counts as equal."""

import contextlib
import json
import struct
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from twice.labs import plain
from twice.labs.plain import BadValue, Limits, difference, simplify

dtypes = st.sampled_from(plain.DTYPES)
an_array = arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
containers = lambda inner: st.one_of(
    st.lists(inner, max_size=3),
    st.lists(inner, max_size=3).map(tuple),
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=3),
)
values = st.recursive(scalars | an_array, containers, max_leaves=8)


def same(a, b):
    """Of one type, and equal to the last bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return struct.pack("d", a) == struct.pack("d", b) if isinstance(a, float) and a == a else a == b or a != a


# ── encode and decode ───────────────────────────────────────────────────────────────────────────────────────────


@given(values)
def test_what_is_encoded_comes_back_the_same(value):
    assert same(plain.decode(plain.encode(value)), simplify(value))


@given(values)
def test_a_value_does_not_differ_from_itself(value):
    assert difference(simplify(value), simplify(value), 0, 0) is None


@settings(max_examples=300)
@given(values, st.data())
def test_spoiled_bytes_give_a_value_or_a_bad_value_and_nothing_else(value, data):
    encoded = bytearray(plain.encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(encoded)))
    for spoiled in (bytes(encoded), bytes(encoded[:cut]), bytes(encoded) + b"more"):
        with contextlib.suppress(BadValue):
            simplify(plain.decode(spoiled))


def with_head(head, blobs=b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return plain.MAGIC + plain.HEAD.pack(len(text)) + text + blobs


@pytest.mark.parametrize(
    "head",
    [
        {"a": 1},
        [],
        ["set", 1],
        ["dict", ["a"]],
        ["dict", [1, 2]],
        ["array"],
        ["array", "|O", 2],
        ["array", "<f8", -1],
        ["array", "<f8", True],
        ["array", "<f8", 2.0],
        ["array", "<f8", *[1] * 40],
        ["array", "<f8", 0, 2**62],
        ["array", "<f8", 2**40],
        10**30,
        "\ud800",
        b"[" * 100_000,
        b"1" * 10_000,
        b"\xff",
        b"[1",
        b"nul",
    ],
)
def test_a_head_that_is_not_plain_is_refused(head):
    with pytest.raises(BadValue):
        plain.decode(with_head(head))


def test_limits_hold_on_both_sides():
    with pytest.raises(BadValue, match="bytes"):
        plain.encode(np.zeros(1000), 1000)
    with pytest.raises(BadValue, match="bytes"):
        plain.decode(plain.encode(np.zeros(1000)), Limits(size=1000))
    with pytest.raises(BadValue, match="values"):
        plain.decode(plain.encode([0] * 100), Limits(items=50))
    deep = []
    for _ in range(20):
        deep = [deep]
    with pytest.raises(BadValue, match="within each other"):
        plain.encode(deep)
    head = 0
    for _ in range(20):
        head = ["list", head]
    with pytest.raises(BadValue, match="within each other"):
        plain.decode(with_head(head))


def test_an_array_that_claims_more_than_there_is_is_not_made():
    with pytest.raises(BadValue, match="ends within an array"):
        plain.decode(with_head(["array", "<f8", 1000], b"12345678"))
    with pytest.raises(BadValue, match="goes on"):
        plain.decode(with_head(["array", "<f8", 1], b"1234567812345678"))


# ── simplify ────────────────────────────────────────────────────────────────────────────────────────────────────


class Liar(np.ndarray):
    def __eq__(self, other):
        return np.True_

    def __array_function__(self, *_):
        raise AssertionError("asked")


class Pretender:
    def __array__(self, *_, **__):
        return np.zeros(3)


def test_subclasses_become_what_they_are_made_of():
    Pair = namedtuple("Pair", "a b")
    found = simplify([np.zeros(2).view(Liar), Pair(1, 2), OrderedDict(a=1), np.float32(0.5), np.int8(3), np.True_])
    assert [type(v) for v in found] == [np.ndarray, tuple, dict, float, int, bool]
    assert type(simplify(np.ma.masked_array([1.0]))) is np.ndarray


def test_an_array_is_copied_and_in_native_order():
    x = np.arange(6, dtype=">f8").reshape(2, 3).T
    found = simplify(x)
    assert found.dtype == np.dtype("f8")
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, x)
    found[0] = 7
    assert x[0, 0] == 0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Pretender(), "Pretender"),
        ({1, 2}, "set"),
        (range(3), "range"),
        ((i for i in "ab"), "generator"),
        (1j, "complex"),
        (np.array([1j]), "complex128"),
        (np.array(["a"]), "<U1"),
        (np.array([object()]), "object"),
        (np.zeros(2, np.float16), "float16"),
        (np.longdouble(1), "longdouble"),
        ({1: 2}, "key of type int"),
        (2**70, "64 bits"),
        ("\ud800", "UTF-8"),
        (len, "builtin_function"),
        ([1, [Pretender()]], r"\[1\]\[0\]"),
    ],
)
def test_what_is_not_plain_is_refused_in_a_sentence(value, says):
    with pytest.raises(BadValue, match=says if says != "longdouble" else "float128|longdouble|float"):
        simplify(value)


def test_a_list_within_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(BadValue, match="within each other"):
        simplify(loop)


def test_tensors_become_arrays():
    torch = pytest.importorskip("torch")
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    np.testing.assert_array_equal(simplify({"x": x.T})["x"], np.arange(6.0).reshape(2, 3).T)
    assert simplify(torch.Size([1, 2])) == (1, 2)
    with pytest.raises(BadValue, match="tensor"):
        simplify(torch.zeros(2, dtype=torch.bfloat16))


# ── difference ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (3, 3.0),
        (3.0, np.array(3)),
        (True, 1),
        (np.array(2.5), 2.5),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        ((1, 2), [1, 2]),
        (np.array([1.0, 1e6]), np.array([1.0, 1e6 + 0.5])),
        (np.array([1 / 3, 1e-3]), np.array([1 / 3, 1e-3], np.float32)),
        (np.array([1.0, 0.0]), np.array([1.00005, 5e-6], np.float32)),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        ("a", "a"),
        (None, None),
    ],
)
def test_these_count_as_equal(expected, got):
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "kind", "says"),
    [
        (3, 4, "value", "is 4, expected 3"),
        (3, np.nan, "nan", "is nan, expected 3"),
        (1.0, 1.001, "value", "is 1.001, expected 1"),
        (1.0, 1.00001, "value", "is 1.00001, expected 1"),
        (1.0, 1.000002, "value", "is 1.000002, expected 1.0"),
        (np.zeros(3), np.array([0, np.nan, 0]), "nan", "at [1] is nan, expected 0 (1 of 3 entries differs)"),
        (np.array([np.nan, 1]), np.array([0.0, 1]), "value", "at [0]"),
        (np.array([np.inf, 1]), np.array([-np.inf, 1]), "value", "at [0] is -inf"),
        (np.array([np.inf, 1]), np.array([1e300, 1]), "value", "at [0]"),
        (np.array([2**62, 0]), np.array([2**62 + 1, 0]), "value", "at [0]"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape", "has shape (3, 2), expected (2, 3)"),
        (np.zeros((1, 3)), np.zeros(3), "shape", "has shape (3,), expected (1, 3)"),
        (np.zeros(1), 0.0, "shape", "a single number, expected an array of shape (1,)"),
        (0.0, np.zeros(1), "shape", "an array of shape (1,), expected a single number"),
        (np.zeros(2), [0.0, 0.0], "type", "is a list of 2, expected an array of shape (2,)"),
        (np.zeros(2), None, "type", "is None, expected an array"),
        ((1, 2), (1, 2, 3), "structure", "has 3 members, expected 2"),
        ((1, 2), 1, "type", "a single number, expected a tuple of 2"),
        ({"a": 1}, {"b": 1}, "structure", "has the keys 'b', expected 'a'"),
        ({"a": 1}, {"a": 2}, "value", '["a"] is 2, expected 1'),
        ("a", "b", "value", "is 'b', expected 'a'"),
        ("a", None, "type", "is None, expected a string"),
        (None, 0, "type", "a single number, expected None"),
        (np.zeros((2, 2)), np.zeros((2, 2)) + 1e-3, "value", "4 of 4 entries differ"),
        (np.array([1.0, 0.0]), np.array([1.00005, 0.0]), "value", "at [0]"),
        (np.array([1.0, 0.0]), np.array([1.0, 5e-6]), "value", "at [1]"),
        (np.array([1e-3, 10.0], np.float32), np.array([2e-3, 10.0], np.float32), "value", "at [0]"),
    ],
)
def test_these_differ_and_say_where(expected, got, kind, says):
    found = difference(expected, got)
    assert found.kind == kind
    assert says in found.sentence


def test_the_worst_place_is_named():
    got = np.zeros((3, 4))
    got[1, 2], got[2, 0] = 0.5, -4
    found = difference(np.zeros((3, 4)), got)
    assert (found.index, found.expected, found.got, found.count, found.size) == ((2, 0), 0.0, -4.0, 2, 12)
    assert difference((0, {"dw": np.zeros(2)}), (0, {"dw": np.ones(2)})).where == '[1]["dw"]'


@given(arrays.arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)), st.integers(0, 4), st.floats(1e-5, 1e3))
def test_a_difference_beyond_the_tolerance_is_always_found(x, place, by):
    got = x.copy()
    got[place] += by * (1 + abs(x[place]))
    found = difference(x, got)
    assert found is not None
    assert found.index == (place,)
