"""Augmentations: against torchvision where nothing is drawn, against their definition where something is."""

import numpy as np
import pytest

from twice.data import (
    ColorAxes,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    center_crop,
    color_axes,
    color_jitter,
    count_crops,
    fancy_pca,
    horizontal_flip,
    random_crop,
    random_flip,
    ten_crop,
)

torch = pytest.importorskip("torch")
v2 = pytest.importorskip("torchvision.transforms.v2")
tv = v2.functional

RANDOM = {
    "random_flip": random_flip,
    "random_crop": lambda x, rng: random_crop(x, rng, 6, padding=2),
    "color_jitter": lambda x, rng: color_jitter(x, rng, 0.4, 0.4, 0.4, 0.2),
    "fancy_pca": lambda x, rng: fancy_pca(x, rng, AXES, sigma=1.0),
}


def rng(seed=0):
    return np.random.default_rng(seed)


def colored(n=4, height=9, width=8, dtype=np.uint8):
    images = rng(1).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
    return images if dtype == np.uint8 else (images / 255).astype(dtype)


AXES = color_axes(colored())


def planes(images):
    return torch.from_numpy(np.moveaxis(images, -1, 1).copy())


def images(planes):
    return np.moveaxis(planes.numpy(), 1, -1)


def same_window(crop, image):
    """The places (top, left) at which the crop lies in the image."""
    h, w = crop.shape[:2]
    places = [(i, j) for i in range(image.shape[0] - h + 1) for j in range(image.shape[1] - w + 1)]
    return [(i, j) for i, j in places if np.array_equal(image[i : i + h, j : j + w], crop)]


# ── crops and flips ─────────────────────────────────────────────────────────────────────────────────────────────


def test_horizontal_flip_is_torchvisions():
    np.testing.assert_array_equal(horizontal_flip(colored()), images(tv.horizontal_flip(planes(colored()))))


@pytest.mark.parametrize("size", [5, 8, (4, 3), (9, 8), (1, 7)])
def test_center_crop_is_torchvisions(size):
    np.testing.assert_array_equal(center_crop(colored(), size), images(v2.CenterCrop(size)(planes(colored()))))


@pytest.mark.parametrize("size", [5, 8, (4, 3), (9, 8), (2, 7)])
def test_ten_crop_is_torchvisions_in_its_order(size):
    expected = np.stack([images(crop) for crop in v2.TenCrop(size)(planes(colored()))], axis=1)
    np.testing.assert_array_equal(ten_crop(colored(), size), expected)


def test_grey_images_are_cropped_and_flipped_like_colored_ones():
    x = colored()
    grey = x[..., 0]
    np.testing.assert_array_equal(ten_crop(grey, 5), ten_crop(x, 5)[..., 0])
    np.testing.assert_array_equal(random_crop(grey, rng(), 5, 1), random_crop(x, rng(), 5, 1)[..., 0])
    np.testing.assert_array_equal(random_flip(grey, rng()), random_flip(x, rng())[..., 0])


def test_random_crop_takes_a_window_of_each_image_at_a_place_of_its_own():
    x = colored(60)
    places = [same_window(crop, image) for crop, image in zip(random_crop(x, rng(), (5, 4)), x, strict=True)]
    assert all(len(place) == 1 for place in places)
    rows, columns = zip(*(place[0] for place in places))
    assert set(rows) == set(range(5))
    assert set(columns) == set(range(5))


def test_random_crop_pads_with_the_fill_on_all_four_sides():
    x = np.full((300, 4, 4), 9, np.uint8)
    crops = random_crop(x, rng(), 4, padding=(1, 2), fill=7)
    assert crops.shape == x.shape
    for edge, width in ((crops[:, 0], 1), (crops[:, -1], 1), (crops[:, :, :2], 2), (crops[:, :, 2:], 2)):
        assert (edge == 7).all(axis=tuple(range(1, edge.ndim))).any(), width
    rows = (crops == 7).all(axis=2).sum(1)
    columns = (crops == 7).all(axis=1).sum(1)
    assert (rows.max(), columns.max()) == (1, 2)


