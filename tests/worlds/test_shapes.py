"""The world of shapes: its truth is exact, and each picture depends on its seed and place alone."""

import numpy as np
import pytest

from twice.worlds import CLASSES, COLOURS, TEXTURES, shapes
from twice.worlds.outlines import OUTLINES


@pytest.mark.parametrize("size", [32, (24, 40)])
@pytest.mark.parametrize("difficulty", [0.0, 0.3, 1.0])
def test_a_larger_world_begins_with_the_smaller_one(size, difficulty):
    small, large = (shapes(n, size, seed=3, difficulty=difficulty) for n in (21, 50))
    np.testing.assert_array_equal(small.images, large.images[:21])
    np.testing.assert_array_equal(small.masks, large.masks[:21])
    for name, values in small.attributes.items():
        np.testing.assert_array_equal(values, large.attributes[name][:21])


def test_another_seed_is_another_world():
    one, other = (shapes(20, 32, seed=seed) for seed in (0, 1))
    assert not (one.images == other.images).all((1, 2, 3)).any()
    assert (one.labels != other.labels).any()


def test_forms_and_ranges():
    world = shapes(40, (24, 36), difficulty=1.0, classes=4)
    assert world.images.shape == (40, 24, 36, 3)
    assert world.images.dtype == np.uint8
    assert world.masks.shape == (40, 24, 36)
    assert world.masks.dtype == bool
    assert world.labels.dtype == np.uint8
    assert set(world.labels) == set(range(4))
    assert world.attributes["colour"].max() < len(COLOURS)
    assert world.attributes["texture"].max() < len(TEXTURES)
    assert world.attributes["covered"].min() >= 0
    assert world.attributes["covered"].max() < 1
    assert repr(world) == "Shapes(40 pictures of 24×36×3)"


def test_every_class_colour_and_texture_occurs_about_equally_often():
    world = shapes(4000, 8, difficulty=1.0)
    for values, number in ((world.labels, len(CLASSES)), (world.attributes["colour"], len(COLOURS))):
        counts = np.bincount(values, minlength=number)
        assert len(counts) == number
        assert np.abs(counts - 4000 / number).max() < 5 * np.sqrt(4000 / number)
    assert len(np.bincount(world.attributes["texture"])) == len(TEXTURES)


def test_boxes_fit_the_masks():
    world = shapes(50, 32, difficulty=1.0)
    for mask, (left, top, right, bottom) in zip(world.masks, world.boxes.astype(int)):
        assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        assert mask[top].any()
        assert mask[bottom - 1].any()
        assert mask[:, left].any()
        assert mask[:, right - 1].any()


def test_at_difficulty_0_the_pixels_of_the_mask_have_the_colour_and_the_others_have_not():
    world = shapes(60, 64, difficulty=0.0)
    palette = np.array(list(COLOURS.values())) * 255
    for image, mask, colour in zip(world.images, world.masks, world.attributes["colour"]):
        near = np.abs(image - palette[colour]).max(-1) <= 1
        assert (near & ~mask).sum() == 0
        assert (near & mask).sum() > 0.8 * mask.sum()
    assert not world.attributes["covered"].any()
    assert not world.attributes["angle"].any()


def test_what_a_bar_covers_is_not_in_the_mask():
    world = shapes(300, 32, difficulty=1.0)
    covered = world.attributes["covered"]
    assert 0.5 < (covered > 0).mean() < 0.8
    visible = world.masks.sum((1, 2)) / (1 - covered)  # the pixels of the whole shape
    circles = world.labels == CLASSES.index("circle")
    inside = circles & (np.abs(world.boxes - 16).max(1) < 15.5)  # not cut by the border
    expected = np.pi * world.attributes["radius"][inside] ** 2
    assert inside.sum() > 5
    np.testing.assert_allclose(visible[inside], expected, rtol=0.12)


def test_difficulty_is_felt():
    """A template learned from half of a world finds the classes of the other half at 0, and hardly any at 1."""

    def found(difficulty):
        world = shapes(600, 16, seed=1, difficulty=difficulty)
        # Each pixel against the mean of the border, so that the colour does not matter.
        pixels = world.images.astype(float)
        away = np.abs(pixels - pixels[:, :1].mean((1, 2), keepdims=True)).sum(-1).reshape(600, -1)
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        templates = np.stack([away[:300][world.labels[:300] == k].mean(0) for k in range(10)])
        distances = ((away[300:, None] - templates) ** 2).sum(-1)
        return (distances.argmin(1) == world.labels[300:]).mean()

    easy, middle, hard = map(found, (0.0, 0.5, 1.0))
    assert easy > 0.99
    assert easy > middle > hard
    assert hard < 0.3


@pytest.mark.parametrize("name", OUTLINES)
def test_an_outline_is_nearly_a_distance_and_about_as_large_as_the_circle(name):
    y, x = np.mgrid[-1.5:1.5:301j, -1.5:1.5:301j]
    distance = OUTLINES[name](x, y)
    slope = np.hypot(*np.gradient(distance, 0.01))
    edge = np.abs(distance) < 0.015
    assert np.median(slope[edge]) == pytest.approx(1, abs=0.02)
    assert slope[edge].max() < 1.05
    inside = distance < 0
    assert 0.9 < np.hypot(x, y)[inside].max() < 1.32  # the corner of the square is the farthest
    assert 0.2 < inside.mean() * 9 / np.pi <= 1.001


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": -1}, "count is -1, expected at least 0"),
        ({"size": 7}, "size is 7, expected at least 8 pixels"),
        ({"difficulty": 1.1}, "difficulty is 1.1, expected 0 to 1"),
        ({"classes": 11}, "classes is 11, expected 2 to 10"),
    ],
)
def test_bad_options_get_a_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        shapes(**{"count": 1} | options)


def test_an_empty_world_and_a_choice():
    assert len(shapes(0, 16)) == 0
    world = shapes(10, 16)
    chosen = world[world.labels < 5]
    assert len(chosen) == (world.labels < 5).sum() == len(chosen.boxes) == len(chosen.attributes["colour"])
