"""Pictures: what they show, that they say it, and that they take the page's colours."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

from twice import show
from twice.show.palette import FOREGROUND


def pixels(picture: show.Picture) -> list[np.ndarray]:
    """The bitmaps of a picture, as a browser would decode them."""
    found = re.findall(r"data:image/png;base64,([^\"]+)", picture.html)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def texts(picture: show.Picture) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture.html)


def test_numbers_shows_each_number_and_each_sign():
    picture = show.numbers(np.array([[1, -2], [0.5, 1 / 3]]), "∗", [7], "=", [[8]])
    assert texts(picture) == ["1", "−2", "0.5", "0.3333", "7", "8"]
    assert ">∗<" in picture.html
    assert ">=<" in picture.html


def test_numbers_says_its_numbers_row_by_row():
    assert show.numbers([[1, 2], [3, 4]], "→", [5], names=("a", "b")).alt == "a [1 2; 3 4] → b [5]"


def test_numbers_marks_the_places_it_was_told():
    plain, marked = show.numbers(np.eye(2)), show.numbers(np.eye(2), mark={0: [(0, 1), (1, 0)]})
    assert marked.html.count("<rect") - plain.html.count("<rect") == 2


def test_numbers_tints_by_size_and_survives_nan():
    tints = re.findall(r'fill-opacity="([\d.]+)"', show.numbers([0.0, 2.0, -4.0, np.nan]).html)
    assert [float(t) for t in tints] == [0, 0.11, 0.22, 0]


@pytest.mark.parametrize("parts", [("∗",), (np.zeros((2, 2, 2)),)])
def test_numbers_wants_small_arrays(parts):
    with pytest.raises(ValueError, match="expected arrays of one or two"):
        show.numbers(*parts)


def test_images_shows_colours_as_they_are():
    rng = np.random.default_rng(0)
    photo = rng.integers(256, size=(5, 7, 3), dtype=np.uint8)
    first, second = pixels(show.images([photo, np.moveaxis(photo / 255, -1, 0)], alt="the same twice"))
    assert np.array_equal(first, photo)
    assert np.abs(second.astype(int) - photo).max() <= 1  # fractions are cut to 0 … 255


def test_images_stretches_each_plane_over_its_own_range_unless_together():
    dim, bright = np.array([[0.0, 1.0]]), np.array([[0.0, 4.0]])
    alone = pixels(show.images([dim, bright], alt="two planes"))
    together = pixels(show.images([dim, bright], together=True, alt="two planes"))
    assert np.array_equal(alone[0], alone[1])
    assert together[0].max() < 80 < together[1].max()


def test_signed_images_have_zero_in_white():
    (shown,) = pixels(show.images([np.array([[-3.0, 0.0, 1.0]])], signed=True, alt="a kernel"))
    red, white, blue = shown[0].astype(int)
    assert white.min() > 240
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_images_can_be_told_how_many_stand_in_a_row():
    tiles = [np.zeros((2, 2))] * 6
    assert "repeat(3,minmax(0,1fr))" in show.images(tiles, alt="six", columns=3).html
    assert "auto-fit" in show.images(tiles, alt="six").html


def test_images_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match=r"a picture has shape \(2, 4, 4\), expected"):
        show.images([np.zeros((2, 4, 4))], alt="nothing")


@pytest.mark.parametrize(
    "draw",
    [
        lambda alt: show.images([np.zeros((2, 2))], alt=alt),
        lambda alt: show.curves({"a": [1, 2]}, alt=alt),
        lambda alt: show.bars({"a": 1}, alt=alt),
    ],
)
def test_a_picture_without_words_is_refused(draw):
    with pytest.raises(ValueError, match="alt is empty"):
        draw(" ")


def test_hostile_words_stay_words():
    picture = show.images([np.zeros((2, 2))], ['<img src=x onerror="1">'], alt='"><script>')
    assert "<script>" not in picture.html
    assert "<img src=x" not in picture.html


@pytest.mark.parametrize(
    "line,halves", [([3, 1, 2], False), (([1, 2, 3], [3, 1, 2]), False), (([0.5, 1.0, 1.5], [3, 1, 2]), True)]
)
def test_steps_and_epochs_have_no_halves(line, halves):
    across = texts(show.curves({"a": line}, alt="a line", log="y"))
    assert any(re.fullmatch(r"\d\.\d+", text) for text in across) is halves


def test_drawings_take_the_colour_of_the_page_and_repeat_no_name():
    picture = show.curves({"NumPy": [1, 2, 3], "PyTorch": [3, 2, 1]}, alt="two lines", x="step")
    assert FOREGROUND not in picture.html
    assert "currentColor" in picture.html
    assert "var(--twice-numpy" in picture.html
    assert "var(--twice-torch" in picture.html
    assert not re.search(r'<g [^>]*id="', picture.html)
    assert "step" in texts(picture)


def test_two_drawings_on_a_page_share_no_definition():
    one, two = (show.curves({"a": [1, 2]}, alt=alt, points=True).html for alt in ("first", "second"))
    assert set(re.findall(r' id="([^"]+)"', one)).isdisjoint(re.findall(r' id="([^"]+)"', two))


def test_a_drawing_is_the_same_each_time():
    one, two = (show.bars({"NumPy": 2, "PyTorch": 3}, alt="times").html for _ in range(2))
    assert one == two


def test_drawings_leave_matplotlib_as_it_was():
    before, open_figures = dict(pyplot.rcParams), pyplot.get_fignums()
    show.curves({"a": [1, 2]}, alt="a line")
    assert dict(pyplot.rcParams) == before
    assert pyplot.get_fignums() == open_figures


def test_bars_write_their_numbers():
    written = texts(show.bars({"NumPy": 2.5, "loops": 1234.0}, alt="times", x="ms"))
    assert {"2.5", "1,234", "NumPy", "loops", "ms"} <= set(written)


def test_beside_keeps_both_pictures_and_both_texts():
    one, two = show.numbers([1]), show.numbers([2])
    both = show.beside(one, two)
    assert one.html in both.html
    assert two.html in both.html
    assert both.alt == "[1] [2]"


def test_the_terminal_gets_the_words():
    assert repr(show.bars({"a": 1}, alt="One bar.")) == "One bar."


def test_names_stand_above_the_lines_where_they_would_lie_on_one():
    def drawn(lines):
        html = show.curves(lines, alt="Lines.").html
        names = [float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>line \d<', html)]
        axis = min(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>\d\.\d<', html))  # its uppermost number
        return max(names), axis, float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', html)[1])

    x = np.linspace(0, 1, 30)
    lowest, axis, height = drawn({f"line {k}": x ** (3 * k + 1) for k in range(3)})
    assert lowest > axis
    above, axis, taller = drawn({f"line {k}": np.random.default_rng(k).random(30) for k in range(3)})
    assert above < axis
    assert taller > height