def test_random_crop_of_the_whole_image_is_the_image():
    np.testing.assert_array_equal(random_crop(colored(), rng(), (9, 8)), colored())


def test_random_flip_flips_about_half_and_leaves_the_rest():
    x = colored(400)
    flipped = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(random_flip(x, rng()), x)])
    kept = np.array([np.array_equal(a, b) for a, b in zip(random_flip(x, rng()), x)])
    assert np.all(flipped ^ kept)
    assert 150 < flipped.sum() < 250


@pytest.mark.parametrize("p, expected", [(0, lambda x: x), (1, horizontal_flip)])
def test_random_flip_at_its_ends(p, expected):
    np.testing.assert_array_equal(random_flip(colored(), rng(), p), expected(colored()))


def test_2178_views_of_which_the_slides_count_2048():
    assert count_crops(256, 256, 224) == 33**2 * 2 == 2178
    assert (256 - 224) ** 2 * 2 == 2048


@pytest.mark.parametrize("size", [(3, 3), (5, 2), (6, 5)])
def test_count_crops_counts_what_differs(size):
    image = rng().integers(0, 2**31, (6, 5))
    h, w = size
    views = {
        x[i : i + h, j : j + w].tobytes() for x in (image, image[:, ::-1]) for i in range(7 - h) for j in range(6 - w)
    }
    assert count_crops(6, 5, size) == len(views) == 2 * count_crops(6, 5, size, flips=False)


# ── colour ──────────────────────────────────────────────────────────────────────────────────────────────────────

PAIRS = [
    (adjust_brightness, tv.adjust_brightness, (0.0, 0.6, 1.0, 1.7)),
    (adjust_contrast, tv.adjust_contrast, (0.0, 0.6, 1.0, 1.7)),
    (adjust_saturation, tv.adjust_saturation, (0.0, 0.6, 1.0, 1.7)),
    (adjust_hue, tv.adjust_hue, (-0.5, -0.13, 0.0, 0.3, 0.5)),
]
CASES = [(ours, theirs, factor) for ours, theirs, factors in PAIRS for factor in factors]


@pytest.mark.parametrize("ours, theirs, factor", CASES)
def test_adjustments_are_torchvisions(ours, theirs, factor):
    x = colored(dtype=np.float32)
    x[0, :, :, 1:] = x[0, :, :, :1]  # grey
    x[1, 0] = 0
    x[1, 1] = 1
    value = ours(x, factor)
    np.testing.assert_allclose(value, images(theirs(planes(x), factor)), atol=3e-6)
    assert value.dtype == np.float32


@pytest.mark.parametrize("ours, theirs, factor", CASES)
def test_adjustments_of_bytes_are_torchvisions_but_for_a_rounding(ours, theirs, factor):
    x = colored(12)
    value = ours(x, factor)
    difference = np.abs(value.astype(int) - images(theirs(planes(x), factor)))
    assert value.dtype == np.uint8
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("adjust", [adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue])
def test_each_image_can_have_its_own_factor(adjust):
    factors = np.array([0.1, 0.3, 0.45, 0.5])
    expected = np.concatenate([adjust(colored()[i : i + 1], f) for i, f in enumerate(factors)])
    np.testing.assert_array_equal(adjust(colored(), factors), expected)


def test_color_jitter_of_strength_0_changes_nothing():
    np.testing.assert_array_equal(color_jitter(colored(), rng()), colored())


def test_color_jitter_draws_a_factor_for_each_image_within_its_range():
    x = np.full((500, 1, 1, 3), 0.25)
    factors = color_jitter(x, rng(), brightness=0.4)[:, 0, 0, 0] / 0.25
    assert 0.6 <= factors.min() < 0.62
    assert 1.38 < factors.max() <= 1.4


def test_color_jitter_draws_no_factor_below_0():
    strong = color_jitter(np.full((500, 1, 1, 3), 0.25), rng(), brightness=3)
    assert (strong == 0).mean() < 0.01


