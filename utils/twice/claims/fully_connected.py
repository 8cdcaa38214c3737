"""The claims on fully connected layers, and how much of them is worth having."""

from functools import partial

import numpy as np

from twice.claims.ledger import Claim
from twice.kernels.linear import linear

row = partial(Claim, "fully-connected")

IMAGE, W = np.zeros((1, 32, 32, 3)), np.zeros((10, 32 * 32 * 3))
BASHA = "Basha, Dubey, Pulabaigari and Mukherjee 2020, on CIFAR-10"

WIDTHS = {  # D's table: width of the hidden layers, accuracies in per cent of CNN-1, CNN-2 and CNN-3
    "none": "44.29, 91.46, 92.05",
    "10": "88.67, 91.14, 91.03",
    "16": "88.72, 91.58, 91.77",
    "32": "88.93, 91.99, 92.02",
    "64": "89.72, 91.82, 91.8",
    "128": "89.2, 91.86, 89.2",
    "256": "89.23, 92.02, 89.23",
    "512": "88.95, 90.98, 91.78",
    "1024": "89.56, 91.54, 92.22",
    "2048": "87.4, 91.27, 91.59",
    "4096": "86.27, 87.51, 90.68",
}
TWINS = "CNN-3 has CNN-1's number here: probably copied by mistake"

CLAIMS = (
    row("fc-input", "AB", "3072 x 1", "32×32×3 image stretched to a column", "agrees",
        lambda: IMAGE.reshape(-1, 1).shape),
    row("fc-weights", "AB", "10 x 3072", "its weights", "agrees", lambda: W.shape),
    row("fc-output", "AB", "10", "its scores", "agrees", lambda: linear(IMAGE.reshape(1, -1), W)[0].size),
    row("fc-dot-product", "B", "3072", "one score: terms of the dot product", "agrees", lambda: W[0].size),
    *(
        row(
            f"fc-width-{width}", "D", said, f"table of widths, hidden layer: {width}", "cited", source=BASHA,
            why=f"{TWINS} ({BASHA})" if width in ("128", "256") else "",
        )
        for width, said in WIDTHS.items()
    ),
    row("fc-best-1", "D", "90.77", "table of widths, best of CNN-1: 4096, 4096, 64", "cited", source=BASHA),
    row("fc-best-2", "D", "92.29", "table of widths, best of CNN-2: 4096, 256", "cited", source=BASHA),
    row("fc-best-3", "D", "92.22", "table of widths, best of CNN-3: 1024", "cited", source=BASHA),
)  # fmt: skip
