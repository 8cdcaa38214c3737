"""The book's colours: variables of the page, light and dark, with a value for notebooks outside it."""

FOREGROUND = "#010203"  # what matplotlib draws in this colour becomes the page's own
MUTED = "#0a0b0c"

# Told apart with any colour vision, and at least 4.5 : 1 on white. The dark page sets lighter ones (site.css).
COLORS = {
    "numpy": "#0072b2",
    "torch": "#b34700",
    "green": "#00795c",
    "purple": "#8a3f8a",
    "ochre": "#7d5f00",
    "grey": "#5c6370",
}
CYCLE = tuple(COLORS.values())
ENGINES = {"NumPy": COLORS["numpy"], "PyTorch": COLORS["torch"]}


def css(name: str) -> str:
    """A colour of the page by its name."""
    return f"var(--twice-{name}, {COLORS[name]})"


def in_page_colours(svg: str) -> str:
    """Fixed colours of a drawing exchanged for those of the page around it."""
    for name, value in COLORS.items():
        svg = svg.replace(value, css(name))
    return svg.replace(FOREGROUND, "currentColor").replace(MUTED, "color-mix(in srgb, currentColor 45%, transparent)")
