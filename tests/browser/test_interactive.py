"""Interactive figures as a reader uses them: by mouse, keyboard and touch; every number against the library's own."""

import re
import shutil
import threading

import numpy as np
import pytest

pytest.importorskip("sphinx")

from twice.book import interactive
from twice.book.hosting import STATIC
from twice.book.interactive import optimiser_paths, pooling_shift, receptive_field, scoreboard, sliding_kernel
from twice.book.serve import server
from twice.kernels.conv import conv
from twice.kernels.pool import avg_pool, max_pool

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = list(interactive.FIGURES)
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>Figure</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="site.css"><link rel="stylesheet" href="interactive/interactive.css">
<style>*{{box-sizing:border-box}} body{{margin:16px}}</style>
<script type="module" src="interactive/{name}.js"></script>
<main><h1>Figure</h1><figure class="interactive">{figure}<figcaption>To notice.</figcaption></figure></main></html>"""
rng = np.random.default_rng(5)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The static folder as a site of its own."""
    folder = tmp_path_factory.mktemp("figures")
    shutil.copytree(STATIC / "interactive", folder / "interactive")
    shutil.copy(STATIC / "site.css", folder)
    with server(folder) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def show(chromium, shelf):
    """A page with one figure; at the end nothing may stand in the browser's console."""
    folder, address = shelf
    contexts, trouble = [], []

    def open_page(name, preset=None, settings="", theme="light", width=900, height=900, **options):
        figure = interactive.html(name, "The first state.", preset, settings)
        (folder / "page.html").write_text(PAGE.format(theme=theme, name=name, figure=figure), encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(address + "page.html", wait_until="load")
        if options.get("java_script_enabled", True):
            page.locator(".live").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def number(text):
    return float(text.replace("−", "-"))


def shown(page, label):
    """The numbers of a grid, as they stand there."""
    rows = page.locator(f'.grid[aria-label^="{label}"] [role=row]').all()
    cells = "row => [...row.querySelectorAll('[data-row]')].map(c => c.value ?? c.lastChild.textContent)"
    return np.array([[number(text) for text in row.evaluate(cells)] for row in rows])


def slide(page, label, value):
    """Move a slider by keyboard to a value."""
    slider = page.get_by_role("slider", name=label)
    slider.focus()
    page.keyboard.press("Home")
    low, step = (float(slider.get_attribute(key)) for key in ("min", "step"))
    for _ in range(round((value - low) / step)):
        page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) == value


@pytest.fixture(scope="module")
def compute(chromium, shelf):
    """What an expression of a figure's module `m` gives for plain data."""
    folder, address = shelf
    (folder / "empty.html").write_text('<!doctype html><link rel="icon" href="data:,">', encoding="utf-8")
    page = chromium.new_page()
    page.goto(address + "empty.html")

    def call(name, expression, *given):
        load = f"const m = await import('./interactive/{name}.js')"
        return page.evaluate(f"async (given) => {{ {load}; return ({expression})(...given); }}", list(given))

    yield call
    page.close()


# ── arithmetic ──


