"""The sliding kernel: an image under a kernel, every product and their sum."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from twice.book.interactive.state import Figure, State, require_place
from twice.book.interactive.svg import WIDTH, cells, frame, svg, text
from twice.kernels.conv import conv

Array = np.ndarray
Rows = Sequence[Sequence[float]]

CROSS = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
PREWITT = [[-1, 0, 1]] * 3


def sliding(label: str, image: Rows, kernel: Rows, bias: float = 0, **others: Any) -> State:
    """An image under a kernel; `toggles` makes its pixels switches, `row` and `column` are the output looked at."""
    plain = {"stride": 1, "padding": 0, "mode": "zero", "row": 0, "column": 0, "toggles": False}
    return {"label": label, "image": image, "kernel": kernel, "bias": bias, **plain, **others}


SLIDING_KERNEL = {
    "cross": sliding(
        "5×5, a cross",
        [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]],
        CROSS,
        toggles=True,
    ),
    "prewitt": sliding(
        "8×8, vertical edges, bias 2",
        [[2, 2, 2, 2, 2, 1, 1, 1]] * 4 + [[2, 2, 2, 9, 9, 9, 9, 9]] * 4,
        PREWITT,
        2,
        row=3,
        column=1,
    ),
    "four": sliding("4×4, a cross", [[0, 3, 2, 1], [2, 1, 0, 2], [1, 3, 2, 0], [2, 0, 3, 3]], CROSS),
    "seven": sliding(
        "7×7, does the stride fit?", [[(3 * i + 2 * j) % 5 for j in range(7)] for i in range(7)], [[1] * 3] * 3
    ),
    "signal": sliding("a signal of 8", [[3, 2, 4, 5, 1, 20, 2, 2]], [[0.3, 0.4, 0.3]], padding=1),
}

HEAD, LARGEST = 26, 34  # above a grid; its cells at most
MODES: dict[str, Literal["constant", "edge"]] = {"zero": "constant", "replicate": "edge"}


def padded(state: State) -> Array:
    """The image with its border; a signal (one row) is padded along its length alone."""
    image = np.array(state["image"], float)
    rows = state["padding"] if len(image) > 1 else 0
    return np.pad(image, ((rows, rows), (state["padding"],) * 2), mode=MODES[state["mode"]])


def correlated(state: State) -> Array:
    """The output of the sliding kernel."""
    x, w = padded(state), np.array(state["kernel"], float)
    return conv(x[None, None], w[None, None], np.array([state["bias"]], float), stride=state["stride"])[0][0, 0]


def still(state: State) -> str:
    """Image, kernel and output; the window and the number that comes from it are marked."""
    image, kernel, output = padded(state), np.array(state["kernel"], float), correlated(state)
    for name, count in zip(("row", "column"), output.shape):
        require_place(name, state[name], count)
    right = image.shape[1] + 1
    side = min(LARGEST, (WIDTH - 2) / (right + max(kernel.shape[1], output.shape[1])))
    below = HEAD * 2 + side * len(kernel)
    bias = f", bias {state['bias']:g}" if state["bias"] else ""
    drawn = [text(1, HEAD - 8, "image"), *cells(image, 1, HEAD, side, side)]
    drawn += [text(right * side, HEAD - 8, f"kernel{bias}"), *cells(kernel, right * side, HEAD, side, side)]
    drawn += [text(right * side, below - 8, "output"), *cells(output, right * side, below, side, side)]
    step = np.array([state["stride"] if len(image) > 1 else 1, state["stride"]])
    (top, left), (height, width) = side * step * [state["row"], state["column"]], side * np.array(kernel.shape)
    drawn.append(frame(1 + left, HEAD + top, width, height))
    drawn.append(frame(side * (right + state["column"]), below + side * state["row"], side, side))
    return svg(max(HEAD + side * len(image), below + side * len(output)) + 2, drawn)


FIGURE = Figure("Sliding kernel", SLIDING_KERNEL, still)
