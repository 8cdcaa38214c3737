"""The networks as places between cost and error; whoever is both cheaper and better than another stands before it."""

from functools import cache
from math import ceil, floor, log10

from twice.book.interactive.state import Figure, State
from twice.book.interactive.svg import FAINT, MARK, WIDTH, points, svg, text
from twice.runs import store
from twice.show.palette import css

COSTS = {  # of a row of the stored result: the words at the axis, and the unit
    "parameters": ("million parameters", 1e6),
    "multiply_adds": ("billion multiply-adds", 1e9),
    "activations": ("million activations", 1e6),
    "numpy_seconds": ("milliseconds in NumPy", 1e-3),
    "torch_seconds": ("milliseconds in PyTorch", 1e-3),
}
HEIGHT, LEFT, BOTTOM = 300, 40, 40
ERRORS = (20, 48)  # per cent, the lower and upper end of the axis


@cache
def measured() -> store.Result:
    """The stored result of `twice run scoreboard`."""
    return store.read(store.folder() / "scoreboard.json")


def seen_from(cost: str) -> State:
    """Name, year, cost and error (per cent) of every network whose error is known."""
    words, unit = COSTS[cost]
    known = [row for row in measured().rows if row["top_1_error"] is not None]
    rows = [
        [row["network"], row["year"], round(row[cost] / unit, 4), round(100 * row["top_1_error"], 2)] for row in known
    ]
    return {"label": words, "rows": rows, "chosen": [row[0] for row in rows].index("ResNet-50")}


def frontier(rows: list[list]) -> list[int]:
    """The networks than which none is both cheaper and better, from cheap to costly."""
    order = sorted(range(len(rows)), key=lambda i: (rows[i][2], rows[i][3]))
    found: list[int] = []
    for i in order:
        if not found or rows[i][3] < rows[found[-1]][3]:
            found.append(i)
    return found


def ticks(costs: list[float]) -> list[float]:
    """1, 2, 5, 10, 20 … around the costs."""
    low, high = min(costs), max(costs)
    powers = range(floor(log10(low)) - 1, ceil(log10(high)) + 1)
    ladder = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    first = max(i for i, tick in enumerate(ladder) if tick <= low)
    last = min(i for i, tick in enumerate(ladder) if tick >= high)
    return [float(f"{tick:.3g}") for tick in ladder[first : last + 1]]


def still(state: State) -> str:
    """The points with their names, and the line of those that no other beats."""
    rows, marks = state["rows"], ticks([row[2] for row in state["rows"]])
    low, high = log10(marks[0]), log10(marks[-1])

    def across(cost: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * (log10(cost) - low) / (high - low)

    def down(error: float) -> float:
        return 8 + (HEIGHT - BOTTOM - 8) * (ERRORS[1] - error) / (ERRORS[1] - ERRORS[0])

    places = [(across(cost), down(error)) for _, _, cost, error in rows]
    drawn = []
    for tick in marks:
        drawn.append(f'<line x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="8" y2="{HEIGHT - BOTTOM}" {FAINT}/>')
        drawn.append(text(across(tick), HEIGHT - BOTTOM + 16, f"{tick:g}", 'text-anchor="middle" font-size="12"'))
    for error in range(ERRORS[0], ERRORS[1] + 1, 5):
        drawn.append(text(LEFT - 6, down(error) + 4, str(error), 'text-anchor="end" font-size="12"'))
    best = points([places[i] for i in frontier(rows)])
    drawn.append(f'<polyline {best} fill="none" stroke="{css("numpy")}" stroke-width="2"/>')
    for i, (x, y) in enumerate(places):
        color = MARK if i == state["chosen"] else css("numpy")
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>')
    drawn += names(state, places)
    drawn.append(text((WIDTH + LEFT) / 2, HEIGHT - 4, state["label"], 'text-anchor="middle" font-size="13"'))
    return svg(HEIGHT, drawn)


def names(state: State, places: list[tuple[float, float]]) -> list[str]:
    """The chosen network's name, those of the unbeaten, and of the others as many as there is room for."""
    rows = state["rows"]
    unbeaten = frontier(rows)
    taken: list[tuple[float, float, float]] = []
    drawn = []
    for i in dict.fromkeys([state["chosen"], *unbeaten, *range(len(rows))]):
        (name, *_), (x, y) = rows[i], places[i]
        width = 7 * len(name)
        below = i in unbeaten and x > LEFT + width  # left of and below the line there is nothing but names
        left, line = (x - 8 - width, y + 14) if below else (x + 8, y - 8)
        free = not any(left < end and start < left + width and abs(line - at) < 13 for start, end, at in taken)
        if i == state["chosen"] or (free and left + width < WIDTH):
            taken.append((left, left + width, line))
            look = 'text-anchor="end" font-size="12"' if below else 'font-size="12"'
            drawn.append(text(left + width if below else left, line, name, look))
    return drawn


FIGURE = Figure("The scoreboard", {cost: seen_from(cost) for cost in COSTS}, still)