@pytest.mark.parametrize("mode", ["zero", "replicate"])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"),
    [
        ((5, 5), (3, 3), 1, 0),
        ((7, 7), (3, 3), 3, 1),
        ((8, 8), (5, 5), 2, 2),
        ((6, 6), (1, 1), 4, 0),
        ((1, 9), (1, 3), 2, 1),
    ],
)
def test_sliding_kernel_computes_what_the_library_does(compute, mode, shape, kernel, stride, padding):
    image, weights = rng.normal(size=shape), rng.normal(size=kernel)
    state = {"image": image.tolist(), "kernel": weights.tolist(), "bias": 0.3}
    state |= {"stride": stride, "padding": padding, "mode": mode, "row": 0, "column": 0}
    sums = compute("sliding-kernel", "state => m.derive(state).sums", state)
    np.testing.assert_allclose(sums, sliding_kernel.correlated(state), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize(
    ("shape", "window", "stride"), [((12, 12), 2, 2), ((9, 7), 3, 2), ((5, 5), 4, 1), ((1, 11), 3, 2)]
)
def test_pooling_computes_what_the_library_does(compute, pool, shape, window, stride):
    image = rng.normal(size=shape)
    given = compute("pooling-shift", "m.pooled", image.tolist(), {"pool": pool, "window": window, "stride": stride})
    sizes = ((window, stride), (window, stride)) if shape[0] > 1 else ((1, 1), (window, stride))
    kernel = {"max": max_pool, "mean": avg_pool}[pool]
    expected = kernel(image[None, None], *([axis[i] for axis in sizes] for i in (0, 1)))[0][0, 0]
    np.testing.assert_allclose(given, expected, rtol=1e-12)


@pytest.mark.parametrize("preset", interactive.FIGURES["receptive-field"].presets)
def test_stacks_are_traced_as_the_library_does(compute, preset):
    state = interactive.named("receptive-field").first(preset)[1]
    rows = compute("receptive-field", "m.trace", state["size"], state["layers"])
    fields = receptive_field.fields(state["layers"])
    assert [row["size"] for row in rows] == receptive_field.sizes(state)
    assert [(row["field"], row["jump"], row["start"]) for row in rows] == [tuple(field) for field in fields]


@pytest.mark.parametrize("preset", ["three-by-three", "seven-by-seven", "dilated", "lenet"])
def test_paths_to_an_input_are_its_gradient_through_kernels_of_ones(compute, preset):
    state = interactive.named("receptive-field").first(preset)[1]
    backs, x = [], np.zeros((1, 1, state["size"]))
    for layer in state["layers"]:
        options = {key: layer[key] for key in ("stride", "padding", "dilation")}
        x, back = conv(x, np.ones((1, 1, layer["kernel"])), **options)
        backs.append(back)
    slope = np.zeros_like(x)
    slope[0, 0, state["column"]] = 1
    for back in reversed(backs):
        slope = back(slope)[0]
    expression = "(layers, unit) => [...m.paths(layers, unit)[0]]"
    counts = dict(map(tuple, compute("receptive-field", expression, state["layers"], state["column"])))
    np.testing.assert_allclose([counts.get(i, 0) for i in range(state["size"])], slope[0, 0], atol=1e-9)


@pytest.mark.parametrize("preset", interactive.FIGURES["optimiser-paths"].presets)
@pytest.mark.parametrize("name", ["SGD", "momentum", "RMSprop", "Adam"])
def test_optimisers_walk_as_the_library_does(compute, preset, name):
    state = interactive.named("optimiser-paths").first(preset)[1]
    given = compute("optimiser-paths", "m.path", name, state, 40)
    np.testing.assert_allclose(given, optimiser_paths.path(state, name, 40), rtol=1e-9, atol=1e-12)


def test_contours_run_where_the_height_is_reached(compute):
    x, y = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    pieces = np.array(compute("optimiser-paths", "m.contour", (x**2 + y**2).tolist(), 0.5))
    radii = np.linalg.norm(pieces / 20 - 1, axis=-1)
    np.testing.assert_allclose(radii, 0.5**0.5, atol=2e-3)
    assert np.linalg.norm(pieces[:, 0] - pieces[:, 1], axis=-1).sum() / 20 == pytest.approx(
        2 * np.pi * 0.5**0.5, rel=1e-2
    )


# ── the sliding kernel ──


@pytest.mark.parametrize("preset", interactive.FIGURES["sliding-kernel"].presets)
def test_output_shows_the_numbers_of_the_library(show, preset):
    page = show("sliding-kernel")
    page.get_by_label("example").select_option(preset)
    state = interactive.named("sliding-kernel").first(preset)[1]
    np.testing.assert_allclose(shown(page, "output"), sliding_kernel.correlated(state), atol=5e-3)


def test_sliders_change_the_output_by_keyboard(show):
    page = show("sliding-kernel", "prewitt")
    slide(page, "stride S", 2)
    slide(page, "padding P", 1)
    page.get_by_label("border").select_option("replicate")
    state = interactive.named("sliding-kernel").first("prewitt", "stride=2 padding=1 mode=replicate")[1]
    np.testing.assert_allclose(shown(page, "output"), sliding_kernel.correlated(state), atol=5e-3)
    assert "(8 + 2·1 − 3)/2 + 1 = 4.5: this stride does not fit" in page.locator(".size").inner_text()
    assert page.locator(".unused").count() == 19


@pytest.mark.parametrize(
    ("stride", "size", "said"), [(1, 5, "= 5."), (2, 3, "= 3."), (3, 2, "= 2.33: this stride does not fit")]
)
def test_a_stride_fits_or_does_not(show, stride, size, said):
    page = show("sliding-kernel", "seven", f"stride={stride}")
    assert said in page.locator(".size").inner_text()
    assert shown(page, "output").shape == (size, size)


def test_a_kernel_larger_than_the_image_is_said_to_be(show):
    page = show("sliding-kernel", "four")
    slide(page, "kernel F", 5)
    assert "larger than the image" in page.locator(".size").inner_text()
    assert page.locator('.grid[aria-label^="output"] [data-row]').count() == 0
    slide(page, "padding P", 1)
    assert shown(page, "output").shape == (2, 2)


def test_arrow_keys_walk_over_the_output_and_the_window_follows(show):
    page = show("sliding-kernel", "cross")
    page.locator('.grid[aria-label^="output"] [tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator(".sum").inner_text() == "1·1 + 1·0 + 1·1 + 0·0 + 1·1 + 1·0 + 0·1 + 1·0 + 1·1 = 4"
    assert page.locator(".frame").evaluate("frame => [frame.style.left, frame.style.top]") == ["20%", "20%"]
    assert shown(page, "products").sum() == 4
    assert page.locator('.grid[aria-label^="output"] [aria-selected="true"]').count() == 1
    page.get_by_text("Output row 2, column 2: the products add up to 4.").first.wait_for()
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('Output row 2, column 2')")


def test_each_grid_is_one_stop_of_the_tab_key(show):
    page = show("sliding-kernel", "cross")
    for grid in page.get_by_role("grid").all():
        assert grid.locator('[tabindex="0"]').count() == 1
    assert page.get_by_role("grid").count() == 3


def test_a_press_and_a_drag_choose_the_place(show):
    page = show("sliding-kernel", "prewitt")
    cells = page.locator('.grid[aria-label^="output"] [data-row]')
    cells.nth(0).hover()
    page.mouse.down()
    assert page.locator("[aria-selected=true]").get_attribute("aria-label") == "row 1, column 1: 2"
    box = cells.nth(6 * 4 + 2).bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=4)
    page.mouse.up()
    assert page.locator("[aria-selected=true]").get_attribute("aria-label") == "row 5, column 3: 23"


def test_a_touch_chooses_the_place(show):
    page = show("sliding-kernel", "cross", width=390, has_touch=True, is_mobile=True)
    page.locator('.grid[aria-label^="output"] [data-row]').nth(5).tap()
    assert page.locator("[aria-selected=true]").get_attribute("aria-label") == "row 2, column 3: 3"


def test_pixels_are_switched_and_numbers_written(show):
    page = show("sliding-kernel", "cross")
    image = np.array(interactive.FIGURES["sliding-kernel"].presets["cross"]["image"], float)
    page.get_by_role("grid", name="image").get_by_role("button").nth(3).press("Space")
    image[0, 3] = 1
    page.get_by_role("grid", name="kernel").get_by_role("textbox").nth(4).fill("-2,5")
    page.keyboard.press("Tab")
    kernel = np.array([[1, 0, 1], [0, -2.5, 0], [1, 0, 1]])
    expected = conv(image[None, None], kernel[None, None])[0][0, 0]
    np.testing.assert_allclose(shown(page, "output"), expected, atol=5e-3)


def test_what_is_no_number_is_marked_and_gives_way(show):
    page = show("sliding-kernel", "four")
    before, cell = shown(page, "output"), page.get_by_role("grid", name="image").get_by_role("textbox").nth(1)
    cell.fill("x")
    assert cell.get_attribute("aria-invalid") == "true"
    np.testing.assert_array_equal(shown(page, "output"), before)
    cell.blur()
    assert (cell.input_value(), cell.get_attribute("aria-invalid")) == ("3", None)


def test_play_slides_over_all_places_once(show):
    page = show("sliding-kernel", "four")
    page.get_by_role("button", name="Next place").click()
    assert page.locator("[aria-selected=true]").get_attribute("aria-label") == "row 1, column 2: 7"
    page.get_by_role("button", name="Play").click()
    page.locator('[aria-selected=true][aria-label^="row 2, column 1"]').wait_for()
    page.get_by_role("button", name="Play").wait_for(timeout=5000)


def test_a_finger_drags_the_window(show):
    page = show("sliding-kernel", "cross", width=390, has_touch=True, is_mobile=True)
    cells = page.locator('.grid[aria-label^="output"] [data-row]')
    cells.nth(0).scroll_into_view_if_needed()
    boxes = [cells.nth(at).bounding_box() for at in (0, 4, 8)]
    finger = page.context.new_cdp_session(page)
    for kind, box in zip(("touchStart", "touchMove", "touchMove"), boxes):
        touch = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [touch]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.locator("[aria-selected=true]").get_attribute("aria-label") == "row 3, column 3: 4"


# ── the receptive field ──


def test_vgg_says_its_field_in_one_dimension_and_in_two(show):
    page = show("receptive-field", "vgg")
    assert page.locator(".says").inner_text() == "Unit 3 on top sees inputs 6 to 217: a field of 212."
    page.get_by_label("drawing").select_option("2-D")
    slide(page, "unit, row", 0)
    said = page.locator(".says").inner_text()
    assert said == "Unit 0, 3 on top sees rows −90 to 121 and columns 6 to 217: a field of 212×212, partly padding."


def test_three_small_kernels_see_as_much_as_a_large_one_with_fewer_weights(show):
    page, found = show("receptive-field"), {}
    for preset in ("three-by-three", "seven-by-seven"):
        page.get_by_label("example").select_option(preset)
        field = re.search(r"a field of (\d+)", page.locator(".says").inner_text())[1]
        found[preset] = field, re.search(r"(\d+) C²", page.locator(".live").inner_text())[1]
    assert found == {"three-by-three": ("7", "27"), "seven-by-seven": ("7", "49")}


def test_layers_are_changed_added_and_removed(show):
    page = show("receptive-field", "three-by-three")
    page.get_by_label("conv2 stride").select_option("2")
    assert "size 6, field 3 + 1·(3 − 1)·1 = 5, jump 1·2 = 2, start 0 − 0·1 = 0" in page.locator(".layers").inner_text()
    page.get_by_role("button", name="Add a layer").click()
    page.get_by_label("conv4 dilation").select_option("2")
    assert "The stack does not fit" in page.locator(".says").inner_text()
    page.get_by_role("button", name="remove conv4").click()
    assert "a field of 9" in page.locator(".says").inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "remove conv3"


def test_a_press_into_the_drawing_picks_the_unit_above_it(show):
    page = show("receptive-field", "three-by-three")
    top = page.locator(".view .units").last.locator("rect")
    top.nth(7).click(force=True)
    assert "Unit 7 on top sees inputs 7 to 13" in page.locator(".says").inner_text()
    page.get_by_label("drawing").select_option("2-D")
    box = page.locator(".view .map").last.locator("rect").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.95, box["y"] + box["height"] * 0.05)
    assert "Unit 0, 8 on top sees rows 0 to 6 and columns 8 to 14" in page.locator(".says").inner_text()


