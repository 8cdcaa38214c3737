"""The notebook's `check`, with answers as students write them."""

import dataclasses
import linecache
import os
import signal
import time
import warnings

import numpy as np
import pytest

from twice.labs import catalog, checks
from twice.labs.notebook import CheckFailed, Checks

RIGHT = """
def correlate1d(x, w):
    return np.array([np.sum(x[i : i + len(w)] * w) for i in range(len(x) - len(w) + 1)])
"""

ENDLESS = """
def correlate1d(x, w):
    while True:
        try:
            while True:
                pass
        except Exception:
            pass
"""

NOISY = """
import sys, warnings

quiet = correlate1d

def correlate1d(x, w):
    print("note", file=sys.stderr)
    warnings.warn("careful")
    np.log(-1.0)
    return quiet(x, w)
"""

LOUD = """
import os

quiet = correlate1d

def correlate1d(x, w):
    os.write(2, b"from below")
    return quiet(x, w)
"""

IN_PLACE = """
def momentum_step(w, v, g, rate, mu=0.9, decay=0.0):
    v *= mu; v += g + decay * w
    w -= rate * v
    return w, v
"""

MODULE = """
class TwoLayers(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.conv1 = nn.{}
"""


def notebook(source="", **names):
    """A namespace with what the cells of a notebook define, and its check."""
    namespace = {"__name__": "__main__", "np": np, **names}
    run(namespace, source)
    return checks("convolution", namespace), namespace


def run(namespace, source, file="<cell>"):
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), namespace)


def failure(check, name):
    with pytest.raises(CheckFailed) as caught:
        check(name)
    return caught.value


def test_a_right_answer_says_what_was_tried(capsys):
    check, _ = notebook(RIGHT)
    assert check("correlate1d") is None
    said = capsys.readouterr()
    assert said.out.startswith("✓ correlate1d: right\ntried: two windows")
    assert said.err == ""
    assert repr(check) == "lab convolution: 8 points of 100 checked"


def test_nothing_there_and_nothing_written_yet_are_told_apart():
    check, namespace = notebook()
    assert "There is no `correlate1d` here: run the cell" in str(failure(check, "correlate1d"))
    run(namespace, "def correlate1d(x, w):\n    raise NotImplementedError()")
    error = failure(check, "correlate1d")
    assert error.verdict.status == "not_defined"
    assert "Write `correlate1d` in the cell above" in str(error)


def test_something_else_under_the_name_is_said():
    check, _ = notebook("correlate1d = 3")
    assert "`correlate1d` is a int, expected a function" in str(failure(check, "correlate1d"))


def test_an_unknown_name_is_said():
    check, _ = notebook()
    with pytest.raises(ValueError, match="no exercise 'conv3d', expected one of correlate1d"):
        check("conv3d")
    with pytest.raises(ValueError, match="no lab 'knitting', expected one of convolution"):
        checks("knitting")


def test_an_error_shows_the_students_own_lines_and_no_other():
    check, _ = notebook("def helper(x):\n    return x[99]\n\ndef correlate1d(x, w):\n    y = helper(x)\n    return y\n")
    text = str(failure(check, "correlate1d"))
    assert "IndexError: index 99 is out of bounds" in text
    assert "line 5 in correlate1d:  y = helper(x)\n  line 2 in helper:  return x[99]" in text
    assert "calling.py" not in text


def test_an_error_within_a_library_ends_at_the_students_line():
    check, _ = notebook("def correlate1d(x, w):\n    return np.linalg.inv(x)\n")
    text = str(failure(check, "correlate1d"))
    assert "line 2 in correlate1d:  return np.linalg.inv(x)" in text
    assert "_linalg" not in text


