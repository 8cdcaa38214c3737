"""A new lab: a source and a declaration that pass their tests at once, to be changed into the real ones."""

from pathlib import Path
from string import Template

from twice.labs import catalog
from twice.labs.commands import LabError

DECLARATION = Template('''\
"""Lab $number, $words: its exercises, and what people get wrong in them."""

import numpy as np

from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "scipy")


def cases(rng: np.random.Generator) -> list[Case]:
    """The smallest first, one new thing in each."""
    return [
        Case((np.array([1.0, 2.0]), 3.0), note="two numbers"),
        Case((np.array([[1.0, 2.0], [3.0, 5.0]]), -2.0), note="a negative factor"),
        Case((rng.normal(size=(3, 4)), 0.5), note="random numbers"),
    ]


SCALE = Exercise(
    "scale", "Every number times a factor", 90, lambda x, factor: factor * x, cases,
    mistakes=(
        Mistake(
            "added",
            "You add the factor. A factor of 1 is to leave every number as it is: does yours?",
            lambda x, factor: factor + x,
        ),
        Mistake(
            "divided",
            "You divide by the factor. A factor of 3 is to make numbers larger: do yours grow?",
            lambda x, factor: x / factor,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

LAB = Lab("$name", $number, "$title", (SCALE, Text("closing", "What did you find?", 10)))
''')

SOURCE = Template('''\
---
file_format: mystnb
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Lab $number · $title

What is this lab about, and why would one want to know?

There are 100 points.

```{code-cell} ipython3
import numpy as np
```

## 1 · A factor

Explain the idea, with numbers that can be followed by hand.

**Exercise (90 points).**
Write `scale(x, factor)`: an array of the shape of `x`, in which every number is `factor` times as large.

```{code-cell} ipython3
def scale(x, factor):
    """Every number of x, times the factor."""
    # BEGIN SOLUTION
    return factor * x
    # END SOLUTION
```

```{code-cell} ipython3
check("scale")
```

```{code-cell} ipython3
if check.passed("scale"):
    print(scale(np.arange(4.0), 10))
```

## 2 · A question

**Question (10 points).**
What happens with a factor of 0, and what follows from it?
Try it, and say what you saw.

+++ {"answer": "closing"}

<!-- BEGIN SOLUTION -->
Every number becomes 0: the shape stays, and what the numbers were is lost.
<!-- END SOLUTION -->

+++

Where does it go from here?
''')


def new(name: str, course: Path) -> tuple[Path, Path]:
    """Write the two files of a new lab; the declaration and the source."""
    room = course / "utils" / "twice" / "labs"
    declaration, source = room / f"{name}.py", course / "labs" / "source" / f"{name}.md"
    if not (name.isidentifier() and name.islower()):
        raise LabError(f"lab new: {name!r} is no name for a lab, expected small letters, digits and _ such as pooling")
    for path in (declaration, source):
        if path.exists():
            raise LabError(f"lab new: {path} is there already, expected a new name")
    number = 1 + max((catalog.find(n).number for n in catalog.names()), default=0)
    words = name.replace("_", " ")
    filled = {"name": name, "number": number, "words": words, "title": words.capitalize()}
    declaration.write_text(DECLARATION.substitute(filled), encoding="utf-8")
    source.write_text(SOURCE.substitute(filled), encoding="utf-8")
    catalog.forget()
    return declaration, source
