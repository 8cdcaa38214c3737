"""Sequences of unequal lengths: padded to one length, or packed step by step without padding."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twice import creation
from twice.autograd import Tensor
from twice.functions import transpose


class PackedSequence(NamedTuple):
    """All steps of a batch in one table: first step 0 of every sequence, longest first, then step 1, …"""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    @property
    def is_cuda(self) -> bool:
        return False

    def to(self, *targets: Any, **options: Any) -> "PackedSequence":
        """With the data in another dtype."""
        return self._replace(data=self.data.to(*targets, **options))  # type: ignore[attr-defined]


def lengths_of(packed: PackedSequence) -> np.ndarray:
    """The lengths, longest first."""
    return _present(packed).sum(0)


def _present(packed: PackedSequence) -> np.ndarray:
    """(T, B): whether a sequence has that step."""
    sizes = packed.batch_sizes.array
    return np.arange(sizes[0]) < sizes[:, None]


def padded_steps(packed: PackedSequence, value: float = 0.0) -> Tensor:
    """(T, B, …) with `value` beyond each end, the sequences in their packed order."""
    present = _present(packed)
    padded = creation.full((*present.shape, *packed.data.shape[1:]), value, dtype=packed.data.dtype)
    padded[present] = packed.data  # type: ignore[index]
    return padded


def packed_like(packed: PackedSequence, steps: Tensor) -> PackedSequence:
    """Steps (T, B, …) packed as another batch is."""
    return packed._replace(data=steps[_present(packed)])  # type: ignore[index]


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave out what lies beyond each sequence's end; `enforce_sorted=False` sorts by length first."""
    length = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths, np.int64)
    steps = transpose(input, 0, 1) if batch_first else input
    if length.shape != (steps.shape[1],) or (length < 1).any() or (length > steps.shape[0]).any():
        raise ValueError(
            f"pack_padded_sequence: lengths is {length.tolist()}, expected {steps.shape[1]} lengths "
            f"from 1 to {steps.shape[0]}"
        )
    if enforce_sorted:
        if (np.diff(length) > 0).any():
            raise RuntimeError(
                f"pack_padded_sequence: lengths is {length.tolist()}, expected them in decreasing order "
                "(or enforce_sorted=False)"
            )
        order = None
    else:
        order = np.argsort(-length, kind="stable")
        length, steps = length[order], steps[:, order]  # type: ignore[index]
    present = np.arange(length[0])[:, None] < length
    data = steps[: int(length[0])][present]  # type: ignore[index]
    orders = (None, None) if order is None else (Tensor(order), Tensor(np.argsort(order)))
    return PackedSequence(data, Tensor(present.sum(1)), *orders)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The padded batch in its first order, and the lengths."""
    padded, length = padded_steps(sequence, padding_value), lengths_of(sequence)
    if total_length is not None:
        padded = _lengthened(padded, total_length, padding_value)
    if sequence.unsorted_indices is not None:
        order = sequence.unsorted_indices.array
        padded, length = padded[:, order], length[order]  # type: ignore[index]
    return transpose(padded, 0, 1) if batch_first else padded, Tensor(length)


def _lengthened(padded: Tensor, total: int, value: float) -> Tensor:
    steps = padded.shape[0]
    if total < steps:
        raise ValueError(f"pad_packed_sequence: total_length is {total}, expected at least {steps}")
    longer = creation.full((total, *padded.shape[1:]), value, dtype=padded.dtype)
    longer[:steps] = padded  # type: ignore[index]
    return longer


def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (L, …) as one batch (T, B, …), or (B, T, …) with `batch_first`."""
    if padding_side not in ("left", "right"):
        raise ValueError(f"pad_sequence: padding_side is {padding_side!r}, expected 'left' or 'right'")
    sequences = list(sequences)
    longest, first = max(len(s) for s in sequences), sequences[0]  # type: ignore[arg-type]
    batch = creation.full((len(sequences), longest, *first.shape[1:]), padding_value, dtype=first.dtype)
    for row, steps in enumerate(sequences):
        length = steps.shape[0]
        place = slice(longest - length, None) if padding_side == "left" else slice(0, length)
        batch[row, place] = steps  # type: ignore[index]
    return batch if batch_first else transpose(batch, 0, 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each of its own length."""
    rows = padded_sequences if batch_first else transpose(padded_sequences, 0, 1)
    return [rows[row, : int(length)] for row, length in enumerate(lengths.array)]  # type: ignore[index]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (L, …) packed."""
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch, in their first order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
