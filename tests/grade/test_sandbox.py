"""The walls themselves: what a kernel can see, use and change, tried with plain programs and with one kernel."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from grade.handing_in import PACKAGE, canonical, content, solved, statuses
from twice.grade import packages, sandbox
from twice.grade.kernel import Ended, Kind, NotStarted, OutOfTime, SandboxedKernel
from twice.grade.one import Grader
from twice.grade.rooms import rooms
from twice.grade.sandbox import Limits, NoSandbox

needs_one = pytest.mark.skipif(sandbox.obstacle() is not None, reason=f"no sandbox: {sandbox.obstacle()}")

THREE = """
for _ in range(3):
    if os.fork() == 0:
        {}
        time.sleep(60)
"""


def request(name, *args):
    return {"name": name, "args": args, "kwargs": {}, "engine": "numpy", "shape": "function", "forbidden": ()}


@pytest.fixture(scope="module")
def kernel():
    made = SandboxedKernel(Kind())
    yield made
    made.stop()


def told(kernel, expression):
    """What an expression gives in the kernel, as text."""
    error = kernel.run(f"raise ValueError({expression})", 10)
    assert error.startswith("ValueError: "), error
    return error.removeprefix("ValueError: ")


# ── choosing ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_sandbox_nothing_is_graded(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "obstacle", lambda: "bubblewrap is not installed: type this")
    grader = Grader(canonical(), tmp_path, package=PACKAGE)
    with pytest.raises(NoSandbox, match=r"Nothing is graded without a sandbox. bubblewrap is not installed: type this"):
        grader(content(solved()))


def test_none_must_be_asked_for_by_name(monkeypatch):
    monkeypatch.setattr(sandbox, "obstacle", lambda: "there is none")
    assert sandbox.choose("none") == "none"
    for name in ("auto", "bwrap"):
        with pytest.raises(NoSandbox):
            sandbox.choose(name)
    with pytest.raises(ValueError, match="expected 'auto', 'bwrap' or 'none'"):
        sandbox.choose("docker")


@pytest.mark.parametrize(
    "platform, program, reason",
    [("darwin", "/bin/bwrap", "virtual machine"), ("linux", None, "apt install bubblewrap")],
)
def test_what_is_missing_is_said_with_what_to_do(monkeypatch, platform, program, reason):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: program)
    assert reason in sandbox.obstacle.__wrapped__()


def test_results_without_a_sandbox_say_so(tmp_path):
    result = Grader(canonical(), tmp_path, package=PACKAGE, sandbox="none")(content(solved()))
    assert (result["sandbox"], result["points"]) == ("none", 90.0)
    assert set(statuses(result).values()) == {"passed"}


def test_a_grader_can_be_sent_to_another_process(tmp_path):
    grader = Grader(canonical(), tmp_path)
    assert pickle.loads(pickle.dumps(grader)) == grader


# ── walls ───────────────────────────────────────────────────────────────────────────────────────────────────────


@needs_one
def test_the_kernel_is_nobody_and_alone(kernel):
    assert told(kernel, "__import__('os').getuid()") != "0"
    assert told(kernel, "sorted(int(p) for p in __import__('os').listdir('/proc') if p.isdigit())") == "[1, 2]"
    status = told(kernel, "[l for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm', 'NoNewPrivs'))]")
    assert (
        status.replace("\\t", "") == "['CapPrm:0000000000000000\\n', 'CapEff:0000000000000000\\n', 'NoNewPrivs:1\\n']"
    )


@needs_one
def test_only_the_loop_that_is_down_is_there_of_the_network(kernel):
    assert told(kernel, "[n for _, n in __import__('socket').if_nameindex()]") == "['lo']"


@needs_one
@pytest.mark.parametrize(
    "name", ["torch", "pytest", "nbval", "twice.kernels", "twice.labs.exercise", "scipy", "sklearn"]
)
def test_other_packages_are_absent(kernel, name):
    assert kernel.run(f"import {name}", 10).startswith("ModuleNotFoundError")


@needs_one
@pytest.mark.parametrize(
    "name", ["numpy", "matplotlib.pyplot", "IPython", "sqlite3", "ssl", "ctypes", "multiprocessing"]
)
def test_what_belongs_to_python_and_its_kernel_is_there(kernel, name):
    assert kernel.run(f"import {name}", 20) is None


@needs_one
def test_nothing_but_temporary_folders_can_be_written(kernel):
    places = [
        *{
            os.path.expanduser("~"),
            "/",
            "/rooms/twice",
            "/dev",
            "/usr/lib",
            packages.search_path()[0],
            sys.base_prefix + "/lib",
        }
    ]
    walk = f"[p for p in {places!r} if __import__('os').access(p, __import__('os').W_OK)]"
    assert told(kernel, walk) == "[]"
    assert (
        kernel.run(
            "open('/tmp/a', 'w').write('x'); open('/dev/shm/a', 'w').write('x'); open('here', 'w').write('x')", 10
        )
        is None
    )
    assert not Path("/tmp/a").exists()


@needs_one
def test_home_and_environment_are_the_sandbox_s_own(kernel, monkeypatch):
    assert told(kernel, "__import__('os').path.expanduser('~')") == "/tmp/home"
    assert (
        told(kernel, "sorted(k for k in __import__('os').environ if 'PASS' in k or 'TOKEN' in k or 'VIRTUAL' in k)")
        == "[]"
    )


@needs_one
def test_rooms_that_are_allowed_can_be_imported_and_others_not():
    kernel = SandboxedKernel(Kind(allows=("twice.size",)))
    try:
        assert kernel.run("import twice.size", 10) is None
        assert kernel.run("import twice.kernels", 10).startswith("ModuleNotFoundError")
    finally:
        kernel.stop()


def test_the_folder_of_rooms_holds_no_answers():
    found = sorted(str(p.relative_to(rooms(()))) for p in rooms(()).rglob("*.py"))
    names = ("calling", "culprit", "forbidden", "plain")
    assert found == [
        "twice/__init__.py",
        "twice/grade/__init__.py",
        "twice/grade/student.py",
        "twice/labs/__init__.py",
        *(f"twice/labs/{n}.py" for n in names),
    ]
    with pytest.raises(ValueError, match="no room 'twice"):
        rooms(("twice.nonsense",))


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────


@needs_one
def test_arguments_go_in_and_data_comes_out(kernel):
    kernel.run("def double(x, k):\n    x *= k\n    return x, x.sum()", 10)
    x = np.arange(6.0).reshape(2, 3)
    reply = kernel.call(request("double", x, 2), 10, 10**6)
    np.testing.assert_array_equal(reply["value"][0], 2 * x)
    assert reply["value"][1] == 30.0


@needs_one
def test_cells_run_between_calls(kernel):
    kernel.run("def f():\n    return 1", 10)
    assert kernel.call(request("f"), 10, 10**6)["value"] == 1
    assert kernel.run("1 / 0", 10) == "ZeroDivisionError: division by zero"
    kernel.run("def f():\n    return 2", 10)
    assert kernel.call(request("f"), 10, 10**6)["value"] == 2


@needs_one
def test_an_answer_that_changes_what_came_in_is_told_where_that_is_not_allowed(kernel):
    kernel.run("def doubled(x):\n    x *= 2\n    return x", 10)
    asked = request("doubled", np.array([1.0, 2]))
    np.testing.assert_array_equal(kernel.call(asked, 10, 10**6)["value"], [2, 4])
    reply = kernel.call({**asked, "keeps": True}, 10, 10**6)
    assert reply["kind"] == "student_error"
    assert "your function has changed `x`" in reply["message"]


@needs_one
def test_an_answer_larger_than_its_limit_is_not_read(kernel):
    made = SandboxedKernel(Kind())
    made.run("def f():\n    return 'x' * 10**6", 10)
    with pytest.raises(Exception, match="expected at most 1000"):
        made.call(request("f"), 10, 1000)
    made.stop()


@needs_one
def test_a_kernel_that_is_stopped_leaves_nothing():
    made = SandboxedKernel(Kind())
    made.run("import os, time\n" + THREE.format("os.setsid()"), 1)
    tree = [*sandbox._tree(made.process.pid)]
    assert len(tree) == 6
    made.stop()
    time.sleep(0.1)
    assert [pid for pid in tree if Path(f"/proc/{pid}").exists()] == []
    assert not made._folder.exists()


@needs_one
def test_time_is_the_processor_s_within_patience():
    made = SandboxedKernel(Kind())
    begun = time.monotonic()
    with pytest.raises(OutOfTime):
        made.run("import time\ntime.sleep(60)", 0.3)
    assert 0.9 < time.monotonic() - begun < 5
    made.stop()


@needs_one
def test_memory_of_all_processes_counts():
    made = SandboxedKernel(Kind(limits=Limits(memory=300 * 2**20)))
    with pytest.raises(Ended, match="more than 300 MB of memory"):
        made.run("import os, time\n" + THREE.format("x = b'1' * (120 * 2**20)") + "time.sleep(60)", 30)
    made.stop()


@needs_one
def test_memory_that_processes_share_counts_once():
    made = SandboxedKernel(Kind(limits=Limits(memory=300 * 2**20)))
    share = "import os, time\nx = b'1' * (120 * 2**20)\n" + THREE.format("time.sleep(0.3)")
    assert made.run(share.replace("time.sleep(60)", "os._exit(0)") + "time.sleep(0.5)", 30) is None
    made.stop()


@needs_one
def test_a_kernel_that_does_not_come_up_is_a_fault_of_the_machinery(monkeypatch):
    monkeypatch.setattr(sandbox, "interpreter", lambda: ["/bin/sh", "-c", "echo broken >&2; exit 3", "x"])
    with pytest.raises(NotStarted, match="broken"):
        SandboxedKernel(Kind())


@needs_one
def test_the_sandbox_starts_at_once(tmp_path):
    """20 ms on a machine at rest; the median of some starts, with room for a busy one."""
    start = [*sandbox.command(rooms(()), tmp_path, (), Limits()), "/bin/sh", "-c", ":"]
    times = []
    for _ in range(15):
        begun = time.perf_counter()
        subprocess.run(start, env={}, check=True)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.1


def test_demand_tells_the_busy_from_the_idle_however_little_they_get():
    busy = subprocess.Popen(["nice", "-n", "19", sys.executable, "-c", "while True: pass"])
    idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        time.sleep(0.5)  # both have started
        before = sandbox.demand(busy.pid), sandbox.demand(idle.pid)
        time.sleep(0.3)
        assert sandbox.demand(busy.pid) - before[0] > 0.15
        assert sandbox.demand(idle.pid) - before[1] < 0.05
    finally:
        for process in (busy, idle):
            process.kill()
            process.wait()
