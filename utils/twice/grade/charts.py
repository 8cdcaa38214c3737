"""The charts of the instructor's page: SVG in the colours of the page, each with its numbers in words."""

from collections.abc import Sequence

from twice.grade.pages import text

WIDTH, HEIGHT, FLOOR = 440, 210, 170  # as wide as a phone can nearly show: the letters stay readable


def histogram(shares: Sequence[float], bins: int = 10) -> str:
    """How many submissions reached which share of the points; the last bar also holds what exceeds it."""
    counts = [0] * bins
    for share in shares:
        counts[min(int(share * bins), bins - 1)] += 1
    names = [f"{100 * i // bins}–{100 * (i + 1) // bins} %" for i in range(bins)]
    words = "; ".join(f"{name}: {count}" for name, count in zip(names, counts) if count)
    slot = WIDTH / bins
    tallest = max([*counts, 1])
    bars = "".join(_column(i * slot, slot, count, tallest) for i, count in enumerate(counts))
    marks = "".join(
        f'<text class="soft" x="{i * slot:.0f}" y="{FLOOR + 20}" text-anchor="{anchor}">{100 * i // bins}</text>'
        for i, anchor in ((0, "start"), *((i, "middle") for i in range(1, bins)), (bins, "end"))
    )
    axis = f'<line x1="0" x2="{WIDTH}" y1="{FLOOR}" y2="{FLOOR}"/>'
    return _svg(HEIGHT, "Distribution of the points", words or "nothing graded", bars + axis + marks)


def _column(x: float, slot: float, count: int, tallest: int) -> str:
    if not count:
        return ""
    height = (FLOOR - 24) * count / tallest
    top, middle = FLOOR - height, x + slot / 2
    bar = f'<rect class="bar" x="{x + 3:.1f}" y="{top:.1f}" width="{slot - 6:.1f}" height="{height:.1f}" rx="2"/>'
    return f'{bar}<text x="{middle:.1f}" y="{top - 6:.1f}" text-anchor="middle">{count}</text>'


def shares(rows: Sequence[tuple[str, float]], title: str) -> str:
    """One bar a row, each of a whole: name, and the share that is full."""
    lines = "".join(_line(40 * i, name, share) for i, (name, share) in enumerate(rows))
    words = "; ".join(f"{name}: {share:.0%}" for name, share in rows)
    return _svg(40 * len(rows), title, words, lines)


def _line(y: float, name: str, share: float) -> str:
    length = WIDTH * min(max(share, 0.0), 1.0)
    return (
        f'<text x="0" y="{y + 14}">{text(name)}</text>'
        f'<text class="soft" x="{WIDTH}" y="{y + 14}" text-anchor="end">{share:.0%}</text>'
        f'<rect class="rest" x="0.5" y="{y + 20.5}" width="{WIDTH - 1}" height="9" rx="2"/>'
        f'<rect class="bar" x="0" y="{y + 20}" width="{length:.1f}" height="10" rx="2"/>'
    )


def _svg(height: int, title: str, words: str, body: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{text(title)}. {text(words)}"><title>{text(title)}</title><desc>{text(words)}</desc>{body}</svg>'
    )
