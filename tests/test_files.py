"""States on disk and between the engines."""

import os
import stat
import sys
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from twice import Tensor, files, optim

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


def assert_same(a, b):
    """Equal in kind, structure, dtype, shape and every bit."""
    assert type(a) is type(b)
    if isinstance(a, Tensor):
        assert_same(a.array, b.array)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        assert [type(k) for k in a] == [type(k) for k in b]
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y)
    else:
        assert a == b or (a != a and b != b)


def flat_state(dtypes=DTYPES):
    rng = np.random.default_rng(0)
    arrays = {d: np.asarray(rng.integers(0, 2, (2, 3)) if d == "bool" else rng.integers(0, 99, (2, 3))) for d in dtypes}
    state = {f"layer.{d}": Tensor(a.astype(d)) for d, a in arrays.items()}
    state["transposed"] = Tensor(np.arange(6.0).reshape(2, 3).T)
    state["number"], state["empty"] = Tensor(np.array(3, np.int64)), Tensor(np.zeros((0, 4), np.float32))
    return state


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_flat_state_comes_back_bit_by_bit(tmp_path, ending):
    state, path = flat_state(), tmp_path / f"state{ending}"
    files.save(state, path)
    back = files.load(path)
    assert back.keys() == state.keys()
    for name in state:
        assert_same(back[name], state[name])
        back[name].array[...] = 0  # its own memory, free to change
    assert os.listdir(tmp_path) == [path.name]


def test_a_checkpoint_comes_back_with_its_structure(tmp_path):
    checkpoint = {
        "model": flat_state(),
        "optimizer": {
            "state": {0: {"step": Tensor(np.array(3.0, np.float32))}, 1: {}},
            "param_groups": [{"params": [0]}],
        },
        "betas": (0.9, 0.999),
        "history": [1.0, float("inf"), float("-inf"), float("nan"), 0.1 + 0.2],
        "names": ["a", "ü", None, True, 3, -(2**70)],
        "array": np.arange(3, dtype=np.int16),
        "scalar": np.float32(0.1),
        "": {"": Tensor(np.ones(1))},
    }
    files.save(checkpoint, tmp_path / "all.npz")
    assert_same(files.load(tmp_path / "all.npz"), checkpoint)


def test_equal_paths_do_not_collide(tmp_path):
    state = {"a": {"b": np.zeros(1), 1: np.ones(1), "1": np.ones(2)}, "a/b": np.ones(3), "structure.json": np.ones(4)}
    files.save(state, tmp_path / "s.npz")
    assert_same(files.load(tmp_path / "s.npz"), state)


