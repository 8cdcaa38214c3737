"""What a check shows: inputs, expected and got side by side, as text and as HTML."""

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twice.labs.exercise import Case
from twice.labs.grids import WIDTH, beside, block, folded, grid, is_block, shape_of, short, told_apart, windows
from twice.labs.plain import Difference

Array = np.ndarray
Place = tuple[int, ...]

HEADLINES = {
    "passed": "right",
    "failed": "not right yet",
    "student_error": "stopped with an error",
    "bad_value": "gives something that cannot be compared",
    "timeout": "takes too long",
    "not_defined": "not written yet",
}


# ── a case ──────────────────────────────────────────────────────────────────────────────────────────────────────


def case(
    tried: Case,
    names: Sequence[str],
    expected: Any,
    got: Any = None,
    objection: Difference | None = None,
    name: str = "the answer",
) -> dict[str, str]:
    """The texts on one case: its inputs, and expected and got where they differ."""
    texts = {"note": tried.note, "inputs": inputs(tried, names), "expected": "", "got": "", "where": ""}
    if objection is None:
        return {**texts, "expected": everything(expected)}
    texts["where"] = "" if name == "the answer" else name.strip("`")
    here, there = at(expected, objection.where), at(got, objection.where)
    if objection.index and isinstance(here, np.ndarray) and isinstance(there, np.ndarray):
        texts["expected"], texts["got"] = _two(here, there, objection.index)
    else:
        texts["expected"], texts["got"] = everything(here), everything(there)
    return texts


def inputs(tried: Case, names: Sequence[str]) -> str:
    """Every argument under its name: arrays as blocks, the rest in one line."""
    values = dict(zip(names, tried.args)) if len(names) >= len(tried.args) else {}
    values = values or {f"argument {i}": v for i, v in enumerate(tried.args)}
    values = {**values, **tried.kwargs}
    values = {name: member for k, v in values.items() for name, member in _members(k, v)}
    large = [f"{k}: {block(v)}" for k, v in values.items() if is_block(v)]
    small = ", ".join(f"{k} = {short(v)}" for k, v in values.items() if not is_block(v))
    return "\n\n".join([beside(large)] * bool(large) + ["\n".join(_wrapped(small))] * bool(small))


def _members(name: str, value: Any) -> list[tuple[str, Any]]:
    """Each array of a tuple or list for itself."""
    if isinstance(value, tuple | list) and value and all(map(is_block, value)):
        return [(f"{name}[{i}]", member) for i, member in enumerate(value)]
    return [(name, value)]


def everything(value: Any) -> str:
    """A value with all its members that are arrays."""
    if isinstance(value, tuple | list) and any(map(is_block, value)):
        return "\n".join(f"[{i}] {block(v)}" for i, v in enumerate(value))
    if isinstance(value, dict) and any(map(is_block, value.values())):
        return "\n".join(f'["{k}"] {block(v)}' for k, v in value.items())
    return block(value)


def at(value: Any, where: str) -> Any:
    """The member of a value at a path such as '[1]["dw"]'."""
    for index, key in re.findall(r'\[(?:(\d+)|"([^"]*)")\]', where):
        value = value[int(index)] if index else value[key]
    return value


def _two(expected: Array, got: Array, worst: Place) -> tuple[str, str]:
    """Both arrays through the same windows, with marks where got differs visibly from expected."""
    texts: tuple[list[str], list[str]] = ([shape_of(expected)], [shape_of(got)])
    expected, got = folded(expected), folded(got)
    for caption, part in windows(expected.shape, worst[: expected.ndim]):
        wrong = ~np.isclose(np.asarray(expected[part], float), np.asarray(got[part], float), rtol=1e-6, atol=1e-9)
        e, g = told_apart(expected[part], got[part], wrong)
        for column, cells, marks in zip(texts, (e, g), (None, wrong)):
            column.append(f"{caption}\n{grid(cells, marks)}" if caption else grid(cells, marks))
    return "\n".join(texts[0]), "\n".join(texts[1])


# ── a verdict ───────────────────────────────────────────────────────────────────────────────────────────────────


def headline(verdict: Mapping[str, Any]) -> str:
    """One line that says how it went."""
    sign = "✓" if verdict["status"] == "passed" else "✗"
    return f"{sign} {verdict['exercise']}: {HEADLINES[verdict['status']]}"


