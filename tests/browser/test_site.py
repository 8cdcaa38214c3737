"""The site as a reader meets it: every page, wide and narrow, light and dark, by mouse and by keyboard."""

import re
from itertools import pairwise

import pytest

from site_pages import PAGES, SITE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FRONT = "chapters/intro.html"
SIDE_BY_SIDE, TABS = 1400, 1000


def brightness(colour):
    """0 (black) to 255 (white) of the browser's rgb(…)."""
    red, green, blue = map(float, re.findall(r"[\d.]+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["wide", "narrow"])
@pytest.mark.parametrize("path", PAGES)
def test_page_loads_without_errors_and_asks_no_other_host(look, path, mode):
    assert look(path, mode).trouble == []


@pytest.mark.parametrize("mode", ["wide", "narrow"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_or_moderate(look, path, mode):
    assert look(path, mode).violations == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_a_telephone(look, path):
    assert look(path, "narrow").facts["width"] <= 390


@pytest.mark.parametrize("path", PAGES)
def test_dark_mode_has_no_bright_boxes(look, path):
    facts = look(path, "narrow").facts
    assert facts["theme"] == "dark"
    assert facts["backgrounds"]
    assert [box for box in facts["backgrounds"] if brightness(box[1]) > 128] == []


@pytest.mark.parametrize("path", PAGES)
def test_headings_form_a_tree_and_images_have_words(look, path):
    facts = look(path, "wide").facts
    ranks = facts["headings"]
    assert ranks.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(ranks)), ranks
    assert facts["wordless"] == []


@pytest.mark.parametrize("path", PAGES)
def test_no_directive_is_left_and_every_formula_is_drawn(look, path):
    facts = look(path, "wide").facts
    assert facts["raw"] == []
    assert facts["formulas"] == []


@pytest.mark.parametrize("path", PAGES)
def test_paper_shows_no_navigation(look, path):
    assert look(path, "wide").facts["printed"] == []


@pytest.mark.parametrize("path", PAGES)
def test_first_visit_stays_small(look, path):
    """At most 450 KB, compressed as a server would, figures apart."""
    sizes = look(path, "wide").bytes
    assert sum(sizes.values()) <= 450_000, sorted(sizes.items(), key=lambda item: -item[1])[:9]


def test_root_leads_to_the_front_page(visit):
    page = visit("index.html")
    page.wait_for_url("**/" + FRONT)
    assert page.locator("h1:visible").inner_text().startswith("Built Twice")


def panels(page):
    """Which engines of the first pair are seen."""
    sides = page.locator(".pair").first.locator(".side")
    return [side.get_attribute("data-engine") for side in sides.all() if side.is_visible()]


def test_engines_stand_side_by_side_where_the_content_is_wide(visit):
    page = visit(FRONT, width=SIDE_BY_SIDE)
    assert panels(page) == ["numpy", "torch"]
    assert not page.locator(".pair [role=tab]").first.is_visible()
    numpy, torch = (side.bounding_box() for side in page.locator(".pair").first.locator(".side").all())
    assert numpy["y"] == torch["y"]
    assert numpy["x"] + numpy["width"] <= torch["x"]
    assert torch["x"] + torch["width"] <= SIDE_BY_SIDE


@pytest.mark.parametrize("width", [390, TABS])
def test_engines_are_tabs_where_the_content_is_narrow(visit, width):
    page = visit(FRONT, width=width)
    assert panels(page) == ["numpy"]
    page.get_by_role("tab", name="PyTorch").first.click()
    assert panels(page) == ["torch"]
    assert page.get_by_role("tab", name="PyTorch").first.get_attribute("aria-selected") == "true"
    assert page.get_by_role("tab", name="NumPy").first.get_attribute("aria-selected") == "false"


def test_arrow_keys_move_between_engines(visit):
    page = visit(FRONT, width=TABS)
    page.get_by_role("tab", name="NumPy").first.focus()
    for key, engine in [("ArrowRight", "torch"), ("ArrowRight", "numpy"), ("ArrowLeft", "torch"), ("Home", "numpy")]:
        page.keyboard.press(key)
        assert panels(page) == [engine]
        assert page.evaluate("document.activeElement.dataset.engine") == engine
    assert page.url.endswith(FRONT)


def test_every_pair_and_every_page_follows_the_choice(visit, site):
    page = visit(FRONT, width=TABS)
    pairs = page.locator(".pair").count()
    assert pairs >= 2
    page.get_by_role("tab", name="PyTorch").first.click()
    shown = [side.get_attribute("data-engine") for side in page.locator(".side").all() if side.is_visible()]
    assert shown == ["torch"] * pairs
    page.reload(wait_until="load")
    assert panels(page) == ["torch"]
    page.goto(site + "chapters/reference/made.html")
    assert page.evaluate("document.documentElement.dataset.engine") == "torch"


def test_another_window_follows_the_choice(visit, site):
    page = visit(FRONT, width=TABS)
    other = page.context.new_page()
    other.goto(site + FRONT)
    other.get_by_role("tab", name="PyTorch").first.click()
    page.wait_for_function("document.documentElement.dataset.engine === 'torch'")
    assert panels(page) == ["torch"]


def test_without_scripts_both_versions_are_read(visit):
    page = visit(FRONT, width=TABS, java_script_enabled=False)
    assert panels(page) == ["numpy", "torch"]
    assert not page.locator(".pair [role=tab]").first.is_visible()


def test_paper_is_light_whatever_the_screen_is(visit):
    page = visit(FRONT, color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.emulate_media(media="print")
    page.wait_for_function(f"{theme} === 'light'")
    page.emulate_media(media="screen")
    page.wait_for_function(f"{theme} === 'dark'")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(theme) == "light"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"


@pytest.mark.parametrize("path", ["chapters/reference/notation.html", "chapters/start/setup.html"])
def test_the_list_of_pages_shows_the_open_page_wherever_it_was_scrolled_to(visit, path):
    page = visit("chapters/training/tape.html", height=600)
    for place in (0, 10_000):
        page.evaluate(f"document.querySelector('.bd-sidebar-primary').scrollTop = {place}")
        page.goto(page.url.partition("chapters")[0] + path, wait_until="load")
        here = page.locator(".bd-sidebar-primary .bd-docs-nav a.current").last
        assert here.get_attribute("href").startswith("#")
        here = here.bounding_box()
        assert 0 <= here["y"] <= here["y"] + here["height"] <= 600


def test_no_code_of_the_library_runs_out_of_sight_where_the_window_is_wide(visit):
    page = visit("chapters/convolution/layer.html", width=SIDE_BY_SIDE)
    for block in page.locator(".source pre, .cell_output pre").all():
        assert block.evaluate("(pre) => pre.scrollWidth <= pre.clientWidth"), block.inner_text()[:80]


def test_paper_shows_both_versions_under_their_names(visit):
    page = visit(FRONT, width=TABS)
    page.emulate_media(media="print")
    assert panels(page) == ["numpy", "torch"]
    assert page.locator(".pair .engine").first.is_visible()
    assert not page.locator(".pair [role=tab]").first.is_visible()


@pytest.mark.parametrize(("width", "shown"), [(SIDE_BY_SIDE, "wide"), (390, "narrow")])
def test_the_plot_of_timings_has_a_form_for_each_width_and_its_words_can_be_read(visit, width, shown):
    page = visit(FRONT, width=width)
    plots = page.locator(".timing svg")
    assert [plot.get_attribute("class") for plot in plots.all() if plot.is_visible()] == [shown]
    plot = page.locator(f".timing svg.{shown}")
    heights = plot.evaluate("svg => [...svg.querySelectorAll('g text')].map(t => t.getBoundingClientRect().height)")
    assert heights
    assert min(heights) >= 12
    box = plot.bounding_box()
    places = plot.evaluate("svg => [...svg.querySelectorAll('text')].map(t => t.getBoundingClientRect().x)")
    assert box["x"] <= min(places)


@pytest.mark.parametrize("width", [390, 300])
def test_the_verdicts_of_a_certificate_can_be_reached(visit, width):
    page = visit(FRONT, width=width)
    table = page.locator(".text_html", has_text="comparisons agree").locator("table")
    assert table.evaluate("table => table.clientWidth") <= width
    assert table.evaluate("table => table.scrollWidth > table.clientWidth") == (width < 390), (
        "a telephone shows it whole"
    )
    table.evaluate("table => table.scrollLeft = 9999")
    verdict = table.locator("td", has_text="same").first.bounding_box()
    assert verdict["x"] + verdict["width"] <= width


@pytest.mark.parametrize("name", ["nin", "densenet", "alexnet"])
def test_the_first_column_of_a_wide_table_stays_in_sight_on_a_telephone_and_can_be_read(visit, name):
    page = visit(f"chapters/classic/{name}.html", width=390)
    tables = [t for t in page.locator(".text_html table").all() if t.evaluate("t => t.scrollWidth > t.clientWidth + 1")]
    assert tables
    for table in tables:
        table.evaluate("table => table.scrollLeft = 9999")
        for cell in table.locator("tbody td:first-child").all():
            said, box = cell.inner_text().strip(), cell.bounding_box()
            assert 0 <= box["x"] < 60, said
            assert min(5 * len(said), 40) <= box["width"] <= 200, said
            assert cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth + 1"), said


def test_a_name_of_the_engine_can_be_linked_to(visit):
    page = visit("chapters/reference/api.html#twice.nn.Conv2d")
    assert page.locator("code:target").inner_text() == "Conv2d"


def test_the_reader_switches_to_dark_and_it_stays(visit):
    page = visit(FRONT, color_scheme="light")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    for _ in range(3):
        if page.evaluate(theme) == "dark":
            break
        page.locator(".theme-switch-button:visible").first.click()
    assert page.evaluate(theme) == "dark"
    page.reload(wait_until="load")
    assert page.evaluate(theme) == "dark"


def test_formulas_are_drawn(visit):
    page = visit(FRONT)
    assert page.locator("mjx-container").count() >= 3
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("mjx-assistive-mml math").count() >= 3


def test_search_finds_a_page_by_what_it_says(visit):
    page = visit("search.html?q=telephone")
    page.locator("#search-results li a").first.wait_for()
    assert any("made.html" in (link.get_attribute("href") or "") for link in page.locator("#search-results li a").all())


def test_search_opens_from_any_page_by_keyboard(visit):
    page = visit(FRONT)
    page.keyboard.press("Control+k")
    page.keyboard.type("telephone")
    page.keyboard.press("Enter")
    page.locator("#search-results li a").first.wait_for()


@pytest.mark.parametrize("word", ["步长", "스트라이드", "stride"])
def test_search_finds_the_glossary_in_each_of_its_languages(visit, word):
    page = visit(f"search.html?q={word}")
    page.locator("#search-results li a").first.wait_for()
    links = [link.get_attribute("href") or "" for link in page.locator("#search-results li a").all()]
    assert any("glossary.html" in link for link in links)


def test_the_tab_key_reaches_everything_and_is_never_caught(visit):
    page = visit(FRONT, width=TABS)
    reached = []
    for _ in range(400):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "document.activeElement.closest('footer, .pair, .search-button, main, nav')?.className ?? ''"
        )
        reached.append(here)
        if len(reached) > 3 and page.evaluate("document.activeElement === document.body"):
            break
    assert len(reached) < 400
    assert "pair" in reached
    assert any("footer" in place for place in reached)


def test_a_page_opens_in_colab_and_can_be_taken_along(visit, site):
    page = visit(FRONT)
    assert page.locator('a[href*="colab.research.google.com"][href*="/notebooks/chapters/intro.ipynb"]').count() == 1
    link = page.locator('a[href$="_sources/chapters/intro.ipynb"]').first.get_attribute("href")
    answer = page.request.get(f"{site}chapters/{link}")
    assert answer.ok
    assert answer.json()["nbformat"] == 4


def test_a_folded_solution_opens_by_keyboard_and_is_read_on_paper(visit):
    path = next((p for p in PAGES if 'class="solution"' in (SITE / p).read_text(encoding="utf-8")), None)
    assert path, "no page has an exercise with a solution"
    page = visit(path)
    inside = page.locator("details.solution > :not(summary)").first
    assert not inside.is_visible()
    page.emulate_media(media="print")
    assert inside.is_visible()
    page.emulate_media(media="screen")
    page.locator("details.solution > summary").first.focus()
    page.keyboard.press("Enter")
    assert inside.is_visible()
