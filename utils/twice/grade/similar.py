"""Submissions that are alike beyond what one lab makes alike."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from twice.grade.gradebook import Grade

ENOUGH = 0.8  # of what two submissions have and the class does not
FEWEST = 6  # pieces that must be left to compare
COMMON = 0.25  # of the class: what so many wrote says nothing


@dataclass(frozen=True)
class Alike:
    """Students whose code is the same but for names and spaces, or a pair that shares most of it."""

    students: tuple[Grade, ...]
    share: float


def alike(found: Sequence[Grade]) -> list[Alike]:
    """Groups with one fingerprint first, then pairs, the closest first."""
    groups = _identical(found)
    together = {frozenset((a.owner.id, b.owner.id)) for group in groups for a, b in combinations(group.students, 2)}
    pairs = [pair for pair in _close(found) if frozenset(one.owner.id for one in pair.students) not in together]
    return [*groups, *sorted(pairs, key=lambda pair: -pair.share)]


def _identical(found: Sequence[Grade]) -> list[Alike]:
    groups: dict[str, list[Grade]] = defaultdict(list)
    for grade in found:
        result = grade.result or {}
        if result.get("fingerprint") and result.get("shingles"):  # an untouched notebook has no pieces of its own
            groups[result["fingerprint"]].append(grade)
    return [Alike(tuple(group), 1.0) for group in groups.values() if len(group) > 1]


def _close(found: Sequence[Grade]) -> list[Alike]:
    """Pairs by the share of common pieces (Jaccard), without the pieces that much of the class wrote."""
    pieces = {grade.owner.id: frozenset(map(str, (grade.result or {}).get("shingles") or ())) for grade in found}
    own = _without_common(pieces)
    pairs = []
    for a, b in combinations([grade for grade in found if len(own[grade.owner.id]) >= FEWEST], 2):
        ours, theirs = own[a.owner.id], own[b.owner.id]
        share = len(ours & theirs) / len(ours | theirs)
        if share >= ENOUGH:
            pairs.append(Alike((a, b), share))
    return pairs


def _without_common(pieces: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    counts = Counter(piece for own in pieces.values() for piece in own)
    most = max(3, COMMON * len(pieces))
    return {student: frozenset(piece for piece in own if counts[piece] <= most) for student, own in pieces.items()}