# ── pooling and shifts ──


@pytest.mark.parametrize(
    ("preset", "pool", "window", "stride", "down"),
    [("seven", "max", 2, 2, 1), ("stripes", "mean", 2, 1, -3), ("signal", "mean", 2, 2, 0), ("signal", "max", 3, 2, 0)],
)
def test_shown_change_is_that_of_the_library(show, preset, pool, window, stride, down):
    page = show("pooling-shift", preset)
    page.get_by_label("pooling", exact=True).select_option(pool)
    slide(page, "window", window)
    slide(page, "stride", stride)
    slide(page, "shift right", -2)
    if down:
        slide(page, "shift down", down)
    state = interactive.named("pooling-shift").first(preset, f"pool={pool} window={window} stride={stride} right=-2")[1]
    image = np.array(state["image"], float)
    before, after = (pooling_shift.pooled(state, x) for x in (image, pooling_shift.moved(image, down, -2)))
    np.testing.assert_allclose(shown(page, "shifted, then pooled"), after, atol=5e-3)
    said = page.locator(".says").inner_text()
    percent, differ, size = map(int, re.search(r"output by (\d+)\s%; (\d+) of its (\d+) numbers", said).groups())
    assert percent == pytest.approx(100 * pooling_shift.change(before, after), abs=0.5)
    assert differ == (before != after).sum() == page.locator(".differs").count()
    assert size == after.size


