"""What code asks of torch.cuda before it uses it: there is no GPU here."""

from typing import Any


def is_available() -> bool:
    """No: twice computes with NumPy on the CPU."""
    return False


def device_count() -> int:
    """None."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed."""


def synchronize(device: Any = None) -> None:
    """Nothing to wait for."""


def empty_cache() -> None:
    """Nothing to free."""
