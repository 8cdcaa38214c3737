"""`twice doctor`: each row from given facts, and when the course cannot run."""

import pytest

from twice import doctor

OPENBLAS = {"internal_api": "openblas", "version": "0.3.30", "architecture": "Zen", "num_threads": 2, "filepath": "x"}


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 14), "stop"), ((3, 11, 0), "ok"), ((3, 13, 1), "ok"), ((4, 0, 0), "ok")]
)
def test_python_below_3_11_stops_the_course(version, state):
    assert doctor.python_row(version).state == state


@pytest.mark.parametrize(
    ("version", "state"), [(None, "stop"), ("1.26.4", "stop"), ("2.0.0rc1", "ok"), ("2.4.6", "ok"), ("10.0", "ok")]
)
def test_numpy_below_2_stops_the_course(version, state):
    row = doctor.numpy_row(version)
    assert row.state == state
    assert ("pip install" in row.advice) == (state == "stop")


def test_blas_row_names_library_kernel_and_threads():
    row = doctor.blas_row([OPENBLAS], {})
    assert (row.state, row.found) == ("ok", "openblas 0.3.30, kernel Zen, 2 threads")


def test_a_single_thread_is_not_plural():
    assert doctor.blas_row([{**OPENBLAS, "num_threads": 1}], {}).found.endswith("1 thread")


def test_a_pinned_blas_kernel_is_reported_with_what_to_type():
    row = doctor.blas_row([OPENBLAS], {"OPENBLAS_CORETYPE": "Haswell", "HOME": "/"})
    assert row.state == "note"
    assert "OPENBLAS_CORETYPE=Haswell" in row.found
    assert row.advice == "unset OPENBLAS_CORETYPE"


def test_blas_libraries_are_those_of_numpy():
    libraries = doctor.blas_libraries()
    assert all(library["user_api"] == "blas" for library in libraries)


def test_a_missing_package_says_what_for_and_what_to_type():
    row = doctor.package_row("Nothing", "no-such-distribution", "no-such-distribution>=1", "the impossible")
    assert row.state == "note"
    assert "the impossible" in row.found
    assert row.advice == 'python -m pip install "no-such-distribution>=1"'


def test_an_old_package_is_not_ok(monkeypatch):
    monkeypatch.setattr(doctor, "installed", lambda distribution: "2.8.1+cpu")
    assert doctor.package_row("PyTorch", "torch", "torch>=2.9", "pages").state == "note"
    assert doctor.package_row("PyTorch", "torch", "torch>=2.8", "pages").state == "ok"


@pytest.mark.parametrize(
    ("facts", "state", "says"),
    [
        (("NVIDIA H100", "13.0", True), "ok", "NVIDIA H100"),
        ((None, "13.0", False), "note", "CPU"),
        ((None, None, True), "note", "no PyTorch built for CUDA"),
        ((None, "13.0", True), "note", "cannot use"),
    ],
)
def test_cuda_row_tells_the_four_cases_apart(facts, state, says):
    row = doctor.cuda_row(*facts)
    assert row.state == state
    assert says in row.found


def test_bubblewrap_is_for_linux():
    assert "Linux" in doctor.bubblewrap_row("darwin", None).found
    assert doctor.bubblewrap_row("linux", None).advice == "sudo apt install bubblewrap"


@pytest.mark.parametrize(("starts", "state"), [(True, "ok"), (False, "note")])
def test_a_sandbox_that_does_not_start_is_not_ok(monkeypatch, starts, state):
    monkeypatch.setattr(doctor, "sandbox_starts", lambda program: starts)
    assert doctor.bubblewrap_row("linux", "/usr/bin/bwrap").state == state


def test_a_program_that_is_not_there_starts_no_sandbox():
    assert not doctor.sandbox_starts("/no/such/program")


def test_twice_data_names_the_folder(tmp_path):
    assert doctor.data_folder({"TWICE_DATA": str(tmp_path)}) == tmp_path
    assert doctor.data_folder({}).parts[-2:] == (".cache", "twice")


def test_data_row_lists_the_sets(tmp_path):
    for name in ("mnist.npz", "cifar10.npz", "notes.txt"):
        (tmp_path / name).touch()
    assert doctor.data_row(tmp_path).found.endswith("cifar10, mnist")


def test_data_row_without_a_folder_says_how_to_make_it(tmp_path):
    row = doctor.data_row(tmp_path / "none")
    assert row.advice == f"mkdir -p {tmp_path / 'none'}"


def test_a_file_is_no_data_folder(tmp_path):
    (tmp_path / "file").write_text("")
    assert doctor.data_row(tmp_path / "file").state == "note"


def test_the_course_runs_unless_a_row_says_stop():
    note, stop = doctor.Row("a", "note", "b"), doctor.Row("a", "stop", "b")
    assert doctor.can_run([note, note])
    assert not doctor.can_run([note, stop])


def test_this_machine_runs_the_course():
    rows = doctor.examine({})
    assert doctor.can_run(rows)
    assert [row.subject for row in rows][:3] == ["Python", "NumPy", "BLAS"]
    assert len({row.subject for row in rows}) == len(rows) == 11
