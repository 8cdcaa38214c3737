"""VOC from a small tree in the real layout: what is read is what torchvision reads, what is missing is named."""

import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from twice import data
from twice.data.__main__ import main
from twice.data.voc import COUNTS

Image = pytest.importorskip("PIL.Image")
datasets = pytest.importorskip("torchvision.datasets")

THINGS = {  # name of a photograph: its size and things; a thing has parts with boxes of their own
    "2007_000027": ((40, 30), [("person", (1, 1, 40, 30), 0), ("tvmonitor", (5, 6, 7.5, 8), 1)]),
    "2007_000032": ((25, 50), [("aeroplane", (2, 3, 24, 49), 0)]),
    "2007_000033": ((20, 20), []),
}


def annotation(size, things):
    objects = "".join(
        f"<object><name>{name}</name><part><name>head</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>9</xmax>"
        f"<ymax>9</ymax></bndbox></part><difficult>{difficult}</difficult><bndbox><xmax>{x2}</xmax><xmin>{x1}</xmin>"
        f"<ymin>{y1}</ymin><ymax>{y2}</ymax></bndbox></object>"
        for name, (x1, y1, x2, y2), difficult in things
    )
    width, height = size
    return f"<annotation><size><width>{width}</width><height>{height}</height></size>{objects}</annotation>"