ARRAYS = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
NESTED = st.recursive(
    ARRAYS | ARRAYS.map(Tensor) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(NESTED)
def test_any_nested_state_comes_back(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("any") / "s.npz"
    files.save(state, path)
    assert_same(files.load(path), state)


def test_arrays_stand_in_the_npz_under_their_own_names(tmp_path):
    files.save({"model": {"conv1.weight": Tensor(np.ones(2))}}, tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz", allow_pickle=False) as entries:
        np.testing.assert_array_equal(entries["model/conv1.weight"], 1)


def test_an_npz_of_numpy_itself_becomes_a_flat_dict_of_tensors(tmp_path):
    np.savez(tmp_path / "s.npz", a=np.ones(2), b=np.zeros((), np.int64))
    assert_same(files.load(tmp_path / "s.npz"), {"a": Tensor(np.ones(2)), "b": Tensor(np.zeros((), np.int64))})


def test_safetensors_go_both_ways_between_the_engines(tmp_path):
    state = flat_state()
    files.save(state, tmp_path / "ours.safetensors")
    theirs = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    assert theirs.keys() == state.keys()
    for name, value in theirs.items():
        assert_same(value.numpy(), np.ascontiguousarray(state[name].array).reshape(state[name].shape))
    safetensors.torch.save_file(theirs, tmp_path / "theirs.safetensors")
    back = files.load(tmp_path / "theirs.safetensors")
    for name in state:
        assert_same(back[name].array, theirs[name].numpy())


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "s.npz"
    files.save({"a": 1}, path)
    with pytest.raises(TypeError):
        files.save({"a": Tensor(np.ones(3)), "b": object()}, path)
    assert files.load(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["s.npz"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_saved_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    files.save({"a": 1}, tmp_path / "s.npz")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "s.npz")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("path", ["s.txt", "s", "s.npz.gz"])
def test_another_ending_gets_a_sentence(path):
    with pytest.raises(ValueError, match=r"save: .* ends in .*, expected '.npz' or '.safetensors'"):
        files.save({}, path)


def test_a_file_of_torch_gets_a_sentence_that_converts_it():
    with pytest.raises(
        NotImplementedError, match=r"twice.from_torch\(torch.load\('net.pt', weights_only=True\)\), 'net.npz'"
    ):
        files.load("somewhere/net.pt")


def test_a_missing_file_gets_a_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load: .*none.npz does not exist"):
        files.load(tmp_path / "none.npz")


def damaged(tmp_path, ending, how):
    path = tmp_path / f"s{ending}"
    files.save({"a": Tensor(np.arange(1000.0))}, path)
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes({"empty": b"", "noise": b"x" * 500, "short": content[:middle]}[how])
    return path


@pytest.mark.parametrize("how", ["empty", "noise", "short"])
@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_broken_file_gets_a_sentence(tmp_path, ending, how):
    with pytest.raises(ValueError, match=r"load: .* is broken \(.*\), expected an? "):
        files.load(damaged(tmp_path, ending, how))


def test_a_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "s.npz"
    files.save({"a": Tensor(np.arange(1000.0))}, path)
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is broken"):
        files.load(path)


def test_a_structure_that_names_nothing_known_gets_a_sentence(tmp_path):
    for structure in ('{"code": "x"}', '{"tensor": "gone"}', '{"a": 1, "b": 2}', "{"):
        with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
            archive.writestr(files.STRUCTURE, structure)
        with pytest.raises(ValueError, match="is broken"):
            files.load(tmp_path / "s.npz")


def test_pickled_objects_are_neither_written_nor_read(tmp_path):
    with pytest.raises(TypeError, match="save: entry 'a' has dtype object"):
        files.save({"a": np.array([{}, []], dtype=object)}, tmp_path / "s.npz")
    np.savez(tmp_path / "s.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"expected an .npz file without pickled objects"):
        files.load(tmp_path / "s.npz")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"model": {"x": torch.ones(1)}}, r"entry 'model/x' is a torch.Tensor, .*twice.from_torch"),
        ({"model": torch.nn.Linear(1, 1)}, r"entry 'model' is a torch.nn.modules.linear.Linear, .*save its state_dict"),
        ({"f": len}, r"entry 'f' is a builtins.builtin_function_or_method, expected tensors"),
        ({(1, 2): 3}, r"a key of 'the object' is \(1, 2\), expected text or a number"),
    ],
)
def test_what_a_file_cannot_hold_gets_a_sentence(tmp_path, state, sentence):
    with pytest.raises(TypeError, match=sentence):
        files.save(state, tmp_path / "s.npz")


@pytest.mark.parametrize("state", [[], {"a": 1}, {"a": {"b": Tensor(np.ones(1))}}, {1: Tensor(np.ones(1))}])
def test_safetensors_hold_flat_states_only(tmp_path, state):
    with pytest.raises(TypeError, match="expected a flat dict"):
        files.save(state, tmp_path / "s.safetensors")


def test_a_dtype_without_a_numpy_name_gets_a_sentence(tmp_path):
    safetensors.torch.save_file({"w": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / "s.safetensors")
    with pytest.raises(TypeError, match=r"load: 'w' in .* has dtype BF16"):
        files.load(tmp_path / "s.safetensors")


def test_without_safetensors_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="needs the package safetensors: pip install safetensors"):
        files.save({}, tmp_path / "s.safetensors")


# ── torch ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_states_convert_to_torch_and_back_bit_by_bit():
    state = {"flat": flat_state(), "list": [Tensor(np.ones(2)), 3], "betas": (0.9, 0.99), "n": None}
    theirs = files.to_torch(state)
    assert isinstance(theirs["flat"]["number"], torch.Tensor)
    assert theirs["flat"]["layer.float16"].dtype == torch.float16
    assert_same(
        files.from_torch(theirs), {**state, "flat": {k: Tensor(v.array.copy()) for k, v in state["flat"].items()}}
    )


def test_converted_tensors_own_their_memory():
    theirs = torch.ones(3, requires_grad=True)
    ours = files.from_torch({"w": theirs})["w"]
    ours.array[:] = 2
    assert theirs.tolist() == [1, 1, 1]
    back = files.to_torch({"w": ours})["w"]
    back[:] = 3
    assert ours.array.tolist() == [2, 2, 2]


@pytest.mark.parametrize("value", [torch.ones(2, dtype=torch.bfloat16), torch.eye(2).to_sparse()])
def test_what_numpy_cannot_hold_gets_a_sentence(value):
    with pytest.raises(TypeError, match=r"from_torch: entry 'a/0' has dtype torch.*expected a dense tensor that NumPy"):
        files.from_torch({"a": [value]})


def test_what_torch_cannot_hold_gets_a_sentence():
    with pytest.raises(TypeError, match="to_torch: entry 'a' has dtype <U1"):
        files.to_torch({"a": Tensor(np.array(["x"]))})


def test_an_optimizers_state_goes_to_torch_through_a_file(tmp_path):
    p, q = Tensor(np.ones(3), requires_grad=True), torch.ones(3, dtype=torch.float64, requires_grad=True)
    ours, theirs = optim.Adam([p], lr=0.1, amsgrad=True), torch.optim.Adam([q], lr=0.1, amsgrad=True)
    for _ in range(3):
        p.grad, q.grad = Tensor(np.arange(3.0)), torch.arange(3, dtype=torch.float64)
        ours.step()
        theirs.step()
    files.save(ours.state_dict(), tmp_path / "adam.npz")
    theirs.load_state_dict(files.to_torch(files.load(tmp_path / "adam.npz")))
    files.save(files.from_torch(theirs.state_dict()), tmp_path / "adam.npz")
    ours.load_state_dict(files.load(tmp_path / "adam.npz"))
    p.grad, q.grad = Tensor(np.ones(3)), torch.ones(3, dtype=torch.float64)
    ours.step()
    theirs.step()
    np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=1e-13)


