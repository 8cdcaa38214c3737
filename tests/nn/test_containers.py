"""Containers: list and dictionary behaviour, names, printed form, beside torch's."""

from collections import OrderedDict

import pytest
import torch

import twice
from twice import nn

ENGINES = [(twice, nn), (torch, torch.nn)]


def both(build):
    """What `build(T, nn)` answers on our side, after it was found equal to torch's answer."""
    mine, other = (build(T, n) for T, n in ENGINES)
    assert mine == other
    return mine


def three(n):
    return [n.Linear(1, 2), n.ReLU(), n.Linear(2, 3)]


@pytest.mark.parametrize(
    "act",
    [
        lambda s, n: s.append(n.Tanh()),
        lambda s, n: s.extend([n.Tanh(), n.ReLU()]),
        lambda s, n: s.insert(1, n.Tanh()),
        lambda s, n: s.pop(1),
        lambda s, n: s.pop(-1),
        lambda s, n: s.__setitem__(1, n.Tanh()),
        lambda s, n: s.__setitem__(-1, n.Tanh()),
        lambda s, n: s.__delitem__(0),
        lambda s, n: s.__delitem__(slice(0, 2)),
        lambda s, n: s.__iadd__(type(s)(*([n.Tanh()] if isinstance(s, n.Sequential) else [[n.Tanh()]]))),
    ],
)
@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_lists_change_as_torchs_do(kind, act):
    def build(T, n):
        s = n.Sequential(*three(n)) if kind == "Sequential" else n.ModuleList(three(n))
        act(s, n)
        return repr(s), list(s.state_dict()), len(s)

    both(build)


@pytest.mark.parametrize("index", [0, -1, slice(1, None), slice(None, None, 2)], ids=str)
@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_lists_are_indexed_and_sliced_as_torchs_are(kind, index):
    def build(T, n):
        s = n.Sequential(*three(n)) if kind == "Sequential" else n.ModuleList(three(n))
        return repr(s[index]), [repr(m) for m in s], repr(s + s)

    both(build)


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_out_of_range_is_named(index):
    for s in (nn.Sequential(*three(nn)), nn.ModuleList(three(nn))):
        with pytest.raises(IndexError, match=f"index {index} is out of range, expected one of 3 modules"):
            s[index]


def test_sequential_takes_names_and_calls_in_order():
    def build(T, n):
        s = n.Sequential(OrderedDict(twofold=n.Linear(1, 1, bias=False), relu=n.ReLU()))
        s.twofold.weight.data.fill_(2.0)
        s[1:].add_module("more", n.ReLU())
        return repr(s), float(s(T.tensor([[3.0]])).detach()), repr(s[:1]), list(s.state_dict())

    assert both(build)[1] == 6


def test_a_part_of_a_sequential_shares_its_layers():
    s = nn.Sequential(*three(nn))
    assert s[:2][0] is s[0]


def test_list_shows_equal_neighbours_once():
    text = both(lambda T, n: repr(n.ModuleList([n.Linear(1, 1), n.Linear(1, 1), n.Sequential(n.ReLU()), n.ReLU()])))
    assert "(0-1): 2 x Linear" in text
    assert both(lambda T, n: repr(n.ModuleList())) == "ModuleList()"


def test_dictionaries_change_as_torchs_do():
    def build(T, n):
        d = n.ModuleDict({"a": n.Linear(1, 1), "b": n.ReLU()})
        d["c"] = n.Tanh()
        d.update([("b", n.GELU())])
        popped = repr(d.pop("a"))
        seen = (list(d), list(d.keys()), [repr(v) for v in d.values()], [k for k, _ in d.items()], len(d), "b" in d)
        shown = repr(d)
        del d["b"]
        d.clear()
        return popped, seen, shown, len(d)

    both(build)


def test_dictionary_made_from_keywords_works_as_attributes():
    d = nn.ModuleDict(dict(wte=nn.Embedding(3, 2), h=nn.ModuleList([nn.Linear(2, 2)])))  # noqa: C408
    assert d.wte is d["wte"]
    assert list(d.state_dict()) == ["wte.weight", "h.0.weight", "h.0.bias"]
    with pytest.raises(KeyError):
        d["x"]
    with pytest.raises(KeyError):
        del d["x"]
    with pytest.raises(KeyError, match="already exists"):
        d["forward"] = nn.ReLU()


def test_parameter_list():
    def build(T, n):
        p = n.ParameterList([n.Parameter(T.ones(2)), T.zeros(2, 3)])
        p.append(n.Parameter(T.zeros(1)))
        p += [T.zeros(4)]
        p[0] = n.Parameter(T.zeros(5))
        shapes = [tuple(q.shape) for q in p]
        kinds = [isinstance(q, n.Parameter) for q in p]
        return shapes, kinds, list(p.state_dict()), len(p), tuple(p[-1].shape), repr(p).replace("torch.", "")

    both(build)
    with pytest.raises(IndexError, match="index 2 is out of range"):
        nn.ParameterList([twice.ones(1)])[2]
    with pytest.raises(TypeError, match="a int came"):
        nn.ParameterList([3])


def test_parameter_dict():
    def build(T, n):
        p = n.ParameterDict({"w": n.Parameter(T.ones(2)), "b": T.zeros(2, 3)})
        p["w"] = n.Parameter(T.zeros(5))
        p.update({"c": T.zeros(1)})
        popped = tuple(p.pop("b").shape)
        return popped, list(p.keys()), list(p.state_dict()), len(p), p.get("x"), "c" in p, tuple(p.w.shape)

    both(build)
    assert "(w): Parameter containing: [float32 of size 2]" in repr(nn.ParameterDict({"w": twice.ones(2)}))


def test_containers_nest_in_print_as_torchs_do():
    def build(T, n):
        class Net(n.Module):
            def __init__(self):
                super().__init__()
                self.blocks = n.ModuleList([n.Sequential(n.Conv2d(1, 2, 3), n.BatchNorm2d(2)) for _ in range(3)])
                self.head = n.ModuleDict({"out": n.Linear(2, 2)})
                self.nothing = n.Sequential()

            def extra_repr(self):
                return "classes=2"

        return repr(Net())

    both(build)
