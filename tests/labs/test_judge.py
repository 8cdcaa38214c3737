"""The judgement: verdicts, the smallest failing case, the mistake that explains an answer, and what is shown."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from twice.labs import calling, grids, judge, plain, showing
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text


def scale(x, by=2.0):
    return x * by


SCALE = Exercise(
    "scale",
    "Times a number",
    10,
    scale,
    lambda rng: [
        Case((np.array([1.0, 2]),), note="two numbers"),
        Case((np.array([[3.0, 4]]), -1.0), note="a negative number"),
        Case((rng.normal(size=(20, 30)), 0.5), note="random numbers"),
    ],
    mistakes=(
        Mistake("added", "You add.", lambda x, by=2.0: x + by),
        Mistake("fixed", "You always double.", lambda x, by=2.0: x * 2),
        Mistake("raises", "You raise.", lambda x, by=2.0: 1 / 0),
    ),
)
PREPARED = judge.prepare(SCALE, 0)


def verdict(answer, exercise=SCALE, prepared=PREPARED):
    return judge.judge(exercise, prepared, lambda args, kwargs, seconds: answer(*args, **kwargs))


def raising(error):
    def answer(*args):
        raise error

    return answer


def test_a_right_answer_is_tried_on_every_case():
    found = verdict(scale)
    assert found.passed
    assert found.tried == ("two numbers", "a negative number", "random numbers")
    assert found.case is found.hint is None


def test_the_first_case_that_fails_ends_the_trial():
    calls = []
    found = verdict(lambda x, by=2.0: calls.append(x) or x * 2)
    assert len(calls) == 2
    assert found.status == "failed"
    assert found.case["note"] == "a negative number"
    assert (found.mistake, found.hint) == ("fixed", "You always double.")


def test_a_mistake_must_explain_every_case_so_far():
    """Right in the first case and x + by in the second is not the mistake that adds in both."""
    found = verdict(lambda x, by=2.0: x * by if by > 0 else x + by)
    assert found.status == "failed"
    assert found.mistake is found.hint is None


def test_an_answer_cannot_change_the_cases():
    def greedy(x, by=2.0):
        result = x * by
        x[:] = 0
        return result

    assert verdict(greedy).passed
    assert verdict(scale).passed


def test_a_loose_type_and_float32_pass_where_nan_and_shape_do_not():
    assert verdict(lambda x, by=2.0: (x * by).astype(np.float32)).passed
    assert verdict(lambda x, by=2.0: x * by * np.nan).status == "failed"
    assert verdict(lambda x, by=2.0: np.zeros(x.shape)).status == "failed"
    assert verdict(lambda x, by=2.0: (x * by)[None]).status == "failed"


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (judge.NotDefined("Write it"), "not_defined", "Write it"),
        (judge.StudentError("ValueError: no", "line 3 in scale:  x[9]"), "student_error", "ValueError: no"),
        (judge.OutOfTime(), "timeout", "within 10 seconds"),
        (judge.BadValue("the answer is a set"), "bad_value", "answer is a set"),
    ],
)
def test_what_goes_wrong_on_the_way_has_its_status(error, status, says):
    found = verdict(raising(error))
    assert found.status == status
    assert says in str(found)
    assert says in found.as_html()


def test_an_answer_that_is_no_plain_data_is_a_bad_value():
    assert verdict(lambda x, by=2.0: {1, 2}).status == "bad_value"
    assert verdict(lambda x, by=2.0: print).status == "bad_value"
    assert verdict(lambda x, by=2.0: None).status == "failed"


def test_no_cases_are_an_error_and_not_a_pass():
    with pytest.raises(ValueError, match="no cases"):
        judge.judge(SCALE, (), scale)


def test_accept_decides_instead_of_equality():
    exercise = Exercise(
        "guess",
        "Near enough",
        10,
        lambda: 1.0,
        lambda rng: [Case(note="once")],
        accept=lambda case, expected, got: None if 0.5 < got < 1.5 else f"{got} is not between 0.5 and 1.5",
    )
    prepared = judge.prepare(exercise, 0)
    assert verdict(lambda: 1.4, exercise, prepared).passed
    assert "0.1 is not between" in str(verdict(lambda: 0.1, exercise, prepared))


def test_cases_depend_on_seed_and_name_alone():
    draw = lambda seed: judge.prepare(SCALE, seed)[2].case.args[0]
    np.testing.assert_array_equal(draw(5), draw(5))
    assert not np.array_equal(draw(5), draw(6))


def test_prepared_cases_are_stored_and_restored():
    restored = judge.restore(judge.store(PREPARED))
    assert verdict(scale, prepared=restored).passed
    assert verdict(lambda x, by=2.0: x + by, prepared=restored).mistake == "added"
    assert restored[0].wrong["raises"] is None


def test_a_verdict_goes_through_json():
    found = verdict(lambda x, by=2.0: x + by)
    back = json.loads(json.dumps(found.as_dict()))
    assert showing.as_text(back) == str(found)
    assert showing.as_html(back) == found.as_html()


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────────


def test_expected_and_got_stand_side_by_side_with_what_differs_marked():
    text = str(verdict(lambda x, by=2.0: np.array([2.0, 5.0])))
    assert "✗ scale: not right yet" in text
    assert "The answer at [1] is 5, expected 4 (1 of 2 entries differs)." in text
    assert re.search(r"expected: array of shape \(2,\) +got: array of shape \(2,\)\n +2 +4 +2 +5\*$", text)
    assert re.search(r"x: array of shape \(2,\)\n +1 +2\n", text)


def test_a_hint_ends_what_is_said_and_the_cases_that_went_well_are_named():
    text = str(verdict(lambda x, by=2.0: x * 2))
    assert "Hint: You always double." in text
    assert "These were right: two numbers" in text
    assert "by = -1" in text


def test_an_array_that_ends_in_an_axis_of_1_is_shown_as_rows_and_columns():
    row = np.arange(6.0).reshape(1, 2, 3, 1)
    got = row.copy()
    got[0, 1, 2, 0] = 9
    objection = plain.difference(row, got)
    shown = showing.case(Case((row,)), ("x",), row, got, objection)
    assert shown["inputs"] == "x: array of shape (1, 2, 3, 1)\n[0]\n0  1  2\n3  4  5"
    assert shown["got"] == "array of shape (1, 2, 3, 1)\n[0]\n0  1  2\n3  4  9*"
    column = np.arange(3.0).reshape(1, 1, 3, 1)
    assert showing.inputs(Case((column,)), ("x",)) == "x: array of shape (1, 1, 3, 1)\n[0, 0]\n0\n1\n2"


def test_of_a_large_array_the_worst_place_and_its_neighbourhood_are_shown():
    def wrong(x, by=2.0):
        y = x * by
        if y.size > 10:
            y[11, 17] += 100
        return y

    text = str(verdict(wrong))
    assert "at [11, 17]" in text
    assert "[8:15, 14:21]" in text
    assert text.count("*") == 1
    assert max(map(len, text.splitlines())) <= 2 * grids.WIDTH


def test_numbers_that_look_alike_get_as_many_digits_as_it_takes():
    text = str(verdict(lambda x, by=2.0: x * by * (1 + 1e-5)))
    row = next(line for line in text.splitlines() if "*" in line).split()
    assert row[0] != row[2].rstrip("*")


def test_shapes_that_differ_are_both_shown_whole():
    text = str(verdict(lambda x, by=2.0: (x * by)[:1]))
    assert "The answer has shape (1,), expected (2,)." in text
    assert "expected: array of shape (2,)" in text
    assert "got: array of shape (1,)" in text


def test_parts_of_an_answer_have_names():
    exercise = Exercise(
        "pair", "Two", 10, lambda x: (x, -x), lambda rng: [Case((np.ones(2),), note="ones")], parts=("same", "minus")
    )
    text = str(verdict(lambda x: (x, x), exercise, judge.prepare(exercise, 0)))
    assert "`minus` at [0] is 1, expected -1" in text
    assert "expected minus: array" in text


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_html_is_whole_and_says_without_colour_how_it_went():
    found = Tags(verdict(lambda x, by=2.0: np.array([2.0, 5.0])).as_html())
    assert found.seen[0][1]["role"] == "group"
    assert found.seen[0][1]["aria-label"] == "✗ scale: not right yet"
    assert [tag for tag, _ in found.seen].count("mark") == 1
    assert all("background:#" not in a.get("style", "") for _, a in found.seen)


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "</pre><img src=x onerror=y>", "'><b>", "`<i>`"])
def test_what_a_student_writes_is_never_html(evil):
    shown = [
        verdict(raising(judge.StudentError(evil, evil))),
        verdict(raising(judge.BadValue(evil))),
        verdict(lambda x, by=2.0: evil + "*"),
        verdict(lambda x, by=2.0: {evil: np.zeros(2)}),
        verdict(lambda x, by=2.0: [evil] * 3),
    ]
    for found in shown:
        tags = {tag for tag, _ in Tags(found.as_html()).seen}
        assert tags <= {"div", "p", "strong", "pre", "mark", "code"}


def test_a_huge_answer_is_shown_in_few_lines():
    for huge in (list(range(50_000)), "x" * 50_000, np.zeros((4, 3000, 3000)), {str(i): i for i in range(5000)}):
        assert len(str(verdict(lambda x, by=2.0, huge=huge: huge))) < 4000


# ── declarations ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lab_says_what_is_wrong_with_it():
    good = Lab("one", 1, "One", (Exercise("f", "F", 100, scale, SCALE.cases, SCALE.mistakes),))
    assert good.problems() == []
    said = " ".join(Lab("one", 1, "One", (SCALE, SCALE, Text("t t", "T", 10))).problems())
    assert "two exercises are called 'scale'" in said
    assert "the points add up to 30, expected 100" in said
    alone = Exercise("g", "G", 100, scale, SCALE.cases, SCALE.mistakes[:1])
    assert "expected two or more" in Lab("one", 1, "One", (alone,)).problems()[0]
    assert Lab("one", 1, "One", (*good.exercises, Text("bonus", "B", 5, extra=True))).problems() == []


def test_finding_what_is_not_there_names_what_is():
    with pytest.raises(ValueError, match="no exercise 'scal', expected one of scale"):
        Lab("one", 1, "One", (SCALE,)).find("scal")


# ── modules ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_module_is_asked_in_evaluation_mode_and_where_a_case_says_so_in_training():
    torch = pytest.importorskip("torch")
    kwargs = {"state": None, "inputs": (np.ones(4, np.float32),)}
    at_test_time = calling.call(torch.nn.Dropout, (1.0,), kwargs, "torch", "module")
    in_training = calling.call(torch.nn.Dropout, (1.0,), {**kwargs, "training": True}, "torch", "module")
    assert at_test_time.tolist() == [1, 1, 1, 1]
    assert in_training.tolist() == [0, 0, 0, 0]