def mask(size, values, path):
    width, height = size
    image = Image.new("P", size)
    image.putpalette([i for c in range(256) for i in (c, 255 - c, c // 2)])
    image.putdata(values[: width * height].tolist())
    image.save(path)


def plant(root, year=2012, split="train"):
    """The tree as it comes out of the archive."""
    rng = np.random.default_rng(year)
    folder = root / "VOCdevkit" / f"VOC{year}"
    for part in ("JPEGImages", "Annotations", "SegmentationClass", "SegmentationObject", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for name, (size, things) in THINGS.items():
        noise = rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "JPEGImages" / f"{name}.jpg")
        (folder / "Annotations" / f"{name}.xml").write_text(annotation(size, things))
        for part in ("SegmentationClass", "SegmentationObject"):
            mask(size, rng.choice([0, 1, 20, 255], 5000), folder / part / f"{name}.png")
    (folder / "ImageSets" / "Segmentation").mkdir()
    for room in ("Main", "Segmentation"):
        (folder / "ImageSets" / room / f"{split}.txt").write_text("".join(f"{name}\n" for name in THINGS))
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    for task in ("detection", "segmentation"):
        monkeypatch.setitem(COUNTS, (2012, task), {"train": len(THINGS)})
    return plant(tmp_path)


def test_images_boxes_labels_and_difficulty_are_torchvisions(folder):
    ours = data.voc(2012, "train")
    theirs = datasets.VOCDetection(folder.parents[1], "2012", "train")
    assert len(ours) == len(theirs) == 3
    for found, (image, tree) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(found.image, np.asarray(image))
        things = tree["annotation"].get("object", [])
        assert [ours.classes[label] for label in found.labels] == [thing["name"] for thing in things]
        assert found.difficult.tolist() == [thing["difficult"] == "1" for thing in things]
        edges = [[float(thing["bndbox"][e]) for e in ("xmin", "ymin", "xmax", "ymax")] for thing in things]
        np.testing.assert_array_equal(found.boxes + np.array([1, 1, 0, 0]), np.reshape(edges, (-1, 4)))


def test_arrays_have_their_shapes_and_dtypes_even_where_nothing_is(folder):
    for found in data.voc():
        n = len(found.labels)
        assert found.image.dtype == np.uint8
        assert (found.boxes.shape, found.boxes.dtype) == ((n, 4), np.float32)
        assert (found.labels.dtype, found.difficult.dtype) == (np.int64, np.dtype(bool))
    assert n == 0


def test_a_box_around_everything_is_the_whole_image(folder):
    found = data.voc()[0]
    height, width, _ = found.image.shape
    assert (width, height) == (40, 30)
    np.testing.assert_array_equal(found.boxes[0], [0, 0, width, height])


def test_masks_are_torchvisions_palette_numbers(folder):
    ours = data.voc(2012, "train", task="segmentation")
    theirs = datasets.VOCSegmentation(folder.parents[1], "2012", "train")
    for i, (image, classes) in enumerate(theirs):
        np.testing.assert_array_equal(ours[i].image, np.asarray(image))
        np.testing.assert_array_equal(ours[i].classes, np.asarray(classes))
        instances = Image.open(folder / "SegmentationObject" / f"{ours.paths[i].stem}.png")
        np.testing.assert_array_equal(ours[i].instances, np.asarray(instances))
    assert set(np.unique(ours[0].classes)) == {0, 1, 20, data.VOID}


def test_the_set_is_a_sequence_that_slices_and_travels_to_other_processes(folder):
    found = data.voc()
    part = pickle.loads(pickle.dumps(found[1:]))
    assert len(part) == 2
    np.testing.assert_array_equal(part[0].image, found[1].image)
    np.testing.assert_array_equal(found[-1].image, found[2].image)
    with pytest.raises(IndexError):
        found[3]
    assert repr(part).startswith("LazySet(2 images, 20 classes; Pascal VOC 2012, train; ")


def test_class_numbers_follow_the_alphabet_and_the_masks(folder):
    classes = data.voc().classes
    assert len(classes) == 20
    assert list(classes) == sorted(classes)
    assert (classes.index("aeroplane") + 1, classes.index("person") + 1, classes.index("tvmonitor") + 1) == (1, 15, 20)


# ── what is missing or broken ───────────────────────────────────────────────────────────────────────────────────


def test_a_year_that_is_not_here_says_what_to_type(folder):
    with pytest.raises(FileNotFoundError, match=r"voc2007 is not at .*VOC2007; type: python -m twice\.data voc2007"):
        data.voc(2007)


NEEDED = {
    "detection": ["JPEGImages", "Annotations"],
    "segmentation": ["JPEGImages", "SegmentationClass", "SegmentationObject"],
}


@pytest.mark.parametrize("task, part", [(task, part) for task, parts in NEEDED.items() for part in parts])
def test_a_partial_tree_is_named_and_never_used(folder, task, part):
    lost = next((folder / part).glob("2007_000032*"))
    lost.unlink()
    said = rf"VOC2012 is broken \(1 of 3 files are missing in {part}, the first {lost.name}\) and was not used"
    with pytest.raises(ValueError, match=said):
        data.voc(task=task)


def test_a_split_with_too_few_names_is_named(folder):
    (folder / "ImageSets" / "Main" / "train.txt").write_text("2007_000027\n")
    with pytest.raises(ValueError, match=r"train\.txt names 1 images, expected 3"):
        data.voc()


def test_a_missing_list_is_named(folder):
    (folder / "ImageSets" / "Main" / "train.txt").unlink()
    with pytest.raises(ValueError, match=r"is broken \(.*train\.txt.*\) and was not used; move it away and type: "):
        data.voc()


@pytest.mark.parametrize(
    "part, ending, keep", [("JPEGImages", ".jpg", 300), ("Annotations", ".xml", 40), ("SegmentationClass", ".png", 60)]
)
def test_a_file_cut_short_is_named_when_it_is_read(folder, part, ending, keep):
    path = folder / part / f"2007_000027{ending}"
    path.write_bytes(path.read_bytes()[:keep])
    found = data.voc(task="segmentation" if ending == ".png" else "detection")
    with pytest.raises(ValueError, match=rf"{path.name} is broken \("):
        found[0]
    assert found[1].image.shape == (50, 25, 3)


@pytest.mark.parametrize(
    "name, edge, said", [("unicorn", "5", "'unicorn' is not in list"), ("cat", "left", "could not convert string")]
)
def test_an_annotation_that_says_something_else_is_named(folder, name, edge, said):
    path = folder / "Annotations" / "2007_000033.xml"
    path.write_text(annotation((20, 20), [(name, (edge, 1, 2, 2), 0)]))
    with pytest.raises(ValueError, match=rf"2007_000033\.xml is broken \(.*{said}"):
        data.voc()[2]


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((2013,), "voc: task and year are 'detection' and 2013, expected one of detection 2007"),
        ((2012, "train", "captions"), "voc: task and year are 'captions' and 2012"),
        ((2012, "test"), "voc: split is 'test', expected one of train"),
    ],
)
def test_a_wrong_argument_gets_the_known_ones(folder, arguments, said):
    with pytest.raises(ValueError, match=said):
        data.voc(*arguments)


def test_load_says_who_reads_such_a_set():
    with pytest.raises(ValueError, match=r"load: voc2012 has .* read them with twice\.data\.voc\(2012\)"):
        data.load("voc2012")


# ── fetch ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def site(tmp_path, monkeypatch):
    """torchvision's VOCDetection without a network: it plants the tree, or raises."""
    state = SimpleNamespace(error=None, spoil=lambda folder: None, asked=[])

    def detection(root, year, image_set, download):
        assert download
        state.asked.append((year, image_set))
        if state.error:
            raise state.error
        state.spoil(plant(type(tmp_path)(root), int(year)))

    monkeypatch.setattr(datasets, "VOCDetection", detection)
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    for task in ("detection", "segmentation"):
        monkeypatch.setitem(COUNTS, (2012, task), {"train": len(THINGS)})
    return state


def test_fetch_puts_the_folder_in_its_place_once(site, tmp_path):
    assert data.fetch("voc2012") == tmp_path / "VOCdevkit" / "VOC2012"
    assert len(data.voc()) == 3
    data.fetch("voc2012")
    assert site.asked == [("2012", "trainval")]
    assert [path.name for path in (tmp_path / "VOCdevkit").iterdir()] == ["VOC2012"]


def test_fetch_keeps_nothing_that_is_not_the_set(site, tmp_path):
    site.spoil = lambda folder: next((folder / "JPEGImages").iterdir()).unlink()
    with pytest.raises(ValueError, match=r"fetch: voc2012 is not what was expected: 1 of 3 files .*; nothing was kept"):
        data.fetch("voc2012")
    assert list((tmp_path / "VOCdevkit").iterdir()) == []


def test_fetch_touches_no_folder_that_is_there(site, tmp_path):
    folder = plant(tmp_path)
    kept = folder / "ImageSets" / "Main" / "train.txt"
    kept.write_text("mine\n")
    with pytest.raises(ValueError, match=r"is broken .* move it away and type: python -m twice\.data voc2012"):
        data.fetch("voc2012")
    assert kept.read_text() == "mine\n"
    assert site.asked == []


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("HTTP 404\nTried …")])
def test_without_a_network_fetch_says_what_to_type(site, tmp_path, error):
    site.error = error
    with pytest.raises(ConnectionError, match=r"voc2012 could not be brought here \(.*\); with a network, type") as e:
        data.fetch("voc2012")
    assert "\n" not in str(e.value)
    assert list((tmp_path / "VOCdevkit").iterdir()) == []


def test_fetch_without_torchvision_says_what_to_type(site, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match="fetch: voc2012 needs the package torchvision: python -m pip install torc"):
        data.fetch("voc2012")


def test_the_command_says_what_is_here_and_what_to_type(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    monkeypatch.setitem(COUNTS, (2012, "detection"), {"trainval": len(THINGS)})
    plant(tmp_path, split="trainval")
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "voc2012: LazySet(3 images, 20 classes; Pascal VOC 2012, trainval; " in said
    assert "voc2007 is not at" in said


def test_the_known_splits_add_up():
    for splits in COUNTS.values():
        assert splits["train"] + splits["val"] == splits["trainval"]