def test_the_image_is_dragged_pixel_by_pixel(show):
    page = show("pooling-shift", "seven", "right=0")
    grid = page.locator('.grid[aria-label="shifted"]')
    box = grid.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * (0.5 - 1 / 12), steps=5)
    page.mouse.up()
    assert "Shifted by 3 to the right and −1 down" in page.locator(".says").inner_text()
    assert page.get_by_role("slider", name="shift right").input_value() == "3"


def test_the_curves_are_the_changes_of_every_shift(compute):
    state = interactive.FIGURES["pooling-shift"].presets["seven"]
    curves, image = compute("pooling-shift", "m.curves", state), np.array(state["image"])
    for pool, shares in curves.items():
        one = {**state, "pool": pool}
        outputs = [pooling_shift.pooled(one, pooling_shift.moved(image, 0, by)) for by in range(5)]
        np.testing.assert_allclose(shares, [pooling_shift.change(outputs[0], after) for after in outputs], rtol=1e-12)


# ── paths of optimisers ──


def ends(page):
    """Where each optimiser stands: x, y and f."""
    rows = page.locator("tbody tr").all()
    cells = "row => [...row.querySelectorAll('td')].map(cell => Number(cell.dataset.value))"
    return {row.get_attribute("class"): row.evaluate(cells) for row in rows}


