"""`python -m twice.data mnist cifar10`: bring real sets to TWICE_DATA. Without names: what is here."""

import sys
from collections.abc import Sequence

from twice.data.sets import EMBEDDED, FOLDERS, REAL, fetch, load


def main(names: Sequence[str]) -> int:
    """Exit 1 where one of the names could not be had; the others are still brought."""
    failed = False
    for name in names or [*EMBEDDED, *REAL, *FOLDERS]:
        try:
            if names and name not in EMBEDDED:
                fetch(name)
            print(f"{name}: {FOLDERS[name].read() if name in FOLDERS else load(name)}")
        except (ImportError, OSError, ValueError) as e:
            failed = True
            print(e, file=sys.stderr if names else sys.stdout)
    return int(failed and bool(names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
