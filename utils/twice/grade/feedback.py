"""What a student gets back: one page with every exercise, what was tried, the smallest failing case and the hint."""

from typing import Any

from twice.grade.gradebook import Grade
from twice.grade.pages import page, text, visible
from twice.grade.policy import Item
from twice.grade.sheets import number
from twice.labs.showing import as_html

STATUS = {
    "refused": "Your file could not be graded.",
    "infra_error": "Your notebook is not graded yet: the grader failed, not you.",
    "killed": "Your notebook was stopped before its end. What could be graded was graded.",
    "needs_review": "Your instructor will look at this result before it is final.",
}


def feedback(grade: Grade, title: str) -> str:
    """The page of one student. It names nobody else and holds nothing of anybody else."""
    rows = "".join(_exercise(grade, item) for item in grade.items)
    return page(f"{title}: {grade.called}", f"<h1>{text(title)}</h1>{_head(grade)}{rows}{_foot(grade)}")


def _head(grade: Grade) -> str:
    who = text(grade.called) + (f' <span class="soft">{text(grade.owner.id)}</span>' if grade.owner.name else "")
    parts = [f"<p>{who}</p>", _score(grade)]
    parts += [f"<p>{text(said)}</p>" for said in (STATUS.get(grade.status), grade.reason) if said]
    return "".join(parts) + _lateness(grade)


def _score(grade: Grade) -> str:
    if grade.points is None:
        return ""
    open_items = [item for item in grade.items if item.points is None]
    so_far = " so far" if open_items else ""
    of = f"<small>of {number(grade.total.possible)} points{so_far}</small>"
    return f'<p class="score">{number(grade.points)} {of}</p>'


def _lateness(grade: Grade) -> str:
    late = grade.late
    if not late.by:
        return ""
    cost = (
        f" This costs {number(grade.total.lost)} of the {number(grade.total.earned)} points earned."
        if late.lost
        else ""
    )
    amount = "" if late.guessed else f" by {_span(late.by.total_seconds())}"
    return f"<p>It came late{amount}.{cost}</p>"


def _span(seconds: float) -> str:
    hours, minutes = int(seconds // 3600), int(seconds % 3600 // 60)
    days, hours = divmod(hours, 24)
    parts = [f"{n} {unit}{'s' * (n != 1)}" for n, unit in ((days, "day"), (hours, "hour"), (minutes, "minute")) if n]
    return " and ".join(parts[:2]) or "less than a minute"


def _exercise(grade: Grade, item: Item) -> str:
    extra = " <span class='soft'>extra</span>" if item.extra else ""
    points = "–" if item.points is None else number(item.points)
    head = (
        f"<h3><span>{text(item.title)}{extra}</span><span class='number'>{points} / {number(item.possible)}</span></h3>"
    )
    verdict = next((row["verdict"] for row in _rows(grade, "exercises") if row["name"] == item.name), None)
    return head + (as_html(_visible(verdict)) if verdict else _text(grade, item))


def _visible(value: Any) -> Any:
    """The verdict without control characters: what a student printed may hold any."""
    if isinstance(value, dict):
        return {key: _visible(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_visible(inner) for inner in value]
    return visible(value) if isinstance(value, str) else value


def _text(grade: Grade, item: Item) -> str:
    answer = next((row["answer"] for row in _rows(grade, "texts") if row["name"] == item.name), None)
    if answer is None:
        return "<p class='soft'>Nothing was graded.</p>"
    comment = (grade.comments or {}).get(item.name)
    said = f"<p><strong>Comment.</strong> {text(comment)}</p>" if comment else ""
    wait = "<p class='soft'>This answer is read by a person, and not graded yet.</p>" if item.points is None else ""
    return f"<blockquote>{text(answer) or 'No answer.'}</blockquote>{said}{wait}"


def _rows(grade: Grade, kind: str) -> list[dict]:
    return (grade.result or {}).get(kind, [])


def _foot(grade: Grade) -> str:
    result, submission = grade.result or {}, grade.submission
    facts = []
    if submission:
        facts.append(f"Graded file: {submission.path.rpartition('/')[2]}")
    if submission and submission.sha256:
        facts.append(f"its SHA-256 begins with {submission.sha256[:12]}")
    if "seed" in result:
        facts.append(f"cases drawn with seed {result['seed']}")
    return f"<p class='soft'><br>{text('; '.join(facts))}.</p>" if facts else ""