@pytest.mark.parametrize("preset", interactive.FIGURES["optimiser-paths"].presets)
def test_the_table_says_where_the_library_would_be(show, preset):
    page = show("optimiser-paths")
    page.get_by_label("surface").select_option(preset)
    state = interactive.named("optimiser-paths").first(preset)[1]
    for name, found in ends(page).items():
        x, y = optimiser_paths.path(state, name, state["steps"])[-1]
        np.testing.assert_allclose(found, [x, y, optimiser_paths.value(state["terms"], x, y)], rtol=1e-6, atol=1e-9)


def test_the_start_is_moved_by_keyboard_and_by_mouse(show):
    page = show("optimiser-paths", "ravine", "steps=0")
    handle = page.get_by_role("button", name=re.compile("start at"))
    handle.press("ArrowRight")
    handle.press("Shift+ArrowDown")
    assert ends(page)["SGD"][:2] == [-3.4, 1.49]
    box, grip = page.locator(".surface").bounding_box(), handle.bounding_box()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    np.testing.assert_allclose(ends(page)["Adam"][:2], [0, 0], atol=0.03)


def test_a_touch_sets_the_start(show):
    page = show("optimiser-paths", "ravine", "steps=0", width=390, has_touch=True, is_mobile=True)
    box = page.locator(".surface").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    np.testing.assert_allclose(ends(page)["Adam"][:2], [2, 1.25], atol=0.05)


def test_steps_are_taken_one_by_one_played_and_taken_back(show):
    page = show("optimiser-paths", "ravine", "steps=3")
    page.get_by_role("button", name="One step").click()
    assert page.get_by_role("slider", name="steps").input_value() == "4"
    state = interactive.named("optimiser-paths").first("ravine")[1]
    np.testing.assert_allclose(ends(page)["momentum"][:2], optimiser_paths.path(state, "momentum", 4)[-1], rtol=1e-9)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.get_by_role("button", name="Play").wait_for(timeout=5000)
    assert page.get_by_role("slider", name="steps").input_value() == "4"
    page.get_by_role("button", name="Restart").click()
    assert ends(page)["RMSprop"][:2] == [-3.5, 1.5]


def test_too_large_a_rate_runs_away_and_is_said_to(show):
    page = show("optimiser-paths", "ravine", "rate=0.5 steps=100")
    assert page.locator("tr.SGD td").first.inner_text() == "ran away"
    assert "SGD ran away" in page.locator(".says").inner_text()
    assert page.locator("tr.Adam td").first.inner_text() != "ran away"


