"""From pixels to planes, against torchvision and against the definitions."""

import numpy as np
import pytest

from twice.data import channel_moments, color_axes, image_mean, min_max, standardize, to_images, to_planes

torch = pytest.importorskip("torch")
v2 = pytest.importorskip("torchvision.transforms.v2")

RNG = np.random.default_rng(0)
SLIDE = np.array([0.1, 2.3, -4.5, 4.2, -2.7, 6])


def colored(n=5, height=7, width=6):
    return RNG.integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def test_min_max_gives_the_slides_numbers():
    np.testing.assert_allclose(min_max(SLIDE), [0.438, 0.648, 0, 0.829, 0.171, 1], atol=5e-4)


def test_standardized_slide_numbers_are_not_those_that_the_slide_prints():
    z = standardize(SLIDE, SLIDE.mean(), SLIDE.std())
    np.testing.assert_allclose(z, [-0.217, 0.38, -1.464, 0.895, -0.976, 1.383], atol=5e-4)
    printed = [0, 0.373, 0.746, 0.695, 0.441, 1]
    assert np.abs(z - printed).max() > 0.1
    assert np.abs(min_max(SLIDE) - printed).max() > 0.1


def test_min_max_along_an_axis_and_of_a_constant():
    x = np.array([[1, 2, 5], [3, 3, 3]], dtype=np.uint8)
    np.testing.assert_array_equal(min_max(x, axis=1), np.float32([[0, 0.25, 1], [0, 0, 0]]))
    assert min_max(x).dtype == np.float32


@pytest.mark.parametrize("shape", [(4, 5, 6, 3), (4, 5, 6, 1), (4, 5, 6)])
def test_to_planes_is_torchvisions_conversion(shape):
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    convert = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    expected = np.stack([convert(image[..., None] if image.ndim == 2 else image).numpy() for image in images])
    planes = to_planes(images)
    np.testing.assert_array_equal(planes, expected)
    assert planes.dtype == np.float32
    assert planes.flags.c_contiguous


def test_to_planes_knows_another_top():
    assert to_planes(np.full((1, 2, 2), 16, np.uint8), top=16).max() == 1


def test_images_come_back_from_their_planes():
    images = colored()
    np.testing.assert_array_equal(to_images(to_planes(images)), images)
    assert to_images(np.full((1, 3, 1, 1), 1.7)).max() == 255


def test_standardize_is_torchvisions_normalize():
    planes = to_planes(colored())
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = v2.Normalize(mean, std)(torch.from_numpy(planes)).numpy()
    np.testing.assert_allclose(standardize(planes, mean, std), expected, rtol=1e-6, atol=1e-6)
    assert standardize(planes, mean, std).dtype == np.float32


@pytest.mark.parametrize("shape", [(40, 9, 8, 3), (40, 9, 8)])
def test_channel_moments_are_those_of_all_pixels(shape):
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    planes = to_planes(images).astype(np.float64)
    mean, std = channel_moments(images)
    np.testing.assert_allclose(mean, planes.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std, planes.std((0, 2, 3)), rtol=1e-6)


def test_channel_moments_over_more_pixels_than_are_summed_at_a_time():
    images = RNG.integers(0, 256, (5, 300, 200), dtype=np.uint8)
    assert images.size > 2**18
    mean, std = channel_moments(images)
    np.testing.assert_allclose([mean[0], std[0]], [images.mean() / 255, images.std() / 255], rtol=1e-6)


def test_standardized_training_images_have_mean_0_and_deviation_1():
    images = colored(30)
    z = standardize(to_planes(images), *channel_moments(images))
    np.testing.assert_allclose(z.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(z.std((0, 2, 3)), 1, atol=1e-5)


def test_the_image_mean_of_200_by_200_needs_40000_numbers_a_channel_and_the_channel_mean_3():
    images = colored(3, 200, 200)
    per_place, (per_channel, _) = image_mean(images), channel_moments(images)
    assert per_place[0].size == 40_000
    assert per_channel.size == 3
    np.testing.assert_allclose(per_place, to_planes(images).mean(0), atol=1e-6)
    np.testing.assert_allclose(per_place.mean((1, 2)), per_channel, rtol=1e-5)
    assert np.abs(standardize(to_planes(images), per_place).mean(0)).max() < 1e-6


def test_color_axes_diagonalise_the_covariance_of_the_pixels():
    images = colored(20)
    images[..., 1] = images[..., 0] // 2 + images[..., 1] // 4
    values, vectors = color_axes(images)
    covariance = np.cov(images.reshape(-1, 3).T / 255, bias=True)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, covariance, atol=1e-6)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-6)
    assert np.all(np.diff(values) <= 0)
    assert np.all(vectors[np.abs(vectors).argmax(0), range(3)] > 0)


def test_color_axes_of_grey_images_have_one_direction():
    grey = np.repeat(colored()[..., :1], 3, axis=-1)
    values, vectors = color_axes(grey)
    np.testing.assert_allclose(values[1:], 0, atol=1e-7)
    np.testing.assert_allclose(vectors[:, 0], 3**-0.5, rtol=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: to_planes(np.zeros((2, 3, 3))), "to_planes: images has dtype float64, expected uint8"),
        (lambda: to_planes(np.zeros((3, 3), np.uint8)), r"images has shape \(3, 3\), expected \(N, H, W\)"),
        (lambda: to_images(np.zeros((3, 3))), r"to_images: planes has shape \(3, 3\)"),
        (lambda: standardize(colored(), 0.5), "standardize: x has dtype uint8, expected floats"),
        (lambda: standardize(to_planes(colored()), 0.5, 0), "standardize: std is 0, expected no 0"),
        (lambda: standardize(to_planes(colored()), [0.5, 0.5]), r"mean has shape \(2,\), expected a number, or \(C,\)"),
        (lambda: color_axes(np.zeros((2, 3, 3), np.uint8)), r"color_axes: images has shape .* expected \(N, H, W, 3\)"),
        (lambda: channel_moments(np.zeros((0, 3, 3), np.uint8)), "expected at least one pixel"),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
