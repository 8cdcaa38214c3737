import numpy as np
import pytest

from grade.handing_in import PACKAGE
from twice.grade import answers as room
from twice.grade.answers import NoAnswers, answers, declared
from twice.labs import plain
from twice.labs.judge import prepare


@pytest.fixture(autouse=True)
def forget():
    answers.cache_clear()
    yield
    answers.cache_clear()


def test_answers_are_those_of_the_declaration(tmp_path):
    found = answers("tiny", 5, tmp_path, PACKAGE)
    exercise = declared("tiny", PACKAGE).find("scale")
    expected = prepare(exercise, 5)
    assert set(found) == {"total", "scale", "spread", "clipped"}
    for one, other in zip(found["scale"], expected, strict=True):
        assert plain.difference(other.expected, one.expected, 0, 0) is None
        np.testing.assert_array_equal(one.case.args[0], other.case.args[0])
        assert set(one.wrong) == {"plus", "none"}


def test_answers_are_computed_once(tmp_path, monkeypatch):
    first = answers("tiny", 5, tmp_path, PACKAGE)
    answers.cache_clear()
    monkeypatch.setattr(room.subprocess, "run", lambda *_, **__: pytest.fail("computed again"))
    assert answers("tiny", 5, tmp_path, PACKAGE).keys() == first.keys()


def test_another_seed_has_other_cases(tmp_path):
    one, other = (answers("tiny", seed, tmp_path, PACKAGE)["total"][1].expected for seed in (1, 2))
    assert one != other


def test_a_lab_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="no lab 'missing'"):
        answers("missing", 1, tmp_path, PACKAGE)
    with pytest.raises(ValueError, match="expected the name of a lab"):
        answers("../tiny", 1, tmp_path, PACKAGE)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "COMPUTE", "raise ValueError('no')")
    with pytest.raises(NoAnswers, match="lab tiny could not be computed: ValueError: no"):
        answers("tiny", 1, tmp_path, PACKAGE)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
