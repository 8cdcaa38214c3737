"""A lab with an exercise in NumPy and two in torch, for tests of the grader."""

import numpy as np

from twice.labs.exercise import Case, Exercise, Lab, Mistake


def lines(rng):
    return [Case((np.array([1.0, -2.0]),)), Case((rng.normal(size=(2, 3)),))]


def images(rng):
    return [Case((rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, n, n)))) for n in (1, 2)]


def states(rng):
    state = {"weight": rng.normal(size=(2, 3)).astype("f4"), "bias": rng.normal(size=2).astype("f4")}
    return [Case((3, 2), {"state": state, "inputs": (rng.normal(size=(4, 3)).astype("f4"),)})]


def correlate(x, w):
    from torch.nn import functional

    return functional.conv2d(x, w)


def linear(inputs, outputs):
    from torch import nn

    return nn.Linear(inputs, outputs)


def without_bias(inputs, outputs):
    layer = linear(inputs, outputs)
    layer.forward = lambda x: x @ layer.weight.T
    return layer


def transposed(inputs, outputs):
    layer = linear(inputs, outputs)
    layer.forward = lambda x: x @ layer.weight.T - layer.bias
    return layer


POSITIVE = Exercise(
    "positive", "Nothing below zero", 40, lambda x: np.maximum(x, 0), lines,
    mistakes=(Mistake("abs", "Signs.", np.abs), Mistake("none", "Unchanged.", lambda x: x)),
)  # fmt: skip
SLIDE = Exercise(
    "slide", "Slide a kernel", 30, correlate, images, engine="torch", forbidden=("torch.nn.functional.conv2d",),
    mistakes=(
        Mistake("flipped", "Flipped.", lambda x, w: correlate(x, w.flip(2, 3))),
        Mistake("zero", "Zero.", lambda x, w: 0 * correlate(x, w)),
    ),
)  # fmt: skip
AFFINE = Exercise(
    "Affine", "A module", 30, linear, states, engine="torch", kind="module",
    mistakes=(Mistake("bias", "Bias.", without_bias), Mistake("minus", "Sign.", transposed)),
)  # fmt: skip

LAB = Lab("engines", 2, "Engines", (POSITIVE, SLIDE, AFFINE))

SOURCE = """\
# Engines

```{code-cell}
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
```

```{code-cell}
def positive(x):
    # BEGIN SOLUTION
    return np.where(x > 0, x, 0)
    # END SOLUTION
```

```{code-cell}
check("positive")
```

```{code-cell}
def slide(x, w):
    # BEGIN SOLUTION
    k, n = w.shape[-1], x.shape[-1] - w.shape[-1] + 1
    columns = F.unfold(x, k)
    return (w.reshape(1, -1) @ columns).reshape(1, 1, n, n)
    # END SOLUTION
```

```{code-cell}
check("slide")
```

```{code-cell}
class Affine(nn.Module):
    # BEGIN SOLUTION
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ self.weight.T + self.bias
    # END SOLUTION
```

```{code-cell}
check("Affine")
```
"""
