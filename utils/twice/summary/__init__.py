"""The layer table of any network on either engine: shapes, parameters, multiply-adds, memory, receptive field.

    summary(vgg(twice.nn), (1, 3, 224, 224))
    with torch.device("meta"):                  # nothing is computed, nothing needs memory
        net = vgg(torch.nn)
    summary(net, (3, 224, 224), batch=1, fold=1).chart()

Multiply-adds: a convolution has outputs · C/g · k², a linear layer outputs · in, attention its projections and both its
products, a recurrent layer every weight once a step; biases are not counted, and normalisations, activations and
poolings are 0 unless `elementwise=True`. Activations are the numbers that layers bring into memory, the input with
them: a layer that works in place, or answers its input or a view of it, brings none; nor do functions between layers.
"""

from typing import Any

from twice.blocks import title
from twice.summary.field import Field, receptive_field
from twice.summary.table import Fold, Row, Summary, rows_of
from twice.summary.trace import trace

__all__ = ["Field", "Row", "Summary", "receptive_field", "summary"]


def summary(
    net: Any,
    *inputs: Any,
    batch: int | None = None,
    nested: bool = True,
    fold: Fold = None,
    elementwise: bool = False,
) -> Summary:
    """One pass in evaluation mode over inputs given as arrays, tensors or shapes (without their batch if one is given).

    `nested` shows containers with their sums and what they hold indented; `fold` shows a block as one row: by its
    name or kind (or several), by how many levels to show, or by a test on rows.
    """
    if not inputs:
        raise TypeError(
            "summary: no input came, expected a shape, an array or a tensor for each of the network's inputs"
        )
    root, uncounted = trace(net, inputs, batch, elementwise)
    peak = max((row for row in rows_of(root, None) if row.is_layer), key=lambda row: row.memory)
    return Summary(title(net), tuple(rows_of(root, fold)), peak, nested, tuple(uncounted))
