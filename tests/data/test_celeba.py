"""CelebA from a small tree in the real layout: what is read is what torchvision reads, what is missing is named."""

import hashlib
from importlib import import_module

import numpy as np
import pytest

from twice import data

Image = pytest.importorskip("PIL.Image")
datasets = pytest.importorskip("torchvision.datasets")

room = import_module("twice.data.celeba")
SPLITS = [0, 0, 1, 2, 0, 1, 2]
WORDS = ["5_o_Clock_Shadow", "Arched_Eyebrows", "Young"]


def plant(folder):
    """The tables and images as they come out of torchvision's download; the md5 of each table."""
    rng = np.random.default_rng(0)
    names = [f"{i:06d}.jpg" for i in range(1, len(SPLITS) + 1)]
    (folder / "img_align_celeba").mkdir(parents=True)
    for name in names:
        pixels = rng.integers(0, 256, (218, 178, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "img_align_celeba" / name)
    columns = {
        "list_eval_partition.txt": ([], [[split] for split in SPLITS]),
        "list_attr_celeba.txt": (WORDS, rng.choice([-1, 1], (7, 3))),
        "identity_CelebA.txt": ([], rng.integers(1, 10178, (7, 1))),
        "list_bbox_celeba.txt": (["image_id", "x_1", "y_1", "width", "height"], rng.integers(0, 900, (7, 4))),
        "list_landmarks_align_celeba.txt": ([f"p{i}" for i in range(10)], rng.integers(0, 178, (7, 10))),
    }
    md5s = {}
    for file, (words, rows) in columns.items():
        head = f"{len(names)}\n{' '.join(words)} \n" if words else ""
        body = "".join(f"{name} {' '.join(f'{v:2d}' for v in row)}\n" for name, row in zip(names, rows))
        (folder / file).write_bytes((head + body).encode())
        md5s[file] = hashlib.md5((head + body).encode()).hexdigest()
    return md5s


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tree under TWICE_DATA, known to twice and to torchvision by its own checksums."""
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    md5s = plant(tmp_path / "celeba")
    monkeypatch.setattr(room, "TABLES", {file: (md5, room.TABLES[file][1]) for file, md5 in md5s.items()})
    monkeypatch.setattr(datasets.CelebA, "file_list", [("", md5, file) for file, md5 in md5s.items()])
    return tmp_path / "celeba"


@pytest.mark.parametrize("split", ["train", "valid", "test", "all"])
def test_every_face_is_torchvisions(folder, split):
    ours = data.celeba(split)
    kinds = ["attr", "identity", "landmarks", "bbox"]
    theirs = datasets.CelebA(folder.parent, split, kinds)
    assert len(ours) == len(theirs) == (7 if split == "all" else SPLITS.count(room.SPLITS[split]))
    for i in range(len(ours)):
        face, (image, (attributes, identity, landmarks, box)) = ours[i], theirs[i]
        np.testing.assert_array_equal(face.image, np.asarray(image))
        np.testing.assert_array_equal(face.attributes, attributes.numpy())
        np.testing.assert_array_equal(face.landmarks.ravel(), landmarks.numpy())
        np.testing.assert_array_equal(face.box, box.numpy())
        assert face.identity == int(identity)
    assert list(ours.classes) == WORDS


def test_a_face_has_its_shapes_and_dtypes(folder):
    face = data.celeba()[0]
    assert (face.image.shape, face.image.dtype) == ((218, 178, 3), np.uint8)
    assert (face.attributes.shape, face.attributes.dtype) == ((3,), bool)
    assert (face.landmarks.shape, face.landmarks.dtype) == ((5, 2), np.float32)
    assert (face.box.shape, face.box.dtype) == ((4,), np.float32)


def test_columns_are_known_without_reading_an_image_and_follow_a_slice(folder):
    found = data.celeba()
    for path in (folder / "img_align_celeba").iterdir():
        path.write_bytes(b"")
    part = found[1:]
    np.testing.assert_array_equal(part.columns["identity"], found.columns["identity"][1:])
    assert part.columns["attributes"].shape == (2, 3)
    with pytest.raises(ValueError, match=r"000002\.jpg is broken"):
        part[0]


@pytest.mark.parametrize("file", ["identity_CelebA.txt", "list_attr_celeba.txt"])
def test_a_table_cut_short_is_named_and_never_used(folder, file):
    path = folder / file
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        ValueError, match=rf"celeba is broken \({file} has md5 .*\) and was not used; .* twice\.data cel"
    ):
        data.celeba()


def test_a_missing_table_is_named(folder):
    (folder / "identity_CelebA.txt").unlink()
    with pytest.raises(ValueError, match=r"is broken \(.*identity_CelebA\.txt.*\) and was not used"):
        data.celeba()


def test_tables_of_other_images_are_named(folder, monkeypatch):
    path = folder / "identity_CelebA.txt"
    content = path.read_bytes().replace(b"000002.jpg", b"000009.jpg")
    path.write_bytes(content)
    md5 = hashlib.md5(content).hexdigest()
    monkeypatch.setitem(room.TABLES, path.name, (md5, 0))
    with pytest.raises(ValueError, match=r"identity_CelebA\.txt names other images than list_eval_partition\.txt"):
        data.celeba()


def test_a_missing_image_is_named_and_the_set_not_used(folder):
    (folder / "img_align_celeba" / "000004.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 of 7 files are missing in img_align_celeba, the first 000004\.jpg"):
        data.celeba("train")


def test_a_set_that_is_not_here_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"celeba is not at .*celeba; type: python -m twice\.data celeba"):
        data.celeba()


def test_a_wrong_split_gets_the_known_ones(folder):
    with pytest.raises(ValueError, match="celeba: split is 'val', expected one of train, valid, test, all"):
        data.celeba("val")


def test_the_checksums_are_torchvisions():
    theirs = {name: md5 for _, md5, name in datasets.CelebA.file_list}
    assert {file: md5 for file, (md5, _) in room.TABLES.items()} == {file: theirs[file] for file in room.TABLES}


def test_fetch_puts_the_folder_in_its_place_without_the_archive(folder, tmp_path, monkeypatch):
    folder.rename(tmp_path / "elsewhere")

    def download(root, split, download):
        (tmp_path / "elsewhere").rename(type(tmp_path)(root, "celeba"))
        type(tmp_path)(root, "celeba", "img_align_celeba.zip").write_bytes(b"zip")

    monkeypatch.setattr(datasets, "CelebA", download)
    assert data.fetch("celeba") == folder
    assert len(data.celeba("all")) == 7
    assert not (folder / "img_align_celeba.zip").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["celeba"]
