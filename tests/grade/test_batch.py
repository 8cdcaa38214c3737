"""Many submissions in processes that may die: each is graded once, and nothing one of them does reaches another."""

import hashlib
import os
import time
from types import SimpleNamespace

import psutil
import pytest

from small_class import grader, lines, notebook
from twice.grade import batch
from twice.grade.archive import Refused
from twice.grade.batch import Task

pytestmark = pytest.mark.slow


def task(name, add="right"):
    content = notebook(add=add, why=name)
    return Task(name, hashlib.sha256(content).hexdigest(), name, lambda: content)


def run(tasks, folder, jobs=2, **options):
    results = {}
    batch.run(tasks, grader(folder), jobs, lambda task, result: results.setdefault(task.name, result), **options)
    return results


def begun(folder):
    return [line.split()[2] for line in lines(folder) if line.startswith("begin")]


def workers(folder):
    return {line.split()[1] for line in lines(folder) if line.startswith("begin")}


def gone(pid):
    """Whether no such process runs any more, or will not in a moment."""
    for _ in range(50):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_each_is_graded_once_by_as_many_processes_as_asked_for(tmp_path):
    results = run([task(f"s{i}", "sleep 0.02" if i % 2 else "wrong") for i in range(8)], tmp_path)
    assert sorted(begun(tmp_path)) == sorted(results) == [f"s{i}" for i in range(8)]
    assert [results[f"s{i}"]["points"] for i in range(2)] == [35.0, 95.0]
    assert len(workers(tmp_path)) == 2


def test_nothing_to_do_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "Worker", None)
    assert run([], tmp_path) == {}


def test_a_process_that_dies_costs_one_submission_and_says_how(tmp_path):
    results = run([task("a", "die"), task("b"), task("c", "speak and die"), task("d")], tmp_path, jobs=1)
    assert {name: result["status"] for name, result in results.items()} == {
        "a": "infra_error",
        "b": "graded",
        "c": "infra_error",
        "d": "graded",
    }
    assert results["a"]["reason"] == "The grading process ended with status 3."
    assert results["c"]["reason"] == "The grading process ended with status 4: out of luck."
    assert begun(tmp_path) == ["a", "b", "c", "d"]


def test_a_fault_of_the_grader_is_told_with_its_place(tmp_path):
    result = run([task("a", "raise"), task("b")], tmp_path)["a"]
    assert result["status"] == "infra_error"
    assert "RuntimeError: a fault of the grader" in result["reason"]
    assert "small_class.py" in result["reason"]


def test_a_grader_without_end_is_stopped(tmp_path, monkeypatch):
    """By a clock that an hour passes on as soon as the endless one has begun."""
    monkeypatch.setattr(batch, "time", SimpleNamespace(monotonic=lambda: 3600.0 if begun(tmp_path) else 0.0))
    results = run([task("a", "sleep 600"), task("b")], tmp_path, jobs=1)
    assert results["a"]["reason"] == "The grader did not come to an end within 1800 s."
    assert results["b"]["status"] == "graded"


def test_what_cannot_be_read_any_more_is_refused(tmp_path):
    def read():
        raise Refused("It changed.")

    results = run([Task("a", "0", "a", read), task("b")], tmp_path)
    assert (results["a"]["status"], results["a"]["reason"]) == ("refused", "It changed.")
    assert results["b"]["status"] == "graded"


def test_whatever_ends_the_batch_ends_all_processes_and_their_children(tmp_path):
    def stop(task, result):
        while not any(line.startswith("child") for line in lines(tmp_path)):
            time.sleep(0.02)
        raise KeyboardInterrupt

    tasks = [task("a", "child and wait"), task("b"), task("c", "sleep 600")]
    with pytest.raises(KeyboardInterrupt):
        batch.run(tasks, grader(tmp_path), 2, stop)
    pids = [int(line.split()[1]) for line in lines(tmp_path) if line.startswith(("begin", "child"))]
    assert len(set(pids)) == 3
    assert [(pid, psutil.Process(pid).cmdline()) for pid in pids if not gone(pid)] == []


def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path):
    """Killed by a signal that nobody can catch, in the middle of a submission."""
    child = os.fork()
    if child == 0:
        run([task("a", "sleep 600")], tmp_path)
        os._exit(0)
    while not lines(tmp_path):
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert gone(int(lines(tmp_path)[0].split()[1]))


def test_nothing_that_a_grader_starts_can_speak_for_it(tmp_path):
    """A child of the grader that finds the open socket could forge a result: there is none to find."""
    result = run([task("a", "list files")], tmp_path)["a"]
    assert result["notes"] == [], "sockets that a child of the grader holds"
