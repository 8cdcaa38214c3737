"""The plot of stored timings: what it says, where its dots stand, and what happens without a result."""

import json
import os
import re

import pytest

pytest.importorskip("jupyter_book")

from twice.book import build, timing

ENVIRONMENT = {"processor": "A <processor>", "threads": 1, "numpy": "2.4", "torch": "2.15", "python": "3.11"}


def row(op, both, forward=1.0, counted=True):
    return {
        "op": op,
        "ratio_forward": forward,
        "ratio_forward_backward": both,
        "ours_ms": 1.0,
        "theirs_ms": 2.0,
        "counted": counted,
    }


ROWS = [row("slow & steady", 4.0), row("fast", 0.25, 0.5), row("forward", None, 0.8, counted=False)]


def test_rows_stand_in_the_order_of_their_ratios():
    assert [t.op for t in timing.timings(ROWS)] == ["fast", "forward", "slow & steady"]


def test_the_mean_is_geometric_and_takes_counted_rows_alone():
    assert timing.geometric_mean([timing.ratio(r) for r in timing.counted(ROWS)]) == pytest.approx(1.0)
    assert timing.counted([row("no", 9.0, counted=False), row("no", None), row("alone", 2.0)]) == []


def test_a_page_may_show_some_rows():
    assert [r["op"] for r in timing.chosen(ROWS, "FAST, slow")] == ["slow & steady", "fast"]
    with pytest.raises(ValueError, match="'conv' in it; there are: slow & steady, fast, forward"):
        timing.chosen(ROWS, "fast, conv")


@pytest.mark.parametrize("extreme", [0.1, 0.25, 1.0, 4.0, 10.0])
def test_the_words_above_the_axis_stay_inside(extreme):
    svg = timing.plot(timing.timings([row("one", extreme)]), None, timing.NARROW)
    left, right = (float(re.search(rf'x="([\d.]+)" y="44">{words}', svg)[1]) for words in ("← NumPy", "PyTorch faster"))
    assert left >= 110  # about as long as the words are, in letters of 14 pixels
    assert right <= timing.NARROW.width - 110


@pytest.mark.parametrize("layout", [timing.WIDE, timing.NARROW], ids=lambda layout: layout.name)
def test_a_factor_is_the_same_length_everywhere_and_faster_is_left(layout):
    svg = timing.plot(timing.timings(ROWS), 1.0, layout)
    places = {
        text: float(x)
        for x, text in re.findall(r'class="(?:tick|one)" text-anchor="middle" x="([\d.]+)"[^>]*>([^<]+)<', svg)
    }
    assert list(places) == ["¼", "½", "1", "2", "4"]
    steps = [b - a for a, b in zip(list(places.values()), list(places.values())[1:])]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.2)
    dots = {op: float(x) for op, x in re.findall(r'<title>([a-z]+)[^<]*</title>.*?class="both" cx="([\d.]+)"', svg)}
    assert dots["fast"] == pytest.approx(places["¼"], abs=0.1)
    assert dots["slow"] == pytest.approx(places["4"], abs=0.1)
    assert layout.left <= min(dots.values()) < max(dots.values()) <= layout.right


def test_words_cannot_break_the_page():
    shown = timing.timings([row("a <b> & c", 2.0)])
    assert "a &lt;b&gt; &amp; c" in timing.plot(shown, None, timing.WIDE)
    assert "<td>a &lt;b&gt; &amp; c</td>" in timing.table([row("a <b> & c", 2.0)])


def test_the_caption_says_where_the_numbers_come_from():
    said = timing.caption(ROWS, ENVIRONMENT)
    assert "The geometric mean of 2 operations is 1.00; it leaves out “forward”." in said
    assert said.endswith("Measured with twice bench: A <processor>, 1 thread, NumPy 2.4, PyTorch 2.15, Python 3.11.")
    assert "2026-01-31" in timing.caption(ROWS, {**ENVIRONMENT, "date": "2026-01-31"})


def test_those_who_do_not_see_the_plot_are_told():
    said = timing.description(timing.timings(ROWS), 1.0)
    assert "from 0.25 (fast) to 4.00 (slow & steady)" in said
    assert "NumPy is faster in 2 of them" in said


@pytest.mark.slow
def test_a_page_shows_the_stored_result_follows_it_and_says_where_there_is_none(book):
    root = book({"speed": "# Speed\n\n```{timing} bench.json\n```\n"})
    html = root / "_build" / "html" / "speed.html"
    for rows, expected in [(None, "twice bench --json bench.json"), (ROWS, "mean of 2"), (ROWS[:1], "1 thread")]:
        if rows:
            (root / "bench.json").write_text(json.dumps({"environment": ENVIRONMENT, "rows": rows}))
            os.utime(root / "bench.json", (0, 0))
        assert build.main(root) == 0
        assert expected in " ".join(re.sub(r"<[^>]+>", "", html.read_text(encoding="utf-8")).split())
