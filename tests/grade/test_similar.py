"""Code that is alike is shown; code that a whole class shares is not."""

from small_class import result
from twice.grade.collect import Submission
from twice.grade.gradebook import grades
from twice.grade.layouts import Owner
from twice.grade.policy import Policy
from twice.grade.similar import alike


def found(**pieces):
    """Students with these pieces of code; the fingerprint is that of all of them."""
    submissions = [Submission(Owner(name), name, name, lambda: b"") for name in pieces]
    results = {name: result(shingles=list(own), fingerprint="".join(own)) for name, own in pieces.items()}
    return [
        ({grade.owner.id for grade in one.students}, round(one.share, 2))
        for one in alike(grades(submissions, results, Policy(), {}))
    ]


def test_the_same_code_is_a_group_of_any_size():
    assert found(a="abcdefgh", b="abcdefgh", c="abcdefgh", d="qrstuvwx") == [({"a", "b", "c"}, 1.0)]


def test_a_pair_that_shares_nearly_all_is_shown_with_its_share():
    assert found(a="abcdefghij", b="abcdefghiX", c="qrstuvwxyz") == [({"a", "b"}, 0.82)]


def test_what_much_of_the_class_wrote_says_nothing():
    common = "abcdefghijklmnopqr"
    assert found(**{name: common + own for name, own in zip("stuvw", ("12", "34", "56", "78", "90"))}) == []


def test_a_little_in_common_is_not_shown():
    assert found(a="abcdefghij", b="abcdeqrstu") == []


def test_untouched_notebooks_are_not_alike():
    assert found(a="", b="") == []
