"""Pictures for pages and notebooks: one style, in the colours of the page around them, light or dark.

    numbers(x, "∗", w, "=", y)      small arrays as grids of numbers
    images(pictures, titles)        photographs, feature maps, kernels, side by side
    curves({"ReLU": (x, y)})        lines over a common axis
    bars({"NumPy": 1.2})            lengths to compare
    network(summary(net, shape))    a network, drawn from its own definition
    drawing(figure)                 any matplotlib figure in the same style

Each returns a `Picture`: as the last line of a cell it shows itself, and `alt` says what it shows to those who cannot
see it. `with style():` gives matplotlib's own functions the book's look.
"""

from twice.show.bars import bars
from twice.show.curves import curves
from twice.show.grid import numbers
from twice.show.images import images
from twice.show.network import network
from twice.show.picture import Picture, beside
from twice.show.style import drawing, style

__all__ = ["Picture", "bars", "beside", "curves", "drawing", "images", "network", "numbers", "style"]
