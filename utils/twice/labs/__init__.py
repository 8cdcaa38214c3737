"""What makes a lab: exercises as declarations, checks that say what went wrong, notebooks built from one source."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twice.labs.notebook import Checks

__all__ = ["checks"]


def checks(lab: str, namespace: dict[str, Any] | None = None) -> "Checks":
    """The `check` of a lab's notebook; the answers are looked up in `namespace`, which is the notebook's own."""
    from twice.labs.catalog import find
    from twice.labs.notebook import Checks

    return Checks(find(lab), namespace)