def test_the_traceback_of_a_failed_check_is_the_verdict_alone():
    check, _ = notebook("def correlate1d(x, w):\n    return 1")
    error = failure(check, "correlate1d")
    assert error._render_traceback_() == [str(error)]
    error.told = True
    assert error._render_traceback_() == ["CheckFailed: correlate1d: not right yet (see above)"]
    assert error.__cause__ is None


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no alarms")
def test_an_endless_loop_is_stopped_even_if_it_catches_everything():
    lab = catalog.find("convolution")
    quick = dataclasses.replace(lab, exercises=(dataclasses.replace(lab.find("correlate1d"), seconds=0.2),))
    namespace = {"__name__": "__main__"}
    run(namespace, ENDLESS)
    start = time.perf_counter()
    error = failure(Checks(quick, namespace), "correlate1d")
    assert time.perf_counter() - start < 5
    assert error.verdict.status == "timeout"
    assert "is there a loop that never ends?" in str(error)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_warnings_and_stderr_of_an_answer_do_not_make_the_check_red(capsys):
    check, _ = notebook(RIGHT + NOISY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check("correlate1d")
    said = capsys.readouterr()
    assert said.err == ""
    assert "note" in said.out
    assert "✓" in said.out


def test_what_c_libraries_and_programs_write_to_stderr_goes_to_stdout_too(capfd):
    check, _ = notebook(RIGHT + LOUD)
    check("correlate1d")
    said = capfd.readouterr()
    assert said.err == ""
    assert "from below" in said.out
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"


def test_without_a_file_for_stderr_a_check_works_all_the_same(monkeypatch, capsys):
    check, _ = notebook(RIGHT)
    monkeypatch.setattr(os, "dup", refuse)
    check("correlate1d")
    assert "✓" in capsys.readouterr().out


def refuse(number):
    raise OSError("bad file descriptor")


def test_an_answer_that_changes_what_came_in_is_told_where_that_is_not_allowed():
    namespace = {"__name__": "__main__", "np": np}
    check = checks("training", namespace)
    run(namespace, IN_PLACE)
    told = str(failure(check, "momentum_step"))
    assert "your function has changed `w`" in told
    assert "compute new ones" in told
    run(namespace, IN_PLACE.replace("v *= mu; v +=", "v = mu * v +").replace("w -= rate * v", "w = w - rate * v"))
    check("momentum_step")


def test_what_waits_for_an_answer_says_so(capsys):
    check, namespace = notebook("def correlate1d(x, w):\n    return x")
    assert not check.passed("correlate1d")
    assert 'waits until check("correlate1d") has passed' in capsys.readouterr().out
    failure(check, "correlate1d")
    assert not check.passed("correlate1d")
    run(namespace, RIGHT)
    check("correlate1d")
    assert check.passed("correlate1d")
    run(namespace, "def correlate1d(x, w):\n    return x")
    failure(check, "correlate1d")
    assert not check.passed("correlate1d")


def test_the_failing_case_can_be_tried_by_hand():
    check, _ = notebook("def pad1d(x, p, mode):\n    return np.concatenate([np.zeros(p), x, np.zeros(p)])")
    error = failure(check, "pad1d")
    assert '`args, options = check.case("pad1d")`' in str(error)
    args, options = check.case("pad1d")
    assert args[1:] == (1, "replicate")
    assert options == {}
    with pytest.raises(ValueError, match="no failing case"):
        check.case("conv2d")


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("def correlate1d(x, w):\n    return np.correlate(x, w)", "np.correlate"),
        ("from numpy import convolve as c\ndef correlate1d(x, w):\n    return c(x, w[::-1], 'valid')", "c"),
        (
            "def correlate1d(x, w):\n    from twice.kernels import naive\n    return naive.correlate1d(x, w)",
            "from twice",
        ),
        ("def correlate1d(x, w):\n    import scipy.signal\n    return 1", "import scipy.signal"),
        (
            "from twice.kernels import naive\ndef correlate1d(x, w):\n    return naive.correlate1d(x, w)",
            "naive.correlate1d`,",
        ),
        (
            "def help(x, w):\n    return np.correlate(x, w)\ndef correlate1d(x, w):\n    return help(x, w)",
            "np.correlate",
        ),
    ],
)
def test_what_is_forbidden_is_named_as_it_stands_there(source, named):
    check, _ = notebook(source)
    error = failure(check, "correlate1d")
    assert error.verdict.status == "failed"
    assert f"`{named}" in str(error)
    assert "is what this exercise asks you to write yourself" in error.verdict.message


def test_what_only_sounds_forbidden_is_allowed():
    check, _ = notebook(
        "def correlate(x, w):\n    return 1\n" + RIGHT.replace("np.sum", "np.sum") + "    # np.correlate"
    )
    check("correlate1d")


def test_torch_answers_get_tensors_and_modules_are_told_what_their_weights_are_called():
    torch = pytest.importorskip("torch")
    source = "def conv2d_unfold(x, w, b, stride=1, padding=0):\n    kinds.append(type(x))\n    return x * 0"
    kinds = []
    check, namespace = notebook(source, torch=torch, nn=torch.nn, kinds=kinds)
    failure(check, "conv2d_unfold")
    assert kinds == [torch.Tensor]
    args, _ = check.case("conv2d_unfold")
    assert isinstance(args[0], torch.Tensor)
    for layer, says in [("Conv2d(1, 2, 3)", "lacks conv2.bias, conv2.weight"), ("Linear(1, 2)", "lacks conv2")]:
        run(namespace, MODULE.format(layer))
        assert says in str(failure(check, "TwoLayers"))
    run(namespace, "TwoLayers = lambda *n: 3")
    assert "what was built is a int, expected a torch.nn.Module" in str(failure(check, "TwoLayers"))
