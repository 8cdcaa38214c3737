"""The command `twice`, as a person types it."""

import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("typer")

from twice import cli, doctor


def run(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(words))
    return stopped.value.code, capsys.readouterr()


def test_doctor_prints_the_rows_and_exits_0_where_the_course_runs(capsys):
    status, said = run(capsys, "doctor")
    assert status == 0
    assert "NumPy" in said.out
    assert "The course runs here." in said.out


def test_doctor_exits_1_only_where_the_course_cannot_run(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Row("NumPy", "stop", "missing", "install it [now]")])
    status, said = run(capsys, "doctor")
    assert status == 1
    assert "install it [now]" in said.out
    assert "cannot run here" in said.out


@pytest.mark.parametrize(("met", "expected"), [(True, 0), (False, 1)])
def test_bench_hands_its_options_over_and_exits_1_where_a_bar_is_missed(capsys, monkeypatch, met, expected):
    given = {}
    monkeypatch.setitem(
        sys.modules, "twice.bench", SimpleNamespace(main=lambda **options: given.update(options) or met)
    )
    status, _ = run(capsys, "bench", "--threads", "2", "--only", "conv", "--json", "out.json")
    assert status == expected
    assert (given["threads"], given["only"], str(given["json"])) == (2, "conv", "out.json")


@pytest.mark.parametrize("words", [("bench", "--threads", "0"), ("no-such-command",)])
def test_a_wrong_command_line_exits_2(capsys, words):
    status, said = run(capsys, *words)
    assert status == 2
    assert "Usage" in said.err


def test_help_names_every_command(capsys):
    status, said = run(capsys, "--help")
    assert status == 0
    assert "doctor" in said.out
    assert "bench" in said.out


def test_claims_prints_the_ledger_and_its_counts(capsys):
    pytest.importorskip("torch")
    status, said = run(capsys, "claims", "--chapter", "pooling")
    assert status == 0
    assert "7 claims" in said.out


def test_claims_refuses_an_unknown_filter(capsys):
    pytest.importorskip("torch")
    status, said = run(capsys, "claims", "--document", "Z")
    assert status == 2
    assert "Z" in said.err


def test_data_without_names_says_which_sets_are_here(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TWICE_DATA", str(tmp_path))
    status, said = run(capsys, "data")
    assert status == 0
    assert "digits: " in said.out
    assert "mnist is not at" in said.out
