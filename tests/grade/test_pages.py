"""Pages of students and of the instructor: escaped, self-contained, and about the right people only."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from small_class import result
from twice.grade import pages
from twice.grade.collect import Submission
from twice.grade.feedback import feedback
from twice.grade.gradebook import grades
from twice.grade.layouts import Owner
from twice.grade.policy import Policy, penalty
from twice.grade.report import report
from twice.grade.similar import alike

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' \x00\x1b[31m\u202e"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Tags(HTMLParser):
    """The tags and attributes of a page, checked for balance."""

    VOID = ("meta", "br", "rect", "line")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def a_class(**more):
    """Alice does everything right, Bob does not, Carol is refused, Mallory is hostile."""
    owners = {"1": Owner("a", "Alice"), "2": Owner("b", "Bob"), "4": Owner(HOSTILE, HOSTILE)}
    submissions = [Submission(owner, f"{owner.id}.ipynb", sha, lambda: b"", NOON) for sha, owner in owners.items()]
    submissions.append(Submission(Owner("c", "Carol"), "c.ipynb", "", lambda: b"", None, "It is empty."))
    evil = result(
        {"add": HOSTILE, "scale": "3"},
        HOSTILE,
        notes=[HOSTILE],
        reason=HOSTILE,
        status="killed",
        shingles=list("abcdefgh"),
        fingerprint="f",
    )
    evil["exercises"][0]["verdict"].update(message=HOSTILE, hint=HOSTILE, tried=[HOSTILE])
    evil["exercises"][0]["verdict"]["case"].update(note=HOSTILE, inputs=HOSTILE, where=HOSTILE)
    bob = result({"add": "2", "scale": "3"}, "Bob's words", shingles=list("abcdefgh"), fingerprint="f")
    return grades(submissions, {"1": result(why="Alice's words"), "2": bob, "4": evil}, Policy(**more), {})


def of(found, name):
    return next(grade for grade in found if grade.called.startswith(name))


@pytest.fixture
def overview():
    found = a_class()
    return report(found, "A toy lab", alike(found), [HOSTILE], lambda grade: f"feedback/{grade.owner.id}.html")


def assert_harmless(text):
    page = Tags(text)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text), "no control characters, no turned writing direction"


def assert_self_contained(text):
    assert "default-src 'none'" in text
    page = Tags(text)
    addresses = [value for name, value in page.attributes if name in ("src", "href", "action", "xlink:href")]
    assert not [address for address in addresses if re.match(r"\w+:|//", address)]
    assert not {"link", "iframe", "object", "form", "base"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text


def test_a_students_page_shows_points_tries_case_and_hint():
    text = feedback(of(a_class(), "Bob"), "A toy lab")
    for said in (
        "Bob",
        "5 <small>of 100 points so far",
        "0 / 60",
        "You doubled it.",
        "x = 1",
        "not graded yet",
        "Bob&#x27;s words",
    ):
        assert said in text


def test_a_students_page_names_nobody_else():
    found = a_class()
    for name, others in (("Alice", ("Bob", "Carol")), ("Bob", ("Alice", "Carol")), ("Carol", ("Alice", "Bob"))):
        text = feedback(of(found, name), "A toy lab")
        assert name in text
        assert not [other for other in others if other in text]


def test_a_refused_file_is_answered_with_its_reason():
    text = feedback(of(a_class(), "Carol"), "A toy lab")
    assert "Your file could not be graded." in text
    assert "It is empty." in text
    assert "of 100 points" not in text


def test_lateness_is_explained():
    found = a_class(deadline=NOON - timedelta(hours=26), penalty=penalty("10%/day"))
    assert "It came late by 1 day and 2 hours. This costs 19 of the 95 points earned." in feedback(
        of(found, "Alice"), "Lab"
    )


def test_no_page_runs_what_a_student_wrote(overview):
    assert_harmless(feedback(of(a_class(), "<"), HOSTILE))
    assert_harmless(overview)


def test_pages_need_nothing_from_elsewhere(overview):
    assert_self_contained(overview)
    for grade in a_class():
        assert_self_contained(feedback(grade, "A toy lab"))


def test_the_class_page_says_what_an_instructor_asks(overview):
    words = " ".join(Tags(overview).words)
    for heading in (
        "Distribution",
        "Hardest exercises",
        "Commonest mistakes",
        "Needs a look",
        "Near-identical submissions",
        "Everybody",
    ):
        assert heading in words
    assert "refused: It is empty." in words
    assert "3 answers to “Why” wait for points" in words
    assert '<td>You doubled it.</td><td class="number">2</td>' in overview


def test_charts_say_their_numbers_to_who_cannot_see_them(overview):
    labels = [value for name, value in Tags(overview).attributes if name == "aria-label"]
    assert "Distribution of the points. 0–10 %: 2; 90–100 %: 1" in labels
    assert any("Add: 33%; " in label and "Bonus: 100%" in label for label in labels)


def test_names_of_files_are_safe_and_never_shared():
    names = {pages.file_name(id) for id in ("a b", "a/b", "../a b", "A B", "a-b", "", "김", "\ud800", "x" * 500)}
    assert len(names) == 9
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,40}-[0-9a-f]{8}", name) for name in names)
