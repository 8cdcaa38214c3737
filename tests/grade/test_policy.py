"""What a result is worth."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_class import result
from twice.grade.collect import Submission
from twice.grade.layouts import Owner
from twice.grade.policy import Lateness, Penalty, Policy, in_order, items, lateness, penalty, total, worth_grading

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def submission(path="x.ipynb", handed_in=None, late=False, refused=None, id="a"):
    return Submission(Owner(id, late=late), path, path, lambda: b"", handed_in, refused)


def points(answers=None, manual=None, late=None, **rules):
    policy, late = Policy(**rules), late or Lateness()
    return total(items(result(answers), policy, manual), late, policy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20%", Penalty(0.2)),
        ("10%/day", Penalty(0.1, DAY)),
        ("1.5 % / hour up to 50%", Penalty(0.015, HOUR, 0.5)),
        ("100%", Penalty(1.0)),
        ("0%", Penalty(0.0)),
    ],
)
def test_penalties_are_read(text, expected):
    assert penalty(text) == expected


@pytest.mark.parametrize("text", ["", "10", "ten%", "10%/week", "-5%", "110%", "10%/day up to 200%", "1.2.3%"])
def test_other_texts_are_no_penalties(text):
    with pytest.raises(ValueError, match="late_penalty: got"):
        penalty(text)


@pytest.mark.parametrize(
    ("late", "lost"),
    [
        (-HOUR, 0.0),
        (timedelta(0), 0.0),
        (timedelta(seconds=1), 0.1),
        (DAY, 0.1),
        (DAY + timedelta(seconds=1), 0.2),
        (9 * DAY, 0.5),
    ],
)
def test_each_day_begun_costs_up_to_the_most(late, lost):
    assert penalty("10%/day up to 50%").of(late) == pytest.approx(lost)


def test_lateness_is_measured_from_the_students_own_deadline():
    policy = Policy(NOON, {"b": NOON + DAY}, penalty("10%/day"))
    assert lateness(submission(handed_in=NOON), policy) == Lateness()
    assert lateness(submission(handed_in=NOON + HOUR), policy) == Lateness(HOUR, 0.1)
    assert lateness(submission(handed_in=NOON + HOUR, id="b"), policy) == Lateness()


def test_a_mark_without_a_time_counts_as_one_day_and_says_so():
    policy = Policy(NOON, {"b": NOON + DAY}, penalty("10%/day"))
    assert lateness(submission(late=True), policy) == Lateness(DAY, 0.1, True)
    assert lateness(submission(late=True, id="b"), policy) == Lateness(), (
        "an extension is known, the mark knows nothing of it"
    )
    assert lateness(submission(late=True, handed_in=NOON), policy) == Lateness(), "the time is better than the mark"


def test_points_of_exercises_texts_and_extra_credit():
    worth = points(manual={"why": 8.0})
    assert (worth.points, worth.possible) == (60 + 30 + 5 + 8, 100)
    assert points({"add": "wrong"}).points == 30 + 5
    assert points(manual={}).points == 95, "what nobody graded counts nothing so far"


def test_extra_credit_up_to_its_limit():
    assert points(extra_limit=2.0).points == 92
    assert points(extra_limit=0.0).points == 90


def test_weights_change_points_and_possible_alike():
    worth = points({"scale": "wrong"}, weights={"add": 0.5, "scale": 2.0})
    assert (worth.points, worth.possible) == (30 + 5, 30 + 60 + 10)


def test_lateness_costs_a_share_of_what_was_earned():
    worth = points({"scale": "wrong"}, late=Lateness(DAY, 0.2))
    assert (worth.earned, worth.lost, worth.points) == (65, 13, 52)


@given(st.floats(0, 1), st.floats(0, 3), st.dictionaries(st.sampled_from(["add", "scale"]), st.just("wrong")))
def test_points_are_never_negative_and_never_more_than_earned(lost, weight, answers):
    worth = points(answers, late=Lateness(DAY, lost), weights={"add": weight})
    assert 0 <= worth.points <= worth.earned
    assert math.isfinite(worth.possible)


def test_order_is_by_time_and_without_times_by_number():
    timed = [submission("b", NOON + HOUR), submission("a", NOON + 2 * HOUR), submission("c", NOON)]
    assert [one.path for one in in_order(timed)] == ["c", "b", "a"]
    named = [submission(f"lab{tail}.ipynb") for tail in ("-10", "", "-2")]
    assert [one.path for one in in_order(named)] == ["lab.ipynb", "lab-2.ipynb", "lab-10.ipynb"]


def test_which_of_several_is_graded():
    several = [submission("3", NOON + 2 * HOUR, refused="broken"), submission("1", NOON), submission("2", NOON + HOUR)]
    paths = {keep: [one.path for one in worth_grading(several, keep)] for keep in ("first", "last", "best")}
    assert paths == {"first": ["1"], "last": ["2"], "best": ["1", "2"]}
    assert worth_grading(several[:1], "last") == []
