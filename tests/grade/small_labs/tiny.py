"""A lab of four small exercises in NumPy, for tests of the grader."""

import numpy as np

from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text


def lines(rng):
    return [Case((np.array([1.0, 2.0, 4.0]),)), Case((rng.normal(size=7),)), Case((rng.normal(size=(3, 4)),))]


def weighted(rng):
    return [Case((np.array([1.0, 2.0]), 3.0)), Case((rng.normal(size=(2, 3)), 0.5), note="a matrix")]


TOTAL = Exercise(
    "total", "The sum", 20, lambda x: float(np.sum(x)), lines, seconds=2.0,
    mistakes=(Mistake("mean", "The mean.", lambda x: float(np.mean(x))), Mistake("zero", "Nothing.", lambda x: 0.0)),
)  # fmt: skip
SCALE = Exercise(
    "scale", "Each entry times a number", 30, lambda x, k: x * k, weighted, seconds=2.0,
    mistakes=(Mistake("plus", "You added.", lambda x, k: x + k), Mistake("none", "Unchanged.", lambda x, k: x)),
)  # fmt: skip
SPREAD = Exercise(
    "spread", "Largest and smallest", 20, lambda x: (x.max(), x.min()), lines, seconds=2.0,
    mistakes=(
        Mistake("order", "Swapped.", lambda x: (x.min(), x.max())),
        Mistake("abs", "Signs.", lambda x: (np.abs(x).max(), np.abs(x).min())),
    ),
)  # fmt: skip
CLIPPED = Exercise(
    "clipped", "Nothing below zero", 20, lambda x: np.maximum(x, 0), lines, seconds=2.0,
    forbidden=("numpy.clip", "scipy"),
    mistakes=(Mistake("abs", "Signs.", np.abs), Mistake("none", "Unchanged.", lambda x: x)),
)  # fmt: skip

LAB = Lab("tiny", 1, "Tiny", (TOTAL, SCALE, SPREAD, CLIPPED, Text("why", "Why?", 10)))

SOURCE = """\
# Tiny

```{code-cell}
import numpy as np
```

```{code-cell}
def given_half(x):
    return x / 2

LINE = np.linspace(0, 1, 5)
```

```{code-cell}
def total(x):
    # BEGIN SOLUTION
    result = 0.0
    for value in np.ravel(x):
        result += value
    return result
    # END SOLUTION
```

```{code-cell}
check("total")
```

```{code-cell}
def scale(x, k):
    # BEGIN SOLUTION
    return 2 * k * given_half(x)
    # END SOLUTION
```

```{code-cell}
check("scale")
```

```{code-cell}
raise RuntimeError("a cell that is not needed is not run")
```

```{code-cell}
def spread(x):
    # BEGIN SOLUTION
    return scale(x, 1.0).max(), scale(x, 1.0).min()
    # END SOLUTION
```

```{code-cell}
check("spread")
```

```{code-cell}
def clipped(x):
    # BEGIN SOLUTION
    return np.where(x > 0, x, 0)
    # END SOLUTION
```

```{code-cell}
check("clipped")
```

+++ {"answer": "why"}

BEGIN SOLUTION
Because.
END SOLUTION
"""
