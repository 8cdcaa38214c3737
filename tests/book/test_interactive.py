"""Interactive figures before any script runs: what the still shows, what the script is given, what a page may ask."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("sphinx")
pytest.importorskip("torch")

import torch

from twice.book import build, interactive
from twice.book.interactive import optimiser_paths, pooling_shift, receptive_field, scoreboard, sliding_kernel
from twice.summary import receptive_field as field_of

ALL = [(name, preset) for name, figure in interactive.FIGURES.items() for preset in figure.presets]
ALT = "Something to see."


def state(name, preset=None, settings=""):
    return interactive.named(name).first(preset, settings)[1]


@pytest.mark.parametrize(
    ("preset", "settings", "output"),
    [
        ("cross", "", [[4, 3, 4], [2, 4, 3], [2, 3, 4]]),
        ("four", "", [[6, 7], [10, 8]]),
        ("four", "bias=2", [[8, 9], [12, 10]]),
        ("signal", "", [[1.8, 2.9, 3.7, 3.5, 7.9, 8.9, 7.4, 1.4]]),
        ("signal", "mode=replicate", [[2.7, 2.9, 3.7, 3.5, 7.9, 8.9, 7.4, 2.0]]),
        ("signal", "padding=0 bias=0.2", [[3.1, 3.9, 3.7, 8.1, 9.1, 7.6]]),
    ],
)
def test_sliding_kernel_begins_with_the_worked_examples(preset, settings, output):
    np.testing.assert_allclose(sliding_kernel.correlated(state("sliding-kernel", preset, settings)), output)


def test_prewitt_example_answers_edges_with_its_bias_added():
    flat, rising = [2, 2, 2, -1, -1, 2], [[2, 9, 9, 0, 0, 2], [2, 16, 16, 1, 1, 2]] + [[2, 23, 23, 2, 2, 2]] * 2
    np.testing.assert_array_equal(sliding_kernel.correlated(state("sliding-kernel", "prewitt")), [flat, flat, *rising])


@pytest.mark.parametrize(
    ("preset", "sizes", "field"),
    [
        ("three-by-three", [15, 13, 11, 9], 7),
        ("seven-by-seven", [15, 9], 7),
        ("lenet", [32, 28, 14, 10, 5, 1], 32),
        ("dilated", [25, 23, 19, 11], 15),
    ],
)
def test_stacks_have_the_sizes_and_fields_they_are_known_for(preset, sizes, field):
    stack = state("receptive-field", preset)
    assert receptive_field.sizes(stack) == sizes
    assert receptive_field.fields(stack["layers"])[-1].size == field


def test_vgg_ends_in_7_by_7_units_that_see_212_inputs_at_jumps_of_32():
    stack = state("receptive-field", "vgg")
    assert receptive_field.sizes(stack)[-1] == 7
    assert receptive_field.fields(stack["layers"])[-1][:2] == (212, 32)


@pytest.mark.parametrize("preset", interactive.FIGURES["receptive-field"].presets)
def test_what_a_unit_sees_spans_its_field(preset):
    stack = state("receptive-field", preset)
    windows = [(one["kernel"], one["stride"], one["padding"], one["dilation"]) for one in stack["layers"]]
    field, seen = field_of(windows), receptive_field.seen(stack["layers"], 2)[0]
    assert (min(seen), max(seen)) == (field.start + 2 * field.jump, field.start + 2 * field.jump + field.size - 1)


def test_pooling_begins_with_the_worked_example():
    image = np.array(state("pooling-shift", "four")["image"], float)
    np.testing.assert_array_equal(pooling_shift.pooled(state("pooling-shift", "four"), image), [[6, 8], [3, 4]])
    mean = pooling_shift.pooled(state("pooling-shift", "four", "pool=mean"), image)
    np.testing.assert_array_equal(mean, [[3.25, 5.25], [2, 2]])


@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 0), (0, -2), (-3, 2)])
def test_a_shift_moves_every_number_and_lets_zeros_in(down, right):
    image = np.arange(1.0, 31).reshape(5, 6)
    framed = np.pad(image, 4)
    expected = framed[4 - down : 9 - down, 4 - right : 10 - right]
    np.testing.assert_array_equal(pooling_shift.moved(image, down, right), expected)


@pytest.mark.parametrize("preset", interactive.FIGURES["optimiser-paths"].presets)
def test_paths_are_those_of_torch(preset):
    begun = state("optimiser-paths", preset)
    rate = {"lr": begun["rate"]}
    theirs = {
        "SGD": lambda p: torch.optim.SGD(p, **rate),
        "momentum": lambda p: torch.optim.SGD(p, **rate, momentum=begun["momentum"]),
        "RMSprop": lambda p: torch.optim.RMSprop(p, **rate),
        "Adam": lambda p: torch.optim.Adam(p, **rate),
    }
    for name, optimiser in theirs.items():
        point = [torch.tensor(float(begun[axis]), dtype=torch.float64, requires_grad=True) for axis in "xy"]
        steps = optimiser(point)
        for _ in range(12):
            steps.zero_grad()
            optimiser_paths.value(begun["terms"], *point).backward()
            steps.step()
        np.testing.assert_allclose(optimiser_paths.path(begun, name, 12)[-1], [p.item() for p in point], rtol=1e-9)


def test_contours_are_where_the_surface_has_their_height():
    ravine = state("optimiser-paths", "ravine")
    for level, lines in zip(ravine["levels"], optimiser_paths.contours(ravine), strict=True):
        heights = optimiser_paths.value(ravine["terms"], *np.concatenate(lines).T)
        np.testing.assert_allclose(heights, level, atol=0.05)


@pytest.mark.parametrize("cost", scoreboard.COSTS)
def test_nobody_on_the_frontier_is_beaten_and_everybody_else_is(cost):
    rows = scoreboard.seen_from(cost)["rows"]
    found = scoreboard.frontier(rows)
    for i, (_, _, paid, error) in enumerate(rows):
        beaten = any(other[2] <= paid and other[3] < error for other in rows)
        assert beaten == (i not in found)
    assert [rows[i][2] for i in found] == sorted(rows[i][2] for i in found)


@pytest.mark.parametrize(
    ("costs", "expected"),
    [([1.2, 143.7], [1, 2, 5, 10, 20, 50, 100, 200]), ([0.35, 19.6], [0.2, 0.5, 1, 2, 5, 10, 20]), ([2, 5], [2, 5])],
)
def test_ticks_stand_around_the_costs(costs, expected):
    assert scoreboard.ticks(costs) == expected


def test_the_scoreboard_shows_what_was_measured():
    state = scoreboard.seen_from("parameters")
    assert ["VGG-16", "2014", 138.3575, 28.41] in state["rows"]
    assert state["rows"][state["chosen"]][0] == "ResNet-50"


@pytest.mark.parametrize(("name", "preset"), ALL)
def test_every_example_has_a_still_that_says_what_it_shows(name, preset):
    html = interactive.still(name, 'A "still" <here>.', preset)
    assert 'aria-label="A &quot;still&quot; &lt;here&gt;."' in html
    assert html.count("<svg") == html.count("</svg>") == 1
    assert ElementTree.fromstring(html).get("role") == "img"
    assert "nan" not in html.lower()


@pytest.mark.parametrize(("name", "preset"), ALL)
def test_the_script_is_given_the_numbers_of_the_still(name, preset):
    html = interactive.html(name, ALT, preset)
    (packed,) = re.findall(r'<script type="application/json">(.*?)</script>', html)
    given = json.loads(packed)
    assert given["preset"] == preset
    assert given["presets"] == json.loads(json.dumps(interactive.FIGURES[name].presets))


def test_a_page_may_begin_elsewhere():
    given = interactive.data("sliding-kernel", "seven", "stride=2 padding=1 mode=replicate bias=0.5")
    begun = given["presets"]["seven"]
    assert (begun["stride"], begun["padding"], begun["mode"], begun["bias"]) == (2, 1, "replicate", 0.5)
    assert interactive.FIGURES["sliding-kernel"].presets["seven"]["stride"] == 1


@pytest.mark.parametrize(
    ("name", "preset", "settings", "said"),
    [
        ("slide", None, "", "the figure is 'slide', expected one of sliding-kernel, receptive-field"),
        ("sliding-kernel", "crux", "", "preset is 'crux', expected one of cross, prewitt"),
        ("sliding-kernel", None, "strides=2", "a name of :set: is 'strides', expected one of bias, stride"),
        ("sliding-kernel", None, "toggles=1", "a name of :set: is 'toggles'"),
        ("sliding-kernel", None, "stride=two", "stride is 'two', expected a number"),
        ("sliding-kernel", None, "mode=mirror", "mode is 'mirror', expected one of zero, replicate"),
        ("sliding-kernel", None, "row=3", "row is 3, expected 0 to 2"),
        ("receptive-field", None, "column=9", "column is 9, expected 0 to 8"),
        ("pooling-shift", None, "window=13", "kernel"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_there(name, preset, settings, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        interactive.html(name, ALT, preset, settings)


PAGE = "# Page\n\n```{{interactive}} {name}\n{options}\n\n{caption}\n```\n"


@pytest.mark.slow
def test_only_a_page_with_a_figure_loads_its_script(book):
    figure = PAGE.format(name="pooling-shift", options=f":alt: {ALT}", caption="A *caption* with $x$.")
    root = book({"plain": "# Plain\n\nNothing moves.\n", "figure": figure})
    assert build.main(root) == 0
    plain, page = (
        (root / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8") for name in ("plain", "figure")
    )
    assert "interactive/" not in plain
    assert re.findall(r'<script type="module" src="_static/interactive/([\w-]+)\.js', page) == ["pooling-shift"]
    assert "_static/interactive/interactive.css" in page
    assert re.search(r"<figcaption>.*<em>caption</em>.*\\\(x\\\)", page, re.S)
    assert (root / "_build" / "html" / "_static" / "interactive" / "grid.js").exists()


@pytest.mark.slow
def test_a_figure_without_words_or_with_a_wrong_name_fails_the_build(book, capfd):
    pages = {
        "first": PAGE.format(name="sliding-kernel", options="", caption="Silent."),
        "second": PAGE.format(name="sliding", options=f":alt: {ALT}", caption="Unknown."),
        "third": PAGE.format(name="sliding-kernel", options=f":alt: {ALT}", caption="Two.\n\nBlocks."),
    }
    assert build.main(book(pages)) == 1
    said = capfd.readouterr().err
    assert "sliding-kernel has no :alt:" in said
    assert "the figure is 'sliding'" in said
    assert "has 2 blocks as its caption" in said