class Holder:
    """As much of a module as `copy_weights` asks for."""

    def __init__(self, **tensors):
        self.tensors = tensors

    def state_dict(self):
        return OrderedDict(self.tensors)

    def load_state_dict(self, state):
        self.tensors = dict(state)


@pytest.mark.parametrize("source", ["torch", "twice"])
@pytest.mark.parametrize("target", ["torch", "twice"])
def test_weights_copy_between_modules_of_either_engine(source, target):
    make = {
        "torch": lambda v: Holder(w=torch.full((2,), v)),
        "twice": lambda v: Holder(w=Tensor(np.full(2, v, np.float32))),
    }
    a, b = make[source](1.0), make[target](2.0)
    files.copy_weights(a, b)
    assert isinstance(b.tensors["w"], torch.Tensor if target == "torch" else Tensor)
    assert np.asarray(b.tensors["w"]).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"v": np.ones(2)}, r"the source lacks \['w'\] and also has \['v'\]"),
        ({"w": np.ones(3)}, r"'w' is \(3,\) float64 in the source, expected \(2,\) float64"),
        ({"w": np.ones(2, np.float32)}, r"'w' is \(2,\) float32 in the source, expected \(2,\) float64"),
    ],
)
def test_weights_that_do_not_fit_get_a_sentence(tensors, sentence):
    source = Holder(**{k: Tensor(v) for k, v in tensors.items()})
    with pytest.raises(ValueError, match=f"copy_weights: {sentence}"):
        files.copy_weights(source, Holder(w=torch.ones(2, dtype=torch.float64)))


def test_weights_copy_between_real_modules_both_ways():
    nn = pytest.importorskip("twice.nn")
    build = lambda nn: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    ours, theirs = build(nn), build(torch.nn)
    files.copy_weights(theirs, ours)
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name].array, value.numpy())
    other = build(torch.nn)
    files.copy_weights(ours, other)
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), theirs.state_dict().values()))
