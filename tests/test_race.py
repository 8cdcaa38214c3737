"""A race: statements timed in a process of their own."""

import os

import pytest

from twice.bench import race as room
from twice.bench.race import duration, race


def slowly(n):
    return sum(i for i in range(n))


@pytest.mark.slow
def test_a_race_finds_the_slower_one_and_says_where_it_ran():
    found = race(
        "import numpy as np\nx = np.ones(20_000)", given=[slowly], plain_loop="slowly(20_000)", NumPy="x.sum()"
    )
    assert found.ratio("plain loop", to="NumPy") > 5
    assert "1 thread" in repr(found)
    assert "logarithmic" in found._repr_html_()


@pytest.mark.slow
def test_a_race_runs_in_another_process_with_one_thread_and_tells_what_it_imported():
    check = f"assert os.getpid() != {os.getpid()} and os.environ['OMP_NUM_THREADS'] == '1'"
    race(f"import os, twice.kernels.scatter\n{check}", NumPy="1")
    assert any(file.endswith("scatter.py") for file in room.FILES)


@pytest.mark.slow
def test_what_fails_in_the_race_is_told():
    with pytest.raises(RuntimeError, match="NameError: name 'nothing' is not defined"):
        race("", NumPy="nothing")


def test_a_race_needs_a_runner():
    with pytest.raises(ValueError, match="no statement came"):
        race("")


@pytest.mark.parametrize(
    "seconds, said", [(2, "2 s"), (0.0123, "12.3 ms"), (4.5e-6, "4.5 µs"), (2e-9, "0.002 µs"), (0.001, "1 ms")]
)
def test_durations_have_three_digits_and_a_unit(seconds, said):
    assert duration(seconds) == said