def test_an_optimiser_can_be_hidden(show):
    page = show("optimiser-paths")
    page.get_by_label("Adam").uncheck()
    assert page.locator(".path").count() == 3
    assert page.evaluate("document.activeElement.type") == "checkbox"


# ── the scoreboard ──


@pytest.mark.parametrize("cost", scoreboard.COSTS)
def test_the_scoreboard_draws_the_line_and_the_ticks_of_the_library(compute, cost):
    rows = scoreboard.seen_from(cost)["rows"]
    assert compute("scoreboard", "(rows) => m.frontier(rows)", rows) == scoreboard.frontier(rows)
    costs = [row[2] for row in rows]
    assert compute("scoreboard", "(costs) => m.ticks(costs)", costs) == scoreboard.ticks(costs)


def test_the_scoreboard_is_read_by_keyboard(show):
    page = show("scoreboard", "parameters")
    says = page.locator(".says")
    assert says.text_content().startswith("ResNet-50 (2015): 26 million parameters, 23.9 % errors.")
    rows = scoreboard.seen_from("parameters")["rows"]
    order = sorted(range(len(rows)), key=lambda i: rows[i][2])
    place = [rows[i][0] for i in order].index("ResNet-50")
    page.get_by_role("group", name="chart").focus()
    page.keyboard.press("ArrowRight")
    assert says.text_content().startswith(f"{rows[order[place + 1]][0]} (")
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    assert says.text_content().startswith("SqueezeNet (")
    page.get_by_role("combobox", name="network").select_option(label="VGG-16")
    assert "Cheaper and better: " in says.text_content()
    page.get_by_role("combobox", name="cost").select_option("numpy_seconds")
    assert "VGG-16 (2014):" in says.text_content()
    assert "milliseconds in NumPy" in says.text_content()


def test_the_scoreboard_answers_a_finger(show):
    page = show("scoreboard", width=390, has_touch=True)
    names = [row[0] for row in scoreboard.seen_from("parameters")["rows"]]
    page.locator(".scores circle").nth(names.index("AlexNet")).tap()
    assert page.locator(".says").text_content().startswith("AlexNet (2012)")
    assert page.get_by_role("combobox", name="network").input_value() == str(names.index("AlexNet"))


# ── all of them ──


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_and_on_paper_the_still_stands(show, name):
    page = show(name, java_script_enabled=False)
    assert page.locator(".still svg").first.is_visible()
    page = show(name)
    assert not page.locator(".still svg").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".still svg").first.is_visible()
    assert not page.locator(".live").is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_a_telephone_and_words_can_be_read(show, name):
    page = show(name, width=390)
    for preset in interactive.FIGURES[name].presets:
        page.locator(".bar select").first.select_option(preset)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        heights = "all => all.filter(t => t.getClientRects().length).map(t => t.getBoundingClientRect().height)"
        assert min(page.locator(".live svg text").evaluate_all(heights), default=12) >= 11


@pytest.mark.parametrize("name", NAMES)
def test_every_control_has_a_name_and_is_large_enough_for_a_finger(show, name):
    page = show(name, width=390)
    controls = page.locator(".live :is(button, select, input)").evaluate_all(
        """all => all.filter(c => c.getClientRects().length).map(c => {
             const box = c.getBoundingClientRect(), label = c.closest('label');
             const whole = label ? label.getBoundingClientRect() : box;
             const name = c.getAttribute('aria-label') ?? label?.textContent ?? c.textContent;
             return [name, Math.min(whole.width, whole.height)];
           })"""
    )
    assert controls
    assert [control for control in controls if not control[0].strip() or control[1] < 24] == []


def test_who_wants_no_motion_gets_none(show):
    for name in ("sliding-kernel", "optimiser-paths"):
        page = show(name, reduced_motion="reduce")
        assert page.get_by_role("button", name="Play").count() == 0
    page = show("sliding-kernel", reduced_motion="reduce")
    assert page.locator(".frame").evaluate("frame => getComputedStyle(frame).transitionProperty") == "none"