def tried_before(verdict: Mapping[str, Any]) -> str:
    """The cases that went well."""
    notes = verdict["tried"] if verdict["status"] == "passed" else verdict["tried"][:-1]
    return " · ".join(note or "a case" for note in notes)


def as_text(verdict: Mapping[str, Any]) -> str:
    """A verdict for a terminal."""
    passed, case = tried_before(verdict), verdict["case"]
    parts = [headline(verdict)]
    if verdict["status"] == "passed":
        return "\n".join([*parts, *_wrapped(f"tried: {passed}")])
    if verdict["message"]:
        parts.append("\n".join(_wrapped(sentence(verdict["message"]))))
    if case:
        if verdict["status"] == "student_error" and case["where"]:
            parts.append(_indented(case["where"]))
        parts.append(f"Inputs{' (' + case['note'] + ')' if case['note'] else ''}:\n\n{_indented(case['inputs'])}")
        parts.append(_indented(beside([f"{label}{body}" for label, body in _compared(case)])))
    if verdict["hint"]:
        parts.append("\n".join(_wrapped(f"Hint: {verdict['hint']}")))
    if passed:
        parts.append("\n".join(_wrapped(f"These were right: {passed}")))
    return "\n\n".join(parts)


def _compared(case: Mapping[str, str]) -> list[tuple[str, str]]:
    of = f" {case['where']}" if case["where"] and case["got"] else ""
    pairs = [(f"expected{of}: ", case["expected"]), (f"got{of}: ", case["got"])]
    return [(label, body) for label, body in pairs if body]


def sentence(message: str) -> str:
    """The message with a capital letter and a full stop."""
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "?", "!", ":")) else ".")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent="  ")


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


BORDER = "border:1px solid rgba(128,128,128,.45);border-left:4px solid {};border-radius:4px;"
BOX = BORDER + "padding:.6em 1em;margin:.3em 0;line-height:1.4;"
PRE = "margin:.2em 0 .6em;padding:0;border:0;background:none;color:inherit;"
PRE += "overflow-x:auto;white-space:pre;font-family:monospace"
COLOURS = {True: "#2e9e57", False: "#d9822b"}


def as_html(verdict: Mapping[str, Any], advice: str = "") -> str:
    """A verdict for a notebook or a page: it takes the colours around it, light or dark."""
    passed, case, good = tried_before(verdict), verdict["case"], verdict["status"] == "passed"
    parts = [f"<p style='margin:.2em 0'><strong>{html.escape(headline(verdict))}</strong></p>"]
    if verdict["message"]:
        parts.append(_paragraph(sentence(verdict["message"])))
    if case:
        if verdict["status"] == "student_error" and case["where"]:
            parts.append(_pre(case["where"]))
        note = f" ({case['note']})" if case["note"] else ""
        parts.append(_paragraph(f"Inputs{note}:") + _pre(case["inputs"]))
        columns = [f"<div style='min-width:0'>{_paragraph(label)}{_pre(body)}</div>" for label, body in _compared(case)]
        parts.append(f"<div style='display:flex;flex-wrap:wrap;gap:0 3em'>{''.join(columns)}</div>")
    if verdict["hint"]:
        parts.append(f"<p style='margin:.4em 0'><strong>Hint.</strong> {_code(verdict['hint'])}</p>")
    if passed:
        parts.append(_paragraph(f"{'Tried' if good else 'These were right'}: {passed}"))
    if advice:
        parts.append(_paragraph(advice))
    label, style = html.escape(headline(verdict), quote=True), BOX.format(COLOURS[good]) + "color:inherit"
    return f"<div role='group' aria-label='{label}' style='{style}'>{''.join(parts)}</div>"


def _paragraph(text: str) -> str:
    return f"<p style='margin:.2em 0'>{_code(text)}</p>"


def _code(text: str) -> str:
    """What stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code style='background:none;color:inherit'>\1</code>", html.escape(text))


def _pre(text: str) -> str:
    """A block of text; numbers that carry the mark stand out."""
    marked = re.sub(
        r"(\S+)\*(?=\s|$)",
        r"<mark style='background:rgba(217,130,43,.35);color:inherit;font-weight:bold'>\1*</mark>",
        html.escape(text),
    )
    return f"<pre tabindex='0' style='{PRE}'>{marked}</pre>"