def test_color_jitter_is_its_adjustments_in_one_of_the_orders():
    x = colored(dtype=np.float64)
    orders = set()
    for seed in range(30):
        draw = rng(seed)
        factors = [draw.uniform(low, high, 4) for low, high in ((0.6, 1.4), (1, 1), (1, 1), (-0.2, 0.2))]
        one = adjust_hue(adjust_brightness(x, factors[0]), factors[3])
        other = adjust_brightness(adjust_hue(x, factors[3]), factors[0])
        value = color_jitter(x, rng(seed), brightness=0.4, hue=0.2)
        matches = [np.allclose(value, expected, atol=1e-12) for expected in (one, other)]
        assert any(matches)
        orders.add(tuple(matches))
    assert {(True, False), (False, True)} <= orders


def test_fancy_pca_adds_the_eigenvectors_times_alpha_lambda():
    x = colored(dtype=np.float64)
    alpha = rng(5).normal(0, 0.1, (4, 3))
    expected = x.copy()
    for n in range(4):
        for i in range(3):
            expected[n] += alpha[n, i] * AXES.values[i] * AXES.vectors[:, i]
    np.testing.assert_allclose(fancy_pca(x, rng(5), AXES), expected, atol=1e-7)


def test_fancy_pca_of_bytes_is_rounded_and_clipped():
    x = colored()
    expected = np.rint(255 * fancy_pca(x / 255, rng(2), AXES, sigma=3)).clip(0, 255)
    assert expected.max() == 255
    difference = np.abs(fancy_pca(x, rng(2), AXES, sigma=3) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_fancy_pca_shifts_vary_as_lambda_along_each_axis():
    axes = ColorAxes(np.float32([0.5, 0.2, 0.05]), AXES.vectors)
    x = np.zeros((4000, 1, 1, 3))
    along = fancy_pca(x, rng(), axes)[:, 0, 0] @ axes.vectors
    np.testing.assert_allclose(along.std(0), 0.1 * axes.values, rtol=0.05)


# ── all of them ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_same_seed_same_images_other_seed_other_images(name, dtype):
    x = colored(8, dtype=dtype)
    before = x.copy()
    first, again, other = (RANDOM[name](x, rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(x, before)
    assert first.dtype == dtype
    assert not np.shares_memory(first, x)
    assert first.flags.c_contiguous


@pytest.mark.parametrize("name", RANDOM)
def test_an_empty_batch_stays_empty(name):
    assert RANDOM[name](colored(0), rng()).shape[0] == 0


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: random_crop(colored(), rng(), 10), r"random_crop: size is \(10, 10\), expected at most \(9, 8\)"),
        (lambda: random_crop(colored(), rng(), 0), "random_crop: size is 0, expected 2 whole numbers of at least 1"),
        (lambda: random_crop(colored(), rng(), 4, -1), "random_crop: padding is -1"),
        (lambda: ten_crop(colored(), 9), "ten_crop: size is"),
        (lambda: center_crop(colored()[0, 0], 2), r"center_crop: images has shape \(8, 3\)"),
        (lambda: random_flip(colored(), rng(), 1.5), "random_flip: p is 1.5, expected a probability"),
        (lambda: count_crops(4, 4, 5), r"count_crops: size is 5, expected at most \(4, 4\)"),
        (lambda: fancy_pca(colored()[..., 0], rng(), AXES), r"fancy_pca: images has shape .* expected \(N, H, W, 3\)"),
        (lambda: color_jitter(colored(), rng(), hue=0.6), "color_jitter: hue is 0.6, expected 0 to 0.5"),
        (lambda: color_jitter(colored(), rng(), contrast=-1), "color_jitter: contrast is -1, expected at least 0"),
        (lambda: adjust_hue(colored().astype(int), 0.1), "adjust_hue: images has dtype int64, expected uint8 or float"),
        (lambda: adjust_hue(colored(), np.ones(3)), r"adjust_hue: the factor has shape \(3,\)"),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
