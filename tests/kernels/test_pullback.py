import numpy as np

from twice.kernels.pullback import Parts


def test_parts_answer_one_gradient_an_input():
    assert Parts(lambda dy: dy + 1, None, lambda dy: dy * 2)(3) == (4, None, 6)


def test_a_single_part_answers_a_gradient_and_no_tuple():
    assert Parts(lambda dy: dy + 1)(3) == 4


def test_parts_receive_every_cotangent():
    assert Parts(lambda a, b: a - b, lambda a, b: b)(5, 2) == (3, 2)


def test_what_is_not_needed_is_dropped_and_the_rest_kept_in_place():
    first, second = lambda dy: dy, lambda dy: -dy
    kept = Parts(first, second).keep([False, True])
    assert kept.parts == (None, second)
    assert kept(np.float64(2)) == (None, -2)


def test_keeping_leaves_the_original_whole():
    whole = Parts(lambda dy: dy, lambda dy: -dy)
    whole.keep([False, False])
    assert whole(1) == (1, -1)
