"""The instructor's page: how the class did, what was hard, which mistakes were common, and what needs a look."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import mean, median

from twice.grade import charts
from twice.grade.gradebook import Grade
from twice.grade.pages import page, prose, table, text
from twice.grade.sheets import number
from twice.grade.similar import Alike
from twice.labs.showing import HEADLINES

MOST_MISTAKES = 15
WORDS = {
    "graded": "graded",
    "refused": "refused",
    "killed": "stopped",
    "infra_error": "grader failed",
    "needs_review": "to review",
    "missing": "nothing handed in",
}


def report(
    found: Sequence[Grade], title: str, alike: Sequence[Alike], aside: Sequence[str], link: Callable[[Grade], str]
) -> str:
    """The page over all grades; `link` gives the address of a student's feedback."""
    parts = [
        f"<h1>{text(title)}: the class</h1>",
        _numbers(found),
        f"<div class='pair'>{_distribution(found)}{_exercises(found)}</div>",
        _mistakes(found),
        _looks(found, link),
        _alike(alike, link),
        _aside(aside),
        _everybody(found, link),
    ]
    return page(f"{title}: the class", "".join(parts))


def _numbers(found: Sequence[Grade]) -> str:
    counts = Counter(grade.status for grade in found)
    points = [grade.points for grade in found if grade.points is not None]
    seconds = [grade.result["seconds"] for grade in found if grade.result and grade.points is not None]
    facts = [("students", str(len(found)))]
    facts += [(WORDS.get(status, status), str(count)) for status, count in counts.most_common()]
    if points:
        possible = max(grade.total.possible for grade in found)
        facts += [("mean", f"{number(mean(points))} of {number(possible)}"), ("median", number(median(points)))]
        facts += [("seconds a notebook", number(mean(seconds)))]
    return (
        "<dl>" + "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in facts) + "</dl>"
    )


def _distribution(found: Sequence[Grade]) -> str:
    shares = [
        (grade.points or 0.0) / grade.total.possible
        for grade in found
        if grade.points is not None and grade.total.possible
    ]
    caption = "Students by the share of the points they reached, in percent; the last bar includes what exceeds all."
    chart = charts.histogram(shares)
    return f"<section><h2>Distribution</h2><figure>{chart}<figcaption>{caption}</figcaption></figure></section>"


def _exercises(found: Sequence[Grade]) -> str:
    """Hardest first: by the share of the points that the class reached."""
    reached: dict[str, list[float]] = defaultdict(list)
    for grade in found:
        for item in grade.items if grade.points is not None else ():
            if item.points is not None and item.possible:
                reached[item.title].append(item.points / item.possible)
    rows = sorted(((name, mean(shares)) for name, shares in reached.items()), key=lambda row: row[1])
    if not rows:
        return ""
    chart = charts.shares(rows, "Share of the points reached in each exercise, hardest first")
    caption = "Share of the points that the class reached in each exercise, hardest first."
    return f"<section><h2>Hardest exercises</h2><figure>{chart}<figcaption>{caption}</figcaption></figure></section>"


def _mistakes(found: Sequence[Grade]) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for grade in found:
        for row in (grade.result or {}).get("exercises", ()):
            if row["verdict"]["status"] != "passed":
                counts[(row["title"], _mistake(row["verdict"]))] += 1
    if not counts:
        return ""
    rows = [[text(title), prose(what), str(count)] for (title, what), count in counts.most_common(MOST_MISTAKES)]
    return f"<h2>Commonest mistakes</h2>{table(['Exercise', 'What', 'Students'], rows, (2,))}"


def _mistake(verdict: Mapping) -> str:
    """The hint of a mistake that is known, else the kind of failure."""
    return verdict.get("hint") or verdict.get("mistake") or HEADLINES.get(verdict["status"], verdict["status"])


def _looks(found: Sequence[Grade], link: Callable[[Grade], str]) -> str:
    rows = []
    for grade in found:
        status = (
            []
            if grade.status in ("graded", "missing")
            else [f"{WORDS.get(grade.status, grade.status)}: {grade.reason}"]
        )
        for said in [*status, *grade.looks]:
            rows.append([_who(grade, link), text(said)])
    unread = Counter(
        item.title for grade in found if grade.points is not None for item in grade.items if item.points is None
    )
    waiting = "".join(
        f"<p>{count} answers to “{text(title)}” wait for points in manual.csv.</p>" for title, count in unread.items()
    )
    body = table(["Student", "What"], rows) if rows else "<p>Nothing stands out.</p>"
    return f"<h2>Needs a look</h2>{waiting}{body}"


def _alike(alike: Sequence[Alike], link: Callable[[Grade], str]) -> str:
    if not alike:
        return ""
    rows = [[", ".join(_who(grade, link) for grade in one.students), f"{one.share:.0%}"] for one in alike]
    note = (
        "Code that is the same but for names, comments and layout, or that shares most of what the rest of the class "
        "did not write. A lab leaves little room in short exercises: read both before you ask."
    )
    return f"<h2>Near-identical submissions</h2><p class='soft'>{note}</p>{table(['Students', 'Alike'], rows, (1,))}"


def _aside(aside: Sequence[str]) -> str:
    if not aside:
        return ""
    rows = "".join(f"<li>{text(said)}</li>" for said in aside)
    return f"<h2>Left aside</h2><ul>{rows}</ul>"


def _everybody(found: Sequence[Grade], link: Callable[[Grade], str]) -> str:
    rows = [
        [
            _who(grade, link),
            text(WORDS.get(grade.status, grade.status)),
            "" if grade.points is None else number(grade.points),
            f"{number(grade.total.lost)}" if grade.total.lost else "",
        ]
        for grade in found
    ]
    return f"<h2>Everybody</h2>{table(['Student', 'Status', 'Points', 'Late'], rows, (2, 3))}"


def _who(grade: Grade, link: Callable[[Grade], str]) -> str:
    name = text(grade.called) + (f" <span class='soft'>{text(grade.owner.id)}</span>" if grade.owner.name else "")
    return name if grade.status == "missing" else f'<a href="{text(link(grade))}">{name}</a>'
