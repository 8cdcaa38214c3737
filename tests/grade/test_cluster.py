"""The same batch on a Dask cluster: a real scheduler and worker processes of this machine."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from small_class import about, grader, lines, notebook, process

pytest.importorskip("distributed")

from twice.grade import cluster
from twice.grade.batch import Task
from twice.grade.engine import CannotGrade

pytestmark = pytest.mark.slow


def task(name, add="right"):
    content = notebook(add=add, why=name)
    return Task(name, hashlib.sha256(content).hexdigest(), name, lambda: content)


def started(folder, name, *words):
    """A process of Dask's command line, and what it said first."""
    log = folder / f"{name}.log"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    with open(log, "wb") as out:
        command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
        process = subprocess.Popen(command, stdout=out, stderr=out, env=env, start_new_session=True, cwd=folder)
    return process, log


@pytest.fixture
def scheduler(tmp_path):
    process, log = started(
        tmp_path, "scheduler", "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
    )
    try:
        for _ in range(300):
            found = re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())
            if found:
                break
            time.sleep(0.1)
        yield found[0]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def workers(scheduler, tmp_path):
    options = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(tmp_path))
    processes = [started(tmp_path, f"worker{i}", "dask_worker", scheduler, *options)[0] for i in range(2)]
    yield processes
    for one in processes:
        if one.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
        one.wait()


def counted(folder, word):
    return Counter(line.split()[2] for line in lines(folder) if line.startswith(word))


def test_a_class_is_graded_and_who_kills_the_grader_costs_itself_alone(scheduler, workers, tmp_path):
    results = {}
    tasks = [task("a", "wrong"), task("b", "die"), *(task(f"s{i}") for i in range(6))]
    cluster.run(tasks, grader(tmp_path), scheduler, lambda task, result: results.setdefault(task.name, result), about)
    assert Counter(result["status"] for result in results.values()) == {"graded": 7, "infra_error": 1}
    assert results["a"]["points"] == 35.0
    assert set(counted(tmp_path, "begin").values()) == {1}


def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(scheduler, workers, tmp_path):
    """Counted by what the graders themselves write: every submission ends once, and only what the dead worker had in
    its hands begins twice."""
    results, dead = [], []

    def done(task, result):
        results.append((task.name, result["status"]))
        if len(results) == 4:
            os.kill(workers[0].pid, signal.SIGKILL)
            dead.append(workers[0].pid)

    names = [f"s{i}" for i in range(12)]
    cluster.run([task(name, "sleep 0.5") for name in names], grader(tmp_path), scheduler, done, about)
    assert dead
    assert sorted(results) == sorted((name, "graded") for name in names)
    assert counted(tmp_path, "end") == Counter(names)
    again = [name for name, count in counted(tmp_path, "begin").items() if count > 1]
    assert len(again) <= 1, "no more than the one submission that the dead worker was at"


def test_workers_that_differ_from_this_machine_do_not_grade(scheduler, workers, tmp_path):
    with pytest.raises(CannotGrade, match=r"the worker tcp://.* has process \d+, expected \d+ as here"):
        cluster.run([task("a")], grader(tmp_path), scheduler, lambda *_: None, process)
    assert lines(tmp_path) == []


def test_no_scheduler_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(CannotGrade, match=r"scheduler: no worker was reached at tcp://127\.0\.0\.1:1"):
        cluster.run([], grader(), "tcp://127.0.0.1:1", lambda *_: None)
